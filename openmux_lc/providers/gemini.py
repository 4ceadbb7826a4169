"""Google's native dialect: `generateContent`, its streams and `batchEmbedContents`.

Pure: values in, values out. A stream has no end mark: it is whole once a finish
reason came.
"""

from __future__ import annotations

import time
from functools import partial

from openmux_lc.errors import ConnectionFailed, InvalidRequest
from openmux_lc.providers.answer import to_answer
from openmux_lc.providers.chunks import StreamDecoder
from openmux_lc.providers.exchange import Ask, ChunkDecoder, Reply, id_in_path, parse_json
from openmux_lc.providers.extra import harmless_extra, refuse_host_tools
from openmux_lc.providers.fault import has_error, to_fault
from openmux_lc.providers.gemini_body import content_body, embedding_body
from openmux_lc.providers.gemini_config import model_id
from openmux_lc.providers.gemini_reading import joined, read_gemini, token_usage
from openmux_lc.providers.openai import post
from openmux_lc.providers.vectors import Told, to_vectors
from openmux_lc.providers.whole import EventsOrWhole
from openmux_lc.types.json import Json, as_list, as_object, dig
from openmux_lc.types.run import Answer, EmbeddingRequest, Vectors
from openmux_lc.types.wire import Call

__all__ = ["GeminiDialect"]


class GeminiDialect:
    """Requests and replies of Google's own API."""

    def chat(self, call: Call, *, is_stream: bool) -> Ask:
        """Return the request for an answer.

        Raises:
            InvalidRequest: It asks for what could cost money, or cannot be written.
        """
        extra = harmless_extra(call)
        refuse_host_tools(call)
        method = "streamGenerateContent?alt=sse" if is_stream else "generateContent"
        try:
            body = content_body(call, extra)
        except RecursionError:
            message = f"{call.route}: a schema in the request is nested too deeply"
            raise InvalidRequest(message, provider=call.provider.id, model=call.model, advice="stop") from None
        return post(call, f"{_url(call)}:{method}", body, is_stream=is_stream)

    def answer(self, call: Call, reply: Reply) -> Answer:
        """Return the answer in a successful reply, which may be a stream written as one array."""
        payload = _payload(call, reply)
        if not isinstance(payload, list):
            return to_answer(call, reply, {}, read_gemini(as_object(payload), ""))
        said = joined([read_gemini(as_object(event), "") for event in payload])
        if said.finish is None and said.fault is None and said.is_answer:
            message = f"{call.route}: the stream ended before the answer was whole"
            raise ConnectionFailed(
                message, provider=call.provider.id, model=call.model, scope="model", advice="next_route"
            )
        return to_answer(call, reply, {}, said)

    def chunks(self, call: Call) -> ChunkDecoder:
        """Return a fresh decoder for one stream."""
        return EventsOrWhole(StreamDecoder(call, read_gemini), partial(self.answer, call))

    def embedding(self, call: Call, request: EmbeddingRequest) -> Ask:
        """Return the request for vectors."""
        return post(call, f"{_url(call)}:batchEmbedContents", embedding_body(call, request), is_stream=False)

    def vectors(self, call: Call, request: EmbeddingRequest, reply: Reply) -> Vectors:
        """Return the vectors in a successful reply, in the order of the texts."""
        fields = as_object(_payload(call, reply))
        rows = as_list(fields.get("embeddings")) or [row for row in [fields.get("embedding")] if row]
        values = [dig(row, "values") for row in rows]
        return to_vectors(call, request, reply, Told(values, token_usage(fields), model_id(call.model)))


def _payload(call: Call, reply: Reply) -> Json:
    """Return the body of a reply; an error under a status of success is raised."""
    payload = parse_json(call, reply.body, status=reply.status)
    if has_error(payload):
        raise to_fault(call, reply, now=time.time(), payload=payload)
    return payload


def _url(call: Call) -> str:
    return f"{call.provider.base_url}/models/{id_in_path(call, model_id(call.model), safe='')}"
