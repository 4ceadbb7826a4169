"""Each row against the dated facts it is made of, and against lists that its host once gave.

Skipped where the facts are not at hand. What differs from them on purpose is named here, with the reason in
overrides.toml.
"""

import json
import re

import pytest

from openmux_lc.catalog.catalog import load_catalog
from openmux_lc.catalog.free import evidence
from openmux_lc.settings import Settings
from openmux_lc.types.catalog import Evidence, Model

CATALOG = load_catalog(Settings())
NEVER_A_KEY = {"kilo", "ovhcloud", "pollinations"}
OURS = {"cohere", "gemini", "pollinations"}
"""Rows at another of the facts' addresses than the compatible one."""
ON = {"active", "active-uncertain", "best-effort"}
OFF_ALL_THE_SAME = {"uncloseai", "vercel-ai-gateway"}
FIGURES = ("rps", "rpm", "rph", "rpd", "tpm", "tph", "tpd", "concurrency", "daily_neurons")
PRICE = re.compile(r"([\w.-]+) (\d+)/(\d+)")
ZERO_PRICE = Evidence(kind="zero_price", source="its list of models", as_of="2026-11-20")


@pytest.fixture(scope="module")
def facts(shared):
    rows = json.loads((shared / "providers" / "providers.json").read_text(encoding="utf-8"))
    return {row["id"]: row for row in rows}


def is_free(row, model_id):
    return evidence(row, Model(id=model_id)) is not None


def spread(text):
    """The ids that a line of the facts names; `*` becomes a letter, `a|b` two ids; prose names none."""
    ids = []
    for part in text.split(", "):
        head, *others = part.replace("*", "x").split("|")
        stem = head.rsplit("-", 1)[0]
        ids += [head, *(f"{stem}-{other}" for other in others)]
    return [model_id for model_id in ids if re.fullmatch(r"[\w./:@-]+", model_id)]


@pytest.mark.parametrize("row_id", CATALOG.providers)
def test_a_row_is_on_only_where_the_facts_say_that_something_is_free(facts, row_id):
    fact, row = facts[row_id], CATALOG.provider(row_id)

    assert row.is_on == (fact["status"] in ON and row_id not in OFF_ALL_THE_SAME)
    assert row.as_of == fact["as_of"]


@pytest.mark.parametrize("row_id", CATALOG.providers)
def test_it_is_where_the_facts_say_and_takes_the_key_that_they_say(facts, row_id):
    fact, row = facts[row_id], CATALOG.provider(row_id)
    told = [fact["base_url"], *fact["alt_base_urls"].values()]
    addresses = {url.split()[0].replace("//localhost:", "//127.0.0.1:").rstrip("/") for url in told}
    variables = [name for name in fact["auth"]["env_vars"] if not re.search("_(URL|HOST)$", name)]

    assert row.base_url in addresses
    assert (row.base_url == fact["base_url"].split()[0].replace("//localhost:", "//127.0.0.1:")) == (row_id not in OURS)
    assert list(row.auth.env) == ([] if row_id in NEVER_A_KEY else variables)
    assert row.auth.header in fact["auth"]["header"]
    assert row.auth.form in fact["auth"]["header_format"]
    assert row.auth.mode == ("none" if row_id in NEVER_A_KEY else fact["auth"]["mode"])


@pytest.mark.parametrize("row_id", CATALOG.providers)
def test_every_figure_of_a_quota_is_in_its_limits_and_no_other(facts, row_id):
    told = facts[row_id]["rate_limits"]
    amounts = [told[figure] for figure in FIGURES if told.get(figure)]
    if month := re.match(r"([\d,]+) (tokens|API calls)", told["monthly"] or ""):
        amounts.append(int(month[1].replace(",", "")))

    assert sorted(amounts) == sorted(limit.amount for limit in CATALOG.provider(row_id).limits)


@pytest.mark.parametrize("row_id", CATALOG.providers)
def test_what_the_facts_exclude_is_never_free(facts, row_id):
    """S0-04: a listed id that ended, or that was never free, is not called, and a price of zero does not change it."""
    row = CATALOG.provider(row_id)
    detect = facts[row_id]["free_tier"]["detect"]
    excluded = [part for model in facts[row_id]["free_tier"]["excluded_models"] for part in spread(model["id"])]
    excluded += [part for rule in detect.get("filters", ()) if rule["rule"] == "denylist" for part in rule["ids"]]

    assert [] == [model_id for model_id in excluded if is_free(row, model_id)]
    if row.is_on:
        by_price = {model_id for model_id in excluded if evidence(row, Model(id=model_id, evidence=ZERO_PRICE))}
        assert set() == by_price


@pytest.mark.parametrize("row_id", [row.id for row in CATALOG.providers.values() if row.is_on])
def test_what_the_facts_call_free_is_free_and_in_the_snapshot(facts, row_id):
    row = CATALOG.provider(row_id)
    seen = {model["id"] for model in facts[row_id]["free_tier"]["free_models"]}
    ended = {"inclusionai/ling-3.0-flash-sante:free"}
    not_chat = {model_id for model_id in seen if "safeguard" in model_id}

    assert all(is_free(row, model_id) for model_id in seen - ended)
    assert {model.id for model in row.models if "chat" in model.tasks} == seen - ended - not_chat


@pytest.mark.parametrize(
    ("row_id", "listing", "at_least"),
    [
        ("openrouter", "openrouter_models.json", 10),
        ("openrouter", "openrouter_models_2026-08-16.json", 10),
        ("openrouter", "openrouter_models_2026-05.json", 20),
        ("openrouter", "openrouter_models_2025-10.json", 20),
        ("kilo", "provider_lists/kilo.json", 5),
    ],
)
def test_nothing_with_a_price_is_admitted_from_a_genuine_list(shared, row_id, listing, at_least):
    """S0-04: of the hundreds that a gateway lists, only those that cost nothing in every column."""
    told = json.loads((shared / "models" / listing).read_text(encoding="utf-8"))
    models = told if isinstance(told, list) else told.get("data") or told["models"]

    admitted = [model for model in models if is_free(CATALOG.provider(row_id), model["id"])]

    assert at_least <= len(admitted) < len(models) / 4
    assert [] == [model["id"] for model in admitted if any(map(float, prices(model)))]


def prices(model):
    return [price for price in model["pricing"].values() if isinstance(price, str)]


@pytest.mark.parametrize(
    ("row_id", "listing"),
    [
        ("gemini", "gemini.json"),
        ("cohere", "cohere.json"),
        ("mistral", "mistral.json"),
        ("nvidia", "nvidia.json"),
        ("groq", "groq.json"),
        ("together", "together.json"),
        ("huggingface", "hf_router.json"),
        ("pollinations", "pollinations_text.json"),
        ("cerebras", "cerebras.json"),
        ("github-models", "github_models.json"),
    ],
)
def test_a_genuine_list_admits_no_more_than_the_facts_name(shared, facts, row_id, listing):
    """That a host lists a model proves nothing: these lists hold paid, retired and other models."""
    told = json.loads((shared / "models" / "provider_lists" / listing).read_text(encoding="utf-8"))
    models = told if isinstance(told, list) else told.get("data") or told["models"]
    ids = {str(model.get("id") or model.get("name")).removeprefix("models/") for model in models}
    row = CATALOG.provider(row_id)

    admitted = {model_id for model_id in ids if is_free(row, model_id)}

    assert len(ids) > len(admitted)
    assert admitted <= row.free.ids
    assert bool(admitted) == (row_id in {"gemini", "cohere", "mistral", "nvidia", "groq", "pollinations"})


def test_prices_in_other_units_are_those_of_the_facts_or_dearer_for_unknown_models(facts):
    """FIELD 7: what a model uses of a day's neurons."""
    row = CATALOG.provider("cloudflare")
    told = {
        name: (int(made), int(taken)) for name, made, taken in PRICE.findall(facts["cloudflare"]["rate_limits"]["note"])
    }
    known = {model.id.rsplit("/", 1)[-1].replace("-instruct", ""): model for model in row.models}

    alike = {name: known[name].unit_prices["neurons"] for name in told if name in known}
    dearest = row.unit_prices["neurons"]

    assert ["llama-3.3-70b-fp8-fast"] == [*alike]
    assert {
        name: (price.input_per_million, price.output_per_million) for name, price in alike.items()
    }.items() <= told.items()
    assert all(
        made <= dearest.input_per_million and taken <= dearest.output_per_million for made, taken in told.values()
    )
