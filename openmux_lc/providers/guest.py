"""A LangChain model that the user already has, as an `Adapter`.

It runs apart from the caller's tracing, and tagged so that a graph does not show
its tokens twice. Its sync calls run on daemon threads: nothing else would end a
wait when the call's time is up.
"""

from __future__ import annotations

import asyncio
import contextvars
import queue
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from types import AsyncGeneratorType, GeneratorType
from typing import Final, TypeVar, cast

from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.config import var_child_runnable_config

from openmux_lc.errors import ConfigError, TimedOut
from openmux_lc.providers.answer import bad_payload
from openmux_lc.providers.extra import harmless_extra
from openmux_lc.providers.flow import seconds_left
from openmux_lc.providers.foreign import foreign_fault
from openmux_lc.providers.guest_messages import Parts, prepared, profile_of, to_answer, to_messages
from openmux_lc.providers.vectors import check_vectors, estimated
from openmux_lc.types.catalog import Profile, Task
from openmux_lc.types.run import Answer, Chunk, EmbeddingRequest, Vectors
from openmux_lc.types.state import LimitObservation
from openmux_lc.types.wire import AsyncStream, Call, Stream

__all__ = ["LangChainAdapter"]

_Model = Runnable[list[BaseMessage], AIMessage]
_T = TypeVar("_T")
# `langgraph.constants.TAG_NOSTREAM`, whose module may not be imported here.
_CONFIG: Final[RunnableConfig] = {"tags": ["nostream"], "callbacks": []}
_HELD_CHUNKS: Final = 256
_CHECK_S: Final = 1.0


class LangChainAdapter:
    """An `Adapter` over any `BaseChatModel` or `Embeddings`.

    Args:
        model: The user's own; sampling options of a call override its fields.
    """

    def __init__(self, model: BaseChatModel | Embeddings) -> None:
        """Keep the model."""
        self._model = model

    @property
    def tasks(self) -> frozenset[Task]:
        """What the model can serve."""
        if isinstance(self._model, Embeddings):
            return frozenset({"embeddings"})
        return frozenset({"chat", "code", "other"})

    @property
    def profile(self) -> Profile:
        """The model's own profile, as far as the catalog knows its keys."""
        return profile_of(self._model)

    def send(self, call: Call) -> Answer:
        """Return the whole answer."""
        model, messages = self._ready(call)
        return to_answer(call, _in_time(call, lambda: model.invoke(messages, _CONFIG)))

    async def asend(self, call: Call) -> Answer:
        """Return the whole answer."""
        model, messages = self._ready(call)
        with _Told(call):
            async with asyncio.timeout(seconds_left(call)):
                message = await _apart_async(lambda: model.ainvoke(messages, _CONFIG))
        return to_answer(call, message)

    def open(self, call: Call) -> Stream:
        """Return a stream whose first piece has arrived."""
        model, messages = self._ready(call)
        return _SyncStream(call, lambda: model.stream(messages, _CONFIG))

    async def aopen(self, call: Call) -> AsyncStream:
        """Return a stream whose first piece has arrived."""
        model, messages = self._ready(call)
        stream = _AsyncStream(call, model.astream(messages, _CONFIG))
        await stream.start()
        return stream

    def embed(self, call: Call, request: EmbeddingRequest) -> Vectors:
        """Return one vector per text."""
        model = self._embeddings(call)
        if request.purpose == "query":
            rows = _in_time(call, lambda: [model.embed_query(text) for text in request.texts])
        else:
            rows = _in_time(call, lambda: model.embed_documents(list(request.texts)))
        return _vectors(call, request, rows)

    async def aembed(self, call: Call, request: EmbeddingRequest) -> Vectors:
        """Return one vector per text."""
        model = self._embeddings(call)
        with _Told(call):
            async with asyncio.timeout(seconds_left(call)):
                if request.purpose == "query":
                    rows = [await model.aembed_query(text) for text in request.texts]
                else:
                    rows = await model.aembed_documents(list(request.texts))
        return _vectors(call, request, rows)

    def _ready(self, call: Call) -> tuple[_Model, list[BaseMessage]]:
        if not isinstance(self._model, BaseChatModel):
            raise ConfigError(f"{call.route} makes vectors, not answers")
        harmless_extra(call)  # a guest is sent none, but no route may take in silence what others refuse
        with _Told(call):
            return prepared(call, self._model), to_messages(call)

    def _embeddings(self, call: Call) -> Embeddings:
        if not isinstance(self._model, Embeddings):
            raise ConfigError(f"{call.route} gives answers, not vectors")
        return self._model


class _Told:
    """A context in which whatever a stranger's model raises becomes a `ProviderError`.

    The one place below the surfaces that takes any `Exception`: what a foreign model
    does is data, as a host's reply is, and its bug must not end the whole run.
    """

    def __init__(self, call: Call) -> None:
        self._call = call

    def __enter__(self) -> None:
        """Begin to watch."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Raise the typed fault; let cancellation and the graph's own signals pass."""
        fault = foreign_fault(self._call, error) if error is not None else None
        if fault is not None:
            raise fault from error


def _vectors(call: Call, request: EmbeddingRequest, rows: list[list[float]]) -> Vectors:
    try:
        numbers = [tuple(map(float, row)) for row in rows]
    except (TypeError, ValueError):
        raise bad_payload(call, "holds vectors that are not numbers") from None
    vectors = check_vectors(call, request, numbers)
    return Vectors(route=call.route, vectors=vectors, usage=estimated(request.texts), model=call.model)


def _in_time(call: Call, work: Callable[[], _T]) -> _T:
    """Return what `work` returns, or leave it behind when the time for content is up."""
    outcome: queue.SimpleQueue[tuple[_T | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            outcome.put((work(), None))
        except BaseException as error:  # noqa: BLE001 - raised again by the caller's thread
            outcome.put((None, error))

    left_s = seconds_left(call)
    threading.Thread(target=_apart(), args=(run,), name=f"openmux {call.route}", daemon=True).start()
    try:
        result, error = outcome.get(timeout=left_s)
    except queue.Empty:
        raise _timed_out(call) from None
    with _Told(call):
        if error is not None:
            raise error
    return cast("_T", result)


def _apart() -> Callable[[Callable[[], None]], None]:
    """Return a runner in a copy of this context that no graph or tracer shines into."""
    context = contextvars.copy_context()
    context.run(var_child_runnable_config.set, None)
    return context.run


async def _apart_async(work: Callable[[], object]) -> AIMessage:
    token = var_child_runnable_config.set(None)
    try:
        return cast("AIMessage", await cast("asyncio.Future[object]", work()))
    finally:
        var_child_runnable_config.reset(token)


class _SyncStream:
    """A model's stream, pumped by a thread so that every wait has an end."""

    limits: tuple[LimitObservation, ...] = ()
    raw = b""

    def __init__(self, call: Call, begin: Callable[[], Iterator[BaseMessage]]) -> None:
        self._call = call
        self._parts = Parts(call)
        self._held: queue.Queue[BaseMessage | BaseException | None] = queue.Queue(_HELD_CHUNKS)
        self._is_closed = threading.Event()
        self._begin = begin
        threading.Thread(target=_apart(), args=(self._pump,), name=f"openmux {call.route}", daemon=True).start()
        self._first = self._next(min(call.first_byte_s, seconds_left(call)))
        self._chunks = cast("GeneratorType[Chunk, None, None]", self._read())

    def __iter__(self) -> Iterator[Chunk]:
        """Return the one iterator over the chunks."""
        return self._chunks

    def close(self) -> None:
        """Let the thread end."""
        self._is_closed.set()
        if not self._chunks.gi_running:
            self._chunks.close()

    def _read(self) -> Generator[Chunk, None, None]:
        try:
            message = self._first
            while message is not None:
                chunk = self._parts.chunk(message)
                if chunk is not None:
                    yield chunk
                message = self._next(_wait_s(self._call, self._parts))
            yield self._parts.last()
        finally:
            self._is_closed.set()

    def _next(self, wait_s: float) -> BaseMessage | None:
        try:
            item = self._held.get(timeout=wait_s)
        except queue.Empty:
            self._is_closed.set()
            raise _timed_out(self._call) from None
        with _Told(self._call):
            if isinstance(item, BaseException):
                raise item
        return item

    def _pump(self) -> None:
        source = None
        try:
            source = self._begin()
            for message in source:
                if not self._put(message):
                    return
            self._put(None)
        except BaseException as error:  # noqa: BLE001 - raised again by the reader
            self._put(error)
        finally:
            if isinstance(source, GeneratorType):
                source.close()

    def _put(self, item: BaseMessage | BaseException | None) -> bool:
        while not self._is_closed.is_set():
            try:
                self._held.put(item, timeout=_CHECK_S)
            except queue.Full:
                continue
            return True
        return False


class _AsyncStream:
    """A model's stream, read on one event loop."""

    limits: tuple[LimitObservation, ...] = ()
    raw = b""

    def __init__(self, call: Call, source: AsyncIterator[BaseMessage]) -> None:
        self._call = call
        self._parts = Parts(call)
        self._source = source
        self._chunks = cast("AsyncGeneratorType[Chunk, None]", self._read())

    async def start(self) -> None:
        """Wait for the first piece."""
        self._first = await self._next(min(self._call.first_byte_s, seconds_left(self._call)))

    def __aiter__(self) -> AsyncIterator[Chunk]:
        """Return the one iterator over the chunks."""
        return self._chunks

    async def aclose(self) -> None:
        """Hang up."""
        if not self._chunks.ag_running:
            await self._chunks.aclose()
        if isinstance(self._source, AsyncGeneratorType) and not self._source.ag_running:
            await self._source.aclose()

    async def _read(self) -> AsyncGenerator[Chunk, None]:
        message = self._first
        while message is not None:
            chunk = self._parts.chunk(message)
            if chunk is not None:
                yield chunk
            message = await self._next(_wait_s(self._call, self._parts))
        yield self._parts.last()

    async def _next(self, wait_s: float) -> BaseMessage | None:
        token = var_child_runnable_config.set(None)
        try:
            with _Told(self._call):
                async with asyncio.timeout(wait_s):
                    return await anext(self._source, None)
        finally:
            var_child_runnable_config.reset(token)


def _wait_s(call: Call, parts: Parts) -> float:
    """Return the seconds that the next piece may take."""
    return min(call.stall_s, seconds_left(call, has_content=parts.has_content))


def _timed_out(call: Call) -> TimedOut:
    return TimedOut(f"{call.route}: no answer in time", provider=call.provider.id, model=call.model)
