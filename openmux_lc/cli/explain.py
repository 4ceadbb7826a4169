"""`openmux explain` and `openmux recommend`: what would be asked, without asking it."""

from __future__ import annotations

from typing import Annotated

import typer

from openmux_lc.cli.options import (
    JsonOption,
    ModelOption,
    ProfileOption,
    TaskOption,
    TextArgument,
    read_text,
    to_options,
)
from openmux_lc.cli.output import note, tell, tell_json
from openmux_lc.cli.pool import open_pool
from openmux_lc.cli.why import tell_candidates, tell_rejected
from openmux_lc.types.json import JsonObject, as_float, as_list, as_text

__all__ = ["explain", "recommend"]


def explain(
    text: TextArgument,
    model: ModelOption = None,
    task: TaskOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say which models would be asked, and why."""
    question = read_text(text)
    with open_pool() as mux:
        report = mux.explain(question, to_options(mux, models=model, task=task, profile=profile))
    if as_json:
        tell_json(report)
        return
    _tell_head(report)
    if candidates := as_list(report.get("candidates")):
        tell_candidates(candidates)
    if rejected := as_list(report.get("rejected")):
        tell()
        tell_rejected(rejected)
    if not report.get("route"):
        note("next: `openmux doctor` shows what is reachable; `openmux init` adds a free key")


def recommend(
    text: TextArgument,
    n: Annotated[int, typer.Option("-n", "--number", min=1, max=1000, help="How many.")] = 5,
    as_json: JsonOption = False,
) -> None:
    """Name the best models for a task told in plain words."""
    wanted = read_text(text)
    with open_pool() as mux:
        found = mux.recommend(wanted, n)
    if as_json:
        tell_json(found)
    elif found:
        tell_candidates(found)
    else:
        note("no route of the pool fits; `openmux explain` says why, `openmux init` adds a free key")


def _tell_head(report: JsonObject) -> None:
    tell(f"task        {as_text(report.get('task'))} (confidence {as_float(report.get('confidence')) or 0:.2f})")
    tell(f"difficulty  {as_float(report.get('difficulty')) or 0:.2f}")
    for cue in as_list(report.get("evidence")):
        tell(f"because     {as_text(cue)}")
    tell(f"first       {as_text(report.get('route')) or 'no route'}")
    for reason in as_list(report.get("why")):
        tell(f"  - {as_text(reason)}")
    tell()
