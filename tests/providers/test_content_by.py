# ruff: noqa: ARG002 - the signatures are LangChain's
"""A slow route never eats the run's deadline: `content_by` ends every wait for the first content (S1-07)."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from openmux_lc import http
from openmux_lc.errors import ProviderError, TimedOut
from openmux_lc.http import Clients
from openmux_lc.providers.langchain import LangChainAdapter
from openmux_lc.providers.registry import adapter_for
from openmux_lc.types.run import EmbeddingRequest
from openmux_lc.types.wire import Adapter, Call
from tests.letters import Letters
from tests.patience import LATE_S
from tests.providers.calls import call, provider
from tests.providers.raw_host import raw_host

BOUND_S = 0.4
PATIENCE_S = BOUND_S + LATE_S
"""A wait that ended later than this was not ended by `content_by` but by something else."""
TEXTS = EmbeddingRequest(texts=("one",))


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _event(delta: dict[str, Any], finish: str | None = None) -> bytes:
    return b"data: %b\n\n" % json.dumps({"choices": [{"delta": delta, "finish_reason": finish}]}).encode()


def _part(content: str = "", **fields: Any) -> bytes:
    message = {"role": "assistant", "content": content}
    return json.dumps({"model": "tiny", "message": message, "done": False, **fields}).encode() + b"\n"


SSE_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
LINES_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
JSON_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n"
ERROR_HEAD = b"HTTP/1.1 500 Oops\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n"

SLOW: dict[str, list[bytes]] = {
    "silence": [],
    "headers": [b"HTTP/1.1 200 OK\r\n", *[b"X-Drip: 1\r\n"] * 200],
    "interim": [b"HTTP/1.1 102 Processing\r\n\r\n"] * 200,
    "headers, then silence": [JSON_HEAD],
    "blanks before the JSON": [JSON_HEAD, *[b" "] * 200],
    "half a JSON": [JSON_HEAD, b'{"choices":', *[b" "] * 200],
    "an error's body": [ERROR_HEAD, *[b" "] * 200],
}
SLOW_STREAMS: dict[str, list[bytes]] = {
    **SLOW,
    "stream headers, then silence": [SSE_HEAD],
    "comments": [SSE_HEAD, *[_chunk(b": keep-alive\n\n")] * 200],
    "roles": [SSE_HEAD, *[_chunk(_event({"role": "assistant", "content": ""}))] * 200],
    "blanks": [SSE_HEAD, *[_chunk(b"\n")] * 200],
}
SLOW_LINES: dict[str, list[bytes]] = {
    **SLOW,
    "stream headers, then silence": [LINES_HEAD],
    "empty parts": [LINES_HEAD, *[_chunk(_part())] * 200],
    "blank lines": [LINES_HEAD, *[_chunk(b"\n")] * 200],
}


@pytest.fixture
def clients() -> Iterator[Clients]:
    made = Clients()
    yield made
    made.close()


@pytest.fixture(params=["fast", "plain"])
async def aclients(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Clients]:
    """With the quick transport, and with the one that is there without the extra."""
    if request.param == "plain":
        monkeypatch.setattr(http, "_fast_transport", lambda **_: None)
    made = Clients()
    yield made
    await made.aclose()


def _asked(url: str, dialect: str = "openai", *, seconds: float = 30.0, content_s: float = BOUND_S) -> Call:
    base_url = url.removesuffix("/v1") if dialect == "ollama" else url
    row = provider(base_url, dialect=dialect, is_local=dialect == "ollama")
    return call(row, seconds=seconds, content_by=time.monotonic() + content_s)


def _text(adapter: Adapter, asked: Call) -> str:
    stream = adapter.open(asked)
    try:
        return "".join(chunk.text for chunk in stream)
    finally:
        stream.close()


async def _atext(adapter: Adapter, asked: Call) -> str:
    stream = await adapter.aopen(asked)
    try:
        return "".join([chunk.text async for chunk in stream])
    finally:
        await stream.aclose()


def _judge(name: str, started: float, error: BaseException | None) -> str:
    """Return what is wrong with an outcome, `""` when nothing is."""
    seconds = time.monotonic() - started
    is_right = isinstance(error, TimedOut) and BOUND_S - 0.05 < seconds < PATIENCE_S
    return "" if is_right else f"{name}: {error!r} after {seconds:.1f} s"


def _wrongs(hosts: dict[str, list[bytes]], dialect: str, way: Callable[[Call], object]) -> list[str]:
    """Ask every host at once and return what went wrong."""

    def ask(name: str) -> str:
        with raw_host(hosts[name], pause_s=0.05, holds=True) as host:
            asked, started, fault = _asked(host.base_url, dialect), time.monotonic(), None
            try:
                way(asked)
            except ProviderError as error:
                fault = error
            return _judge(name, started, fault)

    with ThreadPoolExecutor(len(hosts)) as threads:
        return [wrong for wrong in threads.map(ask, hosts) if wrong]


async def _awrongs(hosts: dict[str, list[bytes]], dialect: str, way: Callable[[Call], Awaitable[object]]) -> list[str]:
    async def ask(name: str) -> str:
        with raw_host(hosts[name], pause_s=0.05, holds=True) as host:
            asked, started, fault = _asked(host.base_url, dialect), time.monotonic(), None
            try:
                await way(asked)
            except ProviderError as error:
                fault = error
            return _judge(name, started, fault)

    return [wrong for wrong in await asyncio.gather(*map(ask, hosts)) if wrong]


@contextmanager
def _in_time() -> Iterator[None]:
    started = time.monotonic()
    with pytest.raises(TimedOut) as caught:
        yield
    assert "" == _judge("", started, caught.value)


@pytest.mark.parametrize("dialect", ["openai", "ollama"])
def test_a_whole_answer_is_there_in_time_or_given_up(dialect: str, clients: Clients) -> None:
    adapter = adapter_for(provider(dialect=dialect), clients)

    assert [] == _wrongs(SLOW, dialect, adapter.send)
    assert [] == _wrongs(SLOW, dialect, lambda asked: adapter.embed(asked, TEXTS))


@pytest.mark.parametrize("dialect", ["openai", "ollama"])
async def test_a_whole_answer_is_there_in_time_or_given_up_asynchronously(dialect: str, aclients: Clients) -> None:
    adapter = adapter_for(provider(dialect=dialect), aclients)

    assert [] == await _awrongs(SLOW, dialect, adapter.asend)
    assert [] == await _awrongs(SLOW, dialect, lambda asked: adapter.aembed(asked, TEXTS))


@pytest.mark.parametrize(("dialect", "hosts"), [("openai", SLOW_STREAMS), ("ollama", SLOW_LINES)])
def test_a_stream_has_content_in_time_or_is_given_up(
    dialect: str, hosts: dict[str, list[bytes]], clients: Clients
) -> None:
    """Comments, roles and blank lines are no content, however steadily they come."""
    adapter = adapter_for(provider(dialect=dialect), clients)

    assert [] == _wrongs(hosts, dialect, lambda asked: _text(adapter, asked))


@pytest.mark.parametrize(("dialect", "hosts"), [("openai", SLOW_STREAMS), ("ollama", SLOW_LINES)])
async def test_a_stream_has_content_in_time_or_is_given_up_asynchronously(
    dialect: str, hosts: dict[str, list[bytes]], aclients: Clients
) -> None:
    adapter = adapter_for(provider(dialect=dialect), aclients)

    assert [] == await _awrongs(hosts, dialect, lambda asked: _atext(adapter, asked))


WORD, PART = _chunk(_event({"content": "x"})), _chunk(_part("x"))
LATE: dict[str, list[bytes]] = {
    "openai": [SSE_HEAD + WORD, WORD, WORD, _chunk(_event({}, "stop"))],
    "ollama": [LINES_HEAD + PART, PART, PART, _chunk(_part(done=True, done_reason="stop"))],
}


@pytest.mark.parametrize("dialect", LATE)
def test_once_content_came_the_deadline_is_the_bound_again(dialect: str, clients: Clients) -> None:
    """The last pause ends when the moment for the first content has long passed."""
    with raw_host(LATE[dialect], pause_s=0.6) as host:
        asked = _asked(host.base_url, dialect, content_s=1.0)

        assert "xxx" == _text(adapter_for(asked.provider, clients), asked)


@pytest.mark.parametrize("dialect", LATE)
async def test_once_content_came_the_deadline_is_the_bound_again_asynchronously(
    dialect: str, aclients: Clients
) -> None:
    with raw_host(LATE[dialect], pause_s=0.6) as host:
        asked = _asked(host.base_url, dialect, content_s=1.0)

        assert "xxx" == await _atext(adapter_for(asked.provider, aclients), asked)


@pytest.mark.parametrize("dialect", LATE)
async def test_once_content_came_the_deadline_and_the_stall_still_hold(dialect: str, clients: Clients) -> None:
    with raw_host(LATE[dialect][:1], holds=True) as host:
        asked = _asked(host.base_url, dialect, seconds=BOUND_S, content_s=0.2)

        with _in_time():
            _text(adapter_for(asked.provider, clients), asked)
        asked = _asked(host.base_url, dialect, seconds=BOUND_S, content_s=0.2)
        with _in_time():
            await _atext(adapter_for(asked.provider, clients), asked)
        await clients.aclose()


def test_a_host_that_takes_the_request_in_sips_is_given_up_in_time(clients: Clients) -> None:
    """Each write succeeds a little; the moment holds all the same."""
    stopping = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5.0)

        def sip() -> None:
            connection, _ = listener.accept()
            with connection:
                while not stopping.wait(0.05) and connection.recv(65_536):
                    pass

        drinker = threading.Thread(target=sip)
        drinker.start()
        row = provider(f"http://127.0.0.1:{listener.getsockname()[1]}/v1")
        messages = ({"role": "user", "content": "x" * 20_000_000},)
        started = time.monotonic()

        with pytest.raises(TimedOut):
            adapter_for(row, clients).send(call(row, messages=messages, content_by=started + 1.0))
        seconds = time.monotonic() - started
        stopping.set()
        drinker.join()

    assert 0.9 < seconds < 1.0 + LATE_S


async def test_a_host_that_always_has_a_byte_ready_is_given_up_in_time(aclients: Clients) -> None:
    """No read ever waits, so that no timeout of a read would end it."""
    with raw_host([b"HTTP/1.1 102 Processing\r\n\r\n" * 1000] * 10_000) as host:
        asked = _asked(host.base_url)
        adapter = adapter_for(asked.provider, aclients)

        with _in_time():
            adapter.send(asked)
        with _in_time():
            await adapter.asend(_asked(host.base_url))


def test_a_moment_that_has_passed_sends_nothing(clients: Clients) -> None:
    with raw_host([]) as host:
        asked = _asked(host.base_url, content_s=-0.1)

        with pytest.raises(TimedOut):
            adapter_for(asked.provider, clients).send(asked)

        assert [] == host.heads


class Slow(BaseChatModel):
    """A user's model that takes its time."""

    pieces: list[str] = []  # noqa: RUF012 - pydantic copies it
    pause_s: float = 0.05

    @property
    def _llm_type(self) -> str:
        return "slow"

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        time.sleep(1.5)
        return ChatResult(generations=[ChatGeneration(message=AIMessage("Hi"))])

    def _stream(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
        for piece in self.pieces:
            time.sleep(self.pause_s)
            yield ChatGenerationChunk(message=AIMessageChunk(content=piece))


class SlowVectors(Letters):
    """A user's embedding model that takes its time."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        time.sleep(1.5)
        return super().embed_documents(texts)


def _guest_call(content_s: float = BOUND_S) -> Call:
    return call(content_by=time.monotonic() + content_s)


async def test_a_users_slow_model_is_given_up_in_time() -> None:
    whole, stream = LangChainAdapter(Slow()), LangChainAdapter(Slow(pieces=[""] * 40))
    vectors = LangChainAdapter(SlowVectors(size=3))

    with _in_time():
        whole.send(_guest_call())
    with _in_time():
        await whole.asend(_guest_call())
    with _in_time():
        _text(stream, _guest_call())
    with _in_time():
        await _atext(stream, _guest_call())
    with _in_time():
        vectors.embed(_guest_call(), TEXTS)
    with _in_time():
        await vectors.aembed(_guest_call(), TEXTS)


async def test_a_users_model_has_the_whole_deadline_once_it_has_said_something() -> None:
    adapter = LangChainAdapter(Slow(pieces=["x", "x", "x"], pause_s=0.4))

    assert "xxx" == _text(adapter, _guest_call(0.8))
    assert "xxx" == await _atext(adapter, _guest_call(0.8))
