"""A whole answer, decoded; and the faults that hide in a 200."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from openmux_lc.errors import BadPayload, EmptyAnswer, PermissionDenied, ProviderError
from openmux_lc.providers.exchange import RAW_BYTES, Reply, parse_json
from openmux_lc.providers.fault import has_error, to_fault
from openmux_lc.providers.limits import read_limits
from openmux_lc.providers.message import arguments_of, call_id_of, estimated_usage, new_call_id
from openmux_lc.providers.reading import Echo, Reader, Reading, read_openai
from openmux_lc.providers.thinking import ThoughtSplitter
from openmux_lc.types.json import Json, JsonObject, as_object, as_text, dig, writable
from openmux_lc.types.run import Answer, Request, ToolCall
from openmux_lc.types.wire import Call

__all__ = [
    "bad_payload",
    "decode_answer",
    "ignored_tool",
    "must_call",
    "no_content",
    "requires_tool",
    "to_answer",
]

_EXTRA: Final = ("provider", "system_fingerprint", "service_tier")
_CHOICE_EXTRA: Final = ("native_finish_reason",)


def decode_answer(call: Call, reply: Reply, read: Reader = read_openai) -> Answer:
    """Return the answer in a successful reply.

    Args:
        call: What was asked.
        reply: What came.
        read: The dialect's reader.

    Raises:
        ProviderError: It is an error all the same, malformed or empty.
    """
    payload = parse_json(call, reply.body, status=reply.status)
    if has_error(payload):
        raise to_fault(call, reply, now=time.time(), payload=payload)
    fields = as_object(payload)
    return to_answer(call, reply, fields, read(fields, ""))


def to_answer(call: Call, reply: Reply, payload: JsonObject, said: Reading) -> Answer:
    """Return the answer that the body `payload` holds, read as `said`."""
    if said.fault is not None:
        raise to_fault(call, reply, now=time.time(), payload=said.fault)
    if not said.is_answer:
        raise bad_payload(call, "holds no choices" if not payload.get("choices") else "holds no message", reply.status)
    text, thoughts = map(writable, _split(said, goes_on=call.request.goes_on))
    host_calls = tuple(filter(_says_something, said.tool_calls))
    calls = _tool_calls(host_calls)
    if not all(each.name for each in calls):
        raise bad_payload(call, "holds a tool call without a name", reply.status)
    reason = said.finish or "stop"
    if not calls and not text.strip():
        raise no_content(call, reason, has_thoughts=bool(thoughts), status=reply.status)
    if not calls and must_call(call):
        raise ignored_tool(call, reply.status)
    echo = Echo()
    echo.take(said)
    for tool_call, host_call in zip(calls, host_calls, strict=True):
        echo.sign(tool_call.id, host_call)
    return Answer(
        route=call.route,
        text=text,
        reasoning=thoughts,
        tool_calls=calls,
        finish_reason="tool_calls" if calls and reason == "stop" else reason,
        usage=said.usage or estimated_usage(call.request, (text, thoughts)),
        model=writable(said.model) or call.model,
        id=writable(said.id),
        raw=reply.body[:RAW_BYTES],
        limits=read_limits(reply.headers, call.provider.quirks, time.time()),
        extra=_extra(payload),
        echo=echo.value,
    )


def no_content(call: Call, reason: str, *, has_thoughts: bool, status: int | None = None) -> ProviderError:
    """Return the fault of an answer without text and tool calls."""
    provider, model = call.provider.id, call.model
    if reason == "content_filter":
        message = f"{call.route}: the content was refused (finish_reason content_filter)"
        return PermissionDenied(message, provider=provider, model=model, status_code=status, scope="request")
    why = "; thinking used up all of max_tokens, raise it" if has_thoughts and reason == "length" else ""
    message = f"{call.route}: the answer holds neither text nor a tool call (finish_reason {reason[:40]}){why}"
    return EmptyAnswer(message, provider=provider, model=model, status_code=status)


def requires_tool(request: Request) -> bool:
    """Whether only a tool call answers `request`."""
    choice = request.tool_choice
    if not request.tools or choice is None:
        return False
    return choice in {"required", "any"} if isinstance(choice, str) else bool(as_object(choice.get("function")))


def must_call(call: Call) -> bool:
    """Whether an answer in words is a fault already here: nobody behind holds it against the request."""
    return not call.is_judged and requires_tool(call.request)


def ignored_tool(call: Call, status: int | None = None) -> BadPayload:
    """Return the fault of a model that answered in prose where that was no answer."""
    message = f"{call.route}: the model answered in words though a tool call was required"
    return BadPayload(message, provider=call.provider.id, model=call.model, status_code=status)


def bad_payload(call: Call, what: str, status: int | None = None) -> BadPayload:
    """Return the fault of an answer that is not what the protocol promises."""
    message = f"{call.route}: the answer {what}"
    return BadPayload(message, provider=call.provider.id, model=call.model, status_code=status)


def _split(said: Reading, *, goes_on: bool) -> tuple[str, str]:
    """Return (text, thoughts), also where the text holds the thoughts."""
    splitter = ThoughtSplitter(goes_on=goes_on)
    text, thoughts = splitter.feed(said.text or said.refusal)
    end_text, end_thoughts = splitter.finish()
    return text + end_text, said.reasoning + thoughts + end_thoughts


def _says_something(call: JsonObject) -> bool:
    """Whether a call is more than the empty form of one, which some hosts send beside the words."""
    function = as_object(call.get("function")) or call
    return bool(function.get("name")) or bool(arguments_of(function).strip())


def _tool_calls(host_calls: Iterable[JsonObject]) -> tuple[ToolCall, ...]:
    """Return the calls, each under an id of its own: some hosts give two of them one."""
    calls: dict[str, ToolCall] = {}
    for call in map(_tool_call, host_calls):
        own = call if call.id not in calls else replace(call, id=new_call_id())
        calls[own.id] = own
    return tuple(calls.values())


def _tool_call(call: JsonObject) -> ToolCall:
    function = as_object(call.get("function")) or call
    return ToolCall(
        id=call_id_of(call) or new_call_id(),
        name=writable(as_text(function.get("name"))),
        arguments=writable(arguments_of(function)).strip() or "{}",
    )


def _extra(payload: JsonObject) -> Mapping[str, Json]:
    """Return what is worth keeping beside the answer; small and JSON-plain."""
    found = {name: payload[name] for name in _EXTRA if isinstance(payload.get(name), str)}
    choice = as_object(dig(payload, "choices", 0))
    return found | {name: choice[name] for name in _CHOICE_EXTRA if isinstance(choice.get(name), str)}
