"""A store in this process's memory: nothing is shared, nothing outlives it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Final, Generic, TypeVar

from openmux_lc.ledger.health import Health
from openmux_lc.ledger.learned import Learned
from openmux_lc.ledger.quota import Counter, Held
from openmux_lc.ledger.stats import Stats
from openmux_lc.ledger.store import LONGEST_LEASE_S, Page, Refused, RunRow

__all__ = ["MemoryStore"]

T = TypeVar("T")
R = TypeVar("R")

_MOST_RUNS: Final = 1_000
"""Fewer than a file may hold: memory is not for history."""


class _MemoryTable(Generic[T]):
    def __init__(self) -> None:
        self._rows: dict[str, T] = {}

    def get(self, names: Iterable[str]) -> dict[str, T]:
        rows = self._rows
        return {name: rows[name] for name in names if name in rows}

    def all(self) -> dict[str, T]:
        return dict(self._rows)

    def names(self) -> list[str]:
        return list(self._rows)

    def put(self, rows: Mapping[str, T]) -> None:
        self._rows.update(rows)

    def remove(self, names: Iterable[str]) -> None:
        for name in names:
            self._rows.pop(name, None)


class MemoryStore:
    """Rows in dictionaries; a change that raises must not have written yet."""

    def __init__(self) -> None:
        self.counters: _MemoryTable[Counter] = _MemoryTable()
        self.health: _MemoryTable[Health] = _MemoryTable()
        self.stats: _MemoryTable[Stats] = _MemoryTable()
        self.learned: _MemoryTable[Learned] = _MemoryTable()
        self.refusals: _MemoryTable[Refused] = _MemoryTable()
        self._leases: dict[str, tuple[float, tuple[Held, ...]]] = {}
        self._runs: dict[str, RunRow] = {}

    @property
    def is_shared(self) -> bool:
        """False: no other process sees it."""
        return False

    def transact(self, change: Callable[[Page], R], *, wait_s: float) -> R:  # noqa: ARG002 - nothing to wait for
        """Run `change`; the ledger's lock keeps it alone."""
        return change(self)

    def add_lease(self, lease_id: str, expires_at: float, held: Sequence[Held]) -> None:
        """Remember what a reservation holds."""
        self._leases[lease_id] = (expires_at, tuple(held))

    def pop_lease(self, lease_id: str) -> tuple[Held, ...] | None:
        """Return and forget what a reservation holds."""
        found = self._leases.pop(lease_id, None)
        return found[1] if found else None

    def drop_lease(self, lease_id: str) -> bool:
        """Forget what a reservation holds."""
        return self._leases.pop(lease_id, None) is not None

    def pop_expired(self, now: float) -> list[tuple[Held, ...]]:
        """Return and forget what expired reservations hold."""
        latest = now + LONGEST_LEASE_S
        expired = [lease_id for lease_id, (expires_at, _) in self._leases.items() if not now < expires_at <= latest]
        return [self._leases.pop(lease_id)[1] for lease_id in expired]

    def add_runs(self, rows: Sequence[RunRow]) -> None:
        """Append to the run log."""
        for row in rows:
            self._runs.pop(row.id, None)
            self._runs[row.id] = row
        for run_id in list(islice(self._runs, max(0, len(self._runs) - _MOST_RUNS))):
            del self._runs[run_id]

    def drop_runs(self, before: float) -> None:
        """Forget old runs."""
        self._runs = {run_id: row for run_id, row in self._runs.items() if row.at >= before}

    def version(self) -> tuple[int, int]:
        """Return a constant: nobody else writes."""
        return (0, 0)

    def run(self, run_id: str) -> RunRow | None:
        """Return one entry of the run log."""
        return self._runs.get(run_id)

    def runs(self, limit: int) -> list[RunRow]:
        """Return the newest entries, newest first."""
        return list(islice(reversed(self._runs.values()), max(0, limit)))

    def maintain(self) -> None:
        """Nothing needs upkeep."""

    def suspend(self) -> None:
        """A forked child gets a copy of its own."""

    def close(self) -> None:
        """Nothing is held."""
