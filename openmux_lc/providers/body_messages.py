"""The messages of a chat request, as a host of the OpenAI dialect takes them.

Roles, ids and parts come from an allow-list. What a provider wants back of its own
answers goes to that provider alone; no other host ever sees thoughts.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from openmux_lc.providers.reading import signed_call
from openmux_lc.types.json import Json, JsonObject, as_list, as_object, as_text
from openmux_lc.types.run import Message

__all__ = ["Source", "nine_chars", "wire_messages"]

_PARTS: Final = frozenset({"text", "image_url", "input_audio", "file", "video_url"})
_NINE: Final = re.compile(r"[A-Za-z0-9]{9}")
_REORDERED: Final = frozenset({"single_tool_calls", "no_system_role", "system_first", "prefix_last"})
_ECHOED: Final = frozenset({"echo_reasoning_details", "echo_signatures", "signature_bypass"})
_RESHAPED: Final = frozenset({"bare_audio", "document_url"})
_STAND_IN: Final = "skip_thought_signature_validator"


class Source(NamedTuple):
    """Who is asked."""

    provider: str
    model: str


def wire_messages(messages: Iterable[Message], quirks: frozenset[str], *, source: Source, told: str = "") -> list[Json]:
    """Return the messages as this host takes them.

    Args:
        messages: In order.
        quirks: What the host refuses or wants otherwise.
        source: Who is asked.
        told: A further instruction, put where the system's are.
    """
    wire = [_message(message, quirks, source) for message in messages]
    if told:
        wire = _instructed(wire, told)
    if not quirks & _REORDERED:
        return list(wire)
    if "single_tool_calls" in quirks:
        wire = _one_by_one(wire, "" if "no_null_content" in quirks else None)
    if "no_system_role" in quirks:
        wire = _without_system(wire)
    elif "system_first" in quirks:
        wire = _system_first(wire)
    if "prefix_last" in quirks and wire and wire[-1]["role"] == "assistant" and "tool_calls" not in wire[-1]:
        wire[-1] = {**wire[-1], "prefix": True}
    return list(wire)


def nine_chars(call_id: str) -> str:
    """Return a tool-call id of nine letters and digits, the same for the same id."""
    return call_id if _NINE.fullmatch(call_id) else hashlib.sha256(call_id.encode("utf-8", "replace")).hexdigest()[:9]


def _message(message: Message, quirks: frozenset[str], source: Source) -> dict[str, Json]:
    role = as_text(message.get("role")) or "user"
    if role in {"user", "system", "developer"}:
        # The common case, kept short: this runs once per message and call.
        plain: dict[str, Json] = {
            "role": "system" if role == "developer" else role,
            "content": _content(message.get("content"), quirks) or "",
        }
        return _named(plain, message, quirks)
    content = _content(message.get("content"), quirks)
    wire: dict[str, Json] = {"role": role, "content": content}
    if role == "tool":
        wire["content"] = content or ""
        wire["tool_call_id"] = _id(as_text(message.get("tool_call_id")), quirks)
        return wire
    calls = [_tool_call(call, quirks) for call in as_list(message.get("tool_calls"))]
    if calls:
        wire["tool_calls"] = calls
    if content is None or content == "":
        wire["content"] = None if calls and "no_null_content" not in quirks else ""
    if quirks & _ECHOED:
        wire |= _echoed(message, calls, quirks, source)
    return _named(wire, message, quirks)


def _named(wire: dict[str, Json], message: Message, quirks: frozenset[str]) -> dict[str, Json]:
    name = message.get("name")
    return {**wire, "name": name} if name and isinstance(name, str) and "no_name" not in quirks else wire


def _tool_call(call: Json, quirks: frozenset[str]) -> JsonObject:
    fields = as_object(call)
    function = as_object(fields.get("function"))
    return {
        "id": _id(as_text(fields.get("id")), quirks),
        "type": "function",
        "function": {"name": as_text(function.get("name")), "arguments": as_text(function.get("arguments")) or "{}"},
    }


def _id(call_id: str, quirks: frozenset[str]) -> str:
    return nine_chars(call_id) if "tool_id_9" in quirks else call_id


def _echoed(message: Message, calls: Sequence[JsonObject], quirks: frozenset[str], source: Source) -> dict[str, Json]:
    """Return what goes back unread with an assistant's message: to its own provider only."""
    echo = as_object(message.get("echo"))
    is_own = bool(echo) and echo.get("provider") == source.provider
    fields: dict[str, Json] = {}
    details = as_list(echo.get("reasoning_details"))
    if details and is_own and echo.get("model") == source.model and "echo_reasoning_details" in quirks:
        fields["reasoning_details"] = list(details)
    if not calls:
        return fields
    known = as_object(echo.get("signatures")) if is_own and "echo_signatures" in quirks else {}
    ids = [as_text(as_object(call).get("id")) for call in as_list(message.get("tool_calls"))]
    marks = [as_text(known.get(call_id)) for call_id in ids]
    if "signature_bypass" in quirks and not any(marks):
        marks[0] = _STAND_IN
    if any(marks):
        fields["tool_calls"] = [signed_call(call, mark) for call, mark in zip(calls, marks, strict=True)]
    return fields


def _content(content: Json, quirks: frozenset[str]) -> Json:
    """Return text, or parts of known types where there is more than text."""
    if content is None or isinstance(content, str):
        return content
    parts = [part for part in map(_part, as_list(content)) if part is not None]
    if all(part["type"] == "text" for part in parts):
        return "\n".join(as_text(part["text"]) for part in parts)
    return [_reshaped(part, quirks) for part in parts] if quirks & _RESHAPED else parts


def _part(part: Json) -> JsonObject | None:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    fields = as_object(part)
    kind = as_text(fields.get("type"))
    if kind not in _PARTS or fields.get(kind) is None:
        return None
    return {"type": kind, kind: fields[kind]}


def _reshaped(part: JsonObject, quirks: frozenset[str]) -> JsonObject:
    """Return audio or a file as the hosts write them that do so otherwise."""
    audio = as_text(as_object(part.get("input_audio")).get("data"))
    if audio and "bare_audio" in quirks:
        return {"type": "input_audio", "input_audio": audio}
    file = as_text(as_object(part.get("file")).get("file_data"))
    if file and "document_url" in quirks:
        return {"type": "document_url", "document_url": file}
    return part


def _instructed(wire: Sequence[dict[str, Json]], told: str) -> list[dict[str, Json]]:
    """Return the messages with an instruction at the end of the first system message."""
    if wire and wire[0]["role"] == "system" and isinstance(wire[0]["content"], str):
        content = "\n\n".join(filter(None, (as_text(wire[0]["content"]), told)))
        return [{**wire[0], "content": content}, *wire[1:]]
    return [{"role": "system", "content": told}, *wire]


def _one_by_one(wire: Sequence[dict[str, Json]], nothing: str | None) -> list[dict[str, Json]]:
    """Return a history in which each turn has one tool call, its result right after it."""
    told: list[dict[str, Json]] = []
    place = 0
    while place < len(wire):
        message, place = wire[place], place + 1
        calls = as_list(message.get("tool_calls"))
        if len(calls) < 2:
            told.append(message)
            continue
        results: list[dict[str, Json]] = []
        while place < len(wire) and wire[place]["role"] == "tool":
            results.append(wire[place])
            place += 1
        told += _turns(message, calls, results, nothing)
    return told


def _turns(
    message: Mapping[str, Json], calls: Sequence[Json], results: list[dict[str, Json]], nothing: str | None
) -> list[dict[str, Json]]:
    turns: list[dict[str, Json]] = []
    for number, call in enumerate(calls):
        later: dict[str, Json] = {"role": "assistant", "content": nothing}
        turns.append({**(later if number else message), "tool_calls": [call]})
        own = next((result for result in results if result["tool_call_id"] == as_object(call).get("id")), None)
        if own is not None:
            results.remove(own)
            turns.append(own)
    return turns + results


def _system_first(messages: Sequence[dict[str, Json]]) -> list[dict[str, Json]]:
    """Return the messages with one system message, in front."""
    if all(message["role"] != "system" for message in messages[1:]):
        return list(messages)
    lead, rest = _parted(messages)
    return [{"role": "system", "content": lead}, *rest] if lead else rest


def _without_system(messages: Sequence[dict[str, Json]]) -> list[dict[str, Json]]:
    """Return the messages with the system texts in front of the first user's."""
    lead, rest = _parted(messages)
    if not lead:
        return rest
    first = next((message for message in rest if message["role"] == "user"), None)
    if first is None:
        return [{"role": "user", "content": lead}, *rest]
    content = first["content"]
    led: Json = (
        f"{lead}\n\n{content}" if isinstance(content, str) else [{"type": "text", "text": lead}, *as_list(content)]
    )
    return [{**message, "content": led} if message is first else message for message in rest]


def _parted(messages: Sequence[dict[str, Json]]) -> tuple[str, list[dict[str, Json]]]:
    """Return the text of the system's messages, and the others."""
    texts = [as_text(message["content"]) for message in messages if message["role"] == "system"]
    return "\n\n".join(filter(None, texts)), [message for message in messages if message["role"] != "system"]
