"""The catalog as a value, and what loading it costs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import openmux_lc
from openmux_lc.catalog.catalog import Catalog, load_catalog
from openmux_lc.errors import UnknownProviderError
from openmux_lc.settings import Settings
from openmux_lc.types.catalog import Model, Provider, Route

HOST = Provider(id="host", name="Host", base_url="http://127.0.0.1:1/v1", models=(Model(id="a"), Model(id="b:1")))
CATALOG = Catalog(providers={"host": HOST})


def test_entries_are_every_model_with_its_provider_and_route():
    assert (
        (HOST, Model(id="a"), Route("host", "a")),
        (HOST, Model(id="b:1"), Route("host", "b:1")),
    ) == CATALOG.entries()


def test_a_known_model_is_found_and_an_unknown_one_is_none():
    assert Model(id="b:1") == CATALOG.model(Route("host", "b:1"))
    assert CATALOG.model(Route("host", "c")) is None
    assert CATALOG.model(Route("nobody", "a")) is None


def test_a_pinned_unknown_model_is_a_bare_one():
    assert (HOST, Model(id="c")) == CATALOG.pinned(Route("host", "c"))


def test_an_unknown_provider_is_an_error_that_names_the_others():
    with pytest.raises(UnknownProviderError, match="no provider 'hosd'; there are host"):
        CATALOG.provider("hosd")


def test_a_new_provider_makes_a_new_catalog():
    other = Provider(id="other", name="Other", base_url="")

    assert ["host", "other"] == list(CATALOG.with_provider(other).providers)
    assert ["host"] == list(CATALOG.providers)


def test_new_models_replace_the_old_ones_and_may_move_the_host():
    moved = CATALOG.with_models("host", [Model(id="c")], base_url="http://127.0.0.1:2/v1")

    assert (Model(id="c"),) == moved.provider("host").models
    assert moved.provider("host").base_url == "http://127.0.0.1:2/v1"
    assert moved.model(Route("host", "a")) is None
    assert CATALOG.with_models("host", ()).provider("host").base_url == HOST.base_url
    with pytest.raises(UnknownProviderError):
        CATALOG.with_models("nobody", ())


def test_loading_twice_gives_equal_and_independent_catalogs():
    one, other = load_catalog(Settings()), load_catalog(Settings())

    assert one == other
    assert one.providers is not other.providers


HEAVY = ("httpx", "pydantic", "langchain_core", "langgraph", "ollama", "importlib.metadata", "difflib")


def test_loading_the_catalog_loads_nothing_heavy():
    """DESIGN.md, principle 7: the catalog is read before anything is sent."""
    code = f"""
import sys
before = set(sys.modules)
from openmux_lc.catalog import catalog, free, pool
from openmux_lc.settings import Settings
catalog.load_catalog(Settings())
print([name for name in {HEAVY!r} if name in sys.modules.keys() - before])
"""
    environ = {**os.environ, "PYTHONPATH": str(Path(openmux_lc.__file__).parents[1])}

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60, env=environ
    )

    assert "[]" == done.stdout.strip()
