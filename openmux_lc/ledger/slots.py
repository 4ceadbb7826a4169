"""Counting by numbered slots: rolling and calendar windows, and places at once.

Pure. Each object is one counter's charges as they stand at one moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from openmux_lc.ledger.windows import Place, slot_ends_at
from openmux_lc.types.catalog import Window

__all__ = ["Places", "Slots"]


class Slots:
    """Charges that leave the window whole, each slot at its own time.

    Slots of the near future are kept: a clock that goes backwards refills nothing. One
    from beyond a whole window was made by a clock that was wrong, and counts as of now.
    """

    __slots__ = ("_before", "_place", "_window", "charges")

    is_timed: ClassVar[bool] = True

    def __init__(self, charges: Mapping[int, int], window: Window, _capacity: int, place: Place) -> None:
        """Keep what counts at `place`."""
        self._before = charges
        self._window = window
        self._place = place
        self.charges: dict[int, int] = {}
        for slot, amount in charges.items():
            if slot >= place.first and amount > 0:
                here = slot if slot <= place.last else place.slot
                self.charges[here] = self.charges.get(here, 0) + amount

    def charge(self, amount: int) -> None:
        """Add a claim that is made now."""
        slot = self._place.slot
        self.charges[slot] = self.charges.get(slot, 0) + amount

    def settle(self, slot: int, reserved: int, used: int) -> None:
        """Replace what was reserved in `slot` by what was used, unless that is past."""
        self._change(slot, used - reserved)

    def settle_late(self, slot: int, reserved: int, used: int) -> None:  # noqa: ARG002 - it has been given back
        """Charge what was used in `slot` by a call whose reservation had expired, unless that is past."""
        self._change(slot, used)

    def freed_at(self, missing: int) -> float | None:
        """Return when that many have come back (epoch seconds); None when there are not so many."""
        for slot in sorted(self.charges):
            missing -= self.charges[slot]
            if missing <= 0:
                return slot_ends_at(self._window, slot, self._place)
        return None

    def changes_at(self) -> float | None:
        """Return when something comes back; None when nothing is taken."""
        return slot_ends_at(self._window, min(self.charges), self._place) if self.charges else None

    def _change(self, slot: int, change: int) -> None:
        if slot > self._place.last:
            # Nothing is given back of a charge that was moved or forgotten before: it would be another's.
            change = max(change, -self._before.get(slot, 0))
            slot = self._place.slot
        if slot >= self._place.first and change:
            self.charges[slot] = max(0, self.charges.get(slot, 0) + change)


class Places(Slots):
    """Calls at once: a place is given back when its call ends, whatever was used."""

    __slots__ = ()

    is_timed: ClassVar[bool] = False

    def settle(self, slot: int, reserved: int, used: int) -> None:  # noqa: ARG002 - what was used is gone with the call
        """Give the place back."""
        self._change(slot, -reserved)

    def settle_late(self, slot: int, reserved: int, used: int) -> None:
        """Nothing to do: the place came back with the reservation."""
