"""`openmux chat`: the answer on standard output, everything else beside it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from openmux_lc.testing import Answer, FakeUpstream, cut, html_page, rate_limited, server_error, unauthorized
from tests.cli.program import KEY, Invoke, Openmux, environment, hosted_at, posix_only, terminal, two_hosts
from tests.patience import LATE_S

HELLO = "Hello from the fake upstream."
REFUSED = "http://127.0.0.1:9"


def test_the_answer_is_all_that_standard_output_gets(openmux: Openmux):
    with FakeUpstream() as upstream:
        ended = openmux("chat", "hello", "there", env=hosted_at(upstream))

    assert (0, f"{HELLO}\n", "") == (ended.code, ended.out, ended.err)
    assert upstream.requests[-1].wants_stream
    assert upstream.requests[-1].body["messages"] == [{"role": "user", "content": "hello there"}]
    assert upstream.requests[-1].headers["authorization"] == f"Bearer {KEY}"


def test_it_is_streamed_as_it_comes():
    """The first words are there while the provider still writes the rest."""
    with FakeUpstream(Answer("one two three four", after_chunks=2, ending="hang")) as upstream:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "openmux_lc.cli", "chat", "hi"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(hosted_at(upstream)),
        )
        with process:
            assert process.stdout is not None
            assert process.stderr is not None
            first = os.read(process.stdout.fileno(), 3)
            process.send_signal(signal.SIGINT)
            rest, told = process.stdout.read(), process.stderr.read()
            code = process.wait(20)

    assert first == b"one"
    assert b"four" not in rest
    assert (130, b"\n") == (code, told)


def test_a_dash_reads_the_question_from_standard_input(openmux: Openmux):
    with FakeUpstream() as upstream:
        ended = openmux("chat", "-", env=hosted_at(upstream), stdin="Zwölf Boxkämpfer?\n")

    assert ended.code == 0
    assert upstream.requests[-1].body["messages"][0]["content"] == "Zwölf Boxkämpfer?"


def test_a_system_prompt_stands_before_the_question(invoke: Invoke):
    with FakeUpstream() as upstream:
        ended = invoke("chat", "--system", "Be brief.", "hi", env=hosted_at(upstream))

    assert ended.exit_code == 0
    assert upstream.requests[-1].body["messages"][0] == {"role": "system", "content": "Be brief."}


def test_json_is_one_object_with_the_answer_and_the_report(openmux: Openmux):
    """The contract: `openmux chat --json` prints the report with the answer."""
    with FakeUpstream() as upstream:
        ended = openmux("chat", "--json", "hello", env=hosted_at(upstream))

    told = json.loads(ended.out)
    assert (0, "") == (ended.code, ended.err)
    assert told["answer"] == HELLO
    assert told["v"] == 1
    assert told["route"].startswith("groq:")
    assert [entry["outcome"] for entry in told["attempts"]] == ["ok"]
    assert {"task", "tasks", "confidence", "why", "rejected", "counts", "candidates"} <= set(told)
    assert not upstream.requests[-1].wants_stream


def test_reasoning_goes_to_standard_error(invoke: Invoke):
    with FakeUpstream(Answer("Cold.", reasoning="Opposites, I think.")) as upstream:
        streamed = invoke("chat", "hot?", env=hosted_at(upstream))
        whole = invoke("chat", "--no-stream", "hot?", env=hosted_at(upstream))
        told = json.loads(invoke("chat", "--json", "hot?", env=hosted_at(upstream)).stdout)

    assert (streamed.stdout, streamed.stderr) == ("Cold.\n", "Opposites, I think.\n")
    assert (whole.stdout, whole.stderr) == ("Cold.\n", "Opposites, I think.\n")
    assert (told["answer"], told["reasoning"]) == ("Cold.", "Opposites, I think.")


def test_no_stream_asks_for_the_whole_answer(invoke: Invoke):
    with FakeUpstream() as upstream:
        ended = invoke("chat", "--no-stream", "hello", env=hosted_at(upstream))

    assert (0, f"{HELLO}\n") == (ended.exit_code, ended.stdout)
    assert not upstream.requests[-1].wants_stream


def test_a_model_can_be_pinned(invoke: Invoke):
    with FakeUpstream() as upstream:
        ended = invoke("chat", "-m", "groq:openai/gpt-oss-20b", "hello", env=hosted_at(upstream))

    assert ended.exit_code == 0
    assert upstream.requests[-1].model == "openai/gpt-oss-20b"


def test_several_models_are_a_chain_that_is_not_left(invoke: Invoke, tmp_path: Path):
    with FakeUpstream(server_error()) as first, FakeUpstream() as second:
        env = two_hosts(tmp_path, first, second)
        pinned = invoke("chat", "--model", "first:m", "hello", env=env)
        chained = invoke("chat", "--model", "first:m", "--model", "second:m", "hello", env=env)

    assert pinned.exit_code == 1
    assert "first:m" in pinned.stderr
    assert (0, f"{HELLO}\n") == (chained.exit_code, chained.stdout)


@pytest.mark.parametrize("bad", [rate_limited(), html_page(), unauthorized(), cut(0)])
def test_a_provider_that_fails_is_passed_over_without_a_word(invoke: Invoke, tmp_path: Path, bad: object):
    with FakeUpstream(bad) as first, FakeUpstream() as second:
        ended = invoke("chat", "hello", env=two_hosts(tmp_path, first, second))

    assert (0, f"{HELLO}\n", "") == (ended.exit_code, ended.stdout, ended.stderr)
    assert len(first.requests) >= 1


def test_why_tells_the_reasons_and_attempts_on_standard_error(invoke: Invoke, tmp_path: Path):
    with FakeUpstream(rate_limited()) as first, FakeUpstream() as second:
        ended = invoke("chat", "--why", "hello", env=two_hosts(tmp_path, first, second))

    assert (0, f"{HELLO}\n") == (ended.exit_code, ended.stdout)
    assert "second:m: chat (confidence" in ended.stderr
    assert "RateLimited" in ended.stderr
    assert "429" in ended.stderr


def test_a_break_in_the_middle_is_never_silent(openmux: Openmux):
    with FakeUpstream(cut(2, text="one two three four")) as upstream:
        ended = openmux("chat", "hello", env=hosted_at(upstream))

    assert ended.code == 1
    assert ended.out.startswith("one")
    assert ended.out.endswith("\n")
    assert "broke off" in ended.err


def test_when_all_fail_each_is_named(openmux: Openmux):
    with FakeUpstream(server_error()) as upstream:
        ended = openmux("chat", "-m", "groq:openai/gpt-oss-20b", "hello", env=hosted_at(upstream))
        as_json = openmux("chat", "--json", "-m", "groq:openai/gpt-oss-20b", "hello", env=hosted_at(upstream))

    told = json.loads(as_json.out)
    assert (1, "") == (ended.code, ended.out)
    assert "groq:openai/gpt-oss-20b: ServerError 500" in ended.err
    assert "next: " in ended.err
    assert (1, None, "AllRoutesFailedError") == (as_json.code, told["answer"], told["error"]["type"])


@pytest.mark.parametrize("words", [("chat", "hello"), ("chat", "--json", "hello"), ("chat", "--no-stream", "hello")])
def test_an_empty_pool_says_each_reason_and_the_next_command_in_time(openmux: Openmux, words: tuple[str, ...]):
    """No key, no network, no engine: soon, and no other words than these."""
    ended = openmux(*words, env={"OPENMUX_PROVIDERS": "groq,mistral", "HTTPS_PROXY": REFUSED})

    assert ended.code == 1
    assert ended.seconds < LATE_S
    assert "GROQ_API_KEY" in ended.err
    assert "MISTRAL_API_KEY" in ended.err
    assert "openmux init" in ended.err
    assert ended.out == "" or json.loads(ended.out)["answer"] is None


def test_without_a_network_the_keyless_hosts_do_not_hold_it_up(openmux: Openmux):
    ended = openmux("chat", "hello", env={"OPENMUX_PROVIDERS": "kilo,ovhcloud", "HTTPS_PROXY": REFUSED})

    assert ended.code == 1
    assert ended.seconds < LATE_S
    assert "openmux doctor" in ended.err


def test_offline_says_that_it_is_the_reason(openmux: Openmux):
    ended = openmux("chat", "hello", env={"OPENMUX_OFFLINE": "1", "OPENMUX_PROVIDERS": "groq,kilo"})

    assert ended.code == 1
    assert "OPENMUX_OFFLINE" in ended.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--model", "grok:openai/gpt-oss-20b"), "groq:openai/gpt-oss-20b"),
        (("--model", "nothing"), "provider:model"),
        (("--task", "poems"), "'poems'"),
        (("--profile", "nonesuch"), "nonesuch"),
        (("--timeout", "0"), "--timeout"),
        (("--timeout", "soon"), "'--timeout'"),
    ],
)
def test_wrong_usage_names_what_is_wrong(invoke: Invoke, words: tuple[str, ...], told: str):
    ended = invoke("chat", *words, "hello", env={"OPENMUX_PROVIDERS": "groq", "OPENMUX_STATE_URL": "memory:"})

    assert ended.exit_code == 2
    assert told in ended.stderr


def test_a_paid_model_is_refused_and_says_what_would_change_that(openmux: Openmux):
    with FakeUpstream() as upstream:
        ended = openmux("chat", "-m", "groq:gpt-5-paid", "hello", env=hosted_at(upstream))

    assert ended.code in {1, 2}
    assert "free = true" in ended.err
    assert upstream.requests == ()


def test_broken_configuration_names_file_key_and_line(openmux: Openmux, tmp_path: Path):
    config = tmp_path / "bad.toml"
    config.write_text("schema = 1\n[routing]\nfallbak = []\n", encoding="utf-8")

    ended = openmux("chat", "hello", env={"OPENMUX_CONFIG": str(config)})

    assert ended.code == 2
    assert f"{config}:3" in ended.err
    assert "fallbak" in ended.err


def test_a_deadline_holds(openmux: Openmux):
    with FakeUpstream(Answer(first_byte_s=60.0)) as upstream:
        ended = openmux("chat", "--timeout", "1", "hello", env=hosted_at(upstream))

    assert ended.code == 1
    assert ended.seconds < 1 + LATE_S


def test_a_locale_without_unicode_does_not_lose_letters(openmux: Openmux):
    with FakeUpstream(Answer("Zwölf 🙂 中")) as upstream:
        ended = openmux("chat", "hi", env=hosted_at(upstream, PYTHONIOENCODING="ascii", LC_ALL="C", PYTHONUTF8="0"))

    assert (0, "Zwölf 🙂 中\n") == (ended.code, ended.out)


@posix_only
def test_on_a_terminal_the_route_is_named_and_the_answer_cannot_steer_it():
    with (
        FakeUpstream(Answer("\x1b]0;owned\x07Fine.")) as upstream,
        terminal("chat", "hi", env=hosted_at(upstream)) as screen,
    ):
        screen.wait_for("]0;ownedFine.")
        screen.wait_for("(groq:")
        code = screen.code()

    assert code == 0
    assert "\x1b" not in screen.shown


@pytest.mark.integration
def test_a_real_engine_answers(openmux: Openmux, llama_server: str):
    env = {"OPENMUX_PROVIDERS": "llamacpp", "OPENMUX_LLAMACPP_BASE_URL": llama_server, "OPENMUX_STATE_URL": "memory:"}

    ended = openmux("chat", "What is the capital of France?", env=env)

    assert (0, "The capital of France is Paris.\n") == (ended.code, ended.out)


def test_a_broken_stream_is_gone_on_with_or_told_as_the_option_says(tmp_path: Path, invoke: Invoke):
    text = "one two three four five"

    def rest(received):
        shown = next((each["content"] for each in received.body["messages"] if each["role"] == "assistant"), "")
        return Answer(text[len(shown) :])

    with FakeUpstream(cut(2, text=text)) as bad, FakeUpstream(rest) as good:
        whole = invoke("chat", "hi", env=two_hosts(tmp_path, bad, good))
        told = invoke("chat", "--on-break", "raise", "hi", env=two_hosts(tmp_path, bad, good))
        wrong = invoke("chat", "--on-break", "continu", "hi", env=two_hosts(tmp_path, bad, good))

    assert f"{text}\n" == whole.stdout
    assert ("one two\n", True) == (told.stdout, "broke off" in told.stderr)
    assert "did you mean 'continue'" in wrong.stderr
