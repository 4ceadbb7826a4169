"""Pollinations: the OpenAI dialect, with a host's own habits around it.

The old host takes the body at the base address itself, may answer in plain text,
and may hand out a notice where an answer was due: a notice is a fault, and no
word of it is given out.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from openmux_lc.providers.answer import decode_answer, to_answer
from openmux_lc.providers.chunks import StreamDecoder
from openmux_lc.providers.exchange import Ask, ChunkDecoder, Reply
from openmux_lc.providers.openai import OpenAIDialect
from openmux_lc.providers.pollinations_notices import NoticeGate, refuse_notice
from openmux_lc.providers.reading import Reading, read_openai
from openmux_lc.providers.whole import EventsOrWhole
from openmux_lc.types.json import JsonObject
from openmux_lc.types.run import Answer, EmbeddingRequest, Vectors
from openmux_lc.types.wire import Call

__all__ = ["PollinationsDialect", "read_pollinations"]


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
            answer = decode_answer(call, reply, read_pollinations)
        else:
            answer = to_answer(call, reply, {}, Reading(text=text, is_answer=True))
        refuse_notice(call, answer.text)
        return answer

    def chunks(self, call: Call) -> ChunkDecoder:
        """Return a fresh decoder for one stream."""
        return EventsOrWhole(
            NoticeGate(call, StreamDecoder(call, read_pollinations)), lambda reply: self.answer(call, reply)
        )

    def embedding(self, call: Call, request: EmbeddingRequest) -> Ask:
        """Return the request for vectors; only the new address has them."""
        return self._openai.embedding(call, request)

    def vectors(self, call: Call, request: EmbeddingRequest, reply: Reply) -> Vectors:
        """Return the vectors in a successful reply."""
        return self._openai.vectors(call, request, reply)


def read_pollinations(payload: JsonObject, event: str) -> Reading:
    """Return what a body, or a chunk, says; where it thinks or calls, the old host has sent the bare message."""
    is_bare = payload.get("role") == "assistant" and "choices" not in payload
    return read_openai({"choices": [{"message": payload}]} if is_bare else payload, event)


def _has_paths(base_url: str) -> bool:
    """Whether this is the new address, with the ordinary paths below it."""
    return urlsplit(base_url).path.rstrip("/").endswith("/v1")
