# ruff: noqa: E501 - tables are read by the row
"""What a failure means: class, scope, advice and wait, without a word that must not be shown (S1-05)."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from openmux_lc.providers.fault import has_error, to_fault
from tests.providers.calls import KEY, call, provider

NOW = 1_790_000_000.0


def _fault(
    status: int, body: Any = "", *, headers: dict[str, str] | None = None, quirks: set[str] = frozenset()
) -> ProviderError:
    text = body if isinstance(body, str) else json.dumps(body)
    asked = call(provider(quirks=frozenset(quirks)))
    return to_fault(asked, Reply(status=status, headers=headers or {}, body=text.encode()), now=NOW)


def _error(message: str, **fields: Any) -> dict[str, Any]:
    return {"error": {"message": message, **fields}}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, _error("API key not valid. Please pass a valid API key.", code=400, status="INVALID_ARGUMENT"), AuthenticationFailed),
        (400, [_error("API key not valid", code=400)], AuthenticationFailed),
        (401, {"detail": "Invalid API Key"}, AuthenticationFailed),
        (401, "Unauthorized\n", AuthenticationFailed),
        (401, _error("Free promotion has ended"), ModelGone),
        (402, {"error": "Insufficient credits"}, PaymentRequired),
        (403, _error("You need to add a payment method"), PaymentRequired),
        (403, _error("this model requires a subscription"), PermissionDenied),
        (404, _error("No endpoints found for a/b:free."), ModelGone),
        (404, _error("No endpoints found that support tool use."), InvalidRequest),
        (404, _error("No endpoints found matching your data policy"), PermissionDenied),
        (400, {"message": "Invalid model: x", "type": "invalid_model", "code": "1500"}, ModelGone),
        (400, _error("The model `x` has been decommissioned", code="model_decommissioned"), ModelGone),
        (410, "temporarily unavailable", ModelGone),
        (400, _error("Please reduce the length of the messages", code="context_length_exceeded"), ContextOverflow),
        (413, _error("Request too large for model: TPM Limit 8000"), ContextOverflow),
        (400, _error("request (2009 tokens) exceeds the available context size", type="exceed_context_size_error"), ContextOverflow),
        (500, _error("input is too large to process. increase the physical batch size"), ContextOverflow),
        (429, _error("Rate limit reached"), RateLimited),
        (429, "Too many requests", RateLimited),
        (429, _error("You exceeded your current quota", code="insufficient_quota"), PaymentRequired),
        (429, _error("Quota exceeded for metric, limit: 0"), PermissionDenied),
        (400, _error("Failed to call a function", code="tool_use_failed"), BadPayload),
        (422, {"detail": [{"msg": "Input should be a valid string", "loc": ["body"]}]}, InvalidRequest),
        (400, "DEGRADED function cannot be invoked", ServerError),
        (500, _error("tools param requires --jinja flag"), InvalidRequest),
        (501, _error("This server does not support embeddings"), InvalidRequest),
        (503, {"error": "server busy, please try again"}, ServerError),
        (521, "error code: 521", ServerError),
        (302, "", ConnectionFailed),
        (200, _error("Upstream failed", code=429), RateLimited),
        (200, _error("Something broke"), ServerError),
        (200, _error("[object Object]", status_code=400, code="tool_use_failed"), BadPayload),
    ],
)  # fmt: skip
def test_a_failure_has_the_class_that_its_status_and_text_say(
    status: int, body: Any, kind: type[ProviderError]
) -> None:
    found = _fault(status, body)

    assert kind is type(found)
    assert str(found).startswith("fake:tiny: ")


def test_a_wrong_key_skips_the_provider_and_a_lost_model_does_not() -> None:
    assert "skip_provider" == _fault(401).advice
    assert "next_route" == _fault(404).advice


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (429, _error("1113: Insufficient balance or no resource package", code="1113"), ("PaymentRequired", "model", "next_route")),
        (429, _error("The model is overloaded", code="1312"), ("ServerError", "model", "next_route")),
        (429, _error("Concurrency too high", code="1302"), ("RateLimited", "model", "next_route")),
        (401, _error("Paid model", code="PAID_MODEL_AUTH_REQUIRED"), ("PermissionDenied", "model", "next_route")),
        (401, _error("This model requires a pro token", code="invalid_api_key"), ("PermissionDenied", "model", "next_route")),
        (401, _error("Model x-free is not supported", type="ModelError"), ("ModelGone", "model", "next_route")),
        (400, _error("User location is not supported for the API use.", status="FAILED_PRECONDITION"), ("PermissionDenied", "provider", "skip_provider")),
        (403, {"error": {"message": "Provider returned error", "metadata": {"provider_name": "X", "raw": '{"error": "Country not supported"}'}}}, ("PermissionDenied", "model", "next_route")),
        (400, _error("Function call is missing a thought_signature in functionCall parts."), ("InvalidRequest", "request", "next_route")),
        (403, _error("Your API key was reported as leaked."), ("AuthenticationFailed", "key", "skip_provider")),
        (403, _error("API rate limit exceeded for user ID 1"), ("RateLimited", "model", "next_route")),
        (403, "<html><title>Attention Required!</title></html>", ("PermissionDenied", "provider", "skip_provider")),
        (410, _error("scheduled retirement brownout", code="github_models_retirement_brownout"), ("ModelGone", "provider", "skip_provider")),
        (429, _error("Request too large for gpt on tokens per min (TPM): Limit 30000, Requested 40000"), ("ContextOverflow", "model", "next_route")),
        (500, {"error": "429 Too Many Requests", "status": 500}, ("RateLimited", "model", "next_route")),
        (500, {"error": "error parsing tool call: raw='{'"}, ("BadPayload", "model", "retry")),
        (502, _error("Upstream error from X: <400> InternalError.Algo.InvalidParameter", code=502), ("InvalidRequest", "request", "next_route")),
        (503, _error("Loading model", code=503, type="unavailable_error"), ("ServerError", "model", "next_route")),
        (202, "", ("ServerError", "model", "next_route")),
        (429, _error("Trial key, which is limited to 20 API calls / minute"), ("RateLimited", "account", "skip_provider")),
        (401, {"error": {"message": "Provider returned error", "metadata": {"provider_name": "X", "raw": "Invalid API key"}}}, ("ServerError", "model", "next_route")),
    ],
)  # fmt: skip
def test_what_looks_like_something_else_is_told_apart(status: int, body: Any, expected: tuple[str, str, str]) -> None:
    """Each says in words what its status alone would misread."""
    found = _fault(status, body)

    assert expected == (type(found).__name__, found.scope, found.advice)


def test_a_rolling_day_waits_as_long_as_the_host_says() -> None:
    body = _error("Rate limit reached on tokens per day (TPD): Limit 100000. Please try again in 9m38.016s.")

    assert 578.016 == pytest.approx(_fault(429, body).retry_after)


def test_only_what_waiting_can_mend_has_a_wait() -> None:
    asked = {"retry-after": "2"}

    assert 2.0 == _fault(500, headers=asked).retry_after
    assert 86_400.0 == _fault(402, headers=asked).retry_after
    assert [None] * 4 == [_fault(status, headers=asked).retry_after for status in (400, 401, 404, 413)]


@pytest.mark.parametrize(("quirks", "scope"), [(set(), "model"), ({"account_limits"}, "account")])
def test_the_row_says_whose_limit_it_is(quirks: set[str], scope: str) -> None:
    assert scope == _fault(429, _error("slow down"), quirks=quirks).scope


def test_a_limit_of_the_host_behind_the_router_is_not_the_accounts() -> None:
    body = _error("Provider returned error", metadata={"raw": "m:free is temporarily rate-limited upstream"})

    found = _fault(429, body, quirks={"account_limits"})

    assert "model" == found.scope
    assert "temporarily rate-limited upstream" in str(found)


def test_a_spent_day_waits_for_midnight_whatever_the_hint_says() -> None:
    """A host names a few seconds although the day's quota is gone."""
    body = _error("Quota exceeded: GenerateRequestsPerDayPerProjectPerModel", details=[{"retryDelay": "17s"}])

    utc, pacific = _fault(429, body), _fault(429, body, quirks={"pacific_days"})

    assert 0.0 == (NOW + (utc.retry_after or 0)) % 86_400
    assert 7 * 3600.0 == (NOW + (pacific.retry_after or 0)) % 86_400


def test_a_spent_month_waits_for_the_first() -> None:
    found = _fault(429, {"message": "You are past the per month request limit"})

    assert found.retry_after is not None
    assert 86_400 < found.retry_after < 31 * 86_400


def test_the_wait_comes_from_the_headers() -> None:
    assert 3.0 == _fault(429, headers={"retry-after": "3"}).retry_after


@pytest.mark.parametrize(
    "message",
    [
        f"Incorrect API key provided: {KEY}. Get one.",
        f"Incorrect API key provided: {KEY[:12]}***. Get one.",
        "Bad header Authorization: Bearer abcdefghijklmnop",
        "key " + "AIza" + "SyA1234567890abcdefg is disabled",
        "token 0123456789abcdef0123456789abcdef refused",
        "user mail@example.org has no access",
        f"sent {KEY[8:20]} to us",
    ],
)
def test_no_message_shows_a_key(message: str) -> None:
    found = str(_fault(401, _error(message, code=message)))

    for piece in (KEY[4:16], KEY[8:16], "abcdefghijklmnop", "AIzaSyA", "0123456789abcdef", "mail@"):
        assert piece not in found


@pytest.mark.parametrize(
    "message",
    [
        "Invalid value: 'What is the capital of France?'",
        "cannot parse: what is the  CAPITAL of\\nFrance",
        "messages[0].content=What is the capital of...",
    ],
)
def test_a_message_that_quotes_the_question_is_not_shown(message: str) -> None:
    found = str(_fault(400, _error(message)))

    assert "capital" not in found.lower()
    assert "refuses this request" in found


def test_a_page_of_html_is_not_quoted() -> None:
    assert "<" not in str(_fault(502, "<html><body>nginx</body></html>"))


def test_a_long_message_is_cut() -> None:
    assert 320 > len(str(_fault(500, _error("word " * 500))))


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"error": {"message": "x"}}, True),
        ([{"error": {"code": 1}}], True),
        ({"object": "error", "message": "x"}, True),
        ({"success": False, "errors": []}, True),
        ({"choices": [], "error": None}, False),
        ({"choices": []}, False),
        ({"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "x"}}, True),
        ({"type": "error", "message": "x"}, True),
        ({"code": 400, "reason": "INVALID", "message": "x"}, True),
        ({"code": 200, "message": "ok"}, False),
        ([], False),
        ("text", False),
    ],
)
def test_errors_inside_a_success_are_seen(payload: Any, expected: bool) -> None:
    assert expected is has_error(payload)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["error", "message", "code", "detail", "metadata", "raw", "details", "x"]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(status=st.integers(200, 599), payload=_JSON)
def test_whatever_a_host_sends_becomes_a_typed_fault(status: int, payload: Any) -> None:
    """No body makes the classifier itself fail."""
    assert isinstance(_fault(status, payload), ProviderError)
    assert isinstance(has_error(payload), bool)
