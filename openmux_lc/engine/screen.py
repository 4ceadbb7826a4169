"""A stream as its reader may see it: what has to keep a contract is held until it is whole.

`Screen` decides, the two iterators only read. A break of the contract is told before
anything was shown, so that the next route can answer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TYPE_CHECKING, Self

from openmux_lc.engine.assembly import Assembly
from openmux_lc.engine.contract import checked
from openmux_lc.routing.contract import is_bound
from openmux_lc.types.run import Answer, Chunk, ToolCallDelta

if TYPE_CHECKING:
    from openmux_lc.engine.attempt import Booking

__all__ = ["AsyncScreened", "Screened"]


class Screen:
    """What of a stream may be shown now: chunks in, chunks out."""

    def __init__(self, booking: Booking) -> None:
        """Look at what the request asks for."""
        self._booking = booking
        self._is_whole_only = is_bound(booking.run.request)
        self._assembly = Assembly(booking.route)
        self._held: list[Chunk] = []

    def feed(self, chunk: Chunk) -> Sequence[Chunk]:
        """Return what may be shown after `chunk` came."""
        if not self._is_whole_only:
            return (chunk,)
        self._assembly.add(chunk)
        self._held.append(chunk)
        return ()

    def finish(self) -> Sequence[Chunk]:
        """Return what was held back, once nothing more comes.

        Raises:
            BrokenContract: The answer is not what was asked for.
        """
        if not any(chunk.has_content for chunk in self._held):
            return self._held  # the gate tells an empty answer
        plan = self._booking.run.plan
        answer = self._assembly.answer(prompt_tokens=plan.requirements.min_context_tokens if plan else 0)
        kept = checked(self._booking, answer)
        return self._held if kept is answer else _as_chunks(kept, self._held[-1])


class Screened:
    """The chunks of a stream that may be shown."""

    def __init__(self, booking: Booking, chunks: Iterator[Chunk]) -> None:
        """Read nothing yet."""
        self._screen, self._chunks = Screen(booking), chunks
        self._ready: deque[Chunk] = deque()
        self._is_over = False

    def __iter__(self) -> Self:
        """Return itself."""
        return self

    def __next__(self) -> Chunk:
        """Return the next chunk that may be shown."""
        while not self._ready and not self._is_over:
            chunk = next(self._chunks, None)
            self._is_over = chunk is None
            self._ready += self._screen.finish() if chunk is None else self._screen.feed(chunk)
        if not self._ready:
            raise StopIteration
        return self._ready.popleft()


class AsyncScreened:
    """The asynchronous twin of `Screened`."""

    def __init__(self, booking: Booking, chunks: AsyncIterator[Chunk]) -> None:
        """Read nothing yet."""
        self._screen, self._chunks = Screen(booking), chunks
        self._ready: deque[Chunk] = deque()
        self._is_over = False

    def __aiter__(self) -> Self:
        """Return itself."""
        return self

    async def __anext__(self) -> Chunk:
        """Return the next chunk that may be shown."""
        while not self._ready and not self._is_over:
            chunk = await anext(self._chunks, None)
            self._is_over = chunk is None
            self._ready += self._screen.finish() if chunk is None else self._screen.feed(chunk)
        if not self._ready:
            raise StopAsyncIteration
        return self._ready.popleft()


def _as_chunks(answer: Answer, last: Chunk) -> tuple[Chunk, ...]:
    """Return an answer that was mended as the chunks of a stream, with the end that it had."""
    calls = tuple(
        ToolCallDelta(index=index, id=call.id, name=call.name, arguments=call.arguments)
        for index, call in enumerate(answer.tool_calls)
    )
    return (
        Chunk(text=answer.text, reasoning=answer.reasoning, tool_calls=calls, model=answer.model, id=answer.id),
        Chunk(finish_reason=answer.finish_reason, usage=answer.usage, model=last.model, id=last.id, echo=answer.echo),
    )
