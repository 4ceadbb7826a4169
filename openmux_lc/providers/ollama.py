"""Ollama's native API, through the `ollama` client.

The client speaks; a transport of ours carries its requests over the pooled
connections, bounded in time and size. No header of the client's own is sent: a
cloud key in the environment must never reach an engine on this machine.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from types import AsyncGeneratorType, GeneratorType
from typing import cast

import ollama

from openmux_lc.errors import ConnectionFailed, ProviderError
from openmux_lc.http import (
    USER_AGENT,
    AsyncBaseTransport,
    BaseTransport,
    Clients,
    Request,
    Response,
)
from openmux_lc.providers.answer import bad_payload
from openmux_lc.providers.exchange import Ask, Reply, parse_json
from openmux_lc.providers.fault import has_error, to_fault
from openmux_lc.providers.lines import AsyncLines, Lines
from openmux_lc.providers.ollama_wire import Parts, context_tokens, method_of, root_url, to_answer, to_vectors
from openmux_lc.providers.openai import OpenAIDialect, auth_header
from openmux_lc.providers.wire import WireAdapter, wake_reader
from openmux_lc.types.json import JsonObject
from openmux_lc.types.run import Answer, Chunk, EmbeddingRequest, Vectors
from openmux_lc.types.state import LimitObservation
from openmux_lc.types.wire import AsyncStream, Call, Stream

__all__ = ["OllamaAdapter"]


class OllamaAdapter:
    """An `Adapter` for engines with Ollama's native API.

    Args:
        clients: Where the connections are pooled; the client per call is light.
    """

    def __init__(self, clients: Clients) -> None:
        """Open nothing yet."""
        self._wire = WireAdapter(OpenAIDialect(), clients)

    def send(self, call: Call) -> Answer:
        """Return the whole answer."""
        carrier = _Carrier(self._wire, call)
        name, arguments = method_of(call)
        with _client(call, carrier) as client, _Told(call):
            part = getattr(client, name)(**arguments)
        return to_answer(call, _plain(part), carrier.raw)

    async def asend(self, call: Call) -> Answer:
        """Return the whole answer."""
        carrier = _AsyncCarrier(self._wire, call)
        name, arguments = method_of(call)
        async with _async_client(call, carrier) as client:
            with _Told(call):
                part = await getattr(client, name)(**arguments)
        return to_answer(call, _plain(part), carrier.raw)

    def open(self, call: Call) -> Stream:
        """Return a stream whose first part has arrived."""
        return _SyncStream(call, _Carrier(self._wire, call))

    async def aopen(self, call: Call) -> AsyncStream:
        """Return a stream whose first part has arrived."""
        stream = _AsyncStream(call, _AsyncCarrier(self._wire, call))
        await stream.start()
        return stream

    def embed(self, call: Call, request: EmbeddingRequest) -> Vectors:
        """Return one vector per text."""
        call = call.about(request.texts)
        with _client(call, _Carrier(self._wire, call)) as client, _Told(call):
            part = client.embed(call.model, list(request.texts), dimensions=request.dimensions)
        return to_vectors(call, request, _plain(part))

    async def aembed(self, call: Call, request: EmbeddingRequest) -> Vectors:
        """Return one vector per text."""
        call = call.about(request.texts)
        async with _async_client(call, _AsyncCarrier(self._wire, call)) as client:
            with _Told(call):
                part = await client.embed(call.model, list(request.texts), dimensions=request.dimensions)
        return to_vectors(call, request, _plain(part))


class _Told(contextlib.AbstractContextManager[None]):
    """A context in which what the client raises becomes a `ProviderError`."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ollama.ResponseError):
            raise to_fault(
                self._call, Reply(status=200, headers={}), now=time.time(), payload={"error": error.error}
            ) from None
        if isinstance(error, ValueError | TypeError | AttributeError | RecursionError):
            raise bad_payload(self._call, "is not what the protocol promises", 200) from None


class _Carrier(BaseTransport):
    """Carries the client's requests over the pooled connections."""

    def __init__(self, wire: WireAdapter, call: Call, parts: Parts | None = None) -> None:
        self.raw = b""
        self.lines: Lines | None = None
        self._wire, self._call, self.parts = wire, call, parts

    def handle_request(self, request: Request) -> Response:
        """Send what the client built, with headers of ours."""
        ask = _ask(self._call, request)
        if self.parts is not None:
            response = self._wire.start(self._call, ask)
            try:
                self.lines = Lines(self._call, response, self.parts)
            except BaseException:
                response.close()
                raise
            return Response(200, stream=self.lines)
        reply = self._wire.fetch(self._call, ask)
        self.raw = reply.body
        return _checked(self._call, reply)


class _AsyncCarrier(AsyncBaseTransport):
    """Carries the client's requests over the running loop's connections."""

    def __init__(self, wire: WireAdapter, call: Call, parts: Parts | None = None) -> None:
        self.raw = b""
        self.lines: AsyncLines | None = None
        self._wire, self._call, self.parts = wire, call, parts

    async def handle_async_request(self, request: Request) -> Response:
        """Send what the client built, with headers of ours."""
        ask = _ask(self._call, request)
        if self.parts is not None:
            response = await self._wire.astart(self._call, ask)
            try:
                self.lines = AsyncLines(self._call, response, self.parts)
            except BaseException:
                await response.aclose()
                raise
            return Response(200, stream=self.lines)
        reply = await self._wire.afetch(self._call, ask)
        self.raw = reply.body
        return _checked(self._call, reply)


class _SyncStream:
    """An opened stream, read by one thread; another may close it."""

    limits: tuple[LimitObservation, ...] = ()

    def __init__(self, call: Call, carrier: _Carrier) -> None:
        self._call, self._carrier = call, carrier
        self._parts = carrier.parts = Parts(call, context_tokens(call))
        self._client = _client(call, carrier)
        name, arguments = method_of(call)
        self._source = getattr(self._client, name)(**arguments, stream=True)
        try:
            with _Told(call):
                self._first = next(self._source, None)
        except BaseException:
            self._hang_up()
            raise
        self._chunks = cast("GeneratorType[Chunk, None, None]", self._read())

    @property
    def raw(self) -> bytes:
        """Upstream bytes read so far, bounded."""
        return self._carrier.lines.raw if self._carrier.lines else b""

    def __iter__(self) -> Iterator[Chunk]:
        """Return the one iterator over the chunks."""
        return self._chunks

    def close(self) -> None:
        """Hang up, also while another thread is reading."""
        if self._chunks.gi_running and self._carrier.lines is not None:
            wake_reader(self._carrier.lines.response)
            return
        self._chunks.close()
        self._hang_up()

    def _read(self) -> Generator[Chunk, None, None]:
        try:
            part = self._first
            while part is not None:
                chunk = self._parts.chunk(_plain(part))
                if chunk is not None:
                    yield chunk
                if self._parts.is_done:
                    break
                with _Told(self._call):
                    part = next(self._source, None)
            if not self._parts.is_done:
                raise _cut(self._call)
        finally:
            self._hang_up()

    def _hang_up(self) -> None:
        cast("GeneratorType[object, None, None]", self._source).close()
        if self._carrier.lines is not None:
            self._carrier.lines.close()
        self._client.close()  # type: ignore[no-untyped-call]  # the client's own gap


class _AsyncStream:
    """An opened stream, read on one event loop."""

    limits: tuple[LimitObservation, ...] = ()

    def __init__(self, call: Call, carrier: _AsyncCarrier) -> None:
        self._call, self._carrier = call, carrier
        self._parts = carrier.parts = Parts(call, context_tokens(call))
        self._client = _async_client(call, carrier)
        self._chunks = cast("AsyncGeneratorType[Chunk, None]", self._read())

    async def start(self) -> None:
        """Wait for the first part."""
        name, arguments = method_of(self._call)
        self._source = await getattr(self._client, name)(**arguments, stream=True)
        try:
            with _Told(self._call):
                self._first = await anext(self._source, None)
        except BaseException:
            await self._hang_up()
            raise

    @property
    def raw(self) -> bytes:
        """Upstream bytes read so far, bounded."""
        return self._carrier.lines.raw if self._carrier.lines else b""

    def __aiter__(self) -> AsyncIterator[Chunk]:
        """Return the one iterator over the chunks."""
        return self._chunks

    async def aclose(self) -> None:
        """Hang up."""
        if not self._chunks.ag_running:
            await self._chunks.aclose()
        await self._hang_up()

    async def _read(self) -> AsyncGenerator[Chunk, None]:
        try:
            part = self._first
            while part is not None:
                chunk = self._parts.chunk(_plain(part))
                if chunk is not None:
                    yield chunk
                if self._parts.is_done:
                    break
                with _Told(self._call):
                    part = await anext(self._source, None)
            if not self._parts.is_done:
                raise _cut(self._call)
        finally:
            await self._hang_up()

    async def _hang_up(self) -> None:
        source = cast("AsyncGeneratorType[object, None]", self._source)
        if not source.ag_running:
            await source.aclose()
        if self._carrier.lines is not None:
            await self._carrier.lines.aclose()
        await self._client.close()  # type: ignore[no-untyped-call]  # the client's own gap


def _client(call: Call, carrier: _Carrier) -> ollama.Client:
    return ollama.Client(root_url(call.provider.base_url), transport=carrier, trust_env=False, follow_redirects=False)


def _async_client(call: Call, carrier: _AsyncCarrier) -> ollama.AsyncClient:
    return ollama.AsyncClient(
        root_url(call.provider.base_url), transport=carrier, trust_env=False, follow_redirects=False
    )


def _ask(call: Call, request: Request) -> Ask:
    """Return the client's request with our headers and the tools as they were.

    The client's own types drop what lies deeper in a tool's schema.
    """
    body = request.content
    if call.request.tools:
        body = json.dumps({**json.loads(body), "tools": list(call.request.tools)}).encode()
    headers = {"user-agent": USER_AGENT, "content-type": "application/json", "accept-encoding": "identity"}
    return Ask(url=str(request.url), headers={**headers, **auth_header(call)}, body=body)


def _checked(call: Call, reply: Reply) -> Response:
    """Return the reply for the client, once it is known to be an answer."""
    payload = parse_json(call, reply.body, status=reply.status)
    if has_error(payload):
        raise to_fault(call, reply, now=time.time(), payload=payload)
    return Response(200, content=reply.body)


def _plain(part: ollama.ChatResponse | ollama.GenerateResponse | ollama.EmbedResponse) -> JsonObject:
    return cast("JsonObject", part.model_dump())


def _cut(call: Call) -> ProviderError:
    message = f"{call.route}: the stream ended before the answer was whole"
    return ConnectionFailed(message, provider=call.provider.id, model=call.model, scope="model", advice="next_route")
