"""`ChatOpenMux` over hosts with dialects of their own: what an agent needs survives each of them (S0-02, S1-13)."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from openmux_lc import ChatOpenMux, Mux, OpenMuxEmbeddings, Settings
from openmux_lc.errors import NoRouteError
from openmux_lc.testing import Answer, FakeUpstream
from tests.providers.job_host import Asked, JobHost, Said, job_host

KEYS = {"GEMINI_API_KEY": "gemini-key", "COHERE_API_KEY": "cohere-key", "CLOUDFLARE_API_TOKEN": "cloudflare-token"}
QUESTION = "What is the weather in Paris?"
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tell the weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
SIGNED = {
    "functionCall": {"name": "get_weather", "args": {"city": "Paris"}},
    "thoughtSignature": "c2lnbmVk",
}


def _gemini(host: JobHost, asked: Asked) -> Said:
    """Call the tool, signed; then answer, but only to somebody who brings the signature back."""
    if asked.path.endswith(":batchEmbedContents"):
        return 200, {"embeddings": [{"values": [0.6, 0.8]} for _ in asked.body["requests"]]}
    parts = [part for content in asked.body["contents"] for part in content["parts"]]
    if not any("functionResponse" in part for part in parts):
        return _said(asked, SIGNED)
    if any(part.get("thoughtSignature") == SIGNED["thoughtSignature"] for part in parts):
        return _said(asked, {"text": "It is sunny in Paris."})
    return 400, {"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "missing a thought_signature"}}


def _said(asked: Asked, part: dict[str, Any]) -> Said:
    payload = {"candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP"}]}
    if "alt=sse" not in asked.path:
        return 200, payload
    return 200, f"data: {json.dumps(payload)}\r\n\r\n".encode(), {"content-type": "text/event-stream"}


def _cohere(_: JobHost, asked: Asked) -> Said:
    results = [message for message in asked.body["messages"] if message["role"] == "tool"]
    if not results:
        call = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Paris"}'}}
        return 200, {"id": "1", "finish_reason": "TOOL_CALL", "message": {"tool_calls": [call], "tool_plan": "I look."}}
    text = f"It is {results[0]['content']} in Paris."
    return 200, {"id": "2", "finish_reason": "COMPLETE", "message": {"content": [{"type": "text", "text": text}]}}


@contextmanager
def _pool(folder: Path, provider: str, address: str, **environ: str) -> Iterator[Mux]:
    """A pool in which nothing is but one provider of the shipped catalog, at a loopback address."""
    own = {f"OPENMUX_{provider.upper()}_BASE_URL": address, "OPENMUX_PROVIDERS": provider}
    settings = Settings.load(environ={**KEYS, **own, "OPENMUX_STATE_URL": "memory:", **environ}, cwd=folder)
    with Mux(settings) as mux:
        yield mux


@pytest.mark.parametrize("is_streamed", [False, True])
def test_a_thought_signature_goes_back_through_the_whole_agents_loop(is_streamed: bool, tmp_path: Path) -> None:
    """Also when a checkpointer wrote the history down in between: without it the host refuses the second turn."""
    with job_host(_gemini) as host, _pool(tmp_path, "gemini", f"{host.origin}/v1beta") as mux:
        model = ChatOpenMux(mux=mux, model="gemini:gemini-3.5-flash").bind_tools([WEATHER])
        history: list[Any] = [HumanMessage(QUESTION)]
        called = _ask(model, history, is_streamed=is_streamed)
        kept = JsonPlusSerializer().loads_typed(JsonPlusSerializer().dumps_typed(called))
        history += [kept, ToolMessage("sunny", tool_call_id=kept.tool_calls[0]["id"])]
        answer = _ask(model, history, is_streamed=is_streamed)

    assert [{"city": "Paris"}] == [call["args"] for call in called.tool_calls]
    assert "It is sunny in Paris." == answer.text
    assert ["gemini-key"] * 2 == [asked.headers["x-goog-api-key"] for asked in host.asked]
    assert all("gemini-key" not in asked.path for asked in host.asked)


def _ask(model: Any, history: list[Any], *, is_streamed: bool) -> AIMessage:
    if not is_streamed:
        return model.invoke(history)
    whole = None
    for chunk in model.stream(history):
        whole = chunk if whole is None else whole + chunk
    assert whole is not None
    return AIMessage(whole.content, tool_calls=whole.tool_calls, additional_kwargs=whole.additional_kwargs)


def test_a_signature_never_reaches_another_host(tmp_path: Path) -> None:
    echo = {"provider": "gemini", "model": "gemini-3.5-flash", "signatures": {"call_1": "c2lnbmVk"}}
    call = {"name": "get_weather", "args": {"city": "Paris"}, "id": "call_1"}
    spoken = AIMessage("", tool_calls=[call], additional_kwargs={"openmux_echo": echo})
    history = [HumanMessage(QUESTION), spoken, ToolMessage("sunny", tool_call_id="call_1")]
    with FakeUpstream(Answer("Sunny.")) as up, _pool(tmp_path, "groq", up.base_url, GROQ_API_KEY="groq-key") as mux:
        ChatOpenMux(mux=mux, model="groq:openai/gpt-oss-20b").invoke(history)

    assert "c2lnbmVk" not in json.dumps(up.requests[0].body)
    assert "openmux_echo" not in json.dumps(up.requests[0].body)


def test_tools_work_where_the_host_has_words_of_its_own(tmp_path: Path) -> None:
    with job_host(_cohere) as host, _pool(tmp_path, "cohere", f"{host.origin}/v2") as mux:
        model = ChatOpenMux(mux=mux, model="cohere:command-a-03-2025").bind_tools([WEATHER])
        called = model.invoke(QUESTION)
        answer = model.invoke([HumanMessage(QUESTION), called, ToolMessage("sunny", tool_call_id="c1")])

    assert ["/v2/chat"] * 2 == [asked.path for asked in host.asked]
    assert "It is sunny in Paris." == answer.text
    assert "cohere:command-a-03-2025" == answer.response_metadata["openmux"]["route"]


def test_a_models_id_travels_whole_to_the_users_own_account(tmp_path: Path) -> None:
    message = {"role": "assistant", "content": "Paris."}

    def say(_: JobHost, __: Asked) -> Said:
        return 200, {"choices": [{"message": message, "finish_reason": "stop"}]}

    with job_host(say) as host, _pool(tmp_path, "cloudflare", f"{host.origin}/accounts/me/ai/v1") as mux:
        answer = ChatOpenMux(mux=mux, model="cloudflare:@cf/openai/gpt-oss-20b").invoke(
            "What is the capital of France?"
        )

    asked = host.asked[0]
    assert "Paris." == answer.text
    assert ("/accounts/me/ai/v1/chat/completions", "@cf/openai/gpt-oss-20b") == (asked.path, asked.body["model"])
    assert "Bearer cloudflare-token" == asked.headers["authorization"]


def test_without_the_account_the_route_says_what_to_set(tmp_path: Path) -> None:
    settings = Settings.load(
        environ={**KEYS, "OPENMUX_STATE_URL": "memory:", "OPENMUX_PROVIDERS": "cloudflare"}, cwd=tmp_path
    )

    with Mux(settings) as mux, pytest.raises(NoRouteError) as caught:
        ChatOpenMux(mux=mux, model="cloudflare:@cf/openai/gpt-oss-20b").invoke("What is the capital of France?")

    assert "set CLOUDFLARE_ACCOUNT_ID" in str(caught.value)


def test_vectors_of_a_native_host_come_in_order(tmp_path: Path) -> None:
    with job_host(_gemini) as host, _pool(tmp_path, "gemini", f"{host.origin}/v1beta") as mux:
        vectors = OpenMuxEmbeddings(mux=mux, model="gemini:gemini-embedding-001").embed_documents(["a", "b"])

    assert [[0.6, 0.8]] * 2 == vectors
    assert ["a", "b"] == [asked["content"]["parts"][0]["text"] for asked in host.asked[0].body["requests"]]


def test_an_error_in_a_native_shape_fails_over_before_the_reader_notices(tmp_path: Path) -> None:
    """Out of quota at one dialect, answered in another; the report names both."""

    def spent(_: JobHost, __: Asked) -> Said:
        detail = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "17s"}
        error = {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "You exceeded your current quota"}
        return 429, {"error": {**error, "details": [detail]}}

    with job_host(spent) as host, FakeUpstream(Answer("Paris.")) as up:
        environ = {"OPENMUX_GROQ_BASE_URL": up.base_url, "GROQ_API_KEY": "groq-key"}
        with _pool(tmp_path, "gemini", f"{host.origin}/v1beta", **environ, OPENMUX_PROVIDERS="gemini,groq") as mux:
            chain = ["gemini:gemini-3.5-flash", "groq:openai/gpt-oss-20b"]
            chunks = list(ChatOpenMux(mux=mux, model=chain).stream("What is the capital of France?"))
            report = mux.report(chunks[-1].response_metadata["openmux"]["run_id"])

    assert "Paris." == "".join(chunk.text for chunk in chunks)
    assert ["RateLimited", None] == [attempt["error"] for attempt in report["attempts"]]
    assert 17.0 == report["attempts"][0]["retry_after_s"]
