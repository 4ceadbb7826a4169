"""What Pollinations hands out where an answer was due: a fault, whatever its words.

A notice says so at its start, names the host, and speaks of an old address or of
moving; one sentence tells that a stream failed. Text is held back while it could
still be one of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from openmux_lc.errors import AuthenticationFailed, ProviderError, ServerError
from openmux_lc.providers.exchange import ChunkDecoder
from openmux_lc.types.run import Chunk
from openmux_lc.types.wire import Call

__all__ = ["NoticeGate", "refuse_notice"]

_FAILED: Final = "streaming response could not be processed"
_LEADS: Final = (
    _FAILED,
    "important notice",
    "deprecation notice",
    "notice",
    "note",
    "warning",
    "attention",
    "the pollinations",
)
"""How a notice begins, letters and digits only."""
_NOTICE: Final = re.compile(
    r"(?:(?:important |deprecation )?(?:notice|note|warning|attention)\b.{0,80}|the )"
    r"\bpollinations\b.{0,80}\b(?:legacy|deprecated|migrate)\b"
)
_NOISE: Final = re.compile(r"[\W_]+")
_HELD_CHARS: Final = 200


class NoticeGate:
    """A `ChunkDecoder` that holds text back while it could still become a notice.

    Args:
        call: What is asked.
        events: Reads the stream.
    """

    def __init__(self, call: Call, events: ChunkDecoder) -> None:
        """Hold nothing yet."""
        self._call, self._events = call, events
        self._held: list[Chunk] = []
        self._text = ""
        self._is_open = False
        self.has_content = False

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to come."""
        return self._events.is_over

    @property
    def is_complete(self) -> bool:
        """Whether the answer is whole, though usage may follow."""
        return self._events.is_complete

    def feed(self, piece: bytes) -> Sequence[Chunk]:
        """Return the chunks that `piece` completes and that are no notice."""
        chunks = self._events.feed(piece)
        return chunks if self._is_open and self.has_content else self._passed(chunks)

    def finish(self) -> Sequence[Chunk]:
        """Return what is left at the end; raises if the answer is not whole."""
        chunks = [*self._passed(self._events.finish()), *self._held]
        self.has_content = self.has_content or any(chunk.has_content for chunk in chunks)
        return chunks

    def _passed(self, chunks: Sequence[Chunk]) -> list[Chunk]:
        passed: list[Chunk] = []
        for chunk in chunks:
            self._held.append(chunk)
            self._text += "" if self._is_open else chunk.text
            self._is_open = self._is_open or self._is_harmless()
            if self._is_open or not self._text:
                passed += self._held
                self._held = []
        self.has_content = self.has_content or any(chunk.has_content for chunk in passed)
        return passed

    def _is_harmless(self) -> bool:
        """Whether the text so far cannot become a notice; raises where it is one."""
        words = refuse_notice(self._call, self._text)
        return len(self._text) > _HELD_CHARS or not any(
            lead.startswith(words) or words.startswith(f"{lead} ") for lead in _LEADS
        )


def refuse_notice(call: Call, text: str) -> str:
    """Return the words at the start of `text`, letters and digits only.

    Raises:
        AuthenticationFailed: They are a notice.
        ServerError: They tell of a failure.
    """
    words = _NOISE.sub(" ", text[: 2 * _HELD_CHARS]).strip().lower()
    if _NOTICE.match(words):
        raise _notice(call)
    if words == _FAILED:
        message = f"{call.route}: the host lost the stream of the answer"
        raise ServerError(message, provider=call.provider.id, model=call.model, status_code=200)
    return words


def _notice(call: Call) -> ProviderError:
    message = (
        f"{call.route}: the host answers with a notice instead of the model: its old address is given up for callers "
        "with a key; send none there, or set base_url to https://gen.pollinations.ai/v1"
    )
    provider, model, code = call.provider.id, call.model, "deprecation_notice"
    return AuthenticationFailed(message, provider=provider, model=model, status_code=200, provider_code=code)
