"""Prints what ten thousand calls leave behind: memory, event loops, and streams that nobody read to their end.

    python tests/benchmarks/soak.py [--calls 10000] [--streams 100] [--seed 5] [--json FILE]

One process, one pool over hosts of a process of their own, state in SQLite. A third of
the calls each is whole, streamed and asynchronous; a fifth of all requests fails, so that
failover, pauses and reports are among it. Memory is the resident set after a collection,
its growth counted from a tenth of the calls on. Then two event loops in sequence, a
synchronous call inside a running one, and streams that are left after their first words:
no connection may stay open and nothing reserved, at once in tasks, and in threads within
the first-byte timeout.
"""

import asyncio
import ctypes
import gc
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from chaos_pool import DIALECTS, INSTANT, hosts
from harness import options, table, verdict, write_json
from ours import HostsPlayer

from openmux_lc import Mux
from openmux_lc.errors import OpenMuxError
from openmux_lc.testing import Answer, FakeUpstream

MOST_GROWTH_MB = 20.0
FIRST_BYTE_S = 5.0
AT_ONCE_S = 0.25
_LONG = Answer(text="word " * 500, per_chunk_s=0.1)
_LIMITED = 1_000_000


def resident_mb() -> float:
    """Return what the process holds in memory now, what the allocator could give back given back."""
    gc.collect()
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    import resource  # no other system tells more than the peak

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def memory(seed: str, calls: int, folder: Path) -> dict[str, object]:
    """Return the memory before, on the way and after so many calls."""
    with hosts(seed, INSTANT, DIALECTS, rate=0.2) as addresses:
        pool = HostsPlayer(addresses, state_url=f"sqlite:///{folder / 'soak.db'}")
        marks: list[tuple[int, float]] = []
        failed = 0
        with asyncio.Runner() as runner:
            ways: tuple[Callable[[], object], ...] = (
                pool.player.call,
                lambda: list(pool.player.stream()),
                lambda: runner.run(pool.player.acall()),
            )
            for number in range(calls):
                if number % max(1, calls // 10) == 0:
                    marks.append((number, resident_mb()))
                try:
                    ways[number % len(ways)]()
                except OpenMuxError:
                    failed += 1
            marks.append((calls, resident_mb()))
            runner.run(pool.mux.aclose())
    return {"marks": marks, "failed": failed, "growth_mb": marks[-1][1] - marks[1][1]}


def loops() -> dict[str, bool]:
    """Return whether loops in sequence, and a synchronous call inside a running one, get their answers."""
    with FakeUpstream(Answer("yes")) as host:
        pool = HostsPlayer([("openai", host.base_url)])

        async def inside() -> str:
            return pool.player.call() + await pool.player.acall()

        found = {
            "asyncio.run twice": asyncio.run(pool.player.acall()) == asyncio.run(pool.player.acall()) == "yes",
            "sync inside a running loop": asyncio.run(inside()) == "yesyes",
            "sync in a thread beside it": asyncio.run(_in_a_thread(pool)) == "yes",
        }
        found["no connection left"] = host.wait_for_connections(1, timeout_s=5.0)  # the threads' one, kept alive
        pool.mux.close()
        return found


async def _in_a_thread(pool: HostsPlayer) -> str:
    return await asyncio.to_thread(pool.player.call)


def reserved(mux: Mux) -> int:
    """Return how much quota is reserved and not settled."""
    return sum(row.pending for row in mux.ledger._books.mirror.counters.values())


def left_streams(count: int) -> dict[str, dict[str, float]]:
    """Return, for tasks and threads, how long connections and reservations outlast their readers."""
    with FakeUpstream(_LONG) as host:
        found = {}
        for kind, leave in (("tasks, closed", _leave_tasks), ("tasks, cancelled", _cancel_tasks),
                            ("threads, closed", _leave_threads)):  # fmt: skip
            pool = HostsPlayer([("openai", host.base_url)], limit=_LIMITED, first_byte_timeout=FIRST_BYTE_S)
            found[kind] = leave(pool, host, count)
            pool.mux.close()
            host.wait_for_connections(0)
        return found


def _after(pool: HostsPlayer, host: FakeUpstream, began: float, bound_s: float) -> dict[str, float]:
    """Return when the last connection was closed, and what is left."""
    is_closed = host.wait_for_connections(0, timeout_s=bound_s)
    return {
        "closed_s": time.monotonic() - began if is_closed else float("inf"),
        "open": host.connections_open,
        "reserved": reserved(pool.mux),
    }


def _leave_tasks(pool: HostsPlayer, host: FakeUpstream, count: int) -> dict[str, float]:
    async def leave() -> None:
        stream = pool.model.astream("hello")
        await anext(stream)
        await stream.aclose()

    async def all_of_them() -> dict[str, float]:
        await asyncio.gather(*(leave() for _ in range(count)))
        return await asyncio.to_thread(_after, pool, host, time.monotonic(), 5.0)

    return asyncio.run(all_of_them())


def _cancel_tasks(pool: HostsPlayer, host: FakeUpstream, count: int) -> dict[str, float]:
    async def read(started: asyncio.Semaphore) -> None:
        async for _ in pool.model.astream("hello"):
            started.release()

    async def all_of_them() -> dict[str, float]:
        started = asyncio.Semaphore(0)
        tasks = [asyncio.ensure_future(read(started)) for _ in range(count)]
        for _ in range(count):
            await started.acquire()
        began = time.monotonic()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return await asyncio.to_thread(_after, pool, host, began, 5.0)

    return asyncio.run(all_of_them())


def _leave_threads(pool: HostsPlayer, host: FakeUpstream, count: int) -> dict[str, float]:
    def leave() -> None:
        stream = pool.model.stream("hello")
        next(stream)
        stream.close()

    threads = [threading.Thread(target=leave) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return _after(pool, host, time.monotonic(), FIRST_BYTE_S + 5.0)


def main() -> None:
    """Measure and print."""
    parser = options(__doc__, rounds=1, calls=10_000)
    parser.add_argument("--streams", type=int, default=100, help="streams that are left (default 100)")
    parser.add_argument("--seed", default="5", help="makes the same requests fail again (default 5)")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        kept = memory(wanted.seed, wanted.calls, Path(folder))
    table("memory", ["after calls", "MB"], [[f"{number:,}", mb] for number, mb in kept["marks"]])
    found = loops()
    table("event loops", ["", "works"], [[name, "yes" if works else "NO"] for name, works in found.items()])
    streams = left_streams(wanted.streams)
    table(
        f"{wanted.streams} streams that nobody reads to their end",
        ["", "closed after s", "connections left", "reserved"],
        [[kind, row["closed_s"], str(row["open"]), str(row["reserved"])] for kind, row in streams.items()],
    )
    verdicts = [verdict("memory growth", [kept["growth_mb"]], MOST_GROWTH_MB, "MB")]
    verdicts.append(verdict("what does not work with loops", [float(sum(not works for works in found.values()))], 0.0))
    for kind, row in streams.items():
        bound_s = FIRST_BYTE_S if kind.startswith("threads") else AT_ONCE_S
        verdicts.append(verdict(f"{kind}: closed after", [row["closed_s"]], bound_s, "s"))
        verdicts.append(verdict(f"{kind}: left open or reserved", [float(row["open"] + row["reserved"])], 0.0))
    write_json(wanted.json, {"seed": wanted.seed, "memory": kept, "loops": found, "streams": streams,
                             "verdicts": verdicts})  # fmt: skip


if __name__ == "__main__":
    main()
