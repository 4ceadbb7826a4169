"""Small, seeded parts of the long measurements, so that they hold at every commit; the figures are the programs'."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def _ran(program: str, folder: Path, *arguments: str) -> dict[str, object]:
    """Run a program and return what it found."""
    found = folder / "found.json"
    command = [sys.executable, str(BENCHMARKS / program), *arguments, "--json", str(found)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert 0 == ended.returncode, ended.stderr
    return json.loads(found.read_text(encoding="utf-8"))


def _missed(found: dict[str, object], *, but: str = "no such aim") -> list[str]:
    """The aims that were not met, times apart: how busy the machine is decides those."""
    return [each["what"] for each in found["verdicts"] if not each["met"] and but not in each["what"]]


@pytest.mark.timeout(110)
def test_where_half_of_all_calls_fail_every_one_is_answered_while_a_host_is_up(tmp_path: Path):
    """20 hosts, four ways to call; and no call outlasts its deadline where hosts say nothing."""
    found = _ran("chaos_pool.py", tmp_path, "--calls", "60", "--slow-calls", "2", "--no-peers")

    assert [] == _missed(found, but="added")
    assert {"sync", "async", "stream", "astream"} == set(found["instant"])


@pytest.mark.timeout(110)
def test_calls_leave_no_memory_no_connection_and_no_reservation_behind(tmp_path: Path):
    """FIELD 18, 19: loops in sequence, a sync call inside a running one, streams that are left."""
    found = _ran("soak.py", tmp_path, "--calls", "60", "--streams", "20")

    assert [] == _missed(found, but="closed after")
    assert all(found["loops"].values())
