"""The majority: over whole texts, or field by field over JSON objects.

What the minority said is kept as `dissent`, by route; ties go to the earlier answer.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from openmux_lc.combine.text import best
from openmux_lc.types.json import Json
from openmux_lc.types.run import Answer

__all__ = ["voted"]

_EXACT: Final = 2**53
"""Whole numbers up to here are exact as floats."""


def voted(answers: Sequence[Answer]) -> Answer:
    """Return the answer of the majority, with `agreement` and `dissent` in its `extra`."""
    if any(answer.tool_calls for answer in answers):
        return best(answers)
    objects = [_object(answer.text) for answer in answers]
    read = [found for found in objects if found is not None]
    return _by_field(answers, read) if len(read) == len(answers) else _by_text(answers)


def _by_text(answers: Sequence[Answer]) -> Answer:
    ballots = [_normal(answer.text) for answer in answers]
    winner, votes = Counter(ballots).most_common(1)[0]
    if votes == 1:
        chosen = best(answers)
        winner = _normal(chosen.text)
    else:
        chosen = answers[ballots.index(winner)]
    dissent = [str(answer.route) for answer, ballot in zip(answers, ballots, strict=True) if ballot != winner]
    return replace(chosen, extra={**chosen.extra, "agreement": votes / len(answers), "dissent": dissent})


def _by_field(answers: Sequence[Answer], objects: Sequence[Mapping[str, Json]]) -> Answer:
    """Return a JSON object whose every field is what most answers say."""
    merged: dict[str, Json] = {}
    agreement: dict[str, float] = {}
    dissent: dict[str, list[str]] = {}
    for name in dict.fromkeys(key for found in objects for key in found):
        ballots = [_ballot(found, name) for found in objects]
        winner, votes = Counter(ballots).most_common(1)[0]
        agreement[name] = votes / len(objects)
        against = [str(answer.route) for answer, ballot in zip(answers, ballots, strict=True) if ballot != winner]
        if against:
            dissent[name] = against
        if winner:
            merged[name] = objects[ballots.index(winner)][name]
    share = sum(agreement.values()) / len(agreement) if agreement else 1.0
    told: dict[str, Json] = {"agreement": share, "fields": agreement, "dissent": dissent}
    chosen = answers[0]
    return replace(chosen, text=json.dumps(merged, ensure_ascii=False), echo={}, extra={**chosen.extra, **told})


def _ballot(found: Mapping[str, Json], name: str) -> str:
    """Return a field as one text to be counted; empty where it is missing."""
    if name not in found:
        return ""
    return _canonical(found[name])


def _canonical(value: Json) -> str:
    """Return one text for values that mean the same: `1` and `1.0`, lists in any order."""
    if isinstance(value, str):
        return _normal(value)
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, int | float):
        return repr(float(value)) if abs(value) < _EXACT else repr(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}:{_canonical(value[key])}" for key in sorted(value)) + "}"
    return "[" + ",".join(sorted(map(_canonical, value))) + "]"


def _normal(text: str) -> str:
    return '"' + " ".join(text.casefold().split()).strip(" .!?\"'") + '"'


def _object(text: str) -> Mapping[str, Json] | None:
    """Return the JSON object that a text is, also inside a code fence."""
    body = text.strip()
    if body.startswith("```"):
        body = body.strip("`").removeprefix("json").strip()
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
