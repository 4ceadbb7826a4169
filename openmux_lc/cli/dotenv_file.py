"""Puts one variable into a `.env` text and leaves every other line as it is.

The text is computed first; the file is then replaced in one step, readable by its
owner alone.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from pathlib import Path
from typing import Final

from openmux_lc.errors import ConfigError

__all__ = ["read_dotenv", "value_in", "with_variable", "write_private"]

_PLAIN: Final = re.compile(r"[A-Za-z0-9_./:+=@%-]+\Z")


def read_dotenv(path: Path) -> str:
    """Return the file's text as it is, line ends included, "" where there is none.

    Raises:
        ConfigError: It cannot be read as UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path}: {error}; it is left as it is") from error


def value_in(text: str, name: str) -> str:
    """Return what the text says `name` is, "" where it says nothing."""
    import io

    import dotenv  # only `openmux init` needs it

    return (dotenv.dotenv_values(stream=io.StringIO(text), interpolate=False).get(name) or "").strip()


def with_variable(text: str, name: str, value: str) -> str:
    """Return `text` with `name` set to `value`: in its own line, else in a new last one.

    Args:
        text: A `.env` file's text.
        name: The variable; of several lines with it the last one counts and is changed.
        value: One line of text.
    """
    ending = "\r\n" if "\r\n" in text else "\n"
    line = f"{name}={_quoted(value)}"
    own = re.compile(rf"^(?P<before>\ufeff?[ \t]*(?:export[ \t]+)?){re.escape(name)}[ \t]*=[^\r\n]*", re.MULTILINE)
    places = list(own.finditer(text))
    if places:
        place = places[-1]
        return text[: place.start()] + place["before"] + line + text[place.end() :]
    gap = "" if not text or text.endswith(("\n", "\r")) else ending
    return f"{text}{gap}{line}{ending}"


def write_private(path: Path, text: str) -> None:
    """Replace the file at `path` by `text`, with mode 0600; a link keeps its target.

    Raises:
        ConfigError: The folder does not take it; names the path.
    """
    target = path.resolve()
    scratch = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8", newline="") as file:  # noqa: PTH123 - of a descriptor
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        scratch.replace(target)
    except OSError as error:
        with contextlib.suppress(OSError):
            scratch.unlink()
        raise ConfigError(f"cannot write {path}: {error.strerror or error}") from error


def _quoted(value: str) -> str:
    if _PLAIN.match(value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
