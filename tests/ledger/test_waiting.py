"""Waiting for others: async code never blocks its loop, what waits is written soon, threads end."""

import asyncio
import gc
import sqlite3
import threading
import time

import pytest

from openmux_lc.ledger.batch import Batch, Flusher, LoggedRun
from openmux_lc.ledger.stats import Sample, Stats
from openmux_lc.ledger.store import to_path
from openmux_lc.types.run import Attempt
from openmux_lc.types.state import Refusal, Reservation
from tests.patience import LATE_S

NOON = 1_781_265_600.0
SAMPLE = Sample(NOON, is_success=True, is_failure=False)


@pytest.fixture
def blocker(sqlite_url, open_ledger):
    """Another process's connection, as far as SQLite can tell."""
    open_ledger(sqlite_url)
    connection = sqlite3.connect(to_path(sqlite_url), isolation_level=None, check_same_thread=False)
    yield connection
    connection.close()


async def test_the_async_twins_do_the_same(ledger, route, per_minute):
    """Parity: reserve = areserve, settle = asettle."""
    replies = [await ledger.areserve(route, (per_minute,), {}) for _ in range(4)]

    await ledger.asettle(replies[0], Attempt(route=route))
    await ledger.asettle(replies[0], Attempt(route=route))

    assert [Reservation] * 3 + [Refusal] == [type(reply) for reply in replies]
    assert 1.0 == ledger.snapshot().routes[route].successes


async def test_many_tasks_admit_exactly_the_limit(ledger, route, per_minute):
    """Fifty at a time."""
    replies = await asyncio.gather(*[ledger.areserve(route, (per_minute,), {}) for _ in range(50)])
    held = [reply for reply in replies if isinstance(reply, Reservation)]

    await asyncio.gather(*[ledger.asettle(reply, Attempt(route=route)) for reply in held])

    assert 3 == len(held)
    assert 3.0 == ledger.snapshot().routes[route].successes


async def test_the_loop_runs_on_while_another_process_writes(open_ledger, sqlite_url, blocker, route, per_minute):
    """DESIGN 8: async code never blocks its loop on the ledger."""
    ledger = open_ledger(sqlite_url)
    held = ledger.reserve(route, (per_minute,), {})
    blocker.execute("BEGIN IMMEDIATE")

    waiting = [
        asyncio.ensure_future(ledger.areserve(route, (per_minute,), {})),
        asyncio.ensure_future(ledger.asettle(held, Attempt(route=route))),
    ]
    longest_s = 0.0
    for _ in range(50):
        began = time.perf_counter()
        await asyncio.sleep(0)
        ledger.snapshot()
        longest_s = max(longest_s, time.perf_counter() - began)
    were_done = [task.done() for task in waiting]
    blocker.execute("COMMIT")
    reply, _ = await asyncio.gather(*waiting)

    assert [False, False] == were_done
    assert longest_s < LATE_S / 2
    assert isinstance(reply, Reservation)
    assert 1.0 == ledger.snapshot().routes[route].successes


async def test_a_caller_who_is_cancelled_while_waiting_leaves_nothing_reserved(
    open_ledger, sqlite_url, blocker, route, per_minute
):
    """The thread that waits for it gives it back."""
    ledger = open_ledger(sqlite_url)
    blocker.execute("BEGIN IMMEDIATE")
    waiting = asyncio.ensure_future(ledger.areserve(route, (per_minute,), {}))
    await asyncio.sleep(0)

    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    blocker.execute("COMMIT")
    await asyncio.get_running_loop().shutdown_default_executor()

    assert 3 == sum(isinstance(ledger.reserve(route, (per_minute,), {}), Reservation) for _ in range(4))


async def test_a_settlement_ends_although_its_task_is_cancelled(open_ledger, sqlite_url, blocker, route, per_minute):
    """Losers of a race are cancelled; what they used is charged."""
    ledger = open_ledger(sqlite_url)
    held = ledger.reserve(route, (per_minute,), {})
    blocker.execute("BEGIN IMMEDIATE")
    waiting = asyncio.ensure_future(ledger.asettle(held, Attempt(route=route)))
    await asyncio.sleep(0)

    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    blocker.execute("COMMIT")
    await asyncio.get_running_loop().shutdown_default_executor()

    assert 1.0 == ledger.snapshot().routes[route].successes


def test_a_snapshot_never_waits(open_ledger, sqlite_url, blocker, route):
    """Not even for a writer that hangs."""
    ledger = open_ledger(sqlite_url)
    ledger.settle(ledger.reserve(route, (), {}), Attempt(route=route))
    blocker.execute("BEGIN IMMEDIATE")

    began = time.perf_counter()
    routes = ledger.snapshot().routes
    blocker.execute("COMMIT")

    assert {route} == set(routes)
    assert time.perf_counter() - began < LATE_S / 2


def test_statistics_and_reports_are_written_within_a_second_or_so(open_ledger, sqlite_url, route):
    """Without anybody's help: a second process sees them."""
    one, two = open_ledger(sqlite_url), open_ledger(sqlite_url)
    one.settle(one.reserve(route, (), {}), Attempt(route=route))
    one.run_log.add({"run_id": "one"})

    deadline = time.monotonic() + 20
    while two.run_log.find("one") is None and time.monotonic() < deadline:
        threading.Event().wait(0.02)

    assert {"run_id": "one"} == two.run_log.find("one")


def test_many_writes_are_gathered(route):
    """32 at once, not one by one."""
    batch = Batch()
    for _ in range(31):
        batch.add_sample(str(route), SAMPLE)
    before = batch.is_full

    batch.add_run(LoggedRun("one", NOON, {}))

    assert (False, True, 32) == (before, batch.is_full, len(batch))


def test_what_could_not_be_written_waits_in_its_order(route):
    """The store was busy: the next flush writes it first."""
    batch = Batch()
    for number in range(3):
        batch.add_run(LoggedRun(str(number), NOON, {}))
    pending = batch.take()
    batch.add_run(LoggedRun("3", NOON, {}))

    batch.give_back(pending)

    assert ["0", "1", "2", "3"] == [run.id for run in batch.take().runs]
    assert 0 == len(batch)


def test_a_batch_that_cannot_be_written_is_bounded(route):
    """The newest stay."""
    batch = Batch()
    for number in range(1_200):
        batch.add_run(LoggedRun(str(number), NOON, {}))
    pending = batch.take()
    batch.add_run(LoggedRun("newest", NOON, {}))

    batch.give_back(pending)

    runs = batch.take().runs
    assert 1_000 == len(runs)
    assert ["201", "newest"] == [runs[0].id, runs[-1].id]


def test_waiting_samples_are_added_to_rows_that_were_read(route):
    """A process sees its own calls at once."""
    batch = Batch()
    batch.add_sample("cloud:big", SAMPLE)
    batch.add_sample("cloud:other", SAMPLE)

    assert {"cloud:big": Stats(at=NOON, successes=1.0)} == batch.folded({"cloud:big": Stats()})


class Writer:
    """Counts how often it was asked to write."""

    def __init__(self, *, has_work: bool = True) -> None:
        self.flushed = threading.Semaphore(0)
        self.has_work = has_work

    @property
    def waiting(self) -> int:
        """Nothing."""
        return 0

    def flush(self) -> bool:
        """Count."""
        self.flushed.release()
        return self.has_work


def test_the_thread_ends_with_its_ledger():
    """It does not keep alive what nobody uses any more."""
    writer = Writer()
    flusher = Flusher(writer)
    others = set(threading.enumerate())
    flusher.wake(at_once=True)
    assert writer.flushed.acquire(timeout=20)
    (thread,) = set(threading.enumerate()) - others

    del writer
    gc.collect()
    flusher.wake(at_once=True)

    thread.join(timeout=20)
    assert not thread.is_alive()


def test_the_thread_ends_when_there_has_been_nothing_to_write_for_a_while():
    """An idle program keeps no thread of ours; the next write starts another."""
    writer = Writer(has_work=False)
    flusher = Flusher(writer)
    others = set(threading.enumerate())
    flusher.wake(at_once=True)
    (thread,) = set(threading.enumerate()) - others
    for _ in range(29):
        assert writer.flushed.acquire(timeout=20)
        flusher.wake(at_once=True)
    thread.join(timeout=20)
    was_alive = thread.is_alive()

    flusher.wake(at_once=True)

    assert not was_alive
    assert writer.flushed.acquire(timeout=20)
    assert writer.flushed.acquire(timeout=20)
    flusher.stop()


def test_a_stopped_flusher_starts_no_thread():
    """After closing."""
    writer = Writer()
    flusher = Flusher(writer)
    flusher.stop()

    flusher.wake(at_once=True)

    assert not writer.flushed.acquire(blocking=False)


def test_threads_of_one_process_admit_exactly_the_limit(ledger, route, per_minute):
    """One connection, one lock."""
    admitted: list[Reservation] = []

    def call():
        for _ in range(5):
            reply = ledger.reserve(route, (per_minute,), {})
            if isinstance(reply, Reservation):
                admitted.append(reply)
                ledger.settle(reply, Attempt(route=route))

    threads = [threading.Thread(target=call) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 3 == len(admitted)
    assert 3.0 == ledger.snapshot().routes[route].successes
