"""A prompt that no window takes: an error, or a shorter prompt, as the caller chose.

Never silent: the report says how many turns were left out and what stands for them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from openmux_lc.engine.run_state import Run
from openmux_lc.errors import OpenMuxError
from openmux_lc.routing.eligible import answer_room
from openmux_lc.routing.trim import SUMMARY_TOKENS, summary_request, trimmed, with_summary
from openmux_lc.types.run import Answer

if TYPE_CHECKING:
    from openmux_lc.engine.nodes import Nodes

__all__ = ["acondense", "condense", "has_overflowed", "shorten"]

_SHARE: Final = 0.4
"""So much of the time that is left may go into a summary."""


def shorten(run: Run, window: int) -> bool:
    """Leave the run's oldest turns out so that it fits `window`; return whether that was possible."""
    if run.options.on_overflow == "raise":
        return False
    room = window - answer_room(run.request)
    wants_summary = run.options.on_overflow == "summarize"
    cut = trimmed(run.request, room - SUMMARY_TOKENS) if wants_summary else None
    is_condensed = cut is not None
    cut = cut or trimmed(run.request, room)
    if cut is None:
        return False
    turns = f"{cut.turns} oldest turn{'s' if cut.turns > 1 else ''} ({len(cut.dropped)} messages)"
    run.notes.append(f"too long for every window (the largest has {window} tokens): {turns} left out")
    if wants_summary and not is_condensed:
        run.notes.append("no room was left for a summary")
    run.request = cut.request
    run.to_condense = summary_request(cut.dropped, room) if is_condensed else None
    return True


def has_overflowed(run: Run) -> bool:
    """Whether every route that was asked said that the prompt is too long, for the first time."""
    sent = [attempt for attempt in run.attempts[run.since :] if attempt.outcome != "refused"]
    is_first = run.since == 0 and run.options.on_overflow != "raise"
    return is_first and bool(sent) and all(attempt.error == "ContextOverflow" for attempt in sent)


def condense(nodes: Nodes, run: Run) -> None:
    """Let the pool sum up what was left out, as a run of its own."""
    from openmux_lc.engine.run import run as drive  # it imports the steps, which import this module

    inner = _inner(run)
    if inner is None:
        return
    try:
        drive(nodes, inner)
        _take(run, inner, nodes.result(inner))
    except OpenMuxError as error:
        _note_failure(run, error)


async def acondense(nodes: Nodes, run: Run) -> None:
    """Let the pool sum up what was left out, without blocking the loop."""
    from openmux_lc.engine.run import arun as drive  # it imports the steps, which import this module

    inner = _inner(run)
    if inner is None:
        return
    try:
        await drive(nodes, inner)
        _take(run, inner, nodes.result(inner))
    except OpenMuxError as error:
        _note_failure(run, error)


def _inner(run: Run) -> Run | None:
    """Return the run that makes the summary, None where none is wanted."""
    asked, run.to_condense = run.to_condense, None
    if asked is None:
        return None
    options = replace(
        run.options,
        task="chat",
        timeout_s=run.remaining_s * _SHARE,
        fan_out=1,
        strategy="best",
        on_overflow="raise",
    )
    return Run(request=asked, options=options)


def _take(run: Run, inner: Run, answer: Answer) -> None:
    run.request = with_summary(run.request, answer.text)
    run.notes.append(f"what was left out was summed up by {answer.route} (run {inner.id})")


def _note_failure(run: Run, error: OpenMuxError) -> None:
    run.notes.append(f"no summary could be made ({type(error).__name__}); what was left out is missing")
