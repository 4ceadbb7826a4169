"""`openmux doctor --chaos`: the pool among hosts that misbehave, on loopback.

Questions are asked one after the other; each is to be answered, or to fail with a typed
error within its time.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from openmux_lc.cli.output import tell, tell_json, tell_table
from openmux_lc.cli.progress import Progress, SilentProgress, progress_on
from openmux_lc.types.json import Json

if TYPE_CHECKING:
    from openmux_lc.cli.chaos_pool import Called, Step

__all__ = ["show_chaos"]

_BAR: Final = 24
_HEADINGS: Final = ("a host did", "times", "taken for", "cost", "answered by")


def show_chaos(calls: int, seed: int, *, as_json: bool) -> bool:
    """Ask `calls` questions, tell how it went, and return whether none was lost.

    Args:
        calls: How many.
        seed: The same one makes the same hosts misbehave in the same way.
        as_json: Tell it as JSON.
    """
    from openmux_lc.cli.chaos_pool import chaos_pool  # loads the engine, which `--help` does without

    with SilentProgress() if as_json else progress_on(sys.stdout) as progress, chaos_pool(seed) as pool:
        title = f"{calls} questions to {pool.hosts} hosts on loopback, all but one misbehaving (seed {seed})"
        progress.begin(title)
        found = [_watched(pool.call(), number, calls, progress) for number in range(calls)]
        progress.end("✓", title)
    is_sound = all(called.is_kept for called in found)
    if as_json:
        tell_json(_as_json(found, seed, is_sound=is_sound))
        return is_sound
    tell()
    tell_table(_HEADINGS, [_cells(*row) for row in _by_behaviour(found)])
    tell()
    for line in _summary(found):
        tell(line)
    return is_sound


def _watched(called: Called, number: int, calls: int, progress: Progress) -> Called:
    """Return what came of a question, and show how far it is."""
    full = _BAR * (number + 1) // calls
    whose = called.answered_by or called.error
    progress.begin(f"{'█' * full}{'░' * (_BAR - full)} {number + 1}/{calls}  {whose} after {len(called.steps)} calls")
    return called


def _by_behaviour(found: Sequence[Called]) -> Iterator[tuple[str, Sequence[tuple[Step, Called]]]]:
    """Yield each thing that hosts did, the most frequent first, with where it happened."""
    steps = [(step, called) for called in found for step in called.steps]
    counts = Counter(step.behaviour for step, _ in steps)
    for behaviour, _ in sorted(counts.items(), key=lambda each: (not each[0], -each[1], each[0])):
        yield behaviour, [(step, called) for step, called in steps if step.behaviour == behaviour]


def _cells(behaviour: str, happened: Sequence[tuple[Step, Called]]) -> tuple[str, ...]:
    faults = Counter(step.fault or "no fault" for step, _ in happened)
    answered = Counter(called.answered_by or called.error for _, called in happened)
    cost_ms = max(step.elapsed_ms for step, _ in happened)
    others = len(answered) - 1
    return (
        behaviour or "(sound)",
        str(len(happened)),
        ", ".join(faults),
        f"≤ {cost_ms} ms",
        f"{answered.most_common(1)[0][0]}{f' +{others}' if others else ''}",
    )


def _summary(found: Sequence[Called]) -> Iterator[str]:
    failed = [called for called in found if called.error]
    lost = [called for called in found if not called.is_kept]
    longest = max((called.failover_ms for called in found), default=0)
    yield f"answered: {len(found) - len(failed)} of {len(found)}"
    if failed:
        yield f"failed with a typed error: {len(failed) - len(lost)} ({', '.join({each.error for each in failed})})"
    yield f"longest failover: {longest} ms, over {max(len(called.steps) for called in found)} calls at most"
    yield f"lost: {len(lost)}" if lost else "lost: none"


def _as_json(found: Sequence[Called], seed: int, *, is_sound: bool) -> Json:
    rows: list[Json] = [
        {
            "behaviour": behaviour or None,
            "times": len(happened),
            "faults": dict(Counter(step.fault for step, _ in happened if step.fault)),
            "longest_ms": max(step.elapsed_ms for step, _ in happened),
            "answered_by": dict(Counter(called.answered_by for _, called in happened if called.answered_by)),
        }
        for behaviour, happened in _by_behaviour(found)
    ]
    return {
        "seed": seed,
        "calls": len(found),
        "answered": sum(not called.error for called in found),
        "failed": dict(Counter(called.error for called in found if called.error)),
        "lost": sum(not called.is_kept for called in found),
        "longest_failover_ms": max((called.failover_ms for called in found), default=0),
        "longest_call_ms": max((called.elapsed_ms for called in found), default=0),
        "behaviours": rows,
        "ok": is_sound,
    }
