"""Replays every recorded exchange over loopback and prints provider x kind: exchanges, right, wrong, out of scope.

    python tests/benchmarks/replay_table.py [--recordings FOLDER] [--provider NAME ...] [--labels FILE] [--seed N]
        [--json FILE] [--requests]

The folder holds `INDEX.json` and the exchanges; `OPENMUX_RECORDINGS` names it as well. Every wrong one is explained in
a line; every exchange out of scope is counted under its reason. Exits 1 below 99 % of what is in scope.
"""

import argparse
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("OPENMUX_SHARED") or ROOT.parent / "shared")


def main() -> int:
    """Replay and print."""
    sys.path.append(str(ROOT))  # the tests' own modules; the package is the installed one
    from tests.providers.replay import table
    from tests.providers.replay.judge import labels_of
    from tests.providers.replay.recording import recordings
    from tests.providers.replay.run import LABELS, replay

    parser = argparse.ArgumentParser(description="replay recorded exchanges")
    default = os.environ.get("OPENMUX_RECORDINGS") or SHARED / "recordings"
    parser.add_argument("--recordings", type=Path, default=Path(default))
    parser.add_argument("--provider", action="append", help="only this one; may be given more than once")
    parser.add_argument("--labels", type=Path, default=LABELS, help="labelled faults, by file name")
    parser.add_argument("--seed", type=int, default=0, help="decides where the answers are cut")
    parser.add_argument("--json", type=Path, help="write the outcomes here")
    parser.add_argument("--requests", action="store_true", help="show every request that differs")
    options = parser.parse_args()

    found = recordings(options.recordings)
    chosen = [each for each in found if not options.provider or each.provider in options.provider]
    began = time.monotonic()
    outcomes = replay(chosen, labels_of(options.labels), seed=options.seed)
    print(table.render(outcomes, shows_requests=options.requests))
    print(f"\n{len(outcomes)} exchanges, each synchronously and asynchronously, in {time.monotonic() - began:.1f} s")
    if options.json:
        table.write_json(outcomes, options.json)
    return 0 if table.share(outcomes) >= 0.99 else 1


if __name__ == "__main__":
    sys.exit(main())
