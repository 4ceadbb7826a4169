# ruff: noqa: ANN401 - the signatures are LangChain's
"""LangChain's side of a provider: any model as an `Adapter`, any row as a model.

`LangChainAdapter` lets a model the user already has join the pool; `ProviderChatModel`
is the custom LangChain face of one provider's row, usable alone. Neither routes,
counts nor fails over.
"""

import importlib.util
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any, Final, cast

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LangSmithParams, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import (
    AliasChoices,
    Field,
    InstanceOf,
    PrivateAttr,
    SecretStr,
)

from openmux_lc.call_options import wire_tool_choice
from openmux_lc.errors import ConfigError, ProviderError
from openmux_lc.http import Clients
from openmux_lc.providers.again import AskAgain
from openmux_lc.providers.face import FACE_CONFIG, Row
from openmux_lc.providers.guest import LangChainAdapter
from openmux_lc.providers.messages import to_ai_message, to_chunk, to_last_chunk, to_wire_messages
from openmux_lc.providers.ollama_face import ollama_options
from openmux_lc.providers.registry import adapter_for
from openmux_lc.providers.twins import as_langchain_error
from openmux_lc.types.catalog import Provider, Route
from openmux_lc.types.run import Answer, Chunk, Request, Usage
from openmux_lc.types.wire import Adapter, AsyncStream, Call, Stream

__all__ = ["LangChainAdapter", "ProviderChatModel", "chat_model_for"]

_SAMPLING: Final = (
    "temperature",
    "top_p",
    "max_tokens",
    "seed",
    "frequency_penalty",
    "presence_penalty",
    "reasoning_effort",
)
_PER_CALL: Final = frozenset(
    {*_SAMPLING, "tools", "tool_choice", "parallel_tool_calls", "response_format", "extra_body", "model"}
)
_TRACING_ONLY: Final = frozenset({"ls_structured_output_format", "ls_provider", "ls_model_name", "stream_usage"})


class ProviderChatModel(BaseChatModel):
    """One model of one provider as a LangChain chat model, without the pool.

    Args:
        provider: The provider's row.
        model: The provider's own model id.
        api_key: Sent as the row says; None where the host needs none.
        timeout: Seconds for a whole call, its repeats included; default 120.
        max_retries: Repeats after a passing fault, before the first word; default 2.
        may_ask: Called with the model's id before each send; raises where that one may
            not be called. None lets every model pass.

    Raises:
        ProviderError: The provider failed; each is LangChain's `ModelError` as well.

    Example:
        >>> from openmux_lc.types.catalog import Provider
        >>> row = Provider(id="mine", name="Mine", base_url="http://127.0.0.1:8080/v1")
        >>> ProviderChatModel(provider=row, model="tiny").model_name
        'tiny'
    """

    model_config = FACE_CONFIG

    provider: Row = Field(exclude=True, repr=False)
    model_name: str = Field(alias="model")
    api_key: SecretStr | None = Field(default=None, exclude=True, repr=False)
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = Field(
        default=None, validation_alias=AliasChoices("max_tokens", "max_completion_tokens"), gt=0
    )
    timeout: float = Field(default=120.0, validation_alias=AliasChoices("timeout", "request_timeout"), gt=0)
    stop: list[str] | None = Field(default=None, validation_alias=AliasChoices("stop", "stop_sequences"))
    max_retries: int = Field(default=2, ge=0)
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    reasoning_effort: str | None = None
    streaming: bool = False
    clients: InstanceOf[Clients] = Field(default_factory=Clients, exclude=True, repr=False)
    may_ask: Callable[[str], None] | None = Field(default=None, exclude=True, repr=False)

    _adapter: Adapter = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        """Make the adapter; it opens nothing before its first call."""
        super().model_post_init(context)
        self._adapter = AskAgain(adapter_for(self.provider, self.clients), self.max_retries)

    @property
    def adapter(self) -> Adapter:
        """What speaks to the provider; the engine uses the same."""
        return self._adapter

    def call(self, request: Request, *, model: str | None = None) -> Call:
        """Return the call by which `request` goes to this model, or to another one of the host."""
        asked = model or self.model_name
        if self.may_ask is not None:
            self.may_ask(asked)
        return Call(
            provider=self.provider,
            model=asked,
            request=request,
            key=self.api_key,
            deadline=time.monotonic() + self.timeout,
        )

    def open(self, request: Request) -> Stream:
        """Return an opened stream of the answer to `request`."""
        return self._adapter.open(self.call(request))

    async def aopen(self, request: Request) -> AsyncStream:
        """Return an opened stream of the answer to `request`."""
        return await self._adapter.aopen(self.call(request))

    @property
    def _llm_type(self) -> str:
        return f"openmux-{self.provider.id}"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        """What names this model in a cache; no key."""
        shaping = {name: getattr(self, name) for name in (*_SAMPLING, "stop")}
        return {"provider": self.provider.id, "base_url": self.provider.base_url, "model": self.model_name, **shaping}

    @property
    def lc_secrets(self) -> dict[str, str]:
        """Map of constructor arguments that hold secrets."""
        return {"api_key": next(iter(self.provider.auth.env), "API_KEY")}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        """Return what LangSmith shows."""
        params = super()._get_ls_params(stop=stop, **kwargs)
        params["ls_provider"] = self.provider.id
        params["ls_model_name"] = str(kwargs.get("model", self.model_name))
        return params

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | bool | dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Return the model with tools bound.

        Args:
            tools: Anything `convert_to_openai_tool` takes; an empty list binds none.
            tool_choice: `auto`, `none`, `any`, `required`, True, a tool's name, or the
                wire's object.
            **kwargs: Further per-call options.
        """
        strict = kwargs.pop("strict", None)
        shown = [convert_to_openai_tool(tool, strict=strict) for tool in tools]
        bound = {"tools": shown, "tool_choice": wire_tool_choice(tool_choice, shown), **kwargs} if shown else kwargs
        return cast("Runnable[LanguageModelInput, AIMessage]", self.bind(**bound))

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 - nothing runs inside
        **kwargs: Any,
    ) -> ChatResult:
        try:
            return _to_result(self._adapter.send(self._call(messages, stop, kwargs)))
        except ProviderError as error:
            raise as_langchain_error(error) from error.__cause__

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002 - nothing runs inside
        **kwargs: Any,
    ) -> ChatResult:
        try:
            return _to_result(await self._adapter.asend(self._call(messages, stop, kwargs)))
        except ProviderError as error:
            raise as_langchain_error(error) from error.__cause__

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        call = self._call(messages, stop, kwargs)
        try:
            stream = self._adapter.open(call)
            try:
                for piece in stream:
                    for chunk in _to_chunks(call.route, piece):
                        if run_manager:
                            run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                        yield chunk
            finally:
                stream.close()
        except ProviderError as error:
            raise as_langchain_error(error) from error.__cause__

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        call = self._call(messages, stop, kwargs)
        try:
            stream = await self._adapter.aopen(call)
            try:
                async for piece in stream:
                    for chunk in _to_chunks(call.route, piece):
                        if run_manager:
                            await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                        yield chunk
            finally:
                await stream.aclose()
        except ProviderError as error:
            raise as_langchain_error(error) from error.__cause__

    def _call(self, messages: Sequence[BaseMessage], stop: list[str] | None, options: dict[str, Any]) -> Call:
        """Return the call; an option of the call goes over the object's own."""
        unknown = set(options) - _PER_CALL - _TRACING_ONLY
        if unknown:
            raise ConfigError(f"unknown per-call options: {', '.join(sorted(unknown))}")
        said = {name: options[name] for name in options if name in _PER_CALL and name not in {"model", "tools"}}
        own = {name: getattr(self, name) for name in _SAMPLING}
        request = Request(
            messages=to_wire_messages(messages),
            tools=tuple(options.get("tools") or ()),
            stop=tuple(stop or self.stop or ()),
            **{**own, **said},
        )
        return self.call(request, model=options.get("model"))


def chat_model_for(
    provider: Provider,
    model: str,
    *,
    api_key: SecretStr | None = None,
    may_ask: Callable[[str], None] | None = None,
    **options: Any,
) -> BaseChatModel:
    """Return the LangChain face of a row's model, which sends whatever it is asked.

    There is no check that the model is free before its sends unless `may_ask` is one:
    `openmux_lc.provider_chat_model` brings it. What can be billed will be billed.

    Args:
        provider: The row, its `base_url` as it is to be used.
        model: The provider's own id.
        api_key: Its key, where it takes one.
        may_ask: As the class's field.
        **options: Fields of the class; for engines with Ollama's API those of
            langchain-ollama's `ChatOllama`, where that is installed.
    """
    if provider.dialect == "ollama" and importlib.util.find_spec("langchain_ollama") is not None:
        from langchain_ollama import ChatOllama

        return ChatOllama(model=model, **ollama_options(provider, api_key, may_ask), **options)
    return ProviderChatModel(provider=provider, model=model, api_key=api_key, may_ask=may_ask, **options)


def _to_result(answer: Answer) -> ChatResult:
    return ChatResult(generations=[ChatGeneration(message=to_ai_message(answer))])


def _to_chunks(route: Route, piece: Chunk) -> Iterator[ChatGenerationChunk]:
    """Yield a piece as LangChain's, the end of the answer as a chunk of its own."""
    if piece.text or piece.reasoning or piece.tool_calls:
        yield ChatGenerationChunk(message=to_chunk(piece))
    if piece.finish_reason is not None:
        ended = Answer(
            route=route,
            finish_reason=piece.finish_reason,
            usage=piece.usage or Usage(),
            model=piece.model or route.model,
            id=piece.id,
            echo=piece.echo,
        )
        yield ChatGenerationChunk(message=to_last_chunk(ended))
