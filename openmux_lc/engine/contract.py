"""Where an answer is held against its request, right after it was read.

One that breaks its contract is a failed attempt like any other: once it is shown to
its model again, then the next route is asked.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from openmux_lc.errors import BrokenContract
from openmux_lc.routing.contract import keep, repair, requires_tool
from openmux_lc.routing.tool_prose import rescued
from openmux_lc.types.run import Answer, ToolCall
from openmux_lc.types.state import Weakness, next_sight

if TYPE_CHECKING:
    from openmux_lc.engine.attempt import Booking

__all__ = ["checked", "with_calls"]


def checked(booking: Booking, answer: Answer) -> Answer:
    """Return the answer as it is to be given.

    Raises:
        BrokenContract: It is not what was asked for.
    """
    answer = with_calls(booking, answer)
    kept = keep(booking.run.request, answer)
    if kept.problem:
        raise _broken(booking, kept.answer, kept.problem)
    return kept.answer


def with_calls(booking: Booking, answer: Answer) -> Answer:
    """Return the answer with the tool calls that its model wrote into the text."""
    found = None if answer.tool_calls else rescued(booking.run.request, answer.text)
    if found is None:
        return answer
    many = "a tool call" if len(found.calls) == 1 else f"{len(found.calls)} tool calls"
    booking.run.notes.append(f"rescued {many} that {booking.route} wrote as prose")
    _remember(booking, "talks_tools")
    calls = tuple(
        ToolCall(id=f"call_{secrets.token_hex(12)}", name=call.name, arguments=call.arguments) for call in found.calls
    )
    return replace(answer, text=found.text, tool_calls=calls, finish_reason="tool_calls")


def _remember(booking: Booking, weakness: Weakness) -> None:
    """Keep that a route is weak at this, so that others are asked first."""
    ledger, route = booking.mux.ledger, booking.route
    ledger.remember_refusal(route, next_sight(ledger.refusals(route), weakness), time.time())


def _broken(booking: Booking, answer: Answer, problem: str) -> BrokenContract:
    """Note the broken answer, prepare its one repair, and return the fault."""
    run, route = booking.run, booking.route
    run.broken, booking.usage = answer, answer.usage
    # What was cut off for its length would be cut off again.
    is_mendable = route not in run.repairs and run.options.max_retries > 0 and answer.finish_reason != "length"
    if is_mendable:
        run.repairs[route] = repair(run.request, answer, problem)
    else:
        _remember(booking, "talks_tools" if requires_tool(run.request) else "breaks_schema")
    return BrokenContract(
        f"{route}: the answer is not what was asked for: {problem}",
        provider=route.provider,
        model=route.model,
        advice="retry" if is_mendable else "next_route",
    )
