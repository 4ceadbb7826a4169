"""freellmapi's policy in the simulated week, re-stated from its published formulas: it is not on PyPI."""

import math
import random
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from openmux_lc.types.catalog import Limit, PoolEntry, Route
from tests.routing.week.choices import freellmapi_score
from tests.routing.week.load import Answering, Ask, Clock, Send
from tests.routing.week.replies import DAY_S, Reply
from tests.routing.week.world import World, able, limits_of

_ATTEMPTS: Final = 8
_CALL_S: Final = 30.0


@dataclass(slots=True)
class _Known:
    at: float = 0.0
    ok: float = 0.0
    fail: float = 0.0
    tokens_per_s: float | None = None
    first_s: float | None = None
    penalty: float = 0.0
    until: float = 0.0
    hits: list[float] = field(default_factory=list)
    faults: list[float] = field(default_factory=list)


class FreeLLMAPI:
    """freellmapi (August 2026): convex score drawn from a Beta, checks of declared limits, ladder of cooldowns."""

    _WEIGHTS: Final = {"r": 0.5, "s": 0.25, "i": 0.25}
    _LADDER: Final = (120.0, 600.0, 3600.0, DAY_S)

    def __init__(self, world: World, clock: Clock, seed: int) -> None:
        """Begin with nothing known."""
        self._entries, self._clock = world.entries, clock
        self._dice = random.Random(f"freellmapi {seed}")
        self._known = {entry.route: _Known() for entry in world.entries}
        self._uses: dict[str, deque[tuple[float, int]]] = {}
        self._sums: dict[str, int] = {}

    def answer(self, ask: Ask) -> Answering:
        """Take the best score, and after a failure the next; 45 seconds in all."""
        rows = able(self._entries, tokens=ask.input_tokens + ask.output_tokens, has_tools=ask.has_tools)
        tried: set[Route] = set()
        dead: set[str] = set()
        began = self._clock()
        for number in range(_ATTEMPTS):
            now = self._clock()
            if number > 1 and now - began > 45.0:
                return None
            open_rows = [
                entry
                for entry in rows
                if entry.route not in tried
                and entry.route.provider not in dead
                and self._known[entry.route].until <= now
            ]
            scored = [(self._score(entry), entry) for entry in open_rows if self._has_room(entry, ask)]
            if not scored:
                return None
            entry = max(scored, key=lambda pair: pair[0])[1]
            tried.add(entry.route)
            self._count(entry, ask.input_tokens + min(2000, max(1000, ask.output_tokens)), 1)
            sent = self._clock()
            reply = yield Send(entry.route, _CALL_S)
            took_s = self._clock() - sent
            if reply.is_answer:
                self._answered(entry, ask, took_s)
                return entry.route
            self._failed(entry, reply)
            if reply.status in {0, 503}:
                dead.add(entry.route.provider)
        return None

    def _score(self, entry: PoolEntry) -> float:
        known, now = self._known[entry.route], self._clock()
        fade = 0.5 ** ((now - known.at) / (2 * DAY_S)) if known.at else 1.0
        samples = (known.ok + known.fail) * fade
        reliability = self._dice.betavariate(1 + known.ok * fade, 1 + known.fail * fade)
        penalty = max(0.0, known.penalty - (now - known.at) / 120)
        score = freellmapi_score(
            reliability=reliability,
            tokens_per_s=known.tokens_per_s,
            first_s=known.first_s,
            intelligence=entry.model.quality.get("default", entry.model.capability),
            left=min((self._left(entry, limit)[0] / limit.amount for limit in limits_of(entry)), default=1.0),
            penalty=penalty,
            weights=self._WEIGHTS,
        )
        return 1.0 if samples < 5 and self._dice.random() < 0.1 / len(self._entries) else score

    def _has_room(self, entry: PoolEntry, ask: Ask) -> bool:
        tokens = ask.input_tokens + min(2000, max(1000, ask.output_tokens))
        needs = {"requests": 1, "tokens": tokens}
        return all(self._left(entry, limit)[0] >= needs.get(limit.unit, 0) for limit in limits_of(entry))

    def _left(self, entry: PoolEntry, limit: Limit) -> tuple[float, str]:
        now, window = self._clock(), limit.window
        subject = str(entry.route) if limit.scope.endswith("model") else entry.route.provider
        name = f"{subject}|{limit.unit}|{window.kind}|{window.seconds}"
        if limit.unit not in {"requests", "tokens"} or window.kind == "concurrency":
            return math.inf, ""
        if window.kind != "rolling":  # its days are UTC's
            days = 30 if window.kind.endswith("month") else 1
            begins = now - now % DAY_S - (days - 1) * DAY_S
        else:
            begins = now - window.seconds
        uses = self._uses.setdefault(name, deque())
        while uses and uses[0][0] < begins:
            self._sums[name] -= uses.popleft()[1]
        return limit.amount - self._sums.get(name, 0), name

    def _count(self, entry: PoolEntry, tokens: int, requests: int) -> None:
        for limit in limits_of(entry):
            _, name = self._left(entry, limit)
            if name:
                amount = tokens if limit.unit == "tokens" else requests
                self._uses[name].append((self._clock(), amount))
                self._sums[name] = self._sums.get(name, 0) + amount

    def _answered(self, entry: PoolEntry, ask: Ask, took_s: float) -> None:
        known = self._aged(entry.route)
        known.ok += 1
        rate = ask.output_tokens / max(0.05, took_s)
        known.tokens_per_s = rate if known.tokens_per_s is None else 0.7 * known.tokens_per_s + 0.3 * rate
        # Whole answers: their time stands for the first byte's.
        known.first_s = took_s if known.first_s is None else 0.7 * known.first_s + 0.3 * took_s
        reserved = ask.input_tokens + min(2000, max(1000, ask.output_tokens))
        self._count(entry, ask.input_tokens + ask.output_tokens - reserved, 0)

    def _failed(self, entry: PoolEntry, reply: Reply) -> None:
        known, now = self._aged(entry.route), self._clock()
        known.fail += 1
        known.penalty = min(10.0, known.penalty + (3 if reply.status == 429 else 1))
        if reply.status == 429:
            known.until = max(known.until, now + self._ladder_s(entry, known, reply))
        elif reply.status == 404:
            known.until = now + DAY_S
        else:
            known.faults = [at for at in known.faults if now - at < 900] + [now]
            if len(known.faults) >= 3:
                known.until = max(known.until, now + 600)
            if reply.status == -1:
                known.first_s = min(120.0, _CALL_S)

    def _ladder_s(self, entry: PoolEntry, known: _Known, reply: Reply) -> float:
        now = self._clock()
        long = [limit for limit in limits_of(entry) if limit.window.kind != "rolling" or limit.window.seconds >= DAY_S]
        shares = [self._left(entry, limit)[0] / limit.amount for limit in long if limit.window.kind != "concurrency"]
        if shares and min(shares) > 0:
            step_s = 90.0  # the day is healthy: a limit by the minute
        else:
            known.hits = [at for at in known.hits if now - at < DAY_S] + [now]
            step_s = self._LADDER[min(len(known.hits), 4) - 1]
            step_s = step_s if shares else min(step_s, 600.0)
        return max(step_s, reply.wait_s or 0.0)

    def _aged(self, route: Route) -> _Known:
        known, now = self._known[route], self._clock()
        if known.at:
            fade = 0.5 ** ((now - known.at) / (2 * DAY_S))
            known.ok, known.fail = known.ok * fade, known.fail * fade
            known.penalty = max(0.0, known.penalty - (now - known.at) / 120)
        known.at = now
        return known
