"""Prints how long it takes past an upstream that refuses at once to one that answers.

    python tests/benchmarks/failover.py [--rounds 7] [--calls 50] [--json FILE]

The time is the whole call: the refusal (429, then 500, at once), the choice of the next
route, and its answer, both on loopback. Nobody waits or repeats: retries are off for all.

Every call has to fail over anew. Our ledger leaves a route that refused alone, so between
two calls its pauses are lifted, unmeasured (`ours.py`), as LiteLLM's cooldowns are switched
off; the others remember nothing. `ChatOpenMux [a, b]` has two providers, of which the first
refuses. `ChatOpenMux` chooses among the whole pool, so there the upstream refuses every other
request: whichever route is asked first refuses, and the second answers.
"""

import contextlib
from statistics import median

from harness import Turn, compared, enter, in_turn, options, table, upstream, verdict, write_json

FIELD = (
    ("httpx",),
    ("ChatOpenAI",),
    ("pydantic-ai FallbackModel", "pydantic-ai-slim[openai]>=2"),
    ("LiteLLM Router", "litellm>=1.106"),
    ("engine.ask",),
    ("ChatOpenMux [a, b]",),
    ("ChatOpenMux",),
)
SHOWN = {"ChatOpenAI": "ChatOpenAI.with_fallbacks", "httpx": "httpx, two requests"}
AIM_MS = 3.0


def main() -> None:
    """Measure both refusals, synchronously and asynchronously."""
    arguments = options(__doc__, rounds=7, calls=50).parse_args()
    figures: dict[str, object] = {"rounds": arguments.rounds, "calls": arguments.calls}
    verdicts: list[dict[str, object]] = []
    with upstream() as addresses:
        for status in ("429", "500"):
            with contextlib.ExitStack() as stack:
                field = []
                for name, *needs in FIELD:
                    bad = addresses[f"{status},200" if name == "ChatOpenMux" else status]
                    setup = {"good": addresses["200"], "bad": bad, "state": arguments.state}
                    field.append(enter(stack, name, setup, *needs))
                taking_part = [contender for contender in field if contender is not None]
                for mode in ("sync", "async"):
                    turns = in_turn(
                        taking_part, arguments.rounds, lambda one, mode=mode: one.turn(mode, calls=arguments.calls)
                    )
                    figures[f"{status} {mode}"] = _printed(f"past a {status}, {mode}", turns)
                    verdicts += _judged(turns)
                figures["versions"] = {contender.name: contender.versions for contender in taking_part}
    print("\nversions: " + "; ".join(sorted(set(figures["versions"].values()))))
    write_json(arguments.json, {**figures, "verdicts": verdicts})


def _printed(title: str, turns: dict[str, list[Turn]]) -> dict[str, dict[str, float]]:
    """Print one table and return its figures."""
    floor = turns["httpx"]
    rows = {
        SHOWN.get(name, name): {
            "p50_ms": median(turn.p50_ms for turn in each),
            "lowest_ms": min(turn.p50_ms for turn in each),
            "times_httpx": median(compared(each, floor, lambda one, base: one.p50_ms / base.p50_ms)),
            "cpu_ms": median(turn.cpu_ms for turn in each),
        }
        for name, each in turns.items()
    }
    columns = ["", "p50 ms", "lowest", "x httpx", "CPU ms"]
    table(title, columns, [[name, *row.values()] for name, row in rows.items()])
    for name, each in turns.items():
        if note := each[-1].note:
            print(f"  {name}: {note}")
    return rows


def _judged(turns: dict[str, list[Turn]]) -> list[dict[str, object]]:
    return [
        verdict(f"{name}, in all", [turn.p50_ms for turn in turns[name]], AIM_MS, "ms")
        for name in ("ChatOpenMux [a, b]", "ChatOpenMux")
        if name in turns
    ]


if __name__ == "__main__":
    main()
