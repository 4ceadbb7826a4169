"""What an address tells without asking the network."""

import pytest

from openmux_lc.types.address import is_loopback


@pytest.mark.parametrize(
    "url", ["http://localhost", "http://LOCALHOST:1/x", "https://127.0.0.1", "http://127.9.9.9:80", "http://[::1]:5"]
)
def test_this_machine_is_loopback(url):
    assert is_loopback(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:1",
        "http://",
        "http://[::1",
        "http://0.0.0.0",
        "http://10.0.0.1",
        "http://127.0.0.1.evil.example",
        "http://127.evil",
        "http://127.\u00b2",
        "http://localhost.evil.example",
        "http://127.0.0.1@evil.example",
        "http://evil.example/127.0.0.1",
        "http://[::2]",
    ],
)
def test_anything_else_is_not(url):
    assert not is_loopback(url)
