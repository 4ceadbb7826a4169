"""What every form of answer is written from: the request, the answer, and pieces of both."""

from __future__ import annotations

import hashlib
import json
import math
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from openmux_lc.testing.behaviours import Answer, Received
from openmux_lc.types.json import Json, JsonObject, as_list, as_object, dig

__all__ = [
    "CREATED",
    "Asked",
    "Events",
    "Framing",
    "JobShape",
    "Shape",
    "Task",
    "VectorShape",
    "dimensions_of",
    "dump",
    "pieces",
    "plain_call",
    "texts_of",
    "tokens_of",
    "unit_vector",
]

CREATED: Final = 1_700_000_000
DIMENSIONS: Final = 8
"""How long a vector is unless told otherwise."""

_ENCODER: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)

Framing = Literal["events", "crlf_events", "named_events", "lines"]
"""`events` end with a mark, the others with the connection or a last event."""
Task = Literal["chat", "text", "vectors", "vector", "list", "page", "submit", "look", "cancel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request and what it is answered with.

    Args:
        task: What is asked for.
        serial: The number of the request.
        base_url: The address in front of the path that was matched.
        job: The id of what was handed in, where it is asked for later.
    """

    received: Received
    answer: Answer
    task: Task = "chat"
    serial: int = 0
    base_url: str = ""
    job: str = ""

    @property
    def model(self) -> str:
        """The id that the answer claims."""
        return self.answer.model or self.received.model or "fake-model"

    @property
    def finish(self) -> str:
        """Why the answer ends, in the OpenAI dialect's word."""
        return self.answer.finish_reason or ("tool_calls" if self.answer.tool_calls else "stop")

    @property
    def tokens(self) -> tuple[int, int]:
        """Tokens of the question and of the answer, roughly."""
        body = as_object(self.received.body)
        found = ("messages", "prompt", "contents", "inputs", "input", "message")
        asked = next((body[name] for name in found if name in body), None)
        told = sum(len(call.name) + len(call.arguments) for call in self.answer.tool_calls)
        words = len(self.answer.text) + len(self.answer.reasoning or "") + told
        return len(dump(asked)) // 4 + 1, words // 4 + 1


@dataclass(frozen=True, slots=True)
class Events:
    """A streamed answer: what comes first, the content, and what ends it.

    An event's name, where the framing has names, is its `type`; `data` as a text is sent as it is.
    """

    opening: Sequence[Json] = ()
    content: Sequence[Json] = ()
    closing: Sequence[Json] = ()


class Shape(Protocol):
    """One form of answers, as pure functions."""

    @property
    def framing(self) -> Framing:
        """How its streams are parted."""
        ...

    def whole(self, asked: Asked) -> Json:
        """Return the body of an answer."""
        ...

    def events(self, asked: Asked) -> Events:
        """Return the events of an answer."""
        ...


class VectorShape(Shape, Protocol):
    """A form in which vectors are made as well."""

    def vectors(self, asked: Asked) -> Json:
        """Return the body that holds the vectors."""
        ...


class JobShape(Shape, Protocol):
    """A form of answers that are handed in and asked for again."""

    def taken(self, asked: Asked) -> Json:
        """Return what is said while there is no answer."""
        ...

    def is_held(self, asked: Asked) -> bool:
        """Whether the client lets the host hold the request open until the answer is there."""
        ...


def dump(value: Json) -> bytes:
    """Return compact JSON; halves of characters, which a hostile host may send, as escapes."""
    try:
        return _ENCODER.encode(value).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def pieces(text: str) -> list[str]:
    """Return `text` cut before each word; joined they are `text`."""
    return list(text) if text.isspace() else re.findall(r"\s*\S+|\s+$", text)


def plain_call(name: str, arguments: str) -> JsonObject:
    """Return a call whose arguments are an object, as most dialects want it; no object is an empty one."""
    try:
        found = json.loads(arguments)
    except ValueError:
        found = {}
    return {"name": name, "arguments": as_object(found)}


def texts_of(asked: Asked, *path: str | int) -> Sequence[Json]:
    """Return the texts at `path` of the body; a single one is a list of one."""
    found = dig(asked.received.body, *path)
    is_one = isinstance(found, str) or (bool(as_list(found)) and isinstance(as_list(found)[0], int))
    return [found] if is_one else as_list(found)


def dimensions_of(body: Mapping[str, Json], *names: str) -> int:
    """Return how long the vectors shall be."""
    asked = (body.get(name) for name in names)
    return next((length for length in asked if isinstance(length, int) and length > 0), DIMENSIONS)


def unit_vector(item: Json, length: int = DIMENSIONS) -> list[float]:
    """Return a vector of length 1 that depends on `item` alone."""
    seed = dump(item)
    blocks = (hashlib.sha256(seed + struct.pack("<I", block)).digest() for block in range(-(-length // 16)))
    raw = struct.unpack(f"<{-(-length // 16) * 16}h", b"".join(blocks))[:length]
    norm = math.sqrt(sum(value * value for value in raw)) or 1.0
    return [value / norm for value in raw]


def tokens_of(texts: Sequence[Json]) -> int:
    """Return how many tokens `texts` are, roughly."""
    return sum(len(dump(text)) // 4 + 1 for text in texts)
