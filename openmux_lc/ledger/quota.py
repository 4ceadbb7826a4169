"""Quota arithmetic: what a limit has been charged, what is left, and until when.

Pure: counters in, counters out, the clock passed in. Nothing here admits more than a
limit's amount in any of its windows, also when the wall clock goes backwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple, cast

from openmux_lc.ledger.windows import LONGEST_S, Bucket, place_in, slot_ends_at
from openmux_lc.types.catalog import Limit, LimitScope, LimitUnit, Route, Window, WindowKind
from openmux_lc.types.state import slot_name

__all__ = [
    "Account",
    "Charge",
    "Counter",
    "Held",
    "Shortage",
    "account_name",
    "charge_late",
    "headroom",
    "is_idle",
    "release",
    "report_left",
    "reserve",
    "settle",
    "to_account",
    "to_charges",
]


class Account(NamedTuple):
    """What a limit is counted on; two limits that share one share its charges."""

    scope: LimitScope
    unit: LimitUnit
    window: Window
    key_slot: int
    subject: str

    @property
    def health_name(self) -> str:
        """The name of the route or provider that stands still when this is used up."""
        return slot_name(self.subject, self.key_slot)


class Counter(NamedTuple):
    """What one account has been charged.

    Args:
        capacity: The limit's amount when it was last charged.
        charges: Amount by slot, reservations included; treated as immutable.
        pending: The part of it that is reserved and not settled.
        extra: Used by others (another machine, another program), as reported.
        extra_until: Epoch seconds until which that report holds.
    """

    capacity: int = 0
    charges: Mapping[int, int] = {}
    pending: int = 0
    extra: int = 0
    extra_until: float = 0.0


class Charge(NamedTuple):
    """One call's claim on one limit, and where its window counts it."""

    name: str
    limit: Limit
    amount: int
    place: Bucket


class Held(NamedTuple):
    """What a reservation took from one account, and from which slot."""

    name: str
    slot: int
    amount: int


class Shortage(NamedTuple):
    """The limit that refuses a claim, and when it may admit it (epoch seconds)."""

    charge: Charge
    left: int
    until: float


_EMPTY: Final = Counter()
_UNUSED: Final[Mapping[LimitUnit, int]] = {
    "requests": 0,
    "tokens": 0,
    "neurons": 0,
    "credits": 0,
    "audio_seconds": 0,
}


def account_name(limit: Limit, route: Route, key_slot: int = 0) -> str:
    """Return the name of what `limit` is counted on when `route` is called with that key."""
    scope, window = limit.scope, limit.window
    kind = window.kind
    subject = str(route) if scope.endswith("model") else route.provider
    slot = key_slot if scope.startswith("key") else 0
    length = window.zone if kind.startswith("calendar") else float(window.seconds)
    return f"{scope}|{limit.unit}|{kind}|{length}|{slot}|{subject}"


@lru_cache(maxsize=4096)
def to_account(name: str) -> Account:
    """Return the account of that name.

    Raises:
        ValueError: `account_name` did not make it.
    """
    scope, unit, kind, length, slot, subject = name.split("|", 5)
    is_calendar = kind.startswith("calendar")
    window = Window(
        kind=cast("WindowKind", kind),
        seconds=0.0 if is_calendar else float(length),
        zone=length if is_calendar else "UTC",
    )
    return Account(cast("LimitScope", scope), cast("LimitUnit", unit), window, int(slot), subject)


def to_charges(
    route: Route, limits: Iterable[Limit], amounts: Mapping[LimitUnit, int], *, now: float, key_slot: int = 0
) -> tuple[Charge, ...]:
    """Return the claims of one call at `now` on each of a route's limits.

    Args:
        amounts: Expected use by unit; a call is one request unless it says otherwise,
            a unit that is not named claims nothing.
    """
    charges: dict[str, Charge] = {}
    for limit in limits:
        amount = max(0, amounts.get(limit.unit, 1 if limit.unit == "requests" else 0))
        name = account_name(limit, route, key_slot)
        twin = charges.get(name)
        if twin is None or limit.amount < twin.limit.amount:
            charges[name] = Charge(name, limit, amount, place_in(limit.window, now))
    return tuple(charges.values())


def reserve(counters: Mapping[str, Counter], charges: Sequence[Charge], now: float) -> dict[str, Counter] | Shortage:
    """Return the counters after every claim is charged, or the claim that is refused.

    Of several refused claims it is the one that waits longest.
    """
    after: dict[str, Counter] = {}
    shortages: list[Shortage] = []
    for charge in charges:
        name, limit, amount, place = charge
        counter = counters.get(name, _EMPTY)
        live = _live(counter.charges, place)
        extra = _extra(counter, now)
        free = limit.amount - sum(live.values()) - extra
        if amount > free and amount > 0:
            events = _events(counter, limit.window, now)
            shortages.append(Shortage(charge, max(0, free), _freed_at(events, amount - free, place.ends_at)))
            continue
        live[place.slot] = live.get(place.slot, 0) + amount
        after[name] = Counter(limit.amount, live, counter.pending + amount, extra, counter.extra_until)
    return max(shortages, key=lambda shortage: shortage.until) if shortages else after


def settle(
    counters: Mapping[str, Counter], held: Sequence[Held], actual: Mapping[LimitUnit, int], now: float
) -> dict[str, Counter]:
    """Return the counters after a reservation is replaced by what was really used.

    A higher use is always charged, a lower one gives the difference back, both in the
    slot that was charged. A place (concurrency) is always given back.

    Args:
        actual: Use by unit; a unit that is not named used what was reserved.
    """
    after: dict[str, Counter] = {}
    for name, slot, amount in held:
        _, unit, window, _, _ = to_account(name)
        used = 0 if window.kind == "concurrency" else max(0, actual.get(unit, amount))
        counter = counters.get(name, _EMPTY)
        charges = _with(counter, window, slot, used - amount, now=now)
        pending = max(0, counter.pending - amount)
        after[name] = Counter(counter.capacity, charges, pending, counter.extra, counter.extra_until)
    return after


def release(counters: Mapping[str, Counter], held: Sequence[Held], now: float) -> dict[str, Counter]:
    """Return the counters after a reservation has expired: nothing was used."""
    return settle(counters, held, _UNUSED, now)


def charge_late(
    counters: Mapping[str, Counter], held: Sequence[Held], actual: Mapping[LimitUnit, int], now: float
) -> dict[str, Counter]:
    """Return the counters after a call that outlived its reservation is charged."""
    again: dict[str, Counter] = {}
    for name, slot, amount in held:
        counter = counters.get(name, _EMPTY)
        charges = _with(counter, to_account(name).window, slot, amount, now=now)
        again[name] = counter._replace(charges=charges, pending=counter.pending + amount)
    return settle(again, held, actual, now)


def report_left(counter: Counter, window: Window, remaining: int, reset_at: float | None, now: float) -> Counter:
    """Return the counter after the provider said how much is left; it only tightens.

    What the provider may not have counted yet (other calls in flight) is taken off what
    it reports. A looser report, a late one say, changes nothing.

    Args:
        remaining: What the provider says is left.
        reset_at: Epoch seconds at which its window refills; None means ours does.
    """
    place = place_in(window, now)
    ours = max(0, sum(_live(counter.charges, place).values()) - counter.pending)
    extra = counter.capacity - max(0, remaining) - ours
    known = _extra(counter, now)
    if extra <= known:
        return counter
    until = min(place.ends_at if reset_at is None else reset_at, now + LONGEST_S)
    return counter._replace(extra=extra, extra_until=max(until, counter.extra_until) if known else until)


def headroom(counter: Counter, window: Window, now: float) -> tuple[float, float, float]:
    """Return the share that is left, when it next changes, and until when all is used up.

    The last is 0.0 while something is left; a concurrency limit is busy, never used up.
    """
    events = _events(counter, window, now)
    used = sum(amount for _, amount in events)
    changes_at = events[0][0] if events else now + LONGEST_S
    if counter.capacity <= 0:
        return 1.0, changes_at, 0.0
    share = max(0.0, min(1.0, 1 - used / counter.capacity))
    if used < counter.capacity or window.kind == "concurrency":
        return share, changes_at, 0.0
    return share, changes_at, _freed_at(events, used - counter.capacity + 1, now)


def is_idle(counter: Counter, window: Window, now: float) -> bool:
    """Return whether nothing that is remembered still counts."""
    return not counter.pending and not _events(counter, window, now)


def _live(charges: Mapping[int, int], place: Bucket) -> dict[int, int]:
    """Return the charges that count now, as a new dictionary.

    Slots of the near future are kept: a clock that goes backwards refills nothing. One
    from beyond a whole window was made by a clock that was wrong, and counts as of now.
    """
    live: dict[int, int] = {}
    for slot, amount in charges.items():
        if slot >= place.first and amount > 0:
            here = slot if slot <= place.last else place.slot
            live[here] = live.get(here, 0) + amount
    return live


def _with(counter: Counter, window: Window, slot: int, change: int, *, now: float) -> dict[int, int]:
    """Return the live charges with `change` more in `slot`, unless that is past."""
    place = place_in(window, now)
    live = _live(counter.charges, place)
    here = place.slot if slot > place.last else slot
    if here >= place.first and change:
        live[here] = max(0, live.get(here, 0) + change)
    return live


def _extra(counter: Counter, now: float) -> int:
    # A report from a clock that was far ahead is not believed for years.
    return counter.extra if now < counter.extra_until <= now + 2 * LONGEST_S else 0


def _events(counter: Counter, window: Window, now: float) -> list[tuple[float, int]]:
    """Return when each live charge stops counting, with its amount, soonest first."""
    live = _live(counter.charges, place_in(window, now))
    events = [(slot_ends_at(window, slot, now), amount) for slot, amount in live.items()]
    if extra := _extra(counter, now):
        events.append((counter.extra_until, extra))
    return sorted(events)


def _freed_at(events: Iterable[tuple[float, int]], missing: int, otherwise: float) -> float:
    """Return when `missing` has been freed; `otherwise` for a claim that never fits."""
    for at, amount in events:
        missing -= amount
        if missing <= 0:
            return at
    return otherwise
