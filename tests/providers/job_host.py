"""A host that takes questions on: a function of the test says what each request is answered with."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from openmux_lc.testing import FakeUpstream, Fault, Received


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

_HOUR_S = 3600.0


@dataclass
class JobHost:
    """The running host; `asked` holds what it was asked, in order."""

    origin: str = ""
    asked: list[Asked] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def of(self, method: str) -> list[Asked]:
        """The requests of one method."""
        return [each for each in self.asked if each.method == method]

    def was_asked(self, method: str, path: str) -> bool:
        """Whether such a request is here, or comes within two seconds."""
        with self.changed:
            return self.changed.wait_for(lambda: any((e.method, e.path) == (method, path) for e in self.asked), 2.0)


@contextmanager
def job_host(say: Callable[[JobHost, Asked], Said]) -> Iterator[JobHost]:
    """A host that answers by `say`, whatever the path."""
    host = JobHost()

    def page(received: Received) -> Fault:
        asked = Asked(received.method, received.path, received.headers, received.body, time.monotonic())
        with host.changed:
            host.asked.append(asked)
            host.changed.notify_all()
        status, said, *headers = say(host, asked)
        fields = dict(headers[0]) if headers else {}
        kind = fields.pop("content-type", "application/json")
        return Fault(status, body=said, headers=fields, content_type=kind, first_byte_s=0 if status else _HOUR_S)

    with FakeUpstream(pages=page) as up:
        host.origin = up.root_url
        yield host
