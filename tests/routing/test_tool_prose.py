"""Tool calls written as prose: rescued where a bound tool takes them, and nothing else is touched."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmux_lc.routing.tool_prose import Written, opening, rescued
from openmux_lc.types.run import Request

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = (
    {"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}},
    {"type": "function", "function": {"name": "now", "parameters": {"type": "object", "properties": {}}}},
)
BOUND = Request(messages=({"role": "user", "content": "hi"},), tools=TOOLS)
CALL = Written("get_weather", '{"city": "Paris"}')

DIALECTS = {
    "tag": '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n</tool_call>',
    "tag without its end": '<tool_call>{"name": "get_weather", "arguments": {"city": "Paris"}}',
    "tag with a name in front": '<tool_call>get_weather\n{"city": "Paris"}</tool_call>',
    "fence": '```json\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n```',
    "fence with parameters": '```\n{"name": "get_weather", "parameters": {"city": "Paris"}}\n```',
    "fence with a list": '```json\n[{"name": "get_weather", "arguments": {"city": "Paris"}}]\n```',
    "function": '<function=get_weather>{"city": "Paris"}</function>',
    "list": '[TOOL_CALLS] [{"name": "get_weather", "arguments": {"city": "Paris"}}]',
    "list with a name in front": '[TOOL_CALLS]get_weather[ARGS]{"city": "Paris"}',
    "bare": '{"name": "get_weather", "parameters": {"city": "Paris"}}',
    "bare, the wire's form": json.dumps(
        {"type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'}}
    ),
    "bare, the whole wire's": '{"tool_calls": [{"function": {"name": "get_weather", "arguments": {"city": "Paris"}}}]}',
    "bare, the function's name": '{"function": "get_weather", "args": {"city": "Paris"}}',
    "python": '<|python_tag|>get_weather.call({"city": "Paris"})',
    "python's own form": '<|python_tag|>get_weather(city="Paris")<|eom_id|>',
    "python mark and an object": '<|python_tag|>{"name": "get_weather", "parameters": {"city": "Paris"}}',
}


@pytest.mark.parametrize("text", DIALECTS.values(), ids=DIALECTS.keys())
@pytest.mark.parametrize("before", ["", "Let me look.\n"], ids=["alone", "behind words"])
def test_11_every_known_dialect_is_rescued_and_its_prose_removed(text: str, before: str):
    found = rescued(BOUND, before + text)

    assert found is not None
    assert (CALL,) == found.calls
    assert before.strip() == found.text


@pytest.mark.parametrize("text", DIALECTS.values(), ids=DIALECTS.keys())
def test_11_without_a_bound_tool_of_that_name_the_words_stay_words(text: str):
    other = Request(messages=BOUND.messages, tools=(TOOLS[1],))
    none = Request(messages=BOUND.messages)
    off = Request(messages=BOUND.messages, tools=TOOLS, tool_choice="none")

    assert [None, None, None] == [rescued(request, text) for request in (other, none, off)]


@pytest.mark.parametrize(
    "text",
    [
        text.replace('"city"', '"town"').replace('\\"city\\"', '\\"town\\"').replace("city=", "town=")
        for text in DIALECTS.values()
    ],
    ids=DIALECTS.keys(),
)
def test_11_arguments_that_the_tool_does_not_take_are_no_call(text: str):
    assert rescued(BOUND, text) is None


def test_11_several_calls_are_all_rescued_and_words_between_them_stay():
    text = f"First:{DIALECTS['tag']} then {DIALECTS['function']} end"
    found = rescued(BOUND, text)

    assert found is not None
    assert (CALL, CALL) == found.calls
    assert "First: then  end" == found.text


ORDINARY = {
    "an object that is data": '{"name": "get_weather", "age": 3}',
    "an object without arguments": '{"name": "get_weather"}',
    "code": "```python\nprint({'name': 'get_weather'})\n```",
    "a tag that is talked about": "Use <tool_call> to call a tool such as get_weather.",
    "a broken object": '<tool_call>{"name": "get_weather", "arguments": {"city": ',
    "arguments as broken text": '{"name": "get_weather", "arguments": "{"}',
    "python that is no literal": "<|python_tag|>get_weather(city=input())",
    "python that is no call": "<|python_tag|>import os; os.system('x') (",
    "a list with one that is unknown": '[TOOL_CALLS][{"name": "now", "arguments": {}},{"name": "rm", "arguments": {}}]',
    "a call inside of data": '{"steps": {"name": "now", "arguments": {}}}',
    "a call inside of broken data": '{ steps: {"name": "now", "arguments": {}} }',
    "a call that is talked about": 'Write {"name": "now", "arguments": {}} to call it.',
    "brackets": "<[{`" * 200,
    "deep": "<tool_call>" + "[" * 5_000,
}


@pytest.mark.parametrize("text", ORDINARY.values(), ids=ORDINARY.keys())
def test_11_what_is_no_call_stays_text(text: str):
    assert rescued(BOUND, text) is None


def test_11_an_object_is_the_answer_where_a_format_was_asked_for():
    asked = Request(messages=BOUND.messages, tools=TOOLS, response_format={"type": "json_object"})

    assert rescued(asked, DIALECTS["bare"]) is None
    assert rescued(asked, DIALECTS["tag"]) is not None


@pytest.mark.parametrize("text", DIALECTS.values(), ids=DIALECTS.keys())
def test_11_no_beginning_of_a_call_is_let_through(text: str):
    """Whatever of a call has come, the place where it begins is found."""
    for end in range(1, len(text) + 1):
        assert 0 == opening(text[:end])
        assert 6 == opening(f"words {text[:end]}")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "words",
        "a < b",
        "`code` here",
        '{"city": 1',
        "{x}",
        "```python\nx",
        "[1]",
        "<b>",
        '{"name": "x", "age": 3}',
        "{'a'",
    ],
)
def test_11_what_cannot_become_a_call_is_not_held(text: str):
    assert opening(text) is None


@given(st.text(alphabet='<[{`"nametool_cl>: }]', max_size=60))
def test_11_any_text_is_read_without_a_fault(text: str):
    found, begin = rescued(BOUND, text), opening(text)

    assert found is None or {call.name for call in found.calls} <= {"get_weather", "now"}
    assert begin is None or 0 <= begin < len(text)


@given(st.text(max_size=20))
def test_11_arguments_come_through_as_they_were_written(city: str):
    text = f"<tool_call>{json.dumps({'name': 'get_weather', 'arguments': {'city': city}})}</tool_call>"
    found = rescued(BOUND, text)

    assert found is not None
    assert {"city": city} == json.loads(found.calls[0].arguments)
