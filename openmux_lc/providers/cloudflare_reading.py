"""What Workers AI answers, in each of the shapes that its models have.

A model's own address answers natively, in the OpenAI dialect, or as an object of that
host's second protocol; an envelope may lie around each.
"""

from __future__ import annotations

from typing import Final

from openmux_lc.providers.message import arguments_text, finish_reason, read_usage
from openmux_lc.providers.reading import Reading, read_openai
from openmux_lc.types.json import Json, JsonObject, as_list, as_object, as_text, dig

__all__ = ["read_cloudflare"]

_FAILED: Final = frozenset({"failed", "cancelled"})


def read_cloudflare(payload: JsonObject, event: str, *, room: int | None = None) -> Reading:
    """Return what a body, or a chunk, says.

    Args:
        payload: Of any shape, in its envelope or without one.
        event: Its name; none has one.
        room: The `max_tokens` that were sent: the native shape does not tell that an
            answer was cut off there, only how long it is.
    """
    said = as_object(payload.get("result")) or payload
    if said.get("choices"):
        return read_openai(said, event)
    if isinstance(said.get("output"), list):
        return _read_items(said)
    usage, reason = read_usage(said), finish_reason(said.get("finish_reason"))
    if reason is None and room and usage is not None and usage.output_tokens >= room:
        reason = "length"
    is_answer = "response" in said or "tool_calls" in said
    return Reading(
        text=arguments_text(said.get("response")),  # asked for JSON, the host also sends values of it
        tool_calls=tuple(call for call in as_list(said.get("tool_calls")) if isinstance(call, dict)),
        finish=reason,
        usage=usage,
        is_answer=is_answer,
        fault=payload if payload.get("errors") and not is_answer else None,
    )


def _read_items(said: JsonObject) -> Reading:
    """Return what an answer of OpenAI's second protocol says: gpt-oss has no other at its own address."""
    items = [as_object(item) for item in as_list(said.get("output"))]
    status = as_text(said.get("status"))
    reason = as_text(dig(said, "incomplete_details", "reason")) or status
    return Reading(
        text="".join(_text(item.get("content")) for item in items if item.get("type") == "message"),
        reasoning="".join(
            _text(item.get("content")) or _text(item.get("summary"))
            for item in items
            if item.get("type") == "reasoning"
        ),
        tool_calls=tuple(
            {"id": item.get("call_id"), "function": {"name": item.get("name"), "arguments": item.get("arguments")}}
            for item in items
            if item.get("type") == "function_call"
        ),
        finish=finish_reason(reason),
        usage=read_usage(said),
        model=as_text(said.get("model")),
        id=as_text(said.get("id")),
        is_answer=True,
        fault={"error": said.get("error") or {"message": f"the answer is {status}"}} if status in _FAILED else None,
    )


def _text(parts: Json) -> str:
    return "".join(as_text(dig(part, "text")) for part in as_list(parts))
