"""Whether what the package made of an exchange is what was recorded."""

import base64
import json
import math
import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from openmux_lc import errors
from openmux_lc.errors import (
    AuthenticationFailed,
    BadPayload,
    ConnectionFailed,
    ContextOverflow,
    EmptyAnswer,
    InvalidRequest,
    ModelGone,
    PaymentRequired,
    PermissionDenied,
    ProviderError,
    RateLimited,
    ServerError,
)
from openmux_lc.types.run import Answer, Request, Vectors
from tests.providers.replay import read_native
from tests.providers.replay.read_openai import read_chat
from tests.providers.replay.said import Said, find_error, objects, parsed, plain
from tests.providers.replay.scope import Case

Got = Answer | Vectors | tuple[str, ...] | Exception

_Kinds = tuple[type[ProviderError], ...]

FITTING: Mapping[int, _Kinds] = {
    400: (
        InvalidRequest,
        ContextOverflow,
        ModelGone,
        PermissionDenied,
        AuthenticationFailed,
        BadPayload,
        PaymentRequired,
        ServerError,
    ),
    401: (AuthenticationFailed, PermissionDenied),
    402: (PaymentRequired, PermissionDenied),
    403: (PermissionDenied, PaymentRequired, AuthenticationFailed, InvalidRequest, ModelGone),
    404: (ModelGone, InvalidRequest, PermissionDenied),
    405: (InvalidRequest,),
    410: (ModelGone,),
    413: (ContextOverflow,),
    415: (InvalidRequest,),
    422: (InvalidRequest, ContextOverflow, ModelGone, BadPayload),
    429: (RateLimited, PaymentRequired, PermissionDenied, AuthenticationFailed),
    498: (RateLimited,),
    500: (ServerError, InvalidRequest, ContextOverflow, ModelGone, BadPayload),
    501: (InvalidRequest,),
}
"""Classes that fit a status where no label says which one; any other from 500 up is a `ServerError`."""

READERS: Mapping[str, Callable[[str], Said]] = {
    "cloudflare_run": read_native.read_cloudflare,
    "cohere": read_native.read_cohere,
    "cohere_v1": read_native.read_cohere_v1,
    "completion": read_chat,
    "gemini": read_native.read_gemini,
    "generation": read_native.read_generated,
    "ollama": read_native.read_ollama,
    "ollama_generate": read_native.read_ollama,
    "openai": read_chat,
    "pollinations": read_native.read_pollinations,
    "prediction": read_native.read_prediction,
    "summarization": read_native.read_generated,
    "translation": read_native.read_generated,
}

_WAIT_SLACK_S = 2.0


def labels_of(path: Path) -> Mapping[str, Mapping[str, Any] | None]:
    """Return the labelled faults, none where nobody labelled any."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def judge(case: Case, got: Got, *, request: Request, body: bytes, label: Mapping[str, Any] | None) -> str:
    """Return why `got` does not fit the exchange, `""` when it does.

    Args:
        case: The exchange.
        got: What the package returned or raised.
        request: What was asked.
        body: The last body that the host served.
        label: What a person wrote about the fault, where one did.
    """
    if case.is_failure:
        return _judge_fault(case, got, request, label)
    text = body.decode("utf-8", "replace")
    if case.mode == "embed":
        told, error = Said(), find_error(parsed(text))
        if error is not None:
            told.fail(error)
            return _judge_hidden(told, got, request, label)
        return _judge_vectors(text, got)
    if case.mode == "models":
        return _judge_ids(text, got)
    told = READERS[case.protocol](text)
    if case.protocol == "generation":
        # Engines that complete a text may give it back first.
        told.text = told.text.removeprefix(str(case.recording.request.get("inputs") or ""))
    return _judge_answer(case, told, got, request, label=label)


def _judge_fault(case: Case, got: Got, request: Request, label: Mapping[str, Any] | None) -> str:
    if not isinstance(got, ProviderError):
        return f"HTTP {case.recording.status} became {short(got)}"
    if label is not None:
        return _judge_label(got, label) or _quoted(got, request)
    status = case.recording.status
    fitting = FITTING.get(status, (ConnectionFailed,) if status < 400 else (ServerError,) if status >= 500 else ())
    fitting = fitting or (InvalidRequest, ServerError, RateLimited)
    if not isinstance(got, fitting) or got.status_code != status:
        return f"HTTP {status} became {short(got)}"
    return _quoted(got, request)


def _judge_label(got: ProviderError, label: Mapping[str, Any]) -> str:
    if _is_learned(got, label):
        return ""
    wait_s = label.get("wait_s")
    wrongs = [
        type(got).__name__ != label["class"] and not _is_twin(got, label["class"]) and f"class {type(got).__name__}",
        label.get("scope") not in {None, got.scope} and f"scope {got.scope}",
        label.get("advice") not in {None, got.advice} and f"advice {got.advice}",
        "wait_s" in label and not _waits_alike(got.retry_after, wait_s) and f"wait {got.retry_after}",
    ]
    due = f"{label['class']}/{label.get('scope')}/{label.get('advice')}/{wait_s}"
    found = ", ".join(wrong for wrong in wrongs if wrong)
    return f"label {due}, but {found}: {short(got)}" if found else ""


def _is_learned(got: ProviderError, label: Mapping[str, Any]) -> bool:
    """Whether the adapter, beyond what the label says of the text, saw that a parameter of ours was refused.

    It asks again without it, whatever the text was taken for.
    """
    is_learnable = label["class"] in {"InvalidRequest", "ModelGone", "PermissionDenied"}
    return is_learnable and type(got) is InvalidRequest and got.advice == "retry" and "asked again with" in str(got)


def _is_twin(got: ProviderError, name: str) -> bool:
    """Whether the class is the labelled one under a name of its own (a subclass made at run time)."""
    return type(got).__mro__[1].__name__ == name and getattr(errors, type(got).__name__, None) is None


def _waits_alike(got: float | None, due: float | str | None) -> bool:
    if due is None or got is None:
        return due is None and got is None
    return not isinstance(due, str) and math.isclose(got, due, abs_tol=_WAIT_SLACK_S, rel_tol=0.01)


def _quoted(got: ProviderError, request: Request) -> str:
    """Return a complaint if the message holds twenty characters of the request."""
    said = "\n".join(str(message.get("content") or "") for message in request.messages)
    message = str(got)
    pieces = (message[at : at + 20] for at in range(max(len(message) - 19, 0)))
    found = next((piece for piece in pieces if piece in said), None)
    return f"the message quotes the request: {found!r}" if found else ""


def _judge_answer(case: Case, told: Said, got: Got, request: Request, *, label: Mapping[str, Any] | None) -> str:
    if told.is_error:
        return _judge_hidden(told, got, request, label)
    due = _fault_due(told, request, is_stream=case.recording.asks_for_stream)
    if due and isinstance(got, due):
        return ""
    if due and not (due == (BadPayload,) and case.recording.asks_for_stream):
        return f"{due[0].__name__} was due, not {short(got)}"
    if not isinstance(got, Answer):
        return f"a success became {short(got)}"
    calls = [(call.name, plain(call.arguments)) for call in got.tool_calls]
    wrongs = [
        told.text != got.text and f"text {got.text[:60]!r} instead of {told.text[:60]!r}",
        told.reasoning.strip() != got.reasoning.strip() and _differs("reasoning", told.reasoning, got.reasoning),
        told.calls != calls and f"tool calls {calls} instead of {told.calls}",
        not _ends_alike(told, got, request) and f"finish reason {got.finish_reason} instead of {told.finish_due}",
        told.tokens is None and not got.usage.is_estimated and f"a usage that nobody told: {got.usage}",
        told.tokens is not None
        and told.tokens != (got.usage.input_tokens, got.usage.output_tokens)
        and f"usage {got.usage.input_tokens, got.usage.output_tokens} instead of {told.tokens}",
        told.model not in {"", got.model} and f"model {got.model!r} instead of {told.model!r}",
        len({call.id for call in got.tool_calls} - {""}) != len(calls) and "tool calls without an id of their own",
    ]
    return "; ".join(wrong for wrong in wrongs if wrong)


def _ends_alike(told: Said, got: Answer, request: Request) -> bool:
    """Whether the finish reason fits; where nobody told one, an answer as long as was allowed ended for its length."""
    is_full = told.finish is None and told.tokens is not None and told.tokens[1] >= (request.max_tokens or math.inf)
    return got.finish_reason in {told.finish_due, "length" if is_full and not told.calls else told.finish_due}


def _differs(what: str, due: str, got: str) -> str:
    """Return where two texts part."""
    due, got = due.strip(), got.strip()
    at = next(
        (at for at, pair in enumerate(zip(due, got, strict=False)) if pair[0] != pair[1]), min(len(due), len(got))
    )
    place = slice(max(0, at - 10), at + 40)
    return f"{what} {got[place]!r} instead of {due[place]!r} at {at} of {len(due)}"


def _judge_hidden(told: Said, got: Got, request: Request, label: Mapping[str, Any] | None) -> str:
    """Judge an error under a status of success."""
    if not isinstance(got, ProviderError):
        return f"the error inside the success was not seen: {short(got)}"
    if label is not None:
        return _judge_label(got, label) or _quoted(got, request)
    fitting = FITTING.get(told.inner_status or 0)
    if isinstance(got, EmptyAnswer | ConnectionFailed) or (fitting and not isinstance(got, fitting)):
        return f"the error (status {told.inner_status}) inside the success became {short(got)}"
    return _quoted(got, request)


def _fault_due(told: Said, request: Request, *, is_stream: bool) -> _Kinds:
    """Return the fault that is due although the host told none, nothing where an answer is."""
    if told.is_malformed:
        return (BadPayload, ConnectionFailed) if is_stream or not told.is_whole else (BadPayload,)
    if not told.is_whole:
        return (ConnectionFailed,)
    if any(not name for name, _ in told.calls):
        return (BadPayload,)
    if told.is_empty:
        return (PermissionDenied,) if told.finish == "content_filter" else (EmptyAnswer,)
    if not told.calls and _requires_tool(request):
        return (BadPayload,)
    return ()


def _requires_tool(request: Request) -> bool:
    choice = request.tool_choice
    return bool(request.tools) and (
        choice in {"required", "any"} if isinstance(choice, str) else isinstance(choice, dict)
    )


def _judge_vectors(text: str, got: Got) -> str:
    due = vectors_in(text)
    if not isinstance(got, Vectors):
        return f"{len(due)} vectors became {short(got)}"
    if len(due) != len(got.vectors):
        return f"{len(got.vectors)} vectors instead of {len(due)}"
    if due != [list(vector) for vector in got.vectors]:
        return "other vectors"
    sent = _tokens_sent(text)
    if (sent is None) != got.usage.is_estimated or sent not in {None, got.usage.input_tokens}:
        return f"usage {got.usage} instead of {sent}"
    return ""


def _tokens_sent(text: str) -> int | None:
    """Return the tokens that a host counted in the texts, None where it told none."""
    payload = parsed(text.strip())
    fields = payload if isinstance(payload, dict) else {}
    fields = fields["result"] if isinstance(fields.get("result"), dict) else fields
    places = (
        (fields.get("usage") or {}).get("prompt_tokens"),
        (fields.get("usage") or {}).get("input_tokens"),
        (fields.get("usage") or {}).get("total_tokens"),
        (fields.get("usageMetadata") or {}).get("promptTokenCount"),
        ((fields.get("meta") or {}).get("tokens") or {}).get("input_tokens"),
        ((fields.get("meta") or {}).get("billed_units") or {}).get("input_tokens"),
        fields.get("prompt_eval_count"),
    )
    return next((int(tokens) for tokens in places if tokens), None)


def vectors_in(text: str) -> list[list[float]]:
    """Return the vectors of any host's answer."""
    payload = parsed(text.strip())
    if isinstance(payload, dict) and isinstance(payload.get("result"), dict):
        payload = payload["result"]["data"]  # Cloudflare's envelope
    if isinstance(payload, list) and payload and isinstance(payload[0], dict):
        payload = {"data": payload}  # a local engine's own page
    if isinstance(payload, list):
        rows = payload if payload and isinstance(payload[0], list) else [payload]
    elif "data" in payload:
        rows = [row["embedding"] for row in sorted(payload["data"], key=lambda row: row.get("index") or 0)]
    elif "embedding" in payload:
        rows = [payload["embedding"]]
    else:
        rows = payload["embeddings"]
        rows = rows["float"] if isinstance(rows, dict) else rows
    return [_vector(row) for row in rows]


def _vector(row: Any) -> list[float]:
    if isinstance(row, dict):
        return _vector(row.get("values") or row.get("embedding"))
    if isinstance(row, str):
        packed = base64.b64decode(row)
        return list(struct.unpack(f"<{len(packed) // 4}f", packed))
    if len(row) == 1 and isinstance(row[0], list):
        return _vector(row[0])
    return [float(number) for number in row]


def _judge_ids(text: str, got: Got) -> str:
    due = ids_in(text)
    if not isinstance(got, tuple):
        return f"{len(due)} models became {short(got)}"
    found = [name.removeprefix("models/") for name in got]
    return "" if due == found else f"{len(found)} models {found[:2]} instead of {len(due)} {due[:2]}"


def ids_in(text: str) -> list[str]:
    """Return the ids that a list of models holds; Gemini's prefix is no part of them."""
    payload = parsed(text)
    rows: Sequence[Any] = payload if isinstance(payload, list) else []
    has_uuids = isinstance(payload, dict) and isinstance(payload.get("result"), list)
    if isinstance(payload, dict):
        rows = _rows_in(payload)
    names = ("name",) if has_uuids else ("id", "model", "name", "key")
    named = [row if isinstance(row, str) else _named(row, names) for row in rows]
    return [name.removeprefix("models/") for name in dict.fromkeys(named) if name]


def _rows_in(payload: Mapping[str, Any]) -> Sequence[Any]:
    """Return the rows of a page, which may be one model's, or lie one level deeper."""
    found = next((payload[name] for name in ("data", "models", "result", "results") if name in payload), payload)
    if found is payload:
        return [payload]
    return _rows_in(found) if isinstance(found, dict) else list(found or [])


def _named(row: Mapping[str, Any], names: Sequence[str]) -> str:
    found = next((str(row[name]) for name in names if row.get(name)), "")
    return f"{row['owner']}/{found}" if row.get("owner") and row.get("name") == found else found


def short(got: Got) -> str:
    """Return an outcome in a few words."""
    if isinstance(got, Exception):
        return f"{type(got).__name__}({str(got)[:160]!r})"
    return f"Answer({got.text[:60]!r})" if isinstance(got, Answer) else f"{type(got).__name__} of {len(objects(got))}"
