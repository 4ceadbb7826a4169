"""Answers as `choices` with messages, in streams with deltas: the form that most hosts share."""

from __future__ import annotations

import base64
import struct

from openmux_lc.testing.dialects.shape import (
    CREATED,
    Asked,
    Events,
    Framing,
    dimensions_of,
    pieces,
    texts_of,
    tokens_of,
    unit_vector,
)
from openmux_lc.types.json import Json, JsonObject, as_object, dig

__all__ = ["Choices"]


class Choices:
    """Chat, text completion and vectors."""

    framing: Framing = "events"

    def whole(self, asked: Asked) -> Json:
        """Return a completion."""
        kind = "text_completion" if asked.task == "text" else "chat.completion"
        said: JsonObject = {"text": asked.answer.text} if asked.task == "text" else {"message": _message(asked)}
        choice: Json = {"index": 0, **said, "finish_reason": asked.finish, "logprobs": None}
        body = {**_envelope(asked, kind), "choices": [choice]}
        return {**body, "usage": _usage(asked)} if asked.answer.usage else body

    def events(self, asked: Asked) -> Events:
        """Return its chunks; usage comes last, and only where asked for."""
        is_text = asked.task == "text"
        envelope = _envelope(asked, "text_completion" if is_text else "chat.completion.chunk")
        opening = [] if is_text else [_choice({"delta": {"role": "assistant", "content": ""}})]
        content = [{"text": piece} for piece in pieces(asked.answer.text)] if is_text else _deltas(asked)
        last: JsonObject = {"text": ""} if is_text else {"delta": {}}
        closing: list[JsonObject] = [{"choices": [_choice(last, asked.finish)]}]
        if asked.answer.usage and dig(asked.received.body, "stream_options", "include_usage") is True:
            closing.append({"choices": [], "usage": _usage(asked)})
        return Events(
            [{**envelope, "choices": [choice]} for choice in opening],
            [{**envelope, "choices": [_choice(delta)]} for delta in content],
            [{**envelope, **end} for end in closing],
        )

    def vectors(self, asked: Asked) -> Json:
        """Return a list of vectors, as numbers or packed."""
        body = as_object(asked.received.body)
        texts, length = texts_of(asked, "input"), dimensions_of(body, "dimensions")
        rows: list[Json] = []
        for index, text in enumerate(texts):
            vector = unit_vector(text, length)
            is_packed = body.get("encoding_format") == "base64"
            packed = base64.b64encode(struct.pack(f"<{length}f", *vector)).decode() if is_packed else vector
            rows.append({"object": "embedding", "index": index, "embedding": packed})
        found: JsonObject = {"object": "list", "data": rows, "model": asked.model}
        tokens = tokens_of(texts)
        return {**found, "usage": {"prompt_tokens": tokens, "total_tokens": tokens}} if asked.answer.usage else found


def _envelope(asked: Asked, kind: str) -> JsonObject:
    return {"id": f"chatcmpl-fake-{asked.serial}", "object": kind, "created": CREATED, "model": asked.model}


def _message(asked: Asked) -> JsonObject:
    answer = asked.answer
    message: dict[str, Json] = {"role": "assistant", "content": answer.text or None}
    if answer.reasoning is not None:
        message["reasoning_content"] = answer.reasoning
    if answer.tool_calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in answer.tool_calls
        ]
    return message


def _usage(asked: Asked) -> JsonObject:
    sent, got = asked.tokens
    usage: JsonObject = {"prompt_tokens": sent, "completion_tokens": got, "total_tokens": sent + got}
    return usage if asked.answer.cost is None else {**usage, "cost": asked.answer.cost}


def _choice(said: JsonObject, finish_reason: str | None = None) -> Json:
    return {"index": 0, **said, "finish_reason": finish_reason}


def _deltas(asked: Asked) -> list[JsonObject]:
    answer = asked.answer
    deltas: list[JsonObject] = [{"reasoning_content": piece} for piece in pieces(answer.reasoning or "")]
    deltas += [{"content": piece} for piece in pieces(answer.text)]
    for index, call in enumerate(answer.tool_calls):
        opening = {"name": call.name, "arguments": ""}
        deltas.append({"tool_calls": [{"index": index, "id": call.id, "type": "function", "function": opening}]})
        middle = (len(call.arguments) + 1) // 2
        halves = (call.arguments[:middle], call.arguments[middle:])
        deltas += [{"tool_calls": [{"index": index, "function": {"arguments": half}}]} for half in halves if half]
    return [{"delta": delta} for delta in deltas]
