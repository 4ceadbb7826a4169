"""Pollinations: the OpenAI dialect, with a host's own habits around it.

The old host takes the body at the base address itself, may answer in plain text,
and may hand out a notice where an answer was due: a notice is a fault, and no
word of it is given out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from openmux_lc.errors import AuthenticationFailed, ProviderError
from openmux_lc.providers.answer import decode_answer, to_answer
from openmux_lc.providers.chunks import StreamDecoder
from openmux_lc.providers.exchange import Ask, ChunkDecoder, Reply
from openmux_lc.providers.openai import OpenAIDialect
from openmux_lc.providers.reading import Reading
from openmux_lc.providers.whole import EventsOrWhole
from openmux_lc.types.run import Answer, Chunk, EmbeddingRequest, Vectors
from openmux_lc.types.wire import Call

__all__ = ["PollinationsDialect"]

_NOTICES: Final = (
    "important notice the pollinations legacy text api",
    "note the pollinations legacy text api",
    "the pollinations legacy text api is being deprecated",
)
"""How a notice begins, letters and digits only."""
_NOISE: Final = re.compile(r"[\W_]+")
_HELD_CHARS: Final = 200


class PollinationsDialect:
    """Requests and replies of the host, at its old address and at its new one."""

    def __init__(self) -> None:
        """Speak the OpenAI dialect underneath."""
        self._openai = OpenAIDialect()

    def chat(self, call: Call, *, is_stream: bool) -> Ask:
        """Return the request for an answer.

        Raises:
            InvalidRequest: It asks for what could cost money, or cannot be written.
        """
        ask = self._openai.chat(call, is_stream=is_stream)
        if _has_paths(call.provider.base_url):
            return ask
        # Without `private` the old host may show the exchange in its public feed.
        return replace(ask, url=call.provider.base_url, body=ask.body[:-1] + b',"private":true}')

    def answer(self, call: Call, reply: Reply) -> Answer:
        """Return the answer in a successful reply, be it JSON or plain text."""
        text = reply.body.decode("utf-8", "replace").strip()
        if not text or text[0] in "{[<":
            answer = decode_answer(call, reply)
        else:
            answer = to_answer(call, reply, {}, Reading(text=text, is_answer=True))
        if _is_notice(_words(answer.text)):
            raise _notice(call)
        return answer

    def chunks(self, call: Call) -> ChunkDecoder:
        """Return a fresh decoder for one stream."""
        return EventsOrWhole(_NoticeGate(call, StreamDecoder(call)), lambda reply: self.answer(call, reply))

    def embedding(self, call: Call, request: EmbeddingRequest) -> Ask:
        """Return the request for vectors; only the new address has them."""
        return self._openai.embedding(call, request)

    def vectors(self, call: Call, request: EmbeddingRequest, reply: Reply) -> Vectors:
        """Return the vectors in a successful reply."""
        return self._openai.vectors(call, request, reply)


class _NoticeGate:
    """A `ChunkDecoder` that holds text back while it could still become a notice."""

    def __init__(self, call: Call, events: ChunkDecoder) -> None:
        self._call, self._events = call, events
        self._held: list[Chunk] = []
        self._text = ""
        self._is_open = False
        self.has_content = False

    @property
    def is_over(self) -> bool:
        return self._events.is_over

    @property
    def is_complete(self) -> bool:
        return self._events.is_complete

    def feed(self, piece: bytes) -> Sequence[Chunk]:
        chunks = self._events.feed(piece)
        return chunks if self._is_open and self.has_content else self._passed(chunks)

    def finish(self) -> Sequence[Chunk]:
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
        words = _words(self._text)
        if _is_notice(words):
            raise _notice(self._call)
        return len(self._text) > _HELD_CHARS or not any(notice.startswith(words) for notice in _NOTICES)


def _has_paths(base_url: str) -> bool:
    """Whether this is the new address, with the ordinary paths below it."""
    return urlsplit(base_url).path.rstrip("/").endswith("/v1")


def _words(text: str) -> str:
    return _NOISE.sub(" ", text[: 2 * _HELD_CHARS]).strip().lower()


def _is_notice(words: str) -> bool:
    return words.startswith(_NOTICES)


def _notice(call: Call) -> ProviderError:
    message = (
        f"{call.route}: the host answers with a notice instead of the model: its old address is given up for callers "
        "with a key; send none there, or set base_url to https://gen.pollinations.ai/v1"
    )
    provider, model, code = call.provider.id, call.model, "deprecation_notice"
    return AuthenticationFailed(message, provider=provider, model=model, status_code=200, provider_code=code)
