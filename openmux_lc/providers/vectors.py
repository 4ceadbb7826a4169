"""Embeddings out of a reply: one vector per text, in the texts' order, all of one length."""

from __future__ import annotations

import base64
import math
import struct
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from openmux_lc.providers.answer import bad_payload
from openmux_lc.providers.exchange import Reply, parse_json
from openmux_lc.providers.fault import has_error, to_fault
from openmux_lc.providers.limits import read_limits
from openmux_lc.providers.message import read_usage
from openmux_lc.types.json import Json, JsonObject, as_int, as_list, as_object, as_text
from openmux_lc.types.run import EmbeddingRequest, Usage, Vectors
from openmux_lc.types.wire import Call

__all__ = ["Told", "check_vectors", "decode_vectors", "estimated", "to_vectors"]

_Vector = tuple[float, ...]


def decode_vectors(call: Call, request: EmbeddingRequest, reply: Reply) -> Vectors:
    """Return the vectors in a successful reply of `/embeddings`.

    Raises:
        ProviderError: It is an error all the same, or its vectors do not fit the texts.
    """
    payload = parse_json(call, reply.body, status=reply.status)
    if has_error(payload):
        raise to_fault(call, reply, now=time.time(), payload=payload)
    fields = as_object(payload)
    told = Told(_rows(payload), _usage(fields), as_text(fields.get("model")))
    return to_vectors(call, request, reply, told)


class Told(NamedTuple):
    """What a reply with vectors says, its dialect taken off.

    Args:
        rows: Arrays of numbers, or 32-bit floats packed as base64; in the texts' order.
        usage: None has it estimated.
        model: Empty means the one asked for.
    """

    rows: Sequence[Json]
    usage: Usage | None = None
    model: str = ""


def to_vectors(call: Call, request: EmbeddingRequest, reply: Reply, told: Told) -> Vectors:
    """Return the vectors that a reply tells; its headers may tell limits.

    Raises:
        BadPayload: They do not fit the texts.
    """
    return Vectors(
        route=call.route,
        vectors=check_vectors(call, request, [_vector(row) for row in told.rows]),
        usage=told.usage or estimated(request.texts),
        model=told.model or call.model,
        limits=read_limits(reply.headers, call.provider.quirks, time.time()),
    )


def estimated(texts: Sequence[str]) -> Usage:
    """Return a token count guessed from lengths."""
    tokens = sum((len(text) + 3) // 4 for text in texts)
    return Usage(input_tokens=tokens, total_tokens=tokens, is_estimated=True)


def check_vectors(call: Call, request: EmbeddingRequest, vectors: Sequence[_Vector]) -> tuple[_Vector, ...]:
    """Return `vectors` if there is one per text, all finite and of one length."""
    if len(vectors) != len(request.texts):
        raise bad_payload(call, f"holds {len(vectors)} vectors for {len(request.texts)} texts")
    if len({len(vector) for vector in vectors}) > 1 or not all(vectors):
        raise bad_payload(call, "holds vectors that are empty or of different lengths")
    return tuple(vectors)


def _rows(payload: Json) -> list[Json]:
    """Return the rows in the texts' order; engines' own pages lack the envelope."""
    fields = as_object(payload)
    found = payload if isinstance(payload, list) else fields.get("data", fields.get("embeddings"))
    if found is None and "embedding" in fields:
        found = [fields]
    rows = as_list(found)
    places = [as_int(as_object(row).get("index")) for row in rows]
    if sorted(place for place in places if place is not None) == list(range(len(rows))):
        rows = [row for _, row in sorted(zip(places, rows, strict=True), key=lambda pair: pair[0] or 0)]
    return [row.get("embedding") if isinstance(row, dict) else row for row in rows]


def _usage(fields: JsonObject) -> Usage | None:
    """Return the tokens of the texts; a host that never counts says that they were none."""
    usage = read_usage(fields)
    tokens = (usage.input_tokens or usage.total_tokens) if usage is not None else 0
    return replace(usage, input_tokens=tokens) if usage is not None and tokens else None


def _vector(value: Json) -> _Vector:
    if isinstance(value, str):
        return _from_base64(value)
    numbers = as_list(value)
    if len(numbers) == 1 and isinstance(numbers[0], list):  # some engines wrap each vector once more
        numbers = numbers[0]
    if not all(type(number) is float or type(number) is int for number in numbers):
        return ()
    try:
        vector = tuple(map(float, numbers))  # type: ignore[arg-type]  # checked just above
    except OverflowError:  # a whole number beyond all floats
        return ()
    return vector if all(map(math.isfinite, vector)) else ()


def _from_base64(text: str) -> _Vector:
    """Return the little-endian 32-bit floats that some hosts send packed."""
    try:
        packed = base64.b64decode(text, validate=True)
        vector = struct.unpack(f"<{len(packed) // 4}f", packed)
    except (ValueError, struct.error):
        return ()
    return vector if all(map(math.isfinite, vector)) else ()
