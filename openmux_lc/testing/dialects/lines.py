"""Answers as lines of JSON of which the last one is `done`: local engines' own form."""

from __future__ import annotations

from openmux_lc.testing.dialects.shape import (
    Asked,
    Events,
    Framing,
    dimensions_of,
    pieces,
    plain_call,
    texts_of,
    tokens_of,
    unit_vector,
)
from openmux_lc.types.json import Json, JsonObject, as_object

__all__ = ["Lines"]

_AT = "2026-01-01T00:00:00.000000Z"


class Lines:
    """Chat, text and vectors."""

    framing: Framing = "lines"

    def whole(self, asked: Asked) -> Json:
        """Return the only line of an answer."""
        return {**_said(asked, asked.answer.text, asked.answer.reasoning, _calls(asked)), **_end(asked)}

    def events(self, asked: Asked) -> Events:
        """Return its lines; a call comes in one."""
        answer = asked.answer
        content = [
            *(_said(asked, "", piece) for piece in pieces(answer.reasoning or "")),
            *(_said(asked, piece) for piece in pieces(answer.text)),
            *(_said(asked, "", None, [call]) for call in _calls(asked)),
        ]
        return Events((), [{**line, "done": False} for line in content], [{**_said(asked, ""), **_end(asked)}])

    def vectors(self, asked: Asked) -> Json:
        """Return one vector per text; the older address takes a single one."""
        if asked.task == "vector":
            return {"embedding": unit_vector(as_object(asked.received.body).get("prompt"))}
        texts = texts_of(asked, "input")
        length = dimensions_of(as_object(asked.received.body), "dimensions")
        body: JsonObject = {"model": asked.model, "embeddings": [unit_vector(text, length) for text in texts]}
        return {**body, "prompt_eval_count": tokens_of(texts)} if asked.answer.usage else body


def _said(asked: Asked, text: str, thoughts: str | None = None, calls: list[Json] | None = None) -> JsonObject:
    told: JsonObject = {} if thoughts is None else {"thinking": thoughts}
    frame: JsonObject = {"model": asked.model, "created_at": _AT}
    if asked.task == "text":
        return {**frame, "response": text, **told}
    called: JsonObject = {"tool_calls": calls} if calls else {}
    return {**frame, "message": {"role": "assistant", "content": text, **told, **called}}


def _calls(asked: Asked) -> list[Json]:
    return [{"function": plain_call(call.name, call.arguments)} for call in asked.answer.tool_calls]


def _end(asked: Asked) -> JsonObject:
    reason = "stop" if asked.finish == "tool_calls" else asked.finish
    end: JsonObject = {"done": True, "done_reason": reason, "total_duration": 1_000_000, "load_duration": 1000}
    sent, got = asked.tokens
    return {**end, "prompt_eval_count": sent, "eval_count": got} if asked.answer.usage else end
