"""What a message or a delta of the OpenAI dialect says, whoever wrote it.

One reader for whole answers and for streams: text, thoughts, tool calls, usage and
finish reason under every name that hosts give them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple
from uuid import uuid4

from openmux_lc.types.json import Json, JsonObject, as_count, as_float, as_list, as_object, as_text, dig, writable
from openmux_lc.types.run import Request, Usage

__all__ = [
    "Piece",
    "arguments_of",
    "arguments_text",
    "call_id_of",
    "estimated_usage",
    "finish_reason",
    "new_call_id",
    "read_piece",
    "read_usage",
]

_FINISH: Final[Mapping[str, str]] = {
    "eos": "stop",
    "eos_token": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "complete": "stop",
    "completed": "stop",
    "tool_call": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "model_length": "length",
    "safety": "content_filter",
    "recitation": "content_filter",
    "prohibited_content": "content_filter",
    "blocklist": "content_filter",
    "spii": "content_filter",
    "image_safety": "content_filter",
    "image_prohibited_content": "content_filter",
    "image_recitation": "content_filter",
    "error_toxic": "content_filter",
    "sensitive": "content_filter",
    "model_context_window_exceeded": "length",
    "network_error": "error",
}


class Piece(NamedTuple):
    """A message or a delta, read; `tool_calls` are the host's own objects."""

    text: str
    reasoning: str
    tool_calls: tuple[JsonObject, ...]
    refusal: str
    details: Sequence[Json]


def read_piece(message: JsonObject) -> Piece:
    """Return what `message` (of an answer, or a delta) says."""
    content = message.get("content")
    thoughts = message.get("reasoning_content") or message.get("reasoning")
    text = content if isinstance(content, str) else ""
    reasoning = thoughts if isinstance(thoughts, str) else ""
    if content is not None and not isinstance(content, str):
        text, inner = _read_content(content)
        reasoning = reasoning or inner
    if not reasoning and message.get("reasoning_details"):
        details = (as_object(detail) for detail in as_list(message["reasoning_details"]))
        reasoning = "".join(as_text(detail.get("text")) or as_text(detail.get("summary")) for detail in details)
    if not text and message.get("audio"):
        text = as_text(as_object(message["audio"]).get("transcript"))  # what a voice says, beside its sound
    calls = message.get("tool_calls")
    return Piece(
        text,
        reasoning,
        tuple(call for call in calls if isinstance(call, dict)) if isinstance(calls, list) else _only_call(message),
        as_text(message.get("refusal")),
        as_list(message.get("reasoning_details")),
    )


def _only_call(message: JsonObject) -> tuple[JsonObject, ...]:
    """Return the one call of hosts that send no list, or the form that preceded it."""
    call, function = message.get("tool_calls"), message.get("function_call")
    if isinstance(call, dict):
        return (call,)
    return ({"index": 0, "function": function},) if isinstance(function, dict) else ()


def _read_content(content: Json) -> tuple[str, str]:
    """Return (text, thoughts) of content that is not a string."""
    if isinstance(content, dict | int | float):
        # A host that answers a schema with the object itself, or writes the token `1` as a number.
        return json.dumps(content, ensure_ascii=False), ""
    texts, thoughts = [], []
    for part in as_list(content):
        if isinstance(part, str):
            texts.append(part)
            continue
        fields = as_object(part)
        inner = fields.get("thinking")
        if inner is not None:
            thoughts.append(inner if isinstance(inner, str) else _read_content(inner)[0])
        else:
            texts.append(as_text(fields.get("text")))
    return "".join(texts), "".join(thoughts)


def finish_reason(value: Json) -> str | None:
    """Return the reason under its OpenAI name, None when there is none yet."""
    word = writable(as_text(value)[:60]).lower()
    if word.startswith("content_filter:"):  # with the host's own word behind it
        return "content_filter"
    return _FINISH.get(word, word) if word else None


def arguments_of(function: JsonObject) -> str:
    """Return the arguments of a called function as JSON text, under either name that hosts give them."""
    value = function.get("arguments")
    return arguments_text(function.get("parameters") if value is None else value)


def arguments_text(value: Json) -> str:
    """Return a tool call's arguments as the JSON text they should have been."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def call_id_of(call: JsonObject) -> str:
    """Return the host's id of a tool call; one writes the word `null` where it has none."""
    told = as_text(call.get("id"))
    return "" if told == "null" else told


def new_call_id() -> str:
    """Return an id for a tool call that came without one: nine letters and digits."""
    return uuid4().hex[:9]


def read_usage(payload: JsonObject) -> Usage | None:
    """Return the token counts of an answer or a chunk, None when it tells none."""
    fields = as_object(payload.get("usage")) or as_object(as_object(payload.get("x_groq")).get("usage"))
    if not fields:
        return None
    sent = as_count(fields.get("prompt_tokens", fields.get("input_tokens")))
    got = as_count(fields.get("completion_tokens", fields.get("output_tokens")))
    total = as_count(fields.get("total_tokens"))
    if sent is None and got is None and total is None:
        return None
    prompt = as_object(fields.get("prompt_tokens_details") or fields.get("input_tokens_details"))
    completion = as_object(fields.get("completion_tokens_details") or fields.get("output_tokens_details"))
    cached = as_count(prompt.get("cached_tokens"))
    thought = as_count(completion.get("reasoning_tokens"))
    cost = as_float(fields.get("cost"))
    if fields.get("is_byok") is True:  # the user's own key at the host behind the router pays besides
        cost = (cost or 0.0) + (as_float(dig(fields, "cost_details", "upstream_inference_cost")) or 0.0)
    return Usage(
        input_tokens=sent or 0,
        output_tokens=got or 0,
        total_tokens=total if total is not None else (sent or 0) + (got or 0),
        reasoning_tokens=thought if thought is not None else as_count(fields.get("reasoning_tokens")),
        cache_read_tokens=cached if cached is not None else as_count(fields.get("prompt_cache_hit_tokens")),
        cost=cost if cost is not None and cost >= 0 else None,
    )


def estimated_usage(request: Request, answer: Iterable[str]) -> Usage:
    """Return counts guessed from lengths, for hosts that tell none."""
    sent = sum(_chars(message.get("content")) + 8 for message in request.messages)
    got = sum(map(len, answer))
    counts = (sent + 3) // 4, (got + 3) // 4
    return Usage(input_tokens=counts[0], output_tokens=counts[1], total_tokens=sum(counts), is_estimated=True)


def _chars(content: Json) -> int:
    if isinstance(content, str):
        return len(content)
    return sum(len(as_text(as_object(part).get("text"))) for part in as_list(content))
