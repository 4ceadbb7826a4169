"""A stop closes every socket, whatever its client is doing at that moment."""

import asyncio
import contextlib
import gc
import socket
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator

import pytest

from openmux_lc.testing import Answer, FakeUpstream, endless, hanging, stalled
from openmux_lc.testing.behaviours import Behaviour

REQUEST = (
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 30\r\n\r\n" + b'{"model": "m", "stream": true}'
)


@pytest.fixture
def unclosed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[str]]]:
    """Collects what the garbage collector finds open."""
    found: list[str] = []

    def collected() -> list[str]:
        gc.collect()
        return found

    gc.collect()
    monkeypatch.setattr(sys, "unraisablehook", lambda told: found.append(str(told.exc_value)))
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        yield collected


def address(up: FakeUpstream) -> tuple[str, int]:
    return "127.0.0.1", int(up.root_url.rpartition(":")[2])


def knock(where: tuple[str, int], until: threading.Event) -> None:
    """Connect and leave, again and again."""
    while not until.is_set():
        with contextlib.suppress(OSError), socket.socket() as client:
            client.settimeout(0)
            client.connect_ex(where)


def test_a_client_that_knocks_while_it_stops_leaves_nothing_open(unclosed: Callable[[], list[str]]) -> None:
    """What is accepted in the very turn in which the stop is told is closed as well."""
    for _ in range(15):
        up, until = FakeUpstream(), threading.Event()
        up.start()
        client = threading.Thread(target=knock, args=(address(up), until))
        client.start()
        up.wait_for_connections(1, timeout_s=0.02)
        up.stop()
        until.set()
        client.join(5)

    assert [] == unclosed()


def test_connections_that_nobody_has_accepted_yet_are_refused(unclosed: Callable[[], list[str]]) -> None:
    for _ in range(10):
        up = FakeUpstream()
        up.start()
        with contextlib.ExitStack() as clients:
            for _ in range(20):
                clients.enter_context(socket.create_connection(address(up), timeout=5))
            up.stop()

    assert [] == unclosed()


@pytest.mark.parametrize("behaviour", [Answer(), hanging(), stalled(), endless(200)])
@pytest.mark.parametrize("leaves", ["stays", "half-closes", "resets"])
def test_a_client_in_the_middle_of_an_answer_does_not_hold_it_up(
    behaviour: Behaviour, leaves: str, unclosed: Callable[[], list[str]]
) -> None:
    """Also one that reads nothing of what is sent, or has said that it will send nothing more."""
    up = FakeUpstream(behaviour)
    up.start()
    with socket.create_connection(address(up), timeout=5) as client:
        client.sendall(REQUEST)
        up.wait_for_connections(1)
        if leaves == "half-closes":
            client.shutdown(socket.SHUT_WR)
        elif leaves == "resets":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            client.close()
        began = time.monotonic()
        up.stop()
        took_s = time.monotonic() - began

    assert [] == unclosed()
    assert took_s < 2
    assert not [thread for thread in threading.enumerate() if thread.name == "fake-upstream"]


def test_a_test_that_replaces_sleep_does_not_stop_the_upstream(monkeypatch: pytest.MonkeyPatch) -> None:
    """Agents' tests do that to skip their waits."""

    async def endless_sleep(_seconds: float) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio, "sleep", endless_sleep)
    up = FakeUpstream(Answer("hi", first_byte_s=0.01))
    up.start()
    with socket.create_connection(address(up), timeout=5) as client:
        client.sendall(REQUEST)
        heard = client.recv(100)
        up.stop()

    assert heard.startswith(b"HTTP/1.1 200")
    assert not [thread for thread in threading.enumerate() if thread.name == "fake-upstream"]
