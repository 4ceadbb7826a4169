"""Whether a late call may be asked of a second provider: whom, and from when on.

Pure. What a day may spend on it is counted by the ledger, when the moment has come.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from openmux_lc.types.catalog import Route
from openmux_lc.types.run import Plan
from openmux_lc.types.state import RouteState, Snapshot

__all__ = ["Hedge", "to_hedge"]

_SHORTEST_S: Final = 0.05
"""A host is not late before that, however quick it usually is."""

_CALLS: Final = 10.0
"""So many calls must have been answered before it is known what is late."""

_UNKNOWN: Final = RouteState()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hedge:
    """The second request.

    Args:
        route: Whom to ask as well.
        after_s: Seconds after the first request.
    """

    route: Route
    after_s: float


def to_hedge(plan: Plan, first: Route, asked: frozenset[Route], snapshot: Snapshot, *, is_stream: bool) -> Hedge | None:
    """Return whom to ask as well if `first` is late, None where that is not wanted or not wise.

    Args:
        plan: With the options, and the routes in their order.
        first: Whom the first request goes to.
        asked: Who was asked before in this run.
        snapshot: What is usual for the first, and what the second has left.
        is_stream: The first token is waited for, else the whole answer.
    """
    options = plan.options
    if not options.hedge or len(plan.branches) != 1:
        return None
    state = snapshot.routes.get(first, _UNKNOWN)
    late_s = state.late_token_s if is_stream else state.late_whole_s
    if late_s is None or state.successes < _CALLS:
        return None
    for route in plan.branches[0]:
        is_other = route.provider != first.provider and route not in asked
        if is_other and snapshot.cooldown(route) is None:
            has_room = snapshot.routes.get(route, _UNKNOWN).headroom > options.hedge_headroom
            return Hedge(route=route, after_s=max(_SHORTEST_S, late_s)) if has_room else None
    return None
