"""A loopback host that takes questions on: a function of the test says what each request is answered with."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Asked:
    """A request as it arrived, and when; header names are lower-case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any
    at: float


Said = tuple[int, Any] | tuple[int, Any, Mapping[str, str]]
"""Status, what is sent (JSON, or bytes as they are) and headers; status 0 says nothing until the host ends."""


@dataclass
class JobHost:
    """The running host; `asked` holds what it was asked, in order."""

    origin: str = ""
    asked: list[Asked] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)
    ended: threading.Event = field(default_factory=threading.Event)

    def of(self, method: str) -> list[Asked]:
        """The requests of one method."""
        return [each for each in self.asked if each.method == method]

    def was_asked(self, method: str, path: str) -> bool:
        """Whether such a request is here, or comes within two seconds."""
        with self.changed:
            return self.changed.wait_for(lambda: any((e.method, e.path) == (method, path) for e in self.asked), 2.0)


@contextmanager
def job_host(say: Callable[[JobHost, Asked], Said]) -> Iterator[JobHost]:
    """A host that answers by `say`; its threads end with it."""
    host = JobHost()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            sent = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, self.path, headers, json.loads(sent or b"null"), time.monotonic())
            with host.changed:
                host.asked.append(asked)
                host.changed.notify_all()
            status, said, *rest = say(host, asked)
            if not status:
                host.ended.wait(30)
                self.close_connection = True
                return
            body = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(status)
            for name, value in {**(rest[0] if rest else {}), "content-length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_DELETE = _serve  # noqa: N815 - the standard library's names

        def log_message(self, *_: object) -> None:
            """Say nothing on stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    host.origin = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield host
    finally:
        host.ended.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
