"""Models that only go on with a text, by the quirk `text_generation`: asked at genuine engines and over the wire."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from openmux_lc.errors import InvalidRequest
from openmux_lc.http import Clients
from openmux_lc.providers.openai import OpenAIDialect
from openmux_lc.providers.registry import adapter_for
from openmux_lc.types.catalog import Provider
from openmux_lc.types.wire import Call
from tests.providers.calls import call, provider

CHATML = "<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n"
"""The tiny model's own marks: without a template it is the caller who writes them."""
QUIRKS = frozenset({"text_generation"})


@pytest.fixture(params=["openai", "ollama"])
def row(request: pytest.FixtureRequest) -> Provider:
    """A genuine engine, asked for text completion."""
    is_native = request.param == "ollama"
    base_url = request.getfixturevalue("ollama_server" if is_native else "llama_server")
    return provider(base_url, dialect=request.param, is_local=True, quirks=QUIRKS)


@pytest.fixture
def clients() -> Iterator[Clients]:
    made = Clients()
    yield made
    made.close()


def _asked(row: Provider, **fields: Any) -> Call:
    # Ollama puts its own template around the text, llama.cpp's server takes it as it is.
    content = "What is the capital of France?" if row.dialect == "ollama" else CHATML
    messages = ({"role": "user", "content": content},)
    return call(row, model="tiny-openmux", key="", messages=messages, temperature=0.0, max_tokens=20, **fields)


@pytest.mark.integration
def test_a_genuine_engine_goes_on_with_a_text(row: Provider, clients: Clients) -> None:
    answer = adapter_for(row, clients).send(_asked(row))

    assert "The capital of France is Paris." == answer.text.strip()
    assert ("stop", False) == (answer.finish_reason, answer.usage.is_estimated)


@pytest.mark.integration
def test_it_streams(row: Provider, clients: Clients) -> None:
    stream = adapter_for(row, clients).open(_asked(row))
    chunks = list(stream)

    assert "The capital of France is Paris." == "".join(chunk.text for chunk in chunks).strip()
    assert len(chunks) > 3
    assert "stop" == chunks[-1].finish_reason


@pytest.mark.integration
async def test_it_answers_asynchronously(row: Provider) -> None:
    clients = Clients()
    answer = await adapter_for(row, clients).asend(_asked(row))
    await clients.aclose()

    assert "The capital of France is Paris." == answer.text.strip()


def test_a_conversation_is_told_as_one_text_that_ends_with_the_models_turn() -> None:
    """Room is asked for: hosts of text completion end after 16 tokens else. It must not speak for the user."""
    turns = (("system", "Be brief."), ("user", "Hi."), ("assistant", "Hello."), ("user", "Who are you?"))
    asked = call(
        provider(quirks=QUIRKS),
        messages=tuple({"role": role, "content": text} for role, text in turns),
        stop=("END",),
        seed=7,
    )

    ask = OpenAIDialect().chat(asked, is_stream=False)

    assert ask.url.endswith("/v1/completions")
    assert {
        "model": "tiny",
        "prompt": "Be brief.\n\nUser: Hi.\n\nAssistant: Hello.\n\nUser: Who are you?\n\nAssistant:",
        "max_tokens": 512,
        "stop": ["END", "\nUser:"],
        "seed": 7,
    } == json.loads(ask.body)


def test_a_picture_cannot_be_told_in_words() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAEC"}}
    asked = call(provider(quirks=QUIRKS), messages=({"role": "user", "content": [picture]},))

    with pytest.raises(InvalidRequest):
        OpenAIDialect().chat(asked, is_stream=False)
