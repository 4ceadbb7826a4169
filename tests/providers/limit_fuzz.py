"""Values by the million for every reader of times and limits: what must hold of whatever they return.

A value is made out of its number and the seed alone, so that a case can be run again.
"""

import json
import math
import random
import string
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from openmux_lc.providers.durations import read_moment
from openmux_lc.providers.limit_headers import host_clock
from openmux_lc.providers.limit_policies import read_policies
from openmux_lc.providers.limits import (
    MAX_WAIT_S,
    names_retry_delay,
    read_duration,
    read_limits,
    read_limits_told,
    read_retry_after,
    read_window,
    seconds_until,
    until_refill,
)
from openmux_lc.types.state import LimitObservation
from tests.providers.limit_dialects import CASES, NOW

QUIRKS = frozenset({"requests_per_day", "tokens_per_minute"})
MOST = 10**12


class Outcome(NamedTuple):
    """What one value gave.

    Args:
        reader: Who read it.
        value: What was read.
        complaint: What is wrong with the result, `""` when it is sound.
        is_read: Whether the value meant something.
        seconds: What reading took.
    """

    reader: str
    value: object
    complaint: str
    is_read: bool
    seconds: float


_HEADERS = [
    *dict.fromkeys(name for case in CASES for name in case.headers),
    *(
        "x-rate-limit-reset",
        "x_ratelimit_remaining",
        "x-ratelimit-limit-1h",
        "ratelimit-policy",
        "x-ratelimit-remaining-rpd",
    ),
]
_BODIES = [case.body for case in CASES if case.body is not None]
_VALUES = [str(value) for case in CASES for value in case.headers.values()]
_PIECES = (
    *(
        "1",
        "0",
        "9" * 30,
        "-",
        ".",
        "e",
        "1e308",
        "nan",
        "inf",
        "_",
        "+",
        " ",
        ",",
        ";",
        "=",
        '"',
        "\\",
        "\x00",
        "\ud800",
        "٣",
    ),
    *(
        "s",
        "ms",
        "m",
        "h",
        "d",
        "µs",
        "w",
        "PT",
        "P1D",
        "T",
        "Z",
        "GMT",
        "UTC",
        "+99:99",
        "-00:00",
        "2026-09-21",
        "14:15:00",
    ),
    *(
        "Mon, 21 Sep 2026 14:15:00 GMT",
        "31 Feb 0000 25:61:61",
        "9999-12-31T23:59:59Z",
        "0001-01-01",
        str(int(NOW)) + "000",
    ),
    *(
        "limit=",
        "remaining=",
        "reset=",
        "q=",
        "r=",
        "t=",
        "w=",
        "qu=",
        '"default"',
        "100;w=60",
        "try again in ",
        "in 5 ",
    ),
    *(
        "limited to ",
        "tokens per minute",
        " (TPM): Limit ",
        ", Used ",
        ", Requested ",
        "requests per day",
        "limit: 0",
        "10,000",
    ),
    *(
        "free-models-per-day",
        "limit_rpm",
        "duration_s: ",
        "current usage: ",
        "neurons",
        "per 60s exceeded",
        "seconds",
        "hours and ",
    ),
)


def text(rng: random.Random) -> str:
    """Return a text that looks like a time or a limit, or like nothing at all."""
    kind = rng.random()
    if kind < 0.2:
        return _number(rng)
    if kind < 0.4:
        return _mutated(rng, rng.choice(_VALUES))
    if kind < 0.5:
        return "".join(rng.choices(string.printable, k=rng.randrange(12)))
    return "".join(rng.choice(_PIECES) for _ in range(rng.randrange(1, 8)))


def value(rng: random.Random) -> object:
    """Return anything that a header or a body may hold where a time is due."""
    if rng.random() < 0.8:
        return text(rng)
    made: tuple[Callable[[], object], ...] = (
        lambda: rng.uniform(-1e12, 1e20),
        lambda: rng.randrange(-(10**6), 10**22),
        lambda: rng.choice((math.nan, math.inf, -math.inf, 10**400, None, True, [], {}, b"7", 1e308, -0.0)),
    )
    return rng.choice(made)()


def headers(rng: random.Random) -> dict[str, str]:
    """Return headers of one or several hosts, their values changed."""
    found = dict(rng.choice(CASES).headers) if rng.random() < 0.5 else {}
    for name in found:
        found[name] = _mutated(rng, found[name]) if rng.random() < 0.5 else found[name]
    for _ in range(rng.randrange(4)):
        found[rng.choice(_HEADERS)] = text(rng)
    return found


def body(rng: random.Random) -> Any:
    """Return a refusal's body, as JSON that was changed in its text."""
    whole = json.dumps(rng.choice(_BODIES))
    try:
        return json.loads(_mutated(rng, whole) if rng.random() < 0.7 else whole)
    except ValueError:
        return {"error": {"message": text(rng), "details": [{"retryDelay": value(rng)}, text(rng), None]}}


def _number(rng: random.Random) -> str:
    number = rng.choice((rng.uniform(0, 100), rng.uniform(0, 1e7), NOW + rng.uniform(-1e6, 1e7), rng.uniform(0, 1e30)))
    scale = rng.choice((1, 1, 1000, 10**6, 10**9))
    return rng.choice(("{:.0f}", "{:.3f}", "{:g}", "-{:.2f}", "{:.0f}s", "{:.2f}ms", "PT{:.0f}S")).format(
        number * scale
    )


def _mutated(rng: random.Random, whole: str) -> str:
    at, end = sorted((rng.randrange(len(whole) + 1), rng.randrange(len(whole) + 1)))
    kind = rng.randrange(4)
    if kind == 0:
        return whole[:at] + rng.choice(_PIECES) + whole[at:]
    if kind == 1:
        return whole[:at] + whole[min(end, at + 6) :]
    if kind == 2:
        return whole[:at] + "".join(rng.choice(string.digits + ".:-") for _ in range(4)) + whole[at + 4 :]
    return whole


def _wait(found: object) -> str:
    if found is None:
        return ""
    return "" if isinstance(found, float) and 0.0 <= found <= MAX_WAIT_S else "not 0 to 31 days"


def _limits(found: tuple[LimitObservation, ...]) -> str:
    for seen in found:
        if not all(figure is None or 0 <= figure <= MOST for figure in (seen.limit, seen.remaining)) or seen.limit == 0:
            return "a figure that cannot be"
        if seen.window_s is not None and not 0 < seen.window_s <= MAX_WAIT_S:
            return "a window that cannot be"
        if seen.reset_at is not None and not NOW <= seen.reset_at <= NOW + MAX_WAIT_S:
            return "a reset that is past or beyond 31 days"
        if seen.limit is None and seen.remaining is None:
            return "nothing told"
    keys = [(seen.unit, seen.window_s) for seen in found]
    return "" if len(set(keys)) == len(keys) else "one limit told twice"


def _finite(found: float | None) -> str:
    return "" if found is None or math.isfinite(found) else "not finite"


def _policies(found: tuple[Any, ...]) -> str:
    numbers = [number for each in found for number in each if isinstance(number, float)]
    return "" if all(map(math.isfinite, numbers)) else "not finite"


READERS: dict[str, tuple[Callable[[random.Random], Any], Callable[[Any], Any], Callable[[Any], str]]] = {
    "seconds_until": (value, lambda given: seconds_until(given, NOW), _wait),
    "read_duration": (text, read_duration, _finite),
    "read_moment": (text, read_moment, _finite),
    "host_clock": (lambda rng: {"date": text(rng)}, lambda given: host_clock(given, NOW), _finite),
    "read_policies": (text, lambda given: read_policies(given, NOW), _policies),
    "read_limits": (headers, lambda given: read_limits(given, QUIRKS, NOW), _limits),
    "read_limits_told": (
        lambda rng: (body(rng), text(rng) if rng.random() < 0.5 else ""),
        lambda given: read_limits_told(*given, NOW),
        _limits,
    ),
    "read_retry_after": (
        lambda rng: (headers(rng), body(rng), text(rng), rng.random() < 0.8),
        lambda given: read_retry_after(*given[:3], NOW, is_limit=given[3]),
        _wait,
    ),
    "names_retry_delay": (body, names_retry_delay, lambda _: ""),
    "read_window": (text, read_window, lambda _: ""),
    "until_refill": (
        lambda rng: (rng.choice(("second", "minute", "hour", "day", "month")), NOW + rng.uniform(-1e9, 1e9)),
        lambda given: until_refill(*given, zone="America/Los_Angeles"),
        _wait,
    ),
}
"""Name -> what makes its input, the reader, and what is wrong with a result."""

WEIGHTS = dict.fromkeys(READERS, 2) | {
    "seconds_until": 8,
    "read_limits": 6,
    "read_limits_told": 4,
    "read_retry_after": 4,
}
_ORDER = [name for name, weight in WEIGHTS.items() for _ in range(weight)]


def run(seed: int, number: int) -> Outcome:
    """Return what one case gave."""
    rng = random.Random(f"{seed} {number}")
    name = _ORDER[number % len(_ORDER)]
    make, read, judge = READERS[name]
    given = make(rng)
    began = time.perf_counter()
    try:
        found = read(given)
    except Exception as error:  # noqa: BLE001 - which one it is, is what is reported
        return Outcome(name, given, f"{type(error).__name__}: {error}", is_read=False, seconds=0.0)
    seconds = time.perf_counter() - began
    return Outcome(name, given, judge(found), is_read=found not in (None, (), False), seconds=seconds)
