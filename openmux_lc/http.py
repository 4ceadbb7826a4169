"""HTTP clients: one for threads, one for each running event loop.

The only module that imports httpx, so that changing the library changes one file.
Plain `http://` addresses get a client of their own, which spares a local engine
the cost of loading the certificate store. Nothing is created before its first use.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import ssl
import sys
import threading
import time
import weakref
from collections.abc import AsyncGenerator, Iterable
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final, Self
from weakref import WeakKeyDictionary

import httpcore
import httpx

from openmux_lc._version import __version__
from openmux_lc.types.address import is_loopback

__all__ = [
    "URL",
    "USER_AGENT",
    "AsyncBaseTransport",
    "AsyncByteStream",
    "AsyncClient",
    "Auth",
    "BaseTransport",
    "Client",
    "Clients",
    "ConnectError",
    "ConnectTimeout",
    "DecodingError",
    "HTTPError",
    "Headers",
    "InvalidURL",
    "Request",
    "Response",
    "StreamError",
    "SyncByteStream",
    "Timeout",
    "TimeoutException",
    "TransportError",
    "Until",
    "is_loopback",
    "is_unreachable",
    "network_faults",
]

AsyncBaseTransport = httpx.AsyncBaseTransport
Auth = httpx.Auth
AsyncByteStream = httpx.AsyncByteStream
AsyncClient = httpx.AsyncClient
BaseTransport = httpx.BaseTransport
Client = httpx.Client
ConnectError = httpx.ConnectError
ConnectTimeout = httpx.ConnectTimeout
DecodingError = httpx.DecodingError
HTTPError = httpx.HTTPError
Headers = httpx.Headers
InvalidURL = httpx.InvalidURL
Request = httpx.Request
Response = httpx.Response
StreamError = httpx.StreamError
SyncByteStream = httpx.SyncByteStream
Timeout = httpx.Timeout
TimeoutException = httpx.TimeoutException
TransportError = httpx.TransportError
URL = httpx.URL

USER_AGENT: Final = f"openmux-lc/{__version__}"

_LIMITS: Final = httpx.Limits(max_connections=400, max_keepalive_connections=100, keepalive_expiry=30.0)
_TIMEOUT: Final = httpx.Timeout(60.0, connect=5.0, pool=10.0)
_HEADERS: Final = {"user-agent": USER_AGENT}
_WRITE_BYTES: Final = 65_536


class Until(float):
    """A timeout that ends at a moment, however often something trickles in.

    As a plain number it is the longest silence at its making. The threads' clients
    ask `left` before each wait, so both bounds may be moved while a stream runs; a
    transport that knows nothing of it still sees the number.

    Args:
        at: `time.monotonic()` at which no wait may last any longer.
        silence_s: Longest single wait.
    """

    __slots__ = ("at", "silence_s")

    at: float
    silence_s: float

    def __new__(cls, at: float, silence_s: float) -> Self:
        """Return the shorter of both waits as a number."""
        until = super().__new__(cls, max(min(silence_s, at - time.monotonic()), 0.001))
        until.at = at
        until.silence_s = silence_s
        return until

    @property
    def left(self) -> float:
        """Seconds the next wait may take."""
        return max(min(self.silence_s, self.at - time.monotonic()), 0.001)

    @property
    def is_past(self) -> bool:
        """Whether the moment has come, so that nothing may be read any more."""
        return time.monotonic() >= self.at


def network_faults() -> tuple[type[BaseException], ...]:
    """Return every exception by which a transport says that the network failed.

    aiohttp's own class is among them where it is loaded: its transport lets some
    through.
    """
    aiohttp = sys.modules.get("aiohttp")
    extra = (aiohttp.ClientError,) if aiohttp is not None else ()
    return (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError, *extra)


def is_unreachable(error: BaseException) -> bool:
    """Whether no connection came about at all.

    aiohttp's transport calls lost connections and refused ones alike a timeout of
    the connecting; the cause tells them apart.
    """
    if not isinstance(error, httpx.ConnectTimeout):
        return isinstance(error, httpx.ConnectError)
    causes = {cls.__name__ for cls in type(error.__cause__).__mro__}
    return "ClientError" not in causes or bool(causes & {"ClientConnectorError", "ConnectionTimeoutError"})


class _TimedStream(httpcore.NetworkStream):
    """A connection whose every wait honours `Until`: no drip, and no flood, outlasts it."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if isinstance(timeout, Until) and timeout.is_past:
            # A wait of one millisecond would let a host go on that always has a byte ready.
            raise httpcore.ReadTimeout
        return self._stream.read(max_bytes, _left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if not isinstance(timeout, Until):
            self._stream.write(buffer, timeout)
            return
        # In pieces: the stream below waits anew whenever the host has taken some bytes.
        for at in range(0, len(buffer), _WRITE_BYTES):
            if timeout.is_past:
                raise httpcore.WriteTimeout
            self._stream.write(buffer[at : at + _WRITE_BYTES], timeout.left)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, _left(timeout)))

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


class _TimedBackend(httpcore.SyncBackend):
    """Opens connections whose waits honour `Until`."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        return _TimedStream(super().connect_tcp(host, port, _left(timeout), local_address, socket_options))


def _left(timeout: float | None) -> float | None:
    return timeout.left if isinstance(timeout, Until) else timeout


def _with_timed_reads(client: httpx.Client) -> httpx.Client:
    """Return `client`, its pools opening connections whose waits honour `Until`.

    httpx gives its pools no network backend, though httpcore's pools take one; a
    canary test guards the attribute names. Where they change, `Until` is a plain
    number again: the longest silence.
    """
    for transport in (client._transport, *client._mounts.values()):  # noqa: SLF001 - see above
        pool = getattr(transport, "_pool", None)
        if isinstance(pool, httpcore.ConnectionPool):
            pool._network_backend = _TimedBackend()  # noqa: SLF001
    return client


class _LoopClients(dict[tuple[bool, bool], httpx.AsyncClient]):
    """One loop's clients, closed with it.

    A loop that ends (`asyncio.run` does) closes the asynchronous generators begun in
    it, and nothing else: so one generator waits for that moment and closes the clients.
    """

    def __init__(self) -> None:
        super().__init__()
        self._end = self._until_the_end()
        with contextlib.suppress(StopIteration):
            self._end.__anext__().send(None)

    async def aclose(self) -> None:
        """Close the clients now."""
        await self._end.aclose()

    async def _until_the_end(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            for client in self.values():
                await client.aclose()
            self.clear()


class Clients:
    """Lazily made clients that survive threads, event loops and fork.

    An asynchronous client belongs to the loop it was made in and is closed with it: a
    connection pool that outlives its loop fails at the next call. Each is closed with
    this object at the latest, so whoever reads a response holds on to it.
    """

    def __init__(self) -> None:
        """Make nothing yet."""
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._sync: dict[tuple[bool, bool], httpx.Client] = {}
        self._async: WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopClients] = WeakKeyDictionary()

    def sync(self, url: str) -> httpx.Client:
        """Return the client for `url`, shared by all threads."""
        self._drop_parents_clients()
        kind = _kind(url)
        client = self._sync.get(kind)
        if client is None:
            with self._lock:
                client = self._sync.get(kind) or _with_timed_reads(
                    httpx.Client(
                        verify=kind[0],
                        trust_env=not kind[1],
                        limits=_LIMITS,
                        timeout=_TIMEOUT,
                        headers=_HEADERS,
                        cookies=_no_cookies(),
                    )
                )
                if kind not in self._sync:
                    weakref.finalize(self, _close_own, client, self._pid).atexit = False
                self._sync[kind] = client
        return client

    def for_running_loop(self, url: str) -> httpx.AsyncClient:
        """Return the running loop's own client for `url`."""
        self._drop_parents_clients()
        loop = asyncio.get_running_loop()
        clients = self._async.get(loop)
        if clients is None:
            clients = self._async[loop] = _LoopClients()
        kind = _kind(url)
        client = clients.get(kind)
        if client is None:
            client = clients[kind] = httpx.AsyncClient(
                verify=kind[0],
                trust_env=not kind[1],
                transport=_fast_transport(is_encrypted=kind[0]) if kind[1] or not _has_proxy() else None,
                limits=_LIMITS,
                timeout=_TIMEOUT,
                headers=_HEADERS,
                cookies=_no_cookies(),
            )
        return client

    def close(self) -> None:
        """Close the threads' clients; loops close their own by `aclose`."""
        with self._lock:
            clients, self._sync = list(self._sync.values()), {}
        for client in clients:
            client.close()

    async def aclose(self) -> None:
        """Close the running loop's clients and the threads' ones."""
        clients = self._async.pop(asyncio.get_running_loop(), None)
        if clients is not None:
            await clients.aclose()
        self.close()

    def _drop_parents_clients(self) -> None:
        """Forget sockets shared with the parent after a fork."""
        if self._pid != os.getpid():
            self._lock = threading.Lock()
            self._sync = {}
            self._async = WeakKeyDictionary()
            self._pid = os.getpid()


def _close_own(client: httpx.Client, pid: int) -> None:
    """Close the client of `Clients` that nobody holds any more, unless it is a parent's."""
    if pid == os.getpid():
        client.close()


def _no_cookies() -> CookieJar:
    """Return a jar that keeps nothing: a host could fill it without end, and none is ever sent."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=()))


def _kind(url: str) -> tuple[bool, bool]:
    """Return (is encrypted, is loopback) of an address."""
    return not url.startswith("http://"), is_loopback(url)


def _has_proxy() -> bool:
    return any(os.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY"))


def _fast_transport(*, is_encrypted: bool) -> httpx.AsyncBaseTransport | None:
    """Return aiohttp's transport where installed: five times the throughput."""
    if importlib.util.find_spec("httpx_aiohttp") is None:
        return None
    from httpx_aiohttp import AiohttpTransport  # optional extra `fast`

    return AiohttpTransport(verify=is_encrypted, limits=_LIMITS)
