"""A ledger so simple that it is seen to be right: a list of charges, and how each kind of window counts them.

Written from the definitions, not from the code: what surely counts may never be too much, and what may count
explains every refusal. The two differ where the ledger may be stricter: a rolling charge counts up to a sixtieth
longer, a bucket is filled in whole units, and what a wall clock once said to be over may have been forgotten when
the clock went back.
"""

import itertools
from calendar import monthrange
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from openmux_lc.types.catalog import Limit

DAY_S = 86_400.0
A_SLOT = 1 / 60 + 0.001


def period(limit: Limit, at: float) -> int:
    """The number of the day, or of the month, in which a moment lies."""
    window = limit.window
    here = datetime.fromtimestamp(at, ZoneInfo(window.zone))
    if window.kind == "calendar_day":
        return here.toordinal()
    month = here.year * 12 + here.month
    if window.kind == "calendar_month":
        return month
    anchor = datetime.fromtimestamp(window.anchor, ZoneInfo(window.zone))
    day = min(anchor.day, monthrange(here.year, here.month)[1])
    begins = here.replace(day=day, hour=anchor.hour, minute=anchor.minute, second=anchor.second, microsecond=0, fold=0)
    return month if at >= begins.timestamp() else month - 1


@dataclass
class Charge:
    """One limit's part of one reservation.

    Attributes:
        amount: What is charged at least; `most` is what may be.
        first: When it was made, as early as the ledger may think; `last`, as late.
        lease_ends_at: None once it is settled.
        is_kept: The clock has never said that its window was over.
        was_moved: It was made by a clock far ahead, so that a settlement may not find it.
        may_be_released: The clock once said that its lease was over.
    """

    limit: Limit
    account: tuple
    amount: int
    most: int
    first: float
    last: float
    lease_ends_at: float | None
    is_kept: bool = True
    was_moved: bool = False
    may_be_released: bool = False

    def counts(self, made_at: float, now: float, *, longer: float = 0.0) -> bool:
        """Whether a charge of then counts now; what is in the future does."""
        kind = self.limit.window.kind
        if kind == "concurrency":
            return self.lease_ends_at is not None
        if kind == "rolling":
            return now - made_at < self.limit.window.seconds * (1 + longer) + longer
        return period(self.limit, made_at) >= period(self.limit, now)

    def is_beyond(self, made_at: float, now: float, *, longer: float = 0.0) -> bool:
        """Whether it was made by a clock that was so far ahead that it counts as made now."""
        if self.limit.window.kind == "rolling":
            return made_at > now + self.limit.window.seconds * (1 + longer) + longer
        return self.limit.window.kind != "concurrency" and period(self.limit, made_at) > period(self.limit, now) + 1

    def is_leased(self, now: float) -> bool:
        """Whether it is settled, or its lease lasts."""
        return self.lease_ends_at is None or now < self.lease_ends_at <= now + DAY_S

    def see(self, now: float) -> None:
        """Take note of what the clock says."""
        self.may_be_released |= not self.is_leased(now)
        if self.limit.window.kind == "token_bucket":
            return
        self.was_moved |= self.is_beyond(self.first, now)
        if self.was_moved:  # when it was written is not known: at the earliest of these moments, at worst
            self.first = min(self.first, now)
        self.is_kept &= self.counts(self.first, now)

    def at_least(self, now: float) -> int:
        """What no ledger that is right has forgotten.

        One that was forgotten, before the clock went back, may still be given back: out of others' charges.
        """
        if not self.counts(self.first, now):
            return 0
        if not self.is_kept:
            return -self.most
        return 0 if self.may_be_released else self.amount

    def at_most(self, now: float, *, is_swept: bool) -> int:
        """What explains a refusal; before that is swept, an expired lease may count as well."""
        is_held = self.is_leased(now) or self.was_moved or not is_swept
        return self.most if is_held and self.counts(self.last, now, longer=A_SLOT) else 0


@dataclass
class Bucket:
    """What is out of a token bucket, as exact as floats are."""

    limit: Limit
    taken: float = 0.0
    at: float = 0.0
    was_moved: bool = False

    def out(self, now: float) -> float:
        """Return how much is out at that moment."""
        length = self.limit.window.seconds
        at = now if self.at > now + length else self.at
        return max(0.0, self.taken - max(0.0, now - at) * self.limit.amount / length)

    def move(self, now: float) -> None:
        """Believe a clock that was far ahead no longer."""
        self.was_moved |= self.at > now + self.limit.window.seconds
        if self.was_moved:
            self.at = min(self.at, now)

    def see(self, now: float) -> None:
        """Take note of what the clock says: what has come in may be written."""
        self.move(now)
        if now > self.at:
            self.taken, self.at, self.was_moved = self.out(now), now, False

    def take(self, amount: float, now: float) -> None:
        """Take some out."""
        self.move(now)
        before = self.out(now)
        self.at = max(self.at, now) if before else now
        self.was_moved = False
        self.taken = before + amount


@dataclass
class SimpleLedger:
    """Charges by reservation; buckets and reports by account."""

    charges: dict[str, list[Charge]] = field(default_factory=dict)
    buckets: dict[tuple, tuple[Bucket, Bucket]] = field(default_factory=dict)
    reports: dict[tuple, tuple[int, float]] = field(default_factory=dict)

    def account(self, limit: Limit, route: str, key_slot: int) -> tuple:
        """What a limit is counted on."""
        is_per_model, is_per_key = "model" in limit.scope, "key" in limit.scope
        return (limit, route if is_per_model else "", key_slot if is_per_key else 0)

    def see(self, now: float) -> None:
        """Take note of what the clock says."""
        for charge in itertools.chain(*self.charges.values()):
            charge.see(now)
        for early, _ in self.buckets.values():
            early.see(now)

    def at_least(self, account: tuple, now: float) -> float:
        """What is surely used."""
        out = min((bucket.out(now) for bucket in self._buckets(account)), default=0.0)
        return max(0.0, out + sum(each.at_least(now) for each in self._on(account)))

    def at_most(self, account: tuple, now: float, *, is_swept: bool) -> float:
        """What may be used, as reported to be used included."""
        told, until = self.reports.get(account, (0, 0.0))
        told = told if now < until else 0
        out = max((bucket.out(now) + 1 for bucket in self._buckets(account)), default=0.0)  # it fills in whole units
        return out + sum(each.at_most(now, is_swept=is_swept) for each in self._on(account)) + told

    def reserve(self, name: str, amounts: dict[tuple, int], now: float, lease_ends_at: float) -> None:
        """Charge every account."""
        self.charges[name] = [
            Charge(account[0], account, amount, amount, now, now, lease_ends_at) for account, amount in amounts.items()
        ]
        for account, amount in amounts.items():
            for bucket in self._buckets(account):
                bucket.take(amount, now)

    def look(self, accounts: dict[tuple, int], now: float) -> None:
        """Those accounts were tried: what a clock far ahead has made is made now, for good."""
        for account in accounts:
            for bucket in self._buckets(account):
                bucket.move(now)
            for charge in self._on(account):
                if charge.is_beyond(charge.last, now, longer=A_SLOT):
                    charge.last = now

    def settle(self, name: str, used: dict[str, int], now: float) -> None:
        """Replace what was reserved by what was used; it is charged, however late."""
        for charge in self.charges[name]:
            actual = used[charge.limit.unit]
            # A lease that ended before the clock went back may look as if another had settled it.
            is_sure = not charge.may_be_released or not charge.is_leased(now)
            for bucket, is_taken in zip(self._buckets(charge.account), (is_sure, True), strict=False):
                bucket.take(max(0, actual - charge.amount) if is_taken else 0, now)
            # What was moved, or forgotten, is not given back before it is charged again.
            charge.most = actual if charge.is_kept and not charge.was_moved else charge.most + actual
            charge.amount = actual if is_sure else 0
            charge.last = now if charge.was_moved else charge.last
            charge.lease_ends_at, charge.may_be_released = None, False
            charge.see(now)

    def _buckets(self, account: tuple) -> tuple[Bucket, ...]:
        """Written whenever the clock was read, and only when it must be; none for another kind of window."""
        if account[0].window.kind != "token_bucket":
            return ()
        return self.buckets.setdefault(account, (Bucket(account[0]), Bucket(account[0])))

    def _on(self, account: tuple) -> list[Charge]:
        every = itertools.chain(*self.charges.values())
        return [each for each in every if each.account == account and each.limit.window.kind != "token_bucket"]
