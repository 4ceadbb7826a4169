"""One attempt: admit it, make the call, book what came of it, exactly once.

`Booking` is a plain context manager used by sync and async code alike: the awaiting
happens inside the `with`, the bookkeeping in one place. A `ProviderError` becomes a
failed `Attempt` here and goes no further; everything else passes through.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from openmux_lc.catalog.free import evidence, why_not_free
from openmux_lc.engine.contract import checked
from openmux_lc.engine.run_state import Run, attempt_from_error
from openmux_lc.engine.segment import AsyncSegment, Segment
from openmux_lc.errors import (
    AuthenticationFailed,
    ContextOverflow,
    PaymentRequired,
    ProviderError,
    RateLimited,
    TimedOut,
)
from openmux_lc.types.amounts import to_amounts
from openmux_lc.types.catalog import LimitUnit, Model, Route
from openmux_lc.types.run import Answer, Attempt, Outcome, Usage
from openmux_lc.types.state import Cooldown, LimitObservation, Refusal, Reservation, slot_name
from openmux_lc.types.wire import Call

if TYPE_CHECKING:
    from openmux_lc.engine.resume import Resumed
    from openmux_lc.mux import Mux

__all__ = ["Booking", "aattempt", "aopen_stream", "attempt", "open_stream"]

_DEFAULT_OUTPUT_TOKENS: Final = 1000
_PAID_PAUSE_S: Final = 86_400.0
_KEY_FAULTS: Final = (AuthenticationFailed, PaymentRequired, RateLimited)
"""Faults that another key of the same provider may not have, where limits are per key."""


class Booking:
    """The account of one attempt, from admission to settlement.

    Args:
        mux: The pool.
        run: The run it belongs to.
        branch: Which wanted answer it serves.
        route: Whom to ask.
        rest: What is asked instead of the run's request, where an answer is to be gone on with.
    """

    def __init__(self, mux: Mux, run: Run, branch: int, route: Route, rest: Resumed | None = None) -> None:
        """Start the clock."""
        self.request = rest.request if rest else run.repairs.get(route, run.request)
        self._shown_tokens = rest.shown_tokens if rest else 0
        self.mux, self.run, self.branch, self.route = mux, run, branch, route
        self.started = time.monotonic()
        self.waited_s = run.waited_s
        self.is_local = mux.catalog.provider(route.provider).is_local
        self.reservation: Reservation | None = None
        self.attempt: Attempt | None = None
        self.answer: Answer | None = None
        self.observations: tuple[LimitObservation, ...] = ()
        self.usage: Usage | None = None
        self.first_content_s: float | None = None
        self._failure: Outcome = "failed"

    @property
    def key_slot(self) -> int:
        """Which of the provider's keys is used; the first before the reservation is made."""
        return self.reservation.key_slot if self.reservation else 0

    @property
    def is_outrun(self) -> bool:
        """Whether another request has won, and nobody waits for this one."""
        return self.route in self.run.outrun

    @property
    def amounts(self) -> Mapping[LimitUnit, int]:
        """What the call may use by unit: the prompt and the room for the answer."""
        plan, tokens = self.run.plan, self.run.tokens
        room = 0 if tokens else self.run.request.max_tokens or _DEFAULT_OUTPUT_TOKENS
        need = tokens or (plan.requirements.min_context_tokens if plan else room)
        prompt = max(0, need - room) + self._shown_tokens
        return self._in_units(input_tokens=prompt, output_tokens=min(need, room))

    @property
    def prompt_tokens(self) -> int:
        """What the prompt takes, about; 0 where no plan says so."""
        plan = self.run.plan
        return (plan.requirements.min_context_tokens if plan else 0) + self._shown_tokens

    @property
    def gives_way(self) -> bool:
        """Whether others are left to ask while this route rests, and the user did not name it."""
        return not self.run.options.chain and not self._is_last()

    def check(self) -> None:
        """Prove that the route is free, and that time is left: the one check before every send.

        Raises:
            PaymentRequired: There is no evidence that this route is free.
            TimedOut: The run's deadline has passed.
        """
        catalog = self.mux.catalog
        provider = catalog.provider(self.route.provider)
        model = catalog.model(self.route) or Model(id=self.route.model)
        if evidence(provider, model) is None:
            raise PaymentRequired(why_not_free(provider, model), provider=provider.id, model=model.id, scope="model")
        if self.run.remaining_s <= 0:
            raise TimedOut("the deadline of this run has passed", provider=provider.id, model=model.id)

    def reserve(self) -> None:
        """Set quota aside with the first key that has some.

        Raises:
            RateLimited: The ledger knows that the quota is used up, or that the route rests.
        """
        refusals: list[Refusal] = []
        slots, limits = self._open_slots(), self.mux.limits(self.route)
        for slot in slots:
            gives_way = self.gives_way or slot != slots[-1]
            reply = self.mux.ledger.reserve(self.route, limits, self.amounts, key_slot=slot, gives_way=gives_way)
            if self._is_admitted(reply, refusals):
                return
        raise self._refused(refusals)

    async def areserve(self) -> None:
        """Set quota aside like `reserve`, without blocking the loop."""
        refusals: list[Refusal] = []
        slots, limits = self._open_slots(), self.mux.limits(self.route)
        for slot in slots:
            gives_way = self.gives_way or slot != slots[-1]
            reply = await self.mux.ledger.areserve(self.route, limits, self.amounts, key_slot=slot, gives_way=gives_way)
            if self._is_admitted(reply, refusals):
                return
        raise self._refused(refusals)

    def call(self, *, is_stream: bool) -> Call:
        """Return the call, with the key that the reservation is for."""
        return self.mux.call(
            self.route,
            self.request,
            deadline=self.run.deadline,
            is_last=self._is_last(),
            is_stream=is_stream,
            key_slot=self.key_slot,
            options=self.run.options,
        )

    def answered(self, answer: Answer, *, first_token_s: float | None = None) -> None:
        """Note the answer; a route that reports a cost is left alone for a day."""
        self.answer = answer
        self.observations = answer.limits
        self.attempt = Attempt(
            route=self.route,
            branch=self.branch,
            key_slot=self.key_slot,
            elapsed_s=time.monotonic() - self.started,
            waited_s=self.waited_s,
            # Of a stream that was held back, the wait for its first content counts, not for its release.
            first_token_s=first_token_s if self.first_content_s is None else self.first_content_s,
            usage=answer.usage,
            used=self._used(answer.usage),
        )
        if answer.usage.cost:
            pause = Cooldown(until=time.time() + _PAID_PAUSE_S, reason="it reported a cost", source="paid")
            for slot in self.mux.key_slots(self.route):  # the model costs money, whichever key pays
                self.mux.ledger.cool(slot_name(str(self.route), slot), pause)
            self.run.notes.append(f"{self.route} reported a cost of {answer.usage.cost:g}; it is not asked again today")
        if answer.extra.get("truncated"):
            self.run.notes.append(f"{self.route} cut the prompt to its window: the beginning was not read")
        self.run.succeed(self.attempt, answer)

    def failed(self, error: ProviderError, *, is_cut: bool = False) -> Attempt:
        """Note the failure and return the attempt; a refusal tells of limits as well."""
        if isinstance(error, ContextOverflow) and error.window_tokens is not None:
            self.mux.ledger.learn_window(self.route, error.window_tokens)
        self.observations = error.limits or self.observations
        outcome: Outcome = "cut" if is_cut else self._failure
        attempt = attempt_from_error(self.route, self.branch, time.monotonic() - self.started, error, outcome=outcome)
        has_other_key = self._has_other_key(error)
        attempt = replace(attempt, key_slot=self.key_slot, has_other_key=has_other_key, waited_s=self.waited_s)
        if self.usage is not None:  # it was answered, and what that took is charged
            attempt = replace(attempt, usage=self.usage, used=self._used(self.usage))
        self.attempt = attempt
        self.run.fail(attempt, error)
        return attempt

    def cut(self, error: ProviderError, usage: Usage, *, delivered_chars: int, first_token_s: float | None) -> Attempt:
        """Note that the stream broke off after its first content, and return the attempt."""
        attempt = replace(
            self.failed(error, is_cut=True),
            usage=usage,
            delivered_chars=delivered_chars,
            first_token_s=first_token_s,
        )
        self.attempt = self.run.attempts[-1] = attempt
        return attempt

    def gave_up(self) -> None:
        """Note that the caller left before the end; nobody is blamed."""
        self.attempt = Attempt(
            route=self.route,
            branch=self.branch,
            key_slot=self.key_slot,
            outcome="cancelled",
            elapsed_s=time.monotonic() - self.started,
        )
        if not self.is_outrun:
            self.run.attempts.append(self.attempt)

    def settle(self) -> None:
        """Settle the reservation; a second time does nothing."""
        reservation, attempt = self.reservation, self.attempt
        if reservation is None or attempt is None:
            return
        self.reservation = None
        self.mux.ledger.settle(reservation, attempt, is_local=self.is_local, observations=self.observations)

    async def asettle(self) -> None:
        """Settle without blocking the loop."""
        reservation, attempt = self.reservation, self.attempt
        if reservation is None or attempt is None:
            return
        self.reservation = None
        await self.mux.ledger.asettle(reservation, attempt, is_local=self.is_local, observations=self.observations)

    def __enter__(self) -> Self:
        """Return the booking."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Turn a provider's failure into an attempt; let all else pass."""
        if isinstance(error, ProviderError) and self.is_outrun:
            self.gave_up()  # its socket was shut: the host has done no wrong
            return True
        if isinstance(error, ProviderError):
            self.failed(error)
            return True
        if error is not None:
            self.gave_up()
            self.settle()
        return False

    def _open_slots(self) -> Sequence[int]:
        """Return the keys that did not fail in this run; those that rest now come last."""
        slots = self.mux.key_slots(self.route)
        if len(slots) == 1:
            return slots
        snapshot = self.mux.ledger.snapshot()
        fresh = [slot for slot in slots if slot not in self._failed_slots()]
        return sorted(fresh or slots, key=lambda slot: snapshot.slot_cooldown(self.route, slot) is not None)

    def _failed_slots(self) -> set[int]:
        return {each.key_slot for each in self.run.attempts if each.route == self.route and each.has_other_key}

    def _has_other_key(self, error: ProviderError) -> bool:
        """Whether it is the key that failed, and another one was not tried yet."""
        if self.reservation is None or not (isinstance(error, _KEY_FAULTS) or error.scope == "key"):
            return False
        return bool(set(self.mux.key_slots(self.route)) - self._failed_slots() - {self.key_slot})

    def _is_admitted(self, reply: Reservation | Refusal, refusals: list[Refusal]) -> bool:
        """Take the reservation, or note the refusal."""
        if isinstance(reply, Refusal):
            refusals.append(reply)
            return False
        self.reservation = reply
        return True

    def _refused(self, refusals: Sequence[Refusal]) -> RateLimited:
        """Return the fault of a call that the ledger does not admit with any key."""
        self._failure = "refused"
        soonest = min(refusals, key=lambda refusal: refusal.until)
        return RateLimited(
            f"not asked: {soonest.reason}",
            provider=self.route.provider,
            model=self.route.model,
            retry_after=max(0.0, soonest.until - time.time()),
            wait_source=soonest.source,
        )

    def _used(self, usage: Usage) -> Mapping[LimitUnit, int]:
        output = max(usage.output_tokens, usage.total_tokens - usage.input_tokens)
        return self._in_units(input_tokens=usage.input_tokens, output_tokens=output)

    def _in_units(self, *, input_tokens: int, output_tokens: int) -> Mapping[LimitUnit, int]:
        provider, model = self.mux.catalog.pinned(self.route)
        return to_amounts(provider, model, input_tokens=input_tokens, output_tokens=output_tokens)

    def _is_last(self) -> bool:
        plan = self.run.plan
        if plan is None:
            return True
        asked = {attempt.route for attempt in self.run.attempts}
        return not any(route not in asked and route != self.route for branch in plan.branches for route in branch)


def attempt(mux: Mux, run: Run, branch: int, route: Route) -> None:
    """Ask `route` once and note the outcome in `run`."""
    with Booking(mux, run, branch, route) as booking:
        booking.check()
        booking.reserve()
        booking.answered(checked(booking, mux.adapter(route).send(booking.call(is_stream=False))))
    booking.settle()


async def aattempt(mux: Mux, run: Run, branch: int, route: Route) -> None:
    """Ask `route` once and note the outcome in `run`."""
    with Booking(mux, run, branch, route) as booking:
        booking.check()
        await booking.areserve()
        booking.answered(checked(booking, await mux.adapter(route).asend(booking.call(is_stream=False))))
    await booking.asettle()


def open_stream(mux: Mux, run: Run, branch: int, route: Route, rest: Resumed | None = None) -> Segment | None:
    """Return `route`'s stream once its first content is there, None if it failed."""
    with Booking(mux, run, branch, route, rest) as booking:
        booking.check()
        booking.reserve()
        segment = Segment(booking, mux.adapter(route).open(booking.call(is_stream=True)))
        run.opening[route] = segment
        segment.wait_for_content()
        return segment
    booking.settle()
    return None


async def aopen_stream(
    mux: Mux, run: Run, branch: int, route: Route, rest: Resumed | None = None
) -> AsyncSegment | None:
    """Return `route`'s stream once its first content is there, None if it failed."""
    with Booking(mux, run, branch, route, rest) as booking:
        booking.check()
        await booking.areserve()
        segment = AsyncSegment(booking, await mux.adapter(route).aopen(booking.call(is_stream=True)))
        await segment.wait_for_content()
        return segment
    await booking.asettle()
    return None
