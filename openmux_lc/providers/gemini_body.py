"""Requests of Google's native dialect, rendered from the neutral one.

A turn is a role with parts; neighbours of one role are one turn. Marks on parts go
back only to the very model that wrote them; else the documented stand-in does.
"""

from __future__ import annotations

import base64
import json
import mimetypes
from collections.abc import Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Final, NoReturn
from urllib.parse import unquote_to_bytes

from openmux_lc.providers.body import answer_form
from openmux_lc.providers.gemini_config import generation_config, is_signed, model_id, tool_fields
from openmux_lc.types.json import Json, JsonObject, as_list, as_object, as_text, dig
from openmux_lc.types.run import EmbeddingRequest, Message
from openmux_lc.types.wire import Call

__all__ = ["content_body", "embedding_body"]

_Parts = list[JsonObject]

_STAND_IN: Final = "skip_thought_signature_validator"
_KINDS: Final = {"image_url": "image/jpeg", "video_url": "video/mp4", "file": "application/pdf"}
_TASKS: Final = {"query": "RETRIEVAL_QUERY", "document": "RETRIEVAL_DOCUMENT"}
_LEADS: Final = {"query": "task: search result | query: ", "document": "title: none | text: "}


def content_body(call: Call, extra: JsonObject) -> dict[str, Json]:
    """Return the JSON body of `generateContent`, streamed or not.

    Args:
        call: What is asked.
        extra: The user's own fields, known to be harmless.
    """
    messages, quirks = call.request.messages, call.provider.quirks
    form, told = answer_form(call.request, quirks, is_stream=False)
    system = [part for message in messages if _is_system(message) for part in _parts(message.get("content"))]
    system += _parts(told)
    turns = list(_turns(call))
    body: dict[str, Json] = {}
    if system and (not turns or "no_system_role" in quirks):
        turns.insert(0, ("user", system))
    elif system:
        body["systemInstruction"] = {"parts": system}
    body["contents"] = [
        {"role": role, "parts": [part for _, parts in group for part in parts]}
        for role, group in groupby(turns, itemgetter(0))
    ]
    body |= tool_fields(call.request, quirks)
    if "safety_settings" in extra:
        body["safetySettings"] = extra["safety_settings"]
    config = generation_config(call, form, extra)
    return {**body, "generationConfig": config} if config else body


def embedding_body(call: Call, request: EmbeddingRequest) -> dict[str, Json]:
    """Return the JSON body of `batchEmbedContents`: one request per text.

    The second generation of models takes the purpose as words before the text.
    """
    name = model_id(call.model)
    purpose, is_told = request.purpose or "", "embedding-2" in name
    common: dict[str, Json] = {"model": f"models/{name}"}
    if purpose and not is_told:
        common["taskType"] = _TASKS[purpose]
    if request.dimensions is not None and "no_dimensions" not in call.provider.quirks:
        common["outputDimensionality"] = request.dimensions
    lead = _LEADS[purpose] if purpose and is_told else ""
    return {"requests": [{**common, "content": {"parts": [{"text": lead + text}]}} for text in request.texts]}


def _is_system(message: Message) -> bool:
    return message.get("role") in {"system", "developer"}


def _turns(call: Call) -> Iterator[tuple[str, _Parts]]:
    """Yield (role, parts) of each message that says something."""
    names: dict[str, str] = {}
    for message in call.request.messages:
        role, parts = "user", _Parts()
        if message.get("role") == "assistant":
            calls = as_list(message.get("tool_calls"))
            names |= {as_text(dig(each, "id")): as_text(dig(each, "function", "name")) for each in calls}
            role, parts = "model", _answered(call, message)
        elif message.get("role") == "tool":
            parts = _result(message, names)
        elif not _is_system(message):
            parts = _parts(message.get("content"))
        if parts:
            yield role, parts


def _answered(call: Call, message: Message) -> _Parts:
    """Return the parts of an assistant's message, marks put back where they were."""
    echo, model = as_object(message.get("echo")), model_id(call.model)
    is_own = echo.get("provider") == call.provider.id and model_id(as_text(echo.get("model"))) == model
    marks = as_object(echo.get("signatures")) if is_own else {}
    parts = [part for part in _parts(message.get("content")) if "text" in part]
    if parts and marks.get(""):
        parts[-1] = {**parts[-1], "thoughtSignature": marks[""]}
    for place, tool_call in enumerate(as_list(message.get("tool_calls"))):
        call_id, function = as_text(dig(tool_call, "id")), as_object(dig(tool_call, "function"))
        named: JsonObject = {"id": call_id} if call_id else {}
        fields: JsonObject = {"name": as_text(function.get("name")), "args": _object(function.get("arguments")) or {}}
        part: JsonObject = {"functionCall": {**named, **fields}}
        # Without a mark on the first call of a step the host refuses it, and another model's it may not read.
        mark = marks.get(call_id) or (_STAND_IN if place == 0 and is_signed(model) else None)
        parts.append({**part, "thoughtSignature": mark} if mark else part)
    return parts


def _result(message: Message, names: Mapping[str, str]) -> _Parts:
    """Return the parts of a tool's message: its result as an object, then what is no text."""
    found = _parts(message.get("content"))
    text = "\n".join(as_text(part["text"]) for part in found if "text" in part)
    call_id, response = as_text(message.get("tool_call_id")), _object(text)
    name = names.get(call_id) or as_text(message.get("name")) or call_id
    named: JsonObject = {"id": call_id} if call_id else {}
    fields: JsonObject = {"name": name, "response": {"result": text} if response is None else response}
    result: JsonObject = {"functionResponse": {**named, **fields}}
    return [result, *(part for part in found if "text" not in part)]


def _parts(content: Json) -> _Parts:
    """Return the parts of a message's content; empty texts and unknown parts are none."""
    if isinstance(content, str):
        return [{"text": content}] if content else []
    return [part for part in map(_part, as_list(content)) if part]


def _part(part: Json) -> JsonObject:
    kind = as_text(dig(part, "type"))
    inner = dig(part, kind)
    text = part if isinstance(part, str) else as_text(inner) if kind == "text" else ""
    if text or kind == "text":
        return {"text": text} if text else {}
    fields = as_object(inner)
    if kind == "input_audio" and fields.get("data"):
        return {"inlineData": {"mimeType": f"audio/{as_text(fields.get('format')) or 'wav'}", "data": fields["data"]}}
    if kind not in _KINDS:
        return {}
    address = as_text(inner) or as_text(fields.get("url")) or as_text(fields.get("file_data"))
    if address:
        return _media(address, _KINDS[kind])
    return {"fileData": {"fileUri": fields["file_id"]}} if fields.get("file_id") else {}


def _media(address: str, default: str) -> JsonObject:
    """Return what `data:` holds, or the address for the host to fetch."""
    if address.startswith("data:"):
        head, _, packed = address.removeprefix("data:").partition(",")
        if not head.endswith(";base64"):
            packed = base64.b64encode(unquote_to_bytes(packed)).decode()
        # Parameters of the type, such as a charset, are refused.
        return {"inlineData": {"mimeType": head.partition(";")[0] or default, "data": packed}}
    if "://" not in address[:16]:
        return {"inlineData": {"mimeType": default, "data": address}}
    kind, _ = mimetypes.guess_type(address.partition("?")[0])
    return {"fileData": {"mimeType": kind or default, "fileUri": address}}


def _object(text: Json) -> JsonObject | None:
    """Return a text that is a JSON object as one, else None."""
    if not isinstance(text, str):
        return text if isinstance(text, dict) else None
    try:
        found = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _refuse(word: str) -> NoReturn:
    """Refuse `NaN` and its like, which Python would read and the host would not."""
    raise ValueError(word)
