# ruff: noqa: E501 - tables are read by the row
"""Cohere's own dialect: its words for a request, and one reader for bodies and events (S1-01, S1-02, S1-03)."""

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from openmux_lc.engine.assembly import Assembly
from openmux_lc.errors import BadPayload, ConnectionFailed, EmptyAnswer, InvalidRequest, PermissionDenied, ProviderError
from openmux_lc.http import Clients
from openmux_lc.providers.cohere import CohereDialect, read_cohere
from openmux_lc.providers.exchange import Reply
from openmux_lc.providers.registry import adapter_for
from openmux_lc.types.catalog import Model, Provider
from openmux_lc.types.run import Answer, EmbeddingRequest, ToolCall, Usage, Vectors
from tests.conftest import SHARED
from tests.providers.calls import KEY, call, provider
from tests.providers.raw_host import raw_host

USER = {"role": "user", "content": "Hello"}
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
FUNCTION = {"name": "add", "description": "Adds", "parameters": SCHEMA}
TOOL = {"type": "function", "function": FUNCTION}
OTHER = {"type": "function", "function": {"name": "wait"}}
CALLED = {"id": "add_1", "type": "function", "function": {"name": "add", "arguments": '{"n":1}'}}
ROW = Provider(
    id="cohere",
    name="Cohere",
    base_url="https://host/v2",
    dialect="cohere",
    models=(Model(id="thinker", profile={"reasoning_output": True}), Model(id="tiny")),
)


def _body(*quirks: str, is_stream: bool = False, model: str = "tiny", **fields: Any) -> dict[str, Any]:
    row = provider(ROW.base_url, models=ROW.models, quirks=frozenset(quirks))
    ask = CohereDialect().chat(call(row, model=model, **{"messages": (USER,), **fields}), is_stream=is_stream)
    assert "https://host/v2/chat" == ask.url
    return json.loads(ask.body)


def _whole(payload: Any, **fields: Any) -> Answer:
    return CohereDialect().answer(call(ROW, **fields), Reply(status=200, headers={}, body=json.dumps(payload).encode()))


def _read(stream: bytes, cuts: Iterator[int], **fields: Any) -> Answer:
    asked = call(ROW, **fields)
    decoder, assembly = CohereDialect().chunks(asked), Assembly(asked.route)
    while stream:
        size = next(cuts)
        for chunk in decoder.feed(stream[:size]):
            assembly.add(chunk)
        stream = stream[size:]
    for chunk in decoder.finish():
        assembly.add(chunk)
    return assembly.answer()


def _events(*payloads: Any, end: str = "data: [DONE]\n\n") -> bytes:
    lines = [f"event: {payload.get('type', '')}\ndata: {json.dumps(payload)}\n\n" for payload in payloads]
    return "".join([*lines, end]).encode()


def _sizes(seed: int) -> Iterator[int]:
    cuts = random.Random(seed)
    while True:
        yield cuts.choice((1, 2, 3, 7, 50, 400))


def _said(kind: str, index: int | None = None, **message: Any) -> dict[str, Any]:
    return {"type": kind, "delta": {"message": message}} | ({} if index is None else {"index": index})


def _ended(reason: str = "COMPLETE", **delta: Any) -> dict[str, Any]:
    return {"type": "message-end", "delta": {"finish_reason": reason, "usage": USAGE, **delta}}


USAGE = {
    "billed_units": {"input_tokens": 3, "output_tokens": 2},
    "tokens": {"input_tokens": 70, "output_tokens": 9, "reasoning_tokens": 4},
    "cached_tokens": 48,
}
COUNTED = Usage(input_tokens=70, output_tokens=9, total_tokens=79, reasoning_tokens=4, cache_read_tokens=48)
BEGUN = {**_said("message-start", role="assistant", content=[], tool_plan="", tool_calls=[], citations=[]), "id": "a1"}


def test_a_bare_request_carries_nothing_but_model_and_messages() -> None:
    assert {"model": "tiny", "messages": [USER]} == _body()
    assert {"model": "tiny", "messages": [USER], "stream": True} == _body(is_stream=True)


def test_every_option_reaches_the_wire_under_the_hosts_name() -> None:
    body = _body(
        temperature=0.5,
        top_p=0.9,
        seed=7,
        max_tokens=50,
        stop=("x",),
        frequency_penalty=0.1,
        presence_penalty=0.2,
        parallel_tool_calls=True,
        extra_body={"top_k": 5, "safety_mode": "STRICT"},
    )

    assert body == {
        "model": "tiny",
        "messages": [USER],
        "temperature": 0.5,
        "p": 0.9,
        "seed": 7,
        "max_tokens": 50,
        "stop_sequences": ["x"],
        "frequency_penalty": 0.1,
        "presence_penalty": 0.2,
        "k": 5,
        "safety_mode": "STRICT",
    }


@pytest.mark.parametrize(("asked", "sent"), [(1.0, 0.99), (0.0, 0.01), (0.5, 0.5)])
def test_the_mass_of_tokens_stays_within_the_hosts_bounds(asked: float, sent: float) -> None:
    """The usual `top_p` of 1 is out of bounds there, though it means next to the same."""
    assert sent == _body(top_p=asked)["p"]


@pytest.mark.parametrize(
    ("quirk", "fields", "gone"),
    [
        ("no_temperature", {"temperature": 0.5}, "temperature"),
        ("no_top_p", {"top_p": 0.5}, "p"),
        ("no_seed", {"seed": 7}, "seed"),
        ("no_stop", {"stop": ("x",)}, "stop_sequences"),
        ("no_max_tokens", {"max_tokens": 7}, "max_tokens"),
        ("no_penalties", {"presence_penalty": 0.5}, "presence_penalty"),
        ("no_tools", {"tools": (TOOL,)}, "tools"),
        ("no_tool_choice", {"tools": (TOOL,), "tool_choice": "required"}, "tool_choice"),
        ("no_strict_tools", {"tools": ({"function": {**FUNCTION, "strict": True}},)}, "strict_tools"),
        ("no_response_format", {"response_format": {"type": "json_object"}}, "response_format"),
        ("no_reasoning_effort", {"reasoning_effort": "low", "model": "thinker"}, "thinking"),
    ],
)
def test_what_a_model_refuses_is_left_out_under_the_hosts_name(quirk: str, fields: Any, gone: str) -> None:
    assert gone in _body(**fields)
    assert gone not in _body(quirk, **fields)


def test_a_tool_loop_is_told_in_the_hosts_words() -> None:
    """Text beside tool calls is refused as content; it is the plan there."""
    asked = {"role": "assistant", "content": "I will add.", "tool_calls": [CALLED]}
    silent = {"role": "assistant", "content": None, "tool_calls": [CALLED], "name": "bot"}
    result = {"role": "tool", "tool_call_id": "add_1", "name": "add", "content": "2"}
    system = {"role": "developer", "content": [{"type": "text", "text": "Be kind"}]}

    history = (system, {**USER, "name": "Ann"}, asked, result, silent, result)

    body = _body(messages=history, tools=(TOOL,), parallel_tool_calls=True)

    assert {"model", "messages", "tools"} == set(body)
    assert body["messages"] == [
        {"role": "system", "content": "Be kind"},
        USER,
        {"role": "assistant", "tool_calls": [CALLED], "tool_plan": "I will add."},
        {"role": "tool", "tool_call_id": "add_1", "content": "2"},
        {"role": "assistant", "tool_calls": [CALLED]},
        {"role": "tool", "tool_call_id": "add_1", "content": "2"},
    ]


def test_a_picture_stays_a_part() -> None:
    parts = [
        {"type": "text", "text": "Look"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
    ]

    assert parts == _body(messages=({"role": "user", "content": parts},))["messages"][0]["content"]


NAMED = {"type": "function", "function": {"name": "add"}}


@pytest.mark.parametrize(
    ("choice", "names", "word"),
    [
        (None, ["add", "wait"], None),
        ("auto", ["add", "wait"], None),
        ("none", ["add", "wait"], "NONE"),
        ("required", ["add", "wait"], "REQUIRED"),
        ("any", ["add", "wait"], "REQUIRED"),
        (NAMED, ["add"], "REQUIRED"),
    ],
)
def test_a_choice_of_tools_is_one_of_the_hosts_two_words(choice: Any, names: list[str], word: str | None) -> None:
    body = _body(tools=(TOOL, OTHER), tool_choice=choice)

    assert names == [tool["function"]["name"] for tool in body["tools"]]
    assert word == body.get("tool_choice")


def test_a_tool_carries_a_schema_and_nothing_that_the_host_does_not_know() -> None:
    strict = {"type": "function", "function": {**FUNCTION, "strict": True, "parameters": {"$schema": "x", **SCHEMA}}}

    body = _body(tools=(strict, OTHER))

    assert body["tools"] == [
        TOOL,
        {"type": "function", "function": {"name": "wait", "parameters": {"type": "object", "properties": {}}}},
    ]


def test_strictness_is_asked_for_where_every_tool_wants_it_and_can_have_it() -> None:
    strict = {"function": {**FUNCTION, "strict": True}}
    without_arguments = {"function": {"name": "wait", "strict": True}}

    assert _body(tools=(strict, strict))["strict_tools"] is True
    assert "strict_tools" not in _body(tools=(strict, TOOL))
    assert "strict_tools" not in _body(tools=(strict, without_arguments))


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ({"type": "json_schema", "json_schema": {"name": "n", "schema": {"$schema": "x", **SCHEMA}, "strict": True}}, {"type": "json_object", "json_schema": SCHEMA}),
        ({"type": "json_object"}, {"type": "json_object"}),
        ({"type": "text"}, {"type": "text"}),
    ],
)  # fmt: skip
def test_the_form_of_an_answer_is_the_hosts_json_mode(asked: Any, sent: Any) -> None:
    assert sent == _body(response_format=asked)["response_format"]


def test_beside_tools_the_form_is_told_in_words() -> None:
    """The host refuses both together."""
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}

    body = _body(response_format=form, tools=(TOOL,))

    assert "response_format" not in body
    assert '"additionalProperties":false' in body["messages"][0]["content"]


@pytest.mark.parametrize(
    ("model", "effort", "thinking"),
    [
        ("thinker", "none", {"type": "disabled"}),
        ("thinker", "minimal", {"type": "disabled"}),
        ("thinker", "low", {"type": "enabled", "token_budget": 1024}),
        ("thinker", "medium", {"type": "enabled", "token_budget": 8192}),
        ("thinker", "high", {"type": "enabled"}),
        ("some-reasoning-model", "high", {"type": "enabled"}),
        ("thinker", None, None),
        ("tiny", "high", None),
    ],
)
def test_only_a_model_that_thinks_is_told_how_much(model: str, effort: str | None, thinking: Any) -> None:
    assert thinking == _body(model=model, reasoning_effort=effort).get("thinking")


def test_what_the_user_wrote_for_the_host_outranks_our_words() -> None:
    own = {
        "thinking": {"type": "enabled", "token_budget": 5},
        "response_format": {"type": "json_object", "json_schema": SCHEMA},
        "max_completion_tokens": 9,
    }

    body = _body(
        model="thinker", reasoning_effort="high", response_format={"type": "json_object"}, max_tokens=5, extra_body=own
    )

    assert {
        "thinking": own["thinking"],
        "response_format": own["response_format"],
        "max_tokens": 9,
    }.items() <= body.items()
    assert "max_completion_tokens" not in body


@pytest.mark.parametrize(
    "fields", [{"extra_body": {"connectors": [{"id": "web-search"}]}}, {"tools": ({"type": "web_search"},)}]
)
def test_what_the_host_could_bill_is_refused_before_it_is_sent(fields: Any) -> None:
    with pytest.raises(InvalidRequest, match="could call a paid") as caught:
        CohereDialect().chat(call(ROW, **fields), is_stream=True)

    assert "stop" == caught.value.advice


TEXT = {"type": "text", "text": "Paris."}
THOUGHT = {"type": "thinking", "thinking": "Hm"}
ANSWERS: list[tuple[dict[str, Any], str, dict[str, Any]]] = [
    ({"content": [TEXT]}, "COMPLETE", {"text": "Paris.", "finish_reason": "stop"}),
    ({"content": [TEXT]}, "STOP_SEQUENCE", {"text": "Paris.", "finish_reason": "stop"}),
    ({"content": [TEXT]}, "MAX_TOKENS", {"text": "Paris.", "finish_reason": "length"}),
    ({"content": [TEXT]}, "ERROR_TOXIC", {"text": "Paris.", "finish_reason": "content_filter"}),
    ({"content": [THOUGHT, TEXT]}, "COMPLETE", {"text": "Paris.", "reasoning": "Hm", "finish_reason": "stop"}),
    ({"tool_plan": "I will.", "tool_calls": [CALLED]}, "TOOL_CALL", {"reasoning": "I will.", "tool_calls": (ToolCall(id="add_1", name="add", arguments='{"n":1}'),), "finish_reason": "tool_calls"}),
    ({"content": [THOUGHT], "tool_calls": [CALLED]}, "TOOL_CALL", {"reasoning": "Hm", "tool_calls": (ToolCall(id="add_1", name="add", arguments='{"n":1}'),), "finish_reason": "tool_calls"}),
]  # fmt: skip


@pytest.mark.parametrize(("message", "reason", "expected"), ANSWERS)
def test_a_whole_answer_is_read(message: dict[str, Any], reason: str, expected: dict[str, Any]) -> None:
    answer = _whole({"id": "a1", "message": {"role": "assistant", **message}, "finish_reason": reason, "usage": USAGE})

    assert expected == {name: getattr(answer, name) for name in expected}
    assert ("a1", "tiny", COUNTED) == (answer.id, answer.model, answer.usage)


def test_billed_tokens_count_where_nothing_else_is_told() -> None:
    told = {"message": {"content": [TEXT]}, "finish_reason": "COMPLETE"}

    billed = _whole({**told, "usage": {"billed_units": {"input_tokens": 3, "output_tokens": 2}}})
    silent = _whole(told)

    assert Usage(input_tokens=3, output_tokens=2, total_tokens=5) == billed.usage
    assert silent.usage.is_estimated


SPOKEN = _events(
    BEGUN,
    _said("content-start", 0, content={"type": "thinking", "thinking": ""}),
    _said("content-delta", 0, content={"thinking": "H"}),
    _said("content-delta", 0, content={"thinking": "m"}),
    {"type": "content-end", "index": 0},
    _said("content-start", 1, content={"type": "text", "text": ""}),
    _said("content-delta", 1, content={"text": "Par"}),
    _said("citation-start", 0, citations={"start": 0, "end": 3, "text": "Par", "sources": []}),
    {"type": "citation-end", "index": 0},
    _said("content-delta", 1, content={"text": "is — ü."}),
    {"type": "content-end", "index": 1},
    _ended(),
)
TOOLED = _events(
    BEGUN,
    _said("tool-plan-delta", tool_plan="I "),
    _said("tool-plan-delta", tool_plan="will."),
    _said(
        "tool-call-start",
        0,
        tool_calls={"id": "add_1", "type": "function", "function": {"name": "add", "arguments": ""}},
    ),
    _said("tool-call-delta", 0, tool_calls={"function": {"arguments": '{"n"'}}),
    _said("tool-call-delta", 0, tool_calls={"function": {"arguments": ":1}"}}),
    {"type": "tool-call-end", "index": 0},
    _said(
        "tool-call-start",
        1,
        tool_calls={"id": "wait_1", "type": "function", "function": {"name": "wait", "arguments": ""}},
    ),
    {"type": "tool-call-end", "index": 1},
    _ended("TOOL_CALL"),
)


@pytest.mark.parametrize("seed", range(12))
def test_a_stream_is_read_the_same_wherever_it_was_cut(seed: int) -> None:
    spoken, tooled = _read(SPOKEN, _sizes(seed)), _read(TOOLED, _sizes(seed))

    assert ("Paris — ü.", "Hm", "stop", "a1", COUNTED) == (
        spoken.text,
        spoken.reasoning,
        spoken.finish_reason,
        spoken.id,
        spoken.usage,
    )
    assert ("", "I will.", "tool_calls") == (tooled.text, tooled.reasoning, tooled.finish_reason)
    assert tooled.tool_calls == (
        ToolCall(id="add_1", name="add", arguments='{"n":1}'),
        ToolCall(id="wait_1", name="wait", arguments="{}"),
    )


def test_the_pieces_of_two_tool_calls_may_come_in_turns() -> None:
    def begun(index: int, name: str) -> dict[str, Any]:
        function = {"name": name, "arguments": ""}
        return _said("tool-call-start", index, tool_calls={"id": f"{name}_1", "type": "function", "function": function})

    pieces = [
        _said("tool-call-delta", index, tool_calls={"function": {"arguments": piece}})
        for index, piece in ((0, '{"n"'), (1, '{"m"'), (0, ":1}"), (1, ":2}"))
    ]

    answer = _read(_events(BEGUN, begun(0, "add"), begun(1, "wait"), *pieces, _ended("TOOL_CALL")), _sizes(3))

    assert [("add", '{"n":1}'), ("wait", '{"m":2}')] == [(each.name, each.arguments) for each in answer.tool_calls]


def test_the_last_event_ends_a_stream_without_any_other_mark() -> None:
    decoder = CohereDialect().chunks(call(ROW))

    decoder.feed(_events(BEGUN, _said("content-delta", 0, content={"text": "Hi"}), _ended(), end=""))

    assert decoder.is_over
    assert "stop" == decoder.finish()[-1].finish_reason


def test_a_stream_that_stops_before_its_last_event_was_cut() -> None:
    stream = _events(BEGUN, _said("content-delta", 0, content={"text": "Hi"}), end="")

    with pytest.raises(ConnectionFailed, match="ended before the answer was whole"):
        _read(stream, _sizes(0))


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        (_ended("ERROR", usage={}, error="No valid response generated"), "No valid response generated"),
        (_ended("ERROR", usage={}), "finish_reason is error"),
        (_ended("TIMEOUT"), "finish_reason is timeout"),
        (_ended("ERROR_LIMIT"), "finish_reason is error_limit"),
    ],
)
def test_an_error_at_the_end_of_a_stream_is_a_fault(ended: dict[str, Any], words: str) -> None:
    """The status was a success, and words may have been given out already (S1-05)."""
    stream = _events(BEGUN, _said("content-delta", 0, content={"text": "Hi"}), ended)

    with pytest.raises(ProviderError, match=words):
        _read(stream, _sizes(1))


def test_a_whole_answer_that_failed_is_a_fault() -> None:
    with pytest.raises(ProviderError, match="finish_reason is error"):
        _whole({"id": "a1", "message": {"content": [TEXT]}, "finish_reason": "ERROR"})
    with pytest.raises(ProviderError, match="too many tokens"):
        _whole({"id": "a1", "message": "too many tokens: size limit exceeded"})


def test_a_tool_call_that_is_no_object_is_none() -> None:
    with pytest.raises(EmptyAnswer):
        _whole({"message": {"tool_calls": ["x", None]}, "finish_reason": "TOOL_CALL"})


@pytest.mark.parametrize("payload", [{"id": "a1"}, {"type": "content-end", "index": 0}, {"generation_id": "g"}])
def test_what_holds_no_answer_at_all_is_malformed(payload: Any) -> None:
    with pytest.raises(BadPayload, match="holds no choices"):
        _whole(payload)


def test_thoughts_alone_are_no_answer() -> None:
    told = {"message": {"content": [THOUGHT]}, "finish_reason": "MAX_TOKENS"}

    with pytest.raises(EmptyAnswer, match="thinking used up all of max_tokens"):
        _whole(told)


def test_a_refused_content_says_so() -> None:
    with pytest.raises(PermissionDenied, match="the content was refused"):
        _whole({"message": {"content": []}, "finish_reason": "ERROR_TOXIC"})


def test_the_older_versions_answers_are_understood() -> None:
    spoken = {"response_id": "r", "generation_id": "g", "text": "Paris.", "finish_reason": "COMPLETE"}
    meta = {"billed_units": {"input_tokens": 21, "output_tokens": 12}, "tokens": {"output_tokens": 12}}
    tooled = {**spoken, "text": "", "tool_calls": [{"name": "add", "parameters": {"n": 1}}]}

    answer, calling = _whole({**spoken, "meta": meta}), _whole({**tooled, "meta": meta})

    assert ("Paris.", "g", "stop", 21) == (answer.text, answer.id, answer.finish_reason, answer.usage.input_tokens)
    assert [("add", '{"n": 1}')] == [(each.name, each.arguments) for each in calling.tool_calls]
    assert "tool_calls" == calling.finish_reason
    with pytest.raises(ProviderError, match="finish_reason is error"):
        _whole({**spoken, "finish_reason": "ERROR"})


def test_the_older_versions_last_event_says_nothing_twice() -> None:
    calls = [{"name": "add", "parameters": {"n": 1}}, {"name": "wait", "parameters": {}}]
    whole = {"text": "I will.", "generation_id": "g", "tool_calls": calls, "meta": {"tokens": USAGE["tokens"]}}
    stream = "".join(
        f"data: {json.dumps(payload)}\n\n"
        for payload in (
            {"event_type": "stream-start", "generation_id": "g"},
            {"event_type": "tool-calls-chunk", "text": "I "},
            {"event_type": "tool-calls-chunk", "text": "will."},
            {"event_type": "tool-calls-chunk", "tool_call_delta": {"index": 0, "name": "add"}},
            {"event_type": "tool-calls-generation", "text": "I will.", "tool_calls": calls},
            {"event_type": "stream-end", "finish_reason": "COMPLETE", "response": whole},
        )
    )

    answer = _read(stream.encode(), _sizes(2))

    assert ("I will.", "g", 70) == (answer.text, answer.id, answer.usage.input_tokens)
    assert ["add", "wait"] == [each.name for each in answer.tool_calls]
    assert read_cohere({"event_type": "stream-end", "response": whole}, "").is_over


def test_the_hosts_openai_door_is_understood() -> None:
    answer = _whole({"choices": [{"message": {"content": "Two."}, "finish_reason": "stop"}], "model": "tiny"})

    assert "Two." == answer.text


@pytest.mark.parametrize(
    ("purpose", "word"), [("query", "search_query"), ("document", "search_document"), (None, "search_document")]
)
def test_an_embedding_request_tells_the_purpose(purpose: Any, word: str) -> None:
    ask = CohereDialect().embedding(call(ROW), EmbeddingRequest(texts=("a", "b"), purpose=purpose))

    assert "https://host/v2/embed" == ask.url
    assert {"model": "tiny", "texts": ["a", "b"], "input_type": word, "embedding_types": ["float"]} == json.loads(
        ask.body
    )


def test_the_length_of_vectors_is_asked_for_unless_that_is_refused() -> None:
    wanted = EmbeddingRequest(texts=("a",), dimensions=256)

    def sent(*quirks: str) -> dict[str, Any]:
        return json.loads(CohereDialect().embedding(call(provider(quirks=frozenset(quirks))), wanted).body)

    assert 256 == sent()["output_dimension"]
    assert "output_dimension" not in sent("no_dimensions")


def _vectors(payload: Any) -> Vectors:
    reply = Reply(status=200, headers={}, body=json.dumps(payload).encode())
    return CohereDialect().vectors(call(ROW), EmbeddingRequest(texts=("aaaa", "bbbb")), reply)


@pytest.mark.parametrize("embeddings", [{"float": [[1, 2.5], [3.0, 4]]}, [[1, 2.5], [3.0, 4]]])
def test_vectors_are_read_in_both_shapes(embeddings: Any) -> None:
    told = _vectors({"embeddings": embeddings, "meta": {"billed_units": {"input_tokens": 2}}})
    silent = _vectors({"embeddings": embeddings})

    assert ((1.0, 2.5), (3.0, 4.0)) == told.vectors == silent.vectors
    assert Usage(input_tokens=2, total_tokens=2) == told.usage
    assert silent.usage.is_estimated


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ({"embeddings": {"float": [[1.0]]}}, "1 vectors for 2 texts"),
        ({"embeddings": {"int8": [[1], [2]]}}, "0 vectors for 2 texts"),
        ({"embeddings": {"float": [[1.0], ["x"]]}}, "empty or of different lengths"),
        ({"embeddings": {"float": [["x", 1.0], [1.0, "x"]]}}, "empty or of different lengths"),
        ({"embeddings": {"float": [[1.0], [2.0, 3.0]]}}, "empty or of different lengths"),
        ({}, "0 vectors for 2 texts"),
    ],
)
def test_vectors_that_do_not_fit_are_refused(payload: Any, words: str) -> None:
    with pytest.raises(BadPayload, match=words):
        _vectors(payload)
    with pytest.raises(ProviderError, match="over capacity"):
        _vectors({"error": {"message": "over capacity"}})


def test_the_row_is_spoken_to_over_a_socket() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
    clients = Clients()

    try:
        with raw_host([head, SPOKEN]) as host:
            row = provider(host.base_url.removesuffix("/v1") + "/v2", dialect="cohere")
            stream = adapter_for(row, clients).open(call(row))
            text = "".join(chunk.text for chunk in stream)
            stream.close()
    finally:
        clients.close()

    assert "Paris — ü." == text
    assert host.heads[0].startswith(b"POST /v2/chat HTTP/1.1")
    assert f"Bearer {KEY}".encode() in host.heads[0]


def _recorded() -> list[dict[str, Any]]:
    folder = SHARED / "recordings" / "cohere"
    found = [json.loads(path.read_text()) for path in sorted(folder.glob("chat*_200_*.json"))]
    return [each for each in found if "/v2/chat" in each["url"]]


def _plainly(body: str, kind: str) -> str:
    """Return all that genuine events say of a kind of content, without any of our code."""
    payloads = [json.loads(line[5:]) for line in body.splitlines() if line.startswith("data: {")]
    contents = [((each.get("delta") or {}).get("message") or {}).get("content") for each in payloads]
    return "".join(content.get(kind, "") for content in contents if isinstance(content, dict))


def test_genuine_streams_are_read_wherever_they_were_cut() -> None:
    """Seen in the recordings: two streams end in an error, one holds thoughts only."""
    streams = [each for each in _recorded() if each["streaming"]]
    if not streams:
        pytest.skip("the folder of genuine exchanges is not here")

    faults = []
    for number, recorded in enumerate(streams):
        body = recorded["response_body"]
        try:
            answer = _read(body.encode(), _sizes(number))
        except ProviderError as fault:
            faults.append(fault)
            continue
        assert _plainly(body, "text") == answer.text
        assert answer.reasoning.startswith(_plainly(body, "thinking"))
        assert not answer.usage.is_estimated

    assert 3 == len(faults)
    assert 1 == sum(isinstance(fault, EmptyAnswer) for fault in faults)


def test_genuine_requests_are_what_we_would_send() -> None:
    """What a genuine request says in the neutral words comes out in the host's again."""
    requests = [each["request_body"] for each in _recorded() if len(each["request_body"]["messages"]) == 1]
    if not requests:
        pytest.skip("the folder of genuine exchanges is not here")

    names = {"temperature": "temperature", "seed": "seed", "max_tokens": "max_tokens", "stop_sequences": "stop"}
    for recorded in requests:
        known = {ours: recorded[theirs] for theirs, ours in names.items() if theirs in recorded}
        sent = _body(messages=tuple(recorded["messages"]), tools=tuple(recorded.get("tools") or ()), **known)
        same = {name for name in names if recorded.get(name) == sent.get(name)}
        assert set(names) == same
        assert [tool["function"]["name"] for tool in recorded.get("tools") or ()] == [
            tool["function"]["name"] for tool in sent.get("tools") or ()
        ]
