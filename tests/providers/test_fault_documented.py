"""Every failure that a host is documented to answer with, in the documented shape.

Modelled on documentation (the `errors.cases` of `providers.json`), not on traffic: status and words are the documents',
the body around them is the documented shape filled with them.
"""

import json
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from openmux_lc.errors import (
    AuthenticationFailed,
    BadPayload,
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
from openmux_lc.providers.fault import to_fault
from tests.providers.calls import call, provider

NOW = 1_790_000_000.0
Kinds = tuple[type[ProviderError], ...]


class Case(NamedTuple):
    provider: str
    name: str
    status: int
    words: str


_CLASSES: dict[str, Kinds] = {
    "invalid_key": (AuthenticationFailed,),
    "rate_limited": (RateLimited,),
    "model_missing": (ModelGone,),
    "context_too_long": (ContextOverflow,),
    "moderation": (PermissionDenied,),
    "overloaded": (ServerError,),
    "tier": (PermissionDenied,),
    "paid_or_agreement": (PermissionDenied,),
    "forbidden_client": (PermissionDenied,),
    "verification": (PermissionDenied,),
    "subscription": (PermissionDenied,),
    "paid_model": (PermissionDenied,),
    "account": (PermissionDenied,),
    "region": (PermissionDenied,),
    "params": (InvalidRequest,),
    "tool_error": (BadPayload,),
    "tool_config": (InvalidRequest,),
}
_BARE_OF_MEANING = {400, 422, 404, 200}
"""Statuses that say nothing without words; a case that documents none of them is left to the status."""


def _kinds(case: Case) -> Kinds:
    special = _SPECIAL.get((case.provider, case.name, case.status, case.words))
    special = special or _SPECIAL.get((case.provider, case.name, case.status, ""))
    if special is not None:
        return special
    if case.name == "out_of_quota":
        return (RateLimited, PaymentRequired) if case.status == 429 else (PaymentRequired,)
    return _CLASSES[case.name]


_SPECIAL: dict[tuple[str, str, int, str], Kinds] = {
    ("openrouter", "overloaded", 429, ""): (RateLimited,),  # of the host behind it
    ("openrouter", "overloaded", 429, "provider_overloaded"): (ServerError,),
    ("groq", "overloaded", 498, ""): (RateLimited,),
    ("groq", "overloaded", 498, "over capacity"): (ServerError,),
    ("cerebras", "rate_limited", 429, "queue_exceeded"): (ServerError,),  # listed as overloaded too
    ("gemini", "out_of_quota", 429, "limit: 0"): (PermissionDenied,),  # not free at all
    ("cloudflare", "rate_limited", 429, "3040"): (ServerError,),  # out of capacity
    ("deepinfra", "rate_limited", 429, ""): (ServerError,),  # a busy model
    ("deepinfra", "overloaded", 429, ""): (RateLimited,),
    ("ollama", "rate_limited", 503, ""): (ServerError,),
    ("opencode-zen", "out_of_quota", 401, "FreeUsageLimitError"): (RateLimited,),
}
"""Where the documents' heading and the house's class go apart, with the reason."""

_WHOLE: dict[str, str] = {
    "exceeds the maximum": "The prompt length 40000 exceeds the maximum number of tokens",
    "must be less than": "the total number of tokens must be less than 4096",
    "20015": "20015 length of prompt_tokens must be less than max_seq_len",
    "length": "length of prompt_tokens must be less than max_seq_len",
    "input length": "the input length exceeds the context length",
    "is not supported": "Model x-free is not supported",
    "suspended": "Account x is suspended, possibly due to unpaid invoices",
    "must be <=": "`inputs` tokens + `max_new_tokens` must be <= 4096",
    "context length": "This model's maximum context length is 8192 tokens",
    "Prompt contains": "Prompt contains 40000 tokens, too large for model with 32768 maximum context length",
    "does not exist or you do not have access": "The model `x` does not exist or you do not have access to it",
}
"""Documented fragments, as the sentences they are cut from."""


def _body(case: Case) -> Any:
    phrase = HTTPStatus(case.status).phrase if case.status in set(HTTPStatus) else "Error"
    words = _WHOLE.get(case.words, case.words)
    is_code = bool(words) and " " not in words
    text = words if words and not is_code else phrase
    code = words if is_code else None
    said = words or phrase
    number, _, rest = words.partition(" ") if words[:1].isdecimal() else ("", "", text)
    flat = {"message": rest or phrase, "code": int(number) if number else code}
    shapes = {
        **dict.fromkeys(("cohere", "siliconflow", "cerebras", "mistral", "codestral"), flat),
        **{name: {"detail": said} for name in ("chutes", "transformers-serve")},
        **{name: {"error": said} for name in ("huggingface", "ollama", "ollama-cloud")},
        "nvidia": {"status": case.status, "title": phrase, "detail": said},
        "cloudflare": {"success": False, "errors": [{"code": int(number or 0), "message": said}], "result": {}},
        "replicate": {"detail": said, "status": case.status, "title": phrase},
        "deepinfra": {"detail": {"error": said}},
        "modelscope": {"errors": {"message": said}, "request_id": "1"},
        "pollinations": {"status": case.status, "success": False, "error": {"code": code or "ERROR", "message": text}},
        "gemini": [{"error": {"code": case.status, "message": said, "status": code or "UNKNOWN"}}],
        "opencode-zen": {"type": "error", "error": {"type": code or "Error", "message": text}},
    }
    openai = {"error": {"message": text, "type": code, "code": code or case.status}}
    return shapes.get(case.provider, openai)


def _cases(shared: Path) -> Iterator[Case]:
    facts = json.loads((shared / "providers" / "providers.json").read_text())
    rows = facts if isinstance(facts, list) else facts["providers"]
    for row in rows:
        for name, case in row["errors"]["cases"].items():
            statuses = case["status"] if isinstance(case["status"], list) else [case["status"]]
            for status in statuses:
                if isinstance(status, int):
                    for words in case.get("match") or [""]:
                        yield Case(row["id"], name, status, words)


def _fault(case: Case) -> ProviderError:
    reply = Reply(status=case.status, headers={}, body=json.dumps(_body(case)).encode())
    return to_fault(call(provider(id=case.provider)), reply, now=NOW)


_SCOPES = {AuthenticationFailed: {"key"}, ModelGone: {"model", "provider"}, ContextOverflow: {"model"}}
_SCOPES |= {PaymentRequired: {"account", "model"}, InvalidRequest: {"request"}, ServerError: {"model"}}


def _is_told(case: Case) -> bool:
    """Whether status and words are enough to tell what the failure is."""
    is_vague = case.status in _BARE_OF_MEANING or (case.status == 403 and case.name in {"moderation", "out_of_quota"})
    return case.status >= 300 and (bool(case.words) or not is_vague)


def test_every_documented_failure_gets_its_class_and_scope(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Modelled on documentation: the `errors.cases` of all 40 rows, each status with each of its words."""
    cases = [case for case in _cases(shared) if _is_told(case)]

    found = {case: _fault(case) for case in cases}

    wrong = [
        f"{tuple(case)}: {type(fault).__name__}, {fault.scope}"
        for case, fault in found.items()
        if type(fault) not in _kinds(case) or fault.scope not in _SCOPES.get(type(fault), {fault.scope})
    ]
    with capsys.disabled():
        print(f"\n{len(cases)} documented failures, {len(wrong)} judged otherwise than documented")
    assert [] == wrong
