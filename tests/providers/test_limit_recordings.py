"""Every limit, reset and retry header of every recorded response, against meanings written down by hand.

The oracle shares no line with the package: per host a table says what each header counts, over which window, and which
field its value is; what is in no table makes the test fail.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from openmux_lc.catalog.layers import package_layers
from openmux_lc.providers.limits import read_limits, read_retry_after

UNTOLD_NOW = 1_790_000_000.0
"""The moment of a response that tells none."""

S, M, H, D, MO = 1, 60, 3600, 86_400, 2_592_000
R, T, A = "requests", "tokens", "audio_seconds"
LIMIT, LEFT, RESET = "limit", "remaining", "reset"

Meaning = tuple[str, float | None, str] | None
"""Unit, window, field; None for a header that tells nothing of a limit."""

WORDS = ("limit", "retry", "reset", "quota", "remaining")
ROWS = {"github": "github-models", "gemini_openai": "gemini"}


def _both(name: str, unit: str, window: float | None, kinds: str = "limit remaining") -> dict[str, Meaning]:
    return {name.replace("*", kind): (unit, window, kind) for kind in kinds.split()}


ALL = "limit remaining reset"
PER_NAME = {
    **_both("x-ratelimit-*-requests-minute", R, M, ALL),
    **_both("x-ratelimit-*-requests-hour", R, H, ALL),
    **_both("x-ratelimit-*-requests-day", R, D, ALL),
    **_both("x-ratelimit-*-tokens-minute", T, M, ALL),
    **_both("x-ratelimit-*-tokens-hour", T, H, ALL),
    **_both("x-ratelimit-*-tokens-day", T, D, ALL),
}
PER_SECOND = {
    **_both("x-ratelimit-*", R, S, ALL),
    **_both("x-ratelimit-*-tokens", T, S),
    **dict.fromkeys(("x-ratelimit", "x-ratelimit-limit-dynamic", "x-ratelimit-remaining-dynamic", "retry-after")),
}
UNTOLD = {**_both("x-ratelimit-*-requests", R, None, ALL), **_both("x-ratelimit-*-tokens", T, None, ALL)}
IETF: dict[str, Meaning] = {"ratelimit": (R, None, "count"), "ratelimit-policy": (R, None, "policy")}

TABLES: dict[str, dict[str, Meaning]] = {
    "cerebras": {**PER_NAME, "retry-after-ms": None},
    "cloudflare": IETF,
    "cohere": {
        "x-trial-endpoint-call-limit": (R, M, LIMIT),
        "x-trial-endpoint-call-remaining": (R, M, LEFT),
        "x-endpoint-monthly-call-limit": (R, MO, LIMIT),
    },
    "github": {
        **_both("x-ratelimit-*-requests", R, M, ALL),
        **_both("x-ratelimit-*-tokens", T, M, ALL),
        **dict.fromkeys(("x-ratelimit-renewalperiod-requests", "x-ratelimit-renewalperiod-tokens", "x-ratelimit-key")),
        **dict.fromkeys(("x-ratelimit-abusepenalty-active", "retry-after", "x-ratelimit-type")),
        "x-ratelimit-timeremaining": (R, M, "spent"),
    },
    "github, no period": UNTOLD,
    "groq": {
        **_both("x-ratelimit-*-requests", R, D, ALL),
        **_both("x-ratelimit-*-tokens", T, M, ALL),
        "retry-after": None,
    },
    "mistral": {
        **_both("ratelimitbysize-*", T, M, ALL),
        **_both("x-ratelimitbysize-*-minute", T, M),
        **_both("x-ratelimitbysize-*-month", T, MO),
        **_both("x-ratelimit-*-req-minute", R, M),
        **_both("x-ratelimit-*-req-60-second", R, M),
        **_both("x-ratelimit-*-req-10-second", R, 10),
        **_both("x-ratelimit-*-tokens-minute", T, M),
        **_both("x-ratelimit-*-tokens-5-minute", T, 300),
        **_both("x-ratelimit-*-tokens-month", T, MO),
        **_both("x-ratelimit-*-audio-seconds-minute", A, M),
        **dict.fromkeys(f"x-ratelimit-{kind}-ocr-pages-minute" for kind in (LIMIT, LEFT)),
        **dict.fromkeys(f"x-ratelimit-{kind}-input-characters-minute" for kind in (LIMIT, LEFT)),
        **dict.fromkeys(f"x-ratelimit-{what}-query-cost" for what in ("tokens", "audio-seconds", "ocr-pages")),
        **dict.fromkeys(("ratelimitbysize-query-cost", "x-max-retry-attempts-reached")),
        "x-ratelimit-input-characters-query-cost": None,
    },
    "openrouter": _both("x-ratelimit-*", R, None, ALL),
    "replicate": _both("ratelimit-*", R, None, "remaining reset"),
    "together": PER_SECOND,
    "together, no flag": _both("x-ratelimit-*", R, None, ALL),
    # A router that relays the headers of whoever answered.
    "huggingface": {
        **PER_NAME,
        **UNTOLD,
        **IETF,
        **_both("ratelimit-*", R, M, ALL),
        **_both("x-ratelimit-*-minute", R, M),
        **_both("x-ratelimit-*-tokens-prompt", T, None),
        **dict.fromkeys(f"x-ratelimit-{kind}-tokens-generated" for kind in (LIMIT, LEFT)),
        **dict.fromkeys(("x-ratelimit-over-limit", "retry-after", "x-ratelimit-dynamic-period-remaining")),
        **dict.fromkeys(f"x-ratelimit-dynamic-scale-{unit}" for unit in (R, T)),
        **dict.fromkeys(f"x-ratelimit-dynamic-period-usage-{unit}" for unit in (R, T)),
    },
    "huggingface, by the second": PER_SECOND,
    "huggingface, a counter alone": _both("ratelimit-*", R, None, "remaining reset"),
}


class Response(NamedTuple):
    file: str
    provider: str
    headers: Mapping[str, str]

    @property
    def now(self) -> float:
        """Return the moment of the response."""
        date = self.headers.get("date")
        return parsedate_to_datetime(date).timestamp() if date else UNTOLD_NOW

    @property
    def told(self) -> dict[str, str]:
        """Return the headers that speak of limits."""
        return {name: value for name, value in self.headers.items() if any(word in name for word in WORDS)}

    @property
    def table(self) -> Mapping[str, Meaning]:
        """Return the meanings that hold for this response."""
        told, kind = self.told, ""
        if self.provider == "huggingface":
            kind = ", by the second" if "x-ratelimit" in told else ""
            kind = ", a counter alone" if set(told) == {"ratelimit-remaining", "ratelimit-reset"} else kind
        elif self.provider == "github" and not any("renewalperiod" in name or "type" in name for name in told):
            kind = ", no period"
        elif self.provider == "together" and "x-ratelimit" not in told and "retry-after" not in told:
            kind = ", no flag"
        return TABLES[self.provider + kind]


def _responses(folder: Path) -> Iterator[Response]:
    for row in json.loads((folder / "INDEX.json").read_text(encoding="utf-8")):
        if row["has_response_headers"]:
            headers = json.loads((folder / row["file"]).read_text(encoding="utf-8"))["response_headers"]
            found = Response(row["file"], row["provider"], headers)
            if found.told:
                yield found


def _seconds(value: str, now: float) -> float:
    """Return a wait: seconds, epoch milliseconds or a Go duration."""
    if re.fullmatch(r"[\d.]+", value):
        number = float(value)
        return number / 1000 - now if number > 10**12 else number
    units = {"h": 3600, "m": 60, "s": 1, "ms": 0.001}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([\d.]+)(ms|h|m|s)", value))


Figures = dict[tuple[str, float | None], dict[str, float]]


def _due(response: Response) -> Figures:
    """Return what the response means, by unit and window."""
    due: Figures = {}
    for name, value in response.told.items():
        meaning = response.table[name]
        if meaning is None:
            continue
        unit, window, field = meaning
        if field in {"count", "policy"}:
            numbers = dict(re.findall(r"\b([rtqw])=(\d+)", value))
            window = float(re.search(r"w=(\d+)", response.headers["ratelimit-policy"])[1])  # type: ignore[index]
            names = {"q": LIMIT, "r": LEFT, "t": RESET}
            due.setdefault((unit, window), {}).update(
                {names[key]: float(n) for key, n in numbers.items() if key != "w"}
            )
        elif field == "spent":
            due.setdefault((unit, window), {}).update({LEFT: 0.0, RESET: float(value)})
        elif field == RESET:
            due.setdefault((unit, window), {})[RESET] = _seconds(value, response.now)
        elif float(value) <= 10**12:
            due.setdefault((unit, window), {})[field] = float(value)
    return _counted(due)


def _counted(due: Figures) -> Figures:
    """Return whole figures: a tenth of a request a second is six a minute, a limit of none is none."""
    found: Figures = {}
    for (unit, window), fields in due.items():
        limit, length = fields.get(LIMIT), window
        if limit is not None and 0 < limit < 1:
            limit, length = round(limit * 60), M
        if limit == 0 or not {LIMIT, LEFT} & set(fields):
            continue
        told = {**fields, **({} if limit is None else {LIMIT: limit})}
        found[unit, length] = {key: value if key == RESET else int(value) for key, value in told.items()}
    return found


def _found(response: Response, quirks: frozenset[str]) -> Figures:
    found: Figures = {}
    for seen in read_limits(response.headers, quirks, response.now):
        after_s = None if seen.reset_at is None else seen.reset_at - response.now
        fields = {LIMIT: seen.limit, LEFT: seen.remaining, RESET: after_s}
        assert (seen.unit, seen.window_s) not in found, response.file
        found[seen.unit, seen.window_s] = {key: value for key, value in fields.items() if value is not None}
    return found


def test_every_recorded_limit_header_means_what_its_host_means(
    shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shared / "recordings"
    rows = package_layers().to_providers()
    responses, values, wrong = Counter[str](), Counter[str](), dict[str, str]()

    for response in _responses(folder):
        row = rows.get(ROWS.get(response.provider, response.provider))
        found = _found(response, row.quirks if row else frozenset())
        due = _due(response)
        if {key: pytest.approx(fields, abs=1e-3) for key, fields in due.items()} != found:
            wrong[response.file] = f"{found} not {due}"
        responses[response.provider] += 1
        values[response.provider] += len(response.told)

    with capsys.disabled():
        print("\nlimit headers  responses  values")
        for name in responses:
            print(f"{name:<14}{responses[name]:>10}{values[name]:>8}")
        print(f"{'all':<14}{responses.total():>10}{values.total():>8}, {len(wrong)} wrong")
    assert {} == wrong
    assert responses.total() > 400


def test_every_recorded_retry_header_is_the_wait(shared: Path) -> None:
    folder = shared / "recordings"
    due, found = {}, {}

    for response in _responses(folder):
        told = response.told.get("retry-after"), response.told.get("retry-after-ms")
        if any(told):
            due[response.file] = float(told[0]) if told[0] else float(told[1] or 0) / 1000
            found[response.file] = read_retry_after(response.headers, None, "", response.now)

    assert due == found
    assert len(due) > 100
