"""Several real processes on one file: never one call too many, nothing lost to a kill or a fork."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from openmux_lc.ledger.store import to_path
from openmux_lc.types.catalog import Limit, Route, Window
from openmux_lc.types.run import Attempt
from openmux_lc.types.state import Reservation

WORKER = Path(__file__).with_name("worker.py")
ROUTE = Route("cloud", "big")
DAY = Window(kind="calendar_day", zone="America/Los_Angeles")
REQUESTS = 200

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kills and forks processes the POSIX way")


@pytest.fixture
def start(sqlite_url):
    """Start processes that work on the ledger; none outlives its test."""
    started = []

    def start_one(mode):
        command = [sys.executable, str(WORKER), mode, sqlite_url, str(REQUESTS)]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield start_one
    for process in started:
        process.kill()
        process.wait(60)
        process.stdout.close()


def told(process):
    """The next line that it prints."""
    return json.loads(process.stdout.readline())


def admitted(ledger):
    """How many more calls the day has."""
    limit = Limit(unit="requests", amount=REQUESTS, window=DAY, scope="account")
    tokens = Limit(unit="tokens", amount=REQUESTS * 100, window=DAY, scope="key_model")
    replies = [ledger.reserve(ROUTE, (limit, tokens), {"tokens": 100}) for _ in range(REQUESTS + 1)]
    return sum(isinstance(reply, Reservation) for reply in replies)


def test_processes_that_hammer_one_file_admit_exactly_its_limit(start, sqlite_url):
    """S4-15: over-admission 0 and nothing left over, three processes of four threads flat out."""
    processes = [start("hammer") for _ in range(3)]

    made = [told(process)["made"] for process in processes]

    assert [0, 0, 0] == [process.wait(60) for process in processes]
    assert REQUESTS == sum(made)


def test_of_several_processes_one_tries_a_half_open_route(start, sqlite_url, open_ledger, clock):
    """S2-09, FIELD e2: the breaker and its one probe are the machine's, not a process's."""
    now = clock.now
    clock.pass_s(-61)
    ledger = open_ledger(sqlite_url)
    for _ in range(3):
        failed = Attempt(route=ROUTE, outcome="failed", error="ServerError")
        ledger.settle(ledger.reserve(ROUTE, (), {}), failed)
    ledger.close()
    clock.now = now

    said = [told(process) for process in [start("try_it") for _ in range(4)]]

    assert [False, False, False, True] == sorted(each["is_trial"] for each in said)
    assert 1 == sum(each["is_admitted"] for each in said)


def test_what_a_killed_process_held_comes_back_when_its_lease_ends(start, sqlite_url, open_ledger, clock):
    """SIGKILL: nothing is settled, nothing is lost."""
    process = start("hold")
    held = told(process)["held"]
    process.kill()
    process.wait(60)
    ledger = open_ledger(sqlite_url)

    before = admitted(ledger)
    clock.pass_s(121)
    after = admitted(ledger)

    assert (REQUESTS // 2, REQUESTS // 2, REQUESTS) == (held, before, after)


def test_a_process_killed_in_the_middle_leaves_the_file_whole(start, sqlite_url, open_ledger, clock):
    """At whatever instruction: no lock stays, no amount is torn."""
    for _ in range(4):
        process = start("endless")
        told(process)
        process.kill()
        process.wait(60)

    clock.pass_s(121)
    ledger = open_ledger(sqlite_url)

    assert REQUESTS == admitted(ledger)
    with closing(sqlite3.connect(to_path(sqlite_url))) as reader:
        assert [("ok",)] == reader.execute("PRAGMA integrity_check").fetchall()


def test_a_forked_child_opens_the_file_anew_and_settles_nothing_twice(start, sqlite_url, open_ledger):
    """Fork-safe: five children, a writing thread, one inherited reservation, one batch of the parent's."""
    process = start("fork")

    assert {"statuses": [0] * 5} == told(process)
    assert 0 == process.wait(60)
    ledger = open_ledger(sqlite_url)
    # One before the fork, one for each child, and the inherited one, which the first to settle counts.
    assert 7.0 == round(ledger.snapshot().routes[ROUTE].successes, 3)
    assert REQUESTS - 6 == admitted(ledger)
    with closing(sqlite3.connect(to_path(sqlite_url))) as reader:
        assert [("ok",)] == reader.execute("PRAGMA integrity_check").fetchall()


def test_a_fork_in_the_middle_of_a_transaction_leaves_the_child_in_memory(start, sqlite_url, open_ledger):
    """A connection that another thread is using may be neither used nor closed in the child."""
    process = start("fork_inside")

    assert {"status": 0, "goes_on": True} == told(process)
    assert 0 == process.wait(60)
    assert REQUESTS - 1 == admitted(open_ledger(sqlite_url))


def test_what_waits_is_written_when_the_interpreter_ends(start, sqlite_url, open_ledger):
    """`openmux chat` is over in a second and never closes anything."""
    process = start("leave")

    assert 0 == process.wait(60)
    ledger = open_ledger(sqlite_url)
    assert {"run_id": "the last"} == ledger.run_log.find("the last")
    assert 1.0 == ledger.snapshot().routes[ROUTE].successes


def test_processes_that_start_together_make_one_file(start, sqlite_url, open_ledger):
    """The first second of a fleet of agents: nobody finds a half-made file and goes on in memory."""
    processes = [start("hammer") for _ in range(6)]

    made = [told(process)["made"] for process in processes]

    assert [0] * 6 == [process.wait(60) for process in processes]
    assert REQUESTS == sum(made)
    assert [] == list(to_path(sqlite_url).parent.glob("*corrupt*"))
    assert open_ledger(sqlite_url).snapshot().cooldowns
