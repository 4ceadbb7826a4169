"""Tools, form and sampling of Google's native dialect, and how deep a model thinks.

Schemas keep the keywords that the host documents and no others; what a row's quirks
name is left out.
"""

from __future__ import annotations

import re
from typing import Final

from openmux_lc.types.json import Json, JsonObject, as_list, as_object, as_text, dig
from openmux_lc.types.run import Request
from openmux_lc.types.wire import Call

__all__ = ["generation_config", "is_signed", "model_id", "tool_fields"]

_NEW: Final = re.compile(r"gemini-(?![12]\b)")
_EFFORTS: Final = ("none", "minimal", "low", "medium", "high")
_LEVELS: Final = (
    (re.compile(r"gemma-4"), ("minimal", "high")),
    (re.compile(r"gemini-3-pro"), ("low", "high")),
    (re.compile(r"gemini-3(\.[0-6])?-flash"), _EFFORTS[1:]),
    (_NEW, _EFFORTS[2:]),
)
"""How deep a model can be told to think; the first fit counts, none means it does not."""
_BUDGETS: Final = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192}
_MOST: Final = 24_576
_LEAST_OF_PRO: Final = 128
_MODES: Final = {"auto": "AUTO", "none": "NONE", "required": "ANY", "any": "ANY"}
_EXTRA: Final = {
    "max_tokens": "maxOutputTokens",
    "max_completion_tokens": "maxOutputTokens",
    "top_p": "topP",
    "top_k": "topK",
    "stop": "stopSequences",
    "frequency_penalty": "frequencyPenalty",
    "presence_penalty": "presencePenalty",
    "logprobs": "responseLogprobs",
    "top_logprobs": "logprobs",
}
_ELSEWHERE: Final = frozenset({"response_format", "reasoning_effort", "safety_settings"})
_NAMED: Final = {"properties": "properties", "$defs": "$defs", "definitions": "$defs"}
_LISTED: Final = frozenset({"anyOf", "oneOf", "prefixItems"})
_BESIDE_REFERENCE: Final = frozenset({"$ref", "$defs", "definitions", "$id", "$anchor"})
_KEYWORDS: Final = frozenset(
    {
        "$id",
        "$anchor",
        "type",
        "format",
        "title",
        "description",
        "minItems",
        "maxItems",
        "minimum",
        "maximum",
        "required",
        "propertyOrdering",
    }
)
_FORMATS: Final = frozenset({"date-time", "date", "time", "duration", "enum", "int32", "int64", "float", "double"})


def model_id(model: str) -> str:
    """Return a model's id without the collection that some lists put before it."""
    return model.removeprefix("models/")


def is_signed(model: str) -> bool:
    """Whether a model refuses its own kind of tool call without a mark."""
    return _NEW.match(model) is not None


def tool_fields(request: Request, quirks: frozenset[str]) -> dict[str, Json]:
    """Return the fields that declare the functions and say which may be called."""
    if not request.tools or "no_tools" in quirks:
        return {}
    declared: list[Json] = []
    for tool in request.tools:
        function = as_object(tool.get("function"))
        fields = {name: function[name] for name in ("name", "description") if function.get(name) is not None}
        schema = as_object(function.get("parameters"))
        declared.append({**fields, "parametersJsonSchema": _schema(schema)} if schema else fields)
    body: dict[str, Json] = {"tools": [{"functionDeclarations": declared}]}
    choice = request.tool_choice
    name = dig(choice, "function", "name")
    mode = "ANY" if name else _MODES.get(choice) if isinstance(choice, str) else None
    if mode and "no_tool_choice" not in quirks:
        only: dict[str, Json] = {"allowedFunctionNames": [name]} if name else {}
        body["toolConfig"] = {"functionCallingConfig": {"mode": mode, **only}}
    return body


def generation_config(call: Call, form: JsonObject | None, extra: JsonObject) -> dict[str, Json]:
    """Return sampling, form and thinking.

    Args:
        call: What is asked.
        form: The form of the answer that is to be told as a field.
        extra: The user's own fields, which outweigh the request's.
    """
    request, quirks = call.request, call.provider.quirks
    fields: tuple[tuple[str, str, Json], ...] = (
        ("temperature", "no_temperature", request.temperature),
        ("topP", "no_top_p", request.top_p),
        ("seed", "no_seed", None if request.seed is None else request.seed % 2**31),
        ("maxOutputTokens", "no_max_tokens", request.max_tokens),
        ("stopSequences", "no_stop", list(request.stop) or None),
        ("frequencyPenalty", "no_penalties", request.frequency_penalty),
        ("presencePenalty", "no_penalties", request.presence_penalty),
    )
    config: dict[str, Json] = {}
    config |= {name: value for name, quirk, value in fields if value is not None and quirk not in quirks}
    form = as_object(extra.get("response_format")) or form or {}
    if form.get("type") in {"json_object", "json_schema"}:
        config["responseMimeType"] = "application/json"
        schema = as_object(dig(form, "json_schema", "schema"))
        if schema:
            config["responseJsonSchema"] = _schema(schema)
    effort = as_text(extra.get("reasoning_effort")) or request.reasoning_effort or ""
    thinking = _thinking(model_id(call.model), effort)
    if thinking and "no_reasoning_effort" not in quirks:
        config["thinkingConfig"] = thinking
    for name in extra.keys() - _ELSEWHERE:
        value = extra[name]
        config[_EXTRA.get(name, name)] = [value] if name == "stop" and isinstance(value, str) else value
    return config


def _thinking(model: str, effort: str) -> JsonObject:
    """Return how deep to think, empty where nothing is asked or the model knows no depth.

    Thoughts come back only where they were asked for: models without them refuse that.
    """
    if not effort:
        return {}
    wanted = _EFFORTS.index(effort) if effort in _EFFORTS else len(_EFFORTS) - 1
    shown: JsonObject = {"includeThoughts": True} if wanted > 1 else {}
    if model.startswith("gemini-2.5"):
        budget = _BUDGETS.get(effort, _MOST)
        return {"thinkingBudget": budget or (_LEAST_OF_PRO if "-pro" in model else 0), **shown}
    levels = next((levels for pattern, levels in _LEVELS if pattern.match(model)), ())
    if not levels:
        return {}
    level = min(levels, key=lambda word: (abs(_EFFORTS.index(word) - wanted), -_EFFORTS.index(word)))
    return {"thinkingLevel": level, **(shown if level != "minimal" else {})}


def _schema(schema: JsonObject) -> dict[str, Json]:
    """Return a JSON schema with the documented keywords only; a reference stands alone."""
    found: dict[str, Json] = {}
    for keyword, value in schema.items():
        if "$ref" not in schema or keyword in _BESIDE_REFERENCE:
            found |= _keyword(keyword, value)
    return found


def _keyword(keyword: str, value: Json) -> dict[str, Json]:
    """Return what becomes of one keyword: itself, another one that says the same, or nothing."""
    found: dict[str, Json] = {}
    if keyword in _NAMED:
        found[_NAMED[keyword]] = {name: _inner(inner) for name, inner in as_object(value).items()}
    elif keyword in _LISTED:
        found[keyword] = [_inner(inner) for inner in as_list(value)]
    elif keyword in {"items", "additionalProperties"}:
        found[keyword] = _inner(value)
    elif keyword == "$ref":
        found[keyword] = as_text(value).replace("#/definitions/", "#/$defs/")
    elif keyword == "allOf" and len(as_list(value)) == 1:
        found = _schema(as_object(as_list(value)[0]))
    elif keyword in {"const", "enum"}:
        values = [value] if keyword == "const" else as_list(value)
        found["enum"] = [each for each in values if isinstance(each, str | int | float) and not isinstance(each, bool)]
    elif keyword in _KEYWORDS and (keyword != "format" or as_text(value) in _FORMATS):
        found[keyword] = value
    return {name: kept for name, kept in found.items() if name != "enum" or kept}


def _inner(value: Json) -> Json:
    return _schema(value) if isinstance(value, dict) else value
