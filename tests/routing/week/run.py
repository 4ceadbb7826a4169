"""One policy, one workload, one seed: played, and told in figures."""

from collections.abc import Callable, Mapping
from functools import partial
from statistics import quantiles
from typing import Final

from tests.routing.week.freellmapi import FreeLLMAPI
from tests.routing.week.load import WORKLOADS, Clock, Loop, Outcome, Policy, play
from tests.routing.week.ours import Ours
from tests.routing.week.peers import FreeLLMPool, LiteLLM, RoundRobin
from tests.routing.week.world import World

__all__ = ["POLICIES", "WORKLOADS", "figures_of", "one", "played"]

POLICIES: Final[Mapping[str, Callable[[World, Clock, int], Policy]]] = {
    "ours": lambda world, clock, _: Ours(world, clock),
    "ours, max_wait 20 s": lambda world, clock, _: Ours(world, clock, max_wait_s=20.0),
    "ours, speed": lambda world, clock, _: Ours(world, clock, "speed"),
    "freellmpool fair": partial(FreeLLMPool, mode="fair"),
    "freellmpool spread": partial(FreeLLMPool, mode="spread"),
    "freellmapi convex": FreeLLMAPI,
    "LiteLLM usage": partial(LiteLLM, mode="usage"),
    "LiteLLM latency": partial(LiteLLM, mode="latency"),
    "round robin": RoundRobin,
}


def played(name: str, workload: str, seed: int, days: float) -> tuple[World, Policy, Outcome]:
    """Play a workload to its end."""
    clock, world = Clock(), World(seed, days)
    policy = POLICIES[name](world, clock, seed)
    loop = Loop(world, policy, clock)
    play(loop, workload, seed, days)
    return world, policy, loop.run()


def one(name: str, workload: str, seed: int, days: float) -> dict[str, float]:
    """Return the figures of one run."""
    world, _, outcome = played(name, workload, seed, days)
    return figures_of(world, outcome)


def figures_of(world: World, outcome: Outcome) -> dict[str, float]:
    """Return the columns of the table."""
    tally, asked = world.tally, outcome.asked
    parts = quantiles(outcome.waits_s, n=100, method="inclusive")
    return {
        "asked": float(asked),
        "answered %": 100 * outcome.answered / asked,
        "quality %": 100 * outcome.quality / asked,
        "wasted": 100 * (tally.refused + tally.dead + tally.broken + tally.late) / asked,
        "429s": 100 * tally.refused / asked,
        "dead": 100 * tally.dead / asked,
        "broken": 100 * tally.broken / asked,
        "late": 100 * tally.late / asked,
        "p50 s": parts[49],
        "p95 s": parts[94],
    }
