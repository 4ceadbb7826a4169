"""How many calls a set of limits admits over a stretch of time, by when each refills.

Pure. Time is cut where a calendar window begins anew; in each part the scarcest limit
decides, and what was called is taken off all the others. What comes back at the very
end comes too late.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from openmux_lc.ledger.windows import SLOTS_PER_WINDOW, place_in
from openmux_lc.types.catalog import Limit

__all__ = ["Moments", "admitted"]


class Moments(NamedTuple):
    """Now, when calling begins, and when it ends (epoch seconds)."""

    now: float
    starts_at: float
    ends_at: float


def admitted(limits: Sequence[tuple[Limit, int, int]], moments: Moments) -> int | None:
    """Return how many calls may be made; None where no limit ever binds.

    Args:
        limits: Each with what is left of it now, and what one call takes of it.
        moments: Nobody calls before `starts_at`.
    """
    meters = [_Meter(limit, left, need) for limit, left, need in limits if need > 0]
    meters = [meter for meter in meters if meter.limit.window.kind != "concurrency"]
    if not meters:
        return None
    cuts = _cuts(meters, moments)
    total = 0
    for begins_at, ends_at in pairwise(cuts):
        is_calling = begins_at >= moments.starts_at
        calls = min(meter.admits(ends_at - begins_at) for meter in meters) if is_calling else 0
        total += calls
        for meter in meters:
            meter.pass_on(begins_at, ends_at, calls)
    return total


def _cuts(meters: Sequence[_Meter], moments: Moments) -> list[float]:
    """Return now, the beginning and the end, and where a calendar window begins anew between them."""
    cuts = {moments.now, min(moments.starts_at, moments.ends_at), moments.ends_at}
    for meter in meters:
        at = meter.renews_at(moments.now)
        while at is not None and at < moments.ends_at:
            cuts.add(at)
            at = meter.renews_at(at)
    return sorted(cuts)


class _Meter:
    """What is left of one limit while time passes and calls are made."""

    def __init__(self, limit: Limit, left: int, need: int) -> None:
        self.limit, self.left, self.need = limit, left, need

    def renews_at(self, at: float) -> float | None:
        """Return when a calendar window that counts at `at` ends; None for others."""
        window = self.limit.window
        return None if window.kind in {"rolling", "token_bucket"} else place_in(window, at).ends_at

    def admits(self, span_s: float) -> int:
        """Return how many calls fit into the next `span_s`."""
        return (self.left + self._refill(span_s)) // self.need

    def pass_on(self, begins_at: float, ends_at: float, calls: int) -> None:
        """Take off what was called, and give back what has refilled by `ends_at`."""
        used, span_s, amount = calls * self.need, ends_at - begins_at, self.limit.amount
        kind = self.limit.window.kind
        if kind == "token_bucket":
            self.left = min(amount, self.left + self._refill(span_s) - used)
        elif kind == "rolling":
            # Everything called may have been called just now; what was used before is back after a whole window.
            self.left = max(0, (amount if span_s >= self._whole_s else self.left) - used)
        else:
            self.left = amount if self.renews_at(begins_at) == ends_at else self.left - used

    @property
    def _whole_s(self) -> float:
        """How long a charge counts in a rolling window: up to one slot longer than it must."""
        return self.limit.window.seconds * (1 + 1 / SLOTS_PER_WINDOW)

    def _refill(self, span_s: float) -> int:
        """Return what comes back within `span_s` where all of it is called at once."""
        window, amount = self.limit.window, self.limit.amount
        if window.kind == "token_bucket":
            return _before(amount * span_s / window.seconds)
        return amount * _before(span_s / self._whole_s) if window.kind == "rolling" else 0


def _before(count: float) -> int:
    """Return how many steps are over before the last moment."""
    return max(0, math.ceil(count) - 1)
