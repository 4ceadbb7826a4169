"""What LangChain's users rely on beyond its standard suites: tracing, caches, copies, loops, hanging up."""

import asyncio
import copy
import pickle
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from langchain_core.callbacks import get_usage_metadata_callback
from langchain_core.caches import InMemoryCache
from langchain_core.exceptions import ModelRateLimitError
from langchain_core.globals import set_llm_cache
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.runnables import ConfigurableField
from langchain_core.tools import tool
from pydantic import BaseModel

from openmux_lc import ChatOpenMux, Mux, OpenMuxEmbeddings
from openmux_lc.errors import ConfigError, EmbeddingSpaceError
from openmux_lc.testing import Answer, FakeUpstream, hanging, rate_limited, server_error, slow, stalled
from tests.pool import make_pool
from tests.surfaces.smart_upstream import smart_model

_SOON_S = 2.0


@tool
def get_weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"It is sunny in {city}."


class Capital(BaseModel):
    """A country with its capital."""

    country: str
    capital: str | None = None


@pytest.fixture
def hosts() -> Iterator[dict[str, FakeUpstream]]:
    """Two hosts whose models are capable; `alpha` is preferred."""
    with FakeUpstream(smart_model("alpha")) as alpha, FakeUpstream(smart_model("beta")) as beta:
        yield {"alpha": alpha, "beta": beta}


@pytest.fixture
def mux(hosts: dict[str, FakeUpstream], tmp_path: Path) -> Iterator[Mux]:
    with make_pool(tmp_path, hosts) as pool:
        yield pool


@pytest.fixture
def llm(mux: Mux) -> ChatOpenMux:
    return ChatOpenMux(mux=mux)


@pytest.fixture
def cache() -> Iterator[InMemoryCache]:
    """LangChain's process-wide cache, for one test."""
    kept = InMemoryCache()
    set_llm_cache(kept)
    yield kept
    set_llm_cache(None)


def route(answer: AIMessage) -> str:
    return answer.response_metadata["openmux"]["route"]


# Agents


def test_langchains_agent_calls_its_tools_and_ends(llm: ChatOpenMux):
    agents = pytest.importorskip("langchain.agents", reason="langchain is not installed: core 1.7.2 takes 1.0 to 1.4")
    agent = agents.create_agent(llm, tools=[get_weather])

    messages = agent.invoke({"messages": [HumanMessage("What is the weather in the city of 'Paris'?")]})["messages"]

    assert ["human", "ai", "tool", "ai"] == [message.type for message in messages]
    assert "It is sunny in Paris." == messages[2].text
    assert messages[3].text
    assert route(messages[1]) == route(messages[3])


async def test_langchains_agent_streams_tokens_once(llm: ChatOpenMux):
    agents = pytest.importorskip("langchain.agents", reason="langchain is not installed: core 1.7.2 takes 1.0 to 1.4")
    agent = agents.create_agent(llm, tools=[get_weather])

    asked = {"messages": [HumanMessage("Good morning to everybody")]}
    tokens = [part.text async for part, _ in agent.astream(asked, stream_mode="messages")]
    whole = await agent.ainvoke(asked)

    assert whole["messages"][-1].text == "".join(tokens)
    assert len(tokens) > 1


@pytest.mark.parametrize("kind", ["ToolStrategy", "ProviderStrategy"])
def test_langchains_agent_gives_a_structured_answer(llm: ChatOpenMux, kind: str):
    agents = pytest.importorskip("langchain.agents", reason="langchain is not installed: core 1.7.2 takes 1.0 to 1.4")
    strategies = pytest.importorskip("langchain.agents.structured_output")
    agent = agents.create_agent(llm, tools=[], response_format=getattr(strategies, kind)(Capital))

    told = agent.invoke({"messages": [HumanMessage("The country 'France' has the capital 'Paris'.")]})

    assert Capital(country="France", capital="Paris") == told["structured_response"]


def test_a_tool_loop_over_bind_tools_ends_with_words(llm: ChatOpenMux):
    asked = HumanMessage("What is the weather in the city of 'Paris'?")
    bound = llm.bind_tools([get_weather])

    called = bound.invoke([asked])
    result = get_weather.invoke(called.tool_calls[0])
    final = bound.invoke([asked, called, result])

    assert isinstance(result, ToolMessage)
    assert [("get_weather", {"city": "Paris"})] == [(call["name"], call["args"]) for call in called.tool_calls]
    assert final.text
    assert not final.tool_calls


# Structured output


def test_strict_and_further_options_reach_the_wire_by_every_method(llm: ChatOpenMux, hosts: dict[str, FakeUpstream]):
    asked = "The country 'France' has the capital 'Paris'."
    for method in ("function_calling", "json_schema"):
        structured = llm.with_structured_output(Capital, method=method, strict=True, temperature=0.25)
        assert Capital(country="France", capital="Paris") == structured.invoke(asked)
    by_tool, by_format = (request.body for request in hosts["alpha"].requests)
    function, schema = by_tool["tools"][0]["function"], by_format["response_format"]["json_schema"]

    assert (0.25, 0.25) == (by_tool["temperature"], by_format["temperature"])
    assert (True, True) == (function["strict"], schema["strict"])
    for shape in (function["parameters"], schema["schema"]):
        assert (False, ["country", "capital"]) == (shape["additionalProperties"], shape["required"])


def test_a_title_with_blanks_is_no_name_for_hosts(llm: ChatOpenMux, hosts: dict[str, FakeUpstream]):
    schema = {"title": "My answer", "type": "object", "properties": {"n": {"type": "integer"}}}

    told = llm.with_structured_output(schema, method="json_schema").invoke("It is 7.")

    assert {"n": 7} == told
    assert "My_answer" == hosts["alpha"].requests[-1].body["response_format"]["json_schema"]["name"]


def test_an_unknown_method_of_structured_output_is_refused(llm: ChatOpenMux):
    with pytest.raises(ConfigError, match="function_calling"):
        llm.with_structured_output(Capital, method="jsonmode")


@pytest.mark.parametrize("method", ["function_calling", "json_schema", "json_mode"])
def test_with_include_raw_a_bad_answer_is_told_not_raised(tmp_path: Path, method: str):
    with FakeUpstream(Answer("no JSON at all")) as host, make_pool(tmp_path, {"only": host}) as mux:
        told = ChatOpenMux(mux=mux).with_structured_output(Capital, method=method, include_raw=True).invoke("France?")

    assert {"raw", "parsed", "parsing_error"} == set(told)
    assert "no JSON at all" == told["raw"].text
    assert told["parsed"] is None
    assert (told["parsing_error"] is None) is (method == "function_calling")


# Tracing


async def test_astream_events_shows_one_run_of_ours_and_nothing_inside(llm: ChatOpenMux):
    events = [event async for event in llm.astream_events("hi", version="v2")]

    assert {"ChatOpenMux"} == {event["name"] for event in events}
    assert 1 == len({event["run_id"] for event in events})
    kinds = [event["event"] for event in events]
    assert ("on_chat_model_start", "on_chat_model_end") == (kinds[0], kinds[-1])
    assert {"on_chat_model_stream"} == set(kinds[1:-1])


async def test_usage_is_counted_once_however_it_is_asked_and_failed_over(
    hosts: dict[str, FakeUpstream], tmp_path: Path
):
    with FakeUpstream(server_error()) as down, make_pool(tmp_path, {"down": down, **hosts}) as mux:
        llm = ChatOpenMux(mux=mux)
        ways: list[Callable[[], AsyncIterator[AIMessage]]] = [lambda: llm.astream("hi")]
        expected = llm.invoke("hi").usage_metadata
        with get_usage_metadata_callback() as counted:
            llm.invoke("hi")
            await llm.ainvoke("hi")
            list(llm.stream("hi"))
            for way in ways:
                _ = [chunk async for chunk in way()]
        await mux.clients.aclose()

    assert expected is not None
    assert {"alpha:m"} == set(counted.usage_metadata)
    assert 4 * expected["total_tokens"] == counted.usage_metadata["alpha:m"]["total_tokens"]
