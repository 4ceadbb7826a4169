"""How each host of the simulated week refuses: status, headers and body as they are on the wire.

Some tell when their window refills, some only which limit it was, some nothing. Shapes
are short forms of what is known of these hosts; who is mute here may tell more in truth.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from openmux_lc.types.catalog import Limit

DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of one call.

    Args:
        status: 0 where no connection came about, -1 where nobody answered in time.
        wait_s: What a `Retry-After` header says, the one hint that every client reads.
    """

    status: int
    headers: dict[str, str]
    body: str = ""
    wait_s: float | None = None

    @property
    def is_answer(self) -> bool:
        """Whether a model answered."""
        return self.status == 200


UNREACHABLE: Final = Reply(0, {})
TOO_LATE: Final = Reply(-1, {})
OVERLOADED: Final = Reply(503, {}, json.dumps({"error": {"message": "Service temporarily unavailable"}}))
BROKEN: Final = Reply(500, {}, json.dumps({"error": {"message": "Internal server error"}}))


def answered(provider: str, left: Sequence[tuple[Limit, float, float]]) -> Reply:
    """Return an answer's headers; only one of these hosts tells with each what is left.

    Args:
        left: Each limit, what is left of it, and seconds until something comes back.
    """
    if provider != "groq":
        return Reply(200, {})
    headers: dict[str, str] = {}
    for limit, amount, wait_s in left:
        is_day = limit.window.seconds >= DAY_S
        if is_day == (limit.unit == "requests"):  # requests of the day, tokens of the minute
            headers[f"x-ratelimit-limit-{limit.unit}"] = str(limit.amount)
            headers[f"x-ratelimit-remaining-{limit.unit}"] = str(max(0, int(amount)))
            headers[f"x-ratelimit-reset-{limit.unit}"] = f"{max(0.1, wait_s):.2f}s"
    return Reply(200, headers)


def gone(model: str) -> Reply:
    """Return how a host says that it has no such model any more."""
    return Reply(
        404, {}, json.dumps({"error": {"message": f"The model `{model}` does not exist", "code": "model_not_found"}})
    )


def over(provider: str, limit: Limit, now: float, resets_at: float, asked: int) -> Reply:
    """Return how `provider` refuses a call over `limit`, which refills at `resets_at`."""
    wait_s = max(1.0, resets_at - now)
    is_long = limit.window.kind.startswith("calendar") or limit.window.seconds >= DAY_S
    shape = {
        "openrouter": _openrouter,
        "groq": _groq,
        "gemini": _gemini,
        "llm7": _plain_with_wait,
        "cohere": _cohere,
        "cloudflare": _cloudflare,
    }.get(provider, _mute)
    return shape(limit, wait_s, resets_at, asked, is_long=is_long)


def _told(body: object, headers: dict[str, str] | None = None, wait_s: float | None = None) -> Reply:
    told = dict(headers or {})
    if wait_s is not None:
        told["retry-after"] = str(int(wait_s) + 1)
    return Reply(429, told, json.dumps(body), None if wait_s is None else float(int(wait_s) + 1))


def _openrouter(limit: Limit, wait_s: float, resets_at: float, asked: int, *, is_long: bool) -> Reply:
    what = "free-models-per-day" if is_long else "free-models-per-min"
    headers = {
        "X-RateLimit-Limit": str(limit.amount),
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": str(int(resets_at * 1000)),
    }
    error = {"message": f"Rate limit exceeded: {what}. ", "code": 429, "metadata": {"headers": headers}}
    return _told({"error": error}, {name.lower(): text for name, text in headers.items()})


def _groq(limit: Limit, wait_s: float, resets_at: float, asked: int, *, is_long: bool) -> Reply:
    short = f"{'T' if limit.unit == 'tokens' else 'R'}P{'D' if is_long else 'M'}"
    words = f"{limit.unit} per {'day' if is_long else 'minute'} ({short})"
    said = (
        f"Rate limit reached for model in organization on {words}: Limit {limit.amount}, "
        f"Used {limit.amount}, Requested {asked}. Please try again in {wait_s:.2f}s."
    )
    return _told({"error": {"message": said, "type": limit.unit, "code": "rate_limit_exceeded"}}, wait_s=wait_s)


def _gemini(limit: Limit, wait_s: float, resets_at: float, asked: int, *, is_long: bool) -> Reply:
    per = "Day" if is_long else "Minute"
    what = "GenerateContentInputTokens" if limit.unit == "tokens" else "GenerateRequests"
    violation = {
        "quotaId": f"{what}Per{per}PerProjectPerModel-FreeTier",
        "quotaValue": str(limit.amount),
    }
    details = [
        {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]},
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{min(wait_s, 59):.0f}s"},
    ]
    said = "You exceeded your current quota, please check your plan and billing details."
    return _told({"error": {"code": 429, "message": said, "status": "RESOURCE_EXHAUSTED", "details": details}})


def _cohere(limit: Limit, wait_s: float, resets_at: float, asked: int, *, is_long: bool) -> Reply:
    per = "month" if is_long else "minute"
    said = f"You are using a Trial key, which is limited to {limit.amount} API calls / {per}."
    return _told({"message": said})


def _cloudflare(limit: Limit, wait_s: float, resets_at: float, asked: int, *, is_long: bool) -> Reply:
    if not is_long:
        return _told({"errors": [{"code": 3040, "message": "Capacity temporarily exceeded, please try again."}]})
    said = "you have used up your daily free allocation of 10,000 neurons"
    return _told({"errors": [{"code": 4006, "message": said}], "success": False})


def _plain_with_wait(limit: Limit, wait_s: float, resets_at: float, asked: int, *, is_long: bool) -> Reply:
    return _told({"error": {"message": "Rate limit exceeded"}}, wait_s=wait_s)


def _mute(limit: Limit, wait_s: float, resets_at: float, asked: int, *, is_long: bool) -> Reply:
    return _told({"message": "Too Many Requests"})
