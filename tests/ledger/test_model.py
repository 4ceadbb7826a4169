"""The ledger against a model so simple that it is seen to be right: every window, every scope, both stores.

The rules do what can happen to a ledger, with clocks that jump and days that are not 24 hours long. The examples
are the same at every run; take `derandomize` away to look for more.
"""

import tempfile
from datetime import datetime
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from openmux_lc.ledger.ledger import Ledger
from openmux_lc.types.catalog import Limit, LimitScope, Route, Window
from openmux_lc.types.run import Attempt, Usage
from openmux_lc.types.state import LimitObservation, Refusal
from tests.ledger.simple_model import DAY_S, SimpleLedger

BERLIN, PACIFIC = "Europe/Berlin", "America/Los_Angeles"
LEASE_S = 120.0
MODELS, KEYS = ("big", "small"), (0, 1)


def moment(text):
    return datetime.fromisoformat(text).timestamp()


STARTS = {
    "noon": moment("2026-06-12T12:00+00:00"),
    "Berlin goes forward": moment("2026-03-29T00:59:30+00:00"),
    "Berlin goes back": moment("2026-10-24T21:59:30+00:00"),
    "Pacific goes forward": moment("2026-03-08T09:59:30+00:00"),
    "Pacific goes back": moment("2026-11-01T06:59:30+00:00"),
    "the end of January": moment("2026-01-31T22:59:30+00:00"),
    "the end of a leap February": moment("2028-02-29T22:59:30+00:00"),
}
WINDOWS = {
    "rolling": [Window(kind="rolling", seconds=7), Window(kind="rolling", seconds=60)],
    "calendar_day": [Window(kind="calendar_day", zone=BERLIN), Window(kind="calendar_day", zone=PACIFIC)],
    "calendar_month": [Window(kind="calendar_month", zone=BERLIN), Window(kind="calendar_month", zone=PACIFIC)],
    "anniversary_month": [
        Window(kind="anniversary_month", zone=PACIFIC, anchor=moment("2025-10-31T00:30-07:00")),
        Window(kind="anniversary_month", zone=BERLIN, anchor=moment("2026-01-12T14:00+01:00")),
    ],
    "token_bucket": [Window(kind="token_bucket", seconds=60), Window(kind="token_bucket", seconds=3600)],
    "concurrency": [Window(kind="concurrency")],
}
LENGTHS_S = {"calendar_day": DAY_S, "calendar_month": 30 * DAY_S, "anniversary_month": 30 * DAY_S}


def limits_of(kind):
    """Some limits, the first of that kind."""
    every = [window for windows in WINDOWS.values() for window in windows]
    first = limit_in(WINDOWS[kind])
    others = st.lists(limit_in(every), max_size=2)
    return st.builds(lambda one, more: unique((one, *more)), first, others)


def limit_in(windows):
    return st.builds(
        lambda window, unit, amount, scope: Limit(
            unit="requests" if window.kind == "concurrency" else unit,
            amount=amount * 100 if unit == "tokens" and window.kind != "concurrency" else amount,
            window=window,
            scope=scope,
        ),
        st.sampled_from(windows),
        st.sampled_from(["requests", "tokens"]),
        st.integers(1, 5),
        st.sampled_from(get_args(LimitScope)),
    )


def unique(limits):
    """One limit for each unit, window and scope."""
    return tuple({(limit.unit, limit.window, limit.scope): limit for limit in limits}.values())


class LedgerModel(RuleBasedStateMachine):
    """Reservations of two models with two keys, on limits that are drawn."""

    held = Bundle("held")
    kind = "rolling"
    url = "memory:"

    @initialize(start=st.sampled_from([*STARTS.values()]), data=st.data())
    def begin(self, start, data):
        """An empty ledger."""
        self.now = start
        self.limits = data.draw(limits_of(self.kind))
        self.model = SimpleLedger()
        self.orphans, self.settled = set(), set()
        self.ledger = Ledger.open(self.url, clock=lambda: self.now, lease_s=LEASE_S)

    @rule(target=held, model=st.sampled_from(MODELS), key_slot=st.sampled_from(KEYS), tokens=st.integers(0, 300))
    def reserve(self, model, key_slot, tokens):
        """Nothing is admitted beyond a limit, nothing is refused without one; all limits are charged or none."""
        used = {"requests": 1, "tokens": tokens}
        amounts = {self.model.account(each, model, key_slot): used[each.unit] for each in self.limits}

        reply = self.ledger.reserve(Route("cloud", model), self.limits, {"tokens": tokens}, key_slot=key_slot)

        if isinstance(reply, Refusal):
            assert reply.until > self.now
            assert any(
                amount and self.model.at_most(account, self.now, is_swept=True) + amount > account[0].amount - 1e-6
                for account, amount in amounts.items()
            ), "refused without a reason"
            self.model.look(amounts, self.now)
            return multiple()
        for account, amount in amounts.items():
            assert not amount or self.model.at_least(account, self.now) + amount <= account[0].amount + 1e-6
        self.model.look(amounts, self.now)
        self.model.reserve(reply.id, amounts, self.now, self.now + LEASE_S)
        return reply

    @rule(reservation=held, tokens=st.integers(0, 400))
    def settle(self, reservation, tokens):
        """In whatever order, however late and however often: the first time counts."""
        if self.is_open(reservation):
            self.model.settle(reservation.id, {"requests": 1, "tokens": tokens}, self.now)
            self.settled.add(reservation.id)
            self.ledger.settle(reservation, Attempt(route=reservation.route, usage=Usage(total_tokens=tokens)))
        elif reservation.id in self.settled:
            self.ledger.settle(reservation, Attempt(route=reservation.route, usage=Usage(total_tokens=tokens)))

    @rule(reservation=held)
    def release(self, reservation):
        """Gives everything back, once; a bucket gives nothing back."""
        if self.is_open(reservation):
            self.model.settle(reservation.id, {"requests": 0, "tokens": 0}, self.now)
            self.settled.add(reservation.id)
            self.ledger.release(reservation)

    @rule(
        seconds=st.sampled_from(
            [0.5, 1.0, 6.5, 8.0, 30.0, 55.0, 62.0, LEASE_S + 1, 1800.0, 7200.0, DAY_S / 2, DAY_S, 20 * DAY_S]
        )
    )
    def wait(self, seconds):
        """Time passes, over days of 23 and 25 hours and the ends of months."""
        self.set_clock(self.now + seconds)

    @rule(seconds=st.sampled_from([0.5, 5.0, 61.0, 3600.0]))
    def go_back(self, seconds):
        """The clock is set back, as far as a short window and more; days and years are in test_clocks."""
        self.set_clock(self.now - seconds)

    @rule(data=st.data(), reservation=held, left=st.integers(0, 400))
    def report(self, data, reservation, left):
        """What the provider says can only tighten: no more than it says is left."""
        limit = data.draw(st.sampled_from(self.limits))
        account = self.model.account(limit, reservation.route.model, reservation.key_slot)
        is_told = limit.window.kind != "concurrency" and self.is_alone(limit)
        charges = self.model.charges[reservation.id]
        is_told = is_told and any(charge.account == account and charge.amount for charge in charges)
        if not is_told or not self.is_open(reservation) or self.is_late(reservation):
            return
        length_s = LENGTHS_S.get(limit.window.kind, limit.window.seconds)
        reset_at = data.draw(st.sampled_from([None, self.now + 5, self.now + length_s]))
        seen = LimitObservation(unit=limit.unit, window_s=length_s, remaining=left, reset_at=reset_at)
        until = self.now + 1.1 * length_s + DAY_S / 12 if reset_at is None else reset_at
        self.model.settle(reservation.id, {"requests": 1, "tokens": 10}, self.now)
        self.settled.add(reservation.id)
        told = max(0, limit.amount - left)
        before, before_until = self.model.reports.get(account, (0, 0.0))
        self.model.reports[account] = max(told, before), max(until, before_until)

        attempt = Attempt(route=reservation.route, usage=Usage(total_tokens=10))
        self.ledger.settle(reservation, attempt, observations=(seen,))

        if limit.unit == "tokens" and left < limit.amount:
            more = self.ledger.reserve(reservation.route, (limit,), {"tokens": left + 1}, key_slot=reservation.key_slot)
            assert isinstance(more, Refusal), "a report loosened a limit"

    @precondition(lambda self: self.url != "memory:")
    @rule()
    def start_again(self):
        """The process ends and another begins, which knows of the reservations what the file says."""
        self.ledger.close()
        self.ledger = Ledger.open(self.url, clock=lambda: self.now, lease_s=LEASE_S)
        self.orphans |= set(self.model.charges) - self.settled

    @invariant()
    def headroom_is_what_is_left(self):
        """The snapshot says the same as the model."""
        if not hasattr(self, "ledger"):
            return
        shown = self.ledger.snapshot().routes
        for model in MODELS:
            state = shown.get(Route("cloud", model))
            if state is None:
                continue
            accounts = {self.model.account(limit, model, key) for limit in self.limits for key in KEYS}
            highest = min(1 - self.model.at_least(each, self.now) / each[0].amount for each in accounts)
            lowest = min(1 - self.model.at_most(each, self.now, is_swept=False) / each[0].amount for each in accounts)
            assert max(0.0, lowest - 0.02) <= state.headroom + 1e-6
            assert state.headroom <= max(0.0, highest) + 1e-6

    def is_open(self, reservation):
        """Whether a settlement counts: of another process's reservation, only while its lease surely lasts."""
        is_lost = reservation.id in self.orphans and self.is_late(reservation)
        return reservation.id not in self.settled and not is_lost

    def is_late(self, reservation):
        """Whether the clock once said that its lease was over."""
        charges = self.model.charges[reservation.id]
        return any(charge.may_be_released or not charge.is_leased(self.now) for charge in charges)

    def is_alone(self, limit):
        """Whether a report can be meant for this limit only."""
        length_s = LENGTHS_S.get(limit.window.kind, limit.window.seconds)
        lengths = [
            LENGTHS_S.get(each.window.kind, each.window.seconds) for each in self.limits if each.unit == limit.unit
        ]
        return 1 == sum(abs(each - length_s) <= 0.1 * length_s for each in lengths)

    def set_clock(self, now):
        self.ledger.run_log.newest(1)  # what waits is written by the clock of now, not by the writer's of a moment ago
        self.now = now
        self.model.see(now)

    def teardown(self):
        """Close the file."""
        if hasattr(self, "ledger"):
            self.ledger.close()


class OnFile(LedgerModel):
    """The same on a file."""

    @initialize(start=st.sampled_from([*STARTS.values()]), data=st.data())
    def begin(self, start, data):
        """A file of its own."""
        self.folder = tempfile.TemporaryDirectory()
        self.url = f"sqlite:///{Path(self.folder.name) / 'state.db'}"
        super().begin(start, data)

    def teardown(self):
        """Close and remove the file."""
        super().teardown()
        if hasattr(self, "folder"):
            self.folder.cleanup()


@pytest.mark.parametrize("kind", WINDOWS)
def test_in_memory(kind):
    """Over-admission is 0 in every window of every kind, and under-use is explained."""
    run_state_machine_as_test(
        type("InMemory", (LedgerModel,), {"kind": kind}),
        settings=settings(max_examples=40, stateful_step_count=40, deadline=None, derandomize=True),
    )


@pytest.mark.parametrize("kind", WINDOWS)
def test_on_file(kind):
    """The same on a file, over restarts."""
    run_state_machine_as_test(
        type("OnAFile", (OnFile,), {"kind": kind}),
        settings=settings(
            max_examples=10,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
