"""Providers that installed packages bring by entry point."""

import sys

import pytest

from openmux_lc.catalog.catalog import load_catalog
from openmux_lc.catalog.plugins import GROUP, installed_providers
from openmux_lc.errors import CatalogError
from openmux_lc.settings import Settings

MODULE = """
from openmux_lc.types.catalog import Model, Provider
one = Provider(id="plugged", name="Plugged", base_url="http://127.0.0.1:1/v1", models=(Model(id="m"),))
def several():
    return [one, Provider(id="other", name="Other", base_url="http://127.0.0.1:2/v1")]
text = "a provider"
mixed = [one, 3]
misnamed = Provider(id="No Id", name="x", base_url="http://127.0.0.1:1")
misplaced = Provider(id="x", name="x", base_url="nowhere")
number = 3
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Installs a package with one entry point, as pip would lay it out."""

    def _install(target, name="plug"):
        (tmp_path / "plugged_provider.py").write_text(MODULE, encoding="utf-8")
        folder = tmp_path / "plugged_provider-1.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: plugged-provider\nVersion: 1\n")
        (folder / "entry_points.txt").write_text(f"[{GROUP}]\n{name} = {target}\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, "plugged_provider", raising=False)

    return _install


def test_without_such_packages_there_is_nothing():
    assert () == installed_providers()


def test_a_provider_object_joins_the_catalog(install):
    install("plugged_provider:one")

    row = load_catalog(Settings()).provider("plugged")

    assert (row.origin, row.base_url, row.models[0].id) == ("plug", "http://127.0.0.1:1/v1", "m")


def test_a_callable_may_give_several(install):
    install("plugged_provider:several")

    assert ["plugged", "other"] == [row.id for row in installed_providers()]


def test_the_users_configuration_stands_above_a_package(install, tmp_path):
    install("plugged_provider:one")

    catalog = load_catalog(Settings.load(environ={"OPENMUX_PLUGGED_BASE_URL": "http://127.0.0.1:3"}, cwd=tmp_path))

    assert catalog.provider("plugged").base_url == "http://127.0.0.1:3"


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("plugged_provider:missing", "cannot be loaded"),
        ("no_such_module:x", "cannot be loaded"),
        ("plugged_provider:number", "neither a Provider nor several"),
        ("plugged_provider:mixed", "gives a int, not a Provider"),
        ("plugged_provider:text", "gives a str, not a Provider"),
        ("plugged_provider:misnamed", "provider id 'No Id'"),
        ("plugged_provider:misplaced", "malformed base_url"),
    ],
)
def test_a_broken_package_is_named_with_the_mend(install, target, told):
    install(target)

    with pytest.raises(CatalogError, match=told) as caught:
        installed_providers()

    assert "entry point 'plug' of plugged-provider" in str(caught.value)
    assert "update or uninstall" in str(caught.value)


def test_an_archive_on_the_path_is_left_to_the_interpreter(tmp_path, monkeypatch):
    archive = tmp_path / "packages.zip"
    archive.write_bytes(b"PK\x05\x06" + bytes(18))
    monkeypatch.syspath_prepend(str(archive))

    assert () == installed_providers()
