"""A fake upstream in a process of its own: `python -m openmux_lc.testing`.

Prints one JSON line with its address and answers every request until its standard
input ends. A benchmark uses it so that a client's CPU time is the client's alone.
"""

from __future__ import annotations

import json
import sys

from openmux_lc.testing.behaviours import Answer
from openmux_lc.testing.fake_upstream import FakeUpstream

__all__ = ["main"]


def main(arguments: list[str]) -> None:
    """Serve until standard input ends; the words given are the answer's text."""
    script = Answer(" ".join(arguments)) if arguments else None
    with FakeUpstream(script) as upstream:
        sys.stdout.write(json.dumps({"base_url": upstream.base_url}) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1:])
