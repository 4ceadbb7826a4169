"""The stream engine: one object owns draining, continuation and closing.

Until the first chunk with content a fault is a silent failover. A break after it is
booked as `cut`, and the next route that the policy names goes on from what the reader
has seen: as the beginning of its own answer where the host takes one, else by an
instruction. What it says twice is left out (`seam`), a tool call is shown once it is
whole, thoughts are shown once. With `on_break="raise"`, and where nobody is left, the
reader gets `StreamInterruptedError` with the text so far; never a silent end.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

from openmux_lc.engine.attempt import aopen_stream, open_stream
from openmux_lc.engine.relay import Relay
from openmux_lc.errors import ProviderError
from openmux_lc.types.run import Chunk

if TYPE_CHECKING:
    from openmux_lc.engine.run_state import Run
    from openmux_lc.engine.segment import AsyncSegment, Segment
    from openmux_lc.mux import Mux
    from openmux_lc.types.catalog import Route

__all__ = ["AsyncPoolStream", "PoolStream"]


class PoolStream:
    """A streamed answer of the pool, whoever gives it; iterate, or close.

    Args:
        mux: The pool.
        run: The run it belongs to; its `final` answer is there at the end.
        segment: The first route's stream, which has content.
    """

    def __init__(self, mux: Mux, run: Run, segment: Segment) -> None:
        """Own `segment` from here on."""
        self._mux, self._run, self._segment = mux, run, segment
        self._relay = Relay(mux, run)
        self._relay.begin(segment)

    @property
    def route(self) -> Route:
        """The route that is answering now."""
        return self._segment.booking.route

    def unseen(self) -> Iterator[Chunk]:
        """Iterate where nobody looks before the end: a break begins the answer anew."""
        self._relay.is_seen = False
        return iter(self)

    def __iter__(self) -> Iterator[Chunk]:
        """Yield what the reader sees, the last chunk with usage and finish reason.

        Raises:
            StreamInterruptedError: It broke off, and nobody goes on.
        """
        relay = self._relay
        last: Chunk | None = None
        try:
            while last is None:
                try:
                    for chunk in self._segment:
                        if (shown := relay.take(chunk)) is not None:
                            yield shown
                    last = relay.end(self._segment)
                except ProviderError as error:
                    relay.broke(self._segment, error)
                    self._segment.close()
                    last = self._go_on(error)
            yield last
        finally:
            self.close()

    def _go_on(self, fault: ProviderError) -> Chunk | None:
        """Open the next segment, or return the last chunk where nothing is left to say."""
        run, relay = self._run, self._relay
        while not relay.is_complete():
            wave = relay.next_wave(time.monotonic())
            if not wave.calls:
                raise relay.interrupted() from fault
            run.wait(wave.wait_s)
            branch, route = wave.calls[0]
            segment = open_stream(self._mux, run, branch, route, relay.rest(route))
            if segment is not None:
                self._segment = segment
                relay.begin(segment)
                return None
        return relay.as_it_stands()

    def close(self) -> None:
        """Hang up and settle; safe to call twice."""
        self._segment.close()


class AsyncPoolStream:
    """The asynchronous twin of `PoolStream`."""

    def __init__(self, mux: Mux, run: Run, segment: AsyncSegment) -> None:
        """Own `segment` from here on."""
        self._mux, self._run, self._segment = mux, run, segment
        self._relay = Relay(mux, run)
        self._relay.begin(segment)

    @property
    def route(self) -> Route:
        """The route that is answering now."""
        return self._segment.booking.route

    def unseen(self) -> AsyncIterator[Chunk]:
        """Iterate where nobody looks before the end: a break begins the answer anew."""
        self._relay.is_seen = False
        return aiter(self)

    async def __aiter__(self) -> AsyncIterator[Chunk]:
        """Yield what the reader sees, the last chunk with usage and finish reason.

        Raises:
            StreamInterruptedError: It broke off, and nobody goes on.
        """
        relay = self._relay
        last: Chunk | None = None
        try:
            while last is None:
                try:
                    async for chunk in self._segment:
                        if (shown := relay.take(chunk)) is not None:
                            yield shown
                    last = relay.end(self._segment)
                except ProviderError as error:
                    relay.broke(self._segment, error)
                    await self._segment.aclose()
                    last = await self._go_on(error)
            yield last
        finally:
            await self.aclose()

    async def _go_on(self, fault: ProviderError) -> Chunk | None:
        """Open the next segment, or return the last chunk where nothing is left to say."""
        run, relay = self._run, self._relay
        while not relay.is_complete():
            wave = relay.next_wave(time.monotonic())
            if not wave.calls:
                raise relay.interrupted() from fault
            await run.await_s(wave.wait_s)
            branch, route = wave.calls[0]
            segment = await aopen_stream(self._mux, run, branch, route, relay.rest(route))
            if segment is not None:
                self._segment = segment
                relay.begin(segment)
                return None
        return relay.as_it_stands()

    async def aclose(self) -> None:
        """Hang up and settle; safe to call twice."""
        await self._segment.aclose()
