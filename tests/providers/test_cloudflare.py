# ruff: noqa: E501 - tables are read by the row
"""Workers AI: both doors are asked in their words, and both shapes are read whatever was asked (S1-01, S1-02, S1-03)."""

import json
import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from openmux_lc.engine.assembly import Assembly
from openmux_lc.errors import BadPayload, ConnectionFailed, EmptyAnswer, InvalidRequest, ProviderError
from openmux_lc.http import Clients
from openmux_lc.providers.cloudflare import CloudflareDialect
from openmux_lc.providers.exchange import Reply
from openmux_lc.providers.registry import adapter_for
from openmux_lc.types.catalog import Model, Provider
from openmux_lc.types.run import Answer, EmbeddingRequest, Usage, Vectors
from openmux_lc.types.wire import Call
from tests.conftest import SHARED
from tests.providers.calls import KEY, call, provider
from tests.providers.raw_host import raw_host

LLAMA = "@cf/meta/llama-3.2-3b-instruct"
USER = {"role": "user", "content": "Hello"}
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}}
FORM = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA, "strict": True}}
TOOL = {"type": "function", "function": {"name": "add", "description": "Adds", "parameters": SCHEMA}}
CALLED = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"n":1}'}}
COUNTED = Usage(input_tokens=19, output_tokens=3, total_tokens=22)
USAGE = {"prompt_tokens": 19, "completion_tokens": 3, "total_tokens": 22}


def _row(*quirks: str) -> Provider:
    models = (Model(id="thinker", profile={"reasoning_output": True}),)
    return provider("https://host/accounts/a/ai/v1", models=models, quirks=frozenset(quirks))


def _sent(*quirks: str, is_stream: bool = False, model: str = LLAMA, **fields: Any) -> tuple[str, dict[str, Any]]:
    asked = call(_row(*quirks), model=model, **{"messages": (USER,), **fields})
    ask = CloudflareDialect().chat(asked, is_stream=is_stream)
    return ask.url.removeprefix("https://host/accounts/a/ai"), json.loads(ask.body)


def _whole(payload: Any, asked: Call | None = None) -> Answer:
    reply = Reply(status=200, headers={}, body=json.dumps(payload).encode())
    return CloudflareDialect().answer(asked or call(), reply)


def _native(**result: Any) -> dict[str, Any]:
    return {"result": result, "success": True, "errors": [], "messages": []}


def _sizes(seed: int) -> Iterator[int]:
    cuts = random.Random(seed)
    while True:
        yield cuts.choice((1, 2, 3, 7, 50, 400))


def _read(stream: bytes, *, seed: int = 0, asked: Call | None = None) -> Answer:
    asked, cuts = asked or call(), _sizes(seed)
    decoder, assembly = CloudflareDialect().chunks(asked), Assembly(asked.route)
    while stream:
        size = next(cuts)
        for chunk in decoder.feed(stream[:size]):
            assembly.add(chunk)
        stream = stream[size:]
    for chunk in decoder.finish():
        assembly.add(chunk)
    return assembly.answer()


def _events(*payloads: Any, end: str = "data: [DONE]\n\n") -> bytes:
    return ("".join(f"data: {json.dumps(payload)}\n\n" for payload in payloads) + end).encode()


def test_the_compatible_door_is_asked_in_the_openai_dialect() -> None:
    path, body = _sent(is_stream=True, temperature=0.5, stop=("x",), tools=(TOOL,), tool_choice="required")

    assert "/v1/chat/completions" == path
    assert body == {
        "model": LLAMA,
        "messages": [USER],
        "stream": True,
        "stream_options": {"include_usage": True},
        "tools": [TOOL],
        "tool_choice": "required",
        "temperature": 0.5,
        "max_tokens": 2048,
        "stop": ["x"],
    }


def test_a_models_own_door_is_asked_without_what_it_does_not_know() -> None:
    path, body = _sent("native_run", is_stream=True, temperature=0.5, tools=(TOOL,), extra_body={"top_k": 5})

    assert f"/run/{LLAMA}" == path
    assert body == {
        "messages": [USER],
        "stream": True,
        "tools": [TOOL],
        "temperature": 0.5,
        "max_tokens": 2048,
        "top_k": 5,
    }


@pytest.mark.parametrize("door", [(), ("native_run",)])
@pytest.mark.parametrize(
    ("model", "fields", "room"),
    [
        (LLAMA, {}, 2048),
        ("thinker", {}, 8192),
        ("thinker", {"max_tokens": 7}, 7),
        (LLAMA, {"max_tokens": 7}, 7),
        (LLAMA, {"extra_body": {"max_tokens": 9}}, 9),
    ],
)
def test_room_for_the_answer_is_always_told(door: tuple[str, ...], model: str, fields: Any, room: int) -> None:
    """Left to itself the host cuts every answer at 256 tokens, and does not say so."""
    _, body = _sent(*door, model=model, **fields)

    assert room == body["max_tokens"]


@pytest.mark.parametrize("door", [(), ("native_run",)])
def test_a_tool_loop_holds_no_empty_content(door: tuple[str, ...]) -> None:
    history = (
        USER,
        {"role": "assistant", "content": None, "tool_calls": [CALLED]},
        {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "2"}]},
    )

    _, body = _sent(*door, messages=history, tools=(TOOL,))

    assert body["messages"] == [
        USER,
        {"role": "assistant", "content": "", "tool_calls": [CALLED]},
        {"role": "tool", "content": "2", "tool_call_id": "c1"},
    ]


def test_a_schema_stands_bare_at_a_models_own_door() -> None:
    assert FORM == _sent(response_format=FORM)[1]["response_format"]
    assert {"type": "json_schema", "json_schema": SCHEMA} == _sent("native_run", response_format=FORM)[1][
        "response_format"
    ]
    plain = {"type": "json_object"}
    assert plain == _sent("native_run", response_format=plain)[1]["response_format"]


@pytest.mark.parametrize(
    ("quirks", "form", "streams"),
    [
        ((), None, True),
        ((), FORM, False),
        (("native_run",), FORM, False),
        ((), {"type": "json_object"}, True),
        ((), {"type": "text"}, True),
        (("no_format_in_stream",), {"type": "json_object"}, False),
        (("no_format_in_stream",), FORM, False),
        (("no_format_in_stream",), None, True),
        (("no_json_schema",), FORM, True),
        (("no_response_format", "no_format_in_stream"), FORM, True),
    ],
)
def test_what_keeps_to_a_schema_is_asked_for_in_one_piece(quirks: tuple[str, ...], form: Any, streams: bool) -> None:
    """The host refuses to stream it (code 5023); the decoder reads a whole body as a stream."""
    _, body = _sent(*quirks, is_stream=True, response_format=form)

    assert streams == body.get("stream", False)
    assert "response_format" in body or form is None or "no_response_format" in quirks


@pytest.mark.parametrize("model", ["..", "@cf/a/../b", "/a", "a//b", "", "a/.", "a\\..\\b"])
def test_a_models_id_cannot_lead_elsewhere(model: str) -> None:
    row = _row("native_run")

    with pytest.raises(InvalidRequest, match="cannot be part of an address"):
        CloudflareDialect().chat(call(row, model=model), is_stream=False)
    with pytest.raises(InvalidRequest, match="cannot be part of an address"):
        CloudflareDialect().embedding(call(row, model=model), EmbeddingRequest(texts=("a",)))


@pytest.mark.parametrize("model", ["a?b", "a#b", "a b", "a%2e%2e/b", "a%2Fb", "é", "a..b", "a@b:1"])
def test_odd_characters_in_a_models_id_stay_inside_its_part_of_the_address(model: str) -> None:
    ask = CloudflareDialect().chat(call(_row("native_run"), model=model), is_stream=False)

    parts = urlsplit(ask.url)
    assert ("", "") == (parts.query, parts.fragment)
    assert model == unquote(parts.path.rpartition("/run/")[2])


@pytest.mark.parametrize(
    "model", [LLAMA, "@hf/nousresearch/hermes-2-pro-mistral-7b", "@cf/qwen/qwen1.5-0.5b-chat", "x"]
)
def test_a_models_id_stays_as_it_is_in_the_address(model: str) -> None:
    assert f"/run/{model}" == _sent("native_run", model=model)[0]


@pytest.mark.parametrize("door", [(), ("native_run",)])
def test_what_the_host_could_bill_is_refused_before_it_is_sent(door: tuple[str, ...]) -> None:
    with pytest.raises(InvalidRequest, match="could call a paid"):
        _sent(*door, extra_body={"lora": "mine"})
    with pytest.raises(InvalidRequest, match="could call a paid"):
        _sent(*door, tools=({"type": "web_search"},))


ANSWERS: list[tuple[dict[str, Any], str, list[tuple[str, str]]]] = [
    (_native(response="Hello!", usage=USAGE), "Hello!", []),
    (_native(response="Hello!", tool_calls=[], usage=USAGE), "Hello!", []),
    (_native(response={"n": 1}, usage=USAGE), '{"n": 1}', []),
    (_native(response=42, usage=USAGE), "42", []),
    (_native(response=None, tool_calls=[{"name": "add", "arguments": {"n": 1}}], usage=USAGE), "", [("add", '{"n": 1}')]),
    (_native(tool_calls=[CALLED], usage=USAGE), "", [("add", '{"n":1}')]),
    (_native(response=None, tool_calls=[{"name": "a", "arguments": {}}, {"name": "b", "arguments": "{}"}], usage=USAGE), "", [("a", "{}"), ("b", "{}")]),
    (_native(choices=[{"message": {"content": "Hello!"}, "finish_reason": "stop"}], usage=USAGE), "Hello!", []),
    ({"choices": [{"message": {"content": "Hello!"}, "finish_reason": "stop"}], "usage": USAGE}, "Hello!", []),
    ({"choices": [{"message": {"content": {"n": 1}}, "finish_reason": "stop"}], "usage": USAGE}, '{"n": 1}', []),
]  # fmt: skip


@pytest.mark.parametrize("door", [(), ("native_run",)])
@pytest.mark.parametrize(("payload", "text", "calls"), ANSWERS)
def test_both_shapes_are_read_whatever_was_asked(
    door: tuple[str, ...], payload: Any, text: str, calls: list[tuple[str, str]]
) -> None:
    answer = _whole(payload, call(_row(*door)))

    assert text == answer.text
    assert calls == [(each.name, each.arguments) for each in answer.tool_calls]
    assert ("tool_calls" if calls else "stop") == answer.finish_reason
    assert COUNTED == answer.usage
    assert all(each.id for each in answer.tool_calls)


def test_a_missing_usage_is_estimated() -> None:
    assert _whole(_native(response={"n": 1})).usage.is_estimated


@pytest.mark.parametrize(
    ("payload", "fault", "words"),
    [
        ({"result": {}, "success": False, "errors": [{"code": 5007, "message": "No such model"}], "messages": []}, ProviderError, "No such model"),
        ({"result": None, "success": True, "errors": []}, BadPayload, "holds no choices"),
        (_native(response=""), EmptyAnswer, "neither text nor a tool call"),
        (_native(response=None, tool_calls=["x"]), EmptyAnswer, "neither text nor a tool call"),
        (_native(response="<think>\nHm", usage=USAGE), EmptyAnswer, "neither text nor a tool call"),
    ],
)  # fmt: skip
def test_a_success_that_is_none_is_a_fault(payload: Any, fault: type[ProviderError], words: str) -> None:
    with pytest.raises(fault, match=words):
        _whole(payload)


SPOKEN = _events(
    {"response": "", "tool_calls": [], "p": "abdef"},
    {"response": "Hel", "p": "abdefghij"},
    {"response": "lo — ü", "tool_calls": [], "p": "ab"},
    {"response": "!", "tool_calls": []},
    {},
    {"tool_calls": [], "p": "abd"},
    {"response": "", "usage": USAGE},
)
TOOLED = _events(
    {"response": "", "tool_calls": [], "p": "abdef"},
    {"tool_calls": [{"id": "c1", "type": "function", "index": 0, "function": {"name": "add"}}], "p": "ab"},
    {"tool_calls": [{"index": 0, "function": {"arguments": '{"n"'}}]},
    {"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}]},
    {"tool_calls": [{"index": 0, "function": {"arguments": ""}}]},
    {"tool_calls": [{"id": None, "type": None, "index": 0, "function": {"name": None, "arguments": ""}}]},
    {"response": "", "usage": USAGE},
)


@pytest.mark.parametrize("seed", range(12))
def test_a_stream_is_read_the_same_wherever_it_was_cut(seed: int) -> None:
    spoken, tooled = _read(SPOKEN, seed=seed), _read(TOOLED, seed=seed)

    assert ("Hello — ü!", "stop", COUNTED) == (spoken.text, spoken.finish_reason, spoken.usage)
    assert [("c1", "add", '{"n":1}')] == [(each.id, each.name, each.arguments) for each in tooled.tool_calls]
    assert ("", "tool_calls", COUNTED) == (tooled.text, tooled.finish_reason, tooled.usage)


def test_values_among_the_words_of_a_stream_are_json() -> None:
    """Seen in a genuine stream: asked for JSON, the host sends `true` as a value, not as a word."""
    stream = _events(
        {"response": '{"n":'}, {"response": True}, {"response": ',"m":'}, {"response": 12}, {"response": "}"}
    )

    assert '{"n":true,"m":12}' == _read(stream).text


def test_whole_tool_calls_in_a_stream_are_calls_of_their_own() -> None:
    stream = _events(
        {
            "response": None,
            "tool_calls": [{"name": "add", "arguments": {"n": 1}}, {"name": "add", "arguments": {"n": 2}}],
        }
    )

    assert ['{"n": 1}', '{"n": 2}'] == [each.arguments for each in _read(stream).tool_calls]


def test_the_compatible_stream_is_read_as_the_openai_dialect() -> None:
    stream = _events(
        {"model": LLAMA, "choices": [{"index": 0, "delta": {"content": "Hel"}}]},
        {"model": LLAMA, "choices": [{"index": 0, "delta": {"content": "lo"}}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}], "usage": USAGE},
    )

    answer = _read(stream)

    assert ("Hello", "length", LLAMA, COUNTED) == (answer.text, answer.finish_reason, answer.model, answer.usage)


def test_a_stream_without_its_end_was_cut() -> None:
    """A native stream has no finish reason: only the end mark tells that it is whole."""
    with pytest.raises(ConnectionFailed, match="ended before the answer was whole"):
        _read(_events({"response": "Hello"}, end=""))


@pytest.mark.parametrize(
    "payload",
    [
        {"errors": [{"message": "AiError: capacity exceeded", "code": 3040}], "success": False, "result": {}},
        {"error": {"message": "AiError: capacity exceeded", "code": 3040}},
    ],
)
def test_an_error_inside_a_stream_is_a_fault(payload: Any) -> None:
    with pytest.raises(ProviderError, match="capacity exceeded"):
        _read(_events({"response": "Hel"}, payload))


@pytest.mark.parametrize(("limit", "reason"), [(3, "length"), (2, "length"), (4, "stop"), (None, "stop")])
def test_an_answer_as_long_as_the_room_for_it_was_cut_off(limit: int | None, reason: str) -> None:
    """The native shape does not tell why it ended, and half an answer must not pass for a whole one."""
    asked = call(_row("native_run"), max_tokens=limit)

    assert reason == _whole(_native(response="Hello!", usage=USAGE), asked).finish_reason
    assert reason == _read(SPOKEN, asked=asked).finish_reason
    asked_otherwise = call(_row("native_run"), extra_body={"max_tokens": limit} if limit else {})
    assert reason == _whole(_native(response="Hello!", usage=USAGE), asked_otherwise).finish_reason


@pytest.mark.parametrize("told", ["stop", "length"])
def test_a_reason_that_is_told_is_believed(told: str) -> None:
    asked = call(_row("native_run"), max_tokens=3)
    compatible = {"choices": [{"message": {"content": "Hello!"}, "finish_reason": told}], "usage": USAGE}

    assert told == _whole(_native(response="Hello!", finish_reason=told, usage=USAGE), asked).finish_reason
    assert told == _whole(_native(response="Hello!", finish_reason=told)).finish_reason
    assert told == _whole(compatible, asked).finish_reason


def test_a_whole_body_is_a_stream_too() -> None:
    """What was asked for in one piece comes back to a caller that streams."""
    body = json.dumps(_native(response={"n": 1}, usage=USAGE)).encode()

    assert ('{"n": 1}', "stop") == ((answer := _read(body)).text, answer.finish_reason)


def test_vectors_are_asked_for_at_either_door() -> None:
    wanted = EmbeddingRequest(texts=("a", "b"))

    def sent(*quirks: str) -> tuple[str, Any]:
        ask = CloudflareDialect().embedding(call(_row(*quirks), model="@cf/baai/bge-m3"), wanted)
        return ask.url.removeprefix("https://host/accounts/a/ai"), json.loads(ask.body)

    assert ("/v1/embeddings", ["a", "b"]) == ((found := sent())[0], found[1]["input"])
    assert ("/run/@cf/baai/bge-m3", {"text": ["a", "b"]}) == sent("native_run")


def _vectors(payload: Any) -> Vectors:
    reply = Reply(status=200, headers={}, body=json.dumps(payload).encode())
    return CloudflareDialect().vectors(call(), EmbeddingRequest(texts=("aaaa", "bbbb")), reply)


@pytest.mark.parametrize(
    "payload",
    [
        _native(shape=[2, 2], data=[[1, 2.5], [3.0, 4]], pooling="mean"),
        {"data": [{"index": 1, "embedding": [3.0, 4]}, {"index": 0, "embedding": [1, 2.5]}]},
    ],
)
def test_vectors_are_read_in_both_shapes(payload: Any) -> None:
    found = _vectors(payload)

    assert ((1.0, 2.5), (3.0, 4.0)) == found.vectors
    assert found.usage.is_estimated


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (_native(shape=[1, 1], data=[[1.0]]), "1 vectors for 2 texts"),
        (_native(data=[[1.0], [None]]), "empty or of different lengths"),
        (_native(data=[["x", 1.0], [1.0, "x"]]), "empty or of different lengths"),
        (_native(data=[[1.0], [2.0, 3.0]]), "empty or of different lengths"),
        (_native(), "0 vectors for 2 texts"),
        ({"result": None, "success": False, "errors": [{"code": 3036, "message": "4006: daily free allocation"}]}, "daily free"),
    ],
)  # fmt: skip
def test_vectors_that_do_not_fit_are_refused(payload: Any, words: str) -> None:
    with pytest.raises(ProviderError, match=words):
        _vectors(payload)


def test_a_models_own_door_is_spoken_to_over_a_socket() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
    clients = Clients()

    try:
        with raw_host([head, SPOKEN]) as host:
            row = provider(host.base_url, dialect="cloudflare", quirks=frozenset({"native_run"}))
            stream = adapter_for(row, clients).open(call(row, model=LLAMA))
            text = "".join(chunk.text for chunk in stream)
            stream.close()
    finally:
        clients.close()

    assert "Hello — ü!" == text
    assert host.heads[0].startswith(b"POST /run/@cf/meta/llama-3.2-3b-instruct HTTP/1.1")
    assert f"Bearer {KEY}".encode() in host.heads[0]


def _recorded() -> list[dict[str, Any]]:
    folder = SHARED / "recordings" / "cloudflare"
    found = [json.loads(path.read_text()) for path in sorted(folder.glob("*_200_*.json"))]
    return [each for each in found if not each["url"].partition("?")[0].endswith("/search")]


def _plainly(body: str) -> str:
    """Return all that a genuine answer says in words, without any of our code."""
    lines = [line[5:] for line in body.splitlines() if line.startswith("data: {")] or [body]
    said = []
    for payload in map(json.loads, lines):
        inner = payload.get("result", payload)
        choice = (inner.get("choices") or [{}])[0]
        said.append(inner.get("response", (choice.get("delta") or choice.get("message") or {}).get("content")))
    return "".join("" if each is None else each if isinstance(each, str) else json.dumps(each) for each in said)


def test_genuine_answers_are_read_wherever_they_were_cut() -> None:
    """Seen in the recordings: two hold nothing but thoughts, cut off at sixteen tokens."""
    found = _recorded()
    if not found:
        pytest.skip("the folder of genuine exchanges is not here")

    empty = 0
    for number, recorded in enumerate(found):
        asked = call(_row("native_run"), max_tokens=recorded["request_body"].get("max_tokens"))
        body, text = recorded["response_body"], _plainly(recorded["response_body"])
        try:
            answer = _read(body.encode(), seed=number, asked=asked)
        except EmptyAnswer:
            assert text.startswith("<think>")
            empty += 1
            continue
        assert text.lstrip("\n") == answer.text
        assert bool(answer.tool_calls) == (not text)
        is_full = answer.usage.output_tokens == asked.request.max_tokens
        assert is_full == (answer.finish_reason == "length")

    assert 2 == empty
