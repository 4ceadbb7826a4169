"""Writes the TOML that row files are made of: texts, numbers, flags, lists, tables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

__all__ = ["to_toml", "toml_key", "toml_value"]

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+\Z")
_WIDTH: Final = 120
_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def to_toml(table: Mapping[str, object], path: tuple[str, ...] = ()) -> str:
    """Return a table's lines: its values first, then the tables inside it.

    Args:
        table: What to write; nested mappings become tables of their own.
        path: The keys that lead to it.
    """
    values = {key: value for key, value in table.items() if not isinstance(value, Mapping)}
    header = f"[{'.'.join(toml_key(step) for step in path)}]\n" if path and (values or not table) else ""
    lines = [f"{toml_key(key)} = {toml_value(value)}\n" for key, value in values.items()]
    inner = [to_toml(value, (*path, key)) for key, value in table.items() if isinstance(value, Mapping)]
    return "\n".join([part for part in (header + "".join(lines),) if part] + inner)


def toml_key(key: str) -> str:
    """Return a key, quoted where it must be."""
    return key if _BARE.match(key) else _quoted(key)


def toml_value(value: object) -> str:
    """Return a value; a list that is too long for a line takes one line for each item.

    Raises:
        TypeError: TOML has no such value.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{toml_key(str(key))} = {toml_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        items = [toml_value(item) for item in value]
        line = f"[{', '.join(items)}]"
        if len(line) < _WIDTH - 20 and not (items and items[0].startswith("{")):
            return line
        return "[\n" + "".join(f"    {item},\n" for item in items) + "]"
    raise TypeError(f"TOML has no value for a {type(value).__name__}")


def _quoted(text: str) -> str:
    return '"' + "".join(_ESCAPES.get(char) or (char if char.isprintable() else _code(char)) for char in text) + '"'


def _code(char: str) -> str:
    return f"\\U{ord(char):08x}"
