"""The pool: an entry for every known model, and a reason a person can act on for each that may not be called."""

from dataclasses import replace

import pytest

from openmux_lc.catalog.catalog import Catalog, load_catalog
from openmux_lc.catalog.pool import DEMO_ONLY, pool_entries, pool_entry
from openmux_lc.errors import UnknownProviderError
from openmux_lc.settings import Settings
from openmux_lc.types.catalog import Auth, FreeRule, Model, PoolEntry, Provider, Route

HOST = Provider(
    id="host",
    name="Host",
    base_url="https://host.example/v1",
    auth=Auth(env=("HOST_KEY", "OTHER_KEY")),
    free=FreeRule(ids=frozenset({"free"})),
    models=(Model(id="free"), Model(id="paid")),
    signup_url="https://host.example/keys",
    rank=7,
)
ENGINE = Provider(
    id="engine",
    name="Engine",
    base_url="http://127.0.0.1:1",
    is_local=True,
    auth=Auth(mode="optional", env=("ENGINE_KEY",)),
    free=FreeRule(all_models=True, kind="local"),
    models=(Model(id="tiny:latest"),),
)


def blocked(row, *, settings=None, key=False):
    entries = pool_entries(Catalog(providers={row.id: row}), settings=settings or Settings(), has_key=lambda _: key)
    return {entry.model.id: entry.blocked for entry in entries}


def test_there_is_one_entry_for_every_model():
    entries = pool_entries(Catalog(providers={"host": HOST}), settings=Settings(), has_key=lambda _: True)

    assert PoolEntry(route=Route("host", "free"), provider=HOST, model=Model(id="free"), rank=7) == entries[0]
    assert ["host:free", "host:paid"] == [str(entry.route) for entry in entries]


def test_a_paid_model_is_blocked_even_with_a_key():
    found = blocked(HOST, key=True)

    assert found["free"] == ""
    assert found["paid"].startswith("not free: nothing says that host:paid is free")


def test_a_missing_key_names_the_variable_and_the_page():
    assert blocked(HOST)["free"] == "no key: set HOST_KEY, get one at https://host.example/keys"
    assert blocked(replace(HOST, signup_url=""))["free"] == "no key: set HOST_KEY"
    assert blocked(replace(HOST, auth=Auth()))["free"] == "no key for Host, get one at https://host.example/keys"


def test_a_paid_model_is_not_made_to_look_as_if_a_key_would_do():
    assert blocked(HOST)["paid"].startswith("not free: ")


@pytest.mark.parametrize("mode", ["optional", "none"])
def test_a_host_that_works_without_a_key_needs_none(mode):
    assert blocked(replace(HOST, auth=Auth(mode=mode)))["free"] == ""


def test_a_provider_that_is_off_blocks_every_model_with_its_reason():
    row = replace(HOST, is_on=False, off_reason="gone since 2026-07-30")

    assert {"free": "off: gone since 2026-07-30", "paid": "off: gone since 2026-07-30"} == blocked(row, key=True)


def test_a_list_of_providers_limits_the_pool():
    reason = "not among the providers you chose (OPENMUX_PROVIDERS)"

    assert blocked(HOST, settings=Settings(providers=("engine",)), key=True)["free"] == reason
    assert blocked(HOST, settings=Settings(providers=("engine", "host")), key=True)["free"] == ""
    assert blocked(HOST, settings=Settings(providers=()), key=True)["free"] == reason


@pytest.mark.parametrize(
    ("row", "is_allowed"),
    [
        (HOST, False),
        (replace(HOST, base_url="http://127.0.0.1:5/v1"), False),
        (replace(HOST, base_url="http://127.0.0.1:5/v1", origin="user"), True),
        (replace(HOST, origin="user"), False),
        (ENGINE, True),
        (replace(ENGINE, base_url="http://192.168.1.5:11434"), False),
    ],
)
def test_offline_forbids_whatever_may_leave_the_machine(row, is_allowed):
    """A stand-in for a remote provider may pass calls on; an engine on another machine is not here."""
    found = blocked(row, settings=Settings(offline=True), key=True)[row.models[0].id]

    assert found == ("" if is_allowed else "offline: remote routes are forbidden (OPENMUX_OFFLINE)")


def test_a_demonstration_is_used_only_when_it_is_named():
    row = replace(ENGINE, demo_only=True)
    catalog = Catalog(providers={"engine": row})
    route = Route("engine", "tiny:latest")

    assert {"tiny:latest": DEMO_ONLY} == blocked(row)
    assert pool_entry(catalog, route, settings=Settings(), has_key=lambda _: False).blocked == ""


def test_a_pinned_route_is_blocked_for_the_same_reasons():
    catalog = Catalog(providers={"host": HOST})

    def reason(model, *, key=True, settings=None):
        route = Route("host", model)
        return pool_entry(catalog, route, settings=settings or Settings(), has_key=lambda _: key).blocked

    assert reason("free") == ""
    assert reason("free", key=False).startswith("no key")
    assert reason("unknown").startswith("not free: ")
    assert reason("free", settings=Settings(offline=True)).startswith("offline")
    with pytest.raises(UnknownProviderError):
        pool_entry(catalog, Route("nobody", "x"), settings=Settings(), has_key=lambda _: True)


def test_an_unknown_model_of_an_engine_or_with_a_free_id_may_be_pinned():
    catalog = load_catalog(Settings())

    for route in (Route("ollama", "not/pulled:yet"), Route("openrouter", "vendor/new:free")):
        assert pool_entry(catalog, route, settings=Settings(), has_key=lambda _: True).blocked == ""


def test_keys_are_asked_for_once_a_provider_and_not_where_nothing_could_be_called():
    asked = []
    rows = {"host": HOST, "off": replace(HOST, id="off", is_on=False, off_reason="x"), "engine": ENGINE}

    pool_entries(Catalog(providers=rows), settings=Settings(), has_key=lambda row: bool(asked.append(row.id)))

    assert ["host"] == asked


def test_without_any_key_the_keyless_hosts_remain():
    """S0-18: no key of any kind is required."""
    entries = pool_entries(load_catalog(Settings()), settings=Settings(), has_key=lambda _: False)

    assert {"kilo", "llm7", "ovhcloud", "pollinations"} == {
        entry.route.provider for entry in entries if not entry.blocked
    }


def test_an_address_with_an_open_part_names_the_variable_that_fills_it():
    """The row stays visible, and nothing is ever sent to half an address, however the route is named."""
    row = replace(HOST, base_url="https://host.example/{ACCOUNT}/v1", base_url_env={"ACCOUNT": ("HOST_ACCOUNT", "HA")})
    route = Route("host", "free")
    told = "its address is not complete: set HOST_ACCOUNT"

    def pinned(row):
        catalog = Catalog(providers={"host": row})
        return pool_entry(catalog, route, settings=Settings(), has_key=lambda _: True).blocked

    assert told == blocked(row, key=True)["free"] == pinned(row)
    assert blocked(row, key=True)["paid"].startswith("not free: "), "no variable would mend that"
    assert blocked(replace(row, base_url="https://host.example/7/v1"), key=True)["free"] == ""
