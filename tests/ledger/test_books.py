"""Forks and faults that real processes meet too rarely to be tested with them."""

import sqlite3

import pytest

from openmux_lc.ledger.batch import LoggedRun
from openmux_lc.ledger.books import Books, Claim
from openmux_lc.ledger.runs import unpack
from openmux_lc.ledger.stats import Sample
from openmux_lc.ledger.store import StoreBusyError, to_path
from openmux_lc.ledger.upkeep import Written

NOON = 1_781_265_600.0
SAMPLE = Sample(NOON, is_success=True, is_failure=False)


@pytest.fixture
def books(sqlite_url):
    """Books on a file, that wait a moment only."""
    opened = Books(sqlite_url, lambda: NOON, wait_s=0.05)
    yield opened
    opened.close()


def count(books):
    """A change that does nothing."""
    return books.transact(lambda page: Written(len(page.stats.all())))


def test_after_a_fork_the_parent_goes_on(books):
    """The connection was closed for the fork and comes back by itself."""
    books.add_sample("cloud:big", SAMPLE)

    books.before_fork()
    books.after_fork_in_parent()

    assert books.flush()
    assert 1 == count(books)


def test_after_a_fork_the_child_leaves_the_parents_work_to_the_parent(books):
    """Neither its waiting writes nor its reservations."""
    books.add_sample("cloud:big", SAMPLE)
    books.claim("theirs", Claim((), NOON))

    books.before_fork()
    books.after_fork_in_child()

    assert not books.flush()
    assert {} == books.claims
    assert 0 == count(books)


def test_who_is_writing_cannot_be_asked_to_write(books):
    """A garbage collection inside a transaction may close a ledger: no deadlock."""

    def change(page):
        with pytest.raises(StoreBusyError):
            count(books)
        books.close()
        return Written("done")

    assert "done" == books.transact(change)
    assert 0 == count(books)


def test_a_log_that_is_being_written_by_this_very_thread_looks_empty(open_ledger, sqlite_url):
    """A log handler that asks the ledger gets an answer, not a deadlock."""
    ledger = open_ledger(sqlite_url)
    ledger.run_log.add({"run_id": "one"})
    ledger.run_log.newest()

    seen = ledger._books.read(lambda _: (ledger.run_log.find("one"), ledger.run_log.newest(), ledger.snapshot().routes))

    assert (None, [], {}) == seen


def test_what_cannot_be_written_now_is_written_later(books, sqlite_url):
    """Nothing that waits is lost to a busy file."""
    books.add_sample("cloud:big", SAMPLE)
    books.add_run(LoggedRun("one", NOON, {"run_id": "one"}))
    blocker = sqlite3.connect(to_path(sqlite_url), isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    before = books.flush()
    blocker.execute("COMMIT")
    blocker.close()

    assert books.flush()

    assert not before
    assert "one" == books.read(lambda store: store.run("one")).id


def test_a_change_that_raises_leaves_no_trace(books):
    """All or nothing."""

    def change(page):
        page.health.remove(["cloud"])
        page.drop_runs(NOON)
        raise KeyError("ours")

    with pytest.raises(KeyError):
        books.transact(change)

    assert 0 == count(books)


def test_reservations_that_are_never_settled_are_bounded():
    """Memory is bounded, whatever a caller forgets."""
    books = Books("memory:", lambda: NOON, wait_s=0.05)
    for number in range(10_050):
        books.claim(str(number), Claim((), NOON))

    assert 10_000 == len(books.claims)
    assert "10049" in books.claims


def test_a_report_that_cannot_be_read_is_empty():
    """A torn row is no reason to fail."""
    assert [{}, {}] == [unpack(b"not zlib"), unpack(b"")]
