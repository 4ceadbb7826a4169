"""Prints what a flood of callers gets out of one day's quota: never more, hardly less, also when one is killed.

    python tests/benchmarks/ledger_flood.py [--rounds 3] [--no-peer] [--json FILE]

8 processes of 50 threads call flat out against one SQLite state with 1,000 requests and 100,000 tokens a day. In every
round one process is killed with SIGKILL in the middle; its reservations come back when their lease ends. Beside it the
same flood over freellmpool's published counter. Then one event loop books calls while another process holds the
file's write lock for long stretches: how late the loop's own timer ever is.
"""

import argparse
import asyncio
import multiprocessing
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from flood_worker import REQUESTS, THREADS, TOKENS
from harness import Unavailable, environment, table, verdict, write_json
from ledger_cost import ATTEMPT, LIMITS, ROUTE, percentile

from openmux_lc.ledger.ledger import Ledger
from openmux_lc.types.state import Reservation

PROCESSES = 8
WORKER = Path(__file__).with_name("flood_worker.py")
PEER = "freellmpool==0.13.0"
HELD_S, FREE_S, ASYNC_S = 0.2, 0.02, 4.0


@dataclass(frozen=True, kw_only=True)
class Flood:
    """What one flood came to.

    Args:
        admitted: Calls that were let through.
        booked: Those of them that were booked before their process ended.
        tokens: What the booked ones used.
        killed: Whether a process was killed while it held reservations.
        times: Milliseconds of each step of the processes that ended by themselves.
    """

    admitted: int
    booked: int
    tokens: int
    killed: bool
    times: list[float]
    seconds: float

    @property
    def over(self) -> int:
        """Calls, or calls' worth of tokens, beyond the day's limit."""
        return max(0, self.booked - REQUESTS, (self.tokens - TOKENS + 99) // 100)

    @property
    def unused(self) -> float:
        """Share of the limit that came first which nobody got to use."""
        return max(0.0, 1 - max(self.booked / REQUESTS, self.tokens / TOKENS))


def read_journal(path: Path) -> tuple[int, int, int]:
    """Return admitted and booked calls, and the tokens of the booked ones."""
    text = path.read_text(encoding="ascii") if path.is_file() else ""
    parts = text.replace("a", " a ").replace("s", " s").split()
    booked = [int(part[1:]) for part in parts if part.startswith("s") and len(part) == 4]
    return parts.count("a"), len(booked), sum(booked)


def flood(whose: str, python: Path, folder: Path, *, kills: bool) -> Flood:
    """Run all processes on a fresh state; kill one of them when a third of the day is used."""
    state = folder / "state.db"
    journals = [folder / f"journal-{number}" for number in range(PROCESSES)]
    began = time.perf_counter()
    running = [
        subprocess.Popen([python, WORKER, whose, state, journal], stdout=subprocess.PIPE, text=True)
        for journal in journals
    ]
    killed = False
    while kills and any(process.poll() is None for process in running):
        if sum(read_journal(journal)[0] for journal in journals) > REQUESTS // 3:
            running[0].send_signal(signal.SIGKILL)
            running[0].wait()
            admitted, booked, _ = read_journal(journals[0])
            killed = admitted > booked
            break
        time.sleep(0.001)
    outputs = [process.communicate()[0] for process in running]
    seconds = time.perf_counter() - began
    if any(process.returncode for process in running[1:]):
        raise SystemExit(f"a process of the flood over {whose} failed")
    counts = [read_journal(journal) for journal in journals]
    return Flood(
        admitted=sum(each[0] for each in counts),
        booked=sum(each[1] for each in counts),
        tokens=sum(each[2] for each in counts),
        killed=killed,
        times=[float(each) for output in outputs for each in output.split()],
        seconds=seconds,
    )


def hold_the_file(path: Path, seconds: float) -> None:
    """Keep the write lock for long stretches, as a process under load would."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=30)
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        connection.execute("BEGIN IMMEDIATE")
        time.sleep(HELD_S)
        connection.execute("COMMIT")
        time.sleep(FREE_S)
    connection.close()


async def beside_a_holder(ledger: Ledger, seconds: float) -> tuple[list[float], int]:
    """Return how late a timer of the loop was (seconds each) while 20 tasks booked calls, and how many calls."""
    late: list[float] = []
    calls = 0
    ends_at = time.monotonic() + seconds

    async def book() -> None:
        nonlocal calls
        while time.monotonic() < ends_at:
            reply = await ledger.areserve(ROUTE, LIMITS, {"tokens": 150})
            if isinstance(reply, Reservation):
                await ledger.asettle(reply, ATTEMPT)
            calls += 1
            await asyncio.sleep(0.01)

    async def beat() -> None:
        while time.monotonic() < ends_at:
            began = time.monotonic()
            await asyncio.sleep(0.001)
            late.append(time.monotonic() - began - 0.001)

    await asyncio.gather(beat(), *(book() for _ in range(20)))
    return late, calls


def loop_figures(folder: Path) -> tuple[list[float], int]:
    """Run an event loop beside a process that holds the file."""
    path = folder / "loop.db"
    ledger = Ledger.open(f"sqlite:///{path}")
    holder = multiprocessing.get_context("spawn").Process(target=hold_the_file, args=(path, ASYNC_S))
    holder.start()
    try:
        return asyncio.run(beside_a_holder(ledger, ASYNC_S))
    finally:
        holder.join()
        ledger.close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="floods of each kind (default 3)")
    parser.add_argument("--no-peer", action="store_true", help="leave freellmpool out")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    wanted = parser.parse_args()
    contenders = {"openmux_lc, one killed": ("ours", Path(sys.executable), True)}
    contenders["openmux_lc"] = ("ours", Path(sys.executable), False)
    if not wanted.no_peer:
        try:
            contenders[PEER.replace("==", " ")] = ("freellmpool", environment("freellmpool", PEER), False)
        except Unavailable as error:
            print(f"left out {error}", file=sys.stderr)
    found: dict[str, list[Flood]] = {name: [] for name in contenders}
    for number in range(wanted.rounds):
        for name, (whose, python, kills) in contenders.items():
            with tempfile.TemporaryDirectory() as folder:
                found[name].append(flood(whose, python, Path(folder), kills=kills))
            print(f"round {number + 1}: {name}", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        late, calls = loop_figures(Path(folder))

    rows = [
        [
            name,
            sum(each.booked for each in floods) / len(floods),
            sum(each.tokens for each in floods) / len(floods),
            max(each.over for each in floods),
            f"{max(each.unused for each in floods):.2%}",
            sum(each.killed for each in floods),
            median(percentile([time_ms / 1000 for time_ms in each.times], 0.5) for each in floods),
            median(percentile([time_ms / 1000 for time_ms in each.times], 0.99) for each in floods),
        ]
        for name, floods in found.items()
    ]
    columns = ["state", "calls booked", "tokens", "most over", "most unused", "killed holding", "p50 ms", "p99 ms"]
    table(f"{PROCESSES} processes of {THREADS} threads, {REQUESTS:,} requests and {TOKENS:,} tokens", columns, rows)
    late_rows = [[f"{percentile(late, share):.2f}" for share in (0.5, 0.99, 1.0)] + [calls]]
    title = f"An event loop beside a process that holds the file {HELD_S * 1000:.0f} ms at a time: its timer is late by"
    table(title, ["p50 ms", "p99 ms", "most ms", "calls"], late_rows)
    floods = [each for name in contenders if name.startswith("openmux") for each in found[name]]
    aims = [
        verdict("over-admission, calls", [float(each.over) for each in floods], 0.0),
        verdict("unused share of the day", [each.unused for each in floods], 0.01),
        verdict("the loop's timer, most late", [1000 * max(late)], 1000 * HELD_S / 2, "ms"),
    ]
    write_json(wanted.json, {"rows": rows, "aims": aims, "late_ms": [1000 * max(late)]})


if __name__ == "__main__":
    main()
