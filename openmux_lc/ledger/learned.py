"""Limits that providers told: in headers, in the words of a refusal, on an account page.

Pure. What was told may only tighten what the catalog declares. It is kept with its
source and date, and believed for a week after it was last seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from openmux_lc.ledger.observe import matching
from openmux_lc.ledger.quota import Account, Counter, account_name, report_left, to_account
from openmux_lc.types.catalog import Limit, Route, Window
from openmux_lc.types.state import LimitObservation, LimitSource

__all__ = ["LEARNED_LIFE_S", "Asked", "Learned", "Lesson", "effective_limits", "is_forgotten", "learn", "told_names"]

LEARNED_LIFE_S: Final = 7 * 86_400.0
_SEEN_AGAIN_S: Final = 86_400.0
"""How often the date of a limit that every response repeats is written anew."""

_OWN: Final = "key_model"
"""A limit that the catalog does not know is taken for the narrowest: it then binds nobody else."""


class Learned(NamedTuple):
    """What a provider said that its limit is.

    Args:
        amount: Per window.
        at: Epoch seconds at which it was last seen, to a day.
        source: Where it was read.
    """

    amount: int
    at: float
    source: LimitSource = "header"


class Asked(NamedTuple):
    """Who is or was asked, with which key, and when (epoch seconds)."""

    route: Route
    key_slot: int
    now: float


class Lesson(NamedTuple):
    """What observations teach: limits by account name, and counters of accounts not counted before."""

    learned: dict[str, Learned]
    counters: dict[str, Counter]


def learn(
    observations: Iterable[LimitObservation],
    counters: Mapping[str, Counter],
    known: Mapping[str, Learned],
    asked: Asked,
) -> Lesson:
    """Return the limits that were told and are news.

    A limit that fits no account of the call is taken for the route's own, for that key.

    Args:
        observations: What the response said.
        counters: Of the accounts that the call was charged to; their capacity is what
            has held so far.
        known: Learned earlier, by account name.
        asked: Whom the response came from.
    """
    now = asked.now
    accounts = [to_account(name) for name in counters]
    names = dict(zip(accounts, counters, strict=True))
    lesson = Lesson({}, {})
    for seen in observations:
        name = _subject_of(seen, accounts, names, asked)
        if name is None or seen.limit is None:
            continue
        before = known.get(name)
        counter = counters.get(name)
        # The date of an account page is kept whatever it says: it tells when to look again.
        if seen.source != "account":
            if before is None and counter is not None and seen.limit >= counter.capacity:
                continue
            if before is not None and before.amount == seen.limit and now - before.at < _SEEN_AGAIN_S:
                continue
        lesson.learned[name] = Learned(seen.limit, now, seen.source)
        if counter is None and before is None and seen.remaining is not None:
            fresh = Counter(capacity=seen.limit)
            window = to_account(name).window
            lesson.counters[name] = report_left(fresh, window, seen.remaining, seen.reset_at, now)
    return lesson


def told_names(observations: Iterable[LimitObservation], names: Sequence[str], asked: Asked) -> set[str]:
    """Return the names of the accounts that `learn` may write to."""
    accounts = [to_account(name) for name in names]
    by_account = dict(zip(accounts, names, strict=True))
    subjects = (_subject_of(seen, accounts, by_account, asked) for seen in observations)
    return {name for name in subjects if name is not None}


def effective_limits(limits: Sequence[Limit], learned: Mapping[str, Learned], asked: Asked) -> tuple[Limit, ...]:
    """Return the limits that hold: the declared ones as tight as was told, and those only told.

    Args:
        limits: As the catalog declares them.
        learned: What was told about this route and its provider, by account name.
        asked: Who is to be asked.
    """
    rest = {name: row for name, row in learned.items() if not is_forgotten(row, asked.now)}
    held: list[Limit] = []
    for limit in limits:
        told = rest.pop(account_name(limit, asked.route, asked.key_slot), None)
        held.append(limit if told is None or told.amount >= limit.amount else replace(limit, amount=told.amount))
    for name, told in rest.items():
        account = to_account(name)
        if account.subject == str(asked.route) and account.scope == _OWN and account.key_slot == asked.key_slot:
            held.append(Limit(unit=account.unit, amount=told.amount, window=account.window, scope=_OWN))
    return tuple(held)


def is_forgotten(row: Learned, now: float) -> bool:
    """Whether it was seen so long ago that it is no longer believed."""
    return abs(now - row.at) >= LEARNED_LIFE_S


def _subject_of(
    seen: LimitObservation, accounts: Sequence[Account], names: Mapping[Account, str], asked: Asked
) -> str | None:
    """Return the name of the account that a told limit is about, None where that is not certain."""
    if not seen.limit or seen.limit < 0 or not seen.window_s or seen.window_s < 0:
        return None  # an amount without its window could be any window's
    account = matching(seen, accounts, asked.now)
    if account is not None:
        return names[account]
    window = Window(kind="rolling", seconds=seen.window_s)
    own = Limit(unit=seen.unit, amount=seen.limit, window=window, scope=_OWN)
    return account_name(own, asked.route, asked.key_slot)
