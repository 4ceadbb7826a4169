"""Limits out of a refusal's body and prose: which window is spent, and what is allowed in it.

A stranger's sentences: only a figure that a limit's own words surround counts, one that
contradicts another does not, and none is believed beyond 10**12.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from types import MappingProxyType
from typing import Final

from openmux_lc.providers.durations import MAX_WAIT_S, SPAN, WINDOWS_S, WindowName, read_duration
from openmux_lc.providers.fault_text import error_text
from openmux_lc.providers.limit_headers import read_limits
from openmux_lc.providers.limit_joining import joined, whole
from openmux_lc.providers.retry_hints import read_retry_after
from openmux_lc.types.catalog import LimitUnit
from openmux_lc.types.json import Json, as_float, as_list, as_object, as_text, dig
from openmux_lc.types.state import LimitObservation

__all__ = ["read_limits_told", "read_window"]

_CHARS: Final = 4000
_SIGNS: Final = (
    "limit",
    "quota",
    "exceeded",
    "reduced to",
    "maximum of",
    "alloca",
    "allowance",
    "reached",
    "free-models",
)
"""No sentence about a limit is without one of these; most errors are."""
_FOUND: Final = 8

_SPAN: Final = re.compile(
    r"(?:\bper[- _]?|/ ?|\ba |each )(second|sec|minute|min|hour|day|month)\b"
    r"|\b(hourly|daily|monthly|neurons|[tr]p[dmhs]\b)"
    r"|(?:this|next) (month)|limit_rp([md])|(?-i:[a-z]By)(minute|hour|day)\b",
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

_WORDS: Final = (
    r"(api calls|calls|(?:free |api |free model |model )?requests|queries|(?:input |output )?tokens|seconds of audio"
    r"|audio seconds|neurons|request|query|token)"
)
_NUMBER: Final = r"([0-9]{1,3}(?:,[0-9]{3}){1,4}|[0-9]{1,15}(?:\.[0-9]{1,9})?)"
_WINDOW: Final = (
    rf"(?: ?/ ?| per |[ -]an? |[ -]each |[ -]per[ -])(?:({SPAN})|(second|sec|minute|min|hour|day|month)s?)\b"
)
_LABELLED: Final = re.compile(
    rf"\b{_WORDS} per (second|sec|minute|min|hour|day|month)s?(?: \([a-z]{{2,5}}\))?[:.,] ?limit:? {_NUMBER}"
    rf"(?: ?/ ?[a-z]{{3,6}})?(?:[,.] ?(?:used|current):? {_NUMBER}(?: ?/ ?[a-z]{{3,6}})?)?"
    rf"(?:[,.] ?requested:? {_NUMBER})?"
)
"""`tokens per minute (TPM): Limit 8000, Used 7460, Requested 1200`."""

_LEADS: Final = (
    r"(?:limited to|limits? (?:is|of|are|to)|limit for this [a-z]{1,12} is|quota (?:is|of)|exceeded(?: your| the)?"
    r"|reduced to|maximum of|limit (?:reached|exceeded)(?: \(|:)|limit:)"
)
_ALLOWED: Final = re.compile(rf"\b{_LEADS} ?{_NUMBER} {_WORDS}(?: and {_NUMBER} {_WORDS})?{_WINDOW}")
"""`limited to 20 API calls / minute`; what a paid plan would allow has no such lead."""

_COUNTED: Final = re.compile(rf"\blimit of {_NUMBER} per ({SPAN}) exceeded(?: for [a-z]{{1,40}}(tokens)?)?")
_RATES: Final = re.compile(
    rf"\blimits? (?:is|are) ((?:{_NUMBER} [rt]p[smhd](?: \([^()]{{1,20}}\))?(?:,? and |, )?){{1,4}})"
)
_RATE: Final = re.compile(rf"{_NUMBER} ([rt])p([smhd])\b")
_ALLOCATION: Final = re.compile(
    rf"\b(daily|monthly) (?:free )?(?:allocation|allowance|quota|limit) of {_NUMBER} {_WORDS}"
)
_SPENT: Final = re.compile(
    r"\b(requests?|tokens?) per (second|sec|minute|min|hour|day|month)s? (?:rate )?limit (?:has been )?"
    r"(?:exceeded|reached)"
    r"|\bper (second|minute|hour|day|month) (requests?|tokens?) limit"
    r"|\bquota metric '[^']{0,80}\b(requests|tokens) per (minute|hour|day)'"
    r"|\b(request) per (min)(?:ute)? rate reached"
)
_FREE_MODELS: Final = re.compile(r"\bfree-models-per-(min|day)|\blimit_rp([md])\b")
_DURATION: Final = re.compile(r"\bduration_s: ?([0-9]{1,7}), ?current usage: ?([0-9]{1,15}), ?limit: ?([0-9]{1,15})\b")
_MOST_REQUESTS: Final = 100_000
"""Where a host names no unit: no free account has more requests than this, nor fewer tokens."""

_QUOTA_WINDOW: Final = re.compile(r"Per(Second|Minute|Hour|Day|Month)(?![a-z])")
_METRIC_LIMIT: Final = re.compile(r"\blimit: ([0-9]{1,15})\b")


def read_window(text: str) -> WindowName | None:
    """Return the window that an error says is spent, None where it names none.

    The first one named counts: hosts advertise their other limits behind it.
    """
    sample = text[:_CHARS]
    if _QUOTA_PER_DAY.search(sample):
        return "day"
    found = _SPAN.search(sample)
    return _SPANS.get(next(filter(None, found.groups())).lower()) if found else None


def read_limits_told(payload: Json, text: str, now: float) -> tuple[LimitObservation, ...]:
    """Return the limits that a refusal's body tells: its fields first, then its prose.

    Args:
        payload: The error body as JSON, None when it is not.
        text: The error's message; `""` takes the body's.
        now: Epoch seconds.
    """
    message = (text or error_text(payload))[:_CHARS]
    fields = (*_repeated_headers(payload, message, now), *_quota_failures(payload, message))
    found = _agreed([seen for seen in (*fields, *_in_prose(message)) if seen.limit != 0])
    spent = [seen for seen in found if seen.remaining is not None and seen.reset_at is None]
    wait_s = read_retry_after({}, payload, message, now) if len(spent) == 1 else None
    if wait_s is not None and spent[0].window_s is not None and _is_of(spent[0].window_s, wait_s, payload):
        found = [replace(seen, reset_at=now + wait_s) if seen is spent[0] else seen for seen in found]
    return tuple(replace(seen, source="body") for seen in found)


def _repeated_headers(payload: Json, message: str, now: float) -> tuple[LimitObservation, ...]:
    """Return what a router repeats in its body; the message names the window."""
    headers = as_object(dig(payload, "error", "metadata", "headers"))
    if not headers:
        return ()
    named = {name.lower()[:60]: str(value)[:60] for name, value in islice(headers.items(), 64)}
    window = read_window(message)
    window_s = None if window is None else WINDOWS_S[window]
    found = read_limits(named, frozenset(), now)
    return tuple(replace(seen, window_s=window_s) if seen.window_s is None else seen for seen in found)


def _quota_failures(payload: Json, message: str) -> Iterator[LimitObservation]:
    """Yield the quotas that are violated; one of zero says that the model is not free at all."""
    error = dig(payload, "error") or dig(payload, 0, "error") or payload
    violations = [each for detail in as_list(dig(error, "details"))[:16] for each in as_list(dig(detail, "violations"))]
    in_prose = set(_METRIC_LIMIT.findall(message)) if violations else ()
    for violation in violations[:_FOUND]:
        quota_id = as_text(dig(violation, "quotaId"))[:200]
        window = _QUOTA_WINDOW.search(quota_id)
        if window is None:
            continue
        value = dig(violation, "quotaValue")
        if value is None and len(violations) == len(in_prose) == 1:
            value = next(iter(in_prose))
        limit = whole(as_float(value))
        if limit == 0 or (value is None and "0" in in_prose):
            continue
        unit: LimitUnit = "tokens" if "Token" in quota_id else "requests"
        yield LimitObservation(unit=unit, window_s=_seconds(window[1]), limit=limit, remaining=0)


def _in_prose(message: str) -> Iterator[LimitObservation]:
    text = " ".join(message.lower().split())
    if not any(sign in text for sign in _SIGNS):
        return
    labelled = [_labelled(found) for found in islice(_LABELLED.finditer(text), _FOUND)]
    yield from filter(None, labelled)
    if labelled:
        return  # what follows repeats it, or advertises
    yield from _allowed(text)
    for found in islice(_COUNTED.finditer(text), _FOUND):
        yield from _spent("tokens" if found[3] else "requests", read_duration(found[2]), _figure(found[1]))
    for found in islice(_ALLOCATION.finditer(text), _FOUND):
        yield from _spent(_unit(found[3]), _seconds(found[1]), _figure(found[2]))
    for found in islice(_SPENT.finditer(text), _FOUND):
        words = [word for word in found.groups() if word]
        unit, window = words if words[0].startswith(("request", "token")) else reversed(words)
        yield from _spent(_unit(unit), _seconds(window), None)
    for found in islice(_FREE_MODELS.finditer(text), 1):
        yield from _spent("requests", _seconds(found[1] or found[2]), None)
    for found in islice(_DURATION.finditer(text), _FOUND):
        yield from _counted_over(found)


def _labelled(found: re.Match[str]) -> LimitObservation | None:
    """Return a limit with its figures, None where these say that nothing was exceeded."""
    words, window, *figures = found.groups()
    limit, used, asked = (whole(_figure(figure)) for figure in figures)
    if not limit or (used is not None and asked is not None and used + asked <= limit):
        return None
    remaining = None if used is None else max(0, limit - used)
    return LimitObservation(unit=_unit(words), window_s=_seconds(window), limit=limit, remaining=remaining)


def _allowed(text: str) -> Iterator[LimitObservation]:
    """Yield what is said to be allowed; of two limits nobody says which one is spent."""
    for found in islice(_ALLOWED.finditer(text), _FOUND):
        first, first_words, second, second_words, span, name = found.groups()
        window_s = read_duration(span) if span else _seconds(name)
        if second is None:
            yield from _spent(_unit(first_words), window_s, _figure(first))
            continue
        for figure, words in ((first, first_words), (second, second_words)):
            for seen in _spent(_unit(words), window_s, _figure(figure)):
                yield replace(seen, remaining=None)
    for rates in islice(_RATES.finditer(text), _FOUND):
        for figure, what, window in _RATE.findall(rates[1]):
            unit: LimitUnit = "requests" if what == "r" else "tokens"
            for seen in _spent(unit, _seconds(f"{what}p{window}"), _figure(figure)):
                yield replace(seen, remaining=None)


def _counted_over(found: re.Match[str]) -> Iterator[LimitObservation]:
    window_s, used, limit = float(found[1]), whole(float(found[2])), whole(float(found[3]))
    if not limit or used is None:
        return
    unit: LimitUnit = "requests" if limit < _MOST_REQUESTS else "tokens"
    for seen in _spent(unit, window_s, limit):
        yield replace(seen, remaining=max(0, limit - used))


def _spent(unit: LimitUnit, window_s: float | None, limit: float | None) -> Iterator[LimitObservation]:
    """Yield a limit of which nothing is left, unless its figures cannot be meant."""
    amount = whole(limit)
    if window_s is not None and 0 < window_s <= MAX_WAIT_S and (limit is None or amount):
        yield LimitObservation(unit=unit, window_s=window_s, limit=amount, remaining=0)


def _agreed(told: list[LimitObservation]) -> list[LimitObservation]:
    """Return one observation per limit, without those on which the text contradicts itself."""
    kept = []
    for seen in told:
        alike = [other for other in told if (other.unit, other.window_s) == (seen.unit, seen.window_s)]
        limits = {other.limit for other in alike if other.limit is not None}
        is_sound = seen.limit is None or seen.remaining is None or seen.remaining <= seen.limit
        if len(limits) <= 1 and is_sound:
            kept.append(seen)
    return list(joined(tuple(kept)))


def _is_of(window_s: float, wait_s: float, payload: Json) -> bool:
    """Whether a wait is that of a window: it is no longer, and a `RetryInfo` looks at minutes only."""
    is_minutes = bool(as_list(dig(payload, "error", "details")) or as_list(dig(payload, 0, "error", "details")))
    return wait_s <= window_s and (window_s < WINDOWS_S["day"] or not is_minutes)


def _unit(words: str) -> LimitUnit:
    if "token" in words:
        return "tokens"
    return "neurons" if words == "neurons" else "audio_seconds" if "audio" in words else "requests"


def _seconds(word: str) -> float:
    return WINDOWS_S[_SPANS[word.lower()]]


def _figure(text: str | None) -> float | None:
    return None if text is None else as_float(text.replace(",", ""))
