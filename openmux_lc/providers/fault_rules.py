"""The rules by which a failure gets class, scope and advice; their order is the rule.

Numbers that only one host uses first, then the status, then code words, then prose.
Every pattern runs on a few thousand characters at most and repeats without nesting, so
no text makes it slow.
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
        text: All the host's words.
        codes: Its code words and numbers, lower case.
        message: The message alone.
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


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


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

_NUMBERS: Final[Mapping[str, tuple[frozenset[int | None], Verdict]]] = MappingProxyType(
    {
        number: (frozenset(statuses), verdict)
        for numbers, statuses, verdict in (
            ("1113", (400, 402, 403, 429, None), _PAID_MODEL),
            ("1112 1121", (400, 401, 403, 429, None), _CLOSED_ACCOUNT),
            ("1312 1234", (400, 429, 500, None), _FAILED),
            ("1211", (400, 404, None), _NO_MODEL),
            ("1301", (400, 403, 429, 500, None), _CLOSED_REQUEST),
            ("1210 1213 1214", (400, 429, None), _REFUSED),
            ("1261", (400, 429, None), _TOO_LONG),
            ("3036 4006", (400, 403, 429, None), _SLOW_ACCOUNT),
            ("3040 3007 3008 3043", (400, 408, 429, 500, 502, None), _FAILED),
            ("5023 5025 5004 3003 6004", (400, 403, None), _REFUSED),
            ("5007 3042 7000 7003", (400, 403, 404, None), _NO_MODEL),
            ("3006 5021", (400, 403, 413, None), _TOO_LONG),
            ("10000 10001 9109 9106 6003", (400, 401, 403, None), _WRONG_KEY),
            ("5016 5018 3041", (400, 403, None), _CLOSED_MODEL),
            ("3023", (400, 403, None), _CLOSED_ACCOUNT),
            ("30001", (400, 403, None), _NO_MONEY),
            ("20012 30003", (400, 403, 404, None), _NO_MODEL),
        )
        for number in numbers.split()
    }
)
"""Numeric codes and the statuses under which they mean what they mean."""

_KEY: Final = _words(
    r"api_key_(invalid|http_referrer|service|ip_addr|android|ios)\w*|(invalid|wrong|incorrect)_(api_)?key|api key (not valid|expired|not found|is invalid)"
    r"|(invalid|incorrect|wrong|missing|no|expired|revoked|supplied|leaked) (api[ -]?(key|token)|credentials|auth|access token|bearer)"
    r"|no auth credentials|authentication_error|(authenti[cs]ation|authori[sz]ation) (failed|error|required|header)"
    r"|unregistered callers|reported as leaked|use another api key|invalid token\b|auth_?error\b|no api key"
    r"|consumer 'api_key|unauthenticated"
)
_NOT_THE_KEY: Final = _words(
    r"promotion (has )?ended|paid_model_auth|requires? (a )?(pro|paid|premium|subscription)|\b(pro|paid|premium)[ -]"
    r"(model|tier|plan|token|subscription)|tier_not|upgrade (to|your plan)"
)
_ENDED: Final = _words(
    r"promotion (has )?ended|free_variant_ended|\bmodelerror\b|\bmodel\b.{0,80}?\b(is|are) not supported"
)
_MONEY: Final = _words(
    r"insufficient[_ ](quota|credit|balance|fund|user quota)|payment[_ ](method|required)|more credits"
    r"|(credits?|balance|quota) (are |is |has been |have been )?(depleted|exhausted|insufficient|expired|used up)|depleted"
    r"|add (a )?(credits?|payment)|requires? (a )?(payment|billing)|set up billing|credits_?error|credit limit"
    r"|balance is |past invoices|out of credits|cloud credits|key limit exceeded|no (remaining )?credits|insufficient pollen"
)
_MONEY_FOR_SURE: Final = _words(
    r"insufficient[_ ](quota|credit|balance|fund)|payment[_ ](method|required)|credits?_?(error| expired| depleted)"
    r"|out of credits|balance is "
)
_QUEUED: Final = _words(r"queue (is )?full|already queued|too many requests|rate[ _-]?limit")
_TIER: Final = _words(r"tier not (high|allowed)|required tier|your tier")
_MODERATED: Final = _words(
    r"moderation|flagged|content[_ -](policy|filter)|content management policy|usage guidelines|safety[_ -](check|system"
    r"|filter|polic|reason)|violat\w{1,6} [\w ]{0,40}(polic|guideline|terms)|data_?inspection|inappropriate content"
    r"|prohibited_content|responsibleai|\bnsfw\b|sensitive content|unsafe content|\bblocked (input|output|content|by (our|the) (safety|content))"
)
_LONG: Final = _words(
    r"context[ _](length|window|size) ?(is|was|limit|exceeded|of|\(|_exceeded|only)|context_(length|window)_exceeded"
    r"|(maximum|available|model'?s|exceeds the|exceeds this model'?s|this model|larger) (maximum )?context"
    r"|too many (input |prompt |total )?tokens|too_many_tokens|prompt[\w ]{0,20}(too long|exceeds)|exceed_context"
    r"|exceeds? (the |this )?(maximum|available|model'?s)( \w{1,15}){0,5} (tokens?|context|length)|input is too (long|large)"
    r"|reduce the length|request too large|request_too_large|(input|prompt)[\w ]{0,30}(longer|larger) than|too large for (the )?model"
    r"|physical batch size|maximum prompt length|(max_new_)?tokens`? must be <=|tokens \+ `?max_(new_)?tokens|token limit"
    r"|(max_)?tokens?_limit_exceeded|max_tokens_exceeded|input length exceeds|prompt contains \d{3,9} tokens"
    r"|(?<![a-z]_)tokens[\w ]{0,40} must be (less|smaller|at most)|exceeded this model context|input length and"
    r"|longest (supported|allowed)|max_seq_len|maximum (allowed )?(input |number of )?(tokens|input length|sequence length)"
)
_GONE: Final = _words(
    r"decommissioned|has been deprecated|is deprecated|model_deprecated|end[- ]of[- ]life|model_?not_?(found|available|supported|exist)"
    r"|not a valid model|invalid[_ ]model\b|unknown[_ ]model|no such model|no longer (available|supported|served|offered)"
    r"|\bmodel\b[^\n]{0,80}?(not found|does not exist|doesn't exist|do(es)? not have access|no longer|not available|unavailable|not exist|was removed|has been removed|not deployed|is disabled)"
    r"|free_variant_ended|brownout|no endpoints found for|unavailable for free|no models? (is |are )?(currently )?loaded"
    r"|no_endpoints|has no provider supported|not supported by (any )?provider|model disabled|specified version does not exist"
    r"|unable to access model|no allowed providers are available for"
)
_THING: Final = _words(
    r"\b(generation|cached ?content|prediction|destination|file|upload|batch|job|assistant|thread|vector store|conversation"
    r"|previous response|previous_response|collection)\b[^.]{0,90}?(not found|does not exist|no longer exists)"
)
_UNFIT: Final = _words(
    r"no endpoints found (that (support|can)|match\w* .{0,40}(paramet|modalit))|support (tool|image|audio|video|the provided)|tool_choice|constraint_filtered"
)
_POLICY: Final = _words(
    r"data[_ ]polic|privacy|terms (acceptance|of (service|use))|accept the (terms|licen)|model_terms|subscription|tier_not|freetiererror"
    r"|free[_ ]?tier (can|is) (only|not)|guardrail|no allowed providers|\bgated\b|licen[cs]e agreement|model agreement|billed users"
    r"|requires? (a )?(pro|paid|premium)|paid_model|not enabled for your account|must be verified"
)
_REGION: Final = _words(
    r"location is not supported|unsupported_country|(country|region)[\w, ]{0,40}(not (supported|available)|restricted)|region_restricted"
    r"|not available in your (country|region)|geo-?(block|restrict)"
)
_ACCOUNT: Final = _words(
    r"real[- ]name|identity verif|verify your|account verification|account[\w ']{0,40}(suspended|disabled|blocked|banned|locked|deactivated|not allowed)"
    r"|(suspended|disabled|blocked|banned) account|service_disabled|has not been used in project|project[\w ]{0,40}denied"
    r"|organization (has been|is) (disabled|restricted)"
)
_INCAPABLE: Final = _words(r"(not|n't|un)[ _]?(currently )?(yet )?s[up]{2,5}o?rt|is not (a )?multimodal|json schema")
_NOT_ENABLED: Final = _words(r"not[_ ]enabled")
_BARE: Final = _words(
    r"\W*(\d{3}\b\W*)?((forbidden|unauthori[sz]ed|access (denied|forbidden)|permission[_ ]denied|not authori[sz]ed)\b\W*){0,3}"
)
_BAD_TOOL_CALL: Final = _words(
    r"tool_use_failed|hallucinated|failed to (call a function|generate (json|tool|valid)|validate json)|json_validate_failed"
    r"|malformed[_ ]function[_ ]call|error parsing tool call|no valid response generated|tool call validation failed"
    r"|output_parse_failed|tool_call_parse"
)
_CANNOT: Final = _words(
    r"requires --|not supported|unsupported|is not (a )?multimodal|does not support|doesn't support|cannot use both"
    r"|cannot (make get|fetch|download|load|open)|failed to (load|fetch|download|decode|open|process) [\w ]{0,30}(image|audio|file|url|media|content)"
    r"|, url='|invalid (image|audio|base64|parameter|schema)|failed to parse (grammar|messages|tools)|must be a\b"
)
_VALIDATION: Final = _words(r"validation error|invalid request|bad request|must be (strictly|one of|a |an )")
_LIMITED: Final = _words(
    r"rate[ _-]?limit|too[ _]many[ _](concurrent )?requests|quota[ _]exceeded|quotaexceeded|exceeded (your|the) [\w ]{0,40}quota"
    r"|resource_exhausted|request was throttled|throttlingexception|usage limit"
)
_BUSY: Final = _words(
    r"overloaded|out of capacity|(maximum|at|over) capacity|capacity temporarily|model (is )?(too )?busy|high (traffic|demand)"
    r"|queue_exceeded|server (is )?busy|(endpoint|service) is (temporarily )?unavailable|capacity_exceeded_try"
)
_LIMIT_WORDS: Final = _words(r"rate[ _-]?limit|limited to|quota|per[- _]?(min|sec|hour|day|month)|\b[rt]pm\b|limit_rp")
_NOT_FREE: Final = _words(r"limit: 0(?![.\d])")
_TOO_BIG_A_REQUEST: Final = _words(r"request too large for")
_FOR_MODEL: Final = _words(
    r"(for|to) (this|the|that) model|for model\b|permodel|bymodel|\bper model|limit_rp[md]/|model_rate_limit|temporarily rate-limited"
)
_FOR_ACCOUNT: Final = _words(
    r"free-models-per|trial key|(your|this|per|the) account|account limited|account[- ]wide|workspace|for (your )?ip\b|per ip\b"
    r"|log ?in\b|sign ?in\b|access token|neurons|daily free allocation|usage[ _]?limit|freeusagelimit|userby(minute|day|hour)|for your org"
)
_RETIRED: Final = _words(r"retirement|has been retired and")

_MODEL_STATUS: Final = frozenset({400, 422, None})
_VAGUE_STATUS: Final = frozenset({400, 403, 412, None})
_LONG_STATUS: Final = frozenset({400, 403, 422, 500, None})
_EDGE_STATUS: Final = frozenset({521, 522, 523, 525, 526, 530})
"""The edge says that it cannot reach the host at all."""

_OVERLOADED: Final = frozenset({408, 409, 425, *range(500, 600)})


def judge(clue: Clue) -> Verdict:
    """Return class, scope and advice of a failure."""
    by_number = _by_number(clue)
    if by_number is not None:
        return by_number
    status, text = clue.status, clue.text
    if status in {429, 498} or (status in _VAGUE_STATUS and _LIMITED.search(text)):
        return _too_many(clue)
    if status == 401:
        return _unauthorized(clue)
    if status == 402:
        return _payment(clue)
    if status == 413 or (status in _LONG_STATUS and _LONG.search(text)):
        return _TOO_LONG
    if status is not None and 300 <= status < 400:
        return _WRONG_ADDRESS
    if status in {404, 410}:
        return _missing(clue)
    if status in {403, 451, 412}:
        return _forbidden(clue)
    if status in _MODEL_STATUS:
        return _bad_request(clue)
    return _failed(clue)


def _by_number(clue: Clue) -> Verdict | None:
    for code in clue.codes:
        statuses, verdict = _NUMBERS.get(code, (frozenset(), _FAILED))
        if clue.status in statuses:
            return verdict
    return None


def _too_many(clue: Clue) -> Verdict:
    text = clue.text
    if clue.status == 498 and _MODERATED.search(text):
        return _CLOSED_REQUEST
    if "(1008)" in text:
        return _NO_MODEL
    if _TOO_BIG_A_REQUEST.search(text):
        return _TOO_LONG
    if _NOT_FREE.search(text):
        return _CLOSED_MODEL
    if _MONEY_FOR_SURE.search(text):
        return _NO_MONEY
    if _BUSY.search(text) and not _LIMIT_WORDS.search(text):
        return _FAILED
    if clue.is_relayed or _FOR_MODEL.search(text):
        return _SLOW_MODEL
    return _SLOW_ACCOUNT if clue.is_shared or _FOR_ACCOUNT.search(text) else _SLOW_MODEL


def _unauthorized(clue: Clue) -> Verdict:
    if clue.is_relayed:
        return _FAILED  # a router's own key was refused, not ours
    if _MONEY_FOR_SURE.search(clue.text):
        return _NO_MONEY
    if _ENDED.search(clue.text):
        return _NO_MODEL
    return _CLOSED_MODEL if _NOT_THE_KEY.search(clue.text) else _WRONG_KEY


def _payment(clue: Clue) -> Verdict:
    if _QUEUED.search(clue.text):
        return _SLOW_ACCOUNT
    if _TIER.search(clue.text):
        return _CLOSED_MODEL
    return _PAID_MODEL if clue.is_relayed else _NO_MONEY


def _missing(clue: Clue) -> Verdict:
    text = clue.text
    if _RETIRED.search(text):
        return _GONE_HOST
    if clue.status == 404 and _UNFIT.search(text):
        return _REFUSED
    if clue.status == 404 and _POLICY.search(text):
        return _CLOSED_MODEL
    return _REFUSED if clue.status == 404 and _is_thing(text) else _NO_MODEL


def _is_thing(text: str) -> bool:
    """Whether something other than the model is missing."""
    return _THING.search(text) is not None and not re.search(r"\bmodels?\b", text, re.IGNORECASE)


def _forbidden(clue: Clue) -> Verdict:
    text = clue.text
    if _MODERATED.search(text):
        return _CLOSED_REQUEST
    if _MONEY.search(text):
        return _NO_MONEY
    if _REGION.search(text):
        return _CLOSED_MODEL if clue.is_relayed else _CLOSED_HOST
    if _POLICY.search(text):
        return _CLOSED_MODEL
    if clue.is_page:
        return _CLOSED_HOST
    if _ACCOUNT.search(text):
        return _CLOSED_ACCOUNT
    if _is_thing(text) or _NOT_ENABLED.search(text):
        return _CLOSED_REQUEST
    if not clue.is_relayed and (_KEY.search(text) or _BARE.fullmatch(clue.message[:100])):
        return _WRONG_KEY
    if _GONE.search(text):
        return _NO_MODEL
    return _REFUSED if _INCAPABLE.search(text) else _CLOSED_MODEL


def _bad_request(clue: Clue) -> Verdict:
    """Return what a 400, a 422 or a failure without a status is."""
    text = clue.text
    if _BAD_TOOL_CALL.search(text):
        return _BAD_CALL
    if _REGION.search(text):
        return _CLOSED_MODEL if clue.is_relayed else _CLOSED_HOST
    if _KEY.search(text) and not clue.is_relayed:
        return _WRONG_KEY
    if _MONEY.search(text):
        return _NO_MONEY
    if "DEGRADED" in text or "upstream request failed" in text:
        return _FAILED
    if _MODERATED.search(text):
        return _CLOSED_REQUEST
    if _POLICY.search(text):
        return _CLOSED_MODEL
    if _GONE.search(text) and not _THING.search(text):
        return _NO_MODEL
    if _ACCOUNT.search(text):
        return _CLOSED_ACCOUNT
    if clue.status is None:
        return _REFUSED if _VALIDATION.search(text) else _FAILED
    return _REFUSED


def _failed(clue: Clue) -> Verdict:
    status, text = clue.status, clue.text
    if _BAD_TOOL_CALL.search(text):
        return _BAD_CALL
    if status in _EDGE_STATUS:
        return _UNREACHABLE
    if status == 501 or (status == 500 and _CANNOT.search(text)):
        return _REFUSED
    return _FAILED if status in _OVERLOADED else _REFUSED
