"""`ChatOpenMux`: the pool as a LangChain chat model, where `ChatOpenAI` stood.

It has no policy: messages are converted, the graph's steps run, the answer is
converted back. The report rides in `response_metadata["openmux"]`.
"""

import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeAlias, cast

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LangSmithParams, LanguageModelInput, ModelProfile
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.runnables.config import RunnableConfig
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import AliasChoices, ConfigDict, Field, PrivateAttr, SecretStr, field_validator, model_validator

from openmux_lc.call_options import CallOptions
from openmux_lc.engine import run as loop
from openmux_lc.engine.nodes import MAX_WAVES, Nodes
from openmux_lc.engine.run_state import Run
from openmux_lc.errors import ConfigError, OpenMuxError
from openmux_lc.langchain_stream import achunks, chunks
from openmux_lc.mux import Mux
from openmux_lc.providers.messages import previous_route, to_ai_message, to_wire_messages
from openmux_lc.providers.twins import as_langchain_error
from openmux_lc.structured import structured_output
from openmux_lc.types.breaks import OnBreak
from openmux_lc.types.catalog import Task
from openmux_lc.types.report import to_metadata

if TYPE_CHECKING:
    from openmux_lc.graph import FusedGraph

__all__ = ["ChatOpenMux"]

# What LangChain itself reads (how to stream, what to trace); it must never reach a provider.
_LANGCHAINS_OWN = frozenset(
    {"ls_structured_output_format", "ls_provider", "ls_model_name", "stream", "stream_usage", "output_version"}
)

_Seconds: TypeAlias = Annotated[float | None, Field(gt=0, le=86_400)]


_ALIKE = (
    *("task", "timeout", "max_retries", "fan_out", "strategy", "on_overflow", "on_broken_contract", "on_break"),
    *("first_byte_timeout", "stall_timeout", "max_wait", "hedge"),
    *("temperature", "top_p", "max_tokens", "seed", "frequency_penalty", "presence_penalty"),
    *("reasoning_effort", "extra_body"),
)
"""Fields that are called here as they are per call."""


class ChatOpenMux(BaseChatModel):
    """Chat model over a pool of free models.

    Args:
        model: `auto`, a route such as `ollama:qwen3:8b`, or a list of routes
            in order; a list is never left unless it ends in `auto`.
        task: Overrides the classifier.
        routing_profile: `quality`, `balanced`, `speed`, `budget`, `long_context` or your own; default the settings'.
        timeout: Seconds for a whole call, failover included; default 120.
        first_byte_timeout: Seconds for one host's first byte; `stall_timeout` bounds a later silence.
        max_wait: Seconds to wait for a much better route, or the only one; default 0.
        hedge: Ask a second provider as well where the first one is late; default off.
        max_retries: Repeats of one route where repeating can help; default 1.
        on_overflow: For a prompt too long for every window: `raise` (default), `trim_oldest` or `summarize`.
        on_broken_contract: Where no route kept to the schema: `raise` (default) or `answer`, the last one all the same.
        on_break: `continue` (default) lets another route go on with a stream that broke; `raise` tells the reader.
        engine: `loop`, or `graph`: a millisecond more a call, and a tracer sees each step.
        api_key: Key of the pinned provider; without a pinned one it is an error.
        mux: The pool; default the process's own.

    Raises:
        NoRouteError: No route can serve the request; says the next command.
        AllRoutesFailedError: Every route that the plan allowed failed.
        StreamInterruptedError: A stream broke after its first content, and nobody went on.

    Example:
        >>> from openmux_lc import ChatOpenMux
        >>> ChatOpenMux(model="ollama:qwen3:8b", temperature=0).model_name
        'ollama:qwen3:8b'
    """

    model_config = ConfigDict(
        populate_by_name=True, extra="forbid", arbitrary_types_allowed=True, protected_namespaces=()
    )

    model_name: str = Field(default="auto", alias="model")
    fallbacks: tuple[str, ...] = ()
    task: Task | None = None
    routing_profile: str = "balanced"
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    max_tokens: int | None = Field(
        default=None, validation_alias=AliasChoices("max_tokens", "max_completion_tokens"), gt=0
    )
    timeout: _Seconds = Field(default=None, validation_alias=AliasChoices("timeout", "request_timeout"))
    first_byte_timeout: _Seconds = None
    stall_timeout: _Seconds = None
    max_wait: float | None = Field(default=None, ge=0, le=86_400)
    max_retries: int | None = Field(default=None, ge=0, le=20)
    stop: list[str] | None = Field(default=None, validation_alias=AliasChoices("stop", "stop_sequences"))
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    reasoning_effort: str | None = None
    on_break: OnBreak | None = None
    fan_out: int = Field(default=1, ge=1, le=8)
    strategy: Literal["best", "concatenate", "vote"] = "best"
    hedge: bool | None = None
    extra_body: dict[str, Any] | None = None
    on_overflow: Literal["raise", "trim_oldest", "summarize"] | None = None
    on_broken_contract: Literal["raise", "answer"] | None = None
    streaming: bool = False
    engine: Literal["loop", "graph"] = "loop"
    api_key: SecretStr | None = Field(default=None, exclude=True, repr=False)
    mux: Mux | None = Field(default=None, exclude=True, repr=False)

    _graphs: dict[tuple[int, bool], "FusedGraph"] = PrivateAttr(default_factory=dict)
    _own_pool: tuple[object, Mux] | None = PrivateAttr(default=None)

    @model_validator(mode="before")
    @classmethod
    def _split_chain(cls, given: Any) -> Any:
        """Let a list of routes be the first model and its fallbacks."""
        if not isinstance(given, Mapping):
            return given
        name = "model" if "model" in given else "model_name"
        chain = given.get(name)
        if isinstance(chain, str) or not isinstance(chain, Sequence):
            return given
        if not chain:
            raise ConfigError("model=[] names no route; write 'auto' or at least one 'provider:model'")
        rest = tuple(given.get("fallbacks") or ())
        return {**given, name: chain[0], "fallbacks": (*chain[1:], *rest)}

    @field_validator("stop", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @property
    def _llm_type(self) -> str:
        return "openmux"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        """What names this model in a cache: everything that shapes an answer, no key."""
        told_elsewhere = {"api_key", "engine", "mux", "profile", *BaseChatModel.model_fields}
        return {name: getattr(self, name) for name in sorted(set(type(self).model_fields) - told_elsewhere)}

    @property
    def lc_secrets(self) -> dict[str, str]:
        """Map of constructor arguments that hold secrets."""
        return {"api_key": "OPENMUX_API_KEY"}

    @property
    def pool(self) -> Mux:
        """The pool behind this model.

        Raises:
            ConfigError: `api_key` was given without a pinned model, or beside a `mux`.
        """
        if self.mux is not None:
            if self.api_key is not None:
                raise ConfigError("api_key= and mux= exclude each other: give the key to the pool, as Mux(keys={...})")
            return self.mux
        # A copy may pin another provider, and a forked process needs sockets and files of its own.
        wish = (os.getpid(), self.api_key, self.model_name if self.api_key else "")
        if self._own_pool is None or self._own_pool[0] != wish:
            self._own_pool = wish, Mux.default() if self.api_key is None else self._keyed_pool(self.api_key)
        return self._own_pool[1]

    def _keyed_pool(self, key: SecretStr) -> Mux:
        """Return a pool that uses `key` for the pinned provider."""
        provider, separator, _ = self.model_name.partition(":")
        if not separator:
            raise ConfigError("api_key= needs a pinned model: write it as model='provider:model'")
        return Mux(keys={provider: key.get_secret_value()})

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """Return a copy with options of its own and the same pool: sockets and files have no copies."""
        memo = {} if memo is None else memo  # deepcopy's own scratch pad: the one argument meant to be written to
        memo |= {id(shared): shared for shared in (self.mux, self._own_pool, self._graphs) if shared is not None}
        return super().__deepcopy__(memo)

    def __getstate__(self) -> dict[Any, Any]:
        """Return what is pickled: the options; the pool is found anew where they are unpickled.

        Raises:
            TypeError: The model has a pool of its own, whose sockets and files cannot travel.
        """
        if self.mux is not None:
            raise TypeError("ChatOpenMux with mux= cannot be pickled: leave mux= out and pass it after unpickling")
        state = super().__getstate__()
        private = state["__pydantic_private__"] or {}
        return {**state, "__pydantic_private__": {**private, "_graphs": {}, "_own_pool": None}}

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | bool | dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Return the model with tools bound; only routes that can call tools are asked.

        Args:
            tools: Anything `convert_to_openai_tool` takes; an empty list binds none.
            tool_choice: `auto`, `none`, `any`, `required`, True, a tool's name, or the
                wire's object.
            **kwargs: Further per-call options, such as `parallel_tool_calls`.
        """
        strict = kwargs.pop("strict", None)
        shown = [convert_to_openai_tool(tool, strict=strict) for tool in tools]
        bound: dict[str, Any] = {"tools": shown, "tool_choice": tool_choice, **kwargs} if shown else kwargs
        return cast("Runnable[LanguageModelInput, AIMessage]", self.bind(**bound))

    def with_structured_output(
        self,
        schema: dict[str, Any] | type,
        *,
        include_raw: bool = False,
        method: Literal["function_calling", "json_schema", "json_mode"] = "function_calling",
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, Any]:
        """Return the model with its answers parsed into `schema`.

        Args:
            schema: Pydantic class, TypedDict or JSON schema.
            include_raw: Give `{"raw", "parsed", "parsing_error"}`; what no route answered as it was asked for is
                told there. Without it that is an error: an answer that breaks the schema is a failed attempt.
            method: Through a tool (default), the wire's `json_schema`, or `json_mode`.
            strict: Ask the provider to enforce the schema.
            **kwargs: Further per-call options.
        """
        return structured_output(self, schema, method=method, strict=strict, include_raw=include_raw, options=kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 - leaf calls are no runs of their own
        **kwargs: Any,
    ) -> ChatResult:
        try:
            nodes, run = self._begin(messages, stop, kwargs)
            self._drive(nodes, run)
            return _to_result(nodes, run)
        except OpenMuxError as error:
            raise as_langchain_error(error) from error.__cause__

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002
        **kwargs: Any,
    ) -> ChatResult:
        try:
            nodes, run = self._begin(messages, stop, kwargs)
            await self._adrive(nodes, run)
            return _to_result(nodes, run)
        except OpenMuxError as error:
            raise as_langchain_error(error) from error.__cause__

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        run: Run | None = None
        try:
            nodes, run = self._begin(messages, stop, kwargs, wants_stream=True)
            self._drive(nodes, run)
            for chunk in chunks(nodes, run):
                if run_manager:
                    run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                yield chunk
        except OpenMuxError as error:
            raise as_langchain_error(error) from error.__cause__
        finally:
            if run is not None:
                run.close()

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        run: Run | None = None
        try:
            nodes, run = self._begin(messages, stop, kwargs, wants_stream=True)
            await self._adrive(nodes, run)
            async for chunk in achunks(nodes, run):
                if run_manager:
                    await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                yield chunk
        except OpenMuxError as error:
            raise as_langchain_error(error) from error.__cause__
        finally:
            if run is not None:
                await run.aclose()

    def _begin(
        self,
        messages: Sequence[BaseMessage],
        stop: list[str] | None,
        kwargs: Mapping[str, Any],
        *,
        wants_stream: bool = False,
    ) -> tuple[Nodes, Run]:
        """Return the pool's steps and a run for these messages."""
        if not messages:
            raise ConfigError("there is nothing to answer: the list of messages is empty")
        said = {name: value for name, value in kwargs.items() if name not in _LANGCHAINS_OWN}
        if stop is not None:
            said["stop"] = stop
        options = CallOptions.checked(said).over(self._defaults()) if said else self._defaults()
        mux = self.pool
        run = Run(
            request=options.to_request(to_wire_messages(messages)),
            options=options.to_options(mux.default_options()),
            wants_stream=wants_stream,
            previous=previous_route(messages),
        )
        return Nodes(mux), run

    def _defaults(self) -> CallOptions:
        """Return this object's own options, in the form that a call overrides."""
        return CallOptions.model_construct(
            model=(self.model_name,),
            fallbacks=self.fallbacks or None,
            routing_profile=self.routing_profile if "routing_profile" in self.model_fields_set else None,
            stop=tuple(self.stop or ()) or None,
            **{name: getattr(self, name) for name in _ALIKE},
        )

    def _drive(self, nodes: Nodes, run: Run) -> None:
        """Take the run's steps in a plain loop, or as a graph whose steps a tracer sees."""
        if self.engine == "loop":
            loop.run(nodes, run)
        else:
            self._graph(nodes, is_async=False).invoke({"run": run}, _GRAPH_CONFIG)

    async def _adrive(self, nodes: Nodes, run: Run) -> None:
        """Take the run's steps in a plain loop, or as a graph whose steps a tracer sees."""
        if self.engine == "loop":
            await loop.arun(nodes, run)
        else:
            await self._graph(nodes, is_async=True).ainvoke({"run": run}, _GRAPH_CONFIG)

    def _graph(self, nodes: Nodes, *, is_async: bool) -> "FusedGraph":
        """Return the compiled graph for this pool, made once."""
        from openmux_lc.graph import compile_fused  # 0.3 s of LangGraph, for those who ask for it

        key = (id(nodes.mux), is_async)
        if key not in self._graphs:
            self._graphs[key] = compile_fused(nodes, is_async=is_async)
        return self._graphs[key]

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        """Return what LangSmith shows; the model is the one this call asks for."""
        params = super()._get_ls_params(stop=stop, **kwargs)
        model = kwargs.get("model") or self.model_name
        params["ls_provider"] = "openmux"
        params["ls_model_name"] = model if isinstance(model, str) else next(iter(model), "auto")
        return params

    def _resolve_model_profile(self) -> ModelProfile | None:
        """Return the pinned model's profile; `auto` promises nothing beforehand."""
        if self.model_name == "auto" or self.mux is None:
            return None
        try:
            model = self.mux.catalog.model(self.mux.catalog.resolve(self.model_name))
        except ConfigError:
            return None
        return cast("ModelProfile", dict(model.profile)) if model else None

    def get_token_ids(self, text: str) -> list[int]:
        """Return one number per four characters: an offline estimate, no tokenizer."""
        return list(range(-(-len(text) // 4)))


_GRAPH_CONFIG: RunnableConfig = {"recursion_limit": MAX_WAVES * 2 + 10}


def _to_result(nodes: Nodes, run: Run) -> ChatResult:
    answer = nodes.result(run)
    message = to_ai_message(answer, to_metadata(run.told or run.report(answer)))
    return ChatResult(generations=[ChatGeneration(message=message)])
