"""A stream's decoder for hosts that may answer with a whole body all the same.

What begins as server-sent events is read as such while it comes, and so are lines of
JSON; anything else is collected, within the call's bound, and read once it has ended.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Final

from openmux_lc.providers.chunks import as_chunks
from openmux_lc.providers.exchange import ChunkDecoder, Reply
from openmux_lc.types.run import Answer, Chunk

__all__ = ["EventsOrWhole"]

_FIELDS: Final = (b"data:", b"event:", b"error:", b"id:", b"retry:", b":")
_BOM: Final = b"\xef\xbb\xbf"


class EventsOrWhole:
    """A `ChunkDecoder` that looks at the first bytes before it decides.

    Args:
        events: Reads a stream of events.
        whole: Reads a body that is none.
    """

    def __init__(self, events: ChunkDecoder, whole: Callable[[Reply], Answer]) -> None:
        """Wait for the first byte."""
        self._events = events
        self._whole = whole
        self._head = b""
        self._body: bytearray | None = None
        self._is_stream = False
        self._has_line = False
        self._are_lines: bool | None = None

    @property
    def has_content(self) -> bool:
        """Whether a chunk was given out of which a reader sees something."""
        return self._events.has_content

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to come; a whole body ends with its connection."""
        return self._events.is_over

    @property
    def is_complete(self) -> bool:
        """Whether the answer is whole, though usage may follow."""
        return self._events.is_complete

    def feed(self, piece: bytes) -> Sequence[Chunk]:
        """Return the chunks that `piece` completes."""
        if self._body is not None:
            return self._collected(self._body, piece)
        if not self._is_stream:
            piece = self._head = (self._head + piece).lstrip().removeprefix(_BOM)
            self._is_stream = piece.startswith(_FIELDS)
            if not self._is_stream:
                if any(lead.startswith(piece) for lead in (*_FIELDS, _BOM)):
                    return ()
                self._body = bytearray()
                return self._collected(self._body, piece)
        return self._events.feed(piece)

    def finish(self) -> Sequence[Chunk]:
        """Return what is left at the end; raises if the answer is not whole."""
        if self._are_lines and self._body is not None:
            # Left open at its end: half a line is a stream that was cut.
            rest = bytes(self._body).strip()
            return [*(self._events.feed(b"data: " + rest) if rest else ()), *self._events.finish()]
        body = self._head if self._body is None else self._body
        if self._is_stream or not body:
            return self._events.finish()
        return as_chunks(self._whole(Reply(status=200, headers={}, body=bytes(body))))

    def _collected(self, body: bytearray, piece: bytes) -> Sequence[Chunk]:
        """Keep `piece` in `body`; where that is lines of JSON, return the chunks of the whole ones."""
        body += piece
        self._has_line = self._has_line or b"\n" in piece
        if self._are_lines is None and self._has_line and piece.strip():
            first, _, rest = body.partition(b"\n")
            self._are_lines = _is_object(first) if rest.strip() else None
        elif b"\n" not in piece:
            return ()
        if not self._are_lines:
            return ()
        whole, _, self._body = body.rpartition(b"\n")
        return self._events.feed(b"".join(b"data: " + line + b"\n\n" for line in whole.split(b"\n") if line.strip()))


def _is_object(line: bytes | bytearray) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False
