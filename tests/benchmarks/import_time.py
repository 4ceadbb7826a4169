"""Prints what importing costs, and how long the command takes to say something.

    python tests/benchmarks/import_time.py [--rounds 15] [--json FILE]

Every line is a fresh process, in rounds that take turns; the home folder is empty and
there are no keys. `ready` is measured inside a process that has imported
`langchain_core.language_models` and `langgraph.graph` before: what is left is ours.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from harness import clean_environment, options, table, verdict, write_json

HEAVY = ("pydantic", "httpx", "langchain_core", "langgraph", "llama_index", "typer", "rich", "ollama")

BARE = "pass"
IMPORT = """
import sys, time
before, began = set(sys.modules), time.perf_counter()
import openmux_lc
spent = time.perf_counter() - began
print(1000 * spent, len(set(sys.modules) - before), *sys.modules)
"""
READY = """
import time
began = time.perf_counter()
import langchain_core.language_models, langgraph.graph
base = time.perf_counter()
from langchain_core.language_models import BaseChatModel
model = time.perf_counter()
from openmux_lc import ChatOpenMux
llm = ChatOpenMux()
ready = time.perf_counter()
llm.pool.explain("What is the capital of France?")
print(*(1000 * each for each in (base - began, model - base, ready - model, time.perf_counter() - ready)))
"""
STEPS = ("langchain_core.language_models, langgraph.graph", "+ its BaseChatModel", "+ ChatOpenMux()", "+ first plan")


def main() -> None:
    """Measure in turns and print the tables."""
    arguments = options(__doc__, rounds=15).parse_args()
    command = Path(sys.executable).with_name("openmux")
    openmux = [str(command)] if command.is_file() else [sys.executable, "-m", "openmux_lc.cli"]
    lines = {
        "python -c pass": [sys.executable, "-c", BARE],
        "import openmux_lc": [sys.executable, "-c", IMPORT],
        "openmux --version": [*openmux, "--version"],
        "openmux --help": [*openmux, "--help"],
        "openmux models": [*openmux, "models"],
        "ChatOpenMux ready": [sys.executable, "-c", READY],
    }
    walls: dict[str, list[float]] = {name: [] for name in lines}
    outputs: dict[str, list[str]] = {name: [] for name in lines}
    for number in range(arguments.rounds + 1):
        for name, line in lines.items():
            wall_ms, output = _run(name, line)
            if number:  # the first round writes bytecode and fills the file cache
                walls[name].append(wall_ms)
                outputs[name].append(output)
    figures = _figures(walls, outputs)
    write_json(arguments.json, {"rounds": arguments.rounds, "walls_ms": walls, **figures})


def _run(name: str, line: list[str]) -> tuple[float, str]:
    """Return how long a fresh process took, in ms, and what it printed."""
    with tempfile.TemporaryDirectory() as home:
        surroundings = clean_environment(home)
        began = time.perf_counter()
        ended = subprocess.run(line, cwd=home, env=surroundings, capture_output=True, text=True, check=False)
        spent = time.perf_counter() - began
    if ended.returncode:
        sys.exit(f"{name} ended with {ended.returncode}:{os.linesep}{ended.stderr[-2000:]}")
    return 1000 * spent, ended.stdout


def _figures(walls: dict[str, list[float]], outputs: dict[str, list[str]]) -> dict[str, object]:
    """Print the tables and return their figures."""
    bare = walls["python -c pass"]
    above = {name: [one - base for one, base in zip(each, bare, strict=True)] for name, each in walls.items()}
    columns = ["", "median", "lowest", "above bare Python"]
    rows = [[name, median(each), min(each), median(above[name])] for name, each in walls.items()]
    table("fresh processes, ms", columns, rows)
    imports = [line.split() for line in outputs["import openmux_lc"]]
    inside = [float(each[0]) for each in imports]
    loaded = sorted(set(HEAVY) & set(imports[0][2:]))
    steps = [[float(part) for part in line.split()] for line in outputs["ChatOpenMux ready"]]
    rows = [[name, median(column), min(column)] for name, column in zip(STEPS, zip(*steps, strict=True), strict=True)]
    table("inside one process, ms", columns[:3], [["import openmux_lc", median(inside), min(inside)], *rows])
    print(f"  import openmux_lc: {imports[0][1]} modules, heavy ones: {', '.join(loaded) or 'none'}\n")
    verdicts = [
        verdict("import openmux_lc above bare Python", above["import openmux_lc"], 15, "ms"),
        verdict("heavy modules loaded by it", [len(loaded)], 0),
        verdict("openmux --help", walls["openmux --help"], 400, "ms"),
        verdict("ChatOpenMux ready above the two imports", [each[1] + each[2] for each in steps], 250, "ms"),
    ]
    return {"import_ms": inside, "modules": int(imports[0][1]), "ready_ms": steps, "verdicts": verdicts}


if __name__ == "__main__":
    main()
