"""How a report is kept in the run log: compressed JSON of a bounded size.

Pure. A report that is too long keeps its short fields, never a part of a long one.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Final

from openmux_lc.types.json import Json, JsonObject, as_object

__all__ = ["pack", "unpack"]

_LONGEST_BYTES: Final = 1024 * 1024
_SHORT_CHARS: Final = 2_000


def pack(entry: JsonObject) -> bytes:
    """Return `entry` as it is stored."""
    text = _to_text(entry)
    if len(text) > _LONGEST_BYTES:
        short = {name: value for name, value in entry.items() if len(_to_text(value)) <= _SHORT_CHARS}
        text = _to_text(dict(list(short.items())[:100]) | {"is_shortened": True})
    return zlib.compress(text.encode(), level=1)


def unpack(body: bytes) -> Mapping[str, Json]:
    """Return the entry that `pack` stored, an empty one when it cannot be read."""
    try:
        return as_object(json.loads(zlib.decompress(body)))
    except (ValueError, zlib.error):
        return {}


def _to_text(value: Json) -> str:
    return json.dumps(value, separators=(",", ":"), default=str)
