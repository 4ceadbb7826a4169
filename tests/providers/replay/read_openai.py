"""The second reading of OpenAI's protocol, whole and streamed, as all its hosts write it."""

import json
from collections.abc import Mapping
from typing import Any

from tests.providers.replay.said import Said, events, find_error, finish_of, looks_streamed, objects, parsed, plain


def read_chat(text: str) -> Said:
    """Return what an answer of `/chat/completions` says."""
    if looks_streamed(text):
        return _read_events(text)
    payload, said = parsed(text.strip("\ufeff \t\r\n")), Said()
    error = find_error(payload)
    if error is not None:
        said.fail(error)
        return said
    payload = _unwrapped(payload)
    choices = objects(payload.get("choices")) if isinstance(payload, dict) else []
    if choices and isinstance(choices[0].get("text"), str):  # text completion
        choices = [{**choices[0], "message": {"content": choices[0]["text"]}}]
    if not choices or not isinstance(choices[0].get("message"), dict):
        said.is_malformed = True
        return said
    said.model, said.tokens = _model(payload), tokens(payload)
    _take(said, choices[0], choices[0]["message"])
    for call in _calls_in(choices[0]["message"]):
        function = call.get("function") or call
        if function.get("name") or _arguments(function) not in (None, ""):
            said.calls.append((function.get("name") or "", plain(_arguments(function))))
    return said.settle()


def _unwrapped(payload: Any) -> Any:
    """Return the answer itself: OpenRouter has been seen to put it where the provider's name belongs."""
    inner = payload.get("provider") if isinstance(payload, dict) else None
    return inner if isinstance(inner, dict) and not payload.get("choices") and inner.get("choices") else payload


def _calls_in(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the calls of a message: a list, one alone, or the one function call of the oldest protocol."""
    calls = message.get("tool_calls")
    if isinstance(calls, dict):
        return [calls]
    if calls is None and isinstance(message.get("function_call"), dict):
        return [{"index": 0, "function": message["function_call"]}]
    return objects(calls)


def _arguments(function: Mapping[str, Any]) -> Any:
    """Return what a function is called with; an early text-generation server calls it parameters."""
    arguments = function.get("arguments")
    return function.get("parameters") if arguments is None else arguments


def tokens(payload: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return (input, output) as a payload tells them."""
    usage = payload.get("usage") or (payload.get("x_groq") or {}).get("usage")
    if not isinstance(usage, dict):
        return None
    if set(usage) == {"total_tokens"}:
        return 0, 0  # told, though not apart
    sent = usage.get("prompt_tokens", usage.get("input_tokens"))
    got = usage.get("completion_tokens", usage.get("output_tokens"))
    return None if sent is None and got is None else (sent or 0, got or 0)


def content_text(content: Any) -> str:
    """Return the visible text of a message's content."""
    if isinstance(content, dict | int | float):  # an object that fits a schema; a token that looks like a number
        return json.dumps(content, ensure_ascii=False)
    if isinstance(content, list):
        return "".join(part if isinstance(part, str) else part.get("text") or "" for part in content)
    return content or ""


class StreamedCalls:
    """Tool calls put together from the pieces of a stream."""

    def __init__(self) -> None:
        self._found: list[dict[str, Any]] = []

    def add(self, piece: Mapping[str, Any]) -> None:
        function = piece.get("function") or piece
        index, call_id, name = piece.get("index"), piece.get("id") or "", function.get("name") or ""
        arguments = _arguments(function)
        arguments = arguments if isinstance(arguments, str) else json.dumps(arguments) if arguments is not None else ""
        last = next((call for call in reversed(self._found) if call["index"] == index), None)
        is_whole = last is not None and isinstance(parsed(last["arguments"]), dict)
        is_placed = index is not None or not name
        if last and is_whole and is_placed and last["arguments"] == arguments and call_id in ("", last["id"]):
            return  # the whole call once more, at the end of the stream
        is_next = not call_id and is_whole and arguments.startswith("{")
        is_other = bool(name) and (index is None or is_next or (call_id and last and call_id not in (last["id"], "")))
        if last is None or is_other:
            last = {"index": index, "id": call_id, "name": "", "arguments": ""}
            self._found.append(last)
        last["id"] = last["id"] or call_id
        last["name"] = last["name"] or name
        last["arguments"] += arguments

    def all(self) -> list[tuple[str, str]]:
        heard = [call for call in self._found if call["name"] or call["arguments"]]
        return [(call["name"], plain(call["arguments"])) for call in heard]


def _read_events(text: str) -> Said:
    said, calls, has_choice, first = Said(is_whole=False), StreamedCalls(), False, 0
    for name, data in events(text):
        if not data.strip() and name != "error":
            continue
        if data.strip() == "[DONE]":
            said.is_whole = True
            break
        payload = parsed(data)
        error = find_error(payload)
        if name == "error" or error is not None:
            said.fail(error if error is not None else payload)
            continue
        if not isinstance(payload, dict):
            said.is_malformed = True
            continue
        payload = _unwrapped(payload)
        said.model = said.model or _model(payload)
        said.tokens = tokens(payload) or said.tokens
        for choice in objects(payload.get("choices")):
            index = choice.get("index") or 0
            if has_choice and index != first and payload.get("id"):
                continue  # a second answer, which nobody who asks a pool wants; without ids the chunks are counted
            has_choice, first = True, first if has_choice else index
            delta = choice.get("delta") if isinstance(choice.get("delta"), dict) else choice.get("message") or {}
            _take(said, choice, delta)
            for call in _calls_in(delta):
                calls.add(call)
    said.calls = calls.all()
    said.is_whole = said.is_whole or said.finish is not None
    said.is_malformed = said.is_malformed or (said.is_whole and not has_choice)
    return said.settle()


def _take(said: Said, choice: Mapping[str, Any], message: Mapping[str, Any]) -> None:
    """Add what a choice's message or delta says."""
    if choice.get("error") or finish_of(choice.get("finish_reason")) == "error":
        said.fail(choice.get("error"))
    said.finish = finish_of(choice.get("finish_reason")) or said.finish
    content = message.get("content") if message.get("content") is not None else choice.get("text")
    said.text += content_text(content) or _heard(message) or (message.get("refusal") or "")
    said.reasoning += _thoughts(message, content)


def _heard(message: Mapping[str, Any]) -> str:
    """Return what a spoken answer says."""
    return (message.get("audio") or {}).get("transcript") or ""


def _thoughts(message: Mapping[str, Any], content: Any) -> str:
    """Return the thoughts of a message; hosts that tell them twice mean them once."""
    for name in ("reasoning_content", "reasoning"):
        if isinstance(message.get(name), str) and message[name]:
            return str(message[name])
    inner = "".join(content_text(part["thinking"]) for part in objects(content) if part.get("thinking") is not None)
    details = objects(message.get("reasoning_details"))
    return inner or "".join(detail.get("text") or detail.get("summary") or "" for detail in details)


def _model(payload: Mapping[str, Any]) -> str:
    model = payload.get("model")
    return model if isinstance(model, str) else ""
