"""Combining texts without a judge: the one most agree with, or all of them.

The medoid by word overlap is the answer closest to the others; an outlier loses.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from openmux_lc.types.run import Answer

__all__ = ["agreement", "best", "concatenated"]

_WORD: Final = re.compile(r"\w+", re.UNICODE)
_REFUSAL: Final = re.compile(
    r"\s*(i'?m sorry|i cannot|i can'?t|as an ai|i am unable|es tut mir leid|lo siento|je suis désolé)", re.IGNORECASE
)
_REFUSAL_WORDS: Final = 60


def best(answers: Sequence[Answer]) -> Answer:
    """Return the answer that agrees most with the others (S1-08).

    Refusals and texts that ran out of room come last. A tool call is never mixed with
    text: the first answer that calls one wins.
    """
    calling = next((answer for answer in answers if answer.tool_calls), None)
    if calling is not None:
        return calling
    willing = [answer for answer in answers if not _is_refusal(answer.text)] or list(answers)
    willing = [answer for answer in willing if answer.finish_reason != "length"] or willing
    shares = [agreement(answer.text, [other.text for other in willing if other is not answer]) for answer in willing]
    return willing[max(range(len(willing)), key=lambda number: (shares[number], -number))]


def concatenated(answers: Sequence[Answer]) -> Answer:
    """Return all answers in one text, each under the name of its route.

    A tool call cannot stand beside other texts: then it is the answer alone.
    """
    if any(answer.tool_calls for answer in answers):
        return best(answers)
    text = "\n\n".join(f"[{answer.route}]\n{answer.text.strip()}" for answer in answers if answer.text.strip())
    return replace(best(answers), text=text or answers[0].text, echo={})  # marks are for one answer's own words


def agreement(text: str, others: Sequence[str]) -> float:
    """Return 0..1, the mean share of words (Jaccard) with `others`; 1 without any."""
    if not others:
        return 1.0
    own = _words(text)
    return sum(_overlap(own, _words(other)) for other in others) / len(others)


def _words(text: str) -> frozenset[str]:
    return frozenset(word.casefold() for word in _WORD.findall(text))


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    whole = one | other
    return len(one & other) / len(whole) if whole else 1.0


def _is_refusal(text: str) -> bool:
    return len(text.split()) <= _REFUSAL_WORDS and _REFUSAL.match(text) is not None
