"""The request body of the OpenAI dialect, built from an allow-list.

Nothing that a caller happens to carry along reaches the wire: every field here is
named, and a row's quirks take away or rename what its host refuses.
"""

from __future__ import annotations

import json
from typing import Final

from openmux_lc.providers.body_messages import Source, wire_messages
from openmux_lc.providers.body_tools import tool_fields
from openmux_lc.types.json import Json, JsonObject, as_object
from openmux_lc.types.run import EmbeddingRequest, Request

__all__ = ["answer_form", "chat_body", "embedding_body"]

_DEFAULT_MAX_TOKENS: Final = 2048
_NOWHERE: Final = Source("", "")


def chat_body(
    model: str, request: Request, *, is_stream: bool, quirks: frozenset[str], source: Source = _NOWHERE
) -> dict[str, Json]:
    """Return the JSON body of a chat request, its `extra_body` left out.

    Args:
        model: The id to ask for.
        request: What to ask.
        is_stream: Whether the answer is to come in pieces.
        quirks: The row's flags, and those learned for this model.
        source: Who is asked, for what it wants back of its own answers.
    """
    form, told = answer_form(request, quirks, is_stream=is_stream) if request.response_format else (None, "")
    body: dict[str, Json] = {
        "model": model,
        "messages": wire_messages(request.messages, quirks, source=source, told=told),
    }
    if is_stream:
        body["stream"] = True
        if not quirks & {"no_stream_options", "always_usage"}:
            body["stream_options"] = {"include_usage": True}
    if request.tools and "no_tools" not in quirks:
        body |= tool_fields(request, quirks)
    if form is not None:
        body["response_format"] = form
    body |= _sampling(request, quirks)
    return body


def embedding_body(model: str, request: EmbeddingRequest, quirks: frozenset[str]) -> dict[str, Json]:
    """Return the JSON body of an embeddings request."""
    body: dict[str, Json] = {"model": model, "input": list(request.texts)}
    if "no_encoding_format" not in quirks:
        body["encoding_format"] = "float"
    if request.dimensions is not None and "no_dimensions" not in quirks:
        body["output_dimension" if "output_dimension" in quirks else "dimensions"] = request.dimensions
    if "embedding_input_type" in quirks:
        body["input_type"] = "query" if request.purpose == "query" else "passage"
    return body


def answer_form(request: Request, quirks: frozenset[str], *, is_stream: bool) -> tuple[JsonObject | None, str]:
    """Return the form of the answer as a field, and what must be told in words instead."""
    form = request.response_format
    if not form:
        return None, ""
    is_refused = (
        "no_response_format" in quirks
        or (is_stream and "no_format_in_stream" in quirks)
        or (request.tools and "no_format_with_tools" in quirks)
    )
    if is_refused:
        return None, _in_words(form)
    if "no_json_schema" in quirks and form.get("type") == "json_schema":
        return {"type": "json_object"}, _in_words(form)
    return form, ""


def _sampling(request: Request, quirks: frozenset[str]) -> dict[str, Json]:
    max_tokens = request.max_tokens
    if max_tokens is None and "default_max_tokens" in quirks:
        max_tokens = _DEFAULT_MAX_TOKENS
    fields: tuple[tuple[str, str, Json], ...] = (
        ("temperature", "no_temperature", request.temperature),
        ("top_p", "no_top_p", request.top_p),
        ("random_seed" if "random_seed" in quirks else "seed", "no_seed", request.seed),
        ("max_completion_tokens" if "max_completion_tokens" in quirks else "max_tokens", "no_max_tokens", max_tokens),
        ("stop", "no_stop", list(request.stop) or None),
        ("frequency_penalty", "no_penalties", request.frequency_penalty),
        ("presence_penalty", "no_penalties", request.presence_penalty),
    )
    body: dict[str, Json] = {name: value for name, quirk, value in fields if value is not None and quirk not in quirks}
    if request.reasoning_effort is not None and "no_reasoning_effort" not in quirks:
        name, value = _effort(request.reasoning_effort, quirks)
        body[name] = value
    return body


def _effort(effort: str, quirks: frozenset[str]) -> tuple[str, Json]:
    """Return how hard to think under the host's name for that."""
    is_off = effort == "none"
    if "reasoning_object" in quirks:
        return "reasoning", {"enabled": False} if is_off else {"effort": effort}
    if "thinking_type" in quirks:
        return "thinking", {"type": "disabled" if is_off else "enabled"}
    return "reasoning_effort", effort


def _in_words(form: JsonObject) -> str:
    """Return the instruction that stands for a `response_format`."""
    if form.get("type") not in {"json_object", "json_schema"}:
        return ""
    told = "Your answer must be one JSON object and nothing else: no prose around it and no code fence."
    schema = as_object(form.get("json_schema")).get("schema")
    if not schema:
        return told
    try:
        text = json.dumps(schema, ensure_ascii=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        return told
    return f"{told} It must be valid against this JSON schema:\n{text}"
