"""Errors become one message and one exit code, and never tell what was typed."""

import logging

import pytest
import typer

from openmux_lc.cli.guard import guarded, start_logging
from openmux_lc.errors import AllRoutesFailedError, ConfigError, NoRouteError, RateLimited, UnknownProviderError

SECRET = "what the user typed"


def code_of(error: BaseException) -> int:
    @guarded
    def command() -> None:
        raise error

    with pytest.raises(typer.Exit) as caught:
        command()
    return caught.value.exit_code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("wrong setting"), 2),
        (UnknownProviderError("no such provider"), 2),
        (NoRouteError("no route"), 1),
        (AllRoutesFailedError("all failed"), 1),
        (RateLimited("too many"), 1),
        (PermissionError(13, "Permission denied", "/x"), 1),
        (KeyboardInterrupt(), 130),
        (EOFError(), 1),
        (BrokenPipeError(), 141),
        (ZeroDivisionError("nobody foresaw it"), 1),
    ],
)
def test_each_kind_of_error_has_its_exit_code(error: BaseException, code: int):
    assert code == code_of(error)


def test_our_own_errors_are_told_in_full(capsys: pytest.CaptureFixture[str]):
    code_of(NoRouteError("no route\n  next: openmux init"))

    assert capsys.readouterr() == ("", "error: no route\n  next: openmux init\n")


def test_an_unforeseen_error_is_told_by_its_type_alone(capsys: pytest.CaptureFixture[str]):
    code_of(RuntimeError(SECRET))

    told = capsys.readouterr()
    assert SECRET not in told.out + told.err
    assert "RuntimeError" in told.err
    assert "LOG_LEVEL=DEBUG" in told.err


def test_a_missing_module_is_named(capsys: pytest.CaptureFixture[str]):
    code_of(ModuleNotFoundError("No module named 'gone'"))

    assert "gone" in capsys.readouterr().err


def test_debug_shows_where_it_came_from(capsys: pytest.CaptureFixture[str]):
    start_logging("debug")

    code_of(RuntimeError("deep inside"))

    assert "Traceback" in capsys.readouterr().err


def test_an_unknown_log_level_is_told_and_does_not_stop_anything(capsys: pytest.CaptureFixture[str]):
    start_logging("LOUD")

    assert "LOUD" in capsys.readouterr().err
    assert logging.getLogger("openmux_lc").level == logging.WARNING


def test_a_broken_pipe_says_nothing(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    class Gone:
        def flush(self) -> None:
            raise BrokenPipeError

        def fileno(self) -> int:
            raise ValueError

    monkeypatch.setattr("sys.stdout", Gone())

    @guarded
    def command() -> None:
        return

    with pytest.raises(typer.Exit) as caught:
        command()

    assert caught.value.exit_code == 141
    assert capfd.readouterr().err == ""


def test_a_deliberate_exit_passes_through():
    assert code_of(typer.Exit(7)) == 7
