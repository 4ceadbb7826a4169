"""What is built and promised: the wheel's content, the metadata, the README's commands, the lint rules."""

import os
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

import openmux_lc
from openmux_lc._version import __version__
from tests.conftest import ROOT

PACKAGE = ROOT / "openmux_lc"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

in_tox = pytest.mark.skipif("TOX_ENV_NAME" not in os.environ, reason="tox installs the wheel; here it is the tree")


def _shipped(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def _readme_command(marker: str) -> str:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    block = lines[lines.index(f"<!-- {marker} -->") + 1 :]
    opening = next(number for number, line in enumerate(block) if line.startswith("```"))
    closing = next(number for number, line in enumerate(block) if number > opening and line.startswith("```"))
    return "\n".join(block[opening + 1 : closing])


@in_tox
def test_the_package_under_test_is_the_installed_wheel_not_the_tree():
    """A test that passes on the tree proves nothing about what users install."""
    found = Path(openmux_lc.__file__).resolve()

    assert "site-packages" in found.parts
    assert not found.is_relative_to(PACKAGE)


@in_tox
def test_the_wheel_holds_every_file_of_the_package():
    """Data (TOML, JSON, the tiny model, `py.typed`) travels with the code."""
    installed = Path(openmux_lc.__file__).parent

    assert _shipped(PACKAGE) == _shipped(installed)


def test_the_package_declares_its_types():
    assert (Path(openmux_lc.__file__).parent / "py.typed").is_file()


@in_tox
def test_the_metadata_carries_the_version_of_the_source():
    assert __version__ == metadata.version("openmux-lc")


@in_tox
def test_the_console_script_starts_the_command_line():
    scripts = {script.name: script.value for script in metadata.distribution("openmux-lc").entry_points}

    assert "openmux_lc.cli:main" == scripts["openmux"]


@in_tox
def test_the_installed_command_runs_outside_the_repository(tmp_path):
    """`openmux --help` works from any folder, out of the wheel."""
    command = Path(sys.executable).with_name("openmux")

    finished = subprocess.run(
        [command, "--help"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )

    assert (0, "") == (finished.returncode, finished.stderr)
    assert "chat" in finished.stdout


def test_the_newest_changelog_entry_is_the_version():
    text = (ROOT / ".github" / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## \[([^\]]+)\]", text, flags=re.MULTILINE)

    assert __version__ == next(version for version in versions if version != "Unreleased")


def test_the_extra_all_is_the_sum_of_the_others():
    extras = PROJECT["project"]["optional-dependencies"]
    included = re.fullmatch(r"openmux-lc\[(.*)\]", extras["all"][0])

    assert included is not None
    assert sorted(set(extras) - {"all"}) == sorted(included[1].split(","))


def test_litellm_is_never_a_dependency():
    """Its pins exclude current releases of ours, so it may not come in through any door."""
    project = PROJECT["project"]
    groups = [entry for group in PROJECT["dependency-groups"].values() for entry in group if isinstance(entry, str)]
    extras = [entry for extra in project["optional-dependencies"].values() for entry in extra]

    assert [] == [entry for entry in project["dependencies"] + extras + groups if entry.lower().startswith("litellm")]


def test_every_ignored_lint_rule_has_its_reason_beside_it():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    rules = [line for line in text.splitlines() if re.match(r'\s+"[A-Z]+[0-9]*",', line)]

    assert rules
    assert [] == [line for line in rules if not re.search(r",\s+# \S", line)]


def test_no_module_is_longer_than_400_lines():
    """The cap of the house style; a module has one reason to change."""
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in PACKAGE.rglob("*.py")}

    assert {} == {path.relative_to(ROOT).as_posix(): lines for path, lines in lengths.items() if lines > 400}


@pytest.mark.parametrize("marker", ["main-command", "test-command"])
def test_ci_runs_the_commands_that_the_readme_prints(marker):
    """`.ci/run` reads each from the README, so that neither can drift."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")

    assert _readme_command(marker).startswith("python3 -m venv .venv && ")
    assert f"run_readme_command {marker}" in script.splitlines()
