"""Keys: argument, then environment, `.env`, then the OS keyring. Never logged."""

from openmux_lc.keys.find import Key, KeyFinder, find_key, has_key
from openmux_lc.keys.keyring_store import forget_key, keep_key, kept_providers

__all__ = ["Key", "KeyFinder", "find_key", "forget_key", "has_key", "keep_key", "kept_providers"]
