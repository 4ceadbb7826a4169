"""The ledger against a model so simple that it is seen to be right, on both stores."""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from openmux_lc.ledger.ledger import Ledger
from openmux_lc.types.catalog import Limit, Route, Window
from openmux_lc.types.run import Attempt, Usage
from openmux_lc.types.state import Refusal, Reservation

ROUTE = Route("cloud", "big")
ZONE = "America/Los_Angeles"
REQUESTS = Limit(unit="requests", amount=6, window=Window(kind="calendar_day", zone=ZONE), scope="account")
TOKENS = Limit(unit="tokens", amount=500, window=Window(kind="calendar_day", zone=ZONE), scope="key_model")
SPRING = 1_772_964_000.0 + 7_200  # 8 March 2026, 04:00 there, two hours after the clock went forward
DAY_S = 86_400.0
LEASE_S = 120.0


class LedgerModel(RuleBasedStateMachine):
    """Two limits of a day; charges are a list of (day, requests, tokens, lease's end or None)."""

    held = Bundle("held")
    url = "memory:"

    @initialize()
    def begin(self):
        """An empty ledger in the morning of a day of 23 hours."""
        self.now = SPRING
        self.day = 0
        self.ledger = Ledger.open(self.url, clock=lambda: self.now)
        self.charges = {}
        self.orphans = set()

    def used(self):
        """What counts today; a lease that has ended counts nothing."""
        today = [each for each in self.charges.values() if each[0] == self.day]
        live = [each for each in today if each[3] is None or each[3] > self.now]
        return sum(each[1] for each in live), sum(each[2] for each in live)

    @rule(target=held, tokens=st.integers(0, 300))
    def reserve(self, tokens):
        """Admitted if and only if both limits have room."""
        requests_used, tokens_used = self.used()
        fits = requests_used + 1 <= 6 and (tokens_used + tokens <= 500 or tokens == 0)

        reply = self.ledger.reserve(ROUTE, (REQUESTS, TOKENS), {"tokens": tokens})

        assert fits == isinstance(reply, Reservation)
        if isinstance(reply, Refusal):
            assert reply.until > self.now
            return multiple()
        self.charges[reply.id] = (self.day, 1, tokens, self.now + LEASE_S)
        return reply

    @rule(reservation=held, tokens=st.integers(0, 400))
    def settle(self, reservation, tokens):
        """Only the first settlement counts, in whatever order and however late it comes."""
        day, requests, _, lease = self.charges[reservation.id]
        if reservation.id in self.orphans and lease is not None and lease <= self.now:
            return
        if lease is not None:
            self.charges[reservation.id] = (day, requests, tokens, None)

        self.ledger.settle(reservation, Attempt(route=ROUTE, usage=Usage(total_tokens=tokens)))

    @rule(reservation=consumes(held))
    def release(self, reservation):
        """Gives everything back, once."""
        if self.charges[reservation.id][3] is not None:
            del self.charges[reservation.id]

        self.ledger.release(reservation)

    @rule(seconds=st.sampled_from([1.0, 60.0, LEASE_S]))
    def wait(self, seconds):
        """Time passes within the day."""
        if self.now + seconds < SPRING + self.day * DAY_S + 60_000:
            self.now += seconds

    @rule()
    def sleep(self):
        """The next morning."""
        self.day += 1
        self.now = SPRING + self.day * DAY_S

    @rule()
    def start_again(self):
        """The process ends and another begins; what was under way can be settled by nobody but its lease."""
        if self.url == "memory:":
            return
        self.ledger.close()
        self.ledger = Ledger.open(self.url, clock=lambda: self.now)
        self.orphans |= set(self.charges)

    @invariant()
    def headroom_is_what_is_left(self):
        """The snapshot says the same as the model; what has expired may still look taken."""
        if not hasattr(self, "ledger"):
            return
        requests_used, tokens_used = self.used()
        expected = max(0.0, min(1 - requests_used / 6, 1 - tokens_used / 500))
        shown = self.ledger.snapshot().routes.get(ROUTE)
        if shown is None:
            return
        assert shown.headroom <= expected + 1e-9
        if all(lease is None or lease > self.now for day, _, _, lease in self.charges.values() if day == self.day):
            assert shown.headroom >= expected - 1e-9

    def teardown(self):
        """Close the file."""
        if hasattr(self, "ledger"):
            self.ledger.close()


class TestInMemory(LedgerModel.TestCase):
    """In memory."""

    settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


class SQLiteModel(LedgerModel):
    """The same on a file."""

    @initialize()
    def begin(self):
        """A file of its own."""
        self.folder = tempfile.TemporaryDirectory()
        self.url = f"sqlite:///{Path(self.folder.name) / 'state.db'}"
        super().begin()

    def teardown(self):
        """Close and remove the file."""
        super().teardown()
        if hasattr(self, "folder"):
            self.folder.cleanup()


class TestOnFile(SQLiteModel.TestCase):
    """On a file."""

    settings = settings(
        max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
