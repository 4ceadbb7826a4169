"""The request body of the OpenAI dialect, built from an allow-list.

Nothing that a caller happens to carry along reaches the wire: every field here is
named, and a row's quirks take away or rename what its host refuses.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from openmux_lc.types.json import Json, JsonObject, as_list, as_object, as_text
from openmux_lc.types.run import EmbeddingRequest, Message, Request

__all__ = ["chat_body", "embedding_body", "nine_chars"]

_PARTS: Final = frozenset({"text", "image_url", "input_audio", "file", "video_url"})
_FUNCTION: Final = ("name", "description", "parameters", "strict")
_NINE: Final = re.compile(r"[A-Za-z0-9]{9}")


def chat_body(model: str, request: Request, *, is_stream: bool, quirks: frozenset[str]) -> dict[str, Json]:
    """Return the JSON body of a chat request, its `extra_body` left out."""
    body: dict[str, Json] = {"model": model, "messages": _messages(request.messages, quirks)}
    if is_stream:
        body["stream"] = True
        if not quirks & {"no_stream_options", "always_usage"}:
            body["stream_options"] = {"include_usage": True}
    if request.tools and "no_tools" not in quirks:
        body |= _tools(request, quirks)
    if request.response_format and "no_response_format" not in quirks:
        is_schema = request.response_format.get("type") == "json_schema"
        body["response_format"] = (
            {"type": "json_object"} if is_schema and "no_json_schema" in quirks else request.response_format
        )
    body |= _sampling(request, quirks)
    return body


def embedding_body(model: str, request: EmbeddingRequest, quirks: frozenset[str]) -> dict[str, Json]:
    """Return the JSON body of an embeddings request."""
    body: dict[str, Json] = {"model": model, "input": list(request.texts), "encoding_format": "float"}
    if request.dimensions is not None and "no_dimensions" not in quirks:
        body["output_dimension" if "output_dimension" in quirks else "dimensions"] = request.dimensions
    if "embedding_input_type" in quirks:
        body["input_type"] = "query" if request.purpose == "query" else "passage"
    return body


def nine_chars(call_id: str) -> str:
    """Return a tool-call id of nine letters and digits, the same for the same id."""
    return call_id if _NINE.fullmatch(call_id) else hashlib.sha256(call_id.encode("utf-8", "replace")).hexdigest()[:9]


def _sampling(request: Request, quirks: frozenset[str]) -> dict[str, Json]:
    fields: tuple[tuple[str, str, Json], ...] = (
        ("temperature", "no_temperature", request.temperature),
        ("top_p", "no_top_p", request.top_p),
        ("random_seed" if "random_seed" in quirks else "seed", "no_seed", request.seed),
        (
            "max_completion_tokens" if "max_completion_tokens" in quirks else "max_tokens",
            "no_max_tokens",
            request.max_tokens,
        ),
        ("stop", "no_stop", list(request.stop) or None),
        ("frequency_penalty", "no_penalties", request.frequency_penalty),
        ("presence_penalty", "no_penalties", request.presence_penalty),
        ("reasoning_effort", "no_reasoning_effort", request.reasoning_effort),
    )
    return {name: value for name, quirk, value in fields if value is not None and quirk not in quirks}


def _tools(request: Request, quirks: frozenset[str]) -> dict[str, Json]:
    body: dict[str, Json] = {"tools": [_tool(tool, quirks) for tool in request.tools]}
    choice = request.tool_choice
    if choice is not None and "no_tool_choice" not in quirks:
        if choice in {"required", "any"} if isinstance(choice, str) else False:
            choice = "any" if "tool_choice_any" in quirks else "required"
        body["tool_choice"] = choice
    if request.parallel_tool_calls is not None and "no_parallel_tool_calls" not in quirks:
        body["parallel_tool_calls"] = request.parallel_tool_calls
    return body


def _tool(tool: JsonObject, quirks: frozenset[str]) -> JsonObject:
    function = as_object(tool.get("function"))
    wire = {name: function[name] for name in _FUNCTION if function.get(name) is not None}
    if "no_strict_tools" in quirks:
        wire.pop("strict", None)
    schema = as_object(wire.get("parameters"))
    if "$schema" in schema:
        # Some hosts refuse the dialect's name; none needs it.
        wire["parameters"] = {name: schema[name] for name in schema if name != "$schema"}
    return {"type": "function", "function": wire}


def _messages(messages: Iterable[Message], quirks: frozenset[str]) -> list[Json]:
    wire = [_message(message, quirks) for message in messages]
    return list(_without_system(wire) if "no_system_role" in quirks else wire)


def _message(message: Message, quirks: frozenset[str]) -> dict[str, Json]:
    role = as_text(message.get("role")) or "user"
    if role in {"user", "system", "developer"}:
        # The common case, kept short: this runs once per message and call.
        plain: dict[str, Json] = {
            "role": "system" if role == "developer" else role,
            "content": _content(message.get("content")) or "",
        }
        return _named(plain, message, quirks)
    content = _content(message.get("content"))
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


def _content(content: Json) -> Json:
    """Return text, or parts of known types where there is more than text."""
    if content is None or isinstance(content, str):
        return content
    parts = [part for part in map(_part, as_list(content)) if part is not None]
    if all(part["type"] == "text" for part in parts):
        return "\n".join(as_text(part["text"]) for part in parts)
    return parts


def _part(part: Json) -> JsonObject | None:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    fields = as_object(part)
    kind = as_text(fields.get("type"))
    if kind not in _PARTS or fields.get(kind) is None:
        return None
    return {"type": kind, kind: fields[kind]}


def _without_system(messages: Sequence[Mapping[str, Json]]) -> list[Json]:
    """Return the messages with the system texts in front of the first user's."""
    texts = [as_text(message["content"]) for message in messages if message["role"] == "system"]
    rest = [dict(message) for message in messages if message["role"] != "system"]
    lead = "\n\n".join(filter(None, texts))
    if not lead:
        return list(rest)
    first = next((message for message in rest if message["role"] == "user"), None)
    if first is None:
        return [{"role": "user", "content": lead}, *rest]
    content = first["content"]
    led: Json = (
        f"{lead}\n\n{content}" if isinstance(content, str) else [{"type": "text", "text": lead}, *as_list(content)]
    )
    return [{**message, "content": led} if message is first else message for message in rest]
