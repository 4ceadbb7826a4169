"""LangChain's messages to the wire's and back, nothing lost and nothing let through (S2-01)."""

from dataclasses import replace
from typing import Any

import pytest
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    convert_to_messages,
    merge_message_runs,
)
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from openmux_lc.errors import ConfigError
from openmux_lc.providers.messages import (
    previous_route,
    to_ai_message,
    to_chunk,
    to_last_chunk,
    to_wire_messages,
    usage_metadata,
)
from openmux_lc.types.catalog import Route
from openmux_lc.types.run import Answer, Chunk, ToolCall, ToolCallDelta, Usage

ROUTE = Route("groq", "openai/gpt-oss-20b")
PNG = "data:image/png;base64,AAEC"
PICTURE = {"type": "image_url", "image_url": {"url": PNG}}


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image_url", "image_url": {"url": PNG}},
        {"type": "image_url", "image_url": PNG},
        {"type": "image_url", "image_url": {"url": PNG}, "cache_control": {"type": "ephemeral"}, "index": 1},
        {"type": "image", "base64": "AAEC", "mime_type": "image/png"},
        {"type": "image", "url": PNG},
        {"type": "image", "source_type": "base64", "data": "AAEC", "mime_type": "image/png"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAEC"}},
        {"type": "image", "source": {"type": "url", "url": PNG}},
    ],
)
def test_a_picture_of_every_form_becomes_the_wires(block: dict[str, Any]) -> None:
    (wire,) = to_wire_messages([HumanMessage([{"type": "text", "text": "Look"}, block])])

    assert [{"type": "text", "text": "Look"}, PICTURE] == wire["content"]


def test_texts_lose_their_marks() -> None:
    blocks = [{"type": "text", "text": "a", "cache_control": {}, "index": 0}, "b"]

    (wire,) = to_wire_messages([HumanMessage(blocks)])

    assert {"role": "user", "content": "a\nb"} == wire


@pytest.mark.parametrize(
    "content",
    [
        [{"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "text", "text": "Hi", "index": 1}],
        [{"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": "Hi"}],
        [{"type": "redacted_thinking", "data": "x"}, "Hi"],
        [{"type": "text", "text": "Hi"}, {"type": "non_standard", "value": {}}],
        [{"type": "text", "text": "Hi", "annotations": []}, PICTURE],
        "Hi",
    ],
)
def test_thoughts_and_strange_blocks_of_earlier_answers_do_not_travel(content: Any) -> None:
    (wire,) = to_wire_messages([AIMessage(content, additional_kwargs={"reasoning_content": "hm"})])

    assert {"role": "assistant", "content": "Hi"} == wire


@pytest.mark.parametrize(
    "message",
    [
        AIMessage("", tool_calls=[{"name": "add", "args": {"a": 1}, "id": "c1"}]),
        AIMessage(
            [{"type": "tool_use", "id": "c1", "name": "add", "input": {"a": 1}}],
            tool_calls=[{"name": "add", "args": {"a": 1}, "id": "c1"}],
        ),
        AIMessageChunk(
            content="", tool_call_chunks=[{"name": "add", "args": '{"a": 1}', "id": "c1", "index": 0}],
        ),
    ],
)  # fmt: skip
def test_calls_alone_have_no_content(message: BaseMessage) -> None:
    (wire,) = to_wire_messages([message])

    assert wire == {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"type": "function", "id": "c1", "function": {"name": "add", "arguments": '{"a": 1}'}}],
    }


def test_a_call_with_broken_arguments_still_stands_before_its_result() -> None:
    broken = [{"name": "add", "args": "{a", "id": "c1", "error": None}]

    wire = to_wire_messages([AIMessage("", invalid_tool_calls=broken), ToolMessage("no", tool_call_id="c1")])

    assert "c1" == wire[0]["tool_calls"][0]["id"] == wire[1]["tool_call_id"]  # type: ignore[index]
    assert "{}" == wire[0]["tool_calls"][0]["function"]["arguments"]  # type: ignore[index]


def test_what_langchain_takes_for_a_message_is_taken() -> None:
    wire = to_wire_messages([("system", "s"), "u", {"role": "assistant", "content": "a"}, SystemMessage("t")])

    assert [("system", "s"), ("user", "u"), ("assistant", "a"), ("system", "t")] == [
        (message["role"], message["content"]) for message in wire
    ]


def test_a_tool_result_of_anthropics_form_becomes_a_message_of_its_own() -> None:
    result = {"type": "tool_result", "tool_use_id": "c1", "content": "3"}

    assert ({"role": "tool", "tool_call_id": "c1", "content": "3"},) == to_wire_messages([HumanMessage([result])])


def test_what_cannot_be_converted_is_named_by_its_place_and_not_quoted() -> None:
    secret = HumanMessage([{"type": "media", "mime_type": "text/plain", "data": "the user's secret"}])

    with pytest.raises(ConfigError, match="message 1 ") as caught:
        to_wire_messages(["fine", secret])

    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


ANSWER = Answer(
    route=ROUTE,
    text="Hi",
    reasoning="hm",
    tool_calls=(
        ToolCall(id="c1", name="add", arguments='{"a": 1}'),
        ToolCall(id="c2", name="add", arguments="broken"),
        ToolCall(id="c3", name="add", arguments="[1]"),
    ),
    finish_reason="tool_calls",
    usage=Usage(input_tokens=9, output_tokens=4, total_tokens=13, reasoning_tokens=2, cache_read_tokens=1, cost=0.5),
    model="openai/gpt-oss-20b",
    id="chatcmpl-1",
    extra={"provider": "x", "share": 0.5},
)


def test_an_answer_becomes_a_message_with_everything_it_holds() -> None:
    message = to_ai_message(ANSWER, {"v": 1})

    assert "Hi" == message.text
    assert [("add", {"a": 1}, "c1")] == [(call["name"], call["args"], call["id"]) for call in message.tool_calls]
    assert ["c2", "c3"] == [call["id"] for call in message.invalid_tool_calls]
    assert {"reasoning_content": "hm"} == message.additional_kwargs
    assert message.response_metadata == {
        "model_name": "openai/gpt-oss-20b",
        "model_provider": "groq",
        "finish_reason": "tool_calls",
        "id": "chatcmpl-1",
        "provider": "x",
        "openmux": {"v": 1},
    }
    assert message.usage_metadata == {
        "input_tokens": 9,
        "output_tokens": 4,
        "total_tokens": 13,
        "input_token_details": {"cache_read": 1},
        "output_token_details": {"reasoning": 2},
    }


def test_chunks_add_up_to_the_message_of_the_whole_answer() -> None:
    pieces = [
        Chunk(reasoning="h"),
        Chunk(reasoning="m", text="H"),
        Chunk(text="i", tool_calls=(ToolCallDelta(index=0, id="c1", name="add", arguments='{"a"'),)),
        Chunk(tool_calls=(ToolCallDelta(index=0, arguments=": 1}"),)),
        Chunk(tool_calls=(ToolCallDelta(index=1, id="c2", name="add", arguments="broken"),)),
        Chunk(tool_calls=(ToolCallDelta(index=2, id="c3", name="add", arguments="[1]"),)),
    ]
    chunks = [*map(to_chunk, pieces), to_last_chunk(ANSWER, {"v": 1})]

    total = chunks[0]
    for chunk in chunks[1:]:
        total = total + chunk

    whole = to_ai_message(ANSWER, {"v": 1})
    for name in ("content", "tool_calls", "additional_kwargs", "response_metadata", "usage_metadata"):
        assert getattr(whole, name) == getattr(total, name), name
    assert "last" == total.chunk_position


def test_a_last_chunk_without_others_before_carries_the_content() -> None:
    chunk = to_last_chunk(ANSWER, is_whole=True)

    assert ("Hi", "hm", "c1") == (chunk.text, chunk.additional_kwargs["reasoning_content"], chunk.tool_calls[0]["id"])
    assert "openmux" not in chunk.response_metadata


def test_usage_without_details_tells_none() -> None:
    assert {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3} == usage_metadata(
        Usage(input_tokens=1, output_tokens=2, total_tokens=3)
    )


def test_a_conversation_survives_the_way_there_and_back() -> None:
    history = [
        SystemMessage("Be kind"),
        HumanMessage("Add 1 and 2"),
        AIMessage("", tool_calls=[{"name": "add", "args": {"a": 1, "b": 2}, "id": "c1"}]),
        ToolMessage("3", tool_call_id="c1"),
        AIMessage("It is 3."),
    ]

    back = convert_to_messages([dict(message) for message in to_wire_messages(history)])

    assert [(type(m), m.content, getattr(m, "tool_calls", None)) for m in history] == [
        (type(m), m.content, getattr(m, "tool_calls", None)) for m in back
    ]


@pytest.mark.parametrize(
    ("messages", "route"),
    [
        ([HumanMessage("x")], None),
        (
            [AIMessage("x", response_metadata={"openmux": {"route": "groq:a:b"}}), HumanMessage("y")],
            Route("groq", "a:b"),
        ),
        ([AIMessage("x", response_metadata={"openmux": "junk"})], None),
        (["text", ("user", "x")], None),
    ],
)
def test_the_route_of_the_last_answer_is_found(messages: list[Any], route: Route | None) -> None:
    assert route == previous_route(messages)


ECHO = {"signatures": {"call_1": "sig"}, "reasoning_details": [{"type": "reasoning.text", "text": "hm"}]}


@pytest.mark.parametrize("is_streamed", [False, True])
def test_what_a_provider_wants_back_comes_back_with_its_name(is_streamed: bool) -> None:
    """Thought signatures survive the agent's loop, whole or streamed, and say whose they are."""
    answer = Answer(route=ROUTE, tool_calls=(ToolCall(id="call_1", name="f", arguments="{}"),), echo=ECHO)
    message: BaseMessage = to_ai_message(answer)
    if is_streamed:
        delta = ToolCallDelta(index=0, id="call_1", name="f", arguments="{}")
        message = to_chunk(Chunk(tool_calls=(delta,))) + to_last_chunk(answer)

    wire = to_wire_messages([message, ToolMessage("1", tool_call_id="call_1")])

    assert {"provider": "groq", "model": "openai/gpt-oss-20b", **ECHO} == wire[0]["echo"]
    assert "echo" not in wire[1]


def test_an_answer_without_marks_leaves_none() -> None:
    assert {} == to_ai_message(Answer(route=ROUTE, text="Hi.")).additional_kwargs


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"index": 0, "score": 0.5}, {"index": 0, "score": 0.7}),
        ({"index": 0, "flag": True}, {"index": 0, "flag": False}),
        ({"index": 0, "deep": {}}, {"index": 0, "deep": "x"}),
    ],
)
def test_joined_answers_keep_no_echo_and_fail_on_none(first: dict[str, Any], second: dict[str, Any]) -> None:
    """`merge_message_runs` joins what it finds leaf by leaf; marks of two answers fit neither."""
    pair = [to_ai_message(Answer(route=ROUTE, text="Hi", echo={"reasoning_details": [it]})) for it in (first, second)]

    merged = merge_message_runs(pair)

    assert "echo" not in to_wire_messages(merged)[0]
    assert "echo" in to_wire_messages(pair)[0]


def test_an_echo_survives_the_stores_of_langchain_and_langgraph() -> None:
    """Lone halves of characters and `NaN` come from hosts; neither may break a store, or a later request."""
    answer = Answer(route=ROUTE, text="Hi", echo={"reasoning_details": [{"text": "\ud800", "index": 0}]})
    odd = to_ai_message(replace(answer, echo={"reasoning_details": [{"score": float("nan")}]}))
    message = to_ai_message(answer)
    serde = JsonPlusSerializer()

    stored = serde.loads_typed(serde.dumps_typed(message))

    assert {"provider": "groq", "model": "openai/gpt-oss-20b", **answer.echo} == to_wire_messages([stored])[0]["echo"]
    assert "echo" not in to_wire_messages([odd])[0]
