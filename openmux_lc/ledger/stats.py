"""Statistics of a route: smoothed speed, decayed counts of successes and failures, trouble.

Pure. A figure moves by a fixed share with each new sample, so that no old call keeps
its weight for good.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from openmux_lc.errors import TimedOut
from openmux_lc.types.run import Attempt, Usage

__all__ = ["Sample", "Stats", "decayed", "fold", "to_sample"]

_ALPHA: Final = 0.3
_LATE_SHARE: Final = 0.95
_LATE_STEP: Final = 0.2
"""Of the figure itself: it follows a host that slows down within some ten late calls."""

_HALF_LIFE_S: Final = 2 * 86_400.0
_SHORTEST_SPAN_S: Final = 0.001
_FASTEST_TOKENS_PER_S: Final = 20_000.0
_LONGEST_RESPONSE_S: Final = 120.0
_MOST_TROUBLE: Final = 10.0
_TROUBLE_FADES_S: Final = 120.0
"""Seconds in which trouble falls by 1, whatever has happened before."""

_THROTTLED: Final = 3.0
_FAILED: Final = 1.0
"""What a rate limit and any other failure add to the trouble: the limit comes again sooner."""


class Stats(NamedTuple):
    """Figures of one route as of `at` (epoch seconds).

    Args:
        late_token_s: The first token of a stream comes later than that once in twenty times.
        late_whole_s: A whole answer, which nobody streamed, does.
    """

    at: float = 0.0
    successes: float = 0.0
    failures: float = 0.0
    first_token_s: float | None = None
    tokens_per_s: float | None = None
    response_s: float | None = None
    trouble: float = 0.0
    late_token_s: float | None = None
    late_whole_s: float | None = None


class Sample(NamedTuple):
    """What one attempt adds to them."""

    at: float
    is_success: bool
    is_failure: bool
    first_token_s: float | None = None
    tokens_per_s: float | None = None
    response_s: float | None = None
    trouble: float = 0.0


def to_sample(attempt: Attempt, at: float, *, is_failure: bool, is_throttled: bool = False) -> Sample:
    """Return what `attempt` adds to its route's figures.

    Args:
        is_failure: It failed for the route's own fault.
        is_throttled: It was refused for a rate limit.
    """
    response_s = min(attempt.elapsed_s, _LONGEST_RESPONSE_S)
    if attempt.outcome != "ok":
        return Sample(
            at,
            is_success=False,
            is_failure=is_failure,
            # A refusal is quick and says nothing of how long an answer takes; waiting in vain does.
            response_s=response_s if attempt.error == TimedOut.__name__ else None,
            trouble=_FAILED if is_failure else _THROTTLED if is_throttled else 0.0,
        )
    return Sample(
        at,
        is_success=True,
        is_failure=False,
        first_token_s=attempt.first_token_s,
        tokens_per_s=_tokens_per_s(attempt, attempt.usage),
        response_s=response_s or None,
    )


def decayed(stats: Stats, now: float) -> Stats:
    """Return the figures as they weigh at `now`: counts halve every two days, trouble is gone in minutes."""
    if now <= stats.at:
        return stats
    share = 0.5 ** ((now - stats.at) / _HALF_LIFE_S)
    return stats._replace(
        at=now,
        successes=stats.successes * share,
        failures=stats.failures * share,
        trouble=max(0.0, stats.trouble - (now - stats.at) / _TROUBLE_FADES_S),
    )


def fold(stats: Stats, sample: Sample) -> Stats:
    """Return the figures with one more attempt."""
    aged = decayed(stats, sample.at)
    return Stats(
        aged.at,
        aged.successes + sample.is_success,
        aged.failures + sample.is_failure,
        _smoothed(aged.first_token_s, sample.first_token_s),
        _smoothed(aged.tokens_per_s, sample.tokens_per_s),
        _smoothed(aged.response_s, sample.response_s),
        min(_MOST_TROUBLE, aged.trouble + sample.trouble),
        _late(aged.late_token_s, sample.first_token_s),
        _late(aged.late_whole_s, sample.response_s if sample.is_success and sample.first_token_s is None else None),
    )


def _smoothed(old: float | None, new: float | None) -> float | None:
    if new is None:
        return old
    return new if old is None else old + _ALPHA * (new - old)


def _late(old: float | None, new: float | None) -> float | None:
    """Return the 95th percentile with one more sample: a long step up for a late one, nineteen short ones down.

    It begins at twice the first sample, so that what is not known yet seems late rather than early.
    """
    if new is None:
        return old
    if old is None:
        return 2 * new
    step_s = _LATE_STEP * old
    return min(new, old + step_s * _LATE_SHARE) if new > old else max(new, old - step_s * (1 - _LATE_SHARE))


def _tokens_per_s(attempt: Attempt, usage: Usage | None) -> float | None:
    """Return the rate after the first token; of the whole call where that is not known."""
    span_s = attempt.elapsed_s - (attempt.first_token_s or 0.0)
    if usage is None or usage.output_tokens <= 1 or span_s < _SHORTEST_SPAN_S:
        return None
    return min(usage.output_tokens / span_s, _FASTEST_TOKENS_PER_S)
