"""The reports of earlier runs: the latest whole in memory, their heads in the run log."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from openmux_lc.types.report import to_report

if TYPE_CHECKING:
    from openmux_lc.ledger.ledger import Ledger
    from openmux_lc.types.json import Json
    from openmux_lc.types.run import Report

__all__ = ["RunMemory"]

_KEPT: Final = 256
_LOGGED: Final = 10


class RunMemory:
    """Keeps reports; safe to use from any thread.

    Args:
        ledger: Gives the ledger; called only when a run is kept or looked up.
        guard: Gives the lock of this process, another one after a fork.
    """

    def __init__(self, ledger: Callable[[], Ledger], guard: Callable[[], threading.RLock]) -> None:
        """Remember nothing yet."""
        self._ledger = ledger
        self._guard = guard
        self._reports: dict[str, Report] = {}

    def keep(self, report: Report) -> None:
        """Keep a run's report: whole in memory, its head in the run log."""
        with self._guard():
            while len(self._reports) >= _KEPT:
                del self._reports[next(iter(self._reports))]
            self._reports[report.run_id] = report
        self._ledger().run_log.add(to_report(report, listed=_LOGGED))

    def find(self, run_id: str) -> dict[str, Json]:
        """Return the full report of an earlier run.

        Raises:
            KeyError: No run of that id is remembered.
        """
        if (recent := self._reports.get(run_id)) is not None:
            return to_report(recent)
        if (kept := self._ledger().run_log.find(run_id)) is None:
            raise KeyError(f"no run {run_id!r} is remembered")
        return dict(kept)
