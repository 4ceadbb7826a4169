"""The ledger's rows in memory, and the snapshot that routing reads.

It does no I/O. What has not changed is not computed again: a snapshot costs a few
microseconds, however many routes are known.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import replace
from heapq import heappop, heappush
from typing import Final, NamedTuple

from openmux_lc.ledger.batch import SeenRefusal, add_refusals
from openmux_lc.ledger.health import Health, is_ahead, pause, room_at
from openmux_lc.ledger.learned import Learned
from openmux_lc.ledger.quota import Account, Counter, headroom, to_account
from openmux_lc.ledger.stats import Sample, Stats, decayed, fold
from openmux_lc.ledger.store import Refused
from openmux_lc.types.catalog import Route
from openmux_lc.types.state import Cooldown, CooldownSource, RouteState, Snapshot, longest

__all__ = ["Mirror"]

_AGES_S: Final = 600.0
"""How often decayed counts are brought up to date; they halve in two days."""

_CALMS_S: Final = 30.0
"""How often trouble is brought up to date; it is gone in minutes."""

_LONG_WINDOW_S: Final = 6 * 3600.0
"""A quota of so many seconds bounds the day's work; a shorter one bounds bursts."""

_UNKNOWN: Final = Health()
_UNMEASURED: Final = Stats()
_NOTHING: Final[Refused] = {}
_UNTAUGHT: Final[Mapping[str, Learned]] = {}
_MOST_OWN: Final = 1_000


class _Gauge(NamedTuple):
    """What one counter says now."""

    share: float
    changes_at: float
    used_up_until: float


class Mirror:
    """What this process knows of the store; safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counters: dict[str, Counter] = {}
        self._health: dict[str, Health] = {}
        self._stats: dict[str, Stats] = {}
        self._learned: Mapping[str, Learned] = {}
        self._learned_of: dict[str, dict[str, Learned]] = {}  # by subject
        self._refusals: Mapping[str, Refused] = {}
        self._own_refusals: deque[SeenRefusal] = deque(maxlen=_MOST_OWN)
        self._accounts: dict[str, Account] = {}
        self._names: dict[str, set[str]] = {}  # counters by subject
        self._by_provider: dict[str, set[str]] = {}  # known routes
        self._gauges: dict[str, _Gauge] = {}
        self._changes: list[tuple[float, str]] = []  # heap of (time, counter)
        self._stale_counters: set[str] = set()
        self._stale_routes: set[str] = set()
        self._pauses_change_at = 0.0
        self._looked_at = 0.0
        self._is_stuck = False
        self._aged_at = 0.0
        self._calmed_at = 0.0
        self._troubled: set[str] = set()
        self._routes: Mapping[Route, RouteState] = {}
        self._cooldowns: Mapping[str, Cooldown] = {}

    def health(self, name: str) -> Health:
        """Return what is known of a route's or provider's health."""
        return self._health.get(name, _UNKNOWN)

    def refused(self, name: str) -> Refused:
        """Return what a route is known to refuse."""
        return self._refusals.get(name, _NOTHING)

    @property
    def learned(self) -> Mapping[str, Learned]:
        """Every limit that was told, by account name."""
        return self._learned

    def learned_of(self, route: Route) -> Mapping[str, Learned]:
        """Return the limits that were told about a route and its provider, by account name."""
        about = self._learned_of
        return {**about.get(route.provider, _UNTAUGHT), **about.get(str(route), _UNTAUGHT)} if about else _UNTAUGHT

    @property
    def refusals(self) -> Mapping[str, Refused]:
        """What every route is known to refuse."""
        return self._refusals

    @property
    def is_stuck(self) -> bool:
        """Whether a quota is used up by reservations that may have expired."""
        return self._is_stuck

    def day_left(self, names: Iterable[str], now: float) -> float | None:
        """Return what is left of the tightest quota of a day or longer on any of `names`, None without one."""
        with self._lock:
            subjects = [name.partition(" [key ")[0] for name in names]
            accounts = [(each, self._accounts[each]) for name in subjects for each in self._names.get(name, ())]
            shares = [
                headroom(self._counters[each], account.window, now)[0]
                for each, account in accounts
                if each in self._counters and _is_of_a_day(account)
            ]
        return min(shares, default=None)

    def accounts(self, health_name: str) -> list[str]:
        """Return the names of the counters that count on that route or provider."""
        with self._lock:
            return [name for name, account in self._accounts.items() if account.health_name == health_name]

    def rows(self) -> tuple[dict[str, Counter], dict[str, Health], dict[str, Stats]]:
        """Return copies of everything, for a store that takes over."""
        with self._lock:
            return dict(self._counters), dict(self._health), dict(self._stats)

    @property
    def counters(self) -> Mapping[str, Counter]:
        """Every counter by account name; a copy."""
        with self._lock:
            return dict(self._counters)

    def hold(self) -> None:
        """Keep every other thread out, over a fork."""
        self._lock.acquire()

    def let_go(self) -> None:
        """Let the others in again."""
        self._lock.release()

    def put_counters(self, rows: Mapping[str, Counter]) -> None:
        """Take rows that were written."""
        with self._lock:
            self._take_counters(rows)

    def put_health(self, rows: Mapping[str, Health]) -> None:
        """Take rows that were written."""
        with self._lock:
            self._health.update(rows)
            self._pauses_change_at = 0.0

    def add_sample(self, name: str, sample: Sample) -> None:
        """Count one attempt."""
        with self._lock:
            self._stats[name] = fold(self._stats.get(name, _UNMEASURED), sample)
            self._stale_routes.add(name)

    def put_stats(self, rows: Mapping[str, Stats]) -> None:
        """Take rows that were written, or soon will be."""
        with self._lock:
            self._stats.update(rows)
            self._stale_routes.update(rows)

    def replace_health(self, rows: Mapping[str, Health]) -> None:
        """Take all rows of the store."""
        with self._lock:
            self._health = dict(rows)
            self._pauses_change_at = 0.0

    def replace_figures(self, counters: Mapping[str, Counter], stats: Mapping[str, Stats]) -> None:
        """Take all rows of the store; only what differs is computed again."""
        with self._lock:
            gone = {name: Counter() for name in self._counters if name not in counters}
            known = self._counters
            changed = {name: row for name, row in counters.items() if known.get(name) != row}
            self._take_counters({**gone, **changed})
            self._stale_routes.update(name for name, row in stats.items() if self._stats.get(name) != row)
            self._stale_routes.update(name for name in self._stats if name not in stats)
            self._stats = dict(stats)

    def put_learned(self, rows: Mapping[str, Learned]) -> None:
        """Take rows that were written."""
        self.replace_learned({**self._learned, **rows})

    def replace_learned(self, rows: Mapping[str, Learned]) -> None:
        """Take all rows of the store."""
        about: dict[str, dict[str, Learned]] = {}
        for name, row in rows.items():
            about.setdefault(to_account(name).subject, {})[name] = row
        with self._lock:
            self._learned, self._learned_of = rows, about

    def add_refusal(self, refusal: SeenRefusal) -> None:
        """Take what a route has just refused."""
        with self._lock:
            self._own_refusals.append(refusal)
            self._refusals = add_refusals(self._refusals, (refusal,))

    def replace_refusals(self, rows: Mapping[str, Refused]) -> None:
        """Take all rows of the store; what this process saw itself may not be among them yet."""
        with self._lock:
            self._refusals = add_refusals(rows, self._own_refusals)

    def snapshot(self, now: float) -> Snapshot:
        """Return what is known, as it stands at `now`."""
        with self._lock:
            if now < self._looked_at:
                self._stale_counters.update(self._counters)
                self._pauses_change_at = 0.0
                self._aged_at = min(self._aged_at, now)
                self._calmed_at = min(self._calmed_at, now)
            self._looked_at = now
            while self._changes and self._changes[0][0] <= now:
                self._stale_counters.add(heappop(self._changes)[1])
            if self._stale_counters:
                self._weigh(now)
            if now - self._aged_at >= _AGES_S:
                self._aged_at = now
                self._stale_routes.update(self._stats)
            if self._troubled and now - self._calmed_at >= _CALMS_S:
                self._calmed_at = now
                self._stale_routes |= self._troubled
            if self._stale_routes:
                self._rebuild_routes(now)
            if self._pauses_change_at <= now:
                self._rebuild_cooldowns(now)
            return Snapshot(at=now, routes=self._routes, cooldowns=self._cooldowns, refused=self._refusals)

    def _take_counters(self, rows: Mapping[str, Counter]) -> None:
        for name in rows:
            if name not in self._accounts:
                account = to_account(name)
                self._accounts[name] = account
                self._names.setdefault(account.subject, set()).add(name)
        self._counters.update(rows)
        self._stale_counters.update(rows)

    def _weigh(self, now: float) -> None:
        """Read the gauges of the counters that may have moved."""
        stale, self._stale_counters = self._stale_counters, set()
        for name in stale:
            account = self._accounts[name]
            gauge = _Gauge(*headroom(self._counters[name], account.window, now))
            before = self._gauges.get(name)
            self._gauges[name] = gauge
            if before is None or before.changes_at != gauge.changes_at or gauge.changes_at <= now:
                heappush(self._changes, (gauge.changes_at, name))
            if before is None or before.used_up_until != gauge.used_up_until:
                self._pauses_change_at = 0.0
            if before is None or before.share != gauge.share:
                self._stale_routes.update(self._routes_of(account.subject))

    def _routes_of(self, subject: str) -> Iterable[str]:
        """Return the route itself, or the known routes of a provider."""
        return (subject,) if ":" in subject else self._by_provider.get(subject, ())

    def _rebuild_routes(self, now: float) -> None:
        stale, self._stale_routes = self._stale_routes, set()
        fresh: dict[Route, RouteState] = {}
        for name in stale:
            provider, _, model = name.partition(":")
            self._by_provider.setdefault(provider, set()).add(name)
            stats = decayed(self._stats.get(name, _UNMEASURED), now)
            fresh[Route(provider, model)] = RouteState(
                successes=stats.successes,
                failures=stats.failures,
                first_token_s=stats.first_token_s,
                tokens_per_s=stats.tokens_per_s,
                headroom=min(self._share(name), self._share(provider)),
                response_s=stats.response_s,
                trouble=stats.trouble,
                late_token_s=stats.late_token_s,
                late_whole_s=stats.late_whole_s,
            )
            (self._troubled.add if stats.trouble else self._troubled.discard)(name)
        self._routes = {**self._routes, **fresh}

    def _share(self, subject: str) -> float:
        """Return what is left of the tightest quota that counts on `subject`."""
        names = self._names.get(subject)
        return min((self._gauges[name].share for name in names if name in self._gauges), default=1.0) if names else 1.0

    def _rebuild_cooldowns(self, now: float) -> None:
        cooldowns: dict[str, Cooldown] = {}
        self._is_stuck = False
        for name, gauge in self._gauges.items():
            if gauge.used_up_until > now:
                account = self._accounts[name]
                self._is_stuck = self._is_stuck or self._counters[name].pending > 0
                source: CooldownSource = "learned" if name in self._learned else "quota"
                quota = Cooldown(until=gauge.used_up_until, reason=f"{account.unit} used up", source=source)
                _keep_longest(cooldowns, account.health_name, quota)
        moves_at = float("inf")
        room_from = room_at(self._health.values(), now)
        for name, health in self._health.items():
            paused = pause(health, now)
            if paused is not None:
                if paused.trial_at < room_from:
                    paused = replace(paused, trial_at=room_from)
                _keep_longest(cooldowns, name, paused)
            if is_ahead(health, now):
                moves_at = now
        self._cooldowns = cooldowns
        self._pauses_change_at = min([moves_at, *(cooldown.until for cooldown in cooldowns.values())])


def _is_of_a_day(account: Account) -> bool:
    return account.window.kind.startswith("calendar") or account.window.seconds >= _LONG_WINDOW_S


def _keep_longest(cooldowns: dict[str, Cooldown], name: str, cooldown: Cooldown) -> None:
    known = cooldowns.get(name)
    cooldowns[name] = cooldown if known is None else longest((known, cooldown))
