"""`openmux classify`: what kind of request a text is; nothing leaves the process."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, Final

import typer

from openmux_lc.cli.options import JsonOption, read_text
from openmux_lc.cli.output import tell, tell_json
from openmux_lc.cli.pool import read_settings
from openmux_lc.errors import ConfigError
from openmux_lc.types.json import Json
from openmux_lc.types.report import to_classification

if TYPE_CHECKING:
    from openmux_lc.types.run import Classification

__all__ = ["classify"]

_LONGEST_LINE: Final = 16 * 1024 * 1024
_KINDS: Final = ("image", "audio", "video", "pdf")


def classify(
    text: Annotated[list[str] | None, typer.Argument(metavar="TEXT", help="`-` is standard input.")] = None,
    jsonl: Annotated[
        str | None,
        typer.Option("--jsonl", metavar="FILE", help='Classify each line {"text", "attachments"?}; `-` as above.'),
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Also print the cues it went by.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Say what kind of request a text is, and how sure that is."""
    read_settings()
    if (jsonl is None) == (not text):
        raise ConfigError("write either a text or --jsonl FILE behind `openmux classify`")
    if jsonl is not None:
        _classify_lines(jsonl, with_cues=explain)
        return
    from openmux_lc.routing.classify import classify_text  # `--help` does without

    found = classify_text(read_text(text or []))
    if as_json:
        tell_json(_to_json(found, with_cues=explain))
        return
    tell(f"task        {found.task}")
    tell(f"confidence  {found.confidence:.2f}")
    tell(f"tasks       {', '.join(f'{task} {share:.2f}' for task, share in found.tasks)}")
    tell(f"difficulty  {found.difficulty:.2f}")
    if explain:
        tell(f"tags        {', '.join(found.tags) or '-'}")
        for cue in found.evidence:
            tell(f"because     {cue}")


def _classify_lines(name: str, *, with_cues: bool) -> None:
    """Print one line for each line of the file, until one cannot be read.

    Raises:
        ConfigError: Names the line and what is wrong with it.
    """
    from openmux_lc.routing.classify import classify_text  # `--help` does without

    for text, attachments in _read_lines(name):
        tell_json(_to_json(classify_text(text, attachments), with_cues=with_cues), is_compact=True)


def _to_json(found: Classification, *, with_cues: bool) -> Json:
    told = to_classification(found)
    return {**told, "tags": list(found.tags), "evidence": list(found.evidence)} if with_cues else told


def _read_lines(name: str) -> Iterator[tuple[str, list[str]]]:
    if name == "-":
        yield from _parsed_lines("standard input", sys.stdin.buffer)
        return
    try:
        with Path(name).open("rb") as file:
            yield from _parsed_lines(name, file)
    except OSError as error:
        raise ConfigError(f"cannot read {name}: {error.strerror or error}") from error


def _parsed_lines(name: str, file: BinaryIO) -> Iterator[tuple[str, list[str]]]:
    number = 0
    while line := file.readline(_LONGEST_LINE):
        number += 1
        if line.strip():
            yield _parsed(f"{name}:{number}", line.removeprefix(b"\xef\xbb\xbf"))


def _parsed(where: str, line: bytes) -> tuple[str, list[str]]:
    wanted = 'write {"text": "...", "attachments": ["image"]}'
    try:
        entry = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        raise ConfigError(f"{where}: not UTF-8 text") from None
    except (ValueError, RecursionError) as error:
        told = f": {error.msg} at column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        raise ConfigError(f"{where}: not JSON{told}; {wanted}") from None
    if not isinstance(entry, dict) or not isinstance(entry.get("text"), str):
        raise ConfigError(f"{where}: no `text`; {wanted}")
    kinds = entry.get("attachments") or []
    if not isinstance(kinds, list) or not all(isinstance(kind, str) for kind in kinds):
        raise ConfigError(f"{where}: `attachments` is a list of kinds; {wanted}")
    # A kind that is not known here tells nothing about the request; its text does.
    return entry["text"], [kind for kind in kinds if kind in _KINDS]
