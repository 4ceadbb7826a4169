"""The second reading of the hosts' own protocols: Gemini, Cohere, Cloudflare, Ollama, text generation, Replicate."""

import json
from collections.abc import Mapping
from typing import Any

from tests.providers.replay.read_openai import StreamedCalls, content_text, read_chat, tokens
from tests.providers.replay.said import Said, events, find_error, finish_of, looks_streamed, objects, parsed, plain

_NUMBERED = {
    1: "STOP",
    2: "MAX_TOKENS",
    3: "SAFETY",
    4: "RECITATION",
    5: "OTHER",
    6: "LANGUAGE",
    7: "BLOCKLIST",
    8: "PROHIBITED_CONTENT",
    9: "SPII",
    10: "MALFORMED_FUNCTION_CALL",
    11: "IMAGE_SAFETY",
    12: "UNEXPECTED_TOOL_CALL",
}
"""How Gemini numbers its finish reasons for clients that want numbers."""
_NOT_ANSWERED = frozenset(
    {
        "MALFORMED_FUNCTION_CALL",
        "MALFORMED_RESPONSE",
        "MISSING_THOUGHT_SIGNATURE",
        "TOO_MANY_TOOL_CALLS",
        "UNEXPECTED_TOOL_CALL",
    }
)
_GUARDED = frozenset({"IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "IMAGE_SAFETY", "MODEL_ARMOR"})


def read_gemini(text: str) -> Said:
    """Return what an answer of `:generateContent` or `:streamGenerateContent` says."""
    is_stream = looks_streamed(text)
    whole = parsed(text)
    parts = (
        [parsed(data) for _, data in events(text) if data.strip() != "[DONE]"]
        if is_stream
        else whole
        if isinstance(whole, list)
        else [whole]
    )
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
        for candidate in objects(payload.get("candidates")):
            if not candidate.get("index"):  # a second answer is none that a pool asks for
                has_candidate = True
                _take_candidate(said, candidate)
    said.is_whole = said.is_whole or said.finish is not None
    said.is_malformed = said.is_malformed or (not has_candidate and not said.is_error)
    return said.settle()


def _take_candidate(said: Said, candidate: Mapping[str, Any]) -> None:
    reason = candidate.get("finishReason")
    if str(reason).isdecimal():
        reason = _NUMBERED.get(int(reason), "other")
    if reason in _NOT_ANSWERED:
        said.fail(None)
    if reason != "FINISH_REASON_UNSPECIFIED":
        said.finish = "content_filter" if reason in _GUARDED else finish_of(reason) or said.finish
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
        is_told = isinstance(payload, dict) and isinstance(payload.get("message"), str)
        error = payload if is_told else find_error(payload)
        said.is_malformed = error is None
        if error is not None:
            said.fail(error)
        return said
    _cohere_end(said, payload)
    message = payload["message"]
    said.text = content_text(message.get("content"))
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
            told = message.get("tool_calls") or {}
            for call in told if isinstance(told, list) else [told]:
                calls.add({"index": payload.get("index"), **call})
        elif kind == "error" or isinstance(payload.get("message"), str):
            said.fail(payload)
    said.calls = calls.all()
    return said.settle()


def _cohere_end(said: Said, payload: Mapping[str, Any]) -> None:
    said.finish = finish_of(payload.get("finish_reason"))
    if said.finish == "error_toxic":
        said.finish = "content_filter"
    if said.finish in {"error", "error_limit", "timeout"} or payload.get("error"):
        said.fail({"message": payload.get("error")})
    usage = payload.get("usage") or {}
    counts = usage.get("tokens") or usage.get("billed_units") or {}
    if counts.get("input_tokens") is not None or counts.get("output_tokens") is not None:
        said.tokens = int(counts.get("input_tokens") or 0), int(counts.get("output_tokens") or 0)


def read_cohere_v1(text: str) -> Said:
    """Return what an answer of `/v1/chat` says, whole or line by line."""
    texts = [data for _, data in events(text)] if looks_streamed(text) else text.splitlines()
    lines = [parsed(line) for line in texts if line.strip()]
    kinds = {"text-generation", "tool-calls-generation", "tool-calls-chunk"}
    said = Said(is_whole=False)
    for payload in lines:
        if not isinstance(payload, dict):
            said.is_malformed = True
            continue
        kind = payload.get("event_type")
        if kind is None or kind in kinds:
            said.text += (payload.get("text") or "") if kind != "tool-calls-generation" else ""
            for call in objects(payload.get("tool_calls")):
                said.calls.append((call.get("name") or "", plain(call.get("parameters"))))
        if kind is None and "generation_id" not in payload:
            said.fail(payload)
        if kind in {None, "stream-end"}:
            said.is_whole = True
            meta = payload.get("meta") or (payload.get("response") or {}).get("meta") or {}
            counts = {**(meta.get("billed_units") or {}), **(meta.get("tokens") or {})}
            _cohere_end(said, {**payload, "usage": {"tokens": counts}})
    return said.settle()


def read_cloudflare(text: str) -> Said:
    """Return what an answer of `/ai/run` says."""
    if looks_streamed(text):
        return _read_cloudflare_events(text)
    payload = parsed(text)
    error = find_error(payload)
    said = Said()
    if error is None and isinstance(payload, dict) and payload.get("errors") and not payload.get("result"):
        error = payload
    if error is not None:
        said.fail(error)
        return said
    result = payload.get("result", payload) if isinstance(payload, dict) else None
    if not isinstance(result, dict):
        said.is_malformed = True
        return said
    if result.get("choices"):
        return read_chat(json.dumps(result))
    if isinstance(result.get("output"), list):
        return _read_items(result)
    said.is_malformed = not result.keys() & {"response", "tool_calls"}
    said.text = _cloudflare_text(result.get("response"))
    said.finish = finish_of(result.get("finish_reason"))
    for call in objects(result.get("tool_calls")):
        function = call.get("function") or call
        said.calls.append((function.get("name") or "", plain(function.get("arguments"))))
    said.tokens = tokens(result)
    return said.settle()


def _read_items(result: Mapping[str, Any]) -> Said:
    """Return what an answer in the shape of OpenAI's `/responses` says."""
    said = Said(model=str(result.get("model") or ""), tokens=tokens(result))
    for item in objects(result.get("output")):
        words = "".join(part.get("text") or "" for part in objects(item.get("content")) or objects(item.get("summary")))
        if item.get("type") == "message":
            said.text += words
        elif item.get("type") == "reasoning":
            said.reasoning += words
        elif item.get("type") == "function_call":
            said.calls.append((item.get("name") or "", plain(item.get("arguments"))))
    details = result.get("incomplete_details") or {}
    said.finish = {"max_output_tokens": "length"}.get(str(details.get("reason")), "stop")
    if result.get("status") in {"failed", "cancelled"}:
        said.fail(result.get("error"))
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
        if payload.get("errors"):
            said.fail(payload)
            continue
        said.tokens = tokens(payload) or said.tokens
        said.text += "" if payload.get("choices") else _cloudflare_text(payload.get("response"))
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
        if isinstance(payload, dict) and payload.get("done") and "message" not in payload and len(lines) > 1:
            payload = {**payload, "message": {}}  # the last line of early engines
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
    """Return what an answer of a text task says: generation, translation or summary."""
    if looks_streamed(text):
        return _read_tokens(text)
    payload, said = parsed(text), Said()
    while isinstance(payload, list) and payload:
        payload = payload[0]
    error = find_error(payload)
    if error is not None:
        said.fail(error)
        return said
    name = next((name for name in _GENERATED if isinstance(payload, dict) and name in payload), None)
    if name is None:
        said.is_malformed = True
        return said
    told = payload[name]
    said.text = (told[-1].get("content") if isinstance(told, list) else told) or ""
    _generated_end(said, payload)
    return said.settle()


_GENERATED = ("generated_text", "summary_text", "translation_text")


def _read_tokens(text: str) -> Said:
    said = Said(is_whole=False)
    for _, data in events(text):
        if data.strip() == "[DONE]":
            said.is_whole = True
            break
        payload = parsed(data)
        error = find_error(payload)
        if error is not None:
            said.fail(error)
            continue
        token = payload.get("token") or {}
        said.text += "" if token.get("special") else token.get("text") or ""
        said.is_whole = said.is_whole or payload.get("generated_text") is not None
        _generated_end(said, payload)
    return said.settle()


def _generated_end(said: Said, payload: Mapping[str, Any]) -> None:
    details = payload.get("details") or {}
    said.finish = finish_of(details.get("finish_reason")) or said.finish
    if details.get("input_length") is not None and details.get("generated_tokens") is not None:
        said.tokens = details["input_length"], details["generated_tokens"]


def read_pollinations(text: str) -> Said:
    """Return what Pollinations says: a chat's answer, the bare message, plain text, or a notice."""
    payload = None if looks_streamed(text) else parsed(text)
    if isinstance(payload, dict) and payload.get("role") == "assistant" and "choices" not in payload:
        text = json.dumps({"choices": [{"message": payload}]})
    is_plain = not looks_streamed(text) and text.strip()[:1] not in {"{", "[", "<", ""}
    said = Said(text=text.strip()).settle() if is_plain else read_chat(text)
    start = "".join(each if each.isalnum() else " " for each in said.text[:400]).lower()
    if start.split() == ["streaming", "response", "could", "not", "be", "processed"]:
        said.fail(None)
    leads = {"attention", "deprecation", "important", "note", "notice", "the", "warning"}
    if "pollinations" in start and "deprecated" in start and start.split()[0] in leads:
        said.fail(None)
    return said


def read_prediction(text: str) -> Said:
    """Return what a finished prediction says: its output, whatever it is, as text."""
    payload, said = parsed(text), Said()
    if not isinstance(payload, dict) or "status" not in payload:
        said.is_malformed = True
        return said
    if payload.get("error") or payload.get("status") in {"failed", "canceled", "aborted"}:
        said.fail(None)
        return said
    output = payload.get("output")
    if isinstance(output, list) and all(isinstance(part, str) for part in output):
        are_files = all(part.startswith(("https://", "data:")) for part in output)
        said.text = ("\n" if are_files else "").join(output)
    else:
        said.text = output if isinstance(output, str) else "" if output is None else json.dumps(output)
    metrics = payload.get("metrics") or {}
    sent, got = metrics.get("input_token_count"), metrics.get("output_token_count")
    said.tokens = None if sent is None and got is None else (sent or 0, got or 0)
    said.model = str(payload.get("model") or "")
    return said.settle()
