"""What one attempt means for the health of its route or provider.

Pure: an attempt in, a verdict out. How long a pause lasts that nobody told follows from
what failed and from what our own counters say of the day.
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
    PermissionDenied,
    ProviderError,
    RateLimited,
    TimedOut,
)
from openmux_lc.ledger.windows import LONGEST_S
from openmux_lc.types.run import Attempt
from openmux_lc.types.state import CooldownSource

__all__ = ["LADDER_S", "Verdict", "to_verdict"]

VerdictKind = Literal["success", "none", "failure", "throttled", "barred"]

LADDER_S: Final = (120.0, 600.0, 3600.0, 86_400.0)
"""Pauses after a rate limit that says nothing, by hits within a day."""

_UNKNOWN_RUNGS: Final = 2
"""How far the ladder goes where no limit of the day is known: to ten minutes."""

_SHORT_S: Final = 90.0
"""Pause after a limit whose window is short: it has rolled on by then."""

_SHORT_WINDOW_S: Final = 60.0
_HEALTHY: Final = 0.2
"""The share of the day's quota that must be left to blame a short window for a refusal."""

_LEAST_TOLD_S: Final = 1.0
"""Less than that is no wait at all: hosts send `retry-after: 0` with everything."""

_LOCAL_S: Final = 5.0
"""An engine on this machine is never left alone for longer."""

_BARRED_S: Final[Mapping[str, float]] = {
    AuthenticationFailed.__name__: 300.0,
    ModelGone.__name__: 86_400.0,
    PaymentRequired.__name__: 86_400.0,
    PermissionDenied.__name__: 86_400.0,
}
"""Faults that repeating cannot mend soon, with their pause."""

_BLOCKED_S: Final = 3_600.0
"""Pause where it is the host that forbids, not the model or the account: a firewall's page goes away sooner."""

_BLAMELESS: Final = frozenset({InvalidRequest.__name__, ContextOverflow.__name__})
_SCOPES: Final[Mapping[str, FaultScope]] = {
    each.__name__: each.default_scope for each in (AuthenticationFailed, ConnectionFailed, PaymentRequired)
}


class Verdict(NamedTuple):
    """What an attempt means for whatever it concerns.

    Args:
        kind: `throttled` is a quota, `barred` a fault that repeating cannot mend.
        is_provider_wide: Concerns the provider, not the route alone.
        pause_s: How long to leave it alone; None lets breaker or ladder say.
        source: Where that pause comes from.
        longest_s: No pause is longer.
        rungs: How far the ladder may be climbed.
    """

    kind: VerdictKind
    is_provider_wide: bool = False
    pause_s: float | None = None
    source: CooldownSource = "heuristic"
    reason: str = ""
    longest_s: float = LONGEST_S
    rungs: int = len(LADDER_S)


_NO_FAULT: Final = Verdict("none")
_SUCCESS: Final = Verdict("success")


def to_verdict(attempt: Attempt, *, is_local: bool = False, day_left: float | None = None) -> Verdict:
    """Return what `attempt` means for the health of its route or provider.

    Args:
        is_local: An engine on this machine: never blamed for a slow start.
        day_left: The share left of the tightest quota of a day or longer, as we count
            it; None where none is known.
    """
    if attempt.outcome == "ok":
        return _SUCCESS
    scope = attempt.scope or _SCOPES.get(attempt.error, ProviderError.default_scope)
    is_blameless = scope == "request" or attempt.error in _BLAMELESS
    is_cold_start = is_local and attempt.error == TimedOut.__name__
    if attempt.outcome in {"cancelled", "abandoned"} or is_blameless or is_cold_start:
        return _NO_FAULT
    told_s = attempt.retry_after
    found = Verdict(
        "failure",
        scope in {"key", "account", "provider"},
        None if told_s is None else min(max(0.0, told_s), LONGEST_S),
        "heuristic" if told_s is None else attempt.wait_source,
        _to_reason(attempt),
        _LOCAL_S if is_local else LONGEST_S,
    )
    if attempt.error == RateLimited.__name__:
        return _throttled(found, day_left)
    least_s = _BARRED_S.get(attempt.error)
    if attempt.error == PermissionDenied.__name__ and scope == "provider":
        least_s = _BLOCKED_S
    return found if least_s is None else _barred(found, least_s)


def _throttled(found: Verdict, day_left: float | None) -> Verdict:
    """Return the verdict on a rate limit: the time that was told, a short rest, or the ladder."""
    told_s = found.pause_s or 0.0
    is_short = found.source == "learned" and _LEAST_TOLD_S < told_s <= _SHORT_WINDOW_S
    is_told = told_s >= _LEAST_TOLD_S and not is_short
    if is_told:
        return found._replace(kind="throttled")
    # With most of the day left, what was hit can only be a short window.
    if is_short or (day_left is not None and day_left >= _HEALTHY):
        reason = f"{found.reason}, a limit by the minute"
        return found._replace(kind="throttled", pause_s=_SHORT_S, source="heuristic", reason=reason)
    rungs = _UNKNOWN_RUNGS if day_left is None else len(LADDER_S)
    return found._replace(kind="throttled", pause_s=None, source="heuristic", rungs=rungs)


def _barred(found: Verdict, least_s: float) -> Verdict:
    """Return the verdict on what repeating cannot mend: what was told is the least of it."""
    if found.pause_s is not None and found.pause_s >= least_s:
        return found._replace(kind="barred")
    return found._replace(kind="barred", pause_s=least_s, source="heuristic")


def _to_reason(attempt: Attempt) -> str:
    status = f" (HTTP {attempt.status_code})" if attempt.status_code else ""
    return f"{attempt.error or 'failed'}{status}"
