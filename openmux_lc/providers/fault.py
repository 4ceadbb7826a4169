"""What a provider's failure means: status first, text second.

The only reader of providers' error texts. Pure: a reply goes in, a typed error
with scope, advice and waiting time comes out, and its message holds neither a key
nor a word of the request.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple, cast
from zoneinfo import ZoneInfo

from openmux_lc.errors import (
    Advice,
    AuthenticationFailed,
    BadPayload,
    ConnectionFailed,
    ContextOverflow,
    FaultScope,
    InvalidRequest,
    ModelGone,
    PaymentRequired,
    PermissionDenied,
    ProviderError,
    RateLimited,
    ServerError,
)
from openmux_lc.providers.exchange import Reply
from openmux_lc.providers.limits import read_retry_after
from openmux_lc.providers.redact import request_texts, shown
from openmux_lc.types.json import Json, as_int, as_list, as_object, as_text, dig
from openmux_lc.types.wire import Call

__all__ = ["has_error", "to_fault"]


class _Verdict(NamedTuple):
    kind: type[ProviderError]
    scope: FaultScope | None = None
    advice: Advice | None = None


_SENTENCES: Final[dict[type[ProviderError], str]] = {
    RateLimited: "over a rate limit",
    AuthenticationFailed: "the key is missing or not accepted",
    PermissionDenied: "not allowed for this account, or the content was refused",
    PaymentRequired: "asks for money, so it is left alone",
    ModelGone: "the model is not offered here (any more)",
    InvalidRequest: "refuses this request",
    ContextOverflow: "the request is longer than the model's window",
    ServerError: "failed or is overloaded",
    ConnectionFailed: "does not answer at this address",
    BadPayload: "gave a malformed answer",
}


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_KEY: Final = _words(
    r"api_key_invalid|invalid_api_key|api key not valid|(invalid|incorrect|wrong|missing|no|expired) "
    r"(api[ -]?key|credentials|auth)|api key (expired|not found)|no auth credentials|authentication_error"
)
_NOT_THE_KEY: Final = _words(r"promotion has ended|is not supported|paid_model_auth_required|requires? (a )?(pro|paid)")
_MONEY: Final = _words(
    r"insufficient[_ ](quota|credit|balance|fund)|payment[_ ](method|required)|more credits|credits? (are |is )?"
    r"(depleted|exhausted)|depleted|add (a )?(credits?|payment)|requires? (a )?(payment|billing)|\b1113\b"
)
_MODERATED: Final = _words(r"moderation|flagged|content[_ ]policy|content management policy|safety")
_TOO_LONG: Final = _words(
    r"context[ _](length|window|size)|maximum context|too many (input )?tokens|prompt (is )?(too long|exceeds)"
    r"|exceed_context|exceeds the (maximum|available)[\w ]*(tokens|context|length)|reduce the length|request too large"
    r"|(input|prompt)[\w ]*(is )?(longer|larger) than|too large for model|physical batch size|maximum prompt length"
)
_GONE: Final = _words(
    r"decommissioned|deprecated|end[- ]of[- ]life|model_not_found|not a valid model|invalid model|invalid_model"
    r"|unknown[ _]model|no such model|model [^.]{0,120}(not found|does not exist|no longer|not available)"
    r"|no longer (available|supported)|free_variant_ended|brownout|no endpoints found for|unavailable for free"
)
_UNFIT: Final = _words(r"no endpoints found (that support|that can)|support (tool|image|the provided)|tool_choice")
_NOT_ALLOWED: Final = _words(
    r"data policy|terms|subscription|tier_not_allowed|freetiererror|guardrail|no allowed providers"
)
_BAD_TOOL_CALL: Final = _words(
    r"tool_use_failed|hallucinated|failed to (call a function|generate json|validate json)|json_validate_failed"
)
_CANNOT: Final = _words(r"requires --jinja|not supported|unsupported|is not multimodal|does not support")
_DAILY: Final = _words(r"per[-_ ]?day|daily|free-models-per-day|\b[tr]pd\b|neurons")
_MONTHLY: Final = _words(r"per[-_ ]?month|monthly|this month")
_NOT_FREE: Final = _words(r"limit: 0\b")
_ACCOUNT: Final = _words(r"free-models-per|for your account|workspace")
_OVERLOADED: Final = frozenset({408, 409, 425, 500, 502, 503, 504, 529, *range(520, 529)})
_PATHS: Final[tuple[tuple[str | int, ...], ...]] = (
    ("error", "message"),
    (0, "error", "message"),
    ("error", "error", "message"),
    ("message",),
    ("message", "detail", 0, "msg"),
    ("detail",),
    ("detail", "error"),
    ("detail", "message"),
    ("detail", 0, "msg"),
    ("errors", 0, "message"),
    ("errors", "message"),
    ("error",),
    ("error", 0),
    ("title",),
)
_STATUS_PATHS: Final[tuple[tuple[str | int, ...], ...]] = (
    ("error", "status_code"),
    ("error", "code"),
    ("error", "http_status_code"),
    (0, "error", "code"),
    ("error", "status"),
    ("status_code",),
    ("code",),
    ("status",),
)


def has_error(payload: Json) -> bool:
    """Whether a body under status 200 is an error all the same."""
    error = dig(payload, 0, "error") if isinstance(payload, list) else dig(payload, "error")
    if error:
        return True
    return dig(payload, "object") == "error" or (dig(payload, "success") is False and not dig(payload, "choices"))


def to_fault(call: Call, reply: Reply, *, now: float, payload: Json = None) -> ProviderError:
    """Return the typed error that `reply` is.

    Args:
        call: What was asked; its key and texts are kept out of the message.
        reply: Status, headers and body; a status below 400 is an error in a 200.
        now: Epoch seconds, for waiting times.
        payload: The body where it is parsed already, or an error event.
    """
    payload = _parsed(reply.body) if payload is None else payload
    text = _relayed(payload) or _message(payload) or reply.body[:4000].decode("utf-8", "replace")
    status = reply.status if reply.status >= 300 else _inner_status(payload)
    code = _code(payload)
    sample = f"{text[:4000]} {code} {' '.join(_notes(payload))}"
    verdict = _verdict(status, sample, call.provider.quirks)
    wait_s = read_retry_after(reply.headers, payload, text, now)
    if verdict.kind is RateLimited:
        wait_s = _whole_window_s(sample, wait_s, now, call.provider.quirks)
    return verdict.kind(
        _sentence(call, verdict.kind, status, code, text),
        provider=call.provider.id,
        model=call.model,
        status_code=status,
        retry_after=wait_s,
        scope=verdict.scope,
        advice=verdict.advice,
        provider_code=shown(code, secrets=_secrets(call), texts=request_texts(call.request))[:60],
    )


def _verdict(status: int | None, text: str, quirks: frozenset[str]) -> _Verdict:
    """Return class, scope and advice; the order is the rule."""
    if status in {429, 498}:
        return _too_many(text, quirks)
    is_vague = status in {None, 400, 403}
    may_be_long = status in {None, 400, 422, 500}
    rules: tuple[tuple[bool | re.Match[str] | None, _Verdict], ...] = (
        (status == 401 and not _NOT_THE_KEY.search(text), _Verdict(AuthenticationFailed)),
        (status == 402 or (is_vague and _MONEY.search(text)), _Verdict(PaymentRequired)),
        (status == 413 or (may_be_long and _TOO_LONG.search(text)), _Verdict(ContextOverflow, "model")),
        (is_vague and _KEY.search(text), _Verdict(AuthenticationFailed)),
        (status is not None and 300 <= status < 400, _Verdict(ConnectionFailed)),
        (status in {404, 410} or ((is_vague or status == 422) and _GONE.search(text)), _missing(status, text)),
        (status in {401, 403, 451} or (status == 400 and _NOT_ALLOWED.search(text)), _refused(text)),
    )
    return next((verdict for is_met, verdict in rules if is_met), None) or _other(status, text)


def _refused(text: str) -> _Verdict:
    return _Verdict(PermissionDenied, "request" if _MODERATED.search(text) else "model")


def _other(status: int | None, text: str) -> _Verdict:
    if _BAD_TOOL_CALL.search(text):
        return _Verdict(BadPayload, "model", "retry")
    if status == 400 and "DEGRADED" in text:
        return _Verdict(ServerError)
    if status in {500, 501} and (status == 501 or _CANNOT.search(text)):
        return _Verdict(InvalidRequest)
    if status is None or status in _OVERLOADED or status >= 500:
        return _Verdict(ServerError)
    return _Verdict(InvalidRequest)


def _missing(status: int | None, text: str) -> _Verdict:
    if status == 404 and _UNFIT.search(text):
        return _Verdict(InvalidRequest)
    if status == 404 and _NOT_ALLOWED.search(text):
        return _Verdict(PermissionDenied)
    return _Verdict(ModelGone)


def _too_many(text: str, quirks: frozenset[str]) -> _Verdict:
    if _NOT_FREE.search(text):
        return _Verdict(PermissionDenied)
    if _MONEY.search(text):
        return _Verdict(PaymentRequired)
    is_whole = "account_limits" in quirks or _ACCOUNT.search(text)
    return _Verdict(RateLimited, "account" if is_whole and "upstream" not in text.lower() else "model")


def _whole_window_s(text: str, hint_s: float | None, now: float, quirks: frozenset[str]) -> float | None:
    """Return the wait until the window that is spent refills.

    Some hosts name a few seconds although the day's quota is gone.
    """
    zone = ZoneInfo("America/Los_Angeles") if "pacific_days" in quirks else UTC
    today = datetime.fromtimestamp(now, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    if _DAILY.search(text):
        return max(hint_s or 0.0, (today + timedelta(days=1)).timestamp() - now)
    if _MONTHLY.search(text):
        first = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
        return max(hint_s or 0.0, first.timestamp() - now)
    return hint_s


def _sentence(call: Call, kind: type[ProviderError], status: int | None, code: str, text: str) -> str:
    secrets, texts = _secrets(call), tuple(request_texts(call.request))
    marks = [f"HTTP {status}" if status else "", shown(code, secrets=secrets, texts=texts)[:60]]
    mark = ", ".join(filter(None, marks))
    said = "" if text.lstrip()[:1] == "<" else shown(text, secrets=secrets, texts=texts)
    ends = [f" ({mark})" if mark else "", f": {said}" if said else ""]
    return f"{call.route}: {_SENTENCES[kind]}{''.join(ends)}"


def _secrets(call: Call) -> tuple[str, ...]:
    return (call.key.get_secret_value(),) if call.key is not None else ()


def _parsed(body: bytes) -> Json:
    try:
        return cast("Json", json.loads(body))
    except (ValueError, RecursionError):
        return None


def _message(payload: Json) -> str:
    if isinstance(payload, str):
        return payload
    for path in _PATHS:
        found = dig(payload, *path)
        if isinstance(found, str) and found.strip():
            return found
    return ""


def _relayed(payload: Json) -> str:
    """Return the message of the host behind a router that only relays, else `""`."""
    raw = dig(payload, "error", "metadata", "raw")
    if not raw or "provider returned error" not in _message(payload).lower():
        return ""
    inner = _parsed(raw.encode("utf-8", "replace")) if isinstance(raw, str) else raw
    return _message(inner) or as_text(raw)


def _code(payload: Json) -> str:
    """Return the provider's own word for the fault, `""` when there is none."""
    roots = (dig(payload, "error"), dig(payload, 0, "error"), payload, dig(payload, "errors", 0))
    for root in roots:
        for name in ("code", "type", "status"):
            found = dig(root, name)
            word = as_text(found)
            if word and word not in {"error", "None", "null"}:
                return word[:200]
    number = dig(payload, "error", "code") or dig(payload, "code")
    return str(number) if isinstance(number, int) else ""


def _inner_status(payload: Json) -> int | None:
    """Return the status that an error under status 200 names, else None."""
    for path in _STATUS_PATHS:
        status = as_int(dig(payload, *path))
        if status is not None and 400 <= status < 600:
            return status
    return None


def _notes(payload: Json) -> Iterator[str]:
    """Yield further texts that tell what happened, for the tests above only."""
    error = as_object(dig(payload, "error") or dig(payload, 0, "error"))
    for name in ("type", "status"):
        yield as_text(error.get(name))[:200]
    metadata = as_object(error.get("metadata"))
    raw = metadata.get("raw")
    yield (raw if isinstance(raw, str) else json.dumps(raw))[:4000] if raw else ""
    for detail in as_list(error.get("details")):
        yield json.dumps(detail)[:2000]
