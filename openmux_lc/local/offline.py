"""Whether a host may be reached: offline means this machine only.

The switch covers routes alone here; downloads and refreshes ask the same function.
"""

from __future__ import annotations

from openmux_lc.settings import Settings
from openmux_lc.types.address import is_loopback
from openmux_lc.types.catalog import Provider

__all__ = ["is_offline", "may_reach"]


def is_offline(settings: Settings) -> bool:
    """Whether the user forbids everything that leaves this machine."""
    return settings.offline


def may_reach(settings: Settings, provider: Provider) -> bool:
    """Whether the provider may be called: always online, else only on loopback.

    Its address counts, not its kind: a local engine's row can be pointed elsewhere.
    """
    return not is_offline(settings) or is_loopback(provider.base_url)
