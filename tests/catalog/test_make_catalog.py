"""The script that writes the shipped rows: same facts, same bytes, and the baked file never lags behind."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import openmux_lc.catalog
from openmux_lc.catalog.layers import package_layers

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / ".ci" / "build" / "make_catalog.py"
SHIPPED = Path(openmux_lc.catalog.__file__).parent
WRITTEN_BY_HAND = "overrides.toml"


def make(*options):
    command = [sys.executable, str(SCRIPT), *map(str, options)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=100)


def test_the_shipped_files_are_what_the_script_writes(shared, tmp_path):
    """Facts that changed, or a file edited by hand, show here."""
    assert 0 == make("--shared", shared, "--out", tmp_path).returncode

    for name in ("providers.toml", "models.json", "baked.json"):
        assert (SHIPPED / name).read_bytes() == (tmp_path / name).read_bytes(), f"run {SCRIPT.relative_to(ROOT)}"


@pytest.fixture
def copied(tmp_path):
    for name in ("providers.toml", "models.json", WRITTEN_BY_HAND):
        shutil.copy(SHIPPED / name, tmp_path / name)
    return tmp_path


def test_the_baked_file_is_up_to_date(copied):
    """Without the facts, too: a correction that was not baked would never be loaded."""
    assert 0 == make("--bake", "--out", copied).returncode

    assert (SHIPPED / "baked.json").read_bytes() == (copied / "baked.json").read_bytes(), (
        f"run {SCRIPT.relative_to(ROOT)} --bake"
    )


def test_a_correction_is_baked_in(copied):
    with (copied / WRITTEN_BY_HAND).open("a", encoding="utf-8") as file:
        file.write('\n[[corrections]]\nprovider = "groq"\nreason = "x"\ndate = "2026"\nrow = { rank = 7 }\n')

    assert 0 == make("--bake", "--out", copied).returncode

    assert '"rank":7' in (copied / "baked.json").read_text(encoding="utf-8")


def test_a_malformed_row_is_not_baked(copied):
    with (copied / WRITTEN_BY_HAND).open("a", encoding="utf-8") as file:
        file.write('\n[[corrections]]\nprovider = "groq"\nreason = "x"\ndate = "2026"\nrow = { rank = "first" }\n')

    ended = make("--bake", "--out", copied)

    assert 0 != ended.returncode
    assert "providers.groq.rank: write a whole number" in ended.stderr
    assert not (copied / "baked.json").exists()


def test_the_shipped_rows_are_all_that_the_facts_know(shared):
    facts = json.loads((shared / "providers" / "providers.json").read_text(encoding="utf-8"))

    assert 40 == len(facts)
    assert {fact["id"] for fact in facts} == set(package_layers().rows)
