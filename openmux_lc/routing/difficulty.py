"""How hard a request looks: 0 trivial .. 1 hard, from its size and its asks.

Length counts on a log scale, as answers to long questions fail more often; reasoning,
programming and tools add to it.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Final

from openmux_lc.routing.features import Features
from openmux_lc.types.catalog import Task

__all__ = ["difficulty"]

_BASE: Final = 0.12
_PER_DOUBLING: Final = 0.07
_SMALLEST_TOKENS: Final = 8.0
_TAGS: Final = {"reasoning": 0.12, "math": 0.12, "data_analysis": 0.1, "structured": 0.05, "action": -0.1, "web_search": -0.05}


def difficulty(features: Features, task: Task, tags: Collection[str]) -> float:
    """Return 0..1: how capable a model should be to answer well.

    Args:
        features: What was seen of the request.
        task: Its class.
        tags: Its finer labels.
    """
    doublings = math.log2(max(_SMALLEST_TOKENS, features.tokens) / _SMALLEST_TOKENS)
    total = _BASE + _PER_DOUBLING * doublings + sum(_TAGS.get(tag, 0.0) for tag in tags)
    total += 0.12 if task == "code" else 0.0
    total += 0.15 if features.has_tools else 0.0
    total += 0.1 if features.turns >= 6 else 0.0
    total += 0.1 if features.max_tokens >= 2048 else 0.0
    return round(min(1.0, max(0.0, total)), 3)
