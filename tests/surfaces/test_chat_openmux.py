"""`ChatOpenMux` where `ChatOpenAI` stood: calls, streams, tools, failover, metadata."""

import asyncio
import json
from pathlib import Path

import pytest
from langchain_core.exceptions import ModelError, ModelRateLimitError
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from pydantic import BaseModel, ValidationError

from openmux_lc import ChatOpenMux
from openmux_lc.errors import AllRoutesFailedError, ConfigError, NoRouteError, StreamInterruptedError
from openmux_lc.testing import (
    Answer,
    FakeUpstream,
    answer_with_tool,
    cut,
    rate_limited,
    server_error,
    stalled,
    unauthorized,
)
from tests.pool import make_pool

GOOD = Answer(text="The capital of France is Paris.")


@tool
def get_weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"sunny in {city}"


@pytest.mark.parametrize("engine", ["loop", "graph"])
def test_invoke_ainvoke_stream_and_astream_give_the_same_answer_and_route(tmp_path: Path, engine: str):
    """The parity test: four ways, one decision, one report (S1-08's base)."""
    with FakeUpstream([server_error()]) as bad, FakeUpstream([GOOD]) as good:
        with make_pool(tmp_path, {"first": bad, "second": good}) as mux:
            llm = ChatOpenMux(mux=mux, engine=engine)

            async def asynchronous() -> tuple[AIMessage, AIMessageChunk]:
                whole = await llm.ainvoke("hi")
                added: AIMessageChunk | None = None
                async for chunk in llm.astream("hi"):
                    added = chunk if added is None else added + chunk
                await mux.clients.aclose()
                assert added is not None
                return whole, added

            one = llm.invoke("hi")
            mux.ledger.uncool("first:m")
            streamed: AIMessageChunk | None = None
            for chunk in llm.stream("hi"):
                streamed = chunk if streamed is None else streamed + chunk
            two, three = asyncio.run(asynchronous())
            answers = [one, streamed, two, three]

    for answer in answers:
        assert "The capital of France is Paris." == answer.text
        assert "second:m" == answer.response_metadata["openmux"]["route"]
        assert answer.response_metadata["model_name"]
        assert answer.usage_metadata is not None
        assert answer.usage_metadata["total_tokens"] > 0
    assert 1 == len({json.dumps(answer.usage_metadata, sort_keys=True) for answer in answers})
    assert "last" == answers[1].chunk_position


def test_batch_and_abatch_answer_every_input(tmp_path: Path):
    with FakeUpstream([GOOD]) as good, make_pool(tmp_path, {"only": good}) as mux:
        llm = ChatOpenMux(mux=mux)
        answers = llm.batch(["a", "b", "c"])

    assert ["The capital of France is Paris."] * 3 == [answer.text for answer in answers]


def test_metadata_is_json_plain_and_small(tmp_path: Path):
    with FakeUpstream([GOOD]) as good, make_pool(tmp_path, {"only": good}) as mux:
        told = ChatOpenMux(mux=mux).invoke("hi").response_metadata["openmux"]
        whole = mux.report(told["run_id"])

    assert len(json.dumps(told)) <= 4096
    assert 1 == told["v"]
    assert {"route", "task", "confidence", "why", "attempts", "rejected", "counts"} <= set(told)
    assert whole["candidates"]


def test_a_pinned_route_is_the_only_one_asked(tmp_path: Path):
    with FakeUpstream([server_error()]) as bad, FakeUpstream([GOOD]) as good:
        with make_pool(tmp_path, {"first": bad, "second": good}) as mux:
            with pytest.raises(AllRoutesFailedError):
                ChatOpenMux(model="first:m", mux=mux).invoke("hi")
            count = len(good.requests)

    assert 0 == count


def test_a_list_is_an_ordered_chain_that_is_never_left(tmp_path: Path):
    with FakeUpstream([server_error()]) as a, FakeUpstream([server_error()]) as b, FakeUpstream([GOOD]) as c:
        with make_pool(tmp_path, {"a": a, "b": b, "c": c}) as mux:
            chain = ChatOpenMux(model=["b:m", "a:m"], mux=mux)
            with pytest.raises(AllRoutesFailedError) as caught:
                chain.invoke("hi")
            open_ended = ChatOpenMux(model=["b:m", "auto"], mux=mux).invoke("hi")

    assert ("b:m", ("a:m",)) == (chain.model_name, chain.fallbacks)
    assert "b:m" == str(caught.value.attempts[0].route)
    assert {"a:m", "b:m"} == {str(attempt.route) for attempt in caught.value.attempts}
    assert "c:m" == open_ended.response_metadata["openmux"]["route"]


def test_model_and_sampling_are_taken_per_call(tmp_path: Path):
    with FakeUpstream([GOOD]) as a, FakeUpstream([GOOD]) as b, make_pool(tmp_path, {"a": a, "b": b}) as mux:
        llm = ChatOpenMux(model="a:m", temperature=0.1, stop=["x"], mux=mux)
        llm.invoke("hi", model="b:m", temperature=0.7, max_tokens=5, stop=["y"])
        body = b.requests[-1].body
        counts = (len(a.requests), len(b.requests))

    assert (0, 1) == counts
    assert (0.7, 5, ["y"]) == (body["temperature"], body["max_tokens"], body["stop"])


def test_langchains_usual_names_are_taken():
    llm = ChatOpenMux(model_name="ollama:x", request_timeout=3, stop_sequences=["a"], max_completion_tokens=7)

    assert ("ollama:x", 3, ["a"], 7) == (llm.model_name, llm.timeout, llm.stop, llm.max_tokens)


def test_an_unknown_argument_is_refused_not_stuffed_away(tmp_path: Path):
    with pytest.raises(ValidationError, match="temprature"):
        ChatOpenMux(temprature=0.1)

    with FakeUpstream([GOOD]) as good, make_pool(tmp_path, {"only": good}) as mux:
        with pytest.raises(ConfigError, match="did you mean 'temperature'"):
            ChatOpenMux(mux=mux).invoke("hi", temprature=0.1)


def test_an_unknown_provider_is_told_with_the_nearest_route(tmp_path: Path):
    with FakeUpstream([GOOD]) as good, make_pool(tmp_path, {"alpha": good}) as mux:
        with pytest.raises(ConfigError, match="alpha:m"):
            ChatOpenMux(model="alhpa:m", mux=mux).invoke("hi")


def test_errors_are_langchains_and_ours_at_once(tmp_path: Path):
    """Code written for LangChain's error classes goes on working."""
    with FakeUpstream([rate_limited(5)]) as upstream, make_pool(tmp_path, {"only": upstream}) as mux:
        with pytest.raises(ModelRateLimitError) as limited:
            ChatOpenMux(mux=mux).invoke("hi")
    with FakeUpstream([unauthorized()]) as upstream, make_pool(tmp_path, {"only": upstream}) as mux:
        with pytest.raises(ModelError) as refused:
            ChatOpenMux(mux=mux).invoke("hi")

    assert isinstance(limited.value, AllRoutesFailedError)
    assert isinstance(refused.value, AllRoutesFailedError)
    assert limited.value.attempts


def test_tools_are_bound_called_and_answered(tmp_path: Path):
    script = [answer_with_tool("get_weather", '{"city": "Paris"}'), Answer(text="It is sunny in Paris.")]
    with FakeUpstream(script) as upstream, make_pool(tmp_path, {"only": upstream}) as mux:
        llm = ChatOpenMux(mux=mux)
        asked = llm.bind_tools([get_weather], tool_choice="any").invoke("weather in Paris?")
        final = llm.bind_tools([get_weather]).invoke(
            [HumanMessage("weather in Paris?"), asked, ToolMessage("sunny", tool_call_id=asked.tool_calls[0]["id"])]
        )
        bodies = [request.body for request in upstream.requests]

    assert [("get_weather", {"city": "Paris"})] == [(call["name"], call["args"]) for call in asked.tool_calls]
    assert "required" == bodies[0]["tool_choice"]
    assert "tool" == bodies[1]["messages"][-1]["role"]
    assert "It is sunny in Paris." == final.text


def test_an_empty_list_of_tools_binds_none(tmp_path: Path):
    with FakeUpstream([GOOD]) as upstream, make_pool(tmp_path, {"only": upstream}) as mux:
        ChatOpenMux(mux=mux).bind_tools([]).invoke("hi")
        body = upstream.requests[-1].body

    assert "tools" not in body


class Capital(BaseModel):
    """A country with its capital."""

    country: str
    capital: str


@pytest.mark.parametrize("method", ["function_calling", "json_schema", "json_mode"])
def test_structured_output_is_parsed_by_every_method(tmp_path: Path, method: str):
    written = '{"country": "France", "capital": "Paris"}'
    reply = answer_with_tool("Capital", written) if method == "function_calling" else Answer(text=written)
    with FakeUpstream([reply]) as upstream, make_pool(tmp_path, {"only": upstream}) as mux:
        llm = ChatOpenMux(mux=mux)
        parsed = llm.with_structured_output(Capital, method=method).invoke("France?")
        raw = llm.with_structured_output(Capital, method=method, include_raw=True).invoke("France?")
        body = upstream.requests[0].body

    assert Capital(country="France", capital="Paris") == parsed == raw["parsed"]
    assert raw["parsing_error"] is None
    assert "ls_structured_output_format" not in body
    assert ("tools" in body) is (method == "function_calling")


def test_a_broken_stream_raises_with_the_partial_text(tmp_path: Path):
    with FakeUpstream([cut(2, text="one two three four five")]) as upstream:
        with make_pool(tmp_path, {"only": upstream}) as mux, pytest.raises(StreamInterruptedError) as caught:
            list(ChatOpenMux(mux=mux).stream("hi"))

    assert caught.value.partial
    assert isinstance(caught.value, ModelError)


def test_system_messages_reach_the_wire(tmp_path: Path):
    with FakeUpstream([GOOD]) as upstream, make_pool(tmp_path, {"only": upstream}) as mux:
        ChatOpenMux(mux=mux).invoke([SystemMessage("be brief"), HumanMessage("hi")])
        roles = [message["role"] for message in upstream.requests[-1].body["messages"]]

    assert ["system", "user"] == roles


def test_an_image_to_be_drawn_has_no_route_and_says_so(tmp_path: Path):
    with FakeUpstream([GOOD]) as upstream, make_pool(tmp_path, {"only": upstream}) as mux:
        with pytest.raises(NoRouteError, match="image"):
            ChatOpenMux(mux=mux).invoke("Draw a picture of a cat wearing a hat")
        count = len(upstream.requests)

    assert 0 == count


def test_looking_at_an_image_goes_to_a_model_that_sees(tmp_path: Path):
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    sees = '\n[[models]]\nroute = "seeing:v"\nfree = true\nimage_inputs = true\nquality = 0.1\n'
    with FakeUpstream([GOOD]) as blind, FakeUpstream([Answer(text="a cat")]) as seeing:
        extra = sees
        with make_pool(tmp_path, {"blind": blind, "seeing": seeing}, extra=extra) as mux:
            answer = ChatOpenMux(mux=mux).invoke([HumanMessage([{"type": "text", "text": "What is this?"}, picture])])

    assert "seeing:v" == answer.response_metadata["openmux"]["route"]
    assert "a cat" == answer.text


def test_the_last_route_of_the_conversation_is_preferred(tmp_path: Path):
    """Affinity: tool-call ids and style travel badly between models."""
    with FakeUpstream([GOOD]) as a, FakeUpstream([GOOD]) as b, make_pool(tmp_path, {"a": a, "b": b}) as mux:
        llm = ChatOpenMux(mux=mux)
        first = llm.invoke("hi", model="b:m")
        second = llm.invoke([HumanMessage("hi"), first, HumanMessage("and now?")])

    assert "b:m" == second.response_metadata["openmux"]["route"]


def test_no_dump_or_repr_shows_a_key():
    llm = ChatOpenMux(model="groq:openai/gpt-oss-20b", api_key="gsk_very_secret")

    assert "very_secret" not in repr(llm)
    assert "very_secret" not in str(llm)
    assert "very_secret" not in str(llm.model_dump())
    assert "very_secret" not in str(llm._identifying_params)


def test_a_key_without_a_pinned_model_is_told(tmp_path: Path):
    with pytest.raises(ConfigError, match="pinned"):
        ChatOpenMux(api_key="k").invoke("hi")


def test_each_wait_may_be_said_on_the_object_and_per_call(tmp_path: Path):
    """A host that says nothing costs no more than its first-byte timeout, whoever names it."""
    with FakeUpstream([stalled(60)]) as bad, FakeUpstream([GOOD]) as good:
        with make_pool(tmp_path, {"first": bad, "second": good}) as mux:
            on_object = ChatOpenMux(mux=mux, first_byte_timeout=0.3, stall_timeout=9, max_wait=2)
            answers = [on_object.invoke("hi"), ChatOpenMux(mux=mux).invoke("hi", first_byte_timeout=0.3, max_wait=0)]
            options = on_object._defaults().to_options(mux.default_options())

    assert [GOOD.text] * 2 == [answer.text for answer in answers]
    assert (0.3, 9.0, 2.0) == (options.first_byte_s, options.stall_s, options.max_wait_s)
    with pytest.raises(ValidationError, match="max_wait"):
        ChatOpenMux(mux=mux, max_wait=-1)
