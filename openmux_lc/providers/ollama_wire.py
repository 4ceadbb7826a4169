"""Ollama's native messages, as pure functions: arguments out, answers and vectors in.

Tool arguments are objects there and calls have no ids; the context window is asked
for per call, because the engine's own default is small and cuts prompts silently.
"""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from openmux_lc.errors import InvalidRequest
from openmux_lc.providers.answer import bad_payload, ignored_tool, must_call, no_content
from openmux_lc.providers.exchange import RAW_BYTES, Reply
from openmux_lc.providers.extra import harmless_extra, refuse_files, refuse_host_tools
from openmux_lc.providers.fault import to_fault
from openmux_lc.providers.message import arguments_text, estimated_usage, new_call_id
from openmux_lc.providers.thinking import ThoughtSplitter
from openmux_lc.providers.transcript import as_prompt
from openmux_lc.providers.vectors import check_vectors, estimated
from openmux_lc.types.json import Json, JsonObject, as_count, as_float, as_list, as_object, as_text, writable
from openmux_lc.types.run import Answer, Chunk, EmbeddingRequest, Message, ToolCall, ToolCallDelta, Usage, Vectors
from openmux_lc.types.wire import Call

__all__ = ["Parts", "chat_body", "context_tokens", "method_of", "root_url", "to_answer", "to_vectors"]

_MIN_CONTEXT: Final = 4096
_MAX_CONTEXT: Final = 32_768
_ROOM_TOKENS: Final = 1024
_CHARS_PER_TOKEN: Final = 3
_LEVELS: Final = frozenset({"low", "medium", "high"})


def root_url(base_url: str) -> str:
    """Return the engine's address without the segment of its other dialect."""
    return base_url.rstrip("/").removesuffix("/v1").removesuffix("/api")


def context_tokens(call: Call) -> int:
    """Return the window to ask for: the need, as a power of two, within the model's.

    A steady value matters: another window makes the engine load the model anew.
    """
    request = call.request
    chars = sum(len(json.dumps(message, default=str)) for message in map(_without_images, request.messages))
    chars += sum(len(json.dumps(tool, default=str)) for tool in request.tools)
    need = chars // _CHARS_PER_TOKEN + (request.max_tokens or _ROOM_TOKENS)
    window = max(_MIN_CONTEXT, 1 << (need - 1).bit_length())
    known = next(
        (model.profile.get("max_input_tokens") for model in call.provider.models if model.id == call.model), None
    )
    return min(window, known or max(_MAX_CONTEXT, _MIN_CONTEXT))


def method_of(call: Call) -> tuple[str, dict[str, Json | list[dict[str, object]]]]:
    """Return the client's method that asks what `call` asks, and its arguments.

    Raises:
        InvalidRequest: It asks for what could cost money, or for an image elsewhere.
    """
    if "text_generation" not in call.provider.quirks:
        return "chat", chat_body(call)
    harmless_extra(call)
    refuse_host_tools(call)
    refuse_files(call)
    body: dict[str, Json | list[dict[str, object]]] = {
        "model": call.model,
        "prompt": as_prompt(call.request),
        "options": _options(call),
    }
    return "generate", body


def chat_body(call: Call) -> dict[str, Json | list[dict[str, object]]]:
    """Return the arguments of the client's `chat`, images as bytes.

    Bytes, because the client takes a text for the path of a file and would read it.

    Raises:
        InvalidRequest: It asks for what could cost money, or for an image elsewhere.
    """
    request = call.request
    harmless_extra(call)
    refuse_host_tools(call)
    names = {
        as_text(as_object(tool_call).get("id")): as_text(as_object(as_object(tool_call).get("function")).get("name"))
        for message in request.messages
        for tool_call in as_list(message.get("tool_calls"))
    }
    body: dict[str, Json | list[dict[str, object]]] = {
        "model": call.model,
        "messages": [_message(call, message, names) for message in request.messages],
        "options": _options(call),
    }
    if request.tools:
        body["tools"] = list(request.tools)
    form = _format(request.response_format)
    if form is not None:
        body["format"] = form
    if request.reasoning_effort is not None:
        effort = request.reasoning_effort
        has_levels = "gpt-oss" in call.model and effort in _LEVELS
        body["think"] = effort if has_levels else effort not in {"none", "minimal"}
    return body


@dataclass(slots=True)
class Parts:
    """Turns the parts of one answer into chunks.

    Args:
        call: The call they answer.
        window: The context that was asked for, in tokens.
    """

    call: Call
    window: int
    is_done: bool = False
    is_truncated: bool = False
    has_content: bool = False
    _calls: int = 0
    _has_nameless: bool = False
    _has_text: bool = False
    _has_thoughts: bool = False
    _chars: int = 0
    _splitter: ThoughtSplitter = field(init=False)

    def __post_init__(self) -> None:
        """Wait for the first part."""
        self._splitter = ThoughtSplitter(goes_on=self.call.request.goes_on)

    def chunk(self, part: JsonObject) -> Chunk | None:
        """Return the chunk that `part` is, None where it says nothing.

        Raises:
            ProviderError: It is an error, or ends an answer that holds nothing.
        """
        if part.get("error"):
            raise to_fault(self.call, Reply(status=200, headers={}), now=time.time(), payload=part)
        message = _message_of(part)
        text, thoughts = self._splitter.feed(writable(as_text(message.get("content"))))
        calls = tuple(map(self._tool_call, as_list(message.get("tool_calls"))))
        thoughts = writable(as_text(message.get("thinking"))) + thoughts
        if part.get("done") is True:
            text, thoughts = _joined((text, thoughts), self._splitter.finish())
            return self._last(part, text, thoughts, calls)
        self._note(text, thoughts)
        if not text and not thoughts and not calls:
            return None
        chunk = Chunk(text=text, reasoning=thoughts, tool_calls=calls, model=writable(as_text(part.get("model"))))
        self.has_content = self.has_content or chunk.has_content
        return chunk

    def _last(self, part: JsonObject, text: str, thoughts: str, calls: tuple[ToolCallDelta, ...]) -> Chunk:
        self._note(text, thoughts)
        self.is_done = True
        reason = writable(as_text(part.get("done_reason"))[:60]) or "stop"
        if not self._has_text and not self._calls:
            raise no_content(self.call, reason, has_thoughts=self._has_thoughts, status=200)
        if self._has_nameless:
            raise bad_payload(self.call, "holds a tool call without a name", 200)
        if not self._calls and not self.has_content and must_call(self.call):
            raise ignored_tool(self.call, 200)
        usage = _usage(part)
        self.is_truncated = usage is not None and usage.input_tokens >= self.window
        return Chunk(
            text=text,
            reasoning=thoughts,
            tool_calls=calls,
            finish_reason="tool_calls" if self._calls and reason == "stop" else reason,
            usage=usage or estimated_usage(self.call.request, ("x" * self._chars,)),
            model=writable(as_text(part.get("model"))) or self.call.model,
            is_prompt_cut=self.is_truncated,
        )

    def _tool_call(self, value: Json) -> ToolCallDelta:
        fields = as_object(value)
        function = as_object(fields.get("function"))
        self._calls += 1
        self._has_nameless = self._has_nameless or not as_text(function.get("name"))
        return ToolCallDelta(
            index=self._calls - 1,
            id=as_text(fields.get("id")) or new_call_id(),
            name=writable(as_text(function.get("name"))),
            arguments=writable(arguments_text(function.get("arguments"))).strip() or "{}",
        )

    def _note(self, text: str, thoughts: str) -> None:
        self._chars += len(text) + len(thoughts)
        self._has_text = self._has_text or bool(text.strip())
        self._has_thoughts = self._has_thoughts or bool(thoughts)


def to_answer(call: Call, part: JsonObject, raw: bytes) -> Answer:
    """Return the answer in an unstreamed reply."""
    if not _message_of(part) and not part.get("error"):
        raise bad_payload(call, "holds no message", 200)
    parts = Parts(call, context_tokens(call))
    chunk = parts.chunk({**part, "done": True})
    if chunk is None or chunk.usage is None:
        raise bad_payload(call, "holds no message", 200)
    return Answer(
        route=call.route,
        text=chunk.text,
        reasoning=chunk.reasoning,
        tool_calls=tuple(
            ToolCall(id=delta.id or "", name=delta.name or "", arguments=delta.arguments) for delta in chunk.tool_calls
        ),
        finish_reason=chunk.finish_reason or "stop",
        usage=chunk.usage,
        model=chunk.model,
        raw=raw[:RAW_BYTES],
        extra={"truncated": True} if parts.is_truncated else {},
    )


def _message_of(part: JsonObject) -> JsonObject:
    """Return what was said, also by a model that only went on with a text."""
    message = as_object(part.get("message"))
    if message or not isinstance(part.get("response"), str):
        return message
    return {"content": part["response"], "thinking": part.get("thinking")}


def _vector(row: Json) -> tuple[float, ...]:
    numbers = [as_float(number) for number in as_list(row)]
    return tuple(number for number in numbers if number is not None) if None not in numbers else ()


def to_vectors(call: Call, request: EmbeddingRequest, part: JsonObject) -> Vectors:
    """Return the vectors in a reply of `/api/embed`."""
    rows = [_vector(row) for row in as_list(part.get("embeddings"))]
    tokens = as_count(part.get("prompt_eval_count"))
    return Vectors(
        route=call.route,
        vectors=check_vectors(call, request, rows),
        usage=Usage(input_tokens=tokens, total_tokens=tokens) if tokens else estimated(request.texts),
        model=as_text(part.get("model")) or call.model,
    )


def _usage(part: JsonObject) -> Usage | None:
    sent, got = as_count(part.get("prompt_eval_count")), as_count(part.get("eval_count"))
    if sent is None and got is None:
        return None
    return Usage(input_tokens=sent or 0, output_tokens=got or 0, total_tokens=(sent or 0) + (got or 0))


def _options(call: Call) -> dict[str, Json]:
    request = call.request
    fields: dict[str, Json] = {
        "num_predict": request.max_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "seed": request.seed,
        "stop": list(request.stop) or None,
        "frequency_penalty": request.frequency_penalty,
        "presence_penalty": request.presence_penalty,
    }
    return {"num_ctx": context_tokens(call)} | {name: value for name, value in fields.items() if value is not None}


def _format(response_format: JsonObject | None) -> Json:
    kind = as_text((response_format or {}).get("type"))
    if kind == "json_schema":
        return as_object(as_object((response_format or {}).get("json_schema")).get("schema")) or "json"
    return "json" if kind == "json_object" else None


def _message(call: Call, message: Message, names: Mapping[str, str]) -> dict[str, object]:
    role = as_text(message.get("role")) or "user"
    content = message.get("content")
    parts = [part if isinstance(part, str) else as_object(part) for part in as_list(content)]
    text = as_text(content) or "\n".join(
        part if isinstance(part, str) else as_text(part.get("text"))
        for part in parts
        if isinstance(part, str) or part.get("type") == "text"
    )
    wire: dict[str, object] = {"role": "system" if role == "developer" else role, "content": text}
    images = [_image(call, part) for part in parts if not isinstance(part, str) and part.get("type") == "image_url"]
    if images:
        wire["images"] = images
    if role == "tool":
        call_id = as_text(message.get("tool_call_id"))
        wire["tool_name"] = as_text(message.get("name")) or names.get(call_id, "")
    calls = [_call_object(value) for value in as_list(message.get("tool_calls"))]
    if calls:
        wire["tool_calls"] = calls
    return wire


def _call_object(value: Json) -> dict[str, object]:
    function = as_object(as_object(value).get("function"))
    arguments = function.get("arguments")
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except (ValueError, RecursionError):
            arguments = {}
    return {"function": {"name": as_text(function.get("name")), "arguments": as_object(arguments)}}


def _image(call: Call, part: JsonObject) -> bytes:
    """Return the picture in a `data:` address; the engine fetches nothing."""
    inner = part.get("image_url")
    url = as_text(inner) or as_text(as_object(inner).get("url"))
    head, _, packed = url.partition(";base64,")
    try:
        picture = base64.b64decode(packed, validate=True) if head.startswith("data:") else b""
    except (ValueError, binascii.Error):
        picture = b""
    if picture:
        return picture
    message = f"{call.route}: an image must be given as a base64 data: address, the engine fetches none"
    raise InvalidRequest(message, provider=call.provider.id, model=call.model)


def _without_images(message: Message) -> JsonObject:
    content = message.get("content")
    if not isinstance(content, list | tuple):
        return message
    return {**message, "content": [part for part in content if as_object(part).get("type") == "text"]}


def _joined(first: tuple[str, str], second: tuple[str, str]) -> tuple[str, str]:
    return first[0] + second[0], first[1] + second[1]
