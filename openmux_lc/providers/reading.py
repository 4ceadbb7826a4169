"""What one JSON object of an answer says, whichever dialect wrote it.

A dialect has one reader, for whole bodies and for the events of a stream alike; all
that follows (thoughts, tool calls, usage, faults, ends) works on a `Reading`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from openmux_lc.providers.message import finish_reason, read_piece, read_usage
from openmux_lc.types.json import Json, JsonObject, as_int, as_object, as_text, dig
from openmux_lc.types.run import Usage

__all__ = ["Echo", "Reader", "Reading", "read_openai", "signed_call"]

_SIGNATURE: Final = ("extra_content", "google", "thought_signature")
_MAX_ECHO_CHARS: Final = 1024 * 1024


class Reading(NamedTuple):
    """What a body or an event says; what it does not say is empty.

    Args:
        text: Words of the answer.
        reasoning: Words of its thoughts.
        refusal: Words in which the model declines, shown where there is no text.
        tool_calls: In the OpenAI dialect's shape, whole or in pieces.
        finish: Why it ended, under its OpenAI name; None while it has not.
        usage: Tokens, where they are told.
        model: The id that answers.
        id: The provider's id of the answer.
        is_answer: Whether there is an answer in it, though maybe an empty one.
        is_over: Whether nothing more comes, by the protocol's own word.
        fault: What went wrong, as a body for the classifier of faults.
        signature: Opaque mark of the text that the provider wants back.
        details: Opaque thoughts that the provider wants back.
        place: Which of several answers this is of.
    """

    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    tool_calls: tuple[JsonObject, ...] = ()
    finish: str | None = None
    usage: Usage | None = None
    model: str = ""
    id: str = ""
    is_answer: bool = False
    is_over: bool = False
    fault: Json = None
    signature: str = ""
    details: Sequence[Json] = ()
    place: int = 0


Reader = Callable[[JsonObject, str], Reading]
"""Reads a body (event name `""`) or one event of a stream."""


def read_openai(payload: JsonObject, event: str) -> Reading:
    """Return what a body, or a chunk, of the OpenAI dialect says."""
    usage = read_usage(payload)
    model, answer_id = as_text(payload.get("model")), as_text(payload.get("id"))
    choices = payload.get("choices")
    if not isinstance(choices, list) or not choices:
        inner = as_object(payload.get("provider"))
        if inner.get("choices"):  # one router now and then puts the whole answer there
            return read_openai(inner, event)
        return Reading(usage=usage, model=model, id=answer_id, fault=_flat_fault(payload))
    choice = as_object(choices[0])
    said = choice.get("delta")
    message = said if isinstance(said, dict) else choice.get("message")
    piece = read_piece(message if isinstance(message, dict) else {})
    reason, place = finish_reason(choice.get("finish_reason")), choice.get("index")
    return Reading(
        text=piece.text or as_text(choice.get("text")),
        reasoning=piece.reasoning,
        refusal=piece.refusal,
        tool_calls=piece.tool_calls,
        finish=reason,
        usage=usage,
        model=model,
        id=answer_id,
        is_answer=isinstance(message, dict) or reason is not None,
        fault=_fault(choice, reason),
        details=piece.details,
        place=place if isinstance(place, int) else 0,
    )


def signed_call(call: JsonObject, signature: str) -> JsonObject:
    """Return a tool call with the mark that the provider wants back beside it."""
    return {**call, "extra_content": {"google": {"thought_signature": signature}}} if signature else call


def _fault(choice: JsonObject, reason: str | None) -> Json:
    """Return the fault that a choice under status 200 carries, if any."""
    if choice.get("error"):
        return {"error": choice["error"]}
    return {"error": {"message": "finish_reason is error"}} if reason == "error" else None


def _flat_fault(payload: JsonObject) -> Json:
    """Return the fault that a payload without choices is; some hosts write theirs without an envelope."""
    is_fault = bool(as_text(payload.get("message"))) and as_text(payload.get("type")).endswith("error")
    return payload if is_fault else None


@dataclass(slots=True)
class Echo:
    """Collects what a provider wants back with the history, bounded."""

    signatures: dict[str, Json] = field(default_factory=dict)
    details: list[dict[str, Json]] = field(default_factory=list)
    chars: int = 0

    def sign(self, call_id: str, call: JsonObject) -> None:
        """Keep the mark on a tool call."""
        found = as_text(dig(call, *_SIGNATURE))
        if found and self._has_room(len(found)):
            self.signatures[call_id] = found

    def take(self, reading: Reading) -> None:
        """Keep the mark on the text, and the thoughts."""
        if reading.signature and self._has_room(len(reading.signature)):
            self.signatures[""] = reading.signature
        for detail in reading.details:
            if isinstance(detail, dict):
                self._take_detail(detail)

    @property
    def value(self) -> JsonObject:
        """What was kept; empty when there was nothing."""
        found: dict[str, Json] = {}
        if self.signatures:
            found["signatures"] = dict(self.signatures)
        if self.details:
            found["reasoning_details"] = list(self.details)
        return found

    def _take_detail(self, detail: JsonObject) -> None:
        """Put pieces of one thought together again: same place, same kind."""
        last = self.details[-1] if self.details else {}
        is_next = as_int(detail.get("index")) is not None and all(
            detail.get(name) == last.get(name) for name in ("index", "type")
        )
        if not self._has_room(_weight(detail)):
            return
        if not is_next:
            self.details.append(dict(detail))
            return
        for name, value in detail.items():
            if name in {"text", "summary", "data"}:
                last[name] = as_text(last.get(name)) + as_text(value)
            elif value is not None:
                last[name] = value

    def _has_room(self, weight: int) -> bool:
        self.chars += weight
        return self.chars <= _MAX_ECHO_CHARS


def _weight(value: Json) -> int:
    """Return about how many characters a value takes, nested ones counted with their content."""
    if isinstance(value, str):
        return len(value) + 2
    if isinstance(value, Mapping):
        return 8 + sum(len(name) + _weight(inner) for name, inner in value.items())
    if isinstance(value, list | tuple):
        return 8 + sum(map(_weight, value))
    return 8
