"""Prints what the readers of limits make of every dialect, then reads N random values; exits 1 where one is wrong.

    python tests/benchmarks/limit_parser.py [--values 1000000] [--seed 1] [--json FILE] [--quiet]
    python tests/benchmarks/limit_parser.py --seed 1 --only NUMBER

Right is: no exception, nothing negative, no NaN, nothing beyond 31 days, no figure beyond 10**12, and each limit once.
The table of dialects is `tests/providers/limit_dialects.py`, the values are made in `tests/providers/limit_fuzz.py`.
"""

import argparse
import json
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRESS_S = 5.0


def main() -> int:
    """Read the dialects and the values, and print both tables."""
    sys.path.append(str(ROOT))  # the tests' own modules; the package is the installed one
    from tests.providers.limit_fuzz import run

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--values", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, metavar="NUMBER", help="read this value alone and show it")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    wanted = parser.parse_args()
    if wanted.only is not None:
        print(run(wanted.seed, wanted.only))
        return 0
    dialects = _dialects()
    readers, complaints = _values(wanted.values, wanted.seed, is_quiet=wanted.quiet)
    for number, outcome in complaints[:20]:
        print(f"  --seed {wanted.seed} --only {number}: {outcome.reader} {outcome.complaint} {outcome.value!r:.160}")
    if wanted.json:
        found = {"dialects": dialects, "readers": readers, "complaints": [number for number, _ in complaints]}
        wanted.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 1 if complaints or any(each["wrong"] for each in dialects.values()) else 0


def _dialects() -> dict[str, dict[str, int]]:
    """Print and return how many cases of each dialect are right."""
    from tests.providers.limit_dialects import CASES, differences

    counts: dict[str, dict[str, int]] = defaultdict(lambda: {"right": 0, "wrong": 0})
    wrong = []
    for case in CASES:
        found = differences(case)
        counts[case.dialect]["wrong" if found else "right"] += 1
        wrong += [f"  {case.dialect}: {difference}" for difference in found]
    print(f"{'dialect':<22}{'right':>8}{'wrong':>8}")
    for name, each in counts.items():
        print(f"{name:<22}{each['right']:>8}{each['wrong']:>8}")
    total = Counter[str]()
    for each in counts.values():
        total.update(each)
    print(f"{'all':<22}{total['right']:>8}{total['wrong']:>8}")
    print("\n".join(wrong))
    return dict(counts)


def _values(values: int, seed: int, *, is_quiet: bool) -> tuple[dict[str, dict[str, float]], list]:
    """Print and return what the random values gave, by reader."""
    from tests.providers.limit_fuzz import READERS, run

    found = {name: {"values": 0, "read": 0, "wrong": 0, "seconds": 0.0, "slowest_us": 0.0} for name in READERS}
    complaints = []
    began = shown = time.monotonic()
    for number in range(values):
        outcome = run(seed, number)
        each = found[outcome.reader]
        each["values"] += 1
        each["read"] += outcome.is_read
        each["seconds"] += outcome.seconds
        each["slowest_us"] = max(each["slowest_us"], outcome.seconds * 1e6)
        if outcome.complaint:
            each["wrong"] += 1
            complaints.append((number, outcome))
        if not is_quiet and time.monotonic() - shown > PROGRESS_S:
            shown = time.monotonic()
            print(f"  {number + 1:,} of {values:,} values, {len(complaints)} wrong", file=sys.stderr, flush=True)
    print(f"\n{'reader':<20}{'values':>10}{'read':>10}{'wrong':>7}{'us/call':>9}{'slowest us':>12}")
    for name, each in found.items():
        per_us = 1e6 * each["seconds"] / max(1, each["values"])
        counts = f"{each['values']:>10,}{each['read']:>10,}{each['wrong']:>7,}"
        print(f"{name:<20}{counts}{per_us:>9.1f}{each['slowest_us']:>12.0f}")
    print(f"\n{values:,} values in {time.monotonic() - began:.0f} s (seed {seed}), {len(complaints)} wrong")
    return found, complaints


if __name__ == "__main__":
    sys.exit(main())
