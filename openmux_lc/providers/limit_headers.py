"""Limits out of response headers: what is allowed, what is left, when it refills.

A header's name says what it counts and over which window; where it does not, the row's
quirks do, or other headers of the same response. A name with a word that is not known
counts something else and tells nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import islice
from types import MappingProxyType
from typing import Final, NamedTuple

from openmux_lc.providers.durations import MAX_WAIT_S, WINDOWS_S, WindowName, read_moment, seconds_until
from openmux_lc.providers.limit_joining import joined, whole
from openmux_lc.providers.limit_policies import Policy, read_policies
from openmux_lc.types.catalog import LimitUnit
from openmux_lc.types.json import as_float
from openmux_lc.types.state import LimitObservation

__all__ = ["host_clock", "read_limits"]

_HEADERS: Final = 64
_CHARS: Final = 1000
_NAME_CHARS: Final = 100
_SKEW_S: Final = 30.0
"""Clocks differ, and a reply takes its time; beyond this one of the two is wrong."""

_FAMILY: Final = re.compile(r"(?:^|-)(?:ratelimit|tokenlimit)|(?:^|-)call-(?:limit|remaining)$")
_ROOT: Final = re.compile(r"^.*?\b((?:ratelimit|tokenlimit)(?:bysize)?)(?:-|$)")
_KINDS: Final = ("remaining", "reset", "limit")
_SHARES: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("prompt", "input"), "input"),
        **dict.fromkeys(("generated", "output", "completion", "model", "project"), "part"),
    }
)
"""Words for a part of what is counted: of the tokens, or of the account."""

_UNITS: Final[Mapping[str, LimitUnit]] = MappingProxyType(
    {
        **dict.fromkeys(("requests", "request", "reqs", "req", "calls", "call", "queries"), "requests"),
        **dict.fromkeys(("tokens", "token", "tokenlimit", "tokenlimitbysize", "ratelimitbysize"), "tokens"),
        "neurons": "neurons",
        "credits": "credits",
        "audio": "audio_seconds",
    }
)
_WINDOWS: Final[Mapping[str, WindowName]] = MappingProxyType(
    {
        **dict.fromkeys(("second", "sec", "s"), "second"),
        **dict.fromkeys(("minute", "min", "m", "trial"), "minute"),
        **dict.fromkeys(("hour", "hourly", "h"), "hour"),
        **dict.fromkeys(("day", "daily", "d"), "day"),
        **dict.fromkeys(("month", "monthly"), "month"),
    }
)
_SHORT: Final[Mapping[str, tuple[LimitUnit, WindowName]]] = MappingProxyType(
    {
        f"{what[0]}p{name[0]}": (what, name)
        for what in ("requests", "tokens")
        for name in ("second", "minute", "hour", "day")
    }
)
_IDLE: Final = frozenset({"", "x", "ratelimit", "per", "endpoint", "api"})
_COUNTED: Final = re.compile(r"(\d{1,5})([smhd])")
_TYPE: Final = re.compile(r"by(second|minute|hour|day|month)(tokens)?$")


class _Name(NamedTuple):
    """What a header's name says; its window may be told elsewhere."""

    kind: str
    unit: LimitUnit
    window_s: float | None
    share: str


_Key = tuple[LimitUnit, float | None, str]
_Groups = dict[_Key, dict[str, float]]


def read_limits(headers: Mapping[str, str], quirks: frozenset[str], now: float) -> tuple[LimitObservation, ...]:
    """Return what the headers tell about limits, one observation per unit and window.

    Args:
        headers: Names in lower case.
        quirks: The row's flags; they give a window to headers that name none.
        now: Epoch seconds.
    """
    names = ((name.replace("_", "-").replace("rate-limit", "ratelimit"), name) for name in headers)
    ours = islice(((name, raw) for name, raw in names if _FAMILY.search(name)), _HEADERS)
    told = {name: str(headers[raw])[:_CHARS] for name, raw in ours}
    if not told:
        return ()
    there = host_clock(headers, now)
    groups: _Groups = {}
    for name, value in told.items():
        said = _read_name(name[:_NAME_CHARS])
        if said is not None:
            said = said if said.window_s is not None else said._replace(window_s=_window_s(said.unit, told, quirks))
            for key, field, amount in _figures(said, value, there):
                groups.setdefault(key, {})[field] = amount + (now if field == "reset" else 0)
    _take_policies(told, there, now, groups)
    _take_kind_of_refusal(told, there, now, groups)
    if told.get("x-ratelimit-over-limit", "").strip().lower() in {"yes", "true", "1"}:
        _take_over_limit(groups)
    return joined(_observations(groups))


def host_clock(headers: Mapping[str, str], now: float) -> float:
    """Return the host's own time, by which it tells moments; ours where they agree or it is silent."""
    date = headers.get("date")
    there = read_moment(date) if isinstance(date, str) else None
    return now if there is None or abs(there - now) <= _SKEW_S else there


@lru_cache(maxsize=1024)
def _read_name(name: str) -> _Name | None:
    """Return what a header's name says, None where it counts what is not counted here."""
    words = _ROOT.sub(r"\1-", name).split("-")
    kind = next((kind for kind in _KINDS if kind in words), None)
    if kind is None:
        return None
    units: set[LimitUnit] = set()
    window_s = WINDOWS_S["minute"] if any(word.endswith("bysize") for word in words) else None
    share = ""
    for at, word in enumerate(words):
        counted = _COUNTED.fullmatch(word)
        if word in _IDLE or word in _KINDS or word.isdecimal() or (word == "seconds" and "audio" in words):
            continue
        if word in _SHARES:
            share = _SHARES[word]
        elif word in _SHORT:
            unit, window = _SHORT[word]
            units, window_s = {unit}, WINDOWS_S[window]
        elif word in _UNITS:
            units.add(_UNITS[word])
        elif word in _WINDOWS:
            many = int(words[at - 1]) if at and words[at - 1].isdecimal() and len(words[at - 1]) < 6 else 1
            window_s = many * WINDOWS_S[_WINDOWS[word]]
        elif counted:
            window_s = int(counted[1]) * WINDOWS_S[_WINDOWS[counted[2]]]
        else:
            return None
    if len(units) > 1 or (window_s is not None and not 0 < window_s <= MAX_WAIT_S):
        return None
    return _Name(kind, next(iter(units), "requests"), window_s, share)


def _window_s(unit: LimitUnit, told: Mapping[str, str], quirks: frozenset[str]) -> float | None:
    """Return the window of a header that names none."""
    if told.get("x-ratelimit", "").strip().lower() in {"true", "false"}:
        return WINDOWS_S["second"]  # who sends this flag counts by the second
    renewal_s = as_float(told.get(f"x-ratelimit-renewalperiod-{unit}"))
    if renewal_s is not None and 0 < renewal_s <= MAX_WAIT_S:
        return renewal_s
    for window, seconds in WINDOWS_S.items():
        if f"{unit}_per_{window}" in quirks:
            return seconds
    return None


def _figures(said: _Name, value: str, now: float) -> Iterator[tuple[_Key, str, float]]:
    """Yield what a header's value adds: group, field and amount (of a reset: the wait)."""
    key = (said.unit, said.window_s, said.share)
    if said.kind == "reset":
        wait_s = seconds_until(value, now)
        if wait_s is not None:
            yield key, "reset", wait_s
        return
    amount = as_float(value)
    if amount is not None:
        yield key, said.kind, amount
        return
    # Gateways list the limit that is nearest, then all of them: `10, 10;w=1, 100;w=60`.
    policies = read_policies(value, now)
    if policies and policies[0].limit is not None and policies[0].window_s is None:
        yield key, said.kind, policies[0].limit
    for policy in policies if said.kind == "limit" else ():
        if policy.limit is not None and policy.window_s is not None:
            yield (said.unit, policy.window_s, said.share), "limit", policy.limit


def _take_policies(told: Mapping[str, str], there: float, now: float, groups: _Groups) -> None:
    """Add the limits of the two structured fields, joined by their names."""
    counts = read_policies(told.get("ratelimit", ""), there)
    policies = read_policies(told.get("ratelimit-policy", ""), there)
    rest = {policy.name or str(at): policy for at, policy in enumerate(policies)}  # the nameless are joined by figures
    for count in counts:
        is_only = len(counts) == len(policies) == 1
        policy = rest.pop(next(iter(rest)) if is_only else count.name, count)
        _take_policy(count, policy, now, groups)
    for policy in rest.values():
        _take_policy(policy, policy, now, groups)


def _take_policy(count: Policy, policy: Policy, now: float, groups: _Groups) -> None:
    if policy.unit is None or count.unit is None:
        return
    unit = policy.unit if policy.unit != "requests" else count.unit
    window_s = policy.window_s if policy.window_s is not None else count.window_s
    fields = {
        "limit": policy.limit if policy.limit is not None else count.limit,
        "remaining": count.remaining,
        "reset": None if count.reset_s is None else now + count.reset_s,
    }
    group = groups.setdefault((unit, window_s, ""), {})
    for name, amount in fields.items():
        if amount is not None:
            group.setdefault(name, amount)


def _take_kind_of_refusal(told: Mapping[str, str], there: float, now: float, groups: _Groups) -> None:
    """Add the limit that a refusal names as the one that is spent (`UserByModelByDay`)."""
    found = _TYPE.search(told.get("x-ratelimit-type", "").strip().lower())
    wait_s = seconds_until(told.get("x-ratelimit-timeremaining"), there)
    if found is None or wait_s is None:
        return
    window_s = next(seconds for window, seconds in WINDOWS_S.items() if window == found[1])
    group = groups.setdefault(("tokens" if found[2] else "requests", window_s, ""), {})
    group.update(remaining=0, reset=now + wait_s)


def _take_over_limit(groups: _Groups) -> None:
    """Add that nothing is left, where the host says so and no figure does."""
    if any(fields.get("remaining") == 0 for fields in groups.values()):
        return
    key = next((key for key in groups if key[0] == "requests" and not key[2]), ("requests", None, ""))
    groups.setdefault(key, {})["remaining"] = 0


def _observations(groups: _Groups) -> tuple[LimitObservation, ...]:
    """Return the groups that limit something."""
    found: list[LimitObservation] = []
    for (unit, window_s, share), fields in groups.items():
        remaining = fields.get("remaining")
        if fields.get("limit") == 0 or (share and not _counts(share, (unit, window_s, ""), remaining, groups)):
            continue
        limit, length_s = _whole_limit(fields.get("limit"), window_s)
        seen = LimitObservation(
            unit=unit,
            window_s=length_s,
            limit=None if share == "part" else limit,
            remaining=whole(remaining),
            reset_at=fields.get("reset"),
        )
        if seen.limit is not None or seen.remaining is not None:
            # What is spent goes first: of one limit told twice, the first one's figures count.
            found.insert(0 if share == "part" else len(found), seen)
    return tuple(found)


def _whole_limit(limit: float | None, window_s: float | None) -> tuple[int | None, float | None]:
    """Return a limit as a whole number with its window: one in ten seconds is not zero a second."""
    if limit is None or limit >= 1:
        return whole(limit), window_s
    return (whole(round(limit * 60, 6)) or None, 60.0) if window_s == 1 else (None, window_s)


def _counts(share: str, total: _Key, remaining: float | None, groups: _Groups) -> bool:
    """Whether a part tells something of the whole: that none is left; input also where no total is told."""
    return remaining == 0 or (share == "input" and total not in groups)
