"""A row as a file that the user may edit: every line of it is what the package says today.

The lines are comments. What the user uncomments and changes is laid over the row; the
rest keeps following the package, so that an old copy never hides a newer fact.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from openmux_lc.catalog.layers import package_layers
from openmux_lc.catalog.toml_text import to_toml
from openmux_lc.errors import UnknownProviderError
from openmux_lc.folders import data_folder

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["editable_copy", "editable_text"]

_HEADER: Final = """\
# Your copy of the row {row_id!r} of openmux_lc. Lines that begin with '# ' are what the package says: take the '# '
# away from those you change, and leave the others, which go on following the package. A list is replaced as a whole.
# A model of your own: [[providers.{row_id}.models]] with id, tasks, profile and evidence.
# Delete this file to be rid of your changes.
schema = 1
"""


def editable_copy(provider_id: str) -> Path:
    """Return the user's copy of a shipped row; it is written if there is none yet.

    Raises:
        UnknownProviderError: The package ships no such row.
    """
    path = data_folder() / "providers" / f"{provider_id}.toml"
    text = editable_text(provider_id)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return path


def editable_text(provider_id: str) -> str:
    """Return the text of such a copy.

    Raises:
        UnknownProviderError: The package ships no such row.
    """
    rows = package_layers().rows
    if provider_id not in rows:
        raise UnknownProviderError(
            f"the package ships no row {provider_id[:120]!r}; it has {', '.join(sorted(rows))}. "
            "A host of your own is a [providers.NAME] table of your configuration"
        )
    row = {key: value for key, value in rows[provider_id].values.items() if key != "models"}
    lines = to_toml(_nested(row), ("providers", provider_id)).splitlines()
    body = "\n".join(line if not line or line.startswith("[") else f"# {line}" for line in lines)
    return f"{_HEADER.format(row_id=provider_id)}\n{body}\n"


def _nested(row: Mapping[str, object]) -> dict[str, object]:
    """Return a row whose tables come last, and the ones that a user may want, empty if need be."""
    tables = {"auth": {}, "free": {}, **{key: value for key, value in row.items() if isinstance(value, Mapping)}}
    return {**{key: value for key, value in row.items() if not isinstance(value, Mapping)}, **tables}
