"""The second reading of OpenAI's protocol, whole and streamed, as all its hosts write it."""

import json
from collections.abc import Mapping
from typing import Any

from tests.providers.replay.said import Said, events, find_error, finish_of, looks_streamed, objects, parsed, plain


def read_chat(text: str) -> Said:
    """Return what an answer of `/chat/completions` says."""
    if looks_streamed(text):
        return _read_events(text)
    payload, said = parsed(text.strip()), Said()
    error = find_error(payload)
    if error is not None:
        said.fail(error)
        return said
    choices = objects(payload.get("choices")) if isinstance(payload, dict) else []
    if choices and isinstance(choices[0].get("text"), str):  # text completion
        choices = [{**choices[0], "message": {"content": choices[0]["text"]}}]
    if not choices or not isinstance(choices[0].get("message"), dict):
        said.is_malformed = True
        return said
    said.model, said.tokens = _model(payload), tokens(payload)
    _take(said, choices[0], choices[0]["message"])
    for call in objects(choices[0]["message"].get("tool_calls")):
        function = call.get("function") or call
        said.calls.append((function.get("name") or "", plain(function.get("arguments"))))
    return said.settle()


def tokens(payload: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return (input, output) as a payload tells them."""
    usage = payload.get("usage") or (payload.get("x_groq") or {}).get("usage")
    if not isinstance(usage, dict):
        return None
    sent = usage.get("prompt_tokens", usage.get("input_tokens"))
    got = usage.get("completion_tokens", usage.get("output_tokens"))
    return None if sent is None and got is None else (sent or 0, got or 0)


def content_text(content: Any) -> str:
    """Return the visible text of a message's content."""
    if isinstance(content, dict):
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
        arguments = function.get("arguments")
        arguments = arguments if isinstance(arguments, str) else json.dumps(arguments) if arguments is not None else ""
        last = next((call for call in reversed(self._found) if call["index"] == index), None)
        if last is None or (call_id and name and call_id not in (last["id"], "")) or (index is None and name):
            last = {"index": index, "id": call_id, "name": "", "arguments": ""}
            self._found.append(last)
        last["id"] = last["id"] or call_id
        last["name"] = last["name"] or name
        last["arguments"] += arguments

    def all(self) -> list[tuple[str, str]]:
        heard = [call for call in self._found if call["name"] or call["arguments"]]
        return [(call["name"], plain(call["arguments"])) for call in heard]


def _read_events(text: str) -> Said:
    said, calls, has_choice = Said(is_whole=False), StreamedCalls(), False
    for name, data in events(text):
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
        said.model = said.model or _model(payload)
        said.tokens = tokens(payload) or said.tokens
        for choice in objects(payload.get("choices")):
            if choice.get("index"):
                continue  # a second answer, which nobody who asks a pool wants
            has_choice = True
            delta = choice.get("delta") if isinstance(choice.get("delta"), dict) else choice.get("message") or {}
            _take(said, choice, delta)
            for call in objects(delta.get("tool_calls")):
                calls.add(call)
    said.calls = calls.all()
    said.is_whole = said.is_whole or said.finish is not None
    said.is_malformed = said.is_malformed or (said.is_whole and not has_choice)
    return said.settle()


def _take(said: Said, choice: Mapping[str, Any], message: Mapping[str, Any]) -> None:
    """Add what a choice's message or delta says."""
    if choice.get("error") or choice.get("finish_reason") == "error":
        said.fail(choice.get("error"))
    said.finish = finish_of(choice.get("finish_reason")) or said.finish
    content = message.get("content") if message.get("content") is not None else choice.get("text")
    said.text += content_text(content) or (message.get("refusal") or "")
    said.reasoning += _thoughts(message, content)


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
