"""What a route must be able to do, and why each other one cannot.

Hard requirements only: a rejection always has a reason a person can act on. What is
not known about a model does not count against it, but for what it has to look at.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from openmux_lc.routing.features import read_features
from openmux_lc.types.catalog import PoolEntry, Route, Task
from openmux_lc.types.run import Classification, Rejection, Request, Requirements
from openmux_lc.types.state import Snapshot

__all__ = ["eligible", "to_requirements", "why_not"]

_SURE: Final = 0.8
_ANSWER_TOKENS: Final = 512
_SEEN: Final = {"image": "image_inputs", "audio": "audio_inputs", "video": "video_inputs", "pdf": "pdf_inputs"}
_MADE: Final[dict[Task, tuple[str, str]]] = {
    "image": ("image_generation", "image_outputs"),
    "tts": ("speech", "audio_outputs"),
}
_FAIL_CLOSED: Final = frozenset({*_SEEN.values(), "image_outputs", "audio_outputs"})
_WORDS: Final = {
    "image_inputs": "cannot look at images",
    "audio_inputs": "cannot listen to audio",
    "video_inputs": "cannot watch video",
    "pdf_inputs": "cannot read PDF files",
    "image_outputs": "cannot make images",
    "audio_outputs": "cannot speak",
    "tool_calling": "cannot call tools",
    "structured_output": "cannot keep to a schema",
}


def to_requirements(request: Request, classification: Classification) -> Requirements:
    """Return what a route must be able to do for this request.

    Something other than text is demanded only when the classifier is sure: an answer
    in words is better than a wrong refusal.
    """
    features = read_features(request)
    keys = {_SEEN[kind] for kind in features.attachments if kind in _SEEN}
    if request.tools and request.tool_choice != "none":
        keys.add("tool_calling")
    if request.response_format is not None and request.response_format.get("type") == "json_schema":
        keys.add("structured_output")
    task = classification.task
    made = _made(classification, is_seen=bool(features.attachments))
    if made:
        keys.add(made)
    elif task in {"image", "tts", "audio"} or (task == "embeddings" and not classification.is_override):
        task = "chat"
    return Requirements(
        task=task,
        profile_keys=frozenset(keys),
        min_context_tokens=features.tokens + (request.max_tokens or _ANSWER_TOKENS),
    )


def eligible(
    entries: Iterable[PoolEntry], requirements: Requirements, snapshot: Snapshot, *, named: frozenset[Route] = frozenset()
) -> tuple[list[PoolEntry], list[Rejection]]:
    """Return the entries that can serve, and every other one with its reason.

    Args:
        entries: The pool.
        requirements: What a route must be able to do.
        snapshot: The ledger; a paused route is rejected with the end of its pause.
        named: Routes the user named; they are asked even while they are paused.
    """
    able: list[PoolEntry] = []
    rejected: list[Rejection] = []
    for entry in entries:
        reason, until = why_not(entry, requirements), None
        if not reason and entry.route not in named:
            pause = snapshot.cooldown(entry.route)
            if pause is not None:
                reason, until = f"paused: {pause.reason}", pause.until
        if reason:
            rejected.append(Rejection(route=str(entry.route), reason=reason, until=until))
        else:
            able.append(entry)
    return able, rejected


def why_not(entry: PoolEntry, requirements: Requirements) -> str:
    """Return why `entry` cannot serve, or the empty string."""
    if entry.blocked:
        return entry.blocked
    model = entry.model
    if requirements.task == "embeddings":
        if "embeddings" not in model.tasks:
            return "makes no embeddings"
    elif model.tasks == {"embeddings"}:
        return "makes embeddings only"
    elif requirements.task not in model.tasks and "chat" not in model.tasks:
        return f"is not made for {requirements.task}"
    for key in sorted(requirements.profile_keys):
        known = model.profile.get(key)
        if known is False or (known is None and key in _FAIL_CLOSED):
            return _WORDS.get(key, f"has no {key}")
    window = model.profile.get("max_input_tokens")
    if isinstance(window, int) and requirements.min_context_tokens > window:
        return f"its window of {window} tokens is too small for about {requirements.min_context_tokens}"
    return ""


def _made(classification: Classification, *, is_seen: bool) -> str:
    """Return the profile key of what is to be made, or the empty string for text."""
    tag, key = _MADE.get(classification.task, ("", ""))
    if not key:
        return ""
    if classification.is_override:
        return "" if classification.task == "image" and is_seen else key
    is_sure = classification.confidence >= _SURE
    if classification.task == "image":
        return key if is_sure and tag in classification.tags and "vision" not in classification.tags else ""
    return key if is_sure else ""
