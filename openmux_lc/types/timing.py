"""What a run decided about time: whom it waited for, and when it asked twice."""

from __future__ import annotations

from dataclasses import dataclass

from openmux_lc.types.catalog import Route

__all__ = ["Hedged", "Wait"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """A route that rests and would be worth waiting for: waited for, or not and why.

    Args:
        until: Epoch seconds at which it becomes free.
        wait_s: The same in seconds from the time of the plan.
        is_waited: The plan begins with it, once it is free.
    """

    route: Route
    until: float
    wait_s: float
    is_waited: bool
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hedged:
    """A call that was asked twice, because the first request was late.

    Args:
        after_s: When the second was sent, in seconds from the first.
        won: Whose answer it is; None when both failed.
        gained_s: By how much less than at most was waited for the first; None unless the second won.
    """

    first: Route
    second: Route
    after_s: float
    won: Route | None = None
    gained_s: float | None = None
