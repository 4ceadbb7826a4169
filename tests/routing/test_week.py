"""A part of what `tests/benchmarks/week.py` plays: invariants of the simulation and of our policy, no ranks."""

import pytest

from openmux_lc.ledger.quota import account_name
from tests.routing.week.load import Clock, Loop, play
from tests.routing.week.ours import Ours
from tests.routing.week.run import POLICIES, figures_of, played
from tests.routing.week.world import World, limits_of

HALF_A_DAY = 0.5
MORNING = 0.4


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_no_policy_is_answered_beyond_the_true_limits(name: str) -> None:
    """The hosts' own counts never pass what they grant, time never goes back, and every request ends once."""
    world, _, outcome = played(name, "chat", 3, HALF_A_DAY)

    assert all(meter.most <= meter.amount for meter in world.meters)
    assert outcome.answered <= outcome.asked == len(outcome.waits_s)
    assert 0.0 <= figures_of(world, outcome)["quality %"] <= figures_of(world, outcome)["answered %"] <= 100.0


def test_a_seed_plays_the_same_again() -> None:
    """Nothing but the seed decides."""
    first, second = (figures_of(*played("ours", "chat", 4, HALF_A_DAY)[::2]) for _ in range(2))

    assert first == second


def test_ours_never_sends_more_than_a_declared_limit_of_requests() -> None:
    """Also where the host would have granted it: what is sent in any declared window is counted by itself."""
    clock, world = Clock(), World(5, MORNING)
    loop = Loop(world, policy := Ours(world, clock), clock)
    play(loop, "agents", 5, MORNING)
    sent: list[tuple[float, object]] = []
    call = world.call

    def noted(route, *args):
        sent.append((clock(), route))
        return call(route, *args)

    world.call = noted
    loop.run()

    accounts: dict[str, tuple[object, list[float]]] = {}
    limits = {entry.route: limits_of(entry) for entry in world.entries}
    for at, route in sent:
        for limit in limits[route]:
            if limit.unit == "requests" and limit.window.kind == "rolling":
                accounts.setdefault(account_name(limit, route), (limit, []))[1].append(at)
    for limit, moments in accounts.values():
        for number in range(limit.amount, len(moments)):
            assert moments[number] - moments[number - limit.amount] >= limit.window.seconds
    assert sent
    assert policy.ledger.snapshot().routes
