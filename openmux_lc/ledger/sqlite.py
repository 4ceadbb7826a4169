"""A store in one SQLite file that every process of this machine shares.

Write-ahead log, one connection per process, each change one `BEGIN IMMEDIATE`. The
connection never crosses a fork: `suspend` closes it, the next call opens another.
"""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from json import JSONDecoder, JSONEncoder
from pathlib import Path
from typing import Final, Generic, NoReturn, TypeVar

from openmux_lc.ledger.health import Health
from openmux_lc.ledger.learned import Learned
from openmux_lc.ledger.quota import Counter, Held
from openmux_lc.ledger.sqlite_file import connect
from openmux_lc.ledger.stats import Stats
from openmux_lc.ledger.store import LONGEST_LEASE_S, Page, Refused, RunRow, StoreBusyError, StoreLostError

__all__ = ["SQLiteStore"]

T = TypeVar("T")
R = TypeVar("R")

_MOST_RUNS: Final = 10_000
_COMMITS_PER_CHECKPOINT: Final = 250
_SHORTEST_WAIT_S: Final = 0.0002
_LONGEST_WAIT_S: Final = 0.001
_BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})

_encode: Final = JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_decode: Final = JSONDecoder().raw_decode


class SQLiteStore:
    """Rows in the file `path`, which is made if need be.

    Raises:
        StoreLostError: The file cannot be opened and written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._opened = 0
        self._commits = 0
        self.counters = _SQLiteTable(self, "counter", _from_counter, _to_counter)
        self.health = _SQLiteTable(self, "health", _encode, _to_health)
        self.stats = _SQLiteTable(self, "stats", _encode, _to_stats)
        self.learned = _SQLiteTable(self, "learned", _encode, _to_learned)
        self.refusals = _SQLiteTable(self, "refusal", _encode, _to_refused)
        self._open()

    @property
    def is_shared(self) -> bool:
        """True: any process of this user may write to it."""
        return True

    def transact(self, change: Callable[[Page], R], *, wait_s: float) -> R:
        """Run `change` in a transaction that no other process overlaps."""
        self._begin(wait_s)
        try:
            result = change(self)
            self.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        self._commits += 1
        return result

    def execute(self, statement: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        """Run one statement; its errors come out as this layer's."""
        connection = self._connection or self._open()
        try:
            return connection.execute(statement, values)
        except sqlite3.Error as error:
            _raise(error)

    def execute_all(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        """Run one statement for each row."""
        connection = self._connection or self._open()
        try:
            connection.executemany(statement, rows)
        except sqlite3.Error as error:
            _raise(error)

    def add_lease(self, lease_id: str, expires_at: float, held: Sequence[Held]) -> None:
        """Remember what a reservation holds."""
        self.execute("INSERT INTO lease VALUES (?, ?, ?)", (lease_id, expires_at, _encode(held)))

    def pop_lease(self, lease_id: str) -> tuple[Held, ...] | None:
        """Return and forget what a reservation holds."""
        rows = self.execute("DELETE FROM lease WHERE id = ? RETURNING body", (lease_id,)).fetchall()
        return _to_held(rows[0][0]) if rows else None

    def drop_lease(self, lease_id: str) -> bool:
        """Forget what a reservation holds."""
        return self.execute("DELETE FROM lease WHERE id = ?", (lease_id,)).rowcount > 0

    def pop_expired(self, now: float) -> list[tuple[Held, ...]]:
        """Return and forget what expired reservations hold."""
        over = "DELETE FROM lease WHERE expires_at <= ? OR expires_at > ? RETURNING body"
        rows = self.execute(over, (now, now + LONGEST_LEASE_S)).fetchall()
        return [_to_held(body) for (body,) in rows]

    def add_runs(self, rows: Sequence[RunRow]) -> None:
        """Append to the run log."""
        self.execute_all("INSERT OR REPLACE INTO run (id, at, body) VALUES (?, ?, ?)", rows)
        self.execute("DELETE FROM run WHERE seq <= (SELECT max(seq) FROM run) - ?", (_MOST_RUNS,))

    def drop_runs(self, before: float) -> None:
        """Forget old runs."""
        self.execute("DELETE FROM run WHERE at < ?", (before,))

    def version(self) -> tuple[int, int]:
        """Return a value that changes when another connection has written."""
        row = self.execute("PRAGMA data_version").fetchone()
        return (self._opened, row[0])

    def run(self, run_id: str) -> RunRow | None:
        """Return one entry of the run log."""
        row = self.execute("SELECT id, at, body FROM run WHERE id = ?", (run_id,)).fetchone()
        return RunRow(*row) if row else None

    def runs(self, limit: int) -> list[RunRow]:
        """Return the newest entries, newest first."""
        rows = self.execute("SELECT id, at, body FROM run ORDER BY seq DESC LIMIT ?", (max(0, limit),)).fetchall()
        return [RunRow(*row) for row in rows]

    def maintain(self) -> None:
        """Move the write-ahead log into the file: it waits for the disk, callers need not."""
        if self._commits >= _COMMITS_PER_CHECKPOINT:
            self._commits = 0
            self.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def suspend(self) -> None:
        """Close the connection; the next call opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def close(self) -> None:
        """Close the connection."""
        self.suspend()

    def _open(self) -> sqlite3.Connection:
        try:
            self._connection = connect(self._path)
        except sqlite3.Error as error:
            _raise(error)
        self._opened += 1
        return self._connection

    def _begin(self, wait_s: float) -> None:
        """Take the file's write lock.

        SQLite's own busy handler sleeps up to 100 ms between tries, and a file lock in
        front of it costs more than it saves; short, uneven waits gave the best p50 and
        p99 (tests/benchmarks/ledger_cost.py).
        """
        deadline = time.monotonic() + wait_s
        pause_s = _SHORTEST_WAIT_S
        while True:
            try:
                self.execute("BEGIN IMMEDIATE")
            except StoreBusyError:
                left_s = deadline - time.monotonic()
                if left_s <= 0:
                    raise
            else:
                return
            time.sleep(min(left_s, pause_s * random.uniform(0.5, 1.5)))  # noqa: S311 - spreads waiters, hides nothing
            pause_s = min(pause_s * 1.5, _LONGEST_WAIT_S)

    def _roll_back(self) -> None:
        connection = self._connection
        try:
            if connection is not None and connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.Error:
            self.suspend()


class _SQLiteTable(Generic[T]):
    """A table of names and JSON bodies."""

    def __init__(self, store: SQLiteStore, table: str, encode: Callable[[T], str], decode: Callable[[str], T]) -> None:
        self._store = store
        self._table = table
        self._encode = encode
        self._decode = decode
        self._put = f"INSERT OR REPLACE INTO {table} VALUES (?, ?)"  # noqa: S608 - the same
        self._all = f"SELECT name, body FROM {table}"  # noqa: S608 - a constant of this module
        self._names = f"SELECT name FROM {table}"  # noqa: S608 - the same
        self._remove = f"DELETE FROM {table} WHERE name = ?"  # noqa: S608 - the same

    def get(self, names: Iterable[str]) -> dict[str, T]:
        wanted = tuple(names)
        marks = ",".join("?" * len(wanted))
        return self._read(f"{self._all} WHERE name IN ({marks})", wanted)

    def all(self) -> dict[str, T]:
        return self._read(self._all, ())

    def names(self) -> list[str]:
        return [name for (name,) in self._store.execute(self._names).fetchall()]

    def put(self, rows: Mapping[str, T]) -> None:
        self._store.execute_all(self._put, [(name, self._encode(row)) for name, row in rows.items()])

    def remove(self, names: Iterable[str]) -> None:
        self._store.execute_all(self._remove, [(name,) for name in names])

    def _read(self, statement: str, values: Sequence[str]) -> dict[str, T]:
        rows = self._store.execute(statement, values).fetchall()
        try:
            return {name: self._decode(body) for name, body in rows}
        except (TypeError, ValueError) as error:
            raise StoreLostError(f"a row of table {self._table!r} cannot be read") from error


def _raise(error: sqlite3.Error) -> NoReturn:
    code = getattr(error, "sqlite_errorcode", None) or 0
    if code & 0xFF in _BUSY:
        raise StoreBusyError(str(error)) from error
    raise StoreLostError(str(error)) from error


def _from_counter(counter: Counter) -> str:
    # Numbers only: their repr is JSON, and three times as quick.
    capacity, charges, pending, extra, extra_until = counter
    return repr([capacity, pending, extra, extra_until, *charges, *charges.values()])


def _to_counter(body: str) -> Counter:
    capacity, pending, extra, extra_until, *charges = _decode(body)[0]
    half = len(charges) // 2
    return Counter(capacity, dict(zip(charges[:half], charges[half:], strict=True)), pending, extra, extra_until)


def _to_health(body: str) -> Health:
    return Health(*_decode(body)[0])


def _to_stats(body: str) -> Stats:
    return Stats(*_decode(body)[0])


def _to_learned(body: str) -> Learned:
    return Learned(*_decode(body)[0])


def _to_refused(body: str) -> Refused:
    return {str(quirk): float(at) for quirk, at in dict(_decode(body)[0]).items()}


def _to_held(body: str) -> tuple[Held, ...]:
    return tuple([Held(*each) for each in _decode(body)[0]])
