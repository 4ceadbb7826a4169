"""The token bucket: it refills steadily, and what was once taken out only time brings back.

Pure, in whole units and microseconds. A counter holds one entry: what was taken out, by
the moment until which the refill is counted. Giving back a difference, or an unused
reservation, would mint capacity: the bucket has refilled for it already.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from openmux_lc.ledger.windows import MICROSECONDS, Place
from openmux_lc.types.catalog import Window

__all__ = ["TokenBucket"]

_STEPS: Final = 100
"""A share left is told anew when it has grown by so small a part."""


class TokenBucket:
    """What is out of a bucket at one moment; more than its capacity is a debt.

    A clock that goes backwards refills nothing until it is where it was. One that was
    ahead by more than the bucket's length was wrong, and the refill begins now.
    """

    __slots__ = ("_capacity", "_length", "charges")

    is_timed: ClassVar[bool] = True

    def __init__(self, charges: Mapping[int, int], _window: Window, capacity: int, place: Place) -> None:
        """Refill it until `place`."""
        self._capacity = capacity
        self._length = max(1, place.last - place.slot)
        taken = sum(charges.values())
        at = max(charges, default=0)
        at = place.slot if at > place.last else at
        refilled = max(0, place.slot - at) * max(1, capacity) // self._length
        if refilled >= taken:
            taken, at = 0, place.slot
        else:
            taken, at = taken - refilled, at + self._time_for(refilled)
        self.charges: dict[int, int] = {at: taken}

    def charge(self, amount: int) -> None:
        """Take out a claim that is made now."""
        ((at, taken),) = self.charges.items()
        self.charges = {at: taken + amount}

    def settle(self, slot: int, reserved: int, used: int) -> None:  # noqa: ARG002 - a bucket has no past to correct
        """Take out what was used beyond the reservation; what was not used stays out."""
        self.charge(max(0, used - reserved))

    def settle_late(self, slot: int, reserved: int, used: int) -> None:
        """Do as if it were not late: the expired reservation has given nothing back."""
        self.settle(slot, reserved, used)

    def freed_at(self, missing: int) -> float | None:
        """Return when that many have been refilled (epoch seconds); None when fewer are out."""
        ((at, taken),) = self.charges.items()
        # A microsecond later, so that rounding to a float never tells too early a moment.
        return (at + self._time_for(missing) + 1) / MICROSECONDS if missing <= taken else None

    def changes_at(self) -> float | None:
        """Return when the share that is left has noticeably grown; None when the bucket is full."""
        ((_, taken),) = self.charges.items()
        return self.freed_at(min(taken, max(1, self._capacity // _STEPS))) if taken else None

    def _time_for(self, units: int) -> int:
        """Return how long so many take to be refilled, rounded up."""
        return -(-units * self._length // max(1, self._capacity))
