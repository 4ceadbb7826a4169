"""Who may touch the store when: one lock per process, and what survives a fault.

Invariant: a fault of the store costs memory of the past, never an answer. Rows that
were written are in the mirror before the lock is let go.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable
from typing import Final, NamedTuple, TypeVar

from openmux_lc.ledger.batch import Batch, Flusher, LoggedRun, Pending, SeenRefusal, add_samples
from openmux_lc.ledger.health import Health
from openmux_lc.ledger.memory import MemoryStore
from openmux_lc.ledger.mirror import Mirror
from openmux_lc.ledger.quota import Held
from openmux_lc.ledger.runs import pack
from openmux_lc.ledger.stats import Sample
from openmux_lc.ledger.store import Page, RunRow, Store, StoreBusyError, StoreLostError, to_path
from openmux_lc.ledger.upkeep import Written, expire, tidy, write_batch

__all__ = ["Books", "Claim"]

A = TypeVar("A")
R = TypeVar("R")

_FIGURES_EVERY_S: Final = 0.25
"""How old another process's quotas and statistics may be in a snapshot; its pauses never are."""

_SWEEP_EVERY_S: Final = 1.0
_TIDY_EVERY_S: Final = 6 * 3600.0
_MOST_CLAIMS: Final = 10_000

_logger = logging.getLogger(__name__)


class Claim(NamedTuple):
    """A reservation that this process has to settle.

    Args:
        is_written: The store knows of it; not so when it was busy for too long.
    """

    held: tuple[Held, ...]
    expires_at: float
    is_written: bool = True


class Books:
    """A store with its lock, its mirror in memory and its waiting writes.

    Args:
        url: `memory:` or `sqlite:///path`.
        clock: Returns epoch seconds.
        wait_s: How long a caller waits for other writers.

    Attributes:
        is_kept: The store is still the one that `url` names.

    Raises:
        ConfigError: The address is neither.
    """

    def __init__(self, url: str, clock: Callable[[], float], *, wait_s: float) -> None:
        self.mirror = Mirror()
        self.claims: dict[str, Claim] = {}
        self.wait_s = wait_s
        self._clock = clock
        self._path = to_path(url)
        self.is_kept = True
        self._lock = threading.Lock()
        self._owner = 0
        self._writing = threading.RLock()
        self._batch = Batch()
        self._flusher = Flusher(self)
        self._store: Store = self._open_store()
        self._orphan: Store | None = None
        self._seen = (0, 0)
        self._figures_at = float("-inf")
        self._is_behind = True
        self._tidied_at = float("-inf")
        self._swept_at = float("-inf")
        self._is_held_over_fork = False
        self.refresh()
        _follow_forks(self)

    def transact(self, change: Callable[[Page], Written[A]], *, wait_s: float | None = None) -> A:
        """Run `change` alone and whole, mirror what it wrote, and return its answer.

        Args:
            wait_s: For other writers; None means as long as these books ever wait.

        Raises:
            StoreBusyError: Others were writing for longer than `wait_s`.
        """
        wait_s = self.wait_s if wait_s is None else wait_s
        deadline = time.monotonic() + wait_s
        self._acquire(wait_s)
        try:
            try:
                written = self._store.transact(change, wait_s=max(0.0, deadline - time.monotonic()))
            except StoreLostError as error:
                self._go_on_in_memory(error)
                written = self._store.transact(change, wait_s=0.0)
            begun = self._mirror_written(written)
        finally:
            self._release()
        for name, health in begun:
            rests_s = health.until - self._clock()
            _logger.info("%s is left alone for %.0f s: %s", name, rests_s, health.reason)
        return written.answer

    def read(self, look: Callable[[Store], R], *, wait_s: float | None = None) -> R:
        """Return what `look` finds in the store.

        Args:
            wait_s: For other writers; None means as long as these books ever wait.

        Raises:
            StoreBusyError: Others kept it for longer than `wait_s`.
        """
        self._acquire(self.wait_s if wait_s is None else wait_s)
        try:
            try:
                return look(self._store)
            except StoreLostError as error:
                self._go_on_in_memory(error)
                return look(self._store)
        finally:
            self._release()

    def refresh(self) -> None:
        """Take over what other processes wrote; never waits, so it may do nothing."""
        if self._store.is_shared:
            with contextlib.suppress(StoreBusyError):
                self.read(self._take_over, wait_s=0.0)

    def sweep(self) -> bool:
        """Give back what expired reservations hold, if nobody else is writing; return whether it was tried."""
        now = self._clock()
        if abs(now - self._swept_at) < _SWEEP_EVERY_S:
            return False
        self._swept_at = now
        return self._transact_if_free(lambda page: Written(None, counters=expire(page, now)))

    def claim(self, reservation_id: str, claim: Claim) -> None:
        """Remember a reservation until it is settled."""
        self.claims[reservation_id] = claim
        while len(self.claims) > _MOST_CLAIMS:
            self.claims.pop(next(iter(self.claims), ""), None)

    def add_sample(self, route: str, sample: Sample) -> None:
        """Count one attempt; it is written soon."""
        self.mirror.add_sample(route, sample)
        self._batch.add_sample(route, sample)
        self._flusher.wake(at_once=self._batch.is_full)

    def add_run(self, run: LoggedRun) -> None:
        """Log one report; it is written soon."""
        self._batch.add_run(run)
        self._flusher.wake(at_once=self._batch.is_full)

    def add_refusal(self, refusal: SeenRefusal) -> None:
        """Note what a model refuses; it is written soon."""
        self.mirror.add_refusal(refusal)
        self._batch.add_refusal(refusal)
        self._flusher.wake(at_once=True)

    def waiting_run(self, run_id: str) -> LoggedRun | None:
        """Return a report that is not written yet."""
        return self._batch.run(run_id)

    @property
    def waiting(self) -> int:
        """How many writes wait."""
        return len(self._batch)

    def flush(self) -> bool:
        """Write what waits, in order; return whether something was written."""
        with self._writing:
            pending = self._batch.take()
            if not any(pending):
                return False
            try:
                self._write(pending, self._clock())
            except StoreBusyError:
                self._batch.give_back(pending)
                return False
            return True

    def close(self) -> None:
        """Write what waits and let go of the store; what comes later stays in memory."""
        self._flusher.stop()
        self.flush()
        if not self._store.is_shared:
            return
        try:
            self.read(self._replace)
        except StoreBusyError:
            _logger.warning("the state file %s was busy for %.0f s and is left as it is", self._path, self.wait_s)

    def before_fork(self) -> None:
        """Let go of what must not cross a fork, and keep every other thread out of it."""
        self._is_held_over_fork = self._lock.acquire(timeout=self.wait_s)
        if self._is_held_over_fork:
            self._store.suspend()
        self.mirror.hold()

    def after_fork_in_parent(self) -> None:
        """Go on as before."""
        self.mirror.let_go()
        if self._is_held_over_fork:
            self._lock.release()

    def after_fork_in_child(self) -> None:
        """Start with locks of its own, and leave the parent's work to the parent."""
        self.mirror.let_go()
        if not self._is_held_over_fork:
            # Another thread of the parent was in a transaction: its connection may neither be used nor closed here.
            self._orphan, self._store = self._store, MemoryStore()
            self.is_kept = self._path is None
        self._lock = threading.Lock()
        self._owner = 0
        self._writing = threading.RLock()
        self._batch = Batch()
        self._flusher = Flusher(self)
        self.claims = {}

    def _write(self, pending: Pending, now: float) -> None:
        rows = [RunRow(run.id, run.at, pack(run.entry)) for run in pending.runs]
        self.transact(lambda page: write_batch(page, pending, rows, now))
        if abs(now - self._tidied_at) >= _TIDY_EVERY_S:
            self._tidied_at = now
            self._transact_if_free(lambda page: tidy(page, now))
        with contextlib.suppress(StoreBusyError):
            self.read(lambda store: store.maintain())

    def _transact_if_free(self, change: Callable[[Page], Written[None]]) -> bool:
        """Run `change` if nobody else is writing; return whether it was run."""
        try:
            self.transact(change, wait_s=0.0)
        except StoreBusyError:
            return False
        return True

    def _mirror_written(self, written: Written[A]) -> list[tuple[str, Health]]:
        """Mirror what was written; return the pauses that begin with it."""
        if written.counters:
            self.mirror.put_counters(written.counters)
        if written.learned:
            self.mirror.put_learned(written.learned)
        if written.stats:
            self.mirror.put_stats(self._batch.folded(written.stats))
        if not written.health:
            return []
        before = {name: self.mirror.health(name) for name in written.health}
        self.mirror.put_health(written.health)
        return [
            (name, row)
            for name, row in written.health.items()
            if row.generation != before[name].generation and row.until > before[name].until
        ]

    def _acquire(self, wait_s: float) -> None:
        # A garbage collection inside a transaction may close another ledger's last reference to these books.
        if self._owner == threading.get_ident():
            raise StoreBusyError("this thread is writing")
        if not (self._lock.acquire(timeout=wait_s) if wait_s > 0 else self._lock.acquire(blocking=False)):
            raise StoreBusyError("another thread is writing")
        self._owner = threading.get_ident()

    def _release(self) -> None:
        self._owner = 0
        self._lock.release()

    def _open_store(self) -> Store:
        if self._path is None:
            return MemoryStore()
        from openmux_lc.ledger.sqlite import SQLiteStore

        try:
            return SQLiteStore(self._path)
        except (StoreLostError, StoreBusyError) as error:
            self._warn(error)
            return MemoryStore()

    def _take_over(self, store: Store) -> None:
        version = store.version()
        if version != self._seen:
            self.mirror.replace_health(store.health.all())
            self._seen = version
            self._is_behind = True
        now = self._clock()
        if self._is_behind and abs(now - self._figures_at) >= _FIGURES_EVERY_S:
            stats = add_samples(store.stats.all(), self._batch.samples())
            self.mirror.replace_figures(store.counters.all(), stats)
            self.mirror.replace_learned(store.learned.all())
            self.mirror.replace_refusals(store.refusals.all())
            self._figures_at = now
            self._is_behind = False

    def _go_on_in_memory(self, error: StoreLostError) -> None:
        """Replace a store that is gone, with the lock held."""
        if self._store.is_shared:
            self._warn(error)
            self._replace(self._store)

    def _replace(self, store: Store) -> None:
        counters, health, stats = self.mirror.rows()
        memory = MemoryStore()
        memory.counters.put(counters)
        memory.health.put(health)
        memory.stats.put(stats)
        memory.learned.put(self.mirror.learned)
        memory.refusals.put(self.mirror.refusals)
        for reservation_id, claim in tuple(self.claims.items()):
            memory.add_lease(reservation_id, claim.expires_at, claim.held)
        self._store = memory
        store.close()

    def _warn(self, error: Exception) -> None:
        self.is_kept = False
        _logger.warning(
            "the state file %s cannot be used (%s): quotas, health and statistics are kept in memory and end with "
            "this process; set OPENMUX_STATE_URL to sqlite:/// and a path that can be written",
            self._path,
            error,
        )


def _follow_forks(books: Books) -> None:
    if not hasattr(os, "register_at_fork"):
        return
    here = weakref.ref(books)

    def hook(act: Callable[[Books], None]) -> Callable[[], None]:
        def call() -> None:
            found = here()
            if found is not None:
                act(found)

        return call

    os.register_at_fork(
        before=hook(Books.before_fork),
        after_in_parent=hook(Books.after_fork_in_parent),
        after_in_child=hook(Books.after_fork_in_child),
    )
