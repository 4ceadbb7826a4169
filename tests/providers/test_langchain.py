# ruff: noqa: ARG002 - the signatures are LangChain's
"""Any LangChain model as an adapter, and any row as a LangChain model (S1-03, S2-01)."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from langchain_core.exceptions import ModelRateLimitError
from langchain_core.language_models import BaseChatModel, GenericFakeChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.tools import tool
from langgraph.constants import TAG_NOSTREAM
from langgraph.errors import GraphBubbleUp
from langgraph.graph import END, START, MessagesState, StateGraph
from pydantic import SecretStr

from openmux_lc.engine.assembly import Assembly
from openmux_lc.errors import (
    BadPayload,
    ConfigError,
    ConnectionFailed,
    EmptyAnswer,
    InvalidRequest,
    NoRouteError,
    ProviderError,
    RateLimited,
    ServerError,
    TimedOut,
)
from openmux_lc.http import Clients
from openmux_lc.providers.guest import _CONFIG
from openmux_lc.providers.langchain import LangChainAdapter, ProviderChatModel, chat_model_for
from openmux_lc.providers.langchain_embeddings import ProviderEmbeddings, embeddings_for
from openmux_lc.testing import Answer, FakeUpstream, answer_with_tool, cut, rate_limited
from openmux_lc.types.run import Answer as GivenAnswer
from openmux_lc.types.run import EmbeddingRequest, Request
from openmux_lc.types.wire import Call
from tests.letters import Letters
from tests.providers.calls import KEY, call, provider


class Own(BaseChatModel):
    """A user's model: answers with what it was given, raises what it was told."""

    temperature: float | None = None
    max_tokens: int | None = None
    error: Any = None
    wait_s: float = 0.0
    answer: Any = None
    seen: list[Any] = []  # noqa: RUF012 - pydantic copies it

    @property
    def _llm_type(self) -> str:
        return "own"

    def _generate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        self.seen.append((messages, stop, kwargs, self.temperature, self.max_tokens))
        if self.wait_s:
            time.sleep(self.wait_s)
        if self.error is not None:
            raise self.error
        return ChatResult(generations=[ChatGeneration(message=self.answer or AIMessage("Hi"))])

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self.bind(tools=tools, **kwargs)


class Streamed(Own):
    """The same, told in pieces."""

    pieces: list[Any] = []  # noqa: RUF012

    def _stream(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        for piece in self.pieces:
            if isinstance(piece, BaseException):
                raise piece
            yield ChatGenerationChunk(message=piece)


def _drained(stream: Any, asked: Call) -> GivenAnswer:
    assembly = Assembly(asked.route)
    try:
        for chunk in stream:
            assembly.add(chunk)
    finally:
        stream.close()
    return assembly.answer()


async def _adrained(stream: Any, asked: Call) -> GivenAnswer:
    assembly = Assembly(asked.route)
    try:
        async for chunk in stream:
            assembly.add(chunk)
    finally:
        await stream.aclose()
    return assembly.answer()


async def _all_ways(model: BaseChatModel, asked: Call) -> list[GivenAnswer]:
    adapter = LangChainAdapter(model)
    return [
        adapter.send(asked),
        await adapter.asend(asked),
        _drained(adapter.open(asked), asked),
        await _adrained(await adapter.aopen(asked), asked),
    ]


async def test_a_users_model_answers_in_all_four_ways() -> None:
    message = AIMessage(
        "Hi",
        additional_kwargs={"reasoning_content": "hm"},
        tool_calls=[{"name": "add", "args": {"a": 1}, "id": "c1"}],
        response_metadata={"model_name": "big", "finish_reason": "stop"},
        usage_metadata={"input_tokens": 5, "output_tokens": 2, "total_tokens": 7},
    )

    answers = await _all_ways(Own(answer=message), call())

    for answer in answers:
        assert ("Hi", "hm", "tool_calls", "big") == (answer.text, answer.reasoning, answer.finish_reason, answer.model)
        assert [("c1", "add", '{"a": 1}')] == [(c.id, c.name, c.arguments) for c in answer.tool_calls]
        assert (5, 2, False) == (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.is_estimated)


async def test_a_users_stream_is_passed_on_piece_by_piece() -> None:
    pieces = [
        AIMessageChunk(content="", additional_kwargs={"reasoning_content": "hm"}),
        AIMessageChunk(content="He", usage_metadata={"input_tokens": 5, "output_tokens": 0, "total_tokens": 5}),
        AIMessageChunk(content="llo"),
        AIMessageChunk(content="", tool_call_chunks=[{"name": "add", "args": '{"a"', "id": "c1", "index": 0}]),
        AIMessageChunk(content="", tool_call_chunks=[{"name": None, "args": ": 1}", "id": None, "index": 0}]),
        AIMessageChunk(content="", usage_metadata={"input_tokens": 0, "output_tokens": 3, "total_tokens": 3}),
    ]
    adapter, asked = LangChainAdapter(Streamed(pieces=pieces)), call()

    texts = [chunk.text for chunk in adapter.open(asked)]
    answer = await _adrained(await adapter.aopen(asked), asked)

    assert ["He", "llo"] == [text for text in texts if text]
    assert ("Hello", "hm", '{"a": 1}') == (answer.text, answer.reasoning, answer.tool_calls[0].arguments)
    assert (5, 3) == (answer.usage.input_tokens, answer.usage.output_tokens)


class _Response:
    is_closed = True
    status_code = 429
    headers = {"Retry-After": "7"}  # noqa: RUF012
    content = b'{"error": {"message": "Rate limit reached"}}'
    _content = content


class APIStatusError(Exception):
    """As SDKs have it: a status and the response."""

    status_code = 429
    response = _Response()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ModelRateLimitError("slow down"), RateLimited),
        (APIStatusError("x"), RateLimited),
        (httpx.ConnectError("no"), ConnectionFailed),
        (httpx.ReadTimeout("late"), TimedOut),
        (ConnectionError("gone"), ConnectionFailed),
        (TimeoutError(), TimedOut),
        (ServerError("ours"), ServerError),
    ],
)
async def test_what_a_users_model_raises_is_typed_in_all_four_ways(error: Exception, kind: type[ProviderError]) -> None:
    adapter, asked = LangChainAdapter(Own(error=error)), call()

    for way in (adapter.send, adapter.open):
        with pytest.raises(kind):
            way(asked)
    for away in (adapter.asend, adapter.aopen):
        with pytest.raises(kind):
            await away(asked)


def test_a_status_error_keeps_what_its_response_told() -> None:
    with pytest.raises(RateLimited) as caught:
        LangChainAdapter(Own(error=APIStatusError("x"))).send(call())

    assert (429, 7.0) == (caught.value.status_code, caught.value.retry_after)


class Interrupted(GraphBubbleUp):
    """A signal as narrow as LangGraph's own."""


@pytest.mark.parametrize("error", [GraphBubbleUp(), Interrupted(), NoRouteError("none"), KeyboardInterrupt()])
async def test_the_graphs_signals_and_our_own_errors_pass_through(error: BaseException) -> None:
    adapter = LangChainAdapter(Own(error=error))

    with pytest.raises(type(error)):
        adapter.send(call())
    with pytest.raises(type(error)):
        adapter.open(call())
    if isinstance(error, Exception):
        with pytest.raises(type(error)):
            await adapter.asend(call())
        with pytest.raises(type(error)):
            await adapter.aopen(call())


@pytest.mark.parametrize("error", [ValueError("said: secret"), KeyError("a bug"), ZeroDivisionError(), Exception()])
async def test_whatever_a_users_model_raises_lets_the_next_route_be_asked(error: Exception) -> None:
    """Its text may quote anything, so the class alone is told; the cause is kept."""
    adapter = LangChainAdapter(Own(error=error))

    with pytest.raises(ServerError) as sent:
        adapter.send(call())
    with pytest.raises(ServerError) as awaited:
        await adapter.asend(call())
    with pytest.raises(ServerError) as opened:
        adapter.open(call())
    with pytest.raises(ServerError) as aopened:
        await adapter.aopen(call())

    for caught in (sent, awaited, opened, aopened):
        assert f"fake:tiny: the model raised {type(error).__name__}" == str(caught.value)
        assert caught.value.__cause__ is error
        assert "next_route" == caught.value.advice


class Broken(Letters):
    """A user's embedding model with a bug."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        raise LookupError(texts)


class Garbled(Letters):
    """A user's embedding model that makes no vectors."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [["x"] for _ in texts]  # type: ignore[list-item]  # that is the fault


class Unbindable(Own):
    """A user's model that fails at the binding of tools."""

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        raise ValueError(tools)


async def test_a_users_model_that_fails_elsewhere_is_typed_as_well() -> None:
    request, tools = EmbeddingRequest(texts=("one",)), ({"type": "function", "function": {"name": "add"}},)

    with pytest.raises(ServerError):
        LangChainAdapter(Broken(size=3)).embed(call(), request)
    with pytest.raises(ServerError):
        await LangChainAdapter(Broken(size=3)).aembed(call(), request)
    with pytest.raises(BadPayload):
        LangChainAdapter(Garbled(size=3)).embed(call(), request)
    with pytest.raises(ServerError):
        LangChainAdapter(Unbindable()).send(call(tools=tools))


async def test_a_cancelled_call_of_a_users_model_stays_cancelled() -> None:
    task = asyncio.create_task(LangChainAdapter(Own(wait_s=0.3)).asend(call()))
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_users_model_that_ignores_a_required_tool_gave_a_bad_payload() -> None:
    asked = call(tools=({"type": "function", "function": {"name": "add"}},), tool_choice="required")
    adapter = LangChainAdapter(Own())

    with pytest.raises(BadPayload, match="answered in words though a tool call was required"):
        adapter.send(asked)
    with pytest.raises(BadPayload):
        await adapter.asend(asked)
    assert "Hi" == _drained(adapter.open(asked), asked).text


@pytest.mark.parametrize("make", [chat_model_for, embeddings_for])
def test_the_faces_say_that_no_free_check_stands_before_them(make: Any) -> None:
    assert "no check that" in " ".join(make.__doc__.split())


def test_a_break_in_the_middle_of_a_users_stream_is_typed() -> None:
    pieces = [AIMessageChunk(content="Par"), httpx.ReadError("cut")]
    stream = LangChainAdapter(Streamed(pieces=pieces)).open(call())

    with pytest.raises(ConnectionFailed):
        list(stream)


def test_a_users_model_that_hangs_meets_the_deadline() -> None:
    adapter = LangChainAdapter(Own(wait_s=1.0))
    started = time.monotonic()

    with pytest.raises(TimedOut):
        adapter.send(call(seconds=0.1))
    with pytest.raises(TimedOut):
        adapter.open(call(seconds=0.1))

    assert 0.8 > time.monotonic() - started


async def test_nothing_said_is_an_empty_answer() -> None:
    with pytest.raises(EmptyAnswer):
        LangChainAdapter(Own(answer=AIMessage(""))).send(call())


def test_options_reach_fields_and_tools_the_binding() -> None:
    model = Own()
    shown = {"type": "function", "function": {"name": "add", "parameters": {}}}

    LangChainAdapter(model).send(
        call(temperature=0.3, max_tokens=9, seed=4, stop=("x",), tools=(shown,), tool_choice="auto")
    )

    ((messages, stop, kwargs, temperature, max_tokens),) = model.seen
    assert ["What is the capital of France?"] == [message.content for message in messages]
    assert (["x"], 0.3, 9, None) == (stop, temperature, max_tokens, model.temperature)
    assert ([shown], "auto") == (kwargs["tools"], kwargs["tool_choice"])


def test_a_model_without_tools_refuses_them_typed() -> None:
    model = GenericFakeChatModel(messages=iter([AIMessage("x")]))

    with pytest.raises(InvalidRequest, match="no tools"):
        LangChainAdapter(model).send(call(tools=({"type": "function", "function": {"name": "add"}},)))


async def test_vectors_of_a_users_embeddings() -> None:
    adapter, request = LangChainAdapter(Letters(size=4)), EmbeddingRequest(texts=("a", "b"))

    found = adapter.embed(call(), request)

    assert found.vectors == (await adapter.aembed(call(), request)).vectors
    assert (2, 4) == (len(found.vectors), len(found.vectors[0]))
    assert 1 == len(adapter.embed(call(), EmbeddingRequest(texts=("a",), purpose="query")).vectors)
    assert frozenset({"embeddings"}) == adapter.tasks


def test_a_model_of_the_other_kind_says_so() -> None:
    with pytest.raises(ConfigError, match="vectors, not answers"):
        LangChainAdapter(Letters(size=4)).send(call())
    with pytest.raises(ConfigError, match="answers, not vectors"):
        LangChainAdapter(Own()).embed(call(), EmbeddingRequest(texts=("a",)))


def test_the_profile_keeps_what_the_catalog_knows() -> None:
    model = Own(profile={"max_input_tokens": 9, "tool_calling": True, "status": "active"})

    assert {"max_input_tokens": 9, "tool_calling": True} == LangChainAdapter(model).profile
    assert {} == LangChainAdapter(Own()).profile


def test_a_users_model_inside_a_graph_shows_no_token_twice() -> None:
    """Its own chunks are tagged away and its callbacks cut off; the caller shows them once."""
    adapter = LangChainAdapter(Streamed(pieces=[AIMessageChunk(content="Hi")]))

    def node(_: MessagesState) -> dict[str, Any]:
        return {"messages": [AIMessage(_drained(adapter.open(call()), call()).text)]}

    graph = StateGraph(MessagesState).add_node("n", node).add_edge(START, "n").add_edge("n", END).compile()

    seen = [chunk.text for chunk, _ in graph.stream({"messages": [("user", "x")]}, stream_mode="messages")]

    assert ["Hi"] == seen
    assert [TAG_NOSTREAM] == _CONFIG["tags"]


@pytest.fixture
async def clients() -> AsyncIterator[Clients]:
    made = Clients()
    yield made
    await made.aclose()


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


async def test_a_row_is_a_chat_model_of_its_own(clients: Clients) -> None:
    with FakeUpstream(Answer("Hello there.", reasoning="hm")) as up:
        model = ProviderChatModel(
            provider=provider(up.base_url), model="big", api_key=SecretStr(KEY), temperature=0.2, clients=clients
        )

        whole, awhole = model.invoke("Hi"), await model.ainvoke("Hi")
        chunks = list(model.stream("Hi", stop=["x"], max_tokens=7))
        achunks = [chunk async for chunk in model.astream("Hi")]
        sent = up.requests

    assert {"Hello there."} == {
        whole.text,
        awhole.text,
        "".join(chunk.text for chunk in chunks),
        "".join(chunk.text for chunk in achunks),
    }
    assert "hm" == whole.additional_kwargs["reasoning_content"]
    assert ("big", "fake", "stop") == tuple(
        whole.response_metadata[name] for name in ("model_name", "model_provider", "finish_reason")
    )
    assert whole.usage_metadata == chunks[-1].usage_metadata
    assert "last" == chunks[-1].chunk_position
    assert {"model": "big", "messages": [{"role": "user", "content": "Hi"}], "temperature": 0.2} == sent[0].body
    assert (["x"], 7) == (sent[2].body["stop"], sent[2].body["max_tokens"])  # type: ignore[index]
    assert f"Bearer {KEY}" == sent[0].headers["authorization"]


def test_a_row_binds_tools_and_names_them(clients: Clients) -> None:
    with FakeUpstream(answer_with_tool("add", '{"a": 1, "b": 2}')) as up:
        model = ProviderChatModel(provider=provider(up.base_url), model="big", clients=clients)

        answer = model.bind_tools(
            [add], tool_choice="add", ls_structured_output_format={"kwargs": {}, "schema": add.args_schema}
        ).invoke("1 + 2?")
        model.bind_tools([add], tool_choice=True).invoke("x")
        model.bind_tools([add], tool_choice="any").invoke("x")
        model.bind_tools([]).invoke("x")
        choices = [request.body.get("tool_choice") for request in up.requests]  # type: ignore[union-attr]
        assert "ls_structured_output_format" not in str(up.requests[0].body)

    assert [("add", {"a": 1, "b": 2})] == [(c["name"], c["args"]) for c in answer.tool_calls]
    assert [{"type": "function", "function": {"name": "add"}}, "required", "required", None] == choices


async def test_a_rows_failure_is_langchains_too(clients: Clients) -> None:
    with FakeUpstream(rate_limited(7.0)) as up:
        model = ProviderChatModel(provider=provider(up.base_url), model="big", clients=clients, max_retries=0)

        with pytest.raises(ModelRateLimitError) as caught:
            model.invoke("Hi")
        with pytest.raises(RateLimited):
            await model.ainvoke("Hi")
        with pytest.raises(ModelRateLimitError):
            list(model.stream("Hi"))
        with pytest.raises(ModelRateLimitError):
            _ = [chunk async for chunk in model.astream("Hi")]

    assert isinstance(caught.value, RateLimited)
    assert 7.0 == caught.value.retry_after


def test_a_cut_stream_of_a_row_is_never_a_silent_end(clients: Clients) -> None:
    with FakeUpstream(cut()) as up:
        model = ProviderChatModel(provider=provider(up.base_url), model="big", clients=clients)

        with pytest.raises(ConnectionFailed):
            list(model.stream("Hi"))


def test_a_row_shows_no_key_and_refuses_unknown_options() -> None:
    model = ProviderChatModel(provider=provider(), model="big", api_key=SecretStr(KEY))

    shown = (repr(model), str(model), str(model._identifying_params), str(model.model_dump()), model.model_dump_json())
    assert not any(KEY in text for text in shown)
    assert "big" == model._identifying_params["model"]
    with pytest.raises(ConfigError, match="nonsense"):
        model.invoke("Hi", nonsense=1)
    with pytest.raises(ValueError, match="extra"):
        ProviderChatModel(provider=provider(), model="big", nonsense=1)


async def test_a_rows_adapter_is_the_engines(clients: Clients) -> None:
    with FakeUpstream(Answer("Hello there.")) as up:
        model = ProviderChatModel(provider=provider(up.base_url), model="big", clients=clients)
        request = Request(messages=({"role": "user", "content": "Hi"},))

        asked = model.call(request)
        texts = _drained(model.open(request), asked).text, (await _adrained(await model.aopen(request), asked)).text
        assert "Hello there." == model.adapter.send(asked).text

    assert ("Hello there.", "Hello there.") == texts


async def test_a_row_is_embeddings_of_its_own(clients: Clients) -> None:
    with FakeUpstream() as up:
        model = ProviderEmbeddings(provider=provider(up.base_url), model="e", clients=clients)

        assert 2 == len(model.embed_documents(["a", "b"]))
        assert model.embed_query("a") == await model.aembed_query("a")
        assert [] == model.embed_documents([]) == await model.aembed_documents([])
        assert model.embed_documents(["a"]) == await model.aembed_documents(["a"])
    with FakeUpstream(rate_limited()) as up:
        model = ProviderEmbeddings(provider=provider(up.base_url), model="e", clients=clients)
        with pytest.raises(ModelRateLimitError):
            model.embed_query("a")
        with pytest.raises(ModelRateLimitError):
            await model.aembed_query("a")


def test_the_factories_give_the_face_that_fits() -> None:
    assert isinstance(chat_model_for(provider(), "m", temperature=0.5), ProviderChatModel)
    assert isinstance(embeddings_for(provider(), "m", dimensions=3), ProviderEmbeddings)


def test_an_engine_with_ollamas_api_gets_langchains_own_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    """And even those send it no key of the environment."""
    pytest.importorskip("langchain_ollama")
    monkeypatch.setenv("OLLAMA_API_KEY", "cloud-key-of-the-user")
    body = {"model": "m", "message": {"role": "assistant", "content": "Hi"}, "done": True, "done_reason": "stop"}
    with FakeUpstream(pages={"/api/chat": body, "/api/embed": {"embeddings": [[0.5]]}}) as up:
        row = provider(up.root_url, dialect="ollama", is_local=True)

        chat, vectors = chat_model_for(row, "m", temperature=0), embeddings_for(row, "m")
        chat.invoke("Hi")
        assert [[0.5]] == vectors.embed_documents(["a"])
        sent = [request for request in up.requests if request.path.startswith("/api/")]
        for face in (chat, vectors):
            face._client.close()  # those classes close none themselves

    assert ("ChatOllama", "OllamaEmbeddings") == (type(chat).__name__, type(vectors).__name__)
    assert sent
    assert not any("authorization" in request.headers for request in sent)
