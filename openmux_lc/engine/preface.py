"""What models say before they go on: a remark, and a code fence opened anew. Pure.

Only what speaks of going on is taken for a remark: an answer may well begin a
paragraph with "Sure".
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["after_fence", "after_remark", "is_in_fence", "may_be_preface"]

_LONGEST: Final = 160
_OPENERS: Final = (
    *("sure", "of course", "certainly", "absolutely", "okay", "ok", "yes", "right", "alright", "got it", "understood"),
    *("no problem", "sorry", "apologies", "my apologies", "i apologize", "here is", "here's", "here are", "the rest"),
    *("continuing", "continued", "continuation", "continue", "to continue", "let me continue", "let me pick up"),
    *("let's continue", "i'll continue", "i will continue", "i'll pick up", "picking up", "resuming", "going on"),
    *("(continu", "[continu", "**continu", "*continu", "... continu", "…continu"),
)
_GOES_ON: Final = re.compile(
    r"continu|resum|pick(?:ing)? (?:it )?up|the rest\b|remain(?:der|ing)|left off|(?:was|were) (?:cut|interrupted)"
    r"|stopped|going on|go on",
    re.IGNORECASE,
)
_REMARK: Final = re.compile(
    r"\s*(?P<said>[^\n]{2,160}?)(?P<end>:[*_)\]]*[ \t]*\n{1,2}|[.!…)\]*_-]*[ \t]*\n{1,2}|:[*_]* ?)"
)
_FENCE: Final = re.compile(r"\s*(?:```|~~~)(?P<kind>[\w+#.-]*)[ \t]*\n")
_FENCE_LINE: Final = re.compile(r"^[ \t]{0,3}(?:```|~~~)", re.MULTILINE)
_FENCES: Final = ("```", "~~~")


def is_in_fence(text: str) -> bool:
    """Whether `text` ends inside a code block."""
    return len(_FENCE_LINE.findall(text)) % 2 == 1


def may_be_preface(text: str, shown: str) -> bool:
    """Whether `text` is the beginning of what may yet become a remark or a fence."""
    head = text.lstrip().lower()
    if len(head) <= _LONGEST and after_remark(text, shown) is None and _may_be_remark(head):
        return True
    rest = after_remark(text, shown)
    rest = text if rest is None else rest
    head = rest.lstrip()
    is_begun = any(fence.startswith(head[:3]) for fence in _FENCES) and "\n" not in head and len(head) < 40
    if rest is not text:
        return is_begun
    return bool(head) and is_begun and is_in_fence(shown)


def _may_be_remark(head: str) -> bool:
    if "\n" in head:
        return False
    return any(opener.startswith(head) or head.startswith(opener) for opener in _OPENERS) if head else False


def after_remark(text: str, shown: str) -> str | None:
    """Return what follows a remark about going on, None where there is none.

    The line breaks behind it are the remark's, one blank is too.
    """
    found = _REMARK.match(text)
    if found is None:
        return None
    said = found["said"].lower()
    if not any(said.startswith(opener) for opener in _OPENERS) or not _GOES_ON.search(said):
        return None
    is_full = ":" in found["end"] or "\n" in found["end"]
    return text[found.end() :] if is_full and shown else None


def after_fence(text: str, shown: str, *, is_after_remark: bool) -> str | None:
    """Return what follows a fence that only opens the shown one anew, None where there is none.

    A bare fence closes the block that is open, unless a remark stands before it.
    """
    found = _FENCE.match(text)
    if found is None or not is_in_fence(shown):
        return None
    is_half = _FENCE_LINE.match(shown.rpartition("\n")[2]) is not None  # the fence itself was cut
    return text[found.end() :] if (found["kind"] or is_after_remark) and not is_half else None
