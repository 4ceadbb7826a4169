"""What an edited limit inherits: a new identity is no fresh quota.

A limit is counted on the account that its unit, window and scope name, so whoever edits
one of them begins another account. Its first reservation therefore starts with what the
accounts that it replaces still count. Waiting until those have reset would be as safe,
but could stop a route for a month; counting each old charge in its own time would need
what a window does not keep. Capacity is no part of the identity and changes freely.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import ceil
from typing import Final, NamedTuple

from openmux_lc.ledger.quota import Account, Charge, Counter, first_counter, to_account, used
from openmux_lc.ledger.store import Page
from openmux_lc.types.catalog import LimitScope, LimitUnit, Window

__all__ = ["Succession", "succession"]


_REPLACED: Final = "|replaced"
"""Ends the subject of a count that is kept for the other models of its provider; no call is charged to it."""


class Succession(NamedTuple):
    """The counters to write, and the accounts whose count is now among them."""

    counters: Mapping[str, Counter] = {}
    gone: frozenset[str] = frozenset()


class _Old(NamedTuple):
    name: str
    account: Account
    row: Counter
    used: int

    @property
    def under_way(self) -> int:
        return min(self.row.pending, self.used)


_NOTHING: Final = Succession()


def succession(
    page: Page, charges: Sequence[Charge], known: Mapping[str, Counter], now: float, lease_ends_at: float
) -> Succession:
    """Return what those accounts begin with of which no counter is known.

    The count moves: it is inherited once, however long its window. A call that is under way
    settles under the old name; under the new one it counts until its lease would have ended.

    Args:
        charges: The claims of one call, which name every limit of its route.
        known: The counters of their accounts.
        lease_ends_at: When every call that is now under way has ended (epoch seconds).
    """
    new = {charge: to_account(charge.name) for charge in charges if charge.name not in known}
    olds = _replaced(page, {to_account(charge.name)[:3] for charge in charges}, new.values(), now)
    counters: dict[str, Counter] = {}
    gone: set[str] = set()
    for charge, account in new.items():
        replaced = [old for old in olds if _replaces(account, old.account)]
        if replaced:
            counters[charge.name] = first_counter(charge, *_inherited(charge, account, replaced), lease_ends_at)
            gone |= {old.name for old in replaced if not old.account.subject.endswith(_REPLACED)}
            # A provider's count that becomes a model's: the other models begin with it, too.
            whole = [old for old in replaced if account.subject.startswith(f"{old.account.subject}:")]
            counters |= {f"{old.name}{_REPLACED}": old.row._replace(pending=0) for old in whole}
    return Succession(counters, frozenset(gone)) if counters else _NOTHING


def _replaced(
    page: Page, in_force: set[tuple[LimitScope, LimitUnit, Window]], new: Iterable[Account], now: float
) -> list[_Old]:
    """Return the accounts that are out of force and still count something.

    Of a route's own accounts it is certain which are. One of a provider's may be in force
    for another model: then the new count starts too high, never too low.
    """
    every = {name: to_account(name) for name in page.counters.names()}
    accounts = {name: account for name, account in every.items() if account[:3] not in in_force}
    names = [name for name, old in accounts.items() if any(_replaces(account, old) for account in new)]
    rows = page.counters.get(names) if names else {}
    olds = [_Old(name, accounts[name], row, used(row, accounts[name].window, now)) for name, row in rows.items()]
    return [old for old in olds if old.used]


def _replaces(new: Account, old: Account) -> bool:
    """Whether `new` may be what an edit made of `old`."""
    is_other_key = new.scope.startswith("key") and old.scope.startswith("key") and new.key_slot != old.key_slot
    if is_other_key or (new.window.kind == "concurrency") != (old.window.kind == "concurrency"):
        return False
    subject = old.subject.removesuffix(_REPLACED)
    if new.subject == subject:
        return True
    # Between a provider and one of its models it is the scope that was edited, and nothing else.
    is_part = new.subject.startswith(f"{subject}:") or subject.startswith(f"{new.subject}:")
    return is_part and (new.unit, new.window) == (old.unit, old.window)


def _inherited(charge: Charge, account: Account, replaced: Sequence[_Old]) -> tuple[int, int]:
    """Return how much of the new limit is used up from the start, and how much is under way.

    Keys and models of one old limit add up; of several old limits the highest count holds. A count
    in another unit cannot be converted: the same share of the new limit is used up.
    """
    alike = [old for old in replaced if old.account.unit == account.unit]
    counts: dict[tuple[LimitScope, LimitUnit, Window], tuple[float, float]] = {}
    for old in alike or replaced:
        worth = 1 if alike else charge.limit.amount / max(1, old.row.capacity)
        settled, under_way = counts.get(old.account[:3], (0.0, 0.0))
        settled += worth * (old.used - old.under_way)
        counts[old.account[:3]] = settled, under_way + worth * old.under_way
    settled, under_way = max(counts.values(), key=sum)
    amount = min(charge.limit.amount, ceil(settled))
    return amount, min(charge.limit.amount - amount, ceil(under_way))
