"""The snapshot: which pause holds for a route."""

from openmux_lc.types.catalog import Route
from openmux_lc.types.state import Cooldown, Snapshot


def test_the_longer_of_route_and_provider_pause_holds():
    snapshot = Snapshot(
        at=100.0,
        cooldowns={"p:m": Cooldown(until=150.0, reason="route"), "p": Cooldown(until=120.0, reason="provider")},
    )

    pause = snapshot.cooldown(Route("p", "m"))

    assert pause is not None
    assert "route" == pause.reason


def test_a_pause_that_is_over_holds_no_more():
    snapshot = Snapshot(at=100.0, cooldowns={"p": Cooldown(until=100.0, reason="over")})

    assert snapshot.cooldown(Route("p", "m")) is None


def test_a_route_is_written_provider_colon_model():
    assert "ollama:qwen3:8b" == str(Route("ollama", "qwen3:8b"))
