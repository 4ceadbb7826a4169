"""Whether an answer keeps what its request asked for: a schema, or a call of a tool.

Pure and in one place: a request and an answer in, the answer as it is to be given or
what is wrong with it out. Tolerant first: where exactly one JSON value stands in the
answer, that value is the answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from openmux_lc.routing.json_schema import problem_of
from openmux_lc.routing.json_text import only_json, parsed
from openmux_lc.types.json import Json, JsonObject, as_object, as_text, dig
from openmux_lc.types.run import Answer, Message, Request, ToolCall

__all__ = ["Kept", "bound_tools", "is_bound", "keep", "repair", "requires_tool"]

_PROBLEM_CHARS: Final = 200
_SHOWN_CHARS: Final = 8_000
"""So much of a broken answer is shown to the model that is to mend it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An answer as it is to be given, or what is wrong with it.

    Args:
        answer: With the JSON cut out where there was more.
        problem: The empty string where the contract is kept; never a word of the answer.
    """

    answer: Answer
    problem: str = ""


def is_bound(request: Request) -> bool:
    """Whether an answer in just any words breaks the contract."""
    return requires_tool(request) or _form(request) in {"json_schema", "json_object"}


def requires_tool(request: Request) -> bool:
    """Whether only a tool call answers `request`."""
    choice = request.tool_choice
    if not request.tools or choice is None:
        return False
    return choice in {"required", "any"} if isinstance(choice, str) else bool(as_object(choice.get("function")))


def bound_tools(request: Request) -> Mapping[str, JsonObject]:
    """Return the schema of each tool that may be called, by name."""
    named = as_text(dig(request.tool_choice, "function", "name"))
    functions = [as_object(tool.get("function")) for tool in request.tools]
    every = {as_text(function.get("name")): as_object(function.get("parameters")) for function in functions}
    return {name: schema for name, schema in every.items() if name and named in {"", name}}


def keep(request: Request, answer: Answer) -> Kept:
    """Return the answer as it is to be given, or what is wrong with it."""
    if requires_tool(request):
        return Kept(answer=answer, problem=_short(_tool_problem(request, answer)))
    form = _form(request)
    if answer.tool_calls or form not in {"json_schema", "json_object"}:
        return Kept(answer=answer)
    schema = as_object(dig(request.response_format, "json_schema", "schema"))
    is_object = form == "json_object" or schema.get("type") == "object"
    found = only_json(answer.text, is_object=is_object)
    if found is None:
        return Kept(answer=answer, problem=_not_json(answer))
    text, value = found
    problem = "the value must be of type object" if is_object and not isinstance(value, Mapping) else ""
    problem = problem or problem_of(value, schema)
    is_bare = text == answer.text.strip()
    return Kept(answer=answer if is_bare else replace(answer, text=text), problem=_short(problem))


def repair(request: Request, answer: Answer, problem: str) -> Request:
    """Return the request that shows a model its broken answer and what is wrong with it."""
    calls = [call for call in answer.tool_calls if _is_callable(call, request)]
    said: dict[str, Json] = {"role": "assistant", "content": answer.text[:_SHOWN_CHARS]}
    told: list[Message] = []
    if calls and len(calls) == len(answer.tool_calls):
        said["tool_calls"] = [_wire_call(call) for call in calls]
        told = [{"role": "tool", "tool_call_id": call.id, "content": f"not called: {problem}"} for call in calls]
    elif answer.tool_calls:
        shown = [{"name": call.name, "arguments": call.arguments} for call in answer.tool_calls]
        said["content"] = f"{answer.text}\n{json.dumps(shown)}".strip()[:_SHOWN_CHARS]
    wanted = "a call of a tool and nothing else" if requires_tool(request) else "the corrected JSON and nothing else"
    told.append({"role": "user", "content": f"That cannot be used: {problem}. Answer again with {wanted}."})
    return replace(request, messages=(*request.messages, said, *told))


def _form(request: Request) -> str:
    return as_text(dig(request.response_format, "type"))


def _tool_problem(request: Request, answer: Answer) -> str:
    if not answer.tool_calls:
        return "a tool call was required, and the model answered in words"
    tools = bound_tools(request)
    for call in answer.tool_calls:
        if call.name not in tools:
            return "a tool was called that is not bound" if len(tools) != 1 else "another tool was called than the one"
        try:
            value = parsed(call.arguments)
        except ValueError:
            return f"the arguments of {call.name} are no JSON"
        if problem := problem_of(value, {"type": "object", **tools[call.name]}):
            return f"in the arguments of {call.name}, {problem}"
    return ""


def _not_json(answer: Answer) -> str:
    cut = "; it was cut off at its longest (max_tokens)" if answer.finish_reason == "length" else ""
    return f"it holds not exactly one JSON value{cut}"


def _is_callable(call: ToolCall, request: Request) -> bool:
    """Whether a call can stand in a history: hosts refuse arguments that are no object."""
    try:
        return call.name in bound_tools(request) and isinstance(parsed(call.arguments), Mapping)
    except ValueError:
        return False


def _wire_call(call: ToolCall) -> JsonObject:
    arguments = json.dumps(parsed(call.arguments))
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _short(problem: str) -> str:
    return problem if len(problem) <= _PROBLEM_CHARS else f"{problem[: _PROBLEM_CHARS - 1]}…"
