"""A history in which every tool call has its result, and every result its call.

Pure. Hosts refuse a history that lacks one of the two, and a checkpoint that was
written between them keeps it that way for every later turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Final, NamedTuple

from openmux_lc.types.json import Json, JsonObject, as_list, as_object, as_text
from openmux_lc.types.run import Message

__all__ = ["Mended", "mended"]

_NO_RESULT: Final = "no result: this call was never answered"


class Mended(NamedTuple):
    """A history whose calls and results are pairs.

    Args:
        messages: The very ones that were given where nothing was wrong.
        notes: What was changed, in words for the report.
    """

    messages: tuple[Message, ...]
    notes: tuple[str, ...] = ()


class _Mend:
    """The history as it grows, with what was changed."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self._messages = messages
        self._used: set[int] = set()
        self._told: list[Message] = []
        self._counts = dict.fromkeys(("unanswered", "moved", "orphaned", "repeated"), 0)

    def mended(self) -> Mended:
        for place, message in enumerate(self._messages):
            if place in self._used:
                continue
            if message.get("role") == "tool":
                # Whatever has a call was taken with it.
                self._counts["repeated" if self._is_repeated(message) else "orphaned"] += 1
            elif as_list(message.get("tool_calls")):
                self._take_calls(place, message)
            else:
                self._told.append(message)
        if not any(self._counts.values()):
            return Mended(tuple(self._messages))
        return Mended(tuple(self._told), _notes(self._counts))

    def _take_calls(self, place: int, message: Message) -> None:
        """Add a message with its calls, each followed by its one result."""
        own: dict[str, Json] = {}
        every = as_list(message.get("tool_calls"))
        for call in every:
            own.setdefault(as_text(as_object(call).get("id")), call)
        self._counts["repeated"] += len(every) - len(own)
        self._told.append(message if len(every) == len(own) else {**message, "tool_calls": list(own.values())})
        nowhere = len(self._messages)
        results = {call_id: self._result(place, call_id) for call_id in own}
        # Results keep the order that they came in.
        for call_id, found in sorted(results.items(), key=itemgetter(1)):
            if found < nowhere:
                self._told.append(self._messages[found])
            else:
                self._counts["unanswered"] += 1
                self._told.append({"role": "tool", "tool_call_id": call_id, "content": _NO_RESULT})

    def _result(self, place: int, call_id: str) -> int:
        """Return where the result of a call stands, before the same id is called anew; else behind all."""
        is_behind = True
        for number in range(place + 1, len(self._messages)):
            message = self._messages[number]
            if message.get("role") == "tool":
                if number not in self._used and as_text(message.get("tool_call_id")) == call_id:
                    self._used.add(number)
                    self._counts["moved"] += not is_behind
                    return number
                continue
            is_behind = False
            if call_id in _ids(message):
                break
        return len(self._messages)

    def _is_repeated(self, message: Message) -> bool:
        call_id = message.get("tool_call_id")
        return any(told.get("role") == "tool" and told.get("tool_call_id") == call_id for told in self._told)


def mended(messages: Sequence[Message]) -> Mended:
    """Return the history with its calls and results in pairs.

    A call without a result is told that there is none, a result that stands elsewhere is
    put behind its call, a result without a call and every repeated one are left out.
    """
    if not any(message.get("role") == "tool" or message.get("tool_calls") for message in messages):
        return Mended(tuple(messages))
    return _Mend(messages).mended()


def _ids(message: Message) -> set[str]:
    calls: Sequence[JsonObject] = [as_object(call) for call in as_list(message.get("tool_calls"))]
    return {as_text(call.get("id")) for call in calls}


def _notes(counts: dict[str, int]) -> tuple[str, ...]:
    words = {
        "unanswered": "without a result told that there is none",
        "moved": "whose result stood elsewhere put together with it",
    }
    lines = [f"history repaired: {_many(counts[name], 'tool call')} {words[name]}" for name in words if counts[name]]
    if counts["orphaned"]:
        lines.append(f"history repaired: {_many(counts['orphaned'], 'tool result')} without a call left out")
    if counts["repeated"]:
        lines.append(f"history repaired: {counts['repeated']} repeated calls or results left out")
    return tuple(lines)


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
