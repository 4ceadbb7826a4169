"""What a provider's failure means: status first, text second.

The only reader of providers' errors. Pure: a reply goes in, a typed error with scope,
advice and waiting time comes out, and its message holds neither a key nor a word of
the request.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from openmux_lc.errors import (
    AuthenticationFailed,
    BadPayload,
    ConnectionFailed,
    ContextOverflow,
    InvalidRequest,
    ModelGone,
    PaymentRequired,
    PermissionDenied,
    ProviderError,
    RateLimited,
    ServerError,
)
from openmux_lc.providers.exchange import Reply
from openmux_lc.providers.fault_rules import Clue, judge
from openmux_lc.providers.fault_text import Told, error_text, hear, own_words
from openmux_lc.providers.limits import (
    joined,
    names_retry_delay,
    read_limits,
    read_limits_told,
    read_retry_after,
    read_window,
    until_refill,
)
from openmux_lc.providers.overflow_text import read_window_tokens
from openmux_lc.providers.redact import request_texts, shown
from openmux_lc.types.catalog import Provider
from openmux_lc.types.json import Json, as_int, dig
from openmux_lc.types.state import CooldownSource, LimitObservation
from openmux_lc.types.wire import Call

__all__ = ["error_text", "has_error", "to_fault"]

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
_PAID_S: Final = 86_400.0
"""How long a host that asks for money is left alone."""

_LIMITED: Final = frozenset({RateLimited, ContextOverflow})
"""What a limit's figures stand beside: over it now, or larger than all of it."""

_OVERRULED: Final[Mapping[int, frozenset[int]]] = {
    400: frozenset({413, 429}),
    500: frozenset({400, 413, 422, 429}),
    502: frozenset({400, 413, 422, 429}),
}
"""Statuses that say little, with those that a body may put in their place."""


def has_error(payload: Json) -> bool:
    """Whether a body under status 200 is an error all the same."""
    error = dig(payload, 0, "error") if isinstance(payload, list) else dig(payload, "error")
    if error or dig(payload, "delta", "error"):
        return True
    if "error" in (dig(payload, "object"), dig(payload, "type")):
        return True
    if dig(payload, "choices"):
        return False
    code = as_int(dig(payload, "code"))
    is_refusal = code is not None and 400 <= code < 600 and bool(dig(payload, "message"))
    return is_refusal or dig(payload, "success") is False


def to_fault(call: Call, reply: Reply, *, now: float, payload: Json = None) -> ProviderError:
    """Return the typed error that `reply` is.

    Args:
        call: What was asked; its key and texts are kept out of the message.
        reply: Status, headers and body; a status below 400 is an error in a 200.
        now: Epoch seconds, for waiting times.
        payload: The body where it is parsed already, or an error event.
    """
    secrets, texts = _secrets(call), tuple(request_texts(call.request))
    told = hear(payload, reply.body)
    told = told._replace(sample=own_words(told.sample, texts, call.model))
    outer = reply.status if reply.status >= 300 else None
    kind, scope, advice = judge(_clue(call.provider, reply, told, _status(outer, told)))
    code = shown(told.code, secrets=secrets, texts=texts)[:60]
    status = outer or told.status
    marks = ", ".join(filter(None, (f"HTTP {status}" if status else "", code)))
    wait_s, wait_source = _wait(call, reply, told, kind, now)
    said = shown(told.text, secrets=secrets, texts=texts)
    ends = [f" ({marks})" if marks else "", f": {said}" if said else ""]
    fault = kind(
        f"{call.route}: {_SENTENCES[kind]}{''.join(ends)}",
        provider=call.provider.id,
        model=call.model,
        status_code=status,
        retry_after=wait_s,
        wait_source=wait_source,
        scope=scope,
        advice=advice,
        provider_code=code,
        limits=_limits(call, reply, told, kind, now),
    )
    if isinstance(fault, ContextOverflow):
        fault.window_tokens = read_window_tokens(told.sample)
    return fault


def _status(outer: int | None, told: Told) -> int | None:
    """Return the status that counts: a vague one gives way to what the body names."""
    if outer is None:
        inner = told.status
        return told.prose_status if told.prose_status in _OVERRULED.get(inner or 0, ()) else inner
    for inner in (told.status if told.is_number else None, told.prose_status):
        if inner in _OVERRULED.get(outer, ()):
            return inner
    return outer


def _clue(provider: Provider, reply: Reply, told: Told, status: int | None) -> Clue:
    scopes = {limit.scope for limit in provider.limits}
    is_shared = bool(scopes) and not any(scope.endswith("model") for scope in scopes)
    kind = reply.headers.get("x-ratelimit-type", "")[:60]
    return Clue(
        status=status,
        text=f"{told.sample} {kind}".lower(),
        codes=told.codes,
        message=told.text[:200].lower(),
        is_relayed=told.is_relayed,
        is_page=told.is_page,
        # What comes inside a 200 was let in by the account's own limits already.
        is_shared=reply.status >= 300 and (is_shared or "account_limits" in provider.quirks),
    )


def _wait(
    call: Call, reply: Reply, told: Told, kind: type[ProviderError], now: float
) -> tuple[float | None, CooldownSource]:
    """Return how long to leave alone what failed, and who says so; None where waiting mends nothing.

    A calendar day that is spent outweighs a `RetryInfo`, which looks no further than
    the current minute; else the host's own word counts.
    """
    window = read_window(told.sample)
    if kind is PaymentRequired:
        return (until_refill(window, now), "learned") if window == "month" else (_PAID_S, "heuristic")
    if kind not in {RateLimited, ServerError}:
        return None, "header"
    is_limit = kind is RateLimited
    hint_s = read_retry_after(reply.headers, told.payload, told.sample, now, is_limit=is_limit)
    if hint_s is None and told.inner is not None:
        hint_s = read_retry_after({}, told.inner, told.sample, now, is_limit=is_limit)
    if not is_limit or window is None:
        return hint_s, "header"
    is_pacific = "pacific_days" in call.provider.quirks
    is_short_sighted = window == "day" and (is_pacific or names_retry_delay(told.payload))
    if hint_s is not None and not is_short_sighted:
        return hint_s, "header"
    zone = "America/Los_Angeles" if is_pacific else "UTC"
    return max(hint_s or 0.0, until_refill(window, now, zone)), "learned"


def _limits(
    call: Call, reply: Reply, told: Told, kind: type[ProviderError], now: float
) -> tuple[LimitObservation, ...]:
    """Return what the refusal tells about quotas; another host's, passed on by a router, are not ours."""
    found = read_limits(reply.headers, call.provider.quirks, now)
    if kind not in _LIMITED or told.is_relayed:
        return found
    bodies = (told.payload,) if told.inner is None else (told.payload, told.inner)
    return joined((*found, *(seen for body in bodies for seen in read_limits_told(body, told.sample, now))))


def _secrets(call: Call) -> tuple[str, ...]:
    return (call.key.get_secret_value(),) if call.key is not None else ()
