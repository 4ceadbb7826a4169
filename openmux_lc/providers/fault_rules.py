"""The rules by which a failure gets class, scope and advice; their order is the rule.

Codes that mean one thing first, then the status, then code words and prose; the first
rule of a table that is met counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

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
from openmux_lc.providers import fault_words as words

__all__ = ["Clue", "Verdict", "judge"]


class Verdict(NamedTuple):
    """What a failure is; None takes the class's own scope or advice."""

    kind: type[ProviderError]
    scope: FaultScope | None = None
    advice: Advice | None = None


class Clue(NamedTuple):
    """What a failure is judged by.

    Args:
        status: The status that counts, None when nobody told one.
        text: All the host's words, in lower case.
        codes: Its code words and numbers, lower case.
        message: The message alone, in lower case.
        is_relayed: A router passes on another host's words.
        is_page: The body is a web page.
        is_shared: The row says that its limits concern the whole account.
    """

    status: int | None
    text: str
    codes: frozenset[str] = frozenset()
    message: str = ""
    is_relayed: bool = False
    is_page: bool = False
    is_shared: bool = False


_WRONG_KEY: Final = Verdict(AuthenticationFailed)
_NO_MONEY: Final = Verdict(PaymentRequired)
_PAID_MODEL: Final = Verdict(PaymentRequired, "model", "next_route")
_NO_MODEL: Final = Verdict(ModelGone)
_TOO_LONG: Final = Verdict(ContextOverflow, "model")
_REFUSED: Final = Verdict(InvalidRequest)
_BAD_CALL: Final = Verdict(BadPayload, "model", "retry")
_FAILED: Final = Verdict(ServerError)
_UNREACHABLE: Final = Verdict(ServerError, "provider", "skip_provider")
_WRONG_ADDRESS: Final = Verdict(ConnectionFailed)
_CLOSED_MODEL: Final = Verdict(PermissionDenied, "model")
_CLOSED_ACCOUNT: Final = Verdict(PermissionDenied, "account", "skip_provider")
_CLOSED_HOST: Final = Verdict(PermissionDenied, "provider", "skip_provider")
_CLOSED_REQUEST: Final = Verdict(PermissionDenied, "request")
_SLOW_MODEL: Final = Verdict(RateLimited, "model")
_SLOW_ACCOUNT: Final = Verdict(RateLimited, "account", "skip_provider")
_GONE_HOST: Final = Verdict(ModelGone, "provider", "skip_provider")

_CODES: Final[Mapping[str, tuple[frozenset[int | None], Verdict]]] = MappingProxyType(
    {
        code: (frozenset(statuses), verdict)
        for codes, statuses, verdict in (
            ("1113", (400, 402, 403, 429, None), _PAID_MODEL),
            ("1112 1121", (400, 401, 403, 429, None), _CLOSED_ACCOUNT),
            ("1312 1234", (400, 429, 500, None), _FAILED),
            ("1211", (400, 404, None), _NO_MODEL),
            ("1301", (400, 403, 429, 500, None), _CLOSED_REQUEST),
            ("1210 1213 1214", (400, 429, None), _REFUSED),
            ("1261", (400, 429, None), _TOO_LONG),
            ("3036 4006", (400, 403, 429, None), _SLOW_ACCOUNT),
            ("3040 3007 3008 3043 7009", (400, 408, 429, 500, 502, None), _FAILED),
            ("5023 5025 5004 3003 6004", (400, 403, None), _REFUSED),
            ("7003", (400, 404, None), _WRONG_ADDRESS),
            ("5007 3042 7000", (400, 403, 404, None), _NO_MODEL),
            ("3006 5021", (400, 403, 413, None), _TOO_LONG),
            ("10000 10001 9109 9106 6003", (400, 401, 403, None), _WRONG_KEY),
            ("5016 5018 3041", (400, 403, None), _CLOSED_MODEL),
            ("3023", (400, 403, None), _CLOSED_ACCOUNT),
            ("30001", (400, 403, None), _NO_MONEY),
            ("20012 30003", (400, 403, 404, None), _NO_MODEL),
            ("invalid_model model_not_found model_not_supported model_not_available", (400, 404, 422, None), _NO_MODEL),
            ("model_decommissioned model_deprecated unavailable_model unknown_model", (400, 404, 422, None), _NO_MODEL),
            ("image_not_found invalid_image image_download_failed unknown_url", (400, 404, 422, None), _REFUSED),
            ("string_too_long", (400, None), _TOO_LONG),
            ("refusal content_policy_violation content_filter", (400, 403, None), _CLOSED_REQUEST),
        )
        for code in codes.split()
    }
)
"""Codes and the statuses under which they mean what they mean."""

_Rules = tuple[tuple[re.Pattern[str], Verdict], ...]

_UNAUTHORIZED: Final[_Rules] = (
    (words.USED_UP, _SLOW_ACCOUNT),
    (words.MONEY_FOR_SURE, _NO_MONEY),
    (words.ENDED, _NO_MODEL),
    (words.NOT_THE_KEY, _CLOSED_MODEL),
)
_PAYMENT: Final[_Rules] = ((words.QUEUED, _SLOW_ACCOUNT), (words.TIER, _CLOSED_MODEL))
_FORBIDDEN: Final[_Rules] = (
    (words.MODERATED, _CLOSED_REQUEST),
    (words.MONEY, _NO_MONEY),
    (words.REGION, _CLOSED_HOST),
    (words.POLICY, _CLOSED_MODEL),
    (words.ACCOUNT, _CLOSED_ACCOUNT),
    (words.THING, _CLOSED_REQUEST),
    (words.NOT_ENABLED, _CLOSED_REQUEST),
    (words.KEY, _WRONG_KEY),
    (words.GONE, _NO_MODEL),
    (words.INCAPABLE, _REFUSED),
)
_BAD_REQUEST: Final[_Rules] = (
    (words.ENDED, _NO_MODEL),
    (words.REGION, _CLOSED_HOST),
    (words.KEY, _WRONG_KEY),
    (words.MONEY, _NO_MONEY),
    (words.SICK, _FAILED),
    (words.MODERATED, _CLOSED_REQUEST),
    (words.POLICY, _CLOSED_MODEL),
    (words.THING, _REFUSED),
    (words.GONE, _NO_MODEL),
    (words.ACCOUNT, _CLOSED_ACCOUNT),
    (words.DENIED, _CLOSED_MODEL),
)
_TOO_MANY: Final[_Rules] = (
    (words.ENDED, _NO_MODEL),
    (words.TOO_BIG_A_REQUEST, _TOO_LONG),
    (words.NOT_FREE, _CLOSED_MODEL),
    (words.MONEY_FOR_SURE, _NO_MONEY),
)
_BEHIND_A_ROUTER: Final[Mapping[Verdict, Verdict]] = MappingProxyType(
    {
        _WRONG_KEY: _FAILED,
        _NO_MONEY: _PAID_MODEL,
        _CLOSED_HOST: _CLOSED_MODEL,
        _CLOSED_ACCOUNT: _CLOSED_MODEL,
        _SLOW_ACCOUNT: _SLOW_MODEL,
    }
)
"""What another host says of a router's key and account concerns one model of the router."""

_VAGUE_STATUS: Final = frozenset({400, 403, None})
_WRITTEN_STATUS: Final = frozenset({400, 408, 409, 422, 424, None, *range(500, 600)})
_LONG_STATUS: Final = frozenset({400, 403, 422, 500, None})
_EDGE_STATUS: Final = frozenset({521, 522, 523, 525, 526, 530})
"""The edge says that it cannot reach the host at all."""

_OVERLOADED: Final = frozenset({408, 409, 424, 425, 499, *range(500, 600)})


def judge(clue: Clue) -> Verdict:
    """Return class, scope and advice of a failure."""
    verdict = _by_code(clue) or _by_generation(clue) or _by_length(clue) or _by_status(clue)
    return _BEHIND_A_ROUTER.get(verdict, verdict) if clue.is_relayed else verdict


def _by_code(clue: Clue) -> Verdict | None:
    met = (verdict for code, (statuses, verdict) in _CODES.items() if code in clue.codes and clue.status in statuses)
    return next(met, None)


def _by_generation(clue: Clue) -> Verdict | None:
    """Return whether the model wrote nonsense; what it wrote is quoted, so no other word counts."""
    is_nonsense = clue.status in _WRITTEN_STATUS and words.BAD_TOOL_CALL.search(clue.text)
    return _BAD_CALL if is_nonsense else None


def _by_length(clue: Clue) -> Verdict | None:
    if clue.status in _VAGUE_STATUS and words.LIMITED.search(clue.text):
        return None
    is_long = clue.status == 413 or (clue.status in _LONG_STATUS and words.LONG.search(clue.text))
    return _TOO_LONG if is_long else None


def _by_status(clue: Clue) -> Verdict:
    status = clue.status
    if status in {429, 498} or (status in _VAGUE_STATUS and words.LIMITED.search(clue.text)):
        return _too_many(clue)
    if status is not None and (300 <= status < 400 or status == 407):
        return _WRONG_ADDRESS
    if status in {404, 410}:
        return _missing(clue)
    if status in {403, 451}:
        return _forbidden(clue)
    if status in {401, 402, 412}:
        rules, otherwise = (_UNAUTHORIZED, _WRONG_KEY) if status == 401 else (_PAYMENT, _NO_MONEY)
        return _first(rules, clue.text) or otherwise
    return _bad_request(clue) if status in {400, 422, None} else _failed(clue)


def _first(rules: _Rules, text: str) -> Verdict | None:
    return next((verdict for pattern, verdict in rules if pattern.search(text)), None)


def _too_many(clue: Clue) -> Verdict:
    text = clue.text
    if clue.status == 498 and (words.MODERATED.search(text) or words.UNSAFE.search(text)):
        return _CLOSED_REQUEST
    special = _first(_TOO_MANY, text)
    if special is not None:
        return special
    if words.BUSY.search(text) and not words.LIMIT_WORDS.search(text):
        return _FAILED
    is_whole = clue.is_shared or words.FOR_ACCOUNT.search(text)
    return _SLOW_ACCOUNT if is_whole and not words.FOR_MODEL.search(text) else _SLOW_MODEL


def _missing(clue: Clue) -> Verdict:
    text = clue.text
    if words.RETIRED.search(text) or words.RETIRED.search(clue.message):
        return _GONE_HOST
    if clue.status == 410:
        return _NO_MODEL
    if words.UNFIT.search(text):
        return _REFUSED
    if words.SICK.search(text):
        return _FAILED
    if words.POLICY.search(text):
        return _CLOSED_MODEL
    is_other_thing = words.THING.search(text) and not words.MODEL.search(text)
    return _REFUSED if is_other_thing else _NO_MODEL


def _forbidden(clue: Clue) -> Verdict:
    if clue.is_page:
        return _CLOSED_HOST
    is_bare = clue.status == 403 and words.BARE.fullmatch(clue.message[:100]) is not None
    return _first(_FORBIDDEN, clue.text) or (_WRONG_KEY if is_bare else _CLOSED_MODEL)


def _bad_request(clue: Clue) -> Verdict:
    """Return what a 400, a 422 or a failure without a status is."""
    found = _first(_BAD_REQUEST, clue.text)
    if found is not None:
        return found
    return _REFUSED if clue.status is not None or words.VALIDATION.search(clue.text) else _FAILED


def _failed(clue: Clue) -> Verdict:
    status, text = clue.status, clue.text
    if status in _EDGE_STATUS:
        return _UNREACHABLE
    if status == 501 or (status == 500 and words.CANNOT.search(text)):
        return _REFUSED
    return _FAILED if status in _OVERLOADED else _REFUSED
