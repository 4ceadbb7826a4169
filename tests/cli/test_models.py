"""`openmux models` and `openmux recommend`: what is free, and why the rest is not."""

import json
from pathlib import Path

from openmux_lc.testing import FakeUpstream, rate_limited
from tests.cli.program import KEY, Invoke, hosted_at, two_hosts

NO_KEY = {"OPENMUX_PROVIDERS": "groq", "OPENMUX_STATE_URL": "memory:"}
WITH_KEY = NO_KEY | {"GROQ_API_KEY": KEY}


def test_each_usable_model_is_a_line_with_its_evidence(invoke: Invoke):
    ended = invoke("models", env=WITH_KEY)

    lines = ended.stdout.splitlines()
    assert ended.exit_code == 0
    assert lines[0].split()[:3] == ["route", "tasks", "context"]
    assert all(line.startswith("groq:") for line in lines[1:])
    assert "free_tier (2026-" in lines[1]
    assert lines[1].rstrip().endswith("ready")


def test_json_says_the_same(invoke: Invoke):
    told = json.loads(invoke("models", "--json", env=WITH_KEY).stdout)
    lines = invoke("models", env=WITH_KEY).stdout.splitlines()[1:]

    assert [entry["route"] for entry in told] == [line.split()[0] for line in lines]
    assert all(entry["usable"] and entry["evidence"]["as_of"] for entry in told)


def test_without_a_key_the_list_is_empty_and_says_what_to_do(invoke: Invoke):
    ended = invoke("models", env=NO_KEY)

    assert (0, "") == (ended.exit_code, ended.stdout)
    assert "no key" in ended.stderr
    assert "openmux init" in ended.stderr


def test_all_lists_the_others_with_their_reason(invoke: Invoke):
    told = json.loads(invoke("models", "--all", "--json", env=NO_KEY).stdout)

    by_provider = {entry["route"].partition(":")[0]: entry["status"] for entry in told}
    assert not any(entry["usable"] for entry in told)
    assert "GROQ_API_KEY" in by_provider["groq"]
    assert "OPENMUX_PROVIDERS" in by_provider["kilo"]


def test_a_task_narrows_the_list(invoke: Invoke):
    env = {"OPENMUX_STATE_URL": "memory:", "GROQ_API_KEY": KEY}

    told = json.loads(invoke("models", "--task", "embeddings", "--all", "--json", env=env).stdout)

    assert told
    assert all("embeddings" in entry["tasks"] for entry in told)


def test_a_route_that_waits_says_so(invoke: Invoke, tmp_path: Path):
    with FakeUpstream(rate_limited(600)) as upstream:
        env = hosted_at(upstream, OPENMUX_STATE_URL=f"sqlite:///{tmp_path / 'state.db'}")
        invoke("chat", "-m", "groq:openai/gpt-oss-20b", "hello", env=env)
        told = json.loads(invoke("models", "--json", env=env).stdout)

    status = {entry["route"]: entry["status"] for entry in told}["groq:openai/gpt-oss-20b"]
    assert status.startswith("paused for ")


def test_recommend_names_the_best_first(invoke: Invoke, tmp_path: Path):
    with FakeUpstream() as first, FakeUpstream() as second:
        env = two_hosts(tmp_path, first, second)
        told = json.loads(invoke("recommend", "--json", "Write", "Python", env=env).stdout)
        table = invoke("recommend", "-n", "1", "Write Python", env=env)

    assert [entry["route"] for entry in told] == ["first:m", "second:m"]
    assert "first:m" in table.stdout
    assert "second:m" not in table.stdout
    assert first.requests == second.requests == ()


def test_nothing_to_recommend_is_said(invoke: Invoke):
    ended = invoke("recommend", "hello", env=NO_KEY)

    assert (0, "") == (ended.exit_code, ended.stdout)
    assert "openmux init" in ended.stderr
