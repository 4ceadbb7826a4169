"""A stream's decoder for hosts that may answer with a whole body all the same.

What begins as server-sent events is read as such while it comes; anything else is
collected, within the call's bound, and read once it has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from openmux_lc.providers.chunks import as_chunks
from openmux_lc.providers.exchange import ChunkDecoder, Reply
from openmux_lc.types.run import Answer, Chunk

__all__ = ["EventsOrWhole"]

_FIELDS: Final = (b"data:", b"event:", b"error:", b"id:", b"retry:", b":")


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
            self._body += piece
            return ()
        if not self._is_stream:
            piece = self._head = (self._head + piece).lstrip()
            self._is_stream = piece.startswith(_FIELDS)
            if not self._is_stream:
                if not any(field.startswith(piece) for field in _FIELDS):
                    self._body = bytearray(piece)
                return ()
        return self._events.feed(piece)

    def finish(self) -> Sequence[Chunk]:
        """Return what is left at the end; raises if the answer is not whole."""
        body = self._head if self._body is None else self._body
        if self._is_stream or not body:
            return self._events.finish()
        return as_chunks(self._whole(Reply(status=200, headers={}, body=bytes(body))))
