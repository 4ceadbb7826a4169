"""Tool calls that a model writes into its text instead of making them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Literal

from openmux_lc.testing.behaviours import Answer

__all__ = ["PROSE", "Prose", "tool_call_as_prose"]

Prose = Literal["tag", "fence", "function", "json", "python"]

_WRITERS: Final[Mapping[Prose, Callable[[str, str], str]]] = MappingProxyType(
    {
        "tag": lambda name, arguments: f'<tool_call>\n{{"name": "{name}", "arguments": {arguments}}}\n</tool_call>',
        "fence": lambda name, arguments: f'```json\n{{"name": "{name}", "arguments": {arguments}}}\n```',
        "function": lambda name, arguments: f"<function={name}>{arguments}</function>",
        "json": lambda name, arguments: f'{{"name": "{name}", "parameters": {arguments}}}',
        "python": lambda name, arguments: f"<|python_tag|>{name}.call({arguments})",
    }
)
PROSE: Final = tuple(_WRITERS)
"""How models are known to write a call."""


def tool_call_as_prose(name: str, arguments: str = "{}", *, style: Prose = "tag", before: str = "") -> Answer:
    """Return an answer that talks a tool call; the finish reason is `stop`, as if nothing were wrong.

    Args:
        name: The function.
        arguments: JSON text.
        style: `tag` is `<tool_call>{json}</tool_call>`, `fence` a block of JSON,
            `function` is `<function=name>{json}</function>`, `json` the bare object and
            `python` a mark with a call behind it.
        before: Words in front of it.

    Raises:
        ValueError: No model is known to write calls in that style.
    """
    if style not in _WRITERS:
        raise ValueError(f"unknown style {style!r}; known are {', '.join(PROSE)}")
    return Answer(before + _WRITERS[style](name, arguments))
