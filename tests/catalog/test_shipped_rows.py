"""The shipped rows: what each one says, and what none of them may say."""

import json
import re
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest

import openmux_lc.catalog
from openmux_lc.catalog.catalog import load_catalog
from openmux_lc.catalog.free import evidence
from openmux_lc.catalog.layers import package_layers
from openmux_lc.catalog.models import PROFILE_KEYS
from openmux_lc.settings import Settings
from openmux_lc.types.catalog import Limit, Model, Route, Window

FOLDER = Path(openmux_lc.catalog.__file__).parent
ON = ("openrouter", "groq", "gemini", "mistral", "ovhcloud", "kilo", "ollama", "lmstudio", "llamacpp")
OFF = ("cerebras", "github-models", "ollama-cloud", "opencode-zen", "sambanova", "together")


@pytest.fixture(scope="module")
def catalog():
    return load_catalog(Settings())


def per(amount, seconds, scope, unit="requests"):
    return Limit(unit=unit, amount=amount, window=Window(kind="rolling", seconds=float(seconds)), scope=scope)


def daily(amount, scope, zone="UTC", unit="requests"):
    return Limit(unit=unit, amount=amount, window=Window(kind="calendar_day", zone=zone), scope=scope)


def is_free(row, model_id):
    return evidence(row, Model(id=model_id)) is not None


def test_the_rows_are_these_in_the_order_of_their_rank(catalog):
    """S1-05: OpenRouter comes first; S0-02: several sources behind one interface."""
    assert [*ON, *OFF] == list(catalog.providers)
    assert [*ON] == [row.id for row in catalog.providers.values() if row.is_on]


def test_openrouter(catalog):
    row = catalog.provider("openrouter")

    assert (row.dialect, row.base_url) == ("openai", "https://openrouter.ai/api/v1")
    assert (row.auth.env, row.auth.header, row.auth.form) == (("OPENROUTER_API_KEY",), "Authorization", "Bearer {key}")
    assert row.auth.check_path == "/key", "the list of models is public and proves nothing about a key"
    assert (per(20, 60, "account"), daily(50, "account")) == row.limits
    assert is_free(row, "vendor/anything:free")
    assert is_free(row, "openrouter/free")
    for paid in ("openai/gpt-5", "openrouter/auto", "google/lyria-3-clip", "a/b:free:online", "a/b:online:free"):
        assert not is_free(row, paid), paid
    assert {"account_limits", "always_usage"} == row.quirks


def test_groq(catalog):
    row = catalog.provider("groq")

    assert (row.dialect, row.base_url) == ("openai", "https://api.groq.com/openai/v1")
    assert (row.auth.env, row.auth.header, row.auth.check_path) == (("GROQ_API_KEY",), "Authorization", "/models")
    assert {
        per(30, 60, "account_model"),
        per(1000, 86_400, "account_model"),
        per(8000, 60, "account_model", "tokens"),
        per(200_000, 86_400, "account_model", "tokens"),
    } == set(row.limits)
    assert is_free(row, "openai/gpt-oss-20b")
    assert not is_free(row, "llama-3.3-70b-versatile"), "shut down on 2026-08-16"
    assert not is_free(row, "groq/compound"), "shut down on 2026-09-21"
    assert {"requests_per_day", "tokens_per_minute", "no_name"} == row.quirks


def test_gemini(catalog):
    row = catalog.provider("gemini")
    pacific = "America/Los_Angeles"

    assert (row.dialect, row.base_url) == ("openai", "https://generativelanguage.googleapis.com/v1beta/openai")
    assert (row.auth.env[0], row.auth.header, row.auth.check_path) == ("GEMINI_API_KEY", "Authorization", "/models")
    assert daily(20, "account_model", pacific) in row.limits
    assert daily(500, "account_model", pacific) in row.model_limits["gemini-3.1-flash-lite"]
    assert is_free(row, "gemini-3.5-flash")
    for paid in ("gemini-3.1-pro-preview", "gemini-4-argon", "gemini-2.5-flash", "gemini-3-flash-image", "imagen-4"):
        assert not is_free(row, paid), paid
    assert {"pacific_days", "no_penalties"} == row.quirks
    assert catalog.model(Route("gemini", "gemini-embedding-001")).dimensions == 3072


def test_mistral(catalog):
    row = catalog.provider("mistral")

    assert (row.dialect, row.base_url) == ("openai", "https://api.mistral.ai/v1")
    assert (row.auth.env, row.auth.check_path) == (("MISTRAL_API_KEY",), "/models")
    assert per(1, 1, "account") in row.limits
    assert (
        Limit(unit="tokens", amount=1_000_000_000, window=Window(kind="calendar_month"), scope="account") in row.limits
    )
    assert row.confidence == "low", "whether the free mode is still open is disputed"
    assert is_free(row, "mistral-small-2603")
    assert is_free(row, "mistral-small-latest"), "its own name for the same"
    assert not is_free(row, "glm-5-2")
    assert {"always_usage", "no_stream_options", "random_seed", "tool_choice_any", "tool_id_9"} < row.quirks
    assert catalog.model(Route("mistral", "mistral-embed")).dimensions == 1024


def test_kilo_is_asked_without_a_key(catalog):
    """S0-18: a keyless host; with a key an ended promotion would be billed."""
    row = catalog.provider("kilo")

    assert (row.dialect, row.base_url) == ("openai", "https://api.kilo.ai/api/gateway")
    assert (row.auth.mode, row.auth.env) == ("none", ())
    assert (per(200, 3600, "ip"),) == row.limits
    assert evidence(row, Model(id="kilo-auto/free")).kind == "keyless"
    assert is_free(row, "vendor/anything:free")
    assert not is_free(row, "openai/gpt-5")
    assert {"keyless_no_auth_header", "no_response_format"} == row.quirks


def test_ovhcloud_is_asked_without_a_key(catalog):
    """S0-18: a keyless host; with a key every call would be billed."""
    row = catalog.provider("ovhcloud")

    assert (row.dialect, row.base_url) == ("openai", "https://oai.endpoints.kepler.ai.cloud.ovh.net/v1")
    assert (row.auth.mode, row.auth.env) == ("none", ())
    assert (per(2, 60, "ip_model"),) == row.limits
    assert evidence(row, Model(id="whatever it serves")).kind == "keyless"
    assert catalog.model(Route("ovhcloud", "bge-m3")).dimensions == 1024


@pytest.mark.parametrize(
    ("row_id", "dialect", "base_url", "ports"),
    [
        ("ollama", "ollama", "http://127.0.0.1:11434", (11434,)),
        ("lmstudio", "openai", "http://127.0.0.1:1234/v1", (1234,)),
        ("llamacpp", "openai", "http://127.0.0.1:8080/v1", (8080,)),
    ],
)
def test_engines_on_this_machine_have_ports_a_fingerprint_and_no_quota(catalog, row_id, dialect, base_url, ports):
    row = catalog.provider(row_id)

    assert (row.dialect, row.base_url, row.ports, row.fingerprint) == (dialect, base_url, ports, row_id)
    assert row.is_local
    assert row.auth.mode != "key"
    assert () == row.limits
    assert evidence(row, Model(id="anything:latest")).kind == "local"


@pytest.mark.parametrize("model_id", ["gpt-oss:120b-cloud", "glm-4.6:cloud"])
def test_an_engines_cloud_models_are_not_free(catalog, model_id):
    assert not is_free(catalog.provider("ollama"), model_id)


@pytest.mark.parametrize("row_id", OFF)
def test_a_row_that_is_off_says_why_and_since_when_and_gives_nothing(catalog, row_id):
    row = catalog.provider(row_id)

    assert not row.is_on
    assert re.search(r"\d{4}-\d\d", row.off_reason)
    assert row.auth.env
    assert row.dialect == "openai"
    assert all(evidence(row, model) is None for model in row.models)
    assert (row.free.all_models, row.free.ids, row.free.suffixes) == (False, frozenset(), ())


def test_every_row_is_dated_sourced_and_well_formed(catalog):
    for row in catalog.providers.values():
        assert row.as_of, row.id
        assert row.source, row.id
        assert row.origin == "package"
        assert urlsplit(row.base_url).scheme == ("http" if row.is_local else "https"), row.id
        assert row.auth.mode in {"key", "none"} or row.is_local, row.id
        assert row.is_local or not row.is_on or row.signup_url, row.id
        for limit in (*row.limits, *(limit for limits in row.model_limits.values() for limit in limits)):
            assert ZoneInfo(limit.window.zone)
            assert limit.amount > 0


def test_every_model_of_a_row_that_is_on_is_free_by_the_check(catalog):
    for row, model, route in catalog.entries():
        found = evidence(row, model)
        assert (found is not None) == row.is_on, str(route)
        assert found is None or re.match(r"2026-\d\d", found.as_of), str(route)
        assert model.profile.keys() <= PROFILE_KEYS


def test_models_that_judge_instead_of_answering_are_not_in_the_pool(catalog):
    assert [] == [str(route) for _, _, route in catalog.entries() if re.search("guard|safety|moderation", str(route))]


def test_a_retired_model_is_gone_and_not_free(catalog):
    row = catalog.provider("openrouter")
    gone = "inclusionai/ling-3.0-flash-sante:free"

    assert catalog.model(Route("openrouter", gone)) is None
    assert not is_free(row, gone)


def test_every_figure_for_a_model_says_where_it_comes_from():
    entries = json.loads((FOLDER / "models.json").read_text(encoding="utf-8"))["models"]
    chats = [model for models in entries.values() for model in models if "chat" in model["tasks"]]

    assert all(re.match(r"arena 2026-08-22: |parameters: \d|unknown$", model["quality_source"]) for model in chats)
    assert all(0 <= model["capability"] <= 1 for model in chats)
    assert all(set(model.get("quality", {})) <= {"default", "chat", "code", "vision"} for model in chats)
    assert sum("quality" in model for model in chats) >= 20


def test_a_generated_file_says_so():
    toml = (FOLDER / "providers.toml").read_text(encoding="utf-8")
    told = json.loads((FOLDER / "models.json").read_text(encoding="utf-8"))["generated"]

    for word in ("make_catalog.py", "do not edit", "MIT", "2026-11-20", "providers.json"):
        assert word in toml.partition("schema")[0]
    assert "do not edit" in told["by"]
    assert "2026-11-20" == told["facts_of"]
    assert "LMArena" in told["sources"]["quality"]


@pytest.mark.parametrize("name", ["providers.toml", "models.json", "overrides.toml"])
def test_no_shipped_file_holds_a_key_or_tells_how_it_was_read(name):
    text = (FOLDER / name).read_text(encoding="utf-8")

    assert not re.search(r"\b(sk-|gsk_|AIza|csk-|github_pat_)\w{6,}", text)
    assert not re.search(r"find_string|background knowledge|stored copy|/work\b", text)


def test_every_correction_changes_something():
    raw = package_layers().rows
    text = (FOLDER / "overrides.toml").read_text(encoding="utf-8")
    facts = (FOLDER / "providers.toml").read_text(encoding="utf-8")

    corrected = re.findall(r'^provider = "(.+)"$', text, re.MULTILINE)
    assert len(corrected) == len(set(corrected))
    assert set(corrected) == set(raw), "a rank or a reason for every row"
    assert "rank = " not in facts


def test_the_known_quirks_are_those_that_the_adapters_know():
    """Catalog and adapters are siblings that cannot import each other; this keeps their names equal."""
    quirks = pytest.importorskip("openmux_lc.providers.quirks")

    assert set(quirks.QUIRKS) == package_layers().quirks
