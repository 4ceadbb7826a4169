"""The script that writes the shipped rows: same facts, same bytes; the format carries every provider known."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import openmux_lc.catalog
from openmux_lc.catalog.free import evidence
from openmux_lc.catalog.layers import package_layers
from openmux_lc.types.catalog import Model

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / ".ci" / "build" / "make_catalog.py"
SHIPPED = Path(openmux_lc.catalog.__file__).parent


def make(shared, out, *options):
    command = [sys.executable, str(SCRIPT), "--shared", str(shared), "--out", str(out), *options]
    subprocess.run(command, check=True, capture_output=True, timeout=100)


def test_the_shipped_files_are_what_the_script_writes(shared, tmp_path):
    """Facts that changed, or a file edited by hand, show here."""
    make(shared, tmp_path)

    for name in ("providers.toml", "models.json"):
        assert (SHIPPED / name).read_bytes() == (tmp_path / name).read_bytes(), f"run {SCRIPT.relative_to(ROOT)}"


@pytest.fixture(scope="module")
def everything(shared, tmp_path_factory):
    out = tmp_path_factory.mktemp("all")
    make(shared, out, "--all")
    shutil.copy(SHIPPED / "overrides.toml", out)
    return package_layers(out).to_providers()


def test_the_format_carries_every_provider_that_the_facts_know(everything):
    assert len(everything) == 40
    assert {"on", "off"} == {"on" if row.is_on else "off" for row in everything.values()}


def test_every_model_counts_as_free_only_where_no_bill_can_arise(everything):
    """Cloudflare, Cohere and NVIDIA list paid models too: their facts' "all models" is an account's word."""
    generous = {row.id for row in everything.values() if evidence(row, Model(id="a/paid-model"))}

    assert {"ai-horde", "ovhcloud", "uncloseai", "vlmrun"} == {i for i in generous if not everything[i].is_local}


def test_exact_ids_stay_exact(everything):
    row = everything["zai"]

    assert evidence(row, Model(id="glm-4.7-flash"))
    assert evidence(row, Model(id="glm-4.7-flashx")) is None


def test_addresses_of_engines_are_not_taken_for_keys(everything):
    assert [] == [name for row in everything.values() for name in row.auth.env if name.endswith(("_URL", "_HOST"))]
