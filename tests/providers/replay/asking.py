"""The neutral request that a recorded body is, whatever protocol it was written in.

The way back from every wire to the OpenAI chat wire's terms, written for the replay only: good enough that roles,
texts, tools, their results, the form of the answer and the stream are kept.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from openmux_lc.types.run import EmbeddingRequest, Request
from tests.providers.replay.recording import Recording
from tests.providers.replay.said import objects

_DEFAULT = ({"role": "user", "content": "What was recorded?"},)
_LEVELS = frozenset({"none", "minimal", "low", "medium", "high"})
_PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII="


def request_of(recording: Recording, protocol: str) -> Request:
    """Return what was asked; a recording without a body, or with one of another shape, gets a plain question."""
    try:
        fields = _FIELDS.get(protocol, _openai)(recording.request)
    except (AttributeError, LookupError, TypeError, ValueError):
        fields = {}
    fields["messages"] = tuple(fields.get("messages") or _DEFAULT)
    return Request(**{name: value for name, value in fields.items() if value is not None})


def embedding_request_of(recording: Recording, count: int) -> EmbeddingRequest:
    """Return the texts that were sent; as many placeholders as there are vectors where none were."""
    try:
        texts = [text for text in _texts(recording.request) if text]
    except (AttributeError, TypeError):
        texts = []
    if len(texts) != count:
        texts = [f"recorded {number}" for number in range(count)]
    asked = recording.request.get("input_type") or recording.request.get("taskType") or ""
    purpose = "query" if "query" in str(asked).lower() else "document" if "document" in str(asked).lower() else None
    return EmbeddingRequest(texts=tuple(texts), purpose=purpose)


def _texts(body: Mapping[str, Any]) -> list[str]:
    for name in ("input", "texts", "inputs", "prompt"):
        found = body.get(name)
        if isinstance(found, str):
            return [found]
        if isinstance(found, list):
            return [text for text in found if isinstance(text, str)]
    contents = [each.get("content") or {} for each in objects(body.get("requests"))] or [body.get("content") or {}]
    return ["".join(part.get("text") or "" for part in objects(content.get("parts"))) for content in contents]


def _number(value: Any) -> Any:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _openai(body: Mapping[str, Any]) -> dict[str, Any]:
    stop = body.get("stop")
    choice = body.get("tool_choice")
    effort = body.get("reasoning_effort")
    return {
        "messages": [_openai_message(message) for message in objects(body.get("messages"))],
        "tools": tuple(objects(body.get("tools"))) or None,
        "tool_choice": choice if isinstance(choice, str | dict) else None,
        "parallel_tool_calls": body.get("parallel_tool_calls"),
        "response_format": _response_format(body.get("response_format")),
        "temperature": _number(body.get("temperature")),
        "top_p": _number(body.get("top_p")),
        "seed": _number(body.get("seed", body.get("random_seed"))),
        "max_tokens": _number(body.get("max_completion_tokens") or body.get("max_tokens")),
        "stop": (stop,) if isinstance(stop, str) else tuple(stop or ()) or None,
        "frequency_penalty": _number(body.get("frequency_penalty")),
        "presence_penalty": _number(body.get("presence_penalty")),
        "reasoning_effort": effort if effort in _LEVELS else None,
    }


def _openai_message(message: Mapping[str, Any]) -> Mapping[str, Any]:
    told = dict(message)
    if isinstance(message.get("content"), list):
        told["content"] = [_part(part) for part in message["content"]]
    if message.get("tool_calls"):
        told["tool_calls"] = [_with_text_arguments(call) for call in objects(message["tool_calls"])]
    return told


def _part(part: Any) -> Any:
    """Return a part of a message as OpenAI writes it; some hosts have had their own."""
    if not isinstance(part, dict):
        return part
    audio = part.get("input_audio")
    if isinstance(audio, str):
        return {"type": "input_audio", "input_audio": {"data": audio, "format": "mp3"}}
    if part.get("type") == "document_url":
        return {"type": "file", "file": {"file_data": part.get("document_url")}}
    if part.get("type") == "document":
        data = (part.get("document") or {}).get("data")
        return {"type": "text", "text": data if isinstance(data, str) else json.dumps(data)}
    return part


def _with_text_arguments(call: Mapping[str, Any]) -> Mapping[str, Any]:
    function = call.get("function") or {}
    arguments = function.get("arguments")
    text = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
    return {**call, "type": "function", "function": {**function, "arguments": text}}


def _response_format(form: Any) -> Any:
    """Return the form of the answer in OpenAI's words; some hosts have had their own."""
    if not isinstance(form, dict):
        return None
    kind = form.get("type")
    schema = form.get("value") or form.get("schema") or form.get("json_schema")
    if kind in {"json", "json_object", "json_schema", "grammar"} and isinstance(schema, dict):
        inner = schema if "schema" in schema else {"name": "answer", "schema": schema}
        return {"type": "json_schema", "json_schema": {"name": "answer", **inner}}
    return {"type": "json_object"} if kind in {"json", "json_object"} else None


def cloudflare_body(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a body for a model's own address as OpenAI writes it: one prompt, and tools without a wrapping."""
    told = dict(body)
    if isinstance(body.get("prompt"), str) and not body.get("messages"):
        told["messages"] = [{"role": "user", "content": body["prompt"]}]
    if body.get("tools"):
        tools = objects(body["tools"])
        told["tools"] = [{"type": "function", "function": tool} if tool.get("name") else tool for tool in tools]
    return told


def _cloudflare(body: Mapping[str, Any]) -> dict[str, Any]:
    return _openai(cloudflare_body(body))


def _cohere(body: Mapping[str, Any]) -> dict[str, Any]:
    choice = body.get("tool_choice")
    fields = _openai({**body, "stop": body.get("stop_sequences"), "top_p": body.get("p")})
    return {**fields, "tool_choice": choice.lower() if isinstance(choice, str) else None}


def _cohere_v1(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the first version's body asks; results of tools go unsaid, for the answer does not depend on them."""
    roles = {"chatbot": "assistant", "system": "system"}
    past = [
        {"role": roles.get(str(turn.get("role")).lower(), "user"), "content": turn["message"]}
        for turn in objects(body.get("chat_history"))
        if turn.get("message")
    ]
    lead = [{"role": "system", "content": body["preamble"]}] if body.get("preamble") else []
    last = [{"role": "user", "content": body["message"]}] if body.get("message") else []
    tools = [
        {"type": "function", "function": {"name": tool.get("name"), "description": tool.get("description") or ""}}
        for tool in objects(body.get("tools"))
    ]
    return {
        "messages": [*lead, *past, *last],
        "tools": tuple(tools) or None,
        "temperature": _number(body.get("temperature")),
        "max_tokens": _number(body.get("max_tokens")),
    }


def _ollama(body: Mapping[str, Any]) -> dict[str, Any]:
    options = body.get("options") or {}
    form, think = body.get("format"), body.get("think")
    fields = _openai({**options, "tools": body.get("tools"), "max_tokens": options.get("num_predict")})
    return {
        **fields,
        "messages": list(_ollama_messages(objects(body.get("messages")))),
        "response_format": _response_format({"type": "json", "value": form} if form else None),
        "reasoning_effort": None if think is None else think if think in _LEVELS else "medium" if think else "none",
    }


def _ollama_messages(messages: list[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield the messages with ids on tool calls and pictures beside the text."""
    waiting: list[str] = []
    for number, message in enumerate(messages):
        content = message.get("content") or ""
        if message.get("images"):
            # The recorder cut some pictures short; what the host said does not depend on ours.
            parts = [{"type": "image_url", "image_url": {"url": _data_address(image)}} for image in message["images"]]
            yield {"role": message.get("role"), "content": [{"type": "text", "text": content}, *parts]}
        elif message.get("tool_calls"):
            calls = objects(message["tool_calls"])
            waiting = [call.get("id") or f"call_{number}_{place}" for place, call in enumerate(calls)]
            named = [
                {**_with_text_arguments(call), "id": call_id} for call, call_id in zip(calls, waiting, strict=True)
            ]
            yield {"role": "assistant", "content": content, "tool_calls": named}
        elif message.get("role") == "tool":
            call_id = message.get("tool_call_id") or (waiting.pop(0) if waiting else f"call_{number}")
            name = {"name": message["tool_name"]} if message.get("tool_name") else {}
            yield {"role": "tool", "content": content, "tool_call_id": call_id, **name}
        else:
            yield {"role": message.get("role"), "content": content}


def _data_address(image: Any) -> str:
    text = str(image)
    return f"data:image/png;base64,{_PICTURE if 'TRUNCATED' in text else text}"


def _gemini(body: Mapping[str, Any]) -> dict[str, Any]:
    config = camel(body.get("generationConfig") or body.get("generation_config") or {})
    calling = camel(camel(body.get("toolConfig") or body.get("tool_config") or {}).get("functionCallingConfig") or {})
    return {
        "messages": list(_gemini_messages(body)),
        "tools": tuple(_gemini_tools(body.get("tools"))) or None,
        "tool_choice": _gemini_choice(calling),
        "response_format": _gemini_form(config),
        "temperature": _number(config.get("temperature")),
        "top_p": _number(config.get("topP")),
        "seed": _number(config.get("seed")),
        "max_tokens": _number(config.get("maxOutputTokens")),
        "stop": tuple(config.get("stopSequences") or ()) or None,
    }


def camel(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return fields under the names of Gemini's JSON, which takes both spellings."""
    heads = ((name.partition("_")[0], name.split("_")[1:], value) for name, value in fields.items())
    return {head + "".join(map(str.capitalize, tail)): value for head, tail, value in heads}


def _gemini_choice(calling: Mapping[str, Any]) -> Any:
    names = calling.get("allowedFunctionNames") or []
    mode = calling_mode(calling)
    if mode == "ANY" and len(names) == 1:
        return {"type": "function", "function": {"name": names[0]}}
    return {"ANY": "required", "NONE": "none", "AUTO": "auto", "VALIDATED": "auto"}.get(mode)


def _gemini_form(config: Mapping[str, Any]) -> Any:
    if config.get("responseMimeType") != "application/json":
        return None
    schema = config.get("responseJsonSchema") or config.get("responseSchema")
    return _response_format({"type": "json", "value": _lowered(schema) if schema else None})


def _gemini_tools(tools: Any) -> Iterator[Mapping[str, Any]]:
    """Yield functions; what the host runs itself stays what it is."""
    found = objects(tools) if isinstance(tools, list) else [tools] if isinstance(tools, dict) else []
    for tool in found:
        declared = tool.get("functionDeclarations") or tool.get("function_declarations")
        if declared is None and tool:
            yield {"type": next(iter(tool))}
        for function in objects(declared):
            schema = function.get("parametersJsonSchema") or _lowered(function.get("parameters"))
            parameters = {"parameters": schema} if schema else {}
            named = {name: function[name] for name in ("name", "description") if function.get(name)}
            yield {"type": "function", "function": {**named, **parameters}}


def _lowered(schema: Any) -> Any:
    """Return a schema with its types in lower case, as JSON Schema writes them."""
    if isinstance(schema, list):
        return [_lowered(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {name: _type(value) if name == "type" else _lowered(value) for name, value in schema.items()}


def _type(told: Any) -> Any:
    """Return a type's name in lower case; clients made from Google's own definitions write numbers."""
    if isinstance(told, int) and 0 < told <= len(_TYPES):
        return _TYPES[told - 1]
    return told.lower() if isinstance(told, str) else _lowered(told)


_TYPES = ("string", "number", "integer", "boolean", "array", "object")
_MODES = {"1": "AUTO", "2": "ANY", "3": "NONE"}


def calling_mode(calling: Mapping[str, Any]) -> str:
    """Return whether Gemini may, must or must not call a function, `""` where nobody said."""
    word = str(calling.get("mode") or "").upper()
    return _MODES.get(word, word)


def _gemini_messages(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    system = body.get("systemInstruction") or body.get("system_instruction") or {}
    parts = system.get("parts") if isinstance(system, dict) else None
    lead = "\n".join(part.get("text") or "" for part in ([parts] if isinstance(parts, dict) else objects(parts)))
    if lead:
        yield {"role": "system", "content": lead}
    ids: list[tuple[str, str]] = []
    contents = body.get("contents")
    for number, content in enumerate(objects([contents] if isinstance(contents, dict) else contents)):
        parts = content.get("parts")
        found = objects([parts] if isinstance(parts, dict) else parts)
        calls = [part.get("functionCall") or part.get("function_call") for part in found]
        results = [part.get("functionResponse") or part.get("function_response") for part in found]
        if any(calls):
            told = [(place, call) for place, call in enumerate(calls) if call]
            ids = [(call.get("name") or "", call.get("id") or f"call_{number}_{place}") for place, call in told]
            yield _gemini_calls(found, [call for _, call in told], ids)
        elif any(results):
            yield from _gemini_results([result for result in results if result], ids)
            yield from _gemini_visible(
                "user", [part for part, result in zip(found, results, strict=True) if not result]
            )
        else:
            yield from _gemini_visible("assistant" if content.get("role") == "model" else "user", found)


def _gemini_calls(
    parts: list[Mapping[str, Any]], calls: list[Mapping[str, Any]], ids: list[tuple[str, str]]
) -> Mapping[str, Any]:
    text = "".join(part.get("text") or "" for part in parts if not part.get("thought"))
    named = [
        {
            "id": call_id,
            "type": "function",
            "function": {"name": name, "arguments": json.dumps(call.get("args") or {})},
        }
        for call, (name, call_id) in zip(calls, ids, strict=True)
    ]
    return {"role": "assistant", "content": text or None, "tool_calls": named}


def _gemini_results(results: list[Mapping[str, Any]], ids: list[tuple[str, str]]) -> Iterator[Mapping[str, Any]]:
    left = list(ids)
    for place, result in enumerate(results):
        name = result.get("name") or ""
        fit = next((pair for pair in left if pair[1] == result.get("id")), None)
        fit = fit or next((pair for pair in left if pair[0] == name), (name, f"call_{place}"))
        if fit in left:
            left.remove(fit)
        yield {"role": "tool", "tool_call_id": fit[1], "name": name, "content": json.dumps(result.get("response"))}


def _gemini_visible(role: str, parts: list[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    shown: list[dict[str, Any]] = []
    for part in parts:
        data = part.get("inlineData") or part.get("inline_data") or part.get("fileData") or part.get("file_data")
        if data:
            shown.append(_gemini_media(data))
        elif part.get("text") and not part.get("thought"):
            shown.append({"type": "text", "text": part["text"]})
    if shown:
        is_text = all(part["type"] == "text" for part in shown)
        yield {"role": role, "content": "\n".join(part["text"] for part in shown) if is_text else shown}


def _gemini_media(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a picture, sound, film or file as OpenAI's wire has it."""
    address = data.get("fileUri") or data.get("file_uri")
    kind = str(data.get("mimeType") or data.get("mime_type") or ("video/mp4" if address else "image/png"))
    packed = str(data.get("data") or _PICTURE)
    packed = _PICTURE if "TRUNCATED" in packed else packed
    address = address or f"data:{kind};base64,{packed}"
    if kind.startswith("audio/") and data.get("data"):
        return {"type": "input_audio", "input_audio": {"data": packed, "format": kind.removeprefix("audio/")}}
    if kind.startswith(("image/", "video/")):
        name = f"{kind.partition('/')[0]}_url"
        return {"type": name, name: {"url": address}}
    return {"type": "file", "file": {"file_data": address}}


def _generation(body: Mapping[str, Any]) -> dict[str, Any]:
    text = body.get("inputs") if isinstance(body.get("inputs"), str) else None
    parameters = body.get("parameters") or {}
    limit = parameters.get("max_new_tokens") if isinstance(parameters, dict) else None
    return {"messages": [{"role": "user", "content": text}] if text else None, "max_tokens": _number(limit)}


def _completion(body: Mapping[str, Any]) -> dict[str, Any]:
    text = body.get("prompt")
    text = text[0] if isinstance(text, list) and text else text
    return {
        **_openai(body),
        "messages": [{"role": "user", "content": text}] if isinstance(text, str) and text else None,
    }


def _prediction(body: Mapping[str, Any]) -> dict[str, Any]:
    told = body.get("input") or {}
    text = told.get("prompt") or told.get("text")
    return {"messages": [{"role": "user", "content": text}] if text else None}


_FIELDS = {
    "cloudflare_run": _cloudflare,
    "cohere": _cohere,
    "cohere_v1": _cohere_v1,
    "completion": _completion,
    "gemini": _gemini,
    "generation": _generation,
    "ollama": _ollama,
    "ollama_generate": _completion,
    "openai": _openai,
    "prediction": _prediction,
    "summarization": _generation,
    "translation": _generation,
}
