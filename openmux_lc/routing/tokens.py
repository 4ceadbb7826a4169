"""How many tokens a prompt may take, told without a tokeniser.

The estimate leans high for scripts that tokenisers cut finely; it never reads more
than a fixed sample of a text.
"""

from __future__ import annotations

import re
from typing import Final

from openmux_lc.types.json import as_list, as_object, as_text
from openmux_lc.types.run import Message, Request

__all__ = ["estimated_request_tokens", "estimated_tokens"]

_SAMPLE: Final = 4096
_LATIN: Final = 4.0
_CJK: Final = 1.3
_OTHER: Final = 2.2
_PART_TOKENS: Final = {"image": 800, "audio": 1500, "video": 4000, "file": 2500}
_PER_MESSAGE: Final = 4
_WIDE: Final = re.compile(r"[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")


def estimated_tokens(text: str) -> int:
    """Return about how many tokens a text takes, 0 for none."""
    if not text:
        return 0
    if text.isascii():
        return int(len(text) / _LATIN) + 1
    step = max(1, len(text) // _SAMPLE)
    sample = text[::step]
    wide = len(_WIDE.findall(sample)) / len(sample)
    plain = len(sample.encode("ascii", "ignore")) / len(sample)
    # Accented Latin letters are dearer than plain ones, yet far from two characters a token.
    other = max(0.0, 1.0 - wide - plain)
    foreign = other if other > 0.3 else 0.0
    latin = 1.0 - wide - foreign
    return int(len(text) * (wide / _CJK + foreign / _OTHER + latin / _LATIN)) + 1


def estimated_request_tokens(request: Request) -> int:
    """Return about how many tokens the prompt of a request takes, tools included."""
    total = sum(_message_tokens(message) for message in request.messages)
    return total + sum(estimated_tokens(str(tool)) for tool in request.tools)


def _message_tokens(message: Message) -> int:
    content = message.get("content")
    calls = message.get("tool_calls")
    total = _PER_MESSAGE + (estimated_tokens(str(calls)) if calls else 0)
    if isinstance(content, str):
        return total + estimated_tokens(content)
    for part in map(as_object, as_list(content)):
        kind = as_text(part.get("type")).removeprefix("input_").split("_")[0]
        total += _PART_TOKENS.get(kind) or estimated_tokens(as_text(part.get("text")))
    return total
