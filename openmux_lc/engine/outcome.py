"""What a run that found no answer tells the user, and what to type next.

Each reason is named once, with how many routes it holds for; no prompt, no key.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from openmux_lc.errors import AllRoutesFailedError, NoRouteError
from openmux_lc.types.run import Plan, Rejection

if TYPE_CHECKING:
    from openmux_lc.engine.run_state import Run
    from openmux_lc.mux import Mux

__all__ = ["all_failed", "no_route"]

_LISTED: Final = 12


def no_route(mux: Mux, plan: Plan) -> NoRouteError:
    """Return the error for a plan without a single route."""
    missing = tuple(
        Rejection(route=f"{row.id}:*", reason=f"no engine answers at {row.base_url}") for row in mux.missing_engines()
    )
    rejected = (*plan.rejected, *missing)
    task = plan.requirements.task
    until = [entry.until for entry in rejected if entry.until is not None]
    retry_at = min(until) if until else None
    lines = [f"no route of the pool can serve this request (task: {task})"]
    lines += [f"  {line}" for line in _grouped(rejected)]
    if retry_at is not None:
        lines.append(f"  the first pause ends at {_clock(retry_at)}")
    lines.append(f"  next: {_next_command(mux, rejected)}")
    return NoRouteError("\n".join(lines), rejected=rejected, retry_at=retry_at)


def all_failed(run: Run) -> AllRoutesFailedError:
    """Return the error for a run whose every attempt failed."""
    waits = [attempt.retry_after for attempt in run.attempts if attempt.retry_after is not None]
    retry_at = time.time() + min(waits) if waits else None
    lines = [f"all {len(run.attempts)} attempts failed"]
    for attempt in run.attempts[:_LISTED]:
        status = f" {attempt.status_code}" if attempt.status_code else ""
        told = attempt.message.removeprefix(f"{attempt.route}: ")
        lines.append(f"  {attempt.route}: {attempt.error or attempt.outcome}{status}: {told}")
    if run.remaining_s <= 0:
        lines.append(f"  the deadline of {run.options.timeout_s:g} s has passed (timeout=)")
    if retry_at is not None:
        lines.append(f"  one may work again at {_clock(retry_at)}")
    lines.append("  next: `openmux doctor` shows what is reachable")
    return AllRoutesFailedError("\n".join(lines), attempts=run.attempts, retry_at=retry_at)


def _grouped(rejected: Iterable[Rejection]) -> list[str]:
    """Return `reason: routes`, most frequent first; provider stands for its models."""
    routes: dict[str, list[str]] = {}
    for entry in rejected:
        routes.setdefault(entry.reason, []).append(entry.route)
    # What the user shut out by choice explains least.
    groups = sorted(routes.items(), key=lambda item: (item[0].startswith("not among"), -len(item[1])))
    lines = [
        f"{reason} ({names[0]}{f' and {len(names) - 1} more' if len(names) > 1 else ''})" for reason, names in groups
    ]
    hidden = len(lines) - _LISTED
    return lines[:_LISTED] + ([f"... and {hidden} more reasons: `openmux explain`"] if hidden > 0 else [])


def _next_command(mux: Mux, rejected: tuple[Rejection, ...]) -> str:
    if mux.settings.offline:
        return "start a local engine, or unset OPENMUX_OFFLINE"
    if any(entry.reason.startswith("no key") for entry in rejected):
        return "`openmux init` to add a free key, or start a local engine; `openmux doctor` shows what is reachable"
    return '`openmux doctor` shows what is reachable; `openmux explain "..."` says why'


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at, tz=UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
