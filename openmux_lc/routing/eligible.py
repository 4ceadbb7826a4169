"""What a route must be able to do, and why each other one cannot.

Hard requirements only: a rejection always has a reason a person can act on. What is
not known about a model does not count against it, but for what it has to look at.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from openmux_lc.routing.features import attachments_of
from openmux_lc.routing.tokens import estimated_request_tokens
from openmux_lc.types.catalog import PoolEntry, Route, Task
from openmux_lc.types.run import Classification, Rejection, Request, Requirements
from openmux_lc.types.state import Snapshot

__all__ = ["able_entries", "answer_room", "paused_routes", "to_requirements", "token_ceiling", "why_not"]

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
    attached = frozenset().union(*map(attachments_of, request.messages))
    keys = {_SEEN[kind] for kind in attached if kind in _SEEN}
    if request.tools and request.tool_choice != "none":
        keys.add("tool_calling")
    if request.response_format is not None and request.response_format.get("type") == "json_schema":
        keys.add("structured_output")
    task = classification.task
    is_words_only = bool(request.tools) or request.response_format is not None
    made = _made(classification, is_seen=bool(attached), is_words_only=is_words_only)
    if made:
        keys.add(made)
    elif task in {"image", "tts", "audio"} or (task == "embeddings" and not classification.is_override):
        task = "chat"
    return Requirements(
        task=task,
        profile_keys=frozenset(keys),
        min_context_tokens=estimated_request_tokens(request) + answer_room(request),
    )


def answer_room(request: Request) -> int:
    """Return the tokens that are kept free for the answer."""
    return request.max_tokens or _ANSWER_TOKENS


def able_entries(
    entries: Iterable[PoolEntry], requirements: Requirements, *, named: frozenset[Route] = frozenset()
) -> tuple[list[PoolEntry], list[Rejection]]:
    """Return the entries that can serve, and every other one with its reason.

    Args:
        entries: The pool.
        requirements: What a route must be able to do.
        named: Routes the user named; they are believed to be made for what they are asked.
    """
    able: list[PoolEntry] = []
    rejected: list[Rejection] = []
    for entry in entries:
        reason = why_not(entry, requirements, is_named=entry.route in named)
        if reason:
            rejected.append(Rejection(route=str(entry.route), reason=reason))
        else:
            able.append(entry)
    return able, rejected


def paused_routes(
    entries: Iterable[PoolEntry], snapshot: Snapshot, *, named: frozenset[Route] = frozenset()
) -> dict[Route, Rejection]:
    """Return the entries that the ledger pauses now, each with reason and end.

    A route that the user named is asked all the same, unless it was seen to cost money.
    """
    if not snapshot.cooldowns:
        return {}
    pauses = ((entry.route, snapshot.cooldown(entry.route)) for entry in entries)
    return {
        route: Rejection(route=str(route), reason=f"paused: {pause.reason}", until=pause.until, source=pause.source)
        for route, pause in pauses
        if pause is not None and (route not in named or pause.source == "paid")
    }


def token_ceiling(entry: PoolEntry) -> int | None:
    """Return the most tokens that one request to this route may ever count, None without a limit."""
    limits = entry.provider.model_limits.get(entry.model.id, entry.provider.limits)
    return min((limit.amount for limit in limits if limit.unit == "tokens"), default=None)


def why_not(entry: PoolEntry, requirements: Requirements, *, is_named: bool = False) -> str:
    """Return why `entry` cannot serve, or the empty string.

    A route that the user named is believed to be made for what it is asked.
    """
    if entry.blocked:
        return entry.blocked
    model = entry.model
    if reason := "" if is_named else _wrong_kind(model.tasks, requirements.task):
        return reason
    for key in sorted(requirements.profile_keys):
        known = model.profile.get(key)
        if known is False or (known is None and key in _FAIL_CLOSED and not is_named):
            return _WORDS.get(key, f"has no {key}")
    window = model.profile.get("max_input_tokens")
    if isinstance(window, int) and requirements.min_context_tokens > window:
        return f"its window of {window} tokens is too small for about {requirements.min_context_tokens}"
    ceiling = token_ceiling(entry)
    if ceiling is not None and requirements.min_context_tokens > ceiling:
        return f"its free quota of {ceiling} tokens at a time is too small for about {requirements.min_context_tokens}"
    return ""


def _wrong_kind(tasks: frozenset[Task], task: Task) -> str:
    if task == "embeddings":
        return "" if "embeddings" in tasks else "makes no embeddings"
    if tasks == {"embeddings"}:
        return "makes embeddings only"
    return "" if task in tasks or "chat" in tasks else f"is not made for {task}"


def _made(classification: Classification, *, is_seen: bool, is_words_only: bool) -> str:
    """Return the profile key of what is to be made, or the empty string for text.

    Tools may make it, and a schema is kept in words: then none is demanded.
    """
    tag, key = _MADE.get(classification.task, ("", ""))
    if not key:
        return ""
    if classification.is_override:
        return "" if classification.task == "image" and is_seen else key
    is_sure = classification.confidence >= _SURE and not is_words_only
    return key if is_sure and tag in classification.tags and "vision" not in classification.tags else ""
