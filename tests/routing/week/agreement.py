"""Shows on random states that the re-stated peers choose as their own installed code does.

The peer's code runs in an environment of its own: it is handed the states and hands back
its choices. freellmapi is not on PyPI and is left out.
"""

import json
import random
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Final

from tests.benchmarks.harness import Unavailable, environment
from tests.routing.week.choices import Load, Seen, freellmpool_order, litellm_latency, litellm_usage

ORACLE: Final = Path(__file__).with_name("oracle.py")
PEERS: Final = {"freellmpool": "freellmpool==0.13.0", "litellm": "litellm"}


def agreement(states: int = 1000, seed: int = 1) -> dict[str, object]:
    """Print and return, for each rule, on how many of the states both choose alike."""
    dice = random.Random(seed)
    found: dict[str, object] = {}
    for peer, requirement in PEERS.items():
        asked = [_targets(dice) if peer == "freellmpool" else _loads(dice) for _ in range(states)]
        rows = [[asdict(row) for row in each] for each in asked]
        try:
            python = environment(peer, requirement)
        except Unavailable as error:
            print(f"skipped {error}")
            continue
        told = subprocess.run(
            [python, str(ORACLE), peer],
            input=json.dumps(rows),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if told.returncode:
            print(f"skipped {peer}: {told.stderr.strip().splitlines()[-1][:160]}")
            continue
        for rule, choices in json.loads(told.stdout.splitlines()[-1]).items():
            alike = sum(_is_alike(rule, each, chosen) for each, chosen in zip(asked, choices, strict=True))
            print(f"{peer} {rule}: alike on {alike} of {states} states")
            found[f"{peer} {rule}"] = alike
    return found


def _is_alike(rule: str, state: list, chosen: list[str]) -> bool:
    """Whether ours gives the same order, the same set, or a set that holds what was drawn."""
    if rule in {"fair", "spread"}:
        return [f"{row.provider}/{row.model}" for row in freellmpool_order(state, rule)] == chosen
    if rule == "usage":
        return sorted(litellm_usage(state, 0)) == sorted(chosen)
    names = litellm_latency(state, 0)
    return set(chosen) <= set(names) if chosen else not names


def _targets(dice: random.Random) -> list[Seen]:
    return [
        Seen(
            f"p{number % 5}",
            f"m{number}",
            dice.choice([0, dice.randrange(60)]),
            dice.choice([0, 20, 50]),
            dice.randrange(6),
            dice.randrange(4),
            dice.uniform(100, 9000),
        )
        for number in range(dice.randint(2, 20))
    ]


def _loads(dice: random.Random) -> list[Load]:
    return [
        Load(
            f"d{number}",
            dice.choice([0, 500, dice.randrange(9000)]),
            dice.randrange(12),
            dice.choice([6000.0, 1e9]),
            dice.choice([10.0, 1e9]),
            tuple(dice.uniform(0.001, 0.2) for _ in range(dice.randint(1, 10))),
        )
        for number in range(dice.randint(2, 20))
    ]
