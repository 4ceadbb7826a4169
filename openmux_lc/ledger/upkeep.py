"""Changes that no call asks for: expired reservations, waiting writes, forgetting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Generic, NamedTuple, TypeVar

from openmux_lc.ledger.batch import Pending, add_refusals, add_samples
from openmux_lc.ledger.health import Health
from openmux_lc.ledger.learned import Learned, is_forgotten
from openmux_lc.ledger.quota import Counter, is_idle, release, to_account
from openmux_lc.ledger.stats import Stats, decayed
from openmux_lc.ledger.store import LONGEST_RUN_LOG_S, Page, RunRow
from openmux_lc.types.state import REFUSAL_LIFE_S

__all__ = ["Written", "expire", "tidy", "write_batch"]

A = TypeVar("A")

_FORGET_S: Final = 86_400.0
_MOST_REFUSING: Final = 2_000
"""Routes of which it is known what they refuse."""

_NO_WEIGHT: Final = 0.001
"""Of a decayed count; a single call weighs less after twenty days."""


class Written(NamedTuple, Generic[A]):
    """What a change answers, and the rows that it wrote."""

    answer: A
    counters: Mapping[str, Counter] = {}
    health: Mapping[str, Health] = {}
    stats: Mapping[str, Stats] = {}
    learned: Mapping[str, Learned] = {}


def expire(page: Page, now: float) -> dict[str, Counter]:
    """Give back what expired reservations hold; return the counters that changed."""
    changed: dict[str, Counter] = {}
    for held in page.pop_expired(now):
        unread = [each.name for each in held if each.name not in changed]
        changed |= release({**page.counters.get(unread), **changed}, held, now)
    if changed:
        page.counters.put(changed)
    return changed


def write_batch(page: Page, pending: Pending, rows: Sequence[RunRow], now: float) -> Written[None]:
    """Write the statistics, reports and refusals that waited."""
    names = {name for name, _ in pending.samples}
    stats = add_samples(page.stats.get(names), pending.samples) if names else {}
    page.stats.put(stats)
    if rows:
        page.add_runs(rows)
    if pending.refusals:
        _write_refusals(page, pending, now)
    return Written(None, counters=expire(page, now), stats=stats)


def tidy(page: Page, now: float) -> Written[None]:
    """Forget what no longer says anything."""
    page.drop_runs(now - LONGEST_RUN_LOG_S)
    idle = [name for name, row in page.counters.all().items() if is_idle(row, to_account(name).window, now)]
    page.counters.remove(idle)
    well = [name for name, row in page.health.all().items() if _is_forgotten(row, now)]
    page.health.remove(well)
    page.learned.remove([name for name, row in page.learned.all().items() if is_forgotten(row, now)])
    page.stats.remove([name for name, row in page.stats.all().items() if _weight(row, now) < _NO_WEIGHT])
    return Written(None, counters=dict.fromkeys(idle, Counter()), health=dict.fromkeys(well, Health()))


def _write_refusals(page: Page, pending: Pending, now: float) -> None:
    """Add what waited; what is too old, or the oldest of too much, goes."""
    before = page.refusals.all()
    live = {
        route: {quirk: at for quirk, at in row.items() if abs(now - at) < REFUSAL_LIFE_S}
        for route, row in add_refusals(before, pending.refusals).items()
    }
    known = [route for route, row in live.items() if row]
    kept = sorted(known, key=lambda route: max(live[route].values()))[-_MOST_REFUSING:]
    page.refusals.remove(set(before) - set(kept))
    page.refusals.put({route: live[route] for route in kept if before.get(route) != live[route]})


def _weight(stats: Stats, now: float) -> float:
    aged = decayed(stats, now)
    return aged.successes + aged.failures


def _is_forgotten(health: Health, now: float) -> bool:
    # The generation of a pause must outlive every call that began before it.
    return not (health.failures or health.openings or health.hits) and health.until < now - _FORGET_S
