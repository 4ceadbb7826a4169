"""`Orchestrator`: the pool for people who want one call and a dictionary back.

The same engine as everywhere else, without a framework around it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from openmux_lc.call_options import CallOptions
from openmux_lc.engine.ask import aask, ask
from openmux_lc.mux import Mux, to_request
from openmux_lc.types.catalog import Task
from openmux_lc.types.json import Json

__all__ = ["Orchestrator", "Processed"]


class Processed(TypedDict):
    """What `process` returns.

    `response` is the answer, `model` the route that gave it, `reasons` why it was
    chosen, `report` the whole report.
    """

    response: str
    model: str
    task: str
    confidence: float
    reasons: list[str]
    report: dict[str, Json]


class Orchestrator:
    """Asks the pool and tells where the answer came from (S1-01).

    Args:
        model: `auto`, a route, or a list of routes in order.
        task: Overrides the classifier (S0-07).
        routing_profile: Name of the weights; default the settings' own.
        mux: Default the process's own pool.

    Example:
        >>> from openmux_lc import Orchestrator
        >>> Orchestrator(model="auto")
        Orchestrator(model=('auto',))
    """

    def __init__(
        self,
        model: str | Sequence[str] = "auto",
        *,
        task: Task | None = None,
        routing_profile: str | None = None,
        mux: Mux | None = None,
    ) -> None:
        """Check and keep the wishes; nothing is read before the first question.

        Raises:
            ConfigError: An option does not fit; names it.
        """
        self._options = CallOptions.checked({"model": model, "task": task, "routing_profile": routing_profile})
        self._mux = mux

    def __repr__(self) -> str:
        """Name the chain."""
        return f"Orchestrator(model={self._options.model!r})"

    @property
    def mux(self) -> Mux:
        """The pool behind it."""
        return self._mux or Mux.default()

    def process(self, text: str) -> Processed:
        """Return the answer to `text`, with its route and reasons.

        Raises:
            NoRouteError: No route can serve the request.
            AllRoutesFailedError: Every route failed.
        """
        mux = self.mux
        asked = ask(mux, to_request(text), self._options.to_options(mux.default_options()))
        return _processed(asked.answer.text, asked.report)

    async def aprocess(self, text: str) -> Processed:
        """Return what `process` returns, without blocking the loop."""
        mux = self.mux
        asked = await aask(mux, to_request(text), self._options.to_options(mux.default_options()))
        return _processed(asked.answer.text, asked.report)


def _processed(text: str, report: dict[str, Json]) -> Processed:
    why = report["why"]
    confidence = report["confidence"]
    return Processed(
        response=text,
        model=str(report["route"]),
        task=str(report["task"]),
        confidence=confidence if isinstance(confidence, float) else float(str(confidence)),
        reasons=[str(line) for line in why] if isinstance(why, list) else [],
        report=report,
    )
