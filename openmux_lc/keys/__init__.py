"""Keys: argument, then environment, `.env`, then the OS keyring. Never logged."""

from openmux_lc.keys.find import Key, KeyFinder, KeysInCode, find_key, find_keys, has_key, key_settings
from openmux_lc.keys.keyring_store import forget_key, keep_key, kept_providers

__all__ = [
    "Key",
    "KeyFinder",
    "KeysInCode",
    "find_key",
    "find_keys",
    "forget_key",
    "has_key",
    "keep_key",
    "kept_providers",
    "key_settings",
]
