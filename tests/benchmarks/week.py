"""Plays a week of three workloads against eight policies in virtual time and prints who answers best.

    python tests/benchmarks/week.py [--seed 11] [--seeds 5] [--days 7] [--jobs 2] [--policies NAME ...] [--json FILE]
        [--agreement]

A seed draws what the user has (keys of five hosts besides four without), what holds (true limits, others on the same
account, hosts that die, models that go) and what is asked. Ours is the shipped code; the peers are re-stated in
`tests/routing/week/`, and `--agreement` shows on 1,000 random states that they choose as their own code does.

Columns: share of requests answered in time; the same weighted by the model's quality; calls per 100 requests that
gave no answer, and among them 429s; seconds to the whole answer, who got none counted with his whole patience.
"""

import argparse
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from statistics import fmean

ROOT = Path(__file__).parents[2]
COLUMNS = {"answered %": 1, "quality %": 1, "wasted": -1, "429s": -1, "p50 s": -1, "p95 s": -1}
"""What is better: more (1) or less (-1)."""

RANKED = ("answered %", "quality %", "wasted", "429s", "p95 s")


def main() -> int:
    """Play, print the table and the verdicts."""
    sys.path.append(str(ROOT))  # the tests' own modules; the package is the installed one
    from tests.routing.week.run import POLICIES, WORKLOADS, one

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=11, help="the first seed (default 11)")
    parser.add_argument("--seeds", type=int, default=5, help="how many (default 5)")
    parser.add_argument("--days", type=float, default=7.0)
    parser.add_argument("--jobs", type=int, default=2, help="processes side by side (default 2)")
    parser.add_argument("--policies", nargs="+", default=list(POLICIES), choices=list(POLICIES), metavar="NAME")
    parser.add_argument("--agreement", action="store_true", help="compare with the peers' own code first")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there as well")
    wanted = parser.parse_args()
    agreed = _agreement() if wanted.agreement else {}
    seeds = range(wanted.seed, wanted.seed + wanted.seeds)
    jobs = [(name, load, seed, wanted.days) for seed in seeds for load in WORKLOADS for name in wanted.policies]
    figures: dict[tuple[str, str], list[dict[str, float]]] = {}
    began = time.monotonic()
    with ProcessPoolExecutor(wanted.jobs) as pool:
        futures = {pool.submit(one, *job): job for job in jobs}
        for number, future in enumerate(as_completed(futures), 1):
            name, load, seed, _ = futures[future]
            figures.setdefault((load, name), []).append(future.result())
            said = f"\r{number}/{len(jobs)} played, {time.monotonic() - began:.0f} s: {load}, {name}, seed {seed}"
            print(f"{said:<90}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    verdicts = [_table(load, {name: figures[load, name] for name in wanted.policies}) for load in WORKLOADS]
    print(f"\nseeds {seeds.start} to {seeds.stop - 1}, {wanted.days:g} days each; mean over the seeds (least..most)")
    if wanted.json is not None:
        rows = [{"workload": load, "policy": name, "seeds": each} for (load, name), each in figures.items()]
        told = {"seeds": list(seeds), "days": wanted.days, "agreement": agreed, "rows": rows, "verdicts": verdicts}
        wanted.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return 0


def _table(load: str, rows: dict[str, list[dict[str, float]]]) -> dict[str, object]:
    """Print a workload's table and whether we are first in each column."""
    from tests.benchmarks.harness import table

    means = {name: {column: fmean(each[column] for each in rows[name]) for column in COLUMNS} for name in rows}
    cells = [(name, *(_cell([each[column] for each in rows[name]]) for column in COLUMNS)) for name in rows]
    asked = fmean(each["asked"] for each in next(iter(rows.values())))
    table(f"{load}: {asked:.0f} requests; wasted calls and 429s per 100 requests", ("policy", *COLUMNS), cells)
    found: dict[str, object] = {"workload": load}
    for column in RANKED:
        best = min(means, key=lambda name: -COLUMNS[column] * means[name][column])
        place = 1 + sum(
            COLUMNS[column] * (means[name][column] - means["ours"][column]) > 0 for name in means if "ours" in means
        )
        found[column] = place
        said = "first " if place == 1 else f"NO. {place} "
        print(f"  {said} {column}: ours {means['ours'][column]:.2f}, best {best} {means[best][column]:.2f}")
    return found


def _cell(values: list[float]) -> str:
    if len(values) == 1:
        return f"{values[0]:.2f}"
    return f"{fmean(values):.2f} ({min(values):.2f}..{max(values):.2f})"


def _agreement() -> dict[str, object]:
    """Print how often the re-stated peers choose as their own code does."""
    from tests.routing.week.agreement import agreement

    return agreement()


if __name__ == "__main__":
    sys.exit(main())
