"""What a page about an account told, written into the ledger: it can only tighten."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from openmux_lc.ledger import health as breaker
from openmux_lc.ledger.health import Health
from openmux_lc.ledger.learned import Asked, learn, told_names
from openmux_lc.ledger.observe import matching, observe
from openmux_lc.ledger.quota import Counter, account_name, to_account
from openmux_lc.ledger.store import Page
from openmux_lc.ledger.upkeep import Written
from openmux_lc.types.catalog import Limit, Route
from openmux_lc.types.state import LimitObservation, slot_name

__all__ = ["News", "take_news"]

_UNKNOWN: Final = Health()


class News(NamedTuple):
    """What an account page told.

    Args:
        provider: Whose page it is.
        limits: That the catalog declares for the provider.
        key_slot: Whose account.
        now: Epoch seconds.
    """

    provider: str
    limits: Sequence[Limit]
    observations: Sequence[LimitObservation]
    key_slot: int
    now: float


def take_news(page: Page, news: News) -> Written[None]:
    """Tighten the counters of the account, learn its limits, and let it rest where nothing is left."""
    now = news.now
    asked = Asked(Route(news.provider, ""), news.key_slot, now)
    shared = [limit for limit in news.limits if not limit.scope.endswith("model")]
    capacities = {account_name(limit, asked.route, news.key_slot): limit.amount for limit in shared}
    known = page.counters.get(capacities)
    counters = {name: known.get(name, Counter(capacity=amount)) for name, amount in capacities.items()}
    accounts = [to_account(name) for name in counters]
    certain = [seen for seen in news.observations if matching(seen, accounts, now) is not None]
    told = page.learned.get(told_names(certain, tuple(counters), asked))
    learned = learn(certain, counters, told, asked).learned
    tightened, pauses = observe(counters, certain, slot_name(news.provider, news.key_slot), now)
    changed = {name: row for name, row in tightened.items() if row != known.get(name)}
    before = page.health.get(pauses)
    health = {name: breaker.cool(before.get(name, _UNKNOWN), pause, now) for name, pause in pauses.items()}
    page.counters.put(changed)
    page.learned.put(learned)
    page.health.put(health)
    return Written(None, changed, health, learned=learned)
