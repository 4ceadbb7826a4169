"""Where a key stands in a file whose parser keeps no line numbers (tomllib)."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["line_of"]


def line_of(text: str, keys: Sequence[str]) -> int:
    """Return the line of the last of `keys` that is found in `text`, else 1."""
    lines = text.splitlines()
    for key in reversed(keys):
        word = re.compile(rf"(^|[\s.\[{{,\"'])({re.escape(key)})([\s.\]=\"']|$)")
        for number, line in enumerate(lines, 1):
            if word.search(line.split("#")[0]):
                return number
    return 1
