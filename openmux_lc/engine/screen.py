"""A stream as its reader may see it: what has to keep a contract is held until it is whole.

`Screen` decides, the two iterators only read. A break of the contract is told before
anything was shown, so that the next route can answer.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Self

from openmux_lc.engine.assembly import Assembly
from openmux_lc.engine.contract import checked, with_calls
from openmux_lc.routing.contract import is_bound
from openmux_lc.routing.tool_prose import may_be_written, opening
from openmux_lc.types.run import Answer, Chunk, ToolCallDelta

if TYPE_CHECKING:
    from openmux_lc.engine.attempt import Booking

__all__ = ["AsyncScreened", "Screened"]

_MOST_HELD: Final = 16_384
"""Characters that are held back for what may become a tool call; a longer text is shown."""


class Screen:
    """What of a stream may be shown now: chunks in, chunks out."""

    def __init__(self, booking: Booking) -> None:
        """Look at what the request asks for."""
        self._booking = booking
        self._is_whole_only = is_bound(booking.run.request)
        self._assembly = Assembly(booking.route)
        self._held: list[Chunk] = []
        self._is_open = not may_be_written(booking.run.request)
        self._text = ""
        self._last: Chunk | None = None

    def feed(self, chunk: Chunk) -> Sequence[Chunk]:
        """Return what may be shown after `chunk` came."""
        if chunk.has_content and self._booking.first_content_s is None:
            self._booking.first_content_s = time.monotonic() - self._booking.started
        if self._is_whole_only:
            self._assembly.add(chunk)
            self._held.append(chunk)
            return ()
        return (chunk,) if self._is_open else self._shown(chunk)

    def finish(self) -> Sequence[Chunk]:
        """Return what was held back, once nothing more comes.

        Raises:
            BrokenContract: The answer is not what was asked for.
        """
        return self._whole() if self._is_whole_only else self._rest()

    def _whole(self) -> Sequence[Chunk]:
        if not any(chunk.has_content for chunk in self._held):
            return self._held  # the gate tells an empty answer
        plan = self._booking.run.plan
        answer = self._assembly.answer(prompt_tokens=plan.requirements.min_context_tokens if plan else 0)
        kept = checked(self._booking, answer)
        return self._held if kept is answer else _as_chunks(kept, self._held[-1])

    def _shown(self, chunk: Chunk) -> Sequence[Chunk]:
        """Return the chunk with the text that cannot become a tool call any more."""
        if chunk.tool_calls:  # it makes them as it should
            self._is_open = True
            return (replace(chunk, text=self._released() + chunk.text),)
        if chunk.finish_reason is not None:
            self._text += chunk.text
            self._last = replace(chunk, text="")
            return ()
        if not chunk.text:
            return (chunk,)
        text = self._text + chunk.text
        begin = opening(text)
        if begin is not None and len(text) - begin <= _MOST_HELD:
            self._text, text = text[begin:], text[:begin]
        else:
            self._is_open, self._text = begin is not None, ""
        shown = replace(chunk, text=text)
        return (shown,) if text or chunk.reasoning else ()

    def _rest(self) -> Sequence[Chunk]:
        """Return what was held back: the calls that it is, or the words."""
        last, text = self._last, self._released()
        mended = with_calls(self._booking, Answer(route=self._booking.route, text=text)) if text else None
        if mended is not None and mended.tool_calls:
            first = Chunk(text=mended.text, tool_calls=_deltas(mended))
            return (first, replace(last or Chunk(), finish_reason=mended.finish_reason))
        if last is None:
            return (Chunk(text=text),) if text else ()
        return (replace(last, text=text),)

    def _released(self) -> str:
        text, self._text = self._text, ""
        return text


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
    return (
        Chunk(
            text=answer.text,
            reasoning=answer.reasoning,
            tool_calls=_deltas(answer),
            model=answer.model,
            id=answer.id,
        ),
        Chunk(finish_reason=answer.finish_reason, usage=answer.usage, model=last.model, id=last.id, echo=answer.echo),
    )


def _deltas(answer: Answer) -> tuple[ToolCallDelta, ...]:
    return tuple(
        ToolCallDelta(index=index, id=call.id, name=call.name, arguments=call.arguments)
        for index, call in enumerate(answer.tool_calls)
    )
