"""Every dialect's own adapter meets the fake upstream: what it answers is read, what it breaks is typed."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace

import httpx
import pytest

from openmux_lc.errors import (
    AuthenticationFailed,
    BadPayload,
    ConnectionFailed,
    ContextOverflow,
    EmptyAnswer,
    InvalidRequest,
    ModelGone,
    PaymentRequired,
    ProviderError,
    RateLimited,
    ServerError,
    TimedOut,
)
from openmux_lc.http import Clients
from openmux_lc.providers.registry import DIALECTS, adapter_for, list_models
from openmux_lc.testing import (
    Answer,
    Behaviour,
    FakeUpstream,
    answer_with_tool,
    broken_sse,
    choices_null,
    clock_skew,
    context_overflow,
    cut,
    dropped,
    empty_answer,
    empty_body,
    endless,
    error_in_200,
    hanging,
    html_page,
    model_gone,
    not_found_all,
    out_of_quota,
    payment_required,
    rate_limited,
    rate_limited_epoch_ms,
    rate_limited_go_duration,
    rate_limited_http_date,
    server_error,
    stalled,
    tool_call_as_prose,
    unauthorized,
    whitespace_stream,
    wrong_content_type,
    wrong_model,
)
from openmux_lc.testing.dialects.doors import dialect_names
from openmux_lc.types.catalog import Auth
from openmux_lc.types.run import EmbeddingRequest
from openmux_lc.types.wire import Call
from tests.providers.calls import call
from tests.providers.ways import all_ways
from tests.testing.rows import MAKE_VECTORS, MODEL, POLLED, ROWS, TEXT_ONLY, row_of

ADD = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}


@pytest.fixture
def clients() -> Iterator[Clients]:
    made = Clients()
    yield made
    made.close()


def test_it_speaks_every_dialect_that_has_an_adapter() -> None:
    assert set(DIALECTS) == set(dialect_names())
    assert set(DIALECTS) == {dialect for dialect, _ in ROWS.values()}


@pytest.mark.parametrize("is_pinned", [False, True], ids=["by path", "pinned"])
@pytest.mark.parametrize("name", ROWS)
async def test_an_answer_is_read_whole_and_streamed_sync_and_async(
    name: str, clients: Clients, *, is_pinned: bool
) -> None:
    """Text, thoughts, usage, model and finish reason, the same four ways."""
    behaviour = Answer("Paris, I think.", reasoning="It is in France.")
    with FakeUpstream(behaviour, dialect=ROWS[name][0] if is_pinned else None) as up:
        answers = await all_ways(call(row_of(name, up), model=MODEL), clients)
        asked = {received.model for received in up.requests if received.method == "POST"}

    assert {"Paris, I think."} == {answer.text for answer in answers}
    thinks = name == "ollama/text" or name not in TEXT_ONLY
    assert {"It is in France." if thinks else ""} == {answer.reasoning for answer in answers}
    assert {"stop"} == {answer.finish_reason for answer in answers}
    assert {name == "horde"} == {answer.usage.is_estimated for answer in answers}
    assert {MODEL} == {answer.model for answer in answers}
    assert {MODEL} == asked


@pytest.mark.parametrize("name", sorted(ROWS.keys() - TEXT_ONLY))
async def test_a_tool_call_is_read_in_all_four_ways(name: str, clients: Clients) -> None:
    with FakeUpstream(answer_with_tool("add", '{"a": 1, "b": "x y"}')) as up:
        answers = await all_ways(call(row_of(name, up), model=MODEL, tools=(ADD,)), clients)

    calls = [one for answer in answers for one in answer.tool_calls]
    assert [("add", '{"a": 1, "b": "x y"}')] * 4 == [(one.name, one.arguments) for one in calls]
    assert {"tool_calls"} == {answer.finish_reason for answer in answers}


@pytest.mark.parametrize("name", MAKE_VECTORS)
async def test_vectors_come_in_order_and_depend_on_the_text(name: str, clients: Clients) -> None:
    request = EmbeddingRequest(texts=("a", "b", "a"))
    with FakeUpstream() as up:
        asked = call(row_of(name, up), model=MODEL)
        adapter = adapter_for(asked.provider, clients)
        vectors = [*adapter.embed(asked, request).vectors, *(await adapter.aembed(asked, request)).vectors]

    assert vectors[0] == vectors[2] == vectors[3]
    assert vectors[0] != vectors[1]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_list_of_models_is_the_dialects_own(dialect: str, clients: Clients) -> None:
    with FakeUpstream(models=["a", "b"], dialect=dialect) as up:
        listed = list_models(row_of(dialect, up), None, clients, deadline=time.monotonic() + 5)

    assert ("a", "b") == tuple(model.removeprefix("fake/") for model in listed)


@pytest.mark.parametrize("looks", [0, 2])
@pytest.mark.parametrize("name", sorted(POLLED))
async def test_a_host_that_is_asked_again_takes_its_time(name: str, looks: int, clients: Clients) -> None:
    with FakeUpstream(Answer("Paris.", looks=looks)) as up:
        answer = await adapter_for(row_of(name, up), clients).asend(call(row_of(name, up), model=MODEL))
        methods = [received.method for received in up.requests]

    held = name == "replicate"
    assert "Paris." == answer.text
    assert ["POST"] + ["GET"] * (looks if held else looks + 1) == methods


@pytest.mark.parametrize(("name", "method"), [("replicate", "POST"), ("horde", "DELETE")])
def test_a_job_is_called_off_and_stays_so(name: str, method: str, clients: Clients) -> None:
    with FakeUpstream(Answer(looks=1000)) as up:
        row = row_of(name, up)
        with pytest.raises(TimedOut):
            adapter_for(row, clients).send(call(row, model=MODEL, seconds=0.5))
        last = up.requests[-1]
        path = last.path.removesuffix("/cancel")
        look = httpx.get(f"{up.root_url}{path}").json()

    assert method == last.method
    assert ("canceled" if name == "replicate" else False) == look["status" if name == "replicate" else "done"]


def test_a_prediction_can_be_watched_at_the_address_that_it_names() -> None:
    with FakeUpstream(Answer("Paris it is.")) as up:
        made = httpx.post(f"{up.url_for('replicate')}/models/a/b/predictions", json={"input": {"prompt": "x"}}).json()
        events = httpx.get(made["urls"]["stream"]).text

    assert "processing" == made["status"]
    assert events.startswith("event: output\ndata: Paris\n\nevent: output\ndata:  it\n\n")
    assert events.endswith("event: done\ndata: {}\n\n")


_EITHER = (BadPayload, ConnectionFailed)
FAULTS: Mapping[str, tuple[Behaviour, tuple[type[ProviderError], ...]]] = {
    "429 in seconds": (rate_limited(7), (RateLimited,)),
    "429 until a date": (rate_limited_http_date(), (RateLimited,)),
    "429 until epoch milliseconds": (rate_limited_epoch_ms(), (RateLimited,)),
    "429 for a Go duration": (rate_limited_go_duration(), (RateLimited,)),
    "429 for good": (out_of_quota(), (PaymentRequired, RateLimited)),
    "401": (unauthorized(), (AuthenticationFailed,)),
    "402": (payment_required(), (PaymentRequired,)),
    "404": (model_gone(MODEL), (ModelGone,)),
    "too long": (context_overflow(), (ContextOverflow,)),
    "500": (server_error(), (ServerError,)),
    "503": (server_error(503), (ServerError,)),
    "HTML": (html_page(), (ServerError,)),
    "no body": (empty_body(), _EITHER),
    "null": (choices_null(), (*_EITHER, EmptyAnswer)),
    "error in 200": (error_in_200(), (ServerError,)),
    "error after a word": (Answer(after_chunks=1, ending="error"), (ServerError,)),
    "half JSON": (broken_sse(), (BadPayload,)),
    "cut": (cut(0), (ConnectionFailed,)),
    "cut after a word": (cut(1), (ConnectionFailed,)),
    "cut in a line": (cut(1, in_line=True), (ConnectionFailed,)),
    "no last event": (Answer(after_chunks=1, ending="silent"), _EITHER),
    "dropped": (dropped(), (ConnectionFailed,)),
    "nothing said": (empty_answer(), (EmptyAnswer,)),
    "blanks": (whitespace_stream(), (EmptyAnswer,)),
    "nothing there": (not_found_all(), (ModelGone,)),
    "gone for good": (not_found_all(410), (ModelGone,)),
    "429 by a wrong clock": (clock_skew(7200), (RateLimited,)),
    "no first byte": (stalled(), (TimedOut,)),
    "silence after a word": (hanging(1), (TimedOut,)),
    "flood": (endless(4), (BadPayload,)),
    "flood in one line": (endless(4, one_line=True), (BadPayload,)),
}


@pytest.mark.parametrize("name", ROWS)
async def test_every_misbehaviour_is_the_fault_that_it_should_be(name: str, clients: Clients) -> None:
    """In all four ways; where a host is asked again the ways are one, and each look takes its time."""
    wrong = []
    with FakeUpstream() as up:
        for what, (behaviour, kinds) in FAULTS.items():
            up.play(behaviour)
            bounds = {"first_byte_s": 0.08, "stall_s": 0.08, "seconds": 0.3} if TimedOut in kinds else {}
            asked = call(row_of(name, up), model=MODEL, max_bytes=1 << 20, **bounds)
            found = await all_ways(asked, clients) if name not in POLLED else [await _fault(asked, clients)]
            wrong += [(what, repr(each)) for each in found if type(each) not in kinds]

    assert [] == wrong


@pytest.mark.parametrize("name", ROWS)
def test_a_rate_limit_tells_its_wait_in_every_dialect(name: str, clients: Clients) -> None:
    with FakeUpstream(rate_limited(7)) as up, pytest.raises(RateLimited) as caught:
        adapter_for(row_of(name, up), clients).send(call(row_of(name, up), model=MODEL))

    assert 7 == caught.value.retry_after


@pytest.mark.parametrize("name", ROWS)
async def test_a_wrong_content_type_is_read_all_the_same(name: str, clients: Clients) -> None:
    with FakeUpstream(wrong_content_type("Paris.")) as up:
        answers = await all_ways(call(row_of(name, up), model=MODEL), clients)

    assert {"Paris."} == {answer.text for answer in answers}


@pytest.mark.parametrize("name", ROWS)
async def test_a_host_that_is_shut_down_is_left_alone_as_a_whole(name: str, clients: Clients) -> None:
    with FakeUpstream(not_found_all(410)) as up:
        fault = await _fault(call(row_of(name, up), model=MODEL), clients)

    assert ("provider", "skip_provider", 410) == (fault.scope, fault.advice, fault.status_code)


@pytest.mark.parametrize("name", ["openai", "ollama", "gemini", "huggingface", "replicate", "horde"])
async def test_another_model_than_the_one_asked_for_is_seen(name: str, clients: Clients) -> None:
    """Where the dialect tells at all who has answered."""
    with FakeUpstream(wrong_model("other")) as up:
        answer = await adapter_for(row_of(name, up), clients).asend(call(row_of(name, up), model=MODEL))

    assert "other" == answer.model


@pytest.mark.parametrize("name", ROWS)
async def test_a_talked_tool_call_is_text_in_every_dialect(name: str, clients: Clients) -> None:
    with FakeUpstream(tool_call_as_prose("add", '{"a": 1}', style="function")) as up:
        answers = await all_ways(call(row_of(name, up), model=MODEL), clients)

    assert {'<function=add>{"a": 1}</function>'} == {answer.text for answer in answers}
    assert {()} == {answer.tool_calls for answer in answers}


@pytest.mark.parametrize("name", ROWS)
async def test_a_key_is_asked_for_where_the_dialect_carries_it(name: str, clients: Clients) -> None:
    with FakeUpstream(api_key="right") as up:
        header = {"gemini": "x-goog-api-key", "horde": "apikey"}.get(name, "Authorization")
        auth = Auth(header=header, form="Bearer {key}" if header == "Authorization" else "{key}")
        row = replace(row_of(name, up), auth=auth)
        answer = adapter_for(row, clients).send(call(row, model=MODEL, key="right"))
        fault = await _fault(call(row, model=MODEL, key="wrong"), clients)

    assert "Hello from the fake upstream." == answer.text
    assert isinstance(fault, AuthenticationFailed)


async def _fault(asked: Call, clients: Clients) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await adapter_for(asked.provider, clients).asend(asked)
    return caught.value


def test_a_pinned_dialect_knows_its_own_paths_only() -> None:
    with FakeUpstream(dialect="cohere") as up:
        own = httpx.post(f"{up.base_url}/chat", json={"model": "m", "messages": []})
        other = httpx.post(f"{up.root_url}/v1/chat/completions", json={"model": "m", "messages": []})

    assert f"{up.root_url}/v2" == up.base_url
    assert (200, 404) == (own.status_code, other.status_code)


def test_an_unknown_dialect_is_told_at_once() -> None:
    with pytest.raises(ValueError, match=r"unknown dialect 'esperanto'; known are cloudflare, cohere, gemini"):
        FakeUpstream(dialect="esperanto")


def test_a_model_of_a_native_path_can_have_a_script_of_its_own(clients: Clients) -> None:
    """The id is in the path there; scripts and records see it where it always is."""
    with FakeUpstream(per_model={"ill": server_error()}, dialect="gemini") as up:
        row = row_of("gemini", up)
        with pytest.raises(ServerError):
            adapter_for(row, clients).send(call(row, model="ill"))
        answer = adapter_for(row, clients).send(call(row, model="well"))

    assert "well" == answer.model


def test_what_polled_hosts_do_not_make_is_refused_before_anything_is_sent(clients: Clients) -> None:
    with FakeUpstream() as up, pytest.raises(InvalidRequest):
        adapter_for(row_of("horde", up), clients).embed(call(row_of("horde", up)), EmbeddingRequest(texts=("a",)))

    assert () == up.requests
