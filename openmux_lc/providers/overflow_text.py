"""The window that a host names where a prompt was too long for it."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["read_window_tokens"]

_LEAST: Final = 256
_MOST: Final = 100_000_000
_NUMBER: Final = r"(\d{1,3}(?:[,_ ]\d{3}){1,3}|\d{3,9})(?![\d.])"
_TOLD: Final = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"context (?:length|window|size)(?: limit)?[\s\w:'\"]{{0,20}}?(?:is|of|:|=)[ (]{{0,2}}(?:only )?{_NUMBER}",
        rf"context (?:length|window|size)(?: limit)? ?\({_NUMBER}",
        rf"{_NUMBER} (?:tokens? )?maximum context",
        rf"n_ctx['\"]?\s*[:=(]+\s*{_NUMBER}",
        rf"maximum number of (?:input )?tokens allowed ?\({_NUMBER}",
        rf"tokens > {_NUMBER} maximum",
        rf"max_seq_len['\"]?\s*[:=(]+\s*{_NUMBER}",
    )
)
"""How hosts name it; what else stands in such a text is what was asked for."""


def read_window_tokens(text: str) -> int | None:
    """Return the model's window in tokens, None where the text names none or a senseless one."""
    for form in _TOLD:
        found = form.search(text)
        if found is not None:
            tokens = int(re.sub(r"\D", "", found[1]))
            return tokens if _LEAST <= tokens <= _MOST else None
    return None
