"""Which kind of window counts how: the one place that knows.

A tally is one counter's charges at one moment, refilled until then, to be charged,
settled, asked and read back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from openmux_lc.ledger.slots import Places, Slots
from openmux_lc.ledger.token_bucket import TokenBucket
from openmux_lc.ledger.windows import Place
from openmux_lc.types.catalog import Window, WindowKind

__all__ = ["Tally", "tally"]


class Tally(Protocol):
    """What one limit has been charged and what of it counts now.

    Attributes:
        charges: What counts, by slot; a copy.
        is_timed: Time alone gives back; else the end of a call does.
    """

    charges: dict[int, int]

    @property
    def is_timed(self) -> bool:
        """Whether time alone gives back; else the end of a call does."""
        ...

    def charge(self, amount: int) -> None:
        """Add a claim that is made now."""
        ...

    def settle(self, slot: int, reserved: int, used: int) -> None:
        """Replace what was reserved in `slot` by what was used, as far as this kind gives back."""
        ...

    def settle_late(self, slot: int, reserved: int, used: int) -> None:
        """Charge what was used after the reservation expired and gave back what this kind gives back."""
        ...

    def freed_at(self, missing: int) -> float | None:
        """Return when that many have come back (epoch seconds); None when there are not so many."""
        ...

    def changes_at(self) -> float | None:
        """Return when something comes back; None when nothing is taken."""
        ...


_TALLIES: Final[Mapping[WindowKind, Callable[[Mapping[int, int], Window, int, Place], Tally]]] = {
    "rolling": Slots,
    "calendar_day": Slots,
    "calendar_month": Slots,
    "anniversary_month": Slots,
    "token_bucket": TokenBucket,
    "concurrency": Places,
}


def tally(charges: Mapping[int, int], window: Window, capacity: int, place: Place) -> Tally:
    """Return what of `charges` counts at `place`.

    Args:
        capacity: The limit's amount, on which a bucket's refill depends.
    """
    return _TALLIES[window.kind](charges, window, capacity, place)
