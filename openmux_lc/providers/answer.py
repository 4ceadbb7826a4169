"""A whole answer of the OpenAI dialect, decoded; and the faults that hide in a 200."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

from openmux_lc.errors import BadPayload, EmptyAnswer, PermissionDenied, ProviderError
from openmux_lc.providers.exchange import RAW_BYTES, Reply, parse_json
from openmux_lc.providers.fault import has_error, to_fault
from openmux_lc.providers.limits import read_limits
from openmux_lc.providers.message import (
    Piece,
    arguments_text,
    estimated_usage,
    finish_reason,
    new_call_id,
    read_piece,
    read_usage,
)
from openmux_lc.providers.thinking import ThoughtSplitter
from openmux_lc.types.json import Json, JsonObject, as_object, as_text
from openmux_lc.types.run import Answer, Request, ToolCall
from openmux_lc.types.wire import Call

__all__ = [
    "bad_payload",
    "decode_answer",
    "fault_inside",
    "ignored_tool",
    "no_content",
    "requires_tool",
    "to_answer",
]

_EXTRA: Final = ("provider", "system_fingerprint", "service_tier")
_CHOICE_EXTRA: Final = ("native_finish_reason",)


def decode_answer(call: Call, reply: Reply) -> Answer:
    """Return the answer in a successful reply.

    Raises:
        ProviderError: It is an error all the same, malformed or empty.
    """
    payload = parse_json(call, reply.body, status=reply.status)
    if has_error(payload):
        raise to_fault(call, reply, now=time.time(), payload=payload)
    return to_answer(call, reply, as_object(payload))


def to_answer(call: Call, reply: Reply, payload: JsonObject) -> Answer:
    """Return the answer that the body `payload` holds."""
    choices = payload.get("choices")
    if not isinstance(choices, list) or not choices:
        raise bad_payload(call, "holds no choices", reply.status)
    choice = as_object(choices[0])
    fault = fault_inside(call, choice, reply)
    if fault is not None:
        raise fault
    message = choice.get("message")
    if not isinstance(message, dict):
        raise bad_payload(call, "holds no message", reply.status)
    piece = read_piece(message)
    text, thoughts = _split(piece)
    calls = tuple(map(_tool_call, piece.tool_calls))
    reason = finish_reason(choice.get("finish_reason")) or "stop"
    if not calls and not text.strip():
        raise no_content(call, reason, has_thoughts=bool(thoughts), status=reply.status)
    if not calls and requires_tool(call.request):
        raise ignored_tool(call, reply.status)
    return Answer(
        route=call.route,
        text=text,
        reasoning=thoughts,
        tool_calls=calls,
        finish_reason="tool_calls" if calls and reason == "stop" else reason,
        usage=read_usage(payload) or estimated_usage(call.request, (text, thoughts)),
        model=as_text(payload.get("model")) or call.model,
        id=as_text(payload.get("id")),
        raw=reply.body[:RAW_BYTES],
        limits=read_limits(reply.headers, call.provider.quirks, time.time()),
        extra=_extra(payload, choice),
    )


def fault_inside(call: Call, choice: JsonObject, reply: Reply) -> ProviderError | None:
    """Return the fault that a choice under status 200 carries, if any."""
    if choice.get("error"):
        return to_fault(call, reply, now=time.time(), payload={"error": choice["error"]})
    if as_text(choice.get("finish_reason")).lower() == "error":
        return to_fault(call, reply, now=time.time(), payload={"error": {"message": "finish_reason is error"}})
    return None


def no_content(call: Call, reason: str, *, has_thoughts: bool, status: int | None = None) -> ProviderError:
    """Return the fault of an answer without text and tool calls."""
    provider, model = call.provider.id, call.model
    if reason == "content_filter":
        message = f"{call.route}: the content was refused (finish_reason content_filter)"
        return PermissionDenied(message, provider=provider, model=model, status_code=status, scope="request")
    why = "; thinking used up all of max_tokens, raise it" if has_thoughts and reason == "length" else ""
    message = f"{call.route}: the answer holds neither text nor a tool call (finish_reason {reason[:40]}){why}"
    return EmptyAnswer(message, provider=provider, model=model, status_code=status)


def requires_tool(request: Request) -> bool:
    """Whether only a tool call answers `request`."""
    choice = request.tool_choice
    if not request.tools or choice is None:
        return False
    return choice in {"required", "any"} if isinstance(choice, str) else bool(as_object(choice.get("function")))


def ignored_tool(call: Call, status: int | None = None) -> BadPayload:
    """Return the fault of a model that answered in prose where that was no answer."""
    message = f"{call.route}: the model answered in words though a tool call was required"
    return BadPayload(message, provider=call.provider.id, model=call.model, status_code=status)


def bad_payload(call: Call, what: str, status: int | None = None) -> BadPayload:
    """Return the fault of an answer that is not what the protocol promises."""
    message = f"{call.route}: the answer {what}"
    return BadPayload(message, provider=call.provider.id, model=call.model, status_code=status)


def _split(piece: Piece) -> tuple[str, str]:
    """Return (text, thoughts), also where the text holds the thoughts."""
    splitter = ThoughtSplitter()
    text, thoughts = splitter.feed(piece.text or piece.refusal)
    end_text, end_thoughts = splitter.finish()
    return text + end_text, piece.reasoning + thoughts + end_thoughts


def _tool_call(call: JsonObject) -> ToolCall:
    function = as_object(call.get("function")) or call
    return ToolCall(
        id=as_text(call.get("id")) or new_call_id(),
        name=as_text(function.get("name")),
        arguments=arguments_text(function.get("arguments")).strip() or "{}",
    )


def _extra(payload: JsonObject, choice: JsonObject) -> Mapping[str, Json]:
    """Return what is worth keeping beside the answer; small and JSON-plain."""
    found = {name: payload[name] for name in _EXTRA if isinstance(payload.get(name), str)}
    return found | {name: choice[name] for name in _CHOICE_EXTRA if isinstance(choice.get(name), str)}
