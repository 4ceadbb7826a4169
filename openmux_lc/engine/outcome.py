"""What a run that found no answer tells the user, and what to type next.

A table says of each route what happened, until when it rests and who says so; other
reasons are named once, with how many routes they hold for. No prompt, no key.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from openmux_lc.errors import AllRoutesFailedError, NoRouteError, PromptTooLongError
from openmux_lc.types.run import Attempt, Plan, Rejection
from openmux_lc.types.state import CooldownSource, Snapshot

if TYPE_CHECKING:
    from openmux_lc.engine.run_state import Run
    from openmux_lc.mux import Mux

__all__ = ["SOURCES", "all_failed", "no_route"]

_LISTED: Final = 12
_REASON_CHARS: Final = 72
"""A longer reason is told whole, but the others are not aligned with it."""

SOURCES: Final[dict[CooldownSource, str]] = {
    "header": "told by the provider",
    "learned": "learned from its words",
    "heuristic": "our guess",
    "breaker": "our breaker",
    "quota": "our count of its quota",
    "paid": "it reported a cost",
}
"""Who says that a pause lasts so long, in words."""


def no_route(mux: Mux, plan: Plan) -> NoRouteError:
    """Return the error for a plan without a single route."""
    missing = tuple(
        Rejection(route=f"{row.id}:*", reason=f"no engine answers at {row.base_url}") for row in mux.missing_engines()
    )
    rejected = (*plan.rejected, *missing)
    resting = sorted((entry for entry in rejected if entry.until is not None), key=_ends_at)
    retry_at = _ends_at(resting[0]) if resting else None
    if plan.largest_window is not None:
        return _too_long(plan, plan.largest_window, rejected, retry_at)
    lines = [f"no route of the pool can serve this request (task: {plan.requirements.task})"]
    lines += _table(resting)
    lines += [f"  {line}" for line in _grouped(entry for entry in rejected if entry.until is None)]
    if retry_at is not None:
        lines.append(f"  the first pause ends at {_clock(retry_at)}; `openmux cooldowns` lists them all")
    lines.append(f"  next: {_next_command(mux, rejected)}")
    return NoRouteError("\n".join(lines), rejected=rejected, retry_at=retry_at)


def _too_long(plan: Plan, window: int, rejected: tuple[Rejection, ...], retry_at: float | None) -> PromptTooLongError:
    """Return the error for a prompt that no window takes."""
    need = plan.requirements.min_context_tokens
    lines = [f"the prompt and its answer take about {need} tokens, the largest window of the pool has {window}"]
    lines += [f"  {line}" for line in _grouped(entry for entry in rejected if entry.until is None)]
    if plan.options.on_overflow == "raise":
        lines.append('  next: shorten it, lower max_tokens=, or set on_overflow="trim_oldest" or "summarize"')
    else:
        lines.append(
            "  next: shorten the last turn or the system message, which are never left out, or lower max_tokens="
        )
    message = "\n".join(lines)
    return PromptTooLongError(message, window_tokens=window, needed_tokens=need, rejected=rejected, retry_at=retry_at)


def all_failed(mux: Mux, run: Run) -> AllRoutesFailedError:
    """Return the error for a run whose every attempt failed."""
    now = time.time()
    tried = _tried(run.attempts, mux.ledger.snapshot(), now)
    paused = [entry for entry in (run.plan.rejected if run.plan else ()) if entry.until is not None]
    until = [entry.until for entry in (*tried, *paused) if entry.until is not None]
    retry_at = min(until) if until else None
    lines = [f"all {len(run.attempts)} attempts failed", *_table((*tried, *paused))]
    if run.remaining_s <= 0:
        lines.append(f"  the deadline of {run.options.timeout_s:g} s has passed (timeout=)")
    if retry_at is not None:
        lines.append(f"  one may work again at {_clock(retry_at)}")
    lines.append("  next: `openmux doctor` shows what is reachable, `openmux cooldowns` what rests")
    return AllRoutesFailedError("\n".join(lines), attempts=run.attempts, rejected=(*tried, *paused), retry_at=retry_at)


def _tried(attempts: Sequence[Attempt], snapshot: Snapshot, now: float) -> list[Rejection]:
    """Return each route once: its last failure, and the pause that the ledger holds now."""
    counts = Counter(attempt.route for attempt in attempts)
    last = {attempt.route: attempt for attempt in attempts}
    found: list[Rejection] = []
    for route, attempt in last.items():
        status = f" {attempt.status_code}" if attempt.status_code else ""
        times = f" ({counts[route]} attempts)" if counts[route] > 1 else ""
        told = attempt.message.removeprefix(f"{route}: ")
        pause = snapshot.cooldown(route)
        until, source = (pause.until, pause.source) if pause else (None, None)
        if until is None and attempt.retry_after:
            until, source = now + attempt.retry_after, attempt.wait_source
        reason = f"{attempt.error or attempt.outcome}{status}{times}: {told}"
        found.append(Rejection(route=str(route), reason=reason, until=until, source=source))
    return found


def _table(entries: Sequence[Rejection]) -> list[str]:
    """Return lines of route, reason, end of its pause in local time and who says so."""
    shown = [(f"{entry.route}: {entry.reason}", _rest(entry)) for entry in entries[:_LISTED]]
    width = min(_REASON_CHARS, max((len(what) for what, rest in shown if rest), default=0))
    lines = [f"  {what:{width}}  {rest}".rstrip() for what, rest in shown]
    hidden = len(entries) - _LISTED
    return [*lines, f"  ... and {hidden} more: `openmux cooldowns`"] if hidden > 0 else lines


def _rest(entry: Rejection) -> str:
    if entry.until is None:
        return ""
    return f"until {_clock(entry.until, is_short=True)}, {SOURCES[entry.source or 'heuristic']}"


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


def _ends_at(entry: Rejection) -> float:
    return float("inf") if entry.until is None else entry.until


def _clock(at: float, *, is_short: bool = False) -> str:
    """Return a moment in local time; the day only where it is not today's in `is_short`."""
    moment = datetime.fromtimestamp(at, tz=UTC).astimezone()
    is_today = moment.date() == datetime.now(tz=UTC).astimezone().date()
    form = "%H:%M:%S" if is_short and is_today else "%Y-%m-%d %H:%M:%S"
    return moment.strftime(form if is_short else f"{form} %Z")
