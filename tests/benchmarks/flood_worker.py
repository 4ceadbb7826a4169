"""One process of `ledger_flood.py`: many threads that call flat out against one shared state.

    flood_worker.py WHOSE STATE JOURNAL

Each thread admits a call, pretends to make it and books it, until it is refused for good. Every step is one byte in
the journal (`a` admitted, `s` booked with its tokens behind), written after the step and before the next: a process
that is killed leaves behind what it did. The same worker drives a peer's own store, in the peer's own environment.
"""

import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

REQUESTS, TOKENS = 1_000, 100_000
ESTIMATE, LEAST, MOST = 100, 60, 100
"""A call reserves the most that it may use; how much it does use is drawn."""

THREADS = 50
LEASE_S = 3.0
PATIENCE_S = 2 * LEASE_S
"""How long a thread asks again: what others only reserved, or held when they were killed, comes back by then."""

Admit = Callable[[], Callable[[int], None] | None]
"""Admits one call and returns what books it; None when it is refused."""


def ours(state: str) -> Admit:
    """The ledger, with both limits."""
    from openmux_lc.ledger.ledger import Ledger
    from openmux_lc.types.catalog import Limit, Route, Window
    from openmux_lc.types.run import Attempt, Usage
    from openmux_lc.types.state import Refusal

    day = Window(kind="calendar_day", zone="UTC")
    limits = (
        Limit(unit="requests", amount=REQUESTS, window=day, scope="account"),
        Limit(unit="tokens", amount=TOKENS, window=day, scope="key_model"),
    )
    route = Route("cloud", "big")
    ledger = Ledger.open(f"sqlite:///{state}", lease_s=LEASE_S, wait_s=30.0)

    def admit() -> Callable[[int], None] | None:
        reply = ledger.reserve(route, limits, {"tokens": ESTIMATE})
        if isinstance(reply, Refusal):
            return None
        return lambda used: ledger.settle(reply, Attempt(route=route, usage=Usage(total_tokens=used)))

    return admit


def freellmpool(state: str) -> Admit:
    """The peer's published counter: asked before a call, told after it; it knows requests only."""
    from pathlib import Path

    from freellmpool.quota import QuotaStore

    store = QuotaStore(Path(state))

    def admit() -> Callable[[int], None] | None:
        if store.over_budget("cloud", "big", REQUESTS):
            return None
        return lambda _used: store.record("cloud", "big")

    return admit


def main(whose: str, state: str, journal: str) -> None:
    """Flood until refused, with a journal."""
    admit = {"ours": ours, "freellmpool": freellmpool}[whose](state)
    lines = os.open(journal, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    times: list[float] = []

    @contextmanager
    def timed() -> Iterator[None]:
        began = time.perf_counter()
        yield
        times.append(time.perf_counter() - began)

    def work(seed: int) -> None:
        draw = random.Random(seed)
        ends_at = time.monotonic() + PATIENCE_S
        while time.monotonic() < ends_at:
            with timed():
                book = admit()
            if book is None:
                time.sleep(draw.uniform(0.02, 0.06))
                continue
            os.write(lines, b"a")
            used = draw.randint(LEAST, MOST)
            with timed():
                book(used)
            os.write(lines, b"s%03d" % used)
            ends_at = time.monotonic() + PATIENCE_S

    threads = [threading.Thread(target=work, args=(os.getpid() * THREADS + number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(*[f"{1000 * each:.3f}" for each in times])


if __name__ == "__main__":
    main(*sys.argv[1:])
