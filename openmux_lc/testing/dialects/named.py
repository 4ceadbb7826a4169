"""Answers as a message of content blocks; each event of a stream has a name, and the last one ends it."""

from __future__ import annotations

from typing import Final

from openmux_lc.testing.dialects.shape import (
    Asked,
    Events,
    Framing,
    dimensions_of,
    pieces,
    texts_of,
    tokens_of,
    unit_vector,
)
from openmux_lc.types.json import Json, JsonObject, as_object
from openmux_lc.types.run import ToolCall

__all__ = ["Named"]

_REASONS: Final = {
    "stop": "COMPLETE",
    "tool_calls": "TOOL_CALL",
    "length": "MAX_TOKENS",
    "content_filter": "ERROR_TOXIC",
}


class Named:
    """Chat and vectors."""

    framing: Framing = "named_events"

    def whole(self, asked: Asked) -> Json:
        """Return the body of an answer."""
        answer = asked.answer
        content: list[Json] = [] if answer.reasoning is None else [{"type": "thinking", "thinking": answer.reasoning}]
        content += [{"type": "text", "text": answer.text}] if answer.text else []
        calls: JsonObject = {"tool_calls": [_call(call, call.arguments) for call in answer.tool_calls]}
        message: JsonObject = {"role": "assistant", "content": content, **(calls if answer.tool_calls else {})}
        return {"id": f"fake-{asked.serial}", "message": message, **_end(asked)}

    def events(self, asked: Asked) -> Events:
        """Return its events: start, blocks, end."""
        answer = asked.answer
        start = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
        content: list[Json] = [_block(0, "thinking", piece) for piece in pieces(answer.reasoning or "")]
        content += [_block(1, "text", piece) for piece in pieces(answer.text)]
        for index, call in enumerate(answer.tool_calls):
            content += [
                _event("tool-call-start", index, {"tool_calls": _call(call, "")}),
                _event("tool-call-delta", index, {"tool_calls": {"function": {"arguments": call.arguments}}}),
                _event("tool-call-end", index),
            ]
        return Events(
            [{"type": "message-start", "id": f"fake-{asked.serial}", "delta": {"message": start}}],
            content,
            [{"type": "message-end", "delta": _end(asked)}],
        )

    def vectors(self, asked: Asked) -> Json:
        """Return the vectors under the name of their kind."""
        texts = texts_of(asked, "texts")
        length = dimensions_of(as_object(asked.received.body), "output_dimension")
        meta: JsonObject = {"billed_units": {"input_tokens": tokens_of(texts)}}
        body: JsonObject = {
            "id": f"fake-{asked.serial}",
            "embeddings": {"float": [unit_vector(t, length) for t in texts]},
        }
        return {
            **body,
            "texts": texts,
            "meta": {"api_version": {"version": "2"}, **(meta if asked.answer.usage else {})},
        }


def _call(call: ToolCall, arguments: str) -> JsonObject:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _event(kind: str, index: int, message: JsonObject | None = None) -> JsonObject:
    return {"type": kind, "index": index, **({"delta": {"message": message}} if message is not None else {})}


def _block(index: int, kind: str, piece: str) -> Json:
    return _event("content-delta", index, {"content": {kind: piece}})


def _end(asked: Asked) -> JsonObject:
    sent, got = asked.tokens
    counts = {"input_tokens": sent, "output_tokens": got}
    usage: JsonObject = {"usage": {"billed_units": counts, "tokens": counts}}
    return {"finish_reason": _REASONS.get(asked.finish, asked.finish), **(usage if asked.answer.usage else {})}
