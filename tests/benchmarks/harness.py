"""What the benchmarks share: processes to measure, rounds in turn, and tables.

Every contender runs in a process of its own that waits between its turns, so that
contenders from different environments can be measured turn by turn in one run:
what the machine does meanwhile hits all of them alike. Ratios and differences are
taken within a round; what is printed is their median over the rounds.
"""

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

HERE: Final = Path(__file__).resolve().parent
_ANSWER_S: Final = 300.0
_INSTALL_S: Final = 900.0


class Unavailable(Exception):
    """A contender cannot take part; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What one contender did in one turn.

    Args:
        times_ms: One per call, in the order of their ends.
        cpu_ms: Client processor time per call.
        wall_s: The whole turn, resets between calls excluded.
        note: What the contender says of itself, such as the route that answered.
    """

    times_ms: tuple[float, ...]
    cpu_ms: float
    wall_s: float
    note: str = ""

    @property
    def p50_ms(self) -> float:
        """Median time of a call."""
        return median(self.times_ms)


class Contender:
    """A process that runs calls on demand; see `turns.py`.

    Args:
        name: As `turns.py` knows it.
        python: Interpreter of the environment it needs.
        setup: What the contender is told once, such as the upstream's addresses.
        program: What runs in it; it speaks as `turns.py` does.
    """

    def __init__(
        self, name: str, setup: Mapping[str, object], *, python: Path | None = None, program: str = "turns.py"
    ) -> None:
        """Start the process and wait until it is ready."""
        self.name = name
        self._home = tempfile.TemporaryDirectory(prefix="openmux-bench-", ignore_cleanup_errors=True)
        self._process = subprocess.Popen(
            [str(python or sys.executable), str(HERE / program), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if python else None,
            cwd=self._home.name,
            env=clean_environment(self._home.name),
            text=True,
        )
        try:
            self.versions = str(self.ask(setup)["versions"])
        except BaseException:
            self.close()
            raise

    def turn(self, mode: str, *, calls: int, at_a_time: int = 1) -> Turn:
        """Return what came of `calls` calls, `at_a_time` of them side by side.

        Raises:
            Unavailable: It broke, or does not know this mode.
        """
        told = self.ask({"mode": mode, "calls": calls, "at_a_time": at_a_time})
        times = tuple(1000 * each for each in told["times_s"])
        return Turn(times_ms=times, cpu_ms=1000 * told["cpu_s"] / calls, wall_s=told["wall_s"], note=told["note"])

    def close(self) -> None:
        """End the process and remove its home folder."""
        self._process.kill()
        self._process.communicate()
        self._home.cleanup()

    def ask(self, order: Mapping[str, object]) -> dict:
        """Return what the process says to one order.

        Raises:
            Unavailable: It broke, or cannot do it.
        """
        watch = threading.Timer(_ANSWER_S, self._process.kill)
        watch.start()
        try:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except OSError:
            line = ""
        finally:
            watch.cancel()
        told = json.loads(line) if line else {"error": f"its process ended ({self._process.poll()})"}
        if "error" in told:
            raise Unavailable(f"{self.name}: {told['error']}")
        return told


def clean_environment(home: str) -> dict[str, str]:
    """Return this environment without keys, proxies or settings of ours, and with another home folder."""
    endings, beginnings = ("_API_KEY", "_TOKEN", "_PROXY", "_proxy"), ("OPENMUX_", "LANGCHAIN_", "LANGSMITH_", "XDG_")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.endswith(endings) and not name.startswith(beginnings)
    }
    homes = dict.fromkeys(("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"), home)
    # Read by LiteLLM when it is imported: its price list would be fetched from the network.
    return {**kept, **homes, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}


@contextlib.contextmanager
def upstream() -> Iterator[dict[str, str]]:
    """Run the instant upstream; gives its addresses by status."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / "upstream.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def environment(name: str, *requirements: str) -> Path:
    """Return the interpreter of a peer's own environment, made on first use.

    It lies in the user's cache folder; remove it there to get newer versions.

    Raises:
        Unavailable: It could not be installed.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "openmux-bench"
    folder = cache / name
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    installed = folder / "installed.txt"
    wanted = "\n".join(requirements)
    if installed.is_file() and installed.read_text(encoding="utf-8") == wanted:
        return python
    print(f"installing {name} into {folder} ...", file=sys.stderr, flush=True)
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.is_file() else shutil.which("uv")
    if uv:
        steps = [[uv, "venv", "-q", "--clear", "--python", sys.executable, str(folder)]]
        steps += [[uv, "pip", "install", "-q", "--python", str(python), *requirements]]
    else:
        steps = [[sys.executable, "-m", "venv", "--clear", str(folder)]]
        steps += [[str(python), "-m", "pip", "install", "-q", *requirements]]
    for step in steps:
        try:
            ended = subprocess.run(step, capture_output=True, text=True, timeout=_INSTALL_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Unavailable(f"{name}: cannot be installed here ({type(error).__name__})") from error
        if ended.returncode:
            last = (ended.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise Unavailable(f"{name}: cannot be installed here ({last[:160]})")
    installed.write_text(wanted, encoding="utf-8")
    return python


def enter(
    stack: contextlib.ExitStack,
    name: str,
    setup: Mapping[str, object],
    *requirements: str,
    program: str = "turns.py",
) -> Contender | None:
    """Start a contender, in an environment of its own where it has requirements.

    Returns None, and says why, where it cannot take part.
    """
    try:
        python = environment(name.partition(" ")[0].lower(), *requirements) if requirements else None
        contender = Contender(name, setup, python=python, program=program)
    except Unavailable as error:
        print(f"skipped {error}", file=sys.stderr)
        return None
    stack.callback(contender.close)
    return contender


def in_turn(contenders: Sequence[Contender], rounds: int, turn: Callable[[Contender], Turn]) -> dict[str, list[Turn]]:
    """Return every contender's turns, one a round; the order moves on each round.

    The first turn warms up and is dropped. Who breaks leaves the run, with its reason.
    """
    turns: dict[str, list[Turn]] = {contender.name: [] for contender in contenders}
    field = list(contenders)
    for number in range(rounds + 1):
        for contender in (*field[number % len(field) :], *field[: number % len(field)]):
            try:
                turns[contender.name].append(turn(contender))
            except Unavailable as error:
                print(f"left out {error}", file=sys.stderr)
                field.remove(contender)
                del turns[contender.name]
        if not field:
            break
    return {name: kept[1:] for name, kept in turns.items()}


def compared(turns: Sequence[Turn], other: Sequence[Turn], figure: Callable[[Turn, Turn], float]) -> list[float]:
    """Return a figure that compares two contenders, for each round."""
    return [figure(mine, theirs) for mine, theirs in zip(turns, other, strict=True)]


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table: the first column is text, the others are figures."""
    cells = [[cell if isinstance(cell, str) else f"{cell:.2f}" for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    print(f"\n{title}")
    for line in (columns, ["-" * width for width in widths], *cells):
        first, *others = (text.ljust(width) if at == 0 else text.rjust(width)
                          for at, (text, width) in enumerate(zip(line, widths, strict=True)))  # fmt: skip
        print("  ".join((first, *others)).rstrip())


def verdict(what: str, found: Sequence[float], aim: float, unit: str = "") -> dict[str, object]:
    """Print whether an aim is met and return it for the JSON output.

    Args:
        found: One figure per round; their median counts. The lowest is what a quiet
            machine would show.
    """
    figure = median(found)
    is_met = figure <= aim
    said = f"{figure:.2f} {unit}".strip()
    print(f"  {'met   ' if is_met else 'MISSED'}  {what}: {said}, lowest {min(found):.2f} (aim: at most {aim:g})")
    return {"what": what, "found": round(figure, 3), "lowest": round(min(found), 3), "aim": aim, "met": is_met}


def options(description: str, *, rounds: int, calls: int | None = None) -> argparse.ArgumentParser:
    """Return the command line that all benchmarks share; with `calls`, that of those which call."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=rounds, help=f"turns of each contender (default {rounds})")
    if calls is not None:
        parser.add_argument("--calls", type=int, default=calls, help=f"calls in a turn (default {calls})")
        parser.add_argument(
            "--state", metavar="URL", help="ours keeps its state there (default SQLite in a new folder)"
        )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there as well")
    return parser


def write_json(path: Path | None, figures: Mapping[str, object]) -> None:
    """Write the figures where they are wanted."""
    if path is not None:
        path.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
