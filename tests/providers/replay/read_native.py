"""The second reading of the hosts' own protocols: Gemini, Cohere, Cloudflare, Ollama, text generation, Replicate."""

import json
from collections.abc import Mapping
from typing import Any

from tests.providers.replay.read_openai import StreamedCalls, content_text, read_chat, tokens
from tests.providers.replay.said import Said, events, find_error, finish_of, looks_streamed, objects, parsed, plain


def read_gemini(text: str) -> Said:
    """Return what an answer of `:generateContent` or `:streamGenerateContent` says."""
    is_stream = looks_streamed(text)
    whole = parsed(text)
    parts = [parsed(data) for _, data in events(text)] if is_stream else whole if isinstance(whole, list) else [whole]
    said, has_candidate = Said(is_whole=not is_stream and not isinstance(whole, list)), False
    for payload in parts:
        error = find_error(payload)
        if error is not None:
            said.fail(error)
            continue
        if not isinstance(payload, dict):
            said.is_malformed = True
            continue
        said.model = said.model or str(payload.get("modelVersion") or "").removeprefix("models/")
        said.tokens = _gemini_tokens(payload) or said.tokens
        if (payload.get("promptFeedback") or {}).get("blockReason"):
            said.finish, said.is_whole, has_candidate = "content_filter", True, True
        for candidate in objects(payload.get("candidates"))[:1]:
            has_candidate = True
            _take_candidate(said, candidate)
    said.is_whole = said.is_whole or said.finish is not None
    said.is_malformed = said.is_malformed or (not has_candidate and not said.is_error)
    return said.settle()


def _take_candidate(said: Said, candidate: Mapping[str, Any]) -> None:
    said.finish = finish_of(candidate.get("finishReason")) or said.finish
    for part in objects((candidate.get("content") or {}).get("parts")):
        if part.get("functionCall"):
            said.calls.append((part["functionCall"].get("name") or "", plain(part["functionCall"].get("args") or {})))
        elif part.get("thought"):
            said.reasoning += part.get("text") or ""
        else:
            said.text += part.get("text") or ""


def _gemini_tokens(payload: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return (input, output); as at OpenAI's, thoughts are output and what a tool read is input."""
    usage = payload.get("usageMetadata")
    if not isinstance(usage, dict):
        return None
    sent, got = usage.get("promptTokenCount"), usage.get("candidatesTokenCount")
    if sent is None and got is None:
        return None
    read, thought = usage.get("toolUsePromptTokenCount") or 0, usage.get("thoughtsTokenCount") or 0
    return (sent or 0) + read, (got or 0) + thought


def read_cohere(text: str) -> Said:
    """Return what an answer of `/v2/chat` says."""
    if looks_streamed(text):
        return _read_cohere_events(text)
    payload, said = parsed(text), Said()
    if not isinstance(payload, dict) or not isinstance(payload.get("message"), dict):
        error = find_error(payload)
        said.is_malformed = error is None
        if error is not None:
            said.fail(error)
        return said
    _cohere_end(said, payload)
    message = payload["message"]
    said.text = "".join(part.get("text") or "" for part in objects(message.get("content")))
    said.reasoning = (message.get("tool_plan") or "") + "".join(
        part.get("thinking") or "" for part in objects(message.get("content"))
    )
    for call in objects(message.get("tool_calls")):
        function = call.get("function") or {}
        said.calls.append((function.get("name") or "", plain(function.get("arguments"))))
    return said.settle()


def _read_cohere_events(text: str) -> Said:
    said, calls = Said(is_whole=False), StreamedCalls()
    for name, data in events(text):
        payload = parsed(data)
        if not isinstance(payload, dict):
            said.is_malformed = said.is_malformed or data.strip() != "[DONE]"
            continue
        delta = payload.get("delta") or {}
        message = delta.get("message") or {}
        kind = payload.get("type") or name
        if kind == "message-end":
            said.is_whole = True
            _cohere_end(said, delta)
        elif kind in {"content-start", "content-delta"}:
            content = message.get("content") or {}
            said.text += content.get("text") or ""
            said.reasoning += content.get("thinking") or ""
        elif kind == "tool-plan-delta":
            said.reasoning += message.get("tool_plan") or ""
        elif kind in {"tool-call-start", "tool-call-delta"}:
            calls.add({"index": payload.get("index"), **(message.get("tool_calls") or {})})
    said.calls = calls.all()
    return said.settle()


def _cohere_end(said: Said, payload: Mapping[str, Any]) -> None:
    said.finish = finish_of(payload.get("finish_reason"))
    if said.finish in {"error", "error_toxic", "error_limit", "timeout"} or payload.get("error"):
        said.fail({"message": payload.get("error")})
    usage = payload.get("usage") or {}
    counts = usage.get("tokens") or usage.get("billed_units") or {}
    if counts.get("input_tokens") is not None or counts.get("output_tokens") is not None:
        said.tokens = int(counts.get("input_tokens") or 0), int(counts.get("output_tokens") or 0)


def read_cloudflare(text: str) -> Said:
    """Return what an answer of `/ai/run` says."""
    if looks_streamed(text):
        return _read_cloudflare_events(text)
    payload = parsed(text)
    error = find_error(payload)
    said = Said()
    if error is not None:
        said.fail(error)
        return said
    result = payload.get("result") if isinstance(payload, dict) else None
    if not isinstance(result, dict):
        said.is_malformed = True
        return said
    if isinstance(result.get("choices"), list):
        return read_chat(json.dumps(result))
    said.text = _cloudflare_text(result.get("response"))
    for call in objects(result.get("tool_calls")):
        function = call.get("function") or call
        said.calls.append((function.get("name") or "", plain(function.get("arguments"))))
    said.tokens = tokens(result)
    return said.settle()


def _cloudflare_text(response: Any) -> str:
    return response if isinstance(response, str) else "" if response is None else json.dumps(response)


def _read_cloudflare_events(text: str) -> Said:
    said, calls = Said(is_whole=False), StreamedCalls()
    for _, data in events(text):
        if data.strip() == "[DONE]":
            said.is_whole = True
            break
        payload = parsed(data)
        error = find_error(payload)
        if error is not None:
            said.fail(error)
            continue
        if not isinstance(payload, dict):
            said.is_malformed = True
            continue
        said.tokens = tokens(payload) or said.tokens
        said.text += _cloudflare_text(payload.get("response"))
        said.finish = finish_of(payload.get("finish_reason")) or said.finish
        for choice in objects(payload.get("choices"))[:1]:
            delta = choice.get("delta") or {}
            said.finish = finish_of(choice.get("finish_reason")) or said.finish
            said.text += content_text(delta.get("content"))
            said.reasoning += delta.get("reasoning_content") or delta.get("reasoning") or ""
            for call in objects(delta.get("tool_calls")):
                calls.add(call)
        for call in objects(payload.get("tool_calls")):
            calls.add(call)
    said.calls = calls.all()
    return said.settle()


def read_ollama(text: str) -> Said:
    """Return what an answer of `/api/chat`, or of `/api/generate`, says."""
    said, lines = Said(is_whole=False), [line for line in text.split("\n") if line.strip()]
    for line in lines:
        payload = parsed(line)
        error = find_error(payload)
        if error is not None:
            said.fail(error)
            continue
        if isinstance(payload, dict) and isinstance(payload.get("response"), str):  # text completion
            payload = {**payload, "message": {"content": payload["response"], "thinking": payload.get("thinking")}}
        if not isinstance(payload, dict) or not isinstance(payload.get("message"), dict):
            said.is_malformed = True
            continue
        message = payload["message"]
        said.model = said.model or str(payload.get("model") or "")
        said.text += message.get("content") or ""
        said.reasoning += message.get("thinking") or ""
        for call in objects(message.get("tool_calls")):
            function = call.get("function") or {}
            said.calls.append((function.get("name") or "", plain(function.get("arguments"))))
        if payload.get("done"):
            said.is_whole = True
            said.finish = payload.get("done_reason") or "stop"
            if payload.get("eval_count") is not None or payload.get("prompt_eval_count") is not None:
                said.tokens = payload.get("prompt_eval_count") or 0, payload.get("eval_count") or 0
    if len(lines) == 1 and not said.is_malformed:
        said.is_whole = True
    return said.settle()


def read_generated(text: str) -> Said:
    """Return what an answer of a text-generation task says."""
    said = Said()
    if looks_streamed(text):
        for _, data in events(text):
            payload = parsed(data)
            error = find_error(payload)
            if error is not None:
                said.fail(error)
                continue
            token = payload.get("token") or {}
            said.text += "" if token.get("special") else token.get("text") or ""
            said.finish = finish_of((payload.get("details") or {}).get("finish_reason")) or said.finish
        return said.settle()
    payload = parsed(text)
    first = payload[0] if isinstance(payload, list) and payload else payload
    if not isinstance(first, dict) or "generated_text" not in first:
        said.is_malformed = True
        return said
    said.text = first.get("generated_text") or ""
    said.finish = finish_of((first.get("details") or {}).get("finish_reason"))
    return said.settle()


def read_prediction(text: str) -> Said:
    """Return what a finished prediction says: its output, whatever it is, as text."""
    payload, said = parsed(text), Said()
    if not isinstance(payload, dict) or "status" not in payload:
        said.is_malformed = True
        return said
    if payload.get("error") or payload.get("status") in {"failed", "canceled"}:
        said.fail(None)
        return said
    output = payload.get("output")
    texts = output if isinstance(output, list) else [output]
    said.text = "".join(part if isinstance(part, str) else json.dumps(part) for part in texts if part is not None)
    metrics = payload.get("metrics") or {}
    if metrics.get("input_token_count") is not None:
        said.tokens = metrics["input_token_count"], metrics.get("output_token_count") or 0
    said.model = str(payload.get("model") or "")
    return said.settle()
