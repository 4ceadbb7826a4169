"""Finds a provider's key: argument, environment, `.env`, OS keyring, in that order.

A key leaves this module only inside a `SecretStr`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from openmux_lc.keys.keyring_store import kept_providers, read_kept_key
from openmux_lc.types.catalog import Provider

if TYPE_CHECKING:
    from pydantic import SecretStr

    from openmux_lc.settings import Settings

__all__ = ["Key", "KeyFinder", "find_key", "has_key"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key with its origin: `argument`, `environment`, a file's path or `keyring`."""

    secret: SecretStr
    origin: str
    variable: str = ""
    slot: int = 0


def has_key(provider: Provider, settings: Settings, arguments: Mapping[str, str] | None = None) -> bool:
    """Whether a key for `provider` lies anywhere; unlike `find_key` it asks no keyring."""
    if provider.auth.mode == "none":
        return False
    if (arguments or {}).get(provider.id) or any(settings.lookup(name) for name in provider.auth.env):
        return True
    return provider.id in kept_providers()


def find_key(provider: Provider, settings: Settings, arguments: Mapping[str, str] | None = None) -> Key | None:
    """Return the key of `provider`, or None where there is none.

    Args:
        provider: Its `auth` names the variables; first found wins.
        settings: Holds the environment and the `.env`.
        arguments: Keys given in code, by provider id.
    """
    from pydantic import SecretStr  # 60 ms that keyless runs are spared

    if provider.auth.mode == "none":
        return None
    if given := (arguments or {}).get(provider.id):
        return Key(secret=SecretStr(given.strip()), origin="argument")
    for name in provider.auth.env:
        if setting := settings.lookup(name):
            return Key(secret=SecretStr(setting.value.strip()), origin=setting.origin, variable=name)
    kept = read_kept_key(provider.id) if provider.id in kept_providers() else None
    return Key(secret=SecretStr(kept), origin="keyring") if kept else None


class KeyFinder:
    """Finds each provider's key once: a keyring may ask somebody to unlock it.

    Args:
        settings: Hold the environment and the `.env`.
        arguments: Keys given in code, by provider id; they win.
    """

    def __init__(self, settings: Settings, arguments: Mapping[str, str] | None = None) -> None:
        """Look for nothing yet."""
        self._settings = settings
        self._arguments = dict(arguments or {})
        self._found: dict[str, Key | None] = {}

    @property
    def in_code(self) -> frozenset[str]:
        """Ids of the providers whose key was given as an argument."""
        return frozenset(self._arguments)

    def find(self, provider: Provider) -> Key | None:
        """Return the key of `provider`, or None where there is none."""
        if provider.id not in self._found:
            self._found[provider.id] = find_key(provider, self._settings, self._arguments)
        return self._found[provider.id]

    def has(self, provider: Provider) -> bool:
        """Whether a key lies anywhere; asks no keyring."""
        return has_key(provider, self._settings, self._arguments)

    def headers(self, provider: Provider) -> dict[str, str]:
        """Return the header that carries the key, none without one."""
        key = self.find(provider) if self.has(provider) else None
        return {provider.auth.header: provider.auth.form.replace("{key}", key.secret.get_secret_value())} if key else {}
