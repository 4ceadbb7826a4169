"""Where a successor's text goes on from what the reader has seen: pure, text in, text out.

A successor may repeat the last characters or begin again from the start, behind a
remark ("Sure, here is the rest:") or a code fence opened anew. Its text is held only
as long as it may be such a repetition, which is never longer than what was shown.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from openmux_lc.engine.preface import after_fence, after_remark, may_be_preface

__all__ = ["Joint", "Seam", "overlap"]

_SURE: Final = 12
"""Points (see `_weight`) that are enough to tell a repetition from chance."""
_LONGEST: Final = 16_384
"""Characters that are compared, but for a whole restart."""
_RESTART: Final = 40
"""A match with the very beginning of this length is a restart, also where it then goes another way."""
_LETTERS_SEEN: Final = 256
_LOOKS: Final = 64
"""A held text is looked at again when it has grown by this part of itself."""
_LARGE_SCRIPTS: Final = 0x2000
"""Where punctuation, scripts without spaces and emoji begin."""

Kind = Literal["exact", "repeated", "restarted", "lost"]


class Joint(NamedTuple):
    """How two texts were joined.

    `exact` added the text as it came, `repeated` took what was said twice away,
    `restarted` did so for a whole new beginning, and `lost` means that the successor
    began again with other words: nothing of it can be shown.
    """

    kind: Kind
    repeated: int = 0
    preface: int = 0


class Seam:
    """Joins one successor's text to what was shown.

    Args:
        shown: Everything the reader has seen, never empty.
        is_prefilled: The successor was given `shown` as its own beginning, not an instruction.
        anchor: The last words, which an instruction asked to be said once more.
    """

    def __init__(self, shown: str, *, is_prefilled: bool = False, anchor: str = "") -> None:
        """Hold nothing yet."""
        self._shown = shown
        self._flat = _flat(shown)
        self._is_prefilled = is_prefilled
        self._anchor = anchor
        self._held: list[str] = []
        self._size = self._next_look = 0
        self.joint: Joint | None = None

    @property
    def is_lost(self) -> bool:
        """Whether the successor began anew with other words."""
        return self.joint is not None and self.joint.kind == "lost"

    def feed(self, piece: str) -> str:
        """Return what of the text so far is certain to be new."""
        if self.joint is not None:
            return "" if self.is_lost else piece
        self._held.append(piece)
        self._size += len(piece)
        if self._size < self._next_look:
            return ""
        self._next_look = self._size + self._size // _LOOKS  # so that a long new beginning is not read over and over
        text = "".join(self._held)
        return "" if self._is_open(text) else self._join(text)

    def finish(self) -> str:
        """Return what was held back and will get no more text."""
        if self.joint is not None:
            return ""
        return self._join("".join(self._held))

    def _is_open(self, text: str) -> bool:
        """Whether more text could still show that this is a repetition."""
        if may_be_preface(text, self._shown):
            return True
        return any(self._is_within(start) for start in self._starts(text))

    def _is_within(self, text: str) -> bool:
        flat = _flat(text.lstrip())
        return flat in self._flat if len(flat) <= _LONGEST else self._flat.startswith(flat)

    def _starts(self, text: str) -> list[str]:
        """Return the text, and what it is without a remark and a fence in front."""
        remark = after_remark(text, self._shown)
        fence = after_fence(text if remark is None else remark, self._shown, is_after_remark=remark is not None)
        return [text, *(start for start in (remark, fence) if start is not None)]

    def _join(self, text: str) -> str:
        starts = self._starts(text)
        found = [(*self._repeated(start), start) for start in starts]
        # What looks like a remark is one, unless the answer itself begins so.
        size, cut, start = max(each for each in found if not each[0] or each[1] >= len(each[2]) - len(starts[-1]))
        if size:
            kind: Kind = "restarted" if size >= len(self._flat.strip()) else "repeated"
            self.joint = Joint(kind, cut, len(text) - len(start))
            return start[cut:]
        if any(self._went_another_way(start) for start in starts):
            self.joint = Joint("lost")
            return ""
        start = starts[-1]
        self.joint = Joint("exact", preface=len(text) - len(start))
        return start[_doubled_space(self._shown, start) :]

    def _repeated(self, text: str) -> tuple[int, int]:
        """Return (flat characters that are said twice, how much of `text` they take)."""
        lead = len(text) - len(text.lstrip())
        flat, told = _flat(text[lead:]), _flat(self._anchor)
        size = overlap(self._flat, flat, is_prefilled=self._is_prefilled)
        if _weight(told) >= _SURE // 2 and flat.startswith(told):
            space = self._flat[len(self._flat.rstrip()) :]  # the anchor ends before it
            size = max(size, len(told) + (len(space) if flat.startswith(told + space) else 0))
        return (size, lead + _unflat(text[lead:], size, self._shown)) if size else (0, 0)

    def _went_another_way(self, text: str) -> bool:
        """Whether it began like what was shown, and then differed."""
        flat = _flat(text.lstrip())
        same = _common(self._flat.lstrip(), flat)
        return same >= _RESTART or (same >= _RESTART // 4 and 2 * same >= len(self._flat.strip()))


def overlap(shown: str, text: str, *, is_prefilled: bool = False) -> int:
    """Return how many characters at the end of `shown` are said again at the start of `text`.

    The longest repetition counts, if chance is no likely reason for it: it has letters
    enough or is a whole word, and what was shown did not already repeat itself so.
    """
    whole = shown.strip()
    if text.startswith(whole) and _is_beginning(whole):
        return len(whole) + (shown[-1].isspace() and text[len(whole) :][:1].isspace())
    text = text[:_LONGEST]
    size = _longest(shown[-len(text) :] if text else "", text)
    while size:
        if _is_evident(shown, text, size, is_prefilled=is_prefilled):
            return size
        size = _longest(shown[-(size - 1) :] if size > 1 else "", text[: size - 1])
    return 0


def _is_evident(shown: str, text: str, size: int, *, is_prefilled: bool) -> bool:
    said = text[:size]
    if shown[:-size].endswith(said) or _is_periodic(said):
        return False  # the text repeats itself: once more may be meant
    if _weight(said) >= _SURE:
        return True
    return not is_prefilled and size > 1 and _is_word(shown, text, size)


def _is_beginning(whole: str) -> bool:
    """Whether no answer goes on with all it has said so far."""
    return any(map(str.isalpha, whole[:8])) or whole == "{" or (len(whole) > 1 and not _is_periodic(whole))


def _is_word(shown: str, text: str, size: int) -> bool:
    """Whether the repetition is the last word, begun or whole: no word begins with itself."""
    begins = size >= len(shown) or not shown[-size - 1].isalnum()
    return begins and shown[-1:].isalpha() and text[:1].isalpha() and (size > 1 or not text[1:2].isalnum())


def _weight(said: str) -> int:
    """Return how telling a repetition is: six points a sign of a large script, three a letter, two a digit."""
    points = 0
    for sign in said[:_LETTERS_SEEN]:
        if sign.isdigit():
            points += 2
        elif sign.isalpha() or ord(sign) > _LARGE_SCRIPTS:
            points += 3 if ord(sign) < _LARGE_SCRIPTS else 6
        elif not sign.isspace():
            points += 1
    return points


def _is_periodic(said: str) -> bool:
    return len(said) > 1 and (said + said).find(said, 1) < len(said)


def _longest(tail: str, text: str) -> int:
    """Return the longest end of `tail` that `text` begins with (by Knuth, Morris and Pratt)."""
    failure = [0] * len(text)
    size = 0
    for place in range(1, len(text)):
        while size and text[place] != text[size]:
            size = failure[size - 1]
        size += text[place] == text[size]
        failure[place] = size
    size = 0
    for sign in tail:
        while size and (size == len(text) or sign != text[size]):
            size = failure[size - 1]
        size += size < len(text) and sign == text[size]
    return size


def _common(one: str, other: str) -> int:
    """Return how long both are the same."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle - 1)
    return low


def _flat(text: str) -> str:
    """Return the text with every run of white space as one blank."""
    flat = " ".join(text.split())
    if not flat:
        return " " if text else ""
    return f"{' ' if text[0].isspace() else ''}{flat}{' ' if text[-1].isspace() else ''}"


def _unflat(text: str, size: int, shown: str) -> int:
    """Return where in `text` its first `size` flat characters end."""
    place = seen = 0
    while seen < size and place < len(text):
        start = place
        while place < len(text) and text[place].isspace():
            place += 1
        if place > start:
            seen += 1
            if seen == size:
                return start + _same_space(shown, text[start:place])
            continue
        place, seen = place + 1, seen + 1
    return place


def _same_space(shown: str, space: str) -> int:
    """Return how much of `space` the end of `shown` already holds."""
    ending = shown[len(shown.rstrip()) :]
    same = _common(ending, space)
    return same if same == len(ending) or ("\n" in space and "\n" not in ending) else len(space)


def _doubled_space(shown: str, text: str) -> int:
    """Return 1 where two words would come to stand two blanks apart."""
    last_line = shown.rpartition("\n")[2]
    is_doubled = shown[-1:] == " " and bool(last_line.strip()) and text[:1] == " " and not text[1:2].isspace()
    return int(is_doubled and bool(text[1:2]))
