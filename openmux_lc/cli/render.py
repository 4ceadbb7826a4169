"""What a terminal sees: tables and progress, drawn by rich, which only this module imports.

Cells are plain text to rich: nothing that a model or a provider wrote is markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self, TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.status import Status
from rich.table import Table
from rich.text import Text

__all__ = ["LiveProgress", "draw_table"]

_GAP: Final = 3
_STYLES: Final = {"✓": "green", "✗": "red"}


def draw_table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, stream: TextIO) -> None:
    """Draw a table; where the terminal is too narrow for its words, one block for each row."""
    console = Console(file=stream, highlight=False)
    key = next((number for number, heading in enumerate(headings) if heading), 0)
    widths = [
        _least_width(column, is_whole=number == key) for number, column in enumerate(zip(headings, *rows, strict=True))
    ]
    if sum(widths) + _GAP * len(widths) > console.width:
        _draw_blocks(console, headings, rows)
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for number, heading in enumerate(headings):
        table.add_column(heading, min_width=widths[number], no_wrap=number == key, header_style="bold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)


def _least_width(cells: Sequence[str], *, is_whole: bool) -> int:
    """Return the width that breaks no word, or no cell."""
    return max(max(map(len, [cell] if is_whole else cell.split()), default=0) for cell in cells)


def _draw_blocks(console: Console, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    named = 1 if headings[0] else 2  # a column without a heading numbers the rows
    for row in rows:
        console.print(Text(" ".join(row[:named]), style="bold"))
        block = Text()
        for heading, cell in zip(headings[named:], row[named:], strict=True):
            if cell:
                block.append(" · " if block else "", style="dim").append(f"{heading} ", style="dim").append(cell)
        console.print(Padding(block, (0, 0, 0, 4), expand=False))


class LiveProgress:
    """Steps on a terminal: a spinner while one runs, a marked line when it is done."""

    def __init__(self, stream: TextIO) -> None:
        """Draw on `stream`."""
        self._console = Console(file=stream, highlight=False)
        self._status: Status | None = None

    def __enter__(self) -> Self:
        """Return the progress itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the spinner away, whatever happened."""
        self._stop()

    def begin(self, text: str) -> None:
        """Show what is going on now."""
        self._stop()
        self._status = Status(Text(text), console=self._console)
        self._status.start()

    def end(self, mark: str, text: str) -> None:
        """Replace the spinner by a line: `mark` says how it went."""
        self._stop()
        self._console.print(Text.assemble((f"{mark} ", _STYLES.get(mark, "dim")), text))

    def _stop(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None
