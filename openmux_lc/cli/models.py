"""`openmux models`: the free routes there are, and why others are none."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

import typer

from openmux_lc.cli.options import JsonOption, TaskOption, to_task
from openmux_lc.cli.output import note, tell_json, tell_table
from openmux_lc.cli.pool import open_pool
from openmux_lc.types.catalog import TASKS, Evidence, PoolEntry
from openmux_lc.types.json import Json

if TYPE_CHECKING:
    from openmux_lc.mux import Mux

__all__ = ["models"]

_ABILITIES: Final = (
    ("tool_calling", "tools"),
    ("structured_output", "json"),
    ("image_inputs", "images"),
    ("audio_inputs", "audio"),
    ("pdf_inputs", "pdf"),
    ("reasoning_output", "reasoning"),
)


def models(
    task: TaskOption = None,
    show_all: Annotated[bool, typer.Option("--all", "-a", help="Also those that cannot be used, and why.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the free models that can be asked now."""
    wanted = to_task(task) if task else None
    with open_pool() as mux:
        listed = [line for line in _lines(mux) if wanted is None or wanted in line.entry.model.tasks]
    shown = listed if show_all else [line for line in listed if not line.entry.blocked]
    if as_json:
        tell_json([line.to_json() for line in shown])
        return
    if shown:
        tell_table(
            ("route", "tasks", "context", "abilities", "free because", "status"), [line.to_row() for line in shown]
        )
    _tell_rest(listed, is_all=show_all)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """One route as it is listed; `pause` is "" or what it waits for."""

    entry: PoolEntry
    evidence: Evidence | None
    pause: str

    @property
    def status(self) -> str:
        if self.entry.blocked:
            return self.entry.blocked
        return self.pause or "ready"

    @property
    def tasks(self) -> list[str]:
        return [task for task in TASKS if task in self.entry.model.tasks]

    @property
    def abilities(self) -> list[str]:
        profile = self.entry.model.profile
        return [word for key, word in _ABILITIES if profile.get(key)]

    def to_row(self) -> tuple[str, ...]:
        context = self.entry.model.profile.get("max_input_tokens")
        evidence = f"{self.evidence.kind} ({self.evidence.as_of or 'undated'})" if self.evidence else "-"
        return (
            str(self.entry.route),
            ", ".join(self.tasks),
            _thousands(context) if context else "?",
            ", ".join(self.abilities),
            evidence,
            self.status,
        )

    def to_json(self) -> Json:
        evidence = self.evidence
        return {
            "route": str(self.entry.route),
            "tasks": self.tasks,
            "max_input_tokens": self.entry.model.profile.get("max_input_tokens"),
            "abilities": self.abilities,
            "evidence": None
            if evidence is None
            else {
                "kind": evidence.kind,
                "source": evidence.source,
                "as_of": evidence.as_of,
                "confidence": evidence.confidence,
            },
            "usable": not self.entry.blocked,
            "status": self.status,
        }


def _lines(mux: Mux) -> list[_Line]:
    from openmux_lc.catalog.free import evidence  # `--help` does without

    entries = sorted(mux.entries(), key=lambda entry: (bool(entry.blocked), entry.rank, entry.route))
    snapshot = mux.ledger.snapshot()
    lines = []
    for entry in entries:
        cooldown = snapshot.cooldown(entry.route)
        pause = f"paused for {_duration(cooldown.until - time.time())}: {cooldown.reason}" if cooldown else ""
        lines.append(_Line(entry=entry, evidence=evidence(entry.provider, entry.model), pause=pause))
    return lines


def _tell_rest(listed: Sequence[_Line], *, is_all: bool) -> None:
    """Say in one line each what is usable, and what keeps the others from it."""
    usable = sum(1 for line in listed if not line.entry.blocked)
    note(f"{usable} usable of {len(listed)} known")
    if not is_all:
        reasons = Counter(line.entry.blocked.split(":")[0].split(";")[0] for line in listed if line.entry.blocked)
        for reason, count in reasons.most_common(6):
            note(f"  {count}: {reason}")
    if not usable:
        note("next: `openmux init` adds a free key; a local engine is found by itself; `openmux doctor` tells more")


def _thousands(number: int) -> str:
    return f"{number // 1000}k" if number >= 1000 else str(number)


def _duration(seconds: float) -> str:
    whole = max(0, round(seconds))
    if whole >= 7200:
        return f"{whole / 3600:.1f} h"
    return f"{whole // 60} min" if whole >= 120 else f"{whole} s"
