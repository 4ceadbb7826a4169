"""Workers AI: chat through the OpenAI dialect, or through each model's own address.

Pure. The quirk `native_run` asks at `run/<model>`; what comes back is read in both
shapes, whichever was asked for.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

from openmux_lc.providers.answer import decode_answer
from openmux_lc.providers.body import chat_body
from openmux_lc.providers.chunks import StreamDecoder
from openmux_lc.providers.cloudflare_reading import read_cloudflare
from openmux_lc.providers.exchange import Ask, ChunkDecoder, Reply, id_in_path, parse_json
from openmux_lc.providers.extra import harmless_extra, refuse_host_tools
from openmux_lc.providers.message import read_usage
from openmux_lc.providers.openai import OpenAIDialect, post
from openmux_lc.providers.vectors import Told, decode_vectors, to_vectors
from openmux_lc.types.json import as_int, as_object, dig
from openmux_lc.types.run import Answer, EmbeddingRequest, Vectors
from openmux_lc.types.wire import Call

__all__ = ["CloudflareDialect"]

_ROOM_TOKENS: Final = 2048
_THINKING_ROOM_TOKENS: Final = 8192


class CloudflareDialect:
    """Requests and replies of `/ai/v1` and of `/ai/run/<model>`."""

    def chat(self, call: Call, *, is_stream: bool) -> Ask:
        """Return the request for an answer.

        Raises:
            InvalidRequest: It asks for what could cost money, or cannot be written.
        """
        call = _prepared(call)
        is_stream = is_stream and not _is_whole(call)
        if "native_run" not in call.provider.quirks:
            return OpenAIDialect().chat(call, is_stream=is_stream)
        refuse_host_tools(call)
        quirks = call.provider.quirks | {"no_stream_options"}
        body = {**chat_body(call.model, call.request, is_stream=is_stream, quirks=quirks), **harmless_extra(call)}
        del body["model"]
        schema = dig(body, "response_format", "json_schema", "schema")
        if schema:
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return post(call, _run_url(call), body, is_stream=is_stream)

    def answer(self, call: Call, reply: Reply) -> Answer:
        """Return the answer in a successful reply."""
        return decode_answer(call, reply, partial(read_cloudflare, room=_room(call)))

    def chunks(self, call: Call) -> ChunkDecoder:
        """Return a fresh decoder for one stream."""
        return StreamDecoder(call, partial(read_cloudflare, room=_room(call)))

    def embedding(self, call: Call, request: EmbeddingRequest) -> Ask:
        """Return the request for vectors."""
        if "native_run" in call.provider.quirks:
            return post(call, _run_url(call), {"text": list(request.texts)}, is_stream=False)
        return OpenAIDialect().embedding(call, request)

    def vectors(self, call: Call, request: EmbeddingRequest, reply: Reply) -> Vectors:
        """Return the vectors in a successful reply."""
        # A search of the bytes is quicker than to parse the numbers twice.
        said = as_object(dig(parse_json(call, reply.body), "result") if b'"result"' in reply.body else None)
        rows = said.get("data")
        if not isinstance(rows, list):
            return decode_vectors(call, request, reply)
        return to_vectors(call, request, reply, Told(rows, read_usage(said)))


def _prepared(call: Call) -> Call:
    """Return the call with room for an answer: left to itself, the host ends at 256 tokens."""
    quirks = call.provider.quirks | {"no_null_content"}
    return replace(
        call, request=replace(call.request, max_tokens=_room(call)), provider=replace(call.provider, quirks=quirks)
    )


def _room(call: Call) -> int:
    told = as_int(call.request.extra_body.get("max_tokens")) or call.request.max_tokens
    profiles = (model.profile for model in call.provider.models if model.id == call.model)
    thinks = any(profile.get("reasoning_output") for profile in profiles)
    return told or (_THINKING_ROOM_TOKENS if thinks else _ROOM_TOKENS)


def _is_whole(call: Call) -> bool:
    """Whether the answer must come in one piece: the host streams none that keeps to a schema."""
    quirks, kind = call.provider.quirks, (call.request.response_format or {}).get("type")
    if kind not in {"json_schema", "json_object"} or "no_response_format" in quirks:
        return False
    return "no_format_in_stream" in quirks or (kind == "json_schema" and "no_json_schema" not in quirks)


def _run_url(call: Call) -> str:
    """Return the model's own address."""
    return f"{call.provider.base_url.removesuffix('/v1')}/run/{id_in_path(call, call.model, safe='/@:')}"
