"""Answers as texts that a model went on to write, token by token in a stream; vectors as a bare array."""

from __future__ import annotations

from typing import Final

from openmux_lc.testing.dialects.shape import (
    Asked,
    Events,
    Framing,
    dimensions_of,
    pieces,
    texts_of,
    unit_vector,
)
from openmux_lc.types.json import Json, JsonObject, as_object

__all__ = ["Tasks"]

_REASONS: Final = {"stop": "eos_token", "tool_calls": "eos_token"}


class Tasks:
    """Text and vectors; there are no messages, tools or thoughts here."""

    framing: Framing = "events"

    def whole(self, asked: Asked) -> Json:
        """Return the only element of a list."""
        return [{"generated_text": asked.answer.text, "details": _details(asked)}]

    def events(self, asked: Asked) -> Events:
        """Return its tokens; the last one, a special one, tells the whole text again."""
        content = [
            {"index": index, "token": _token(index, piece), "generated_text": None, "details": None}
            for index, piece in enumerate(pieces(asked.answer.text), 1)
        ]
        last = {**_token(0, ""), "special": True}
        end: Json = {"index": 0, "token": last, "generated_text": asked.answer.text, "details": _details(asked)}
        return Events((), content, [end])

    def vectors(self, asked: Asked) -> Json:
        """Return one vector per text."""
        length = dimensions_of(as_object(asked.received.body), "dimensions")
        return [unit_vector(text, length) for text in texts_of(asked, "inputs")]


def _token(number: int, text: str) -> JsonObject:
    return {"id": number, "text": text, "logprob": 0, "special": False}


def _details(asked: Asked) -> JsonObject:
    sent, got = asked.tokens
    counts: JsonObject = {"generated_tokens": got, "input_length": sent} if asked.answer.usage else {}
    return {"finish_reason": _REASONS.get(asked.finish, asked.finish), **counts, "seed": None}
