"""A loopback host that says exactly the given bytes, at a given pace: what `FakeUpstream` is too polite for."""

import re
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


class RawHost:
    """Answers every connection with the same pieces, `pause_s` apart, then closes or holds it."""

    def __init__(self, pieces: Sequence[bytes], *, pause_s: float = 0.0, holds: bool = False) -> None:
        self.pieces, self.pause_s, self.holds = pieces, pause_s, holds
        self.heads: list[bytes] = []
        self.stopping = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/v1"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                self.heads.append(_request(connection))
                for piece in self.pieces:
                    connection.sendall(piece)
                    if self.stopping.wait(self.pause_s):
                        return
                if self.holds:
                    self.stopping.wait(30)
            except OSError:
                return


def _request(connection: socket.socket) -> bytes:
    """Read one whole request."""
    received = b""
    while True:
        head, end, body = received.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
        if end and len(body) >= int(length[1] if length else 0):
            return received
        more = connection.recv(65536)
        if not more:
            return received
        received += more


@contextmanager
def raw_host(pieces: Sequence[bytes], *, pause_s: float = 0.0, holds: bool = False) -> Iterator[RawHost]:
    """A running host."""
    host = RawHost(pieces, pause_s=pause_s, holds=holds)
    try:
        yield host
    finally:
        host.stopping.set()
        host.listener.close()
