"""Tool calls that a model wrote into its text, in the dialects that models are known to speak.

Pure. A text counts as a call only where it names a bound tool and its arguments fit
that tool's schema; a JSON object that merely looks like one stays what it is.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple, cast

from openmux_lc.routing.contract import bound_tools
from openmux_lc.routing.json_schema import problem_of
from openmux_lc.routing.json_text import parsed
from openmux_lc.types.json import Json, JsonObject, as_list, as_object, as_text
from openmux_lc.types.run import Request

__all__ = ["Rescued", "Written", "may_be_written", "opening", "rescued"]

_MOST_CHARS: Final = 131_072
_MOST_FORMS: Final = 48
"""So many openings are tried: each that fails costs a look at the whole text."""

_MARKS: Final = ("<tool_call>", "<function=", "[TOOL_CALLS]", "<|python_tag|>")
_FENCES: Final = ("json", "tool_call", "tool_code", "tool")
_NAMES: Final = ("name", "tool", "tool_name", "function")
_ARGUMENTS: Final = ("arguments", "parameters", "args", "input")
_KEYS: Final = frozenset({*_NAMES, *_ARGUMENTS, "id", "type", "tool_calls"})
_OPENER: Final = re.compile(r"[<\[{`]")
_FORM: Final = re.compile(
    r"(?P<tag><tool_call>)|<function=(?P<function>[\w.-]{1,64})>|(?P<list>\[TOOL_CALLS\])|(?P<python><\|python_tag\|>)"
    r"|```(?:json|tool_call|tool_code|tool)?[ \t]*\n?(?=\s*[{\[])|(?=\{)",
    re.IGNORECASE,
)
_ENDS: Final = re.compile(r"\s*(?:</tool_call>|</function>|```|<\|eom_id\|>|<\|eot_id\|>|;)?", re.IGNORECASE)
_BLANK: Final = re.compile(r"\s*")
_BEHIND: Final = re.compile(r"\s*;?\s*(?:$|\{)")
_PYTHON: Final = re.compile(r"\s*([\w-]{1,64})(?:\.call)?\(")
_NAMED: Final = re.compile(r"\s*([\w.-]{1,64})\s*(?:\[ARGS\])?\s*(?=\{)")
_DECODER: Final = json.JSONDecoder()


class Written(NamedTuple):
    """A call as it was written: the tool, and its arguments as JSON text."""

    name: str
    arguments: str


class Rescued(NamedTuple):
    """The calls that a text holds, and the text without them."""

    calls: tuple[Written, ...]
    text: str


class _Span(NamedTuple):
    """Calls with the part of the text that they were read from."""

    calls: tuple[Written, ...]
    start: int
    end: int


def may_be_written(request: Request) -> bool:
    """Whether a text may hold a call at all: tools are bound, and calling them is not forbidden."""
    return bool(request.tools) and request.tool_choice != "none"


def rescued(request: Request, text: str) -> Rescued | None:
    """Return the calls in `text`, None where it holds none that a bound tool takes."""
    if not may_be_written(request) or len(text) > _MOST_CHARS or not _OPENER.search(text):
        return None
    tools = bound_tools(request)
    spans = list(_spans(text, tools, takes_bare=request.response_format is None))
    if not spans:
        return None
    rest: list[str] = []
    place = 0
    for span in spans:
        rest.append(text[place : span.start])
        place = span.end
    rest.append(text[place:])
    return Rescued(tuple(call for span in spans for call in span.calls), "".join(rest).strip())


def opening(text: str) -> int | None:
    """Return where in a text that still grows a written call may begin, None where nowhere."""
    return next((found.start() for found in _OPENER.finditer(text) if _could_open(text[found.start() :])), None)


def _spans(text: str, tools: Mapping[str, JsonObject], *, takes_bare: bool) -> Iterator[_Span]:
    place = 0
    for _ in range(_MOST_FORMS):
        form = _FORM.search(text, place)
        if form is None:
            return
        is_marked = form.lastgroup is not None
        span = _span(text, form, tools) if is_marked or takes_bare else None
        # A bare object is a call only where nothing but further ones follow: calls end a turn.
        if span is not None and (form.end() > form.start() or _BEHIND.match(text, span.end)):
            yield span
            place = span.end
        else:
            takes_bare = takes_bare and not is_marked  # what stands behind a broken mark is no object of its own
            place = form.end() if form.end() > form.start() else _past(text, form.start())


def _past(text: str, start: int) -> int:
    """Return the place behind the object that begins there: what it holds is part of it."""
    try:
        return _DECODER.raw_decode(text, start)[1]
    except (ValueError, RecursionError):
        return start + 1


def _span(text: str, form: re.Match[str], tools: Mapping[str, JsonObject]) -> _Span | None:
    """Return the calls behind an opening, None where any of them is no bound tool's."""
    kind = form.lastgroup
    if kind == "python" and (python := _python(text, form.end(), tools)):
        return python._replace(start=form.start())
    start, name = form.end(), form["function"] or ""
    if kind in {"list", "tag"} and (named := _NAMED.match(text, start)):
        start, name = named.end(), named[1]
    start = _BLANK.match(text, start).end()  # type: ignore[union-attr] # it fits the empty text too
    try:
        value, end = _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        return None
    value = {"name": name, "arguments": value} if name else value
    calls = [_call(each, tools, is_marked=kind is not None) for each in _each(cast("Json", value))]
    whole = tuple(call for call in calls if call is not None)
    if not whole or len(whole) != len(calls):
        return None
    return _Span(whole, form.start(), _end(text, form, end))


def _end(text: str, form: re.Match[str], end: int) -> int:
    """Return the end of a form, its closing mark included; a bare object has none."""
    closing = _ENDS.match(text, end) if form.end() > form.start() else None
    return closing.end() if closing else end


def _each(value: Json) -> list[Json]:
    if isinstance(value, Mapping) and isinstance(value.get("tool_calls"), list):
        value = value["tool_calls"]
    return list(as_list(value)) if isinstance(value, list) else [value]


def _call(value: Json, tools: Mapping[str, JsonObject], *, is_marked: bool) -> Written | None:
    """Return the call that an object is, None where no bound tool takes it."""
    if not isinstance(value, Mapping) or (not is_marked and not set(value) <= _KEYS):
        return None
    fields = as_object(value.get("function")) or value
    name = next((found for key in _NAMES if (found := as_text(fields.get(key)))), "")
    key = next((key for key in _ARGUMENTS if key in fields), None)
    if name not in tools or (key is None and not is_marked):
        return None
    arguments = fields[key] if key else {}
    if isinstance(arguments, str):
        try:
            arguments = parsed(arguments or "{}")
        except ValueError:
            return None
    return _fitting(name, arguments, tools)


def _fitting(name: str, arguments: Json, tools: Mapping[str, JsonObject]) -> Written | None:
    arguments = {} if arguments is None else arguments
    if name not in tools or problem_of(arguments, {"type": "object", **tools[name]}):
        return None
    return Written(name, json.dumps(arguments, ensure_ascii=False))


def _python(text: str, start: int, tools: Mapping[str, JsonObject]) -> _Span | None:
    """Return a call written as `name.call({...})` or `name(city="Paris")`."""
    head = _PYTHON.match(text, start)
    if head is None:
        return None
    try:
        value, end = _DECODER.raw_decode(text, head.end())
    except (ValueError, RecursionError):
        line = text[head.start() :].partition("\n")[0].partition("<|")[0]
        value, end = _keywords(line.strip()), head.start() + len(line)
    else:
        end = text.find(")", end) + 1 or end
    call = _fitting(head[1], value, tools) if isinstance(value, dict) else None
    closing = _ENDS.match(text, end)
    return None if call is None else _Span((call,), start, closing.end() if closing else end)


def _keywords(line: str) -> Json:
    """Return the arguments of a call in Python's own form, None where it is none of literals."""
    try:
        tree = ast.parse(line[:4096], mode="eval").body
        if isinstance(tree, ast.Call) and not tree.args:
            return {word.arg or "": ast.literal_eval(word.value) for word in tree.keywords}
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        pass
    return None


def _could_open(tail: str) -> bool:
    """Whether a text that begins like this may still become a call."""
    if any(tail.startswith(mark) or mark.startswith(tail) for mark in _MARKS):
        return True
    if tail[0] == "`":
        return _could_fence(tail)
    return tail[0] == "{" and _could_call(tail)


def _could_fence(tail: str) -> bool:
    if not tail.startswith("```"):
        return "```".startswith(tail)
    word = re.match(r"\w*", tail[3:])
    language, rest = (word[0], tail[3 + word.end() :]) if word else ("", tail[3:])
    if not rest:
        return any(fence.startswith(language) for fence in _FENCES)
    inside = rest.lstrip().lstrip("[").lstrip()
    return language in {"", *_FENCES} and (not inside or (inside[0] == "{" and _could_call(inside)))


def _could_call(tail: str) -> bool:
    """Whether an object whose first key is that far written may be a call."""
    inside = tail[1:].lstrip()
    if not inside:
        return True
    key, quote, _ = inside[1:].partition('"')
    if inside[0] != '"' or not (key in _KEYS if quote else any(known.startswith(key) for known in _KEYS)):
        return False
    if tail.rstrip()[-1:] not in {"}", "`"}:
        return True
    try:
        value, _ = _DECODER.raw_decode(tail)
    except (ValueError, RecursionError):
        return True
    return isinstance(value, dict) and set(value) <= _KEYS
