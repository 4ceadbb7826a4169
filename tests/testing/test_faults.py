"""Errors of real hosts, played by the fake upstream, are what the classifier takes them for; all labels are by hand."""

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from openmux_lc.catalog.catalog import load_catalog
from openmux_lc.errors import ProviderError
from openmux_lc.providers.exchange import Reply
from openmux_lc.providers.fault import to_fault
from openmux_lc.settings import Settings
from openmux_lc.testing import FakeUpstream, Fault, fault_providers, faults_of, provider_fault, rate_limited_like
from tests.conftest import ROOT
from tests.providers.calls import call

ROWS = load_catalog(Settings()).providers
NOW = 1_800_003_600.0
"""Nine in the morning in Greenwich, one at night in California, on the 15th of a month."""
TODAY_S, TODAY_PACIFIC_S, MONTH_S, DAY_S = 54_000.0, 82_800.0, 1_436_400.0, 86_400.0

Label = tuple[str, str, float | None]

ORDINARY: dict[str, Label] = {
    "bad_request": ("InvalidRequest", "request", None),
    "context_too_long": ("ContextOverflow", "model", None),
    "unauthorized": ("AuthenticationFailed", "key", None),
    "payment_required": ("PaymentRequired", "account", DAY_S),
    "forbidden": ("PermissionDenied", "model", None),
    "not_found": ("ModelGone", "model", None),
    "gone": ("ModelGone", "model", None),
    "too_large": ("ContextOverflow", "model", None),
    "rate_limited": ("RateLimited", "model", None),
    "server_error": ("ServerError", "model", None),
    "bad_gateway": ("ServerError", "model", None),
    "overloaded": ("ServerError", "model", None),
    "error_in_200": ("ServerError", "model", None),
}
"""What an error is unless its host's own table says otherwise."""

WHOLE_ACCOUNT = frozenset(
    {
        *("cloudflare", "codestral", "cohere", "deepinfra", "fireworks", "kilo", "llm7", "mistral"),
        *("modelscope", "nvidia", "ollama-cloud", "openrouter", "pollinations", "replicate", "vlmrun"),
    }
)
"""Hosts whose limits are the account's (or the address's), so all their models are left alone."""

SPECIAL: dict[tuple[str, str], Label] = {
    ("cerebras", "out_of_quota"): ("RateLimited", "model", TODAY_S),
    ("cerebras", "rate_limited"): ("RateLimited", "model", 1.0),
    ("chutes", "capacity"): ("ServerError", "model", None),
    ("cloudflare", "capacity"): ("ServerError", "model", None),
    ("cloudflare", "out_of_quota"): ("RateLimited", "account", TODAY_S),
    ("codestral", "capacity"): ("RateLimited", "model", None),
    ("codestral", "out_of_quota"): ("RateLimited", "account", MONTH_S),
    ("cohere", "out_of_quota"): ("RateLimited", "account", MONTH_S),
    ("cohere", "rate_limited"): ("RateLimited", "account", 60.0),
    ("cohere", "unsafe"): ("PermissionDenied", "request", None),
    ("deepinfra", "busy"): ("ServerError", "model", None),
    ("gemini", "invalid_key"): ("AuthenticationFailed", "key", None),
    ("gemini", "not_free"): ("PermissionDenied", "model", None),
    ("gemini", "out_of_quota"): ("RateLimited", "model", TODAY_PACIFIC_S),
    ("gemini", "region"): ("PermissionDenied", "provider", None),
    ("github-models", "gone"): ("ModelGone", "provider", None),
    ("groq", "out_of_quota"): ("RateLimited", "model", TODAY_S),
    ("groq", "rate_limited"): ("RateLimited", "model", 60.0),
    ("groq", "tool_use_failed"): ("BadPayload", "model", None),
    ("huggingface", "loading"): ("ServerError", "model", 20.0),
    ("huggingface", "payment_required"): ("PaymentRequired", "account", MONTH_S),
    ("kilo", "out_of_quota"): ("RateLimited", "account", None),
    ("kilo", "paid_model"): ("PermissionDenied", "model", None),
    ("llamacpp", "loading"): ("ServerError", "model", None),
    ("llamacpp", "no_tools"): ("InvalidRequest", "request", None),
    ("lmstudio", "nothing_loaded"): ("ModelGone", "model", None),
    ("mistral", "capacity"): ("RateLimited", "model", None),
    ("mistral", "out_of_quota"): ("RateLimited", "account", MONTH_S),
    ("modelscope", "no_balance"): ("ModelGone", "model", None),
    ("nvidia", "degraded"): ("ServerError", "model", None),
    ("nvidia", "forbidden"): ("AuthenticationFailed", "key", None),
    ("ollama", "no_memory"): ("ServerError", "model", None),
    ("ollama-cloud", "out_of_quota"): ("RateLimited", "account", None),
    ("opencode-zen", "out_of_quota"): ("RateLimited", "account", None),
    ("openrouter", "moderated"): ("PermissionDenied", "request", None),
    ("openrouter", "out_of_quota"): ("RateLimited", "account", TODAY_S),
    ("openrouter", "upstream_limited"): ("RateLimited", "model", None),
    ("pollinations", "queued"): ("RateLimited", "account", None),
    ("sambanova", "out_of_quota"): ("RateLimited", "model", DAY_S),
    ("siliconflow", "rate_limited"): ("RateLimited", "model", 60.0),
    ("vllm", "no_tools"): ("InvalidRequest", "request", None),
    ("zai", "busy"): ("ServerError", "model", None),
    ("zai", "moderated"): ("PermissionDenied", "request", None),
    ("zai", "out_of_quota"): ("RateLimited", "model", TODAY_S),
    ("zai", "payment_required"): ("PaymentRequired", "model", DAY_S),
}

NO_HINT = frozenset({"cloudflare", "modelscope", "nvidia", "ovhcloud"})
"""Hosts whose 429 does not say for how long."""
BY_THE_MINUTE = frozenset({"cohere", "siliconflow"})
"""Hosts whose words name the window, and nothing else does."""


def judged(provider: str, fault: Fault) -> ProviderError:
    body = fault.body if isinstance(fault.body, str) else json.dumps(fault.body)
    headers = {name.lower(): value for name, value in fault.headers.items()}
    reply = Reply(status=fault.status, headers=headers, body=body.encode())
    return to_fault(call(ROWS[provider]), reply, now=NOW)


def label(provider: str, case: str) -> Label:
    if (provider, case) in SPECIAL:
        return SPECIAL[provider, case]
    kind, scope, wait_s = ORDINARY[case]
    return kind, "account" if case == "rate_limited" and provider in WHOLE_ACCOUNT else scope, wait_s


def test_every_row_of_the_catalog_has_its_errors() -> None:
    """At least a wrong key, a limit and a failure of its own."""
    assert set(ROWS) == set(fault_providers())
    assert {40} == {len(fault_providers())}
    for provider in fault_providers():
        statuses = {fault.status for fault in faults_of(provider).values()}
        assert {401, 403, 410, 413, 429, 500, 502, 503} <= statuses, provider


@pytest.mark.parametrize("provider", fault_providers())
def test_every_error_gets_the_class_scope_and_wait_that_were_labelled_by_hand(provider: str) -> None:
    wrong = {}
    for case, known in faults_of(provider).items():
        fault = judged(provider, known.fault(now=NOW))
        found = (type(fault).__name__, fault.scope, None if fault.retry_after is None else round(fault.retry_after))
        if label(provider, case) != found:
            wrong[case] = found

    assert {} == wrong


def test_no_label_is_left_over() -> None:
    assert set() == {(provider, case) for provider, case in SPECIAL if case not in faults_of(provider)}


@pytest.mark.parametrize("provider", fault_providers())
def test_a_limit_ends_when_the_hosts_own_headers_or_words_say(provider: str) -> None:
    fault = judged(provider, rate_limited_like(provider, reset_in_s=47.5, limit=10, now=NOW))

    assert ("RateLimited", 429) == (type(fault).__name__, fault.status_code)
    if provider in NO_HINT:
        assert fault.retry_after is None
    elif provider in BY_THE_MINUTE:
        assert 60.0 == fault.retry_after
    else:
        assert fault.retry_after in {47.5, 48.0}


@pytest.mark.parametrize(
    ("reset_in_s", "written"),
    [(0.329, "329ms"), (7.66, "7.66s"), (179.56, "2m59.56s"), (3723.0, "1h2m3s"), (3600.0, "1h0m0s")],
)
def test_durations_are_written_as_go_does(reset_in_s: float, written: str) -> None:
    headers = rate_limited_like("groq", reset_in_s=reset_in_s).headers

    assert written == headers["x-ratelimit-reset-tokens"]


def test_every_error_says_where_it_was_seen() -> None:
    faults = [fault for provider in fault_providers() for fault in faults_of(provider).values()]

    assert {"recorded shape", "quoted", "documented", "assumed"} == {fault.origin for fault in faults}
    assert all(fault.source and fault.as_of.startswith("202") for fault in faults)


def test_an_error_is_found_by_name_or_status_and_played() -> None:
    with httpx.Client(trust_env=False) as client, FakeUpstream(provider_fault("cerebras", 429)) as up:
        told = client.post(f"{up.base_url}/chat/completions", json={"model": "m", "messages": []})
        up.play(provider_fault("sambanova", "unauthorized"))
        plain = client.post(f"{up.base_url}/chat/completions", json={"model": "m", "messages": []})

    assert (429, "request_quota_exceeded") == (told.status_code, told.json()["code"])
    assert (401, "text/plain; charset=utf-8") == (plain.status_code, plain.headers["content-type"])


def test_what_is_not_known_is_said() -> None:
    with pytest.raises(ValueError, match="unknown provider 'nobody'; known are ai-horde, cerebras"):
        provider_fault("nobody", 429)
    with pytest.raises(ValueError, match="provider 'groq' has no fault 418; known are bad_request"):
        provider_fault("groq", 418)


def test_the_file_is_small_and_tells_its_licence_and_date() -> None:
    path = ROOT / "openmux_lc" / "testing" / "faults.json"
    about = json.loads(path.read_text(encoding="utf-8"))["about"]

    assert path.stat().st_size < 200_000
    assert about["licence"].startswith("MIT")
    assert "2026-11-20" == about["as_of"]


def test_the_same_facts_give_the_same_file(shared: Path, tmp_path: Path) -> None:
    script, out = ROOT / ".ci" / "build" / "make_faults.py", tmp_path / "faults.json"
    command = [sys.executable, str(script), "--shared", str(shared), "--out", str(out)]
    subprocess.run(command, check=True, timeout=60, env={**os.environ, "PYTHONPATH": str(ROOT)})

    assert out.read_bytes() == (ROOT / "openmux_lc" / "testing" / "faults.json").read_bytes()
