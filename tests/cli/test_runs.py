"""`openmux runs` and `openmux report`: what was asked earlier, without what was said."""

import json
from pathlib import Path

import pytest

from openmux_lc.testing import FakeUpstream, rate_limited
from tests.cli.program import Invoke, two_hosts

QUESTION = "the question nobody else may read"


@pytest.fixture
def asked(invoke: Invoke, tmp_path: Path) -> dict[str, str]:
    """The variables of a pool that was asked twice."""
    with FakeUpstream(rate_limited()) as first, FakeUpstream() as second:
        env = two_hosts(tmp_path, first, second) | {"OPENMUX_STATE_URL": f"sqlite:///{tmp_path / 'state.db'}"}
        for _ in range(2):
            assert invoke("chat", QUESTION, env=env).exit_code == 0
    return env


def test_the_log_names_routes_and_never_the_words(invoke: Invoke, asked: dict[str, str]):
    table = invoke("runs", env=asked)
    told = invoke("runs", "--json", env=asked)

    assert len(table.stdout.splitlines()) == 3
    assert "second:m" in table.stdout
    assert len(json.loads(told.stdout)) == 2
    assert QUESTION not in told.stdout
    assert "Hello from the fake upstream" not in told.stdout


def test_a_report_is_found_by_the_beginning_of_its_id(invoke: Invoke, asked: dict[str, str]):
    newest = json.loads(invoke("runs", "--json", "-n", "1", env=asked).stdout)[0]["run_id"]

    whole = json.loads(invoke("report", "--json", newest[:12], env=asked).stdout)
    last = json.loads(invoke("report", "--json", "last", env=asked).stdout)
    told = invoke("report", newest, env=asked)

    assert newest == whole["run_id"]
    assert last == whole
    assert told.stdout.startswith("second:m: ")


@pytest.mark.parametrize(("wanted", "problem"), [("zzzz", "no run"), ("", "no run")])
def test_an_id_that_is_none_is_told(invoke: Invoke, asked: dict[str, str], wanted: str, problem: str):
    ended = invoke("report", wanted, env=asked)

    assert ended.exit_code == 2
    assert problem in ended.stderr


def test_nothing_was_asked_yet(invoke: Invoke):
    ended = invoke("runs", env={"OPENMUX_STATE_URL": "memory:"})

    assert (0, "") == (ended.exit_code, ended.stdout)
    assert "nothing was asked yet" in ended.stderr
