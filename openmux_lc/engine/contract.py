"""Where an answer is held against its request, right after it was read.

One that breaks its contract is a failed attempt like any other: once it is shown to
its model again, then the next route is asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from openmux_lc.errors import BrokenContract
from openmux_lc.routing.contract import keep, repair
from openmux_lc.types.run import Answer

if TYPE_CHECKING:
    from openmux_lc.engine.attempt import Booking

__all__ = ["checked"]


def checked(booking: Booking, answer: Answer) -> Answer:
    """Return the answer as it is to be given.

    Raises:
        BrokenContract: It is not what was asked for.
    """
    kept = keep(booking.run.request, answer)
    if kept.problem:
        raise _broken(booking, kept.answer, kept.problem)
    return kept.answer


def _broken(booking: Booking, answer: Answer, problem: str) -> BrokenContract:
    """Note the broken answer, prepare its one repair, and return the fault."""
    run, route = booking.run, booking.route
    run.broken, booking.usage = answer, answer.usage
    # What was cut off for its length would be cut off again.
    is_mendable = route not in run.repairs and run.options.max_retries > 0 and answer.finish_reason != "length"
    if is_mendable:
        run.repairs[route] = repair(run.request, answer, problem)
    return BrokenContract(
        f"{route}: the answer is not what was asked for: {problem}",
        provider=route.provider,
        model=route.model,
        advice="retry" if is_mendable else "next_route",
    )
