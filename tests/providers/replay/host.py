"""Loopback hosts that answer with recorded bytes over real sockets, framed and cut as drawn from a seed.

Each slot listens on a port of its own and answers for one exchange at a time, so that an address keeps the path it
has at the genuine host.
"""

import gzip
import json
import random
import re
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_SIZES = (1, 2, 3, 7, 50, 400, 3000, 20000)


@dataclass(frozen=True)
class Received:
    """A request as the host saw it."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    @property
    def json(self) -> Any:
        try:
            return json.loads(self.body or b"null")
        except ValueError:
            return None


@dataclass(frozen=True)
class Served:
    """An answer; `status` 204 and 304 have no body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Answering = Callable[[int, Received], Served]
"""Returns the answer to a request and its number, counted from 0."""


@dataclass
class Slot:
    """One port; `load` says what it answers from now on."""

    listener: socket.socket
    requests: list[Received] = field(default_factory=list)
    _answering: Answering | None = None
    _cuts: random.Random = field(default_factory=random.Random)
    _connections: list[socket.socket] = field(default_factory=list)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def load(self, answering: Answering, seed: int) -> None:
        """Answer by `answering`, cut by `seed`; what was received so far is forgotten."""
        self.requests = []
        self._answering = answering
        self._cuts = random.Random(seed)

    def accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def close(self) -> None:
        self.listener.close()
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        rest = b""
        with connection, suppress(OSError):
            while True:
                received, rest = _request(connection, rest)
                if received is None or self._answering is None:
                    return
                self.requests.append(received)
                if not self._send(connection, received, self._answering(len(self.requests) - 1, received)):
                    return

    def _send(self, connection: socket.socket, received: Received, served: Served) -> bool:
        """Send an answer framed and cut by the seed; return whether the connection stays open."""
        way, body = self._cuts.random(), served.body
        lines = [f"HTTP/1.1 {served.status} Recorded", *(f"{name}: {text}" for name, text in served.headers.items())]
        if "gzip" in received.headers.get("accept-encoding", "") and self._cuts.random() < 0.2:
            lines, body = [*lines, "Content-Encoding: gzip"], gzip.compress(body, 1)
        if served.status in {204, 304}:
            lines, pieces = [*lines], []
        elif way < 0.2 or not body:
            lines, pieces = [*lines, f"Content-Length: {len(body)}"], list(_pieces(body, self._cuts))
        elif way < 0.3:
            lines, pieces = [*lines, "Connection: close"], list(_pieces(body, self._cuts))
        else:
            lines, pieces = [*lines, "Transfer-Encoding: chunked"], list(_framed(_pieces(body, self._cuts)))
        head = "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")
        if len(pieces) > 64 or self._cuts.random() < 0.5:
            # In one write: the framing alone cuts, and the client's own buffers decide the rest.
            connection.sendall(b"".join([head, *pieces]))
        else:
            for piece in (head, *pieces):
                connection.sendall(piece)
        return "Connection: close" not in lines


def _framed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the pieces as chunks of HTTP, and the last one."""
    for piece in pieces:
        yield b"%x\r\n%b\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


def _pieces(body: bytes, cuts: random.Random) -> Iterator[bytes]:
    """Yield `body` cut at random; a small one often byte by byte."""
    is_bytewise = (len(body) <= 600 and cuts.random() < 0.5) or (len(body) <= 6000 and cuts.random() < 0.1)
    at = 0
    while at < len(body):
        size = 1 if is_bytewise else cuts.choice(_SIZES) if len(body) < 200_000 else 50_000
        yield body[at : at + size]
        at += size


def _request(connection: socket.socket, received: bytes) -> tuple[Received | None, bytes]:
    """Return the next request and what came behind it, None when the client hung up."""
    while b"\r\n\r\n" not in received:
        more = connection.recv(65536)
        if not more:
            return None, b""
        received += more
    head, _, rest = received.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    size = int(length[1]) if length else 0
    while len(rest) < size:
        more = connection.recv(65536)
        if not more:
            return None, b""
        rest += more
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {name.strip().lower(): text.strip() for name, _, text in (line.partition(":") for line in lines)}
    return Received(method, target, headers, rest[:size]), rest[size:]


@contextmanager
def slots(count: int) -> Iterator[list[Slot]]:
    """Yield running slots; their threads end with them."""
    running = [Slot(socket.create_server(("127.0.0.1", 0), backlog=64)) for _ in range(count)]
    for slot in running:
        threading.Thread(target=slot.accept, daemon=True).start()
    try:
        yield running
    finally:
        for slot in running:
            slot.close()
