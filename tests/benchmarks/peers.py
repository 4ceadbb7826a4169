"""What we are measured against: raw httpx, ChatOpenAI, LiteLLM's Router, pydantic-ai.

Each factory takes the address that answers and, for failover, one that refuses at
once; it retries nothing, so that a refusal goes straight to the next route. Imports
are in the factories: each runs in an environment that has what it needs.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final

MODEL: Final = "bench-model"
QUESTION: Final = "What is the capital of France?"
MESSAGES: Final = [{"role": "user", "content": QUESTION}]
KEY: Final = "sk-bench-0000"

_HEADERS: Final = {"Authorization": f"Bearer {KEY}"}
_WHOLE: Final = {"model": MODEL, "messages": MESSAGES}
_STREAMED: Final = {**_WHOLE, "stream": True}


def _nothing() -> str:
    return ""


@dataclass(frozen=True, kw_only=True)
class Player:
    """One contender, ready to be called.

    Args:
        reset: Makes the next call meet what the first one met; not measured.
        note: Says what is worth knowing after a turn.
    """

    versions: str
    call: Callable[[], str] | None = None
    acall: Callable[[], Awaitable[str]] | None = None
    stream: Callable[[], Iterator[str]] | None = None
    astream: Callable[[], AsyncIterator[str]] | None = None
    reset: Callable[[], None] | None = None
    note: Callable[[], str] = _nothing


def raw_httpx(good: str, bad: str | None) -> Player:
    """The floor: httpx and `json`; with `bad`, a loop over two addresses."""
    import httpx

    return _over_httpx(httpx.AsyncClient(timeout=60), good, bad, f"httpx {version('httpx')}")


def fast_httpx(good: str, bad: str | None) -> Player:
    """The floor for asynchronous calls over aiohttp's transport, which `openmux-lc[fast]` uses."""
    import httpx
    from httpx_aiohttp import AiohttpTransport

    client = httpx.AsyncClient(timeout=60, transport=AiohttpTransport())
    return _over_httpx(client, good, bad, f"httpx-aiohttp {version('httpx-aiohttp')}")


def _over_httpx(client_async: object, good: str, bad: str | None, versions: str) -> Player:
    urls = [f"{base}/chat/completions" for base in (bad, good) if base]
    call, stream = _sync_httpx(urls)
    acall, astream = _async_httpx(client_async, urls)
    return Player(versions=versions, call=call, acall=acall, stream=stream, astream=astream)


def _sync_httpx(urls: list[str]) -> tuple[Callable[[], str], Callable[[], Iterator[str]]]:
    import httpx

    client = httpx.Client(timeout=60)

    def call() -> str:
        for url in urls:
            response = client.post(url, json=_WHOLE, headers=_HEADERS)
            if response.is_success:
                break
        return response.json()["choices"][0]["message"]["content"]

    def stream() -> Iterator[str]:
        with client.stream("POST", urls[-1], json=_STREAMED, headers=_HEADERS) as response:
            yield from filter(None, map(_delta, response.iter_lines()))

    return call, stream


def _async_httpx(
    client: object, urls: list[str]
) -> tuple[Callable[[], Awaitable[str]], Callable[[], AsyncIterator[str]]]:
    async def call() -> str:
        for url in urls:
            response = await client.post(url, json=_WHOLE, headers=_HEADERS)
            if response.is_success:
                break
        return response.json()["choices"][0]["message"]["content"]

    async def stream() -> AsyncIterator[str]:
        async with client.stream("POST", urls[-1], json=_STREAMED, headers=_HEADERS) as response:
            async for line in response.aiter_lines():
                if text := _delta(line):
                    yield text

    return call, stream


def _delta(line: str) -> str:
    if not line.startswith("data: {"):
        return ""
    choices = json.loads(line[6:])["choices"]
    return choices[0]["delta"].get("content", "") if choices else ""


def chat_openai(good: str, bad: str | None) -> Player:
    """LangChain's `ChatOpenAI`; with `bad`, `with_fallbacks`."""
    from langchain_openai import ChatOpenAI

    def made(base_url: str) -> ChatOpenAI:
        return ChatOpenAI(model=MODEL, api_key=KEY, base_url=base_url, max_retries=0)

    model = made(bad).with_fallbacks([made(good)]) if bad else made(good)
    return of_langchain(model, f"langchain-openai {version('langchain-openai')}, openai {version('openai')}")


def of_langchain(
    model: object, versions: str, *, reset: Callable[[], None] | None = None, note: Callable[[], str] = _nothing
) -> Player:
    """Any LangChain chat model."""

    async def acall() -> str:
        return (await model.ainvoke(QUESTION)).content

    def stream() -> Iterator[str]:
        return (chunk.content for chunk in model.stream(QUESTION))

    async def astream() -> AsyncIterator[str]:
        async for chunk in model.astream(QUESTION):
            yield chunk.content

    return Player(
        versions=versions,
        call=lambda: model.invoke(QUESTION).content,
        acall=acall,
        stream=stream,
        astream=astream,
        reset=reset,
        note=note,
    )


def litellm_router(good: str, bad: str | None) -> Player:
    """LiteLLM's Router at its cheapest: one deployment; with `bad`, `fallbacks` and no cooldowns."""
    import litellm

    litellm.suppress_debug_info = True

    def deployment(name: str, base_url: str) -> dict[str, object]:
        return {
            "model_name": name,
            "litellm_params": {"model": f"openai/{MODEL}", "api_base": base_url, "api_key": KEY},
        }

    first = "bad" if bad else "good"
    router = litellm.Router(
        model_list=[deployment("good", good), *([deployment("bad", bad)] if bad else [])],
        fallbacks=[{"bad": ["good"]}] if bad else [],
        num_retries=0,
        disable_cooldowns=bool(bad),
    )

    def call() -> str:
        return router.completion(model=first, messages=MESSAGES).choices[0].message.content

    async def acall() -> str:
        return (await router.acompletion(model=first, messages=MESSAGES)).choices[0].message.content

    def stream() -> Iterator[str]:
        for chunk in router.completion(model=first, messages=MESSAGES, stream=True):
            yield (chunk.choices[0].delta.content if chunk.choices else "") or ""

    async def astream() -> AsyncIterator[str]:
        async for chunk in await router.acompletion(model=first, messages=MESSAGES, stream=True):
            yield (chunk.choices[0].delta.content if chunk.choices else "") or ""

    return Player(versions=f"litellm {version('litellm')}", call=call, acall=acall, stream=stream, astream=astream)


def pydantic_ai(good: str, bad: str | None) -> Player:
    """pydantic-ai's `FallbackModel` through its direct interface, without an agent."""
    from openai import AsyncOpenAI
    from pydantic_ai.direct import model_request, model_request_sync
    from pydantic_ai.messages import ModelRequest
    from pydantic_ai.models.fallback import FallbackModel
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    def made(base_url: str) -> OpenAIChatModel:
        client = AsyncOpenAI(base_url=base_url, api_key=KEY, max_retries=0)
        return OpenAIChatModel(MODEL, provider=OpenAIProvider(openai_client=client))

    def model() -> object:
        return FallbackModel(made(bad), made(good)) if bad else made(good)

    # A client belongs to the loop of its first call, and the synchronous face runs a loop of its own.
    for_sync, for_async = model(), model()
    question = [ModelRequest.user_text_prompt(QUESTION)]

    async def acall() -> str:
        return (await model_request(for_async, question)).parts[0].content

    return Player(
        versions=f"pydantic-ai {version('pydantic-ai-slim')}",
        call=lambda: model_request_sync(for_sync, question).parts[0].content,
        acall=acall,
    )


def langchain_over(addresses: list[str]) -> Player:
    """LangChain's `with_fallbacks` over a model for each address."""
    from langchain_openai import ChatOpenAI

    first, *others = [
        ChatOpenAI(model=MODEL, base_url=address, api_key=KEY, max_retries=0, timeout=60) for address in addresses
    ]
    return of_langchain(first.with_fallbacks(others), f"langchain-openai {version('langchain-openai')}")


def pydantic_ai_over(addresses: list[str]) -> Player:
    """pydantic-ai's `FallbackModel` over a model for each address."""
    from openai import AsyncOpenAI
    from pydantic_ai.direct import model_request, model_request_sync
    from pydantic_ai.messages import ModelRequest
    from pydantic_ai.models.fallback import FallbackModel
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    def model() -> object:
        clients = [AsyncOpenAI(base_url=address, api_key=KEY, max_retries=0) for address in addresses]
        return FallbackModel(
            *(OpenAIChatModel(MODEL, provider=OpenAIProvider(openai_client=client)) for client in clients)
        )

    for_sync, for_async = model(), model()  # as in `pydantic_ai`
    question = [ModelRequest.user_text_prompt(QUESTION)]

    async def acall() -> str:
        return (await model_request(for_async, question)).parts[0].content

    return Player(
        versions=f"pydantic-ai {version('pydantic-ai-slim')}",
        call=lambda: model_request_sync(for_sync, question).parts[0].content,
        acall=acall,
    )


PEERS: Final = {
    "httpx": raw_httpx,
    "httpx-aiohttp": fast_httpx,
    "ChatOpenAI": chat_openai,
    "LiteLLM Router": litellm_router,
    "pydantic-ai FallbackModel": pydantic_ai,
}
