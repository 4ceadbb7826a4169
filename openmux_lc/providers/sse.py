"""Server-sent events out of bytes, whatever way they were cut.

Pure and bounded: no line and no event may exceed one mebibyte. The events do not
depend on where the network cut the bytes.
"""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["MAX_EVENT_BYTES", "SseDecoder", "SseEvent", "SseOverflow"]

MAX_EVENT_BYTES: Final = 1024 * 1024


class SseEvent(NamedTuple):
    """One event: its name (`""` when none was given) and its text."""

    name: str
    text: str


class SseOverflow(ValueError):
    """A line or an event is longer than a sane server's."""


class SseDecoder:
    r"""Collects bytes and returns the events that they complete.

    Example:
        >>> SseDecoder().feed(b": comment\n\ndata:1\n\nevent: error\ndata: 2\n\n")
        [SseEvent(name='', text='1'), SseEvent(name='error', text='2')]
    """

    def __init__(self) -> None:
        """Start at the beginning of a stream."""
        self._rest = bytearray()  # of a line without its end, looked at once, however many pieces it came in
        self._skip_newline = False
        self._name = ""
        self._lines: list[str] = []
        self._size = 0

    def feed(self, piece: bytes) -> list[SseEvent]:
        """Return the events that end inside `piece`."""
        if self._skip_newline and piece:
            piece = piece.removeprefix(b"\n") if piece[:1] == b"\n" else piece
            self._skip_newline = False
        if not piece:
            return []
        events: list[SseEvent] = []
        if b"\n" in piece or b"\r" in piece:
            lines = (self._take_rest() + piece if self._rest else piece).splitlines(keepends=True)
            piece = b"" if lines[-1].endswith((b"\n", b"\r")) else lines.pop()
            # A final CR may be the first half of CRLF: its LF, if it comes, is not a line of its own.
            self._skip_newline = not piece and lines[-1].endswith(b"\r")
            for line in lines:
                self._take(line.rstrip(b"\r\n"), events)
        self._rest += piece
        if len(self._rest) > MAX_EVENT_BYTES:
            raise SseOverflow
        return events

    def finish(self) -> list[SseEvent]:
        """Return the event that the end of the stream completes, if any."""
        events: list[SseEvent] = []
        if self._rest:
            self._take(self._take_rest(), events)
        self._dispatch(events)
        return events

    def _take_rest(self) -> bytes:
        rest = bytes(self._rest)
        self._rest.clear()
        return rest

    def _take(self, line: bytes, events: list[SseEvent]) -> None:
        if not line:
            self._dispatch(events)
            return
        self._size += len(line)
        if self._size > MAX_EVENT_BYTES:
            raise SseOverflow
        if line.startswith(b"data:"):
            self._lines.append(line[5:].removeprefix(b" ").decode("utf-8", "replace"))
        elif line.startswith(b"event:"):
            self._name = line[6:].strip().decode("utf-8", "replace")
        elif line.startswith(b"error:"):
            # Some engines write the fault as a field of its own.
            self._name = "error"
            self._lines.append(line[6:].removeprefix(b" ").decode("utf-8", "replace"))
        elif line.startswith(b":"):
            self._size -= len(line)

    def _dispatch(self, events: list[SseEvent]) -> None:
        if self._lines:
            events.append(SseEvent(self._name, "\n".join(self._lines)))
        self._lines, self._name, self._size = [], "", 0
