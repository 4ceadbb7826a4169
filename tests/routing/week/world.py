"""The hosts of the simulated week: their true limits, their speed, and when they are down.

What a policy is told is the catalog. What holds is drawn from a seed: some limits are
tighter than declared, other programs use the same accounts, hosts die for hours, models
go for good. Nothing here looks at a real clock, and nothing knows the policies.
"""

import math
import random
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from openmux_lc.catalog.catalog import load_catalog
from openmux_lc.catalog.pool import pool_entries
from openmux_lc.quotas import declared_limits
from openmux_lc.settings import Settings
from openmux_lc.types.amounts import to_amounts
from openmux_lc.types.catalog import Limit, PoolEntry, Route
from tests.routing.week.replies import BROKEN, DAY_S, OVERLOADED, TOO_LATE, UNREACHABLE, Reply, answered, gone, over

START: Final = datetime(2026, 11, 2, tzinfo=ZoneInfo("UTC")).timestamp()
"""A Monday."""

_KEYLESS: Final = frozenset({"ovhcloud", "kilo", "llm7", "pollinations"})
_KEYS: Final = 5
"""How many of the hosts that ask for a key the user has one of."""

_SPEED: Final = {
    "groq": (0.2, 0.6, 600.0),
    "nvidia": (0.6, 20.0, 50.0),
    "mistral": (0.5, 8.0, 85.0),
    "ovhcloud": (0.73, 1.3, 60.0),
    "kilo": (1.1, 12.0, 80.0),
    "openrouter": (1.1, 12.0, 70.0),
    "gemini": (0.6, 2.0, 150.0),
    "cloudflare": (0.6, 2.0, 60.0),
    "cohere": (0.5, 1.5, 60.0),
    "codestral": (0.4, 2.0, 100.0),
    "zai": (1.5, 6.0, 50.0),
    "llm7": (2.0, 10.0, 50.0),
    "pollinations": (3.0, 12.0, 60.0),
}
"""Seconds to the first token (median, 95th percentile) and tokens per second after it.

The first five follow timed calls of April to August 2026 (one row for all models of a
host, though they differ); the others, where no measurements were at hand, are assumptions.
"""

_TIGHTER: Final = 0.2
_SHARED: Final = 0.25
_DOWN_PER_WEEK: Final = 1.0
_SLOW_PER_WEEK: Final = 2.0
_GONE: Final = 4
_BROKEN: Final = 0.01
_REFUSAL_S: Final = 0.15


@dataclass(slots=True)
class Meter:
    """One true limit: what was used of it, exactly.

    Args:
        amount: What the host really grants.
        foreign: The share that other users of the account take in each window.
    """

    limit: Limit
    amount: float
    foreign: float = 0.0
    most: float = 0.0
    _events: deque[tuple[float, int]] = field(default_factory=deque)
    _sum: int = 0
    _period: str = ""

    @property
    def told(self) -> Limit:
        """The limit as the host itself states it."""
        return replace(self.limit, amount=int(self.amount))

    def left(self, now: float) -> float:
        """Return what is left at `now`, after what others took."""
        self._age(now)
        return self.amount * (1 - self.foreign * self._elapsed(now)) - self._sum

    def take(self, now: float, amount: int) -> None:
        """Count a use."""
        self._age(now)
        self._sum += amount
        self.most = max(self.most, self._sum)
        if self.limit.window.kind == "rolling":
            self._events.append((now, amount))

    def give_back(self, amount: int) -> None:
        """End a concurrent call."""
        self._sum -= amount

    def resets_at(self, now: float) -> float:
        """Return when something comes back."""
        if self.limit.window.kind == "rolling":
            return self._events[0][0] + self.limit.window.seconds if self._events else now + 60.0
        if self.limit.window.kind == "concurrency":
            return now + 5.0
        return self._bounds(now)[1]

    def _age(self, now: float) -> None:
        window = self.limit.window
        if window.kind == "rolling":
            while self._events and self._events[0][0] <= now - window.seconds:
                self._sum -= self._events.popleft()[1]
        elif window.kind != "concurrency":
            begins = str(self._bounds(now)[0])
            if begins != self._period:
                self._period, self._sum = begins, 0

    def _bounds(self, now: float) -> tuple[float, float]:
        zone = ZoneInfo(self.limit.window.zone)
        local = datetime.fromtimestamp(now, zone)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        if self.limit.window.kind == "calendar_day":
            return midnight.timestamp(), (midnight + timedelta(days=1)).timestamp()
        first = midnight.replace(day=1)
        return first.timestamp(), (first + timedelta(days=32)).replace(day=1).timestamp()

    def _elapsed(self, now: float) -> float:
        if not self.foreign or not self.limit.window.kind.startswith("calendar"):
            return 1.0
        begins, ends = self._bounds(now)
        return (now - begins) / (ends - begins)


@dataclass(frozen=True, slots=True)
class Phase:
    """Some hours in which a host is not as usual: dead in one of three ways, or slow."""

    begins: float
    ends: float
    kind: str


@dataclass(slots=True)
class Tally:
    """What one policy provoked."""

    sent: int = 0
    refused: int = 0
    dead: int = 0
    broken: int = 0
    late: int = 0


class World:
    """All hosts, for one policy and one workload; the same seed makes the same world."""

    def __init__(self, seed: int, days: float) -> None:
        """Draw what is true this time."""
        dice = random.Random(f"world {seed}")
        self.entries = _entries(dice)
        self.tally = Tally()
        self._dice = random.Random(f"calls {seed}")
        self._meters: dict[str, Meter] = {}
        self._of: dict[Route, tuple[Meter, ...]] = {}
        self._entry = {entry.route: entry for entry in self.entries}
        providers = sorted({entry.route.provider for entry in self.entries})
        shared = {name: dice.uniform(0.1, 0.4) for name in providers if dice.random() < _SHARED}
        for entry in self.entries:
            self._of[entry.route] = tuple(self._meter(entry, limit, shared, dice) for limit in limits_of(entry))
        end = START + days * DAY_S
        self._phases = {name: _phases(dice, end) for name in providers}
        self._model_speed = {entry.route: dice.lognormvariate(0.0, 0.35) for entry in self.entries}
        leaving = dice.sample([entry.route for entry in self.entries], min(_GONE, len(self.entries)))
        self._gone_at = {route: dice.uniform(START, end) for route in leaving}

    def call(
        self, route: Route, input_tokens: int, output_tokens: int, now: float, patience_s: float
    ) -> tuple[Reply, float, bool]:
        """Return what comes of a call sent at `now`, how long that takes, and whether it holds a place.

        The caller hangs up after `patience_s`; what the host has counted stays counted.
        """
        self.tally.sent += 1
        reply, took_s = self._reply(route, input_tokens, output_tokens, now)
        holds = reply.is_answer and any(meter.limit.window.kind == "concurrency" for meter in self._of[route])
        if took_s > patience_s:
            self.tally.late += 1
            return TOO_LATE, patience_s, holds
        self.tally.refused += reply.status == 429
        self.tally.dead += reply.status in {0, 404, 503}
        self.tally.broken += reply.status == 500
        return reply, took_s, holds

    def end(self, route: Route) -> None:
        """Note that a call the host accepted is over."""
        for meter in self._of[route]:
            if meter.limit.window.kind == "concurrency":
                meter.give_back(1)

    @property
    def meters(self) -> Sequence[Meter]:
        """Every true limit."""
        return tuple(self._meters.values())

    def _reply(self, route: Route, input_tokens: int, output_tokens: int, now: float) -> tuple[Reply, float]:
        phase = next((each for each in self._phases[route.provider] if each.begins <= now < each.ends), None)
        if phase is not None and phase.kind != "slow":
            return {"unreachable": (UNREACHABLE, 0.05), "overloaded": (OVERLOADED, 0.3), "mute": (TOO_LATE, math.inf)}[
                phase.kind
            ]
        if now >= self._gone_at.get(route, math.inf):
            return gone(route.model), _REFUSAL_S
        entry = self._entry[route]
        amounts = to_amounts(entry.provider, entry.model, input_tokens=input_tokens, output_tokens=output_tokens)
        wanted = [(meter, amounts.get(meter.limit.unit, 0)) for meter in self._of[route]]
        short = [(meter, amount) for meter, amount in wanted if amount > meter.left(now)]
        if short:
            meter, amount = max(short, key=lambda pair: pair[0].resets_at(now))
            return over(route.provider, meter.told, now, meter.resets_at(now), amount), _REFUSAL_S
        if self._dice.random() < _BROKEN:
            return BROKEN, 1.0
        for meter, amount in wanted:
            meter.take(now, amount)
        first_s, p95_s, rate = _SPEED[route.provider]
        sigma = math.log(p95_s / first_s) / 1.645
        took_s = self._dice.lognormvariate(math.log(first_s), sigma) + output_tokens / rate
        slow = 5.0 if phase is not None else 1.0
        left = [(meter.told, meter.left(now), meter.resets_at(now) - now) for meter in self._of[route]]
        return answered(route.provider, left), took_s * self._model_speed[route] * slow

    def _meter(self, entry: PoolEntry, limit: Limit, shared: dict[str, float], dice: random.Random) -> Meter:
        subject = str(entry.route) if limit.scope.endswith("model") else entry.route.provider
        name = f"{subject}|{limit.scope}|{limit.unit}|{limit.window}"
        if name not in self._meters:
            is_tight = dice.random() < _TIGHTER and limit.window.kind != "concurrency"
            amount = max(1.0, math.floor(limit.amount * (dice.uniform(0.4, 0.9) if is_tight else 1.0)))
            foreign = (
                shared.get(entry.route.provider, 0.0)
                if limit.window.kind != "concurrency" and limit.amount > 5
                else 0.0
            )
            self._meters[name] = Meter(limit, amount, foreign)
        return self._meters[name]


def limits_of(entry: PoolEntry) -> tuple[Limit, ...]:
    """Return what the catalog declares for a route; what every policy is told."""
    return declared_limits(entry.provider, entry.model.id)


def able(entries: Iterable[PoolEntry], *, tokens: int, has_tools: bool) -> list[PoolEntry]:
    """Return the routes whose window fits and that are not known to be unable to call tools."""
    return [
        entry
        for entry in entries
        if not (has_tools and entry.model.profile.get("tool_calling") is False)
        and tokens <= (entry.model.profile.get("max_input_tokens") or tokens)
    ]


def _entries(dice: random.Random) -> tuple[PoolEntry, ...]:
    """Return the routes of the hosts that this user can reach: all keyless ones, and those of a few keys."""
    settings = Settings()
    every = pool_entries(load_catalog(settings), settings=settings, has_key=lambda _: True)
    usable = [entry for entry in every if entry.route.provider in _SPEED and "chat" in entry.model.tasks]
    usable = [replace(entry, blocked="") for entry in usable if not entry.blocked or "address" in entry.blocked]
    keyed = sorted({entry.route.provider for entry in usable} - _KEYLESS)
    chosen = {*_KEYLESS, *dice.sample(keyed, _KEYS)}
    return tuple(entry for entry in usable if entry.route.provider in chosen)


def _phases(dice: random.Random, end: float) -> tuple[Phase, ...]:
    found: list[Phase] = []
    for kinds, per_week, longest_h in (
        (("unreachable", "overloaded", "mute"), _DOWN_PER_WEEK, 8.0),
        (("slow",), _SLOW_PER_WEEK, 5.0),
    ):
        at = START
        while (at := at + dice.expovariate(per_week / (7 * DAY_S))) < end:
            until = at + dice.uniform(0.5, longest_h) * 3600
            found.append(Phase(at, until, dice.choice(kinds)))
            at = until
    return tuple(found)
