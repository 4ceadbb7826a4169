"""The SQLite file: private, mended when damaged, and never the reason for a lost answer."""

import logging
import os
import sqlite3
import stat
import sys
from pathlib import Path

import pytest

from openmux_lc.errors import ConfigError
from openmux_lc.ledger.ledger import Ledger
from openmux_lc.ledger.store import to_path
from openmux_lc.types.run import Attempt
from openmux_lc.types.state import Cooldown, Refusal, Reservation

NOON = 1_781_265_600.0
MAGIC = b"SQLite format 3\0"


posix_only = pytest.mark.skipif(sys.platform == "win32", reason="needs pipes in the file system")


@pytest.fixture
def path(sqlite_url):
    """Where the file lies."""
    return to_path(sqlite_url)


@pytest.mark.parametrize("url", ["redis://host", "", "sqlite:state.db", "sqlite:///", "sqlite:///:memory:", "memory"])
def test_an_address_of_another_kind_names_those_that_are_allowed(url):
    """Malformed configuration: what, and what to write instead."""
    with pytest.raises(ConfigError, match=r"`memory:` or `sqlite:///path`"):
        Ledger.open(url)


def test_a_home_folder_may_be_written_with_a_tilde():
    """As in a shell."""
    assert Path.home() / "state.db" == to_path("sqlite:///~/state.db")
    assert Path("/var/state.db") == to_path("sqlite:////var/state.db")


def test_the_file_and_its_folder_are_for_the_owner_only(open_ledger, sqlite_url, path, route):
    """What somebody asks, and when, is nobody else's business."""
    ledger = open_ledger(sqlite_url)
    ledger.settle(ledger.reserve(route, (), {}), Attempt(route=route, outcome="failed", error="ModelGone"))

    modes = {each.name: oct(stat.S_IMODE(each.stat().st_mode)) for each in path.parent.iterdir()}

    assert "0o700" == oct(stat.S_IMODE(path.parent.stat().st_mode))
    assert {"state.db", "state.db-wal", "state.db-shm"} <= set(modes)
    assert {"0o600"} == set(modes.values())


def test_a_file_that_others_may_read_is_closed_to_them(open_ledger, sqlite_url, path):
    """An older version or a copy may have been laxer."""
    open_ledger(sqlite_url).close()
    path.chmod(0o644)

    open_ledger(sqlite_url)

    assert "0o600" == oct(stat.S_IMODE(path.stat().st_mode))


def test_what_was_learned_outlives_the_process(open_ledger, sqlite_url, route, per_minute, tokens_per_day):
    """FreeRouter's seventh defect, S2-09: state is not lost with the router."""
    first = open_ledger(sqlite_url)
    held = first.reserve(route, (per_minute, tokens_per_day), {"tokens": 900})
    first.settle(held, Attempt(route=route, first_token_s=0.5))
    first.reserve(route, (tokens_per_day,), {"tokens": 100})
    first.cool("cloud", Cooldown(until=NOON + 50, reason="by hand", source="learned"))
    first.run_log.add({"run_id": "one"})
    before = first.snapshot()
    first.close()

    second = open_ledger(sqlite_url)

    assert before == second.snapshot()
    assert "by hand" != second.snapshot().cooldown(route).reason
    assert {"run_id": "one"} == second.run_log.find("one")
    assert isinstance(second.reserve(route, (tokens_per_day,), {"tokens": 1}), Refusal)


def test_two_ledgers_on_one_file_share_quotas_and_see_each_others_pauses_at_once(
    open_ledger, sqlite_url, clock, route, per_minute
):
    """FIELD 3: not ten seconds later."""
    one, two = open_ledger(sqlite_url), open_ledger(sqlite_url)
    replies = [ledger.reserve(route, (per_minute,), {}) for ledger in (one, two, one, two)]
    one.settle(replies[0], Attempt(route=route, outcome="failed", error="AuthenticationFailed"))
    at_once = two.snapshot()
    clock.pass_s(0.3)

    assert [Reservation] * 3 + [Refusal] == [type(reply) for reply in replies]
    assert NOON + 300 == at_once.cooldowns["cloud"].until
    assert 0.0 == two.snapshot().routes[route].headroom


def test_either_ledger_may_settle_and_only_the_first_counts(open_ledger, sqlite_url, route, per_minute):
    """A reservation that crossed a process border."""
    one, two = open_ledger(sqlite_url), open_ledger(sqlite_url)
    held = one.reserve(route, (per_minute,), {})

    two.settle(held, Attempt(route=route))
    two.settle(held, Attempt(route=route))

    assert 1.0 == two.snapshot().routes[route].successes


def test_a_damaged_file_is_moved_aside(open_ledger, sqlite_url, path, route, caplog):
    """Kept for whoever wants to look; a new one is begun."""
    path.parent.mkdir()
    path.write_bytes(MAGIC + b"this is not a database, but begins like one" * 100)

    ledger = open_ledger(sqlite_url)
    ledger.cool(str(route), Cooldown(until=NOON + 10, reason="by hand"))

    (aside,) = path.parent.glob("state.db.corrupt-*")
    assert b"this is not" in aside.read_bytes()
    assert str(path) in caplog.text
    assert ledger.is_kept
    assert ledger.snapshot() == open_ledger(sqlite_url).snapshot()


@pytest.mark.parametrize(
    "held",
    [b"Host *\n  IdentityFile ~/.ssh/id\n", b"x", b"\0" * 8192, b"long enough to be a page or two " * 500, MAGIC[:9]],
    ids=["a text", "a byte", "zeros", "pages", "half a beginning"],
)
def test_a_file_that_is_no_database_is_left_as_it_is(open_ledger, path, route, held, caplog):
    """A wrong address may name any file of the user's: not moved, not closed to others, not written."""
    path.parent.mkdir()
    path.write_bytes(held)
    path.chmod(0o644)

    ledger = open_ledger(f"sqlite:///{path}")
    ledger.cool(str(route), Cooldown(until=NOON + 10, reason="by hand"))
    ledger.settle(ledger.reserve(route, (), {}), Attempt(route=route))
    ledger.close()

    assert ["state.db"] == [each.name for each in path.parent.iterdir()]
    assert held == path.read_bytes()
    assert "0o644" == oct(stat.S_IMODE(path.stat().st_mode))
    assert str(path) in caplog.text
    assert "OPENMUX_STATE_URL" in caplog.text
    assert not ledger.is_kept


def test_an_empty_file_is_taken(open_ledger, sqlite_url, path):
    path.parent.mkdir()
    path.touch(mode=0o644)

    ledger = open_ledger(sqlite_url)

    assert ledger.is_kept
    assert path.read_bytes().startswith(MAGIC)
    assert "0o600" == oct(stat.S_IMODE(path.stat().st_mode))


@posix_only
def test_what_is_no_plain_file_is_left_as_it_is(open_ledger, path):
    """A pipe would wait for a reader for ever, and a device is everybody's."""
    path.parent.mkdir()
    os.mkfifo(path)
    path.chmod(0o644)

    ledger = open_ledger(f"sqlite:///{path}")

    assert not ledger.is_kept
    assert "0o644" == oct(stat.S_IMODE(path.stat().st_mode))


def test_memory_that_was_asked_for_is_kept(open_ledger):
    assert open_ledger("memory:").is_kept


def test_damage_inside_a_table_is_found_when_it_is_opened(open_ledger, sqlite_url, path, route):
    """Not only in the header: overwrite every page behind the first."""
    ledger = open_ledger(sqlite_url)
    ledger.cool(str(route), Cooldown(until=NOON + 10, reason="by hand"))
    ledger.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))

    again = open_ledger(sqlite_url)

    assert {} == again.snapshot().cooldowns
    assert 1 == len(list(path.parent.glob("state.db.corrupt-*")))


def test_a_folder_that_cannot_be_made_costs_a_warning_not_an_answer(open_ledger, tmp_path, route, per_minute, caplog):
    """A read-only home: memory instead, said once, with path and variable."""
    (tmp_path / "file").write_text("in the way")
    path = tmp_path / "file" / "state.db"

    ledger = open_ledger(f"sqlite:///{path}")
    replies = [ledger.reserve(route, (per_minute,), {}) for _ in range(4)]
    ledger.snapshot()

    assert [Reservation] * 3 + [Refusal] == [type(reply) for reply in replies]
    (message,) = caplog.messages
    assert str(path) in message
    assert "OPENMUX_STATE_URL" in message


@pytest.mark.parametrize("name", ["folder", "x" * 300], ids=["a folder", "too long"])
def test_a_path_that_can_be_no_file_costs_a_warning_not_an_answer(open_ledger, tmp_path, route, name, caplog):
    """Whatever is wrong with it."""
    (tmp_path / "folder").mkdir()

    ledger = open_ledger(f"sqlite:///{tmp_path / name}")

    assert isinstance(ledger.reserve(route, (), {}), Reservation)
    assert "OPENMUX_STATE_URL" in caplog.text


def test_a_settlement_that_finds_the_file_locked_comes_back_with_its_lease(
    open_ledger, sqlite_url, route, per_minute, caplog
):
    """Better a quota that is held for two minutes than an answer that is lost."""
    ledger = open_ledger(sqlite_url, wait_s=0.05)
    held = ledger.reserve(route, (per_minute,), {})
    blocker = sqlite3.connect(to_path(sqlite_url), isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    ledger.settle(held, Attempt(route=route))
    ledger.run_log.newest()
    blocker.execute("COMMIT")
    blocker.close()

    assert "cloud:big is not settled" in caplog.text
    assert 1.0 == ledger.snapshot().routes[route].successes
    assert isinstance(ledger.reserve(route, (per_minute,), {}), Reservation)


def test_a_pause_that_finds_the_file_locked_holds_for_this_process(open_ledger, sqlite_url, route, caplog):
    """The engine pauses a route in the middle of an answer: that may not fail."""
    ledger = open_ledger(sqlite_url, wait_s=0.05)
    blocker = sqlite3.connect(to_path(sqlite_url), isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")

    ledger.cool(str(route), Cooldown(until=NOON + 10, reason="by hand"))
    paused = ledger.snapshot().cooldown(route)
    ledger.uncool(str(route))
    blocker.execute("COMMIT")
    blocker.close()

    assert NOON + 10 == paused.until
    assert ledger.snapshot().cooldown(route) is None
    assert "this process only" in caplog.text


@pytest.mark.parametrize("version", [0, 1, 7])
def test_somebody_elses_database_is_left_alone(open_ledger, path, route, version, caplog):
    """The address names a file of another program, which counts its versions like us."""
    path.parent.mkdir()
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE theirs (id)")
        other.execute(f"PRAGMA user_version = {version}")
    other.close()
    path.chmod(0o644)
    before = path.read_bytes()

    ledger = open_ledger(f"sqlite:///{path}")
    ledger.cool(str(route), Cooldown(until=NOON + 10, reason="by hand"))

    with sqlite3.connect(path) as other:
        tables = other.execute("SELECT name FROM sqlite_master").fetchall()
    other.close()
    assert [("theirs",)] == tables
    assert before == path.read_bytes()
    assert "0o644" == oct(stat.S_IMODE(path.stat().st_mode))
    assert ["state.db"] == [each.name for each in path.parent.iterdir()]
    assert str(path) in caplog.text
    assert ledger.snapshot().cooldown(route) is not None


def test_a_file_of_a_newer_version_is_left_alone(open_ledger, sqlite_url, path, caplog):
    """An older program does not guess what a newer one wrote."""
    open_ledger(sqlite_url).close()
    with sqlite3.connect(path) as newer:
        newer.execute("PRAGMA user_version = 99")
    newer.close()

    open_ledger(sqlite_url)

    assert "newer" in caplog.text
    assert str(path) in caplog.text


def test_a_file_that_breaks_while_it_is_used_costs_a_warning_not_an_answer(
    open_ledger, sqlite_url, route, per_minute, caplog
):
    """What was known stays known; reservations under way are still settled."""
    ledger = open_ledger(sqlite_url)
    held = ledger.reserve(route, (per_minute,), {})
    ledger.cool("other", Cooldown(until=NOON + 10, reason="by hand"))
    with sqlite3.connect(to_path(sqlite_url)) as vandal:
        vandal.execute("DROP TABLE lease")
    vandal.close()

    with caplog.at_level(logging.WARNING):
        replies = [ledger.reserve(route, (per_minute,), {}) for _ in range(3)]
        ledger.settle(held, Attempt(route=route))

    assert [Reservation, Reservation, Refusal] == [type(reply) for reply in replies]
    assert 1 == len(caplog.messages)
    assert not ledger.is_kept
    assert "other" in ledger.snapshot().cooldowns
    assert 1.0 == ledger.snapshot().routes[route].successes


def test_rows_that_cannot_be_read_cost_a_warning_not_an_answer(open_ledger, sqlite_url, path, route, caplog):
    """Someone edited the file by hand."""
    ledger = open_ledger(sqlite_url)
    with sqlite3.connect(path) as vandal:
        vandal.execute("INSERT INTO health VALUES ('cloud', '{not json')")
    vandal.close()

    assert {} == ledger.snapshot().cooldowns
    assert isinstance(ledger.reserve(route, (), {}), Reservation)
    assert "OPENMUX_STATE_URL" in caplog.text


def test_a_file_that_is_locked_for_long_is_waited_for_then_left(open_ledger, sqlite_url, route, per_minute, caplog):
    """Another process hangs with the lock: better one call too many than no answer; it is charged when settled."""
    ledger = open_ledger(sqlite_url, wait_s=0.05)
    blocker = sqlite3.connect(to_path(sqlite_url), isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    held = ledger.reserve(route, (per_minute,), {})
    blocker.execute("COMMIT")
    blocker.close()

    ledger.settle(held, Attempt(route=route))

    replies = [ledger.reserve(route, (per_minute,), {}) for _ in range(3)]
    assert isinstance(held, Reservation)
    assert [Reservation, Reservation, Refusal] == [type(reply) for reply in replies]
    assert "busy" in caplog.text


def test_old_rows_are_forgotten(open_ledger, sqlite_url, clock, route, per_minute):
    """Bounded: the file does not keep what says nothing any more."""
    ledger = open_ledger(sqlite_url)
    ledger.settle(ledger.reserve(route, (per_minute,), {}), Attempt(route=route))
    ledger.settle(ledger.reserve(route, (per_minute,), {}), Attempt(route=route, outcome="failed", error="RateLimited"))
    ledger.uncool(str(route))
    ledger.run_log.newest()
    clock.pass_s(60 * 86_400)

    other = route._replace(model="other")
    ledger.settle(ledger.reserve(other, (), {}), Attempt(route=other))
    ledger.run_log.newest()
    ledger.close()

    statement = "SELECT name FROM counter UNION SELECT name FROM health UNION SELECT name FROM stats"
    with sqlite3.connect(to_path(sqlite_url)) as reader:
        names = reader.execute(statement).fetchall()
    reader.close()
    assert [("cloud:other",)] == names
