"""Health of a route or a whole provider: breaker, cooldown ladder, half-open probe.

Pure: a state and a verdict in, the next state out. A deadline is never shortened but
by the user's own word, and a success closes only what was open when its call began.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from openmux_lc.errors import (
    AuthenticationFailed,
    ConnectionFailed,
    ContextOverflow,
    FaultScope,
    InvalidRequest,
    ModelGone,
    PaymentRequired,
    ProviderError,
    RateLimited,
    TimedOut,
)
from openmux_lc.ledger.windows import LONGEST_S
from openmux_lc.types.run import Attempt
from openmux_lc.types.state import Cooldown, CooldownSource

__all__ = ["Circuit", "Health", "Verdict", "after", "circuit", "clear", "cool", "pause", "probe", "to_verdict"]

Circuit = Literal["closed", "open", "half_open"]
VerdictKind = Literal["success", "none", "failure", "throttled", "barred"]

_FAILURES_TO_OPEN: Final = 3
_OPEN_S: Final = 60.0
_LONGEST_OPEN_S: Final = 3600.0
_LADDER_S: Final = (60.0, 120.0, 600.0, 3600.0)
"""Pauses after a rate limit that did not say for how long, by hits in a row."""
_PROBE_S: Final = 30.0
_LOCAL_S: Final = 5.0
"""An engine on this machine is never left alone for longer."""

_BARRED_S: Final[Mapping[str, float]] = {
    AuthenticationFailed.__name__: 300.0,
    ModelGone.__name__: 86_400.0,
    PaymentRequired.__name__: 86_400.0,
}
"""Faults that repeating cannot mend soon, with their pause."""

_BLAMELESS: Final = frozenset({InvalidRequest.__name__, ContextOverflow.__name__})
_SCOPES: Final[Mapping[str, FaultScope]] = {
    each.__name__: each.default_scope for each in (AuthenticationFailed, ConnectionFailed, PaymentRequired)
}


class Health(NamedTuple):
    """What is known of a route's (or provider's) faults.

    Args:
        failures: In a row.
        openings: How often the breaker opened since it last closed.
        hits: Rate limits in a row that did not say for how long.
        until: Epoch seconds before which it is left alone.
        generation: Grows with each pause, so that late news are known as such.
        probe_until: Until then one call is trying whether it has recovered.
    """

    failures: int = 0
    openings: int = 0
    hits: int = 0
    until: float = 0.0
    reason: str = ""
    source: CooldownSource = "heuristic"
    generation: int = 0
    probe_until: float = 0.0


class Verdict(NamedTuple):
    """What an attempt means for whatever it concerns.

    Args:
        kind: `throttled` is a quota, `barred` a fault that repeating cannot mend.
        is_provider_wide: Concerns the provider, not the route alone.
        pause_s: How long to leave it alone; None lets breaker or ladder say.
        source: Where that pause comes from.
        longest_s: No pause is longer.
    """

    kind: VerdictKind
    is_provider_wide: bool = False
    pause_s: float | None = None
    source: CooldownSource = "heuristic"
    reason: str = ""
    longest_s: float = LONGEST_S


_NO_FAULT: Final = Verdict("none")
_SUCCESS: Final = Verdict("success")


def to_verdict(attempt: Attempt, *, is_local: bool = False) -> Verdict:
    """Return what `attempt` means for the health of its route or provider.

    Args:
        is_local: An engine on this machine: never blamed for a slow start.
    """
    if attempt.outcome == "ok":
        return _SUCCESS
    scope = attempt.scope or _SCOPES.get(attempt.error, ProviderError.default_scope)
    is_blameless = scope == "request" or attempt.error in _BLAMELESS
    is_cold_start = is_local and attempt.error == TimedOut.__name__
    if attempt.outcome in {"cancelled", "abandoned"} or is_blameless or is_cold_start:
        return _NO_FAULT
    told_s = attempt.retry_after
    pause_s = _BARRED_S.get(attempt.error) if told_s is None else min(max(0.0, told_s), LONGEST_S)
    kind: VerdictKind = "failure"
    if attempt.error == RateLimited.__name__:
        kind = "throttled"
    elif attempt.error in _BARRED_S:
        kind, pause_s = "barred", max(pause_s or 0.0, _BARRED_S[attempt.error])
    return Verdict(
        kind,
        scope in {"key", "account", "provider"},
        pause_s,
        "heuristic" if told_s is None else "header",
        _to_reason(attempt),
        _LOCAL_S if is_local else LONGEST_S,
    )


def circuit(health: Health, now: float) -> Circuit:
    """Return the breaker's position."""
    if not health.openings:
        return "closed"
    return "open" if health.until > now else "half_open"


def after(health: Health, verdict: Verdict, now: float, *, is_current: bool = True) -> Health:
    """Return the state after an attempt.

    Args:
        is_current: The attempt began after the last pause did. Late news neither close
            a breaker nor count against it; what a provider asks for is always obeyed.
    """
    if verdict.kind == "success":
        return _healed(health) if is_current else health
    if verdict.kind == "none":
        return health._replace(probe_until=0.0) if is_current else health
    if verdict.kind == "throttled":
        return _throttled(health, verdict, now, is_current=is_current)
    if verdict.kind == "barred":
        return _paused(health, verdict, verdict.pause_s or 0.0, now)
    return _failed(health, verdict, now, is_current=is_current)


def cool(health: Health, cooldown: Cooldown, now: float) -> Health:
    """Return the state that is left alone until `cooldown.until` at least."""
    until = min(cooldown.until, now + LONGEST_S)
    if until <= max(health.until, now):
        return health
    begins = health.until <= now
    return health._replace(
        until=until,
        reason=cooldown.reason,
        source=cooldown.source,
        generation=health.generation + begins,
        probe_until=0.0,
    )


def clear(health: Health) -> Health:
    """Return the state after the user's word that all is well."""
    return Health(generation=health.generation + 1)


def probe(health: Health, now: float) -> Health:
    """Return the state after a call is let through: a half-open breaker takes one probe."""
    if circuit(health, now) != "half_open" or health.probe_until > now:
        return health
    return health._replace(probe_until=now + _PROBE_S)


def pause(health: Health, now: float) -> Cooldown | None:
    """Return the pause that holds now, if any."""
    if health.until > now:
        return Cooldown(until=health.until, reason=health.reason, source=health.source)
    if health.openings and health.probe_until > now:
        return Cooldown(until=health.probe_until, reason="one call is trying whether it is back", source="breaker")
    return None


def _healed(health: Health) -> Health:
    return health._replace(failures=0, openings=0, hits=0, probe_until=0.0)


def _throttled(health: Health, verdict: Verdict, now: float, *, is_current: bool) -> Health:
    if verdict.pause_s is not None:
        return _paused(health, verdict, verdict.pause_s, now)
    escalates = is_current and health.until <= now
    hits = min(health.hits + escalates, len(_LADDER_S))
    return _paused(health._replace(hits=hits), verdict, _LADDER_S[max(0, hits - 1)], now)


def _failed(health: Health, verdict: Verdict, now: float, *, is_current: bool) -> Health:
    if is_current and health.until <= now:
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
    until = now + min(pause_s, verdict.longest_s)
    return cool(health, Cooldown(until=until, reason=verdict.reason, source=verdict.source), now)


def _to_reason(attempt: Attempt) -> str:
    status = f" (HTTP {attempt.status_code})" if attempt.status_code else ""
    return f"{attempt.error or 'failed'}{status}"
