"""The day's budget for asking twice, shared by every process that uses the same state.

Two counters like any other: the calls that might be hedged, and those that were. A
second request is set aside within one transaction, so that no two processes spend the
same one.
"""

from __future__ import annotations

import math
from typing import Final

from openmux_lc.ledger.ledger import Ledger
from openmux_lc.types.capacity import RouteNeed
from openmux_lc.types.catalog import Limit, Route, Window
from openmux_lc.types.run import Attempt
from openmux_lc.types.state import Refusal, Reservation

__all__ = ["HedgeBudget"]

_CALLS: Final = Route("openmux", "calls")
_HEDGES: Final = Route("openmux", "hedges")
_DAY: Final = Window(kind="calendar_day")
_COUNTED: Final = Limit(unit="requests", amount=1_000_000_000, window=_DAY, scope="key_model")


class HedgeBudget:
    """How many calls of today may be asked twice.

    Args:
        ledger: Where that is counted.
        share: Of today's calls; at least one is allowed.
    """

    def __init__(self, ledger: Ledger, share: float) -> None:
        """Count nothing yet."""
        self._ledger = ledger
        self._share = share

    @property
    def allowed(self) -> int:
        """How many calls may be asked twice by now, those that were included."""
        need = RouteNeed(route=_CALLS, limits=(_COUNTED,), amounts={})
        made = self._ledger.capacity([need], self._ledger.snapshot().at).routes[0].limits[0].used
        return max(1, math.ceil(self._share * made)) if self._share > 0 else 0

    def count(self) -> None:
        """Count one call that might be asked twice."""
        self._spent(self._ledger.reserve(_CALLS, (_COUNTED,), {}))

    async def acount(self) -> None:
        """Count one call without blocking the loop."""
        await self._aspent(await self._ledger.areserve(_CALLS, (_COUNTED,), {}))

    def take(self) -> bool:
        """Spend one second request; False where today's are spent."""
        return self.allowed > 0 and self._spent(self._ledger.reserve(_HEDGES, (self._limit(),), {}))

    async def atake(self) -> bool:
        """Spend one second request without blocking the loop."""
        return self.allowed > 0 and await self._aspent(await self._ledger.areserve(_HEDGES, (self._limit(),), {}))

    def _limit(self) -> Limit:
        return Limit(unit="requests", amount=self.allowed, window=_DAY, scope="key_model")

    def _spent(self, reply: Reservation | Refusal) -> bool:
        if isinstance(reply, Refusal):
            return False
        self._ledger.settle(reply, _made(reply))
        return True

    async def _aspent(self, reply: Reservation | Refusal) -> bool:
        if isinstance(reply, Refusal):
            return False
        await self._ledger.asettle(reply, _made(reply))
        return True


def _made(reservation: Reservation) -> Attempt:
    """Return what keeps the reservation charged and says nothing of anybody's health."""
    return Attempt(route=reservation.route, outcome="cancelled")
