"""What a reservation and a settlement write: changes of one page, in values.

A change reads its page, computes with `quota` and `health`, writes, and returns what it
wrote; it may be run twice and touches nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from openmux_lc.ledger import health as breaker
from openmux_lc.ledger import quota
from openmux_lc.ledger.health import Health
from openmux_lc.ledger.learned import Asked, Learned, Lesson, learn, told_names
from openmux_lc.ledger.observe import observe
from openmux_lc.ledger.quota import Charge, Counter, Held, Shortage
from openmux_lc.ledger.store import Page
from openmux_lc.ledger.succession import succession
from openmux_lc.ledger.upkeep import Written, expire
from openmux_lc.ledger.verdict import Verdict
from openmux_lc.types.catalog import LimitUnit, Route, Window
from openmux_lc.types.run import Attempt
from openmux_lc.types.state import Cooldown, LimitObservation, Refusal, Reservation, longest, slot_name

__all__ = ["Booking", "Order", "admit", "barrier", "book", "health_names", "spent"]

_UNKNOWN: Final = Health()
_MADE: Final[tuple[LimitUnit, ...]] = ("tokens", "neurons", "credits", "audio_seconds")
_NO_NEWS: Final = Verdict("none")
_LENGTHS: Final[Mapping[float, str]] = {1.0: "second", 60.0: "minute", 3600.0: "hour", 86_400.0: "24 hours"}


class Order(NamedTuple):
    """A reservation that is asked for.

    Args:
        names: Under which the health of its route and of its provider is kept.
        is_probe: It may be the call that tries whether one of them has recovered.
        gives_way: Others are left to ask: it is not made where one of them is told to rest,
            or tried by another call.
        refusal: What this process knows already that forbids it.
    """

    reservation: Reservation
    names: tuple[str, str]
    charges: tuple[Charge, ...]
    is_probe: bool
    gives_way: bool = False
    refusal: Refusal | None = None

    @property
    def held(self) -> tuple[Held, ...]:
        """What the reservation holds once it is made."""
        return tuple([Held(name, place.slot, amount, limit.amount) for name, limit, amount, place in self.charges])


class Booking(NamedTuple):
    """A settlement that is asked for.

    Args:
        names: Under which the health of its route and of its provider is kept.
        held: What this process remembers of the reservation; None when it does not.
        may_be_gone: The store may have lost the reservation without its being settled.
        is_written: The store once knew of it; not so when it was busy for too long.
        touches_health: The verdict, or what it finds, may change it.
    """

    reservation: Reservation
    names: tuple[str, str]
    attempt: Attempt
    verdict: Verdict
    actual: Mapping[LimitUnit, int]
    observations: Sequence[LimitObservation]
    held: tuple[Held, ...] | None
    may_be_gone: bool
    touches_health: bool
    now: float
    is_written: bool = True


def health_names(route: Route, key_slot: int) -> tuple[str, str]:
    """Return the names under which the health of a route and of its provider is kept."""
    return slot_name(str(route), key_slot), slot_name(route.provider, key_slot)


def spent(attempt: Attempt) -> dict[LimitUnit, int]:
    """Return what an attempt used, as far as that is known.

    A host that answered with an error made nothing; that it was asked counts. A call that broke off, timed out
    or was given up may have been worked on to its end: it used what was reserved.
    """
    usage = attempt.usage
    if usage is not None and (attempt.outcome == "ok" or not usage.is_estimated):
        return {**attempt.used, "tokens": max(usage.total_tokens, usage.input_tokens + usage.output_tokens)}
    is_refused = attempt.outcome == "failed" and attempt.status_code is not None and attempt.status_code >= 400
    return dict.fromkeys(_MADE, 0) if is_refused else {}


def admit(page: Page, order: Order) -> Written[Reservation | Refusal]:
    """Charge every limit of an order, or none and say which refuses."""
    reservation, charges = order.reservation, order.charges
    now = reservation.made_at
    found = page.health.get(order.names) if order.is_probe else {}
    trials = _trials(page, found, now)
    shut = barrier(reservation.route, found.values(), now, gives_way=order.gives_way, is_trial=bool(trials))
    if shut is not None:
        return Written(shut, health=found)
    known, begun = _counters(page, order)
    outcome = quota.reserve(known, charges, now)
    if isinstance(outcome, Shortage) and (freed := expire(page, now)):
        known, begun = _counters(page, order, {**begun, **freed})
        outcome = quota.reserve(known, charges, now)
    if isinstance(outcome, Shortage):
        if moved := quota.rebased(known, charges):
            page.counters.put(moved)
        refusal = Refusal(route=reservation.route, reason=_to_reason(outcome), until=outcome.until)
        return Written(refusal, counters={**begun, **moved})
    if charges:
        page.counters.put(outcome)
        page.add_lease(reservation.id, reservation.expires_at, order.held)
    page.health.put(trials)
    admitted = replace(reservation, tries=tuple(trials)) if trials else reservation
    return Written(admitted, counters={**begun, **outcome}, health={**found, **trials})


def _counters(
    page: Page, order: Order, written: Mapping[str, Counter] | None = None
) -> tuple[dict[str, Counter], dict[str, Counter]]:
    """Return the counters of an order's accounts, and what was written.

    An account that begins takes over what an edited limit counted, also when the call is
    then refused: it would take over as much again at every try.
    """
    charges, reservation = order.charges, order.reservation
    known = page.counters.get([charge.name for charge in charges])
    if len(known) == len(charges):
        return known, dict(written or {})
    edit = succession(page, charges, known, reservation.made_at, reservation.expires_at)
    page.counters.put(edit.counters)
    page.counters.remove(edit.gone)
    gone = dict.fromkeys(edit.gone, Counter())
    return {**known, **edit.counters}, {**(written or {}), **gone, **edit.counters}


def barrier(
    route: Route, health: Iterable[Health], now: float, *, gives_way: bool, is_trial: bool = True
) -> Refusal | None:
    """Return why a call may not be made now, None where it may.

    A cost always forbids it; what was told, or another call that is trying already, does
    where others are left to ask.

    Args:
        health: Of the route and of its provider.
        is_trial: It may be the call that tries; else a guess of ours holds as well.
    """
    rows = tuple([row for row in health if row.generation])  # without one nobody was ever paused
    pauses = [held for row in rows if (held := breaker.pause(row, now)) is not None]
    if not pauses:
        return None
    held = longest(pauses)
    is_taken = any(breaker.is_taken(row, now) for row in rows)
    is_free = is_trial and held.is_guess and held.firm_until <= now and not is_taken
    if held.source != "paid" and (is_free or not gives_way):
        return None
    return Refusal(route=route, reason=f"paused: {held.reason}", until=held.until, source=held.source)


def book(page: Page, booking: Booking) -> Written[bool]:
    """Charge what was used and judge the attempt; False when that was done before."""
    counters = _charged(page, booking)
    if counters is None:
        return Written(answer=False)
    pauses: Mapping[str, Cooldown] = {}
    learned: Mapping[str, Learned] = {}
    if booking.observations:
        learned, fresh = _taught(page, booking, counters)
        counters, pauses = observe(counters, booking.observations, booking.names[0], booking.now)
        counters |= fresh
    if counters:
        page.counters.put(counters)
    health = _judged(page, booking, pauses) if booking.touches_health or pauses else {}
    return Written(True, counters, health, learned=learned)  # noqa: FBT003 - the answer


def _charged(page: Page, booking: Booking) -> dict[str, Counter] | None:
    """Return the counters after the call is charged; None when it was settled before."""
    reservation = booking.reservation
    if not reservation.amounts:
        return {} if booking.held is not None else None
    held = booking.held
    if held is None:
        held = page.pop_lease(reservation.id)
        is_leased = held is not None
    else:
        is_leased = page.drop_lease(reservation.id)
    if held is None or not (is_leased or booking.may_be_gone):
        return None  # settled before, or by another process
    known = page.counters.get([each.name for each in held])
    late = quota.charge_late if booking.is_written else quota.charge_unreserved
    charge = quota.settle if is_leased else late
    return charge(known, held, booking.actual, booking.now)


def _taught(page: Page, booking: Booking, counters: Mapping[str, Counter]) -> Lesson:
    """Write the limits that the response told; before the counters are tightened by what it said is left."""
    asked = Asked(booking.reservation.route, booking.reservation.key_slot, booking.now)
    names = told_names(booking.observations, tuple(counters), asked)
    if not names:
        return Lesson({}, {})
    known = page.learned.get(names)
    lesson = learn(booking.observations, counters, known, asked)
    page.learned.put(lesson.learned)
    return lesson


def _judged(page: Page, booking: Booking, pauses: Mapping[str, Cooldown]) -> dict[str, Health]:
    """Write how the attempt and the reports change the health of route and provider.

    What is found is returned as well: another process may have changed it before.
    """
    verdict, now = booking.verdict, booking.now
    route_name, provider_name = booking.names
    before = page.health.get({route_name, provider_name, *pauses})
    generation = sum(before.get(name, _UNKNOWN).generation for name in (route_name, provider_name))
    is_current = booking.reservation.generation == generation
    other = ""
    if verdict.kind not in {"success", "none"}:
        other = route_name if verdict.is_provider_wide else provider_name
    after = dict(before)
    for name in (route_name, provider_name):
        row = before.get(name, _UNKNOWN)
        holds = name in booking.reservation.tries and breaker.holds_trial(row, booking.reservation.made_at)
        said = _NO_NEWS if name == other else verdict
        after[name] = breaker.after(row, said, now, is_current=is_current, holds_trial=holds)
    for name, cooldown in pauses.items():
        after[name] = breaker.cool(after.get(name, _UNKNOWN), cooldown, now)
    page.health.put({name: row for name, row in after.items() if row != before.get(name, _UNKNOWN)})
    return after


def _trials(page: Page, found: Mapping[str, Health], now: float) -> dict[str, Health]:
    """Return the rows once this call tries them; none where too many others are tried already."""
    due = {name: row for name, row in found.items() if breaker.is_due(row, now)}
    is_early = any(breaker.pause(row, now) is not None for row in due.values())
    if is_early and not breaker.has_room(page.health.all().values(), now):
        return {}
    return {name: breaker.probe(row, now) for name, row in due.items()}


def _to_reason(shortage: Shortage) -> str:
    limit = shortage.charge.limit
    per = f"{limit.amount} {limit.unit} {_to_text(limit.window)}"
    if shortage.charge.amount > limit.amount:
        return f"needs {shortage.charge.amount} {limit.unit}, more than all of {per}"
    if shortage.left <= 0:
        return f"{per} are used up"
    return f"needs {shortage.charge.amount} {limit.unit}, {shortage.left} of {per} are left"


def _to_text(window: Window) -> str:
    if window.kind == "concurrency":
        return "at once"
    if window.seconds:
        return f"per {_LENGTHS.get(window.seconds, f'{window.seconds:g} s')}"
    return f"per {window.kind.removeprefix('calendar_').replace('_', ' ')} ({window.zone})"
