"""Google's native dialect: what is read, and the marks that go back (S1-13, S3-12)."""

import contextlib
import json
import random
import re
from collections.abc import Mapping
from typing import Any

import pytest

from openmux_lc.engine.assembly import Assembly
from openmux_lc.errors import (
    BadPayload,
    ConnectionFailed,
    EmptyAnswer,
    InvalidRequest,
    PermissionDenied,
    ProviderError,
    RateLimited,
    ServerError,
)
from openmux_lc.http import Clients
from openmux_lc.providers.exchange import Reply
from openmux_lc.providers.registry import adapter_for
from openmux_lc.types.run import Answer, EmbeddingRequest, Usage
from tests.conftest import SHARED
from tests.providers.calls import provider
from tests.providers.gemini_calls import (
    DIALECT,
    PIXEL,
    ROW,
    STAND_IN,
    WEATHER,
    asked,
    body_of,
    called,
    contents,
    read,
    result,
    stream_of,
    streamed,
    user,
)
from tests.providers.raw_host import raw_host


def test_a_body_says_text_thoughts_calls_tokens_and_ids() -> None:
    answer = read(
        body_of(
            {"text": "Let me see.", "thought": True},
            {"text": "It is "},
            {"text": "sunny.", "thoughtSignature": "sig-t"},
            {
                "functionCall": {"name": "weather", "args": {"city": "Rom\u00e9"}, "id": "x1"},
                "thoughtSignature": "sig-c",
            },
            {"functionCall": {"name": "time"}},
            modelVersion="models/gemini-3.5-flash-001",
        )
    )

    first, second = answer.tool_calls
    assert ("Let me see.", "It is sunny.", "tool_calls") == (answer.reasoning, answer.text, answer.finish_reason)
    assert ("x1", "weather", {"city": "Rom\u00e9"}) == (first.id, first.name, json.loads(first.arguments))
    assert ("time", "{}") == (second.name, second.arguments)
    assert second.id
    assert ("gemini-3.5-flash-001", "r1") == (answer.model, answer.id)
    assert {"signatures": {"": "sig-t", "x1": "sig-c"}} == answer.echo


def test_a_part_without_a_mark_does_not_undo_the_one_before() -> None:
    answer = read(body_of({"text": "It is ", "thoughtSignature": "sig"}, {"text": "sunny."}))

    assert {"signatures": {"": "sig"}} == answer.echo


USAGE = [
    ({"promptTokenCount": 7, "totalTokenCount": 7}, Usage(input_tokens=7, total_tokens=7)),
    (
        {"promptTokenCount": 7, "toolUsePromptTokenCount": 10, "candidatesTokenCount": 3, "cachedContentTokenCount": 4},
        Usage(input_tokens=17, output_tokens=3, total_tokens=20, cache_read_tokens=4),
    ),
    (
        {"candidatesTokenCount": 1, "thoughtsTokenCount": 117, "totalTokenCount": 118},
        Usage(output_tokens=118, total_tokens=118, reasoning_tokens=117),
    ),
]


@pytest.mark.parametrize(("told", "usage"), USAGE)
def test_thoughts_are_output_and_what_a_tool_read_is_input(told: Mapping[str, int], usage: Usage) -> None:
    assert usage == read(body_of({"text": "Hi"}, usageMetadata=told)).usage


def test_tokens_that_are_not_told_are_estimated() -> None:
    assert read(body_of({"text": "Hi"}, usageMetadata={"serviceTier": "standard"})).usage.is_estimated


FINISHES = [
    ("STOP", "stop"),
    ("MAX_TOKENS", "length"),
    (None, "stop"),
    ("OTHER", "other"),
    ("SAFETY", "content_filter"),
]


@pytest.mark.parametrize(("reason", "expected"), FINISHES)
def test_the_end_has_its_openai_name(reason: str | None, expected: str) -> None:
    assert expected == read(body_of({"text": "Hi"}, finish=reason)).finish_reason


BLOCKED = [
    {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 7}},
    {"candidates": [], "promptFeedback": {"blockReason": "SAFETY"}},
    {"candidates": [{"content": {}, "finishReason": "SAFETY"}]},
    {"candidates": [{"finishReason": "IMAGE_PROHIBITED_CONTENT"}]},
    {"candidates": [{"finishReason": "RECITATION", "index": 0}]},
]


@pytest.mark.parametrize("payload", BLOCKED)
def test_a_blocked_prompt_or_answer_concerns_this_request_only(payload: Any) -> None:
    for refuse in (lambda: read(payload), lambda: streamed(stream_of(payload))):
        with pytest.raises(PermissionDenied) as caught:
            refuse()

        assert "request" == caught.value.scope


@pytest.mark.parametrize("reason", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "MALFORMED_RESPONSE"])
def test_a_tool_call_that_the_model_garbled_is_worth_another_try(reason: str) -> None:
    """The host's sentence quotes the model, so it is not in ours."""
    payload = body_of(finish=reason)
    payload["candidates"][0]["finishMessage"] = "Malformed function call: print(weather(secret=1))"

    for refuse in (lambda: read(payload), lambda: streamed(stream_of(payload))):
        with pytest.raises(BadPayload) as caught:
            refuse()

        assert ("retry", reason) == (caught.value.advice, caught.value.provider_code)
        assert "secret" not in str(caught.value)


def test_a_mark_that_the_host_missed_is_no_failure_of_the_host() -> None:
    with pytest.raises(InvalidRequest):
        read(body_of(finish="MISSING_THOUGHT_SIGNATURE"))


FAULTY = [
    ({"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}, ServerError),
    ([{"error": {"code": 429, "message": "Quota exceeded", "status": "RESOURCE_EXHAUSTED"}}], RateLimited),
    ([body_of({"text": "Hi"}, finish=None), {"error": {"code": 503, "message": "overloaded"}}], ServerError),
    ({"usageMetadata": {"promptTokenCount": 7}}, BadPayload),
    ([], BadPayload),
    ("text", BadPayload),
    (body_of({"text": "hm", "thought": True}, finish="MAX_TOKENS"), EmptyAnswer),
    (body_of({"inlineData": {"mimeType": "image/png", "data": PIXEL}}), EmptyAnswer),
    ({"candidates": "no", "promptFeedback": 3}, BadPayload),
    ({"candidates": [{"content": {"parts": [3, {"text": 4}, {"functionCall": "f"}]}}]}, EmptyAnswer),
]


@pytest.mark.parametrize(("payload", "kind"), FAULTY)
def test_a_success_that_is_none_is_a_typed_failure(payload: Any, kind: type[ProviderError]) -> None:
    with pytest.raises(kind):
        read(payload)


def test_words_instead_of_a_required_call_are_no_answer() -> None:
    with pytest.raises(BadPayload, match="tool call was required"):
        read(body_of({"text": "It is sunny."}), tools=(WEATHER,), tool_choice="required")


# Streams

EVENTS = (
    body_of({"text": "Thinking of ", "thought": True}, finish=None, usageMetadata={"promptTokenCount": 1}),
    body_of({"text": "caf\u00e9s.", "thought": True}, finish=None),
    body_of({"text": "It is 20\u00a0\u00b0C in "}, finish=None),
    body_of(
        {"text": "R\u00f3ma \u2600\ufe0f."}, {"functionCall": {"name": "weather", "args": {"a": "\u00b0"}}}, finish=None
    ),
    body_of({"functionCall": {"name": "weather", "args": {}}, "thoughtSignature": "sig"}, {"text": ""}, finish=None),
    body_of({"text": "", "thoughtSignature": "end"}),
)
RAW = stream_of(*EVENTS)


def test_a_stream_says_what_its_events_say() -> None:
    answer = streamed(RAW)

    assert "It is 20\u00a0\u00b0C in R\u00f3ma \u2600\ufe0f." == answer.text
    assert "Thinking of caf\u00e9s." == answer.reasoning
    assert [{"a": "\u00b0"}, {}] == [json.loads(each.arguments) for each in answer.tool_calls]
    assert 2 == len({each.id for each in answer.tool_calls})
    assert Usage(input_tokens=7, output_tokens=8, total_tokens=15, reasoning_tokens=5) == answer.usage
    assert {"signatures": {answer.tool_calls[1].id: "sig", "": "end"}} == answer.echo


@pytest.mark.parametrize("seed", range(20))
def test_a_stream_does_not_depend_on_where_the_network_cut_it(seed: int) -> None:
    dice = random.Random(seed)

    answer = streamed(RAW, iter(lambda: dice.randint(1, 1 + seed * 3), None))

    whole = streamed(RAW)
    assert (whole.text, whole.reasoning, whole.usage) == (answer.text, answer.reasoning, answer.usage)
    assert [each.arguments for each in whole.tool_calls] == [each.arguments for each in answer.tool_calls]


def test_a_stream_that_breaks_off_is_never_an_answer() -> None:
    """There is no end mark: only a finish reason makes it whole."""
    last_event = RAW.rindex(b"data: ")
    for length in range(len(RAW)):
        if length < last_event:
            with pytest.raises((ConnectionFailed, BadPayload)):
                streamed(RAW[:length])

    assert streamed(RAW[:-4]).text
    with pytest.raises(ConnectionFailed):
        streamed(RAW[: last_event + 40])


def test_an_error_in_the_middle_of_a_stream_is_raised() -> None:
    error = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}

    with pytest.raises(ServerError):
        streamed(stream_of(EVENTS[2], error))


def test_a_stream_written_as_one_array_is_read_all_the_same() -> None:
    """So the host answers where `alt=sse` got lost on the way."""
    found = streamed(json.dumps(list(EVENTS), ensure_ascii=False, indent=2).encode())

    whole = streamed(RAW)
    assert (whole.text, whole.reasoning, whole.usage) == (found.text, found.reasoning, found.usage)
    assert ["sig", "end"] == sorted(found.echo["signatures"].values(), reverse=True)


# Marks that go back


def history(answer: Answer, **echo: Any) -> tuple[dict[str, Any], ...]:
    """Return the messages after one round of tools, as the faces write them."""
    calls = [
        {"id": each.id, "type": "function", "function": {"name": each.name, "arguments": each.arguments}}
        for each in answer.tool_calls
    ]
    told = {"provider": answer.route.provider, "model": answer.route.model, **answer.echo, **echo}
    message = {"role": "assistant", "content": answer.text or None, "tool_calls": calls, "echo": told}
    return (user("Weather in Rome and Oslo?"), message, *(result("sunny", each.id) for each in answer.tool_calls))


def marks(found: Any) -> list[Any]:
    """Return the mark of each part of the first answer."""
    return [part.get("thoughtSignature") for part in found[1]["parts"]]


PARALLEL = body_of(
    {"text": "One moment.", "thoughtSignature": "of the text"},
    {"functionCall": {"name": "weather", "args": {"city": "Rome"}}, "thoughtSignature": "of the call"},
    {"functionCall": {"name": "weather", "args": {"city": "Oslo"}, "id": "host-id"}},
)


@pytest.mark.parametrize("way", ["whole", "stream"])
def test_marks_go_back_to_where_they_were_through_a_loop_of_tools(way: str) -> None:
    """S3-12: the host refuses a call whose mark is missing, and loses its thoughts where another's is moved."""
    answer = read(PARALLEL) if way == "whole" else streamed(stream_of(PARALLEL))

    found = contents(*history(answer))

    assert ["of the text", "of the call", None] == marks(found)
    assert "host-id" == found[1]["parts"][2]["functionCall"]["id"]
    assert ["weather", "weather"] == [part["functionResponse"]["name"] for part in found[2]["parts"]]
    assert [part["functionCall"]["id"] for part in found[1]["parts"][1:]] == [
        part["functionResponse"]["id"] for part in found[2]["parts"]
    ]


FOREIGN = [
    ("gemini-3.5-flash", {"provider": "openrouter"}, [None, STAND_IN, None]),
    ("gemini-3.1-flash-lite", {}, [None, STAND_IN, None]),
    ("gemini-flash-latest", {}, [None, STAND_IN, None]),
    ("gemini-2.5-flash", {}, [None, None, None]),
    ("gemma-4-31b-it", {}, [None, None, None]),
]


@pytest.mark.parametrize(("model", "echo", "expected"), FOREIGN)
def test_marks_of_others_are_stripped_and_the_stand_in_goes_where_one_is_due(
    model: str, echo: dict[str, str], expected: list[str | None]
) -> None:
    """Only the first call of a step needs one, and only at models that ask for it."""
    assert expected == marks(contents(*history(read(PARALLEL), **echo), model=model))


def test_a_history_without_marks_gets_the_stand_in_once_per_step() -> None:
    found = contents(
        user("?"), called("weather", "time"), result("sunny"), result("noon", "c1"), called("time"), result("one")
    )

    assert [STAND_IN, None] == marks(found)
    assert STAND_IN == found[3]["parts"][0]["thoughtSignature"]


def test_nothing_of_the_echo_itself_is_sent() -> None:
    body = DIALECT.chat(asked(messages=history(read(PARALLEL), provider="else")), is_stream=False).body

    assert b"of the" not in body
    assert b"echo" not in body


# Vectors


def vectors(payload: Any, *texts: str) -> Any:
    reply = Reply(status=200, headers={}, body=json.dumps(payload).encode())
    return DIALECT.vectors(asked("gemini-embedding-2"), EmbeddingRequest(texts=texts), reply)


def test_vectors_come_in_the_order_of_the_texts() -> None:
    found = vectors({"embeddings": [{"values": [1, 2.5]}, {"values": [-0.1, 0]}]}, "a", "b")

    assert ((1.0, 2.5), (-0.1, 0.0)) == found.vectors
    assert found.usage.is_estimated


def test_a_single_vector_and_its_tokens_are_read() -> None:
    found = vectors({"embedding": {"values": [1.5]}, "usageMetadata": {"promptTokenCount": 261}}, "a")

    assert ((1.5,),) == found.vectors
    assert Usage(input_tokens=261, total_tokens=261) == found.usage


@pytest.mark.parametrize(
    "payload",
    [
        {"embeddings": [{"values": [1.0]}]},
        {"embeddings": [{"values": [1.0]}, {"values": [1.0, 2.0]}]},
        {"embeddings": [{"values": [1.0]}, {"values": []}]},
        {"embeddings": [{"values": [1.0]}, {"values": ["x"]}]},
        {"embeddings": [{"values": [1.0]}, {"values": [1.0, None]}]},
        {"embeddings": [{"values": [1.0]}, 3]},
        {},
    ],
)
def test_vectors_that_do_not_fit_the_texts_are_refused(payload: Any) -> None:
    with pytest.raises(BadPayload):
        vectors(payload, "a", "b")


def test_an_error_instead_of_vectors_is_typed() -> None:
    with pytest.raises(ServerError):
        vectors({"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}, "a")


# Over a socket, and against genuine exchanges


def _served(raw: bytes, kind: str) -> tuple[bytes, ...]:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nconnection: close\r\n\r\n".encode()
    return head, raw[:700], raw[700:]


def test_a_stream_over_a_socket_ends_with_its_connection() -> None:
    clients = Clients()
    with raw_host(_served(RAW, "text/event-stream")) as host:
        asking = asked(row=provider(host.base_url, id="gemini", dialect="gemini", auth=ROW.auth), key="secret-key")
        stream, assembly = adapter_for(asking.provider, clients).open(asking), Assembly(asking.route)
        for chunk in stream:
            assembly.add(chunk)
        stream.close()
        head = host.heads[0]
    clients.close()

    assert "R\u00f3ma" in assembly.answer().text
    assert head.startswith(b"POST /v1/models/gemini-3.5-flash:streamGenerateContent?alt=sse HTTP/1.1\r\n")
    assert b"x-goog-api-key: secret-key" in head.lower()


def test_a_body_over_a_socket_is_an_answer() -> None:
    clients = Clients()
    with raw_host(_served(json.dumps(PARALLEL).encode(), "application/json")) as host:
        asking = asked(row=provider(host.base_url, id="gemini", dialect="gemini", auth=ROW.auth))
        answer = adapter_for(asking.provider, clients).send(asking)
    clients.close()

    assert ("One moment.", 2) == (answer.text, len(answer.tool_calls))


RECORDED = sorted((SHARED / "recordings" / "gemini").glob("generateContent*_200_*.json"))


@pytest.mark.skipif(not RECORDED, reason="the folder of genuine exchanges is not beside the repository")
def test_every_mark_of_the_genuine_answers_is_kept() -> None:
    """The replay of all exchanges judges text and tokens; this judges what must go back."""
    kept = 0
    for path in RECORDED:
        text = json.loads(path.read_text("utf-8"))["response_body"]
        found = re.findall(r'"thoughtSignature": ?"([^"]+)"', text)
        if found:
            with contextlib.suppress(EmptyAnswer):  # one spent all its tokens on thinking
                assert set(found) == set(streamed(text.encode()).echo["signatures"].values()), path.name
                kept += 1

    assert kept >= 10
