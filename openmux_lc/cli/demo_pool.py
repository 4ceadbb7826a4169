"""The demo's pool, and a run of it that can be watched step by step.

Everything in it is on loopback and says so: three upstreams that fail in ways that
real providers do, and one real engine. They are this pool's only providers.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import TracebackType
from typing import Final, Self

from openmux_lc.catalog.catalog import Catalog
from openmux_lc.engine.nodes import Nodes
from openmux_lc.engine.run_state import Run
from openmux_lc.ledger.ledger import Ledger
from openmux_lc.local.embedded import TINY_MODEL_ID, embedded_engine
from openmux_lc.mux import Mux
from openmux_lc.settings import Settings
from openmux_lc.testing import Behaviour, FakeUpstream, cut, html_page, rate_limited_go_duration
from openmux_lc.types.catalog import Auth, FreeRule, Model, Profile, Provider, Route
from openmux_lc.types.json import JsonObject
from openmux_lc.types.report import to_report
from openmux_lc.types.run import Attempt, Options, Request

__all__ = ["WatchedRun", "demo_pool"]

_TIMEOUT_S: Final = 30.0
_LONGEST_ANSWER: Final = 160
_FAILING: Final[tuple[tuple[str, Behaviour], ...]] = (
    ("demo-out-of-quota", rate_limited_go_duration()),
    ("demo-broken", html_page()),
    ("demo-cut-off", cut(0)),
)
_PRETENDED: Final = Model(id="pretends-to-be-big", capability=0.95, quality={"default": 0.95})
_TINY: Final = Model(
    id=TINY_MODEL_ID,
    capability=0.02,
    quality={"default": 0.02},
    profile=Profile(max_input_tokens=2048, max_output_tokens=1024, tool_calling=True, reasoning_output=True),
)


@contextlib.contextmanager
def demo_pool() -> Iterator[Mux]:
    """Yield a pool of one real tiny engine and three providers that fail.

    Raises:
        ConfigError: llama.cpp is not installed.
        OpenMuxError: The engine did not start.
    """
    with contextlib.ExitStack() as parts:
        engine = parts.enter_context(embedded_engine())
        rows = [
            _row(name, parts.enter_context(FakeUpstream(behaviour)).base_url, _PRETENDED, rank)
            for rank, (name, behaviour) in enumerate(_FAILING)
        ]
        rows.append(_row("demo-llama-cpp", engine, _TINY, len(rows)))
        catalog = Catalog(providers={row.id: row for row in rows})
        ledger = Ledger.open("memory:")
        yield parts.enter_context(Mux(Settings(state_url="memory:"), catalog=catalog, ledger=ledger))


def _row(name: str, base_url: str, model: Model, rank: int) -> Provider:
    return Provider(
        id=name,
        name=name,
        base_url=base_url,
        is_local=True,
        auth=Auth(mode="none"),
        free=FreeRule(all_models=True, kind="local"),
        models=(model,),
        rank=rank,
        source="openmux demo",
        origin="user",
    )


class WatchedRun:
    """One question on its way through the pool, the engine's own steps one by one.

    Args:
        mux: The pool.
        text: The question.
    """

    def __init__(self, mux: Mux, text: str) -> None:
        """Begin; nothing is asked yet."""
        request = Request(messages=({"role": "user", "content": text},), temperature=0.0, max_tokens=_LONGEST_ANSWER)
        self._nodes = Nodes(mux)
        self._run = Run(request=request, options=Options(timeout_s=_TIMEOUT_S), wants_stream=True)

    def __enter__(self) -> Self:
        """Return the run itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hang up."""
        self._run.close()

    def classify(self) -> str:
        """Return what kind of question it is, in words."""
        self._nodes.classify(self._run)
        found = self._run.classification
        return f"classified as {found.task} ({found.confidence:.0%} sure)" if found else "not classified"

    def select(self) -> str:
        """Return who is asked, in which order, in words.

        Raises:
            NoRouteError: The question fits nobody here.
        """
        self._nodes.select(self._run)
        plan = self._nodes.plan_of(self._run)
        names = [f"{route.provider}" for branch in plan.branches for route in branch]
        return f"the order to ask in: {', '.join(names)}"

    def next_route(self) -> Route | None:
        """Return who is asked next; None when an answer has begun or nobody is left."""
        if self._run.stream is not None or self._run.answers:
            return None
        calls = self._nodes.next_wave(self._run).calls
        return calls[0][1] if calls else None

    def call(self) -> Iterator[tuple[str, str]]:
        """Ask, and yield a mark and a line for whatever came of it."""
        known = len(self._run.attempts)
        stream = self._nodes.call(self._run)
        for attempt in self._run.attempts[known:]:
            yield "✗", _failure(attempt)
        if stream is not None:
            yield "✓", f"{stream.route} answers:"

    def pieces(self) -> Iterator[str]:
        """Yield the answer as it comes.

        Raises:
            AllRoutesFailedError: There is none.
            StreamInterruptedError: It broke off.
        """
        if self._run.stream is not None:
            for chunk in self._run.stream:
                yield chunk.text
        self._nodes.result(self._run)

    def report(self) -> JsonObject:
        """Return the whole report, once the answer has come."""
        return to_report(self._run.report(self._run.final or self._run.answers[0]))


def _failure(attempt: Attempt) -> str:
    status = f" {attempt.status_code}" if attempt.status_code else ""
    until = f", again in {attempt.retry_after:.0f} s" if attempt.retry_after else ""
    return f"{attempt.route}: {attempt.error}{status}{until} ({attempt.elapsed_s * 1000:.0f} ms), so to the next one"
