"""The pure checker: what was asked for, what came, and what is wrong with it."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmux_lc.routing.contract import is_bound, keep, repair
from openmux_lc.routing.json_schema import problem_of
from openmux_lc.routing.json_text import only_json
from openmux_lc.types.catalog import Route
from openmux_lc.types.run import Answer, Request, ToolCall

ROUTE = Route("a", "m")
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": CITY}}
ASKED = {"role": "user", "content": "hi"}

FITS = {
    "an object": ({"city": "Paris"}, CITY),
    "a whole float": (3.0, {"type": "integer"}),
    "one of several types": (None, {"type": ["string", "null"]}),
    "nullable": (None, {"type": "string", "nullable": True}),
    "an enum": ("b", {"enum": ["a", "b"]}),
    "any of": (3, {"anyOf": [{"type": "string"}, {"type": "number", "minimum": 2}]}),
    "a reference": (
        {"next": {"next": None}},
        {
            "$defs": {
                "Node": {
                    "type": "object",
                    "properties": {"next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]}},
                }
            },
            "$ref": "#/$defs/Node",
        },
    ),
    "an unknown keyword": ("x", {"type": "string", "format": "date", "pattern": "^y$"}),
    "an unknown type": ("x", {"type": "date"}),
    "an unknown reference": ("x", {"$ref": "https://elsewhere/#/a"}),
    "a schema that is nothing but true": ({"a": 1}, {"properties": {"a": True}}),
    "a reference to itself": ("x", {"$ref": "#"}),
    "further properties by a pattern": ({"x": 1}, {"additionalProperties": False, "patternProperties": {"x": {}}}),
    "places in a row": (["a", 1], {"prefixItems": [{"type": "string"}], "items": {"type": "integer"}}),
}
BREAKS = {
    "a missing property": ({}, CITY, "the value lacks 'city'"),
    "a wrong type": ({"city": 3}, CITY, "city must be of type string"),
    "truth is no number": (True, {"type": "integer"}, "must be of type integer"),
    "truth is not one": (True, {"enum": [1]}, "one of the values"),
    "a constant": ("b", {"const": "a"}, "must be the constant"),
    "a place in a list": ([1, "x"], {"items": {"type": "integer"}}, "[1] must be of type integer"),
    "no choice": ("x", {"anyOf": [{"type": "integer"}, {"type": "null"}]}, "must be of type"),
    "none of many": ("x", {"oneOf": [{"type": "integer"}] * 5}, "none of the schema's choices"),
    "all of": (1, {"allOf": [{"minimum": 0}, {"minimum": 2}]}, "at least 2"),
    "a further property": ({"a": 1}, {"additionalProperties": False}, "a property that the schema does not know"),
    "a further property's value": ({"a": "x"}, {"additionalProperties": {"type": "integer"}}, "* must be of type"),
    "too small": (1, {"exclusiveMinimum": 1}, "more than 1"),
    "too large": (3, {"maximum": 2}, "at most 2"),
    "not below": (3, {"exclusiveMaximum": 3}, "less than 3"),
    "too short": ("", {"minLength": 1}, "at least 1 characters"),
    "too many": ([1, 2], {"maxItems": 1}, "at most 1 items"),
    "nothing is allowed": ({"a": 1}, {"properties": {"a": False}}, "a is not allowed"),
    "deep in a reference": (
        {"a": {"b": 1}},
        {"$defs": {"A": {"properties": {"b": {"type": "string"}}}}, "properties": {"a": {"$ref": "#/$defs/A"}}},
        "a.b must be of type string",
    ),
}


@pytest.mark.parametrize(("value", "schema"), FITS.values(), ids=FITS.keys())
def test_a_value_that_fits_has_no_problem(value: object, schema: dict):
    assert "" == problem_of(value, schema)


@pytest.mark.parametrize(("value", "schema", "words"), BREAKS.values(), ids=BREAKS.keys())
def test_a_value_that_breaks_its_schema_is_told_with_the_place(value: object, schema: dict, words: str):
    assert words in problem_of(value, schema)


def test_choices_within_choices_end_in_time():
    """A schema that refers to itself on every branch has more paths than can ever be walked."""
    schema = {"type": "object", "anyOf": [{"$ref": "#"}, {"$ref": "#"}]}
    began = time.thread_time()

    assert "" == problem_of({}, schema)
    assert time.thread_time() - began < 5


CUT = {
    "bare": ('{"a": 1}', {"a": 1}),
    "fenced": ('Here you are:\n```json\n{"a": 1}\n```\nBye.', {"a": 1}),
    "behind prose": ('The answer is {"a": {"b": [1]}}', {"a": {"b": [1]}}),
    "stray commas": ('{"a": [1, 2,], "b": ",}",}', {"a": [1, 2], "b": ",}"}),
    "stray commas behind prose": ('Sure: {"a": 1,} ok', {"a": 1}),
    "a brace in the prose": ('In the set {x, y} it is {"a": 1}', {"a": 1}),
}


@pytest.mark.parametrize(("text", "value"), CUT.values(), ids=CUT.keys())
def test_the_one_json_value_is_cut_out(text: str, value: object):
    found = only_json(text)

    assert found is not None
    assert value == found[1] == json.loads(found[0])


@pytest.mark.parametrize(
    "text", ["", "no JSON", '{"a": 1} or {"a": 2}', '{"a": NaN}', "[" * 100_000, "{" * 300_000, '{"a": "' + "x" * 99]
)
def test_where_several_or_none_could_be_meant_none_is_taken(text: str):
    assert only_json(text) is None


def test_a_list_in_the_prose_is_no_rival_of_an_object():
    assert ('{"a": 1}', {"a": 1}) == only_json('As [1] says: {"a": 1}', is_object=True)
    assert only_json('As [1] says: {"a": 1}') is None


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    ).filter(lambda value: isinstance(value, dict | list))
)
def test_every_value_is_found_again_in_prose_without_brackets(value: object):
    found = only_json(f"Sure, this is it: {json.dumps(value)} I hope it helps.")

    assert found is not None
    assert value == found[1]


def form(schema: dict | None = None) -> dict:
    if schema is None:
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}


def asking(**fields: object) -> Request:
    return Request(messages=(ASKED,), **fields)


def test_a_request_that_asks_for_nothing_takes_any_words():
    answer = Answer(route=ROUTE, text="words")

    assert not is_bound(asking(tools=(TOOL,)))
    assert answer is keep(asking(tools=(TOOL,)), answer).answer
    assert "" == keep(asking(tool_choice="required"), answer).problem


def test_json_is_cut_out_of_an_answer_and_a_bare_one_is_left_as_it_is():
    request = asking(response_format=form(CITY))
    bare = Answer(route=ROUTE, text='{"city": "Paris"}\n')
    kept = keep(request, Answer(route=ROUTE, text='```json\n{"city": "Paris"}\n```'))

    assert ("", '{"city": "Paris"}') == (kept.problem, kept.answer.text)
    assert bare is keep(request, bare).answer


@pytest.mark.parametrize(
    ("wanted", "answer", "words"),
    [
        ({"response_format": form(CITY)}, Answer(route=ROUTE, text='{"town": "Paris"}'), "lacks 'city'"),
        ({"response_format": form(CITY)}, Answer(route=ROUTE, text="Paris"), "not exactly one JSON value"),
        (
            {"response_format": form(CITY)},
            Answer(route=ROUTE, text='{"city": "Pa', finish_reason="length"),
            "cut off at its longest",
        ),
        ({"response_format": form()}, Answer(route=ROUTE, text="[1]"), "of type object"),
        ({"tools": (TOOL,), "tool_choice": "required"}, Answer(route=ROUTE, text="Paris"), "answered in words"),
    ],
)
def test_what_is_wrong_is_told_without_a_word_of_the_answer(wanted: dict, answer: Answer, words: str):
    problem = keep(asking(**wanted), answer).problem

    assert words in problem
    assert "Paris" not in problem
    assert len(problem) <= 200


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("get_weather", '{"city": "Paris",}', ""),
        ("get_weather", "{}", "in the arguments of get_weather, the value lacks 'city'"),
        ("get_weather", "[]", "must be of type object"),
        ("get_weather", "{", "are no JSON"),
        ("other", "{}", "another tool"),
    ],
)
def test_a_required_call_has_to_fit_its_tool(name: str, arguments: str, words: str):
    named = {"type": "function", "function": {"name": "get_weather"}}
    answer = Answer(route=ROUTE, tool_calls=(ToolCall(id="1", name=name, arguments=arguments),))

    for choice in ("required", named):
        problem = keep(asking(tools=(TOOL,), tool_choice=choice), answer).problem
        assert words in problem
        assert bool(words) == bool(problem)


def test_a_call_of_a_tool_that_is_not_the_named_one_breaks_the_contract():
    second = {"type": "function", "function": {"name": "other", "parameters": {}}}
    answer = Answer(route=ROUTE, tool_calls=(ToolCall(id="1", name="other", arguments="{}"),))
    named = {"type": "function", "function": {"name": "get_weather"}}

    assert "" == keep(asking(tools=(TOOL, second), tool_choice="required"), answer).problem
    assert keep(asking(tools=(TOOL, second), tool_choice=named), answer).problem


def test_the_repair_shows_the_answer_and_the_problem():
    request = asking(response_format=form(CITY))
    mended = repair(request, Answer(route=ROUTE, text="x" * 9_000), "the value lacks 'city'")

    assert ASKED == mended.messages[0]
    assert ("assistant", 8_000) == (mended.messages[1]["role"], len(mended.messages[1]["content"]))
    assert "lacks 'city'" in mended.messages[2]["content"]


def test_the_repair_of_a_call_answers_it_and_one_without_json_is_shown_as_text():
    request = asking(tools=(TOOL,), tool_choice="required")
    good = Answer(route=ROUTE, tool_calls=(ToolCall(id="1", name="get_weather", arguments='{"town": 1,}'),))
    bad = Answer(route=ROUTE, tool_calls=(ToolCall(id="1", name="get_weather", arguments="{"),))

    roles = [message["role"] for message in repair(request, good, "p").messages]
    shown = repair(request, bad, "p").messages[1]

    assert ["user", "assistant", "tool", "user"] == roles
    assert "tool_calls" not in shown
    assert "get_weather" in shown["content"]
