"""How hard a request looks: 0 trivial .. 1 hard, from its size and its asks.

Length counts most, on a log scale: of all that can be seen without a model it
tells hard from easy best. Asks for proof, design or analysis, programming and tools
add to it; commands and look-ups take away.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Final

from openmux_lc.routing.features import Features
from openmux_lc.types.catalog import Task

__all__ = ["difficulty"]

_BASE: Final = 0.22
_PER_DOUBLING: Final = 0.09
_SHORT_TOKENS: Final = 16.0
_PER_DEEP_ASK: Final = 0.09
_MOST_DEEP_ASKS: Final = 3
_TAGS: Final = {
    "math": 0.04,
    "data_analysis": 0.05,
    "structured": 0.03,
    "action": -0.08,
    "web_search": -0.05,
    "translation": -0.05,
}
_MANY_TURNS: Final = 6
_LONG_ANSWER_TOKENS: Final = 2048


def difficulty(features: Features, task: Task, tags: Collection[str]) -> float:
    """Return 0..1: how capable a model should be to answer well.

    Args:
        features: What was seen of the request.
        task: Its class.
        tags: Its finer labels.
    """
    doublings = math.log2(max(_SHORT_TOKENS, features.asked_tokens) / _SHORT_TOKENS)
    deep = min(_MOST_DEEP_ASKS, sum(1 for _, concept in features.hits if concept == "deep"))
    total = _BASE + _PER_DOUBLING * doublings + _PER_DEEP_ASK * deep
    total += sum(_TAGS.get(tag, 0.0) for tag in tags)
    total += 0.08 if task == "code" else 0.0
    total += 0.05 if "math" in features.shapes else 0.0
    total -= 0.05 if "easy" in features.concepts else 0.0
    total += 0.15 if features.has_tools else 0.0
    total += 0.1 if features.turns >= _MANY_TURNS else 0.0
    total += 0.1 if features.max_tokens >= _LONG_ANSWER_TOKENS else 0.0
    return round(min(1.0, max(0.0, total)), 2)
