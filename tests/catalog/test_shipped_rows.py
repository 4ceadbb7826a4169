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
from openmux_lc.types.catalog import Evidence, Model, Route

FOLDER = Path(openmux_lc.catalog.__file__).parent
QUIRKS = {
    "openrouter": {
        "account_limits",
        "account_page",
        "always_usage",
        "echo_reasoning_details",
        "free_file_parser",
        "reasoning_object",
    },
    "groq": {"no_logit_bias", "no_logprobs", "no_name", "requests_per_day", "tokens_per_minute"},
    "gemini": {"no_penalties", "pacific_days"},
    "ollama": {"prefill"},
    "nvidia": {"embedding_input_type", "single_tool_calls"},
    "mistral": {
        *("always_usage", "bare_audio", "document_url", "no_logit_bias", "no_logprobs", "no_min_p"),
        *("no_stream_options", "no_top_k", "output_dimension", "prefix_last"),
        *("random_seed", "system_first", "tool_choice_any", "tool_id_9"),
    },
    "cloudflare": {
        *("default_max_tokens", "no_format_in_stream", "no_logit_bias", "no_logprobs", "no_min_p", "no_null_content"),
    },
    "cohere": {"no_format_with_tools"},
    "zai": {"no_json_schema", "thinking_type", "tool_choice_auto"},
    "codestral": {
        *("always_usage", "no_json_schema", "no_logit_bias", "no_logprobs", "no_min_p", "no_stream_options"),
        *("no_top_k", "prefix_last", "random_seed", "system_first", "tool_choice_any", "tool_id_9"),
    },
    "ovhcloud": {"keyless_no_auth_header"},
    "kilo": {"keyless_no_auth_header", "no_response_format"},
    "llm7": {"dummy_key"},
    "pollinations": {"no_tool_schema_extras"},
    "transformers-serve": {"no_response_format"},
    "deepinfra": {"no_json_schema"},
    "replicate": {"no_tools"},
    "sambanova": {"requests_per_minute"},
    "siliconflow": {"no_json_schema"},
}


@pytest.fixture(scope="module")
def catalog():
    return load_catalog(Settings())


def is_free(row, model_id):
    return evidence(row, Model(id=model_id)) is not None


def test_each_row_has_the_quirks_of_its_host(catalog):
    assert {row.id: row.quirks for row in catalog.providers.values() if row.quirks} == QUIRKS


def test_a_door_that_takes_a_key_and_bills_is_never_given_one(catalog):
    """Kilo, OVHcloud and Pollinations give without a key what they sell with one (S0-18)."""
    for name in ("kilo", "ovhcloud", "pollinations"):
        assert ("none", ()) == (catalog.provider(name).auth.mode, catalog.provider(name).auth.env)


def test_there_are_enough_free_models_without_any_discovery(catalog):
    """S3-01: at least 24 free chat models of at least 5 providers, in the shipped snapshot alone."""
    free = [(row.id, model.id) for row, model, _ in catalog.entries() if "chat" in model.tasks and evidence(row, model)]

    assert len(free) >= 24
    assert len({row_id for row_id, _ in free}) >= 5
    assert {"openrouter": 16, "nvidia": 12, "cloudflare": 11} == {
        name: sum(row_id == name for row_id, _ in free) for name in ("openrouter", "nvidia", "cloudflare")
    }


def test_these_need_no_key(catalog):
    """S3-12: the list of hosts and engines that answer without any key, and how many models it is about."""
    keyless = [row for row in catalog.providers.values() if row.is_on and row.auth.mode != "key"]

    assert ["ovhcloud", "kilo", "llm7", "pollinations", "ai-horde"] == [row.id for row in keyless if not row.is_local]
    assert {"ollama", "lmstudio", "llamacpp", "vllm", "llamafile", "localai", "transformers-serve"} == {
        row.id for row in keyless if row.is_local
    }
    assert all(row.free.kind in {"keyless", "local"} for row in keyless)
    assert sum("chat" in model.tasks for row in keyless for model in row.models) >= 24


@pytest.mark.parametrize("model_id", ["gpt-5", "vendor/gpt-5", "vendor/model-free", "free/model", "m:Free", "m:free:x"])
def test_what_nobody_listed_is_free_only_where_nothing_can_be_billed(catalog, model_id):
    """S0-04: the word alone proves nothing, at any host."""
    admitting = {row.id for row in catalog.providers.values() if is_free(row, model_id)}

    assert {row.id for row in catalog.providers.values() if row.is_on and row.free.all_models} == admitting
    assert {"ai-horde", "ovhcloud"} == {name for name in admitting if not catalog.provider(name).is_local}


def test_an_id_at_the_router_is_free_only_by_what_its_list_says(catalog):
    """A monthly credit is no free tier: with a card behind it the next call is billed."""
    row = catalog.provider("huggingface")
    told = Evidence(kind="zero_price", source="its list of models", as_of="2026-11-20")

    assert row.is_on
    assert not is_free(row, "some/model")
    assert not is_free(row, "some/model:host")
    assert evidence(row, Model(id="some/model:host", evidence=told)) == told


def test_every_row_is_dated_sourced_and_well_formed(catalog):
    for row in catalog.providers.values():
        assert row.as_of, row.id
        assert row.source, row.id
        assert row.origin == "package"
        assert urlsplit(row.base_url).scheme == ("http" if row.is_local else "https"), row.id
        assert row.auth.mode != "optional" or row.free.kind in {"keyless", "local"}, row.id
        assert row.auth.env or row.auth.mode != "key", row.id
        assert row.free.kind in {"keyless", "local"} or row.limits or not row.models or not row.is_on, row.id
        assert row.terms or row.is_local or not row.is_on or row.id == "groq", row.id
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
    assert sum("quality" in model for model in chats) >= 50


def test_a_generated_file_says_so():
    toml = (FOLDER / "providers.toml").read_text(encoding="utf-8")
    told = json.loads((FOLDER / "models.json").read_text(encoding="utf-8"))["generated"]

    for word in ("make_catalog.py", "do not edit", "MIT", "2026-11-20", "providers.json"):
        assert word in toml.partition("schema")[0]
    assert "do not edit" in told["by"]
    assert "2026-11-20" == told["facts_of"]
    assert "LMArena" in told["sources"]["quality"]


@pytest.mark.parametrize("name", ["providers.toml", "models.json", "overrides.toml", "baked.json"])
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
