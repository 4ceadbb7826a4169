"""Stop texts for models that take none: their answers end where a host would have ended them.

What a caller asked for is kept: a stop text that is not sent is looked for here, and
neither it nor what follows is given out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from openmux_lc.providers.answer import no_content
from openmux_lc.providers.exchange import ChunkDecoder
from openmux_lc.providers.message import estimated_usage
from openmux_lc.types.json import as_list, as_text
from openmux_lc.types.run import Answer, Chunk
from openmux_lc.types.wire import Call

__all__ = ["stopped", "with_stops"]


def stopped(call: Call, answer: Answer) -> Answer:
    """Return a whole answer up to the first stop text that the host was not told.

    Raises:
        EmptyAnswer: There is nothing before it.
    """
    place = _place(answer.text, _untold(call))
    if place < 0:
        return answer
    text = answer.text[:place]
    if not text.strip() and not answer.tool_calls:
        raise no_content(call, "stop", has_thoughts=bool(answer.reasoning))
    return replace(answer, text=text, finish_reason="tool_calls" if answer.tool_calls else "stop")


def with_stops(call: Call, decoder: ChunkDecoder) -> ChunkDecoder:
    """Return a stream's decoder that ends at the stop texts which the host was not told."""
    stops = _untold(call)
    return _StopGate(call, decoder, stops) if stops else decoder


class _StopGate:
    """A `ChunkDecoder` that holds text back while it could still become a stop text."""

    def __init__(self, call: Call, inner: ChunkDecoder, stops: Sequence[str]) -> None:
        self._call, self._inner, self._stops = call, inner, stops
        self._held = ""
        self._chars = 0
        self._last = Chunk()
        self._is_cut = False
        self.has_content = False

    @property
    def is_over(self) -> bool:
        return self._is_cut or self._inner.is_over

    @property
    def is_complete(self) -> bool:
        return self._is_cut or self._inner.is_complete

    def feed(self, piece: bytes) -> Sequence[Chunk]:
        return self._passed(self._inner.feed(piece))

    def finish(self) -> Sequence[Chunk]:
        if not self._is_cut:
            return self._passed(self._inner.finish())
        if self._last.finish_reason is not None:
            return ()
        usage = estimated_usage(self._call.request, ("x" * self._chars,))
        model = self._last.model or self._call.model
        return (Chunk(finish_reason="stop", usage=usage, model=model, id=self._last.id),)

    def _passed(self, chunks: Sequence[Chunk]) -> Sequence[Chunk]:
        passed = [self._until_stop(chunk) for chunk in chunks]
        self.has_content = self.has_content or any(chunk.has_content for chunk in passed)
        return passed

    def _until_stop(self, chunk: Chunk) -> Chunk:
        """Return what of a chunk is certain to stand before a stop text."""
        self._last = chunk
        if self._is_cut:
            return replace(chunk, text="", reasoning="", tool_calls=(), finish_reason=chunk.finish_reason and "stop")
        text = self._held + chunk.text
        place = _place(text, self._stops)
        self._is_cut = place >= 0
        if place < 0:
            place = len(text) - (0 if chunk.finish_reason is not None else _overlap(text, self._stops))
        self._held = "" if self._is_cut else text[place:]
        self._chars += place + len(chunk.reasoning)
        reason = "stop" if self._is_cut and chunk.finish_reason == "length" else chunk.finish_reason
        return replace(chunk, text=text[:place], finish_reason=reason)


def _untold(call: Call) -> tuple[str, ...]:
    """Return the stop texts that the host was not told."""
    if "no_stop" not in call.provider.quirks:
        return ()
    own = call.request.extra_body.get("stop")
    extra = (own,) if isinstance(own, str) else map(as_text, as_list(own))
    return tuple(filter(None, (*call.request.stop, *extra)))


def _place(text: str, stops: Sequence[str]) -> int:
    """Return where the stop text begins that is whole first, -1 where there is none."""
    found = ((place + len(stop), place) for stop in stops if (place := text.find(stop)) >= 0)
    return min(found, default=(0, -1))[1]


def _overlap(text: str, stops: Sequence[str]) -> int:
    """Return how many characters at the end may be the beginning of a stop text."""
    return max((size for stop in stops for size in range(1, len(stop)) if text.endswith(stop[:size])), default=0)
