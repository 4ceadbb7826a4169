"""The one place where errors become messages and exit codes.

0 is an answer, 1 a failure, 2 wrong usage or configuration, 130 Ctrl-C. What nobody
foresaw is told by its type alone: its text might hold what the user typed.
"""

from __future__ import annotations

import functools
import logging
import os
import sys
from collections.abc import Callable
from typing import Final, ParamSpec

import typer

from openmux_lc.cli.output import note, note_error
from openmux_lc.errors import ConfigError, OpenMuxError

__all__ = ["FAILED", "INTERRUPTED", "PIPE_CLOSED", "WRONG_USAGE", "guarded", "start_logging"]

FAILED: Final = 1
WRONG_USAGE: Final = 2
INTERRUPTED: Final = 130
PIPE_CLOSED: Final = 141
"""What a shell calls a program that wrote to a reader who had left."""

_P = ParamSpec("_P")
_LOGGER: Final = logging.getLogger("openmux_lc")


def guarded(command: Callable[_P, None]) -> Callable[_P, None]:
    """Return `command` with every error turned into a message and an exit code."""

    @functools.wraps(command)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> None:
        try:
            command(*args, **kwargs)
            sys.stdout.flush()
        except (typer.Exit, typer.BadParameter):
            raise
        except BrokenPipeError:
            _discard_output()
            raise typer.Exit(PIPE_CLOSED) from None
        except KeyboardInterrupt:
            note()
            raise typer.Exit(INTERRUPTED) from None
        except EOFError:
            note("\nstopped: there is nobody to answer")
            raise typer.Exit(FAILED) from None
        except Exception as error:  # noqa: BLE001 - the top handler
            raise typer.Exit(_tell(error)) from None

    return run


def start_logging(level: str) -> None:
    """Send this package's log to standard error from `level` on.

    Only this package's: an HTTP library at DEBUG would write addresses and headers.
    """
    number = logging.getLevelNamesMapping().get(level.strip().upper())
    if number is None:
        note(f"LOG_LEVEL={level!r} is not a level (DEBUG, INFO, WARNING, ERROR); WARNING holds")
        number = logging.WARNING
    if not any(isinstance(handler, _ToStderr) for handler in _LOGGER.handlers):
        handler = _ToStderr()
        handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
        _LOGGER.addHandler(handler)
    _LOGGER.setLevel(number)


class _ToStderr(logging.StreamHandler):  # type: ignore[type-arg]  # generic in the stubs alone
    """Writes to whatever standard error is at the moment of writing."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


def _tell(error: Exception) -> int:
    """Write what went wrong to standard error and return the exit code."""
    _LOGGER.debug("the command failed", exc_info=error)
    if isinstance(error, OpenMuxError | OSError | ImportError):
        note_error(str(error))
    else:
        note_error(f"unexpected {type(error).__name__}; set LOG_LEVEL=DEBUG to see where it came from")
    return WRONG_USAGE if isinstance(error, ConfigError) else FAILED


def _discard_output() -> None:
    """Let Python's own flush at exit fail nowhere: the reader has left."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        return
