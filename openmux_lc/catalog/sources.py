"""The shipped rows as they are written and reviewed, and how they become the one file that is loaded.

Facts (providers.toml), models (models.json) and hand-made corrections (overrides.toml):
only the build reads these, and a test that `baked.json` says the same.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from openmux_lc.catalog.layers import Layers, Row, merged, read_file

__all__ = ["baked", "source_layers"]

_CORRECTION: Final = frozenset({"provider", "date", "reason", "row"})


def source_layers(folder: Path, overrides: Path | None = None) -> Layers:
    """Return the rows of the three files.

    Args:
        folder: Where they lie.
        overrides: The corrections, where they lie elsewhere.

    Raises:
        CatalogError: A file is malformed; names file, line and key.
    """
    facts = read_file(folder / "providers.toml")
    models = read_file(folder / "models.json").table("models")
    corrections = read_file(overrides or folder / "overrides.toml")
    corrections.only(frozenset({"schema", "quirks", "corrections"}))
    rows = facts.table("providers")
    values: dict[str, dict[str, object]] = {
        row_id: {**rows.table(row_id).values, "models": models.tables(row_id) and models.values[row_id]}
        for row_id in rows.values
    }
    for correction in corrections.tables("corrections"):
        correction.only(_CORRECTION)
        row_id = correction.text("provider")
        if row_id not in values:
            raise correction.fault("provider", f"{row_id!r} is no row of {facts.origin.name}")
        if not (correction.text("reason") and correction.text("date")):
            raise correction.fault("reason", "a correction tells its reason and its date")
        values[row_id] = merged(values[row_id], correction.table("row").values)
    return Layers(
        rows={row_id: Row(values=row, origin=facts.origin) for row_id, row in values.items()},
        quirks=frozenset(corrections.texts("quirks")),
    )


def baked(layers: Layers) -> str:
    """Return the rows as the file that is loaded, one row a line; figures stay as they are written.

    Raises:
        CatalogError: A row is malformed, so that a faulty one is never shipped.
    """
    layers.to_providers()
    rows = ",\n".join(f"{_line(row_id)}: {_line(row.values)}" for row_id, row in sorted(layers.rows.items()))
    by = "baked by .ci/build/make_catalog.py from providers.toml, models.json and overrides.toml: do not edit"
    return f'{{"schema": 1, "by": {_line(by)},\n"quirks": {_line(sorted(layers.quirks))},\n"rows": {{\n{rows}\n}}}}\n'


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))
