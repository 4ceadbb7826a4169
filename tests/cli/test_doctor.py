"""`openmux doctor`: what is there, what is not, what to do next."""

import json
from pathlib import Path

import pytest

from openmux_lc.testing import FakeUpstream, Fault, unauthorized
from tests.cli.program import KEY, Invoke, Openmux, hosted_at
from tests.patience import LATE_S

NOTHING = {"OPENMUX_PROVIDERS": "groq", "OPENMUX_STATE_URL": "memory:"}


def test_a_pool_that_can_answer_is_exit_code_zero(invoke: Invoke):
    with FakeUpstream() as upstream:
        ended = invoke("doctor", env=hosted_at(upstream))

    assert ended.exit_code == 0
    assert "GROQ_API_KEY (environment)" in ended.stdout
    assert "a question now would go to groq:" in ended.stdout
    assert 'next: openmux chat "your question"' in ended.stdout
    assert KEY not in ended.stdout + ended.stderr
    assert upstream.requests == ()


def test_a_pool_that_cannot_answer_is_exit_code_one_and_says_what_to_do(invoke: Invoke):
    ended = invoke("doctor", env=NOTHING)

    assert ended.exit_code == 1
    assert "GROQ_API_KEY is not set" in ended.stdout
    assert "next: openmux init" in ended.stdout
    assert "next: openmux demo" in ended.stdout


def test_json_says_the_same(invoke: Invoke):
    ended = invoke("doctor", "--json", env=NOTHING)

    told = json.loads(ended.stdout)
    assert ended.exit_code == 1
    assert (False, None, None) == (told["can_answer"], told["first_route"], told["hosts"])
    assert told["missing_keys"][0]["variable"] == "GROQ_API_KEY"
    assert told["next"]


def test_offline_says_so_and_asks_nobody(invoke: Invoke):
    with FakeUpstream() as upstream:
        ended = invoke("doctor", "--online", env=hosted_at(upstream, OPENMUX_OFFLINE="1"))

    assert ended.exit_code == 1
    assert "forbidden (OPENMUX_OFFLINE)" in ended.stdout
    assert "unset OPENMUX_OFFLINE" in ended.stdout
    assert upstream.requests == ()


def test_online_asks_for_the_list_of_models_and_nothing_else(invoke: Invoke):
    """Health is never checked with a completion: that would burn quota."""
    with FakeUpstream(api_key=KEY, models=("a", "b")) as upstream:
        ended = invoke("doctor", "--online", "--json", env=hosted_at(upstream))

    told = json.loads(ended.stdout)
    assert [(entry["provider"], entry["ok"], entry["detail"]) for entry in told["hosts"]] == [
        ("groq", True, "2 models")
    ]
    assert {(each.method, each.path) for each in upstream.requests} == {("GET", "/v1/models")}


def test_online_names_what_is_wrong_with_a_host(invoke: Invoke):
    with FakeUpstream(models=unauthorized()) as upstream:
        told = json.loads(invoke("doctor", "--online", "--json", env=hosted_at(upstream)).stdout)

    assert [(entry["ok"], entry["detail"]) for entry in told["hosts"]] == [(False, "AuthenticationFailed 401")]


def test_online_waits_five_seconds_for_all_hosts_together(openmux: Openmux, tmp_path: Path):
    with FakeUpstream(pages={"/v1/models": _slow()}) as one, FakeUpstream(pages={"/v1/models": _slow()}) as two:
        config = tmp_path / "slow.toml"
        config.write_text(
            f'schema = 1\n[providers.one]\nbase_url = "{one.base_url}"\nfree = true\n'
            f'[providers.two]\nbase_url = "{two.base_url}"\nfree = true\n',
            encoding="utf-8",
        )
        env = {"OPENMUX_CONFIG": str(config), "OPENMUX_PROVIDERS": "one,two", "OPENMUX_STATE_URL": "memory:"}
        ended = openmux("doctor", "--online", "--json", env=env)

    told = json.loads(ended.out)
    assert [entry["ok"] for entry in told["hosts"]] == [False, False]
    assert ended.seconds < 8 + LATE_S


def test_a_state_store_that_does_not_work_is_told(invoke: Invoke, tmp_path: Path):
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    with FakeUpstream() as upstream:
        ended = invoke("doctor", env=hosted_at(upstream, OPENMUX_STATE_URL=f"sqlite:///{blocked / 'state.db'}"))

    assert ended.exit_code == 0
    assert "cannot be used" in ended.stdout
    assert "OPENMUX_STATE_URL=memory:" in ended.stdout


def test_a_state_store_of_somebody_else_is_told_although_it_could_be_written(invoke: Invoke, tmp_path: Path):
    notes = tmp_path / "notes.txt"
    notes.write_text("not yours\n", encoding="utf-8")
    with FakeUpstream() as upstream:
        ended = invoke("doctor", env=hosted_at(upstream, OPENMUX_STATE_URL=f"sqlite:///{notes}"))

    assert "cannot be used" in ended.stdout
    assert "not yours\n" == notes.read_text(encoding="utf-8")


def test_files_and_their_trust_are_told(invoke: Invoke):
    Path(".env").write_text("A=1\n", encoding="utf-8")

    before = invoke("doctor", env=NOTHING).stdout
    invoke("config", "trust", ".env")
    after = invoke("doctor", env=NOTHING).stdout

    assert "(not trusted" in before
    assert f"{Path('.env').absolute()} (trusted)" in after


def test_a_malformed_configuration_is_the_first_thing_told(invoke: Invoke, tmp_path: Path):
    config = tmp_path / "bad.toml"
    config.write_text("schema = 2\n", encoding="utf-8")

    ended = invoke("doctor", env={"OPENMUX_CONFIG": str(config)})

    assert ended.exit_code == 2
    assert str(config) in ended.stderr


def test_a_state_store_that_does_not_exist_is_wrong_configuration(invoke: Invoke):
    ended = invoke("doctor", env=NOTHING | {"OPENMUX_STATE_URL": "mysql://user:secret@host/db"})

    assert ended.exit_code == 2
    assert "secret" not in ended.stdout + ended.stderr


@pytest.mark.integration
def test_a_real_engine_is_found(openmux: Openmux, llama_server: str):
    env = {"OPENMUX_PROVIDERS": "llamacpp", "OPENMUX_LLAMACPP_BASE_URL": llama_server, "OPENMUX_STATE_URL": "memory:"}

    told = json.loads(openmux("doctor", "--json", env=env).out)

    assert told["engines"] == [{"provider": "llama.cpp server", "address": llama_server, "found": True, "models": 1}]
    assert told["can_answer"] is True


def _slow() -> Fault:
    return Fault(200, body={"data": []}, first_byte_s=60.0)
