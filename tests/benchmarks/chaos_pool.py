"""Prints how many calls are answered, and how late, while half of all calls fail at random.

    python tests/benchmarks/chaos_pool.py [--calls 1000] [--slow-calls 40] [--seed 5] [--no-peers] [--json FILE]

20 hosts on loopback, in a process of their own, speak all the dialects there are. Every
second request fails: with a refusal, an error page, an empty answer, a stream that ends
before its first word, and so on, each at once (`INSTANT` has the list; who is told to wait is told a second). The
pool is `ChatOpenMux()` with its defaults over one model of each host, called whole and
streamed, in threads and in tasks; what one call taught is known to the next, as in life.

A call counts as answered when the text is the hosts' own. Where every single host
has failed in this very call, or has said to come back later, nobody is up; such calls are
told apart. `added` is the whole
call, a streamed one's to its first content, less what the answering host itself took:
failed attempts, choosing, booking, and LangChain; and, in the calls that `waited`, the
50 ms before the last route is repeated where nobody else is left.

Then the same with hosts besides that say nothing at all, or nothing after their first
byte: no call may outlast its
deadline. Beside it pydantic-ai's `FallbackModel` and LangChain's `with_fallbacks`, over
20 hosts of the dialect that they speak, with the same faults; neither remembers, so each
call begins with the first host again.
"""

import contextlib
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from harness import HERE, Contender, Unavailable, enter, options, table, verdict, write_json
from upstream import TEXT

HOSTS = 20
RATE = 0.5
MODES = ("sync", "async", "stream", "astream")
DIALECTS = ("openai", "ollama", "gemini", "cohere")
INSTANT = {
    "rate_limited": 2.0,
    "unauthorized": 0.5,
    "payment_required": 0.5,
    "model_gone": 0.5,
    "not_found_all": 0.5,
    "server_error": 3.0,
    "overloaded": 3.0,
    "html_page": 1.0,
    "empty_body": 1.0,
    "null": 1.0,
    "error_in_200": 2.0,
    "broken_json": 1.0,
    "cut": 1.0,
    "cut_in_line": 1.0,
    "silent_end": 1.0,
    "dropped": 2.0,
    "empty_answer": 1.0,
    "whitespace": 1.0,
}
SLOW = {**INSTANT, "stalled": 5.0, "hanging": 5.0}
WARM_UP = 10
TIMEOUT_S, FIRST_BYTE_S, GRACE_S = 3.0, 0.5, 0.25
PEERS = (("LangChain with_fallbacks",), ("pydantic-ai FallbackModel", "pydantic-ai-slim[openai]>=2"))
LEAST_ANSWERED, MOST_ADDED_MS = 99.9, 25.0


@contextlib.contextmanager
def hosts(
    seed: str, weights: Mapping[str, float], dialects: Sequence[str], *, rate: float = RATE
) -> Iterator[list[list[str]]]:
    """Run the hosts; gives dialect and address of each."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / "chaos_hosts.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    setup = {"seed": seed, "rate": rate, "hosts": HOSTS, "dialects": dialects, "weights": weights, "text": TEXT}
    try:
        process.stdin.write(json.dumps(setup) + "\n")
        process.stdin.flush()
        yield json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def summed(calls: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """Return the figures of some calls."""
    outcomes = Counter(str(call["outcome"]) for call in calls)
    answered = [call for call in calls if call["outcome"] == "answered"]
    up = len(calls) - outcomes["nobody"]
    took = [1000 * float(call["took_s"]) for call in answered]
    added = [1000 * float(call["added_s"]) for call in answered if "added_s" in call]
    return {
        "calls": len(calls),
        "answered": outcomes["answered"],
        "share": 100.0 * outcomes["answered"] / max(1, up),
        "nobody": outcomes["nobody"],
        "others": {name: count for name, count in outcomes.items() if name not in {"answered", "nobody"}},
        "faults": sum(int(call.get("faults", 0)) for call in calls) / max(1, len(calls)),
        "waited": sum(1 for call in answered if call.get("waited_s")),
        "p50_ms": percentile(took, 0.5),
        "p99_ms": percentile(took, 0.99),
        "added_p50_ms": percentile(added, 0.5),
        "added_p99_ms": percentile(added, 0.99),
        "notes": [call["note"] for call in calls if call.get("note") and call["outcome"] != "nobody"][:3],
        "longest_s": max(float(call["took_s"]) for call in calls),
    }


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that so many are not above; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def show(title: str, rows: Mapping[str, Mapping[str, object]]) -> None:
    """Print one table, and what went wrong where."""
    columns = ["", "calls", "answered %", "nobody up", "faults a call", "waited", "added p50 ms", "added p99 ms",
               "p50 ms", "p99 ms", "longest s"]  # fmt: skip
    keys = (
        "calls",
        "share",
        "nobody",
        "faults",
        "waited",
        "added_p50_ms",
        "added_p99_ms",
        "p50_ms",
        "p99_ms",
        "longest_s",
    )
    table(title, columns, [
        [name, *(str(row[key]) if isinstance(row[key], int) else float(row[key]) for key in keys)]
        for name, row in rows.items()
    ])  # fmt: skip
    for name, row in rows.items():
        if row["others"]:
            print(f"  {name}: " + ", ".join(f"{error} {count}" for error, count in row["others"].items()))
        for note in row["notes"]:
            print(f"    {note}")


def ours(
    seed: str, weights: Mapping[str, float], calls: int, *, rate: float = RATE, warm_up: int = WARM_UP, **chosen: object
) -> dict[str, dict[str, object]]:
    """Return the figures of our pool by mode; what one way of calling taught is known to the next."""
    with hosts(seed, weights, DIALECTS, rate=rate) as addresses:
        contender = Contender("ChatOpenMux", {"hosts": addresses, "options": chosen}, program="chaos_turns.py")
        try:
            told = {mode: contender.ask({"mode": mode, "calls": calls + warm_up})["calls"] for mode in MODES}
        finally:
            contender.close()
    return {mode: summed(each[warm_up:]) for mode, each in told.items()}


def beside(seed: str, calls: int) -> dict[str, dict[str, object]]:
    """Return the figures of ours and of the peers over 20 hosts of one dialect, by name and mode."""
    found = {}
    for name, *needs in (("ChatOpenMux",), *PEERS):
        for mode in ("sync", "async"):
            with contextlib.ExitStack() as stack:
                addresses = stack.enter_context(hosts(f"{seed}:peers:{mode}", INSTANT, ("openai",)))
                setup = {"hosts": addresses, "options": {}}
                contender = enter(stack, name, setup, *needs, program="chaos_turns.py")
                if contender is None:
                    break
                try:
                    told = contender.ask({"mode": mode, "calls": calls + WARM_UP})["calls"][WARM_UP:]
                except Unavailable as error:
                    print(f"left out {error}", file=sys.stderr)
                    break
                found[f"{name}, {mode}"] = {**summed(told), "versions": contender.versions}
    return found


def main() -> None:
    """Measure and print."""
    parser = options(__doc__, rounds=1, calls=1000)
    parser.add_argument("--seed", default="5", help="makes the same requests fail again (default 5)")
    parser.add_argument("--slow-calls", type=int, default=40, help="calls of each kind among slow hosts (default 40)")
    parser.add_argument("--no-peers", action="store_true", help="leave the others out")
    wanted = parser.parse_args()
    sound = ours(wanted.seed, INSTANT, max(1, wanted.calls // 4), rate=0.0)
    show(f"{HOSTS} sound hosts: what this machine adds by itself now", sound)
    instant = ours(wanted.seed, INSTANT, wanted.calls)
    show(f"{HOSTS} hosts, {RATE:.0%} of all requests fail at once (seed {wanted.seed})", instant)
    slow = ours(wanted.seed, SLOW, wanted.slow_calls, warm_up=0, timeout=TIMEOUT_S, first_byte_timeout=FIRST_BYTE_S,
                stall_timeout=FIRST_BYTE_S)  # fmt: skip
    show(f"with hosts that say nothing, or stop; {TIMEOUT_S:g} s a call, {FIRST_BYTE_S:g} s for a first byte", slow)
    peers = {} if wanted.no_peers else beside(wanted.seed, wanted.calls)
    if peers:
        show(f"{HOSTS} hosts of one dialect, the same faults", peers)
    verdicts = [
        verdict(f"{mode}: not answered while a host is up", [100 - row["share"]], 100 - LEAST_ANSWERED, "%")
        for mode, row in instant.items()
    ]
    verdicts += [
        verdict(f"{mode}: added, p99", [row["added_p99_ms"]], MOST_ADDED_MS, "ms") for mode, row in instant.items()
    ]
    verdicts += [verdict(f"{mode}: longest call among slow hosts", [row["longest_s"]], TIMEOUT_S + GRACE_S, "s")
                 for mode, row in slow.items()]  # fmt: skip
    write_json(wanted.json, {"seed": wanted.seed, "sound": sound, "instant": instant, "slow": slow, "peers": peers,
                             "verdicts": verdicts})  # fmt: skip


if __name__ == "__main__":
    main()
