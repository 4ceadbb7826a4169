# ruff: noqa: E501 - tables are read by the row
"""Failures that nobody recorded for us, in the words that their hosts use, and what each one means.

The shapes are those of the hosts' own documentation (the error pages of OpenRouter, Cloudflare, Cohere, Together, Groq,
Gemini and Replicate), of the engines' sources and of bodies that people quoted in public issues. Long texts are cut, and
every number, name and identifier is made up. Modelled on these sources, not on traffic of ours.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from openmux_lc.errors import ProviderError
from openmux_lc.providers.exchange import Reply
from openmux_lc.providers.fault import to_fault
from openmux_lc.types.catalog import Limit, Window
from tests.providers.calls import call, provider

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()
MIDNIGHT, PACIFIC = 43_200, 20 * 3600
"""Seconds from noon to the end of the day, here and by the Pacific."""
FIRST = 10 * 86_400 + 43_200
DAY = 86_400

Verdict = tuple[str, str, str]
KEY: Verdict = ("AuthenticationFailed", "key", "skip_provider")
MONEY: Verdict = ("PaymentRequired", "account", "skip_provider")
PAID: Verdict = ("PaymentRequired", "model", "next_route")
GONE: Verdict = ("ModelGone", "model", "next_route")
GONE_HOST: Verdict = ("ModelGone", "provider", "skip_provider")
BAD: Verdict = ("InvalidRequest", "request", "next_route")
LONG: Verdict = ("ContextOverflow", "model", "next_route")
FAILED: Verdict = ("ServerError", "model", "next_route")
DOWN: Verdict = ("ServerError", "provider", "skip_provider")
LOST: Verdict = ("ConnectionFailed", "provider", "skip_provider")
CLOSED: Verdict = ("PermissionDenied", "model", "next_route")
CLOSED_ACCOUNT: Verdict = ("PermissionDenied", "account", "skip_provider")
CLOSED_HOST: Verdict = ("PermissionDenied", "provider", "skip_provider")
BLOCKED: Verdict = ("PermissionDenied", "request", "next_route")
SLOW: Verdict = ("RateLimited", "model", "next_route")
SLOW_ALL: Verdict = ("RateLimited", "account", "skip_provider")
AGAIN: Verdict = ("BadPayload", "model", "retry")


def _limit(scope: str) -> tuple[Limit, ...]:
    return (Limit(unit="requests", amount=1, window=Window(kind="rolling", seconds=1.0), scope=scope),)


_ROWS: dict[str, dict[str, Any]] = {
    "openrouter": {"quirks": frozenset({"account_limits"})},
    "gemini": {"quirks": frozenset({"pacific_days"}), "limits": _limit("account_model")},
    "pollinations": {"limits": _limit("ip")},
    **{name: {"limits": _limit("account")} for name in ("mistral", "nvidia", "cloudflare", "cohere", "replicate")},
    **{name: {"limits": _limit("account_model")} for name in ("groq", "cerebras", "sambanova")},
}
"""What the shipped rows say of whose limits they are."""


class Case(NamedTuple):
    host: str
    status: int
    body: Any
    verdict: Verdict
    wait_s: float | None = None
    headers: Mapping[str, str] = MappingProxyType({})


def _openai(message: Any, *, code: Any = None, kind: Any = "invalid_request_error", **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code, **more}}


def _router(code: Any, message: str, **metadata: Any) -> dict[str, Any]:
    return {
        "error": {"code": code, "message": message, **({"metadata": metadata} if metadata else {})},
        "user_id": "user_1",
    }


def _behind(code: Any, name: str, raw: Any, **metadata: Any) -> dict[str, Any]:
    text = raw if isinstance(raw, str) else json.dumps(raw)
    return _router(code, "Provider returned error", raw=text, provider_name=name, **metadata)


def _typed(code: int, message: str, error_type: str) -> dict[str, Any]:
    return _router(code, message, error_type=error_type)


def _google(code: int, message: str, status: str, *details: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "status": status, "details": list(details)}}


def _reason(reason: str) -> dict[str, Any]:
    kind = "type.googleapis.com/google.rpc.ErrorInfo"
    return {
        "@type": kind,
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": {"service": "generativelanguage.googleapis.com"},
    }


def _quota(*quota_ids: str) -> dict[str, Any]:
    return {
        "@type": "type.googleapis.com/google.rpc.QuotaFailure",
        "violations": [{"quotaId": one} for one in quota_ids],
    }


def _retry(delay: str) -> dict[str, Any]:
    return {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}


def _flat(message: Any, kind: str = "invalid_request_error", code: Any = None, **more: Any) -> dict[str, Any]:
    return {"object": "error", "message": message, "type": kind, "param": None, "code": code, **more}


def _cohere(message: str) -> dict[str, Any]:
    return {"id": "11111111-2222-3333-4444-555555555555", "message": message}


def _cf(code: int, message: str) -> dict[str, Any]:
    return {"success": False, "errors": [{"code": code, "message": message}], "messages": [], "result": None}


def _github(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "details": message}}


def _problem(status: int, title: str, detail: Any = None) -> dict[str, Any]:
    return {"status": status, "title": title, **({"detail": detail} if detail is not None else {})}


def _pollen(status: int, code: str, message: str) -> dict[str, Any]:
    return {
        "status": status,
        "success": False,
        "error": {"code": code, "message": message, "timestamp": "2026-02-03T14:31:22.030Z"},
    }


def _tgi(message: str, kind: str) -> dict[str, Any]:
    return {"error": message, "error_type": kind}


_QUOTA = "You exceeded your current quota, please check your plan and billing details. For more information on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits."
_FREE = "* Quota exceeded for metric: generativelanguage.googleapis.com/generate_content_free_tier_requests, limit: "
_AZURE_FILTER = {
    "error": {
        "message": "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your prompt and retry.",
        "type": None,
        "param": "prompt",
        "code": "content_filter",
        "status": 400,
        "innererror": {
            "code": "ResponsibleAIPolicyViolation",
            "content_filter_result": {"violence": {"filtered": True}},
        },
    }
}
_LATER = "Please try again later."

OPENROUTER = [
    Case("openrouter", 403, _router(403, 'x/y requires moderation on OpenAI. Your input was flagged for "violence". No credits were charged.', reasons=["violence"], flagged_input="rate limit per day, insufficient credits", provider_name="OpenAI", model_slug="x/y"), BLOCKED),
    Case("openrouter", 403, _router(403, "Request blocked: prompt injection patterns detected", patterns=["ignore all previous instructions"]), BLOCKED),
    Case("openrouter", 403, _router(403, "Key limit exceeded (total limit). Manage it using https://openrouter.ai/settings/keys"), MONEY, DAY),
    Case("openrouter", 401, _router(401, "User not found."), KEY),
    Case("openrouter", 401, _router(401, "No cookie auth credentials found"), KEY),
    Case("openrouter", 402, _router(402, "Your account or API key has insufficient credits."), MONEY, DAY),
    Case("openrouter", 402, _router(402, "Spending is paused.", limit_source="openrouter_in_flight_budget"), SLOW_ALL, 5, {"retry-after": "5"}),
    Case("openrouter", 402, _behind(402, "DeepSeek", {"error": {"message": "Insufficient Balance", "type": "unknown_error", "code": "invalid_request_error"}}), PAID, DAY),
    Case("openrouter", 404, _router(404, "No allowed providers are available for the selected model."), CLOSED),
    Case("openrouter", 404, _router(404, "No endpoints found matching your data policy (Paid model training). Configure: https://openrouter.ai/settings/privacy"), CLOSED),
    Case("openrouter", 404, _router(404, "No endpoints available matching your guardrail restrictions and data policy. Configure: https://openrouter.ai/settings/privacy"), CLOSED),
    Case("openrouter", 404, _router(404, "No endpoints found that support image input"), BAD),
    Case("openrouter", 404, _router(404, "No endpoints found that support tool use. To learn more about provider routing, visit: https://openrouter.ai/docs"), BAD),
    Case("openrouter", 404, _router(404, "No endpoints found that can handle the requested parameters. To learn more about provider routing, visit: https://openrouter.ai/docs"), BAD),
    Case("openrouter", 404, _router(404, "This model is unavailable for free. The paid version is available now - use this slug instead: x/y"), GONE),
    Case("openrouter", 404, _router(404, "Grok 4 Fast's free period ended. To continue using this model, please migrate to the paid slug: x/y"), GONE),
    Case("openrouter", 404, _typed(404, "The referenced image could not be resolved.", "image_not_found"), BAD),
    Case("openrouter", 400, _typed(400, "The image is corrupt.", "invalid_image"), BAD),
    Case("openrouter", 400, _typed(400, "Could not download the image.", "image_download_failed"), BAD),
    Case("openrouter", 400, _typed(400, "A message is too long.", "string_too_long"), LONG),
    Case("openrouter", 400, _typed(400, "Input and output exceed the window.", "context_length_exceeded"), LONG),
    Case("openrouter", 400, _typed(400, "Flagged by a filter.", "content_policy_violation"), BLOCKED),
    Case("openrouter", 400, _typed(400, "The model does not comply.", "refusal"), BLOCKED),
    Case("openrouter", 408, _router(408, "Request timed out"), FAILED),
    Case("openrouter", 413, _typed(413, "Payload too large", "payload_too_large"), LONG),
    Case("openrouter", 422, _typed(422, "Unprocessable", "unprocessable"), BAD),
    Case("openrouter", 429, _router(429, "Rate limit exceeded: free-models-per-day-high-balance. ", headers={"X-RateLimit-Limit": "1000", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int((NOON + 43_200) * 1000))}, provider_name=None), SLOW_ALL, MIDNIGHT),
    Case("openrouter", 429, _behind(429, "Venice", "x/y:free is temporarily rate-limited upstream. Please retry shortly.", is_byok=False, limit_source="upstream_provider_shared_pool", retry_after_seconds=30), SLOW, 30),
    Case("openrouter", 429, _behind(429, "Google AI Studio", _google(429, _QUOTA + "\n" + _FREE + "20, model: x\nPlease retry in 12.5s.", "RESOURCE_EXHAUSTED")), SLOW, 12.5),
    Case("openrouter", 429, _router(429, "Rate limit exceeded", error_type="rate_limit_exceeded", provider_code="rate_limited"), SLOW),
    Case("openrouter", 200, _router(429, "Rate limit exceeded", error_type="rate_limit_exceeded"), SLOW),
    Case("openrouter", 200, _router(429, "Rate limit exceeded: free-models-per-min. "), SLOW_ALL, 60),
    Case("openrouter", 200, _router(429, "Provider overloaded", error_type="provider_overloaded"), FAILED),
    Case("openrouter", 200, {"id": "gen-1", "choices": [], "error": {"code": 503, "message": "provider overloaded", "metadata": {"error_type": "provider_overloaded"}}}, FAILED),
    Case("openrouter", 200, _router(502, "Provider disconnected mid-stream", error_type="provider_unavailable"), FAILED),
    Case("openrouter", 200, _behind(503, "Nvidia", {"error": {"message": "ResourceExhausted"}}, error_type="provider_overloaded"), FAILED),
    Case("openrouter", 200, _router(500, "Internal Server Error", error_type="server"), FAILED),
    Case("openrouter", 200, _router(504, "The operation was aborted", error_type="timeout"), FAILED),
    Case("openrouter", 200, {"error": {"message": "Reached a limit", "metadata": {"error_type": "context_length_exceeded"}}}, LONG),
    Case("openrouter", 200, {"type": "error", "error": {"type": "overloaded_error", "message": "Provider is temporarily overloaded", "error_type": "provider_overloaded"}}, FAILED),
    Case("openrouter", 500, _router(500, "Internal Server Error"), FAILED),
    Case("openrouter", 502, _router(502, "Network connection lost.", error_type="provider_unavailable"), FAILED),
    Case("openrouter", 502, _behind(502, "Cloudflare", "upstream connect error or disconnect/reset before headers. reset reason: connection termination"), FAILED),
    Case("openrouter", 502, _behind(502, "Fireworks", _openai("Internal server error", kind="server_error")), FAILED),
    Case("openrouter", 503, _router(503, "There is no available model provider that meets your routing requirements"), FAILED),
    Case("openrouter", 503, _router(503, "Provider returned error", error_type="provider_overloaded"), FAILED, 7, {"retry-after": "7"}),
    Case("openrouter", 529, _router(529, "Provider returned error", error_type="provider_overloaded"), FAILED),
    Case("openrouter", 400, _behind(400, "Anthropic", {"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long: 219898 tokens > 200000 maximum"}}), LONG),
    Case("openrouter", 400, _behind(400, "Google", _google(400, "The input token count (1196265) exceeds the maximum number of tokens allowed (1048575).", "INVALID_ARGUMENT")), LONG),
    Case("openrouter", 400, _behind(400, "xAI", {"code": "Client specified an invalid argument", "error": "Argument not supported on this model: presencePenalty"}), BAD),
    Case("openrouter", 400, _behind(400, "xAI", {"code": "Client specified an invalid argument", "error": "This model's maximum prompt length is 131072 but the request contains 537812 tokens."}), LONG),
    Case("openrouter", 400, _behind(400, "Azure", _AZURE_FILTER), BLOCKED),
    Case("openrouter", 400, _behind(400, "Alibaba", _openai("<400> InternalError.Algo.DataInspectionFailed: Input text data may contain inappropriate content.", code="data_inspection_failed")), BLOCKED),
    Case("openrouter", 400, _behind(400, "OpenAI", _openai("Your organization must be verified to stream this model.", code="unsupported_value")), CLOSED),
    Case("openrouter", 400, _behind(400, "Google", _google(400, "User location is not supported for the API use.", "FAILED_PRECONDITION")), CLOSED),
    Case("openrouter", 401, _behind(401, "OpenAI", _openai("Incorrect API key provided: sk-proj-****abcd.", code="invalid_api_key")), FAILED),
    Case("openrouter", 404, _behind(404, "Chutes", {"detail": "model not found: x/y"}), GONE),
    Case("openrouter", 404, _behind(404, "Nvidia", _problem(404, "Not Found", "Function 'f': Not found for account 'a'")), GONE),
    Case("openrouter", 429, _behind(429, "OpenAI", _openai("You exceeded your current quota, please check your plan and billing details.", code="insufficient_quota", kind="insufficient_quota")), PAID, DAY),
]  # fmt: skip

GROQ = [
    Case("groq", 400, _openai("The model `m` has been decommissioned and is no longer supported. Please refer to https://console.groq.com/docs/deprecations", code="model_decommissioned"), GONE),
    Case("groq", 400, _openai("Failed to generate JSON. Please adjust your prompt. See 'failed_generation' for more details.", code="json_validate_failed", failed_generation="insufficient credits"), AGAIN),
    Case("groq", 400, _openai("Parsing failed. The model generated output that could not be parsed. See 'failed_generation'.", code="output_parse_failed", failed_generation="x"), AGAIN),
    Case("groq", 400, _openai("attempted to call tool 'x' which was not in request.tools", code="tool_use_failed"), AGAIN),
    Case("groq", 400, _openai("Please reduce the length of the messages or completion.", code="context_length_exceeded"), LONG),
    Case("groq", 400, _openai("Organization has been restricted. Please reach out to support if you believe this was in error.", code="organization_restricted"), CLOSED_ACCOUNT),
    Case("groq", 400, _openai("`max_tokens` must be less than or equal to `8192`, the maximum value for `max_tokens` is less than the `context_window` for this model"), BAD),
    Case("groq", 400, _openai("'messages.0' : for 'role:system' the following must be satisfied[('messages.0' : property 'name' is unsupported)]"), BAD),
    Case("groq", 400, _openai("`reasoning_effort` must be one of `none` or `default`"), BAD),
    Case("groq", 400, _openai("Tools should have a name!"), BAD),
    Case("groq", 400, _openai("This model does not support image input"), BAD),
    Case("groq", 403, _openai("Access denied. Please check your network settings.", kind=None), CLOSED_HOST),
    Case("groq", 403, _openai("The model `m` is blocked at the organization level. Please have the org admin enable this model in the org settings at https://console.groq.com/settings/limits", code="model_permission_blocked_org", kind="permissions_error"), CLOSED),
    Case("groq", 403, "error code: 1010", CLOSED_HOST),
    Case("groq", 413, _openai("Request Entity Too Large", code="request_too_large"), LONG),
    Case("groq", 422, _openai("The model output could not be processed"), BAD),
    Case("groq", 429, _openai("Rate limit reached for model `m` in organization `org_1` service tier `on_demand` on requests per day (RPD): Limit 1000, Used 1000, Requested 1. Please try again in 1m26.4s.", code="rate_limit_exceeded", kind="requests"), SLOW, 87, {"retry-after": "87"}),
    Case("groq", 429, _openai("Rate limit reached for model `m` in organization `org_1` on tokens per day (TPD): Limit 200000, Used 199999. Please try again in 14h2m.", code="rate_limit_exceeded", kind="tokens"), SLOW, 50_520),
    Case("groq", 429, _openai("Rate limit reached for model `whisper-large-v3` on seconds of audio per hour (ASPH): Limit 7200, Used 7100, Requested 200. Please try again in 4m11s.", code="rate_limit_exceeded", kind="seconds"), SLOW, 251),
    Case("groq", 429, _openai("Rate limit reached for model `m` on tokens per minute (TPM): Limit 8000.", code="rate_limit_exceeded", kind="tokens"), SLOW, 60),
    Case("groq", 498, _openai("Flex tier capacity exceeded", code="capacity_exceeded"), SLOW),
    Case("groq", 500, _openai("Internal Server Error", kind="internal_server_error"), FAILED),
    Case("groq", 502, "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>", FAILED),
    Case("groq", 503, _openai("m is currently over capacity. Please try again and back off exponentially. Visit https://groqstatus.com", kind="internal_server_error"), FAILED),
    Case("groq", 503, _openai("Service Unavailable", kind="internal_server_error"), FAILED, 2, {"retry-after": "2"}),
]  # fmt: skip

GEMINI = [
    Case("gemini", 400, _google(400, "User location is not supported for the API use.", "FAILED_PRECONDITION"), CLOSED_HOST),
    Case("gemini", 400, _google(400, "Gemini API free tier is not available in your country. Please enable billing on your project in Google AI Studio.", "FAILED_PRECONDITION"), CLOSED_HOST),
    Case("gemini", 400, _google(400, "The input token count (1234567) exceeds the maximum number of tokens allowed (1048576).", "INVALID_ARGUMENT"), LONG),
    Case("gemini", 400, _google(400, "API key expired. Please renew the API key.", "INVALID_ARGUMENT", _reason("API_KEY_INVALID")), KEY),
    Case("gemini", 400, [_google(400, "Missing or invalid Authorization header.", "INVALID_ARGUMENT")], KEY),
    Case("gemini", 400, _google(400, "Please ensure that function call turn comes immediately after a user turn or after a function response turn.", "INVALID_ARGUMENT"), BAD),
    Case("gemini", 400, _google(400, "* GenerateContentRequest.contents: contents is not specified\n", "INVALID_ARGUMENT"), BAD),
    Case("gemini", 400, _google(400, "Unable to process input image. Please retry or report in https://developers.generativeai.google", "INVALID_ARGUMENT"), BAD),
    Case("gemini", 400, _google(400, "Developer instruction is not enabled for models/m", "INVALID_ARGUMENT"), BAD),
    Case("gemini", 400, _google(400, "Budget 0 is invalid. This model only works in thinking mode.", "INVALID_ARGUMENT"), BAD),
    Case("gemini", 400, _google(400, "The specified schema produces a constraint that has too many states for serving.", "INVALID_ARGUMENT"), BAD),
    Case("gemini", 400, _google(400, "Tool use with function calling is unsupported by the model.", "INVALID_ARGUMENT"), BAD),
    Case("gemini", 400, _google(400, "Function call is missing a thought_signature in functionCall parts.", "INVALID_ARGUMENT"), BAD),
    Case("gemini", 401, _google(401, "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.", "UNAUTHENTICATED"), KEY),
    Case("gemini", 403, _google(403, "Generative Language API has not been used in project 123 before or it is disabled. Enable it by visiting https://console.developers.google.com/x then retry.", "PERMISSION_DENIED", _reason("SERVICE_DISABLED")), CLOSED_ACCOUNT),
    Case("gemini", 403, _google(403, "Your project has been denied access. Please contact support.", "PERMISSION_DENIED"), CLOSED_ACCOUNT),
    Case("gemini", 403, _google(403, "Your API key was reported as leaked. Please use another API key.", "PERMISSION_DENIED"), KEY),
    Case("gemini", 403, _google(403, "Requests to this API generativelanguage.googleapis.com method GenerateContent are blocked.", "PERMISSION_DENIED", _reason("API_KEY_SERVICE_BLOCKED")), KEY),
    Case("gemini", 403, _google(403, "Requests from referer <empty> are blocked.", "PERMISSION_DENIED", _reason("API_KEY_HTTP_REFERRER_BLOCKED")), KEY),
    Case("gemini", 403, _google(403, "The caller does not have permission", "PERMISSION_DENIED"), CLOSED),
    Case("gemini", 404, _google(404, "This model models/m is no longer available to new users. Please update your code to use a newer model.", "NOT_FOUND"), GONE),
    Case("gemini", 429, _google(429, _QUOTA + "\n" + _FREE + "0, model: m\n" + _FREE + "0, model: m\nPlease retry in 45.5s.", "RESOURCE_EXHAUSTED", _quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier"), _retry("45s")), CLOSED),
    Case("gemini", 429, [_google(429, _QUOTA + "\n" + _FREE + "0\nPlease retry in 45.5s.", "RESOURCE_EXHAUSTED")], CLOSED),
    Case("gemini", 429, _google(429, _QUOTA + "\n" + _FREE + "20, model: m\nPlease retry in 36.1s.", "RESOURCE_EXHAUSTED", _quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier"), _retry("36s")), SLOW, PACIFIC),
    Case("gemini", 429, _google(429, _QUOTA, "RESOURCE_EXHAUSTED", _quota("GenerateContentInputTokensPerModelPerMinute-FreeTier", "GenerateRequestsPerDayPerProjectPerModel-FreeTier"), _retry("3s")), SLOW, PACIFIC),
    Case("gemini", 429, _google(429, _QUOTA, "RESOURCE_EXHAUSTED", _quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier"), _retry("17s")), SLOW, 17),
    Case("gemini", 429, _google(429, "Resource has been exhausted (e.g. check quota).", "RESOURCE_EXHAUSTED"), SLOW),
    Case("gemini", 429, _google(429, "Your prepayment credits are depleted. Please go to AI Studio to manage your project and billing.", "RESOURCE_EXHAUSTED"), MONEY, DAY),
    Case("gemini", 429, _google(429, "Your project has exceeded its monthly spending cap. Please go to AI Studio to manage your project spend cap.", "RESOURCE_EXHAUSTED"), MONEY, FIRST),
    Case("gemini", 429, _google(429, "No capacity available for model m on the server", "RESOURCE_EXHAUSTED", _reason("MODEL_CAPACITY_EXHAUSTED")), FAILED),
    Case("gemini", 499, _google(499, "The operation was cancelled.", "CANCELLED"), FAILED),
    Case("gemini", 500, _google(500, "Internal error encountered.", "INTERNAL"), FAILED),
    Case("gemini", 503, _google(503, "This model is currently experiencing high demand. Spikes in demand are usually temporary. " + _LATER, "UNAVAILABLE"), FAILED),
    Case("gemini", 503, [_google(503, "The service is currently unavailable.", "UNAVAILABLE")], FAILED),
    Case("gemini", 504, _google(504, "Deadline expired before operation could complete.", "DEADLINE_EXCEEDED"), FAILED),
    Case("gemini", 200, _google(503, "The model is overloaded. " + _LATER, "UNAVAILABLE"), FAILED),
    Case("gemini", 200, {"error": {"message": json.dumps(_google(429, _QUOTA + _FREE + "20", "RESOURCE_EXHAUSTED", _retry("9s"))), "code": 429, "status": "Too Many Requests"}}, SLOW, 9),
]  # fmt: skip

MISTRAL_COHERE = [
    Case("mistral", 422, _flat({"detail": [{"type": "extra_forbidden", "loc": ["body", "max_completion_tokens"], "msg": "Extra inputs are not permitted", "input": 32000}]}), BAD),
    Case("mistral", 429, _flat("Rate limit exceeded", "rate_limited", "1300", raw_status_code=429), SLOW_ALL),
    Case("mistral", 429, _flat("Service tier capacity exceeded for this model."), SLOW),
    Case("mistral", 503, _flat("Service tier capacity exceeded for this model.", "service_tier_capacity_exceeded", "3505"), FAILED),
    Case("mistral", 400, _flat("Prompt contains 40960 tokens and 0 draft tokens, too large for model with 32768 maximum context length", code="3051"), LONG),
    Case("mistral", 400, _flat("Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant", "invalid_request_message_order", "3230"), BAD),
    Case("mistral", 400, _flat("Not the same number of function calls and responses", "invalid_request_message_order", "3230"), BAD),
    Case("mistral", 400, _flat("Tool call id was call_1 but must be a-z, A-Z, 0-9, with a length of 9.", "invalid_function_call", "3280"), BAD),
    Case("mistral", 400, _flat("Invalid model: mistral-moderation-latest", "invalid_model", "1500"), GONE),
    Case("mistral", 403, _flat("This model is not available in your plan", "tier_not_allowed", "1910"), CLOSED),
    Case("mistral", 500, _flat("Service unavailable.", "unreachable_backend", "1100"), FAILED),
    Case("mistral", 503, {"message": "failure to get a peer from the ring-balancer", "request_id": "r"}, FAILED),
    Case("mistral", 504, {"message": "The upstream server is timing out", "request_id": "r"}, FAILED),
    Case("mistral", 502, "Bad Gateway", FAILED),
    Case("mistral", 401, {"detail": "Unauthorized"}, KEY),
    Case("cohere", 400, _cohere("too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 4292. Try using a shorter prompt."), LONG),
    Case("cohere", 400, _cohere("too many tokens: max tokens must be less than or equal to 4096, the maximum output for this model - received 8192."), LONG),
    Case("cohere", 400, _cohere("too many tokens: multi-hop prompt is too long even after truncation"), LONG),
    Case("cohere", 400, _cohere("invalid request: valid input_type must be provided with the provided model"), BAD),
    Case("cohere", 400, _cohere("invalid request: model 'command-r' is not supported by the generate API"), BAD),
    Case("cohere", 400, _cohere("invalid request: total number of texts must be at most 96 - received 104"), BAD),
    Case("cohere", 400, _cohere("invalid request: only one of 'presence_penalty' and 'frequency_penalty' can be specified for this model."), BAD),
    Case("cohere", 400, _cohere("invalid request: multi step is not supported by the provided model: command."), BAD),
    Case("cohere", 400, _cohere("tool call id not found in previous tool calls"), BAD),
    Case("cohere", 400, _cohere("multi step limit reached - set a higher limit"), BAD),
    Case("cohere", 400, _cohere("a model parameter is required for this endpoint."), BAD),
    Case("cohere", 400, _cohere("invalid request: required 'text' param is missing or empty."), BAD),
    Case("cohere", 401, _cohere("no api key supplied"), KEY),
    Case("cohere", 401, _cohere("Your API key has expired. Please create a production key at dashboard.cohere.com"), KEY),
    Case("cohere", 402, _cohere("Please add or update your payment method at https://dashboard.cohere.com/billing?tab=payment to continue"), MONEY, DAY),
    Case("cohere", 402, _cohere("Maximum billing reached for this API key as set in your dashboard. Your billing capacity will reset at the beginning of next month."), MONEY, FIRST),
    Case("cohere", 404, _cohere("finetuned model xyz not found"), GONE),
    Case("cohere", 404, _cohere("dataset with id texts not found"), BAD),
    Case("cohere", 422, _cohere("invalid type: parameter messages is of type object but should be of type []object."), BAD),
    Case("cohere", 429, _cohere("You are past the per minute request limit, please wait and try again later."), SLOW_ALL, 60),
    Case("cohere", 429, _cohere("trial token rate limit exceeded, limit is 100000 tokens per minute"), SLOW_ALL, 60),
    Case("cohere", 429, _cohere("Please wait and try again later"), SLOW_ALL),
    Case("cohere", 498, _cohere("blocked output: this generation may be potentially unsafe; please try again"), BLOCKED),
    Case("cohere", 499, _cohere("request cancelled"), FAILED),
    Case("cohere", 500, _cohere("internal server error, this has been reported to our developers."), FAILED),
    Case("cohere", 501, _cohere("not implemented"), BAD),
    Case("cohere", 504, "upstream request timeout", FAILED),
]  # fmt: skip

CLOUDFLARE_GITHUB = [
    Case("cloudflare", 400, _cf(5007, "No such model @cf/x/y or task"), GONE),
    Case("cloudflare", 400, _cf(5006, "AiError: Bad input: Error: oneOf at '/' not met, 0 matches: required properties at '/' are 'prompt'"), BAD),
    Case("cloudflare", 400, _cf(5004, "Invalid data type for base64 input: string"), BAD),
    Case("cloudflare", 400, _cf(3039, "Finetune is missing required files (model.safetensors and config.json)"), BAD),
    Case("cloudflare", 400, _cf(3003, "Request is missing headers or body: body"), BAD),
    Case("cloudflare", 400, _cf(8001, "AiError: AiError: Invalid input: messages"), BAD),
    Case("cloudflare", 400, _cf(7003, "Could not route to /client/v4/accounts/a/ai/run/@cf/x/y, perhaps your object identifier is invalid?"), LOST),
    Case("cloudflare", 404, {**_cf(0, ""), "errors": [{"code": 7000, "message": "No route for that URI"}, {"code": 7003, "message": "Could not route to /accounts/a, perhaps your object identifier is invalid?"}]}, LOST),
    Case("cloudflare", 400, _cf(7009, "Upstream service unavailable"), FAILED),
    Case("cloudflare", 400, _cf(6003, "Invalid request headers"), KEY),
    Case("cloudflare", 401, _cf(1000, "Invalid API Token"), KEY),
    Case("cloudflare", 403, _cf(9109, "Unauthorized to access requested resource"), KEY),
    Case("cloudflare", 403, _cf(10000, "Authentication error"), KEY),
    Case("cloudflare", 403, _cf(5018, "The account is not allowed to access this model"), CLOSED),
    Case("cloudflare", 403, _cf(3041, "The account is not allowed to access this model"), CLOSED),
    Case("cloudflare", 403, _cf(5016, "Model Agreement: Prior to using this model, you must submit the prompt 'agree'."), CLOSED),
    Case("cloudflare", 403, _cf(3023, "Service unavailable for account"), CLOSED_ACCOUNT),
    Case("cloudflare", 404, _cf(3042, "The model name is invalid"), GONE),
    Case("cloudflare", 410, _cf(5028, "AiError: @cf/x/y was deprecated on 2025-10-01. You must use another model"), GONE),
    Case("cloudflare", 405, _cf(5005, "The model @cf/x/y does not support LoRa inference"), BAD),
    Case("cloudflare", 405, _cf(5019, "Request trying to use deprecated SDK version"), BAD),
    Case("cloudflare", 408, _cf(3007, "Request timeout"), FAILED),
    Case("cloudflare", 408, _cf(3046, "AiError: AiError: Request timeout (x)"), FAILED),
    Case("cloudflare", 413, _cf(3006, "Request is too large"), LONG),
    Case("cloudflare", 413, _cf(5021, "AiError: The estimated number of input and maximum output tokens (30000) exceeded this model context window limit (24000)."), LONG),
    Case("cloudflare", 429, _cf(3036, "You have used up your daily free allocation of 10,000 neurons. Please upgrade to Cloudflare's Workers Paid plan if you would like to continue usage."), SLOW_ALL, MIDNIGHT),
    Case("cloudflare", 429, _cf(3021, "rate limiting: inference request per min rate reached"), SLOW_ALL, 60),
    Case("cloudflare", 429, _cf(3040, "AiError: Capacity temporarily exceeded, please try again."), FAILED),
    Case("cloudflare", 500, _cf(3043, "AiError: AiError: Internal server error (x)"), FAILED),
    Case("cloudflare", 200, _cf(3040, "No more data centers to forward the request to"), FAILED),
    Case("cloudflare", 429, "error code: 1015", SLOW_ALL),
    Case("cloudflare", 522, "error code: 522", DOWN),
    Case("cloudflare", 524, "error code: 524", FAILED),
    Case("cloudflare", 403, "<!DOCTYPE html><html lang='en-US'><head><title>Just a moment...</title></head></html>", CLOSED_HOST),
    Case("github", 400, _github("unavailable_model", "Unavailable model: gpt-5"), GONE),
    Case("github", 400, _AZURE_FILTER, BLOCKED),
    Case("github", 400, _openai("Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.", code="unsupported_parameter"), BAD),
    Case("github", 401, _github("unauthorized", "The `models` permission is required to access this endpoint"), KEY),
    Case("github", 401, {"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest", "status": "401"}, KEY),
    Case("github", 403, _github("no_access", "No access to model: openai/gpt-5"), CLOSED),
    Case("github", 408, _github("Timeout", "The operation was timeout."), FAILED),
    Case("github", 410, _github("github_models_retirement_brownout", "GitHub Models is temporarily unavailable during a scheduled retirement brownout."), GONE_HOST),
    Case("github", 413, _github("tokens_limit_reached", "Request body too large for gpt-4o model. Max size: 8000 tokens."), LONG),
    Case("github", 422, {"error": {"code": "Invalid input", "status": 422, "message": "invalid input error", "details": [{"type": "model_attributes_type", "loc": ["body"], "msg": "Input should be a valid dictionary", "input": "x"}]}}, BAD),
    Case("github", 429, _github("RateLimitReached", "Rate limit of 50 per 86400s exceeded for UserByModelByDay. Please wait 11000 seconds before retrying."), SLOW, 11_000),
    Case("github", 429, _github("RateLimitReached", "Rate limit of 150 per 86400s exceeded for UserByModelByDay. Please wait 42000 seconds before retrying."), SLOW, 42_000, {"retry-after": "42000", "x-ratelimit-type": "UserByModelByDay"}),
    Case("github", 500, _github("InternalServerError", "The server had an error while processing your request"), FAILED),
]  # fmt: skip

HUGGINGFACE_TGI = [
    Case("huggingface", 400, _openai("The requested model 'x/y' is not supported by any provider you have enabled.", code="model_not_supported"), GONE),
    Case("huggingface", 400, _openai("The requested model 'x/y' is not a chat model.", code="model_not_supported"), GONE),
    Case("huggingface", 400, {"error": "Model not supported by provider hf-inference"}, GONE),
    Case("huggingface", 401, {"error": "Authorization header is correct, but the token seems invalid"}, KEY),
    Case("huggingface", 402, {"error": "You have exceeded your monthly included credits for Inference Providers. Subscribe to PRO to get 20x more monthly included credits."}, MONEY, FIRST),
    Case("huggingface", 403, {"error": "This authentication method does not have sufficient permissions to call Inference Providers on behalf of user x"}, KEY),
    Case("huggingface", 403, {"error": "Access to model meta-llama/x is restricted and you are not in the authorized list. Visit https://huggingface.co/x to ask for access."}, CLOSED),
    Case("huggingface", 403, {"error": "The model x/y is too large to be loaded automatically (16GB > 10GB)."}, CLOSED),
    Case("huggingface", 410, {"error": "The requested model is deprecated and no longer supported by provider hf-inference."}, GONE),
    Case("huggingface", 410, {"error": "https://api-inference.huggingface.co is no longer supported. Please use https://router.huggingface.co/hf-inference instead."}, GONE_HOST),
    Case("huggingface", 429, {"error": "Rate limit reached. You reached free usage limit (reset hourly). Please subscribe to a plan to get more."}, SLOW_ALL, 3600),
    Case("huggingface", 429, {"error": "You have reached the free monthly usage limit for x. Subscribe to PRO."}, SLOW_ALL, FIRST),
    Case("huggingface", 429, "Too Many Requests", SLOW),
    Case("huggingface", 503, {"error": "Model too busy, unable to get response in less than 60 second(s)"}, FAILED),
    Case("huggingface", 503, {"error": "Model x/y is currently loading", "estimated_time": 149.5}, FAILED, 149.5),
    Case("huggingface", 500, {"error": "Internal Server Error - We're working hard to fix this as soon as possible!"}, FAILED),
    Case("huggingface", 504, "<html><head><title>504 Gateway Time-out</title></head><body><h1>504 Gateway Time-out</h1></body></html>", FAILED),
    Case("tgi", 422, _tgi("Input validation error: `inputs` must have less than 1024 tokens. Given: 2048", "validation"), LONG),
    Case("tgi", 422, _tgi("Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 4000 `inputs` tokens and 200 `max_new_tokens`", "validation"), LONG),
    Case("tgi", 422, _tgi("Input validation error: `max_new_tokens` must be strictly positive", "validation"), BAD),
    Case("tgi", 422, _tgi("Input validation error: `top_p` must be > 0.0 and < 1.0", "validation"), BAD),
    Case("tgi", 422, _tgi("Template error: invalid operation: Conversation roles must alternate user/assistant/user/assistant/...", "template_error"), BAD),
    Case("tgi", 424, _tgi("Request failed during generation: Server error: CUDA out of memory. Tried to allocate 2.00 GiB", "generation"), FAILED),
    Case("tgi", 429, _tgi("Model is overloaded", "overloaded"), FAILED),
    Case("tgi", 500, _tgi("Incomplete generation", "incomplete_generation"), FAILED),
    Case("tgi", 503, _tgi("unhealthy", "healthcheck"), FAILED),
    Case("tgi", 200, _tgi("Request failed during generation: Server error: CUDA error: an illegal memory access was encountered", "generation"), FAILED),
    Case("tgi", 422, "Failed to deserialize the JSON body into the target type: missing field `inputs` at line 1 column 20", BAD),
]  # fmt: skip

TOGETHER_CEREBRAS = [
    Case("together", 400, _openai("Unable to access non-serverless model x/y. Please visit https://api.together.ai/models/x to create and start a new dedicated endpoint for the model.", code="model_not_available"), GONE),
    Case("together", 400, _openai("This model's maximum context length is 8193 tokens. However, you requested 9000 tokens."), LONG),
    Case("together", 422, _openai("Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8193. Given: 20000 `inputs` tokens and 512 `max_new_tokens`"), LONG),
    Case("together", 403, _openai("Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8193. Given: 20000 `inputs` tokens and 512 `max_new_tokens`"), LONG),
    Case("together", 422, _openai("Possible NSFW content detected in the prompt."), BLOCKED),
    Case("together", 400, _openai("Function calling is not supported for this model", code="invalid_function"), BAD),
    Case("together", 402, _openai("You have reached your credit limit. Add a payment method or credits.", kind="credit_limit"), MONEY, DAY),
    Case("together", 403, _openai("To use this model, you must be at least Build Tier 2.", kind="access_denied"), CLOSED),
    Case("together", 429, _openai("Request was rejected due to request rate limiting. Your rate limits are 60 RPM (1 QPS) and 60000 TPM.", kind="request_rate_limit"), SLOW, 60),
    Case("together", 429, _openai("You have been rate limited. Your rate limit is 6000 queries per minute.", kind="rate_limit"), SLOW, 3, {"retry-after": "3"}),
    Case("together", 503, _openai("The server is overloaded or not ready yet.", kind="service_unavailable"), FAILED),
    Case("together", 520, "error code: 520", FAILED),
    Case("together", 529, _openai("An unexpected error has occurred on the server", kind="server_error"), FAILED),
    Case("together", 504, "", FAILED),
    Case("cerebras", 400, _flat("Please reduce the length of the messages or completion. Current length is 9137 while limit is 8192", code="context_length_exceeded"), LONG),
    Case("cerebras", 400, _flat("body.frequency_penalty: property 'body.frequency_penalty' is unsupported", code="wrong_api_format"), BAD),
    Case("cerebras", 422, _flat("body.tools.0.function.strict: Input should be a valid boolean", code="wrong_api_format"), BAD),
    Case("cerebras", 402, _flat("A payment method is required.", "payment_required_error", "payment_required"), MONEY, DAY),
    Case("cerebras", 408, _flat("Request timed out", "timeout_error", "request_timeout"), FAILED),
    Case("cerebras", 410, _flat("Model m has been deprecated", "not_found_error", "model_deprecated"), GONE),
    Case("cerebras", 429, _flat("We're experiencing high traffic right now! Please try again soon.", "too_many_requests_error", "queue_exceeded"), FAILED),
    Case("cerebras", 429, _flat("Tokens per day limit exceeded - too many tokens processed.", "too_many_tokens_error", "token_quota_exceeded"), SLOW, MIDNIGHT),
    Case("cerebras", 429, _flat("Tokens per hour limit exceeded - too many tokens processed.", "too_many_tokens_error", "token_quota_exceeded"), SLOW, 3600),
    Case("cerebras", 429, _flat("Requests per minute limit exceeded - too many requests sent.", "too_many_requests_error", "request_quota_exceeded"), SLOW, 60),
    Case("cerebras", 429, _flat("Requests per day limit exceeded - too many requests sent.", "too_many_requests_error", "request_quota_exceeded"), SLOW, 1800, {"retry-after": "1800"}),
    Case("cerebras", 503, _flat("Service temporarily unavailable", "service_unavailable_error", "service_unavailable"), FAILED),
    Case("cerebras", 200, {"error": {"message": "Encountered a server error, please try again.", "type": "server_error", "param": "", "code": ""}, "status_code": 500}, FAILED),
    Case("cerebras", 200, {"status_code": 400, "error": {"message": "Failed to generate tool_calls. Please adjust your prompt.", "type": "invalid_request_error", "code": "tool_use_failed"}}, AGAIN),
]  # fmt: skip

NVIDIA_SAMBANOVA = [
    Case("nvidia", 401, _problem(401, "Unauthorized", "Authentication failed"), KEY),
    Case("nvidia", 401, {"type": "urn:inference-service:problem-details:unauthorized", "title": "Unauthorized", "status": 401, "detail": "Header of type `authorization` was missing"}, KEY),
    Case("nvidia", 402, _problem(402, "Payment Required", "Account 'a': Cloud credits expired - Please contact NVIDIA representatives"), MONEY, DAY),
    Case("nvidia", 404, "404 page not found\n", GONE),
    Case("nvidia", 404, _problem(404, "Not Found", "Specified function in account 'a' is not found"), GONE),
    Case("nvidia", 410, _problem(410, "Gone", "The model 'x/y' has reached its end of life on 2026-08-20T00:00:00Z and is no longer available."), GONE),
    Case("nvidia", 422, {"detail": [{"type": "missing", "loc": ["body", "input_type"], "msg": "Field required", "input": {"model": "m"}}]}, BAD),
    Case("nvidia", 400, {"type": "about:blank", **_problem(400, "Bad Request", "[{'type': 'extra_forbidden', 'loc': ('body', 'stream_options'), 'msg': 'Extra inputs are not permitted'}]")}, BAD),
    Case("nvidia", 400, _openai("This model only supports single tool-calls at once!", kind="BadRequestError", code=400), BAD),
    Case("nvidia", 400, _flat("This model's maximum context length is 4096 tokens. However, you requested 5120 tokens.", "BadRequestError", 400), LONG),
    Case("nvidia", 429, _problem(429, "Too Many Requests", "Rate limit exceeded"), SLOW_ALL),
    Case("nvidia", 500, _problem(500, "Internal Server Error", "Inference connection error while making inference request"), FAILED),
    Case("nvidia", 503, _openai("ResourceExhausted: Worker local total request limit reached (163/32)", kind="Service Unavailable", code=503), FAILED),
    Case("nvidia", 503, _problem(503, "Service Unavailable", "Service temporarily overloaded"), FAILED),
    Case("nvidia", 504, _problem(504, "Gateway Timeout"), FAILED),
    Case("nvidia", 451, "", CLOSED),
    Case("sambanova", 400, _openai("Requested generation length 1 is not possible! The provided prompt is 9000 tokens long, but generating 1 tokens requires a sequence length of 9001, but the maximum supported sequence length is just 8192!", kind="Error"), LONG),
    Case("sambanova", 400, _openai("Decimal above maximum value. Expected a value between 0 and 1, but got 100 instead.", code="decimal_above_max_value"), BAD),
    Case("sambanova", 402, _openai("A payment method is required to use the API.", code="PAYMENT_METHOD_REQUIRED", kind="billing_error"), MONEY, DAY),
    Case("sambanova", 404, _openai("Model not found: m", code="model_not_found"), GONE),
    Case("sambanova", 408, _openai("Request timed out", code="request_timeout"), FAILED),
    Case("sambanova", 410, _openai("Model m is no longer available", code="model_deprecated"), GONE),
    Case("sambanova", 429, "rate limit exceeded", SLOW),
    Case("sambanova", 429, _openai("Rate limit exceeded", kind="rate_limit_exceeded", code="rate_limit_exceeded"), SLOW, 30, {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "30"}),
    Case("sambanova", 500, _openai("unexpected_error", kind="server_error", code="unexpected_error"), FAILED),
    Case("sambanova", 503, _openai("The model is under maintenance.", kind="server_error"), FAILED),
    Case("sambanova", 504, _openai("The request expired in the queue.", kind="server_error"), FAILED),
]  # fmt: skip


def _prediction(said: str, status: str = "failed") -> dict[str, Any]:
    """Return what the adapter makes of a prediction that failed."""
    return {"error": {"message": said, "type": status}}


REPLICATE_POLLINATIONS = [
    Case("replicate", 401, _problem(401, "Unauthenticated", "You did not pass an authentication token"), KEY),
    Case("replicate", 402, _problem(402, "Insufficient credit", "You have insufficient credit to run this model. Go to https://replicate.com/account/billing#billing to purchase credit."), MONEY, DAY),
    Case("replicate", 402, _problem(402, "Monthly spend limit reached", "You've hit your monthly spend limit. Go to https://replicate.com/account/billing to change it."), MONEY, FIRST),
    Case("replicate", 402, _problem(402, "Free time limit reached", "You have reached the free time limit. To continue using Replicate, set up billing at https://replicate.com/account/billing#billing."), MONEY, DAY),
    Case("replicate", 404, _problem(404, "Not found", "The requested resource could not be found."), GONE),
    Case("replicate", 422, _problem(422, "Invalid version or not permitted", "The specified version does not exist (or perhaps you don't have permission to use it?)"), GONE),
    Case("replicate", 422, _problem(422, "Input validation failed", "- input.prompt: String length must be greater than or equal to 1\n"), BAD),
    Case("replicate", 429, {"detail": "Request was throttled. Expected available in 1 second.", "status": 429}, SLOW_ALL, 1),
    Case("replicate", 429, {**_problem(429, "Request was throttled", "Request was throttled. Your rate limit for creating predictions is reduced to 6 requests per minute with a burst of 1 requests until you add a payment method. Your rate limit resets in ~9s."), "retry_after": 9}, SLOW_ALL, 9),
    Case("replicate", 500, _problem(500, "Internal server error"), FAILED),
    Case("replicate", 502, "", FAILED),
    Case("replicate", 200, _prediction("Prediction interrupted; please retry (code: PA)"), FAILED),
    Case("replicate", 200, _prediction("Director: unexpected error handling prediction (E6716)"), FAILED),
    Case("replicate", 200, _prediction("CUDA out of memory. Tried to allocate 20.00 MiB (GPU 0; 39.59 GiB total capacity)"), FAILED),
    Case("replicate", 200, _prediction("Service is currently unavailable due to high demand. Please try again later. (E003)"), FAILED),
    Case("replicate", 200, _prediction("NSFW content detected. Try running it again, or try a different prompt."), BLOCKED),
    Case("replicate", 200, _prediction("The input or output was flagged as sensitive. Please try again with different inputs. (E005)"), BLOCKED),
    Case("replicate", 200, _prediction("prediction was canceled", "canceled"), FAILED),
    Case("pollinations", 401, _pollen(401, "UNAUTHORIZED", "Authentication required. Please provide an API key via Authorization header (Bearer token) or ?key= query parameter."), KEY),
    Case("pollinations", 402, _pollen(402, "PAYMENT_REQUIRED", "Insufficient pollen balance. This request needs 0.01 pollen."), MONEY, DAY),
    Case("pollinations", 403, _pollen(403, "FORBIDDEN", "Model 'x' is not allowed for this API key"), CLOSED),
    Case("pollinations", 400, _pollen(400, "BAD_REQUEST", "Invalid input: messages is required"), BAD),
    Case("pollinations", 429, {"error": "Queue full for IP: 203.0.113.1: 1 requests already queued (max: 1)", "status": 429, "queueInfo": {"max": 1}}, SLOW_ALL),
    Case("pollinations", 500, _pollen(500, "INTERNAL_ERROR", "An error occurred"), FAILED),
    Case("pollinations", 500, {"error": "500 Internal Server Error", "status": 500}, FAILED),
    Case("pollinations", 403, {"error": "403 Forbidden", "status": 403, "details": {"error": {"message": "openai error: undefined", "type": None, "code": None}, "provider": "openai"}}, CLOSED),
    Case("pollinations", 400, {"error": "400 Bad Request", "status": 400, "details": {"error": {"message": "azure-openai error: " + _AZURE_FILTER["error"]["message"], "code": "content_filter"}, "provider": "azure-openai"}}, BLOCKED),
    Case("pollinations", 401, {"error": "401 Unauthorized", "status": 401, "details": {"error": {"message": "azure-openai error: Access denied due to invalid subscription key", "code": "401"}, "provider": "azure-openai"}}, FAILED),
    Case("pollinations", 429, {"error": "429 Too Many Requests", "status": 429, "details": {"error": {"message": "azure-openai error: Requests to the ChatCompletions_Create Operation have exceeded token rate limit of your current pricing tier. Please retry after 20 seconds.", "code": "429"}, "provider": "azure-openai"}}, SLOW, 20),
    Case("pollinations", 530, "error code: 1033", DOWN),
]  # fmt: skip

ENGINES = [
    Case("vllm", 400, _flat("This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (4000 in the messages, 1000 in the completion). Please reduce the length of the messages or completion.", "BadRequestError", 400), LONG),
    Case("vllm", 400, _openai("'max_tokens' or 'max_completion_tokens' is too large: 100000. This model's maximum context length is 32768 tokens and your request has 100 input tokens (100000 > 32768 - 100).", kind="BadRequestError", code=400), LONG),
    Case("vllm", 400, _openai("The decoder prompt (length 5000) is longer than the maximum model length of 4096. Make sure that `max_model_len` is no smaller than the number of text tokens.", kind="BadRequestError", code=400), LONG),
    Case("vllm", 404, _openai("The model `x` does not exist.", kind="NotFoundError", code=404), GONE),
    Case("vllm", 400, _flat("As of transformers v4.44, default chat template is no longer allowed, so you must provide a chat template if the tokenizer does not define one.", "BadRequestError", 400), BAD),
    Case("vllm", 400, _flat("Conversation roles must alternate user/assistant/user/assistant/...", "BadRequestError", 400), BAD),
    Case("vllm", 400, _flat("The model does not support Chat Completions API", "BadRequestError", 400), BAD),
    Case("vllm", 400, _flat("At most 1 image(s) may be provided in one prompt.", "BadRequestError", 400), BAD),
    Case("vllm", 401, {"error": "Unauthorized"}, KEY),
    Case("vllm", 405, {"detail": "Method Not Allowed"}, BAD),
    Case("vllm", 500, _openai("EngineCore encountered an issue. See stack trace (above) for the root cause.", kind="InternalServerError", code=500), FAILED),
    Case("vllm", 500, _openai("CUDA out of memory. Tried to allocate 2.00 GiB", kind="InternalServerError", code=500), FAILED),
    Case("vllm", 500, "Internal Server Error", FAILED),
    Case("vllm", 200, _flat("EngineDeadError", "InternalServerError", 500), FAILED),
    Case("llamacpp", 503, _openai("Loading model", kind="unavailable_error", code=503), FAILED),
    Case("llamacpp", 503, _openai("no slot available", kind="unavailable_error", code=503), FAILED),
    Case("llamacpp", 500, _openai("Context size has been exceeded.", kind="server_error", code=500), LONG),
    Case("llamacpp", 500, _openai("input (5000 tokens) is too large to process. increase the physical batch size (current batch size: 512)", kind="server_error", code=500), LONG),
    Case("llamacpp", 400, _openai("the request exceeds the available context size, try increasing it", kind="exceed_context_size_error", code=400, n_ctx=4096), LONG),
    Case("llamacpp", 400, _openai('Either "json_schema" or "grammar" can be specified, but not both', code=400), BAD),
    Case("llamacpp", 400, _openai("Assistant response prefill is incompatible with enable_thinking.", code=400), BAD),
    Case("llamacpp", 500, _openai("Jinja Exception: Conversation roles must alternate user/assistant/user/assistant/...", kind="server_error", code=500), BAD),
    Case("llamacpp", 500, _openai("Failed to parse messages: Missing 'content' field", kind="server_error", code=500), BAD),
    Case("llamacpp", 500, _openai("Compute error.", kind="server_error", code=500), FAILED),
    Case("llamacpp", 404, _openai("File Not Found", kind="not_found_error", code=404), BAD),
    Case("llamacpp", 404, _openai("model 'x' not found", kind="not_found_error", code=404), GONE),
    Case("llamacpp", 200, _openai("Compute error.", kind="server_error", code=500), FAILED),
    Case("lmstudio", 404, _openai('Failed to load model "x". Error: Model does not exist.', code="model_not_found"), GONE),
    Case("lmstudio", 400, {"error": 'Failed to load model "x". Error: Model loading was stopped due to insufficient system resources. Continuing to load the model would likely overload your system and cause it to freeze.'}, FAILED),
    Case("lmstudio", 400, {"error": "The model has crashed without additional information. (Exit code: 6)"}, FAILED),
    Case("lmstudio", 400, {"error": "Trying to keep the first 5000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens, which is not enough. Try to load the model with a larger context length, or provide a shorter input"}, LONG),
    Case("lmstudio", 400, {"error": "Reached context length of 4096 tokens with model (arch: qwen2) that does not currently support mid-generation context overflow. Try reloading with a larger context length or shortening the prompt/chat."}, LONG),
    Case("lmstudio", 400, {"error": "Cannot truncate prompt with n_keep (5000) >= n_ctx (4096)"}, LONG),
    Case("lmstudio", 400, {"error": 'Error rendering prompt with jinja template: "Conversation roles must alternate". This is usually an issue with the model\'s prompt template.'}, BAD),
    Case("lmstudio", 400, {"error": "'response_format.type' must be 'json_schema' or 'text'"}, BAD),
    Case("lmstudio", 400, {"error": "Multiple models are loaded. Please specify a model by providing a 'model' field in the request body."}, BAD),
    Case("lmstudio", 400, _openai('Invalid model identifier "x". Please specify a valid downloaded model (e.g. a, b).'), GONE),
    Case("lmstudio", 401, _openai("An LM Studio API token is required to make requests to this server.", kind="authentication_error"), KEY),
    Case("lmstudio", 200, {"error": "Unexpected endpoint or method. (POST /v1/x). Returning 200 anyway"}, BAD),
    Case("ollama", 400, {"error": '"gemma3:1b" does not support thinking'}, BAD),
    Case("ollama", 400, {"error": '"nomic-embed-text" does not support chat'}, BAD),
    Case("ollama", 400, {"error": "json: cannot unmarshal array into Go struct field ChatRequest.messages.content of type string"}, BAD),
    Case("ollama", 400, {"error": "invalid options: foo"}, BAD),
    Case("ollama", 500, {"error": "Failed to create new sequence: failed to process inputs: image: unknown format"}, BAD),
    Case("ollama", 500, {"error": "model requires more system memory (5.6 GiB) than is available (2.3 GiB)"}, FAILED),
    Case("ollama", 500, {"error": "llama runner process has terminated: exit status 2"}, FAILED),
    Case("ollama", 500, {"error": "timed out waiting for llama runner to start - progress 0.00 - "}, FAILED),
    Case("ollama", 500, {"error": "model runner has unexpectedly stopped, this may be due to resource limitations or an internal error, check ollama server logs for details"}, FAILED),
    Case("ollama", 500, {"error": 'POST predict: Post "http://127.0.0.1:36341/completion": EOF'}, FAILED),
    Case("ollama", 500, {"error": "unable to load model: /root/.ollama/models/blobs/sha256-1"}, FAILED),
    Case("ollama", 503, {"error": "server busy, please try again.  maximum pending requests exceeded"}, FAILED),
    Case("ollama", 200, {"error": "an error was encountered while running the model: unexpected EOF"}, FAILED),
    Case("ollama", 200, {"error": "an error was encountered while running the model: CUDA error: out of memory"}, FAILED),
    Case("ollama", 200, {"error": "error parsing tool call: raw='{\"a\"', err=unexpected end of JSON input"}, AGAIN),
    Case("ollama", 401, {"error": "unauthorized", "signin_url": "https://ollama.com/connect"}, KEY),
    Case("ollama", 403, {"error": "this model requires a subscription, upgrade for access: https://ollama.com/upgrade"}, CLOSED),
    Case("ollama", 429, {"error": "you've reached your hourly usage limit, please upgrade to continue"}, SLOW_ALL, 3600),
    Case("ollama", 429, {"error": "you (x) have reached your weekly usage limit, upgrade for higher limits: https://ollama.com/upgrade"}, SLOW_ALL),
    Case("ollama", 502, {"error": "Internal Server Error (ref: 11111111-2222-3333-4444-555555555555)"}, FAILED),
]  # fmt: skip

LATER = [
    Case("openrouter", 400, _behind(400, "Crucible", _openai("Model 'x' supports at most 1 image per prompt.", code="invalid_request_error")), BAD),
    Case("openrouter", 400, _behind(400, "OpenAI", _openai("Response input messages must contain the word 'json' in some form to use 'text.format' of type 'json_object'.")), BAD),
    Case("openrouter", 400, _behind(400, "Seed", {"error": {"code": "OutputImageSensitiveContentDetected", "message": "The request failed because the output image may contain sensitive information."}}), BLOCKED),
    Case("openrouter", 400, _behind(400, "OpenAI", _openai("Missing required parameter: 'tools[0].name'.", code="missing_required_parameter")), BAD),
    Case("openrouter", 400, _behind(400, "Anthropic", {"type": "error", "error": {"type": "invalid_request_error", "message": "messages: text content blocks must contain non-whitespace text"}}), BAD),
    Case("openrouter", 400, _behind(400, "OpenAI", _openai("The following tools cannot be used with reasoning.effort 'minimal': file_search.")), BAD),
    Case("openrouter", 400, _behind(400, "Anthropic", {"type": "error", "error": {"type": "invalid_request_error", "message": "max_tokens: 100000 > 64000, which is the maximum allowed number of output tokens for m"}}), BAD),
    Case("openrouter", 400, _behind(400, "OpenAI", _openai("max_tokens is too large: 100000. This model supports at most 16384 completion tokens, whereas you provided 100000.")), BAD),
    Case("openrouter", 400, _behind(400, "DeepSeek", _openai("Invalid max_tokens value, the valid range of max_tokens is [1, 8192]")), BAD),
    Case("openrouter", 400, _behind(400, "Fireworks", _openai("The prompt is too long: 200000, model maximum context length: 131071")), LONG),
    Case("openrouter", 400, _behind(400, "DeepInfra", {"detail": "Requested input length 40000 exceeds maximum input length 32767"}), LONG),
    Case("openrouter", 400, _behind(400, "xAI", {"code": "Client specified an invalid argument", "error": "Invalid request content: Each message must have at least one content element."}), BAD),
    Case("openrouter", 400, _behind(400, "Minimax", {"type": "error", "error": {"type": "bad_request_error", "message": "invalid params, context window exceeds limit (2013)", "http_code": "400"}}), LONG),
    Case("openrouter", 400, _behind(400, "Minimax", {"type": "error", "error": {"type": "bad_request_error", "message": "invalid params, tool result's tool id not found (2013)", "http_code": "400"}}), BAD),
    Case("openrouter", 400, _behind(400, "Moonshot AI", _openai("Invalid request: Your request exceeded model token limit: 131072 (requested: 150000)")), LONG),
    Case("openrouter", 400, _behind(400, "Alibaba", _openai("<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 98304]", code="invalid_parameter_error")), LONG),
    Case("openrouter", 400, _behind(400, "Anthropic", {"type": "error", "error": {"type": "invalid_request_error", "message": "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing."}}), PAID, DAY),
    Case("openrouter", 529, _behind(529, "Anthropic", {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}), FAILED),
    Case("openrouter", 200, _router(504, "Upstream idle timeout exceeded"), FAILED),
    Case("openrouter", 200, _router(502, "JSON error injected into SSE stream"), FAILED),
    Case("openrouter", 400, _router(400, "Reasoning is mandatory for this endpoint and cannot be disabled."), BAD),
    Case("openrouter", 404, _router(404, "No endpoints found that support cache control"), BAD),
    Case("openrouter", 404, _router(404, "Model x/y:free not found"), GONE),
    Case("groq", 400, _openai("'messages.0' : for 'role:system' the following must be satisfied[('messages.0.content' : value must be a string)]"), BAD),
    Case("groq", 400, _openai("max completion tokens reached before generating a valid document. Please increase max_completion_tokens.", code="json_validate_failed", failed_generation=""), AGAIN),
    Case("groq", 400, _openai("file must be one of the following types: [flac mp3 mp4 mpeg mpga m4a ogg opus wav webm]"), BAD),
    Case("cerebras", 402, _flat("Payment required to access this resource. Visit your billing tab.", "payment_required_error", "payment_required"), MONEY, DAY),
    Case("cerebras", 400, _flat("messages.2.assistant.reasoning_content: property 'messages.2.assistant.reasoning_content' is unsupported", code="wrong_api_format"), BAD),
    Case("cerebras", 422, "", BAD),
    Case("pollinations", 403, _pollen(403, "FORBIDDEN", "Unauthorized"), KEY),
    Case("pollinations", 500, {"success": False, "error": {"message": json.dumps({"error": "Internal Server Error", "message": 'HTTP error! status: 403, body: {"detail":"Unauthorized"}', "requestParameters": {"prompt": "test image"}}), "code": "INTERNAL_ERROR"}, "status": 500}, FAILED),
    Case("pollinations", 500, {"error": "Portkey Gateway API error: 400 Bad Request", "status": 500, "details": {"status": "failure", "message": "Either x-portkey-config or x-portkey-provider header is required"}}, FAILED),
    Case("pollinations", 402, {"error": "Model not found or tier not high enough. Your tier: anonymous, required tier: seed. Get unlimited access at https://enter.pollinations.ai", "status": 402}, CLOSED),
    Case("gemini", 400, {"error": {"message": json.dumps(_google(400, "The thinking budget (52428) is invalid.", "INVALID_ARGUMENT")), "code": 400, "status": "Bad Request"}}, BAD),
    Case("gemini", 400, [_google(400, "Request contains an invalid argument.", "INVALID_ARGUMENT")], BAD),
    Case("gemini", 400, _google(400, "Unable to submit request because it must have a text parameter.", "INVALID_ARGUMENT"), BAD),
    Case("gemini", 429, _google(429, "Quota exceeded for quota metric 'Generate Content API requests per minute' and limit 'GenerateContent request limit per minute for a region' of service 'generativelanguage.googleapis.com' for consumer 'project_number:1'.", "RESOURCE_EXHAUSTED", _reason("RATE_LIMIT_EXCEEDED")), SLOW, 60),
    Case("gemini", 404, _google(404, "Publisher Model `projects/p/models/m` was not found or your project does not have access to it.", "NOT_FOUND"), GONE),
    Case("llamacpp", 400, _openai("Output of tool call should be 'Input text'", code=400), BAD),
    Case("llamacpp", 400, {"code": 400, "message": "Cannot determine type of 'item'", "type": "invalid_request_error"}, BAD),
    Case("llamacpp", 500, _openai("\n------------\nWhile executing CallExpression at line 61, column 32 in source:\n...\nError: Jinja Exception: Tool call IDs should be alphanumeric strings with length 9!", code=500, kind="server_error"), BAD),
    Case("llamacpp", 500, _openai("Value is not callable: null at row 62, column 114", code=500, kind="server_error"), FAILED),
    Case("sambanova", 400, _openai("Unable to tokenize message with status code 400 for model DeepSeek-V3.1: Invalid 'content' type. Expected one of: ['str'], got list."), BAD),
    Case("sambanova", 429, _openai("Rate limit exceeded. You have exceeded 20 requests per day for this model.", code="rate_limit_exceeded"), SLOW, MIDNIGHT),
    Case("sambanova", 422, "", BAD),
    Case("together", 400, _openai("[{'type': 'missing', 'loc': ('body', 'messages'), 'msg': 'Field required', 'input': {'model': 'x'}}]"), BAD),
    Case("together", 400, _openai("Model x is not available on serverless.", code="model_not_available"), GONE),
    Case("cohere", 400, _cohere("invalid request: response_format 'json_object' is not supported with tools"), BAD),
    Case("cohere", 400, _cohere("invalid request: cannot specify both message and messages"), BAD),
    Case("cloudflare", 400, _cf(5024, "AiError: AiError: JSON Mode couldn't be met (x)"), AGAIN),
    Case("github", 400, _openai("Invalid value: 'developer'. Supported values are: 'system', 'assistant', 'user', 'function', and 'tool'.", code="invalid_value"), BAD),
    Case("nvidia", 500, {"type": "about:blank", **_problem(500, "Internal Server Error", "list index out of range")}, FAILED),
    Case("nvidia", 400, _flat("Value error, 'tools' must be set", "BadRequestError", 400), BAD),
    Case("vllm", 400, _flat("Tool 'x' has not been passed in `tools`.", "BadRequestError", 400), BAD),
    Case("vllm", 400, _flat("max_tokens must be at least 1, got 0.", "BadRequestError", 400), BAD),
    Case("vllm", 400, _flat("Requested token count exceeds the model's maximum context length of 8192 tokens. You requested a total of 9000 tokens", "BadRequestError", 400), LONG),
    Case("vllm", 400, _flat("The input (9000 tokens) is longer than the model's context length (8192 tokens).", "BadRequestError", 400), LONG),
    Case("ollama", 500, {"error": "llama runner process no longer running: -1"}, FAILED),
    Case("ollama", 400, {"error": "invalid message content type: map[string]interface {}"}, BAD),
    Case("ollama", 400, {"error": "invalid model name"}, GONE),
    Case("ollama", 400, {"error": "model is required"}, BAD),
    Case("ollama", 500, {"error": "error loading model: unknown model architecture: 'x'"}, FAILED),
    Case("lmstudio", 400, {"error": "Model does not support images. Please use a model that does."}, BAD),
    Case("mistral", 400, _flat("Assistant message must have either content or tool_calls, but not none.", "invalid_request_assistant_message", "3240"), BAD),
    Case("mistral", 400, _flat("Unexpected tool call id x in tool results", "invalid_request_message_order", "3230"), BAD),
    Case("mistral", 413, {"message": "Request size limit exceeded"}, LONG),
    Case("huggingface", 404, "<!DOCTYPE html><html><head><title>Error</title></head><body><pre>Cannot POST /models/x</pre></body></html>", GONE),
    Case("replicate", 200, {"error": {"message": "Async prediction failed: Request timed out", "type": "failed"}}, FAILED),
    Case("replicate", 200, {"error": {"message": "Error: the prompt violates our content policy.", "type": "failed"}}, BLOCKED),
    Case("replicate", 404, {"detail": "The requested model could not be found or you do not have permission", "status": 404}, GONE),
    Case("mistral", 400, _flat("Too many images in request: maximum is 8", "invalid_request_invalid_args", "3051"), BAD),
    Case("huggingface", 400, {"error": "Bad Request: Invalid parameter: 'temperature' must be a float"}, BAD),
    Case("huggingface", 422, {"error": "Input validation error: `stop` supports up to 4 stop sequences. Given: 5", "error_type": "validation"}, BAD),
    Case("huggingface", 500, {"error": "CUDA out of memory. Tried to allocate 256.00 MiB"}, FAILED),
    Case("huggingface", 504, {"error": "Gateway Timeout"}, FAILED),
    Case("huggingface", 429, {"error": "Too many requests in 1 hour. Try again later."}, SLOW, 3600),
    Case("huggingface", 401, "Unauthorized", KEY),
    Case("openrouter", 403, _router(403, "Access to this model requires accepting its terms."), CLOSED),
    Case("openrouter", 402, _router(402, "Insufficient credits. This account never purchased credits. Make sure your key is on the correct account or org, and if so, purchase more at https://openrouter.ai/settings/credits"), MONEY, DAY),
    Case("openrouter", 429, _behind(429, "Chutes", '{"detail":"Infrastructure is at maximum capacity, try again later"}'), FAILED),
    Case("openrouter", 503, _behind(503, "Chutes", '{"detail":"No instances available (yet) for chute_id=\'x\'"}'), FAILED),
    Case("openrouter", 400, _behind(400, "SambaNova", _openai("Tool choice 'required' is not supported for this model.")), BAD),
    Case("openrouter", 400, _behind(400, "Together", {"id": "o", "error": {"message": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 32769. Given: 33000", "type": "invalid_request_error"}}), LONG),
    Case("openrouter", 403, _behind(403, "Azure", {"error": {"code": "403", "message": "The provided key lacks access."}}), CLOSED),
    Case("openrouter", 400, _behind(400, "Amazon Bedrock", {"message": "Input is too long for requested model."}), LONG),
    Case("openrouter", 400, _behind(400, "Amazon Bedrock", {"message": "Access denied. This Model is marked by provider as Legacy and you have not been actively using the model"}), CLOSED),
    Case("openrouter", 429, _behind(429, "Amazon Bedrock", {"message": "Too many tokens, please wait before trying again."}), SLOW),
    Case("openrouter", 503, _behind(503, "Amazon Bedrock", {"message": "Bedrock is unable to process your request."}), FAILED),
    Case("gemini", 400, _google(400, "The document has no pages.", "INVALID_ARGUMENT"), BAD),
    Case("gemini", 400, _google(400, "* GenerateContentRequest.tools[0].function_declarations[0].parameters.properties: should be non-empty for OBJECT type\n", "INVALID_ARGUMENT"), BAD),
    Case("gemini", 400, _google(400, "Please use a valid role: user, model.", "INVALID_ARGUMENT"), BAD),
    Case("gemini", 400, _google(400, "Multi-modal output is not supported.", "INVALID_ARGUMENT"), BAD),
    Case("gemini", 400, _google(400, "Audio input modality is not enabled for models/m", "INVALID_ARGUMENT"), BAD),
    Case("gemini", 400, _google(400, "Search Grounding is not supported.", "INVALID_ARGUMENT"), BAD),
    Case("gemini", 400, _google(400, "Code execution is not enabled for models/m", "INVALID_ARGUMENT"), BAD),
    Case("gemini", 400, _google(400, "CachedContent can not be used with GenerateContent request setting system_instruction, tools or tool_config.", "INVALID_ARGUMENT"), BAD),
    Case("gemini", 400, _google(400, "Cached content is too small. total_token_count=1025, min_total_token_count=4096", "INVALID_ARGUMENT"), BAD),
    Case("gemini", 400, _google(400, "The File abc is not in an ACTIVE state and usage is not allowed.", "FAILED_PRECONDITION"), BAD),
    Case("gemini", 403, _google(403, "You do not have permission to access the File 9dmjqzl7hkp8 or it may not exist.", "PERMISSION_DENIED"), BLOCKED),
    Case("gemini", 400, _google(400, 'Invalid value at \'generation_config.response_schema.type\' (type.googleapis.com/google.ai.generativelanguage.v1beta.Type), "foo"', "INVALID_ARGUMENT"), BAD),
    Case("gemini", 400, _google(400, "Model does not support the requested response modalities: image,text", "INVALID_ARGUMENT"), BAD),
    Case("gemini", 400, _google(400, "Unable to show the generated image.", "INVALID_ARGUMENT"), BAD),
    Case("gemini", 400, _google(400, "Imagen API is only accessible to billed users at this time.", "INVALID_ARGUMENT"), CLOSED),
    Case("openrouter", 404, _router(404, "No endpoints found that support the requested output modalities: image"), BAD),
    Case("openrouter", 404, _router(404, "No successful provider responses."), FAILED),
    Case("openrouter", 400, _router(400, "Unable to download file from URL"), BAD),
    Case("openrouter", 400, _router(400, "Invalid JSON body"), BAD),
    Case("openrouter", 422, _behind(422, "Mistral", {"object": "error", "message": {"detail": [{"type": "extra_forbidden", "loc": ["body", "top_k"], "msg": "Extra inputs are not permitted", "input": 5}]}, "type": "invalid_request_error"}), BAD),
    Case("openrouter", 400, _behind(400, "Mistral", _flat("Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant", "invalid_request_message_order", "3230")), BAD),
    Case("openrouter", 400, _behind(400, "DeepInfra", {"error": {"message": "image_url must be base64"}}), BAD),
    Case("openrouter", 500, _behind(500, "Google", _google(500, "Internal error encountered.", "INTERNAL")), FAILED),
    Case("openrouter", 403, _behind(403, "OpenAI", _openai("Project `p` does not have access to model `m`", code="model_not_found")), GONE),
    Case("openrouter", 403, _router(403, "The request is prohibited due to a violation of provider Terms Of Service.", provider_name="OpenAI"), BLOCKED),
    Case("openrouter", 400, _behind(400, "OpenAI", _openai("Invalid prompt: your prompt was flagged as potentially violating our usage policy.", code="invalid_prompt")), BLOCKED),
    Case("openrouter", 200, _behind(400, "Google", _google(400, "Unable to process input image.", "INVALID_ARGUMENT")), BAD),
    Case("openrouter", 200, _behind(403, "Google", _google(403, "Vertex AI API has not been used in project 1", "PERMISSION_DENIED")), CLOSED),
    Case("openrouter", 200, _typed(400, "Provider returned error", "invalid_prompt"), BAD),
    Case("openrouter", 200, {"error": {"message": "Upstream error from Chutes: Rate limit exceeded", "code": 429}}, SLOW),
    Case("huggingface", 400, {"error": ["Error in `parameters.min_length`: ensure this value is greater than or equal to 0"]}, BAD),
    Case("huggingface", 400, {"error": "Authorization header is correct, but the token seems invalid"}, KEY),
    Case("huggingface", 403, {"detail": "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing."}, MONEY, DAY),
    Case("huggingface", 401, {"detail": "Cannot access application 'fal-ai/x'. Authentication is required to access this application."}, KEY),
    Case("huggingface", 404, {"error": "Repository not found"}, GONE),
    Case("huggingface", 422, {"detail": [{"loc": ["body", "prompt"], "msg": "field required", "type": "value_error.missing"}]}, BAD),
    Case("huggingface", 500, {"error": "unknown error", "warnings": ["There was an inference error: unknown error: CUDA error: device-side assert triggered"]}, FAILED),
    Case("huggingface", 400, {"error": "This model isn't supported by the text-generation task"}, BAD),
    Case("huggingface", 429, {"error": "We had to rate limit you, you hit the quota of 1000 api requests per 5 minutes period. Upgrade to a PRO user."}, SLOW_ALL, 55, {"ratelimit": '"api";r=0;t=55'}),
    Case("huggingface", 503, {"error": "Service Unavailable"}, FAILED),
    Case("huggingface", 400, {"error": "Audio file is too short"}, BAD),
    Case("mistral", 404, {"detail": "No file matches the given query."}, BAD),
    Case("mistral", 400, _flat("Function calling is not enabled for this model", "invalid_request_invalid_args", "3051"), BAD),
    Case("mistral", 400, _flat("Image, 'https://x/y.png', could not be loaded as a valid image.", "invalid_request_file", "3310"), BAD),
    Case("mistral", 401, {"message": "Inactive subscription or usage limit reached", "request_id": "r"}, KEY),
    Case("mistral", 429, {"object": "error", "message": "Rate limit exceeded. Try again later.", "type": "rate_limited", "code": "1300"}, SLOW_ALL, 10, {"ratelimitbysize-reset": "10", "ratelimitbysize-remaining": "0", "ratelimitbysize-limit": "500000"}),
    Case("replicate", 403, _problem(403, "Forbidden", "You do not have permission to perform this action."), CLOSED),
    Case("replicate", 404, {"detail": "Not found."}, GONE),
    Case("replicate", 400, {"detail": "Invalid JSON"}, BAD),
    Case("pollinations", 400, {"error": "400 Bad Request", "status": 400, "details": {"error": {"message": "azure-openai error: Unsupported value: 'temperature' does not support 0.3 with this model. Only the default (1) value is supported.", "type": "invalid_request_error", "param": "temperature", "code": "unsupported_value"}, "provider": "azure-openai"}}, BAD),
    Case("pollinations", 500, {"error": "Internal Server Error", "message": "No active turbo servers available", "requestParameters": {"prompt": "x"}}, FAILED),
    Case("pollinations", 401, {"error": "Unauthorized", "message": "Invalid token", "status": 401}, KEY),
    Case("pollinations", 500, {"error": "429 Too Many Requests", "status": 500}, SLOW_ALL),
    Case("pollinations", 404, _pollen(404, "NOT_FOUND", "Model not found"), GONE),
    Case("llamacpp", 501, _openai("This server does not support reranking. Start it with `--reranking`", kind="not_supported_error", code=501), BAD),
    Case("llamacpp", 500, _openai("audio input is not supported - hint: if this is unexpected, you may need to provide the mmproj", kind="server_error", code=500), BAD),
    Case("llamacpp", 400, _openai('"messages" is required', code=400), BAD),
    Case("ollama", 400, {"error": '"m" does not support insert'}, BAD),
    Case("ollama", 501, {"error": "this model does not support embeddings"}, BAD),
    Case("ollama", 500, {"error": "this model is missing data required for image input"}, BAD),
    Case("ollama", 500, {"error": "failed to parse grammar"}, BAD),
    Case("ollama", 400, {"error": "invalid JSON schema in format"}, BAD),
    Case("ollama", 500, {"error": "llama-server process has terminated: signal: killed"}, FAILED),
    Case("vllm", 500, _openai("cannot identify image file <_io.BytesIO object at 0x7f>", kind="InternalServerError", code=500), BAD),
    Case("vllm", 400, _openai("Failed to apply prompt processor: image too small", kind="BadRequestError", code=400), BAD),
    Case("vllm", 500, _openai("403, message='Forbidden', url='https://example.com/a.jpg'", kind="InternalServerError", code=500), BAD),
    Case("vllm", 422, {"detail": [{"type": "missing", "loc": ["body", "messages"], "msg": "Field required", "input": {}}]}, BAD),
    Case("groq", 400, _openai("Invalid image data", code="invalid_image"), BAD),
    Case("groq", 400, _openai("Too many images provided. This model supports up to 5 images"), BAD),
    Case("groq", 400, _openai("could not process file - is it a valid media file?"), BAD),
    Case("groq", 401, _openai("Invalid API Key", code="invalid_api_key"), KEY),
    Case("groq", 404, _openai("Unknown request URL: POST /openai/v1/x. Please check the URL for typos", code="unknown_url"), BAD),
    Case("together", 422, {"error": {"message": "Input validation error: max_tokens must be > 0", "type": "invalid_request_error"}}, BAD),
    Case("together", 400, _openai("Invalid request: prompt exceeds maximum length"), LONG),
    Case("together", 500, {"error": "Internal Server Error"}, FAILED),
    Case("cerebras", 400, _flat("Tool 'x' is not found in tools list", "invalid_request_error", "wrong_api_format"), BAD),
    Case("cerebras", 429, _flat("Too many requests - queue exceeded", "too_many_requests_error", "queue_exceeded"), FAILED),
    Case("cohere", 400, _cohere("invalid request: input image is too small"), BAD),
    Case("cohere", 400, _cohere("invalid request: documents must not be empty"), BAD),
    Case("cohere", 429, {"message": "You are using a Trial key, which is limited to 10 API calls / minute."}, SLOW_ALL, 60),
    Case("cloudflare", 400, _cf(5006, "AiError: AiError: Bad input: Error: Type mismatch of '/messages/0/content', 'string' not in 'array'"), BAD),
    Case("cloudflare", 400, _cf(3010, "AiError: AiError: Invalid or incomplete input for the model: model returned: image decode error"), BAD),
    Case("cloudflare", 500, _cf(1031, "AiError: AiError: Unknown internal error"), FAILED),
    Case("sambanova", 400, _openai("Model not found", code="model_not_found"), GONE),
    Case("sambanova", 400, {"error": "Unsupported image format"}, BAD),
    Case("nvidia", 400, {"detail": "Image size exceeds the limit"}, BAD),
    Case("nvidia", 404, {"detail": "Not Found"}, GONE),
    Case("github", 400, _github("OperationNotSupported", "The chatCompletion operation does not work with the specified model, text-embedding-3-small. Please choose different model and try again."), BAD),
    Case("github", 404, {"error": {"code": "404", "message": "Resource not found"}}, GONE),
]  # fmt: skip
"""Judged before any rule was changed for them: a sample of how well the rules carry over."""

WILD = [
    *OPENROUTER,
    *GROQ,
    *GEMINI,
    *MISTRAL_COHERE,
    *CLOUDFLARE_GITHUB,
    *HUGGINGFACE_TGI,
    *TOGETHER_CEREBRAS,
    *NVIDIA_SAMBANOVA,
    *REPLICATE_POLLINATIONS,
    *ENGINES,
    *LATER,
]


def _fault(case: Case, **fields: Any) -> ProviderError:
    row = provider(**{"id": case.host, "name": case.host, **_ROWS.get(case.host, {})})
    text = case.body if isinstance(case.body, str) else json.dumps(case.body)
    payload = case.body if case.status < 300 else None
    return to_fault(
        call(row, **fields),
        Reply(status=case.status, headers=dict(case.headers), body=text.encode()),
        now=NOON,
        payload=payload,
    )


def _named(case: Case) -> str:
    return f"{case.host}-{case.status}-{json.dumps(case.body)[:70]}"


@pytest.mark.parametrize("case", WILD, ids=_named)
def test_a_failure_that_nobody_recorded_is_judged_by_what_it_says(case: Case) -> None:
    found = _fault(case)

    wait_s = None if found.retry_after is None else pytest.approx(found.retry_after)
    assert (case.verdict, case.wait_s) == ((type(found).__name__, found.scope, found.advice), wait_s)


PROMPT = "Explain insufficient credits, content policy, 500 requests per day and an API key that is not valid; too many tokens?"


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (422, f'Failed to deserialize the JSON body into the target type: messages: invalid type: string "{PROMPT}", expected a sequence at line 1', BAD),
        (400, _openai(f"Invalid value: '{PROMPT}'. Supported values are: 'a' and 'b'."), BAD),
        (400, _openai(f'Invalid value: "{PROMPT[:40]}". Supported values are: "a" and "b".'), BAD),
        (400, _openai(f"cannot use {PROMPT} here"), BAD),
        (422, {"detail": [{"type": "string_type", "loc": ["body", "messages", 0, "content"], "msg": "Input should be a valid string", "input": PROMPT}]}, BAD),
        (422, _flat({"detail": [{"type": "missing", "loc": ["body", "x"], "msg": "Field required", "input": {"content": PROMPT}}]}), BAD),
        (400, _openai("Failed to call a function. See 'failed_generation'.", code="tool_use_failed", failed_generation=PROMPT), AGAIN),
        (500, {"error": f"error parsing tool call: raw='{{\"q\": \"{PROMPT}\"}}', err=EOF"}, AGAIN),
        (400, {"error": "error parsing tool call: raw='rate limit exceeded, context length exceeded, insufficient credits'"}, AGAIN),
        (200, {"error": {"message": "Provider returned error", "code": 502, "metadata": {"raw": "Malformed function call: call:f{a:out of credits, too many tokens"}}}, AGAIN),
        (400, _openai("The model `acme/moderation-insufficient-credits-1` does not support tools"), BAD),
        (503, _openai("The model `acme/moderation-insufficient-credits-1` is overloaded"), FAILED),
        (400, _flat("Found invalid token id 5 in logit_bias"), BAD),
        (422, _flat("body.messages.2.assistant.refusal: property 'refusal' is unsupported", code="wrong_api_format"), BAD),
        (404, _openai("The model x has reached the end of its retirement date."), GONE),
        (400, _flat("A field is wrong.", "invalid_request_error", "1113"), BAD),
        (400, _flat("A field is wrong.", "invalid_request_error", "10000"), BAD),
        (407, "", LOST),
    ],
)  # fmt: skip
def test_what_a_host_quotes_is_not_taken_for_its_own_words(status: int, body: Any, verdict: Verdict) -> None:
    """The request's text, the model's name and what the model wrote say nothing of what failed."""
    messages = ({"role": "user", "content": PROMPT},)

    found = _fault(
        Case("fake", status, body, verdict), messages=messages, model="acme/moderation-insufficient-credits-1"
    )

    assert verdict == (type(found).__name__, found.scope, found.advice)
    assert PROMPT[:20] not in str(found)


def test_a_limit_waits_for_no_window_that_only_the_request_names() -> None:
    body = _openai(f'Rate limit reached for "{PROMPT}"')

    assert _fault(Case("fake", 429, body, SLOW), messages=({"role": "user", "content": PROMPT},)).retry_after is None


def test_how_long_a_failure_took_is_no_wait() -> None:
    assert _fault(Case("fake", 504, _openai("no answer in 600 seconds"), FAILED)).retry_after is None
    assert 9.0 == _fault(Case("fake", 503, _openai("busy, retry in 9 seconds"), FAILED)).retry_after


def test_the_table_holds_no_case_twice() -> None:
    bodies = [json.dumps([case.host, case.status, case.body]) for case in WILD]

    assert len(bodies) == len(set(bodies)) >= 400
