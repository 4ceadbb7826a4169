"""Importing the package is free: nothing heavy is loaded, nothing is read."""

import json
import subprocess
import sys

import pytest

import openmux_lc

HEAVY = ("pydantic", "httpx", "httpx2", "langchain_core", "langgraph", "llama_index", "typer", "rich", "ollama")


def modules_after(code: str) -> set[str]:
    program = f"{code}\nimport sys, json; print(json.dumps(sorted(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    return set(json.loads(ended.stdout.splitlines()[-1]))


def test_importing_the_package_loads_nothing_heavy():
    """DESIGN.md, principle 7."""
    loaded = modules_after("import openmux_lc")

    assert not loaded & set(HEAVY)


@pytest.mark.parametrize("name", ["Mux", "Settings", "classify", "Orchestrator"])
def test_the_pool_loads_neither_langchain_nor_langgraph(name: str):
    loaded = modules_after(f"from openmux_lc import {name}")

    assert not loaded & {"langchain_core", "langgraph", "llama_index", "typer", "rich"}


def test_every_public_name_is_there_and_listed():
    for name in openmux_lc.__all__:
        assert getattr(openmux_lc, name) is not None

    assert sorted(openmux_lc.__all__) == openmux_lc.__all__
    assert set(openmux_lc.__all__) <= set(dir(openmux_lc))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="Nothing"):
        _ = openmux_lc.Nothing
