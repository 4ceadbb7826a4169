"""Cohere's own dialect, version 2: chat, named stream events and embeddings.

Pure: values in, values out. What is sent is version 2's; what is read is also the
older version's, and the OpenAI dialect's of the host's other door.
"""

from __future__ import annotations

import time
from functools import partial
from typing import Final

from openmux_lc.providers.answer import decode_answer
from openmux_lc.providers.chunks import StreamDecoder
from openmux_lc.providers.cohere_body import cohere_body
from openmux_lc.providers.exchange import Ask, ChunkDecoder, Reply, parse_json
from openmux_lc.providers.extra import refuse_host_tools
from openmux_lc.providers.fault import has_error, to_fault
from openmux_lc.providers.message import finish_reason, read_piece, read_usage
from openmux_lc.providers.openai import post
from openmux_lc.providers.reading import Reading, read_openai
from openmux_lc.providers.vectors import Told, to_vectors
from openmux_lc.providers.whole import EventsOrWhole
from openmux_lc.types.json import Json, JsonObject, as_list, as_object, as_text, dig
from openmux_lc.types.run import Answer, EmbeddingRequest, Usage, Vectors
from openmux_lc.types.wire import Call

__all__ = ["CohereDialect", "read_cohere"]

_FAILED: Final = frozenset({"error", "error_limit", "timeout"})
_OLD_TEXTS: Final = frozenset({"", "text-generation", "tool-calls-chunk"})
"""Where the older version tells a text for the first time; its other events repeat it."""


class CohereDialect:
    """Requests and replies of `/chat` and `/embed`."""

    def chat(self, call: Call, *, is_stream: bool) -> Ask:
        """Return the request for an answer.

        Raises:
            InvalidRequest: It asks for what could cost money, or cannot be written.
        """
        refuse_host_tools(call)
        body = cohere_body(call, is_stream=is_stream)
        return post(call, f"{call.provider.base_url}/chat", body, is_stream=is_stream)

    def answer(self, call: Call, reply: Reply) -> Answer:
        """Return the answer in a successful reply."""
        return decode_answer(call, reply, read_cohere)

    def chunks(self, call: Call) -> ChunkDecoder:
        """Return a fresh decoder for one stream; the older version's is lines of JSON."""
        return EventsOrWhole(StreamDecoder(call, read_cohere), partial(self.answer, call))

    def embedding(self, call: Call, request: EmbeddingRequest) -> Ask:
        """Return the request for vectors."""
        body: dict[str, Json] = {
            "model": call.model,
            "texts": list(request.texts),
            "input_type": "search_query" if request.purpose == "query" else "search_document",
            "embedding_types": ["float"],
        }
        if request.dimensions is not None and "no_dimensions" not in call.provider.quirks:
            body["output_dimension"] = request.dimensions
        return post(call, f"{call.provider.base_url}/embed", body, is_stream=False)

    def vectors(self, call: Call, request: EmbeddingRequest, reply: Reply) -> Vectors:
        """Return the vectors in a successful reply."""
        payload = parse_json(call, reply.body, status=reply.status)
        if has_error(payload):
            raise to_fault(call, reply, now=time.time(), payload=payload)
        found = dig(payload, "embeddings")
        rows = as_object(found).get("float") if isinstance(found, dict) else found
        usage = _usage(as_object(dig(payload, "meta")))  # of pictures only, where it tells no tokens
        told = usage if usage is not None and usage.input_tokens else None
        return to_vectors(call, request, reply, Told(as_list(rows), told))


def read_cohere(payload: JsonObject, event: str) -> Reading:
    """Return what a body, or an event, says."""
    if "choices" in payload:
        return read_openai(payload, event)
    if "event_type" in payload or "generation_id" in payload:
        return _read_old(payload)
    kind = as_text(payload.get("type")) or event
    body = as_object(payload.get("delta")) if kind else payload
    message = as_object(body.get("message"))
    content, calls = message.get("content"), message.get("tool_calls")
    piece = read_piece({"content": [content] if isinstance(content, dict) else content})
    place = {"index": payload["index"]} if "index" in payload else {}
    reason = finish_reason(body.get("finish_reason"))
    return Reading(
        text=piece.text,
        reasoning=as_text(message.get("tool_plan")) + piece.reasoning,
        tool_calls=tuple({**place, **call} for call in _objects([calls] if isinstance(calls, dict) else calls)),
        finish=reason,
        usage=_usage(as_object(body.get("usage"))),
        id=as_text(payload.get("id")),
        is_answer=bool(message) or reason is not None,
        is_over=kind == "message-end",
        fault=_fault(body, reason),
    )


def _read_old(payload: JsonObject) -> Reading:
    """Return what a body, or an event, of version 1 says; its last event repeats all."""
    kind, reason = as_text(payload.get("event_type")), finish_reason(payload.get("finish_reason"))
    calls = _objects(payload.get("tool_calls"))
    return Reading(
        text=as_text(payload.get("text")) if kind in _OLD_TEXTS else "",
        tool_calls=tuple({"name": call.get("name"), "arguments": call.get("parameters")} for call in calls),
        finish=reason,
        usage=_usage(as_object(payload.get("meta") or dig(payload, "response", "meta"))),
        id=as_text(payload.get("generation_id")),
        is_answer="text" in payload or bool(calls) or reason is not None,
        is_over=kind == "stream-end",
        fault=_fault(payload, reason),
    )


def _fault(body: JsonObject, reason: str | None) -> Json:
    """Return the fault that a body, or the end of a stream, under status 200 carries."""
    told = as_text(body.get("error")) or as_text(body.get("message"))
    return {"message": told or f"finish_reason is {reason}"} if told or reason in _FAILED else None


def _usage(told: JsonObject) -> Usage | None:
    counts = {**as_object(told.get("billed_units")), **as_object(told.get("tokens"))}
    return read_usage({"usage": {**counts, "prompt_tokens_details": {"cached_tokens": told.get("cached_tokens")}}})


def _objects(value: Json) -> list[JsonObject]:
    return [each for each in as_list(value) if isinstance(each, dict)]
