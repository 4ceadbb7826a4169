"""Reads one table of a row file: every value is of the promised type or an error.

An error names the file, the line and the key; an unknown key is one, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar, overload

from openmux_lc.errors import CatalogError
from openmux_lc.types.lines import line_of

__all__ = ["Origin", "Table"]

_T = TypeVar("_T")
_Text = TypeVar("_Text", bound=str)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a table was read, for messages; the text is kept only to find a line."""

    name: str
    text: str = ""

    def fault(self, keys: Iterable[str], problem: str) -> CatalogError:
        """Return the error that names file, line and key."""
        path = tuple(keys)
        line = f":{line_of(self.text, path)}" if self.text else ""
        return CatalogError(f"{self.name}{line}: {'.'.join(path) or 'file'}: {problem}")


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping read key by key.

    Args:
        values: As parsed.
        origin: The file it comes from.
        path: Keys that lead to it.
    """

    values: Mapping[str, object]
    origin: Origin
    path: tuple[str, ...] = ()

    def fault(self, key: str, problem: str) -> CatalogError:
        """Return the error about `key` of this table."""
        return self.origin.fault((*self.path, key), problem)

    def only(self, known: frozenset[str]) -> None:
        """Refuse every key that is not in `known`.

        Raises:
            CatalogError: Names the first one and the nearest known key.
        """
        if not self.values.keys() <= known:
            key = next(key for key in self.values if key not in known)
            raise self.fault(key, f"no such key{_meant(key, known)}")

    @overload
    def text(self, key: str) -> str: ...
    @overload
    def text(self, key: str, default: _T) -> str | _T: ...

    def text(self, key: str, default: object = "") -> object:
        """Return the string at `key`, `default` where it is absent."""
        return self._typed(key, str, "a text", default)

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Return the boolean at `key`."""
        return bool(self._typed(key, bool, "true or false", default))

    @overload
    def whole(self, key: str) -> int: ...
    @overload
    def whole(self, key: str, default: _T) -> int | _T: ...

    def whole(self, key: str, default: object = 0) -> object:
        """Return the whole number at `key`; below zero is an error."""
        value = self.values.get(key, default)
        if key in self.values and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
            raise self.fault(key, "write a whole number, 0 or more")
        return value

    def share(self, key: str, default: float) -> float:
        """Return the number between 0 and 1 at `key`."""
        value = self.values.get(key, default)
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
            raise self.fault(key, "write a number from 0 to 1")
        return float(value)

    def moment(self, key: str) -> float:
        """Return the date and time at `key` in epoch seconds, 0.0 where it is absent."""
        value = self.values.get(key)
        if value is None:
            return 0.0
        try:
            told = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        except ValueError:
            told = None
        if told is None or told.tzinfo is None:
            raise self.fault(key, "write a date and time with its offset, such as 2026-01-31T09:30:00Z")
        return told.timestamp()

    def choice(self, key: str, allowed: tuple[_Text, ...], default: _Text) -> _Text:
        """Return the one of `allowed` that stands at `key`."""
        value = self.values.get(key, default)
        for word in allowed:
            if word == value:
                return word
        raise self.fault(key, f"write one of {', '.join(allowed)}{_meant(str(value), allowed)}")

    def texts(self, key: str) -> tuple[str, ...]:
        """Return the list of strings at `key`, empty where it is absent."""
        value = self.values.get(key, ())
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            raise self.fault(key, "write a list of texts")
        return tuple(value)

    def wholes(self, key: str) -> tuple[int, ...]:
        """Return the list of whole numbers at `key`, empty where it is absent."""
        value = self.values.get(key, ())
        if not isinstance(value, list | tuple) or not all(type(item) is int for item in value):
            raise self.fault(key, "write a list of whole numbers")
        return tuple(value)

    def table(self, key: str) -> Table:
        """Return the table at `key`, an empty one where it is absent."""
        value = self.values.get(key, {})
        if not isinstance(value, dict):
            raise self.fault(key, "write a table")
        return Table(value, self.origin, (*self.path, key))

    def tables(self, key: str) -> tuple[Table, ...]:
        """Return the list of tables at `key`, empty where it is absent."""
        value = self.values.get(key, ())
        if not isinstance(value, list | tuple) or not all(isinstance(item, dict) for item in value):
            raise self.fault(key, "write a list of tables")
        return tuple(Table(item, self.origin, (*self.path, key)) for item in value)

    def _typed(self, key: str, kind: type, wanted: str, default: object) -> object:
        value = self.values.get(key, default)
        if key in self.values and not isinstance(value, kind):
            raise self.fault(key, f"write {wanted}")
        return value


def _meant(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean ...?`, or nothing when no known word is near."""
    import difflib  # only a faulty file pays for it

    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
