"""Prints what a reservation and its settlement cost, beside SQLite's own transaction.

    python tests/benchmarks/ledger_cost.py [--rounds 5] [--calls 2000] [--load-s 5] [--json FILE]

Contenders take turns in one process; each figure is the median over the rounds of the
turn's p50 (or p99). A call has two limits: requests a day for the account, tokens a
minute for the model. Then 8 processes of 50 threads offer 200 calls a second to one file.
"""

import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from harness import options, table, verdict, write_json

from openmux_lc.ledger.ledger import Ledger
from openmux_lc.types.catalog import Limit, Route, Window
from openmux_lc.types.run import Attempt, Usage
from openmux_lc.types.state import Reservation

ROUTE = Route("cloud", "big")
LIMITS = (
    Limit(unit="requests", amount=10**9, window=Window(kind="calendar_day", zone="UTC"), scope="account"),
    Limit(unit="tokens", amount=10**9, window=Window(kind="rolling", seconds=60), scope="key_model"),
)
ATTEMPT = Attempt(route=ROUTE, elapsed_s=1.0, first_token_s=0.2, usage=Usage(output_tokens=60, total_tokens=100))
KNOWN_ROUTES = 400
PROCESSES, THREADS, CALLS_PER_S = 8, 50, 200


def percentile(times: list[float], share: float) -> float:
    """The time in milliseconds below which that share of calls lies."""
    return 1000 * sorted(times)[min(len(times) - 1, int(share * len(times)))]


def measure(call: Callable[[], object], calls: int) -> list[float]:
    """Seconds of each call."""
    times = []
    for _ in range(calls):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return times


def bare_sqlite(folder: Path) -> Callable[[], None]:
    """Two transactions that write one row each, and nothing else: the floor."""
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("CREATE TABLE row (name TEXT PRIMARY KEY, body TEXT) WITHOUT ROWID")

    def call() -> None:
        for _ in range(2):
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT OR REPLACE INTO row VALUES ('a', ?)", (random.random(),))
            connection.execute("COMMIT")

    return call


def pair(ledger: Ledger, limits: tuple[Limit, ...]) -> Callable[[], None]:
    """Reserve and settle."""

    def call() -> None:
        ledger.settle(ledger.reserve(ROUTE, limits, {"tokens": 150}), ATTEMPT)

    return call


def whole(ledger: Ledger) -> Callable[[], None]:
    """What one routed call does: look, reserve, settle."""
    both = pair(ledger, LIMITS)

    def call() -> None:
        ledger.snapshot()
        both()

    return call


def known(ledger: Ledger) -> Ledger:
    """The ledger after it has met as many routes as a full pool has."""
    for number in range(KNOWN_ROUTES):
        route = Route(f"host{number % 30}", f"model-{number}")
        ledger.settle(ledger.reserve(route, LIMITS, {}), Attempt(route=route))
    return ledger


def load(url: str, seconds: float) -> None:
    """Offer this process's share of the calls and print the milliseconds of each."""
    ledger, times = Ledger.open(url), []
    ends_at = time.perf_counter() + seconds
    pause_s = PROCESSES * THREADS / CALLS_PER_S

    def work() -> None:
        while True:
            time.sleep(random.expovariate(1 / pause_s))
            began = time.perf_counter()
            if began > ends_at:
                return
            reply = ledger.reserve(ROUTE, LIMITS, {"tokens": 150})
            if isinstance(reply, Reservation):
                ledger.settle(reply, ATTEMPT)
            times.append(time.perf_counter() - began)

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ledger.close()
    print(*[f"{1000 * each:.4f}" for each in times])


def under_load(folder: Path, seconds: float) -> list[float]:
    """Seconds of each call of all processes."""
    command = [sys.executable, __file__, "--worker", f"sqlite:///{folder / 'load.db'}", str(seconds)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(PROCESSES)]
    outputs = [process.communicate()[0] for process in running]
    return [float(each) / 1000 for output in outputs for each in output.split()]


def main() -> None:
    """Measure and print."""
    parser = options(__doc__ or "", rounds=5, calls=2_000)
    parser.add_argument("--load-s", type=float, default=5.0, help="seconds of offered load (default 5)")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        on_file = known(Ledger.open(f"sqlite:///{folder / 'state' / 'state.db'}"))
        in_memory = known(Ledger.open("memory:"))
        contenders = {
            "bare sqlite3, two transactions of one row": bare_sqlite(folder),
            "reserve + settle, SQLite, 2 limits": pair(on_file, LIMITS),
            "reserve + settle, memory, 2 limits": pair(in_memory, LIMITS),
            "reserve + settle, SQLite, no limits": pair(on_file, ()),
            "snapshot, SQLite, nothing changed": on_file.snapshot,
            "snapshot + reserve + settle, SQLite": whole(on_file),
        }
        p50: dict[str, list[float]] = {name: [] for name in contenders}
        p99: dict[str, list[float]] = {name: [] for name in contenders}
        for _ in range(wanted.rounds):
            for name, call in contenders.items():
                times = measure(call, wanted.calls)
                p50[name].append(percentile(times, 0.5))
                p99[name].append(percentile(times, 0.99))
        offered = under_load(folder, wanted.load_s)
        on_file.close()
        in_memory.close()

    rows = [[name, 1000 * median(p50[name]), 1000 * median(p99[name])] for name in contenders]
    title = f"{PROCESSES} processes of {THREADS} threads, {len(offered) / wanted.load_s:.0f} calls/s offered, one file"
    rows.append([title, 1000 * percentile(offered, 0.5), 1000 * percentile(offered, 0.99)])
    table(f"Cost of the ledger ({KNOWN_ROUTES} routes known)", ["call", "p50 us", "p99 us"], rows)
    floor, ours, memory, _, snapshot, _ = [p50[name] for name in contenders]
    ratio = median(mine / bare for mine, bare in zip(ours, floor, strict=True))
    print(f"\nreserve + settle is {ratio:.1f} times SQLite's own two transactions")
    aims = [
        verdict("reserve + settle, SQLite, p50", ours, 0.2, "ms"),
        verdict("reserve + settle, memory, p50", [1000 * each for each in memory], 10, "us"),
        verdict("snapshot, nothing changed, p50", [1000 * each for each in snapshot], 30, "us"),
        verdict("offered load, reserve + settle, p50", [percentile(offered, 0.5)], 0.4, "ms"),
        verdict("offered load, reserve + settle, p99", [percentile(offered, 0.99)], 50, "ms"),
    ]
    write_json(wanted.json, {"rows": rows, "aims": aims})


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        load(sys.argv[2], float(sys.argv[3]))
    else:
        main()
