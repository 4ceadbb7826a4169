"""What goes over the wire for one request and one behaviour; no input or output.

A `Reply` holds its body as parts: one for a plain body, one per event of a
stream. They may come from a generator, so that a flood costs no memory.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from openmux_lc.testing.behaviours import Answer, Behaviour, Fault, Flood, Received
from openmux_lc.types.json import Json, JsonObject, as_list, as_object, dig

__all__ = ["Reply", "head", "json_reply", "reply_to"]

_CREATED: Final = 1_700_000_000
_DONE: Final = b"data: [DONE]\n\n"
_DIMENSIONS: Final = 8
_FLOOD_BLOCK: Final = 64 * 1024
_DROP: Final = 64
_SSE: Final = "text/event-stream"
_JSON: Final = "application/json"
_REASONS: Final = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A response that is ready to be sent.

    Args:
        status: 0 sends nothing at all.
        length: Value of `Content-Length`; None sends the parts chunked.
        ending: `close` closes the connection after the parts, `hang` leaves it
            open without another byte.
    """

    status: int = 200
    content_type: str = _JSON
    headers: Mapping[str, str]
    parts: Iterable[bytes]
    length: int | None
    first_byte_s: float = 0.0
    per_part_s: float = 0.0
    ending: Literal["done", "close", "hang"] = "done"


def head(reply: Reply) -> bytes:
    """Return the status line and headers, with the blank line behind them."""
    framing = "Transfer-Encoding: chunked" if reply.length is None else f"Content-Length: {reply.length}"
    lines = [
        f"HTTP/1.1 {reply.status} {_REASONS.get(reply.status, 'Status')}",
        f"Content-Type: {reply.content_type}",
        framing,
        *(f"{name}: {value}" for name, value in reply.headers.items()),
        "\r\n",
    ]
    return "\r\n".join(lines).encode("latin-1")


def json_reply(body: Json, status: int = 200) -> Reply:
    """Return a plain JSON response."""
    data = _dump(body)
    return Reply(status=status, headers={}, parts=(data,), length=len(data))


def reply_to(received: Received, behaviour: Behaviour, serial: int) -> Reply:
    """Return what `behaviour` does with the request, the `serial`-th one."""
    if isinstance(behaviour, Fault):
        return _fault(received, behaviour)
    if isinstance(behaviour, Flood):
        return _flood(received, behaviour)
    if received.path.endswith("/embeddings"):
        return _plain(_vectors(received, behaviour), behaviour)
    if received.wants_stream:
        return _stream(received, behaviour, serial)
    return _plain(_completion(received, behaviour, serial), behaviour)


def _dump(value: Json) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _fault(received: Received, fault: Fault) -> Reply:
    body, kind = fault.body, fault.content_type
    if received.wants_stream and fault.sse is not None:
        data, kind = fault.sse.encode(), _SSE
    elif isinstance(body, bytes):
        data, kind = body, kind or "application/octet-stream"
    elif isinstance(body, str):
        data, kind = body.encode(), kind or "text/plain; charset=utf-8"
    else:
        data, kind = b"" if body is None else _dump(body), kind or _JSON
    return Reply(
        status=fault.status,
        content_type=kind,
        headers=fault.headers,
        parts=(data,),
        length=len(data),
        first_byte_s=fault.first_byte_s,
    )


def _flood(received: Received, flood: Flood) -> Reply:
    blocks = flood.mebibytes * 1024 * 1024 // _FLOOD_BLOCK
    block = b"x" * _FLOOD_BLOCK
    if not received.wants_stream:
        before, after = b'{"choices":[{"index":0,"message":{"role":"assistant","content":"', b'"}}]}'
        length = len(before) + blocks * _FLOOD_BLOCK + len(after)
        return Reply(headers={}, parts=_around(before, block, blocks, after), length=length)
    event = b'data: {"choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n'
    if flood.one_line:
        before, after = event.split(b"%b")
        parts = _around(before, block, blocks, after)
    else:
        parts = _around(b"", event % block, blocks, _DONE)
    return Reply(content_type=_SSE, headers={}, parts=parts, length=None)


def _around(before: bytes, block: bytes, blocks: int, after: bytes) -> Iterator[bytes]:
    if before:
        yield before
    for _ in range(blocks):
        yield block
    yield after


def _plain(body: JsonObject, answer: Answer) -> Reply:
    data = _dump(_upstream_error() if answer.ending == "error" else body)
    half = data[: len(data) // 2]
    sent = half if answer.ending in ("cut", "silent", "hang") else data
    return Reply(
        content_type=answer.content_type or _JSON,
        headers=answer.headers,
        parts=_drops(sent) if answer.per_chunk_s else (sent,),
        length=len(half) if answer.ending == "silent" else len(data),
        first_byte_s=answer.first_byte_s,
        per_part_s=answer.per_chunk_s,
        ending=_ending(answer),
    )


def _drops(data: bytes) -> tuple[bytes, ...]:
    return tuple(data[start : start + _DROP] for start in range(0, len(data), _DROP))


def _ending(answer: Answer) -> Literal["done", "close", "hang"]:
    if answer.ending == "hang":
        return "hang"
    return "close" if answer.ending == "cut" else "done"


def _upstream_error() -> JsonObject:
    return {"error": {"message": "Upstream provider failed.", "type": "server_error", "code": 502}}


def _completion(received: Received, answer: Answer, serial: int) -> JsonObject:
    message: dict[str, Json] = {"role": "assistant", "content": answer.text or None}
    if answer.reasoning is not None:
        message["reasoning_content"] = answer.reasoning
    if answer.tool_calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in answer.tool_calls
        ]
    choice: Json = {"index": 0, "message": message, "finish_reason": _finish(answer), "logprobs": None}
    body = _envelope(received, answer, serial, "chat.completion") | {"choices": [choice]}
    return body | {"usage": _usage(received, answer)} if answer.usage else body


def _envelope(received: Received, answer: Answer, serial: int, kind: str) -> dict[str, Json]:
    return {"id": f"chatcmpl-fake-{serial}", "object": kind, "created": _CREATED, "model": _model(received, answer)}


def _model(received: Received, answer: Answer) -> str:
    return answer.model or received.model or "fake-model"


def _finish(answer: Answer) -> str:
    return answer.finish_reason or ("tool_calls" if answer.tool_calls else "stop")


def _usage(received: Received, answer: Answer) -> JsonObject:
    asked = len(_dump(dig(received.body, "messages"))) // 4 + 1
    told = sum(len(call.name) + len(call.arguments) for call in answer.tool_calls)
    answered = (len(answer.text) + len(answer.reasoning or "") + told) // 4 + 1
    usage: dict[str, Json] = {
        "prompt_tokens": asked,
        "completion_tokens": answered,
        "total_tokens": asked + answered,
    }
    return usage if answer.cost is None else usage | {"cost": answer.cost}


def _stream(received: Received, answer: Answer, serial: int) -> Reply:
    envelope = _envelope(received, answer, serial, "chat.completion.chunk")
    deltas = _deltas(answer)[: answer.after_chunks]
    choices: list[Json] = [[_choice({"role": "assistant", "content": ""})], *([_choice(delta)] for delta in deltas)]
    if answer.ending == "done":
        choices.append([_choice({}, _finish(answer))])
    parts = [_event(envelope | {"choices": choice}) for choice in choices]
    if answer.ending == "error":
        parts.append(_event(_upstream_error()))
    if answer.ending == "done":
        if answer.usage and dig(received.body, "stream_options", "include_usage") is True:
            parts.append(_event(envelope | {"choices": [], "usage": _usage(received, answer)}))
        parts.append(_DONE)
    return Reply(
        content_type=answer.content_type or _SSE,
        headers=answer.headers,
        parts=parts,
        length=None,
        first_byte_s=answer.first_byte_s,
        per_part_s=answer.per_chunk_s,
        ending=_ending(answer),
    )


def _event(body: JsonObject) -> bytes:
    return b"data: " + _dump(body) + b"\n\n"


def _choice(delta: JsonObject, finish_reason: str | None = None) -> Json:
    return {"index": 0, "delta": delta, "finish_reason": finish_reason}


def _deltas(answer: Answer) -> list[JsonObject]:
    thoughts = [{"reasoning_content": piece} for piece in _pieces(answer.reasoning or "")]
    words = [{"content": piece} for piece in _pieces(answer.text)]
    calls: list[JsonObject] = []
    for index, call in enumerate(answer.tool_calls):
        opening = {"name": call.name, "arguments": ""}
        calls.append({"tool_calls": [{"index": index, "id": call.id, "type": "function", "function": opening}]})
        middle = (len(call.arguments) + 1) // 2
        pieces = (call.arguments[:middle], call.arguments[middle:])
        calls += [{"tool_calls": [{"index": index, "function": {"arguments": piece}}]} for piece in pieces if piece]
    return [*thoughts, *words, *calls]


def _pieces(text: str) -> list[str]:
    """Return `text` cut before each word; joined they are `text`."""
    return re.findall(r"\s*\S+|\s+$", text)


def _vectors(received: Received, answer: Answer) -> JsonObject:
    body = as_object(received.body)
    asked = body.get("input")
    is_one = isinstance(asked, str) or (bool(as_list(asked)) and isinstance(as_list(asked)[0], int))
    inputs: Sequence[Json] = [asked] if is_one else as_list(asked)
    dimensions = body.get("dimensions")
    length = dimensions if isinstance(dimensions, int) and dimensions > 0 else _DIMENSIONS
    as_base64 = body.get("encoding_format") == "base64"
    rows: list[Json] = []
    for index, item in enumerate(inputs):
        vector = _vector(item, length)
        packed = base64.b64encode(struct.pack(f"<{length}f", *vector)).decode() if as_base64 else vector
        rows.append({"object": "embedding", "index": index, "embedding": packed})
    tokens = sum(len(_dump(item)) // 4 + 1 for item in inputs)
    result: dict[str, Json] = {"object": "list", "data": rows, "model": _model(received, answer)}
    return result | {"usage": {"prompt_tokens": tokens, "total_tokens": tokens}} if answer.usage else result


def _vector(item: Json, length: int) -> list[float]:
    """Return a unit vector that depends on `item` alone."""
    seed = _dump(item)
    blocks = (hashlib.sha256(seed + struct.pack("<I", block)).digest() for block in range(-(-length // 16)))
    raw = struct.unpack(f"<{-(-length // 16) * 16}h", b"".join(blocks))[:length]
    norm = math.sqrt(sum(value * value for value in raw)) or 1.0
    return [value / norm for value in raw]
