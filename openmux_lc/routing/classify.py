"""Which task a request is: rules add up to log-odds, log-odds to confidence.

The same request always gets the same classification, and nothing of the prompt
leaves this module: the evidence names signals of our own lists.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from openmux_lc.routing.difficulty import difficulty
from openmux_lc.routing.features import Features, read_features
from openmux_lc.routing.rules import PRIORS, RULES, Rule
from openmux_lc.routing.signals import to_signals
from openmux_lc.types.catalog import TASKS, Task
from openmux_lc.types.json import JsonObject
from openmux_lc.types.run import Classification, Request

__all__ = ["classify", "classify_text", "to_text_request"]

_TEMPERATURE: Final = 1.0
_TELLING: Final = 0.08
_MAX_EVIDENCE: Final = 5
_EARLIER_WEIGHT: Final = 0.7
_INHERITED_CEILING: Final = 0.75
_PARTS: Final[Mapping[str, JsonObject]] = {
    "image": {"type": "image_url", "image_url": {"url": ""}},
    "audio": {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}},
    "video": {"type": "video_url", "video_url": {"url": ""}},
    "pdf": {"type": "file", "file": {"filename": "attached.pdf"}},
}


def classify(request: Request, *, task: Task | None = None) -> Classification:
    """Return what kind of request this is.

    Args:
        request: Its last user message decides; a short follow-up is read together
            with the one before.
        task: The caller's own word; overrides the rules (S0-07).

    Example:
        >>> classify_text("Write a Python function that reverses a list.").task
        'code'
    """
    features = read_features(request)
    fired = _fired(features)
    scores = _sum(fired)
    if features.earlier is not None:
        before = _fired(features.earlier)
        fired, scores = (
            fired + before,
            {name: scores[name] + _EARLIER_WEIGHT * gain for name, gain in _sum(before).items()},
        )
    shares = _shares(scores)
    best = max(TASKS, key=shares.__getitem__) if task is None else task
    tags = _tags(fired, best, features)
    found = Classification(
        task=best,
        confidence=round(shares[best], 3),
        difficulty=difficulty(features, best, tags),
        tasks=tuple(sorted(_telling(shares, best), key=lambda pair: -pair[1])),
        evidence=_evidence(fired, best),
        tags=tags,
    )
    if task is not None:
        return replace(found, confidence=1.0, tasks=((task, 1.0),), evidence=("set by the caller",), is_override=True)
    if features.earlier is not None:
        return replace(found, confidence=min(found.confidence, _INHERITED_CEILING))
    return found


def classify_text(text: str, attachments: Sequence[str] = ()) -> Classification:
    """Return what kind of request a bare text is.

    Args:
        text: As the user typed it.
        attachments: Kinds of what comes with it: `image`, `audio`, `video`, `pdf`.
    """
    return classify(to_text_request(text, attachments))


def to_text_request(text: str, attachments: Sequence[str] = ()) -> Request:
    """Return the request of one user message with empty attachments of these kinds."""
    parts = [_PARTS[kind] for kind in attachments if kind in _PARTS]
    content = [{"type": "text", "text": text}, *parts] if parts else text
    return Request(messages=({"role": "user", "content": content},))


def _fired(features: Features) -> tuple[Rule, ...]:
    signals = to_signals(features)
    return tuple(rule for rule in RULES if rule.when <= signals and rule.unless.isdisjoint(signals))


def _sum(fired: Sequence[Rule]) -> dict[Task, float]:
    scores: dict[Task, float] = dict.fromkeys(TASKS, 0.0)
    for rule in fired:
        scores[rule.task] += rule.weight
    return scores


def _shares(scores: Mapping[Task, float]) -> dict[Task, float]:
    odds = {name: math.exp(min(30.0, (PRIORS[name] + score) / _TEMPERATURE)) for name, score in scores.items()}
    whole = sum(odds.values())
    return {name: share / whole for name, share in odds.items()}


def _telling(shares: Mapping[Task, float], best: Task) -> list[tuple[Task, float]]:
    return [(name, round(share, 3)) for name, share in shares.items() if share >= _TELLING or name == best]


def _evidence(fired: Sequence[Rule], best: Task) -> tuple[str, ...]:
    speaking = sorted((rule for rule in fired if rule.task == best), key=lambda rule: -rule.weight)
    return tuple(dict.fromkeys(rule.evidence for rule in speaking))[:_MAX_EVIDENCE]


def _tags(fired: Sequence[Rule], best: Task, features: Features) -> tuple[str, ...]:
    weights: dict[str, float] = {}
    for rule in fired:
        if rule.tag and (rule.task == best or rule.weight >= 2.0):
            weights[rule.tag] = weights.get(rule.tag, 0.0) + rule.weight
    tags = sorted(weights, key=lambda tag: -weights[tag])
    extra = (
        *(["vision"] if "image" in features.fresh else ()),
        *(["tool_use"] if features.has_tools else ()),
        *(["structured"] if features.has_schema else ()),
    )
    return tuple(dict.fromkeys((*tags, *extra)))
