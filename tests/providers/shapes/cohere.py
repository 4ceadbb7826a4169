"""Cohere's second protocol, and the lines of its first."""

import json
from collections.abc import Mapping
from typing import Any

from openmux_lc.errors import ConnectionFailed, EmptyAnswer, InvalidRequest, ServerError
from tests.providers.shapes.shape import CALLED, Due, Shape

_OLD_CHAT = "https://api.cohere.com/v1/chat"

_BILLED = {"billed_units": {"input_tokens": 2, "output_tokens": 1}, "tokens": {"input_tokens": 5, "output_tokens": 3}}
_CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}


def _cohere(finish: str = "COMPLETE", usage: Any = _BILLED, **message: Any) -> dict[str, Any]:
    return {"id": "i", "finish_reason": finish, "message": {"role": "assistant", **message}, "usage": usage}


def _words(text: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": text}]


_SCHEMA = "the published schema of version 2"
COHERE = [
    Shape(
        "cohere text beside a call",
        _cohere("TOOL_CALL", content=_words("I call"), tool_calls=[_CALL]),
        Due("I call", calls=CALLED, finish="tool_calls", tokens=(5, 3)),
        _SCHEMA,
    ),
    Shape(
        "cohere null content",
        _cohere("TOOL_CALL", content=None, tool_plan=None, tool_calls=[_CALL]),
        Due(calls=CALLED, finish="tool_calls", tokens=(5, 3)),
        _SCHEMA,
    ),
    Shape("cohere content as text", _cohere(content="Hi"), Due("Hi", tokens=(5, 3)), _SCHEMA),
    Shape("cohere no content", _cohere(content=[]), EmptyAnswer, _SCHEMA),
    Shape(
        "cohere billed units alone",
        _cohere(content=_words("Hi"), usage={"billed_units": {"input_tokens": 2.0, "output_tokens": 1.0}}),
        Due("Hi", tokens=(2, 1)),
        "its numbers are doubles",
    ),
    Shape("cohere null usage", _cohere(content=_words("Hi"), usage=None), Due("Hi"), _SCHEMA),
    Shape(
        "cohere toxic",
        _cohere("ERROR_TOXIC", content=_words("Hi")),
        Due("Hi", finish="content_filter", tokens=(5, 3)),
        "reasons of version 1",
    ),
    Shape("cohere timeout", _cohere("TIMEOUT", content=_words("Hi")), ServerError, _SCHEMA),
    Shape(
        "cohere error under success",
        {"id": "x", "message": "internal server error"},
        ServerError,
        "the shape of its errors",
    ),
]


def _at(kind: str, index: int | None = None, **message: Any) -> dict[str, Any]:
    place = {} if index is None else {"index": index}
    return {"type": kind, **place, "delta": {"message": message}}


def _called(index: int) -> list[dict[str, Any]]:
    begun = {"id": f"c{index}", "type": "function", "function": {"name": "f", "arguments": ""}}
    return [
        _at("tool-call-start", index, tool_calls=begun),
        _at("tool-call-delta", index, tool_calls={"function": {"arguments": '{"a": '}}),
        _at("tool-call-delta", index, tool_calls={"function": {"arguments": "1}"}}),
        {"type": "tool-call-end", "index": index},
    ]


def _over(finish: str = "COMPLETE", usage: Any = _BILLED, **more: Any) -> dict[str, Any]:
    return {"type": "message-end", "id": "i", "delta": {"finish_reason": finish, "usage": usage, **more}}


_BEGIN = {
    "type": "message-start",
    "id": "i",
    "delta": {"message": {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}},
}
_HI = _at("content-delta", 0, content={"type": "text", "text": "Hi"})
COHERE_STREAMED = [
    Shape(f"cohere {name}", events, due, known, is_stream=True)
    for name, events, due, known in (
        (
            "debug event",
            [{"type": "debug", "prompt": "<BOS>"}, _BEGIN, _HI, _over()],
            Due("Hi", tokens=(5, 3)),
            _SCHEMA,
        ),
        (
            "text at the start",
            [
                _BEGIN,
                _at("content-start", 0, content={"type": "text", "text": "H"}),
                _at("content-delta", 0, content={"text": "i"}),
                _over(),
            ],
            Due("Hi", tokens=(5, 3)),
            _SCHEMA,
        ),
        (
            "probabilities",
            [_BEGIN, {**_HI, "logprobs": {"text": "Hi", "logprobs": [-0.1]}}, _over()],
            Due("Hi", tokens=(5, 3)),
            "`logprobs`",
        ),
        (
            "two calls",
            [_BEGIN, *_called(0), *_called(1), _over("TOOL_CALL")],
            Due(calls=CALLED * 2, finish="tool_calls", tokens=(5, 3)),
            _SCHEMA,
        ),
        (
            "call without arguments",
            [_BEGIN, _called(0)[0], _over("TOOL_CALL")],
            Due(calls=(("f", "{}"),), finish="tool_calls", tokens=(5, 3)),
            "functions without parameters",
        ),
        (
            "toxic end",
            [_BEGIN, _HI, _over("ERROR_TOXIC")],
            Due("Hi", finish="content_filter", tokens=(5, 3)),
            "reasons of version 1",
        ),
        (
            "error at the end",
            [_BEGIN, _HI, _over("ERROR", {}, error="all elements in history must have a message")],
            ServerError,
            "recorded without words before it",
        ),
        (
            "error instead of an event",
            [_BEGIN, {"message": "internal server error", "id": "x"}],
            ServerError,
            "the shape of its errors",
        ),
        ("cut", [_BEGIN, _HI], ConnectionFailed, "networks"),
    )
]

_OLD_META = {"api_version": {"version": "1"}, "billed_units": {"input_tokens": 5, "output_tokens": 3}}
_OLD_DOC = "documentation of version 1"


def lines(*events: Mapping[str, Any]) -> str:
    return "".join(f"{json.dumps({'is_finished': False, **event})}\n" for event in events)


def _old_end(finish: str = "COMPLETE", **more: Any) -> dict[str, Any]:
    response = {"text": "Hi", "generation_id": "g", "finish_reason": finish, "meta": _OLD_META}
    return {"is_finished": True, "event_type": "stream-end", "response": response, "finish_reason": finish, **more}


OLD_START = {"event_type": "stream-start", "generation_id": "g"}
OLD_WORDS = [{"event_type": "text-generation", "text": piece} for piece in ("H", "i")]
COHERE_OLD = [
    Shape(
        f"cohere {name}",
        body,
        due,
        _OLD_DOC,
        is_stream=isinstance(body, str),
        url=_OLD_CHAT,
        request={"message": "Hi?"},
    )
    for name, body, due in (
        ("old text", lines(OLD_START, *OLD_WORDS, _old_end()), Due("Hi", tokens=(5, 3))),
        (
            "old text, blank lines",
            lines(OLD_START, *OLD_WORDS, _old_end()).replace("\n", "\r\n\r\n"),
            Due("Hi", tokens=(5, 3)),
        ),
        (
            "old searches",
            lines(
                OLD_START,
                {"event_type": "search-results", "documents": [{"id": "d"}]},
                *OLD_WORDS,
                {"event_type": "citation-generation", "citations": []},
                _old_end("MAX_TOKENS"),
            ),
            Due("Hi", finish="length", tokens=(5, 3)),
        ),
        (
            "old calls",
            lines(
                OLD_START,
                {"event_type": "tool-calls-chunk", "text": "Hi"},
                {"event_type": "tool-calls-chunk", "tool_call_delta": {"index": 0, "name": "f"}},
                {
                    "event_type": "tool-calls-generation",
                    "text": "Hi",
                    "tool_calls": [{"name": "f", "parameters": {"a": 1}}],
                },
                _old_end(),
            ),
            Due("Hi", calls=CALLED, finish="tool_calls", tokens=(5, 3)),
        ),
        ("old error", lines(OLD_START, _old_end("ERROR", error="something failed")), ServerError),
        ("old limit", lines(OLD_START, *OLD_WORDS, _old_end("ERROR_LIMIT")), ServerError),
        ("old cut", lines(OLD_START, *OLD_WORDS), ConnectionFailed),
        ("old cut inside a line", lines(OLD_START, *OLD_WORDS) + '{"is_finished": tr', ConnectionFailed),
        (
            "old whole",
            {"text": "Hi", "generation_id": "g", "finish_reason": "COMPLETE", "meta": _OLD_META},
            Due("Hi", tokens=(5, 3)),
        ),
        (
            "old whole calls",
            {"text": "", "generation_id": "g", "tool_calls": [{"name": "f", "parameters": {"a": 1}}], "meta": {}},
            Due(calls=CALLED, finish="tool_calls"),
        ),
        ("old whole error", {"message": "invalid request: temperature must be at most 1"}, InvalidRequest),
    )
]
