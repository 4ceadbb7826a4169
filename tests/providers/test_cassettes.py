"""Five providers on tape: what is sent and how the answer is read, offline (S1-01, S1-03); what holds for all tapes.

`tests/cassette.py` says how to record them anew. Faults cannot be ordered from a real host: their tests skip then.
"""

import os
import re
import time
from collections.abc import AsyncIterator, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from vcr.errors import CannotOverwriteExistingCassetteException

from openmux_lc.engine.assembly import Assembly
from openmux_lc.errors import AuthenticationFailed, BadPayload, ModelGone, ProviderError, RateLimited, ServerError
from openmux_lc.http import Clients
from openmux_lc.providers.registry import adapter_for
from openmux_lc.types.catalog import Provider
from openmux_lc.types.run import Answer, EmbeddingRequest, Request
from openmux_lc.types.wire import Call
from tests.cassette import FOLDER, IS_RECORDING, KEPT_HEADERS, MAX_BYTES, cassette, load

pytestmark = [pytest.mark.live] if IS_RECORDING else []


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "(absent)"


PROVIDERS = {
    "openrouter": Provider(
        id="openrouter",
        name="OpenRouter",
        base_url="https://openrouter.ai/api/v1",
        quirks=frozenset({"always_usage", "account_limits"}),
    ),
    "groq": Provider(
        id="groq",
        name="Groq",
        base_url="https://api.groq.com/openai/v1",
        quirks=frozenset({"requests_per_day", "tokens_per_minute"}),
    ),
    "mistral": Provider(
        id="mistral",
        name="Mistral",
        base_url="https://api.mistral.ai/v1",
        quirks=frozenset({"always_usage", "tool_id_9", "random_seed", "no_reasoning_effort"}),
    ),
    "ollama": Provider(id="ollama", name="Ollama", base_url="http://127.0.0.1:11434", dialect="ollama", is_local=True),
    "llamacpp": Provider(id="llamacpp", name="llama.cpp", base_url="http://127.0.0.1:8080/v1", is_local=True),
}
MODELS = {
    "openrouter": "openai/gpt-oss-20b:free",
    "groq": "openai/gpt-oss-20b",
    "mistral": "magistral-small-latest",
    "ollama": "tiny-openmux",
    "llamacpp": "tiny-openmux",
}
KEYS = {"openrouter": "OPENROUTER_API_KEY", "groq": "GROQ_API_KEY", "mistral": "MISTRAL_API_KEY"}
SOURCES = {
    "ollama": "Ollama 0.9.3 with the tiny model",
    "llamacpp": f"llama.cpp server of xllamacpp {_version('xllamacpp')} with the tiny model",
}
ALL = tuple(PROVIDERS)
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CAPITAL = "What is the capital of France?"


@pytest.fixture
async def clients() -> AsyncIterator[Clients]:
    made = Clients()
    yield made
    await made.aclose()


@pytest.fixture
def tape(request: pytest.FixtureRequest) -> Iterator[Provider]:
    """The row of the test's provider while its cassette plays; the real engine's address while recording."""
    name = request.param
    row = PROVIDERS[name]
    if IS_RECORDING and name in KEYS and not os.environ.get(KEYS[name]):
        pytest.skip(f"{KEYS[name]} is not set")
    if IS_RECORDING and name == "ollama":
        row = _at(row, request.getfixturevalue("ollama_server"))
    if IS_RECORDING and name == "llamacpp":
        row = _at(row, request.getfixturevalue("llama_server"))
    test = request.node.originalname.removeprefix("test_")
    with cassette(name, "cassettes", test, source=SOURCES.get(name, row.name)):
        yield row


def _at(row: Provider, base_url: str) -> Provider:
    return Provider(
        id=row.id, name=row.name, base_url=base_url, dialect=row.dialect, quirks=row.quirks, is_local=row.is_local
    )


on_all = pytest.mark.parametrize("tape", ALL, indirect=True)
on_remote = pytest.mark.parametrize("tape", tuple(KEYS), indirect=True)


def _call(row: Provider, text: str = CAPITAL, **fields: Any) -> Call:
    key = os.environ.get(KEYS.get(row.id, ""), "made-up") if row.id in KEYS else None
    messages = fields.pop("messages", ({"role": "user", "content": text},))
    return Call(
        provider=row,
        model=fields.pop("model", MODELS[row.id]),
        request=Request(messages=messages, temperature=0.0, **fields),
        key=SecretStr(key) if key else None,
        deadline=time.monotonic() + 60,
    )


def _streamed(asked: Call, clients: Clients) -> Answer:
    stream, assembly = adapter_for(asked.provider, clients).open(asked), Assembly(asked.route)
    try:
        for chunk in stream:
            assembly.add(chunk)
    finally:
        stream.close()
    return assembly.answer(raw=stream.raw, limits=stream.limits)


@on_all
def test_an_answer(tape: Provider, clients: Clients) -> None:
    answer = adapter_for(tape, clients).send(_call(tape))

    assert "Paris" in answer.text
    assert "<think>" not in answer.text
    assert "stop" == answer.finish_reason
    assert 0 < answer.usage.output_tokens
    assert not answer.usage.is_estimated


@on_all
async def test_an_answer_asynchronously(tape: Provider, clients: Clients) -> None:
    answer = await adapter_for(tape, clients).asend(_call(tape))

    assert "Paris" in answer.text


@on_all
def test_a_stream(tape: Provider, clients: Clients) -> None:
    answer = _streamed(_call(tape), clients)

    assert "Paris" in answer.text
    assert "stop" == answer.finish_reason
    assert 0 < answer.usage.output_tokens
    assert not answer.usage.is_estimated


@on_all
def test_a_tool_call_and_its_result(tape: Provider, clients: Clients) -> None:
    """Two turns: the id of the call fits the result that is sent back."""
    question = {"role": "user", "content": "What is the weather in Paris?"}
    adapter = adapter_for(tape, clients)

    asked = adapter.send(_call(tape, messages=(question,), tools=(WEATHER,)))

    (called,) = asked.tool_calls
    assert ("get_weather", '{"city":"Paris"}', "tool_calls") == (
        called.name,
        called.arguments.replace(" ", ""),
        asked.finish_reason,
    )
    function = {"name": called.name, "arguments": called.arguments}
    turn = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c1", "type": "function", "function": function}],
    }
    result = {"role": "tool", "tool_call_id": "c1", "content": "sunny"}
    told = adapter.send(_call(tape, messages=(question, turn, result), tools=(WEATHER,)))
    assert "sunny" in told.text.lower()


@on_all
def test_thoughts_apart_from_the_answer(tape: Provider, clients: Clients) -> None:
    asked = _call(tape, "Think: What is the opposite of hot?", reasoning_effort="low")

    answer = adapter_for(tape, clients).send(asked)

    assert "cold" in answer.text.lower()
    assert answer.reasoning


@pytest.mark.parametrize("tape", ["mistral", "ollama"], indirect=True)
def test_vectors(tape: Provider, clients: Clients) -> None:
    model = {"mistral": "mistral-embed", "ollama": "tiny-openmux"}[tape.id]

    found = adapter_for(tape, clients).embed(_call(tape, model=model), EmbeddingRequest(texts=("one", "two")))

    assert 2 == len(found.vectors)
    assert found.vectors[0] != found.vectors[1]


@pytest.mark.parametrize("tape", ["openrouter", "groq", "mistral", "ollama"], indirect=True)
def test_a_model_that_is_not_there(tape: Provider, clients: Clients) -> None:
    with pytest.raises(ModelGone):
        adapter_for(tape, clients).send(_call(tape, model="no-such-model"))


@on_remote
def test_a_wrong_key(tape: Provider, clients: Clients) -> None:
    with pytest.raises(AuthenticationFailed):
        adapter_for(tape, clients).send(_call(tape, "Is my key right?"))


FAULTS = [
    ("openrouter", RateLimited, 20.0),
    ("groq", RateLimited, 7.0),
    ("mistral", RateLimited, None),
]


@pytest.mark.skipif(IS_RECORDING, reason="a fault cannot be ordered from a real host")
@pytest.mark.parametrize(("tape", "kind", "at_most_s"), FAULTS, indirect=["tape"])
def test_a_rate_limit(tape: Provider, kind: type[ProviderError], at_most_s: float | None, clients: Clients) -> None:
    with pytest.raises(kind) as caught:
        adapter_for(tape, clients).send(_call(tape))

    wait_s = caught.value.retry_after
    assert (wait_s is None) if at_most_s is None else wait_s is not None and wait_s <= at_most_s


@pytest.mark.skipif(IS_RECORDING, reason="a fault cannot be ordered from a real host")
@pytest.mark.parametrize(("tape", "kind"), [("openrouter", ServerError), ("groq", BadPayload)], indirect=["tape"])
def test_a_fault_inside_a_stream(tape: Provider, kind: type[ProviderError], clients: Clients) -> None:
    with pytest.raises(kind):
        _streamed(_call(tape), clients)


@pytest.mark.skipif(IS_RECORDING, reason="needs the limits of a certain moment")
@pytest.mark.parametrize("tape", ["groq", "mistral"], indirect=True)
def test_what_is_left_of_the_limits(tape: Provider, clients: Clients) -> None:
    answer = adapter_for(tape, clients).send(_call(tape))

    seen = {(limit.unit, limit.window_s): limit.remaining for limit in answer.limits}
    expected = {
        "groq": {("requests", 86_400.0): 999, ("tokens", 60.0): 7900},
        "mistral": {("requests", 60.0): 59, ("tokens", 60.0): 499_900},
    }
    assert expected[tape.id] == seen


TAPES = sorted(FOLDER.rglob("*.yaml"))


@pytest.mark.parametrize("path", TAPES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_a_cassette_is_small_says_where_it_is_from_and_holds_no_key(path: Path) -> None:
    found = load(path)

    assert MAX_BYTES >= path.stat().st_size
    assert found["origin"] in {"recorded", "modelled"}
    assert len(found["source"]) > 10
    assert "recorded" == found["origin"] or path.relative_to(FOLDER).parts[0] not in SOURCES
    for entry in found["interactions"]:
        assert {"method", "path", "body"} == set(entry["request"]) - {"host"}
        assert all(KEPT_HEADERS.fullmatch(name) for name in entry["response"]["headers"])
    keys = r"\bsk-[A-Za-z0-9]|gsk_|Bearer|hf_[A-Za-z0-9]{8}|AIza|r8_[A-Za-z0-9]{8}"
    whose = r"accounts/[0-9a-f]{32}|stream\.replicate\.com/(?!hidden)"
    assert not re.search(f"{keys}|{whose}", path.read_text("utf-8"))


def test_there_are_cassettes_for_every_provider() -> None:
    """Of this module's tests; the native dialects' own module guards its folders."""
    assert set(PROVIDERS) == {path.parts[-3] for path in TAPES if path.parts[-2] == "cassettes"}


@pytest.mark.skipif(IS_RECORDING, reason="guards the playing, not the recording")
def test_an_exchange_that_was_not_played_fails_the_test(clients: Clients) -> None:
    row = PROVIDERS["groq"]

    with pytest.raises(AssertionError, match="1 held, 0 played"), cassette("groq", "cassettes", "an_answer"):
        pass
    with pytest.raises(AssertionError, match="2 held, 1 played"):
        with cassette("groq", "cassettes", "a_tool_call_and_its_result"):
            adapter_for(row, clients).send(_call(row, "What is the weather in Paris?", tools=(WEATHER,)))


@pytest.mark.skipif(IS_RECORDING, reason="guards the playing, not the recording")
def test_another_question_finds_no_exchange(clients: Clients) -> None:
    """The JSON body is part of the match: nothing goes out to a host."""
    row = PROVIDERS["groq"]

    with pytest.raises(CannotOverwriteExistingCassetteException), cassette("groq", "cassettes", "an_answer"):
        adapter_for(row, clients).send(_call(row, "Another question"))
