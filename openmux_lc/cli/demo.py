"""`openmux demo`: the real job on a machine with nothing but the package.

A real llama.cpp with a model of 2 MB stands in one pool beside three providers on
loopback that fail; it is classified, selected, failed over and answered as always.
The pool is the demo's own: no key is read, nothing leaves the machine, nothing stays.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Final

import typer

from openmux_lc.cli.guard import FAILED, start_logging
from openmux_lc.cli.options import JsonOption, read_text
from openmux_lc.cli.output import note_error, tell, tell_json, write
from openmux_lc.cli.progress import Progress, SilentProgress, progress_on
from openmux_lc.cli.why import tell_report
from openmux_lc.types.json import JsonObject

if TYPE_CHECKING:
    from openmux_lc.mux import Mux

__all__ = ["demo"]

_QUESTION: Final = "What is the capital of France?"
_INSTALL: Final = "pip install 'openmux-lc[demo]'"
_MODEL_NOTE: Final = """\
The answer came from tiny-openmux, a model of 2 MB that was made for this demonstration. It knows only a handful of
things (some capitals, small sums, opposites, greetings) and writes nonsense about everything else. It is never
chosen silently: a real question goes to real models only."""
_NEXT: Final = (
    "openmux init      adds the key of a free provider (a minute)",
    "openmux doctor    lists the local engines that are found by themselves once they run",
    'openmux chat "your question"',
)


def demo(
    text: Annotated[list[str] | None, typer.Argument(metavar="TEXT", help=f"Default: {_QUESTION!r}")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show it at work: a tiny model, three that fail."""
    start_logging("WARNING")
    question = read_text(text) if text else _QUESTION
    from openmux_lc.local.embedded import has_embedded_engine  # `--help` does without

    if not has_embedded_engine():
        note_error(f"the demo runs a real llama.cpp, which is not installed: {_INSTALL}")
        raise typer.Exit(FAILED)
    started = time.monotonic()
    with SilentProgress() if as_json else progress_on(sys.stdout) as progress, _pool(progress) as mux:
        answer, report = _answer(mux, question, progress, is_silent=as_json)
    if as_json:
        tell_json({"answer": answer, "note": " ".join(_MODEL_NOTE.split()), **report})
        return
    tell()
    tell_report(report, stream=sys.stdout)
    tell(f"\n{_MODEL_NOTE}\n")
    for step in _NEXT:
        tell(f"next: {step}")
    tell(f"({time.monotonic() - started:.1f} s)")


@contextlib.contextmanager
def _pool(progress: Progress) -> Iterator[Mux]:
    from openmux_lc.cli.demo_pool import demo_pool  # loads the engine, which `--help` does without

    started = time.monotonic()
    progress.begin("starting llama.cpp with a model of 2 MB, and three providers that fail")
    with demo_pool() as mux:
        progress.end("✓", f"a real llama.cpp and three failing providers run on loopback ({_since(started)} ms)")
        yield mux


def _answer(mux: Mux, question: str, progress: Progress, *, is_silent: bool) -> tuple[str, JsonObject]:
    """Return the answer and its report, and tell each step while it happens.

    The steps are the engine's own, one by one, so that they can be watched.
    """
    from openmux_lc.cli.demo_pool import WatchedRun  # as above

    progress.end("?", question)
    with WatchedRun(mux, question) as run:
        progress.begin("what kind of question is it?")
        progress.end("✓", run.classify())
        progress.begin("which models may answer it, and which is best?")
        progress.end("✓", run.select())
        while route := run.next_route():
            progress.begin(f"asking {route}")
            for mark, line in run.call():
                progress.end(mark, line)
        parts = []
        if not is_silent:
            write("\n  ")
        for piece in run.pieces():
            parts.append(piece)
            if not is_silent:
                write(piece)
        if not is_silent:
            write("\n")
        return "".join(parts), run.report()


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
