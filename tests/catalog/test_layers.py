"""Layers: shipped facts, corrections, the user's copies; later ones win key by key."""

import shutil
from pathlib import Path

import pytest

import openmux_lc.catalog
from openmux_lc.catalog.catalog import load_catalog
from openmux_lc.catalog.layers import merged, package_layers
from openmux_lc.catalog.sources import source_layers
from openmux_lc.errors import CatalogError
from openmux_lc.folders import data_folder
from openmux_lc.settings import Settings
from openmux_lc.types.catalog import Route

FOLDER = Path(openmux_lc.catalog.__file__).parent


def copy_of(provider, text):
    path = data_folder() / "providers" / f"{provider}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def package(tmp_path):
    for name in ("providers.toml", "models.json", "overrides.toml"):
        shutil.copy(FOLDER / name, tmp_path / name)
    return tmp_path


def test_tables_merge_and_everything_else_is_replaced():
    below = {"a": 1, "auth": {"mode": "key", "env": ["A"]}, "limits": [{"amount": 1}]}

    both = merged(below, {"auth": {"env": ["B"]}, "limits": []})

    assert {"a": 1, "auth": {"mode": "key", "env": ["B"]}, "limits": []} == both
    assert {"a": 1, "auth": {"mode": "key", "env": ["A"]}, "limits": [{"amount": 1}]} == below, "arguments stay"


def test_models_merge_by_their_id():
    below = {"models": [{"id": "a", "capability": 0.1}, {"id": "b"}]}

    both = merged(below, {"models": [{"id": "a", "tasks": ["chat"]}, {"id": "c"}]})

    assert [{"id": "a", "capability": 0.1, "tasks": ["chat"]}, {"id": "b"}, {"id": "c"}] == both["models"]


def test_a_users_copy_changes_what_it_says_and_nothing_else():
    shipped = load_catalog(Settings()).provider("groq")
    copy_of("groq", "schema = 1\n[providers.groq]\nrank = 1\n[providers.groq.free]\nids = ['only/this']\n")

    row = load_catalog(Settings()).provider("groq")

    assert (row.rank, row.free.ids) == (1, frozenset({"only/this"}))
    assert (row.base_url, row.auth, row.limits, row.models) == (
        shipped.base_url,
        shipped.auth,
        shipped.limits,
        shipped.models,
    )
    assert next(iter(load_catalog(Settings()).providers)) == "groq", "rows stand in the order of their rank"


def test_a_users_copy_may_switch_a_row_on_and_give_it_models():
    text = """
schema = 1
[providers.cerebras]
status = "on"
[[providers.cerebras.models]]
id = "gpt-oss-120b"
evidence = { kind = "user", source = "my account", as_of = "2026-11-20" }
"""
    copy_of("cerebras", text)

    catalog = load_catalog(Settings())

    assert catalog.provider("cerebras").is_on
    assert catalog.model(Route("cerebras", "gpt-oss-120b")).evidence.kind == "user"


def test_a_users_file_may_bring_a_new_provider():
    copy_of("mine", "schema = 1\n[providers.mine]\nbase_url = 'http://127.0.0.1:9/v1'\n")

    row = load_catalog(Settings()).provider("mine")

    assert (row.origin, row.base_url) == ("user", "http://127.0.0.1:9/v1")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("schema = 2\n", r"mine\.toml:1: schema: this version reads schema = 1"),
        ("", r"mine\.toml: schema: "),
        ("schema = 1\n[provider.x]\n", r"mine\.toml:2: provider: no such key; did you mean 'providers'\?"),
        ("schema = 1\nproviders = 3\n", r"mine\.toml:2: providers: write a table"),
        ("schema = 1\n[providers]\nx = 3\n", r"mine\.toml:3: providers\.x: write a table"),
        ("schema = 1\nschema = 1\n", r"mine\.toml: not valid TOML: .*line 2"),
        ("schema = 1\n[providers.openrouter]\nmodels = 3\n", r"providers\.openrouter\.models: write a list of tables"),
    ],
)
def test_a_malformed_copy_is_named_with_file_and_key(text, told):
    copy_of("mine", text)

    with pytest.raises(CatalogError, match=told):
        load_catalog(Settings())


def test_a_copy_that_is_no_text_is_named():
    copy_of("mine", "").write_bytes(b"\xff\xfe")

    with pytest.raises(CatalogError, match=r"mine\.toml: not UTF-8 text"):
        load_catalog(Settings())


def test_a_folder_that_poses_as_a_copy_is_named():
    copy_of("mine", "").unlink()
    (data_folder() / "providers" / "mine.toml").mkdir()

    with pytest.raises(CatalogError, match=r"cannot read .*mine\.toml"):
        load_catalog(Settings())


def test_a_damaged_package_file_is_named(package):
    (package / "models.json").write_text('{"schema": 1', encoding="utf-8")

    with pytest.raises(CatalogError, match=r"models\.json: not valid JSON"):
        source_layers(package)


@pytest.mark.parametrize(
    ("correction", "told"),
    [
        ("provider = 'nobody'\nreason = 'x'\ndate = '2026'", "'nobody' is no row of"),
        ("provider = 'groq'\ndate = '2026'", "tells its reason and its date"),
        ("provider = 'groq'\nreason = 'x'", "tells its reason and its date"),
        ("provider = 'groq'\nreason = 'x'\ndate = '2026'\nrows = {}", "did you mean 'row'"),
    ],
)
def test_a_correction_names_its_row_reason_and_date(package, correction, told):
    with (package / "overrides.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n[[corrections]]\n{correction}\n")

    with pytest.raises(CatalogError, match=told):
        source_layers(package)


def test_what_is_loaded_is_what_the_three_files_say():
    """The baked file spares their parsing; it must never say anything else."""
    baked, written = package_layers(), source_layers(FOLDER)

    assert baked.quirks == written.quirks
    assert baked.to_providers() == written.to_providers()
    assert {name: row.brought_by for name, row in baked.rows.items()} == dict.fromkeys(written.rows, "package")
