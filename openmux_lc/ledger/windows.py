"""Where in time a charge is counted: rolling windows, calendar days, months, buckets, places.

Pure. A window is a row of numbered slots; a charge goes into the slot of its moment
and counts until the place of a later moment no longer reaches back to it. The wall
clock is believed: what it once said to be over stays over when it goes back.
"""

from __future__ import annotations

import logging
from calendar import monthrange
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final, NamedTuple, cast
from zoneinfo import ZoneInfo

from openmux_lc.types.catalog import Window, WindowKind

__all__ = ["LONGEST_S", "MICROSECONDS", "Place", "place_in", "slot_ends_at", "to_window", "window_text"]

LONGEST_S: Final = 31 * 86_400.0
"""No pause and no reported reset is believed beyond this."""

MICROSECONDS: Final = 1_000_000
"""A token bucket's slots in a second: whole numbers that every JSON reader keeps as they are."""

SLOTS_PER_WINDOW: Final = 60
"""Slots of a rolling window: a charge counts up to one slot longer than it must."""

_QUARTER_HOUR_S: Final = 900
"""Every zone's midnight since 1972 falls on a multiple of this, in UTC."""

_CONCURRENCY_RETRY_S: Final = 1.0
"""When a busy host has a free place again is unknown; calls last seconds."""

_logger = logging.getLogger(__name__)


class Place(NamedTuple):
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


def place_in(window: Window, now: float) -> Place:
    """Return where a charge at `now` (epoch seconds) is counted in `window`."""
    return _PLACES[window.kind](window, now)


def slot_ends_at(window: Window, slot: int, place: Place) -> float:
    """Return when a charge in `slot` stops counting (epoch seconds), seen from `place`."""
    if window.kind == "rolling":
        return _rolling_ends_at(slot, _width_ms(window.seconds))
    return place.ends_at if slot == place.slot else place_in(window, slot).ends_at


def window_text(window: Window) -> str:
    """Return what tells a window from others of its kind; it holds no `|`."""
    if window.kind == "anniversary_month":
        return f"{window.zone}@{window.anchor}"
    return window.zone if window.kind.startswith("calendar") else str(float(window.seconds))


def to_window(kind: str, text: str) -> Window:
    """Return the window of that kind and `window_text`.

    Raises:
        ValueError: `window_text` did not make it.
    """
    known = cast("WindowKind", kind)
    if kind == "anniversary_month":
        zone, _, anchor = text.rpartition("@")
        return Window(kind=known, zone=zone, anchor=float(anchor))
    return Window(kind=known, zone=text) if kind.startswith("calendar") else Window(kind=known, seconds=float(text))


def _rolling(window: Window, now: float) -> Place:
    width_ms = _width_ms(window.seconds)
    slot = int(now * 1000) // width_ms
    return Place(slot, slot - SLOTS_PER_WINDOW, slot + SLOTS_PER_WINDOW, _rolling_ends_at(slot, width_ms))


@lru_cache(maxsize=64)
def _width_ms(seconds: float) -> int:
    """Return the length of a slot, in whole milliseconds so that slots never depend on rounding."""
    return -(-max(int(seconds * 1000), SLOTS_PER_WINDOW) // SLOTS_PER_WINDOW)


def _rolling_ends_at(slot: int, width_ms: int) -> float:
    # Half a millisecond later, so that the float is inside the slot and not at its edge.
    return ((slot + 1 + SLOTS_PER_WINDOW) * width_ms + 0.5) / 1000


def _concurrency(_window: Window, now: float) -> Place:
    return Place(0, 0, 0, now + _CONCURRENCY_RETRY_S)


def _token_bucket(window: Window, now: float) -> Place:
    slot = int(now * MICROSECONDS)
    return Place(slot, 0, slot + int(window.seconds * MICROSECONDS), now + window.seconds)


def _calendar(window: Window, now: float) -> Place:
    starts_at, ends_at = _calendar_around(window.kind, window.zone, int(now // _QUARTER_HOUR_S))
    return Place(starts_at, starts_at, ends_at, float(ends_at))


@lru_cache(maxsize=256)
def _calendar_around(kind: WindowKind, zone: str, quarter: int) -> tuple[int, int]:
    """Return the day or month in `zone` around that quarter of an hour, in epoch seconds."""
    here = datetime.fromtimestamp(quarter * _QUARTER_HOUR_S, _zone(zone))
    midnight = here.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if kind == "calendar_month":
        midnight = midnight.replace(day=1)
        following = (midnight + timedelta(days=32)).replace(day=1)
    else:
        following = midnight + timedelta(days=1)
    return int(midnight.timestamp()), int(following.timestamp())


def _anniversary(window: Window, now: float) -> Place:
    begins = _anniversaries(window.zone, window.anchor, int(now // _QUARTER_HOUR_S))
    starts_at = max(begin for begin in begins if begin <= now)
    ends_at = min(begin for begin in begins if begin > now)
    return Place(starts_at, starts_at, ends_at, float(ends_at))


@lru_cache(maxsize=256)
def _anniversaries(zone: str, anchor: float, quarter: int) -> tuple[int, ...]:
    """Return when the months around that quarter of an hour begin, in epoch seconds.

    An anchor on the 31st begins a shorter month on its last day, the next on the 31st again.
    """
    here = _zone(zone)
    wanted = datetime.fromtimestamp(int(anchor), here)
    today = datetime.fromtimestamp(quarter * _QUARTER_HOUR_S, here)
    months = [divmod(today.year * 12 + today.month - 1 + step, 12) for step in (-1, 0, 1, 2)]
    return tuple(
        int(
            wanted.replace(
                year=year, month=month + 1, day=min(wanted.day, monthrange(year, month + 1)[1]), fold=0
            ).timestamp()
        )
        for year, month in months
    )


@lru_cache(maxsize=64)
def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        _logger.warning("time zone %r is not known here; counting its days in UTC (install the tzdata package)", name)
        return UTC


_PLACES: Final[Mapping[WindowKind, Callable[[Window, float], Place]]] = {
    "rolling": _rolling,
    "calendar_day": _calendar,
    "calendar_month": _calendar,
    "anniversary_month": _anniversary,
    "token_bucket": _token_bucket,
    "concurrency": _concurrency,
}
