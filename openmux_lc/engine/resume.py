"""The request that makes another route go on with an answer: pure, request in, request out.

Where the host takes an assistant message as the beginning of its own answer, that is
how; everywhere else the model is told in words.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, NamedTuple

from openmux_lc.types.run import Message, Request

__all__ = ["Resumed", "anchor_of", "resumed"]

_CHARS_PER_TOKEN: Final = 4
_ANCHOR_CHARS: Final = 24
_LEAST_TOKENS: Final = 16

_GO_ON: Final = (
    "Your answer above broke off in transmission. Continue it exactly where it stopped, in the same language, format "
    "and style. Do not repeat it, do not start again, do not comment and do not open a code block a second time."
)
_FROM: Final = " Only its last characters are to be said once more, unchanged, and then at once what follows: {anchor}"
_CALL: Final = (
    "Your answer above broke off in transmission while a function was being called; nothing of that call arrived. "
    "Do not repeat the text. Make the call now, whole."
)


class Resumed(NamedTuple):
    """The request for the rest of an answer, and about how many tokens of it were shown."""

    request: Request
    shown_tokens: int = 0


def anchor_of(shown: str) -> str:
    """Return the last word or words of `shown`, on one line."""
    line = shown.rstrip().rpartition("\n")[2]
    if len(line) <= _ANCHOR_CHARS:
        return line.lstrip()
    tail = line[-_ANCHOR_CHARS:]
    return tail.partition(" ")[2].lstrip() or tail


def resumed(request: Request, shown: str, *, is_prefilled: bool, lacks_call: bool = False) -> Resumed:
    """Return the request that asks for the rest of an answer.

    Args:
        request: What was asked.
        shown: What of the answer the reader has seen.
        is_prefilled: The host goes on with an assistant message that stands last.
        lacks_call: It broke in a tool call.
    """
    messages: tuple[Message, ...] = (*request.messages, {"role": "assistant", "content": shown})
    if not is_prefilled:
        told = _CALL if lacks_call else _GO_ON + _FROM.format(anchor=anchor_of(shown))
        messages = (*messages, {"role": "user", "content": told})
    spent = len(shown) // _CHARS_PER_TOKEN
    rest = replace(
        request,
        messages=messages,
        goes_on=True,
        max_tokens=None if request.max_tokens is None else max(_LEAST_TOKENS, request.max_tokens - spent),
        response_format=None,  # a host that enforces it would begin a second document
    )
    return Resumed(rest, spent)
