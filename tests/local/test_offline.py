"""Offline means this machine only."""

import pytest

from openmux_lc.local.offline import is_offline, may_reach
from openmux_lc.settings import Settings
from openmux_lc.types.catalog import Provider


@pytest.mark.parametrize(
    ("base_url", "reachable"),
    [
        ("http://127.0.0.1:11434", True),
        ("http://localhost:1234/v1", True),
        ("http://[::1]:8080/v1", True),
        ("https://api.example.com/v1", False),
        ("http://192.168.1.2:11434", False),
        ("http://127.evil.example/v1", False),
    ],
)
def test_offline_only_loopback_may_be_reached(base_url: str, *, reachable: bool) -> None:
    """The address decides, also for a local engine's row that points elsewhere."""
    provider = Provider(id="p", name="P", base_url=base_url, is_local=True)

    assert reachable is may_reach(Settings(offline=True), provider)
    assert may_reach(Settings(), provider)


def test_the_switch_is_the_users() -> None:
    """`OPENMUX_OFFLINE=1` arrives here through the settings."""
    assert is_offline(Settings(offline=True))
    assert not is_offline(Settings())
