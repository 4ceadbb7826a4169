"""What goes where: answers to standard output, everything else to standard error.

A terminal never receives control characters that a model or a provider wrote; a
pipe gets its text as it is.
"""

from __future__ import annotations

import io
import json
import os
import re
import sys
from collections.abc import Sequence
from typing import Final, TextIO

from openmux_lc.types.json import Json

__all__ = [
    "can_ask",
    "is_terminal",
    "note",
    "note_error",
    "printable",
    "tell",
    "tell_json",
    "tell_table",
    "use_utf8",
    "write",
    "write_dim",
]

_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_CREDENTIALS: Final = re.compile(r"(?<=://)[^/\s@'\"]+@")
_GAP: Final = "  "


def use_utf8() -> None:
    """Write UTF-8 whatever the locale says, and `?` for what no text may hold."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")


def is_terminal(stream: TextIO) -> bool:
    """Whether a person reads `stream`."""
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def printable(text: str) -> str:
    """Return `text` without control characters; line breaks and tabs stay."""
    return _CONTROLS.sub("", text)


def write(text: str) -> None:
    """Write a piece of an answer at once, without a line break."""
    sys.stdout.write(printable(text) if is_terminal(sys.stdout) else text)
    sys.stdout.flush()


def tell(text: str = "") -> None:
    """Write a line to standard output."""
    write(f"{text}\n")


def tell_json(value: Json, *, is_compact: bool = False) -> None:
    """Write JSON to standard output, on one line where it is to be `is_compact`."""
    write(json.dumps(value, ensure_ascii=False, indent=None if is_compact else 2) + "\n")


def write_dim(text: str) -> None:
    """Write a piece of a side remark to standard error, dim on a terminal."""
    stream = sys.stderr
    if is_terminal(stream):
        text = printable(text)
        if _has_styles():
            text = f"\x1b[2m{text}\x1b[0m"
    stream.write(text)
    stream.flush()


def note(text: str = "") -> None:
    """Write a line of a side remark to standard error, dim on a terminal."""
    write_dim(f"{text}\n")


def note_error(message: str) -> None:
    """Write `error: ...` to standard error, addresses without the passwords in them."""
    line = f"error: {_CREDENTIALS.sub('***@', message)}\n"
    sys.stderr.write(printable(line) if is_terminal(sys.stderr) else line)
    sys.stderr.flush()


def can_ask() -> bool:
    """Whether there is a person who can answer a question."""
    return is_terminal(sys.stdin) and is_terminal(sys.stderr)


def tell_table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, stream: TextIO | None = None) -> None:
    """Write a table: drawn on a terminal, plain aligned columns into a pipe."""
    target = stream or sys.stdout
    if is_terminal(target):
        from openmux_lc.cli.render import draw_table  # loads rich

        draw_table(headings, [[printable(cell) for cell in row] for row in rows], stream=target)
        return
    lines = [[cell.replace("\n", " ") for cell in row] for row in (headings, *rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    for line in lines:
        target.write(_GAP.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() + "\n")
    target.flush()


def _has_styles() -> bool:
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
