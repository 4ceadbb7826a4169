"""Health of a route or a whole provider: breaker, cooldown ladder, the one call that tries.

Pure: a state and a verdict in, the next state out. A deadline is never shortened but by
the user's own word, or where the one call that tries a guess of ours succeeds; a success
closes only what was open when its call began.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

from openmux_lc.ledger.verdict import LADDER_S, Verdict
from openmux_lc.ledger.windows import LONGEST_S
from openmux_lc.types.state import GUESSES, Cooldown, CooldownSource

__all__ = [
    "Circuit",
    "Health",
    "after",
    "circuit",
    "clear",
    "cool",
    "give_back",
    "has_room",
    "holds_trial",
    "is_ahead",
    "is_due",
    "is_taken",
    "is_well",
    "pause",
    "probe",
    "room_at",
]

Circuit = Literal["closed", "open", "half_open"]

_FAILURES_TO_OPEN: Final = 3
_OPEN_S: Final = 60.0
_LONGEST_OPEN_S: Final = 3600.0
_DAY_S: Final = 86_400.0
_PROBE_S: Final = 30.0
"""How long one call has a route for itself to try it."""

_SPACING_S: Final = 120.0
_LONGEST_SPACING_S: Final = 900.0
"""Least time between two trials of one route while it is paused; it doubles with each that fails."""

_MOST_TRIALS: Final = 3
_TRIALS_PER_S: Final = 60.0
"""No more routes are tried before their pause is over than that many in so many seconds."""

_NOISE: Final = 0.05
"""A guess that moves a deadline by a smaller share of its pause is the same news again."""


class Health(NamedTuple):
    """What is known of a route's (or provider's) faults.

    Rows in users' files hold the first fields only: new ones stand last, with a default.

    Args:
        failures: In a row.
        openings: How often the breaker opened since it last closed.
        hits: Rate limits in a row, within a day, that did not say for how long.
        until: Epoch seconds before which it is left alone.
        generation: Grows with each pause, so that late news are known as such.
        probe_until: Until then one call is trying whether it has recovered.
        since: When the pause began or was last prolonged; 0 where that is not known.
        told_until: The part of it that somebody told.
        hits_since: When the first of the hits was.
        trials: Calls that tried before the pause was over, without success.
        tried_at: When the last of them began.
    """

    failures: int = 0
    openings: int = 0
    hits: int = 0
    until: float = 0.0
    reason: str = ""
    source: CooldownSource = "heuristic"
    generation: int = 0
    probe_until: float = 0.0
    since: float = 0.0
    told_until: float = 0.0
    hits_since: float = 0.0
    trials: int = 0
    tried_at: float = 0.0


def is_well(health: Health, now: float) -> bool:
    """Return whether no news of a call could change it but a failure."""
    row = health
    return not (row.failures or row.openings or row.hits or row.probe_until or row.trials or row.until > now)


def circuit(health: Health, now: float) -> Circuit:
    """Return the breaker's position."""
    if not health.openings:
        return "closed"
    return "open" if _ends_at(health, now) else "half_open"


def after(
    health: Health, verdict: Verdict, now: float, *, is_current: bool = True, holds_trial: bool = False
) -> Health:
    """Return the state after an attempt.

    Args:
        is_current: The attempt began after the last pause did. Late news neither close
            a breaker nor count against it; what a provider asks for is always obeyed.
        holds_trial: It was the call that tried whether it has recovered.
    """
    if verdict.kind == "success":
        return _healed(health, now, is_lifted=holds_trial) if is_current else health
    if verdict.kind == "none":
        return give_back(health, now) if is_current and holds_trial else health
    counts = is_current and (holds_trial or not _ends_at(health, now))
    freed = health._replace(probe_until=0.0) if holds_trial else health
    if verdict.kind == "throttled":
        return _throttled(freed, verdict, now, counts=counts)
    if verdict.kind == "barred":
        return _paused(freed, verdict, verdict.pause_s or 0.0, now)
    return _failed(freed, verdict, now, counts=counts)


def cool(health: Health, cooldown: Cooldown, now: float) -> Health:
    """Return the state that is left alone until `cooldown.until` at least."""
    until = min(cooldown.until, now + LONGEST_S)
    if until <= now:
        return health
    known = health.until if _ends_at(health, now) else 0.0
    told_until = max(_told_until(health, now), 0.0 if cooldown.is_guess else until)
    # That a call cost money is never forgotten over another pause.
    is_paid = known > 0 and health.source == "paid"
    if until <= known:
        kept = health._replace(told_until=told_until)
        is_bill = cooldown.source == "paid" and not is_paid
        return kept._replace(source="paid", reason=cooldown.reason) if is_bill else kept
    return health._replace(
        until=until,
        reason=health.reason if is_paid else cooldown.reason,
        source=health.source if is_paid else cooldown.source,
        generation=health.generation + 1,
        probe_until=0.0,
        since=now,
        told_until=told_until,
    )


def clear(health: Health) -> Health:
    """Return the state after the user's word that all is well."""
    return Health(generation=health.generation + 1)


def pause(health: Health, now: float) -> Cooldown | None:
    """Return the pause that holds now, if any."""
    ends_at = _ends_at(health, now)
    if ends_at:
        return Cooldown(
            until=ends_at,
            reason=health.reason,
            source=health.source,
            told_until=_told_until(health, now) if _is_guess(health) else 0.0,
            trial_at=_trial_at(health, now),
        )
    if health.openings and is_taken(health, now):
        until = min(health.probe_until, now + _PROBE_S)
        return Cooldown(until=until, reason="one call is trying whether it is back", source="breaker")
    return None


def is_due(health: Health, now: float) -> bool:
    """Return whether one call may try now whether it has recovered.

    A half-open breaker takes one; so does a pause that is our own guess, once half of it
    is served. What somebody told is waited for to its end.
    """
    if circuit(health, now) == "half_open":
        return not is_taken(health, now)
    return _ends_at(health, now) > 0 and _trial_at(health, now) <= now


def is_taken(health: Health, now: float) -> bool:
    """Return whether a call is trying already.

    A clock that was set back by more than a whole turn ends it, as it ends a pause.
    """
    return now < health.probe_until <= now + 2 * _PROBE_S


def is_ahead(health: Health, now: float) -> bool:
    """Return whether a clock that was set back has yet to come again to what is noted here.

    Until then the ends of pause and trial move along with it.
    """
    return health.since > now or health.probe_until > now + _PROBE_S


def probe(health: Health, now: float) -> Health:
    """Return the state after the call that tries is let through."""
    if not is_due(health, now):
        return health
    leased = health._replace(probe_until=now + _PROBE_S)
    return leased._replace(trials=health.trials + 1, tried_at=now) if _ends_at(health, now) else leased


def holds_trial(health: Health, began_at: float) -> bool:
    """Return whether the call that began to try then is still the one that tries."""
    return health.probe_until == began_at + _PROBE_S


def give_back(health: Health, now: float) -> Health:
    """Return the state after the call that tried told nothing: the next one may."""
    is_early = _ends_at(health, now) > 0
    return health._replace(probe_until=0.0, trials=max(0, health.trials - is_early))


def has_room(health: Iterable[Health], now: float) -> bool:
    """Return whether another route may be tried before its pause is over."""
    return room_at(health, now) <= now


def room_at(health: Iterable[Health], now: float) -> float:
    """Return when another route may be tried before its pause is over; 0 means now."""
    recent = sorted(row.tried_at for row in health if abs(now - row.tried_at) < _TRIALS_PER_S)
    return recent[-_MOST_TRIALS] + _TRIALS_PER_S if len(recent) >= _MOST_TRIALS else 0.0


def _ends_at(health: Health, now: float) -> float:
    """Return until when the pause holds, 0 where none does.

    A clock that was set back by more than the whole pause ends it: nobody waits twice, nor
    for years after a clock that was wrong.
    """
    if health.until <= now:
        return 0.0
    length_s = min(health.until - health.since, LONGEST_S) if health.since else LONGEST_S
    began_at = health.until - length_s
    return 0.0 if began_at - now > length_s else min(health.until, now + length_s)


def _told_until(health: Health, now: float) -> float:
    """Return until when the pause that holds was told, 0 where none of it was."""
    return min(health.told_until, _ends_at(health, now)) if health.told_until > now else 0.0


def _is_guess(health: Health) -> bool:
    return health.source in GUESSES


def _trial_at(health: Health, now: float) -> float:
    """Return when one call may try a pause before its end; infinity where it was told."""
    if not _is_guess(health) or not health.since:
        return float("inf")
    spacing_s = min(_SPACING_S * 2.0 ** min(health.trials - 1, 8), _LONGEST_SPACING_S) if health.trials else 0.0
    earliest = max(
        (health.since + health.until) / 2, health.since + _SPACING_S, health.told_until, health.tried_at + spacing_s
    )
    if is_taken(health, now):
        earliest = max(earliest, health.probe_until)
    return earliest if earliest < health.until else float("inf")


def _healed(health: Health, now: float, *, is_lifted: bool) -> Health:
    """Return the state after a success; a guess of ours that it was sent to try is over."""
    well = health._replace(failures=0, openings=0, hits=0, probe_until=0.0, trials=0)
    if not (is_lifted and _is_guess(health) and _ends_at(health, now)):
        return well
    return well._replace(until=max(now, _told_until(health, now)), since=now)


def _throttled(health: Health, verdict: Verdict, now: float, *, counts: bool) -> Health:
    if verdict.pause_s is not None:
        return _paused(health, verdict, verdict.pause_s, now)
    if health.hits and not 0 <= now - health.hits_since < _DAY_S:
        health = health._replace(hits=0)
    if counts:
        begun = health.hits_since if health.hits else now
        health = health._replace(hits=min(health.hits + 1, len(LADDER_S)), hits_since=begun)
    rung = min(max(1, health.hits), verdict.rungs)
    reason = f"{verdict.reason} without a word of how long, step {rung} of {verdict.rungs}"
    return _paused(health, verdict._replace(reason=reason), LADDER_S[rung - 1], now)


def _failed(health: Health, verdict: Verdict, now: float, *, counts: bool) -> Health:
    if counts:
        health = _counted(health, verdict, now)
    return health if verdict.pause_s is None else _paused(health, verdict, verdict.pause_s, now)


def _counted(health: Health, verdict: Verdict, now: float) -> Health:
    """Return the state after one more failure in a row; a failed probe opens at once."""
    failures = health.failures + 1
    if failures < _FAILURES_TO_OPEN and circuit(health, now) == "closed":
        return health._replace(failures=failures)
    openings = health.openings + 1
    open_s = min(_OPEN_S * 2.0 ** min(openings - 1, 16), _LONGEST_OPEN_S)
    reason = f"{failures} failures in a row, the last: {verdict.reason}"
    opened = verdict._replace(source="breaker", reason=reason)
    return _paused(health._replace(failures=failures, openings=openings), opened, open_s, now)


def _paused(health: Health, verdict: Verdict, pause_s: float, now: float) -> Health:
    rest_s = min(pause_s, verdict.longest_s)
    asked = Cooldown(until=now + rest_s, reason=verdict.reason, source=verdict.source)
    ends_at = _ends_at(health, now)
    # Calls that were under way together fail together: that is one piece of news.
    is_noise = asked.is_guess and ends_at and asked.until - health.until < _NOISE * rest_s
    return health if is_noise else cool(health, asked, now)
