"""Hugging Face: chat through its router, and the tasks of its own inference.

The router speaks the OpenAI dialect and relays each backend's answer unchanged.
Requests for vectors, and for the tasks of models without a chat template, are written
by `huggingface_hub`'s client; our wire carries them all, with our key and no other.
"""

from __future__ import annotations

import json
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from openmux_lc.errors import ConfigError
from openmux_lc.providers.answer import to_answer
from openmux_lc.providers.chunks import StreamDecoder
from openmux_lc.providers.exchange import Ask, ChunkDecoder, Reply, parse_json
from openmux_lc.providers.extra import harmless_extra, refuse_files
from openmux_lc.providers.fault import has_error, to_fault
from openmux_lc.providers.huggingface_tasks import (
    TEXT_TASKS,
    last_text,
    model_url,
    read_task,
    sampling,
    sentence_rows,
)
from openmux_lc.providers.openai import OpenAIDialect
from openmux_lc.providers.reading import Reader
from openmux_lc.providers.transcript import as_prompt
from openmux_lc.providers.vectors import Told, to_vectors
from openmux_lc.providers.whole import EventsOrWhole
from openmux_lc.types.json import Json, JsonObject, as_list, as_object
from openmux_lc.types.run import Answer, EmbeddingRequest, Vectors
from openmux_lc.types.wire import Call

if TYPE_CHECKING:
    from openmux_lc.providers.huggingface_client import RequestWriter

__all__ = ["HuggingFaceDialect"]


class HuggingFaceDialect:
    """Requests and replies of chat, of text tasks (by the row's quirk) and of vectors."""

    def __init__(self) -> None:
        """Speak the OpenAI dialect where the router does."""
        self._openai = OpenAIDialect()

    def chat(self, call: Call, *, is_stream: bool) -> Ask:
        """Return the request for an answer.

        Raises:
            InvalidRequest: It asks for what could cost money, or the model cannot take it.
            ConfigError: The row names a task, and the client is not installed.
        """
        task = _task(call)
        ask = self._openai.chat(call, is_stream=is_stream and task in {"", "text_generation"})
        if not task:
            return ask
        refuse_files(call)
        url = model_url(call)
        if task != "text_generation":
            return _to(ask, url, _writer().text_task(url, task, last_text(call.request)))
        knobs = sampling(call.request, call.provider.quirks)
        body = _writer().generation(url, as_prompt(call.request), knobs, is_stream=is_stream)
        parameters = {**as_object(body.get("parameters")), **harmless_extra(call)}
        return _to(ask, url, {**body, "parameters": parameters})

    def answer(self, call: Call, reply: Reply) -> Answer:
        """Return the answer in a successful reply."""
        if not _task(call):
            return self._openai.answer(call, reply)
        payload = _checked(call, reply)
        while isinstance(payload, list) and payload:  # one per text sent; for a list of texts once more in a list
            payload = payload[0]
        fields = as_object(payload)
        return to_answer(call, reply, fields, _reader(call)(fields, ""))

    def chunks(self, call: Call) -> ChunkDecoder:
        """Return a fresh decoder for one stream; engines without one answer whole."""
        if not _task(call):
            return self._openai.chunks(call)
        return EventsOrWhole(StreamDecoder(call, _reader(call)), partial(self.answer, call))

    def embedding(self, call: Call, request: EmbeddingRequest) -> Ask:
        """Return the request for vectors.

        Raises:
            ConfigError: The client is not installed.
        """
        url = model_url(call, "feature-extraction")
        dimensions = None if "no_dimensions" in call.provider.quirks else request.dimensions
        ask = self._openai.embedding(call, request)
        return _to(ask, url, _writer().vectors(url, request.texts, dimensions))

    def vectors(self, call: Call, request: EmbeddingRequest, reply: Reply) -> Vectors:
        """Return the vectors in a successful reply, a bare array or the OpenAI dialect's."""
        payload = _checked(call, reply)
        if isinstance(payload, dict):
            return self._openai.vectors(call, request, reply)
        return to_vectors(call, request, reply, Told(sentence_rows(call, as_list(payload))))


def _task(call: Call) -> str:
    """Return the task that the row's models do instead of chat, `""` for chat."""
    return next((task for task in TEXT_TASKS if task in call.provider.quirks), "")


def _reader(call: Call) -> Reader:
    return partial(read_task, prompt=as_prompt(call.request) if _task(call) == "text_generation" else "")


def _checked(call: Call, reply: Reply) -> Json:
    payload = parse_json(call, reply.body, status=reply.status)
    if has_error(payload):
        raise to_fault(call, reply, now=time.time(), payload=payload)
    return payload


def _writer() -> RequestWriter:
    """Return what writes the client's requests.

    Raises:
        ConfigError: The client is not installed.
    """
    try:
        from openmux_lc.providers.huggingface_client import RequestWriter  # optional extra `huggingface`
    except ImportError as error:
        message = "Hugging Face's vectors and tasks need its client: pip install 'openmux-lc[huggingface]'"
        raise ConfigError(message) from error
    return RequestWriter()


def _to(ask: Ask, url: str, body: JsonObject) -> Ask:
    """Return the request with the client's address and body, and our headers."""
    return replace(ask, url=url, body=json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"))
