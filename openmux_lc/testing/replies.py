"""What goes over the wire for one request and one behaviour; no input or output.

A `Reply` holds its body as parts: one for a plain body, one per event of a
stream. They may come from a generator, so that a flood costs no memory. A form
writes answers that are sound; whatever is done to them is done here, for all alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from openmux_lc.testing.behaviours import Answer, Behaviour, Fault, Flood
from openmux_lc.testing.dialects.forms import Form, filled
from openmux_lc.testing.dialects.shape import Asked, Framing, dump
from openmux_lc.types.json import Json, as_object, as_text

__all__ = ["Reply", "head", "json_reply", "reply_to", "vectors_reply"]

_DONE: Final = b"data: [DONE]\n\n"
_FLOOD_BLOCK: Final = 64 * 1024
_MARK: Final = b"the-place-of-the-flood"
_DROP: Final = 64
_SSE: Final = "text/event-stream"
_JSON: Final = "application/json"
_KINDS: Final[Mapping[Framing, str]] = {"lines": "application/x-ndjson"}
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
    body_bytes = dump(body)
    return Reply(status=status, headers={}, parts=(body_bytes,), length=len(body_bytes))


def reply_to(asked: Asked, behaviour: Behaviour, form: Form) -> Reply:
    """Return what `behaviour` does with the request; an answer is `asked.answer` already."""
    if isinstance(behaviour, Fault):
        return _fault(asked, behaviour, form)
    if isinstance(behaviour, Flood):
        return _flood(asked, behaviour, form)
    if asked.received.wants_stream:
        return _stream(asked, form)
    return _plain(asked, form.shape.whole(asked), form)


def vectors_reply(asked: Asked, behaviour: Behaviour, form: Form) -> Reply:
    """Return the same for a request for vectors, which are never streamed."""
    if isinstance(behaviour, Answer) and form.vectors is not None:
        return _plain(asked, form.vectors.vectors(asked), form)
    return reply_to(asked, behaviour, form)


def _fault(asked: Asked, fault: Fault, form: Form) -> Reply:
    body, kind = fault.body, fault.content_type
    if body is None and fault.words is not None:
        body = filled(form.error, fault.words, fault.status)
    if asked.received.wants_stream and fault.sse is not None:
        sent, kind = fault.sse.encode(), _SSE
    elif isinstance(body, bytes):
        sent, kind = body, kind or "application/octet-stream"
    elif isinstance(body, str):
        sent, kind = body.encode(), kind or "text/plain; charset=utf-8"
    else:
        sent, kind = b"" if body is None else dump(body), kind or _JSON
    return Reply(
        status=fault.status,
        content_type=kind,
        headers=fault.headers,
        parts=(sent,),
        length=len(sent),
        first_byte_s=fault.first_byte_s,
    )


def _flood(asked: Asked, flood: Flood, form: Form) -> Reply:
    blocks = flood.mebibytes * 1024 * 1024 // _FLOOD_BLOCK
    block = b"x" * _FLOOD_BLOCK
    marked = replace(asked, answer=Answer(_MARK.decode(), usage=False))
    if not asked.received.wants_stream:
        before, _, after = dump(form.shape.whole(marked)).partition(_MARK)
        length = len(before) + blocks * _FLOOD_BLOCK + len(after)
        return Reply(headers={}, parts=_around(before, block, blocks, after), length=length)
    framing, events = form.shape.framing, form.shape.events(marked)
    opening = b"".join(_framed(framing, event) for event in events.opening)
    before, _, after = _framed(framing, events.content[0]).partition(_MARK)
    if flood.one_line:
        parts = _around(opening + before, block, blocks, after)
    else:
        ending = b"".join(_framed(framing, event) for event in events.closing) + _end_mark(framing)
        parts = _around(opening, before + block + after, blocks, ending)
    return Reply(content_type=_KINDS.get(framing, _SSE), headers={}, parts=parts, length=None)


def _around(before: bytes, block: bytes, blocks: int, after: bytes) -> Iterator[bytes]:
    if before:
        yield before
    for _ in range(blocks):
        yield block
    if after:
        yield after


def _plain(asked: Asked, body: Json, form: Form) -> Reply:
    answer = asked.answer
    if answer.ending == "error":
        body = filled(form.error_in_200, answer.error, _status_of(answer))
    elif answer.ending == "null":
        body = form.null
    whole = dump(body)
    half = _broken(whole) if answer.ending == "broken" else whole[: len(whole) // 2]
    sent = whole if answer.ending in ("done", "error", "null") else half
    return Reply(
        content_type=answer.content_type or _JSON,
        headers=answer.headers,
        parts=_drops(sent) if answer.per_chunk_s else (sent,),
        length=len(half) if answer.ending in ("silent", "broken") else len(whole),
        first_byte_s=answer.first_byte_s,
        per_part_s=answer.per_chunk_s,
        ending=_ending(answer),
    )


def _drops(sent: bytes) -> tuple[bytes, ...]:
    return tuple(sent[start : start + _DROP] for start in range(0, len(sent), _DROP))


def _ending(answer: Answer) -> Literal["done", "close", "hang"]:
    if answer.ending == "hang":
        return "hang"
    return "close" if answer.ending in ("cut", "torn") or answer.after_share is not None else "done"


def _status_of(answer: Answer) -> int:
    return answer.error.code if isinstance(answer.error.code, int) else 500


def _stream(asked: Asked, form: Form) -> Reply:
    answer, framing = asked.answer, form.shape.framing
    return Reply(
        content_type=answer.content_type or _KINDS.get(framing, _SSE),
        headers=answer.headers,
        parts=_parts(asked, form),
        length=None,
        first_byte_s=answer.first_byte_s,
        per_part_s=answer.per_chunk_s,
        ending=_ending(answer),
    )


def _parts(asked: Asked, form: Form) -> list[bytes]:
    """Return the events of a stream, up to where it ends."""
    answer, framing = asked.answer, form.shape.framing
    events = form.shape.events(asked)
    sound = [*events.opening, *events.content[: answer.after_chunks]]
    rest = [*events.content[len(sound) - len(events.opening) :], *events.closing]
    if answer.ending == "null" or (answer.ending in ("error", "broken") and answer.after_chunks == 0):
        sound = []
    parts = [_framed(framing, event) for event in sound]
    match answer.ending:
        case "done":
            parts += [*(_framed(framing, event) for event in events.closing), _end_mark(framing)]
        case "torn":
            line = _framed(framing, rest[0])
            parts.append(line[: len(line) // 2])
        case "broken":
            name = as_text(as_object(rest[0]).get("type"))
            parts += [_line(framing, _broken(dump(rest[0])), name), _end_mark(framing)]
        case "null":
            parts += [_framed(framing, form.null), _end_mark(framing)]
        case "error":
            parts.append(_framed(framing, filled(form.stream_error, answer.error, _status_of(answer))))
        case _:
            pass
    return [part for part in (parts if answer.after_share is None else _share(parts, answer.after_share)) if part]


def _share(parts: Sequence[bytes], share: float) -> list[bytes]:
    """Return the parts up to that share of their bytes."""
    left, kept = int(share * sum(map(len, parts))), []
    for part in parts:
        kept.append(part[:left])
        left -= len(kept[-1])
    return kept


def _broken(text: bytes) -> bytes:
    """Return JSON that stops in the middle of a string."""
    return text[: text.rindex(b'"') - 1]


def _framed(framing: Framing, event: Json) -> bytes:
    """Return one event as it is sent."""
    if framing == "events":
        return b"data: " + dump(event) + b"\n\n"
    fields = as_object(event)
    raw = fields.get("data")
    return _line(framing, raw.encode() if isinstance(raw, str) else dump(event), as_text(fields.get("type")))


def _line(framing: Framing, text: bytes, name: str) -> bytes:
    match framing:
        case "lines":
            return text + b"\n"
        case "crlf_events":
            return b"data: " + text + b"\r\n\r\n"
        case "named_events":
            named = f"event: {name}\n".encode() if name else b""
            return named + b"data: " + text.replace(b"\n", b"\ndata: ") + b"\n\n"
        case "events":
            return b"data: " + text + b"\n\n"


def _end_mark(framing: Framing) -> bytes:
    return _DONE if framing == "events" else b""
