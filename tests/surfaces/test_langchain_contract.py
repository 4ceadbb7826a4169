"""What LangChain's users rely on beyond its standard suites: tracing, caches, copies, loops, hanging up."""

import asyncio
import copy
import pickle
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import get_usage_metadata_callback
from langchain_core.exceptions import ModelRateLimitError
from langchain_core.globals import set_llm_cache
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.runnables import ConfigurableField
from langchain_core.tools import tool
from pydantic import BaseModel, ValidationError

from openmux_lc import ChatOpenMux, Mux, OpenMuxEmbeddings, create_openmux_graph
from openmux_lc.errors import ConfigError, EmbeddingSpaceError, NoRouteError
from openmux_lc.testing import Answer, FakeUpstream, ToolCall, hanging, rate_limited, server_error, slow, stalled
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


async def has_asked(host: FakeUpstream, count: int) -> None:
    """Return once that many requests have arrived in full."""
    async with asyncio.timeout(_SOON_S):
        while len(host.requests) < count:  # noqa: ASYNC110 - the host is another thread's and tells nobody
            await asyncio.sleep(0)


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


# Options of a call


@pytest.mark.parametrize("is_wanted", [True, False])
def test_langchains_own_stream_switch_is_taken_and_not_sent_on_as_an_option(llm: ChatOpenMux, *, is_wanted: bool):
    answer = llm.invoke("hi", stream=is_wanted)

    assert "alpha:m" == route(answer)


def test_no_model_named_means_the_objects_own_and_an_empty_list_never_unpins(mux: Mux, hosts: dict[str, FakeUpstream]):
    pinned = ChatOpenMux(model="beta:m", mux=mux)

    assert "beta:m" == route(pinned.invoke("hi", model=None))
    with pytest.raises(ConfigError, match="model"):
        pinned.invoke("hi", model=[])
    assert 0 == len(hosts["alpha"].requests)


@pytest.mark.parametrize("option", [{"temperature": 5}, {"top_p": -1}, {"max_retries": 99}, {"timeout": 1e9}])
def test_a_value_out_of_range_is_refused_by_object_and_call_alike(llm: ChatOpenMux, option: dict[str, float]):
    with pytest.raises(ValidationError, match=next(iter(option))):
        ChatOpenMux(**option)
    with pytest.raises(ConfigError, match=next(iter(option))):
        llm.invoke("hi", **option)


def test_a_tool_choice_that_names_no_bound_tool_is_told_before_anything_is_sent(
    llm: ChatOpenMux, hosts: dict[str, FakeUpstream]
):
    with pytest.raises(ConfigError, match="bound: get_weather"):
        llm.bind_tools([get_weather], tool_choice="get_wether").invoke("hi")

    assert 0 == len(hosts["alpha"].requests)


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


def test_a_required_tool_that_is_ignored_is_a_failed_attempt(tmp_path: Path):
    """FIELD complaint 11: words where a call was required send the question on to the next route."""
    script = Answer(
        tool_calls=(ToolCall(id="c", name="Capital", arguments='{"country": "France", "capital": "Paris"}'),)
    )
    with FakeUpstream(Answer("words")) as a, FakeUpstream(script) as b, make_pool(tmp_path, {"a": a, "b": b}) as mux:
        told = ChatOpenMux(mux=mux).with_structured_output(Capital, include_raw=True).invoke("France?")

    assert "b:m" == told["raw"].response_metadata["openmux"]["route"]
    assert "Paris" == told["parsed"].capital


@pytest.mark.parametrize("method", ["json_schema", "json_mode"])
def test_with_include_raw_a_bad_answer_is_told_not_raised(tmp_path: Path, method: str):
    with FakeUpstream(Answer("no JSON at all")) as host, make_pool(tmp_path, {"only": host}) as mux:
        told = ChatOpenMux(mux=mux).with_structured_output(Capital, method=method, include_raw=True).invoke("France?")

    assert {"raw", "parsed", "parsing_error"} == set(told)
    assert "no JSON at all" == told["raw"].text
    assert told["parsed"] is None
    assert told["parsing_error"] is not None


# Tracing


async def test_astream_events_shows_one_run_of_ours_and_nothing_inside(llm: ChatOpenMux):
    events = [event async for event in llm.astream_events("hi", version="v2")]

    assert {"ChatOpenMux"} == {event["name"] for event in events}
    assert 1 == len({event["run_id"] for event in events})
    kinds = [event["event"] for event in events]
    assert ("on_chat_model_start", "on_chat_model_end") == (kinds[0], kinds[-1])
    assert {"on_chat_model_stream"} == set(kinds[1:-1])


async def test_the_graph_shows_one_model_run_named_like_the_chat_models(mux: Mux):
    graph = create_openmux_graph(mux).compile()

    events = [event async for event in graph.astream_events({"messages": [HumanMessage("hi")]}, version="v2")]
    begun = [event for event in events if event["event"] == "on_chat_model_start"]

    assert [("ChatOpenMux", "openmux", "alpha:m")] == [
        (event["name"], event["metadata"]["ls_provider"], event["metadata"]["ls_model_name"]) for event in begun
    ]


async def test_usage_is_counted_once_however_it_is_asked_and_failed_over(
    hosts: dict[str, FakeUpstream], tmp_path: Path
):
    with FakeUpstream(server_error()) as down, make_pool(tmp_path, {"down": down, **hosts}) as mux:
        llm = ChatOpenMux(mux=mux)
        expected = llm.invoke("hi").usage_metadata
        with get_usage_metadata_callback() as counted:
            llm.invoke("hi")
            await llm.ainvoke("hi")
            _ = list(llm.stream("hi"))
            _ = [chunk async for chunk in llm.astream("hi")]

    assert expected is not None
    assert {"alpha:m"} == set(counted.usage_metadata)
    assert 4 * expected["total_tokens"] == counted.usage_metadata["alpha:m"]["total_tokens"]


# Caches


def test_a_cached_answer_costs_no_call_and_another_wish_is_another_entry(
    llm: ChatOpenMux, hosts: dict[str, FakeUpstream], cache: InMemoryCache
):
    first, again = llm.invoke("hi"), llm.invoke("hi")
    after_two = len(hosts["alpha"].requests)
    warmer, other = llm.invoke("hi", temperature=1.0), llm.invoke("hi", model="beta:m")

    assert first.text == again.text
    assert (1, 2, 1) == (after_two, len(hosts["alpha"].requests), len(hosts["beta"].requests))
    assert ("alpha:m", "beta:m") == (route(warmer), route(other))
    assert 3 == len(cache._cache)


async def test_the_cache_is_shared_between_sync_and_async(
    llm: ChatOpenMux, hosts: dict[str, FakeUpstream], cache: InMemoryCache
):
    llm.invoke("hi")
    await llm.ainvoke("hi")

    assert 1 == len(cache._cache)
    assert 1 == len(hosts["alpha"].requests)


def test_a_cache_key_holds_all_options_and_no_secret(hosts: dict[str, FakeUpstream], tmp_path: Path, monkeypatch):
    """The key is traced and may be written to a shared store."""
    with make_pool(tmp_path, hosts):
        monkeypatch.setenv("OPENMUX_CONFIG", str(tmp_path / "openmux.toml"))
        monkeypatch.setenv("OPENMUX_STATE_URL", "memory:")
        llm = ChatOpenMux(model=["alpha:m", "beta:m"], api_key="sk-very-secret", temperature=0.5, cache=InMemoryCache())
        llm.invoke("hi")
        llm.pool.close()
    (_, key), *others = llm.cache._cache

    assert not others
    assert "very-secret" not in key
    assert "'alpha:m'" in key
    assert "'beta:m'" in key
    assert "('temperature', 0.5)" in key


# Runnable's own verbs


def test_bound_options_hold_and_the_calls_own_win(llm: ChatOpenMux, hosts: dict[str, FakeUpstream]):
    bound = llm.bind(temperature=0.75, stop=["END"], model="beta:m")

    bound.invoke("hi")
    bound.invoke("hi", temperature=0.25)
    bodies = [request.body for request in hosts["beta"].requests]

    assert [(0.75, ["END"]), (0.25, ["END"])] == [(body["temperature"], body["stop"]) for body in bodies]


def test_configurable_fields_choose_the_model_per_call(llm: ChatOpenMux, hosts: dict[str, FakeUpstream]):
    chosen = llm.configurable_fields(
        model_name=ConfigurableField(id="model"), temperature=ConfigurableField(id="warmth")
    )

    by_itself = chosen.invoke("hi")
    answer = chosen.invoke("hi", config={"configurable": {"model": "beta:m", "warmth": 0.25}})

    assert "alpha:m" == route(by_itself)
    assert "beta:m" == route(answer)
    assert 0.25 == hosts["beta"].requests[-1].body["temperature"]


def test_configurable_alternatives_choose_between_two_models(llm: ChatOpenMux, mux: Mux):
    either = llm.configurable_alternatives(ConfigurableField(id="which"), other=ChatOpenMux(model="beta:m", mux=mux))

    assert "alpha:m" == route(either.invoke("hi"))
    assert "beta:m" == route(either.invoke("hi", config={"configurable": {"which": "other"}}))


def test_with_retry_and_with_fallbacks_know_our_errors(tmp_path: Path):
    """They catch LangChain's classes, which our errors are as well."""
    script = [rate_limited(), Answer("Better now.")]
    with FakeUpstream(script) as host, make_pool(tmp_path, {"only": host}) as mux:
        llm = ChatOpenMux(mux=mux)
        other = llm.with_fallbacks([ChatOpenMux(model="auto", mux=mux)], exceptions_to_handle=(ModelRateLimitError,))
        with pytest.raises(ModelRateLimitError):
            llm.invoke("hi")
        mux.ledger.uncool("only:m")
        mux.ledger.uncool("only")
        host.play(server_error())
        retried = llm.with_retry(stop_after_attempt=2, wait_exponential_jitter=False)
        with pytest.raises(Exception, match="attempts failed"):
            retried.invoke("hi")
        asked = len(host.requests)
        host.play(Answer("Better now."))
        told = other.invoke("hi").text

    assert 1 + 2 * 2 == asked  # each of the two tries repeats the only route once
    assert "Better now." == told


def test_batch_as_completed_yields_each_answer_under_its_number(llm: ChatOpenMux):
    texts = ["elephant", "hippopotamus", "giraffe"]

    answers = dict(llm.batch_as_completed(texts, config={"max_concurrency": 3}))

    assert [0, 1, 2] == sorted(answers)
    assert all(texts[number] in answer.text for number, answer in answers.items())


async def test_abatch_as_completed_keeps_failures_apart(llm: ChatOpenMux):
    texts = ["elephant", "Draw a picture of a cat wearing a hat"]

    answers = {number: told async for number, told in llm.abatch_as_completed(texts, return_exceptions=True)}

    assert "elephant" in answers[0].text
    assert isinstance(answers[1], NoRouteError)


# Copies


def test_a_copy_with_another_model_asks_that_one(llm: ChatOpenMux):
    """What was compiled for the original must not answer for the copy."""
    llm.invoke("hi")

    changed = llm.model_copy(update={"model_name": "beta:m"})

    assert ("beta:m", "alpha:m") == (route(changed.invoke("hi")), route(llm.invoke("hi")))


def test_a_copy_pinned_to_another_provider_hands_the_key_to_that_one(
    hosts: dict[str, FakeUpstream], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A pool that was made for the original's provider must not be used by the copy."""
    with make_pool(tmp_path, hosts):
        monkeypatch.setenv("OPENMUX_CONFIG", str(tmp_path / "openmux.toml"))
        monkeypatch.setenv("OPENMUX_STATE_URL", "memory:")
        one = ChatOpenMux(model="alpha:m", api_key="sk-one")
        before = one.pool
        other = one.model_copy(update={"model_name": "beta:m"})
        pools = (one.pool is before, other.pool is before, other.pool is other.pool)

    assert (True, False, True) == pools
    assert {"beta": "sk-one"} == other.pool._keys._arguments


def test_a_key_beside_a_pool_is_refused_rather_than_ignored(mux: Mux):
    with pytest.raises(ConfigError, match="exclude each other"):
        ChatOpenMux(model="alpha:m", api_key="sk-one", mux=mux).invoke("hi")


def test_a_deep_copy_answers_from_the_same_pool_with_options_of_its_own(llm: ChatOpenMux):
    used = ChatOpenMux(mux=llm.mux, stop=["END"])
    used.invoke("hi")

    copies = [copy.deepcopy(used), used.model_copy(deep=True), copy.copy(used)]

    assert ["alpha:m"] * 3 == [route(each.invoke("hi")) for each in copies]
    assert [True] * 3 == [each.mux is used.mux for each in copies]
    assert [False, False, True] == [each.stop is used.stop for each in copies]


def test_a_model_over_the_processes_own_pool_is_pickled_by_its_options(
    hosts: dict[str, FakeUpstream], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with make_pool(tmp_path, hosts):
        monkeypatch.setenv("OPENMUX_CONFIG", str(tmp_path / "openmux.toml"))
        monkeypatch.setenv("OPENMUX_STATE_URL", "memory:")
        monkeypatch.setenv("OPENMUX_PROVIDERS", "alpha,beta")
        llm = ChatOpenMux(model=["beta:m", "auto"], temperature=0.25)
        llm.invoke("hi")
        arrived = pickle.loads(pickle.dumps(llm))  # noqa: S301 - our own bytes
        answer = arrived.invoke("hi")
        Mux.default().close()

    assert llm._identifying_params == arrived._identifying_params
    assert ("beta:m", ("auto",), 0.25) == (arrived.model_name, arrived.fallbacks, arrived.temperature)
    assert "beta:m" == route(answer)
    assert 0.25 == hosts["beta"].requests[-1].body["temperature"]


def test_a_model_with_a_pool_of_its_own_says_why_it_cannot_be_pickled(mux: Mux):
    with pytest.raises(TypeError, match="leave mux= out"):
        pickle.dumps(ChatOpenMux(mux=mux))
    with pytest.raises(TypeError, match="leave mux= out"):
        pickle.dumps(OpenMuxEmbeddings(mux=mux))


def test_copied_embeddings_keep_their_space_until_they_ask_for_another_model(
    hosts: dict[str, FakeUpstream], tmp_path: Path
):
    rows = "\n".join(f'[[models]]\nroute = "{host}:v"\nfree = true\ndimensions = 8\n' for host in hosts)
    with make_pool(tmp_path, hosts, extra=rows) as mux:
        first = OpenMuxEmbeddings(model="alpha:v", mux=mux)
        first.embed_query("hi")
        same, other = copy.deepcopy(first), first.model_copy(update={"model_name": "beta:v"})
        begun = other.space
        other.embed_query("hi")

    assert ("alpha:v", 8) == first.space == same.space
    assert begun is None
    assert ("beta:v", 8) == other.space


def test_a_lost_space_is_told_with_its_cause_and_a_pinned_model_fails_as_itself(tmp_path: Path):
    rows = '[[models]]\nroute = "only:v"\nfree = true\ndimensions = 8\n'
    with FakeUpstream([Answer(), Answer(), rate_limited()]) as host:
        with make_pool(tmp_path, {"only": host}, extra=rows) as mux:
            chosen, pinned = OpenMuxEmbeddings(mux=mux), OpenMuxEmbeddings(model="only:v", mux=mux)
            chosen.embed_query("hi")
            pinned.embed_query("hi")
            with pytest.raises(ModelRateLimitError):
                pinned.embed_query("hi")
            mux.ledger.uncool("only:v")
            mux.ledger.uncool("only")
            with pytest.raises(EmbeddingSpaceError, match="only:v") as lost:
                chosen.embed_query("hi")

    assert lost.value.__cause__ is not None


# Loops, threads and hanging up


def test_two_loops_one_after_the_other_and_sync_calls_between_them_work(llm: ChatOpenMux):
    """A client that outlives its loop fails with "Event loop is closed"."""

    async def ask() -> str:
        inside = llm.invoke("hi")  # a sync call inside a running loop
        return route(await llm.ainvoke("hi")) if route(inside) == "alpha:m" else "not alpha"

    assert "alpha:m" == asyncio.run(ask())
    assert "alpha:m" == route(llm.invoke("hi"))
    assert "alpha:m" == asyncio.run(ask())


async def test_many_calls_at_once_on_one_object_all_answer(llm: ChatOpenMux):
    texts = [f"animal number {number}" for number in range(32)]

    answers = await asyncio.gather(*(llm.ainvoke(text) for text in texts), asyncio.to_thread(llm.batch, texts[:8]))

    assert 33 == len(answers)
    assert {"alpha:m"} == {route(answer) for answer in answers[:-1]}


def test_a_stream_that_is_closed_early_hangs_up_and_settles(tmp_path: Path):
    with FakeUpstream(slow(0.02, text="word " * 2000)) as host, make_pool(tmp_path, {"only": host}) as mux:
        stream = ChatOpenMux(mux=mux).stream("hi")
        first = next(stream)
        before = (host.connections_open, len(mux.ledger._books.claims))
        stream.close()
        is_hung_up = host.wait_for_connections(0, timeout_s=_SOON_S)
        claims = len(mux.ledger._books.claims)  # the only place that shows what is not settled yet

    assert first.text
    assert (1, 1) == before
    assert is_hung_up
    assert 0 == claims


async def test_an_async_stream_that_is_closed_early_hangs_up_and_settles(tmp_path: Path):
    with FakeUpstream(slow(0.02, text="word " * 2000)) as host, make_pool(tmp_path, {"only": host}) as mux:
        stream = ChatOpenMux(mux=mux).astream("hi")
        first = await anext(stream)
        before = (host.connections_open, len(mux.ledger._books.claims))
        await stream.aclose()
        is_hung_up = await asyncio.to_thread(host.wait_for_connections, 0, timeout_s=_SOON_S)
        claims = len(mux.ledger._books.claims)

    assert first.text
    assert (1, 1) == before
    assert is_hung_up
    assert 0 == claims


@pytest.mark.parametrize("behaviour", [stalled(), hanging(), slow(0.02, text="word " * 2000)])
async def test_a_cancelled_call_hangs_up_promptly_and_settles(tmp_path: Path, behaviour: Answer):
    with FakeUpstream(behaviour) as host, make_pool(tmp_path, {"only": host}) as mux:
        calling = asyncio.ensure_future(ChatOpenMux(mux=mux).ainvoke("hi"))
        await has_asked(host, 1)
        started = time.monotonic()
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        is_hung_up = await asyncio.to_thread(host.wait_for_connections, 0, timeout_s=_SOON_S)
        elapsed_s = time.monotonic() - started
        claims, cooldowns = len(mux.ledger._books.claims), mux.ledger.snapshot().cooldowns

    assert is_hung_up
    assert elapsed_s < _SOON_S
    assert 0 == claims
    assert not cooldowns


async def test_a_cancelled_batch_hangs_up_every_call(tmp_path: Path):
    with FakeUpstream(stalled()) as host, make_pool(tmp_path, {"only": host}) as mux:
        calling = asyncio.ensure_future(ChatOpenMux(mux=mux).abatch(["a", "b", "c"]))
        await has_asked(host, 3)
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        is_hung_up = await asyncio.to_thread(host.wait_for_connections, 0, timeout_s=_SOON_S)
        claims = len(mux.ledger._books.claims)

    assert is_hung_up
    assert 0 == claims
