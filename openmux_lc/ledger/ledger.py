"""The ledger: quota reserved before each call, and what each call taught.

Reserve, call, settle. Every limit of a route is charged or none, in one transaction
that all processes of this machine share; a reservation is settled once.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import secrets
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Final

from openmux_lc.ledger import health as breaker
from openmux_lc.ledger.batch import SeenRefusal
from openmux_lc.ledger.booking import Booking, Order, admit, barrier, book, health_names, spent
from openmux_lc.ledger.books import Books, Claim
from openmux_lc.ledger.capacity import Ledgered, forecast
from openmux_lc.ledger.health import Health
from openmux_lc.ledger.learned import Asked, effective_limits
from openmux_lc.ledger.news import News, take_news
from openmux_lc.ledger.quota import to_charges
from openmux_lc.ledger.run_log import RunLog
from openmux_lc.ledger.stats import to_sample
from openmux_lc.ledger.store import LONGEST_LEASE_S, Page, StoreBusyError
from openmux_lc.ledger.upkeep import Written
from openmux_lc.ledger.verdict import to_verdict
from openmux_lc.types.capacity import Capacity, RouteNeed
from openmux_lc.types.catalog import Limit, LimitUnit, Route
from openmux_lc.types.run import Attempt
from openmux_lc.types.state import (
    Cooldown,
    LimitObservation,
    Refusal,
    Reservation,
    Snapshot,
    told_window,
    window_quirk,
)

__all__ = ["Ledger"]

_UNKNOWN: Final = Health()

_logger = logging.getLogger(__name__)


class Ledger:
    """Quotas, health, statistics and the run log; safe to use from any thread.

    Build it with `Ledger.open`. The reports of runs are in `run_log`.

    Example:
        >>> ledger = Ledger.open("memory:")
        >>> held = ledger.reserve(Route("mine", "small"), (), {})
        >>> ledger.settle(held, Attempt(route=Route("mine", "small")))
        >>> round(ledger.snapshot().routes[Route("mine", "small")].successes)
        1
    """

    def __init__(self, books: Books, *, clock: Callable[[], float], lease_s: float) -> None:
        self._books = books
        self._clock = clock
        self._lease_s = lease_s
        self._prefix = secrets.token_hex(6)
        self._numbers = itertools.count()
        self.run_log = RunLog(books, clock)
        self._close = weakref.finalize(self, Books.close, books)

    @classmethod
    def open(
        cls, url: str, *, clock: Callable[[], float] = time.time, lease_s: float = 120.0, wait_s: float = 5.0
    ) -> Ledger:
        """Return the ledger at that address.

        A file that cannot be used costs a warning, never an answer: the ledger is then
        in memory. A damaged one is moved aside, somebody else's is left as it is.

        Args:
            url: `memory:` or `sqlite:///path`.
            clock: Returns epoch seconds.
            lease_s: After so many seconds a reservation that nobody settled comes back.
            wait_s: How long a call waits for other writers before it goes on without.

        Raises:
            ConfigError: The address is neither.
        """
        return cls(Books(url, clock, wait_s=wait_s), clock=clock, lease_s=lease_s)

    @property
    def is_kept(self) -> bool:
        """Whether the state is where the address says; False once it fell back to memory."""
        return self._books.is_kept

    def snapshot(self) -> Snapshot:
        """Return what is known now; costs microseconds and never waits."""
        mirror = self._books.mirror
        self._books.refresh()
        seen = mirror.snapshot(self._clock())
        if mirror.is_stuck and self._books.sweep():
            return mirror.snapshot(self._clock())
        return seen

    def reserve(
        self,
        route: Route,
        limits: Sequence[Limit],
        amounts: Mapping[LimitUnit, int],
        *,
        key_slot: int = 0,
        gives_way: bool = False,
    ) -> Reservation | Refusal:
        """Set quota aside for one call: of every limit, or of none.

        Args:
            limits: All that hold for `route`; without any the store is not touched.
            amounts: Expected use by unit; one request unless it says otherwise.
            key_slot: Which of the provider's keys the call will use.
            gives_way: Others are left to ask, so the call is not made while the route is
                told to rest or another call is trying it; else only a cost forbids it.
        """
        order = self._to_order(route, limits, amounts, key_slot, gives_way=gives_way)
        return self._admit(order, self._books.wait_s)

    async def areserve(
        self,
        route: Route,
        limits: Sequence[Limit],
        amounts: Mapping[LimitUnit, int],
        *,
        key_slot: int = 0,
        gives_way: bool = False,
    ) -> Reservation | Refusal:
        """Set quota aside like `reserve`; waits for other writers in a thread."""
        order = self._to_order(route, limits, amounts, key_slot, gives_way=gives_way)
        with contextlib.suppress(StoreBusyError):
            return self._admit(order, 0.0)
        gave_up = threading.Event()
        waiting = asyncio.get_running_loop().run_in_executor(None, self._admit_unless, gave_up, order)
        try:
            return await asyncio.shield(waiting)
        except asyncio.CancelledError:
            # The thread gives back what it gets from now on; what it has just got is given back here.
            gave_up.set()
            waiting.add_done_callback(self._drop)
            raise

    def release(self, reservation: Reservation) -> None:
        """Give back a reservation whose call was never made."""
        self._book(self._to_release(reservation), self._books.wait_s)

    def settle(
        self,
        reservation: Reservation,
        attempt: Attempt,
        *,
        is_local: bool = False,
        observations: Sequence[LimitObservation] = (),
    ) -> None:
        """Charge what was used and learn from how it went; a second time does nothing.

        Args:
            is_local: An engine on this machine: never blamed for a slow start.
            observations: What the response said about quotas; it can only tighten.
        """
        booking = self._to_booking(reservation, attempt, is_local=is_local, observations=observations)
        self._book(booking, self._books.wait_s)

    async def asettle(
        self,
        reservation: Reservation,
        attempt: Attempt,
        *,
        is_local: bool = False,
        observations: Sequence[LimitObservation] = (),
    ) -> None:
        """Settle like `settle`; waits for other writers in a thread, and ends also when cancelled."""
        booking = self._to_booking(reservation, attempt, is_local=is_local, observations=observations)
        try:
            self._book(booking, 0.0)
        except StoreBusyError:
            await asyncio.shield(
                asyncio.get_running_loop().run_in_executor(None, self._book, booking, self._books.wait_s)
            )

    def note_account(
        self, provider: str, limits: Sequence[Limit], observations: Sequence[LimitObservation], *, key_slot: int = 0
    ) -> None:
        """Take what a page about the account told; it can only tighten.

        Args:
            provider: Whose page it is.
            limits: That the catalog declares for the provider.
            observations: What the page said is left.
            key_slot: Whose account.
        """
        news = News(provider, limits, observations, key_slot, self._clock())
        with contextlib.suppress(StoreBusyError):
            self._books.transact(partial(take_news, news=news))

    def account_seen_at(self, provider: str) -> float:
        """Return when a page about the account was last read (epoch seconds), 0.0 for never."""
        told = self._books.mirror.learned_of(Route(provider, ""))
        return max((row.at for row in told.values() if row.source == "account"), default=0.0)

    def capacity(self, needs: Iterable[RouteNeed], until: float, *, snapshot: Snapshot | None = None) -> Capacity:
        """Return what can still be called until then (epoch seconds); costs no transaction.

        Args:
            needs: The routes, with what a usual call takes.
            until: When the forecast ends.
            snapshot: The ledger as routing sees it; default as it is now.
        """
        seen = snapshot or self.snapshot()
        mirror = self._books.mirror
        return forecast(needs, Ledgered(mirror.counters, mirror.learned, seen), until)

    def cool(self, name: str, cooldown: Cooldown) -> None:
        """Leave a route (`provider:model`) or provider alone until then, at least."""
        now = self._clock()
        self._change_health(name, lambda health: breaker.cool(health, cooldown, now))

    def uncool(self, name: str) -> None:
        """Forget every pause of a route or provider, and what it reported as used up."""
        accounts = self._books.mirror.accounts(name)

        def change(page: Page) -> Written[None]:
            counters = {each: row._replace(extra=0) for each, row in page.counters.get(accounts).items() if row.extra}
            page.counters.put(counters)
            return Written(None, counters=counters)

        with contextlib.suppress(StoreBusyError):
            self._books.transact(change)
        self._change_health(name, breaker.clear)

    def remember_refusal(self, route: Route, quirk: str, at: float) -> None:
        """Keep that a model refused a parameter, for all processes here; never waits.

        Args:
            route: Provider and model.
            quirk: The flag that leaves the parameter out.
            at: Epoch seconds; it is forgotten after a week.
        """
        self._books.add_refusal(SeenRefusal(str(route), quirk, at))

    def learn_window(self, route: Route, tokens: int) -> None:
        """Keep the window that a route named as it refused a prompt; a looser one is no news.

        Args:
            route: Provider and model.
            tokens: Prompt and answer together; believed for half an hour.
        """
        now = self._clock()
        known = told_window(self.refusals(route), now)
        if known is None or tokens <= known:
            self.remember_refusal(route, window_quirk(tokens), now)

    def refusals(self, route: Route) -> Mapping[str, float]:
        """Return the quirks that a model was seen to need, and when; as of the last snapshot."""
        return self._books.mirror.refused(str(route))

    def close(self) -> None:
        """Write what waits and let go of the file; what comes later stays in memory."""
        self._close()

    def _to_order(
        self,
        route: Route,
        limits: Sequence[Limit],
        amounts: Mapping[LimitUnit, int],
        key_slot: int,
        *,
        gives_way: bool,
    ) -> Order:
        now = self._clock()
        if told := self._books.mirror.learned_of(route):
            limits = effective_limits(limits, told, Asked(route, key_slot, now))
        charges = to_charges(route, limits, amounts, now=now, key_slot=key_slot) if limits else ()
        names = health_names(route, key_slot)
        health = self._books.mirror.health(names[0]), self._books.mirror.health(names[1])
        reservation = Reservation(
            id=f"{self._prefix}-{os.getpid():x}-{next(self._numbers):x}",
            route=route,
            key_slot=key_slot,
            amounts={charge.limit.unit: charge.amount for charge in charges},
            made_at=now,
            expires_at=now + self._lease_s,
            generation=health[0].generation + health[1].generation,
        )
        is_probe = any(breaker.is_due(row, now) for row in health)
        refusal = barrier(route, health, now, gives_way=gives_way)
        return Order(reservation, names, charges, is_probe, gives_way, refusal)

    def _admit(self, order: Order, wait_s: float) -> Reservation | Refusal:
        if order.refusal is not None:
            return order.refusal
        reservation = order.reservation
        outcome: Reservation | Refusal = reservation
        is_written = True
        if order.charges or order.is_probe:
            try:
                outcome = self._books.transact(partial(admit, order=order), wait_s=wait_s)
            except StoreBusyError:
                if not wait_s:
                    raise
                # Better one call too many than none: it is charged when it is settled.
                is_written = False
                _logger.warning(
                    "the state was busy for %.0f s; %s is called without a reservation", wait_s, order.reservation.route
                )
        if isinstance(outcome, Reservation):
            self._books.claim(reservation.id, Claim(order.held, reservation.expires_at, is_written))
        return outcome

    def _to_booking(
        self,
        reservation: Reservation,
        attempt: Attempt,
        *,
        is_local: bool = False,
        observations: Sequence[LimitObservation] = (),
    ) -> Booking:
        claim = self._books.claims.pop(reservation.id, None)
        names = health_names(reservation.route, reservation.key_slot)
        mirror = self._books.mirror
        now = self._clock()
        day_left = None if attempt.outcome == "ok" else mirror.day_left(names, now)
        verdict = to_verdict(attempt, is_local=is_local, day_left=day_left)
        return Booking(
            reservation=reservation,
            names=names,
            attempt=attempt,
            verdict=verdict,
            actual=spent(attempt),
            observations=observations,
            held=None if claim is None else claim.held,
            may_be_gone=claim is not None
            and not (claim.is_written and now < claim.expires_at <= now + LONGEST_LEASE_S),
            touches_health=verdict.kind not in {"success", "none"}
            or not all(breaker.is_well(mirror.health(name), now) for name in names),
            now=now,
            is_written=claim is None or claim.is_written,
        )

    def _book(self, booking: Booking, wait_s: float) -> None:
        reservation = booking.reservation
        is_first = booking.held is not None
        if reservation.amounts or (is_first and (booking.touches_health or booking.observations)):
            try:
                is_first = self._books.transact(partial(book, booking=booking), wait_s=wait_s)
            except StoreBusyError:
                if not wait_s:
                    raise
                _logger.warning("the state was busy for %.0f s; %s is not settled", wait_s, reservation.route)
        kind = booking.verdict.kind
        if is_first and kind in {"success", "failure", "throttled"}:
            is_failure, is_throttled = kind == "failure", kind == "throttled"
            sample = to_sample(booking.attempt, booking.now, is_failure=is_failure, is_throttled=is_throttled)
            self._books.add_sample(str(reservation.route), sample)

    def _change_health(self, name: str, change: Callable[[Health], Health]) -> None:
        def write(page: Page) -> Written[None]:
            health = {name: change(page.health.get((name,)).get(name, _UNKNOWN))}
            page.health.put(health)
            return Written(None, health=health)

        try:
            self._books.transact(write)
        except StoreBusyError:
            _logger.warning("the state was busy; what was said of %s holds for this process only", name)
            mirror = self._books.mirror
            mirror.put_health({name: change(mirror.health(name))})

    def _admit_unless(self, gave_up: threading.Event, order: Order) -> Reservation | Refusal:
        outcome = self._admit(order, self._books.wait_s)
        if isinstance(outcome, Reservation) and gave_up.is_set():
            self.release(outcome)
        return outcome

    def _to_release(self, reservation: Reservation) -> Booking:
        booking = self._to_booking(reservation, Attempt(route=reservation.route, outcome="cancelled"))
        return booking._replace(actual=dict.fromkeys(reservation.amounts, 0))

    def _drop(self, waiting: asyncio.Future[Reservation | Refusal]) -> None:
        """Give back a reservation whose caller was cancelled; if not now, its lease ends."""
        if waiting.cancelled() or waiting.exception() is not None:
            return
        outcome = waiting.result()
        if isinstance(outcome, Reservation):
            with contextlib.suppress(StoreBusyError):
                self._book(self._to_release(outcome), 0.0)
