"""The driver against real sockets: bounded in time and size, whatever the host does (S1-07, S1-08)."""

import asyncio
import gc
import gzip
import json
import threading
import time
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import httpx
import pytest

from openmux_lc.errors import (
    AuthenticationFailed,
    BadPayload,
    ConnectionFailed,
    EmptyAnswer,
    ModelGone,
    PaymentRequired,
    PermissionDenied,
    ProviderError,
    RateLimited,
    ServerError,
    TimedOut,
)
from openmux_lc.http import Clients, Until
from openmux_lc.providers.exchange import Ask
from openmux_lc.providers.openai import OpenAIDialect
from openmux_lc.providers.registry import adapter_for
from openmux_lc.providers.wire import WireAdapter
from openmux_lc.testing import (
    Answer,
    Behaviour,
    FakeUpstream,
    Fault,
    answer_with_tool,
    broken_sse,
    choices_null,
    cut,
    dropped,
    empty_answer,
    empty_body,
    endless,
    error_in_200,
    hanging,
    html_page,
    model_gone,
    payment_required,
    rate_limited,
    server_error,
    stalled,
    unauthorized,
    wrong_content_type,
)
from openmux_lc.types.run import EmbeddingRequest
from openmux_lc.types.wire import Call
from tests.providers.calls import KEY, call, provider
from tests.providers.raw_host import raw_host


@pytest.fixture
def clients() -> Iterator[Clients]:
    made = Clients()
    yield made
    made.close()


@pytest.fixture
async def aclients() -> AsyncIterator[Clients]:
    made = Clients()
    yield made
    await made.aclose()


def _streamed(asked: Call, clients: Clients) -> str:
    stream = adapter_for(asked.provider, clients).open(asked)
    try:
        return "".join(chunk.text for chunk in stream)
    finally:
        stream.close()


async def _astreamed(asked: Call, clients: Clients) -> str:
    stream = await adapter_for(asked.provider, clients).aopen(asked)
    try:
        return "".join([chunk.text async for chunk in stream])
    finally:
        await stream.aclose()


FAULTS: list[tuple[Behaviour, type[ProviderError], type[ProviderError]]] = [
    (rate_limited(3.0), RateLimited, RateLimited),
    (unauthorized(), AuthenticationFailed, AuthenticationFailed),
    (payment_required(), PaymentRequired, PaymentRequired),
    (model_gone(), ModelGone, ModelGone),
    (server_error(), ServerError, ServerError),
    (html_page(), ServerError, ServerError),
    (html_page(200), BadPayload, BadPayload),
    (empty_body(), BadPayload, ConnectionFailed),
    (choices_null(), BadPayload, BadPayload),
    (error_in_200(), ServerError, ServerError),
    (broken_sse(), BadPayload, BadPayload),
    (cut(), ConnectionFailed, ConnectionFailed),
    (cut(0), ConnectionFailed, ConnectionFailed),
    (Answer("Hello there", after_chunks=1, ending="silent"), BadPayload, ConnectionFailed),
    (dropped(), ConnectionFailed, ConnectionFailed),
    (empty_answer(), EmptyAnswer, EmptyAnswer),
    (Answer("", finish_reason="content_filter"), PermissionDenied, PermissionDenied),
    (Answer("Hi", finish_reason="error"), ServerError, ServerError),
    (endless(), BadPayload, BadPayload),
    (endless(one_line=True), BadPayload, BadPayload),
]


@pytest.mark.parametrize(("behaviour", "whole", "streamed"), FAULTS)
def test_every_bad_host_gives_a_typed_fault(
    behaviour: Behaviour, whole: type[ProviderError], streamed: type[ProviderError], clients: Clients
) -> None:
    with FakeUpstream(behaviour) as up:
        asked = call(provider(up.base_url))

        with pytest.raises(whole) as plain:
            adapter_for(asked.provider, clients).send(asked)
        with pytest.raises(streamed):
            _streamed(asked, clients)

    assert KEY not in str(plain.value)
    assert "fake" == plain.value.provider


@pytest.mark.parametrize(("behaviour", "whole", "streamed"), FAULTS)
async def test_every_bad_host_gives_a_typed_fault_asynchronously(
    behaviour: Behaviour, whole: type[ProviderError], streamed: type[ProviderError], aclients: Clients
) -> None:
    with FakeUpstream(behaviour) as up:
        asked = call(provider(up.base_url))

        with pytest.raises(whole):
            await adapter_for(asked.provider, aclients).asend(asked)
        with pytest.raises(streamed):
            await _astreamed(asked, aclients)


@pytest.mark.parametrize("behaviour", [Answer("Hello there."), wrong_content_type("Hello there.")])
async def test_all_four_ways_give_the_same_text(behaviour: Behaviour, aclients: Clients) -> None:
    with FakeUpstream(behaviour) as up:
        asked = call(provider(up.base_url))
        adapter = adapter_for(asked.provider, aclients)

        texts = {
            adapter.send(asked).text,
            (await adapter.asend(asked)).text,
            _streamed(asked, aclients),
            await _astreamed(asked, aclients),
        }

    assert {"Hello there."} == texts


def test_a_streamed_tool_call_is_the_same_as_a_whole_one(clients: Clients) -> None:
    with FakeUpstream(answer_with_tool("add", '{"a": 1}')) as up:
        asked = call(provider(up.base_url))

        whole = adapter_for(asked.provider, clients).send(asked)
        stream = adapter_for(asked.provider, clients).open(asked)
        deltas = [delta for chunk in stream for delta in chunk.tool_calls]
        stream.close()

    assert [("add", '{"a": 1}')] == [(tool.name, tool.arguments) for tool in whole.tool_calls]
    assert "add" == "".join(delta.name or "" for delta in deltas)
    assert '{"a": 1}' == "".join(delta.arguments for delta in deltas)
    assert "tool_calls" == whole.finish_reason


def test_the_raw_body_and_the_limits_are_kept(clients: Clients) -> None:
    headers = {"x-ratelimit-remaining-requests": "7"}
    with FakeUpstream(Answer("Hello", headers=headers)) as up:
        asked = call(provider(up.base_url))

        answer = adapter_for(asked.provider, clients).send(asked)
        stream = adapter_for(asked.provider, clients).open(asked)
        list(stream)
        stream.close()

    assert "Hello" == json.loads(answer.raw)["choices"][0]["message"]["content"]
    assert stream.raw.rstrip().endswith(b"data: [DONE]")
    assert [7] == [limit.remaining for limit in answer.limits] == [limit.remaining for limit in stream.limits]


def test_one_connection_serves_call_after_call_and_stream_after_stream(clients: Clients) -> None:
    with FakeUpstream(Answer("Hello")) as up:
        asked = call(provider(up.base_url))

        for _ in range(3):
            adapter_for(asked.provider, clients).send(asked)
            _streamed(asked, clients)

        assert 1 == up.connections_open


def test_no_host_to_be_found_skips_the_provider(clients: Clients) -> None:
    with FakeUpstream() as up:
        asked = call(provider(up.base_url))

    with pytest.raises(ConnectionFailed) as caught:
        adapter_for(asked.provider, clients).send(asked)

    assert ("skip_provider", "provider") == (caught.value.advice, caught.value.scope)


async def test_a_lost_connection_is_told_from_a_failed_one_asynchronously(aclients: Clients) -> None:
    """Nothing of an answer had come, so asking once more can help."""
    with FakeUpstream(dropped()) as up:
        asked = call(provider(up.base_url))

        with pytest.raises(ConnectionFailed) as lost:
            await adapter_for(asked.provider, aclients).asend(asked)
    with pytest.raises(ConnectionFailed) as failed:
        await adapter_for(asked.provider, aclients).asend(call(asked.provider))

    assert ("retry", "skip_provider") == (lost.value.advice, failed.value.advice)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENT = b'data: {"choices":[{"delta":{"content":"x"}}]}\n\n'
CHUNK = b"%x\r\n%b\r\n" % (len(EVENT), EVENT)
JSON_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n"


@pytest.mark.parametrize(
    "pieces",
    [
        [b"HTTP/1.1 200 OK\r\n", *[b"X-Drip: 1\r\n"] * 1000],
        [JSON_HEAD, *[b" "] * 1000],
        [HEAD, *[CHUNK] * 1000],
        [HEAD, *[b"6\r\n: hi\n\n\r\n"] * 1000],
    ],
    ids=["headers", "body", "events", "comments"],
)
@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_host_that_drips_meets_the_deadline(pieces: list[bytes], is_stream: bool, aclients: Clients) -> None:
    """Each byte comes in time, the answer never: the deadline of the whole call ends it."""
    with raw_host(pieces, pause_s=0.05) as host:
        row = provider(host.base_url)
        adapter = adapter_for(row, aclients)
        started = time.monotonic()

        with pytest.raises((TimedOut, BadPayload)):
            _streamed(call(row, seconds=0.4), aclients) if is_stream else adapter.send(call(row, seconds=0.4))
        sync_s = time.monotonic() - started
        asked = call(row, seconds=0.4)
        with pytest.raises((TimedOut, BadPayload)):
            await (_astreamed(asked, aclients) if is_stream else adapter.asend(asked))
        async_s = time.monotonic() - started - sync_s

    assert 1.0 > sync_s
    assert 1.0 > async_s


@pytest.mark.parametrize("behaviour", [stalled(), hanging()])
async def test_silence_ends_at_the_shorter_bound(behaviour: Behaviour, aclients: Clients) -> None:
    """`first_byte_s` and `stall_s` end a wait long before the deadline."""
    with FakeUpstream(behaviour) as up:
        row = provider(up.base_url)
        started = time.monotonic()

        with pytest.raises(TimedOut):
            _streamed(call(row, first_byte_s=0.2, stall_s=0.2), aclients)
        with pytest.raises(TimedOut):
            await _astreamed(call(row, first_byte_s=0.2, stall_s=0.2), aclients)

    assert 2.0 > time.monotonic() - started


def test_a_deadline_that_has_passed_sends_nothing(clients: Clients) -> None:
    with FakeUpstream() as up:
        asked = call(provider(up.base_url), seconds=-1.0)

        with pytest.raises(TimedOut):
            adapter_for(asked.provider, clients).send(asked)

        assert () == up.requests


def test_a_host_that_goes_silent_after_the_last_event_delays_nobody_for_long(clients: Clients) -> None:
    """The answer is whole at `[DONE]`; what the host does with the connection then is no fault."""
    done = b"data: [DONE]\n\n"
    finish = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n'
    tail = finish + done
    with raw_host([HEAD, CHUNK, b"%x\r\n%b\r\n" % (len(tail), tail)], holds=True) as host:
        started = time.monotonic()

        text = _streamed(call(provider(host.base_url)), clients)

    assert "x" == text
    assert 1.5 > time.monotonic() - started


def test_a_stream_without_its_end_mark_is_whole_once_a_finish_reason_came(clients: Clients) -> None:
    finish = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n'
    with raw_host([HEAD, CHUNK, b"%x\r\n%b\r\n" % (len(finish), finish)]) as host:
        assert "x" == _streamed(call(provider(host.base_url)), clients)


@pytest.mark.performance
@pytest.mark.parametrize("is_stream", [False, True])
def test_two_hundred_mebibytes_are_not_read(is_stream: bool, clients: Clients) -> None:
    """Memory stays below twice the bound of 16 MiB and the fault comes at once."""
    with FakeUpstream(endless(200)) as up:
        asked = call(provider(up.base_url))
        tracemalloc.start()
        started = time.monotonic()

        with pytest.raises(BadPayload):
            _streamed(asked, clients) if is_stream else adapter_for(asked.provider, clients).send(asked)
        seconds, peak = time.monotonic() - started, tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    assert 40 * 1024 * 1024 > peak
    assert 5.0 > seconds


def test_a_small_body_that_unpacks_to_a_large_one_is_bounded(clients: Clients) -> None:
    """The bound holds for what the bytes unpack to, not for the bytes."""
    bomb = gzip.compress(b" " * 200 * 1024 * 1024)
    with FakeUpstream(Fault(200, body=bomb, headers={"Content-Encoding": "gzip"})) as up:
        asked = call(provider(up.base_url))
        tracemalloc.start()

        with pytest.raises(BadPayload, match="larger than"):
            adapter_for(asked.provider, clients).send(asked)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    assert 40 * 1024 * 1024 > peak


def test_a_packed_answer_is_unpacked(clients: Clients) -> None:
    body = json.dumps({"choices": [{"message": {"content": "Paris."}, "finish_reason": "stop"}]}).encode()
    with FakeUpstream(Fault(200, body=gzip.compress(body), headers={"Content-Encoding": "gzip"})) as up:
        asked = call(provider(up.base_url))

        assert "Paris." == adapter_for(asked.provider, clients).send(asked).text


@pytest.mark.parametrize("encoding", ["br", "gzip"])
def test_a_packing_that_cannot_be_read_is_a_bad_payload(encoding: str, clients: Clients) -> None:
    with FakeUpstream(Fault(200, body=b"not packed at all", headers={"Content-Encoding": encoding})) as up:
        asked = call(provider(up.base_url))

        with pytest.raises(BadPayload):
            adapter_for(asked.provider, clients).send(asked)


async def test_no_redirect_carries_the_key_to_another_host(aclients: Clients) -> None:
    with FakeUpstream() as other, FakeUpstream(Fault(307, headers={"Location": other.base_url})) as up:
        asked = call(provider(up.base_url))

        with pytest.raises(ConnectionFailed):
            adapter_for(asked.provider, aclients).send(asked)
        with pytest.raises(ConnectionFailed):
            await adapter_for(asked.provider, aclients).asend(asked)

        assert () == other.requests


def test_closing_a_stream_from_another_thread_wakes_its_reader(clients: Clients) -> None:
    """An abandoned call ends at once, not at its read timeout."""
    with FakeUpstream(hanging()) as up:
        asked = call(provider(up.base_url), seconds=30.0)
        stream = adapter_for(asked.provider, clients).open(asked)
        faults: list[ProviderError] = []
        first = threading.Event()

        def read() -> None:
            try:
                for _ in stream:
                    first.set()
            except ProviderError as error:
                faults.append(error)

        reader = threading.Thread(target=read)
        reader.start()
        first.wait(5)
        started = time.monotonic()
        while reader.is_alive() and time.monotonic() - started < 3:
            stream.close()
            reader.join(0.05)

    assert not reader.is_alive()
    assert [ConnectionFailed] == [type(fault) for fault in faults]


_EVENTS = b"".join(b'data: {"choices":[{"delta":{"content":"%d "}}]}\n\n' % number for number in range(6))
_LAST = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
_SSE = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n"


async def test_a_stream_outlives_the_adapter_and_the_clients_that_opened_it() -> None:
    """A face may be dropped while its stream is read: the connection must not be closed under it."""
    pieces = [_SSE % (len(_EVENTS) + len(_LAST)), *_EVENTS.splitlines(keepends=True), _LAST]
    with raw_host(pieces, pause_s=0.02) as host:
        asked = call(provider(host.base_url), seconds=60)
        stream = await adapter_for(provider(host.base_url), Clients()).aopen(asked)
        texts = []
        async for chunk in stream:
            if not texts:
                gc.collect()  # a second or so where many tests have run
            texts.append(chunk.text)
            await asyncio.sleep(0)
        plain = adapter_for(provider(host.base_url), Clients()).open(asked)
        gc.collect()
        other = [chunk.text for chunk in plain]
        await stream.aclose()

    assert "0 1 2 3 4 5 " == "".join(texts) == "".join(other)


@pytest.mark.parametrize("dialect", ["openai", "ollama"])
async def test_a_stream_that_cannot_be_unpacked_gives_its_connection_back(dialect: str, aclients: Clients) -> None:
    packed = b"HTTP/1.1 200 OK\r\ncontent-encoding: br\r\ncontent-length: 100\r\n\r\n"
    with raw_host([packed], holds=True) as host:
        row = provider(host.base_url, dialect=dialect)
        adapter = adapter_for(row, aclients)
        closed = []
        client = aclients.for_running_loop(host.base_url)
        client.event_hooks = {"response": [_told_of_closing(closed)]}
        with pytest.raises(BadPayload, match="packed as"):
            await adapter.aopen(call(row, seconds=5))

    assert [True] == closed


def _told_of_closing(closed: list[bool]) -> Callable[[httpx.Response], Awaitable[None]]:
    async def hook(response: httpx.Response) -> None:
        close = response.aclose

        async def told() -> None:
            closed.append(True)
            await close()

        response.aclose = told  # type: ignore[method-assign]

    return hook


async def test_a_hosts_cookies_are_neither_kept_nor_sent(clients: Clients, aclients: Clients) -> None:
    """A jar grows with every answer, and tells a host who asks again."""
    with raw_host([b"HTTP/1.1 200 OK\r\nset-cookie: a=b\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"]) as host:
        row = provider(host.base_url)
        for _ in range(2):
            with pytest.raises(BadPayload):
                adapter_for(row, clients).send(call(row))
            with pytest.raises(BadPayload):
                await adapter_for(row, aclients).asend(call(row))

    assert not list(clients.sync(host.base_url).cookies.jar)
    assert not list(aclients.for_running_loop(host.base_url).cookies.jar)
    assert not any(b"cookie" in head.lower() for head in host.heads)


def test_addresses_that_are_used_once_do_not_pile_up(clients: Clients) -> None:
    """Each job of a polled host has an address of its own."""
    wire = WireAdapter(OpenAIDialect(), clients)
    for number in range(3000):
        wire._request(call(), Ask(url=f"http://127.0.0.1:9/jobs/{number}", headers={}), 1.0)

    assert len(wire._urls) <= 1000


def test_closing_a_stream_twice_and_unread_hangs_up(clients: Clients) -> None:
    with FakeUpstream(hanging()) as up:
        asked = call(provider(up.base_url))
        stream = adapter_for(asked.provider, clients).open(asked)

        stream.close()
        stream.close()

        assert up.wait_for_connections(0)
        assert [] == list(stream)


async def test_a_cancelled_call_hangs_up(aclients: Clients) -> None:
    with FakeUpstream(stalled()) as up:
        asked = call(provider(up.base_url))
        task = asyncio.create_task(adapter_for(asked.provider, aclients).asend(asked))
        assert await asyncio.to_thread(up.wait_for_connections, 1)

        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert await asyncio.to_thread(up.wait_for_connections, 0)


@pytest.mark.parametrize("key", ["sk-ключ", "sk-a\nb"])
def test_a_key_that_no_header_can_carry_is_named_not_shown(key: str, clients: Clients) -> None:
    asked = call(provider(), key=key)

    with pytest.raises(AuthenticationFailed) as caught:
        adapter_for(asked.provider, clients).send(asked)

    assert key not in str(caught.value)


async def test_vectors_come_back_in_order(aclients: Clients) -> None:
    with FakeUpstream() as up:
        asked = call(provider(up.base_url))
        adapter = adapter_for(asked.provider, aclients)
        request = EmbeddingRequest(texts=("one", "two", "three"))

        found = adapter.embed(asked, request)

        assert found.vectors == (await adapter.aembed(asked, request)).vectors
        assert 3 == len(found.vectors)
        assert found.vectors[1] == adapter.embed(asked, EmbeddingRequest(texts=("two",))).vectors[0]


@pytest.mark.canary
def test_the_pool_still_takes_a_network_backend(clients: Clients) -> None:
    """Guards the attribute names by which timed reads reach httpx's pool."""
    client = clients.sync("http://127.0.0.1:9/v1")

    pool = client._transport._pool

    assert "_TimedBackend" == type(pool._network_backend).__name__
    assert isinstance(httpx.Timeout(1.0), httpx.Timeout)


def test_a_timeout_with_an_end_shrinks_as_time_passes() -> None:
    wait = Until(time.monotonic() + 100.0, 5.0)

    wait.at = time.monotonic() - 1.0

    assert 5.0 == float(wait)
    assert 0.001 == wait.left
