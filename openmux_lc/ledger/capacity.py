"""The forecast: how many more calls the limits admit until a moment.

Pure: counters in, figures out. A limit of a model binds its route, one of the account
all routes of a provider together. Nothing is forecast that the ledger would refuse.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from openmux_lc.ledger.learned import Asked, Learned, effective_limits
from openmux_lc.ledger.quota import Counter, Shortage, account_name, reserve, to_charges, used_of
from openmux_lc.ledger.refills import Moments, admitted
from openmux_lc.types.capacity import Capacity, LimitUse, RouteCapacity, RouteNeed
from openmux_lc.types.catalog import Limit
from openmux_lc.types.state import Cooldown, Snapshot

__all__ = ["Ledgered", "forecast"]


class Ledgered(NamedTuple):
    """What the ledger knows, as a value."""

    counters: Mapping[str, Counter]
    learned: Mapping[str, Learned]
    snapshot: Snapshot


_COUNTED: Final = frozenset({"quota", "learned"})
"""Pauses that say no more than the counters."""


class _Share(NamedTuple):
    """Usual calls until the end: by a route's own limits, by those it shares, and by all of them."""

    own: int | None
    by_key: int | None
    by_account: int | None
    whole: int | None


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


def _of_slot(need: RouteNeed, slot: int, known: Ledgered, until: float) -> tuple[RouteCapacity, _Share]:
    """Return what a route can be asked with one of its keys."""
    now = known.snapshot.at
    limits = effective_limits(need.limits, known.learned, Asked(need.route, slot, now))
    pause = known.snapshot.slot_cooldown(need.route, slot)
    uses = tuple(_use(limit, need, slot, known) for limit in limits)
    # That a quota is used up is counted below, with what refills when.
    starts_at = now if pause is None or pause.source in _COUNTED else min(pause.until, until)
    moments = Moments(now, starts_at, until)
    own = [use for use in uses if use.limit.scope.endswith("model")]
    by_key = [use for use in uses if use.limit.scope == "key"]
    by_account = [use for use in uses if use not in own and use not in by_key]
    least_now = _least(use.left // amount for use in uses if (amount := _amount(need, use.limit)))
    charges = to_charges(need.route, limits, need.amounts, now=now, key_slot=slot)
    refused = reserve(known.counters, charges, now)
    free_at = refused.until if isinstance(refused, Shortage) else now
    capacity = RouteCapacity(
        route=need.route,
        now=0 if pause is not None else least_now,
        today=_calls(uses, need, moments),
        next_at=max(free_at, now if pause is None else pause.until),
        limits=uses,
        pause=pause,
    )
    share = _Share(
        own=_calls(own, need, moments),
        by_key=_calls(by_key, need, moments),
        by_account=_calls(by_account, need, moments),
        whole=capacity.today,
    )
    return capacity, share


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


def _calls(uses: Iterable[LimitUse], need: RouteNeed, moments: Moments) -> int | None:
    """Return the usual calls that limits admit together; None where they bind nothing."""
    return admitted([(use.limit, use.left, _amount(need, use.limit)) for use in uses], moments)


def _amount(need: RouteNeed, limit: Limit) -> int:
    return need.amounts.get(limit.unit, 1 if limit.unit == "requests" else 0)


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
    return _least((_sum(keys), account, _sum(share.whole for shares in by_slot.values() for share in shares)))


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
