"""Times as hosts write them, read as seconds: the package's only reader of times.

Durations (`2m59.56s`, `PT1M30S`, `1 hour and 5 minutes`), plain seconds, moments
(epoch seconds to nanoseconds, ISO 8601, HTTP dates), and the names of windows.
Nothing raises, nothing is negative, nothing is further away than 31 days.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Final, Literal
from zoneinfo import ZoneInfo

from openmux_lc.types.json import as_float

__all__ = [
    "MAX_WAIT_S",
    "SPAN",
    "WINDOWS_S",
    "WindowName",
    "clamped",
    "read_duration",
    "read_moment",
    "seconds_until",
    "until_refill",
]

WindowName = Literal["second", "minute", "hour", "day", "month"]

MAX_WAIT_S: Final = 31 * 86_400.0
"""No wait is believed beyond this."""

WINDOWS_S: Final[Mapping[WindowName, float]] = MappingProxyType(
    {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86_400.0, "month": 2_592_000.0}
)

_UNITS_S: Final[Mapping[str, float]] = MappingProxyType(
    {
        **dict.fromkeys(("ns", "nanosecond"), 1e-9),
        **dict.fromkeys(("us", "µs", "μs", "microsecond"), 1e-6),
        **dict.fromkeys(("ms", "msec", "milli", "millisecond"), 0.001),
        **dict.fromkeys(("s", "sec", "second"), 1.0),
        **dict.fromkeys(("m", "min", "minute"), 60.0),
        **dict.fromkeys(("h", "hr", "hour"), 3600.0),
        **dict.fromkeys(("d", "day"), 86_400.0),
        **dict.fromkeys(("w", "week"), 604_800.0),
    }
)
_NUMBER: Final = r"(?:[0-9]{1,15}(?:\.[0-9]{0,15})?|\.[0-9]{1,15})"
_UNIT: Final = (
    r"(?:(?:nano|micro|milli)?seconds?|milli|msecs?|secs?|minutes?|mins?|hours?|hrs?|days?|weeks?"
    r"|[nuµμm]s|[smhdw])(?![a-zµμ])"
)
_PART: Final = rf"{_NUMBER} ?{_UNIT}"
SPAN: Final = rf"(?:{_PART}(?:,? ?(?:and )?{_PART}){{0,6}})"
"""A pattern for a duration inside a text of small letters."""

_DURATION: Final = re.compile(rf"([+-]?){SPAN}")
_DURATION_PART: Final = re.compile(rf"({_NUMBER}) ?({_UNIT})")
_ISO_DURATION: Final = re.compile(
    rf"([+-]?)p(?=.)(?:({_NUMBER})y)?(?:({_NUMBER})m)?(?:({_NUMBER})w)?(?:({_NUMBER})d)?"
    rf"(?:t(?=.)(?:({_NUMBER})h)?(?:({_NUMBER})m)?(?:({_NUMBER})s)?)?"
)
_ISO_PARTS_S: Final = (365 * 86_400.0, 30 * 86_400.0, 604_800.0, 86_400.0, 3600.0, 60.0, 1.0)
_PLAIN: Final = re.compile(r"[+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:e[+-]?[0-9]{1,3})?")
_MOMENT_CHARS: Final = 64
_ISO_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]|$)|\d{8}T\d")
_ZONE_WORD: Final = re.compile(r" ?(?:[+-]00:?00 )?(?:UTC|GMT|Z)$|(?<=\d) [+-]\d\d:?\d\d$")
_HTTP_DATE: Final = re.compile(r"\b(?:JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)")
_EPOCHS: Final = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3), (1e9, 1.0))
"""From which number on a time counts from 1970, and how many of its units a second has."""


def seconds_until(value: object, now: float) -> float | None:
    """Return the seconds from `now` to what `value` names, 0 to 31 days, else None.

    Args:
        value: Seconds, epoch seconds or finer (numbers or text), a duration (Go,
            ISO 8601, words), an ISO 8601 time or an HTTP date.
        now: Epoch seconds.
    """
    if not isinstance(value, str):
        number = as_float(value)
        return None if number is None else clamped(_from_now(number, now))
    text = value.strip()[:_MOMENT_CHARS]
    if _PLAIN.fullmatch(text.lower()):
        number = as_float(text)
        return None if number is None else clamped(_from_now(number, now))
    seconds = read_duration(text)
    if seconds is None:
        at = read_moment(text)
        seconds = None if at is None else at - now
    return None if seconds is None else clamped(seconds)


def read_duration(text: str) -> float | None:
    """Return the seconds of a Go, ISO 8601 or spelled duration, signed, else None."""
    words = text.strip()[:_MOMENT_CHARS].lower()
    iso = _ISO_DURATION.fullmatch(words)
    if iso:
        parts = [float(part) * unit_s for part, unit_s in zip(iso.groups()[1:], _ISO_PARTS_S, strict=True) if part]
        return None if not parts else -sum(parts) if iso[1] == "-" else sum(parts)
    found = _DURATION.fullmatch(words)
    if not found:
        return None
    total = math.fsum(float(number) * _unit_s(unit) for number, unit in _DURATION_PART.findall(words))
    return -total if found[1] == "-" else total


def read_moment(text: str) -> float | None:
    """Return epoch seconds of an ISO 8601 time or an HTTP date, else None; without a zone it is UTC."""
    words = text.strip()[:_MOMENT_CHARS].upper()
    if _ISO_MOMENT.match(words):
        read, words = datetime.fromisoformat, _ZONE_WORD.sub(_joined_zone, words)
    elif _HTTP_DATE.search(words):
        read = parsedate_to_datetime
    else:
        return None
    try:
        moment = read(words)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError, OSError):
        return None


def until_refill(window: WindowName, now: float, zone: str = "UTC") -> float:
    """Return the seconds after which `window` is sure to have refilled.

    Args:
        window: Days end at midnight and months with their last day; shorter windows
            roll.
        now: Epoch seconds.
        zone: IANA time zone of the provider's days.
    """
    if window not in {"day", "month"}:
        return WINDOWS_S[window]
    today = datetime.fromtimestamp(now, ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    end = today + timedelta(days=1) if window == "day" else (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    return end.timestamp() - now


def clamped(seconds: float) -> float:
    """Return `seconds`, not before now and not beyond 31 days."""
    return min(max(seconds, 0.0), MAX_WAIT_S)


def _from_now(number: float, now: float) -> float:
    for least, per_second in _EPOCHS:
        if number > least:
            return number / per_second - now
    return number


def _unit_s(word: str) -> float:
    return _UNITS_S.get(word) or _UNITS_S[word.removesuffix("s")]


def _joined_zone(found: re.Match[str]) -> str:
    return found[0].strip() if found[0].strip()[-1:].isdecimal() else "Z"
