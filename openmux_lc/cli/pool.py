"""Opens the pool for one command, with the log level and the settings that hold here."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from openmux_lc.cli.guard import start_logging
from openmux_lc.settings import Settings

if TYPE_CHECKING:
    from openmux_lc.mux import Mux

__all__ = ["open_pool", "read_settings"]


def read_settings() -> Settings:
    """Return the settings that hold here, and start the log that they ask for.

    Raises:
        ConfigError: A file or variable is malformed; names file, key and line.
    """
    start_logging(os.environ.get("LOG_LEVEL") or "WARNING")
    settings = Settings.load()
    if level := settings.lookup("LOG_LEVEL"):
        start_logging(level.value)
    return settings


@contextlib.contextmanager
def open_pool() -> Iterator[Mux]:
    """Yield the pool of these settings, and close it at the end.

    Raises:
        ConfigError: A file or variable is malformed; names file, key and line.
    """
    from openmux_lc.mux import Mux  # `--help` does without

    with Mux(read_settings()) as mux:
        yield mux
