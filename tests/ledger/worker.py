"""A process of its own for the ledger's tests: `worker.py MODE URL [NUMBER]` prints JSON lines."""

import json
import os
import random
import signal
import sys
import threading

from openmux_lc.ledger.ledger import Ledger
from openmux_lc.ledger.store import Page
from openmux_lc.ledger.upkeep import Written
from openmux_lc.types.catalog import Limit, Route, Window
from openmux_lc.types.run import Attempt, Usage
from openmux_lc.types.state import Reservation

ROUTE = Route("cloud", "big")
DAY = Window(kind="calendar_day", zone="America/Los_Angeles")
NOON = 1_781_265_600.0


def limits(requests: int) -> tuple[Limit, ...]:
    """A daily limit of requests, and one of a hundred tokens for each."""
    return (
        Limit(unit="requests", amount=requests, window=DAY, scope="account"),
        Limit(unit="tokens", amount=requests * 100, window=DAY, scope="key_model"),
    )


def tell(**fields: object) -> None:
    """Print one line for the test."""
    print(json.dumps(fields), flush=True)


def hammer(ledger: Ledger, requests: int) -> None:
    """Call from four threads, flat out, until the day is used up; tell how often."""
    made: list[int] = []
    seed = random.Random(os.getpid())

    def call() -> None:
        while True:
            reply = ledger.reserve(ROUTE, limits(requests), {"tokens": 100})
            if not isinstance(reply, Reservation):
                return
            made.append(1)
            used = seed.choice([100, 100, 20])
            ledger.settle(reply, Attempt(route=ROUTE, usage=Usage(total_tokens=used)))

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tell(made=len(made))


def hold(ledger: Ledger, requests: int) -> None:
    """Reserve half of the day, settle nothing, and wait to be killed."""
    held = [ledger.reserve(ROUTE, limits(requests), {"tokens": 100}) for _ in range(requests // 2)]
    tell(held=sum(isinstance(reply, Reservation) for reply in held))
    signal.pause()


def endless(ledger: Ledger, requests: int) -> None:
    """Reserve and settle with nothing used until killed."""
    for number in range(10**9):
        reply = ledger.reserve(ROUTE, limits(requests), {"tokens": 100})
        if isinstance(reply, Reservation):
            ledger.release(reply)
        if number == 50:
            tell(running=True)


def leave(ledger: Ledger, _: int) -> None:
    """Settle and log, and end without closing."""
    ledger.settle(ledger.reserve(ROUTE, (), {}), Attempt(route=ROUTE))
    ledger.run_log.add({"run_id": "the last"})


def fork(ledger: Ledger, requests: int) -> None:
    """Use the ledger before a fork, and on both sides of it, while another thread writes."""
    inherited = ledger.reserve(ROUTE, limits(requests), {"tokens": 100})
    before = ledger.reserve(ROUTE, (), {})
    ledger.settle(before, Attempt(route=ROUTE))  # waits in the parent's batch
    stopped = threading.Event()

    def write() -> None:
        while not stopped.is_set():
            reply = ledger.reserve(ROUTE, limits(requests), {"tokens": 100})
            if isinstance(reply, Reservation):
                ledger.release(reply)

    writer = threading.Thread(target=write)
    writer.start()
    children = [_fork_one(ledger, inherited, requests) for _ in range(5)]
    statuses = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    stopped.set()
    writer.join()
    ledger.settle(inherited, Attempt(route=ROUTE, usage=Usage(total_tokens=100)))
    ledger.close()
    tell(statuses=statuses)


def fork_inside(ledger: Ledger, requests: int) -> None:
    """Fork while another thread is in the middle of a transaction."""
    books = ledger._books
    books.wait_s = 0.05
    inside, over = threading.Event(), threading.Event()

    def change(page: Page) -> Written[None]:
        inside.set()
        over.wait(20)
        return Written(None)

    writer = threading.Thread(target=books.transact, args=(change,))
    writer.start()
    inside.wait(20)
    child = os.fork()
    if child == 0:
        reply = ledger.reserve(ROUTE, limits(requests), {"tokens": 100})
        ledger.settle(reply, Attempt(route=ROUTE))
        os._exit(0 if ledger.snapshot().routes[ROUTE].successes else 1)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    over.set()
    writer.join()
    tell(status=status, goes_on=isinstance(ledger.reserve(ROUTE, limits(requests), {}), Reservation))


def try_it(ledger: Ledger, _: int) -> None:
    """Ask for a call to a route whose breaker is half-open, as one of several that may be asked."""
    reply = ledger.reserve(ROUTE, (), {}, gives_way=True)
    tell(is_trial=isinstance(reply, Reservation) and reply.is_trial, is_admitted=isinstance(reply, Reservation))


def _fork_one(ledger: Ledger, inherited: Reservation, requests: int) -> int:
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        reply = ledger.reserve(ROUTE, limits(requests), {"tokens": 100})
        ledger.settle(reply, Attempt(route=ROUTE, usage=Usage(total_tokens=100)))
        ledger.settle(inherited, Attempt(route=ROUTE, usage=Usage(total_tokens=100)))
        ledger.snapshot()
        ledger.close()
        status = 0
    finally:
        os._exit(status)


if __name__ == "__main__":
    mode, url, number = sys.argv[1:]
    modes = {
        "hammer": hammer,
        "hold": hold,
        "endless": endless,
        "leave": leave,
        "fork": fork,
        "fork_inside": fork_inside,
        "try_it": try_it,
    }
    modes[mode](Ledger.open(url, clock=lambda: NOON), int(number))
