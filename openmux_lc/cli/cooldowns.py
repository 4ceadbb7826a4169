"""`openmux cooldowns`: who rests until when, why, and who says so; `clear` is the user's word."""

from __future__ import annotations

import difflib
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from openmux_lc.cli.guard import guarded
from openmux_lc.cli.options import JsonOption
from openmux_lc.cli.output import note, tell, tell_json, tell_table
from openmux_lc.cli.pool import open_pool
from openmux_lc.errors import ConfigError
from openmux_lc.types.json import Json
from openmux_lc.types.state import Cooldown

if TYPE_CHECKING:
    from openmux_lc.mux import Mux

__all__ = ["cooldowns"]

cooldowns = typer.Typer(
    name="cooldowns", help="List who rests until when and why, or end it.", rich_markup_mode=None, add_completion=False
)


@cooldowns.callback(invoke_without_command=True)
@guarded
def list_cooldowns(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the routes and providers that rest, those that end first on top."""
    if context.invoked_subcommand is not None:
        return
    with open_pool() as mux:
        found = _resting(mux)
    if as_json:
        tell_json([_to_json(name, pause) for name, pause in found])
    elif found:
        tell_table(("route or provider", "until", "says", "reason"), [_row(name, pause) for name, pause in found])
        note("`openmux cooldowns clear NAME` ends one, `openmux cooldowns clear` all of them")
    else:
        note("nobody rests")


@cooldowns.command("clear")
@guarded
def clear(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="A route or a provider; all without it.")] = None,
    as_json: JsonOption = False,
) -> None:
    """End the rest of a route, of a provider with its routes, or of all."""
    with open_pool() as mux:
        names = [each for each, _ in _resting(mux)]
        wanted = names if name is None else _meant(mux, name.strip(), names)
        for each in wanted:
            mux.ledger.uncool(each)
        left = {each for each, _ in _resting(mux)}
    cleared = [each for each in wanted if each not in left]
    if as_json:
        tell_json({"cleared": cleared, "left": sorted(left)})
        return
    for each in cleared:
        tell(each)
    note(f"{len(cleared)} cleared" if cleared else "nothing to clear")
    if kept := [each for each in wanted if each in left]:
        note(f"{', '.join(kept)}: its quota is used up by our own count, which ends by itself")


def _resting(mux: Mux) -> list[tuple[str, Cooldown]]:
    snapshot = mux.ledger.snapshot()
    live = [(name, pause) for name, pause in snapshot.cooldowns.items() if pause.until > snapshot.at]
    return sorted(live, key=lambda pair: (pair[1].until, pair[0]))


def _meant(mux: Mux, name: str, names: Iterable[str]) -> list[str]:
    """Return the resting names that `name` stands for: itself with its further keys, a provider with its routes.

    Raises:
        ConfigError: There is no such route or provider; names the nearest.
    """
    meant = [each for each in names if each == name or each.startswith((f"{name}:", f"{name} [key "))]
    if meant:
        return meant
    known = {*names, *mux.catalog.providers, *(str(entry.route) for entry in mux.entries())}
    if name in known:
        return []
    near = difflib.get_close_matches(name, sorted(known), n=1)
    hint = f"did you mean {near[0]!r}?" if near else "`openmux cooldowns` lists who rests"
    raise ConfigError(f"no route or provider {name!r}; {hint}")


def _row(name: str, pause: Cooldown) -> tuple[str, ...]:
    from openmux_lc.engine.outcome import SOURCES  # `--help` does without

    ends_at = datetime.fromtimestamp(pause.until, tz=UTC).astimezone()
    return name, ends_at.strftime("%Y-%m-%d %H:%M:%S"), SOURCES[pause.source], pause.reason


def _to_json(name: str, pause: Cooldown) -> Json:
    return {
        "name": name,
        "until": round(pause.until),
        "seconds": max(0, round(pause.until - time.time())),
        "source": pause.source,
        "reason": pause.reason,
        "trial_at": round(pause.trial_at) if pause.trial_at != float("inf") else None,
    }
