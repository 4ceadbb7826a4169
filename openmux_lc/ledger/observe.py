"""What a response says about quotas, turned into tighter counters and pauses.

Pure. A report may only tighten; one that says all is used up also lets the route (or
its provider, when the limit is the account's) rest until the window refills.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from openmux_lc.ledger.quota import Account, Counter, report_left, to_account
from openmux_lc.ledger.windows import place_in
from openmux_lc.types.state import Cooldown, LimitObservation

__all__ = ["Observed", "matching", "observe"]

_DAY_S: Final = 86_400.0
_MONTH_S: Final = 29.5 * _DAY_S
_UNTOLD_S: Final = 60.0
"""Rest after "none left" when neither reset nor window is told."""

_TOLERANCE: Final = 0.06
"""Months have 28 to 31 days."""


class Observed(NamedTuple):
    """What reports change: counters by account name, pauses by route or provider."""

    counters: dict[str, Counter]
    pauses: dict[str, Cooldown]


def observe(
    counters: Mapping[str, Counter], observations: Iterable[LimitObservation], route_name: str, now: float
) -> Observed:
    """Return the tightened counters, and who has to rest.

    Args:
        counters: Of the limits that the call was charged to.
        route_name: Rests when a report fits none of them.
    """
    accounts = [to_account(name) for name in counters]
    names = dict(zip(accounts, counters, strict=True))
    after = dict(counters)
    pauses: dict[str, Cooldown] = {}
    for seen in observations:
        if seen.remaining is None or (seen.reset_at is not None and seen.reset_at <= now):
            continue
        account = matching(seen, accounts, now)
        if account is not None:
            name = names[account]
            after[name] = report_left(after[name], account.window, seen.remaining, seen.reset_at, now)
        if seen.remaining <= 0:
            rests = route_name if account is None else account.health_name
            pause = Cooldown(until=_until(seen, account, now), reason=f"no {seen.unit} left", source="header")
            if rests not in pauses or pauses[rests].until < pause.until:
                pauses[rests] = pause
    return Observed(after, pauses)


def matching(seen: LimitObservation, accounts: Sequence[Account], now: float) -> Account | None:
    """Return the account that a report is about, None when that is not certain."""
    alike = [each for each in accounts if each.unit == seen.unit and each.window.kind != "concurrency"]
    if seen.window_s is not None:
        wanted_s = seen.window_s
        alike = [each for each in alike if abs(_length_s(each) - wanted_s) <= _TOLERANCE * wanted_s]
    elif len(alike) > 1 and seen.reset_at is not None:
        # The window that refills then is the shortest that is not over before.
        long_enough = [each for each in alike if _length_s(each) >= seen.reset_at - now]
        alike = sorted(long_enough, key=_length_s)[:1]
    return alike[0] if len(alike) == 1 else None


def _length_s(account: Account) -> float:
    """Return the nominal length of an account's window."""
    if account.window.kind.endswith("month"):
        return _MONTH_S
    return _DAY_S if account.window.kind == "calendar_day" else account.window.seconds


def _until(seen: LimitObservation, account: Account | None, now: float) -> float:
    if seen.reset_at is not None:
        return seen.reset_at
    if account is not None:
        return place_in(account.window, now).ends_at
    return now + min(seen.window_s or _UNTOLD_S, _UNTOLD_S)
