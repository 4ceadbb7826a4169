"""Prints what routing a call costs, beside raw httpx, ChatOpenAI and LiteLLM's Router.

    python tests/benchmarks/routed_call.py [--rounds 7] [--calls 100] [--json FILE]

All ask the same instant upstream on loopback (`upstream.py`), each in a process of its
own, turn by turn. Ours has the full pool, every remote route eligible, and its state in
SQLite (`ours.py`); LiteLLM's Router has one deployment, in an environment of its own that
is made on first use. Streams are timed to their first token and read to the end.

`added` is the time above raw httpx, `CPU` the client's processor time per call; both
are medians over rounds of what each round found.
"""

import contextlib
import socket
import time
from statistics import median

from harness import Contender, Turn, compared, enter, in_turn, options, table, upstream, verdict, write_json

LITELLM = ("LiteLLM Router", "litellm>=1.106")
FIELD = (
    ("httpx",),
    ("httpx-aiohttp",),
    ("ChatOpenAI",),
    LITELLM,
    ("engine.ask",),
    ("ChatOpenMux pinned",),
    ("ChatOpenMux without [fast]",),
    ("ChatOpenMux",),
)
MODES = {
    "sync": "synchronous call",
    "async": "asynchronous call",
    "stream": "synchronous stream, first token",
    "astream": "asynchronous stream, first token",
}
LEFT_OUT = {
    "sync": {"httpx-aiohttp", "ChatOpenMux without [fast]"},
    "async": set(),
    "stream": {"httpx-aiohttp", "ChatOpenMux without [fast]", "ChatOpenMux pinned"},
    "astream": {"engine.ask", "ChatOpenMux pinned"},
}
OURS, OPENAI, FLOOR = "ChatOpenMux", "ChatOpenAI", "httpx"


def main() -> None:
    """Measure every mode, one call and fifty calls at a time."""
    parser = options(__doc__, rounds=7, calls=100)
    parser.add_argument("--modes", default=",".join(MODES), help="of sync,async,stream,astream")
    parser.add_argument("--at-a-time", default="1,50", help="calls side by side (default 1,50)")
    parser.add_argument("--only", default="", help="names of contenders, separated by commas; default all")
    arguments = parser.parse_args()
    only = set(filter(None, arguments.only.split(",")))
    figures: dict[str, object] = {"rounds": arguments.rounds, "calls": arguments.calls}
    verdicts: list[dict[str, object]] = []
    with upstream() as addresses, contextlib.ExitStack() as stack:
        figures["upstream_ms"] = _upstream_ms(addresses["200"])
        print(f"the upstream itself: {figures['upstream_ms']:.3f} ms a request, over a bare socket")
        setup = {"good": addresses["200"], "bad": None, "state": arguments.state}
        entered = [enter(stack, name, setup, *needs) for name, *needs in FIELD if not only or name in only]
        field = [contender for contender in entered if contender is not None]
        figures["versions"] = {contender.name: contender.versions for contender in field}
        for mode in arguments.modes.split(","):
            for at_a_time in map(int, arguments.at_a_time.split(",")):
                turns = _measure(field, mode, at_a_time, arguments)
                figures[f"{mode} {at_a_time}"] = _printed(mode, at_a_time, turns)
                verdicts += _judged(turns) if at_a_time == 1 else []
        print("\nversions: " + "; ".join(sorted(set(figures["versions"].values()))))
    write_json(arguments.json, {**figures, "verdicts": verdicts})


def _upstream_ms(address: str) -> float:
    """Return what a request costs that is not made by an HTTP library."""
    host, _, port = address.removeprefix("http://").removesuffix("/v1").partition(":")
    body = b'{"model":"bench-model","messages":[{"role":"user","content":"Hi"}]}'
    request = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
    times = []
    with socket.create_connection((host, int(port))) as connection:
        for _ in range(2000):
            began = time.perf_counter()
            connection.sendall(request)
            connection.recv(65536)
            times.append(time.perf_counter() - began)
    return 1000 * median(times)


def _measure(field: list[Contender], mode: str, at_a_time: int, arguments: object) -> dict[str, list[Turn]]:
    calls = arguments.calls if at_a_time == 1 else max(at_a_time, 5 * arguments.calls // at_a_time * at_a_time)
    taking_part = [contender for contender in field if contender.name not in LEFT_OUT[mode]]
    return in_turn(taking_part, arguments.rounds, lambda one: one.turn(mode, calls=calls, at_a_time=at_a_time))


def _printed(mode: str, at_a_time: int, turns: dict[str, list[Turn]]) -> dict[str, dict[str, float]]:
    """Print one table and return its figures."""
    floor = turns.get(FLOOR) or next(iter(turns.values()))
    rows = {
        name: {
            "p50_ms": median(turn.p50_ms for turn in each),
            "lowest_ms": min(turn.p50_ms for turn in each),
            "added_ms": median(compared(each, floor, lambda one, base: one.p50_ms - base.p50_ms)),
            "times_httpx": median(compared(each, floor, lambda one, base: one.p50_ms / base.p50_ms)),
            "cpu_ms": median(turn.cpu_ms for turn in each),
            "calls_per_s": median(len(turn.times_ms) / turn.wall_s for turn in each),
        }
        for name, each in turns.items()
    }
    columns = ["", "p50 ms", "lowest", "added ms", "x httpx", "CPU ms", "calls/s"]
    title = f"{MODES[mode]}, {at_a_time} at a time"
    table(title, columns, [[name, *row.values()] for name, row in rows.items()])
    if OURS in turns and turns[OURS][-1].note:
        print(f"  {OURS}: {turns[OURS][-1].note}")
    return rows


def _judged(turns: dict[str, list[Turn]]) -> list[dict[str, object]]:
    """Hold our times against what they are meant to be."""
    ours, floor, verdicts = turns.get(OURS), turns.get(FLOOR), []
    if ours and (openai := turns.get(OPENAI)):
        above = compared(ours, openai, lambda one, other: one.p50_ms - other.p50_ms)
        verdicts.append(verdict(f"{OURS} above {OPENAI}", above, 0.5, "ms"))
    if ours and floor and (router := turns.get(LITELLM[0])):
        shares = [
            (mine.p50_ms - base.p50_ms) / (theirs.p50_ms - base.p50_ms)
            for mine, theirs, base in zip(ours, router, floor, strict=True)
        ]
        verdicts.append(verdict(f"{OURS}'s added time, as a share of {LITELLM[0]}'s", shares, 0.25))
    return verdicts


if __name__ == "__main__":
    main()
