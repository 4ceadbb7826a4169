"""The request body: an allow-list, and a row's quirks (S1-01, S1-03)."""

import json

import pytest

from openmux_lc.catalog.catalog import load_catalog
from openmux_lc.errors import InvalidRequest
from openmux_lc.providers.body import chat_body, embedding_body
from openmux_lc.providers.body_messages import Source, nine_chars
from openmux_lc.providers.ollama_wire import chat_body as native_body
from openmux_lc.providers.openai import OpenAIDialect
from openmux_lc.providers.quirks import QUIRKS
from openmux_lc.settings import Settings
from openmux_lc.types.catalog import Auth
from openmux_lc.types.json import Json
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
        ("reasoning_object", "reasoning_effort"),
        ("thinking_type", "reasoning_effort"),
        ("no_format_with_tools", "response_format"),
        ("no_format_in_stream", "response_format"),
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


def test_thoughts_of_another_model_are_not_sent_anywhere() -> None:
    """`reasoning_content` and what a provider wanted back are no business of any other host."""
    thought = {
        "role": "assistant",
        "content": "Hi",
        "reasoning_content": "hm",
        "echo": {"provider": "a", "model": "m", "reasoning_details": [{"text": "hm"}], "signatures": {"": "s"}},
    }

    for quirks in ([], ["echo_reasoning_details", "echo_signatures", "signature_bypass"]):
        messages = _body(Request(messages=(USER, thought)), *quirks)["messages"]
        assert [USER, {"role": "assistant", "content": "Hi"}] == messages


def test_reasoning_details_go_back_to_the_model_that_wrote_them_and_to_no_other() -> None:
    details = [{"type": "reasoning.encrypted", "data": "x"}]
    message = {
        "role": "assistant",
        "content": "Hi",
        "echo": {"provider": "a", "model": "m", "reasoning_details": details},
    }

    def sent(provider_id: str, model: str, *quirks: str) -> bool:
        body = chat_body(
            model,
            Request(messages=(USER, message)),
            is_stream=False,
            quirks=frozenset(quirks),
            source=Source(provider_id, model),
        )
        return details == body["messages"][1].get("reasoning_details")  # type: ignore[index, union-attr]

    assert sent("a", "m", "echo_reasoning_details")
    assert not sent("a", "m")
    assert not sent("a", "other", "echo_reasoning_details")
    assert not sent("b", "m", "echo_reasoning_details")


def _signature(echo: object, *quirks: str) -> object:
    message = {**CALLED, "echo": echo} if echo else CALLED
    body = chat_body(
        "m",
        Request(messages=(USER, message, RESULT)),
        is_stream=False,
        quirks=frozenset(quirks),
        source=Source("g", "m"),
    )
    extra = body["messages"][1]["tool_calls"][0].get("extra_content")  # type: ignore[index, union-attr]
    return extra["google"]["thought_signature"] if extra else None


def test_a_thought_signature_goes_back_with_its_tool_call() -> None:
    own = {"provider": "g", "model": "older", "signatures": {"call_abc": "signed"}}

    assert "signed" == _signature(own, "echo_signatures")
    assert "signed" == _signature(own, "echo_signatures", "signature_bypass")
    assert "signed" == _signature(own, "echo_signatures", "tool_id_9")
    assert _signature(own) is None
    assert _signature({**own, "provider": "h"}, "echo_signatures") is None


def test_a_tool_call_of_another_model_carries_the_documented_stand_in() -> None:
    foreign = {"provider": "h", "model": "m", "signatures": {"call_abc": "signed"}}

    for echo in (None, foreign):
        assert "skip_thought_signature_validator" == _signature(echo, "echo_signatures", "signature_bypass")


def test_several_tool_calls_are_told_one_by_one_where_a_turn_has_one() -> None:
    first, second = ({"id": name, "function": {"name": name, "arguments": "{}"}} for name in ("one", "two"))
    turn = {"role": "assistant", "content": "Both", "tool_calls": [first, second]}
    results = tuple({"role": "tool", "tool_call_id": name, "content": f"{name}!"} for name in ("two", "one"))
    request = Request(messages=(USER, turn, *results, USER), tools=(TOOL,))

    body = _body(request, "single_tool_calls")

    told = [
        (message["role"], message["content"], [call["id"] for call in message.get("tool_calls", ())])
        for message in body["messages"]  # type: ignore[union-attr]
    ]
    assert told == [
        ("user", "Hello", []),
        ("assistant", "Both", ["one"]),
        ("tool", "one!", []),
        ("assistant", None, ["two"]),
        ("tool", "two!", []),
        ("user", "Hello", []),
    ]
    assert body["parallel_tool_calls"] is False
    assert "parallel_tool_calls" not in _body(request, "single_tool_calls", "no_parallel_tool_calls")


def test_a_call_without_a_result_and_a_result_without_a_call_are_kept() -> None:
    calls = [{"id": name, "function": {"name": name, "arguments": "{}"}} for name in ("one", "two")]
    turn = {"role": "assistant", "content": "", "tool_calls": calls}
    odd = {"role": "tool", "tool_call_id": "three", "content": "3"}

    messages = _body(Request(messages=(turn, odd)), "single_tool_calls", "no_null_content")["messages"]

    assert ["one", "two", "three"] == [
        message.get("tool_call_id") or message["tool_calls"][0]["id"]  # type: ignore[index, union-attr]
        for message in messages  # type: ignore[union-attr]
    ]


def test_system_messages_join_the_first_where_later_ones_are_refused() -> None:
    first, later = {"role": "system", "content": "Be kind"}, {"role": "system", "content": "Be brief"}

    messages = _body(Request(messages=(first, USER, later)), "system_first")["messages"]

    assert [{"role": "system", "content": "Be kind\n\nBe brief"}, USER] == messages
    assert [USER] == _body(Request(messages=(USER,)), "system_first")["messages"]


def test_an_answers_beginning_is_marked_as_one() -> None:
    begun = {"role": "assistant", "content": "It is"}

    assert [USER, {**begun, "prefix": True}] == _body(Request(messages=(USER, begun)), "prefix_last")["messages"]
    assert [begun, USER] == _body(Request(messages=(begun, USER)), "prefix_last")["messages"]
    assert "prefix" not in _body(Request(messages=(USER, CALLED)), "prefix_last")["messages"][1]  # type: ignore[index]


def test_sound_and_files_are_written_as_the_host_reads_them() -> None:
    sound = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
    file = {"type": "file", "file": {"file_data": "data:application/pdf;base64,AA==", "filename": "a.pdf"}}
    request = Request(messages=({"role": "user", "content": [sound, file]},))

    plain = _body(request)["messages"][0]["content"]  # type: ignore[index]
    other = _body(request, "bare_audio", "document_url")["messages"][0]["content"]  # type: ignore[index]

    assert [sound, file] == plain
    assert [
        {"type": "input_audio", "input_audio": "AAAA"},
        {"type": "document_url", "document_url": "data:application/pdf;base64,AA=="},
    ] == other


def test_a_host_of_text_refuses_a_picture_before_anything_is_sent() -> None:
    row = provider(quirks=frozenset({"flat_content"}))
    picture = {"type": "image_url", "image_url": {"url": "data:,"}}
    text = {"role": "user", "content": [{"type": "text", "text": "Look"}]}

    with pytest.raises(InvalidRequest, match="text only") as caught:
        OpenAIDialect().chat(call(row, messages=({"role": "user", "content": [picture]},)), is_stream=False)

    assert "next_route" == caught.value.advice
    assert b'"content":"Look"' in OpenAIDialect().chat(call(row, messages=(text,)), is_stream=False).body


@pytest.mark.parametrize("is_stream", [True, False])
def test_a_file_is_read_by_the_free_tool_where_the_usual_one_is_billed(is_stream: bool) -> None:
    """A free model that reads no PDF gets it through a tool billed by the page, unless the free one is named."""
    row = load_catalog(Settings.load(environ={})).provider("openrouter")

    def plugins(part: dict[str, Json]) -> Json:
        asked = call(row, messages=({"role": "user", "content": [part]},))
        return json.loads(OpenAIDialect().chat(asked, is_stream=is_stream).body).get("plugins")

    pdf = {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA=="}}
    assert [{"id": "file-parser", "pdf": {"engine": "cloudflare-ai"}}] == plugins(pdf)
    assert plugins({"type": "image_url", "image_url": {"url": "data:,"}}) is None


NAMED = {"type": "function", "function": {"name": "add"}}
OTHER = {"type": "function", "function": {"name": "other", "parameters": {"type": "object"}}}


@pytest.mark.parametrize(
    ("choice", "quirk", "expected"),
    [
        ("required", "tool_choice_auto", (["add", "other"], "auto")),
        ("required", "no_tool_choice", (["add", "other"], None)),
        (NAMED, "tool_choice_auto", (["add"], "auto")),
        (NAMED, "no_named_tool_choice", (["add"], "required")),
        (NAMED, "no_tool_choice", (["add"], None)),
        ("none", "no_tool_choice", ([], None)),
        ("none", "tool_choice_auto", ([], None)),
        ("none", "no_named_tool_choice", (["add", "other"], "none")),
        ("auto", "tool_choice_auto", (["add", "other"], "auto")),
    ],
)
def test_a_choice_that_the_host_does_not_know_is_put_into_what_is_offered(
    choice: str, quirk: str, expected: tuple[list[str], object]
) -> None:
    body = _body(Request(messages=(USER,), tools=(TOOL, OTHER), tool_choice=choice), quirk)

    names = [tool["function"]["name"] for tool in body.get("tools", ())]  # type: ignore[union-attr]
    assert expected == (names, body.get("tool_choice"))


def test_schema_words_that_a_host_does_not_know_are_left_out_at_every_depth() -> None:
    inner = {"type": "object", "properties": {"$schema": {"type": "string"}}, "additionalProperties": False}
    schema = {
        "$schema": "x",
        "properties": {"additionalProperties": inner, "list": {"items": [inner], "enum": [{"$schema": 1}]}},
        "additionalProperties": False,
    }
    tool = {"type": "function", "function": {"name": "add", "parameters": schema}}

    body = _body(Request(messages=(USER,), tools=(tool,)), "no_tool_schema_extras")

    kept = {"type": "object", "properties": {"$schema": {"type": "string"}}}
    assert body["tools"][0]["function"]["parameters"] == {  # type: ignore[index]
        "properties": {"additionalProperties": kept, "list": {"items": [kept], "enum": [{"$schema": 1}]}}
    }


SCHEMA = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object", "title": "Reise \u00fc"}}}


@pytest.mark.parametrize(("quirk", "form"), [("no_json_schema", {"type": "json_object"}), ("no_response_format", None)])
def test_a_form_that_is_refused_is_told_in_words(quirk: str, form: object) -> None:
    body = _body(Request(messages=(USER,), response_format=SCHEMA), quirk)

    told = body["messages"][0]  # type: ignore[index]
    assert form == body.get("response_format")
    assert "system" == told["role"]
    assert '{"type":"object","title":"Reise \u00fc"}' in told["content"]
    assert "JSON" in told["content"]


def test_the_form_in_words_joins_the_system_text_and_moves_with_it() -> None:
    system = {"role": "system", "content": "Be kind"}
    request = Request(messages=(system, USER), response_format={"type": "json_object"})

    both = _body(request, "no_response_format")["messages"]
    led = _body(request, "no_response_format", "no_system_role")["messages"]

    assert both[0]["content"].startswith("Be kind\n\nYour answer must be one JSON object")  # type: ignore[index, union-attr]
    assert 2 == len(both)  # type: ignore[arg-type]
    assert [both[0]["content"] + "\n\nHello"] == [message["content"] for message in led]  # type: ignore[index, union-attr]


def test_the_form_is_told_only_where_it_is_refused() -> None:
    plain = Request(messages=(USER,), response_format=SCHEMA)

    assert SCHEMA == _body(plain, "no_format_with_tools", "no_format_in_stream")["response_format"]
    assert [USER] == _body(plain, "no_format_with_tools", "no_format_in_stream")["messages"]
    assert 1 == len(_body(FULL)["messages"])  # type: ignore[arg-type]
    assert 2 == len(_body(FULL, "no_format_with_tools")["messages"])  # type: ignore[arg-type]
    assert [USER] == _body(Request(messages=(USER,), response_format={"type": "text"}), "no_response_format")[
        "messages"
    ]


@pytest.mark.parametrize(
    ("effort", "quirk", "expected"),
    [
        ("low", "", {"reasoning_effort": "low"}),
        ("none", "", {"reasoning_effort": "none"}),
        ("low", "reasoning_object", {"reasoning": {"effort": "low"}}),
        ("none", "reasoning_object", {"reasoning": {"enabled": False}}),
        ("high", "thinking_type", {"thinking": {"type": "enabled"}}),
        ("none", "thinking_type", {"thinking": {"type": "disabled"}}),
        ("low", "no_reasoning_effort", {}),
    ],
)
def test_how_hard_to_think_is_spelled_as_the_host_spells_it(effort: str, quirk: str, expected: object) -> None:
    body = _body(Request(messages=(USER,), reasoning_effort=effort), *filter(None, [quirk]))

    assert expected == {name: body[name] for name in body if name not in {"model", "messages"}}


def test_a_host_that_cuts_answers_short_is_told_how_long_they_may_be() -> None:
    assert 2048 == _body(Request(messages=(USER,)), "default_max_tokens")["max_tokens"]
    assert 50 == _body(FULL, "default_max_tokens")["max_tokens"]
    assert "max_tokens" not in _body(Request(messages=(USER,)), "default_max_tokens", "no_max_tokens")


@pytest.mark.parametrize(
    ("name", "quirk"),
    [
        ("top_k", "no_top_k"),
        ("min_p", "no_min_p"),
        ("logit_bias", "no_logit_bias"),
        ("logprobs", "no_logprobs"),
        ("top_logprobs", "no_logprobs"),
        ("seed", "no_seed"),
    ],
)
def test_an_extra_field_that_the_host_refuses_stays_behind(name: str, quirk: str) -> None:
    taken = OpenAIDialect().chat(call(extra_body={name: 1}), is_stream=False)
    spared = OpenAIDialect().chat(call(provider(quirks=frozenset({quirk})), extra_body={name: 1}), is_stream=False)

    assert name in json.loads(taken.body)
    assert name not in json.loads(spared.body)
    assert quirk in QUIRKS


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
    assert "encoding_format" not in embedding_body("m", request, frozenset({"no_encoding_format"}))
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
