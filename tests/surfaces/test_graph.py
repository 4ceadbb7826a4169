"""The graph: drops into a `MessagesState` graph, persists only messages and report."""

from pathlib import Path

import pytest
from langchain_core.callbacks import get_usage_metadata_callback
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph

from openmux_lc import ChatOpenMux, create_openmux_graph
from openmux_lc.errors import ConfigError
from openmux_lc.testing import Answer, FakeUpstream, cut, server_error
from tests.pool import make_pool

GOOD = Answer(text="The capital of France is Paris.")


@pytest.fixture
def mux(tmp_path: Path):
    with FakeUpstream([server_error()]) as bad, FakeUpstream([GOOD]) as good:
        with make_pool(tmp_path, {"first": bad, "second": good}) as pool:
            yield pool


def test_the_graph_answers_and_reports(mux):
    told = create_openmux_graph(mux).compile().invoke({"messages": [HumanMessage("capital of France?")]})

    assert "The capital of France is Paris." == told["messages"][-1].text
    assert "second:m" == told["report"]["route"]
    assert {"messages", "report"} == set(told)


async def test_the_graph_answers_without_blocking(mux):
    graph = create_openmux_graph(mux).compile()
    told = await graph.ainvoke({"messages": [HumanMessage("capital of France?")]})
    await mux.clients.aclose()

    assert "The capital of France is Paris." == told["messages"][-1].text


def test_two_turns_on_one_thread_keep_messages_and_the_last_report_only(mux):
    graph = create_openmux_graph(mux).compile(checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "t"}}

    graph.invoke({"messages": [HumanMessage("one")]}, config)
    graph.invoke({"messages": [HumanMessage("two")]}, config)
    values = graph.get_state(config).values

    assert ["human", "ai", "human", "ai"] == [message.type for message in values["messages"]]
    assert {"messages", "report"} == set(values)


def test_tokens_are_streamed_in_messages_mode_once(mux):
    graph = create_openmux_graph(mux).compile()

    tokens = [
        part.text
        for part, _ in graph.stream({"messages": [HumanMessage("capital of France?")]}, stream_mode="messages")
        if isinstance(part, AIMessage)
    ]

    assert "The capital of France is Paris." == "".join(tokens)
    assert 1 < len(tokens)


def test_usage_is_counted_once(mux):
    with get_usage_metadata_callback() as counted:
        told = create_openmux_graph(mux).compile().invoke({"messages": [HumanMessage("capital of France?")]})

    totals = [usage["total_tokens"] for usage in counted.usage_metadata.values()]
    assert [told["messages"][-1].usage_metadata["total_tokens"]] == totals


def test_options_pin_a_model_and_mistakes_are_told(mux):
    graph = create_openmux_graph(mux).compile()

    told = graph.invoke({"messages": [HumanMessage("hi")], "options": {"model": "second:m", "temperature": 0.0}})

    assert 1 == len(told["report"]["attempts"])
    with pytest.raises(ConfigError, match="did you mean 'model'"):
        graph.invoke({"messages": [HumanMessage("hi")], "options": {"modle": "second:m"}})


def test_it_is_a_node_of_a_users_graph_with_a_saver(mux):
    """A subgraph of somebody else's graph: their saver, their context, our answer."""
    outer = StateGraph(MessagesState)
    outer.add_node("answer", create_openmux_graph(mux).compile())
    outer.add_edge(START, "answer")
    outer.add_edge("answer", END)
    graph = outer.compile(checkpointer=InMemorySaver())

    told = graph.invoke({"messages": [HumanMessage("hi")]}, {"configurable": {"thread_id": "t", "secret": "s"}})

    assert "The capital of France is Paris." == told["messages"][-1].text


@pytest.mark.parametrize("engine", ["loop", "graph"])
def test_a_chat_model_in_a_checkpointed_graph_writes_nothing_of_its_own(mux, engine: str):
    """The model's own graph must not inherit the user's saver."""
    llm = ChatOpenMux(mux=mux, engine=engine)

    def answer(state: MessagesState) -> dict[str, list[AIMessage]]:
        return {"messages": [llm.invoke(state["messages"])]}

    builder = StateGraph(MessagesState)
    builder.add_node("answer", answer)
    builder.add_edge(START, "answer")
    saver = InMemorySaver()
    graph = builder.compile(checkpointer=saver)

    config = {"configurable": {"thread_id": "t"}}
    graph.invoke({"messages": [HumanMessage("hi")]}, config)

    assert {"messages"} == set(graph.get_state(config).values)
    assert {""} == {entry.config["configurable"]["checkpoint_ns"] for entry in saver.list(config)}


@pytest.mark.parametrize("engine", ["loop", "graph"])
def test_a_chat_model_in_a_graph_streams_its_tokens_once(mux, engine: str):
    llm = ChatOpenMux(mux=mux, engine=engine)

    def answer(state: MessagesState) -> dict[str, list[AIMessage]]:
        return {"messages": [llm.invoke(state["messages"])]}

    builder = StateGraph(MessagesState)
    builder.add_node("answer", answer)
    builder.add_edge(START, "answer")
    tokens = [
        part.text
        for part, _ in builder.compile().stream({"messages": [HumanMessage("hi")]}, stream_mode="messages")
        if isinstance(part, AIMessage)
    ]

    assert "The capital of France is Paris." == "".join(tokens)


def test_a_crash_in_call_is_resumed_by_planning_again(tmp_path: Path):
    """Nothing live is persisted: a resumed run begins its plan anew."""
    with FakeUpstream([server_error()]) as upstream, make_pool(tmp_path, {"only": upstream}) as mux:
        graph = create_openmux_graph(mux).compile(checkpointer=InMemorySaver())
        config = {"configurable": {"thread_id": "t"}}
        with pytest.raises(Exception, match="attempts failed"):
            graph.invoke({"messages": [HumanMessage("hi")]}, config)
        upstream.play([GOOD])
        mux.ledger.uncool("only:m")
        told = graph.invoke(None, config)

    assert "The capital of France is Paris." == told["messages"][-1].text


async def test_a_tracer_sees_the_steps_of_the_graph_and_none_of_the_loop(mux):
    """`engine="graph"` is for those who want to watch; the loop is no run of anybody's."""

    def names(events: list[dict[str, object]]) -> set[object]:
        return {event["name"] for event in events if event["event"] == "on_chain_start"}

    async def seen(engine: str) -> set[object]:
        llm = ChatOpenMux(mux=mux, engine=engine)

        async def answer(state: MessagesState) -> dict[str, list[AIMessage]]:
            return {"messages": [await llm.ainvoke(state["messages"])]}

        builder = StateGraph(MessagesState)
        builder.add_node("answer", answer)
        builder.add_edge(START, "answer")
        graph = builder.compile()
        return names([event async for event in graph.astream_events({"messages": [HumanMessage("hi")]}, version="v2")])

    watched, plain = await seen("graph"), await seen("loop")

    assert {"plan", "call"} <= watched
    assert not plain & {"plan", "call"}


def test_a_break_that_nobody_saw_is_passed(tmp_path: Path):
    """`graph.invoke` shows no token, so a stream that breaks in the middle is a silent failover."""
    with FakeUpstream([cut(2, text="one two three four five")]) as bad, FakeUpstream([GOOD]) as good:
        with make_pool(tmp_path, {"first": bad, "second": good}) as mux:
            told = create_openmux_graph(mux).compile().invoke({"messages": [HumanMessage("hi")]})

    assert GOOD.text == told["messages"][-1].text
    assert ["cut", "ok"] == [attempt["outcome"] for attempt in told["report"]["attempts"]]


def test_langchains_cache_never_stands_in_for_an_open_stream(mux):
    from langchain_core.caches import InMemoryCache
    from langchain_core.globals import set_llm_cache

    graph = create_openmux_graph(mux).compile()
    set_llm_cache(InMemoryCache())
    try:
        texts = [graph.invoke({"messages": [HumanMessage("hi")]})["messages"][-1].text for _ in range(2)]
    finally:
        set_llm_cache(None)

    assert [GOOD.text] * 2 == texts


def test_32_a_checkpoint_with_an_orphaned_tool_call_is_repaired_before_it_is_sent(tmp_path: Path):
    """A turn that crashed between the call and its result poisons no later turn, and the report says so."""
    with FakeUpstream([GOOD]) as upstream, make_pool(tmp_path, {"only": upstream}) as mux:
        llm = ChatOpenMux(mux=mux)
        builder = StateGraph(MessagesState)
        builder.add_node("model", lambda state: {"messages": [llm.invoke(state["messages"])]})
        builder.add_edge(START, "model")
        graph = builder.compile(checkpointer=InMemorySaver())
        thread = {"configurable": {"thread_id": "1"}}
        orphan = AIMessage("", tool_calls=[{"name": "f", "args": {}, "id": "lost"}])
        graph.update_state(thread, {"messages": [HumanMessage("weather?"), orphan, ToolMessage("x", tool_call_id="?")]})
        answer = graph.invoke({"messages": [HumanMessage("and now?")]}, thread)["messages"][-1]
        sent = upstream.requests[-1].body["messages"]

    assert ["user", "assistant", "tool", "user"] == [message["role"] for message in sent]
    assert "lost" == sent[2]["tool_call_id"]
    assert 2 == sum(line.startswith("history repaired") for line in answer.response_metadata["openmux"]["why"])
