# ruff: noqa: E501 - tables are read by the row
"""Pollinations: where it is asked, and that a notice of the host's never passes for an answer (S0-02)."""

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from openmux_lc.errors import (
    AuthenticationFailed,
    BadPayload,
    ConnectionFailed,
    EmptyAnswer,
    InvalidRequest,
    ModelGone,
    ProviderError,
    RateLimited,
)
from openmux_lc.http import Clients
from openmux_lc.providers.pollinations import PollinationsDialect
from openmux_lc.types.run import Answer, Chunk
from openmux_lc.types.wire import Call
from tests.providers.calls import call, provider
from tests.providers.raw_host import raw_host
from tests.providers.ways import all_ways, astreamed, events, reply, sent, streamed

NOTICE = (
    "⚠️ **IMPORTANT NOTICE** ⚠️\n\nThe Pollinations legacy text API is being deprecated for **authenticated users**."
    "\n\nPlease migrate to our new service at https://enter.pollinations.ai for better performance.\n\n"
    "Note: Anonymous requests to text.pollinations.ai are NOT affected and will continue to work normally."
)
SHORT_NOTICE = "NOTE: The Pollinations legacy text API is being deprecated for authenticated users. Please migrate."

HARMLESS = [
    "Paris.",
    "⚠️",
    "⚠️ **Important notice** ⚠️\n\nThe pool is closed on Mondays.",
    "The Pollinations of orchids are fascinating.",
    "Note: The capital of France is Paris.",
    "The",
    "— … —",
    "  \n Paris",
]


def _call(base_url: str, *, path: str = "/openai", **fields: Any) -> Call:
    row = provider(base_url.removesuffix("/v1") + path, id="pollinations", dialect="pollinations")
    return call(row, model="openai-fast", **fields)


def _said(text: str) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return {"id": "pllns_1", "object": "chat.completion", "model": "gpt-oss-20b", "choices": [choice]}


def _delta(text: str | None = None, finish: str | None = None) -> dict[str, Any]:
    delta = {} if text is None else {"content": text}
    return {"id": "pllns_1", "model": "gpt-oss-20b", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def _body(texts: Sequence[str]) -> bytes:
    return events(*map(_delta, texts), _delta(finish="stop"), "[DONE]").partition(b"\r\n\r\n")[2]


def _feed(body: bytes, size: int, given: list[Chunk]) -> None:
    """Add to `given` the chunks of a stream that comes in pieces of `size` bytes."""
    decoder = PollinationsDialect().chunks(_call("http://127.0.0.1:9"))
    for at in range(0, len(body), size):
        given += decoder.feed(body[at : at + size])
        assert decoder.has_content == any(chunk.has_content for chunk in given)
    given += decoder.finish()
    assert decoder.has_content == any(chunk.has_content for chunk in given)


def _pieces(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


@pytest.fixture
async def clients() -> AsyncIterator[Clients]:
    made = Clients()
    yield made
    await made.aclose()


async def test_the_old_address_is_asked_itself_and_in_private(clients: Clients) -> None:
    """Without `private` the host may show an exchange in its public feed."""
    with raw_host([reply(_said("Paris."))]) as host:
        answers = await all_ways(_call(host.base_url, temperature=0.5), clients)

    assert ["Paris."] * 4 == [answer.text for answer in answers if isinstance(answer, Answer)]
    assert [("/openai", True, "openai-fast", 0.5)] * 4 == [
        (path, body["private"], body["model"], body["temperature"]) for path, body in sent(host.heads)
    ]


async def test_the_new_address_has_the_ordinary_paths(clients: Clients) -> None:
    with raw_host([reply(_said("Paris."))]) as host:
        await all_ways(_call(host.base_url, path="/v1"), clients)

    assert [("/v1/chat/completions", False)] * 4 == [(path, "private" in body) for path, body in sent(host.heads)]


@pytest.mark.parametrize("notice", [NOTICE, SHORT_NOTICE, NOTICE.replace("**", "").upper()])
@pytest.mark.parametrize("form", ["json", "text", "events"])
async def test_a_notice_is_a_fault_in_all_four_ways(notice: str, form: str, clients: Clients) -> None:
    """It comes as a success, with the shape of an answer; the pool must go on to another host."""
    if form == "json":
        host_says = reply(_said(notice))
    else:
        host_says = events(_delta(notice), _delta(finish="stop"), "[DONE]") if form == "events" else reply(notice)

    with raw_host([host_says]) as host:
        asked = _call(host.base_url)
        faults = await all_ways(asked, clients)
        if form == "events":
            faults = faults[2:]

    assert {AuthenticationFailed} == {type(fault) for fault in faults}
    assert {"skip_provider"} == {fault.advice for fault in faults if isinstance(fault, ProviderError)}
    assert all("https://gen.pollinations.ai/v1" in str(fault) for fault in faults)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 40, 1000])
@pytest.mark.parametrize("words", [1, 4, 30])
def test_no_word_of_a_notice_is_given_out_however_it_is_cut(words: int, size: int) -> None:
    """A notice in many chunks is held back until it is known as one."""
    body = _body(_pieces(NOTICE, words))
    given: list[Chunk] = []

    with pytest.raises(AuthenticationFailed):
        _feed(body, size, given)

    assert [] == [chunk.text for chunk in given if chunk.has_content]


@pytest.mark.parametrize("text", HARMLESS)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_what_only_begins_like_a_notice_comes_whole(text: str, size: int) -> None:
    for words in (1, 5, 1000):
        chunks: list[Chunk] = []
        _feed(_body(_pieces(text, words)), size, chunks)

        assert text.strip() == "".join(chunk.text for chunk in chunks).strip()
        assert "stop" == chunks[-1].finish_reason


def test_an_ordinary_answer_is_not_held_back() -> None:
    decoder = PollinationsDialect().chunks(_call("http://127.0.0.1:9"))

    first = decoder.feed(_body(["Paris"])[:-50])

    assert ["Paris"] == [chunk.text for chunk in first]
    assert decoder.has_content


def test_thoughts_are_not_held_back_by_the_look_for_a_notice() -> None:
    decoder = PollinationsDialect().chunks(_call("http://127.0.0.1:9"))
    thought = {"choices": [{"index": 0, "delta": {"reasoning_content": "hm"}, "finish_reason": None}]}

    given = decoder.feed(f"data: {json.dumps(thought)}\n\n".encode())

    assert ["hm"] == [chunk.reasoning for chunk in given]
    assert decoder.has_content


def test_a_flood_of_signs_is_not_held_for_ever() -> None:
    """What is held is bounded, though no sign tells a notice from an answer."""
    decoder = PollinationsDialect().chunks(_call("http://127.0.0.1:9"))

    given = [chunk for text in ["⚠" * 50] * 10 for chunk in decoder.feed(_body([text])[: -len(_body([]))])]

    assert len("⚠" * 200) <= sum(len(chunk.text) for chunk in given)


async def test_an_answer_in_plain_text_is_an_answer(clients: Clients) -> None:
    for text in ("Paris is the capital.", "data types vary", "identity", "événement"):
        with raw_host([reply(text, kind="text/plain; charset=utf-8")]) as host:
            answers = await all_ways(_call(host.base_url), clients)

        assert [(text, "stop", True)] * 4 == [
            (answer.text, answer.finish_reason, answer.usage.is_estimated)
            for answer in answers
            if isinstance(answer, Answer)
        ]


@pytest.mark.parametrize("body", ["<!DOCTYPE html><p>Bad gateway</p>", '{"choices": [', "", "[1, 2]", "{}"])
async def test_what_is_neither_json_nor_text_is_no_answer(body: str, clients: Clients) -> None:
    with raw_host([reply(body)]) as host:
        faults = await all_ways(_call(host.base_url), clients)

    assert [BadPayload, BadPayload] == [type(fault) for fault in faults[:2]]
    assert {type(fault) for fault in faults[2:]} <= {BadPayload, ConnectionFailed}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"error": "400 Bad Request", "status": 400, "details": {"error": {"message": "azure-openai error: Invalid image data.", "type": None, "param": None, "code": "BadRequest"}, "provider": "azure-openai"}}, InvalidRequest),
        (404, {"error": "Model not found: llama-scout", "status": 404}, ModelGone),
        (429, {"error": "Queue full for IP: 1 requests already queued", "status": 429}, RateLimited),
        (401, {"success": False, "error": {"message": "Invalid API key.", "code": "UNAUTHORIZED"}, "status": 401}, AuthenticationFailed),
        (200, {"success": False, "error": {"message": "Invalid API key.", "code": "UNAUTHORIZED"}, "status": 401}, AuthenticationFailed),
        (200, _said(""), EmptyAnswer),
    ],
)  # fmt: skip
async def test_failures_are_typed_in_all_four_ways(
    status: int, body: Any, kind: type[ProviderError], clients: Clients
) -> None:
    with raw_host([reply(body, status=status)]) as host:
        faults = await all_ways(_call(host.base_url), clients)

    assert [kind] * 4 == [type(fault) for fault in faults]


async def test_a_stream_without_usage_is_estimated_and_a_broken_one_is_a_fault(clients: Clients) -> None:
    with raw_host([events(_delta("Par"), _delta("is."), _delta(finish="stop"), "[DONE]")]) as host:
        answers = [streamed(_call(host.base_url), clients), await astreamed(_call(host.base_url), clients)]
    with raw_host([events(_delta("Par"))]) as host:
        with pytest.raises(ConnectionFailed):
            streamed(_call(host.base_url), clients)

    assert [("Paris.", "stop", True)] * 2 == [
        (answer.text, answer.finish_reason, answer.usage.is_estimated) for answer in answers
    ]


async def test_a_redirect_is_a_fault_and_nothing_is_sent_on(clients: Clients) -> None:
    """The host has moved before (308); a key must not travel with it."""
    with raw_host([reply(_said("Paris."))]) as other:
        with raw_host([reply("", status=308, headers=f"Location: {other.base_url}/openai\r\n")]) as host:
            faults = await all_ways(_call(host.base_url), clients)

    assert [(ConnectionFailed, 308)] * 4 == [
        (type(fault), fault.status_code) for fault in faults if isinstance(fault, ProviderError)
    ]
    assert [] == other.heads
