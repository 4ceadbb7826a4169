"""Reads mutated bodies and streams and prints mutation x outcome; exits 1 where one is neither a fault nor sound.

    python tests/benchmarks/mutations.py [--cases 20000] [--seed 1] [--jobs 2] [--json FILE]
    python tests/benchmarks/mutations.py --seed 1 --only NUMBER [--kind KIND]

Genuine recordings of every provider are mutated and go through every dialect's whole reader. Right is a typed failure,
or an answer that keeps its invariants; memory and time of each case are bounded. `--only` runs one case and shows the
traceback of its crash; a case of the tests, whose seed is in their module, has its kind besides. What the kinds and the
invariants are is in `tests/providers/mutating.py`.
"""

import argparse
import json
import os
import sys
import time
import traceback
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("OPENMUX_SHARED") or ROOT.parent / "shared")
SHOWN = 6


def main() -> int:
    """Run the cases and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="processes side by side (default 2)")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="run this case alone")
    parser.add_argument("--kind", help="the kind of that case, where a test named it")
    parser.add_argument("--recordings", type=Path, default=SHARED / "recordings")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the complaints there")
    wanted = parser.parse_args()
    if wanted.only is not None:
        return _one(wanted.recordings, wanted.seed, wanted.only, wanted.kind)
    began = time.monotonic()
    work = partial(_summary, wanted.recordings, wanted.seed)
    if wanted.jobs == 1:
        rows = list(map(work, range(wanted.cases)))
    else:
        with ProcessPoolExecutor(wanted.jobs) as pool:
            rows = list(pool.map(work, range(wanted.cases), chunksize=100))
    _print_table(rows)
    complaints = [row for row in rows if row["complaint"]]
    _print_complaints(complaints, wanted.seed)
    peak = max(rows, key=lambda row: row["peak_bytes"])
    slowest = max(rows, key=lambda row: row["seconds"])
    print(f"\n{len(rows)} cases in {time.monotonic() - began:.0f} s, {len(complaints)} complaints")
    print(
        f"most memory {peak['peak_bytes'] / 1e6:.1f} MB (case {peak['number']}, {peak['read_bytes'] / 1e6:.2f} MB read)"
    )
    print(f"slowest {slowest['seconds']:.2f} s (case {slowest['number']}), with memory being traced")
    if wanted.json:
        wanted.json.write_text(json.dumps(complaints, indent=1) + "\n", encoding="utf-8")
    return 1 if complaints else 0


def _summary(recordings: Path, seed: int, number: int) -> dict[str, object]:
    """Return what a worker tells of a case."""
    sys.path[:0] = [] if str(ROOT) in sys.path else [str(ROOT)]
    from tests.providers.mutating import run  # the tests' own module; the package is the installed one

    outcome = run(recordings, seed, number)
    crash = outcome.crash
    frames = traceback.extract_tb(crash.__traceback__) if crash is not None else []
    own = [frame for frame in frames if "openmux_lc" in frame.filename]
    return {
        "number": number,
        "kinds": outcome.kinds,
        "dialect": outcome.specimen.dialect,
        "mode": outcome.specimen.mode,
        "name": outcome.specimen.name,
        "result": outcome.result,
        "complaint": outcome.complaint,
        "at": f"{Path(own[-1].filename).name}:{own[-1].lineno} {own[-1].name}" if own else "",
        "seconds": outcome.seconds,
        "peak_bytes": outcome.peak_bytes,
        "read_bytes": outcome.read_bytes,
    }


def _one(recordings: Path, seed: int, number: int, kind: str | None) -> int:
    """Run one case and show all of it."""
    sys.path[:0] = [str(ROOT)]
    from tests.providers.mutating import run

    outcome = run(recordings, seed, number, kind=kind)
    if outcome.crash is not None:
        traceback.print_exception(outcome.crash)
    print(f"{outcome.specimen.name} as {outcome.specimen.dialect}, {outcome.specimen.mode}: {', '.join(outcome.kinds)}")
    print(
        f"{outcome.result}; {outcome.seconds:.2f} s, {outcome.peak_bytes / 1e6:.2f} MB; {outcome.complaint or 'sound'}"
    )
    return 1 if outcome.complaint else 0


def _print_table(rows: list[dict]) -> None:
    for title, key in (("mutation", lambda row: row["kinds"][0]), ("dialect", lambda row: row["dialect"])):
        counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for row in rows:
            counts[key(row)][row["result"] if not row["complaint"] else "UNSOUND"] += 1
        results = sorted({result for each in counts.values() for result in each}, key=_rank)
        print("\n" + "  ".join([title.ljust(15), *(result[:12].rjust(12) for result in results), "cases".rjust(7)]))
        for name, each in sorted(counts.items()):
            cells = [str(each[result] or "-").rjust(12) for result in results]
            print("  ".join([name.ljust(15), *cells, str(each.total()).rjust(7)]))


def _rank(result: str) -> tuple[int, str]:
    order = ("UNSOUND", "answer", "chunks", "vectors", "ids")
    return (order.index(result), "") if result in order else (len(order), result)


def _print_complaints(complaints: list[dict], seed: int) -> None:
    groups: defaultdict[tuple[str, str], list[dict]] = defaultdict(list)
    for row in complaints:
        groups[row["complaint"].partition(":")[0], row["at"]].append(row)
    for (what, at), each in sorted(groups.items(), key=lambda pair: -len(pair[1])):
        dialects = ", ".join(sorted({f"{row['dialect']}/{row['mode']}" for row in each}))
        numbers = ", ".join(str(row["number"]) for row in each[:SHOWN])
        print(f"\n{len(each)} x {what} {at} [{dialects}]")
        print(f"  {each[0]['complaint'][:160]}\n  --seed {seed} --only {numbers}")


if __name__ == "__main__":
    sys.exit(main())
