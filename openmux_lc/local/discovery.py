"""Engines found so far, looked for again when the last look is old.

A look at a machine without engines takes well under a millisecond, so it may stand
before every question; one that found some is repeated less often. An engine that
misses one look, being busy, stays until the next. Any thread may ask.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from openmux_lc.local.probe import find_engines, find_engines_async
from openmux_lc.local.survey import Engine
from openmux_lc.types.catalog import Provider

if TYPE_CHECKING:
    from openmux_lc.http import Clients

__all__ = ["Discovery"]

_AGAIN_EMPTY_S: Final = 2.0
_AGAIN_FOUND_S: Final = 30.0


class Discovery:
    """The engines on this machine, as of the last look.

    Args:
        clock: Seconds that only grow.
        deadline_s: Longest that a look may take.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, deadline_s: float = 0.5) -> None:
        """Look at nothing yet."""
        self._clock = clock
        self._deadline_s = deadline_s
        self._lock = threading.Lock()
        self._engines: tuple[Engine, ...] = ()
        self._version = 0
        self._missed: frozenset[str] = frozenset()
        self._looked_at: float | None = None

    @property
    def engines(self) -> tuple[Engine, ...]:
        """The engines that answered lately, in the order of their rows."""
        return self._engines

    @property
    def version(self) -> int:
        """A number that grows whenever the engines or their models change."""
        return self._version

    def refresh(
        self,
        rows: Callable[[], Sequence[Provider]],
        clients: Callable[[], Clients],
        named: Callable[[], Mapping[str, str]] = dict,
        *,
        headers: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        """Look again if the last look is old; while another thread looks, only the first waits.

        Args:
            rows: Gives the local rows; called only for a look.
            clients: Gives the HTTP clients; called only when somebody listens.
            named: Gives the base URLs by provider id that the user gave.
            headers: Request headers by provider id, for engines that want a key.
        """
        if not self._is_due() or not self._lock.acquire(blocking=self._looked_at is None):
            return
        try:
            if self._is_due():
                found = find_engines(rows(), clients, named=named(), headers=headers, deadline_s=self._deadline_s)
                self._take(found)
        finally:
            self._lock.release()

    async def refresh_async(
        self,
        rows: Callable[[], Sequence[Provider]],
        clients: Callable[[], Clients],
        named: Callable[[], Mapping[str, str]] = dict,
        *,
        headers: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        """Do what `refresh` does, without blocking the loop."""
        if self._is_due():
            found = await find_engines_async(
                rows(), clients, named=named(), headers=headers, deadline_s=self._deadline_s
            )
            self._take(found)

    def forget(self) -> None:
        """Make the next `refresh` look again, whenever the last look was."""
        self._looked_at = None

    def _is_due(self) -> bool:
        if self._looked_at is None:
            return True
        is_settled = bool(self._engines) and not self._missed
        return self._clock() - self._looked_at >= (_AGAIN_FOUND_S if is_settled else _AGAIN_EMPTY_S)

    def _take(self, found: tuple[Engine, ...]) -> None:
        present = {engine.provider for engine in found}
        missing = [engine for engine in self._engines if engine.provider not in present]
        engines = (*found, *(engine for engine in missing if engine.provider not in self._missed))
        self._missed = frozenset(engine.provider for engine in missing) & {engine.provider for engine in engines}
        if engines != self._engines:
            self._engines = engines
            self._version += 1
        self._looked_at = self._clock()
