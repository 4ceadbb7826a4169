"""HTTP clients: one per thread pool, one per loop, none shared with a child process."""

import asyncio
import os

import pytest

from openmux_lc.http import Clients
from openmux_lc.testing import FakeUpstream
from openmux_lc.types.address import is_loopback


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8080/v1", True),
        ("http://localhost", True),
        ("http://[::1]:1", True),
        ("http://127.0.0.1.evil.test/v1", False),
        ("https://localhost.evil.test", False),
        ("https://host.test@127.0.0.1.evil.test", False),
        ("http://[::1", False),
    ],
)
def test_only_this_machine_counts_as_loopback(url: str, expected: bool):
    assert expected is is_loopback(url)


def test_threads_share_one_client_per_kind_of_address():
    clients = Clients()

    first, second, other = (
        clients.sync("http://127.0.0.1:1"),
        clients.sync("http://127.0.0.1:2"),
        clients.sync("https://x.test"),
    )
    clients.close()

    assert first is second
    assert first is not other


def test_two_event_loops_in_sequence_both_work():
    """An asynchronous client never outlives its loop (`Event loop is closed`)."""
    clients = Clients()

    async def call(url: str) -> int:
        try:
            return (await clients.for_running_loop(url).get(f"{url}/models")).status_code
        finally:
            await clients.aclose()

    with FakeUpstream() as upstream:
        statuses = [asyncio.run(call(upstream.base_url)) for _ in range(2)]

    assert [200, 200] == statuses


def test_a_loop_that_ends_closes_its_clients():
    """`asyncio.run` leaves no socket behind, though nobody closed anything."""
    clients = Clients()

    async def call(url: str) -> tuple[object, int]:
        client = clients.for_running_loop(url)
        return client, (await client.get(f"{url}/models")).status_code

    with FakeUpstream() as upstream:
        client, status = asyncio.run(call(upstream.base_url))
        is_closed_there = upstream.wait_for_connections(0)

    assert 200 == status
    assert client.is_closed
    assert is_closed_there


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_gets_clients_of_its_own():
    clients = Clients()
    parents = clients.sync("http://127.0.0.1:1")
    child = os.fork()
    if child == 0:
        os._exit(0 if clients.sync("http://127.0.0.1:1") is not parents else 1)

    _, status = os.waitpid(child, 0)
    clients.close()

    assert 0 == os.waitstatus_to_exitcode(status)
