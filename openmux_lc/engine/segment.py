"""One route's part of a streamed answer: its stream, its booking, and the commit gate.

Until the first chunk with content a fault is the route's own. A segment books what
came of it once: answered, cut, or left by the reader.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

from openmux_lc.engine.assembly import Assembly
from openmux_lc.engine.screen import AsyncScreened, Screened
from openmux_lc.errors import EmptyAnswer, ProviderError
from openmux_lc.types.run import Answer, Attempt, Chunk
from openmux_lc.types.wire import AsyncStream, Stream

if TYPE_CHECKING:
    from openmux_lc.engine.attempt import Booking

__all__ = ["AsyncSegment", "Segment"]


class _Part:
    """What both segments share: everything but the awaiting."""

    def __init__(self, booking: Booking, stream: Stream | AsyncStream) -> None:
        self.booking = booking
        self.stream = stream
        self.assembly = Assembly(booking.route)
        self.held: deque[Chunk] = deque()
        self.first_token_s: float | None = None
        self.is_done = False

    def take(self, chunk: Chunk) -> bool:
        """Add a chunk to the answer and say whether it has content."""
        self.assembly.add(chunk)
        if chunk.has_content and self.first_token_s is None:
            self.first_token_s = time.monotonic() - self.booking.started
        return chunk.has_content

    def empty(self) -> EmptyAnswer:
        """Return the fault of a stream that ended without content."""
        route = self.booking.route
        return EmptyAnswer(f"{route} ended its stream without an answer", provider=route.provider, model=route.model)

    def answer(self) -> Answer:
        """Return what arrived, as an answer."""
        stream = self.stream
        return self.assembly.answer(prompt_tokens=self.booking.prompt_tokens, raw=stream.raw, limits=stream.limits)

    def broke(self, error: ProviderError, *, delivered_chars: int) -> Attempt:
        """Book the break with what was delivered and return the attempt."""
        usage = self.assembly.answer(prompt_tokens=self.booking.prompt_tokens).usage
        self.is_done = True
        return self.booking.cut(error, usage, delivered_chars=delivered_chars, first_token_s=self.first_token_s)

    def finish(self, answer: Answer) -> None:
        """Book the complete answer."""
        self.booking.answered(answer, first_token_s=self.first_token_s)
        self.is_done = True

    def leave(self) -> None:
        """Book that the reader left, unless it is booked already how it ended."""
        if not self.is_done:
            self.is_done = True
            self.booking.gave_up()


class Segment(_Part):
    """A route's opened stream with the pool's bookkeeping; iterate, `finish`, and close."""

    def __init__(self, booking: Booking, stream: Stream) -> None:
        """Own `stream` from here on; what its headers told of limits counts however it ends."""
        super().__init__(booking, stream)
        booking.observations = stream.limits
        self._stream = stream
        self._chunks = Screened(booking, iter(stream))

    def wait_for_content(self) -> None:
        """Hold the stream until a reader would see something of it.

        Raises:
            ProviderError: It broke or ended before that; the stream is closed.
        """
        is_open = False
        try:
            for chunk in self._chunks:
                self.held.append(chunk)
                if self.take(chunk):
                    is_open = True
                    return
        finally:
            if not is_open:
                self._stream.close()
        raise self.empty()

    def __iter__(self) -> Iterator[Chunk]:
        """Return the segment itself: an iterator that needs no closing of its own."""
        return self

    def __next__(self) -> Chunk:
        """Return the next chunk, those held at the gate first; a fault is a `ProviderError`."""
        if self.held:
            return self.held.popleft()
        chunk = next(self._chunks)
        self.take(chunk)
        return chunk

    def hang_up(self) -> None:
        """Shut the socket while another thread waits for the first content; that thread settles."""
        self._stream.close()

    def close(self) -> None:
        """Hang up and settle; safe to call twice."""
        self._stream.close()
        self.leave()
        self.booking.settle()


class AsyncSegment(_Part):
    """The asynchronous twin of `Segment`."""

    def __init__(self, booking: Booking, stream: AsyncStream) -> None:
        """Own `stream` from here on; what its headers told of limits counts however it ends."""
        super().__init__(booking, stream)
        booking.observations = stream.limits
        self._stream = stream
        self._chunks = AsyncScreened(booking, aiter(stream))

    async def wait_for_content(self) -> None:
        """Hold the stream until a reader would see something of it.

        Raises:
            ProviderError: It broke or ended before that; the stream is closed.
        """
        is_open = False
        try:
            async for chunk in self._chunks:
                self.held.append(chunk)
                if self.take(chunk):
                    is_open = True
                    return
        finally:
            if not is_open:
                await self._stream.aclose()
        raise self.empty()

    def __aiter__(self) -> AsyncIterator[Chunk]:
        """Return the segment itself: an iterator that needs no closing of its own."""
        return self

    async def __anext__(self) -> Chunk:
        """Return the next chunk, those held at the gate first; a fault is a `ProviderError`."""
        if self.held:
            return self.held.popleft()
        chunk = await anext(self._chunks)
        self.take(chunk)
        return chunk

    async def aclose(self) -> None:
        """Hang up and settle; safe to call twice."""
        await self._stream.aclose()
        self.leave()
        await self.booking.asettle()
