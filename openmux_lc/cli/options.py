"""Options that several commands share, and what they mean to the pool."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Final

import typer

from openmux_lc.errors import ConfigError
from openmux_lc.types.catalog import TASKS, Task

if TYPE_CHECKING:
    from openmux_lc.mux import Mux
    from openmux_lc.types.run import Options

__all__ = [
    "JsonOption",
    "ModelOption",
    "OnBreakOption",
    "ProfileOption",
    "TaskOption",
    "TextArgument",
    "TimeoutOption",
    "read_text",
    "to_options",
    "to_task",
]

_LONGEST_S: Final = 86_400.0
_LARGEST_BYTES: Final = 16 * 1024 * 1024
_STDIN: Final = "-"

TextArgument = Annotated[list[str], typer.Argument(metavar="TEXT", help="The question; `-` stands for standard input.")]
ModelOption = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        "-m",
        metavar="ROUTE",
        help="Ask this provider:model; repeat it for a chain, end the chain with `auto` to go on with the best.",
    ),
]
TaskOption = Annotated[
    str | None, typer.Option("--task", "-t", metavar="TASK", help=f"Say what it is: {', '.join(TASKS)}.")
]
ProfileOption = Annotated[
    str | None, typer.Option("--profile", "-p", metavar="NAME", help="Weights to choose by, such as balanced.")
]
TimeoutOption = Annotated[float | None, typer.Option("--timeout", metavar="SECONDS", help="Longest wait for it all.")]
OnBreakOption = Annotated[
    str | None,
    typer.Option("--on-break", metavar="WHAT", help="When a stream breaks: continue with another model, or raise."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def to_task(text: str) -> Task:
    """Return the task of that name.

    Raises:
        ConfigError: There is none; names those that exist.
    """
    for task in TASKS:
        if task == text.strip().lower():
            return task
    raise ConfigError(f"--task: {text!r} is no task; write one of {', '.join(TASKS)}")


def to_options(
    mux: Mux, *, models: Sequence[str] | None, task: str | None, profile: str | None, timeout_s: float | None = None
) -> Options:
    """Return the pool's own options, changed where the user said something.

    Raises:
        ConfigError: A value does not fit; names the option.
    """
    options = mux.default_options()
    if models:
        options = replace(options, chain=tuple(models))
    if task:
        options = replace(options, task=to_task(task))
    if profile:
        options = replace(options, routing_profile=profile)
    if timeout_s is not None:
        if not 0 < timeout_s <= _LONGEST_S:
            raise ConfigError(f"--timeout: {timeout_s:g} is no waiting time; write seconds from 1 to {_LONGEST_S:.0f}")
        options = replace(options, timeout_s=timeout_s)
    return options


def read_text(words: Sequence[str]) -> str:
    """Return the words as one text, with standard input where `-` stands.

    Raises:
        ConfigError: There is no text, or standard input is too large or no UTF-8.
    """
    if _STDIN in words:
        where = list(words).index(_STDIN)
        around = (" ".join(words[:where]), _read_stdin(), " ".join(words[where + 1 :]))
        text = "\n\n".join(part.strip() for part in around if part.strip())
    else:
        text = " ".join(words)
    # An argument that is no UTF-8 reaches Python as lone surrogates, which no provider accepts.
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace").strip()
    if not text:
        raise ConfigError("there is no text; write it behind the command, or `-` to read it from standard input")
    return text


def _read_stdin() -> str:
    content = sys.stdin.buffer.read(_LARGEST_BYTES + 1)
    if len(content) > _LARGEST_BYTES:
        raise ConfigError(f"standard input is larger than {_LARGEST_BYTES // 1024**2} MiB; no model reads that much")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"standard input is not UTF-8 text (byte {error.start}); convert it first") from None
