"""Calls, histories, bodies and streams of Google's native dialect for its tests."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from openmux_lc.engine.assembly import Assembly
from openmux_lc.providers.exchange import Reply
from openmux_lc.providers.gemini import GeminiDialect
from openmux_lc.types.catalog import Auth
from openmux_lc.types.run import Answer
from openmux_lc.types.wire import Call
from tests.providers.calls import call, provider

ROW = provider(
    "https://generativelanguage.googleapis.com/v1beta",
    id="gemini",
    dialect="gemini",
    auth=Auth(header="x-goog-api-key", form="{key}"),
)
DIALECT = GeminiDialect()
STAND_IN = "skip_thought_signature_validator"
PIXEL = "iVBORw0KGgo="
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"type": "function", "function": {"name": "weather", "description": "of a city", "parameters": CITY}}
TIME = {"type": "function", "function": {"name": "time"}}


def asked(model: str = "gemini-3.5-flash", **fields: Any) -> Call:
    return call(fields.pop("row", ROW), model=model, **fields)


def sent(model: str = "gemini-3.5-flash", **fields: Any) -> dict[str, Any]:
    """Return the body that a request becomes."""
    body: dict[str, Any] = json.loads(DIALECT.chat(asked(model, **fields), is_stream=False).body)
    return body


def contents(*messages: Mapping[str, Any], **fields: Any) -> Any:
    return sent(**fields, messages=messages)["contents"]


def user(*parts: object) -> dict[str, Any]:
    return {"role": "user", "content": parts[0] if len(parts) == 1 else list(parts)}


def called(*names: str, **fields: Any) -> dict[str, Any]:
    """Return an assistant's message that calls functions; the ids are `c0`, `c1`..."""
    calls = [
        {"id": f"c{place}", "type": "function", "function": {"name": name, "arguments": '{"city": "Rome"}'}}
        for place, name in enumerate(names)
    ]
    return {"role": "assistant", "content": None, "tool_calls": calls, **fields}


def result(text: Any, call_id: str = "c0") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": text}


def body_of(*parts: Mapping[str, Any], finish: str | None = "STOP", **fields: Any) -> dict[str, Any]:
    """Return a body (or an event) of the host."""
    candidate = {"content": {"parts": list(parts), "role": "model"}, "index": 0}
    ended = {"finishReason": finish} if finish else {}
    usage = {"promptTokenCount": 7, "candidatesTokenCount": 3, "totalTokenCount": 15, "thoughtsTokenCount": 5}
    told = {"usageMetadata": usage, "modelVersion": "gemini-3.5-flash", "responseId": "r1"}
    return {"candidates": [{**candidate, **ended}], **told, **fields}


def read(payload: Any, **fields: Any) -> Answer:
    """Return the answer in an unstreamed body."""
    return DIALECT.answer(asked(**fields), Reply(status=200, headers={}, body=json.dumps(payload).encode()))


def stream_of(*events: Mapping[str, Any]) -> bytes:
    """Return events as the host writes them: CRLF, no end mark, nothing escaped."""
    return "".join(f"data: {json.dumps(event, ensure_ascii=False)}\r\n\r\n" for event in events).encode()


def streamed(raw: bytes, cuts: Iterator[int] | None = None, **fields: Any) -> Answer:
    """Return the answer in a stream, its bytes cut into pieces."""
    asking = asked(**fields)
    decoder, assembly = DIALECT.chunks(asking), Assembly(asking.route)
    while raw:
        size = next(cuts) if cuts else len(raw)
        for chunk in decoder.feed(raw[:size]):
            assembly.add(chunk)
        raw = raw[size:]
    for chunk in decoder.finish():
        assembly.add(chunk)
    return assembly.answer()
