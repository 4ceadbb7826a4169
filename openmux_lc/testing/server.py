"""The loop, the thread and the port of a `FakeUpstream`: every socket is known until it is closed.

It accepts by itself. asyncio's own server forgets what it has accepted but not yet
handed over when it is closed, and such a transport is never closed at all.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from asyncio import sleep  # a name of its own: tests replace `asyncio.sleep`
from collections.abc import Callable
from typing import Final

from openmux_lc.testing.behaviours import Received
from openmux_lc.testing.connection import Connection
from openmux_lc.testing.replies import Reply

__all__ = ["Server"]

_BACKLOG: Final = 1024
_AT_ONCE: Final = 100
_STOP_S: Final = 5.0
_LOOK_S: Final = 0.05


class Server:
    """Listens on loopback, on a thread of its own, until it is stopped.

    Args:
        answer: Returns the reply to a request; called on that thread.
        port: 0 takes a free one.
    """

    def __init__(self, answer: Callable[[Received], Reply], port: int = 0) -> None:
        """Bind the port and start the thread."""
        self._answer = answer
        self._connections: set[Connection] = set()
        self._changed = threading.Condition()
        self._listener = socket.create_server(("127.0.0.1", port), backlog=_BACKLOG)
        self._listener.settimeout(0)
        self.port: int = self._listener.getsockname()[1]
        # Not the platform's default: only this kind of loop tells on every one that somebody knocks.
        self._loop = asyncio.SelectorEventLoop()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="fake-upstream", daemon=True)
        self._thread.start()

    @property
    def connections_open(self) -> int:
        """How many client connections are open now."""
        with self._changed:
            return len(self._connections)

    def wait_for_connections(self, count: int, timeout_s: float) -> bool:
        """Return True once exactly `count` connections are open, False if never."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._connections) == count, timeout_s)

    def stop(self) -> None:
        """Close every connection and the port, and end the thread."""
        with contextlib.suppress(RuntimeError):  # the loop has ended by itself
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(2 * _STOP_S)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._listener.close()
            self._loop.close()

    async def _serve(self) -> None:
        self._loop.add_reader(self._listener, self._accept)
        try:
            await self._stopping.wait()
        finally:
            self._loop.remove_reader(self._listener)
            self._listener.close()
            await self._hang_up()

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                accepted, _ = self._listener.accept()
            except OSError:  # nobody else is waiting, or the one who was has left
                return
            self._loop.create_task(self._connect(accepted))

    async def _connect(self, accepted: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(lambda: Connection(self._answer, self._count), accepted)
        except OSError:  # the client has left already
            accepted.close()

    async def _hang_up(self) -> None:
        """Wait until no task and no connection is left, each being told to end.

        A connection may still be on its way: accepted, and made known to nobody yet.
        """
        end = self._loop.time() + _STOP_S
        here = asyncio.current_task()
        while self._loop.time() < end:
            for connection in tuple(self._connections):
                connection.abort()
            others = asyncio.all_tasks() - {here}
            if not others and not self._connections:
                return
            if others:
                await asyncio.wait(others, timeout=_LOOK_S)
            await sleep(0)

    def _count(self, connection: Connection, *, is_open: bool) -> None:
        with self._changed:
            (self._connections.add if is_open else self._connections.discard)(connection)
            self._changed.notify_all()
