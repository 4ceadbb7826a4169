"""Hosts on loopback that fail at random, in a process of their own.

    python chaos_hosts.py

The first line of its input is the setup: `seed`, `rate`, `hosts` (how many), `dialects`
(taken in turn), `weights` (of the misbehaviours; what is not named does not happen) and
`text` (what a sound answer says). Prints one line of JSON, `[[dialect, address], ...]`,
and serves until its input ends. What happens to a request depends on the seed, the host
and the number of the request alone.
"""

import contextlib
import json
import sys

from openmux_lc.testing import WEIGHTS, Answer, FakeUpstream, chaos


def main() -> None:
    """Serve until standard input ends."""
    setup = json.loads(sys.stdin.readline())
    weights = {name: float(setup["weights"].get(name, 0.0)) for name in WEIGHTS}
    with contextlib.ExitStack() as stack:
        hosts: list[tuple[str, str]] = []
        for number in range(setup["hosts"]):
            dialect = setup["dialects"][number % len(setup["dialects"])]
            script = chaos(f"{setup['seed']}:{number}", setup["rate"], weights=weights, sound=Answer(setup["text"]))
            host = stack.enter_context(FakeUpstream(script, dialect=dialect))
            hosts.append((dialect, host.base_url))
        print(json.dumps(hosts), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
