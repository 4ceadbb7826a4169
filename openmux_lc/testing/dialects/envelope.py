"""Answers as a `result` in an envelope; in a stream, bare pieces with padding. Thoughts stand in the text itself."""

from __future__ import annotations

from openmux_lc.testing.dialects.shape import (
    Asked,
    Events,
    Framing,
    pieces,
    plain_call,
    texts_of,
    tokens_of,
    unit_vector,
)
from openmux_lc.types.json import Json, JsonObject, as_object

__all__ = ["Envelope"]


class Envelope:
    """Chat, and vectors where the body holds texts instead of messages."""

    framing: Framing = "events"

    def whole(self, asked: Asked) -> Json:
        """Return the body of an answer."""
        if "text" in as_object(asked.received.body):
            return self.vectors(asked)
        calls = _calls(asked)
        said: JsonObject = {"response": _text(asked) or None, **({"tool_calls": calls} if calls else {})}
        return _wrapped({**said, **_usage(asked)})

    def events(self, asked: Asked) -> Events:
        """Return its pieces; calls come at once."""
        content: list[Json] = [{"response": piece, "p": "abdefgh"} for piece in pieces(_text(asked))]
        calls = _calls(asked)
        content += [{"response": "", "tool_calls": calls}] if calls else []
        return Events((), content, [{"response": "", **_usage(asked)}])

    def vectors(self, asked: Asked) -> Json:
        """Return the vectors and what they measure."""
        texts = texts_of(asked, "text")
        rows = [unit_vector(text) for text in texts]
        usage: JsonObject = {"usage": {"prompt_tokens": tokens_of(texts), "total_tokens": tokens_of(texts)}}
        found: JsonObject = {"shape": [len(rows), len(rows[0]) if rows else 0], "data": rows, "pooling": "cls"}
        return _wrapped({**found, **(usage if asked.answer.usage else {})})


def _wrapped(result: JsonObject) -> JsonObject:
    return {"result": result, "success": True, "errors": [], "messages": []}


def _text(asked: Asked) -> str:
    thoughts = asked.answer.reasoning
    return asked.answer.text if thoughts is None else f"<think>{thoughts}</think>{asked.answer.text}"


def _calls(asked: Asked) -> list[Json]:
    return [plain_call(call.name, call.arguments) for call in asked.answer.tool_calls]


def _usage(asked: Asked) -> JsonObject:
    sent, got = asked.tokens
    counts = {"prompt_tokens": sent, "completion_tokens": got, "total_tokens": sent + got}
    return {"usage": counts} if asked.answer.usage else {}
