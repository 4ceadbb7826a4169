"""The request body: an allow-list, and a row's quirks (S1-01, S1-03)."""

import json

import pytest

from openmux_lc.errors import InvalidRequest
from openmux_lc.providers.body import chat_body, embedding_body, nine_chars
from openmux_lc.providers.ollama_wire import chat_body as native_body
from openmux_lc.providers.openai import OpenAIDialect
from openmux_lc.providers.quirks import QUIRKS
from openmux_lc.types.catalog import Auth
from openmux_lc.types.run import EmbeddingRequest, Request
from tests.providers.calls import KEY, call, provider

USER = {"role": "user", "content": "Hello"}
TOOL = {
    "type": "function",
    "function": {
        "name": "add",
        "description": "Adds",
        "parameters": {"$schema": "x", "type": "object", "properties": {}},
        "strict": True,
        "junk": 1,
    },
    "junk": 1,
}
CALLED = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "call_abc", "index": 0, "type": "function", "function": {"name": "add", "arguments": "{}"}}],
}
RESULT = {"role": "tool", "tool_call_id": "call_abc", "name": "add", "content": "3"}
FULL = Request(
    messages=(USER,),
    tools=(TOOL,),
    tool_choice="required",
    parallel_tool_calls=False,
    response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": {}}},
    temperature=0.5,
    top_p=0.9,
    seed=7,
    max_tokens=50,
    stop=("x",),
    frequency_penalty=0.1,
    presence_penalty=0.2,
    reasoning_effort="low",
)


def _body(request: Request = FULL, *quirks: str, is_stream: bool = False) -> dict[str, object]:
    return chat_body("m", request, is_stream=is_stream, quirks=frozenset(quirks))


def test_a_bare_request_carries_nothing_but_model_and_messages() -> None:
    assert {"model": "m", "messages": [USER]} == _body(Request(messages=(USER,)))


def test_every_option_reaches_the_wire_under_its_name() -> None:
    body = _body(is_stream=True)

    assert body == {
        "model": "m",
        "messages": [USER],
        "stream": True,
        "stream_options": {"include_usage": True},
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "add",
                    "description": "Adds",
                    "parameters": {"type": "object", "properties": {}},
                    "strict": True,
                },
            }
        ],
        "tool_choice": "required",
        "parallel_tool_calls": False,
        "response_format": FULL.response_format,
        "temperature": 0.5,
        "top_p": 0.9,
        "seed": 7,
        "max_tokens": 50,
        "stop": ["x"],
        "frequency_penalty": 0.1,
        "presence_penalty": 0.2,
        "reasoning_effort": "low",
    }


@pytest.mark.parametrize(
    ("quirk", "gone"),
    [
        ("no_stream_options", "stream_options"),
        ("always_usage", "stream_options"),
        ("no_tools", "tools"),
        ("no_tool_choice", "tool_choice"),
        ("no_parallel_tool_calls", "parallel_tool_calls"),
        ("no_response_format", "response_format"),
        ("max_completion_tokens", "max_tokens"),
        ("no_max_tokens", "max_tokens"),
        ("no_temperature", "temperature"),
        ("no_top_p", "top_p"),
        ("no_seed", "seed"),
        ("random_seed", "seed"),
        ("no_stop", "stop"),
        ("no_penalties", "presence_penalty"),
        ("no_penalties", "frequency_penalty"),
        ("no_reasoning_effort", "reasoning_effort"),
    ],
)
def test_a_quirk_takes_its_field_away(quirk: str, gone: str) -> None:
    assert gone in _body(is_stream=True)
    assert gone not in _body(FULL, quirk, is_stream=True)
    assert quirk in QUIRKS


def test_a_quirk_renames_its_field() -> None:
    body = _body(FULL, "max_completion_tokens", "random_seed", "tool_choice_any", "no_json_schema", "no_strict_tools")

    assert (50, 7, "any", {"type": "json_object"}) == (
        body["max_completion_tokens"],
        body["random_seed"],
        body["tool_choice"],
        body["response_format"],
    )
    assert "strict" not in json.dumps(body["tools"])


def test_a_named_tool_is_chosen_by_its_object_and_any_means_required() -> None:
    named = {"type": "function", "function": {"name": "add"}}

    assert named == _body(Request(messages=(USER,), tools=(TOOL,), tool_choice=named))["tool_choice"]
    assert "required" == _body(Request(messages=(USER,), tools=(TOOL,), tool_choice="any"))["tool_choice"]


def test_without_tools_no_field_about_tools_is_sent() -> None:
    body = _body(Request(messages=(USER,), tool_choice="auto", parallel_tool_calls=True))

    assert {"model", "messages"} == set(body)


def test_messages_carry_only_what_hosts_know() -> None:
    thinking = {
        "role": "assistant",
        "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Hi"}],
    }
    cached = {
        "role": "user",
        "content": [{"type": "text", "text": "a", "cache_control": {}}, {"type": "text", "text": "b"}],
    }

    messages = _body(Request(messages=({"role": "developer", "content": "Be kind"}, cached, thinking, CALLED, RESULT)))[
        "messages"
    ]

    assert messages == [
        {"role": "system", "content": "Be kind"},
        {"role": "user", "content": "a\nb"},
        {"role": "assistant", "content": "Hi"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "call_abc", "type": "function", "function": {"name": "add", "arguments": "{}"}}],
        },
        {"role": "tool", "content": "3", "tool_call_id": "call_abc"},
    ]


def test_a_picture_stays_a_part() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}, "cache_control": {}}

    content = _body(Request(messages=({"role": "user", "content": [{"type": "text", "text": "Look"}, picture]},)))[
        "messages"
    ][0]["content"]  # type: ignore[index]

    assert [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": picture["image_url"]}] == content


def test_nine_character_ids_fit_their_results_and_stay_the_same() -> None:
    messages = _body(Request(messages=(CALLED, RESULT)), "tool_id_9", "no_null_content")["messages"]

    asked, answered = messages[0]["tool_calls"][0]["id"], messages[1]["tool_call_id"]  # type: ignore[index]
    assert asked == answered == nine_chars("call_abc") == nine_chars(asked)
    assert 9 == len(asked)
    assert "" == messages[0]["content"]  # type: ignore[index]


def test_a_system_text_leads_the_first_question_where_the_role_is_refused() -> None:
    system = {"role": "system", "content": "Be kind"}
    picture = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}

    assert [{"role": "user", "content": "Be kind\n\nHello"}] == _body(
        Request(messages=(system, USER)), "no_system_role"
    )["messages"]
    assert (
        "Be kind" == _body(Request(messages=(system, picture)), "no_system_role")["messages"][0]["content"][0]["text"]
    )  # type: ignore[index]
    assert [{"role": "user", "content": "Be kind"}] == _body(Request(messages=(system,)), "no_system_role")["messages"]
    assert [USER] == _body(Request(messages=(USER,)), "no_system_role")["messages"]


def test_a_name_is_kept_unless_the_host_refuses_it() -> None:
    named = Request(messages=({**USER, "name": "Ann"},))

    assert "Ann" == _body(named)["messages"][0]["name"]  # type: ignore[index]
    assert [USER] == _body(named, "no_name")["messages"]


def test_an_embedding_body_follows_the_quirks() -> None:
    request = EmbeddingRequest(texts=("a",), purpose="query", dimensions=8)

    plain = embedding_body("m", request, frozenset())
    other = embedding_body("m", request, frozenset({"output_dimension", "embedding_input_type"}))

    assert {"model": "m", "input": ["a"], "encoding_format": "float", "dimensions": 8} == plain
    assert (8, "query") == (other["output_dimension"], other["input_type"])
    assert "dimensions" not in embedding_body("m", request, frozenset({"no_dimensions"}))


@pytest.mark.parametrize(
    ("fields", "key", "expected"),
    [
        ({}, KEY, {"authorization": f"Bearer {KEY}"}),
        ({}, "", {}),
        ({"quirks": frozenset({"dummy_key"})}, "", {"authorization": "Bearer unused"}),
        ({"quirks": frozenset({"keyless_no_auth_header"})}, KEY, {}),
        ({"auth": Auth(mode="none")}, KEY, {}),
        ({"auth": Auth(header="x-api-key", form="{key}")}, KEY, {"x-api-key": KEY}),
    ],
)
def test_the_row_says_how_the_key_travels(fields: dict[str, object], key: str, expected: dict[str, str]) -> None:
    ask = OpenAIDialect().chat(call(provider(**fields), key=key), is_stream=False)

    sent = {name: value for name, value in ask.headers.items() if name in {"authorization", "x-api-key"}}
    assert expected == sent
    assert KEY not in repr(ask)


def test_a_lone_surrogate_does_not_stop_the_request() -> None:
    ask = OpenAIDialect().chat(call(messages=({"role": "user", "content": "a\ud800b"},)), is_stream=False)

    assert "a?b" == json.loads(ask.body)["messages"][0]["content"]


@pytest.mark.parametrize("value", [float("nan"), {1, 2}])
def test_a_value_that_json_cannot_carry_is_refused_without_being_shown(value: object) -> None:
    with pytest.raises(InvalidRequest, match="JSON cannot carry"):
        OpenAIDialect().chat(call(extra_body={"top_k": value}), is_stream=False)


def test_extra_fields_that_shape_the_sampling_reach_the_wire_as_they_are() -> None:
    extra = {"top_k": 40, "chat_template_kwargs": {"enable_thinking": False}}

    ask = OpenAIDialect().chat(call(extra_body=extra), is_stream=False)

    assert extra.items() <= json.loads(ask.body).items()


REFUSED = [
    "models",
    "model",
    "route",
    "plugins",
    "provider",
    "web_search_options",
    "service_tier",
    "transforms",
    "preset",
    "search_parameters",
    "compound_custom",
    "venice_parameters",
    "enable_search",
    "fallbacks",
    "tools",
    "functions",
    "google",
    "messages",
    "stream",
    "n",
    "heard_of_by_nobody",
]


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("is_native", [False, True])
def test_extra_fields_that_could_cost_money_are_refused_by_name(name: str, is_native: bool) -> None:
    """An unknown field may be a host's newest paid tool, so only known harmless ones pass."""
    asked = call(extra_body={"top_k": 40, name: ["private words"]})

    with pytest.raises(InvalidRequest, match="could call a paid model or tool") as caught:
        native_body(asked) if is_native else OpenAIDialect().chat(asked, is_stream=True)

    assert "stop" == caught.value.advice
    assert repr(name) in str(caught.value)
    assert "private" not in str(caught.value)


@pytest.mark.parametrize("is_native", [False, True])
def test_a_tool_that_the_host_itself_would_run_is_refused(is_native: bool) -> None:
    """Hosts bill searches and the like by the call."""
    asked = call(tools=(TOOL, {"type": "web_search_preview"}))

    with pytest.raises(InvalidRequest, match="'web_search_preview' could call a paid") as caught:
        native_body(asked) if is_native else OpenAIDialect().chat(asked, is_stream=False)

    assert "stop" == caught.value.advice
