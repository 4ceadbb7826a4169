"""Google's native dialect: what is sent (S1-13, S2-02)."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from openmux_lc.errors import InvalidRequest
from openmux_lc.types.run import EmbeddingRequest
from tests.providers.calls import KEY, provider
from tests.providers.gemini_calls import (
    CITY,
    DIALECT,
    PIXEL,
    ROW,
    TIME,
    WEATHER,
    asked,
    called,
    contents,
    result,
    sent,
    user,
)


@pytest.mark.parametrize("model", ["gemini-3.5-flash", "models/gemini-3.5-flash"])
@pytest.mark.parametrize(("is_stream", "method"), [(False, "generateContent"), (True, "streamGenerateContent?alt=sse")])
def test_the_address_names_the_model_once(model: str, method: str, *, is_stream: bool) -> None:
    ask = DIALECT.chat(asked(model), is_stream=is_stream)

    assert f"{ROW.base_url}/models/gemini-3.5-flash:{method}" == ask.url
    assert KEY == ask.headers["x-goog-api-key"]
    assert "authorization" not in ask.headers


def test_an_odd_model_id_stays_inside_its_place_of_the_path() -> None:
    ask = DIALECT.chat(asked("a/b?x=1:y"), is_stream=False)

    assert f"{ROW.base_url}/models/a%2Fb%3Fx%3D1%3Ay:generateContent" == ask.url
    with pytest.raises(InvalidRequest, match="cannot be part of an address"):
        DIALECT.chat(asked("a/../b"), is_stream=False)


# Turns

IMAGE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
FAR_IMAGE = {"type": "image_url", "image_url": {"url": "https://example.org/a.webp?size=2"}}
SOUND = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}
FILE = {"type": "file", "file": {"file_data": "data:text/plain;charset=utf-8;base64,aGk=", "filename": "a.txt"}}
PLAIN_FILE = {"type": "file", "file": {"file_data": "data:text/csv,a%2Cb"}}
BARE_FILE = {"type": "file", "file": {"file_data": "JVBERi0xLjQ="}}
KEPT_FILE = {"type": "file", "file": {"file_id": "https://generativelanguage.googleapis.com/v1beta/files/abc"}}
VIDEO = {"type": "video_url", "video_url": {"url": "gs://bucket/talk"}}

PARTS = [
    ("Hi", {"text": "Hi"}),
    ([{"type": "text", "text": "Hi"}], {"text": "Hi"}),
    ([IMAGE], {"inlineData": {"mimeType": "image/png", "data": PIXEL}}),
    ([FAR_IMAGE], {"fileData": {"mimeType": "image/webp", "fileUri": "https://example.org/a.webp?size=2"}}),
    ([SOUND], {"inlineData": {"mimeType": "audio/wav", "data": "UklGRg=="}}),
    ([FILE], {"inlineData": {"mimeType": "text/plain", "data": "aGk="}}),
    ([PLAIN_FILE], {"inlineData": {"mimeType": "text/csv", "data": "YSxi"}}),
    ([BARE_FILE], {"inlineData": {"mimeType": "application/pdf", "data": "JVBERi0xLjQ="}}),
    ([KEPT_FILE], {"fileData": {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/abc"}}),
    ([VIDEO], {"fileData": {"mimeType": "video/mp4", "fileUri": "gs://bucket/talk"}}),
]


@pytest.mark.parametrize(("content", "part"), PARTS)
def test_each_kind_of_content_becomes_its_part(content: Any, part: Mapping[str, Any]) -> None:
    """The host refuses a type with parameters, so the charset is left out."""
    found = contents({"role": "user", "content": content})

    assert [{"role": "user", "parts": [part]}] == found


def test_system_messages_are_the_instruction_wherever_they_stand() -> None:
    body = sent(messages=({"role": "system", "content": "A"}, user("Hi"), {"role": "developer", "content": "B"}))

    assert {"parts": [{"text": "A"}, {"text": "B"}]} == body["systemInstruction"]
    assert [{"role": "user", "parts": [{"text": "Hi"}]}] == body["contents"]


def test_a_system_message_alone_is_the_question() -> None:
    body = sent(messages=({"role": "system", "content": "Say hello."},))

    assert {"contents": [{"role": "user", "parts": [{"text": "Say hello."}]}]} == body


def test_a_system_message_leads_the_first_turn_where_the_role_is_refused() -> None:
    row = provider(ROW.base_url, id="gemini", quirks=frozenset({"no_system_role"}))

    body = sent(row=row, messages=({"role": "system", "content": "A"}, user("Hi")))

    assert {"contents": [{"role": "user", "parts": [{"text": "A"}, {"text": "Hi"}]}]} == body


def test_neighbours_of_one_role_are_one_turn_and_empty_messages_none() -> None:
    found = contents(user("a"), user("b"), {"role": "assistant", "content": "c"}, user(""), user("d"))

    assert [("user", 2), ("model", 1), ("user", 1)] == [(turn["role"], len(turn["parts"])) for turn in found]


RESULTS = [
    ('{"degrees": 20}', {"degrees": 20}),
    ("sunny", {"result": "sunny"}),
    ("[1, 2]", {"result": "[1, 2]"}),
    ('{"degrees": NaN}', {"result": '{"degrees": NaN}'}),
    ("", {"result": ""}),
    ([{"type": "text", "text": "sun"}, {"type": "text", "text": "ny"}], {"result": "sun\nny"}),
]


@pytest.mark.parametrize(("content", "response"), RESULTS)
def test_a_tools_result_is_an_object_under_the_functions_name(content: Any, response: Mapping[str, Any]) -> None:
    """A value that JSON does not know stays in its text: the host would refuse the body."""
    found = contents(user("?"), called("weather"), result(content))

    part = {"functionResponse": {"id": "c0", "name": "weather", "response": response}}
    assert {"role": "user", "parts": [part]} == found[2]


def test_the_results_of_parallel_calls_are_one_turn_each_under_its_name() -> None:
    found = contents(user("?"), called("weather", "time"), result("noon", "c1"), result("sunny", "c0"), user("So?"))

    names = [part.get("functionResponse", {}).get("name") for part in found[2]["parts"]]
    assert ["time", "weather", None] == names
    assert 3 == len(found)


def test_a_picture_among_a_tools_result_follows_it() -> None:
    found = contents(user("?"), called("photo"), result([{"type": "text", "text": "seen"}, IMAGE]))

    assert ["functionResponse", "inlineData"] == [next(iter(part)) for part in found[2]["parts"]]


def test_arguments_go_back_as_the_object_they_are() -> None:
    broken = called("weather")
    broken["tool_calls"][0]["function"]["arguments"] = "{not json"

    found = contents(user("?"), called("weather"), user("again"), broken, model="gemini-2.5-flash")

    assert {"functionCall": {"id": "c0", "name": "weather", "args": {"city": "Rome"}}} == found[1]["parts"][0]
    assert {} == found[3]["parts"][0]["functionCall"]["args"]


# Tools, form, sampling


def test_functions_are_declared_by_json_schema() -> None:
    body = sent(tools=(WEATHER, TIME))

    declared = [{"name": "weather", "description": "of a city", "parametersJsonSchema": CITY}, {"name": "time"}]
    assert [{"functionDeclarations": declared}] == body["tools"]
    assert "toolConfig" not in body


CHOICES = [
    ("auto", {"mode": "AUTO"}),
    ("none", {"mode": "NONE"}),
    ("required", {"mode": "ANY"}),
    ("any", {"mode": "ANY"}),
    ({"type": "function", "function": {"name": "time"}}, {"mode": "ANY", "allowedFunctionNames": ["time"]}),
]


@pytest.mark.parametrize(("choice", "config"), CHOICES)
def test_a_choice_among_tools_is_a_calling_mode(choice: Any, config: Mapping[str, Any]) -> None:
    body = sent(tools=(WEATHER, TIME), tool_choice=choice)

    assert {"functionCallingConfig": config} == body["toolConfig"]


SCHEMAS = [
    ({"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"}, {"type": "object"}),
    ({"type": "object", "additionalProperties": False}, {"type": "object", "additionalProperties": False}),
    ({"const": "a"}, {"enum": ["a"]}),
    ({"enum": ["a", 1, True, None]}, {"enum": ["a", 1]}),
    ({"type": "boolean", "const": True}, {"type": "boolean"}),
    ({"type": "string", "format": "uri", "pattern": "^h"}, {"type": "string"}),
    ({"type": "string", "format": "date-time"}, {"type": "string", "format": "date-time"}),
    ({"type": "string", "format": ["odd"]}, {"type": "string"}),
    ({"type": ["string", "null"], "default": None}, {"type": ["string", "null"]}),
    ({"allOf": [{"$ref": "#/$defs/A"}]}, {"$ref": "#/$defs/A"}),
    ({"$ref": "#/definitions/A", "description": "d"}, {"$ref": "#/$defs/A"}),
    ({"anyOf": [{"const": "a"}, {"type": "null"}]}, {"anyOf": [{"enum": ["a"]}, {"type": "null"}]}),
    ({"items": {"type": "string", "minLength": 2}}, {"items": {"type": "string"}}),
    (
        {"properties": {"$schema": {"const": 1}}, "definitions": {"A": {"examples": [1], "type": "integer"}}},
        {"properties": {"$schema": {"enum": [1]}}, "$defs": {"A": {"type": "integer"}}},
    ),
]


@pytest.mark.parametrize(("schema", "expected"), SCHEMAS)
def test_a_schema_keeps_what_the_host_documents(schema: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """A property may have the name of a keyword; a reference stands alone."""
    tool = {"type": "function", "function": {"name": "f", "parameters": schema}}

    body = sent(tools=(tool,), response_format={"type": "json_schema", "json_schema": {"schema": schema}})

    assert expected == body["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"]
    assert expected == body["generationConfig"]["responseJsonSchema"]
    assert "application/json" == body["generationConfig"]["responseMimeType"]


SAMPLING = [
    ({}, {}),
    ({"temperature": 0.0, "top_p": 0.5}, {"temperature": 0.0, "topP": 0.5}),
    ({"max_tokens": 20, "stop": ("a", "b")}, {"maxOutputTokens": 20, "stopSequences": ["a", "b"]}),
    ({"seed": 2**31 + 5}, {"seed": 5}),
    ({"frequency_penalty": 0.1, "presence_penalty": 0.2}, {"frequencyPenalty": 0.1, "presencePenalty": 0.2}),
    ({"response_format": {"type": "json_object"}}, {"responseMimeType": "application/json"}),
    ({"response_format": {"type": "text"}}, {}),
    (
        {"extra_body": {"top_k": 3, "max_tokens": 5, "stop": "x"}},
        {"topK": 3, "maxOutputTokens": 5, "stopSequences": ["x"]},
    ),
    ({"max_tokens": 9, "extra_body": {"max_completion_tokens": 5}}, {"maxOutputTokens": 5}),
    ({"extra_body": {"reasoning_effort": "none"}}, {"thinkingConfig": {"thinkingLevel": "minimal"}}),
]


@pytest.mark.parametrize(("fields", "config"), SAMPLING)
def test_sampling_is_the_generation_config(fields: dict[str, Any], config: dict[str, Any]) -> None:
    """A seed fits into 32 bits there, and the same seed stays the same."""
    body = sent(**fields)

    assert config == body.get("generationConfig", {})


def test_safety_settings_of_the_user_stand_at_the_top() -> None:
    settings = [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]

    body = sent(extra_body={"safety_settings": settings})

    assert settings == body["safetySettings"]
    assert "generationConfig" not in body


def test_what_the_rows_quirks_name_is_left_out() -> None:
    names = ("no_temperature", "no_top_p", "no_seed", "no_max_tokens", "no_stop", "no_penalties", "no_tool_choice")
    row = provider(ROW.base_url, id="gemini", quirks=frozenset({*names, "no_reasoning_effort"}))

    body = sent(
        row=row,
        tools=(TIME,),
        tool_choice="auto",
        temperature=1.0,
        top_p=1.0,
        seed=1,
        max_tokens=1,
        stop=("a",),
        frequency_penalty=1.0,
        presence_penalty=1.0,
        reasoning_effort="low",
    )

    assert {"contents", "tools"} == set(body)


def test_a_form_refused_beside_tools_is_told_in_words() -> None:
    row = provider(ROW.base_url, id="gemini", quirks=frozenset({"no_format_with_tools"}))

    body = sent(row=row, tools=(TIME,), response_format={"type": "json_object"})

    assert "generationConfig" not in body
    assert "JSON" in body["systemInstruction"]["parts"][0]["text"]


THINKING = [
    ("gemini-3.5-flash", None, None),
    ("gemini-3.5-flash", "none", {"thinkingLevel": "minimal"}),
    ("gemini-3.5-flash", "low", {"thinkingLevel": "low", "includeThoughts": True}),
    ("models/gemini-3-flash-preview", "medium", {"thinkingLevel": "medium", "includeThoughts": True}),
    ("gemini-3.1-flash-lite", "minimal", {"thinkingLevel": "minimal"}),
    ("gemini-3.8-flash", "minimal", {"thinkingLevel": "low"}),
    ("gemini-3.8-flash", "xhigh", {"thinkingLevel": "high", "includeThoughts": True}),
    ("gemini-3-pro-preview", "medium", {"thinkingLevel": "high", "includeThoughts": True}),
    ("gemini-3.1-pro-preview", "medium", {"thinkingLevel": "medium", "includeThoughts": True}),
    ("gemini-flash-latest", "none", {"thinkingLevel": "low"}),
    ("gemma-4-31b-it", "low", {"thinkingLevel": "minimal"}),
    ("gemma-4-31b-it", "medium", {"thinkingLevel": "high", "includeThoughts": True}),
    ("gemini-2.5-flash", "none", {"thinkingBudget": 0}),
    ("gemini-2.5-pro", "none", {"thinkingBudget": 128}),
    ("gemini-2.5-flash", "low", {"thinkingBudget": 1024, "includeThoughts": True}),
    ("gemini-2.5-flash", "high", {"thinkingBudget": 24_576, "includeThoughts": True}),
    ("gemini-2.0-flash", "high", None),
    ("gemma-3-27b-it", "high", None),
]


@pytest.mark.parametrize(("model", "effort", "config"), THINKING)
def test_effort_is_said_in_the_terms_of_the_model(model: str, effort: str | None, config: object) -> None:
    """A model without thinking refuses the field, and one without a level that level."""
    body = sent(model, reasoning_effort=effort)

    assert config == body.get("generationConfig", {}).get("thinkingConfig")


@pytest.mark.parametrize(
    "fields", [{"tools": ({"type": "google_search"},)}, {"extra_body": {"tools": [{"google_search": {}}]}}]
)
def test_what_could_be_billed_is_not_sent(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        sent(**fields)


def test_a_schema_without_end_is_refused_before_anything_is_sent() -> None:
    schema: dict[str, Any] = {}
    for _ in range(5000):
        schema = {"items": schema}

    with pytest.raises(InvalidRequest):
        sent(tools=({"type": "function", "function": {"name": "f", "parameters": schema}},))


# Embeddings


def embedded(model: str, *, quirks: frozenset[str] = frozenset(), **fields: Any) -> list[dict[str, Any]]:
    row = provider(ROW.base_url, id="gemini", quirks=quirks)
    ask = DIALECT.embedding(asked(model, row=row), EmbeddingRequest(texts=("a", "b"), **fields))
    assert f"{ROW.base_url}/models/{model.removeprefix('models/')}:batchEmbedContents" == ask.url
    requests: list[dict[str, Any]] = json.loads(ask.body)["requests"]
    return requests


def test_each_text_is_one_request_of_a_batch() -> None:
    found = embedded("models/gemini-embedding-001", purpose="query", dimensions=256)

    common = {"model": "models/gemini-embedding-001", "taskType": "RETRIEVAL_QUERY", "outputDimensionality": 256}
    assert [{**common, "content": {"parts": [{"text": text}]}} for text in ("a", "b")] == found


PURPOSES = [
    ("gemini-embedding-001", None, None, "a"),
    ("gemini-embedding-001", "document", "RETRIEVAL_DOCUMENT", "a"),
    ("gemini-embedding-2", None, None, "a"),
    ("gemini-embedding-2", "query", None, "task: search result | query: a"),
    ("gemini-embedding-2-preview", "document", None, "title: none | text: a"),
]


@pytest.mark.parametrize(("model", "purpose", "task", "text"), PURPOSES)
def test_the_purpose_is_a_field_or_words_by_the_model(model: str, purpose: Any, task: str | None, text: str) -> None:
    first = embedded(model, purpose=purpose)[0]

    assert (task, text) == (first.get("taskType"), first["content"]["parts"][0]["text"])


def test_dimensions_stay_behind_where_they_are_refused() -> None:
    assert "outputDimensionality" not in embedded("m", dimensions=5, quirks=frozenset({"no_dimensions"}))[0]
