"""What is told of one limit in several places, made one; and which figures are believed."""

from __future__ import annotations

from typing import Final

from openmux_lc.types.state import LimitObservation

__all__ = ["MOST", "joined", "whole"]

MOST: Final = 1e12
"""A larger figure is a host's way to say that there is no limit."""


def joined(observations: tuple[LimitObservation, ...]) -> tuple[LimitObservation, ...]:
    """Return the observations with those of one limit made one; the first one's figures count.

    One without a window repeats the only one of its unit that has a window and the same
    figures: hosts spell one limit in two families, or in headers and body.
    """
    found: list[LimitObservation] = []
    for seen in observations:
        twins = [at for at, other in enumerate(found) if (other.unit, other.window_s) == (seen.unit, seen.window_s)]
        if twins:
            found[twins[0]] = _filled(found[twins[0]], seen)
        else:
            found.append(seen)
    for bare in [seen for seen in found if seen.window_s is None]:
        fitting = [seen for seen in found if seen.window_s is not None and _fits(bare, seen)]
        if len(fitting) == 1:
            at = min(found.index(bare), found.index(fitting[0]))
            merged = _filled(*sorted((bare, fitting[0]), key=found.index))
            found = [seen for seen in found if seen not in (bare, fitting[0])]
            found.insert(at, merged)
    return tuple(found)


def whole(number: float | None) -> int | None:
    """Return a figure rounded down, None when it is negative or too large to be meant."""
    return int(number) if number is not None and 0 <= number <= MOST else None


def _filled(first: LimitObservation, second: LimitObservation) -> LimitObservation:
    return LimitObservation(
        unit=first.unit,
        window_s=second.window_s if first.window_s is None else first.window_s,
        limit=second.limit if first.limit is None else first.limit,
        remaining=second.remaining if first.remaining is None else first.remaining,
        reset_at=second.reset_at if first.reset_at is None else first.reset_at,
        source=first.source,
    )


def _fits(bare: LimitObservation, seen: LimitObservation) -> bool:
    """Whether both tell one figure alike and none differently."""
    pairs = ((bare.limit, seen.limit), (bare.remaining, seen.remaining))
    told = [mine == other for mine, other in pairs if mine is not None and other is not None]
    return bare.unit == seen.unit and bool(told) and all(told)
