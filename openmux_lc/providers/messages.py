"""LangChain's messages to the wire's and back.

A message inside is the OpenAI wire's JSON. Thoughts of earlier answers, cache marks
and unknown blocks do not travel, a provider's own marks go back to it alone. Metadata
and usage ride on the last chunk only: merging chunks concatenates texts, adds counts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

from openmux_lc.errors import ConfigError
from openmux_lc.types.catalog import Route
from openmux_lc.types.json import Json, JsonObject, as_list, as_object, as_text
from openmux_lc.types.run import Answer, Chunk, Message, Usage

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, MessageLikeRepresentation
    from langchain_core.messages.ai import UsageMetadata

__all__ = ["previous_route", "to_ai_message", "to_chunk", "to_last_chunk", "to_wire_messages", "usage_metadata"]

_ECHO: Final = "openmux_echo"
"""Where a message keeps what its provider wants back unread (`Answer.echo`), as one JSON text.

As an object it would be merged leaf by leaf where LangChain joins two messages, which
fails on numbers and flags; two texts joined are no JSON, and are left out.
"""
_PARTS: Final = frozenset({"text", "image_url", "input_audio", "file", "video_url"})
_DROPPED: Final = frozenset({"thinking", "redacted_thinking", "reasoning", "reasoning_content"})
_IS_A_CALL: Final = frozenset(
    {"tool_call", "tool_call_chunk", "invalid_tool_call", "function_call", "server_tool_call", "server_tool_result"}
)


def to_wire_messages(messages: Sequence[object]) -> tuple[Message, ...]:
    """Return LangChain messages (or what LangChain takes for one) as the wire's objects.

    Raises:
        ConfigError: One cannot be converted; names its place, never its content.
    """
    from langchain_core.messages import convert_to_openai_messages

    wire: list[Message] = []
    for place, message in enumerate(messages):
        try:
            found = convert_to_openai_messages([_plain(message)])
        except (ValueError, KeyError, TypeError, NotImplementedError, AttributeError):
            # LangChain's own message quotes the block.
            problem = f"message {place} ({type(message).__name__}) holds something that no chat host takes"
            raise ConfigError(f"{problem}; pass text, images, audio or files") from None
        wire += [_cleaned(part, message) for part in found]
    return tuple(wire)


def previous_route(messages: Sequence[object]) -> Route | None:
    """Return the route of the last answer in the history that tells one."""
    for message in reversed(messages):
        metadata = getattr(message, "response_metadata", None)
        name = as_text(as_object(as_object(metadata).get("openmux")).get("route"))
        provider, separator, model = name.partition(":")
        if separator:
            return Route(provider, model)
    return None


def to_ai_message(answer: Answer, metadata: JsonObject | None = None) -> AIMessage:
    """Return the answer as a message; `metadata` becomes `response_metadata["openmux"]`."""
    from langchain_core.messages import AIMessage
    from langchain_core.messages.tool import invalid_tool_call, tool_call

    calls, invalid = [], []
    for call in answer.tool_calls:
        arguments = _arguments(call.arguments)
        if arguments is None:
            problem = "the arguments are not a JSON object"
            invalid.append(invalid_tool_call(name=call.name, args=call.arguments, id=call.id, error=problem))
        else:
            calls.append(tool_call(name=call.name, args=dict(arguments), id=call.id))
    return AIMessage(
        content=answer.text,
        tool_calls=calls,
        invalid_tool_calls=invalid,
        additional_kwargs=_thoughts(answer.reasoning) | _echo(answer),
        response_metadata=_response_metadata(answer, metadata),
        usage_metadata=usage_metadata(answer.usage),
    )


def to_chunk(chunk: Chunk) -> AIMessageChunk:
    """Return a piece of an answer; its usage and finish reason wait for the last one."""
    from langchain_core.messages import AIMessageChunk
    from langchain_core.messages.tool import tool_call_chunk

    return AIMessageChunk(
        content=chunk.text,
        additional_kwargs=_thoughts(chunk.reasoning),
        tool_call_chunks=[
            tool_call_chunk(name=delta.name, args=delta.arguments, id=delta.id, index=delta.index)
            for delta in chunk.tool_calls
        ],
    )


def to_last_chunk(answer: Answer, metadata: JsonObject | None = None, *, is_whole: bool = False) -> AIMessageChunk:
    """Return the chunk that ends a stream.

    Args:
        answer: The whole answer that the chunks made up.
        metadata: Becomes `response_metadata["openmux"]`.
        is_whole: No chunk came before, so this one carries the content as well.
    """
    from langchain_core.messages import AIMessageChunk
    from langchain_core.messages.tool import tool_call_chunk

    return AIMessageChunk(
        content=answer.text if is_whole else "",
        additional_kwargs=_thoughts(answer.reasoning if is_whole else "") | _echo(answer),
        tool_call_chunks=[
            tool_call_chunk(name=call.name, args=call.arguments, id=call.id, index=index)
            for index, call in enumerate(answer.tool_calls if is_whole else ())
        ],
        response_metadata=_response_metadata(answer, metadata),
        usage_metadata=usage_metadata(answer.usage),
        chunk_position="last",
    )


def usage_metadata(usage: Usage) -> UsageMetadata:
    """Return token counts in LangChain's form."""
    from langchain_core.messages.ai import InputTokenDetails, OutputTokenDetails, UsageMetadata

    found = UsageMetadata(
        input_tokens=usage.input_tokens, output_tokens=usage.output_tokens, total_tokens=usage.total_tokens
    )
    if usage.cache_read_tokens is not None:
        found["input_token_details"] = InputTokenDetails(cache_read=usage.cache_read_tokens)
    if usage.reasoning_tokens is not None:
        found["output_token_details"] = OutputTokenDetails(reasoning=usage.reasoning_tokens)
    return found


def _plain(message: object) -> MessageLikeRepresentation:
    """Return the message with only those blocks that LangChain's converter knows."""
    content = getattr(message, "content", None)
    if not isinstance(content, list):
        return cast("MessageLikeRepresentation", message)
    is_answer = getattr(message, "type", "") in {"ai", "AIMessageChunk"}
    blocks = [block for block in map(_block, content) if block is not None]
    if is_answer:
        # On an assistant's turn hosts take text only; its calls are fields of their own.
        blocks = [block for block in blocks if isinstance(block, str) or block.get("type") in {"text", "tool_use"}]
    return cast("BaseMessage", message).model_copy(update={"content": blocks})


def _block(block: str | Mapping[str, Any]) -> str | Mapping[str, Any] | None:
    if isinstance(block, str):
        return block
    kind = block.get("type")
    if kind in _DROPPED or kind in _IS_A_CALL or kind == "non_standard":
        return None
    source = as_object(block.get("source"))
    if kind == "image" and source.get("type") == "url":
        return {"type": "image_url", "image_url": {"url": source.get("url")}}
    if kind == "document" and source.get("type") == "base64":
        block = {"type": "file", "base64": source.get("data"), "mime_type": source.get("media_type")}
    return _named_file(block)


def _named_file(block: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a file's block with a name: the converter warns and makes one up where there is none."""
    if block.get("type") != "file" or not ("base64" in block or block.get("source_type") == "base64"):
        return block
    told = block.get("filename") or as_object(block.get("extras")).get("filename")
    return {**block, "filename": told or as_object(block.get("metadata")).get("filename") or "attached"}


def _cleaned(wire: Message, message: object) -> Message:
    """Return the wire's object without what hosts refuse, and with its provider's echo."""
    content = wire.get("content")
    kept = getattr(message, "additional_kwargs", {}).get(_ECHO) if wire.get("role") == "assistant" else None
    echo = _kept_echo(kept)
    if echo:
        wire = {**wire, "echo": echo}
    if isinstance(content, list):
        content = [part for part in map(_part, content) if part is not None]
        wire = {**wire, "content": content}
    calls = [*as_list(wire.get("tool_calls")), *_invalid_calls(message, wire)]
    if not calls:
        return wire
    return {**wire, "content": content or None, "tool_calls": calls}


def _part(part: Json) -> JsonObject | None:
    fields = as_object(part)
    kind = as_text(fields.get("type"))
    inner = fields.get(kind)
    if kind not in _PARTS or inner is None:
        return None
    return {"type": kind, kind: {"url": inner} if kind == "image_url" and isinstance(inner, str) else inner}


def _invalid_calls(message: object, wire: Message) -> list[JsonObject]:
    """Return the calls whose arguments were no JSON: their results must find them."""
    if wire.get("role") != "assistant":
        return []
    return [
        {"type": "function", "id": call["id"], "function": {"name": call["name"], "arguments": "{}"}}
        for call in getattr(message, "invalid_tool_calls", ())
        if call.get("id") and call.get("name")
    ]


def _arguments(text: str) -> JsonObject | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _thoughts(reasoning: str) -> dict[str, Json]:
    return {"reasoning_content": reasoning} if reasoning else {}


def _echo(answer: Answer) -> dict[str, Json]:
    """Return what the provider wants back, and whose it is: no other host gets it."""
    if not answer.echo:
        return {}
    echo = {"provider": answer.route.provider, "model": answer.route.model, **answer.echo}
    try:
        return {_ECHO: json.dumps(echo)}
    except (ValueError, RecursionError):
        return {}


def _kept_echo(kept: Json) -> JsonObject:
    """Return what a message kept, empty where that is no object that can be sent."""
    if not isinstance(kept, str):
        return as_object(kept)
    try:
        return as_object(json.loads(kept, parse_constant=_refused))
    except (ValueError, RecursionError):
        return {}


def _refused(word: str) -> NoReturn:
    """Refuse `NaN` and its like: Python would read it back, no host would."""
    raise ValueError(word)


def _response_metadata(answer: Answer, metadata: JsonObject | None) -> dict[str, Json]:
    found: dict[str, Json] = {
        "model_name": answer.model,
        "model_provider": answer.route.provider,
        "finish_reason": answer.finish_reason,
    }
    if answer.id:
        found["id"] = answer.id
    # No floats: adding chunks up would fail on them.
    found |= {name: value for name, value in answer.extra.items() if isinstance(value, str | bool)}
    return found if metadata is None else {**found, "openmux": metadata}
