"""The words by which failures are told apart: patterns for lower-case text.

Each runs on a few thousand characters at most and repeats without nesting, so no text
makes it slow. `fault_rules` says which one counts when.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = [
    "ACCOUNT",
    "BAD_TOOL_CALL",
    "BARE",
    "BUSY",
    "CANNOT",
    "DENIED",
    "ENDED",
    "FOR_ACCOUNT",
    "FOR_MODEL",
    "GONE",
    "INCAPABLE",
    "KEY",
    "LIMITED",
    "LIMIT_WORDS",
    "LONG",
    "MODEL",
    "MODERATED",
    "MONEY",
    "MONEY_FOR_SURE",
    "NOT_ENABLED",
    "NOT_FREE",
    "NOT_THE_KEY",
    "POLICY",
    "QUEUED",
    "REGION",
    "RETIRED",
    "SICK",
    "THING",
    "TIER",
    "TOO_BIG_A_REQUEST",
    "UNFIT",
    "UNSAFE",
    "USED_UP",
    "VALIDATION",
]


def _words(pattern: str) -> re.Pattern[str]:
    """Compile a pattern for lower-case text: ignoring case would cost several times as much."""
    return re.compile(pattern, re.ASCII)


KEY: Final = _words(
    r"api_key_(invalid|http_referrer|service|ip_addr|android|ios)\w*|(invalid|wrong|incorrect)_(api_)?key"
    r"|api key (not valid|expired|not found|is invalid)"
    r"|(invalid|incorrect|wrong|missing|no|expired|revoked|supplied|leaked) (api[ -]?(key|token)|credentials"
    r"|auth|access token|bearer)|no auth credentials|authentication_error"
    r"|(authenti[cs]ation|authori[sz]ation) (failed|error|required|header)|unregistered callers|sufficient permissions"
    r"|reported as leaked"
    r"|use another api key|invalid token\b(?! (ids?|in|at|index|count|type)\b)"
    r"|auth_?error\b|no api key|consumer 'api_key|unauthenticated"
)
NOT_THE_KEY: Final = _words(
    r"promotion (has )?ended|paid_model_auth|requires? (a )?(pro|paid|premium|subscription)"
    r"|\b(pro|paid|premium)[ -](model|tier|plan|token|subscription)|tier_not|upgrade (to|your plan)"
)
ENDED: Final = _words(
    r"promotion (has )?ended|free_variant_ended|\bmodelerror\b|endpoint is unavailable|has no provider supported"
    r"|\(1008\)|^(the )?(requested )?model \S{1,80} is not supported"
)
MONEY: Final = _words(
    r"insufficient[_ ](quota|credit|balance|fund|user quota)|payment[_ ](method|required)|more credits"
    r"|(credits?|balance|quota) (are |is |has been |have been )?(depleted|exhausted|insufficient|expired|used up)"
    r"|depleted|add (a )?(credits?|payment)|requires? (a )?(payment|billing)|set up billing|credits_?error"
    r"|credit limit|balance is |past invoices|out of credits|cloud credits|key limit exceeded"
    r"|no (remaining )?credits|insufficient pollen|exhausted balance|spend(ing)? (cap|limit)"
)
MONEY_FOR_SURE: Final = _words(
    r"insufficient[_ ](quota|credit|balance|fund)|payment[_ ](method_)?required|spend(ing)? (cap|limit)"
    r"|credits?_?(error| expired| depleted)|credits? (are |have been )(depleted|exhausted)|out of credits|balance is "
)
QUEUED: Final = _words(r"queue (is )?full|already queued|too many requests|rate[ _-]?limit|in_flight")
TIER: Final = _words(r"tier not (high|allowed)|required tier|your tier")
MODERATED: Final = _words(
    r"moderation|flagged|content[_ -](policy|filter)|content management policy|usage guidelines"
    r"|safety[_ -](check|system|filter|polic|reason)|violat\w{1,6} [\w ]{0,40}(polic|guideline|terms)"
    r"|data_?inspection|inappropriate content|prohibited_content|responsibleai|\bnsfw\b"
    r"|sensitive_?(content| content| information)|unsafe content"
    r"|\bblocked (input|output|content|by (our|the) (safety|content))"
    r"|\b(request|prompt|input|output|message|content|response) (was |is |has been )?blocked\b|prompt injection"
)
UNSAFE: Final = _words(r"\b(blocked|unsafe)\b")
LONG: Final = _words(
    r"context[ _](length|window|size) ?(is|was|has been|limit|exceed|of|\(|_exceeded|only)"
    r"|context_(length|window)_exceeded"
    r"|(maximum|available|model'?s|exceeds the|exceeds this model'?s|this model|larger) (maximum )?context"
    r"|too many (input |prompt |total )?tokens|too_many_tokens|prompt[\w ]{0,30}(too long|exceeds)|exceed_context"
    r"|exceeds? (the |this )?(maximum|available|model'?s)( \w{1,15}){0,5} (tokens?|context|length)"
    r"|input is too (long|large)|reduce the length|request too large|request_too_large"
    r"|(input|prompt)[\w ]{0,30}(longer|larger) than|too large for (the )?model|physical batch size"
    r"|maximum prompt length|(max_new_)?tokens`? must be <=|tokens \+ `?max_(new_)?tokens|token limit"
    r"|(max_)?tokens?_limit_exceeded|max_tokens_exceeded|input length exceeds|prompt contains \d{3,9} tokens"
    r"|(?<![a-z]_)tokens[\w ]{0,40} must be (less|smaller|at most)|exceeded this model context|input length and"
    r"|range of input length|longest (supported|allowed)|max_seq_len"
    r"|n_keep \(\d{1,9}\) >= n_ctx|must have (less|fewer) than \d{1,9} tokens"
    r"|maximum (allowed |supported )?(input |number of )?(tokens|input length|sequence length|model length)"
)
GONE: Final = _words(
    r"decommissioned|has been deprecated|is deprecated|model_deprecated|end[- ]of[- ]life"
    r"|model_?(not_?(found|available|supported|exist)|unavailable)|not a valid model|invalid[_ ]model\b"
    r"|(unknown|unavailable)[_ ]model\b|no such model|no longer (available|supported|served|offered)"
    r"|\bmodel\b[^\n]{0,80}?(not found|does not exist|doesn't exist|do(es)? not have access|no longer"
    r"|not available|unavailable|not exist|was removed|has been removed|not deployed|is disabled)"
    r"|free_variant_ended|brownout|no endpoints found for|unavailable for free"
    r"|no models? (is |are )?(currently )?loaded|no_endpoints|has no provider supported"
    r"|not supported by (any )?provider|model disabled|specified version does not exist|unable to access model"
    r"|no allowed providers are available for"
)
THING: Final = _words(
    r"\b(generation|cached ?content|prediction|destination|file|upload|batch|job|assistant|thread|vector store"
    r"|conversation|previous response|previous_response|collection|dataset|connector)\b"
    r"[^.]{0,90}?(not found|does not exist|may not exist|no longer exists)|no file matches"
)
MODEL: Final = _words(r"\bmodels?\b")
UNFIT: Final = _words(
    r"no endpoints found (that (support|can)|match\w* .{0,40}(paramet|modalit))"
    r"|support (tool|image|audio|video|the provided)|tool_choice|constraint_filtered"
)
POLICY: Final = _words(
    r"data[_ ]polic|privacy|terms (acceptance|of (service|use))|accept the (terms|licen)|model_terms|subscription"
    r"|tier_not|freetiererror|free[_ ]?tier (can|is) (only|not)|guardrail|no allowed providers|\bgated\b"
    r"|licen[cs]e agreement|model agreement|billed users|requires? (a )?(pro|paid|premium)|paid_model"
    r"|not enabled for your account|must be verified"
)
REGION: Final = _words(
    r"location is not supported|unsupported_country"
    r"|(country|region)[\w, ]{0,40}(not (supported|available)|restricted)|region_restricted"
    r"|not available in your (country|region)|geo-?(block|restrict)|check your network settings"
    r"|^(error code: |error )10(0[6-9]|10|12|20)\b"
)
ACCOUNT: Final = _words(
    r"real[- ]name|identity verif|verify your|account verification"
    r"|account[\w ']{0,40}(suspended|disabled|blocked|banned|locked|deactivated|not allowed)"
    r"|(suspended|disabled|blocked|banned) account|service_disabled|has not been used in project"
    r"|project[\w ]{0,40}denied|organization (has been|is) (disabled|restricted)"
)
INCAPABLE: Final = _words(r"(not|n't|un)[ _]?(currently )?(yet )?s[up]{2,5}o?rt|is not (a )?multimodal|json schema")
NOT_ENABLED: Final = _words(r"not[_ ]enabled")
BARE: Final = _words(
    r"\W*(\d{3}\b\W*)?((forbidden|unauthori[sz]ed|access (denied|forbidden)|permission[_ ]denied"
    r"|not authori[sz]ed)\b\W*){0,3}"
)
DENIED: Final = _words(r"access (is )?denied|permission[_ ]denied|no access to|not authorized to")
BAD_TOOL_CALL: Final = _words(
    r"tool_use_failed|hallucinated|failed to (call a function|generate (json|tool|valid)|validate json)"
    r"|json_validate_failed|malformed[_ ]function[_ ]call|error parsing tool call|no valid response generated"
    r"|json mode couldn'?t be met|tool call validation failed|output_parse_failed|tool_call_parse"
)
CANNOT: Final = _words(
    r"requires --|not supported|unsupported|is not (a )?multimodal|does not support|doesn't support"
    r"|cannot use both|cannot (make get|fetch|download|load|open|identify)|missing data required"
    r"|jinja exception"
    r"|failed to (load|fetch|download|decode|open|process) [\w :]{0,30}(image|audio|file|url|media|content)|, url='"
    r"|invalid (json schema|image|audio|base64|parameter|schema)|failed to parse (grammar|messages|tools)|must be a\b"
)
VALIDATION: Final = _words(
    r"validation error|invalid request|unexpected endpoint|bad request|must be (strictly|one of|a |an )"
)
LIMITED: Final = _words(
    r"rate[ _-]?limit|too[ _]many[ _](concurrent )?requests|quota[ _]exceeded|quotaexceeded"
    r"|exceeded (your|the) [\w ]{0,40}quota|resource_exhausted|request was throttled|throttlingexception"
    r"|usage limit"
)
SICK: Final = _words(
    r"degraded function|upstream (request failed|service unavailable)|no successful provider"
    r"|worker local total|resourceexhausted"
    r"|insufficient (system )?(resources|memory)|out of memory|model has (unloaded|crashed)"
)
BUSY: Final = _words(
    r"overloaded|out of capacity|no capacity|(maximum|at|over) capacity|capacity temporarily|model (is )?(too )?busy"
    r"|high (traffic|demand)|queue_exceeded|server (is )?busy|service is (temporarily )?unavailable"
    r"|capacity_exceeded_try"
)
LIMIT_WORDS: Final = _words(r"rate[ _-]?limit|limited to|quota|per[- _]?(min|sec|hour|day|month)|\b[rt]pm\b|limit_rp")
NOT_FREE: Final = _words(r"limit: 0(?![.\d])")
TOO_BIG_A_REQUEST: Final = _words(r"request too large for")
FOR_MODEL: Final = _words(
    r"(for|to) (this|the|that) model|for model\b|permodel|bymodel|\bper model|limit_rp[md]/|model_rate_limit"
    r"|temporarily rate-limited"
)
FOR_ACCOUNT: Final = _words(
    r"free-models-per|trial key|(your|this|per|the) account|account limited|account[- ]wide|workspace"
    r"|for (your )?ip\b|per ip\b|\b(log|sign) ?in\b|access token|neurons|daily free allocation|usage[ _]?limit"
    r"|freeusagelimit|userby(minute|day|hour)|for your org|^(error code: |error )1015\b|had to rate limit you"
)
RETIRED: Final = _words(r"retirement[_ ]brownout|has been retired and|https?://\S{1,200} is no longer")
USED_UP: Final = _words(r"usagelimit")
