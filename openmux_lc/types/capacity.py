"""What the pool can still call: a forecast, per limit, per route and in all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from openmux_lc.types.catalog import Limit, LimitUnit, Route
from openmux_lc.types.state import Cooldown, LimitSource

__all__ = ["Capacity", "LimitOrigin", "LimitUse", "RouteCapacity", "RouteNeed"]

LimitOrigin = Literal["catalog"] | LimitSource
"""Who says that a limit is what it is: a row of the catalog, or the provider."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteNeed:
    """What one more call to a route would take.

    Args:
        limits: All that hold for the route.
        amounts: What a usual call uses, by unit.
        key_slots: The keys that take turns.
    """

    route: Route
    limits: tuple[Limit, ...]
    amounts: Mapping[LimitUnit, int]
    key_slots: tuple[int, ...] = (0,)


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitUse:
    """How far one limit is used up.

    Args:
        used: In its window now, other programs' reported use included.
        left: What may still be charged now.
        resets_at: Epoch seconds at which all of it is there again; None while unused.
        origin: Who says so.
    """

    limit: Limit
    used: int
    left: int
    resets_at: float | None = None
    origin: LimitOrigin = "catalog"
    key_slot: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteCapacity:
    """What one route can still be asked.

    Args:
        now: Usual calls that it takes at once; None where no limit is known.
        today: Usual calls that it takes until the forecast's end; None as above.
        next_at: Epoch seconds of the next free slot; the forecast's own time when it is now.
        pause: Why it is left alone, if it is.
    """

    route: Route
    now: int | None
    today: int | None
    next_at: float
    limits: tuple[LimitUse, ...] = ()
    pause: Cooldown | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """What the pool can still call from `at` until `until` (epoch seconds).

    Routes of one provider share what is limited per account, so the sum is less than
    that of the routes.

    Args:
        routes: Those that may be called, in the pool's order.
        providers: Usual calls until then by provider id; None where no limit is known.
        calls: Their sum, of those with a limit.
        strong_calls: The same with the pool's stronger models alone.
    """

    at: float
    until: float
    routes: tuple[RouteCapacity, ...]
    providers: Mapping[str, int | None]
    calls: int
    strong_calls: int = 0

    @property
    def unlimited(self) -> tuple[str, ...]:
        """Providers of which no limit is known: engines on this machine, above all."""
        return tuple(name for name, calls in self.providers.items() if calls is None)

    @property
    def next_at(self) -> float | None:
        """When the next call is possible (epoch seconds); None without any route."""
        return min((route.next_at for route in self.routes), default=None)
