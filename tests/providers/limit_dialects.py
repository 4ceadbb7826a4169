# ruff: noqa: E501 - a table is read by the row
"""How each host spells its limits: a response in, the exact observations and the wait out.

Twelve dialects of headers and those of bodies. The figures are made up; the shapes are the hosts' own, as recorded,
documented or quoted.
"""

from collections.abc import Mapping
from email.utils import formatdate
from types import MappingProxyType
from typing import Any, NamedTuple

from openmux_lc.providers.fault_text import error_text
from openmux_lc.providers.limit_joining import joined
from openmux_lc.providers.limits import read_limits, read_limits_told, read_retry_after
from openmux_lc.types.state import LimitObservation

NOW = 1_790_000_000.0
"""Monday, 21 September 2026, 14:13:20 UTC."""

DAY, HOUR, MINUTE, MONTH = 86_400.0, 3600.0, 60.0, 2_592_000.0

Told = tuple[str, float | None, int | None, int | None, float | None]
"""Unit, window, limit, remaining, seconds until the reset."""


class Case(NamedTuple):
    dialect: str
    headers: Mapping[str, str] = MappingProxyType({})
    body: Any = None
    told: tuple[Told, ...] = ()
    wait_s: float | None = None
    quirks: frozenset[str] = frozenset()


GROQ = frozenset({"requests_per_day", "tokens_per_minute"})
PER_MINUTE = frozenset({"requests_per_minute"})


def _said(message: str, **fields: Any) -> dict[str, Any]:
    return {"error": {"message": message, **fields}}


def _google(message: str, *violations: Mapping[str, str], delay: str | None = None) -> dict[str, Any]:
    details: list[dict[str, Any]] = [
        {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": list(violations)}
    ]
    if delay:
        details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay})
    return _said(message, code=429, status="RESOURCE_EXHAUSTED", details=details)


def _quota(quota_id: str, value: str | None = None) -> dict[str, str]:
    return {"quotaId": quota_id, **({} if value is None else {"quotaValue": value})}


def _ms(after_s: float) -> str:
    return str(int((NOW + after_s) * 1000))


_ROUTER = {"X-RateLimit-Limit": "50", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": _ms(35_200)}

CASES: tuple[Case, ...] = (
    # Groq: requests per day, tokens per minute, Go durations.
    Case(
        "groq",
        {
            "x-ratelimit-limit-requests": "1000",
            "x-ratelimit-remaining-requests": "999",
            "x-ratelimit-reset-requests": "1m26.4s",
            "x-ratelimit-limit-tokens": "8000",
            "x-ratelimit-remaining-tokens": "7460",
            "x-ratelimit-reset-tokens": "4.05s",
        },
        None,
        (("requests", DAY, 1000, 999, 86.4), ("tokens", MINUTE, 8000, 7460, 4.05)),
        quirks=GROQ,
    ),
    Case(
        "groq",
        {
            "x-ratelimit-limit-requests": "1000",
            "x-ratelimit-remaining-requests": "0",
            "x-ratelimit-reset-requests": "2m59.56s",
        },
        None,
        (("requests", DAY, 1000, 0, 179.56),),
        179.56,
        GROQ,
    ),
    Case(
        "groq",
        {"x-ratelimit-remaining-tokens": "7997", "x-ratelimit-reset-tokens": "4.8ms"},
        None,
        (("tokens", MINUTE, None, 7997, 0.0048),),
        quirks=GROQ,
    ),
    Case(
        "groq",
        {"x-ratelimit-limit-audio-seconds": "7200", "x-ratelimit-remaining-audio-seconds": "7100"},
        None,
        (("audio_seconds", None, 7200, 7100, None),),
        quirks=GROQ,
    ),
    Case(
        "groq",
        {"retry-after": "5"},
        _said(
            "Rate limit reached for model `m` in organization `org_1` service tier `on_demand` on tokens per minute (TPM): Limit 8000, Used 7460, Requested 1200. Please try again in 4.95s. Need more tokens?"
        ),
        (("tokens", MINUTE, 8000, 540, 4.95),),
        5.0,
        GROQ,
    ),
    Case(
        "groq",
        {},
        _said(
            "Rate limit reached on tokens per day (TPD): Limit 100000, Used 97050, Requested 3619. Please try again in 9m38.016s."
        ),
        (("tokens", DAY, 100_000, 2950, 578.016),),
        578.016,
    ),
    Case(
        "groq",
        {},
        _said(
            "Rate limit reached for `m` on requests per day (RPD): Limit 1000, Used 1000, Requested 1. Please try again in 1m26.4s."
        ),
        (("requests", DAY, 1000, 0, 86.4),),
        86.4,
    ),
    Case(
        "groq",
        {},
        _said(
            "Rate limit reached for model `w` on seconds of audio per hour (ASPH): Limit 7200, Used 7100, Requested 200. Please try again in 4m11s."
        ),
        (("audio_seconds", HOUR, 7200, 100, 251.0),),
        251.0,
    ),
    Case(
        "groq",
        {},
        _said(
            "Request too large for model `m` on tokens per minute (TPM): Limit 6000, Requested 10338, please reduce your message size."
        ),
        (("tokens", MINUTE, 6000, None, None),),
    ),
    # OpenRouter: nothing on success; epoch milliseconds in headers and body.
    Case(
        "openrouter",
        {"x-ratelimit-limit": "20", "x-ratelimit-remaining": "0", "x-ratelimit-reset": _ms(40)},
        _said(
            "Rate limit exceeded: free-models-per-min. ",
            code=429,
            metadata={
                "headers": {**_ROUTER, "X-RateLimit-Limit": "20", "X-RateLimit-Reset": _ms(40)},
                "provider_name": None,
            },
        ),
        (("requests", MINUTE, 20, 0, 40.0),),
        40.0,
    ),
    Case(
        "openrouter",
        {},
        _said(
            "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model requests per day",
            code=429,
            metadata={"headers": _ROUTER},
        ),
        (("requests", DAY, 50, 0, 35_200.0),),
        35_200.0,
    ),
    Case(
        "openrouter",
        {},
        _said(
            "Rate limit exceeded: limit_rpm/x/y/e8440b11. High demand for x/y:free - limited to 1 requests per minute. Please retry shortly."
        ),
        (("requests", MINUTE, 1, 0, None),),
    ),
    Case(
        "openrouter",
        {},
        _said("Rate limit exceeded: free-models-per-day-high-balance. "),
        (("requests", DAY, None, 0, None),),
    ),
    # Cerebras: the window in the name, float seconds; 64 bits full of ones mean no limit.
    Case(
        "cerebras",
        {
            "x-ratelimit-limit-requests-day": "14400",
            "x-ratelimit-remaining-requests-day": "14353",
            "x-ratelimit-reset-requests-day": "5072.163372516632",
            "x-ratelimit-limit-tokens-minute": "64000",
            "x-ratelimit-remaining-tokens-minute": "0",
            "x-ratelimit-reset-tokens-minute": "32.16",
        },
        None,
        (("requests", DAY, 14_400, 14_353, 5072.163372516632), ("tokens", MINUTE, 64_000, 0, 32.16)),
        32.16,
    ),
    Case(
        "cerebras",
        {"x-ratelimit-remaining-requests-hour": "67", "x-ratelimit-remaining-tokens-day": "9223372036854767616"},
        None,
        (("requests", HOUR, None, 67, None),),
    ),
    Case(
        "cerebras",
        {"retry-after-ms": "660"},
        {
            "code": "request_quota_exceeded",
            "message": "Requests per second limit exceeded - too many requests sent.",
            "param": "quota",
            "type": "too_many_requests_error",
        },
        (("requests", 1.0, None, 0, None),),
        0.66,
    ),
    Case(
        "cerebras",
        {},
        {"message": "Tokens per minute limit exceeded - too many tokens processed.", "code": "token_quota_exceeded"},
        (("tokens", MINUTE, None, 0, None),),
    ),
    # SambaNova: per minute where no window is named, epoch seconds.
    Case(
        "sambanova",
        {
            "x-ratelimit-limit-requests": "20",
            "x-ratelimit-remaining-requests": "0",
            "x-ratelimit-reset-requests": str(int(NOW) + 30),
            "x-ratelimit-limit-requests-day": "400",
            "x-ratelimit-remaining-requests-day": "12",
            "x-ratelimit-reset-requests-day": str(int(NOW) + 35_200),
        },
        None,
        (("requests", MINUTE, 20, 0, 30.0), ("requests", DAY, 400, 12, 35_200.0)),
        30.0,
        PER_MINUTE,
    ),
    Case(
        "sambanova",
        {},
        "Request would exceed rate limit\nViolated duration_s: 86400, current usage: 196279, limit: 200000",
        (("tokens", DAY, 200_000, 3721, 86_400.0),),
        86_400.0,
    ),
    Case(
        "sambanova",
        {},
        _said("Rate limit exceeded. You have exceeded 20 requests per day for this model."),
        (("requests", DAY, 20, 0, None),),
    ),
    # Mistral, three generations.
    Case(
        "mistral by size",
        {
            "ratelimitbysize-limit": "500000",
            "ratelimitbysize-remaining": "459000",
            "ratelimitbysize-reset": "45",
            "ratelimitbysize-query-cost": "1000",
            "x-ratelimitbysize-limit-minute": "500000",
            "x-ratelimitbysize-remaining-minute": "459000",
            "x-ratelimitbysize-limit-month": "1000000000",
            "x-ratelimitbysize-remaining-month": "999957188",
        },
        None,
        (("tokens", MINUTE, 500_000, 459_000, 45.0), ("tokens", MONTH, 1_000_000_000, 999_957_188, None)),
    ),
    Case(
        "mistral 60 seconds",
        {
            "x-ratelimit-limit-req-60-second": "360",
            "x-ratelimit-remaining-req-60-second": "162",
            "x-ratelimit-limit-tokens-5-minute": "600000",
            "x-ratelimit-remaining-tokens-5-minute": "595447",
            "x-ratelimit-limit-tokens-month": "200000000000",
            "x-ratelimit-remaining-tokens-month": "199999987105",
            "x-ratelimit-tokens-query-cost": "14",
        },
        None,
        (
            ("requests", MINUTE, 360, 162, None),
            ("tokens", 300.0, 600_000, 595_447, None),
            ("tokens", MONTH, 200_000_000_000, 199_999_987_105, None),
        ),
    ),
    Case(
        "mistral minutes",
        {
            "x-ratelimit-limit-req-minute": "60",
            "x-ratelimit-remaining-req-minute": "58",
            "x-ratelimit-limit-tokens-minute": "50000",
            "x-ratelimit-remaining-tokens-minute": "49000",
            "x-max-retry-attempts-reached": "false",
        },
        None,
        (("requests", MINUTE, 60, 58, None), ("tokens", MINUTE, 50_000, 49_000, None)),
    ),
    Case(
        "mistral minutes",
        {
            "x-ratelimit-limit-req-minute": "360",
            "x-ratelimit-remaining-req-minute": "357",
            "x-ratelimit-limit-audio-seconds-minute": "7200",
            "x-ratelimit-remaining-audio-seconds-minute": "7197",
            "x-ratelimit-audio-seconds-query-cost": "3",
            "x-ratelimit-limit-ocr-pages-minute": "1250",
            "x-ratelimit-remaining-input-characters-minute": "0",
        },
        None,
        (("requests", MINUTE, 360, 357, None), ("audio_seconds", MINUTE, 7200, 7197, None)),
    ),
    # Cohere: trial calls per minute, calls per month.
    Case(
        "cohere",
        {
            "x-trial-endpoint-call-limit": "20",
            "x-trial-endpoint-call-remaining": "5",
            "x-endpoint-monthly-call-limit": "1000",
        },
        None,
        (("requests", MINUTE, 20, 5, None), ("requests", MONTH, 1000, None, None)),
    ),
    Case(
        "cohere",
        {},
        {
            "message": "You are using a Trial key, which is limited to 20 API calls / minute. You can continue to use the Trial key"
        },
        (("requests", MINUTE, 20, 0, None),),
    ),
    Case(
        "cohere",
        {},
        {"message": "You are using a Trial key, which is limited to 1000 API calls / month."},
        (("requests", MONTH, 1000, 0, None),),
    ),
    Case(
        "cohere",
        {},
        {"message": "trial token rate limit exceeded, limit is 100000 tokens per minute"},
        (("tokens", MINUTE, 100_000, 0, None),),
    ),
    # Together: by the second, also less than one.
    Case(
        "together",
        {
            "retry-after": "2",
            "x-ratelimit": "false",
            "x-ratelimit-limit": "10",
            "x-ratelimit-limit-tokens": "3000",
            "x-ratelimit-limit-dynamic": "1",
            "x-ratelimit-remaining": "19",
            "x-ratelimit-remaining-tokens": "2990.4",
            "x-ratelimit-remaining-dynamic": "0",
            "x-ratelimit-reset": "2",
        },
        None,
        (("requests", 1.0, 10, 19, 2.0), ("tokens", 1.0, 3000, 2990, None)),
        2.0,
    ),
    Case(
        "together",
        {
            "retry-after": "7",
            "x-ratelimit": "true",
            "x-ratelimit-limit": "0.1",
            "x-ratelimit-remaining": "0",
            "x-ratelimit-reset": "7",
        },
        _said(
            "You have reached the rate limit specific to this model x/y. The maximum rate limit for this model is 6.0 queries and 60000 tokens per minute."
        ),
        (("requests", MINUTE, 6, 0, 7.0), ("tokens", MINUTE, 60_000, None, None)),
        7.0,
    ),
    Case(
        "together",
        {
            "x-ratelimit": "false",
            "x-ratelimit-limit": "4",
            "x-ratelimit-limit-tokens": "0",
            "x-ratelimit-remaining": "7",
            "x-ratelimit-remaining-tokens": "0",
            "x-ratelimit-reset": "2",
        },
        None,
        (("requests", 1.0, 4, 7, 2.0),),
    ),
    Case(
        "together",
        {"x-tokenlimit-limit": "60000", "x-tokenlimit-remaining": "59000"},
        None,
        (("tokens", None, 60_000, 59_000, None),),
    ),
    Case(
        "together",
        {},
        _said("Request was rejected due to request rate limiting. Your rate limits are 60 RPM (1 QPS) and 60000 TPM."),
        (("requests", MINUTE, 60, None, None), ("tokens", MINUTE, 60_000, None, None)),
    ),
    # Fireworks and Nebius: parts of the tokens, and a flag.
    Case(
        "fireworks, nebius",
        {
            "x-ratelimit-limit-requests": "60",
            "x-ratelimit-remaining-requests": "59",
            "x-ratelimit-limit-tokens-prompt": "60000",
            "x-ratelimit-remaining-tokens-prompt": "59954",
            "x-ratelimit-limit-tokens-generated": "6000",
            "x-ratelimit-remaining-tokens-generated": "5469",
            "x-ratelimit-over-limit": "no",
        },
        None,
        (("requests", None, 60, 59, None), ("tokens", None, 60_000, 59_954, None)),
    ),
    Case(
        "fireworks, nebius",
        {
            "x-ratelimit-limit-requests": "600",
            "x-ratelimit-remaining-requests": "599",
            "x-ratelimit-reset-requests": "1s",
            "x-ratelimit-dynamic-period-remaining": "894s",
            "x-ratelimit-dynamic-scale-requests": "1.00",
            "x-ratelimit-over-limit": "yes",
        },
        None,
        (("requests", None, 600, 0, 1.0),),
        1.0,
    ),
    Case("fireworks, nebius", {"x-ratelimit-over-limit": "yes"}, None, (("requests", None, None, 0, None),)),
    # Hugging Face, and every draft of the IETF.
    Case(
        "ietf",
        {"ratelimit": '"api";r=0;t=55', "ratelimit-policy": '"fixed window";"api";q=500;w=300'},
        None,
        (("requests", 300.0, 500, 0, 55.0),),
        55.0,
    ),
    Case("ietf", {"ratelimit": '"default";r=50;t=30'}, None, (("requests", None, None, 50, 30.0),)),
    Case(
        "ietf",
        {"ratelimit": "default;r=50;t=30", "ratelimit-policy": 'default;q=100;w=60;qu="requests"'},
        None,
        (("requests", MINUTE, 100, 50, 30.0),),
    ),
    Case(
        "ietf",
        {"ratelimit": "limit=100, remaining=50, reset=5", "ratelimit-policy": "100;w=60"},
        None,
        (("requests", MINUTE, 100, 50, 5.0),),
    ),
    Case(
        "ietf",
        {
            "ratelimit": "limit=10, remaining=4, reset=5",
            "ratelimit-policy": '10;w=1, 1000;w=3600;comment="sliding, window"',
        },
        None,
        (("requests", 1.0, 10, 4, 5.0), ("requests", HOUR, 1000, None, None)),
    ),
    Case(
        "ietf",
        {"ratelimit-limit": "100, 100;w=60", "ratelimit-remaining": "50", "ratelimit-reset": "5"},
        None,
        (("requests", MINUTE, 100, 50, 5.0),),
    ),
    Case(
        "ietf",
        {"ratelimit-limit": "100", "ratelimit-remaining": "0", "ratelimit-reset": "5", "ratelimit-policy": "100;w=60"},
        None,
        (("requests", MINUTE, 100, 0, 5.0),),
        5.0,
    ),
    Case(
        "ietf",
        {
            "ratelimit": '"burst";r=0;t=1, "day";r=900;t=3600',
            "ratelimit-policy": '"burst";q=10;w=1,"day";q=1000;w=86400, "bytes";q=9;qu="content-bytes"',
        },
        None,
        (("requests", 1.0, 10, 0, 1.0), ("requests", DAY, 1000, 900, 3600.0)),
        1.0,
    ),
    Case(
        "ietf",
        {
            "ratelimit": '"tokens-per-minute";r=10;t=9',
            "ratelimit-policy": '"tokens-per-minute";q=1000;w=60;pk=:cHsdsRa894==:',
        },
        None,
        (("tokens", MINUTE, 1000, 10, 9.0),),
    ),
    Case(
        "ietf",
        {
            "ratelimit-limit": "400",
            "ratelimit-remaining": "398",
            "ratelimit-reset": "18",
            "x-ratelimit-limit-minute": "400",
            "x-ratelimit-remaining-minute": "398",
        },
        None,
        (("requests", MINUTE, 400, 398, 18.0),),
    ),
    Case(
        "ietf",
        {"ratelimit": '"api";r=0;t=55'},
        {"error": "We had to rate limit you, you hit the quota of 1000 api requests per 5 minutes period."},
        (("requests", 300.0, 1000, 0, 55.0),),
        55.0,
    ),
    # GitHub and Azure: the period in a header of its own; the kind of limit beside the wait.
    Case(
        "github, azure",
        {
            "x-ratelimit-limit-requests": "1000",
            "x-ratelimit-remaining-requests": "999",
            "x-ratelimit-reset-requests": "60",
            "x-ratelimit-renewalperiod-requests": "60",
            "x-ratelimit-limit-tokens": "1000000",
            "x-ratelimit-remaining-tokens": "998942",
            "x-ratelimit-reset-tokens": "0",
            "x-ratelimit-renewalperiod-tokens": "60",
            "x-ratelimit-abusepenalty-active": "False",
            "x-ratelimit-key": "gpt-5",
        },
        None,
        (("requests", MINUTE, 1000, 999, 60.0), ("tokens", MINUTE, 1_000_000, 998_942, 0.0)),
    ),
    Case(
        "github, azure",
        {"retry-after": "44", "x-ratelimit-timeremaining": "44", "x-ratelimit-type": "UserByModelByMinute"},
        "Too many requests.",
        (("requests", MINUTE, None, 0, 44.0),),
        44.0,
    ),
    Case(
        "github, azure",
        {"x-ratelimit-timeremaining": "11000", "x-ratelimit-type": "UserByModelByDay"},
        _said("Rate limit of 50 per 86400s exceeded for UserByModelByDay. Please wait 11000 seconds before retrying."),
        (("requests", DAY, 50, 0, 11_000.0),),
        11_000.0,
    ),
    Case(
        "github, azure",
        {"x-ratelimit-remaining-requests": "0", "x-ratelimit-remaining-tokens": "999", "x-ms-retry-after-ms": "1500"},
        None,
        (("requests", None, None, 0, None), ("tokens", None, None, 999, None)),
        1.5,
    ),
    # Google: quotas by id, waits that see no further than the minute.
    Case(
        "google",
        {},
        _google(
            "You exceeded your current quota.",
            _quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "20"),
            delay="36s",
        ),
        (("requests", DAY, 20, 0, None),),
        36.0,
    ),
    Case(
        "google",
        {},
        _google(
            "You exceeded your current quota.",
            _quota("GenerateContentInputTokensPerModelPerMinute-FreeTier", "250000"),
            delay="22.375s",
        ),
        (("tokens", MINUTE, 250_000, 0, 22.375),),
        22.375,
    ),
    Case(
        "google",
        {},
        [
            _google(
                "You exceeded your current quota.",
                _quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "5"),
                delay="17s",
            )
        ],
        (("requests", MINUTE, 5, 0, 17.0),),
        17.0,
    ),
    Case(
        "google",
        {},
        _google(
            "* Quota exceeded for metric: generativelanguage.googleapis.com/generate_content_free_tier_requests, limit: 20, model: m\nPlease retry in 36.1s.",
            _quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier"),
        ),
        (("requests", DAY, 20, 0, None),),
        36.1,
    ),
    Case(
        "google",
        {},
        _google(
            "* Quota exceeded for metric: x/free_tier_requests, limit: 0",
            _quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "0"),
            delay="45s",
        ),
        (),
        45.0,
    ),
    Case(
        "google",
        {},
        _said(
            "Quota exceeded for quota metric 'Generate Content API requests per minute' and limit 'GenerateContent request limit per minute for a region' of service 's'."
        ),
        (("requests", MINUTE, None, 0, None),),
    ),
    # Cloudflare: the day's neurons.
    Case(
        "cloudflare",
        {},
        {
            "success": False,
            "errors": [
                {
                    "code": 4006,
                    "message": "AiError: you have used up your daily free allocation of 10,000 neurons, please upgrade",
                }
            ],
        },
        (("neurons", DAY, 10_000, 0, None),),
    ),
    Case(
        "cloudflare",
        {},
        {
            "success": False,
            "errors": [{"code": 3021, "message": "rate limiting: inference request per min rate reached"}],
        },
        (("requests", MINUTE, None, 0, None),),
    ),
    # Replicate.
    Case(
        "replicate", {"ratelimit-remaining": "599", "ratelimit-reset": "1"}, None, (("requests", None, None, 599, 1.0),)
    ),
    Case(
        "replicate",
        {},
        {
            "detail": "Request was throttled. Your rate limit for creating predictions is reduced to 6 requests per minute with a burst of 1 requests until you add a payment method. Your rate limit resets in ~9s.",
            "status": 429,
        },
        (("requests", MINUTE, 6, 0, 9.0),),
        9.0,
    ),
    # Anthropic's style: the unit before the kind, ISO 8601.
    Case(
        "anthropic style",
        {
            "anthropic-ratelimit-requests-limit": "50",
            "anthropic-ratelimit-requests-remaining": "0",
            "anthropic-ratelimit-requests-reset": "2026-09-21T14:14:00Z",
            "anthropic-ratelimit-tokens-limit": "40000",
            "anthropic-ratelimit-tokens-remaining": "39000",
            "anthropic-ratelimit-input-tokens-limit": "30000",
            "anthropic-ratelimit-input-tokens-remaining": "29000",
            "anthropic-ratelimit-output-tokens-remaining": "8000",
            "anthropic-ratelimit-unified-5h-reset": "1790003600",
        },
        None,
        (("requests", None, 50, 0, 40.0), ("tokens", None, 40_000, 39_000, None)),
        40.0,
    ),
    Case(
        "modelscope style",
        {
            "modelscope-ratelimit-requests-limit": "2000",
            "modelscope-ratelimit-requests-remaining": "1990",
            "modelscope-ratelimit-model-requests-limit": "500",
            "modelscope-ratelimit-model-requests-remaining": "490",
        },
        None,
        (("requests", None, 2000, 1990, None),),
    ),
    # `Retry-After`, whoever sends it; and what prose asks for.
    Case("retry-after", {"retry-after": "120"}, wait_s=120.0),
    Case("retry-after", {"retry-after": "2.5"}, wait_s=2.5),
    Case("retry-after", {"retry-after": formatdate(NOW + 90, usegmt=True)}, wait_s=90.0),
    Case("retry-after", {"retry-after": "Monday, 21-Sep-26 14:15:00 GMT"}, wait_s=100.0),
    Case("retry-after", {"retry-after": "PT1M30S"}, wait_s=90.0),
    Case("retry-after", {"retry-after": "2m59.56s"}, wait_s=179.56),
    Case("retry-after", {"retry-after": "30 seconds"}, wait_s=30.0),
    Case("retry-after", {"retry-after": str(int(NOW) + 60)}, wait_s=60.0),
    Case(
        "retry-after",
        {"retry-after": formatdate(NOW + 3690, usegmt=True), "date": formatdate(NOW + 3600, usegmt=True)},
        wait_s=90.0,
    ),
    Case("retry-after", {"x-retry-after": "9"}, wait_s=9.0),
    Case("retry-after", {"retry-after": "99999999"}, wait_s=31 * DAY),
    Case("retry-after", {}, {"error": {"retry_after": 30}}, wait_s=30.0),
    Case("retry-after", {}, {"error": {"metadata": {"retry_after_seconds": 2}}}, wait_s=2.0),
    Case("retry-after", {}, {"error": {"retry_after_ms": 660}}, wait_s=0.66),
    Case("prose", {}, _said("Please try again in 1 hour and 5 minutes."), wait_s=3900.0),
    Case("prose", {}, _said("Rate limit exceeded, please try again 50680 seconds later."), wait_s=50_680.0),
    Case("prose", {}, _said("Retry-After: 30"), wait_s=30.0),
    Case("prose", {}, _said("Your limit resets at 2026-09-21 14:15:00 UTC."), wait_s=100.0),
    Case("prose", {}, _said("Your limit resets on Mon, 21 Sep 2026 14:15:00 GMT."), wait_s=100.0),
    Case("prose", {}, _said("Rate limit reached (200 requests per hour)"), (("requests", HOUR, 200, 0, None),)),
    Case(
        "prose",
        {},
        _said(
            "Rate limit reached for gpt in organization o on requests per min. Limit: 3 / min. Please try again in 20s."
        ),
        (("requests", MINUTE, 3, None, None),),
        20.0,
    ),
    Case("prose", {}, _said("Add 10 credits to unlock 1000 free model requests per day")),
    Case("prose", {}, _said("Please try again later")),
    # What contradicts itself, or is beyond belief, tells nothing.
    Case("contradictions", {}, _said("on tokens per minute (TPM): Limit 8000, Used 100, Requested 200.")),
    Case("contradictions", {}, _said("limited to 20 requests per minute, limited to 30 requests per minute")),
    Case("contradictions", {}, _said("limited to 9999999999999 requests per day")),
    Case("contradictions", {}, _said("limited to 0 requests per day")),
    Case(
        "contradictions",
        {
            "x-ratelimit-limit-requests": "99999999999999",
            "x-ratelimit-remaining-requests": "-1",
            "x-ratelimit-limit-req-900-month": "5",
            "x-ratelimit-limit-req-0-second": "5",
        },
    ),
)


def read(case: Case) -> tuple[tuple[LimitObservation, ...], float | None]:
    """Return what the package reads: the limits, headers first, and the wait."""
    raw = case.body if isinstance(case.body, str) else ""
    payload = None if isinstance(case.body, str) else case.body
    text = raw or error_text(payload)
    found = joined((*read_limits(case.headers, case.quirks, NOW), *read_limits_told(payload, text, NOW)))
    return found, read_retry_after(case.headers, payload, text, NOW)


def differences(case: Case) -> list[str]:
    """Return how the package's reading differs from the table, nothing where it does not."""
    found, wait_s = read(case)
    got = [(seen.unit, seen.window_s, seen.limit, seen.remaining, _after(seen.reset_at)) for seen in found]
    due = [(unit, window_s, limit, left, _rounded(reset)) for unit, window_s, limit, left, reset in case.told]
    wrong = [] if got == due else [f"limits {got} not {due}"]
    if _rounded(wait_s) != _rounded(case.wait_s):
        wrong.append(f"wait {wait_s} not {case.wait_s}")
    return wrong


def _after(moment: float | None) -> float | None:
    return None if moment is None else _rounded(moment - NOW)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
