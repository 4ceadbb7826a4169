"""How four peers choose, re-stated from their sources (August to November 2026) as pure functions.

`agreement` shows on random states that these choose as the peers' own installed code does.
Nothing but the standard library here: it runs in the peers' environments as well.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

SPREAD_BUCKET: Final = 8
UNKNOWN_SCORE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Seen:
    """What freellmpool 0.13 knows of one target.

    Args:
        used: Answers of this UTC day.
        per_day: The catalog's hint, 0 for none.
        ok, fail: Since the start of the process.
        state: Of its circuit, `""` while it has none.
    """

    provider: str
    model: str
    used: int
    per_day: int
    ok: int = 0
    fail: int = 0
    latency_ms: float | None = None
    state: str = ""
    failures_in_a_row: int = 0

    @property
    def is_over(self) -> bool:
        return self.per_day > 0 and self.used >= self.per_day

    @property
    def is_failing(self) -> bool:
        total = self.ok + self.fail
        is_down = bool(self.state) and (self.state != "closed" or self.failures_in_a_row >= 3)
        return is_down or (total >= 3 and self.ok / total < 0.5)

    @property
    def score(self) -> float:
        total = self.ok + self.fail
        if total == 0:
            return UNKNOWN_SCORE
        circuit = 50.0 if self.state not in {"", "closed"} else 0.0
        return circuit + (1 - self.ok / total) * 10 + min((self.latency_ms or 0.0) / 1000, 10.0) * 0.1


def freellmpool_order(targets: Sequence[Seen], mode: Literal["fair", "spread"]) -> list[Seen]:
    """Return freellmpool's order: providers by use (or by tiers of it), then their models."""
    by_provider: dict[str, list[Seen]] = {}
    for each in targets:
        by_provider.setdefault(each.provider, []).append(each)

    def of_provider(name: str) -> tuple[float, ...]:
        rows = by_provider[name]
        used = sum(row.used for row in rows)
        begins = (all(row.is_over for row in rows), all(row.is_failing for row in rows))
        if mode == "fair":
            return (*begins, used)
        return (*begins, used // SPREAD_BUCKET, min(row.score for row in rows))

    def of_target(row: Seen) -> tuple[float, ...]:
        if mode == "fair":
            return (row.is_over, row.is_failing, row.used)
        return (row.is_over, row.is_failing, row.used // SPREAD_BUCKET, row.score)

    return [row for name in sorted(by_provider, key=of_provider) for row in sorted(by_provider[name], key=of_target)]


@dataclass(frozen=True, slots=True)
class Load:
    """What LiteLLM's router knows of one deployment in the current minute."""

    name: str
    tokens: int
    requests: int
    tokens_per_min: float = math.inf
    requests_per_min: float = math.inf
    latencies: tuple[float, ...] = ()
    is_new: bool = False


def litellm_usage(loads: Sequence[Load], input_tokens: int) -> list[str]:
    """Return the deployments that `usage-based-routing-v2` draws from: the fewest tokens this minute."""
    room = [
        each
        for each in loads
        if each.tokens + input_tokens <= each.tokens_per_min
        and (each.requests == 0 or each.requests + 1 < each.requests_per_min)
    ]
    least = min((each.tokens for each in room), default=0)
    return [each.name for each in room if each.tokens == least]


def litellm_latency(loads: Sequence[Load], input_tokens: int) -> list[str]:
    """Return the deployments that `latency-based-routing` draws from: the least mean seconds per token."""
    room = [
        (sum(each.latencies) / len(each.latencies) if each.latencies else 0.0, each.name)
        for each in loads
        if each.tokens + input_tokens <= each.tokens_per_min and each.requests + 1 <= each.requests_per_min
    ]
    least = min((mean for mean, _ in room), default=0.0)
    return [name for mean, name in room if mean <= least]


def freellmapi_score(
    *,
    reliability: float,
    tokens_per_s: float | None,
    first_s: float | None,
    intelligence: float,
    left: float,
    penalty: float,
    weights: Mapping[str, float],
) -> float:
    """Return freellmapi's convex score: reliability, speed and intelligence, times headroom and trouble.

    It is TypeScript and not installed here: this follows its published formula.

    Args:
        left: Share of the tightest quota that is left.
        penalty: 0..10; grows by 3 with a rate limit, by 1 with another failure.
    """
    speed = 0.6
    if tokens_per_s is not None and first_s is not None:
        quick = max(0.0, min(1.0, (5.0 - first_s) / 4.7))
        speed = 0.6 * (1 - math.exp(-tokens_per_s / 60)) + 0.4 * quick
    mean = weights["r"] * reliability + weights["s"] * speed + weights["i"] * intelligence
    headroom = 1.0 if left >= 0.2 else 0.1 + 0.9 * max(0.0, left) / 0.2
    return mean * headroom * (1 - 0.6 * penalty / 10)
