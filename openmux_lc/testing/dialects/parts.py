"""Answers as candidates made of parts; a stream's events end in CRLF, and none marks the end."""

from __future__ import annotations

from typing import Final

from openmux_lc.testing.dialects.shape import (
    Asked,
    Events,
    Framing,
    dimensions_of,
    pieces,
    plain_call,
    unit_vector,
)
from openmux_lc.types.json import Json, JsonObject, as_list, as_object, dig

__all__ = ["Parts"]

_REASONS: Final = {"stop": "STOP", "tool_calls": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"}


class Parts:
    """Chat and vectors."""

    framing: Framing = "crlf_events"

    def whole(self, asked: Asked) -> Json:
        """Return the body of an answer."""
        answer = asked.answer
        thoughts: list[Json] = [] if answer.reasoning is None else [_thought(answer.reasoning)]
        texts: list[Json] = [{"text": answer.text}] if answer.text else []
        return _body(asked, [*thoughts, *texts, *_calls(asked)], _reason(asked))

    def events(self, asked: Asked) -> Events:
        """Return its events, the counts in each."""
        answer = asked.answer
        parts = [
            *(_thought(piece) for piece in pieces(answer.reasoning or "")),
            *({"text": piece} for piece in pieces(answer.text)),
            *_calls(asked),
        ]
        last = _body(asked, [{"text": ""}] if parts else [], _reason(asked))
        return Events((), [_body(asked, [part]) for part in parts], [last])

    def vectors(self, asked: Asked) -> Json:
        """Return one vector per request, or that of a single one."""
        body = as_object(asked.received.body)
        if asked.task == "vector":
            return {"embedding": _vector(body)}
        return {"embeddings": [_vector(as_object(each)) for each in as_list(body.get("requests"))]}


def _vector(request: JsonObject) -> Json:
    text = dig(request, "content", "parts", 0, "text")
    return {"values": unit_vector(text, dimensions_of(request, "outputDimensionality"))}


def _thought(text: str) -> Json:
    return {"text": text, "thought": True}


def _calls(asked: Asked) -> list[Json]:
    found = []
    for call in asked.answer.tool_calls:
        plain = plain_call(call.name, call.arguments)
        found.append({"functionCall": {"id": call.id, "name": plain["name"], "args": plain["arguments"]}})
    return [*found]


def _reason(asked: Asked) -> str:
    return _REASONS.get(asked.finish, asked.finish)


def _body(asked: Asked, parts: list[Json], reason: str = "") -> JsonObject:
    ended: JsonObject = {"finishReason": reason} if reason else {}
    candidate: JsonObject = {"content": {"role": "model", "parts": parts}, **ended, "index": 0}
    body: JsonObject = {"candidates": [candidate], "modelVersion": asked.model, "responseId": f"fake-{asked.serial}"}
    return {**body, "usageMetadata": _usage(asked)} if asked.answer.usage else body


def _usage(asked: Asked) -> JsonObject:
    sent, got = asked.tokens
    thought = len(asked.answer.reasoning or "") // 4
    usage: JsonObject = {"promptTokenCount": sent, "candidatesTokenCount": got - thought, "totalTokenCount": sent + got}
    return {**usage, "thoughtsTokenCount": thought} if thought else usage
