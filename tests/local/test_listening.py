"""Whether somebody listens is known without a request."""

import socket
import time

import pytest

from openmux_lc.local.listening import listening, listening_async
from tests.patience import LATE_S


@pytest.mark.parametrize("face", ["sync", "async"])
async def test_open_and_closed_ports_are_told_apart(face: str) -> None:
    """Each address gets its own answer, in order."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        here = listener.getsockname()[1]
        with socket.create_server(("127.0.0.1", 0)) as other:
            gone = other.getsockname()[1]
        roots = [f"http://127.0.0.1:{gone}", f"http://127.0.0.1:{here}", f"http://127.0.0.1:{gone}"]
        found = listening(roots, timeout_s=1) if face == "sync" else await listening_async(roots, timeout_s=1)

    assert (False, True, False) == found


@pytest.mark.parametrize("face", ["sync", "async"])
@pytest.mark.parametrize(
    "root",
    ["https://127.0.0.1:1", "http://localhost:1", "http://engine.example:1", "http://127.0.0.1:99999", "nonsense"],
)
async def test_addresses_that_only_trying_tells_count_as_open(face: str, root: str) -> None:
    """No name is looked up here: that could take long."""
    found = listening([root], timeout_s=1) if face == "sync" else await listening_async([root], timeout_s=1)

    assert (True,) == found


@pytest.mark.parametrize("face", ["sync", "async"])
async def test_a_port_that_does_not_answer_costs_no_more_than_the_timeout(face: str) -> None:
    """A full backlog swallows the connection attempt, as a filtered port would."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        with socket.create_connection(address), socket.socket() as second:
            second.setblocking(False)  # noqa: FBT003 - the standard library's signature
            second.connect_ex(address)
            began = time.monotonic()
            root = f"http://127.0.0.1:{address[1]}"
            found = listening([root], timeout_s=0.1) if face == "sync" else await listening_async([root], timeout_s=0.1)
            took = time.monotonic() - began

    assert (False,) == found
    assert took < LATE_S


async def test_no_address_is_no_work() -> None:
    """The empty question has the empty answer."""
    assert () == listening([], timeout_s=1) == await listening_async([], timeout_s=1)
