"""`openmux runs` and `openmux report`: the run log, which holds neither prompts nor answers."""

from __future__ import annotations

import sys
from typing import Annotated, Final

import typer

from openmux_lc.cli.options import JsonOption
from openmux_lc.cli.output import note, tell_json, tell_table
from openmux_lc.cli.pool import open_pool
from openmux_lc.cli.why import tell_report
from openmux_lc.errors import ConfigError
from openmux_lc.types.json import JsonObject, as_int, as_list, as_text

__all__ = ["report", "runs"]

_SEARCHED: Final = 1000
_ID_CHARS: Final = 12


def runs(
    n: Annotated[int, typer.Option("-n", "--number", min=1, max=_SEARCHED, help="How many, newest first.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List the last runs and which model answered."""
    with open_pool() as mux:
        found = list(mux.ledger.run_log.newest(n))
    if as_json:
        tell_json(found)
    elif found:
        tell_table(("run", "task", "route", "attempts", "ms"), [_row(entry) for entry in found])
        note("`openmux report RUN` tells the whole of one")
    else:
        note("nothing was asked yet, or the state is kept in memory alone (OPENMUX_STATE_URL)")


def report(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="Its id or the beginning of it; `last` is the last.")],
    as_json: JsonOption = False,
) -> None:
    """Tell the whole report of an earlier run."""
    with open_pool() as mux:
        found = _only(run_id.strip().lower(), list(mux.ledger.run_log.newest(_SEARCHED)))
        whole = mux.report(as_text(found.get("run_id")))
    if as_json:
        tell_json(whole)
    else:
        tell_report(whole, stream=sys.stdout)


def _row(entry: JsonObject) -> tuple[str, ...]:
    return (
        as_text(entry.get("run_id"))[:_ID_CHARS],
        as_text(entry.get("task")),
        as_text(entry.get("route")) or "no answer",
        str(len(as_list(entry.get("attempts")))),
        str(as_int(entry.get("elapsed_ms")) or 0),
    )


def _only(wanted: str, found: list[JsonObject]) -> JsonObject:
    """Return the one run that is meant.

    Raises:
        ConfigError: None is, or several are.
    """
    if wanted == "last" and found:
        return found[0]
    meant = [entry for entry in found if wanted and as_text(entry.get("run_id")).startswith(wanted)]
    if len(meant) == 1:
        return meant[0]
    problem = "no run" if not meant else f"{len(meant)} runs"
    raise ConfigError(f"{problem} of id {wanted!r}; `openmux runs` lists them")
