"""The rows as files tell them: shipped facts, corrections, then the user's own copies.

Later layers win key by key: tables are merged, models by their id, the rest is replaced.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, cast

from openmux_lc.catalog.reader import Origin, Table
from openmux_lc.catalog.rows import to_provider
from openmux_lc.errors import CatalogError
from openmux_lc.types.catalog import Provider

__all__ = ["Layers", "Row", "merged", "package_layers", "read_file"]

_BAKED: Final = Path(__file__).parent / "baked.json"
_IN_PACKAGE: Final = Origin(str(_BAKED))
_SCHEMA: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row before it is read: its values, the last file that spoke about it, and who brought it first."""

    values: Mapping[str, object]
    origin: Origin
    brought_by: str = "package"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """Every row so far, and the quirks a row may name."""

    rows: Mapping[str, Row]
    quirks: frozenset[str]

    def with_file(self, path: Path) -> Layers:
        """Return these rows with a user's file laid over them.

        Raises:
            CatalogError: The file cannot be read or is malformed; names file and key.
        """
        top = read_file(path)
        top.only(frozenset({"schema", "providers"}))
        changes = top.table("providers")
        rows = dict(self.rows)
        for row_id in changes.values:
            values = changes.table(row_id).values
            below = rows.get(row_id) or Row(values={}, origin=top.origin, brought_by="user")
            rows[row_id] = replace(below, values=merged(below.values, values), origin=top.origin)
        return Layers(rows=rows, quirks=self.quirks)

    def to_providers(self) -> dict[str, Provider]:
        """Return the providers that the rows describe, in the order of their rank.

        Raises:
            CatalogError: A row is malformed; names file, line and key.
        """
        providers = [
            to_provider(
                row_id,
                Table(row.values, row.origin, ("providers", row_id)),
                quirks=self.quirks,
                origin=row.brought_by,
            )
            for row_id, row in self.rows.items()
        ]
        return {row.id: row for row in sorted(providers, key=lambda row: (row.rank, row.id))}


def package_layers() -> Layers:
    """Return the shipped rows with their models and corrections.

    They are baked into one file; `sources` has what they are baked from.

    Raises:
        CatalogError: The file is malformed.
    """
    top = read_file(_BAKED)
    rows = top.table("rows")
    return Layers(
        rows={row_id: Row(values=rows.table(row_id).values, origin=_IN_PACKAGE) for row_id in rows.values},
        quirks=frozenset(top.texts("quirks")),
    )


def merged(below: Mapping[str, object], above: Mapping[str, object]) -> dict[str, object]:
    """Return `below` with the keys of `above` laid over it."""
    both = dict(below)
    for key, value in above.items():
        under = both.get(key)
        if key == "models":
            both[key] = _merged_models(under, value)
        elif isinstance(value, dict) and isinstance(under, dict):
            both[key] = merged(under, value)
        else:
            both[key] = value
    return both


def _merged_models(below: object, above: object) -> object:
    """Return lists of models merged by id; a malformed one is left for its reader."""
    if not _is_list_of_tables(above) or not _is_list_of_tables(below):
        return above
    entries = {str(entry.get("id")): entry for entry in cast("list[dict[str, object]]", below)}
    for entry in cast("list[dict[str, object]]", above):
        name = str(entry.get("id"))
        entries[name] = merged(entries.get(name, {}), entry)
    return list(entries.values())


def _is_list_of_tables(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, dict) for item in value)


def read_file(path: Path) -> Table:
    """Return the whole of a row file, TOML or JSON.

    Raises:
        CatalogError: It cannot be read, is malformed or is of another schema.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise CatalogError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise CatalogError(f"{path}: not UTF-8 text: {error.reason} at byte {error.start}") from error
    try:
        values = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except ValueError as error:
        raise CatalogError(f"{path}: not valid {path.suffix[1:].upper()}: {error}") from error
    top = Table(values, Origin(str(path), text))
    if top.whole("schema") != _SCHEMA:
        raise top.fault("schema", f"this version reads schema = {_SCHEMA}")
    return top
