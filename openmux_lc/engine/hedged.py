"""A call that may be asked twice: the first answer counts, the other request is given up.

In async code the loser's task is cancelled and awaited. In sync code it stays behind on
a daemon thread: its socket is shut down once its stream is open, and it settles its own
reservation; what becomes of it is booked and not told.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from openmux_lc.engine.attempt import aattempt, aopen_stream, attempt, open_stream
from openmux_lc.engine.segment import AsyncSegment, Segment
from openmux_lc.ledger.hedges import HedgeBudget
from openmux_lc.routing.hedge import Hedge, to_hedge
from openmux_lc.types.catalog import Route
from openmux_lc.types.run import Attempt, Outcome
from openmux_lc.types.timing import Hedged
from openmux_lc.waits import patience_s

if TYPE_CHECKING:
    from openmux_lc.engine.run_state import Run
    from openmux_lc.mux import Mux

__all__ = ["acall_hedged", "call_hedged", "find_hedge"]


def find_hedge(mux: Mux, run: Run, first: Route) -> Hedge | None:
    """Return whom to ask as well if `first` is late; None where hedging is off, or was done in this run."""
    if not run.options.hedge or run.plan is None or run.hedged is not None:
        return None
    asked = frozenset(attempt.route for attempt in run.attempts)
    return to_hedge(run.plan, first, asked, mux.snapshot(), is_stream=run.streams)


def call_hedged(mux: Mux, run: Run, first: Route, hedge: Hedge) -> Segment | None:
    """Ask `first`, and the second as well once the first is late; return the opened stream where one is wanted."""
    budget = HedgeBudget(mux.ledger, run.options.hedge_share)
    budget.count()
    race = _ThreadRace(mux, run)
    race.begin(first)
    if race.wait(hedge.after_s) or run.remaining_s <= 0 or not budget.take():
        race.wait(run.remaining_s)
        return race.end()
    run.hedged = Hedged(first=first, second=hedge.route, after_s=hedge.after_s)
    race.begin(hedge.route)
    race.wait(run.remaining_s)
    return race.end()


async def acall_hedged(mux: Mux, run: Run, first: Route, hedge: Hedge) -> AsyncSegment | None:
    """Ask `first`, and the second as well once the first is late; return the opened stream where one is wanted."""
    budget = HedgeBudget(mux.ledger, run.options.hedge_share)
    await budget.acount()
    race = _TaskRace(mux, run)
    try:
        race.begin(first)
        if not await race.wait(hedge.after_s) and run.remaining_s > 0 and await budget.atake():
            run.hedged = Hedged(first=first, second=hedge.route, after_s=hedge.after_s)
            race.begin(hedge.route)
        await race.wait(run.remaining_s)
    finally:
        stream = await race.end()
    return stream


class _Race:
    """What both races share: who takes part, who has won, and what is told of the others."""

    def __init__(self, mux: Mux, run: Run) -> None:
        self.mux, self.run = mux, run
        self.started: dict[Route, float] = {}
        self.winner: Route | None = None

    def give_up(self, loser: Route) -> None:
        """Let `loser` go: from now on nobody waits for it."""
        run = self.run
        run.outrun.add(loser)
        run.answers[:] = [answer for answer in run.answers if answer.route != loser]
        if not any(attempt.route == loser for attempt in run.attempts):
            outcome: Outcome = "outrun" if self.winner is not None else "abandoned"
            elapsed_s = time.monotonic() - self.started[loser]
            run.attempts.insert(
                max(0, len(run.attempts) - (self.winner is not None and not run.streams)),
                Attempt(route=loser, outcome=outcome, elapsed_s=elapsed_s, waited_s=run.waited_s),
            )

    def tell(self) -> None:
        """Say in the report how a second request went."""
        run, hedged, winner = self.run, self.run.hedged, self.winner
        if hedged is None or hedged.first not in self.started or hedged.second not in self.started:
            return
        gained_s = self._gained_s(hedged.first) if winner == hedged.second else None
        run.hedged = Hedged(
            first=hedged.first, second=hedged.second, after_s=hedged.after_s, won=winner, gained_s=gained_s
        )
        won = f"{winner} won" if winner else "neither answered"
        gained = "" if gained_s is None else f", {gained_s * 1000:.0f} ms at most were gained"
        run.notes.append(
            f"hedged: {hedged.second} was asked as well, as {hedged.first} took longer than "
            f"{hedged.after_s * 1000:.0f} ms; {won}{gained}"
        )

    def _gained_s(self, first: Route) -> float:
        """Return how much longer the first one would have been waited for."""
        provider = self.mux.catalog.provider(first.provider)
        elapsed_s = time.monotonic() - self.started[first]
        left_s = self.run.remaining_s + elapsed_s
        whole_s = patience_s(provider, left_s, self.run.options, is_last=False, is_stream=self.run.streams)
        return max(0.0, whole_s - elapsed_s)


class _ThreadRace(_Race):
    """A race of daemon threads."""

    def __init__(self, mux: Mux, run: Run) -> None:
        super().__init__(mux, run)
        self._ends: queue.SimpleQueue[tuple[Route, Segment | None, BaseException | None]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._is_over = False
        self._running: set[Route] = set()
        self._stream: Segment | None = None

    def begin(self, route: Route) -> None:
        """Send a request on a thread of its own."""
        self.started[route] = time.monotonic()
        self._running.add(route)
        name = f"openmux-{self.run.id[:8]}-{len(self.started)}"
        threading.Thread(target=self._work, args=(route,), daemon=True, name=name).start()

    def wait(self, seconds: float) -> bool:
        """Return whether there is an answer, or nobody left who could give one, within so many seconds."""
        ends_at = time.monotonic() + seconds
        while self._running and self.winner is None:
            try:
                route, stream, error = self._ends.get(timeout=max(0.0, ends_at - time.monotonic()))
            except queue.Empty:
                return False
            self._running.discard(route)
            if error is not None:
                raise error
            if stream is not None or any(answer.route == route for answer in self.run.answers):
                self.winner, self._stream = route, stream
        return True

    def end(self) -> Segment | None:
        """Give up whoever is still on the way, and return the winner's stream."""
        with self._lock:
            self._is_over = True
        for route in tuple(self._running):
            self.give_up(route)
            opening = self.run.opening.get(route)
            if opening is not None:
                opening.hang_up()
        while not self._ends.empty():  # who came in just now
            _, late, _ = self._ends.get()
            if late is not None:
                late.close()
        self.tell()
        return self._stream

    def _work(self, route: Route) -> None:
        ask: Callable[[Mux, Run, int, Route], Segment | None] = open_stream if self.run.streams else _no_stream
        try:
            stream = ask(self.mux, self.run, 0, route)
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread, which raises it
            self._ends.put((route, None, error))
            return
        with self._lock:
            if not self._is_over:
                self._ends.put((route, stream, None))
                return
        if stream is not None:
            stream.close()


class _TaskRace(_Race):
    """A race of tasks."""

    def __init__(self, mux: Mux, run: Run) -> None:
        super().__init__(mux, run)
        self._tasks: dict[asyncio.Task[AsyncSegment | None], Route] = {}

    def begin(self, route: Route) -> None:
        """Send a request in a task of its own."""
        self.started[route] = time.monotonic()
        ask = aopen_stream if self.run.streams else _no_astream
        self._tasks[asyncio.ensure_future(ask(self.mux, self.run, 0, route))] = route

    async def wait(self, seconds: float) -> bool:
        """Return whether there is an answer, or nobody left who could give one, within so many seconds."""
        ends_at = time.monotonic() + seconds
        while self.winner is None:
            pending = [task for task in self._tasks if not task.done()]
            self.winner = self._first_to_answer()
            if self.winner or not pending:
                return True
            left_s = ends_at - time.monotonic()
            if left_s <= 0:
                return False
            await asyncio.wait(pending, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
        return True

    async def end(self) -> AsyncSegment | None:
        """Cancel whoever is still on the way, wait until it is booked, and return the winner's stream."""
        kept: AsyncSegment | None = None
        for task, route in self._tasks.items():
            is_running = not task.done()
            if is_running:
                self.give_up(route)
                task.cancel()
            found = (await asyncio.gather(task, return_exceptions=True))[0]
            if not isinstance(found, AsyncSegment):
                continue
            if route == self.winner:
                kept = found
            else:
                self.give_up(route)
                await found.aclose()
        self.tell()
        return kept

    def _first_to_answer(self) -> Route | None:
        answered = {answer.route for answer in self.run.answers}
        done = [(task.result(), route) for task, route in self._tasks.items() if task.done()]
        winners = (route for stream, route in done if stream is not None or route in answered)
        return next(winners, None)


def _no_stream(mux: Mux, run: Run, branch: int, route: Route) -> None:
    attempt(mux, run, branch, route)


async def _no_astream(mux: Mux, run: Run, branch: int, route: Route) -> AsyncSegment | None:
    await aattempt(mux, run, branch, route)
    return None
