"""The engine for surfaces without a framework: ask for an answer, or for a stream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from openmux_lc.engine.nodes import Nodes
from openmux_lc.engine.run import arun, run
from openmux_lc.engine.run_state import Run
from openmux_lc.types.json import Json
from openmux_lc.types.report import to_report
from openmux_lc.types.run import Answer, Chunk, Options, Request

if TYPE_CHECKING:
    from openmux_lc.mux import Mux
    from openmux_lc.types.catalog import Route

__all__ = ["AnswerStream", "Asked", "aask", "ask"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An answer with the whole report that explains it."""

    answer: Answer
    report: dict[str, Json]


def ask(mux: Mux, request: Request, options: Options | None = None, *, previous: Route | None = None) -> Asked:
    """Return the pool's answer.

    Raises:
        NoRouteError: No route can serve the request.
        AllRoutesFailedError: Every route that the plan allowed failed.
    """
    nodes, state = Nodes(mux), Run(request=request, options=options or mux.default_options(), previous=previous)
    run(nodes, state)
    answer = nodes.result(state)
    return Asked(answer=answer, report=to_report(state.told or state.report(answer)))


async def aask(mux: Mux, request: Request, options: Options | None = None, *, previous: Route | None = None) -> Asked:
    """Return the pool's answer; raises as `ask` does."""
    nodes, state = Nodes(mux), Run(request=request, options=options or mux.default_options(), previous=previous)
    await arun(nodes, state)
    answer = nodes.result(state)
    return Asked(answer=answer, report=to_report(state.told or state.report(answer)))


class AnswerStream:
    """A streamed answer: iterate for chunks; `answer` and `report` are there at the end.

    Use it in a `with` statement, so that leaving early hangs up.
    """

    def __init__(
        self, mux: Mux, request: Request, options: Options | None = None, *, previous: Route | None = None
    ) -> None:
        """Prepare; the first call is made when iteration begins."""
        self._nodes = Nodes(mux)
        self._run = Run(request=request, options=options or mux.default_options(), wants_stream=True, previous=previous)
        self.answer: Answer | None = None
        self.report: dict[str, Json] = {}

    def __iter__(self) -> Iterator[Chunk]:
        """Yield chunks.

        Raises:
            NoRouteError: No route can serve the request.
            AllRoutesFailedError: Every route that the plan allowed failed.
            StreamInterruptedError: The provider broke off after the first content.
        """
        state = self._run
        run(self._nodes, state)
        try:
            if state.stream is not None:
                yield from state.stream
            elif state.answers:
                final = self._nodes.result(state)
                yield Chunk(text=final.text, finish_reason=final.finish_reason, usage=final.usage, model=final.model)
            self.answer = self._nodes.result(state)
        finally:
            self.close()
            if state.told is None:  # it broke, or the reader left
                self._nodes.log(state)
            self.report = to_report(state.told or state.report(self.answer))

    def close(self) -> None:
        """Hang up; safe to call twice."""
        self._run.close()

    def __enter__(self) -> Self:
        """Return the stream itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up."""
        self.close()
