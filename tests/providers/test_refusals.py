"""What a host refuses is left out once it was told, and remembered (the issue's "be liberal on strict hosts")."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from openmux_lc import ChatOpenMux
from openmux_lc.errors import InvalidRequest, ProviderError
from openmux_lc.http import Clients
from openmux_lc.ledger.ledger import Ledger
from openmux_lc.providers.again import AskAgain
from openmux_lc.providers.exchange import Ask, Reply
from openmux_lc.providers.quirks import QUIRKS
from openmux_lc.providers.refusal_words import LEARNED, asked_for
from openmux_lc.providers.refusals import Refusals, refused
from openmux_lc.providers.registry import adapter_for
from openmux_lc.testing import Answer, FakeUpstream, Fault, answer_with_tool
from openmux_lc.testing.behaviours import Behaviour, Received
from openmux_lc.types.catalog import Route
from openmux_lc.types.run import EmbeddingRequest
from openmux_lc.types.state import REFUSAL_LIFE_S
from tests.pool import make_pool
from tests.providers.calls import call, provider

TOOL = {
    "type": "function",
    "function": {
        "name": "add",
        "parameters": {"type": "object", "properties": {}, "additionalProperties": False},
        "strict": True,
    },
}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}
FULL = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "Be kind"},
        {"role": "user", "content": "What is the temperature?", "name": "Ann"},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "call_1", "function": {"name": "add"}}]},
        {"role": "system", "content": "Be brief"},
        {"role": "assistant", "content": "It is"},
    ],
    "stream": True,
    "stream_options": {"include_usage": True},
    "tools": [TOOL],
    "tool_choice": "required",
    "parallel_tool_calls": True,
    "response_format": SCHEMA,
    "temperature": 0.5,
    "top_p": 0.9,
    "top_k": 4,
    "min_p": 0.1,
    "seed": 7,
    "max_tokens": 50,
    "stop": ["x"],
    "frequency_penalty": 0.1,
    "reasoning_effort": "low",
    "logprobs": True,
    "logit_bias": {},
}

RECORDED = {
    "cerebras/chat_400_qwen-3-235b-a22b-thinking-2507_8a5eb420.json": {"no_format_in_stream"},
    "cerebras/chat_400_gpt-oss-120b_9b715030.json": {"tool_choice_auto"},
    "cerebras/chat_400_gpt-oss-120b_7ebec8ea.json": {"no_response_format"},
    "cloudflare/run_403_na_57455eb5.json": {"no_json_schema"},
    "cloudflare/run_403_na_a45c1546.json": {"no_json_schema"},
    "cloudflare/run_403_na_b6f9c072.json": {"no_json_schema"},
    "cloudflare/run_403_na_d7218a73.json": {"no_format_in_stream"},
    "cohere/chat_400_command-light_77d8c563.json": {"no_logprobs"},
    "gemini/generateContent_400_gemini-2.5-flash_652ca583.json": {"no_penalties"},
    "gemini/generateContent_400_gemini-3.1-flash-tts-preview_130c2557.json": {"no_reasoning_effort"},
    "gemini/generateContent_400_gemini-flash-latest_9fb7afcc.json": {"no_logprobs"},
    "gemini/generateContent-sse_400_gemini-flash-latest_448ea7b3.json": {"no_logprobs"},
    "groq/chat_400_llama-3.1-8b-instant_8d9df2fc.json": {"no_json_schema"},
    "groq/chat_400_groq-compound-mini_036652b0.json": {"no_json_schema"},
    "huggingface/chat_400_meta-llama-llama-3.3-70b-instruct_f11c214d.json": {"no_json_schema"},
    "huggingface/chat_422_qwen-2fqwq-32b-v1_02817326.json": {"no_response_format"},
    "mistral/chat_400_mistral-small-latest_e1e6d150.json": {"system_first"},
    "mistral/chat_400_mistral-small-latest_c1159bfa.json": {"no_reasoning_effort"},
    "openrouter/chat_400_openai-gpt-5-image_dac393d2.json": {"no_temperature"},
    "openrouter/chat_400_google-gemma-3n-e4b-it-free_60764a0a.json": {"no_system_role"},
    "openrouter/chat_404_qwen-qwen3.5-122b-a10b_53d3b5f4.json": {"tool_choice_auto"},
    "openrouter/chat_404_mistralai-mistral-7b-instruct-free_736543b4.json": {"tool_choice_auto"},
    "pollinations/chat_400_gemini_e96eeb66.json": {"no_tool_schema_extras"},
    "pollinations/chat_400_deepseek-reasoning_0fb7afc3.json": {"tool_choice_auto"},
}
"""Every genuine error that refuses a parameter, and what it teaches."""


def test_of_all_genuine_errors_those_teach_that_refuse_a_parameter_and_no_others(shared: Path) -> None:
    index = json.loads((shared / "recordings" / "INDEX.json").read_text(encoding="utf-8"))
    entries = index if isinstance(index, list) else index["exchanges"]
    found = {}
    for entry in entries:
        if entry["status"] >= 400:
            taped = json.loads((shared / "recordings" / entry["file"]).read_text(encoding="utf-8"))
            body = taped["request_body"]
            flags = asked_for(body if isinstance(body, dict) else {}, taped["response_body"] or "")
            if flags:
                found[entry["file"]] = set(flags)

    assert RECORDED == found


def _error(message: str, **fields: object) -> str:
    return json.dumps({"error": {"message": message, **fields}})


WORDINGS = [
    (_error("Unknown parameter: 'stream_options'.", param="stream_options"), {"no_stream_options"}),
    (_error("Unrecognized request argument supplied: parallel_tool_calls"), {"no_parallel_tool_calls"}),
    (
        json.dumps({"detail": "Extra parameters ['stream_options'] are not allowed when extra-parameters is not set"}),
        {"no_stream_options"},
    ),
    (
        json.dumps({"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs"}]}),
        {"no_seed"},
    ),
    (
        json.dumps(
            {
                "object": "error",
                "message": {
                    "detail": [
                        {"type": "extra_forbidden", "loc": ["body", "min_p"], "msg": "Extra inputs are not permitted"},
                        {
                            "type": "extra_forbidden",
                            "loc": ["body", "logit_bias"],
                            "msg": "Extra inputs are not permitted",
                        },
                    ]
                },
            }
        ),
        {"no_min_p", "no_logit_bias"},
    ),
    (
        json.dumps([{"error": {"message": 'Invalid JSON payload received. Unknown name "seed": Cannot find field.'}}]),
        {"no_seed"},
    ),
    (
        _error(
            "'messages.1' : for 'role:user' the following must be satisfied[('messages.1' : property 'name' is "
            "unsupported)]"
        ),
        {"no_name"},
    ),
    (_error("property 'logit_bias' is unsupported"), {"no_logit_bias"}),
    (_error("Argument not supported on this model: frequencyPenalty"), {"no_penalties"}),
    (_error("Unsupported parameter: 'stop' is not supported with this model.", param="stop"), {"no_stop"}),
    (
        _error(
            "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead.",
            param="max_tokens",
        ),
        {"max_completion_tokens"},
    ),
    (
        _error(
            "Unsupported value: 'temperature' does not support 0.5 with this model. Only the default (1) value is "
            "supported.",
            param="temperature",
            code="unsupported_value",
        ),
        {"no_temperature"},
    ),
    (_error("`temperature` and `top_p` cannot both be specified for this model. Please use only one."), {"no_top_p"}),
    (
        _error("The tool_choice parameter does not support being set to required or object in thinking mode"),
        {"tool_choice_auto"},
    ),
    (_error("Thinking mode does not support this tool_choice"), {"tool_choice_auto"}),
    (_error("Unknown parameter: 'tool_choice'."), {"no_tool_choice"}),
    (_error("role 'system' is not supported on this model"), {"no_system_role"}),
    (_error("System role not supported"), {"no_system_role"}),
    (_error("Only user, assistant and tool roles are supported!"), {"no_system_role"}),
    (_error("System message must be at the beginning."), {"system_first"}),
    (_error("This response_format type is unavailable now"), {"no_json_schema"}),
    (_error("Json mode is not enabled for models/tiny"), {"no_response_format"}),
    (_error("json mode cannot be combined with tool/function calling"), {"no_format_with_tools"}),
    (
        _error("Function calling with a response mime type: 'application/json' is unsupported"),
        {"no_format_with_tools"},
    ),
    (_error('"tiny" does not support thinking'), {"no_reasoning_effort"}),
    (_error("This model only supports single tool-calls at once!"), {"single_tool_calls"}),
    (
        _error("Tool call id was call_1 but must be a-z, A-Z, 0-9, with a length of 9."),
        {"tool_id_9"},
    ),
    (
        _error("Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant"),
        {"prefix_last"},
    ),
    (_error("Invalid value for 'content': expected a string, got null."), {"no_null_content"}),
    (_error("Extra inputs are not permitted, field: 'tools[0].function.strict'"), {"no_strict_tools"}),
    (
        _error(
            'Invalid JSON payload received. Unknown name "additionalProperties" at '
            "'tools[0].function_declarations[0].parameters': Cannot find field."
        ),
        {"no_tool_schema_extras"},
    ),
    # a value that is wrong, a model that is not there, a question that is too long: nothing to leave out
    (_error("max_tokens must be less than or equal to 8192"), set()),
    (_error("max_tokens is too large: 50. This model supports at most 16 completion tokens."), set()),
    (_error("The model `tiny` does not exist or you do not have access to it."), set()),
    (_error("This model's maximum context length is 8 tokens. Please reduce the length."), set()),
    (_error('"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'), set()),
    (_error("Tool choice is required, but model did not call a tool", code="tool_use_failed"), set()),
    ("<html><body>Bad request: seed</body></html>", set()),
    ("", set()),
    ("[" * 5000, set()),
]


@pytest.mark.parametrize(("text", "expected"), WORDINGS)
def test_a_hosts_words_name_what_is_to_be_left_out(text: str, expected: set[str]) -> None:
    assert expected == asked_for(FULL, text)


@pytest.mark.parametrize("text", [text for text, flags in WORDINGS if flags])
def test_what_was_not_sent_is_not_learned(text: str) -> None:
    assert not asked_for({"model": "m", "messages": [{"role": "user", "content": "Hi"}]}, text)


@pytest.mark.parametrize(
    "text",
    [
        _error("`tool calling` is not supported with this model", param="tool calling"),
        _error("Unknown parameter: 'tools'.", param="tools"),
        _error("Image input is not enabled for this model"),
        _error("messages[0].content must be a string"),
        _error("Unknown parameter: 'dimensions'.", param="dimensions"),
    ],
)
def test_what_the_caller_cannot_do_without_is_never_learned(text: str) -> None:
    """Tools, pictures and the length of vectors: an answer without them would be another answer."""
    picture = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}

    assert not asked_for({"tools": [TOOL], "messages": [picture], "dimensions": 8}, text)
    assert not LEARNED & {"no_tools", "no_dimensions", "flat_content"}


def test_every_learned_flag_is_a_quirk() -> None:
    assert set(QUIRKS) >= LEARNED


@pytest.mark.parametrize(
    "text",
    [
        "temperature must be between 0 and 2; 3 is not allowed",
        "temperature: 3 is not supported, expected a value in [0, 2]",
        "temperature greater than 2 is not supported",
        "top_p must be in (0, 1]; 0 is not allowed",
        "max_tokens: 100000 is not supported, the maximum is 8192",
        "max_tokens exceeding 8192 is not permitted on the free tier",
        "More than 4 stop sequences are not supported",
        "stop: empty strings are not allowed in 'stop'",
        "seed: negative values are not supported",
        "'seed' must be an integer, strings are not accepted",
        "frequency_penalty of 5 is not allowed; must be in [-2, 2]",
        "logprobs: top_logprobs > 20 is not supported",
        "Invalid schema for response_format 'n': In context=('properties', 'a'), 'oneOf' is not permitted.",
        "response_format schema uses unsupported keyword 'pattern'",
        "Invalid 'messages[1].name': string does not match pattern '^[a-z]+$', spaces are not allowed",
        "The tool 'get_weather' specified in tool_choice is not available",
        "tool_choice function 'get_weather' not available in tools",
        "The model `m` is deprecated. Use 'tiny-2' instead (a reasoning model).",
        "This model is deprecated and not available; the temperature is fine",
        "Reasoning model m is not available in your region",
        "Your organization is not allowed to use reasoning models",
        "Model m is not available. Available: qwen-thinking",
    ],
)
def test_one_callers_wrong_value_teaches_nothing_about_the_parameter(text: str) -> None:
    """A lesson holds for everybody and for days: it must not come of one bad request, or of an absent model."""
    named = {**FULL, "tool_choice": {"type": "function", "function": {"name": "get_weather"}}}

    assert not asked_for(FULL, _error(text))
    assert not asked_for(named, _error(text))


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"detail": [{"loc": ["body", "x"], "msg": "Field required", "input": "no seed supported " * 4000}]}),
        json.dumps({"detail": [{"loc": ["body"], "msg": "Field required", "input": "seed is not supported " * 4000}]})[
            :65_536
        ],
        _error("1 validation error for X\n0.type [type=missing, input_value={'text': 'seed is not supported'}]"),
        _error("[{'type': 'missing', 'loc': ('body', 'x'), 'msg': 'Field', 'input': 'the seed is not supported'}]"),
    ],
)
def test_a_long_or_a_nested_quote_of_the_question_teaches_nothing_either(text: str) -> None:
    assert not asked_for(FULL, text)


def test_a_value_that_is_refused_among_others_is_soon_tried_again() -> None:
    """`minimal` is no level here; the next caller's `high` must not be dropped for a week."""
    times = [1000.0 + REFUSAL_LIFE_S]
    refusals = Refusals(clock=lambda: times[0])
    said = "Unsupported value: 'reasoning_effort' does not support 'minimal' here. Supported values are: 'low', 'high'."
    asked = call(reasoning_effort="minimal")
    body = json.dumps({"reasoning_effort": "minimal"}).encode()

    fault = refusals.judged(
        asked,
        Ask(url="http://127.0.0.1:9", headers={}, body=body),
        Reply(status=400, headers={}, body=_error(said).encode()),
        InvalidRequest("refused"),
    )
    at_once = refusals.applied(asked).provider.quirks
    times[0] += 600
    later = refusals.applied(asked).provider.quirks

    assert "retry" == fault.advice
    assert {"no_reasoning_effort"} == at_once
    assert not later


def test_the_hosts_quote_of_the_question_teaches_nothing() -> None:
    """A 422 of FastAPI quotes the input: 'seed is not supported' in a question is no refusal."""
    quoted = {
        "detail": [{"type": "missing", "loc": ["body", "x"], "msg": "Field required", "input": "seed not supported"}]
    }

    assert not asked_for(FULL, json.dumps(quoted))


def test_a_named_tool_that_is_refused_is_offered_alone() -> None:
    named = {**FULL, "tool_choice": {"type": "function", "function": {"name": "add"}}}

    assert {"no_named_tool_choice"} == asked_for(named, _error("Unsupported tool_choice.", param="tool_choice"))


def test_a_form_that_was_told_as_an_object_already_is_told_in_words_next() -> None:
    body = {**FULL, "response_format": {"type": "json_object"}}

    assert {"no_response_format"} == asked_for(body, _error("'response_format.type' must be 'json_schema' or 'text'"))


def test_a_quirk_that_the_call_had_already_is_not_named_again() -> None:
    asked = call(provider(quirks=frozenset({"no_seed"})))

    assert not refused(asked, {"seed": 7}, _error("Unknown parameter: 'seed'."))
    assert {"no_seed"} == refused(call(), {"seed": 7}, _error("Unknown parameter: 'seed'."))


def test_a_vector_request_learns_the_input_type() -> None:
    text = _error("'input_type' parameter is required for asymmetric models")

    assert {"embedding_input_type"} == asked_for({"model": "m", "input": ["a"]}, text)


@dataclass(frozen=True)
class _Strict:
    """Answers once none of these fields is in the body."""

    fields: tuple[str, ...]

    def __call__(self, received: Received) -> Behaviour:
        body = received.body if isinstance(received.body, dict) else {}
        said = "Extra inputs are not permitted"
        detail = [
            {"type": "extra_forbidden", "loc": ["body", name], "msg": said} for name in self.fields if name in body
        ]
        return Fault(422, body={"detail": detail}) if detail else Answer("Paris.")


@pytest.fixture
def clients() -> Iterator[Clients]:
    """Pooled connections, closed at the end."""
    made = Clients()
    yield made
    made.close()


@pytest.fixture
async def aclients() -> AsyncIterator[Clients]:
    """Pooled connections of the running loop."""
    made = Clients()
    yield made
    await made.aclose()


def _bodies(upstream: FakeUpstream) -> list[dict[str, object]]:
    return [received.body for received in upstream.requests if isinstance(received.body, dict)]


def test_the_first_refusal_advises_to_retry_and_the_retry_goes_without(clients: Clients) -> None:
    with FakeUpstream(
        _Strict(
            (
                "seed",
                "top_p",
            )
        )
    ) as up:
        adapter, asked = adapter_for(provider(), clients), call(provider(up.base_url), seed=7, top_p=0.5)
        with pytest.raises(InvalidRequest, match=r"asked again with no_seed, no_top_p") as caught:
            adapter.send(asked)
        answer = adapter.send(asked)

        assert ("retry", 422) == (caught.value.advice, caught.value.status_code)
        assert "Paris." == answer.text
        assert [True, False] == ["seed" in body for body in _bodies(up)]


def test_a_refusal_that_goes_on_is_final(clients: Clients) -> None:
    refuses = Fault(400, body={"error": {"message": "Unknown parameter: 'seed'.", "param": "seed"}})
    with FakeUpstream(refuses) as up:
        adapter, asked = adapter_for(provider(), clients), call(provider(up.base_url), seed=7)
        with pytest.raises(InvalidRequest):
            adapter.send(asked)
        with pytest.raises(InvalidRequest) as caught:
            adapter.send(asked)

        assert "next_route" == caught.value.advice


@pytest.mark.parametrize("status", [401, 402, 413, 429, 503])
def test_a_fault_that_is_no_refusal_teaches_nothing(clients: Clients, status: int) -> None:
    fault = Fault(status, body={"error": {"message": "Unknown parameter: 'seed'."}})
    with FakeUpstream([fault, Answer("Paris.")]) as up:
        adapter, asked = adapter_for(provider(), clients), call(provider(up.base_url), seed=7)
        with pytest.raises(ProviderError) as caught:
            adapter.send(asked)
        adapter.send(asked)

        assert "retry" != caught.value.advice
        assert 7 == _bodies(up)[-1]["seed"]


def test_another_model_of_the_host_is_asked_in_full(clients: Clients) -> None:
    with FakeUpstream(per_model={"strict": _Strict(("seed",))}) as up:
        adapter, row = adapter_for(provider(), clients), provider(up.base_url)
        with pytest.raises(InvalidRequest):
            adapter.send(call(row, model="strict", seed=7))
        adapter.send(call(row, model="lenient", seed=7))

        assert 7 == _bodies(up)[-1]["seed"]


async def test_an_adapter_used_alone_asks_again_in_every_way(clients: Clients, aclients: Clients) -> None:
    """The faces have no engine behind them: `AskAgain` around the adapter is enough."""
    with FakeUpstream(
        _Strict(
            (
                "seed",
                "stream_options",
                "encoding_format",
            )
        )
    ) as up:
        row = provider(up.base_url)
        request = EmbeddingRequest(texts=("a",))
        texts = [
            AskAgain(adapter_for(row, clients)).send(call(row, seed=7)).text,
            "".join(chunk.text for chunk in AskAgain(adapter_for(row, clients)).open(call(row, seed=7))),
            (await AskAgain(adapter_for(row, aclients)).asend(call(row, seed=7))).text,
            "".join(
                [chunk.text async for chunk in await AskAgain(adapter_for(row, aclients)).aopen(call(row, seed=7))]
            ),
        ]
        vectors = AskAgain(adapter_for(row, clients)).embed(call(row), request)
        more = await AskAgain(adapter_for(row, aclients)).aembed(call(row), request)

    assert ["Paris."] * 4 == texts
    assert len(vectors.vectors) == len(more.vectors) == 1


def test_a_form_that_is_refused_is_still_told(clients: Clients) -> None:
    with FakeUpstream(_Strict(("response_format",))) as up:
        row = provider(up.base_url)
        AskAgain(adapter_for(row, clients)).send(call(row, response_format=SCHEMA))

        assert "response_format" not in _bodies(up)[-1]
        assert '{"type":"object"}' in json.dumps(_bodies(up)[-1]["messages"]).replace('\\"', '"')


def test_a_tool_that_must_be_called_may_be_asked_for_as_auto(clients: Clients) -> None:
    def only_auto(received: Received) -> Behaviour:
        body = received.body if isinstance(received.body, dict) else {}
        if body.get("tool_choice") == "auto":
            return answer_with_tool("add")
        return Fault(
            400,
            body={"message": "Unsupported tool_choice: required. Expected 'auto' or 'none'.", "param": "tool_choice"},
        )

    with FakeUpstream(only_auto) as up:
        row = provider(up.base_url)
        answer = AskAgain(adapter_for(row, clients)).send(call(row, tools=(TOOL,), tool_choice="required"))

    assert "add" == answer.tool_calls[0].name


def test_after_a_week_the_parameter_is_tried_again() -> None:
    times = [1000.0]
    store = Ledger.open("memory:", clock=lambda: times[0])
    store.remember_refusal(Route("fake", "tiny"), "no_seed", 1000.0)
    refusals = Refusals(store, clock=lambda: times[0])

    fresh = refusals.applied(call()).provider.quirks
    times[0] += REFUSAL_LIFE_S
    old = refusals.applied(call()).provider.quirks

    assert {"no_seed"} == fresh
    assert not old


def test_memory_is_bounded_and_takes_no_flag_that_cannot_be_learned() -> None:
    refusals = Refusals(clock=lambda: 1000.0)
    for number in range(1500):
        refusals._store.remember_refusal(Route("fake", f"m{number}"), "no_seed", 1000.0)
    refusals._store.remember_refusal(Route("fake", "tiny"), "no_tools", 1000.0)

    assert not refusals._store.refusals(Route("fake", "m0"))
    assert refusals._store.refusals(Route("fake", "m1499"))
    assert not refusals.applied(call()).provider.quirks


@pytest.mark.parametrize("way", ["invoke", "stream"])
def test_the_pool_answers_reports_two_attempts_and_never_asks_so_again(tmp_path: Path, way: str) -> None:
    """End to end: what one process learned, the next one knows before its first call."""
    state = f"sqlite:///{tmp_path / 'state.db'}"
    refused_name = "seed" if way == "invoke" else "stream_options"
    with FakeUpstream(_Strict((refused_name,))) as up:
        with make_pool(tmp_path, {"only": up}, state_url=state) as first:
            llm = ChatOpenMux(mux=first, seed=7)
            said = llm.invoke("What is the capital of France?") if way == "invoke" else _streamed(llm)
            report = first.report(said.response_metadata["openmux"]["run_id"])
        asked_first = len(_bodies(up))
        with make_pool(tmp_path, {"only": up}, state_url=state) as second:
            again = ChatOpenMux(mux=second, seed=7)
            later = again.invoke("And of Spain?") if way == "invoke" else _streamed(again)
        bodies = _bodies(up)

    assert "Paris." == said.text == later.text
    assert ["failed", "ok"] == [attempt["outcome"] for attempt in report["attempts"]]
    assert f"no_{refused_name}" in report["attempts"][0]["message"]
    assert 2 == asked_first
    assert 3 == len(bodies)
    assert [True, False, False] == [refused_name in body for body in bodies]


def _streamed(llm: ChatOpenMux):
    chunks = list(llm.stream("What is the capital of France?"))
    added = chunks[0]
    for chunk in chunks[1:]:
        added += chunk
    return added
