"""Thoughts that a model writes into its text: `<think>...</think>` at the very start.

The split does not depend on where the text was cut into pieces. Tags further on
are the answer's own text.
"""

from __future__ import annotations

from typing import Final

__all__ = ["ThoughtSplitter"]

_OPEN: Final = "<think>"
_CLOSE: Final = "</think>"


class ThoughtSplitter:
    """Takes an answer's text in pieces and gives it back as (text, thoughts).

    Line breaks before the first visible character are dropped, unless the text goes on with another.
    """

    __slots__ = ("_dropped", "_held", "_spaces", "_state")

    def __init__(self, *, goes_on: bool = False) -> None:
        """Begin before the first character."""
        self._dropped = "" if goes_on else "\r\n"
        self._state = "start"
        self._held = ""
        self._spaces: list[str] = []  # before the first visible character, joined once

    def feed(self, piece: str) -> tuple[str, str]:
        """Return what of the text so far is certain to be answer or thought."""
        if self._state == "text" or self._is_lead(piece):
            return (piece if self._state == "text" else ""), ""
        held = self._lead() + piece
        thoughts = ""
        if self._state == "start":
            head = held.lstrip()
            if not head or (len(head) < len(_OPEN) and _OPEN.startswith(head)):
                self._held = held
                return "", ""
            if not head.startswith(_OPEN):
                return self._answer(held, self._dropped)
            self._state, held = "opening", head[len(_OPEN) :]
        if self._state == "opening":
            held, self._held = held.lstrip("\r\n"), ""
            if not held:
                return "", ""
            self._state = "thoughts"
        if self._state == "thoughts":
            thoughts, found, rest = held.partition(_CLOSE)
            if not found:
                kept = _overlap(thoughts)
                self._held = thoughts[len(thoughts) - kept :]
                return "", thoughts[: len(thoughts) - kept]
            self._state, held = "gap", rest
        return self._answer(held)[0], thoughts

    def finish(self) -> tuple[str, str]:
        """Return what was held back and will get no more text."""
        held, self._held = self._lead(), ""
        if self._state == "thoughts":
            return "", held
        return ("" if self._state == "gap" else held.lstrip(self._dropped) if self._dropped else held), ""

    def _is_lead(self, piece: str) -> bool:
        """Whether nothing visible has come yet; `piece` is kept then."""
        is_lead = self._state == "start" and not self._held and piece.isspace()
        if is_lead:
            self._spaces.append(piece)
        return is_lead

    def _lead(self) -> str:
        """Return what came before and is not given out yet."""
        if not self._spaces:
            return self._held
        spaces, self._spaces = self._spaces, []
        return "".join((*spaces, self._held))

    def _answer(self, held: str, dropped: str = "\r\n") -> tuple[str, str]:
        """Return the answer's text once something of it is visible."""
        text = held.lstrip(dropped) if dropped else held
        if not text:
            self._held, self._state = "", "gap"
            return "", ""
        self._held, self._state = "", "text"
        return text, ""


def _overlap(text: str) -> int:
    """Return how many characters at the end may be the start of the closing tag."""
    return next((size for size in range(min(len(_CLOSE) - 1, len(text)), 0, -1) if _CLOSE.startswith(text[-size:])), 0)
