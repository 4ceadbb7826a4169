"""Each of the forty providers as a LangChain chat model: asked over a real socket in its own dialect (S0-02, S1-13).

The bodies are the shortest in the shape of each dialect's genuine exchanges; the replay judges the genuine ones.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk
from pydantic import SecretStr

from openmux_lc.catalog.catalog import load_catalog
from openmux_lc.errors import AuthenticationFailed, ProviderError, RateLimited
from openmux_lc.providers.langchain import chat_model_for
from openmux_lc.providers.langchain_embeddings import embeddings_for
from openmux_lc.settings import Settings
from openmux_lc.types.catalog import Provider
from tests.providers.raw_host import RawHost, raw_host

KEY = "sk-" + "0123456789abcdefghijABCDEFGHIJ"
ROWS = load_catalog(Settings.load(environ={"CLOUDFLARE_ACCOUNT_ID": "acc"})).providers

OPENAI = {"model": "m", "choices": [{"message": {"role": "assistant", "content": "Paris."}, "finish_reason": "stop"}]}
ANSWERS: Mapping[str, Any] = {
    "openai": OPENAI,
    "cloudflare": OPENAI,
    "huggingface": OPENAI,
    "pollinations": OPENAI,
    "ollama": {
        "model": "m",
        "message": {"role": "assistant", "content": "Paris."},
        "done": True,
        "done_reason": "stop",
    },
    "gemini": {"candidates": [{"content": {"parts": [{"text": "Paris."}]}, "finishReason": "STOP"}]},
    "cohere": {"id": "1", "finish_reason": "COMPLETE", "message": {"content": [{"type": "text", "text": "Paris."}]}},
    "replicate": {"id": "1", "status": "succeeded", "output": ["Par", "is."], "error": None, "urls": {}},
    "horde": {"id": "1", "done": True, "faulted": False, "generations": [{"text": "Paris.", "model": "m"}]},
}
EVENTS: Mapping[str, tuple[str, ...]] = {
    "openai": (
        '{"choices": [{"delta": {"content": "Par"}}]}',
        '{"choices": [{"delta": {"content": "is."}, "finish_reason": "stop"}]}',
        "[DONE]",
    ),
    "gemini": (
        '{"candidates": [{"content": {"parts": [{"text": "Par"}]}}]}',
        '{"candidates": [{"content": {"parts": [{"text": "is."}]}, "finishReason": "STOP"}]}',
    ),
    "cohere": (
        '{"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "Par"}}}}',
        '{"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "is."}}}}',
        '{"type": "message-end", "delta": {"finish_reason": "COMPLETE"}}',
    ),
}
PATHS: Mapping[str, str] = {
    "ollama": "/api/chat",
    "gemini": "/models/m:generateContent",
    "cohere": "/chat",
    "replicate": "/models/meta/m/predictions",
    "horde": "/generate/text/async",
}
VECTORS: Mapping[str, Any] = {
    "openai": {"data": [{"index": 0, "embedding": [0.5, 0.25]}]},
    "cloudflare": {"data": [{"index": 0, "embedding": [0.5, 0.25]}]},
    "ollama": {"embeddings": [[0.5, 0.25]]},
    "gemini": {"embeddings": [{"values": [0.5, 0.25]}]},
    "cohere": {"embeddings": {"float": [[0.5, 0.25]]}},
    "huggingface": [[0.5, 0.25]],
}


def _response(body: str, *, status: int = 200, kind: str = "application/json") -> list[bytes]:
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return [head.encode() + body.encode()]


def _at(row: Provider, host: RawHost) -> Provider:
    """Return the row at the loopback host, its path kept."""
    origin, parts = urlsplit(host.base_url), urlsplit(row.base_url)
    return replace(row, base_url=f"{origin.scheme}://{origin.netloc}{parts.path}".rstrip("/"))


def _model(row: Provider) -> str:
    return "meta/m" if row.dialect == "replicate" else "m"


def _face(row: Provider, host: RawHost) -> BaseChatModel:
    own = {} if row.dialect == "ollama" else {"max_retries": 0}  # ChatOllama has no repeats
    return chat_model_for(_at(row, host), _model(row), api_key=SecretStr(KEY), **own)


def _header(host: RawHost, name: str) -> str | None:
    lines = host.heads[0].partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    headers = dict(line.lower().split(": ", 1) if ": " in line else (line, "") for line in lines)
    return headers.get(name.lower())


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_every_provider_answers_as_a_chat_model(row: Provider) -> None:
    """The path of its dialect, the key where the row wants it and nowhere else, the answer's text."""
    with raw_host(_response(json.dumps(ANSWERS[row.dialect]))) as host:
        face = _face(row, host)
        answer = face.invoke("What is the capital of France?")

    usual = (
        "" if urlsplit(row.base_url).path.endswith("/openai") and row.dialect == "pollinations" else "/chat/completions"
    )
    path = host.heads[0].split()[1].decode()
    assert isinstance(face, BaseChatModel)
    assert "Paris." == answer.text
    assert path.partition("?")[0].endswith(PATHS.get(row.dialect, usual))
    if row.auth.mode == "none" or "keyless_no_auth_header" in row.quirks:
        assert KEY.lower() not in host.heads[0].decode().lower()
    elif row.dialect != "ollama":
        assert row.auth.form.replace("{key}", KEY).lower() == _header(host, row.auth.header)


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
async def test_every_provider_answers_asynchronously(row: Provider) -> None:
    with raw_host(_response(json.dumps(ANSWERS[row.dialect]))) as host:
        answer = await _face(row, host).ainvoke("What is the capital of France?")

    assert "Paris." == answer.text


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_every_provider_streams(row: Provider) -> None:
    """Hosts without streams give the whole answer as one."""
    events = EVENTS.get(row.dialect, () if row.dialect in PATHS else EVENTS["openai"])
    body = "".join(f"data: {event}\n\n" for event in events) or json.dumps(ANSWERS[row.dialect])
    with raw_host(_response(body, kind="text/event-stream" if events else "application/json")) as host:
        chunks = list(_face(row, host).stream("What is the capital of France?"))

    assert all(isinstance(chunk, AIMessageChunk) for chunk in chunks)
    assert "Paris." == "".join(chunk.text for chunk in chunks)
    assert "last" == chunks[-1].chunk_position


@pytest.mark.parametrize("row", [row for row in ROWS.values() if row.dialect in VECTORS], ids=lambda row: row.id)
def test_every_provider_with_vectors_gives_them(row: Provider) -> None:
    with raw_host(_response(json.dumps(VECTORS[row.dialect]))) as host:
        face = embeddings_for(_at(row, host), "m", api_key=SecretStr(KEY))
        vector = face.embed_query("Paris")

    assert isinstance(face, Embeddings)
    assert [0.5, 0.25] == vector


@pytest.mark.parametrize(("status", "kind"), [(401, AuthenticationFailed), (429, RateLimited), (503, ProviderError)])
@pytest.mark.parametrize("row", [row for row in ROWS.values() if row.dialect != "ollama"], ids=lambda row: row.id)
def test_every_providers_refusals_are_typed(row: Provider, status: int, kind: type[ProviderError]) -> None:
    """The bare status is enough; the texts are judged in the tests of the faults."""
    with raw_host(_response("{}", status=status)) as host, pytest.raises(kind) as caught:
        _face(row, host).invoke("What is the capital of France?")

    assert (row.id, status) == (caught.value.provider, caught.value.status_code)
    assert KEY not in str(caught.value)
