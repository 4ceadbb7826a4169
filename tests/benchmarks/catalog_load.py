"""How long the catalog takes to load: first in a fresh process, then again.

    python tests/benchmarks/catalog_load.py

The aim is less than 15 ms for everything: rows, models, corrections, the user's files, entry points.
"""

import subprocess
import sys
from statistics import median
from typing import Final

_ROUNDS: Final = 15
_CODE: Final = """
import time
from openmux_lc.settings import Settings
from openmux_lc.catalog.catalog import load_catalog
settings = Settings.load()
marks = [time.perf_counter()]
for _ in range(10):
    load_catalog(settings)
    marks.append(time.perf_counter())
spans = [(later - earlier) * 1000 for earlier, later in zip(marks, marks[1:])]
print(spans[0], min(spans[1:]))
"""


def main() -> None:
    """Print the median over fresh processes."""
    rounds = [
        subprocess.run([sys.executable, "-c", _CODE], check=True, capture_output=True, text=True, timeout=60).stdout
        for _ in range(_ROUNDS)
    ]
    first, again = zip(*(map(float, line.split()) for line in rounds), strict=True)
    print(f"load_catalog, fresh process: {median(first):.1f} ms; again in the same one: {median(again):.1f} ms")


if __name__ == "__main__":
    main()
