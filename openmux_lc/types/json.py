"""JSON as a type, and narrow readers for JSON that a stranger sent.

A provider's answer is hostile until read: each reader returns a value of the
promised type or the empty value of that type, and never raises.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias, cast

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
JsonObject: TypeAlias = "Mapping[str, Json]"

__all__ = ["Json", "JsonObject", "as_count", "as_float", "as_int", "as_list", "as_object", "as_text", "dig", "writable"]

_EMPTY: JsonObject = {}
_MOST = 10**15


def as_object(value: object) -> JsonObject:
    """Return `value` if it is a JSON object, else an empty one."""
    return cast("JsonObject", value) if isinstance(value, dict) else _EMPTY


def as_list(value: object) -> Sequence[Json]:
    """Return `value` if it is a JSON array, else an empty one."""
    return cast("Sequence[Json]", value) if isinstance(value, list | tuple) else ()


def as_text(value: object) -> str:
    """Return `value` if it is a string, else the empty string."""
    return value if isinstance(value, str) else ""


def as_int(value: object) -> int | None:
    """Return a whole number, also out of `"12"` or `12.0`, else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 20:  # int() is quadratic
        return int(value)
    return None


def as_count(value: object) -> int | None:
    """Return a whole number from 0 to 10**15, else None: nothing is counted beyond."""
    count = as_int(value)
    return count if count is not None and 0 <= count <= _MOST else None


def as_float(value: object) -> float | None:
    """Return a finite number, also out of `"1.5"`, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if number == number and abs(number) != float("inf") else None  # noqa: PLR0124 - NaN test


def writable(text: str) -> str:
    """Return `text` without lone halves of characters: JSON can hold them, no file can."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def dig(value: object, *path: str | int) -> Json:
    """Return what lies at `path` inside nested objects and arrays, else None."""
    here: object = value
    for step in path:
        if isinstance(step, str) and isinstance(here, dict):
            here = here.get(step)
        elif isinstance(step, int) and isinstance(here, list | tuple) and -len(here) <= step < len(here):
            here = here[step]
        else:
            return None
    return cast("Json", here)
