"""What the pool may still call: the limits that hold, the keys that take turns, the day's end.

Keys take turns only where the provider counts per key. Where it counts per account,
organisation or address, further keys would only get round what it grants.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from openmux_lc.types.amounts import to_amounts
from openmux_lc.types.capacity import RouteNeed

if TYPE_CHECKING:
    from openmux_lc.keys import KeyFinder
    from openmux_lc.mux import Mux
    from openmux_lc.types.capacity import Capacity
    from openmux_lc.types.catalog import Limit, PoolEntry, Provider, Task

__all__ = ["FIRST_SLOT", "TOKENS_PER_CALL", "declared_limits", "end_of_today", "forecast", "is_strong", "turns"]

FIRST_SLOT: Final = (0,)
TOKENS_PER_CALL: Final = 1_000
"""What a usual call is taken to use, prompt and answer together."""

_STRONG: Final = 0.75
"""From this quality on a model counts as strong; a quarter of the catalog does."""


def declared_limits(provider: Provider, model: str) -> tuple[Limit, ...]:
    """Return the quotas that the catalog knows for one model of `provider`."""
    return provider.model_limits.get(model, provider.limits)


def turns(provider: Provider, keys: KeyFinder) -> tuple[int, ...]:
    """Return the slots of the keys that may take turns, in the order to use them."""
    every = (*provider.limits, *(limit for limits in provider.model_limits.values() for limit in limits))
    if not any(limit.scope.startswith("key") for limit in every):
        return keys.slots(provider)[:1]
    return keys.slots(provider)


def forecast(mux: Mux, *, task: Task, tokens: int, until: float | None) -> Capacity:
    """Return what the pool can still call.

    Args:
        mux: The pool.
        task: Routes that serve it.
        tokens: Of a usual call, prompt and answer together.
        until: Epoch seconds at which the forecast ends; None means the end of the local day.
    """
    entries, seen = [entry for entry in mux.pool().open if task in entry.model.tasks], mux.snapshot()
    ends_at = end_of_today(seen.at) if until is None else until

    def ahead(chosen: Iterable[PoolEntry]) -> Capacity:
        needs = [
            RouteNeed(
                route=entry.route,
                limits=mux.limits(entry.route),
                amounts=to_amounts(
                    entry.provider, entry.model, input_tokens=tokens // 2, output_tokens=tokens - tokens // 2
                ),
                key_slots=mux.key_slots(entry.route),
            )
            for entry in chosen
        ]
        return mux.ledger.capacity(needs, ends_at, snapshot=seen)

    return replace(ahead(entries), strong_calls=ahead(filter(is_strong, entries)).calls)


def is_strong(entry: PoolEntry) -> bool:
    """Whether its model is among the pool's stronger ones."""
    return entry.model.quality.get("default", entry.model.capability) >= _STRONG


def end_of_today(now: float) -> float:
    """Return the next midnight of this machine's time zone (epoch seconds)."""
    here = datetime.fromtimestamp(now).astimezone()
    return (here.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None) + timedelta(days=1)).timestamp()
