"""A streamed body as whole JSON lines, bounded; what the `ollama` client reads.

Line separators of Unicode inside a line are escaped: the client would split there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Final, Protocol

from openmux_lc.http import AsyncByteStream, Response, SyncByteStream
from openmux_lc.providers.answer import bad_payload
from openmux_lc.providers.flow import Flow, Translated, lower_headers
from openmux_lc.providers.sse import MAX_EVENT_BYTES
from openmux_lc.types.run import Chunk
from openmux_lc.types.wire import Call

__all__ = ["AsyncLines", "Lines"]

_ESCAPES: Final = ((b"\xc2\x85", rb"\u0085"), (b"\xe2\x80\xa8", rb"\u2028"), (b"\xe2\x80\xa9", rb"\u2029"))
_NOTHING_SAID: Final = b',"message":{"role":"assistant","content":""}}'


class _Progress(Protocol):
    @property
    def is_done(self) -> bool: ...

    @property
    def has_content(self) -> bool: ...


class _LineDecoder:
    """Collects bytes; `take` gives the lines that are whole."""

    def __init__(self, call: Call, progress: _Progress) -> None:
        self._call, self._progress = call, progress
        self._rest = bytearray()
        self._whole = b""

    @property
    def has_content(self) -> bool:
        """Whether a reader sees something of the lines so far."""
        return self._progress.has_content

    @property
    def is_over(self) -> bool:
        """Whether the last line was read."""
        return self._progress.is_done

    @property
    def is_complete(self) -> bool:
        """Whether the last line was read."""
        return self._progress.is_done

    def feed(self, piece: bytes) -> Sequence[Chunk]:
        """Keep `piece`; no chunks come of it here."""
        head, newline, rest = piece.rpartition(b"\n")
        if newline:
            self._whole = b"".join((self._whole, self._rest, head, newline))
            self._rest.clear()
        self._rest += rest
        if len(self._rest) > MAX_EVENT_BYTES:
            raise bad_payload(self._call, "holds a line larger than 1 MiB, so it was not read on")
        return ()

    def finish(self) -> Sequence[Chunk]:
        """Treat what is left as a line."""
        self._whole += bytes(self._rest)
        self._rest.clear()
        return ()

    def take(self) -> bytes:
        """Return the whole lines that have come, blank ones left out."""
        whole, self._whole = self._whole, b""
        for mark, escape in _ESCAPES:
            whole = whole.replace(mark, escape)
        return b"".join(_with_message(line) + b"\n" for line in whole.splitlines() if line.strip())


def _with_message(line: bytes) -> bytes:
    """Return a line as the client wants it: early engines end with one that has no message."""
    if b'"message"' in line or b'"response"' in line or b'"done"' not in line or not line.endswith(b"}"):
        return line
    return line[:-1] + _NOTHING_SAID


class Lines(SyncByteStream):
    """The lines of a response, read by a thread."""

    def __init__(self, call: Call, response: Response, progress: _Progress) -> None:
        """Own `response` from here on."""
        self.response = response
        self._call = call
        self._decoder = _LineDecoder(call, progress)
        self._flow = Flow(call, lower_headers(response), self._decoder)
        response.request.extensions["timeout"]["read"] = self._flow.wait

    @property
    def raw(self) -> bytes:
        """Upstream bytes read so far, bounded."""
        return self._flow.raw

    def __iter__(self) -> Iterator[bytes]:
        """Yield whole lines."""
        with Translated(self._call, self._flow):
            for piece in self.response.iter_raw():
                self._flow.feed(piece)
                yield self._decoder.take()
                self._flow.renew()  # only now have the lines been read
                if self._flow.is_drained:
                    break
        self._flow.finish()
        yield self._decoder.take()

    def close(self) -> None:
        """Hang up."""
        self.response.close()


class AsyncLines(AsyncByteStream):
    """The lines of a response, read on an event loop."""

    def __init__(self, call: Call, response: Response, progress: _Progress) -> None:
        """Own `response` from here on."""
        self._response = response
        self._call = call
        self._decoder = _LineDecoder(call, progress)
        self._flow = Flow(call, lower_headers(response), self._decoder)

    @property
    def raw(self) -> bytes:
        """Upstream bytes read so far, bounded."""
        return self._flow.raw

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield whole lines."""
        pieces = self._response.aiter_raw()
        with Translated(self._call, self._flow):
            while not self._flow.is_drained:
                async with asyncio.timeout(self._flow.wait.left):
                    piece = await anext(pieces, None)
                if piece is None:
                    break
                self._flow.feed(piece)
                yield self._decoder.take()
                self._flow.renew()  # only now have the lines been read
        self._flow.finish()
        yield self._decoder.take()

    async def aclose(self) -> None:
        """Hang up."""
        await self._response.aclose()
