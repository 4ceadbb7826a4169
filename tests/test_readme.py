"""The README: its generated blocks are current, its claims are the code's."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from openmux_lc.catalog.catalog import load_catalog
from openmux_lc.cli.app import app
from openmux_lc.routing.score import PROFILES
from openmux_lc.settings import Settings
from tests.conftest import ROOT

README = ROOT / "README.md"


def test_the_graph_and_the_providers_table_are_what_the_code_draws():
    """S0-03's list, and the graph drawn by itself."""
    script = ROOT / ".ci" / "build" / "make_readme.py"
    ended = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, timeout=60, check=False
    )

    assert 0 == ended.returncode, f"run python .ci/build/make_readme.py {ended.stderr[-500:]}"


@pytest.mark.parametrize(
    ("row", "command"),
    [
        ("| pip |", "pip install openmux-lc"),
        ("| uv |", "uv add openmux-lc"),
        ("| conda (untested) |", "pip install openmux-lc"),
        ("| pixi (untested) |", "pip install openmux-lc"),
    ],
)
def test_there_is_an_install_line_for_each_tool(row: str, command: str):
    """S0-01: pip, uv, conda and pixi; the latter two marked as untested."""
    lines = [line for line in README.read_text(encoding="utf-8").splitlines() if line.startswith(row)]

    assert 1 == len(lines)
    assert command in lines[0]


def test_every_command_of_the_readme_exists():
    """S1-03: chat, init and the others are really there."""
    from typer.main import get_command

    known = set(get_command(app).commands)
    named = set(re.findall(r"`openmux ([a-z]+)", README.read_text(encoding="utf-8")))

    assert named <= known


def test_the_readme_names_every_routing_profile():
    text = README.read_text(encoding="utf-8")

    assert [] == [name for name in PROFILES if name not in text]


def test_the_first_answer_stands_on_the_first_screen():
    """One screen: the command that answers is among the first twenty lines."""
    head = Path(README).read_text(encoding="utf-8").splitlines()[:20]

    assert any("openmux demo" in line for line in head)


def test_the_example_of_an_env_file_names_every_variable_that_a_provider_reads():
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    rows = [row for row in load_catalog(Settings()).providers.values() if row.is_on]

    wanted = {row.auth.env[0] for row in rows if row.auth.env}
    wanted |= {names[0] for row in rows for names in row.base_url_env.values()}

    assert set() == {name for name in wanted if f"#{name}=\n" not in text}


def test_the_example_for_agents_tests_runs(tmp_path: Path):
    """It is what it shows: a test module, with nothing beside it."""
    text = README.read_text(encoding="utf-8").partition("<!-- test-your-own-agents -->\n```python\n")[2]
    (tmp_path / "test_agent.py").write_text(text.partition("```")[0], encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path, env=environ)

    assert 0 == ended.returncode, ended.stdout[-2000:]
    assert "2 passed" in ended.stdout
