"""What goes where: plain pipes, safe terminals."""

import io
import json

import pytest

from openmux_lc.cli import output


class Terminal(io.StringIO):
    """A stream that says a person reads it."""

    def isatty(self) -> bool:
        """Return True."""
        return True


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain\n\ttext", "plain\n\ttext"),
        ("\x1b[31mred\x1b[0m", "[31mred[0m"),
        ("title\x1b]0;owned\x07", "title]0;owned"),
        ("over\rwritten\x08", "overwritten"),
        ("c1\x9b31m", "c131m"),
        ("é中🙂", "é中🙂"),
    ],
)
def test_printable_takes_control_characters_away_and_nothing_else(text: str, expected: str):
    assert expected == output.printable(text)


def test_a_terminal_never_gets_escape_sequences_of_a_model(monkeypatch: pytest.MonkeyPatch):
    """A model's answer may not move the cursor, set the title or fake a prompt."""
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)

    output.write("a\x1b[2Jb")

    assert terminal.getvalue() == "a[2Jb"


def test_a_pipe_gets_the_answer_as_it_is(capsys: pytest.CaptureFixture[str]):
    output.write("a\x1b[2Jb")

    assert capsys.readouterr() == ("a\x1b[2Jb", "")


def test_a_note_goes_to_standard_error_and_is_dim_only_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    output.note("beside")
    piped = capsys.readouterr()
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    output.note("beside")

    assert piped == ("", "beside\n")
    assert terminal.getvalue() == "\x1b[2mbeside\n\x1b[0m"


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_a_terminal_without_colours_gets_none(name: str, value: str, monkeypatch: pytest.MonkeyPatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv(name, value)

    output.note("beside")

    assert terminal.getvalue() == "beside\n"


def test_json_keeps_letters_and_can_stand_on_one_line(capsys: pytest.CaptureFixture[str]):
    output.tell_json({"a": "é", "b": [1, None]}, is_compact=True)

    written = capsys.readouterr().out

    assert written == '{"a": "é", "b": [1, null]}\n'
    assert json.loads(written) == {"a": "é", "b": [1, None]}


def test_a_table_in_a_pipe_is_aligned_and_never_shortened(capsys: pytest.CaptureFixture[str]):
    long = "x" * 300

    output.tell_table(("route", "status"), [("a", "ready"), (long, "two\nlines")])

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["route", "status"]
    assert lines[2] == f"{long}  two lines"
    assert len(lines) == 3


def test_a_table_on_a_terminal_shows_markup_and_controls_as_text(monkeypatch: pytest.MonkeyPatch):
    terminal = Terminal()
    monkeypatch.setenv("COLUMNS", "200")

    output.tell_table(("route", "status"), [("[bold]a[/bold]", "\x1b[31mred")], stream=terminal)

    assert "[bold]a[/bold]" in terminal.getvalue()
    assert "[31mred" in terminal.getvalue()
    assert "\x1b[31m" not in terminal.getvalue()


def test_a_closed_stream_is_no_terminal():
    stream = io.StringIO()
    stream.close()

    assert output.is_terminal(stream) is False


def test_an_error_is_one_plain_line_on_standard_error(capsys: pytest.CaptureFixture[str]):
    output.note_error("what failed")

    assert capsys.readouterr() == ("", "error: what failed\n")
