"""Builds one answer out of the chunks of a stream.

Pure: chunks in, answer out. What was delivered so far is always at hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from openmux_lc.types.catalog import Route
from openmux_lc.types.json import JsonObject
from openmux_lc.types.run import Answer, Chunk, ToolCall, Usage
from openmux_lc.types.state import LimitObservation

__all__ = ["Assembly", "estimated_usage", "summed"]

_CHARS_PER_TOKEN = 4
Number = TypeVar("Number", int, float)


@dataclass(slots=True)
class _Parts:
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)


class Assembly:
    """Adds up chunks; `answer()` may be asked for at any time."""

    def __init__(self, route: Route) -> None:
        """Begin with nothing from `route`."""
        self._route = route
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._calls: dict[int, _Parts] = {}
        self._finish_reason = ""
        self._usage: Usage | None = None
        self._model = ""
        self._id = ""
        self._echo: JsonObject = {}
        self._is_prompt_cut = False

    def add(self, chunk: Chunk) -> None:
        """Take one chunk in."""
        if chunk.text:
            self._text.append(chunk.text)
        if chunk.reasoning:
            self._reasoning.append(chunk.reasoning)
        for delta in chunk.tool_calls:
            parts = self._calls.setdefault(delta.index, _Parts())
            parts.id = parts.id or delta.id or ""
            parts.name = parts.name or delta.name or ""
            parts.arguments.append(delta.arguments)
        self._finish_reason = chunk.finish_reason or self._finish_reason
        self._usage = chunk.usage or self._usage
        self._model = chunk.model or self._model
        self._id = chunk.id or self._id
        self._echo = chunk.echo or self._echo
        self._is_prompt_cut = chunk.is_prompt_cut or self._is_prompt_cut

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self._text)

    @property
    def has_calls(self) -> bool:
        """Whether a tool call was begun."""
        return bool(self._calls)

    def answer(self, *, prompt_tokens: int = 0, raw: bytes = b"", limits: tuple[LimitObservation, ...] = ()) -> Answer:
        """Return what arrived; `prompt_tokens` serves where no usage was told."""
        text, reasoning = self.text, "".join(self._reasoning)
        return Answer(
            route=self._route,
            text=text,
            reasoning=reasoning,
            tool_calls=tuple(
                ToolCall(id=parts.id or f"call_{index}", name=parts.name, arguments="".join(parts.arguments))
                for index, parts in sorted(self._calls.items())
            ),
            finish_reason=self._finish_reason or "stop",
            usage=self._usage or estimated_usage(prompt_tokens, len(text) + len(reasoning)),
            model=self._model or self._route.model,
            id=self._id,
            raw=raw,
            limits=limits,
            echo=self._echo,
            extra={"truncated": True} if self._is_prompt_cut else {},
        )


def estimated_usage(prompt_tokens: int, output_chars: int) -> Usage:
    """Return a usage marked as estimated, for providers that tell none."""
    output = -(-output_chars // _CHARS_PER_TOKEN)
    return Usage(
        input_tokens=prompt_tokens, output_tokens=output, total_tokens=prompt_tokens + output, is_estimated=True
    )


def summed(usages: Sequence[Usage]) -> Usage:
    """Return the sum of what several routes used for one answer, estimated where one of them told nothing."""
    return Usage(
        input_tokens=sum(usage.input_tokens for usage in usages),
        output_tokens=sum(usage.output_tokens for usage in usages),
        total_tokens=sum(usage.total_tokens for usage in usages),
        reasoning_tokens=_sum(usage.reasoning_tokens for usage in usages),
        cache_read_tokens=_sum(usage.cache_read_tokens for usage in usages),
        is_estimated=any(usage.is_estimated for usage in usages),
        cost=_sum(usage.cost for usage in usages),
    )


def _sum(counts: Iterable[Number | None]) -> Number | None:
    told = [count for count in counts if count is not None]
    return sum(told[1:], told[0]) if told else None
