"""Where a key stands in a file whose parser keeps no line numbers (tomllib)."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["line_of"]


def line_of(text: str, keys: Sequence[str]) -> int:
    """Return the line of the last of `keys` that is found behind those before it, else 1."""
    lines = [line.split("#")[0] for line in text.splitlines()]
    here = 0
    for key in keys:
        word = re.compile(rf"(^|[\s.\[{{,\"'])({re.escape(key)})([\s.\],=\"']|$)")
        here = next((at for at in range(here, len(lines)) if word.search(lines[at])), here)
    return here + 1
