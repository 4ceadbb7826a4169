"""The body of a chat request in Cohere's words, out of the OpenAI dialect's.

What the row's quirks take away is gone before the words change; nothing is sent
that the host knows no name for, because it refuses fields that it does not know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from openmux_lc.providers.body import chat_body
from openmux_lc.providers.extra import harmless_extra
from openmux_lc.types.json import Json, JsonObject, as_float, as_list, as_object, as_text, dig
from openmux_lc.types.wire import Call

__all__ = ["cohere_body"]

_QUIRKS: Final = frozenset(
    {"no_stream_options", "no_parallel_tool_calls", "no_name", "no_named_tool_choice", "no_format_with_tools"}
)
"""What the host's own protocol lacks, whatever the row says."""
_NAMES: Final[Mapping[str, str]] = {
    "top_p": "p",
    "top_k": "k",
    "stop": "stop_sequences",
    "max_completion_tokens": "max_tokens",
}
_OWN: Final = frozenset({"messages", "tools", "tool_choice", "response_format", "reasoning_effort"})
_LOWEST_P: Final = 0.01
_HIGHEST_P: Final = 0.99
_BUDGETS: Final[Mapping[str, int]] = {"low": 1024, "medium": 8192}
"""Tokens that a model may think for; without a bound, which the host advises, otherwise."""


def cohere_body(call: Call, *, is_stream: bool) -> dict[str, Json]:
    """Return the JSON body of `/chat`.

    Raises:
        InvalidRequest: It asks for what could cost money.
    """
    wire = chat_body(call.model, call.request, is_stream=is_stream, quirks=call.provider.quirks | _QUIRKS)
    kept = {name: value for name, value in wire.items() if name not in _OWN}
    body = {_NAMES.get(name, name): value for name, value in {**kept, **harmless_extra(call)}.items()}
    body["messages"] = [_message(as_object(message)) for message in as_list(wire["messages"])]
    mass = as_float(body.get("p"))
    if mass is not None:
        body["p"] = min(max(mass, _LOWEST_P), _HIGHEST_P)
    effort = as_text(wire.get("reasoning_effort"))
    if effort and _thinks(call):
        body.setdefault("thinking", _thinking(effort))
    if "tools" in wire:
        body |= _tools(as_list(wire["tools"]), wire.get("tool_choice"))
    form = as_object(wire.get("response_format"))
    if form:
        body.setdefault("response_format", _response_format(form))
    return body


def _message(message: JsonObject) -> JsonObject:
    """Return the message; beside tool calls a text must be called the plan."""
    calls = message.get("tool_calls")
    if not calls:
        return message
    plan = as_text(message.get("content"))
    return {"role": "assistant", "tool_calls": calls} | ({"tool_plan": plan} if plan else {})


def _tools(tools: Sequence[Json], choice: Json) -> dict[str, Json]:
    functions = [as_object(as_object(tool).get("function")) for tool in tools]
    body: dict[str, Json] = {"tools": [_tool(function) for function in functions]}
    if all(function.get("strict") is True and dig(function, "parameters", "required") for function in functions):
        body["strict_tools"] = True  # refused where a function requires no argument
    if choice in {"required", "none"}:
        body["tool_choice"] = as_text(choice).upper()
    return body


def _tool(function: JsonObject) -> JsonObject:
    kept = {name: value for name, value in function.items() if name != "strict"}
    return {"type": "function", "function": {"parameters": {"type": "object", "properties": {}}, **kept}}


def _response_format(form: JsonObject) -> JsonObject:
    if form.get("type") == "text":
        return {"type": "text"}
    schema = as_object(dig(form, "json_schema", "schema"))
    kept = {name: value for name, value in schema.items() if name != "$schema"}
    return {"type": "json_object"} | ({"json_schema": kept} if kept else {})


def _thinks(call: Call) -> bool:
    """Whether the model is known to think: the others refuse to be asked how much."""
    profiles = (model.profile for model in call.provider.models if model.id == call.model)
    return any(profile.get("reasoning_output") for profile in profiles) or "reasoning" in call.model


def _thinking(effort: str) -> JsonObject:
    if effort in {"none", "minimal"}:
        return {"type": "disabled"}
    budget = _BUDGETS.get(effort)
    return {"type": "enabled"} | ({"token_budget": budget} if budget else {})
