"""A simulated model for a `FakeUpstream`: it reads the prompt, picks tools by shared words, fills JSON schemas.

It knows no test: numbers, quoted phrases and words of the prompt are all that it has. Whatever a schema asks for
comes from them in order, so a wrong prompt, tool or schema on the wire gives a wrong answer.
"""

from __future__ import annotations

import itertools
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from openmux_lc.testing import Answer, Behaviour, Fault, Received, cut, dropped, empty_answer, html_page, server_error
from openmux_lc.types.json import Json, JsonObject, as_list, as_object, as_text, dig
from openmux_lc.types.run import ToolCall

_WORD = re.compile(r"[^\W\d_]{3,}")
_QUOTED = re.compile(r"(?<!\w)['\"“]([^'\"“”]+)['\"”](?!\w)")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_FAULTS: tuple[Behaviour, ...] = (dropped(), server_error(503), html_page(), cut(0), empty_answer())


def smart_model(host: str) -> Callable[[Received], Behaviour]:
    """Return the script of a host whose models are capable and report themselves by their route, `host:model`."""
    return lambda received: replace(smart_answer(received), model=f"{host}:{received.model}")


def smart_answer(received: Received) -> Answer:
    """Return what a capable model would: a tool call, an object of the schema, or a sentence."""
    body = as_object(received.body)
    messages = [as_object(message) for message in as_list(body.get("messages"))]
    asked = _last_said(messages, "user")
    tool = _wanted_tool(body, messages, asked)
    if tool is not None:
        arguments = _Filler(as_object(tool.get("parameters")), asked).whole()
        name = as_text(tool.get("name"))
        return Answer("", tool_calls=(ToolCall(id=f"call_{name[:16]}", name=name, arguments=_dumped(arguments)),))
    if (schema := dig(body, "response_format", "json_schema", "schema")) is not None:
        return Answer(_dumped(_Filler(as_object(schema), asked).whole()))
    if dig(body, "response_format", "type") == "json_object":
        return Answer(_dumped({key: f"The {key} about {_topic(asked)}." for key in _QUOTED.findall(asked)}))
    return Answer(f"You said {len(asked)} characters about {_topic(asked)}; here is an answer to them.")


class HalfFailing:
    """Fails every second call, counted over all the scripts that are put through it, in five ways by turns."""

    def __init__(self) -> None:
        self._calls, self._faults = itertools.count(), itertools.cycle(_FAULTS)
        self._turn = threading.Lock()

    def __call__(self, script: Callable[[Received], Behaviour]) -> Callable[[Received], Behaviour]:
        def play(received: Received) -> Behaviour:
            with self._turn:
                fault = next(self._faults) if next(self._calls) % 2 == 0 else None
            return script(received) if fault is None else fault

        return play


def counted_answer(*, reasoning_tokens: int, cached_tokens: int) -> Fault:
    """Return a good answer whose usage tells thoughts and cache hits, whole and as a stream."""
    usage: Json = {
        "prompt_tokens": cached_tokens + 10,
        "completion_tokens": reasoning_tokens + 5,
        "total_tokens": cached_tokens + reasoning_tokens + 15,
        "prompt_tokens_details": {"cached_tokens": cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": reasoning_tokens},
    }
    shared: JsonObject = {"id": "chatcmpl-1", "created": 1, "model": "m"}
    said = {"role": "assistant", "content": "Four."}
    whole = {**shared, "choices": [{"index": 0, "message": said, "finish_reason": "stop"}], "usage": usage}
    events = [
        {**shared, "choices": [{"index": 0, "delta": said}]},
        {**shared, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {**shared, "choices": [], "usage": usage},
    ]
    return Fault(200, body=whole, sse="".join(f"data: {_dumped(event)}\n\n" for event in events) + "data: [DONE]\n\n")


class _Filler:
    """Makes a value of a JSON schema from the numbers and phrases of a prompt, each used once."""

    def __init__(self, schema: JsonObject, prompt: str) -> None:
        self._schema = schema
        self._prompt = prompt
        self._numbers: Iterator[str] = iter(_NUMBER.findall(prompt))
        self._phrases: Iterator[str] = iter(_QUOTED.findall(prompt))

    def whole(self) -> Json:
        return self._value(self._schema, "answer") if self._schema else {}

    def _value(self, schema: JsonObject, name: str) -> Json:
        if reference := as_text(schema.get("$ref")):
            return self._value(as_object(dig(self._schema, *reference.removeprefix("#/").split("/"))), name)
        for word in ("anyOf", "oneOf", "allOf"):
            kinds = [kind for kind in map(as_object, as_list(schema.get(word))) if kind.get("type") != "null"]
            if kinds:
                return self._value(kinds[0], name)
        if choices := as_list(schema.get("enum")):
            return next((each for each in choices if str(each).lower() in self._prompt.lower()), choices[0])
        return self._plain(schema, name)

    def _plain(self, schema: JsonObject, name: str) -> Json:
        kind = schema.get("type")
        if kind == "array":
            return [self._value(as_object(schema.get("items")), name)]
        if kind in {"integer", "number"}:
            number = float(next(self._numbers, "0"))
            return int(number) if kind == "integer" else number
        if kind == "boolean":
            return not re.search(r"\b(no|not|never)\b", self._prompt.lower())
        if kind == "string":
            return next(self._phrases, None) or f"The {name.replace('_', ' ')} for {_topic(self._prompt)}."
        return {key: self._value(as_object(field), key) for key, field in as_object(schema.get("properties")).items()}


def _wanted_tool(body: JsonObject, messages: Sequence[JsonObject], asked: str) -> JsonObject | None:
    """Return the tool to call: the named one, else the likeliest; None where words are better."""
    tools = [as_object(dig(tool, "function")) for tool in as_list(body.get("tools"))]
    choice = body.get("tool_choice")
    if named := as_text(dig(choice, "function", "name")):
        return next(tool for tool in tools if tool.get("name") == named)
    has_results = bool(messages) and messages[-1].get("role") == "tool"
    if not tools or choice == "none" or (has_results and choice != "required"):
        return None
    best = max(tools, key=lambda tool: _likeness(tool, asked))
    return best if choice == "required" or _likeness(best, asked) else None


def _likeness(tool: JsonObject, asked: str) -> int:
    told = f"{as_text(tool.get('name')).replace('_', ' ')} {as_text(tool.get('description'))}"
    return len(_words(told) & _words(asked))


def _words(text: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(text)} - {"the", "and", "for", "what", "with", "use", "tool"}


def _last_said(messages: Sequence[Mapping[str, Json]], role: str) -> str:
    """Return the text of the last message of `role`; what is no text counts nothing."""
    content = next((message.get("content") for message in reversed(messages) if message.get("role") == role), "")
    if isinstance(content, str):
        return content
    return " ".join(as_text(as_object(part).get("text")) for part in as_list(content))


def _topic(text: str) -> str:
    return max(_WORD.findall(text), key=len, default="nothing")


def _dumped(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
