"""One wave: the calls that the policy names, side by side.

In async code losers are cancelled and awaited. In sync code they run on daemon
threads, because an executor would join them at exit; those left behind at the
deadline settle their own reservation and are reported as `abandoned`.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from typing import TYPE_CHECKING

from openmux_lc.engine.attempt import aattempt, aopen_stream, attempt, open_stream
from openmux_lc.engine.hedged import acall_hedged, call_hedged, find_hedge
from openmux_lc.types.run import Attempt, Wave

if TYPE_CHECKING:
    from openmux_lc.engine.run_state import Run
    from openmux_lc.engine.segment import AsyncSegment, Segment
    from openmux_lc.mux import Mux

__all__ = ["arun_wave", "run_wave"]


def run_wave(mux: Mux, run: Run, wave: Wave) -> Segment | None:
    """Make the calls of a wave; return the opened stream where one is wanted."""
    run.wait(wave.wait_s)
    if len(wave.calls) == 1:
        branch, route = wave.calls[0]
        if (hedge := find_hedge(mux, run, route)) is not None:
            return call_hedged(mux, run, route, hedge)
        if run.streams:
            return open_stream(mux, run, branch, route)
        attempt(mux, run, branch, route)
        return None
    _side_by_side(mux, run, wave)
    return None


async def arun_wave(mux: Mux, run: Run, wave: Wave) -> AsyncSegment | None:
    """Make the calls of a wave; return the opened stream where one is wanted."""
    await run.await_s(wave.wait_s)
    if len(wave.calls) == 1:
        branch, route = wave.calls[0]
        if (hedge := find_hedge(mux, run, route)) is not None:
            return await acall_hedged(mux, run, route, hedge)
        if run.streams:
            return await aopen_stream(mux, run, branch, route)
        await aattempt(mux, run, branch, route)
        return None
    tasks = [asyncio.ensure_future(aattempt(mux, run, branch, route)) for branch, route in wave.calls]
    try:
        done, _ = await asyncio.wait(tasks, timeout=run.remaining_s)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return None


def _side_by_side(mux: Mux, run: Run, wave: Wave) -> None:
    """Run the calls on threads until all are done or the deadline passes."""
    ends: queue.SimpleQueue[tuple[int, BaseException | None]] = queue.SimpleQueue()

    def work(number: int) -> None:
        branch, route = wave.calls[number]
        try:
            attempt(mux, run, branch, route)
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread, which raises it
            ends.put((number, error))
        else:
            ends.put((number, None))

    for number in range(len(wave.calls)):
        threading.Thread(target=work, args=(number,), daemon=True, name=f"openmux-{run.id[:8]}-{number}").start()
    pending = set(range(len(wave.calls)))
    while pending and run.remaining_s > 0:
        try:
            number, error = ends.get(timeout=run.remaining_s)
        except queue.Empty:
            break
        pending.discard(number)
        if error is not None:
            raise error
    now = time.monotonic()
    for number in pending:
        branch, route = wave.calls[number]
        run.attempts.append(Attempt(route=route, branch=branch, outcome="abandoned", elapsed_s=now - run.started))
