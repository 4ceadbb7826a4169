"""The three workloads of the simulated week, and the loop that plays them in virtual time.

Steady chat arrives by the hour of the day whatever becomes of it; agents and the nightly
batch wait for each answer before they ask again. A policy is a generator: it yields what
it sends or how long it waits, and returns the route that answered.
"""

import heapq
import itertools
import math
import random
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from openmux_lc.types.catalog import Route
from tests.routing.week.replies import DAY_S, Reply
from tests.routing.week.world import START, World

WORKLOADS: Final = ("chat", "agents", "batch")

_CHATS_A_DAY: Final = 1500
_BURSTS_A_DAY: Final = 5
_SESSIONS: Final = 8
_BATCH: Final = 2000
_WORKERS: Final = 8
_BATCH_AT_S: Final = 2 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request.

    Args:
        patience_s: After so long an answer is worth nothing.
        difficulty: 0 trivial .. 1 hard, as the classifier would say.
        conversation: Requests of one session carry the same number, others 0.
    """

    at: float
    patience_s: float
    input_tokens: int
    output_tokens: int
    difficulty: float
    has_tools: bool = False
    conversation: int = 0

    @property
    def deadline(self) -> float:
        """Epoch seconds at which nobody waits any more."""
        return self.at + self.patience_s


class Send(NamedTuple):
    """Call that route, and hang up after so many seconds."""

    route: Route
    timeout_s: float = math.inf


class Wait(NamedTuple):
    """Do nothing for so many seconds."""

    seconds: float


Answering = Generator[Send | Wait, Reply | None, Route | None]


class Policy(Protocol):
    """A way to choose, with what it has learned; one for each run."""

    def answer(self, ask: Ask) -> Answering:
        """Yield calls and waits; return the route that answered."""
        ...


class Clock:
    """Virtual time."""

    def __init__(self) -> None:
        """Begin on the Monday."""
        self.now = START

    def __call__(self) -> float:
        """Return epoch seconds."""
        return self.now


@dataclass(slots=True)
class Outcome:
    """What a policy made of a workload.

    Args:
        waits_s: Of every request; who got no answer waited in vain to the last.
        quality: Sum over the answers.
        moments: How often the clock moved; it never went back.
    """

    asked: int = 0
    answered: int = 0
    quality: float = 0.0
    waits_s: list[float] = field(default_factory=list)
    by_route: dict[Route, int] = field(default_factory=dict)
    moments: int = 0


class Loop:
    """Plays requests against the world, everything in one thread of virtual time."""

    def __init__(self, world: World, policy: Policy, clock: Clock) -> None:
        """Begin with nothing to do."""
        self.outcome = Outcome()
        self.clock = clock
        self._world, self._policy = world, policy
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._quality = {
            entry.route: entry.model.quality.get("default", entry.model.capability) for entry in world.entries
        }

    def at(self, moment: float, act: Callable[[], None]) -> None:
        """Do something then."""
        heapq.heappush(self._events, (moment, next(self._numbers), act))

    def begin(self, ask: Ask, then: Callable[[], None] | None = None) -> None:
        """Let the policy answer `ask` now; `then` is done at its end."""
        self.outcome.asked += 1
        self._step(ask, self._policy.answer(ask), None, then)

    def run(self, tell: Callable[[float], None] | None = None) -> Outcome:
        """Play until nothing is left; `tell` hears of each virtual day."""
        day = 0
        while self._events:
            moment, _, act = heapq.heappop(self._events)
            if moment < self.clock.now:
                raise AssertionError(f"time went back from {self.clock.now} to {moment}")
            self.clock.now = moment
            self.outcome.moments += 1
            if tell is not None and (moment - START) // DAY_S > day:
                day = int((moment - START) // DAY_S)
                tell(float(day))
            act()
        return self.outcome

    def _step(self, ask: Ask, steps: Answering, heard: Reply | None, then: Callable[[], None] | None) -> None:
        try:
            order = steps.send(heard)
        except StopIteration as end:
            self._end(ask, end.value)
            if then is not None:
                then()
            return
        now = self.clock.now
        if isinstance(order, Wait):
            self.at(now + max(0.0, order.seconds), lambda: self._step(ask, steps, None, then))
            return
        patience_s = max(0.0, min(order.timeout_s, ask.deadline - now))
        reply, took_s, holds = self._world.call(order.route, ask.input_tokens, ask.output_tokens, now, patience_s)
        if holds:
            self.at(now + took_s, lambda: self._world.end(order.route))
        self.at(now + took_s, lambda: self._step(ask, steps, reply, then))

    def _end(self, ask: Ask, route: Route | None) -> None:
        took_s = self.clock.now - ask.at
        if route is None or took_s > ask.patience_s:
            self.outcome.waits_s.append(ask.patience_s)
            return
        self.outcome.answered += 1
        self.outcome.quality += self._quality[route]
        self.outcome.by_route[route] = self.outcome.by_route.get(route, 0) + 1
        self.outcome.waits_s.append(took_s)


def play(loop: Loop, workload: str, seed: int, days: float) -> None:
    """Put a workload's requests into the loop."""
    dice = random.Random(f"{workload} {seed}")
    {"chat": _chat, "agents": _agents, "batch": _batch}[workload](loop, dice, days)


def _chat(loop: Loop, dice: random.Random, days: float) -> None:
    at, most = START, 2 * _CHATS_A_DAY / DAY_S
    while (at := at + dice.expovariate(most)) < START + days * DAY_S:
        hour = (at - START) % DAY_S / 3600
        if dice.random() > 0.5 - 0.45 * math.cos((hour - 3) / 24 * 2 * math.pi):
            continue
        ask = Ask(
            at=at,
            patience_s=60.0,
            input_tokens=_tokens(dice, 500, 1.0),
            output_tokens=_tokens(dice, 250, 0.7),
            difficulty=_difficulty(dice),
        )
        loop.at(at, lambda ask=ask: loop.begin(ask))


def _agents(loop: Loop, dice: random.Random, days: float) -> None:
    number = 0
    for day in range(math.ceil(days)):
        for _ in range(_BURSTS_A_DAY):
            at = START + day * DAY_S + dice.uniform(8, 20) * 3600
            for _ in range(_SESSIONS):
                number += 1
                turns = [
                    (dice.expovariate(0.5), _tokens(dice, 300, 0.6), _difficulty(dice))
                    for _ in range(dice.randint(10, 60))
                ]
                if at < START + days * DAY_S:
                    _session(loop, at + dice.uniform(0, 20), _tokens(dice, 2000, 0.5), turns, number)


def _session(loop: Loop, at: float, tokens: int, turns: list[tuple[float, int, float]], number: int) -> None:
    """An agent: each step reads all the former ones, within a window of 16,000 tokens."""
    left = iter(turns)
    size = tokens

    def turn() -> None:
        nonlocal size
        following = next(left, None)
        if following is None:
            return
        think_s, output, difficulty = following
        size = min(16_000, size + output)

        def go() -> None:
            loop.begin(
                Ask(
                    at=loop.clock.now,
                    patience_s=90.0,
                    input_tokens=size,
                    output_tokens=output,
                    difficulty=difficulty,
                    has_tools=True,
                    conversation=number,
                ),
                turn,
            )

        loop.at(loop.clock.now + think_s, go)

    loop.at(at, turn)


def _batch(loop: Loop, dice: random.Random, days: float) -> None:
    for day in range(math.ceil(days)):
        rows = [(_tokens(dice, 800, 0.5), _tokens(dice, 300, 0.5), _difficulty(dice)) for _ in range(_BATCH)]
        at = START + day * DAY_S + _BATCH_AT_S
        if at < START + days * DAY_S:
            _night(loop, at, rows)


def _night(loop: Loop, at: float, rows: list[tuple[int, int, float]]) -> None:
    left = iter(rows)

    def work() -> None:
        row = next(left, None)
        if row is None:
            return
        size, output, difficulty = row
        ask = Ask(at=loop.clock.now, patience_s=300.0, input_tokens=size, output_tokens=output, difficulty=difficulty)
        loop.begin(ask, lambda: loop.at(loop.clock.now + 0.05, work))

    for _ in range(_WORKERS):
        loop.at(at, work)


def _tokens(dice: random.Random, middle: int, spread: float) -> int:
    return max(20, min(16_000, int(dice.lognormvariate(math.log(middle), spread))))


def _difficulty(dice: random.Random) -> float:
    return round(20 * dice.betavariate(2, 3)) / 20
