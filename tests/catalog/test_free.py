"""The free check: unknown is not free, and nothing but dated evidence says otherwise (S0-04)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmux_lc.catalog.catalog import Catalog, load_catalog
from openmux_lc.catalog.free import evidence, is_covered, why_not_free
from openmux_lc.catalog.pool import pool_entries
from openmux_lc.settings import Settings
from openmux_lc.types.catalog import Evidence, FreeRule, Model, Provider

HOST = Provider(
    id="host",
    name="Host",
    base_url="https://host.example/v1",
    free=FreeRule(suffixes=(":free",), ids=frozenset({"listed/model"}), excluded=("guard",), kind="free_id"),
    as_of="2026-11-01",
    confidence="high",
    source="its price page",
)
USER = Evidence(kind="user", source="config.toml", as_of="")
PRICE = Evidence(kind="zero_price", source="its list of models", as_of="2026-11-02")


def test_an_unknown_model_is_not_free():
    assert evidence(HOST, Model(id="paid/model")) is None


def test_a_suffix_of_the_rule_is_evidence_with_the_rows_date_and_source():
    found = evidence(HOST, Model(id="some/model:free"))

    assert Evidence(kind="free_id", source="its price page", as_of="2026-11-01", confidence="high") == found


@pytest.mark.parametrize("model_id", ["some/model:free:online", "some/model:Free", "model:free/other", ":freed"])
def test_a_suffix_counts_only_as_it_is_written_and_at_the_end(model_id):
    assert evidence(HOST, Model(id=model_id)) is None


def test_a_listed_id_is_free_and_its_neighbours_are_not():
    """`glm-4.7-flash` is free and `glm-4.7-flashx` is paid: ids are whole, never prefixes."""
    assert evidence(HOST, Model(id="listed/model")) is not None
    assert evidence(HOST, Model(id="listed/modelx")) is None
    assert evidence(HOST, Model(id="listed/mode")) is None


def test_an_excluded_id_is_not_free_even_with_a_zero_price_and_a_free_suffix():
    """A music model with a token price of zero is billed by the song."""
    model = Model(id="some/Guard-model:free", evidence=PRICE)

    assert evidence(HOST, model) is None
    assert not is_covered(HOST.free, model.id)


def test_a_zero_price_that_the_provider_told_is_evidence():
    assert evidence(HOST, Model(id="new/model", evidence=PRICE)) == PRICE


def test_the_users_word_is_evidence_even_for_an_excluded_id():
    assert evidence(HOST, Model(id="my/guard", evidence=USER)) == USER


@pytest.mark.parametrize("known", [USER, PRICE, None])
def test_a_provider_that_is_off_is_never_free(known):
    row = replace(HOST, is_on=False, off_reason="gone since 2026-07-30")

    assert evidence(row, Model(id="some/model:free", evidence=known)) is None


def test_every_model_of_an_engine_here_is_free_but_those_that_run_elsewhere():
    engine = Provider(
        id="engine",
        name="Engine",
        base_url="http://127.0.0.1:1",
        is_local=True,
        free=FreeRule(all_models=True, excluded=("-cloud",), kind="local"),
    )

    assert evidence(engine, Model(id="tiny:latest")).kind == "local"
    assert evidence(engine, Model(id="big:120b-cloud")) is None


def test_being_on_this_machine_alone_is_no_evidence():
    """A proxy on loopback may stand before a paid service."""
    proxy = Provider(id="proxy", name="Proxy", base_url="http://127.0.0.1:4000/v1", is_local=True)

    assert evidence(proxy, Model(id="gpt")) is None


def test_a_free_model_has_no_reason_against_it():
    assert why_not_free(HOST, Model(id="some/model:free")) == ""


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (HOST, "free ids there end in :free"),
        (replace(HOST, free=FreeRule(excluded=("paid/",))), "'paid/' in its id"),
        (replace(HOST, is_on=False, off_reason="gone since 2026-07-30"), "gone since 2026-07-30"),
    ],
)
def test_the_reason_says_what_evidence_would_be_accepted(row, told):
    reason = why_not_free(row, Model(id="paid/model"))

    assert told in reason
    assert "[[models]]" in reason
    assert 'route = "host:paid/model"' in reason
    assert "free = true" in reason


def test_the_reason_names_the_nearest_models():
    row = replace(HOST, models=(Model(id="vendor/some-model-20b"),))

    assert "did you mean host:vendor/some-model-20b?" in why_not_free(row, Model(id="some-model-20b"))


IDS = st.text("abc/-:.", min_size=1, max_size=12).filter(str.strip)
KINDS = st.sampled_from([None, PRICE])


@given(
    free=st.sets(IDS, max_size=4),
    paid=st.sets(IDS, max_size=8),
    excluded=st.sets(st.sampled_from(["ab", "-c", "/"]), max_size=2),
    known=KINDS,
    is_on=st.booleans(),
)
def test_no_paid_row_is_ever_callable(free, paid, excluded, known, is_on):
    """S0-04: in a catalog with paid rows, an entry without a reason against it is free by a listed id or a price."""
    models = tuple(Model(id=model_id, evidence=known if model_id in free else None) for model_id in sorted(free | paid))
    row = Provider(
        id="host",
        name="Host",
        base_url="https://host.example/v1",
        is_on=is_on,
        off_reason="" if is_on else "gone since 2026-07-30",
        free=FreeRule(ids=frozenset(free), excluded=tuple(excluded)),
        models=models,
    )

    entries = pool_entries(Catalog(providers={"host": row}), settings=Settings(), has_key=lambda _: True)

    callable_ids = {entry.model.id for entry in entries if not entry.blocked}
    assert {model.id for model in models} == {entry.model.id for entry in entries}
    assert {m for m in free if is_on and not any(part in m for part in excluded)} == callable_ids


def test_no_shipped_route_is_callable_without_a_date():
    """S0-04: every route of the shipped pool that may be called has dated evidence."""
    catalog = load_catalog(Settings())
    entries = pool_entries(catalog, settings=Settings(), has_key=lambda _: True)

    undated = [
        str(entry.route) for entry in entries if not entry.blocked and not evidence(entry.provider, entry.model).as_of
    ]
    assert [] == undated
    assert any(not entry.blocked for entry in entries)
