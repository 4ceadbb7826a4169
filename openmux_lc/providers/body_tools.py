"""Tools and the choice among them, as a host of the OpenAI dialect takes them.

What the caller needs is kept: a choice that a host does not know is put into what
is offered, and `ignored_tool` finds out where a model called none all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from openmux_lc.types.json import Json, JsonObject, as_object, dig
from openmux_lc.types.run import Request

__all__ = ["tool_fields"]

_FUNCTION: Final = ("name", "description", "parameters", "strict")
_LIMITED: Final = frozenset({"no_tool_choice", "tool_choice_auto"})
_EXTRAS: Final = frozenset({"additionalProperties", "$schema"})
_BY_NAME: Final = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_VALUES: Final = frozenset({"enum", "const", "default", "examples", "required"})
_DEEPEST: Final = 100


def tool_fields(request: Request, quirks: frozenset[str]) -> dict[str, Json]:
    """Return the fields of the body about tools; none where no tool may be called."""
    tools, choice = _offered(request, quirks)
    if not tools:
        return {}
    body: dict[str, Json] = {"tools": [_tool(tool, quirks) for tool in tools]}
    if choice is not None:
        body["tool_choice"] = choice
    may_be_several = False if "single_tool_calls" in quirks else request.parallel_tool_calls
    if may_be_several is not None and "no_parallel_tool_calls" not in quirks:
        body["parallel_tool_calls"] = may_be_several
    return body


def _offered(request: Request, quirks: frozenset[str]) -> tuple[Sequence[JsonObject], Json]:
    """Return the tools and the choice, in the terms of this host."""
    tools: Sequence[JsonObject] = request.tools
    choice: Json = request.tool_choice
    if choice is None:
        return tools, None
    is_limited = bool(quirks & _LIMITED)
    if not isinstance(choice, str) and (is_limited or "no_named_tool_choice" in quirks):
        tools = _only(tools, dig(choice, "function", "name"))
        choice = "required"
    if choice == "none" and is_limited:
        return (), None
    if "no_tool_choice" in quirks:
        return tools, None
    if isinstance(choice, str) and choice in {"required", "any"}:
        choice = "any" if "tool_choice_any" in quirks else "required"
        choice = "auto" if "tool_choice_auto" in quirks else choice
    return tools, choice


def _only(tools: Sequence[JsonObject], name: Json) -> Sequence[JsonObject]:
    """Return the tool of that name alone, or all where there is none."""
    return tuple(tool for tool in tools if dig(tool, "function", "name") == name) or tools


def _tool(tool: JsonObject, quirks: frozenset[str]) -> JsonObject:
    function = as_object(tool.get("function"))
    wire = {name: function[name] for name in _FUNCTION if function.get(name) is not None}
    if "no_strict_tools" in quirks:
        wire.pop("strict", None)
    schema = as_object(wire.get("parameters"))
    if "no_tool_schema_extras" in quirks:
        wire["parameters"] = _plain(schema)
    elif "$schema" in schema:
        # Some hosts refuse the dialect's name; none needs it.
        wire["parameters"] = {name: schema[name] for name in schema if name != "$schema"}
    return {"type": "function", "function": wire}


def _plain(schema: Json, depth: int = 0) -> Json:
    """Return a schema without `additionalProperties` and `$schema`, at any depth."""
    if depth > _DEEPEST:
        return schema
    if isinstance(schema, list | tuple):
        return [_plain(each, depth + 1) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {name: _plain_value(name, value, depth) for name, value in schema.items() if name not in _EXTRAS}


def _plain_value(name: str, value: Json, depth: int) -> Json:
    if name in _VALUES:
        return value
    if name in _BY_NAME and isinstance(value, dict):
        # The names in here are the caller's own, whatever they read like.
        return {each: _plain(schema, depth + 1) for each, schema in value.items()}
    return _plain(value, depth + 1)
