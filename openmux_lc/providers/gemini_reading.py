"""What a body or an event of Google's native dialect says.

Thoughts are parts with a flag, usage comes in every event and the last one counts.
Code that the host ran, media and a second candidate are left out: none was asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from openmux_lc.providers.gemini_config import model_id
from openmux_lc.providers.message import arguments_text, finish_reason
from openmux_lc.providers.reading import Reading, signed_call
from openmux_lc.types.json import Json, JsonObject, as_count, as_list, as_object, as_text, dig
from openmux_lc.types.run import Usage

__all__ = ["joined", "read_gemini", "token_usage"]

_NUMBERS: Final = (
    *("", "STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "OTHER", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT"),
    *("SPII", "MALFORMED_FUNCTION_CALL", "IMAGE_SAFETY", "UNEXPECTED_TOOL_CALL"),
)
"""Finish reasons by number: clients that ask for `enum-encoding=int` get those."""
_FILTERED: Final = frozenset({"IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "MODEL_ARMOR"})
_FAILED: Final = frozenset(
    {"MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MALFORMED_RESPONSE"}
)


def read_gemini(payload: JsonObject, event: str) -> Reading:  # noqa: ARG001 - events of this dialect have no names
    """Return what a body, or an event of a stream, says."""
    candidates = map(as_object, as_list(payload.get("candidates")))
    candidate = next((each for each in candidates if not each.get("index")), as_object(None))
    reason = _reason(candidate.get("finishReason"))
    is_blocked = not candidate and bool(dig(payload, "promptFeedback", "blockReason"))
    texts, thoughts, calls, mark = list[str](), list[str](), list[JsonObject](), ""
    for part in map(as_object, as_list(dig(candidate, "content", "parts"))):
        signature = as_text(part.get("thoughtSignature"))
        function = as_object(part.get("functionCall"))
        if function:
            calls.append(signed_call(_tool_call(function), signature))
            continue
        mark = signature or mark
        (thoughts if part.get("thought") is True else texts).append(as_text(part.get("text")))
    return Reading(
        text="".join(texts),
        reasoning="".join(thoughts),
        tool_calls=tuple(calls),
        finish="content_filter" if is_blocked or reason in _FILTERED else finish_reason(reason),
        usage=token_usage(payload),
        model=model_id(as_text(payload.get("modelVersion"))),
        id=as_text(payload.get("responseId")),
        is_answer=is_blocked or bool(candidate),
        fault=payload if payload.get("error") else _fault(reason),
        signature=mark,
    )


def joined(pieces: Sequence[Reading]) -> Reading:
    """Return what the pieces of an answer say together; the last one tells how it ended."""
    if len(pieces) < 2:
        return pieces[0] if pieces else Reading()
    last = pieces[::-1]
    return Reading(
        text="".join(piece.text for piece in pieces),
        reasoning="".join(piece.reasoning for piece in pieces),
        tool_calls=tuple(call for piece in pieces for call in piece.tool_calls),
        finish=next((piece.finish for piece in last if piece.finish), None),
        usage=next((piece.usage for piece in last if piece.usage), None),
        model=next((piece.model for piece in pieces if piece.model), ""),
        id=next((piece.id for piece in pieces if piece.id), ""),
        is_answer=any(piece.is_answer for piece in pieces),
        fault=next((piece.fault for piece in pieces if piece.fault), None),
        signature=next((piece.signature for piece in last if piece.signature), ""),
    )


def _reason(told: Json) -> str:
    """Return why it ended by its name, `""` while it has not."""
    number = as_count(told)
    if number is not None:
        return _NUMBERS[number] if number < len(_NUMBERS) else "OTHER"
    return as_text(told).removeprefix("FINISH_REASON_UNSPECIFIED")


def _tool_call(function: JsonObject) -> JsonObject:
    named = {"name": as_text(function.get("name")), "arguments": arguments_text(function.get("args"))}
    return {"id": as_text(function.get("id")), "type": "function", "function": named}


def _fault(reason: str) -> Json:
    """Return the fault that a finish reason is; the host's own words may quote the model's, so they stay out."""
    if reason in _FAILED:
        return {"error": {"message": "the model failed to call a function", "status": reason}}
    if reason == "MISSING_THOUGHT_SIGNATURE":
        return {"error": {"code": 400, "message": "a tool call in the history lacks its mark", "status": reason}}
    return None


def token_usage(payload: JsonObject) -> Usage | None:
    """Return the tokens told; thoughts are output, and what a tool read is input."""
    fields = as_object(payload.get("usageMetadata"))
    sent, tools, got, thought, total = (
        as_count(fields.get(f"{name}TokenCount"))
        for name in ("prompt", "toolUsePrompt", "candidates", "thoughts", "total")
    )
    if sent is None and got is None:
        return None
    counts = (sent or 0) + (tools or 0), (got or 0) + (thought or 0)
    return Usage(
        input_tokens=counts[0],
        output_tokens=counts[1],
        total_tokens=sum(counts) if total is None else total,
        reasoning_tokens=thought,
        cache_read_tokens=as_count(fields.get("cachedContentTokenCount")),
    )
