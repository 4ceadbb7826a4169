"""Writes that can wait: statistics and the run log, gathered for one transaction.

A daemon thread writes them once a second, or as soon as enough have come together; it
is started by the first of them and ends when there have been none for a while.
"""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol, TypeVar

from openmux_lc.ledger.stats import Sample, Stats, fold
from openmux_lc.ledger.store import Refused
from openmux_lc.types.json import JsonObject

__all__ = ["Batch", "Flusher", "LoggedRun", "Pending", "SeenRefusal", "add_refusals", "add_samples"]

_T = TypeVar("_T")

_ENOUGH: Final = 32
_INTERVAL_S: Final = 1.0
_REST_S: Final = 0.03
"""Between two writes, however much comes together: writers of reservations come first."""
_IDLE_ROUNDS: Final = 30
_MOST_SAMPLES: Final = 10_000
_MOST_RUNS: Final = 1_000
_MOST_REFUSALS: Final = 1_000
"""What is kept while nothing can be written; older ones are dropped."""


class LoggedRun(NamedTuple):
    """A report on its way to the run log."""

    id: str
    at: float
    entry: JsonObject


class SeenRefusal(NamedTuple):
    """A parameter that a model refused, by the name of its quirk."""

    route: str
    quirk: str
    at: float


class Pending(NamedTuple):
    """What was taken out of a batch to be written."""

    samples: Sequence[tuple[str, Sample]]
    runs: Sequence[LoggedRun]
    refusals: Sequence[SeenRefusal] = ()


class Batch:
    """What is waiting to be written; safe to use from any thread."""

    def __init__(self) -> None:
        self._samples: deque[tuple[str, Sample]] = deque(maxlen=_MOST_SAMPLES)
        self._runs: deque[LoggedRun] = deque(maxlen=_MOST_RUNS)
        self._refusals: deque[SeenRefusal] = deque(maxlen=_MOST_REFUSALS)

    def __len__(self) -> int:
        return len(self._samples) + len(self._runs) + len(self._refusals)

    @property
    def is_full(self) -> bool:
        """Whether it is worth a transaction now."""
        return len(self) >= _ENOUGH

    def add_sample(self, route: str, sample: Sample) -> None:
        """Queue one attempt's figures."""
        self._samples.append((route, sample))

    def add_run(self, run: LoggedRun) -> None:
        """Queue one report."""
        self._runs.append(run)

    def add_refusal(self, refusal: SeenRefusal) -> None:
        """Queue what a model refused."""
        self._refusals.append(refusal)

    def run(self, run_id: str) -> LoggedRun | None:
        """Return a report that is still waiting."""
        return next((run for run in reversed(tuple(self._runs)) if run.id == run_id), None)

    def take(self) -> Pending:
        """Remove and return everything."""
        return Pending(_drain(self._samples), _drain(self._runs), _drain(self._refusals))

    def give_back(self, pending: Pending) -> None:
        """Queue again what could not be written; the newest stay when there is no room."""
        room = _MOST_SAMPLES - len(self._samples)
        self._samples.extendleft(reversed(pending.samples[-room:] if room else ()))
        room = _MOST_RUNS - len(self._runs)
        self._runs.extendleft(reversed(pending.runs[-room:] if room else ()))
        room = _MOST_REFUSALS - len(self._refusals)
        self._refusals.extendleft(reversed(pending.refusals[-room:] if room else ()))

    def samples(self) -> tuple[tuple[str, Sample], ...]:
        """Return the samples that are still waiting."""
        return tuple(self._samples)

    def folded(self, rows: Mapping[str, Stats]) -> dict[str, Stats]:
        """Return `rows` with the waiting samples added."""
        return add_samples(rows, tuple(self._samples), only=rows)


def add_samples(
    rows: Mapping[str, Stats], samples: Sequence[tuple[str, Sample]], *, only: Mapping[str, Stats] | None = None
) -> dict[str, Stats]:
    """Return `rows` with `samples` added, also those of routes not in `only` if that is None."""
    after = dict(rows)
    for name, sample in samples:
        if only is None or name in only:
            after[name] = fold(after.get(name, Stats()), sample)
    return after


def add_refusals(rows: Mapping[str, Refused], refusals: Iterable[SeenRefusal]) -> dict[str, Refused]:
    """Return `rows` with `refusals` added; of one that is known already the later sight counts."""
    after = dict(rows)
    for route, quirk, at in refusals:
        known = after.get(route, {})
        after[route] = {**known, quirk: max(at, known.get(quirk, at))}
    return after


class Writer(Protocol):
    """Whoever can write a batch."""

    def flush(self) -> bool:
        """Write what waits; return whether something was written."""
        ...

    @property
    def waiting(self) -> int:
        """How many writes wait."""
        ...


class Flusher:
    """The thread that writes batches; it does not keep its writer alive."""

    def __init__(self, writer: Writer) -> None:
        self._writer = weakref.ref(writer)
        self._lock = threading.Lock()
        self._wanted = threading.Event()
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()

    def wake(self, *, at_once: bool) -> None:
        """See to it that the batch is written within a second, or at once."""
        if at_once:
            self._wanted.set()
        with self._lock:
            if self._thread is not None or self._stopped.is_set():
                return
            self._thread = threading.Thread(target=self._loop, name="openmux-ledger", daemon=True)
            # At interpreter exit no thread can be started; closing the ledger writes the rest.
            with contextlib.suppress(RuntimeError):
                self._thread.start()

    def stop(self) -> None:
        """End the thread soon and start no other."""
        with self._lock:
            self._stopped.set()
        self._wanted.set()

    def _loop(self) -> None:
        idle_rounds = 0
        while True:
            self._wanted.wait(_INTERVAL_S)
            self._wanted.clear()
            writer = self._writer()
            if writer is None or self._stopped.is_set():
                return
            idle_rounds = 0 if writer.flush() else idle_rounds + 1
            with self._lock:
                if idle_rounds >= _IDLE_ROUNDS and not writer.waiting:
                    self._thread = None
                    return
            del writer
            self._stopped.wait(_REST_S)


def _drain(queue: deque[_T]) -> list[_T]:
    taken: list[_T] = []
    with contextlib.suppress(IndexError):
        while True:
            taken.append(queue.popleft())
    return taken
