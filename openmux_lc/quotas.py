"""What the pool may still call: the limits that hold, and the keys that take turns.

Keys take turns only where the provider counts per key. Where it counts per account,
organisation or address, further keys would only get round what it grants.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from openmux_lc.keys import KeyFinder
    from openmux_lc.types.catalog import Limit, Provider

__all__ = ["FIRST_SLOT", "declared_limits", "turns"]

FIRST_SLOT: Final = (0,)


def declared_limits(provider: Provider, model: str) -> tuple[Limit, ...]:
    """Return the quotas that the catalog knows for one model of `provider`."""
    return provider.model_limits.get(model, provider.limits)


def turns(provider: Provider, keys: KeyFinder) -> tuple[int, ...]:
    """Return the slots of the keys that may take turns, in the order to use them."""
    every = (*provider.limits, *(limit for limits in provider.model_limits.values() for limit in limits))
    if not any(limit.scope.startswith("key") for limit in every):
        return keys.slots(provider)[:1]
    return keys.slots(provider)
