"""Quota arithmetic: what a limit has been charged, what is left, and until when.

Pure: counters in, counters out, the clock passed in. Nothing here admits more than a
limit's amount in any of its windows, also when the wall clock goes backwards. How each
kind of window counts is told by its tally.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple, cast

from openmux_lc.ledger.tally import Tally, tally
from openmux_lc.ledger.windows import LONGEST_S, Place, place_in, to_window, window_text
from openmux_lc.types.catalog import Limit, LimitScope, LimitUnit, Route, Window
from openmux_lc.types.state import slot_name

__all__ = [
    "Account",
    "Charge",
    "Counter",
    "Held",
    "Shortage",
    "account_name",
    "charge_late",
    "charge_unreserved",
    "first_counter",
    "headroom",
    "is_idle",
    "rebased",
    "release",
    "report_left",
    "reserve",
    "settle",
    "to_account",
    "to_charges",
    "used",
    "used_of",
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
    place: Place


class Held(NamedTuple):
    """What a reservation took from one account, from which slot, and how much that account has.

    The row of an account may have been forgotten when its reservation is settled.
    """

    name: str
    slot: int
    amount: int
    capacity: int = 0


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
    subject = str(route) if scope.endswith("model") else route.provider
    slot = key_slot if scope.startswith("key") else 0
    return f"{scope}|{limit.unit}|{window.kind}|{window_text(window)}|{slot}|{subject}"


@lru_cache(maxsize=4096)
def to_account(name: str) -> Account:
    """Return the account of that name.

    Raises:
        ValueError: `account_name` did not make it.
    """
    scope, unit, kind, text, slot, subject = name.split("|", 5)
    return Account(cast("LimitScope", scope), cast("LimitUnit", unit), to_window(kind, text), int(slot), subject)


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
        now_taken = _tally_for(charge, counter)
        extra = _extra(counter, now)
        free = limit.amount - sum(now_taken.charges.values()) - extra
        if amount > free and amount > 0:
            until = _freed_at(counter, now_taken, amount - free, now)
            shortages.append(Shortage(charge, max(0, free), place.ends_at if until is None else until))
            continue
        now_taken.charge(amount)
        after[name] = Counter(limit.amount, now_taken.charges, counter.pending + amount, extra, counter.extra_until)
    return max(shortages, key=lambda shortage: shortage.until) if shortages else after


def first_counter(charge: Charge, amount: int, under_way: int, until: float) -> Counter:
    """Return the counter of an account that begins with so much used.

    Args:
        charge: A claim on it.
        amount: As if it were used now.
        under_way: By calls that settle elsewhere; it counts `until` the last of them has ended.
    """
    taken = _tally_for(charge, _EMPTY)
    taken.charge(amount)
    return Counter(charge.limit.amount, taken.charges, extra=under_way, extra_until=until)


def rebased(counters: Mapping[str, Counter], charges: Sequence[Charge]) -> dict[str, Counter]:
    """Return those counters that a clock far ahead has charged, with these charges made now.

    Without being written they would be made now at every look, and never stop counting.
    """
    return {
        charge.name: counter._replace(charges=_tally_for(charge, counter).charges)
        for charge in charges
        if (counter := counters.get(charge.name)) and max(counter.charges, default=0) > charge.place.last
    }


def settle(
    counters: Mapping[str, Counter], held: Sequence[Held], actual: Mapping[LimitUnit, int], now: float
) -> dict[str, Counter]:
    """Return the counters after a reservation is replaced by what was really used.

    A higher use is always charged, a lower one gives the difference back, both in the
    slot that was charged. A place (concurrency) is always given back, a token bucket
    gives nothing back.

    Args:
        actual: Use by unit; a unit that is not named used what was reserved.
    """
    after: dict[str, Counter] = {}
    for name, slot, amount, capacity in held:
        account = to_account(name)
        counter = counters.get(name) or Counter(capacity)
        taken = _tally(counter, account.window, now)
        taken.settle(slot, amount, max(0, actual.get(account.unit, amount)))
        pending = max(0, counter.pending - amount)
        if name in counters or any(taken.charges.values()):  # a count that moved elsewhere does not begin anew
            after[name] = Counter(counter.capacity, taken.charges, pending, counter.extra, counter.extra_until)
    return after


def release(counters: Mapping[str, Counter], held: Sequence[Held], now: float) -> dict[str, Counter]:
    """Return the counters after a reservation has expired: nothing was used."""
    return settle(counters, held, _UNUSED, now)


def charge_late(
    counters: Mapping[str, Counter], held: Sequence[Held], actual: Mapping[LimitUnit, int], now: float
) -> dict[str, Counter]:
    """Return the counters after a call that outlived its reservation is charged."""
    after: dict[str, Counter] = {}
    for name, slot, amount, capacity in held:
        account = to_account(name)
        counter = counters.get(name) or Counter(capacity)
        taken = _tally(counter, account.window, now)
        taken.settle_late(slot, amount, max(0, actual.get(account.unit, amount)))
        after[name] = counter._replace(charges=taken.charges)
    return after


def charge_unreserved(
    counters: Mapping[str, Counter], held: Sequence[Held], actual: Mapping[LimitUnit, int], now: float
) -> dict[str, Counter]:
    """Return the counters after a call is charged whose reservation could not be written."""
    whole = {to_account(name).unit: max(0, actual.get(to_account(name).unit, amount)) for name, _, amount, _ in held}
    unreserved = [each._replace(amount=0) for each in held]
    return settle(counters, unreserved, whole, now)


def report_left(counter: Counter, window: Window, remaining: int, reset_at: float | None, now: float) -> Counter:
    """Return the counter after the provider said how much is left; it only tightens.

    What the provider may not have counted yet (other calls in flight) is taken off what
    it reports. A looser report, a late one say, changes nothing.

    Args:
        remaining: What the provider says is left.
        reset_at: Epoch seconds at which its window refills; None means ours does.
    """
    place = place_in(window, now)
    taken = tally(counter.charges, window, counter.capacity, place)
    ours = max(0, sum(taken.charges.values()) - counter.pending)
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
    taken = _tally(counter, window, now)
    extra = _extra(counter, now)
    total = sum(taken.charges.values()) + extra
    ends = [at for at in (taken.changes_at(), counter.extra_until if extra else None) if at is not None]
    changes_at = min(ends, default=now + LONGEST_S)
    if counter.capacity <= 0:
        return 1.0, changes_at, 0.0
    share = max(0.0, min(1.0, 1 - total / counter.capacity))
    if total < counter.capacity or not taken.is_timed:
        return share, changes_at, 0.0
    until = _freed_at(counter, taken, total - counter.capacity + 1, now)
    return share, changes_at, now if until is None else until


def used_of(counter: Counter, limit: Limit, now: float) -> tuple[int, float | None]:
    """Return how much of `limit` is taken, and when all of it is back (None while nothing is)."""
    taken = _tally(counter._replace(capacity=limit.amount), limit.window, now)
    own, extra = sum(taken.charges.values()), _extra(counter, now)
    ends = [taken.freed_at(own) if own else None, counter.extra_until if extra else None]
    return own + extra, max((at for at in ends if at is not None), default=None)


def used(counter: Counter, window: Window, now: float) -> int:
    """Return what counts now: charges, reservations, and what others were reported to use."""
    return sum(_tally(counter, window, now).charges.values()) + _extra(counter, now)


def is_idle(counter: Counter, window: Window, now: float) -> bool:
    """Return whether nothing that is remembered still counts."""
    return not (counter.pending or used(counter, window, now))


def _tally(counter: Counter, window: Window, now: float) -> Tally:
    return tally(counter.charges, window, counter.capacity, place_in(window, now))


def _tally_for(charge: Charge, counter: Counter) -> Tally:
    amount = charge.limit.amount
    # What an edit of the limit made quicker was slower until now.
    capacity = min(counter.capacity, amount) if counter.capacity else amount
    return tally(counter.charges, charge.limit.window, capacity, charge.place)


def _extra(counter: Counter, now: float) -> int:
    # A report from a clock that was far ahead is not believed for years.
    return counter.extra if now < counter.extra_until <= now + 2 * LONGEST_S else 0


def _freed_at(counter: Counter, taken: Tally, missing: int, now: float) -> float | None:
    """Return when `missing` has been freed; None for a claim that never fits."""
    ends = [taken.freed_at(missing)]
    if extra := _extra(counter, now):
        # What others used comes back at once; whatever is missing beyond it is ours.
        rest = taken.freed_at(missing - extra) if missing > extra else counter.extra_until
        ends.append(None if rest is None else max(counter.extra_until, rest))
    return min((at for at in ends if at is not None), default=None)
