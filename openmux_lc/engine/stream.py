"""The stream engine: one object owns draining, the commit gate and closing.

Until the first chunk with content a fault is a silent failover. After it, a break
raises `StreamInterruptedError` with the text so far; never a silent end.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

from openmux_lc.engine.assembly import Assembly
from openmux_lc.errors import EmptyAnswer, ProviderError, StreamInterruptedError
from openmux_lc.types.run import Answer, Chunk
from openmux_lc.types.wire import AsyncStream, Stream

if TYPE_CHECKING:
    from openmux_lc.engine.attempt import Booking

__all__ = ["AsyncPoolStream", "PoolStream"]


class _Relay:
    """What both streams share: everything but the awaiting."""

    def __init__(self, booking: Booking) -> None:
        self.booking = booking
        self.assembly = Assembly(booking.route)
        self.held: deque[Chunk] = deque()
        self.first_token_s: float | None = None
        self.is_done = False

    @property
    def answer(self) -> Answer | None:
        """The whole answer, once the stream has ended."""
        return self.booking.answer if self.is_done else None

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

    def finish(self, stream: Stream | AsyncStream) -> None:
        """Book the complete answer."""
        plan = self.booking.run.plan
        tokens = plan.requirements.min_context_tokens if plan else 0
        answer = self.assembly.answer(prompt_tokens=tokens, raw=stream.raw, limits=stream.limits)
        self.booking.answered(answer, first_token_s=self.first_token_s)
        self.is_done = True

    def interrupted(self, error: ProviderError) -> StreamInterruptedError:
        """Book the break and return what the reader is told."""
        attempt = self.booking.failed(error, is_cut=True)
        self.is_done = True
        return StreamInterruptedError(
            f"{self.booking.route} broke off after {len(self.assembly.text)} characters ({type(error).__name__}); "
            "the text so far is in .partial",
            partial=self.assembly.text,
            attempt=attempt,
        )


class PoolStream(_Relay):
    """A route's stream with the pool's bookkeeping; iterate, or close."""

    def __init__(self, booking: Booking, stream: Stream) -> None:
        """Own `stream` from here on; what its headers told of limits counts however it ends."""
        super().__init__(booking)
        booking.observations = stream.limits
        self._stream = stream
        self._chunks = iter(stream)

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
        """Yield every chunk, those held at the gate first.

        Raises:
            StreamInterruptedError: The provider broke off.
        """
        try:
            while self.held:
                yield self.held.popleft()
            for chunk in self._chunks:
                self.take(chunk)
                yield chunk
            self.finish(self._stream)
        except ProviderError as error:
            raise self.interrupted(error) from error
        finally:
            self.close()

    def hang_up(self) -> None:
        """Shut the socket while another thread waits for the first content; that thread settles."""
        self._stream.close()

    def close(self) -> None:
        """Hang up and settle; safe to call twice."""
        self._stream.close()
        if not self.is_done:
            self.is_done = True
            self.booking.gave_up()
        self.booking.settle()


class AsyncPoolStream(_Relay):
    """The asynchronous twin of `PoolStream`."""

    def __init__(self, booking: Booking, stream: AsyncStream) -> None:
        """Own `stream` from here on; what its headers told of limits counts however it ends."""
        super().__init__(booking)
        booking.observations = stream.limits
        self._stream = stream
        self._chunks = aiter(stream)

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

    async def __aiter__(self) -> AsyncIterator[Chunk]:
        """Yield every chunk, those held at the gate first.

        Raises:
            StreamInterruptedError: The provider broke off.
        """
        try:
            while self.held:
                yield self.held.popleft()
            async for chunk in self._chunks:
                self.take(chunk)
                yield chunk
            self.finish(self._stream)
        except ProviderError as error:
            raise self.interrupted(error) from error
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        """Hang up and settle; safe to call twice."""
        await self._stream.aclose()
        if not self.is_done:
            self.is_done = True
            self.booking.gave_up()
        await self.booking.asettle()
