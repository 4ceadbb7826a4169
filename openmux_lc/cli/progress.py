"""Steps that are told while they happen: drawn on a terminal, plain lines elsewhere."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self, TextIO

from openmux_lc.cli.output import is_terminal

__all__ = ["PlainProgress", "Progress", "SilentProgress", "progress_on"]


class Progress(Protocol):
    """Somebody who is told what happens."""

    def __enter__(self) -> Self:
        """Return the progress itself."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Clean up what is drawn."""
        ...

    def begin(self, text: str) -> None:
        """Show what is going on now."""
        ...

    def end(self, mark: str, text: str) -> None:
        """Say how it went."""
        ...


class SilentProgress:
    """Tells nobody: for `--json`."""

    def __enter__(self) -> Self:
        """Return the progress itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave nothing behind."""

    def begin(self, text: str) -> None:
        """Say nothing."""

    def end(self, mark: str, text: str) -> None:
        """Say nothing."""


class PlainProgress(SilentProgress):
    """Writes one line for each step that is done."""

    def __init__(self, stream: TextIO) -> None:
        """Write to `stream`."""
        self._stream = stream

    def end(self, mark: str, text: str) -> None:
        """Write the line."""
        self._stream.write(f"{mark} {text}\n")
        self._stream.flush()


def progress_on(stream: TextIO) -> Progress:
    """Return what suits `stream`."""
    if not is_terminal(stream):
        return PlainProgress(stream)
    from openmux_lc.cli.render import LiveProgress  # loads rich

    return LiveProgress(stream)
