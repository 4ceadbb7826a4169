"""Limits out of response headers and bodies: what is left, and when to come back.

Readers of a stranger's words: they never raise, and no time is further away than
31 days.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Final, Literal
from zoneinfo import ZoneInfo

from openmux_lc.types.catalog import LimitUnit
from openmux_lc.types.json import Json, as_float, as_int, as_list, as_object, dig
from openmux_lc.types.state import LimitObservation

__all__ = [
    "MAX_WAIT_S",
    "WindowName",
    "names_retry_delay",
    "read_limits",
    "read_retry_after",
    "read_window",
    "seconds_until",
    "until_refill",
]

WindowName = Literal["second", "minute", "hour", "day", "month"]

MAX_WAIT_S: Final = 31 * 86_400.0
_EPOCH_MS: Final = 1e11
_EPOCH_S: Final = 1e9

_UNITS_S: Final = {"ms": 0.001, "us": 1e-6, "µs": 1e-6, "ns": 1e-9, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_DURATION: Final = re.compile(r"[+-]?(?:\d{1,12}(?:\.\d{0,12})?(?:ms|us|µs|ns|s|m|h|d))+", re.ASCII)
_DURATION_PART: Final = re.compile(r"(\d{1,12}(?:\.\d{0,12})?)(ms|us|µs|ns|s|m|h|d)", re.ASCII)
_PROSE_DURATION: Final = re.compile(
    r"(?:try again|retry|retrying|available|resets?|wait) (?:again )?(?:in |after |for )?(?:another )?~?"
    r"((?:[\d.]{1,15}\s?(?:ms|[smhd])(?![a-z])\s?){1,6})"
)
_SPELLED: Final = r" ~?([\d.]{1,15}) ?(milli|sec(?:ond)?|min(?:ute)?|hour|day)s?\b"
_PROSE_WORDS: Final = re.compile(
    r"(?:try again|retry|retrying|available|resets?|wait)(?: in| after| for)?(?: another)?" + _SPELLED
)
_PROSE_IN: Final = re.compile(r"\bin" + _SPELLED)
"""A wait for a limit; beside any other failure it tells how long that took."""
_PROSE_WINDOW: Final = re.compile(r"\bduration_s: ?(\d{1,7})\b")
_PROSE_MOMENT: Final = re.compile(
    r"\b(?:resets?|available|again) (?:at|on) "
    r"(\d{4}-\d\d-\d\d[t ]\d\d:\d\d(?::\d\d)?(?:\.\d{1,9})?(?:z|[+-]\d\d:?\d\d)?)"
)
_SPAN: Final = re.compile(
    r"(?:\bper[- _]?|/ ?|\ba |each )(second|sec|minute|min|hour|day|month)\b"
    r"|\b(hourly|daily|monthly|neurons|[tr]p[dmhs]\b)"
    r"|(?:this|next) (month)|limit_rp([md])",
    re.IGNORECASE,
)
_QUOTA_PER_DAY: Final = re.compile(r"PerDay(?![a-z])")
_SPANS: Final[Mapping[str, WindowName]] = MappingProxyType(
    {
        **dict.fromkeys(("second", "sec", "rps", "tps"), "second"),
        **dict.fromkeys(("minute", "min", "rpm", "tpm", "m"), "minute"),
        **dict.fromkeys(("hour", "hourly", "rph", "tph"), "hour"),
        **dict.fromkeys(("day", "daily", "neurons", "rpd", "tpd", "d"), "day"),
        **dict.fromkeys(("month", "monthly"), "month"),
    }
)
_WORDS_S: Final = {
    "milli": 0.001,
    "sec": 1.0,
    "second": 1.0,
    "min": 60.0,
    "minute": 60.0,
    "hour": 3600.0,
    "day": 86_400.0,
}
_WINDOWS_S: Final = {
    "second": 1.0,
    "sec": 1.0,
    "minute": 60.0,
    "min": 60.0,
    "hour": 3600.0,
    "day": 86_400.0,
    "daily": 86_400.0,
    "month": 2_592_000.0,
    "monthly": 2_592_000.0,
}
_FAMILIES: Final = ("ratelimit", "tokenlimit", "call-limit", "call-remaining")
_IETF: Final = re.compile(r"\b([rqtw])\s*=\s*(\d{1,15})")


def seconds_until(value: object, now: float) -> float | None:
    """Return the seconds from `now` to what `value` names, 0 to 31 days, else None.

    Args:
        value: Seconds, epoch seconds or milliseconds (numbers or text), a Go
            duration (`2m59.56s`), an ISO 8601 time or an HTTP date.
        now: Epoch seconds.
    """
    number = as_float(value)
    if number is None and isinstance(value, str):
        text = value.strip()[:64]
        number = _duration_s(text)
        if number is None:
            at = _moment(text)
            return None if at is None else _clamp(at - now)
        return _clamp(number)
    if number is None or math.isnan(number):
        return None
    if number > _EPOCH_MS:
        return _clamp(number / 1000 - now)
    return _clamp(number - now if number > _EPOCH_S else number)


def read_retry_after(
    headers: Mapping[str, str], payload: Json, text: str, now: float, *, is_limit: bool = True
) -> float | None:
    """Return how many seconds the provider wants us to wait, None when not told.

    Args:
        headers: Names in lower case.
        payload: The error body as JSON, None when it is not.
        text: The error's message.
        now: Epoch seconds.
        is_limit: A rate limit was hit. Else no figure of a limit counts, nor a zero:
            some hosts send `retry-after: 0` with everything.
    """
    hints = (*_header_hints(headers, now), *_body_hints(payload, now), _prose_s(text, now, is_limit=is_limit))
    for hint in hints:
        if hint is not None and (is_limit or hint > 0):
            return hint
    if not is_limit:
        return None
    spent = [seen for seen in read_limits(headers, frozenset(), now) if seen.remaining == 0 and seen.reset_at]
    return _clamp(max(seen.reset_at or now for seen in spent) - now) if spent else None


def _header_hints(headers: Mapping[str, str], now: float) -> Iterable[float | None]:
    millis = as_float(headers.get("retry-after-ms"))
    yield None if millis is None else _clamp(millis / 1000)
    for name in ("retry-after", "x-ratelimit-timeremaining"):
        yield seconds_until(headers.get(name), now)


def names_retry_delay(payload: Json) -> bool:
    """Whether the body gives a `RetryInfo`, which is short even if the day is spent."""
    error = dig(payload, "error") or dig(payload, 0, "error") or payload
    return any(dig(detail, "retryDelay") for detail in as_list(dig(error, "details")))


def read_window(text: str) -> WindowName | None:
    """Return the window that an error says is spent, None where it names none.

    The first one named counts: hosts advertise their other limits behind it.
    """
    sample = text[:4000]
    if _QUOTA_PER_DAY.search(sample):
        return "day"
    found = _SPAN.search(sample)
    return _SPANS.get(next(filter(None, found.groups())).lower()) if found else None


def until_refill(window: WindowName, now: float, zone: str = "UTC") -> float:
    """Return the seconds after which `window` is sure to have refilled.

    Args:
        window: Days end at midnight and months with their last day; shorter windows
            roll.
        now: Epoch seconds.
        zone: IANA time zone of the provider's days.
    """
    if window not in {"day", "month"}:
        return _WINDOWS_S[window]
    today = datetime.fromtimestamp(now, ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    end = today + timedelta(days=1) if window == "day" else (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    return end.timestamp() - now


def read_limits(headers: Mapping[str, str], quirks: frozenset[str], now: float) -> tuple[LimitObservation, ...]:
    """Return what the headers tell about limits, one observation per unit and window.

    Args:
        headers: Names in lower case.
        quirks: The row's flags; they give a window to headers that name none.
        now: Epoch seconds.
    """
    found: dict[tuple[LimitUnit, float | None], dict[str, float]] = {}
    for name, value in headers.items():
        if not any(family in name for family in _FAMILIES):
            continue
        if name in {"ratelimit", "ratelimit-policy"}:
            _take_ietf(name, value, now, found)
            continue
        _take(name, value, quirks, now, found)
    return tuple(
        LimitObservation(
            unit=unit,
            window_s=window_s,
            limit=_whole(fields.get("limit")),
            remaining=_whole(fields.get("remaining")),
            reset_at=fields.get("reset"),
        )
        for (unit, window_s), fields in found.items()
    )


_Found = dict[tuple[LimitUnit, float | None], dict[str, float]]


def _take(name: str, value: str, quirks: frozenset[str], now: float, found: _Found) -> None:
    words = name.split("-")
    kind = next((word for word in ("limit", "remaining", "reset") if word in words), None)
    if kind is None or "cost" in words or "over" in words:
        return
    is_tokens = any("token" in word for word in words) or any(word.endswith("bysize") for word in words)
    unit: LimitUnit = "tokens" if is_tokens else "requests"
    wait_s = seconds_until(value, now) if kind == "reset" else None
    amount = as_float(value) if kind != "reset" else None if wait_s is None else now + wait_s
    if amount is not None and amount >= 0:
        found.setdefault((unit, _window_s(words, unit, quirks)), {})[kind] = amount


def _take_ietf(name: str, value: str, now: float, found: _Found) -> None:
    fields = {letter: float(number) for letter, number in _IETF.findall(value[:400])}
    seen = found.setdefault(("requests", None), {})
    if name == "ratelimit":
        if "r" in fields:
            seen["remaining"] = fields["r"]
        if "t" in fields:
            seen["reset"] = now + (_clamp(fields["t"]) or 0.0)
    elif "q" in fields:
        seen["limit"] = fields["q"]


def _window_s(words: list[str], unit: LimitUnit, quirks: frozenset[str]) -> float | None:
    for index, word in enumerate(words):
        seconds = _WINDOWS_S.get(word)
        if seconds is not None:
            many = as_int(words[index - 1]) if index else None
            return seconds * (many or 1)
    if "trial" in words:
        return 60.0
    if unit == "tokens":
        return 60.0 if "tokens_per_minute" in quirks else None
    if "requests_per_day" in quirks:
        return 86_400.0
    return 60.0 if "requests_per_minute" in quirks else None


_HINTS: Final[tuple[tuple[str, ...], ...]] = (
    ("retry_after",),
    ("retry_after_seconds",),
    ("availability", "retry_after"),
    ("metadata", "retry_after_seconds"),
    ("metadata", "retry_after"),
    ("estimated_time",),
)


def _body_hints(payload: Json, now: float) -> Iterable[float | None]:
    error = dig(payload, "error") or dig(payload, 0, "error") or payload
    for detail in as_list(dig(error, "details")):
        yield seconds_until(dig(detail, "retryDelay"), now)
        yield seconds_until(dig(detail, "retryDelay", "seconds"), now)
    for path in _HINTS:
        yield seconds_until(dig(error, *path), now)
        yield seconds_until(dig(payload, *path), now)
    for name, value in as_object(dig(error, "metadata", "headers")).items():
        if name.lower() in {"x-ratelimit-reset", "retry-after"}:
            yield seconds_until(value, now)


def _prose_s(text: str, now: float, *, is_limit: bool) -> float | None:
    sample = text[:2000].lower()
    match = _PROSE_DURATION.search(sample)
    seconds = _duration_s(re.sub(r"\s", "", match[1])) if match else None
    if seconds is None:
        match = _PROSE_WORDS.search(sample) or (_PROSE_IN.search(sample) if is_limit else None)
        number = as_float(match[1]) if match else None
        seconds = number * _WORDS_S[match[2]] if match and number is not None else None
    if seconds is None:
        match = _PROSE_WINDOW.search(sample)
        seconds = as_float(match[1]) if match else None
    if seconds is None:
        match = _PROSE_MOMENT.search(sample)
        return seconds_until(match[1].upper(), now) if match else None
    return _clamp(seconds)


def _duration_s(text: str) -> float | None:
    if not _DURATION.fullmatch(text):
        return None
    total = sum(float(number) * _UNITS_S[unit] for number, unit in _DURATION_PART.findall(text))
    return -total if text.startswith("-") else total


def _moment(text: str) -> float | None:
    """Return epoch seconds of an ISO 8601 time or an HTTP date, else None."""
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, TypeError, IndexError, OverflowError, OSError):
            continue
    return None


def _clamp(seconds: float) -> float:
    return min(max(seconds, 0.0), MAX_WAIT_S)


def _whole(number: float | None) -> int | None:
    return None if number is None else int(min(number, 1e15))
