"""What a terminal sees."""

import io
import re

import pytest

from openmux_lc.cli.progress import PlainProgress, SilentProgress, progress_on
from openmux_lc.cli.render import LiveProgress, draw_table


class Terminal(io.StringIO):
    """A stream that says a person reads it."""

    def isatty(self) -> bool:
        """Return True."""
        return True


def drawn(width: int, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    draw_table(
        ("", "route", "tasks", "status"),
        [("1", "host:a-very-long-model-name", "chat, code, other", "ready"), ("2", "host:b", "", "paused")],
        stream=stream,
    )
    return stream.getvalue()


def test_a_wide_terminal_gets_a_table(monkeypatch: pytest.MonkeyPatch):
    shown = re.sub(r"\x1b\[\d*m", "", drawn(120, monkeypatch))

    lines = [line.split() for line in shown.splitlines() if line.strip()]
    assert lines[0] == ["route", "tasks", "status"]
    assert lines[2] == ["1", "host:a-very-long-model-name", "chat,", "code,", "other", "ready"]


@pytest.mark.parametrize("width", [10, 30, 40])
def test_a_narrow_terminal_gets_one_block_for_each_row(width: int, monkeypatch: pytest.MonkeyPatch):
    shown = drawn(width, monkeypatch)

    plain = "".join(re.sub(r"\x1b\[\d*m", "", shown).split())
    assert plain == "1host:a-very-long-model-nametaskschat,code,other·statusready2host:bstatuspaused"


def test_steps_are_lines_with_a_mark():
    stream = Terminal()

    with LiveProgress(stream) as progress:
        progress.begin("trying [bold]one[/bold]")
        progress.end("✗", "one [red]failed[/red]")
        progress.begin("trying two")
        progress.end("✓", "two answers")
        progress.begin("never ends")

    assert "one [red]failed[/red]" in stream.getvalue()
    assert "two answers" in stream.getvalue()
    assert stream.getvalue().rstrip().endswith("\x1b[2K") or "never ends" not in stream.getvalue().splitlines()[-1]


def test_a_pipe_gets_the_lines_alone(capsys: pytest.CaptureFixture[str]):
    stream = io.StringIO()

    with progress_on(stream) as progress:
        progress.begin("trying")
        progress.end("✓", "done")

    assert isinstance(progress, PlainProgress)
    assert stream.getvalue() == "✓ done\n"
    assert capsys.readouterr() == ("", "")


def test_a_terminal_gets_them_live():
    assert isinstance(progress_on(Terminal()), LiveProgress)


def test_silence_is_silent(capsys: pytest.CaptureFixture[str]):
    with SilentProgress() as progress:
        progress.begin("trying")
        progress.end("✓", "done")

    assert capsys.readouterr() == ("", "")
