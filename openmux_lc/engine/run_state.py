"""One run: its deadline, what was tried, and the handles to close at its end.

The caller makes a `Run` and closes it in `finally`; a handle that lived only in a
graph's state would be an orphan as soon as the run is cancelled.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from openmux_lc.errors import ProviderError
from openmux_lc.types.catalog import Route
from openmux_lc.types.run import Answer, Attempt, Classification, Options, Outcome, Plan, Report, Request
from openmux_lc.types.timing import Hedged

if TYPE_CHECKING:
    from openmux_lc.engine.segment import Segment
    from openmux_lc.engine.stream import AsyncPoolStream, PoolStream

__all__ = ["Run", "attempt_from_error"]


@dataclass(slots=True)
class Run:
    """The live part of answering one request.

    Args:
        request: What to answer.
        options: How the pool may answer it.
        wants_stream: The first answer is opened as a stream.
        previous: The route that answered last in this conversation.
        tokens: What the ledger sets aside, where it is more than one prompt's.
        repairs: By route, the request that shows a model its broken answer.
        broken: The last answer that broke its contract.
        to_condense: The request for a summary of what was left out of the prompt.
        since: How many attempts were made before the prompt was shortened.
        segments: The routes that had a part in a streamed answer, in order.
        told: The report as it was logged; there once the run has ended.
        waited_s: How long was waited before the latest wave.
        hedged: How a late call was asked twice.
        outrun: Routes that lost such a race; what becomes of their calls is booked, not told.
        opening: Streams whose first content is waited for, by thread code.
        sleep: Waits before a repeat, in seconds; `asleep` does so in async code.
    """

    request: Request
    options: Options
    wants_stream: bool = False
    tokens: int | None = None
    previous: Route | None = None
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    started: float = field(default_factory=time.monotonic)
    classification: Classification | None = None
    plan: Plan | None = None
    stream: PoolStream | None = None
    astream: AsyncPoolStream | None = None
    final: Answer | None = None
    segments: list[Route] = field(default_factory=list)
    told: Report | None = None
    broken: Answer | None = None
    to_condense: Request | None = field(default=None, repr=False)
    since: int = 0
    repairs: dict[Route, Request] = field(default_factory=dict, repr=False)
    attempts: list[Attempt] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    errors: list[ProviderError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    waited_s: float = 0.0
    hedged: Hedged | None = None
    outrun: set[Route] = field(default_factory=set)
    opening: dict[Route, Segment] = field(default_factory=dict, repr=False)
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    asleep: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep, repr=False)

    @property
    def deadline(self) -> float:
        """`time.monotonic()` at which the run has to end."""
        return self.started + self.options.timeout_s

    @property
    def remaining_s(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self.deadline - time.monotonic())

    @property
    def streams(self) -> bool:
        """Whether the answer is to be opened as a stream: only a single one can be."""
        return self.wants_stream and self.options.fan_out == 1

    @property
    def answer(self) -> Answer | None:
        """The answer to give, None where there is none; a broken one only where the caller wants it."""
        if self.final or self.answers:
            return self.final or self.answers[0]
        return self.broken if self.options.on_broken_contract == "answer" else None

    def wait(self, seconds: float) -> None:
        """Wait before a repeat or for a route, never beyond the deadline."""
        self.waited_s = min(seconds, self.remaining_s)
        if self.waited_s > 0:
            self.sleep(self.waited_s)

    async def await_s(self, seconds: float) -> None:
        """Wait like `wait` without blocking the loop."""
        self.waited_s = min(seconds, self.remaining_s)
        if self.waited_s > 0:
            await self.asleep(self.waited_s)

    def close(self) -> None:
        """Hang up what is still open; the caller's `finally`."""
        if self.stream is not None:
            self.stream.close()

    async def aclose(self) -> None:
        """Hang up what is still open; the caller's `finally`."""
        if self.astream is not None:
            await self.astream.aclose()

    def fail(self, attempt: Attempt, error: ProviderError) -> None:
        """Add a failed attempt with the error behind it, unless nobody waits for it any more."""
        if attempt.route in self.outrun:
            return
        self.attempts.append(attempt)
        self.errors.append(error)

    def succeed(self, attempt: Attempt, answer: Answer) -> None:
        """Add an answered attempt, unless nobody waits for it any more."""
        if attempt.route in self.outrun:
            return
        self.attempts.append(attempt)
        self.answers.append(answer)

    def report(self, answer: Answer | None = None) -> Report:
        """Return the report as of now; `answer` is the final one."""
        plan = self.plan
        assert plan is not None, "a report needs a plan"  # noqa: S101 - a programming error, not input
        why = (*plan.why, *self.notes)
        parts = self.segments if len(self.segments) > 1 else [each.route for each in self.answers if answer]
        report = Report(
            run_id=self.id,
            classification=plan.classification,
            why=why,
            attempts=tuple(self.attempts),
            candidates=plan.candidates,
            rejected=plan.rejected,
            wait=plan.wait,
            hedged=self.hedged,
            elapsed_s=time.monotonic() - self.started,
            segments=tuple(map(str, parts)) if len(parts) > 1 else (),
        )
        if answer is None:
            return report
        return replace(
            report,
            route=str(answer.route),
            model=answer.model,
            usage=answer.usage,
            answer_chars=len(answer.text),
        )


def attempt_from_error(
    route: Route, branch: int, elapsed_s: float, error: ProviderError, *, outcome: Outcome = "failed"
) -> Attempt:
    """Return the failed attempt that `error` stands for."""
    return Attempt(
        route=route,
        branch=branch,
        outcome=outcome,
        error=type(error).__name__,
        status_code=error.status_code,
        message=str(error),
        advice=error.advice,
        scope=error.scope,
        retry_after=error.retry_after,
        wait_source=error.wait_source,
        elapsed_s=elapsed_s,
    )
