"""Whether what our dialect sends is what the recorded client sent, in the essentials.

Both bodies are of one protocol: one summary is made of each, and the summaries are compared. What differs on purpose
stands in `BY_DESIGN` with its reason and is not reported.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from openmux_lc.types.wire import Call
from tests.providers.replay.asking import calling_mode, camel, cloudflare_body
from tests.providers.replay.host import Received
from tests.providers.replay.said import objects
from tests.providers.replay.scope import Case

BY_DESIGN: Mapping[str, str] = {
    "content of media": "pictures and documents are counted by kind: the recorder cut some of them short",
    "documents": "documents and connectors are Cohere's own: nobody who asks a pool has them",
    "empty messages": "an empty message says nothing, and is left out or kept as the host wants it",
    "forms of a tool's result": "a result is one text here; a document that holds it is another spelling",
    "key": "the key travels in a header here, never in the address",
    "model": "the address may name it; a list of models is the pool's own business: one is asked at a time",
    "neighbours": "two messages of the same speaker in a row may be one at hosts that demand turns",
    "schema": "a tool is compared by the names of its parameters; `$schema` and the case of types are spelling",
    "stream": "where the recorder lost the field, the answer tells that a stream was asked for",
    "stream of a form": "Cloudflare's own door has models that refuse to stream JSON, so it is asked for whole",
    "pictures of the model": "what a model drew is not sent back: other models could not take it",
    "system": "a developer message is a system message everywhere",
    "tasks": "what older clients asked by address of the model is asked at the host's one door for chat",
    "texts": "several text parts in a row are one text, a line each",
    "tool choice": "`any` and `required` are one word; of several allowed functions none is named",
}
"""Differences that are meant, and why."""

_Summary = dict[str, Any]


def compare(case: Case, call: Call, received: Sequence[Received]) -> tuple[str, ...] | None:
    """Return the differences that are not by design, None where there is nothing to compare with."""
    recording = case.recording
    summarise = _SUMMARIES.get(case.protocol)
    if summarise is None or not recording.request or recording.kind in {"task", "hub_api"}:
        return None
    if not received:
        return ("nothing was sent",)
    first = received[0]
    ours = first.json
    if not isinstance(ours, dict):
        return ("no JSON object was sent",)
    found = list(_line(case, call, first))
    due, sent = summarise(recording.request), summarise(ours)
    for name in ("model", "prompt"):  # what the recorder lost says nothing
        if name in sent and due.get(name) is None:
            due[name] = sent[name]
    if "stream" in due:
        due["stream"] = recording.asks_for_stream
    differ = [name for name in sorted(due.keys() | sent.keys()) if due.get(name) != sent.get(name)]
    told = [f"{name}: sent {_brief(sent.get(name))}, recorded {_brief(due.get(name))}" for name in differ]
    return (*found, *told)


def _line(case: Case, call: Call, first: Received) -> Iterator[str]:
    """Yield what is wrong with the method, the path and the key's header."""
    recording, auth = case.recording, call.provider.auth
    if first.method != recording.method:
        yield f"method {first.method} instead of {recording.method}"
    if _path(first.path) != _path(recording.path):
        yield f"path {first.path} instead of {recording.path}"
    header = first.headers.get(auth.header.lower())
    key = call.key.get_secret_value() if call.key else ""
    is_keyless = auth.mode == "none" or "keyless_no_auth_header" in call.provider.quirks
    if is_keyless and header:
        yield "a key was sent to a host that takes none"
    if not is_keyless and header != auth.form.replace("{key}", key):
        yield f"no key in the header {auth.header}"
    if key in first.target or key.encode() in first.body:
        yield "the key travels outside its header"


def _path(path: str) -> str:
    return path.rstrip("/").replace("%2F", "/").replace("%40", "@").replace("%20", " ")


def _brief(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else f"{text[:117]}..."


def _openai(body: Mapping[str, Any]) -> _Summary:
    messages = [message for message in objects(body.get("messages")) if not _is_void(message)]
    ids: list[str] = []
    told: list[Any] = []
    for message in messages:
        calls = objects(message.get("tool_calls"))
        ids += [str(call.get("id")) for call in calls]
        role = {"developer": "system"}.get(str(message.get("role")), message.get("role"))
        told.append([role, _text(message.get("content")), _media(message.get("content"))])
        told[-1] += [[_call(call) for call in calls], _answered(message, ids)]
    return {
        "messages": _one_lead(told),
        "model": body.get("model"),
        "stream": bool(body.get("stream")),
        "tools": _tools(body.get("tools")),
        "form": (body.get("response_format") or {}).get("type") not in {None, "text"},
        "choice": _choice(body),
    }


def _one_lead(told: list[list[Any]]) -> list[list[Any]]:
    """Return the messages with the system's at the front as one: hosts that demand turns get them so."""
    count = next((at for at, message in enumerate(told) if message[0] != "system"), len(told))
    if not count:
        return told
    words = " ".join(" ".join(message[1] for message in told[:count]).split())
    return [["system", words, *told[0][2:]], *told[count:]]


def _is_void(message: Mapping[str, Any]) -> bool:
    return not message.get("content") and not message.get("tool_calls") and message.get("role") != "tool"


def _text(content: Any) -> str:
    if isinstance(content, list):
        texts = [part if isinstance(part, str) else part.get("text") or _document(part) for part in content]
        return "\n".join(text for text in texts if text).strip()
    return str(content or "").strip()


def _document(part: Mapping[str, Any]) -> str:
    """Return what a document says that stands for a tool's result."""
    data = (part.get("document") or {}).get("data") if isinstance(part.get("document"), dict) else None
    return data if isinstance(data, str) else "" if data is None else json.dumps(data)


def _media(content: Any) -> list[str]:
    """Return the kinds of what is no text."""
    kinds = {"document_url": "file", "file": "file"}
    found = [str(part.get("type")) for part in objects(content)]
    return [
        kinds.get(kind, kind.removesuffix("_url").removeprefix("input_"))
        for kind in found
        if kind not in {"text", "thinking", "reasoning", "document", "None"}
    ]


def _call(call: Mapping[str, Any]) -> list[Any]:
    function = call.get("function") or call
    arguments = function.get("arguments") or "{}"
    try:
        return [function.get("name"), json.loads(arguments) if isinstance(arguments, str) else arguments]
    except ValueError:
        return [function.get("name"), arguments]


def _answered(message: Mapping[str, Any], ids: Sequence[str]) -> Any:
    """Return the place of the call that a tool's result answers, which stays when ids are mapped."""
    call_id = message.get("tool_call_id")
    if message.get("role") != "tool":
        return None
    return next((len(ids) - 1 - at for at, each in enumerate(reversed(ids)) if each == call_id), "none")


def _tools(tools: Any) -> Any:
    """Return each function's name with the names of its properties."""
    found = {}
    for tool in objects(tools):
        function = tool.get("function")
        if isinstance(function, dict):
            found[function.get("name")] = _properties(function.get("parameters"))
    return found


def _properties(schema: Any) -> list[str]:
    inner = schema if isinstance(schema, dict) else {}
    if "$ref" in inner and "$defs" in inner:
        inner = inner["$defs"].get(str(inner["$ref"]).rpartition("/")[2]) or {}
    return sorted(inner.get("properties") or {})


def _choice(body: Mapping[str, Any]) -> Any:
    """Return whether a tool is required, none may be called, or it is left open."""
    choice = body.get("tool_choice")
    if not any(isinstance(tool.get("function"), dict) for tool in objects(body.get("tools"))) or choice is None:
        return "auto"
    if isinstance(choice, dict):
        return (choice.get("function") or {}).get("name") or choice.get("type")
    return {"any": "required"}.get(choice.lower(), choice.lower())


def _cloudflare(body: Mapping[str, Any]) -> _Summary:
    told = _openai(cloudflare_body(body))
    left_out = {"model", "stream"} if told["form"] else {"model"}
    return {name: value for name, value in told.items() if name not in left_out}


def _ollama(body: Mapping[str, Any]) -> _Summary:
    told = []
    for message in objects(body.get("messages")):
        calls = [_call(call) for call in objects(message.get("tool_calls"))]
        told.append([message.get("role"), _text(message.get("content")), len(message.get("images") or ()), calls])
    return {
        "messages": _one_lead(told),
        "model": body.get("model"),
        "stream": body.get("stream", True) is not False,
        "tools": _tools(body.get("tools")),
        "form": bool(body.get("format")),
        "think": bool(body.get("think")),
    }


def _gemini(body: Mapping[str, Any]) -> _Summary:
    config = camel(body.get("generationConfig") or body.get("generation_config") or {})
    system = body.get("systemInstruction") or body.get("system_instruction") or {}
    parts = system.get("parts") if isinstance(system, dict) else system
    contents = body.get("contents")
    told = [
        ["model" if content.get("role") == "model" else "user", *_gemini_parts(content)]
        for content in objects([contents] if isinstance(contents, dict) else contents)
    ]
    return {
        "messages": _joined([each for each in told if any(each[1:])]),
        "system": "\n".join(part.get("text") or "" for part in objects([parts] if isinstance(parts, dict) else parts)),
        "tools": _gemini_tools(body.get("tools")),
        "form": config.get("responseMimeType") == "application/json",
        "choice": _gemini_choice(body),
    }


def _joined(contents: list[list[Any]]) -> list[list[Any]]:
    """Return the contents with what one speaker says in a row as one."""
    told: list[list[Any]] = []
    for content in contents:
        if not told or told[-1][0] != content[0]:
            told.append(content)
            continue
        role, text, *lists = told[-1]
        both = [old + new for old, new in zip(lists, content[2:], strict=True)]
        told[-1] = [role, "\n".join(filter(None, (text, content[1]))), *both]
    return told


def _gemini_parts(content: Mapping[str, Any]) -> list[Any]:
    parts = content.get("parts")
    found = [part for part in objects([parts] if isinstance(parts, dict) else parts) if not part.get("thought")]
    calls = [part.get("functionCall") or part.get("function_call") or {} for part in found]
    results = [part.get("functionResponse") or part.get("function_response") or {} for part in found]
    names = () if content.get("role") == "model" else ("inlineData", "inline_data", "fileData", "file_data")
    files = [part.get(name) for part in found for name in names if part.get(name)]
    kinds = [str(file.get("mimeType") or file.get("mime_type") or "video").partition("/")[0] for file in files]
    text = "\n".join(part["text"] for part in found if part.get("text")).strip()
    return [
        text,
        ["file" if kind in {"application", "text"} else kind for kind in kinds],
        [[call.get("name"), call.get("args") or {}] for call in calls if call],
        [result.get("name") for result in results if result],
    ]


def _gemini_tools(tools: Any) -> Any:
    found = {}
    for tool in objects(tools if isinstance(tools, list) else [tools]):
        for function in objects(tool.get("functionDeclarations") or tool.get("function_declarations")):
            schema = function.get("parametersJsonSchema") or function.get("parameters")
            found[function.get("name")] = _properties(schema)
    return found


def _gemini_choice(body: Mapping[str, Any]) -> Any:
    calling = camel(camel(body.get("toolConfig") or body.get("tool_config") or {}).get("functionCallingConfig") or {})
    if not _gemini_tools(body.get("tools")):
        return ["AUTO", []]
    mode = (calling_mode(calling) or "AUTO").replace("VALIDATED", "AUTO")
    names = list(calling.get("allowedFunctionNames") or [])
    return [mode, names if len(names) == 1 else []]


def _completion(body: Mapping[str, Any]) -> _Summary:
    prompt = body.get("prompt")
    return {"prompt": prompt[0] if isinstance(prompt, list) and prompt else prompt}


_SUMMARIES = {
    "completion": _completion,
    "cloudflare_run": _cloudflare,
    "cohere": _openai,
    "gemini": _gemini,
    "ollama": _ollama,
    "ollama_generate": _completion,
    "openai": _openai,
    "pollinations": _openai,
}
