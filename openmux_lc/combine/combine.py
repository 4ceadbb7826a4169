"""Chooses how several answers become one.

Nothing is asked of a model here, so combining costs no quota and works offline.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, assert_never

from openmux_lc.combine.text import best, concatenated
from openmux_lc.combine.vote import voted
from openmux_lc.types.run import Answer, Usage

__all__ = ["combine"]


def combine(answers: Sequence[Answer], strategy: Literal["best", "concatenate", "vote"]) -> Answer:
    """Return one answer out of `answers`; its usage is the sum of theirs.

    Args:
        answers: At least one, in the order of their routes' rank.
        strategy: `best` takes the one that agrees most with the others, `concatenate`
            shows all under their routes' names, `vote` takes the majority, field by
            field where all are JSON objects.

    Raises:
        ValueError: There is no answer.
    """
    if not answers:
        raise ValueError("there is no answer to combine")
    if len(answers) == 1:
        return answers[0]
    match strategy:
        case "best":
            chosen = best(answers)
        case "concatenate":
            chosen = concatenated(answers)
        case "vote":
            chosen = voted(answers)
        case _:
            assert_never(strategy)
    return replace(chosen, usage=_sum([answer.usage for answer in answers]))


def _sum(usages: Sequence[Usage]) -> Usage:
    """Return the usage of all calls together."""
    return Usage(
        input_tokens=sum(usage.input_tokens for usage in usages),
        output_tokens=sum(usage.output_tokens for usage in usages),
        total_tokens=sum(usage.total_tokens for usage in usages),
        reasoning_tokens=_total([usage.reasoning_tokens for usage in usages]),
        cache_read_tokens=_total([usage.cache_read_tokens for usage in usages]),
        is_estimated=any(usage.is_estimated for usage in usages),
    )


def _total(counts: Sequence[int | None]) -> int | None:
    """Return the sum of what is known, None where nothing is."""
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
