"""A candidate's score: a weighted sum of five terms, each between 0 and 1.

Raising any term never lowers the score. What is unmeasured counts as average, so
that new routes are tried.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from typing import Final

from openmux_lc.errors import ConfigError
from openmux_lc.types.catalog import Limit, PoolEntry
from openmux_lc.types.run import Classification, Requirements, Score
from openmux_lc.types.state import RouteState

__all__ = ["PROFILES", "TERMS", "affinity", "quality_for", "score", "weakened", "weights_of", "with_state"]

TERMS: Final = ("quality", "latency", "cost", "context")
PROFILES: Final[Mapping[str, Mapping[str, float]]] = {
    "quality": {"quality": 0.8, "latency": 0.1, "cost": 0.1},
    "balanced": {"quality": 0.4, "latency": 0.3, "cost": 0.3},
    "speed": {"quality": 0.1, "latency": 0.7, "cost": 0.2},
    "budget": {"quality": 0.1, "latency": 0.1, "cost": 0.8},
    "long_context": {"quality": 0.3, "latency": 0.2, "cost": 0.2, "context": 0.3},
}
"""Seed S2-05. Money is always zero here: `cost` means how little scarce quota is spent."""

_UNMEASURED_LATENCY: Final = 0.6
_FAST_S: Final = 0.1
_SLOW_S: Final = 5.0
_FAST_WHOLE_S: Final = 0.5
_SLOW_WHOLE_S: Final = 30.0
_TROUBLE_COSTS: Final = 0.06
"""What each point of trouble takes off: one failure a little, several in a few minutes more than half."""
_SMALL_WINDOW: Final = 4096
_LARGE_WINDOW: Final = 1_000_000
_UNKNOWN_WINDOW: Final = 0.3
_PLENTY: Final = 0.2
_LONG_WINDOW_S: Final = 6 * 3600
_WEAKER: Final = 1.0
_STRONGER: Final = 0.08
_AFFINITY: Final = 0.15
_WEAK: Final = 0.5
"""What is left of the score of a route that was seen to be bad at what is asked for."""


def weights_of(name: str, own: Mapping[str, Mapping[str, float]]) -> Mapping[str, float]:
    """Return the weights of a routing profile.

    Raises:
        ConfigError: No profile of that name, or one of its terms is unknown.
    """
    weights = own.get(name) or PROFILES.get(name)
    if weights is None:
        known = sorted({*PROFILES, *own})
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
        raise ConfigError(f"no routing profile {name!r}; {hint}")
    strange = sorted(set(weights) - set(TERMS))
    if strange:
        raise ConfigError(f"routing profile {name!r}: unknown term {strange[0]!r}; terms are {', '.join(TERMS)}")
    return weights


def score(
    entry: PoolEntry,
    classification: Classification,
    requirements: Requirements,
    state: RouteState,
    weights: Mapping[str, float],
) -> Score:
    """Return `(weighted mean of the terms) x reliability x calm x headroom`, all told.

    Reliability is the share of successes with two of them given in advance, so that a
    new route is not held back; calm falls with each failure of the last minutes, however
    good the years before were; headroom is 1 down to a fifth of the quota and falls to
    0.1 from there.
    """
    terms = {
        "quality": _fit(quality_for(entry, classification), classification.difficulty),
        "latency": _UNMEASURED_LATENCY,
        "cost": _plenty(entry, classification.difficulty),
        "known": _known(entry, requirements),
    }
    if weights.get("context"):
        terms["context"] = _context(entry)
    return with_state(Score(total=0.0, terms=terms), state, weights, is_local=entry.provider.is_local)


def with_state(fresh: Score, state: RouteState, weights: Mapping[str, float], *, is_local: bool) -> Score:
    """Return the score of an unused route as it is after what was learned of it.

    Quick, as only what the ledger knows is worked out anew.
    """
    terms = {
        **fresh.terms,
        "latency": _latency(state),
        "reliability": (2 + state.successes) / (2 + state.successes + state.failures),
        "calm": 1.0 - _TROUBLE_COSTS * min(10.0, max(0.0, state.trouble)),
        "headroom": 1.0 if state.headroom >= _PLENTY else 0.1 + 0.9 * state.headroom / _PLENTY,
    }
    if not is_local:
        terms["cost"] *= state.headroom
    mean = sum([weights.get(name, 0.0) * terms[name] for name in TERMS if name in terms]) / (
        sum(weights.values()) or 1.0
    )
    total = mean * terms["reliability"] * terms["calm"] * terms["headroom"] * terms["known"]
    return Score(total=total, terms=terms)


def affinity(found: Score) -> Score:
    """Return the score of the route that answered last in this conversation."""
    return Score(total=found.total + _AFFINITY, terms={**found.terms, "affinity": _AFFINITY})


def weakened(found: Score) -> Score:
    """Return the score of a route that was seen to be bad at what is asked for: others come first, if there are any."""
    return Score(total=found.total * _WEAK, terms={**found.terms, "weakness": _WEAK})


def quality_for(entry: PoolEntry, classification: Classification) -> float:
    """Return 0..1: the benchmark for a tag, for the task, in general, or the estimate."""
    quality = entry.model.quality
    for name in (*classification.tags, classification.task, "default"):
        if name in quality:
            return quality[name]
    return entry.model.capability


def _fit(quality: float, difficulty: float) -> float:
    """Return the quality, weighed by need: weaker costs in full, stronger a little."""
    shortfall = max(0.0, difficulty - quality)
    surplus = max(0.0, quality - difficulty)
    return max(0.0, min(1.0, quality - _WEAKER * shortfall * (1 - quality) - _STRONGER * surplus * (1 - difficulty)))


def _latency(state: RouteState) -> float:
    """Return 1 at 100 ms to the first token and 0 at 5 s, on a log scale.

    Where nothing was ever streamed the whole call counts, from half a second to half a minute.
    """
    if state.first_token_s is not None:
        return _quickness(state.first_token_s, _FAST_S, _SLOW_S)
    if state.response_s is not None:
        return _quickness(state.response_s, _FAST_WHOLE_S, _SLOW_WHOLE_S)
    return _UNMEASURED_LATENCY


def _quickness(seconds: float, fast_s: float, slow_s: float) -> float:
    return 1.0 - math.log(min(slow_s, max(fast_s, seconds)) / fast_s) / math.log(slow_s / fast_s)


def _plenty(entry: PoolEntry, difficulty: float) -> float:
    """Return how plentiful this route's quota is; an easy question shuns scarce ones."""
    if entry.provider.is_local:
        return 1.0
    limits = entry.provider.model_limits.get(entry.model.id, entry.provider.limits)
    if not limits:
        return 0.5
    daily = [amount for limit in limits if (amount := _per_day(limit)) is not None]
    plenty = min(1.0, math.log10(1 + min(daily)) / 4) if daily else 0.6
    return plenty + (1 - plenty) * difficulty * 0.5


def _per_day(limit: Limit) -> float | None:
    """Return how many requests a limit leaves a day, None where it does not tell.

    Windows far shorter than a day bound bursts, not the day's work.
    """
    if limit.unit != "requests":
        return None
    if limit.window.kind == "calendar_day":
        return float(limit.amount)
    if limit.window.kind.endswith("month"):
        return limit.amount / 30
    if limit.window.seconds >= _LONG_WINDOW_S:
        return limit.amount * 86_400 / limit.window.seconds
    return None


def _context(entry: PoolEntry) -> float:
    window = entry.model.profile.get("max_input_tokens")
    if not isinstance(window, int) or window <= 0:
        return _UNKNOWN_WINDOW
    share = math.log(min(max(window, _SMALL_WINDOW), _LARGE_WINDOW) / _SMALL_WINDOW)
    return 0.1 + 0.9 * share / math.log(_LARGE_WINDOW / _SMALL_WINDOW)


def _known(entry: PoolEntry, requirements: Requirements) -> float:
    """Return a little less than 1 for each ability that is needed but not known."""
    unknown = sum(1 for key in requirements.profile_keys if key not in entry.model.profile)
    return 0.8**unknown
