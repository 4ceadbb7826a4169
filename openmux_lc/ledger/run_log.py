"""The run log: what was asked of whom, and why; never prompts, answers or keys."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping

from openmux_lc.ledger.batch import LoggedRun
from openmux_lc.ledger.books import Books
from openmux_lc.ledger.runs import unpack
from openmux_lc.ledger.store import StoreBusyError
from openmux_lc.types.json import Json, JsonObject, as_text

__all__ = ["RunLog"]


class RunLog:
    """Reports of runs, in the ledger's store; safe to use from any thread.

    Args:
        books: Where they lie; what is added is written soon.
        clock: Returns epoch seconds.
    """

    def __init__(self, books: Books, clock: Callable[[], float]) -> None:
        """Read nothing yet."""
        self._books = books
        self._clock = clock

    def add(self, entry: JsonObject) -> None:
        """Keep a run's report.

        Args:
            entry: JSON-plain; `run_id` names it.

        Raises:
            ValueError: It has no `run_id`.
        """
        run_id = as_text(entry.get("run_id"))
        if not run_id:
            raise ValueError("a run's report needs a `run_id` to be logged")
        self._books.add_run(LoggedRun(run_id, self._clock(), dict(entry)))

    def find(self, run_id: str) -> Mapping[str, Json] | None:
        """Return the report of that run, None when the log does not hold it."""
        waiting = self._books.waiting_run(run_id)
        if waiting is not None:
            return waiting.entry
        self._books.flush()
        with contextlib.suppress(StoreBusyError):
            row = self._books.read(lambda store: store.run(run_id))
            return unpack(row.body) if row else None
        return None

    def newest(self, limit: int = 50) -> list[Mapping[str, Json]]:
        """Return the newest reports, newest first."""
        self._books.flush()
        with contextlib.suppress(StoreBusyError):
            return [unpack(row.body) for row in self._books.read(lambda store: store.runs(limit))]
        return []
