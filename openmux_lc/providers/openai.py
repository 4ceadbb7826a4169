"""The OpenAI dialect: chat, streams and embeddings as most hosts speak it.

Pure: values in, values out. What a host does otherwise is a quirk of its row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from openmux_lc.errors import AuthenticationFailed, InvalidRequest
from openmux_lc.http import USER_AGENT
from openmux_lc.providers.answer import decode_answer
from openmux_lc.providers.body import chat_body, embedding_body
from openmux_lc.providers.body_messages import Source
from openmux_lc.providers.chunks import StreamDecoder
from openmux_lc.providers.exchange import Ask, ChunkDecoder, Reply
from openmux_lc.providers.extra import file_kinds, harmless_extra, refuse_files, refuse_host_tools
from openmux_lc.providers.transcript import NEXT_TURN, as_prompt, as_transcript
from openmux_lc.providers.vectors import decode_vectors
from openmux_lc.types.json import Json, JsonObject
from openmux_lc.types.run import Answer, EmbeddingRequest, Vectors
from openmux_lc.types.wire import Call

__all__ = ["OpenAIDialect", "auth_header", "post"]

_ROOM_TOKENS: Final = 512
"""Hosts of text completion end after 16 tokens unless told otherwise."""
_MOST_STOPS: Final = 4
_FREE_PARSER: Final[JsonObject] = {"id": "file-parser", "pdf": {"engine": "cloudflare-ai"}}
"""Without a word the host takes one that bills by the page where the model itself reads no file."""


class OpenAIDialect:
    """Requests and replies of `/chat/completions`, `/completions` and `/embeddings`."""

    def chat(self, call: Call, *, is_stream: bool) -> Ask:
        """Return the request for an answer.

        Raises:
            InvalidRequest: It asks for what could cost money, or cannot be written.
        """
        extra = harmless_extra(call)
        refuse_host_tools(call)
        quirks = call.provider.quirks
        if "flat_content" in quirks:
            refuse_files(call)
        if "text_generation" in quirks:
            return post(
                call,
                f"{call.provider.base_url}/completions",
                {**_text_body(call, is_stream), **extra},
                is_stream=is_stream,
            )
        source = Source(call.provider.id, call.model)
        body = chat_body(call.model, call.request, is_stream=is_stream, quirks=quirks, source=source)
        if "free_file_parser" in quirks and "file" in file_kinds(call):
            body["plugins"] = [_FREE_PARSER]
        return post(call, f"{call.provider.base_url}/chat/completions", {**body, **extra}, is_stream=is_stream)

    def answer(self, call: Call, reply: Reply) -> Answer:
        """Return the answer in a successful reply."""
        return decode_answer(call, reply)

    def chunks(self, call: Call) -> ChunkDecoder:
        """Return a fresh decoder for one stream."""
        return StreamDecoder(call)

    def embedding(self, call: Call, request: EmbeddingRequest) -> Ask:
        """Return the request for vectors."""
        body = embedding_body(call.model, request, call.provider.quirks)
        return post(call, f"{call.provider.base_url}/embeddings", body, is_stream=False)

    def vectors(self, call: Call, request: EmbeddingRequest, reply: Reply) -> Vectors:
        """Return the vectors in a successful reply."""
        return decode_vectors(call, request, reply)


def auth_header(call: Call) -> Mapping[str, str]:
    """Return the header that carries the key, none where none is sent.

    Raises:
        AuthenticationFailed: The key holds characters that no header can carry.
    """
    auth, quirks = call.provider.auth, call.provider.quirks
    if auth.mode == "none" or "keyless_no_auth_header" in quirks:
        return {}
    key = call.key.get_secret_value() if call.key is not None else "unused" if "dummy_key" in quirks else ""
    if not key:
        return {}
    if not (key.isascii() and key.isprintable()):
        message = f"{call.route}: the key holds characters that no header can carry; copy it again"
        raise AuthenticationFailed(message, provider=call.provider.id, model=call.model)
    return {auth.header.lower(): auth.form.replace("{key}", key)}


def post(call: Call, url: str, body: JsonObject, *, is_stream: bool) -> Ask:
    """Return the request that sends `body` as JSON, with the key as the row wants it.

    Raises:
        AuthenticationFailed: The key holds characters that no header can carry.
        InvalidRequest: The body holds what JSON cannot carry.
    """
    return Ask(
        url=url,
        headers={
            "user-agent": USER_AGENT,
            "content-type": "application/json",
            "accept": "text/event-stream" if is_stream else "application/json",
            # Packing delays a stream, and costs more than it saves on the same machine.
            "accept-encoding": "identity" if is_stream or call.provider.is_local else "gzip",
            **auth_header(call),
        },
        body=_encoded(call, body),
    )


def _text_body(call: Call, is_stream: bool) -> JsonObject:  # noqa: FBT001 - one caller
    """Return the body for a model that only goes on with a text."""
    refuse_files(call)
    quirks = call.provider.quirks | {"no_tools", "no_response_format", "no_reasoning_effort"}
    wire = chat_body(call.model, call.request, is_stream=is_stream, quirks=quirks)
    del wire["messages"]
    said = as_transcript(call.request)
    if not said.is_question and "no_stop" not in quirks:
        wire["stop"] = [*call.request.stop, NEXT_TURN][-_MOST_STOPS:]
    return {"max_tokens": _ROOM_TOKENS, **wire, "prompt": as_prompt(call.request)}


def _encoded(call: Call, body: Json) -> bytes:
    try:
        text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        # The encoder's own message may quote the value.
        message = f"{call.route}: the request holds a value that JSON cannot carry"
        raise InvalidRequest(message, provider=call.provider.id, model=call.model, advice="stop") from None
    return text.encode("utf-8", "replace")
