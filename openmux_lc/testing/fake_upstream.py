"""`FakeUpstream`: a provider on loopback that misbehaves on demand.

A real HTTP/1.1 server with keep-alive on one thread of its own; whatever a
client can meet on the network comes through a real socket. Memory is bounded:
at most the last 1000 requests are kept, and each is at most 64 MiB.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Final, Self, TypeAlias

from openmux_lc.testing.behaviours import BEHAVIOURS, Answer, Behaviour, ErrorWords, Fault, Received, Script
from openmux_lc.testing.desk import Desk, page_reply
from openmux_lc.testing.dialects.doors import base_path, doors_of, find, key_headers
from openmux_lc.testing.presets import unauthorized
from openmux_lc.testing.replies import Reply, json_reply
from openmux_lc.testing.server import Server
from openmux_lc.types.json import Json

__all__ = ["FakeUpstream"]

_KEPT_REQUESTS: Final = 1000

Pages: TypeAlias = "Mapping[str, Json | Behaviour] | Callable[[Received], Json | Behaviour]"


class FakeUpstream:
    """A provider on loopback that does with each request what a script says.

    It speaks every dialect of the catalog's hosts, which the path of a request tells:
    chat (plain and streamed, tools, reasoning, usage), text completion, embeddings and
    the list of models, the OpenAI dialect's under any path prefix.

    Args:
        script: One behaviour, several of which each chat or embedding request
            takes the next and the last one repeats, or a function of the request.
        dialect: Speak this one alone, a name from a row of the catalog.
        per_model: Scripts of their own for some model ids.
        models: Ids or whole rows of the list of models, or the fault it gives.
        pages: What further paths answer: JSON, or any behaviour; or a function of the
            request that gives these, and None where the script is to be played.
        api_key: When set, a request without this bearer token gets a 401.

    Example:
        >>> import json, urllib.request
        >>> from openmux_lc.testing import Answer, FakeUpstream, rate_limited
        >>> with FakeUpstream([Answer("Hi."), rate_limited()]) as up:
        ...     url = f"{up.base_url}/chat/completions"
        ...     with urllib.request.urlopen(url, data=b'{"model": "m", "messages": []}') as response:
        ...         body = json.load(response)
        >>> body["choices"][0]["message"]["content"], up.requests[0].model
        ('Hi.', 'm')
    """

    def __init__(  # noqa: PLR0913 - keywords, each of which stands alone
        self,
        script: Script | None = None,
        *,
        dialect: str | None = None,
        per_model: Mapping[str, Script] | None = None,
        models: Sequence[str | Mapping[str, Json]] | Fault = ("fake-model",),
        pages: Pages | None = None,
        api_key: str | None = None,
    ) -> None:
        """Keep what to do; nothing listens before `start` or `with`."""
        self._scripts: dict[str | None, _Player] = {}
        doors_of(dialect)  # an unknown one is told at once
        self._dialect = dialect
        self._pages: Pages = pages or {}
        self._api_key = api_key
        self._port = 0
        self._desk = Desk(self._next, models)
        self._requests: deque[Received] = deque(maxlen=_KEPT_REQUESTS)
        self._lock = threading.Lock()
        self._server: Server | None = None
        self._broken_script: Exception | None = None
        self.play(Answer() if script is None else script)
        for model, own in (per_model or {}).items():
            self.play(own, model=model)

    def __enter__(self) -> Self:
        """Start to listen."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, and raise what a script function raised unless something else did."""
        self.stop()
        if error is None and self._broken_script is not None:
            raise self._broken_script

    @property
    def base_url(self) -> str:
        """The address to configure; it ends in `/v1` unless the dialect's differs, and outlives a restart."""
        return self.url_for(self._dialect or "openai")

    @property
    def root_url(self) -> str:
        """The address without a path."""
        return f"http://127.0.0.1:{self._port}"

    def url_for(self, dialect: str) -> str:
        """Return the address to configure for a host of `dialect`.

        Raises:
            ValueError: There is no such dialect.
        """
        return f"{self.root_url}{base_path(dialect)}"

    @property
    def requests(self) -> tuple[Received, ...]:
        """The last 1000 requests, oldest first, other paths included."""
        with self._lock:
            return tuple(self._requests)

    @property
    def connections_open(self) -> int:
        """How many client connections are open now."""
        return self._server.connections_open if self._server is not None else 0

    def wait_for_connections(self, count: int, *, timeout_s: float = 2.0) -> bool:
        """Return True once exactly `count` connections are open, False if never."""
        return count == 0 if self._server is None else self._server.wait_for_connections(count, timeout_s)

    def play(self, script: Script, *, model: str | None = None) -> None:
        """Put another script in place, for every model or for one."""
        self._scripts[model] = _Player(script)

    def start(self) -> None:
        """Listen on a free port, after a stop on the same one again."""
        if self._server is None:
            self._server = Server(self._answer, self._port)
            self._port = self._server.port

    def stop(self) -> None:
        """Close every connection and the port, and end the thread."""
        server, self._server = self._server, None
        if server is not None:
            server.stop()

    def _answer(self, received: Received) -> Reply:
        path = received.path.partition("?")[0]
        found = find(self._dialect, received.method, path)
        if found is not None:
            received = found.door.named(received, found.model)
        with self._lock:
            self._requests.append(received)
        page = self._page(received, path)
        if page is not None:
            return page_reply(received, page, found) if isinstance(page, BEHAVIOURS) else json_reply(page)
        if not (found is not None and found.door.is_open) and not self._has_key(received):
            return page_reply(received, unauthorized(), found)
        if found is None:
            return json_reply({"error": {"message": f"No such path: {path}", "type": "not_found", "code": 404}}, 404)
        return self._desk.reply(found, received)

    def _page(self, received: Received, path: str) -> Json | Behaviour:
        if not callable(self._pages):
            return self._pages.get(path)
        try:
            return self._pages(received)
        except Exception as error:  # noqa: BLE001 - as in `_next`
            return self._told(error)

    def _has_key(self, received: Received) -> bool:
        if self._api_key is None:
            return True
        return self._api_key in (received.headers.get(name, "").rpartition(" ")[2] for name in key_headers())

    def _next(self, received: Received) -> Behaviour:
        player = self._scripts.get(received.model) or self._scripts[None]
        try:
            return player.next(received)
        except Exception as error:  # noqa: BLE001 - a script is the test's own code; it is raised again on exit
            return self._told(error)

    def _told(self, error: Exception) -> Fault:
        self._broken_script = error
        message = f"The script of this fake upstream raised {type(error).__name__}."
        return Fault(500, words=ErrorWords(message, "server_error"))


class _Player:
    """Hands out the behaviours of a script; only the server's thread uses it."""

    def __init__(self, script: Script) -> None:
        if not callable(script) and not isinstance(script, BEHAVIOURS) and not script:
            message = "A script needs at least one behaviour; leave it out for plain answers."
            raise ValueError(message)
        self._script = script
        self._played = 0

    def next(self, received: Received) -> Behaviour:
        if isinstance(self._script, BEHAVIOURS):
            return self._script
        if callable(self._script):
            return self._script(received)
        behaviour = self._script[min(self._played, len(self._script) - 1)]
        self._played += 1
        return behaviour
