"""Where in time a charge is counted: rolling windows, calendar days and months, places.

Pure. A window is a row of numbered slots; a charge goes into the slot of its moment
and counts until the bucket of a later moment no longer reaches back to it.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from openmux_lc.types.catalog import Limit, Window, WindowKind

__all__ = ["LONGEST_S", "Bucket", "bucket", "place_in", "slot_ends_at"]

LONGEST_S: Final = 31 * 86_400.0
"""No pause and no reported reset is believed beyond this."""

_SLICES: Final = 60
"""Slots of a rolling window: a charge counts up to one slot longer than it must."""

_QUARTER_HOUR_S: Final = 900
"""Every zone's midnight since 1972 falls on a multiple of this, in UTC."""

_CONCURRENCY_RETRY_S: Final = 1.0
"""When a busy host has a free place again is unknown; calls last seconds."""

_logger = logging.getLogger(__name__)


class Bucket(NamedTuple):
    """Where a charge made at some moment is counted.

    Args:
        slot: The number of the slot that takes the charge.
        first: The oldest slot that still counts then.
        last: The newest slot that is believed after a clock went backwards.
        ends_at: Epoch seconds at which the charge stops counting.
    """

    slot: int
    first: int
    last: int
    ends_at: float


def bucket(limit: Limit, now: float) -> Bucket:
    """Return where a charge on `limit` at `now` (epoch seconds) is counted."""
    return place_in(limit.window, now)


def place_in(window: Window, now: float) -> Bucket:
    """Return where a charge at `now` (epoch seconds) is counted in `window`."""
    if window.kind == "rolling":
        width_ms = _width_ms(window.seconds)
        slot = int(now * 1000) // width_ms
        return Bucket(slot, slot - _SLICES, slot + _SLICES, _rolling_ends_at(slot, width_ms))
    if window.kind == "concurrency":
        return Bucket(0, 0, 0, now + _CONCURRENCY_RETRY_S)
    starts_at, ends_at = _calendar(window.kind, window.zone, int(now // _QUARTER_HOUR_S))
    return Bucket(starts_at, starts_at, ends_at, float(ends_at))


def slot_ends_at(window: Window, slot: int, now: float) -> float:
    """Return when a charge in `slot` stops counting (epoch seconds)."""
    if window.kind == "rolling":
        return _rolling_ends_at(slot, _width_ms(window.seconds))
    return place_in(window, now if window.kind == "concurrency" else slot).ends_at


@lru_cache(maxsize=64)
def _width_ms(seconds: float) -> int:
    """Return the length of a slot, in whole milliseconds so that slots never depend on rounding."""
    return -(-max(int(seconds * 1000), _SLICES) // _SLICES)


def _rolling_ends_at(slot: int, width_ms: int) -> float:
    # Half a millisecond later, so that the float is inside the slot and not at its edge.
    return ((slot + 1 + _SLICES) * width_ms + 0.5) / 1000


@lru_cache(maxsize=256)
def _calendar(kind: WindowKind, zone: str, quarter: int) -> tuple[int, int]:
    """Return the day or month in `zone` around that quarter of an hour, in epoch seconds."""
    here = datetime.fromtimestamp(quarter * _QUARTER_HOUR_S, _zone(zone))
    midnight = here.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if kind == "calendar_month":
        midnight = midnight.replace(day=1)
        following = (midnight + timedelta(days=32)).replace(day=1)
    else:
        following = midnight + timedelta(days=1)
    return int(midnight.timestamp()), int(following.timestamp())


@lru_cache(maxsize=64)
def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        _logger.warning("time zone %r is not known here; counting its days in UTC (install the tzdata package)", name)
        return UTC
