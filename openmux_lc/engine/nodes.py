"""The four steps of a run, as functions that a graph or a plain loop calls.

`classify -> select -> call -+-> call | combine | end`. Each step reads and writes the
run; deciding what comes next is `routing.progress` alone.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal

from openmux_lc.combine.combine import combine
from openmux_lc.engine.outcome import all_failed, no_route
from openmux_lc.engine.overflow import acondense, condense, has_overflowed, shorten
from openmux_lc.engine.run_state import Run
from openmux_lc.engine.stream import AsyncPoolStream, PoolStream
from openmux_lc.engine.wave import arun_wave, run_wave
from openmux_lc.routing.history import mended
from openmux_lc.routing.progress import next_calls
from openmux_lc.types.run import Answer, Plan, Wave

if TYPE_CHECKING:
    from openmux_lc.mux import Mux

__all__ = ["MAX_WAVES", "Nodes", "Step"]

Step = Literal["call", "combine", "end"]
MAX_WAVES: Final = 64


class Nodes:
    """The steps, bound to one pool."""

    def __init__(self, mux: Mux) -> None:
        """Bind to `mux`."""
        self.mux = mux

    def classify(self, run: Run) -> None:
        """Say what kind of request this is, its history in order."""
        history = mended(run.request.messages)
        if history.notes:
            run.request = replace(run.request, messages=history.messages)
            run.notes += history.notes
        run.classification = self.mux.classify(run.request, run.options.task)

    def select(self, run: Run) -> None:
        """Plan which routes are asked, in which order.

        Raises:
            NoRouteError: None can serve the request; names each reason.
        """
        run.plan = self._planned(run)
        window = run.plan.largest_window
        if window is not None and shorten(run, window):
            run.plan = self._planned(run)
        if not any(run.plan.branches):
            error = no_route(self.mux, run.plan)
            self.mux.remember(run.report())
            raise error

    def next_wave(self, run: Run) -> Wave:
        """Return what is to be called next; an empty wave means done."""
        attempts = run.attempts[run.since :] if run.since else run.attempts
        return next_calls(self.plan_of(run), attempts, run.answers, time.monotonic(), run.deadline)

    def call(self, run: Run) -> PoolStream | None:
        """Run one wave; return the opened stream where one is wanted."""
        condense(self, run)
        segment = run_wave(self.mux, run, self.next_wave(run))
        run.stream = PoolStream(self.mux, run, segment) if segment else None
        return run.stream

    async def acall(self, run: Run) -> AsyncPoolStream | None:
        """Run one wave; return the opened stream where one is wanted."""
        await acondense(self, run)
        segment = await arun_wave(self.mux, run, self.next_wave(run))
        run.astream = AsyncPoolStream(self.mux, run, segment) if segment else None
        return run.astream

    def after_call(self, run: Run) -> Step:
        """Return the step that follows a wave."""
        if run.stream is not None or run.astream is not None:
            return "end"
        if self.next_wave(run).calls or self._is_shortened(run):
            return "call"
        return "combine" if len(run.answers) > 1 else "end"

    def combine(self, run: Run) -> None:
        """Make one answer of several."""
        answers = tuple(run.answers)
        run.final = combine(answers, run.options.strategy)
        run.notes.append(f"combined {len(answers)} answers by {run.options.strategy!r}")

    def result(self, run: Run) -> Answer:
        """Return the run's answer and log its report.

        Raises:
            AllRoutesFailedError: Every route that the plan allowed failed.
        """
        answer = run.answer
        self.log(run)
        if answer is None:
            causes: list[Exception] = [*run.errors] or [RuntimeError("no call")]
            raise all_failed(self.mux, run) from ExceptionGroup("every attempt failed", causes)
        return answer

    def log(self, run: Run) -> None:
        """Keep the run's report in the run log, once; logging again replaces it."""
        answer = run.answer
        failed = sum(1 for attempt in run.attempts if attempt.outcome == "failed")
        if answer is not None and failed and run.told is None:
            run.notes.append(
                f"no route kept to what was asked for; {answer.route} came last"
                if answer is run.broken
                else f"{answer.route} answered after {failed} failed attempt{'s' if failed > 1 else ''}"
            )
        if run.told is None and run.options.max_wait_s:
            waits = [attempt for attempt in run.attempts if attempt.waited_s]
            run.notes += [f"waited {attempt.waited_s:.1f} s before {attempt.route} was asked" for attempt in waits]
        run.told = run.report(answer)
        self.mux.remember(run.told)

    def plan_of(self, run: Run) -> Plan:
        """Return the run's plan; a run resumed after a crash is planned again."""
        if run.plan is None:
            self.select(run)
        assert run.plan is not None  # noqa: S101 - `select` sets it or raises
        return run.plan

    def _planned(self, run: Run) -> Plan:
        return self.mux.plan(run.request, run.options, classification=run.classification, previous=run.previous)

    def _is_shortened(self, run: Run) -> bool:
        """Shorten a prompt that every route refused as too long, once; return whether there is somebody to ask.

        What the routes named as their windows has been learned by now.
        """
        if not has_overflowed(run):
            return False
        window = self._planned(run).largest_window
        if window is None or not shorten(run, window):
            return False
        plan = self._planned(run)
        run.plan, run.since = plan, len(run.attempts)
        return bool(self.next_wave(run).calls)
