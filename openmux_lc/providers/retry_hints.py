"""How long a host asks to be left alone: headers first, then the body, then its prose."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Final

from openmux_lc.providers.durations import SPAN, clamped, read_duration, seconds_until
from openmux_lc.providers.limit_headers import host_clock, read_limits
from openmux_lc.types.json import Json, as_float, as_list, as_object, dig

__all__ = ["names_retry_delay", "prose_wait_s", "read_retry_after"]

_CHARS: Final = 2000
_DETAILS: Final = 16
_MILLIS_HEADERS: Final = ("retry-after-ms", "x-ms-retry-after-ms")
_HEADERS: Final = ("retry-after", "x-retry-after", "x-ratelimit-timeremaining")
_HINTS: Final[tuple[tuple[str, ...], ...]] = (
    ("retry_after",),
    ("retry_after_seconds",),
    ("retryAfter",),
    ("availability", "retry_after"),
    ("metadata", "retry_after_seconds"),
    ("metadata", "retry_after"),
    ("estimated_time",),
    ("resets_in_seconds",),
    ("resets_at",),
    ("reset_at",),
)
_MILLIS_HINTS: Final = ("retry_after_ms", "retryAfterMs")

_ASKS: Final = r"(?:try again|retry|retrying|available|resets?|refills?|wait)(?: again)?"
_SPAN: Final = re.compile(rf"\b{_ASKS}(?: in| after| for| at least)?(?: another| about)?:? ?~?({SPAN})")
_IN: Final = re.compile(rf"\bin ~?({SPAN})")
"""A wait for a limit; beside any other failure it tells how long that took."""
_SECONDS: Final = re.compile(r"\bretry[-_ ]after[\"']?(?:: ?|=)[\"']?([0-9]{1,13}(?:\.[0-9]{1,9})?)\b(?![:-])")
_WINDOW: Final = re.compile(r"\bduration_s: ?([0-9]{1,7})\b")
_MOMENT: Final = re.compile(
    r"\b(?:resets?|available|again|until)(?: (?:at|on|after))? (?:"
    r"(\d{4}-\d\d-\d\d[t ]\d\d:\d\d(?::\d\d)?(?:\.\d{1,9})?(?: ?(?:z|utc|gmt|[+-]\d\d:?\d\d))?)"
    r"|((?:[a-z]{3,9}, )?\d{1,2}[ -][a-z]{3}[ -]\d{2,4} \d\d:\d\d:\d\d(?: (?:gmt|utc|[+-]\d{4}))?))"
)


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
    there = host_clock(headers, now)
    hints = (*_header_hints(headers, there), *_body_hints(payload, there), prose_wait_s(text, there, is_limit=is_limit))
    for hint in hints:
        if hint is not None and (is_limit or hint > 0):
            return hint
    if not is_limit:
        return None
    spent = [seen for seen in read_limits(headers, frozenset(), now) if seen.remaining == 0 and seen.reset_at]
    return clamped(max(seen.reset_at or now for seen in spent) - now) if spent else None


def names_retry_delay(payload: Json) -> bool:
    """Whether the body gives a `RetryInfo`, which is short even if the day is spent."""
    return any(dig(detail, "retryDelay") for detail in islice(_details(payload), _DETAILS))


def _body_hints(payload: Json, now: float) -> Iterable[float | None]:
    """Yield what the fields of a body say, the most reliable first."""
    error = dig(payload, "error") or dig(payload, 0, "error") or payload
    for detail in islice(_details(payload), _DETAILS):
        yield seconds_until(dig(detail, "retryDelay"), now)
        yield _protobuf_s(dig(detail, "retryDelay"))
    for path in _HINTS:
        yield seconds_until(dig(error, *path), now)
        yield seconds_until(dig(payload, *path), now)
    for name in _MILLIS_HINTS:
        yield _millis_s(dig(error, name))
        yield _millis_s(dig(payload, name))
    for name, value in islice(as_object(dig(error, "metadata", "headers")).items(), 64):
        if name.lower() in {"x-ratelimit-reset", "retry-after"}:
            yield seconds_until(value, now)


def prose_wait_s(text: str, now: float, *, is_limit: bool = True) -> float | None:
    """Return the wait that a message asks for; the arguments are `read_retry_after`'s."""
    sample = text[:_CHARS].lower()
    for pattern in (_SPAN, _IN) if is_limit else (_SPAN,):
        found = pattern.search(sample)
        seconds = read_duration(found[1]) if found else None
        if seconds is not None:
            return clamped(seconds)
    for pattern in (_SECONDS, _WINDOW):
        found = pattern.search(sample)
        if found:
            return seconds_until(found[1], now)
    found = _MOMENT.search(sample)
    return seconds_until(found[1] or found[2], now) if found else None


def _header_hints(headers: Mapping[str, str], now: float) -> Iterable[float | None]:
    for name in _MILLIS_HEADERS:
        yield _millis_s(headers.get(name))
    for name in _HEADERS:
        yield seconds_until(headers.get(name), now)


def _details(payload: Json) -> Iterable[Json]:
    error = dig(payload, "error") or dig(payload, 0, "error") or payload
    return as_list(dig(error, "details"))


def _millis_s(value: object) -> float | None:
    millis = as_float(value)
    return None if millis is None else clamped(millis / 1000)


def _protobuf_s(delay: object) -> float | None:
    """Return the wait of a duration that is spelled as an object."""
    seconds, nanos = as_float(dig(delay, "seconds")), as_float(dig(delay, "nanos"))
    if seconds is None and nanos is None:
        return None
    return clamped((seconds or 0.0) + (nanos or 0.0) / 1e9)
