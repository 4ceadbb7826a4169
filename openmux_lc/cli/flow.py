"""Pours a streamed answer out: text to standard output, reasoning to standard error."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Self

from openmux_lc.cli.output import write, write_dim
from openmux_lc.engine.ask import AnswerStream
from openmux_lc.types.json import JsonObject

if TYPE_CHECKING:
    from openmux_lc.mux import Mux
    from openmux_lc.types.catalog import Route
    from openmux_lc.types.run import Chunk, Options, Request

__all__ = ["Flow"]


class Flow:
    """One streamed answer on its way to the reader.

    Args:
        mux: The pool.
        request: What to answer.
        options: How.
        previous: The route that answered last in this conversation.
    """

    def __init__(self, mux: Mux, request: Request, options: Options, *, previous: Route | None = None) -> None:
        """Prepare; `pour` makes the call."""
        self._stream = AnswerStream(mux, request, options, previous=previous)
        self._parts: list[str] = []
        self._is_thinking = False

    @property
    def text(self) -> str:
        """The answer so far, also after a break."""
        return "".join(self._parts)

    @property
    def report(self) -> JsonObject:
        """The run's report, once it has ended."""
        return self._stream.report

    def pour(self) -> Self:
        """Write the answer as it comes and end its last line, whatever happens.

        Raises:
            NoRouteError: No route can serve the request.
            AllRoutesFailedError: Every route failed.
            StreamInterruptedError: The provider broke off; what came is written.
        """
        chunks = iter(self._stream)
        try:
            for chunk in chunks:
                self._take(chunk)
        finally:
            self._end()
            if isinstance(chunks, Generator):
                chunks.close()  # a stopped answer is settled and reported now, not when it is collected
            self._stream.close()
        return self

    def _take(self, chunk: Chunk) -> None:
        if chunk.reasoning:
            self._is_thinking = True
            write_dim(chunk.reasoning)
        if chunk.text:
            self._stop_thinking()
            self._parts.append(chunk.text)
            write(chunk.text)

    def _end(self) -> None:
        self._stop_thinking()
        if self._parts and not self._parts[-1].endswith("\n"):
            write("\n")

    def _stop_thinking(self) -> None:
        if self._is_thinking:
            self._is_thinking = False
            write_dim("\n")
