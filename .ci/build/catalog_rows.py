"""One provider's facts as a row of providers.toml: figures, ids and flags, no prose."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

_ON = {"active", "active-uncertain", "best-effort"}
# For some accounts, or under a condition: off, but the rule stays for whoever puts such a row on.
_CONDITIONAL = {"active-restricted", "alpha-free"}
# Called active, but what is free there is not known well enough: overrides.toml says why.
_UNKNOWN = {"uncloseai", "vercel-ai-gateway"}

# Our dialects that the facts call otherwise, and the facts' name of the address that they speak to ("": the usual one).
_DIALECTS = {
    "ai-horde": ("horde", ""),
    "cloudflare": ("cloudflare", ""),
    "cohere": ("cohere", "native_v2"),
    "gemini": ("gemini", "native"),
    "huggingface": ("huggingface", ""),
    "pollinations": ("pollinations", "legacy_text_openai"),
}
_USUAL_DIALECT = {"openai-chat": "openai"}
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
    ("default_max_tokens", ("param_quirks",), r"set max_tokens explicitly"),
    ("dummy_key", ("auth.anonymous_value",), r"^unused$"),
    ("echo_reasoning_details", ("streaming.reasoning_field",), r"reasoning_details\[\]"),
    ("embedding_input_type", ("embeddings.endpoint",), r"requires input_type"),
    ("keyless_no_auth_header", ("auth.note",), r"send NO Authorization"),
    ("no_format_in_stream", ("structured_outputs",), r"not with stream"),
    ("no_format_with_tools", ("structured_outputs",), r"\(not with tools\)"),
    ("no_json_schema", ("structured_outputs",), r"^json_object( only)?$"),
    ("no_logit_bias", ("param_quirks",), r"(drop|reject) [^|]*logit_bias"),
    ("no_logprobs", ("param_quirks",), r"(drop|reject) [^|]*logprobs"),
    ("no_min_p", ("param_quirks",), r"(drop|reject) [^|]*min_p"),
    ("no_name", ("param_quirks",), r"messages\[\]\.name"),
    ("no_null_content", ("param_quirks",), r"content:null"),
    ("no_penalties", ("param_quirks",), r"presence penalty rejected"),
    ("no_reasoning_effort", ("param_quirks",), r"drop [^|]*reasoning_effort"),
    ("no_response_format", ("structured_outputs",), r"^response_format rejected"),
    ("no_stream_options", ("streaming.stream_options",), r"do not send"),
    ("no_tools", ("tools",), r"^no\b"),
    ("no_top_k", ("param_quirks",), r"(drop|reject) [^|]*top_k"),
    ("pacific_days", ("rate_limits.reset",), r"Los_Angeles"),
    ("prefix_last", ("param_quirks",), r"prefix:true"),
    ("random_seed", ("param_quirks",), r"seed is random_seed"),
    ("reasoning_object", ("param_quirks",), r"reasoning:\{effort"),
    ("requests_per_day", ("rate_limit_headers.headers",), _LIMIT_REQUESTS + r"[^']*(DAY|RPD)"),
    ("requests_per_minute", ("rate_limit_headers.headers",), _LIMIT_REQUESTS + r"per minute"),
    ("single_tool_calls", ("tools",), r"single tool-calls"),
    ("thinking_type", ("streaming.quirks",), r'thinking:\{"type"'),
    ("tokens_per_minute", ("rate_limit_headers.headers",), _LIMIT_TOKENS + r"[^']*(MINUTE|TPM)"),
    ("tool_choice_any", ("tools",), r'tool_choice "any"'),
    ("tool_choice_auto", ("tools",), r'tool_choice only "auto"'),
    ("tool_id_9", ("streaming.quirks",), r"exactly 9 alphanumeric"),
)

# A piece of an id as the facts write them, whole or with a * before or behind it.
_PART_OF_ID = re.compile(r"(?=.{3})[\w./:@-]+")
_FREE_EMBEDDINGS = ("in free mode", "anonymous", "pool", "within 1000 calls")

# Prices in words: a unit, and a model's name with what its prompt and its answer use.
_PRICES = re.compile(r"(?P<unit>\w+) per M tokens in/out: (?P<prices>.*)")
_PRICE = re.compile(r"([\w.-]+) (\d+)/(\d+)(?=;|$)")
_A_DATE = re.compile(r"\d{4}(?:-\d\d){0,2}(?!\d)")

_AUDIO = {"audio_seconds_per_hour": 3600, "audio_seconds_per_day": 86_400}
_ROLLING = {"rps": 1, "rpm": 60, "rph": 3600, "tpm": 60, "tph": 3600, **_AUDIO}
_DAILY = ("rpd", "tpd")


def row_of(fact: dict) -> dict[str, object]:
    """Return the row; keys that would repeat a default are left out."""
    is_local = fact["kind"] == "local"
    base_url = _base_url(fact)
    row: dict[str, object] = {
        "name": fact["display_name"].split(" (")[0],
        "status": "on" if is_on(fact) else "off",
        "off_reason": "" if is_on(fact) else f"{fact['status']}, read {fact['as_of']}",
        "base_url": base_url,
        "dialect": _dialect(fact)[0],
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
        "base_url_env": _url_variables(fact, base_url),
        "auth": _auth(fact, base_url),
        "unit_prices": _dearest(unit_prices_of(fact)),
        "free": free_of(fact) if is_on(fact) or fact["status"] in _CONDITIONAL | _ON else {},
        "model_limits": _model_limits(fact),
    }
    return {key: value for key, value in row.items() if value not in ("", [], {}, False)}


def is_on(fact: dict) -> bool:
    """Whether the facts say that something is free for everybody."""
    return fact["status"] in _ON and fact["id"] not in _UNKNOWN


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
    rules = {rule["rule"]: rule for rule in fact["free_tier"]["detect"]["rules"]}
    suffixes = [rules["id_suffix"]["value"]] if "id_suffix" in rules else []
    kind = _kind(fact, suffixes)
    if "all_models" in rules and kind in {"local", "keyless"}:
        return {"kind": kind, "all_models": True}
    rule = {
        "kind": kind,
        "suffixes": suffixes,
        "ids": [model for model in _listed(fact) if not model.endswith(tuple(suffixes) or "\0")],
        "excluded": _excluded(fact, suffixes),
    }
    return {key: value for key, value in rule.items() if value}


def _listed(fact: dict) -> list[str]:
    """Return every id that the facts call free by name, at the address that is ours."""
    rules = fact["free_tier"]["detect"]["rules"]
    lists = [rule["ids"] for rule in rules if rule["rule"].startswith("allowlist") and _is_ours(rule, fact)]
    seen = [model["id"] for model in (*fact["free_tier"]["free_models"], *embeddings_of(fact))]
    return sorted({model for ids in lists for model in ids} | set(seen))


def _is_ours(rule: dict, fact: dict) -> bool:
    return rule.get("base") in {None, _dialect(fact)[1]}


def _excluded(fact: dict, suffixes: list[str]) -> list[str]:
    """Return what in an id tells that it is not free; prose about others is left to overrides.toml.

    Where ids are listed, a filter by parts of them sorts out what is no chat model, not what costs.
    """
    filters = fact["free_tier"]["detect"].get("filters", ())
    kinds = {"denylist", "denylist_substring"} if suffixes else {"denylist"}
    parts = {part for rule in filters if rule["rule"] in kinds for part in rule["ids"]}
    told = [part.strip("*") for model in fact["free_tier"]["excluded_models"] for part in model["id"].split(", ")]
    parts |= {part for part in told if _PART_OF_ID.fullmatch(part)}
    if billed := re.match(r"(:\w+) suffix .*\bbilled\b", fact["web_search"]["how"] or ""):
        parts.add(billed[1])
    return sorted(part for part in parts if not any(other in part for other in parts - {part}))


def embeddings_of(fact: dict) -> list[dict]:
    """Return the embedding models that cost nothing month after month, with their dimensions."""
    told = fact["embeddings"]
    is_free = told["free"] is True or str(told["free"]).startswith(_FREE_EMBEDDINGS)
    return [model for model in told["models"] if is_free and model["dims"]] if fact["kind"] != "local" else []


def limits_of(told: dict) -> list[dict[str, object]]:
    """Return the quotas as amounts per window and scope."""
    scope = _scope(told["scope"])
    windows = {key: {"window": "rolling", "seconds": seconds} for key, seconds in _ROLLING.items()}
    windows |= dict.fromkeys(_DAILY, _day(told.get("reset") or ""))
    limits = [{"unit": _unit(key), "amount": told[key], **window} for key, window in windows.items() if told.get(key)]
    if told.get("daily_neurons"):
        limits.append({"unit": "neurons", "amount": told["daily_neurons"], **windows["rpd"]})
    if month := re.match(r"([\d,]+) (tokens|API calls)", told.get("monthly") or ""):
        unit = "tokens" if month[2] == "tokens" else "requests"
        limits.append({"unit": unit, "amount": int(month[1].replace(",", "")), "window": "calendar_month"})
    if told.get("concurrency"):
        limits.append({"unit": "requests", "amount": told["concurrency"], "window": "concurrency"})
    return [limit | {"scope": scope} for limit in limits]


def unit_prices_of(fact: dict) -> dict[str, dict[str, object]]:
    """Return what a million tokens of a model use of the unit that its host counts, by the facts' name of the model."""
    told = _PRICES.match(fact["rate_limits"]["note"] or "")
    if told is None:
        return {}
    dates = [part.get("as_of", "") for part in fact["evidence"] if part["field"] == "rate_limits"]
    read = {"as_of": _A_DATE.match(dates[0])[0], "source": source_of(fact, "rate_limits").split("; ")[-1]}
    return {
        name: {told["unit"]: {"input_per_million": int(taken), "output_per_million": int(made), **read}}
        for name, taken, made in _PRICE.findall(told["prices"])
    }


def _dearest(prices: dict[str, dict[str, dict]]) -> dict[str, object]:
    """Return the price for a model of which none is known: the highest of each direction."""
    dearest: dict[str, dict] = {}
    for price in prices.values():
        for unit, figures in price.items():
            known = dearest.get(unit, figures)
            dearest[unit] = {key: max(value, known[key]) for key, value in figures.items()}
    return dearest


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
    # What the facts call otherwise, a project or a token, is as narrow as an account here.
    return next(
        (f"{word}{by_model}" for word in ("ip", "key", "organisation") if text.startswith(word)), f"account{by_model}"
    )


def _model_limits(fact: dict) -> dict[str, object]:
    """Return the quotas of single models; the facts also name kinds of models, which are left out."""
    told = fact["rate_limits"]
    figures = {model: figures for model, figures in told["per_model"].items() if model in _listed(fact)}
    rows = {
        model: limits_of({"scope": told["scope"], "reset": told["reset"], **figure})
        for model, figure in figures.items()
    }
    return {model: limits for model, limits in rows.items() if limits}


def _dialect(fact: dict) -> tuple[str, str]:
    """Return our dialect and the facts' name of its address."""
    usual = _USUAL_DIALECT.get(fact["api_dialect"], fact["api_dialect"])
    return _DIALECTS.get(fact["id"], (usual, ""))


def _base_url(fact: dict) -> str:
    other = _dialect(fact)[1]
    return (fact["alt_base_urls"][other] if other else fact["base_url"]).split()[0].rstrip("/")


def _url_variables(fact: dict, base_url: str) -> dict[str, list[str]]:
    """Return the variables that fill a part of the address."""
    names = fact["auth"].get("extra_env_vars", [])
    return {part: names for part in re.findall(r"\{(\w+)\}", base_url) if part in names}


def _auth(fact: dict, base_url: str) -> dict[str, object]:
    told = fact["auth"]
    mode = re.match(r"\w+", told["mode"])[0]
    check = re.match(r"GET (/[^\s?]+)", told["validate"] or "")
    base = urlsplit(base_url).path
    path = check[1] if check else ""
    headers, forms = told["header"].split(" | "), told["header_format"].split(" | ")
    door = next((at for at, header in enumerate(headers) if "(native)" in header and _dialect(fact)[1]), 0)
    row = {
        "mode": mode,
        "env": [name for name in told["env_vars"] if not _ADDRESS_VARIABLE.search(name)] if mode != "none" else [],
        "header": headers[door].split()[0],
        "form": re.match(r"[^|(]*\{key\}", forms[door])[0],
        "check_path": path.removeprefix(base) if base and path.startswith(f"{base}/") else "",
    }
    usual = {"header": "Authorization", "form": "Bearer {key}"}
    return {key: value for key, value in row.items() if value and usual.get(key) != value}


def _kind(fact: dict, suffixes: list[str]) -> str:
    if fact["kind"] == "local":
        return "local"
    if fact["keyless"] or _dialect(fact)[1].startswith("legacy"):
        return "keyless"
    if re.search(r"priced \$0|marked free on the \S+ price page", fact["free_tier"]["definition"]):
        return "zero_price"
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
    fields = ("status", "legacy status", "free_models", "all", "base_url")
    fields += () if fact["kind"] == "local" else ("free_tier",)
    told = [part["confidence"] for part in fact["evidence"] if not {*part["field"].split(",")}.isdisjoint(fields)]
    return min(told or ["low"], key=_WEIGHTS.index)


def _source(fact: dict) -> str:
    return (
        source_of(fact, "free_models", "status", "all") or source_of(fact, "free_tier") or source_of(fact, "base_url")
    )


def _url(told: str | None) -> str:
    return told if told and told.startswith("https://") else ""


def _text(fact: dict, place: str) -> str:
    value: object = fact
    for step in place.split("."):
        value = value.get(step, "") if isinstance(value, dict) else ""
    return " | ".join(map(str, value)) if isinstance(value, list) else str(value or "")
