"""The peers' policies in the simulated week: their choices, with their own cooldowns and retries.

Each is told what the shipped catalog declares, as far as it has a place for it. Where a
peer has a setting instead of a rule, we chose: as many attempts as ours, 30 seconds for
one call. freellmpool has neither: it walks its whole order, and one call may take all the
time that is left, as in its code. Only choices are compared with the peers' own code;
cooldowns and retries are re-stated from reading it.
"""

import math
import random
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from openmux_lc.types.catalog import Limit, PoolEntry, Route
from tests.routing.week.choices import (
    Load,
    Seen,
    freellmpool_order,
    litellm_latency,
    litellm_usage,
)
from tests.routing.week.load import Answering, Ask, Clock, Send, Wait
from tests.routing.week.replies import DAY_S, Reply
from tests.routing.week.world import World, able, limits_of

_ATTEMPTS: Final = 8
_CALL_S: Final = 30.0
_ACCOUNT_WORDS: Final = ("depleted your monthly", "used up your daily free allocation", "insufficient credits")


class RoundRobin:
    """The next route each time, and the one after it when that fails; it remembers nothing."""

    def __init__(self, world: World, *_: object) -> None:
        """Begin with the first."""
        self._entries = world.entries
        self._next = 0

    def answer(self, ask: Ask) -> Answering:
        """Try eight in turn."""
        rows = able(self._entries, tokens=ask.input_tokens + ask.output_tokens, has_tools=ask.has_tools)
        for _ in range(min(_ATTEMPTS, len(rows))):
            route = rows[self._next % len(rows)].route
            self._next += 1
            reply = yield Send(route, _CALL_S)
            if reply.is_answer:
                return route
        return None


@dataclass(slots=True)
class _Circuit:
    state: str = "closed"
    open_until: float = 0.0
    trial_until: float = 0.0
    in_a_row: int = 0
    openings: int = 0
    lease: int = 0
    changed_at: float = 0.0


@dataclass(slots=True)
class _Figures:
    ok: int = 0
    fail: int = 0
    latency_ms: float | None = None


class FreeLLMPool:
    """freellmpool 0.13: usage tiers, provider-first wave, one minute's rest after a 429, circuits of 60 s and more."""

    def __init__(self, world: World, clock: Clock, *_: object, mode: Literal["fair", "spread"] = "fair") -> None:
        """Begin with nothing used."""
        self._entries, self._clock, self._mode = world.entries, clock, mode
        self._used: dict[tuple[str, Route], int] = {}
        self._per_day = {entry.route: _requests_a_day(entry) for entry in world.entries}
        self._figures = {entry.route: _Figures() for entry in world.entries}
        self._circuits: dict[str, _Circuit] = {}
        self._rests: dict[str, float] = {}

    def answer(self, ask: Ask) -> Answering:  # noqa: C901 - one loop there, and here
        """Walk its whole order: one route a provider, then those that may be asked again, then the rest."""
        rows = able(self._entries, tokens=ask.input_tokens + ask.output_tokens, has_tools=ask.has_tools)
        now = self._clock()
        order = self._order(rows)
        order = sorted(order, key=lambda route: self._rests.get(route.provider, 0.0) > now)
        first: dict[str, Route] = {}
        for route in order:
            first.setdefault(route.provider, route)
        pending = deque(first.values())
        later = deque(route for route in order if first[route.provider] != route)
        again: deque[tuple[Route, float, dict[str, int]]] = deque()
        refused: set[str] = set()
        while pending or again or later:
            leases: dict[str, int] | None = None
            is_first = False
            if pending:
                route, is_first = pending.popleft(), True
            elif again:
                route, wait_s, leases = again.popleft()
                if self._clock() + wait_s >= ask.deadline:
                    continue
                yield Wait(wait_s)
            else:
                route = later.popleft()
            if route.provider in refused and leases is None:
                continue
            if self._clock() >= ask.deadline:
                return None
            leases = leases or self._acquire(route)
            if leases is None:
                continue
            began = self._clock()
            reply = yield Send(route)
            if reply.is_answer:
                self._answered(route, leases, (self._clock() - began) * 1000)
                return route
            hint_s = _hint_s(reply, self._clock())
            self._failed(route, reply, leases, began, hint_s)
            is_spent = reply.status == 429 and any(words in reply.body for words in _ACCOUNT_WORDS)
            if reply.status == 429:
                refused.add(route.provider)
            # A timeout is no reason to ask again; 429, 5xx and a connection that did not come about are.
            if is_first and not is_spent and (reply.status in {0, 429} or reply.status >= 500):
                again.append((route, 0.2 if hint_s is None else hint_s, leases))
        return None

    def _order(self, rows: list[PoolEntry]) -> list[Route]:
        day = _utc_day(self._clock())
        seen = [self._seen(entry, day) for entry in rows]
        return [Route(each.provider, each.model) for each in freellmpool_order(seen, self._mode)]

    def _seen(self, entry: PoolEntry, day: str) -> Seen:
        route, figures = entry.route, self._figures[entry.route]
        circuit = self._circuits.get(str(route))
        return Seen(
            route.provider,
            route.model,
            self._used.get((day, route), 0),
            self._per_day[route],
            figures.ok,
            figures.fail,
            figures.latency_ms,
            circuit.state if circuit else "",
            circuit.in_a_row if circuit else 0,
        )

    def _acquire(self, route: Route) -> dict[str, int] | None:
        now = self._clock()
        rows = {name: self._circuits.setdefault(name, _Circuit()) for name in (f"{route.provider}/*", str(route))}
        for row in rows.values():
            if (row.state == "open" and row.open_until > now) or (row.state == "half_open" and row.trial_until > now):
                return None
        for row in rows.values():
            row.lease += 1
            if row.state != "closed":
                row.state, row.trial_until = "half_open", now + 30.0
        return {name: row.lease for name, row in rows.items()}

    def _answered(self, route: Route, leases: Mapping[str, int], took_ms: float) -> None:
        figures = self._figures[route]
        figures.ok += 1
        old = figures.latency_ms
        figures.latency_ms = took_ms if old is None else 0.3 * took_ms + 0.7 * old
        key = (_utc_day(self._clock()), route)
        self._used[key] = self._used.get(key, 0) + 1
        for name, lease in leases.items():
            if self._circuits[name].lease == lease:
                self._circuits[name] = _Circuit(lease=lease, changed_at=self._clock())

    def _failed(
        self, route: Route, reply: Reply, leases: Mapping[str, int], began: float, hint_s: float | None
    ) -> None:
        now = self._clock()
        is_health = reply.status in {-1, 0, 429} or reply.status >= 500
        if is_health:
            self._figures[route].fail += 1
        is_spent = any(words in reply.body for words in _ACCOUNT_WORDS)
        if reply.status == 429:
            rest_s = 900.0 if is_spent else 60.0
            self._rests[route.provider] = max(self._rests.get(route.provider, 0.0), now + rest_s)
        names = [str(route)] + ([f"{route.provider}/*"] if reply.status == 429 else [])
        for name in names:
            row = self._circuits[name]
            if row.lease != leases[name] or row.changed_at > began:
                continue
            row.changed_at = now
            if not is_health:
                if row.state == "half_open":
                    self._circuits[name] = _Circuit(lease=row.lease, changed_at=now)
                continue
            row.in_a_row += 1
            if reply.status == 429 or row.state == "half_open" or row.in_a_row >= 3:
                row.openings += 1
                longest_s = min(3600.0, 60.0 * 2 ** min(row.openings - 1, 10))
                told_s = max(hint_s or 0.0, 900.0) if is_spent and name.endswith("/*") else hint_s
                row.state, row.open_until = "open", now + (longest_s if told_s is None else told_s)


class LiteLLM:
    """LiteLLM's Router 1.110: one group of all routes, their declared limits by the minute, 5 s cooldowns."""

    def __init__(self, world: World, clock: Clock, seed: int, mode: Literal["usage", "latency"] = "usage") -> None:
        """Begin with nothing used."""
        self._entries, self._clock, self._mode = world.entries, clock, mode
        self._dice = random.Random(f"litellm {seed}")
        self._limits = {entry.route: _by_minute(limits_of(entry)) for entry in world.entries}
        self._minute = 0
        self._tokens: dict[Route, int] = {}
        self._requests: dict[Route, int] = {}
        self._results: dict[Route, list[int]] = {}
        self._cool: dict[Route, float] = {}
        self._latencies: dict[Route, deque[float]] = {}
        self._measured_at = 0.0

    def answer(self, ask: Ask) -> Answering:
        """Draw a deployment, and after a failure another one."""
        rows = able(self._entries, tokens=ask.input_tokens + ask.output_tokens, has_tools=ask.has_tools)
        by_name = {str(entry.route): entry.route for entry in rows}
        for number in range(_ATTEMPTS):
            self._roll()
            well = [entry for entry in rows if self._cool.get(entry.route, 0.0) <= self._clock()]
            loads = [self._load(entry.route) for entry in well]
            choose = litellm_usage if self._mode == "usage" else litellm_latency
            names = choose(loads, ask.input_tokens)
            if not names:
                yield Wait(min(8.0, 0.5 * 2.0**number))
                continue
            route = by_name[self._dice.choice(names)]
            if self._mode == "usage":  # counted before the call; the other strategy counts answers
                self._requests[route] = self._requests.get(route, 0) + 1
                if self._requests[route] > self._limits[route][1]:
                    continue
            began = self._clock()
            reply = yield Send(route, _CALL_S)
            self._roll()
            if reply.is_answer:
                self._answered(route, ask, self._clock() - began)
                return route
            self._failed(route, reply)
        return None

    def _load(self, route: Route) -> Load:
        tokens, requests = self._limits[route]
        return Load(
            str(route),
            self._tokens.get(route, 0),
            self._requests.get(route, 0),
            tokens,
            requests,
            tuple(self._latencies.get(route, ())),
        )

    def _answered(self, route: Route, ask: Ask, took_s: float) -> None:
        self._tokens[route] = self._tokens.get(route, 0) + ask.input_tokens + ask.output_tokens
        if self._mode == "latency":
            self._requests[route] = self._requests.get(route, 0) + 1
        self._measure(route, took_s / ask.output_tokens)
        self._results.setdefault(route, [0, 0])[0] += 1

    def _failed(self, route: Route, reply: Reply) -> None:
        results = self._results.setdefault(route, [0, 0])
        results[1] += 1
        if reply.status == -1:
            self._measure(route, 1000.0)
        is_often = sum(results) >= 5 and results[1] / sum(results) > 0.5
        # A 408 counts as worth another try, a connection error never cools.
        if reply.status in {404, 429} or (is_often and reply.status != 0):
            self._cool[route] = self._clock() + (5.0 if reply.wait_s is None else reply.wait_s)

    def _measure(self, route: Route, seconds: float) -> None:
        # One hour after the last write the whole map is forgotten.
        if self._clock() - self._measured_at > 3600:
            self._latencies.clear()
        self._measured_at = self._clock()
        self._latencies.setdefault(route, deque(maxlen=10)).append(seconds)

    def _roll(self) -> None:
        minute = int(self._clock() // 60)
        if minute != self._minute:
            self._minute = minute
            self._tokens.clear()
            self._requests.clear()
            self._results.clear()
        if self._clock() - self._measured_at > 3600:
            self._latencies.clear()


def _hint_s(reply: Reply, now: float) -> float | None:
    if reply.wait_s is not None:
        return reply.wait_s
    reset = reply.headers.get("x-ratelimit-reset")
    return max(0.0, float(reset) / 1000 - now) if reset else None


def _utc_day(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d")


def _requests_a_day(entry: PoolEntry) -> int:
    """Return the catalog's requests a day, which is what freellmpool has a place for."""
    amounts = [
        limit.amount
        for limit in limits_of(entry)
        if limit.unit == "requests" and (limit.window.kind == "calendar_day" or limit.window.seconds == DAY_S)
    ]
    return min(amounts, default=0)


def _by_minute(limits: tuple[Limit, ...]) -> tuple[float, float]:
    """Return tokens and requests a minute, which is what LiteLLM has a place for."""
    found = {"tokens": math.inf, "requests": math.inf}
    for limit in limits:
        if limit.window.kind == "rolling" and limit.window.seconds <= 60 and limit.unit in found:
            found[limit.unit] = min(found[limit.unit], limit.amount * 60 / limit.window.seconds)
    return found["tokens"], found["requests"]
