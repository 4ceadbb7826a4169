"""What becomes of a stream that breaks after its first words."""

from __future__ import annotations

from typing import Final, Literal

from openmux_lc.errors import ConfigError

__all__ = ["BREAKS", "OnBreak", "to_on_break"]

OnBreak = Literal["continue", "raise"]
BREAKS: Final[tuple[OnBreak, ...]] = ("continue", "raise")


def to_on_break(name: str, text: str) -> OnBreak:
    """Return what is to become of a broken stream; `name` is where `text` was said.

    Raises:
        ConfigError: It is no such word; names the likely one.
    """
    for word in BREAKS:
        if word == text.strip().lower():
            return word
    import difflib  # only for whom the word was none

    near = difflib.get_close_matches(text.strip().lower(), BREAKS, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ConfigError(f"{name}: {text!r} is neither {' nor '.join(map(repr, BREAKS))}{hint}")
