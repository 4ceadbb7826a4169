"""Bare `openmux`: a conversation on a terminal."""

import stat
from pathlib import Path

import pytest

from openmux_lc.cli.interactive import Conversation
from openmux_lc.errors import AllRoutesFailedError, ConfigError, UnknownProviderError
from openmux_lc.folders import state_folder
from openmux_lc.mux import Mux
from openmux_lc.settings import Settings
from openmux_lc.testing import Answer, FakeUpstream, cut, server_error
from tests.cli.program import KEY, hosted_at, posix_only, terminal, two_hosts

HELLO = "Hello from the fake upstream."


def pool(env: dict[str, str]) -> Mux:
    return Mux(Settings.load(environ=env))


def test_what_was_said_is_kept_for_the_next_question(capsys: pytest.CaptureFixture[str]):
    with FakeUpstream() as upstream, pool(hosted_at(upstream)) as mux:
        talk = Conversation(mux)
        assert talk.take("first")
        assert talk.take("second")

    assert capsys.readouterr().out == f"{HELLO}\n{HELLO}\n"
    assert [message["content"] for message in upstream.requests[-1].body["messages"]] == ["first", HELLO, "second"]


def test_the_model_that_answered_is_asked_again(tmp_path: Path):
    """DESIGN.md, section 5: affinity keeps the style and the ids."""
    with FakeUpstream([server_error(), Answer()]) as first, FakeUpstream() as second:
        with pool(two_hosts(tmp_path, first, second)) as mux:
            talk = Conversation(mux)
            talk.options = talk.options.__class__(max_retries=0)
            talk.take("first")
            talk.take("second")

    assert len(first.requests) == 1
    assert len(second.requests) == 2


def test_a_question_without_an_answer_is_forgotten():
    with FakeUpstream([server_error()] * 8) as upstream, pool(hosted_at(upstream)) as mux:
        talk = Conversation(mux)
        talk.take("/model groq:openai/gpt-oss-20b")
        with pytest.raises(AllRoutesFailedError):
            talk.take("first")

    assert talk.messages == ()


def test_what_came_before_a_break_is_kept(capsys: pytest.CaptureFixture[str]):
    with FakeUpstream(cut(2, text="one two three four")) as upstream, pool(hosted_at(upstream)) as mux:
        talk = Conversation(mux)
        with pytest.raises(Exception, match="broke off"):
            talk.take("count")

    shown = capsys.readouterr().out
    assert talk.messages[-1]["content"] == shown.removesuffix("\n")
    assert shown.startswith("one")


def test_a_model_and_a_task_hold_until_they_are_changed():
    with FakeUpstream() as upstream, pool(hosted_at(upstream)) as mux:
        talk = Conversation(mux)
        talk.take("/model groq:openai/gpt-oss-20b auto")
        talk.take("/task code")
        pinned = talk.options
        talk.take("hello")
        talk.take("/model auto")
        talk.take("/task auto")

    assert (("groq:openai/gpt-oss-20b", "auto"), "code") == (pinned.chain, pinned.task)
    assert upstream.requests[-1].model == "openai/gpt-oss-20b"
    assert ((), None) == (talk.options.chain, talk.options.task)


@pytest.mark.parametrize(("line", "error"), [("/model nothing", UnknownProviderError), ("/task poems", ConfigError)])
def test_a_wrong_name_changes_nothing(line: str, error: type[Exception]):
    with FakeUpstream() as upstream, pool(hosted_at(upstream)) as mux:
        talk = Conversation(mux)
        before = talk.options
        with pytest.raises(error):
            talk.take(line)

    assert before == talk.options


def test_commands_tell_on_standard_error_and_unknown_ones_are_named(capsys: pytest.CaptureFixture[str]):
    with FakeUpstream() as upstream, pool(hosted_at(upstream)) as mux:
        talk = Conversation(mux)
        for line in ("/why", "/model", "/task", "/nonesuch", "/help"):
            assert talk.take(line)
        before = capsys.readouterr()
        talk.take("hello")
        talk.take("/why")
        after = capsys.readouterr()
        talk.take("/new")
        assert not talk.take("/exit")

    assert "nothing was asked yet" in before.err
    assert "no command /nonesuch" in before.err
    assert all(f"/{name}" in before.out for name in ("why", "model", "task", "new", "help", "exit"))
    assert "groq:" in after.err
    assert talk.messages == ()


@posix_only
def test_on_a_terminal_it_answers_goes_on_after_errors_and_leaves():
    with (
        FakeUpstream([Answer("First answer."), Answer("Second answer.")], api_key=KEY) as upstream,
        terminal(env=hosted_at(upstream)) as screen,
    ):
        screen.wait_for("> ")
        screen.type("one?\n")
        screen.wait_for("First answer.")
        screen.wait_for("> ")
        screen.type("/model nothing\n")
        screen.wait_for("error: 'nothing' names no provider")
        screen.wait_for("> ")
        screen.type("two?\n")
        screen.wait_for("Second answer.")
        screen.wait_for("> ")
        screen.type("\x04")
        code = screen.code()

    assert code == 0
    assert len(upstream.requests[-1].body["messages"]) == 3
    assert KEY not in screen.shown


@posix_only
def test_ctrl_c_stops_the_answer_and_not_the_conversation():
    with (
        FakeUpstream(
            [Answer("slowly goes on", per_chunk_s=0.05, after_chunks=1, ending="hang"), Answer("Fine.")]
        ) as up,
        terminal(env=hosted_at(up)) as screen,
    ):
        screen.wait_for("> ")
        screen.type("go\n")
        screen.wait_for("slowly")
        screen.type("\x03")
        screen.wait_for("(stopped)")
        screen.type("again\n")
        screen.wait_for("Fine.")
        screen.type("/exit\n")
        code = screen.code()

    assert code == 0
    assert up.requests[-1].body["messages"][1]["content"].startswith("slowly")


@posix_only
def test_ctrl_c_at_the_prompt_gives_a_new_prompt():
    with terminal(env={"OPENMUX_STATE_URL": "memory:"}) as screen:
        screen.wait_for("> ")
        screen.type("half a")
        screen.wait_for("half a")
        screen.interrupt_until("> ")
        screen.type("/exit\n")
        code = screen.code()

    assert code == 0


@posix_only
def test_what_was_typed_is_there_the_next_time_and_private():
    with FakeUpstream() as upstream:
        for _ in range(2):
            with terminal(env=hosted_at(upstream)) as screen:
                screen.wait_for("> ")
                screen.type("remember me\n")
                screen.wait_for(HELLO)
                screen.wait_for("> ")
                screen.type("/exit\n")
                assert screen.code() == 0

    path = state_folder() / "history"
    assert path.read_text(encoding="utf-8").splitlines().count("remember me") >= 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
