"""One provider's facts as a row of providers.toml: figures, ids and flags, no prose."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

_ON = {"active", "active-uncertain", "active-restricted", "best-effort", "alpha-free"}
_DIALECTS = {"openai-chat": "openai"}
_FINGERPRINTS = {"transformers-serve": "transformers"}
_ADDRESS_VARIABLE = re.compile(r"_(BASE_URL|HOST|URL)$")
_NOT_A_SOURCE = re.compile(r"find_string|synthesis|background knowledge|search excerpts|stored index")
_HOW_READ = re.compile(r" \([^()]*stored[^()]*\)")
_WEIGHTS = ("low", "medium", "high")

_LIMIT_REQUESTS = r"'x-ratelimit-limit-requests', 'semantics': '"
_LIMIT_TOKENS = r"'x-ratelimit-limit-tokens', 'semantics': '"

# A flag, where to look, and what tells it.
_QUIRKS = (
    ("account_limits", ("rate_limits.scope",), r"^account \(all keys"),
    ("always_usage", ("streaming.usage",), r"\balways\b"),
    ("dummy_key", ("keyless_note", "auth.note"), r'key "unused"'),
    ("keyless_no_auth_header", ("auth.note",), r"send NO Authorization"),
    ("no_json_schema", ("structured_outputs",), r"^json_object( only)?$"),
    ("no_name", ("param_quirks",), r"messages\[\]\.name"),
    ("no_null_content", ("param_quirks",), r"content:null"),
    ("no_penalties", ("param_quirks",), r"presence penalty rejected"),
    ("no_reasoning_effort", ("param_quirks",), r"drop [^|]*reasoning_effort"),
    ("no_response_format", ("structured_outputs",), r"^response_format rejected"),
    ("no_stream_options", ("streaming.stream_options",), r"do not send"),
    ("no_tools", ("tools",), r"^no\b"),
    ("pacific_days", ("rate_limits.reset",), r"Los_Angeles"),
    ("random_seed", ("param_quirks",), r"seed is random_seed"),
    ("requests_per_day", ("rate_limit_headers.headers",), _LIMIT_REQUESTS + r"[^']*(DAY|RPD)"),
    ("requests_per_minute", ("rate_limit_headers.headers",), _LIMIT_REQUESTS + r"per minute"),
    ("tokens_per_minute", ("rate_limit_headers.headers",), _LIMIT_TOKENS + r"[^']*(MINUTE|TPM)"),
    ("tool_choice_any", ("tools",), r'tool_choice "any"'),
    ("tool_id_9", ("streaming.quirks",), r"exactly 9 alphanumeric"),
)

_AUDIO = {"audio_seconds_per_hour": 3600, "audio_seconds_per_day": 86_400}
_ROLLING = {"rps": 1, "rpm": 60, "rph": 3600, "tpm": 60, "tph": 3600, **_AUDIO}
_DAILY = ("rpd", "tpd")


def row_of(fact: dict) -> dict[str, object]:
    """Return the row; keys that would repeat a default are left out."""
    is_local = fact["kind"] == "local"
    is_on = fact["status"] in _ON
    row: dict[str, object] = {
        "name": fact["display_name"].split(" (")[0],
        "status": "on" if is_on else "off",
        "off_reason": "" if is_on else f"{fact['status']}, read {fact['as_of']}",
        "base_url": fact["base_url"].split()[0].rstrip("/"),
        "dialect": _DIALECTS.get(fact["api_dialect"], fact["api_dialect"].removeprefix("other:")),
        "is_local": is_local,
        "signup_url": _url(fact["auth"]["signup_url"]),
        "trains_on_data": _trains(fact["privacy"]["trains_on_free_data"]),
        "as_of": re.match(r"\d{4}(-\d\d){0,2}", fact["as_of"])[0],
        "confidence": _confidence(fact),
        "source": _source(fact),
        "quirks": quirks_of(fact),
        "ports": [urlsplit(fact["base_url"]).port] if is_local else [],
        "fingerprint": _FINGERPRINTS.get(fact["id"], fact["id"]) if is_local else "",
        "limits": limits_of(fact["rate_limits"]),
        "auth": _auth(fact),
        "free": free_of(fact) if is_on else {},
        "model_limits": _model_limits(fact),
    }
    return {key: value for key, value in row.items() if value not in ("", [], {}, False)}


def with_aliases(row: dict[str, object], listing: Path) -> dict[str, object]:
    """Return the row with the provider's own `-latest` names for the ids that are free."""
    if not listing.is_file() or "ids" not in row.get("free", {}):
        return row
    told = json.loads(listing.read_text(encoding="utf-8"))
    models = told.get("data", ()) if isinstance(told, dict) else told
    ids = set(row["free"]["ids"])
    aliases = {alias for model in models if model.get("id") in ids for alias in model.get("aliases") or ()}
    ids |= {alias for alias in aliases if alias.endswith("-latest")}
    return row | {"free": row["free"] | {"ids": sorted(ids)}}


def quirks_of(fact: dict) -> list[str]:
    """Return the flags that the facts tell."""
    return [flag for flag, places, sign in _QUIRKS if any(re.search(sign, _text(fact, place)) for place in places)]


def free_of(fact: dict) -> dict[str, object]:
    """Return how the facts tell a free model from another.

    Every model counts only where no bill can arise: on this machine, or where no key is sent.
    """
    detect = fact["free_tier"]["detect"]
    rules = {rule["rule"]: rule for rule in detect["rules"]}
    suffixes = [rules["id_suffix"]["value"]] if "id_suffix" in rules else []
    kind = _kind(fact, suffixes)
    if "all_models" in rules and kind in {"local", "keyless"}:
        return {"kind": kind, "all_models": True}
    filters = [part["ids"] for part in detect.get("filters", ()) if part["rule"] == "denylist_substring"]
    rule = {
        "kind": kind,
        "suffixes": suffixes,
        "ids": [model for model in _listed(fact, rules) if not model.endswith(tuple(suffixes) or "\0")],
        "excluded": sorted({part for parts in filters for part in parts}),
    }
    return {key: value for key, value in rule.items() if value}


def _listed(fact: dict, rules: dict[str, dict]) -> list[str]:
    """Return every id that the facts call free by name."""
    seen = [model["id"] for model in (*fact["free_tier"]["free_models"], *embeddings_of(fact))]
    return sorted({*rules.get("allowlist", {}).get("ids", []), *seen})


def embeddings_of(fact: dict) -> list[dict]:
    """Return the embedding models that are free for good, with their dimensions."""
    told = fact["embeddings"]
    is_free = told["free"] is True or str(told["free"]).startswith(("in free mode", "anonymous"))
    return [model for model in told["models"] if is_free and model["dims"]] if fact["kind"] != "local" else []


def limits_of(told: dict) -> list[dict[str, object]]:
    """Return the quotas as amounts per window and scope."""
    scope = _scope(told["scope"])
    windows = {key: {"window": "rolling", "seconds": seconds} for key, seconds in _ROLLING.items()}
    windows |= dict.fromkeys(_DAILY, _day(told.get("reset") or ""))
    limits = [{"unit": _unit(key), "amount": told[key], **window} for key, window in windows.items() if told.get(key)]
    if month := re.match(r"([\d,]+) (tokens|API calls)", told.get("monthly") or ""):
        unit = "tokens" if month[2] == "tokens" else "requests"
        limits.append({"unit": unit, "amount": int(month[1].replace(",", "")), "window": "calendar_month"})
    if told.get("concurrency"):
        limits.append({"unit": "requests", "amount": told["concurrency"], "window": "concurrency"})
    return [limit | {"scope": scope} for limit in limits]


def source_of(fact: dict, *fields: str) -> str:
    """Return the first two sources of the facts about `fields`."""
    found: list[str] = []
    for evidence in fact["evidence"]:
        if any(field in evidence["field"] for field in fields):
            found += [_HOW_READ.sub("", source) for source in evidence["sources"] if not _NOT_A_SOURCE.search(source)]
    return "; ".join(list(dict.fromkeys(found))[:2])


def _day(reset: str) -> dict[str, object]:
    """Return a daily window; where nothing tells the reset, the last 24 hours are the stricter reading."""
    if "Los_Angeles" in reset:
        return {"window": "calendar_day", "zone": "America/Los_Angeles"}
    if "00:00 UTC" in reset:
        return {"window": "calendar_day", "zone": "UTC"}
    return {"window": "rolling", "seconds": 86_400}


def _unit(key: str) -> str:
    if key in _AUDIO:
        return "audio_seconds"
    return "tokens" if key.startswith("t") else "requests"


def _scope(told: str) -> str:
    text = told.lower()
    by_model = "_model" if "per model" in text else ""
    if text.startswith("ip"):
        return f"ip{by_model}"
    return f"key{by_model}" if text.startswith("key") else f"account{by_model}"


def _model_limits(fact: dict) -> dict[str, object]:
    """Return the quotas of single models; the facts also name kinds of models, which are left out."""
    told = fact["rate_limits"]
    rules = {rule["rule"]: rule for rule in fact["free_tier"]["detect"]["rules"]}
    figures = {model: figures for model, figures in told["per_model"].items() if model in _listed(fact, rules)}
    rows = {
        model: limits_of({"scope": told["scope"], "reset": told["reset"], **figure})
        for model, figure in figures.items()
    }
    return {model: limits for model, limits in rows.items() if limits}


def _auth(fact: dict) -> dict[str, object]:
    told = fact["auth"]
    mode = re.match(r"\w+", told["mode"])[0]
    check = re.match(r"GET (\S+)", told["validate"] or "")
    base = urlsplit(fact["base_url"].split()[0]).path
    path = check[1] if check else ""
    row = {
        "mode": mode,
        "env": [name for name in told["env_vars"] if not _ADDRESS_VARIABLE.search(name)] if mode != "none" else [],
        "header": told["header"].split()[0],
        "form": re.match(r"[^|(]*\{key\}", told["header_format"])[0],
        "check_path": path.removeprefix(base) if base and path.startswith(f"{base}/") else "",
    }
    usual = {"header": "Authorization", "form": "Bearer {key}"}
    return {key: value for key, value in row.items() if value and usual.get(key) != value}


def _kind(fact: dict, suffixes: list[str]) -> str:
    if fact["kind"] == "local":
        return "local"
    if fact["keyless"]:
        return "keyless"
    return "free_id" if suffixes else "free_tier"


def _trains(told: object) -> str:
    if isinstance(told, bool):
        return "yes" if told else "no"
    text = str(told).lower()
    for sign, word in (("opt", "opt_out"), ("likely", "likely"), ("possible", "likely"), ("may ", "likely")):
        if sign in text:
            return word
    return "yes" if text.startswith("yes") else "unknown"


def _confidence(fact: dict) -> str:
    """Return the lowest confidence among the facts that decide whether to call."""
    fields = ("status", "free_models", "all", "base_url")
    told = [part["confidence"] for part in fact["evidence"] if not {*part["field"].split(",")}.isdisjoint(fields)]
    return min(told or ["low"], key=_WEIGHTS.index)


def _source(fact: dict) -> str:
    return source_of(fact, "free_models", "status", "all") or source_of(fact, "base_url")


def _url(told: str | None) -> str:
    return told if told and told.startswith("https://") else ""


def _text(fact: dict, place: str) -> str:
    value: object = fact
    for step in place.split("."):
        value = value.get(step, "") if isinstance(value, dict) else ""
    return " | ".join(map(str, value)) if isinstance(value, list) else str(value or "")
