"""The program as a whole: help, version, exit codes, and what it costs to start."""

import ast
import json
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import pytest

import openmux_lc
from openmux_lc.cli import app as app_module
from tests.cli.program import Invoke, Openmux, environment, posix_only
from tests.patience import LATE_S

COMMANDS = (
    "chat",
    "models",
    "providers",
    "doctor",
    "init",
    "demo",
    "classify",
    "explain",
    "recommend",
    "embed",
    "runs",
    "report",
    "config",
)
FRAMEWORKS = {"langchain_core", "langgraph", "llama_index", "langchain_ollama", "langchain_community"}


def loaded_by(*words: str, **changes: str) -> set[str]:
    """Return the modules that a command has loaded when it ends, measured without coverage's own."""
    program = (
        "import atexit, json, sys\n"
        "atexit.register(lambda: print('\\n' + json.dumps(sorted(sys.modules)), file=sys.stderr))\n"
        f"sys.argv = ['openmux', *{list(words)!r}]\n"
        "from openmux_lc.cli import main\n"
        "main()\n"
    )
    ended = subprocess.run(
        [sys.executable, "-P", "-c", program],
        capture_output=True,
        text=True,
        env=_uncovered(environment(changes)),
        timeout=60,
        check=False,
    )
    return {name.partition(".")[0] for name in json.loads(ended.stderr.splitlines()[-1])}


def _uncovered(env: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if not name.startswith("COV")}


def test_help_names_every_command(invoke: Invoke):
    told = invoke("--help")

    assert told.exit_code == 0
    for name in COMMANDS:
        assert f"\n  {name} " in told.stdout


@pytest.mark.parametrize("words", [(name,) for name in COMMANDS] + [("config", "trust"), ("config", "check")])
def test_every_command_has_help(invoke: Invoke, words: tuple[str, ...]):
    told = invoke(*words, "-h")

    assert told.exit_code == 0
    assert "Usage: openmux" in told.stdout


def test_no_command_is_explained_in_words_that_are_cut_off(invoke: Invoke):
    assert "..." not in invoke("--help").stdout.partition("Commands:")[2]


def test_version(openmux: Openmux):
    ended = openmux("--version")

    assert (0, f"openmux-lc {openmux_lc.__version__}\n", "") == (ended.code, ended.out, ended.err)


@pytest.mark.parametrize("words", [("nonesuch",), ("chat",), ("chat", "--nonesuch", "hi"), ("--nonesuch",)])
def test_wrong_usage_is_exit_code_two(openmux: Openmux, words: tuple[str, ...]):
    ended = openmux(*words)

    assert (2, "") == (ended.code, ended.out)
    assert "Error" in ended.err


def test_the_installed_command_is_this_program():
    try:
        points = metadata.distribution("openmux-lc").entry_points
    except metadata.PackageNotFoundError:
        pytest.skip("the package is not installed, only importable")

    assert [point.value for point in points if point.name == "openmux"] == ["openmux_lc.cli:main"]


@pytest.mark.parametrize(
    "words",
    [
        ("--help",),
        ("--version",),
        ("models",),
        ("providers",),
        ("classify", "hello"),
        ("explain", "hello"),
        ("doctor",),
    ],
)
def test_no_framework_is_loaded(words: tuple[str, ...]):
    """STYLE.md's counterexample: seconds of imports before the first letter."""
    loaded = loaded_by(*words, OPENMUX_PROVIDERS="groq", OPENMUX_STATE_URL="memory:")

    assert not loaded & FRAMEWORKS


@pytest.mark.parametrize("words", [("--help",), ("--version",)])
def test_help_and_version_load_next_to_nothing(words: tuple[str, ...]):
    loaded = loaded_by(*words)

    assert not loaded & (FRAMEWORKS | {"rich", "httpx", "pydantic", "sqlite3", "ollama"})


@pytest.mark.parametrize("words", [("models",), ("providers",), ("classify", "hello")])
def test_lists_in_a_pipe_load_neither_rich_nor_httpx(words: tuple[str, ...]):
    loaded = loaded_by(*words, OPENMUX_PROVIDERS="groq", OPENMUX_STATE_URL="memory:")

    assert not loaded & {"rich", "httpx", "ollama"}


@posix_only
@pytest.mark.performance
@pytest.mark.parametrize(("words", "most_s"), [(("--help",), 0.4), (("--version",), 0.4), (("models",), 0.5)])
def test_it_starts_at_once(words: tuple[str, ...], most_s: float):
    """Processor time, which is what a start takes on a machine that has nothing else to do."""
    import resource

    env = _uncovered(environment({"OPENMUX_STATE_URL": "memory:"}))

    def seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-P", "-m", "openmux_lc.cli", *words]
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env, timeout=60, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    seconds()  # writes the bytecode

    assert min(seconds() for _ in range(5)) < most_s


def test_only_render_imports_rich():
    folder = Path(app_module.__file__).parent
    importing = {
        path.name
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "rich")
        or (isinstance(node, ast.Import) and any(alias.name.partition(".")[0] == "rich" for alias in node.names))
    }

    assert importing == {"render.py"}


def test_alone_without_a_terminal_it_says_what_to_type(openmux: Openmux):
    ended = openmux()

    assert (2, "") == (ended.code, ended.out)
    assert "openmux chat" in ended.err


@posix_only
def test_ctrl_c_while_it_loads_leaves_no_traceback():
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "openmux_lc.cli", "classify", "--jsonl", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(b'{"text": "hello"}\n')
        process.stdin.flush()
        assert process.stdout.readline()
        started = time.monotonic()
        process.send_signal(2)
        told = process.stderr.read()
        code = process.wait(20)

    assert (130, b"\n") == (code, told)
    assert time.monotonic() - started < LATE_S
