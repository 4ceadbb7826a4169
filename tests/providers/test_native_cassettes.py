"""Dialects of their own on tape, with the rows of the shipped catalog: Gemini, Cohere, Workers AI and others, offline.

`tests/cassette.py` says how to record them anew, with this module's name and the keys that the rows name. All are
modelled so far: no key was at hand. Some go through LangChain's face, some through the adapter.
"""

import gzip
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from langchain_core.messages import AIMessageChunk, HumanMessage, ToolMessage
from vcr.errors import CannotOverwriteExistingCassetteException

from openmux_lc.errors import AuthenticationFailed, ModelGone, RateLimited, ServerError
from openmux_lc.http import Clients
from openmux_lc.providers.langchain_embeddings import embeddings_for
from tests.cassette import FOLDER, IS_RECORDING, cassette, load
from tests.providers.native_hosts import CAPITAL, HOSTS, Host
from tests.providers.raw_host import raw_host
from tests.providers.ways import streamed

pytestmark = [pytest.mark.live] if IS_RECORDING else []

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
FORM = {
    "type": "json_schema",
    "json_schema": {
        "name": "place",
        "schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
TALKERS = ("gemini", "cohere", "cloudflare", "cloudflare/run", "huggingface", "pollinations")
JOBS = ("replicate", "ai-horde")
TAPES: Mapping[str, tuple[str, ...]] = {
    "an_answer": tuple(HOSTS),
    "an_answer_asynchronously": tuple(HOSTS),
    "a_stream": tuple(HOSTS),
    "a_stream_asynchronously": (*TALKERS, *JOBS),
    "a_tool_call_and_its_result": TALKERS,
    "a_streamed_tool_call_and_its_result": ("gemini", "cohere", "cloudflare/run"),
    "an_answer_in_a_form": TALKERS,
    "thoughts_apart_from_the_answer": ("gemini", "cohere", "cloudflare", "huggingface", "pollinations"),
    "vectors": ("gemini", "cohere", "cloudflare", "cloudflare/run", "huggingface"),
    "a_wrong_key": ("gemini", "cohere", "cloudflare", "cloudflare/run", "huggingface", *JOBS),
    "a_model_that_is_gone": (
        "gemini",
        "cohere",
        "cloudflare",
        "cloudflare/run",
        "huggingface",
        "pollinations",
        "replicate",
    ),
    "a_rate_limit": ("gemini", "cohere", "cloudflare", "huggingface", "pollinations", *JOBS),
    "what_is_left_of_the_limits": ("cohere", "replicate"),
    "a_refused_parameter_is_left_out": ("gemini",),
    "a_job_that_is_waited_for": JOBS,
    "a_job_that_nobody_takes": ("ai-horde",),
    "a_notice_is_no_answer": ("pollinations",),
}
"""Which hosts each test asks: one cassette each."""


def over_its_hosts(test: Any) -> Any:
    """Parametrise a test by its line in `TAPES`."""
    return pytest.mark.parametrize("host", TAPES[test.__name__.removeprefix("test_")], indirect=True)(test)


a_moment = pytest.mark.skipif(IS_RECORDING, reason="cannot be ordered from a real host")


@pytest.fixture
async def clients() -> AsyncIterator[Clients]:
    made = Clients()
    yield made
    await made.aclose()


@pytest.fixture
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    """The test's host, its cassette playing."""
    found = HOSTS[request.param]
    if found.row.id == "huggingface":
        pytest.importorskip("huggingface_hub")
    if IS_RECORDING and found.row.auth.mode == "key" and found.key is None:
        pytest.skip(f"none of {', '.join(found.row.auth.env)} is set")
    test = request.node.originalname.removeprefix("test_")
    with cassette(found.row.id, found.folder, test, source=found.row.name):
        yield found


@over_its_hosts
def test_an_answer(host: Host, clients: Clients) -> None:
    answer = host.face(clients).invoke(CAPITAL)

    assert "Paris" in answer.text
    assert "stop" == answer.response_metadata["finish_reason"]
    assert host.row.id == answer.response_metadata["model_provider"]
    assert 0 < answer.usage_metadata["output_tokens"]


@over_its_hosts
async def test_an_answer_asynchronously(host: Host, clients: Clients) -> None:
    answer = await host.adapter(clients).asend(host.call())

    assert "Paris" in answer.text
    assert host.has_usage is not answer.usage.is_estimated


@over_its_hosts
def test_a_stream(host: Host, clients: Clients) -> None:
    """Each in its own framing: CRLF, named events, events that only pad, a whole body where there are no streams."""
    answer = streamed(host.call(), clients)

    assert "Paris" in answer.text
    assert "stop" == answer.finish_reason
    assert host.framing in answer.raw
    assert host.has_usage is not answer.usage.is_estimated


@over_its_hosts
async def test_a_stream_asynchronously(host: Host, clients: Clients) -> None:
    chunks = [chunk async for chunk in host.face(clients).astream(CAPITAL)]

    assert "Paris" in "".join(chunk.text for chunk in chunks)
    assert "last" == chunks[-1].chunk_position


@over_its_hosts
def test_a_tool_call_and_its_result(host: Host, clients: Clients) -> None:
    """Two turns: the call goes back under its own id, a Gemini one with the mark on its thoughts."""
    face = host.face(clients, host.tools).bind_tools([WEATHER])
    question = HumanMessage("What is the weather in Paris?")

    asked = face.invoke([question])
    told = face.invoke([question, asked, _result(asked)])

    assert "tool_calls" == asked.response_metadata["finish_reason"]
    assert "sunny" in told.text.lower()


@over_its_hosts
def test_a_streamed_tool_call_and_its_result(host: Host, clients: Clients) -> None:
    """Added up, the chunks of a stream are a message that can be sent back."""
    face = host.face(clients, host.tools).bind_tools([WEATHER])
    question = HumanMessage("What is the weather in Paris?")

    asked: Any = reduce(add, face.stream([question]))
    told = face.invoke([question, asked, _result(asked)])

    assert isinstance(asked, AIMessageChunk)
    assert "sunny" in told.text.lower()


def _result(asked: Any) -> ToolMessage:
    (called,) = asked.tool_calls
    assert ("get_weather", {"city": "Paris"}) == (called["name"], called["args"])
    assert called["id"]
    return ToolMessage("sunny", tool_call_id=called["id"])


@over_its_hosts
def test_an_answer_in_a_form(host: Host, clients: Clients) -> None:
    answer = host.adapter(clients).send(host.call("Which city is the capital of France?", response_format=FORM))

    assert {"city": "Paris"} == json.loads(answer.text)


@over_its_hosts
def test_thoughts_apart_from_the_answer(host: Host, clients: Clients) -> None:
    face = host.face(clients, host.thinker, reasoning_effort="low")

    answer = face.invoke("Think: What is the opposite of hot?")

    assert "cold" in answer.text.lower()
    assert answer.additional_kwargs["reasoning_content"]
    assert answer.additional_kwargs["reasoning_content"] not in answer.text


@over_its_hosts
async def test_vectors(host: Host, clients: Clients) -> None:
    """Documents first, then a query: where the host knows the difference, it is told."""
    face = embeddings_for(host.row, host.vectors, api_key=host.key, clients=clients)

    documents = face.embed_documents(["one", "two"])
    query = await face.aembed_query("one")

    assert 2 == len(documents)
    assert documents[0] != documents[1]
    assert len(documents[0]) == len(documents[1]) == len(query)


@over_its_hosts
async def test_a_wrong_key(host: Host, clients: Clients) -> None:
    with pytest.raises(AuthenticationFailed) as caught:
        await host.adapter(clients).asend(host.call("Is my key right?", key="not-a-key"))

    assert ("key", "skip_provider") == (caught.value.scope, caught.value.advice)


@over_its_hosts
def test_a_model_that_is_gone(host: Host, clients: Clients) -> None:
    gone = {"replicate": "nobody/no-such-model", "cloudflare": "@cf/nobody/no-such-model"}

    with pytest.raises(ModelGone):
        host.face(clients, gone.get(host.row.id, "no-such-model")).invoke(CAPITAL)


WAITS: Mapping[str, tuple[float, float] | None] = {
    "gemini": (30.0, 31.0),
    "cohere": (1.0, 60.0),
    "cloudflare": (1.0, 86_400.0),
    "huggingface": (55.0, 55.0),
    "pollinations": None,
    "replicate": (8.0, 8.0),
    "ai-horde": (2.0, 2.0),
}


@a_moment
@over_its_hosts
def test_a_rate_limit(host: Host, clients: Clients) -> None:
    """With the wait that its header, its body or its words tell."""
    with pytest.raises(RateLimited) as caught:
        host.adapter(clients).send(host.call())

    wait_s, bounds = caught.value.retry_after, WAITS[host.row.id]
    assert (wait_s is None) if bounds is None else wait_s is not None and bounds[0] <= wait_s <= bounds[1]


@a_moment
@over_its_hosts
def test_what_is_left_of_the_limits(host: Host, clients: Clients) -> None:
    answer = host.adapter(clients).send(host.call())

    seen = {(limit.unit, limit.window_s): (limit.limit, limit.remaining) for limit in answer.limits}
    expected = {
        "cohere": {("requests", 60.0): (20, 7), ("requests", 2_592_000.0): (1000, None)},
        "replicate": {("requests", None): (None, 599)},
    }
    assert expected[host.row.id] == seen


@a_moment
@over_its_hosts
def test_a_refused_parameter_is_left_out(host: Host, clients: Clients) -> None:
    """The first exchange is the refusal; in the second one's request the parameter is missing."""
    answer = host.face(clients, reasoning_effort="low").invoke(CAPITAL)

    assert "Paris" in answer.text


@a_moment
@over_its_hosts
async def test_a_job_that_is_waited_for(host: Host, clients: Clients) -> None:
    """Handed in, looked at while it is under way, looked at again."""
    answer = await host.adapter(clients).asend(host.call())

    assert "Paris" in answer.text


@a_moment
@over_its_hosts
def test_a_job_that_nobody_takes(host: Host, clients: Clients) -> None:
    """Called off at once: the last exchange on the tape is the host's reply to that."""
    with pytest.raises(ServerError, match="no worker serves this model"):
        host.adapter(clients).send(host.call())


@a_moment
@over_its_hosts
def test_a_notice_is_no_answer(host: Host, clients: Clients) -> None:
    with pytest.raises(AuthenticationFailed, match="notice instead of the model"):
        host.adapter(clients).send(host.call())


@pytest.mark.skipif(IS_RECORDING, reason="guards the playing, not the recording")
@pytest.mark.parametrize("name", HOSTS)
@pytest.mark.parametrize("test", ["an_answer", "no_such_tape"])
async def test_what_is_not_on_the_tape_goes_nowhere(name: str, test: str, clients: Clients) -> None:
    """The real address stands in the row: another question, or a tape that is missing, must fail here."""
    asked = HOSTS[name]
    if asked.way == "task":
        pytest.importorskip("huggingface_hub")

    with pytest.raises(CannotOverwriteExistingCassetteException), cassette(asked.row.id, asked.folder, test):
        asked.adapter(clients).send(asked.call("Another question"))
    with pytest.raises(CannotOverwriteExistingCassetteException), cassette(asked.row.id, asked.folder, test):
        await asked.adapter(clients).asend(asked.call("Another question"))


@pytest.mark.skipif(IS_RECORDING, reason="records from loopback itself")
def test_what_is_recorded_plays_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clients: Clients) -> None:
    """Byte for byte, unpacked, line ends and all, from a file that tells neither the key nor whose account it was."""
    account, module = "0123456789abcdef" * 2, "tests.cassette"
    monkeypatch.setattr(f"{module}.FOLDER", tmp_path)
    body = b'data: {"response":"Paris.","p":"ab"}\r\n\r\ndata: [DONE]\r\n\r\n'
    head = b"HTTP/1.1 200 X\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n"
    with raw_host([head + gzip.compress(body)]) as running, monkeypatch.context() as recording:
        recording.setattr(f"{module}.IS_RECORDING", True)
        origin = running.base_url.removesuffix("/v1")
        row = replace(HOSTS["cloudflare/run"].row, base_url=f"{origin}/client/v4/accounts/{account}/ai/v1")
        asked = replace(HOSTS["cloudflare/run"], row=row).call(key="a-secret-key")
        with cassette("here", "native_cassettes", "a_stream", source="a loopback host"):
            recorded = streamed(asked, clients)

    with cassette("here", "native_cassettes", "a_stream"):
        played = streamed(asked, clients)

    written = (tmp_path / "here" / "native_cassettes" / "a_stream.yaml").read_text("utf-8")
    assert body == recorded.raw == played.raw
    assert "line_ends: crlf" in written
    assert not re.search(f"{account}|secret", written)


def test_every_tape_is_some_tests() -> None:
    """And every exchange on it is with the host of the catalog's row."""
    expected = {(HOSTS[name].row.id, HOSTS[name].folder, test) for test, names in TAPES.items() for name in names}
    paths = [path.relative_to(FOLDER) for path in FOLDER.glob("*/native_cassettes/**/*.yaml")]
    found = {(path.parts[0], path.parent.relative_to(path.parts[0]).as_posix(), path.stem) for path in paths}

    assert expected == found
    for path in paths:
        hosts = {entry["request"]["host"] for entry in load(FOLDER / path)["interactions"]}
        assert {urlsplit(HOSTS[path.parts[0]].row.base_url).hostname} == hosts
