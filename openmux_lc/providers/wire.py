"""The driver: sends what a dialect says and reads the reply, bounded in time and size.

Everything that decides is in `flow.py` and the dialects; the two twins of each
method differ in their awaiting only. No redirect is followed: a key must not
travel to another host.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from types import AsyncGeneratorType, GeneratorType
from typing import Final, cast

from openmux_lc.errors import ProviderError
from openmux_lc.http import URL, Clients, Request, Response, Until
from openmux_lc.providers.exchange import Ask, Dialect, Reply
from openmux_lc.providers.flow import Body, Flow, Translated, lower_headers, seconds_left
from openmux_lc.providers.refusals import Refusals
from openmux_lc.providers.stops import stopped, with_stops
from openmux_lc.types.run import Answer, Chunk, EmbeddingRequest, Vectors
from openmux_lc.types.wire import AsyncStream, Call, Stream

__all__ = ["WireAdapter", "wake_reader"]

_CONNECT_S: Final = 5.0
_POOL_S: Final = 10.0
_MOST_URLS: Final = 1_000


class WireAdapter:
    """An `Adapter` that speaks one dialect over HTTP.

    Args:
        dialect: Pure: what to send and how to read what comes.
        clients: Where the connections are pooled.
        refusals: What models are known to refuse; without it nothing is learned.
    """

    def __init__(self, dialect: Dialect, clients: Clients, refusals: Refusals | None = None) -> None:
        """Open nothing yet."""
        self._dialect = dialect
        self._clients = clients
        self._refusals = refusals
        self._urls: dict[str, URL] = {}

    def send(self, call: Call) -> Answer:
        """Return the whole answer."""
        call = self._known(call)
        ask = self._dialect.chat(call, is_stream=False)
        return stopped(call, self._dialect.answer(call, self.fetch(call, ask)))

    async def asend(self, call: Call) -> Answer:
        """Return the whole answer."""
        call = self._known(call)
        ask = self._dialect.chat(call, is_stream=False)
        return stopped(call, self._dialect.answer(call, await self.afetch(call, ask)))

    def open(self, call: Call) -> Stream:
        """Return a stream whose response headers have arrived with success."""
        call = self._known(call)
        response = self.start(call, self._dialect.chat(call, is_stream=True))
        return _SyncStream(call, response, self._dialect, self._clients)

    async def aopen(self, call: Call) -> AsyncStream:
        """Return a stream whose response headers have arrived with success."""
        call = self._known(call)
        response = await self.astart(call, self._dialect.chat(call, is_stream=True))
        try:
            return _AsyncStream(call, response, self._dialect, self._clients)
        except BaseException:
            await response.aclose()
            raise

    def embed(self, call: Call, request: EmbeddingRequest) -> Vectors:
        """Return one vector per text."""
        call = self._known(call.about(request.texts))
        ask = self._dialect.embedding(call, request)
        return self._dialect.vectors(call, request, self.fetch(call, ask))

    async def aembed(self, call: Call, request: EmbeddingRequest) -> Vectors:
        """Return one vector per text."""
        call = self._known(call.about(request.texts))
        ask = self._dialect.embedding(call, request)
        return self._dialect.vectors(call, request, await self.afetch(call, ask))

    def fetch(self, call: Call, ask: Ask) -> Reply:
        """Return the successful reply to `ask`, read whole."""
        return self._read(call, self.start(call, ask)).reply()

    async def afetch(self, call: Call, ask: Ask) -> Reply:
        """Return the successful reply to `ask`, read whole."""
        return (await self._aread(call, await self.astart(call, ask))).reply()

    def start(self, call: Call, ask: Ask) -> Response:
        """Return the response once its headers say success; else raise its fault."""
        wait = Until(call.content_at, call.first_byte_s)
        with Translated(call, is_early=True):
            response = self._clients.sync(ask.url).send(self._request(call, ask, wait), stream=True)
        if not response.is_success:
            raise self._fault(call, ask, self._read(call, response))
        return response

    async def astart(self, call: Call, ask: Ask) -> Response:
        """Return the response once its headers say success; else raise its fault."""
        # The loop ends every wait; the transport would keep one bound for a whole stream.
        wait = seconds_left(call, has_content=True)
        with Translated(call, is_early=True):
            async with asyncio.timeout(min(seconds_left(call), call.first_byte_s)):
                request = self._request(call, ask, wait)
                response = await self._clients.for_running_loop(ask.url).send(request, stream=True)
        if not response.is_success:
            raise self._fault(call, ask, await self._aread(call, response))
        return response

    def _known(self, call: Call) -> Call:
        """Return the call with what its model is known to refuse."""
        return call if self._refusals is None else self._refusals.applied(call)

    def _fault(self, call: Call, ask: Ask, body: Body) -> ProviderError:
        """Return what failed, and learn from it what to leave out."""
        fault = body.fault()
        return fault if self._refusals is None else self._refusals.judged(call, ask, body.reply(), fault)

    def _read(self, call: Call, response: Response) -> Body:
        """Read and close; an error's body no further than it is of use."""
        try:
            with Translated(call):
                body = Body(call, response)
                for piece in response.iter_raw():
                    if body.add(piece):
                        break
        finally:
            response.close()
        return body

    async def _aread(self, call: Call, response: Response) -> Body:
        """Read and close; an error's body no further than it is of use."""
        try:
            with Translated(call):
                body = Body(call, response)
                pieces = response.aiter_raw()
                while True:
                    async with asyncio.timeout(body.wait.left):
                        piece = await anext(pieces, None)
                    if piece is None or body.add(piece):
                        break
        finally:
            await response.aclose()
        return body

    def _request(self, call: Call, ask: Ask, wait: float) -> Request:
        left_s = seconds_left(call)
        connect = Until(call.content_at, _CONNECT_S)
        timeout = {"connect": connect, "read": wait, "write": wait, "pool": min(_POOL_S, left_s)}
        url = self._urls.get(ask.url)
        if url is None:
            if len(self._urls) >= _MOST_URLS:
                self._urls.clear()  # each job has an address of its own
            url = self._urls[ask.url] = URL(ask.url)
        return Request(ask.method, url, headers=ask.headers, content=ask.body, extensions={"timeout": timeout})


def wake_reader(response: Response) -> None:
    """Shut the socket down: `Response.close` would wait until the reader's timeout."""
    stream = response.extensions.get("network_stream")
    connection = stream.get_extra_info("socket") if stream is not None else None
    if isinstance(connection, socket.socket):
        # Not `SSLSocket.shutdown`: it drops the TLS state under the reader's feet.
        with contextlib.suppress(OSError):
            socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _flow(call: Call, response: Response, dialect: Dialect) -> Flow:
    return Flow(call, lower_headers(response), with_stops(call, dialect.chunks(call)))


class _SyncStream:
    """An opened stream, read by one thread; another may close it."""

    def __init__(self, call: Call, response: Response, dialect: Dialect, clients: Clients) -> None:
        self._call = call
        self._response = response
        self._clients = clients  # they close with their last holder, and with them this response
        try:
            self._flow = _flow(call, response, dialect)
            self.limits = self._flow.limits
            response.request.extensions["timeout"]["read"] = self._flow.wait
        except BaseException:
            response.close()
            raise
        self._chunks = cast("GeneratorType[Chunk, None, None]", self._read())

    @property
    def raw(self) -> bytes:
        """Upstream bytes read so far, bounded."""
        return self._flow.raw

    def __iter__(self) -> Iterator[Chunk]:
        """Return the one iterator over the chunks."""
        return self._chunks

    def close(self) -> None:
        """Hang up, also while another thread is reading."""
        if self._chunks.gi_running:
            wake_reader(self._response)
            return
        self._chunks.close()
        self._response.close()

    def _read(self) -> Generator[Chunk, None, None]:
        try:
            with Translated(self._call, self._flow):
                for piece in self._response.iter_raw():
                    yield from self._flow.feed(piece)
                    if self._flow.is_drained:
                        break
            yield from self._flow.finish()
        finally:
            self._response.close()


class _AsyncStream:
    """An opened stream, read on one event loop."""

    def __init__(self, call: Call, response: Response, dialect: Dialect, clients: Clients) -> None:
        self._call = call
        self._response = response
        self._clients = clients  # they close with their last holder, and with them this response
        self._flow = _flow(call, response, dialect)
        self.limits = self._flow.limits
        self._chunks = cast("AsyncGeneratorType[Chunk, None]", self._read())

    @property
    def raw(self) -> bytes:
        """Upstream bytes read so far, bounded."""
        return self._flow.raw

    def __aiter__(self) -> AsyncIterator[Chunk]:
        """Return the one iterator over the chunks."""
        return self._chunks

    async def aclose(self) -> None:
        """Hang up."""
        if not self._chunks.ag_running:
            await self._chunks.aclose()
        await self._response.aclose()

    async def _read(self) -> AsyncGenerator[Chunk, None]:
        try:
            pieces = self._response.aiter_raw()
            with Translated(self._call, self._flow):
                while not self._flow.is_drained:
                    async with asyncio.timeout(self._flow.wait.left):
                        piece = await anext(pieces, None)
                    if piece is None:
                        break
                    for chunk in self._flow.feed(piece):
                        yield chunk
            for chunk in self._flow.finish():
                yield chunk
        finally:
            await self._response.aclose()
