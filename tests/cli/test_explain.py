"""`openmux explain`: the decision without the call."""

import json
from pathlib import Path

from openmux_lc.testing import FakeUpstream
from tests.cli.program import Invoke, two_hosts

NO_KEY = {"OPENMUX_PROVIDERS": "groq", "OPENMUX_STATE_URL": "memory:"}


def test_it_tells_the_order_and_asks_nobody(invoke: Invoke, tmp_path: Path):
    with FakeUpstream() as first, FakeUpstream() as second:
        ended = invoke("explain", "Write", "a", "Python", "function.", env=two_hosts(tmp_path, first, second))

    lines = ended.stdout.splitlines()
    assert ended.exit_code == 0
    assert lines[0].startswith("task        code")
    assert "first       first:m" in lines
    assert ended.stdout.index("1  first:m") < ended.stdout.index("2  second:m")
    assert first.requests == second.requests == ()


def test_json_is_the_report_of_a_dry_run(invoke: Invoke, tmp_path: Path):
    with FakeUpstream() as first, FakeUpstream() as second:
        env = two_hosts(tmp_path, first, second)
        told = json.loads(invoke("explain", "--json", "--task", "code", "x", env=env).stdout)

    assert (True, "code", "first:m") == (told["dry_run"], told["task"], told["route"])
    assert told["attempts"] == []


def test_a_pinned_model_is_the_first(invoke: Invoke, tmp_path: Path):
    with FakeUpstream() as first, FakeUpstream() as second:
        env = two_hosts(tmp_path, first, second)
        told = json.loads(invoke("explain", "--json", "-m", "second:m", "x", env=env).stdout)

    assert told["route"] == "second:m"


def test_no_route_is_explained_with_the_reasons(invoke: Invoke):
    ended = invoke("explain", "hello", env=NO_KEY)

    assert ended.exit_code == 0
    assert "no route" in ended.stdout
    assert "GROQ_API_KEY" in ended.stdout
    assert "openmux doctor" in ended.stderr


def test_an_image_to_be_drawn_is_said_to_have_no_route(invoke: Invoke, tmp_path: Path):
    with FakeUpstream() as first, FakeUpstream() as second:
        told = json.loads(
            invoke("explain", "--json", "Draw a cat with a hat.", env=two_hosts(tmp_path, first, second)).stdout
        )

    assert (None, "image") == (told["route"], told["task"])
    assert {entry["route"] for entry in told["rejected"]} >= {"first:m", "second:m"}
