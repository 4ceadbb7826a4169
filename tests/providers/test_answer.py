# ruff: noqa: E501 - tables are read by the row
"""Answers of every host's spelling, whole and streamed, through one reader (S1-01, S1-02)."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmux_lc.engine.assembly import Assembly
from openmux_lc.errors import BadPayload, ConnectionFailed, EmptyAnswer, PermissionDenied, ProviderError
from openmux_lc.providers.answer import decode_answer
from openmux_lc.providers.chunks import StreamDecoder
from openmux_lc.providers.exchange import Reply
from openmux_lc.types.run import Answer, Usage
from openmux_lc.types.wire import Call
from tests.providers.calls import call


def _whole(message: dict[str, Any], *, finish: str | None = "stop", **fields: Any) -> Answer:
    body = {"id": "a1", "model": "big", "choices": [{"message": message, "finish_reason": finish}], **fields}
    return decode_answer(call(), Reply(status=200, headers={}, body=json.dumps(body).encode()))


def _streamed(*payloads: Any, end: str = "data: [DONE]\n\n", size: int = 10_000) -> Answer:
    text = "".join(f"data: {json.dumps(payload)}\n\n" for payload in payloads) + end
    stream, decoder, assembly = text.encode(), StreamDecoder(call()), Assembly(call().route)
    for at in range(0, len(stream), size):
        for chunk in decoder.feed(stream[at : at + size]):
            assembly.add(chunk)
    for chunk in decoder.finish():
        assembly.add(chunk)
    return assembly.answer()


def _delta(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"id": "a1", "model": "big", "choices": [{"delta": delta, "finish_reason": finish}]}


CONTENTS: list[tuple[dict[str, Any], str, str]] = [
    ({"content": "Paris."}, "Paris.", ""),
    ({"content": "\n\nParis."}, "Paris.", ""),
    ({"content": "Paris.", "reasoning": "hm"}, "Paris.", "hm"),
    ({"content": "Paris.", "reasoning_content": "hm"}, "Paris.", "hm"),
    ({"content": "Paris.", "reasoning": "hm", "reasoning_details": [{"text": "hm"}]}, "Paris.", "hm"),
    ({"content": "Paris.", "reasoning_details": [{"type": "reasoning.text", "text": "hm"}]}, "Paris.", "hm"),
    ({"content": "Paris.", "reasoning_details": [{"type": "reasoning.summary", "summary": "hm"}]}, "Paris.", "hm"),
    ({"content": "<think>\nhm</think>\n\nParis."}, "Paris.", "hm"),
    (
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "Paris."}]},
        "Paris.",
        "hm",
    ),
    ({"content": ["Par", {"type": "text", "text": "is."}]}, "Paris.", ""),
    ({"content": None, "refusal": "I cannot."}, "I cannot.", ""),
    ({"content": {"city": "Paris"}}, '{"city": "Paris"}', ""),
]  # fmt: skip


@pytest.mark.parametrize(("message", "text", "thoughts"), CONTENTS)
def test_text_and_thoughts_are_found_under_every_name(message: dict[str, Any], text: str, thoughts: str) -> None:
    whole, streamed = _whole(message), _streamed(_delta(**message), _delta("stop"), size=7)

    assert (text, thoughts) == (whole.text, whole.reasoning) == (streamed.text, streamed.reasoning)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ({"name": "add", "arguments": '{"a": 1}'}, '{"a": 1}'),
        ({"name": "add", "arguments": {"a": 1}}, '{"a": 1}'),
        ({"name": "add", "arguments": ""}, "{}"),
        ({"name": "add", "arguments": None}, "{}"),
        ({"name": "add"}, "{}"),
    ],
)
def test_arguments_come_out_as_json_text(function: dict[str, Any], arguments: str) -> None:
    whole = _whole({"content": None, "tool_calls": [{"function": function}]})
    streamed = _streamed(_delta(tool_calls=[{"function": function}]), _delta("stop"))

    for answer in (whole, streamed):
        assert [("add", arguments)] == [(tool.name, tool.arguments) for tool in answer.tool_calls]
        assert 9 == len(answer.tool_calls[0].id)
        assert "tool_calls" == answer.finish_reason


def test_flat_tool_calls_of_old_hosts_are_read() -> None:
    answer = _whole({"content": "", "tool_calls": [{"id": "x", "name": "add", "arguments": {"a": 1}}]})

    assert [("x", "add", '{"a": 1}')] == [(tool.id, tool.name, tool.arguments) for tool in answer.tool_calls]


def _pieces(*pieces: tuple[int | None, str | None, str | None, str]) -> list[dict[str, Any]]:
    deltas = []
    for index, call_id, name, arguments in pieces:
        fields: dict[str, Any] = {"function": {"arguments": arguments, **({"name": name} if name else {})}}
        fields |= {"index": index} if index is not None else {}
        fields |= {"id": call_id} if call_id is not None else {}
        deltas.append(_delta(tool_calls=[fields]))
    return deltas


@pytest.mark.parametrize(
    "pieces",
    [
        _pieces((0, "a", "add", '{"x"'), (0, None, None, ":1}"), (1, "b", "mul", "{}")),
        _pieces((0, "a", "add", '{"x"'), (0, "a", "add", ":1}"), (1, "b", "mul", "{}")),
        _pieces((0, "a", "add", '{"x":1}'), (0, "b", "mul", "{}")),
        _pieces((None, "a", "add", '{"x"'), (None, None, None, ":1}"), (None, "b", "mul", "{}")),
        _pieces((None, "a", "add", '{"x":1}'), (None, "b", "mul", "")),
        _pieces((3, "a", "add", '{"x":1}'), (5, "b", "mul", "{}")),
    ],
    ids=["openai", "repeated", "always-0", "no-index", "whole", "gaps"],
)
def test_streamed_calls_are_put_together_however_they_are_counted(pieces: list[dict[str, Any]]) -> None:
    answer = _streamed(*pieces, _delta("tool_calls"))

    assert [("a", "add", '{"x":1}'), ("b", "mul", "{}")] == [
        (tool.id, tool.name, tool.arguments) for tool in answer.tool_calls
    ]


@pytest.mark.parametrize(
    ("told", "expected"),
    [("eos", "stop"), ("model_length", "length"), ("MAX_TOKENS", "length"), ("length", "length"), (None, "stop")],
)
def test_finish_reasons_have_one_name(told: str | None, expected: str) -> None:
    assert expected == _whole({"content": "x"}, finish=told).finish_reason


USAGE = {
    "prompt_tokens": 11,
    "completion_tokens": 5,
    "total_tokens": 20,
    "prompt_tokens_details": {"cached_tokens": 3},
    "completion_tokens_details": {"reasoning_tokens": 4},
    "cost": 0.0,
}
READ = Usage(input_tokens=11, output_tokens=5, total_tokens=20, cache_read_tokens=3, reasoning_tokens=4, cost=0.0)


@pytest.mark.parametrize(
    "payloads",
    [
        [_delta(content="x"), _delta("stop"), {"choices": [], "usage": USAGE}],
        [_delta(content="x"), {**_delta("stop"), "usage": USAGE}],
        [_delta(content="x"), _delta("stop"), {**_delta(None, content=""), "usage": USAGE}],
        [_delta(content="x"), {**_delta("stop"), "x_groq": {"usage": USAGE}}],
        [{**_delta(content="x"), "usage": None}, {**_delta("stop"), "usage": USAGE}],
        [{"choices": [], "prompt_filter_results": []}, _delta(content="x"), {**_delta("stop"), "usage": USAGE}],
    ],
)
def test_usage_is_found_wherever_a_stream_tells_it(payloads: list[dict[str, Any]]) -> None:
    answer = _streamed(*payloads)

    assert READ == answer.usage == _whole({"content": "x"}, usage=USAGE).usage
    assert "stop" == answer.finish_reason


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": None}, "none"])
def test_a_usage_that_nobody_told_is_marked_as_estimated(usage: Any) -> None:
    whole, streamed = _whole({"content": "x" * 40}, usage=usage), _streamed(_delta(content="x" * 40), _delta("stop"))

    assert whole.usage.is_estimated
    assert 10 == whole.usage.output_tokens == streamed.usage.output_tokens
    assert 0 < whole.usage.input_tokens


@pytest.mark.parametrize(
    "body",
    ["", "   \n  ", "<html>", "nonsense", '{"choices": null}', '{"choices": []}', '{"choices": [null]}', "[]", "3",
     '{"choices": [{"message": null}]}', "[" * 100_000, '{"a": ' + "9" * 5000 + "}"],
)  # fmt: skip
def test_what_is_no_answer_is_a_bad_payload(body: str) -> None:
    with pytest.raises(BadPayload):
        decode_answer(call(), Reply(status=200, headers={}, body=body.encode()))


def test_blank_lines_before_the_json_are_passed_over() -> None:
    body = b'\n         \n\n{"choices":[{"message":{"content":"Paris."}}]}'

    assert "Paris." == decode_answer(call(), Reply(status=200, headers={}, body=body)).text


def test_an_answer_of_nothing_is_empty_and_says_why() -> None:
    with pytest.raises(EmptyAnswer):
        _whole({"content": ""})
    with pytest.raises(EmptyAnswer, match="max_tokens"):
        _whole({"content": None, "reasoning": "hm"}, finish="length")
    with pytest.raises(PermissionDenied):
        _whole({"content": ""}, finish="content_filter")
    with pytest.raises(EmptyAnswer):
        _streamed(_delta(reasoning="hm"), _delta("length"))
    with pytest.raises(PermissionDenied):
        _streamed(_delta(role="assistant"), _delta("content_filter"))


def test_a_fault_inside_a_choice_is_a_fault() -> None:
    with pytest.raises(ProviderError):
        decode_answer(
            call(),
            Reply(status=200, headers={}, body=b'{"choices":[{"message":{"content":"Par"},"error":{"code":502}}]}'),
        )
    with pytest.raises(ProviderError):
        _streamed(_delta(content="Par"), _delta("error"))
    with pytest.raises(ProviderError):
        _streamed(_delta(content="Par"), _delta("stop"), {"choices": [], "error": {"message": "Token limit reached"}})
    with pytest.raises(ProviderError):
        _streamed(_delta(content="Par"), end='event: error\ndata: {"error":{"message":"x","status_code":400}}\n\n')


@pytest.mark.parametrize("end", ["", "data: {", 'data: {"choices":[{"delta":{"content":"is'])
def test_a_stream_that_just_stops_was_cut(end: str) -> None:
    with pytest.raises(ConnectionFailed):
        _streamed(_delta(content="Par"), end=end)


def test_a_stream_without_end_mark_is_whole_after_a_finish_reason() -> None:
    assert "Paris." == _streamed(_delta(content="Paris."), _delta("stop"), end="").text


def test_nothing_after_the_end_mark_counts() -> None:
    answer = _streamed(_delta(content="Paris."), _delta("stop"), end="data: [DONE]\n\ndata: junk\n\n")

    assert "Paris." == answer.text


def test_a_host_that_ignores_the_wish_for_a_stream_is_understood() -> None:
    body = json.dumps({"choices": [{"message": {"content": "Paris."}, "finish_reason": "stop"}]})

    assert "Paris." == _streamed(end=body, size=5).text


def test_events_that_are_no_json_are_a_bad_payload() -> None:
    with pytest.raises(BadPayload):
        _streamed(end="data: nonsense\n\n")
    with pytest.raises(BadPayload):
        _streamed({"choices": None})


def test_what_the_host_tells_beside_the_answer_is_kept() -> None:
    answer = _whole({"content": "x"}, provider="Chutes", system_fingerprint="fp")

    assert {"provider": "Chutes", "system_fingerprint": "fp"} == dict(answer.extra)
    assert ("big", "a1") == (answer.model, answer.id)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["choices", "message", "delta", "content", "tool_calls", "function", "usage", "error", "index"]),
        inner,
        max_size=4,
    ),
    max_leaves=15,
)  # fmt: skip


@given(payload=_JSON)
def test_whatever_json_comes_gives_an_answer_or_a_typed_fault(payload: Any) -> None:
    """A hostile host cannot make the reader itself fail."""
    for read in (
        lambda: decode_answer(call(), Reply(status=200, headers={}, body=json.dumps(payload).encode())),
        lambda: _streamed(payload, _delta("stop")),
        lambda: _streamed({"choices": [payload]}, {"choices": [{"delta": payload}]}),
    ):
        try:
            found: Answer | ProviderError = read()
        except ProviderError as error:
            found = error
        assert isinstance(found, Answer) or "fake:tiny" in str(found)


def _tool_pieces(*deltas: dict[str, Any]) -> list[tuple[str, str, str]]:
    calls = [_delta(tool_calls=[delta]) for delta in deltas]
    answer = _streamed(*calls, _delta("tool_calls"))
    return [(tool.id, tool.name, tool.arguments) for tool in answer.tool_calls]


@pytest.mark.parametrize("place", [{"index": 0}, {}])
def test_a_tool_call_that_begins_without_a_name_keeps_its_early_id(place: dict[str, int]) -> None:
    begun = {**place, "id": "c", "function": {"name": "", "arguments": ""}}
    named = {**place, "function": {"name": "add", "arguments": ""}}
    filled = {**place, "function": {"arguments": '{"a": 1}'}}

    assert [("c", "add", '{"a": 1}')] == _tool_pieces(begun, named, filled)


def test_two_tool_calls_that_begin_without_names_keep_their_ids_apart() -> None:
    deltas = [
        {"index": 0, "id": "a", "function": {"name": ""}},
        {"index": 1, "id": "b", "function": {"name": ""}},
        {"index": 1, "function": {"name": "second", "arguments": "{}"}},
        {"index": 0, "function": {"name": "first", "arguments": "{}"}},
    ]

    assert [("b", "second", "{}"), ("a", "first", "{}")] == _tool_pieces(*deltas)


@given(
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "index": st.sampled_from([0, 1, 2, None]),
                "id": st.sampled_from(["", "a", "b"]),
                "function": st.fixed_dictionaries(
                    {},
                    optional={"name": st.sampled_from(["", "f", "g"]), "arguments": st.sampled_from(["", "{}", "x"])},
                ),
            },
        ),
        max_size=6,
    )
)
def test_no_order_of_tool_call_pieces_breaks_the_decoder(deltas: list[dict[str, Any]]) -> None:
    """The first call stays what it was, and each has a name and an id of its own; a nameless one is a fault."""
    try:
        pieces = _tool_pieces({"id": "z", "function": {"name": "add"}}, *deltas)
    except BadPayload as error:
        assert "a tool call without a name" in str(error)  # noqa: PT017 - the other outcome is as right
        return

    assert ("z", "add") == pieces[0][:2]
    assert all(name for _, name, _ in pieces)
    assert len({tool_id for tool_id, _, _ in pieces}) == len(pieces)


REQUIRED: list[dict[str, Any]] = [
    {"tool_choice": "required"},
    {"tool_choice": "any"},
    {"tool_choice": {"type": "function", "function": {"name": "add"}}},
]
TOOLS = ({"type": "function", "function": {"name": "add"}},)


@pytest.mark.parametrize("fields", REQUIRED)
def test_words_where_a_tool_call_was_required_are_a_bad_payload(fields: dict[str, Any]) -> None:
    """The next route must be asked (FIELD 11); what a reader has already seen of a stream stays."""
    asked = call(tools=TOOLS, **fields)
    body = json.dumps({"choices": [{"message": {"content": "Sure!"}, "finish_reason": "stop"}]}).encode()
    words = b"data: %b\n\n" % json.dumps(_delta("stop", content="Sure!")).encode()

    with pytest.raises(BadPayload, match="answered in words though a tool call was required") as caught:
        decode_answer(asked, Reply(status=200, headers={}, body=body))
    with pytest.raises(BadPayload):
        _fed(asked, body)
    with pytest.raises(BadPayload):
        _fed(asked, words.rstrip())

    assert "next_route" == caught.value.advice
    assert "Sure!" == _fed(asked, words + b"data: [DONE]\n\n")


@pytest.mark.parametrize("choice", ["auto", "none", None])
def test_words_are_welcome_where_a_tool_call_was_not_required(choice: str | None) -> None:
    body = json.dumps({"choices": [{"message": {"content": "Sure!"}, "finish_reason": "stop"}]}).encode()
    reply = Reply(status=200, headers={}, body=body)

    assert "Sure!" == decode_answer(call(tools=TOOLS, tool_choice=choice), reply).text
    assert "Sure!" == decode_answer(call(tool_choice="required"), reply).text


def _fed(asked: Call, data: bytes) -> str:
    decoder = StreamDecoder(asked)
    return "".join(chunk.text for chunk in [*decoder.feed(data), *decoder.finish()])
