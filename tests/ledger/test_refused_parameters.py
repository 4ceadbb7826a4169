"""What models refuse: known at once here, soon to every process, and for a week."""

import sqlite3
from pathlib import Path

from openmux_lc.ledger.batch import SeenRefusal
from openmux_lc.ledger.ledger import Ledger
from openmux_lc.ledger.mirror import Mirror
from openmux_lc.types.catalog import Route
from openmux_lc.types.state import REFUSAL_LIFE_S
from tests.ledger.conftest import NOON, Clock

ROUTE = Route("fake", "vendor/model:free")


def test_what_was_refused_is_known_at_once_and_adds_up(url: str, clock: Clock) -> None:
    ledger = Ledger.open(url, clock=clock)

    ledger.remember_refusal(ROUTE, "no_seed", NOON)
    ledger.remember_refusal(ROUTE, "no_top_p", NOON + 1)

    assert {"no_seed": NOON, "no_top_p": NOON + 1} == ledger.refusals(ROUTE)
    assert {} == ledger.refusals(Route("fake", "other"))
    ledger.close()


def test_another_process_knows_it_after_the_write(tmp_path: Path, clock: Clock) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    one, two = Ledger.open(url, clock=clock), Ledger.open(url, clock=clock)
    one.remember_refusal(ROUTE, "no_seed", NOON)
    two.remember_refusal(ROUTE, "no_stop", NOON)
    one.close()
    two.close()

    three = Ledger.open(url, clock=clock)

    assert {"no_seed": NOON, "no_stop": NOON} == three.refusals(ROUTE)
    three.close()


def test_a_ledger_that_is_open_already_learns_it_with_its_next_snapshot(tmp_path: Path, clock: Clock) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    one, two = Ledger.open(url, clock=clock), Ledger.open(url, clock=clock)
    one.remember_refusal(ROUTE, "no_seed", NOON)
    one.close()

    clock.pass_s(1)
    two.snapshot()

    assert {"no_seed": NOON} == two.refusals(ROUTE)
    two.close()


def test_what_was_refused_here_outlasts_a_look_at_a_file_that_lacks_it() -> None:
    """Between the taking out of what waits and its being written, another process's write may be read."""
    one = Mirror()
    one.add_refusal(SeenRefusal(str(ROUTE), "no_seed", NOON))

    one.replace_refusals({"fake:other": {"no_stop": NOON}, str(ROUTE): {"no_top_p": NOON}})

    assert {"no_seed": NOON, "no_top_p": NOON} == one.refused(str(ROUTE))
    assert {"no_stop": NOON} == one.refused("fake:other")


def test_what_is_older_than_a_week_is_dropped_by_the_next_write(tmp_path: Path, clock: Clock) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    first = Ledger.open(url, clock=clock)
    first.remember_refusal(ROUTE, "no_seed", NOON)
    first.close()
    clock.pass_s(REFUSAL_LIFE_S)
    second = Ledger.open(url, clock=clock)
    second.remember_refusal(Route("fake", "other"), "no_stop", clock.now)
    second.close()

    third = Ledger.open(url, clock=clock)

    assert {} == third.refusals(ROUTE)
    assert {"no_stop": clock.now} == third.refusals(Route("fake", "other"))
    third.close()


def test_a_file_of_before_gets_the_table(tmp_path: Path, clock: Clock) -> None:
    """The table came later; an older version of the package reads the file as before."""
    path = tmp_path / "state.db"
    Ledger.open(f"sqlite:///{path}", clock=clock).close()
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE refusal")
        version = connection.execute("PRAGMA user_version").fetchone()
    connection.close()

    ledger = Ledger.open(f"sqlite:///{path}", clock=clock)
    ledger.remember_refusal(ROUTE, "no_seed", NOON)
    ledger.close()

    again = Ledger.open(f"sqlite:///{path}", clock=clock)
    assert (1,) == version
    assert again.is_kept
    assert {"no_seed": NOON} == again.refusals(ROUTE)
    again.close()


def test_a_ledger_that_lost_its_file_still_knows_it(tmp_path: Path, clock: Clock) -> None:
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'state.db'}", clock=clock)
    ledger.remember_refusal(ROUTE, "no_seed", NOON)

    ledger.close()
    ledger.snapshot()

    assert {"no_seed": NOON} == ledger.refusals(ROUTE)
