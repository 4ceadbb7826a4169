"""The forecast: how many more calls the limits admit until a moment.

Pure: counters in, figures out. A limit of a model binds its route, one of the account
all routes of a provider together. Nothing is forecast that the ledger would refuse.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from openmux_lc.ledger.learned import Asked, Learned, effective_limits
from openmux_lc.ledger.quota import Counter, Shortage, account_name, reserve, to_charges, used_of
from openmux_lc.ledger.windows import SLOTS_PER_WINDOW, place_in
from openmux_lc.types.capacity import Capacity, LimitUse, RouteCapacity, RouteNeed
from openmux_lc.types.catalog import Limit, LimitUnit, Window
from openmux_lc.types.state import Cooldown, Snapshot

__all__ = ["Ledgered", "admitted", "forecast"]


class Ledgered(NamedTuple):
    """What the ledger knows, as a value."""

    counters: Mapping[str, Counter]
    learned: Mapping[str, Learned]
    snapshot: Snapshot


_COUNTED: Final = frozenset({"quota", "learned"})
"""Pauses that say no more than the counters."""


class _Share(NamedTuple):
    """Usual calls until the end: what the route itself admits, and what it shares with others."""

    own: int | None
    by_key: int | None
    by_account: int | None


def forecast(needs: Iterable[RouteNeed], known: Ledgered, until: float) -> Capacity:
    """Return what can be called from now until `until` (epoch seconds).

    Args:
        needs: The routes that may be called, with what a usual call takes.
        known: The ledger.
        until: When the forecast ends.
    """
    now = known.snapshot.at
    routes: list[RouteCapacity] = []
    shares: dict[str, dict[int, list[_Share]]] = {}
    for need in needs:
        slots = {slot: _of_slot(need, slot, known, until) for slot in need.key_slots}
        routes.append(_merged(need, [capacity for capacity, _ in slots.values()], now))
        for slot, (_, share) in slots.items():
            shares.setdefault(need.route.provider, {}).setdefault(slot, []).append(share)
    providers = {name: _in_all(by_slot) for name, by_slot in shares.items()}
    return Capacity(
        at=now,
        until=until,
        routes=tuple(routes),
        providers=providers,
        calls=sum(calls for calls in providers.values() if calls is not None),
    )


def admitted(limit: Limit, left: int, now: float, until: float) -> int | None:
    """Return how much of `limit` may be charged from `now` until `until`; None for what is counted at once.

    Args:
        left: What is left of it at `now`.
    """
    window, span_s = limit.window, max(0.0, until - now)
    if window.kind == "concurrency":
        return None
    if window.kind == "token_bucket":
        return left + _before(limit.amount * span_s / window.seconds)
    if window.kind == "rolling":
        return left + limit.amount * _before(span_s / _whole_s(window))
    return left + limit.amount * _refills(window, now, until)


def _before(count: float) -> int:
    """Return how many steps are over before the last moment: what comes back just then comes too late."""
    return max(0, math.ceil(count) - 1)


def _refills(window: Window, now: float, until: float) -> int:
    """Return how often a calendar window begins anew."""
    count, ends_at = 0, place_in(window, now).ends_at
    while ends_at < until:
        count, ends_at = count + 1, place_in(window, ends_at).ends_at
    return count


def _left_at(limit: Limit, left: int, now: float, later: float) -> int:
    """Return what is left at `later` where nobody calls until then."""
    window = limit.window
    if later <= now or window.kind == "concurrency":
        return left
    if window.kind == "token_bucket":
        return min(limit.amount, left + int(limit.amount * (later - now) / window.seconds))
    is_new = later - now >= _whole_s(window) if window.kind == "rolling" else place_in(window, now).ends_at <= later
    return limit.amount if is_new else left


def _whole_s(window: Window) -> float:
    """Return how long a charge counts in a rolling window: up to one slot longer than it must."""
    return window.seconds * (1 + 1 / SLOTS_PER_WINDOW)


def _of_slot(need: RouteNeed, slot: int, known: Ledgered, until: float) -> tuple[RouteCapacity, _Share]:
    """Return what a route can be asked with one of its keys."""
    now = known.snapshot.at
    limits = effective_limits(need.limits, known.learned, Asked(need.route, slot, now))
    pause = known.snapshot.slot_cooldown(need.route, slot)
    uses = tuple(_use(limit, need, slot, known) for limit in limits)
    # That a quota is used up is counted below, with what refills when.
    starts_at = now if pause is None or pause.source in _COUNTED else min(pause.until, until)
    today = [(use.limit, _calls(use, need.amounts, (now, starts_at, until))) for use in uses]
    least_now = _least(_per_call(use.left, use.limit, need.amounts) for use in uses)
    charges = to_charges(need.route, limits, need.amounts, now=now, key_slot=slot)
    refused = reserve(known.counters, charges, now)
    free_at = refused.until if isinstance(refused, Shortage) else now
    capacity = RouteCapacity(
        route=need.route,
        now=0 if pause is not None else least_now,
        today=_least(calls for _, calls in today),
        next_at=max(free_at, now if pause is None else pause.until),
        limits=uses,
        pause=pause,
    )
    return capacity, _Share(
        own=_least(calls for limit, calls in today if limit.scope.endswith("model")),
        by_key=_least(calls for limit, calls in today if limit.scope == "key"),
        by_account=_least(
            calls for limit, calls in today if limit.scope != "key" and not limit.scope.endswith("model")
        ),
    )


def _use(limit: Limit, need: RouteNeed, slot: int, known: Ledgered) -> LimitUse:
    name = account_name(limit, need.route, slot)
    used, resets_at = used_of(known.counters.get(name, Counter()), limit, known.snapshot.at)
    told = known.learned.get(name)
    return LimitUse(
        limit=limit,
        used=used,
        left=max(0, limit.amount - used),
        resets_at=resets_at,
        origin="catalog" if told is None or told.amount != limit.amount else told.source,
        key_slot=slot,
    )


def _calls(use: LimitUse, amounts: Mapping[LimitUnit, int], moments: tuple[float, float, float]) -> int | None:
    """Return the usual calls that a limit admits between the second and the third moment; the first is now."""
    now, starts_at, until = moments
    if starts_at >= until > now:
        return 0
    amount = admitted(use.limit, _left_at(use.limit, use.left, now, starts_at), starts_at, until)
    return None if amount is None else _per_call(amount, use.limit, amounts)


def _per_call(amount: int, limit: Limit, amounts: Mapping[LimitUnit, int]) -> int | None:
    """Return how many usual calls an amount is enough for; None where a call takes nothing of it."""
    need = amounts.get(limit.unit, 1 if limit.unit == "requests" else 0)
    return amount // need if need > 0 else None


def _merged(need: RouteNeed, slots: Sequence[RouteCapacity], now: float) -> RouteCapacity:
    """Return one route's figures over all of its keys."""
    if len(slots) == 1:
        return slots[0]
    pauses = [each.pause for each in slots]
    held = [pause for pause in pauses if pause is not None]
    first: Cooldown | None = min(held, key=lambda pause: pause.until) if len(held) == len(pauses) else None
    return RouteCapacity(
        route=need.route,
        now=_sum(each.now for each in slots),
        today=_sum(each.today for each in slots),
        next_at=min((each.next_at for each in slots), default=now),
        limits=tuple(use for each in slots for use in each.limits),
        pause=first,
    )


def _in_all(by_slot: Mapping[int, Sequence[_Share]]) -> int | None:
    """Return a provider's calls: routes add up, what they share bounds them, keys add up again."""
    keys = [
        _least((_sum(share.own for share in shares), _least(share.by_key for share in shares)))
        for shares in by_slot.values()
    ]
    account = _least(share.by_account for shares in by_slot.values() for share in shares)
    return _least((_sum(keys), account))


def _least(figures: Iterable[int | None]) -> int | None:
    """Return the smallest figure that is known; None without one."""
    return min((figure for figure in figures if figure is not None), default=None)


def _sum(figures: Iterable[int | None]) -> int | None:
    """Return the sum; None as soon as one is not known."""
    total = 0
    for figure in figures:
        if figure is None:
            return None
        total += figure
    return total
