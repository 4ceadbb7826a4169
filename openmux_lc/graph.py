"""The state graph: `classify -> select -> call -> (call | combine | end)`.

The only module that imports langgraph. The graph is the definition; the plain loop
in `engine/run.py` runs the same steps. Nothing of ours is persisted but `messages`
and the final `report`: plan, attempts and open sockets live in an untracked channel.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Final, TypeAlias, cast

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LangSmithParams
from langchain_core.messages import AnyMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langgraph.channels import UntrackedValue
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.graph.state import CompiledStateGraph
from pydantic import PrivateAttr
from typing_extensions import TypedDict

from openmux_lc.call_options import CallOptions
from openmux_lc.engine.nodes import Nodes, Step
from openmux_lc.engine.run_state import Run
from openmux_lc.langchain_stream import achunks, chunks
from openmux_lc.mux import Mux
from openmux_lc.providers.messages import previous_route, to_ai_message, to_wire_messages
from openmux_lc.types.report import to_metadata, to_report
from openmux_lc.types.run import Options, Request

__all__ = ["FusedGraph", "PoolInput", "PoolOutput", "compile_fused", "create_openmux_graph"]

_STEPS: Final[dict[Hashable, str]] = {"call": "call", "combine": "combine", "end": END}


class PoolInput(TypedDict, total=False):
    """What the graph takes: messages, and wishes for this run.

    `options` may hold `model` (a route, or a list in order), `task`,
    `routing_profile`, `timeout`, `temperature`, `max_tokens`, `on_break`, `fan_out`, `strategy`.
    """

    messages: Annotated[list[AnyMessage], add_messages]
    options: Annotated[dict[str, Any], UntrackedValue]


class PoolOutput(TypedDict, total=False):
    """What the graph gives: the answer appended to the messages, and the report."""

    messages: Annotated[list[AnyMessage], add_messages]
    report: dict[str, Any]


class PoolState(PoolInput, PoolOutput, total=False):
    """The whole state; `run` is live and never persisted."""

    run: Annotated[Run, UntrackedValue]


class _LiveState(TypedDict, total=False):
    """The state of the chat model's own graph: nothing but the run."""

    run: Annotated[Run, UntrackedValue]


FusedGraph: TypeAlias = CompiledStateGraph[_LiveState, None, _LiveState, _LiveState]


def create_openmux_graph(mux: Mux | None = None) -> StateGraph[PoolState, None, PoolInput, PoolOutput]:
    """Return the uncompiled builder; compile it with your own checkpointer.

    Args:
        mux: The pool; default the process's own, found at the first question.

    Example:
        >>> from openmux_lc import create_openmux_graph
        >>> sorted(create_openmux_graph().nodes)
        ['call', 'classify', 'combine', 'select']
    """
    steps = _UserSteps(mux)
    builder: StateGraph[PoolState, None, PoolInput, PoolOutput] = StateGraph(
        PoolState, input_schema=PoolInput, output_schema=PoolOutput
    )
    builder.add_node("classify", steps.classify)
    builder.add_node("select", steps.select)
    builder.add_node("call", RunnableLambda(steps.call, afunc=steps.acall, name="call"), input_schema=PoolState)
    builder.add_node("combine", steps.combine)
    builder.add_edge(START, "classify")
    builder.add_edge("classify", "select")
    builder.add_edge("select", "call")
    builder.add_conditional_edges("call", steps.after_call, _STEPS)
    builder.add_edge("combine", END)
    return builder


class _UserSteps:
    """The steps for a graph of the user's: LangChain messages in and out."""

    def __init__(self, mux: Mux | None) -> None:
        self._mux = mux

    @property
    def nodes(self) -> Nodes:
        return Nodes(self._mux or Mux.default())

    def begin(self, state: PoolState) -> Run:
        """Return a new run for the state's messages."""
        messages = cast("Sequence[BaseMessage]", state.get("messages", ()))
        request, options = _wishes(self.nodes.mux, state.get("options") or {})
        return Run(
            request=replace(request, messages=to_wire_messages(messages)),
            options=options,
            wants_stream=True,
            previous=previous_route(messages),
        )

    def live(self, state: PoolState) -> Run:
        """Return the state's run; after a crash it is gone and begun again."""
        return state.get("run") or self.begin(state)

    def classify(self, state: PoolState) -> dict[str, Run]:
        run = self.begin(state)
        self.nodes.classify(run)
        return {"run": run}

    def select(self, state: PoolState) -> dict[str, Run]:
        run = self.live(state)
        self.nodes.select(run)
        return {"run": run}

    def call(self, state: PoolState, config: RunnableConfig) -> dict[str, object]:
        nodes, run = self.nodes, self.live(state)
        stream = nodes.call(run)
        if stream is None:
            return self.settled(nodes, run)
        relay = _Relay.of(nodes, run)
        try:
            message = relay.invoke(list(state.get("messages", ())), config)
        finally:
            run.close()
        return self.told(run, message)

    async def acall(self, state: PoolState, config: RunnableConfig) -> dict[str, object]:
        nodes, run = self.nodes, self.live(state)
        stream = await nodes.acall(run)
        if stream is None:
            return self.settled(nodes, run)
        relay = _Relay.of(nodes, run)
        try:
            message = await relay.ainvoke(list(state.get("messages", ())), config)
        finally:
            await run.aclose()
        return self.told(run, message)

    def after_call(self, state: PoolState) -> Step:
        return self.nodes.after_call(self.live(state))

    def combine(self, state: PoolState) -> dict[str, object]:
        nodes, run = self.nodes, self.live(state)
        nodes.combine(run)
        return self.settled(nodes, run)

    def settled(self, nodes: Nodes, run: Run) -> dict[str, object]:
        """Return the state after a wave that streamed nothing."""
        if nodes.after_call(run) == "end" or run.final is not None:
            answer = nodes.result(run)
            return self.told(run, to_ai_message(answer, to_metadata(run.told or run.report(answer))))
        return {"run": run}

    @staticmethod
    def told(run: Run, message: BaseMessage) -> dict[str, object]:
        return {
            "run": run,
            "messages": [message],
            "report": to_report(run.told or run.report(run.final or run.answers[0])),
        }


def _wishes(mux: Mux, wishes: Mapping[str, object]) -> tuple[Request, Options]:
    """Return request and options from a graph's `options`; unknown keys are errors."""
    checked = CallOptions.checked(wishes)
    return checked.to_request(()), checked.to_options(mux.default_options())


class _Relay(BaseChatModel):
    """Shows a stream that is open already to the user's graph as one model run.

    Without it a graph's `stream_mode="messages"` and its callbacks would see no tokens.
    """

    _nodes: Nodes = PrivateAttr()
    _run: Run = PrivateAttr()

    @classmethod
    def of(cls, nodes: Nodes, run: Run) -> "_Relay":
        # Named like the chat model's own runs, so that one filter finds both. The answer is paid for already when a
        # cache would be asked: none may stand in for it.
        relay = cls(name="ChatOpenMux", cache=False)
        relay._nodes, relay._run = nodes, run
        return relay

    @property
    def _llm_type(self) -> str:
        return "openmux"

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        """Return what LangSmith shows: the route whose stream this is."""
        params = super()._get_ls_params(stop=stop, **kwargs)
        stream = self._run.stream or self._run.astream
        params["ls_provider"] = "openmux"
        params["ls_model_name"] = str(stream.route) if stream else "auto"
        return params

    def _generate(
        self,
        messages: list[BaseMessage],  # noqa: ARG002 - the stream is open, the question was asked
        stop: list[str] | None = None,  # noqa: ARG002
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002
        **_: object,
    ) -> ChatResult:
        if self._run.stream is not None:
            for _chunk in self._run.stream.unseen():
                pass
        answer = self._nodes.result(self._run)
        message = to_ai_message(answer, to_metadata(self._run.told or self._run.report(answer)))
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _agenerate(
        self,
        messages: list[BaseMessage],  # noqa: ARG002
        stop: list[str] | None = None,  # noqa: ARG002
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002
        **_: object,
    ) -> ChatResult:
        if self._run.astream is not None:
            async for _chunk in self._run.astream.unseen():
                pass
        answer = self._nodes.result(self._run)
        message = to_ai_message(answer, to_metadata(self._run.told or self._run.report(answer)))
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _stream(
        self,
        messages: list[BaseMessage],  # noqa: ARG002
        stop: list[str] | None = None,  # noqa: ARG002
        run_manager: CallbackManagerForLLMRun | None = None,
        **_: object,
    ) -> Iterator[ChatGenerationChunk]:
        for chunk in chunks(self._nodes, self._run):
            if run_manager:
                run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    async def _astream(
        self,
        messages: list[BaseMessage],  # noqa: ARG002
        stop: list[str] | None = None,  # noqa: ARG002
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **_: object,
    ) -> AsyncIterator[ChatGenerationChunk]:
        async for chunk in achunks(self._nodes, self._run):
            if run_manager:
                await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk


def compile_fused(nodes: Nodes, *, is_async: bool) -> FusedGraph:
    """Return the build for `ChatOpenMux(engine="graph")`: classify and select in one node.

    It never checkpoints, or it would write into the saver of a graph it is used in.
    """
    builder: StateGraph[_LiveState, None, _LiveState, _LiveState] = StateGraph(_LiveState)

    def plan(state: _LiveState) -> _LiveState:
        nodes.classify(state["run"])
        nodes.select(state["run"])
        return {"run": state["run"]}

    async def aplan(state: _LiveState) -> _LiveState:
        """Do what `plan` does, without blocking."""
        await nodes.mux.look_around()
        return plan(state)

    def call(state: _LiveState) -> _LiveState:
        nodes.call(state["run"])
        return {"run": state["run"]}

    async def acall(state: _LiveState) -> _LiveState:
        """Do what `call` does, without blocking."""
        await nodes.acall(state["run"])
        return {"run": state["run"]}

    def combine(state: _LiveState) -> _LiveState:
        nodes.combine(state["run"])
        return {"run": state["run"]}

    async def acombine(state: _LiveState) -> _LiveState:
        """Do what `combine` does: an executor would cost more."""
        return combine(state)

    def after_call(state: _LiveState) -> Step:
        return nodes.after_call(state["run"])

    async def aafter_call(state: _LiveState) -> Step:
        """Do what `after_call` does: an executor would cost more."""
        return after_call(state)

    chosen: dict[str, Callable[[_LiveState], _LiveState] | Callable[[_LiveState], Awaitable[_LiveState]]]
    chosen = (
        {"plan": aplan, "call": acall, "combine": acombine}
        if is_async
        else {"plan": plan, "call": call, "combine": combine}
    )
    for name, step in chosen.items():
        builder.add_node(name, cast("Any", step))
    builder.add_edge(START, "plan")
    builder.add_edge("plan", "call")
    builder.add_conditional_edges("call", aafter_call if is_async else after_call, _STEPS)
    builder.add_edge("combine", END)
    return builder.compile(checkpointer=False)
