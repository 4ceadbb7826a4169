"""Finds a provider's keys: argument, environment, `.env`, OS keyring, in that order.

A key leaves this module only inside a `SecretStr`. Which of several is used is not
decided here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from openmux_lc.keys.keyring_store import kept_providers, read_kept_key
from openmux_lc.types.catalog import KEY_SLOTS, Provider

if TYPE_CHECKING:
    from pydantic import SecretStr

    from openmux_lc.settings import Setting, Settings

__all__ = ["Key", "KeyFinder", "KeysInCode", "find_key", "find_keys", "has_key", "key_settings"]

KeysInCode = Mapping[str, str | Sequence[str]]
"""Keys given in code, by provider id: one, or several in the order of their slots."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key with its origin: `argument`, `environment`, a file's path or `keyring`.

    Args:
        slot: Its place among the provider's keys; the ledger counts by it, so that no
            key need ever be written down.
    """

    secret: SecretStr
    origin: str
    variable: str = ""
    slot: int = 0


class _Found(NamedTuple):
    """A key before it is wrapped."""

    slot: int
    text: str
    origin: str
    variable: str = ""


def has_key(provider: Provider, settings: Settings, arguments: KeysInCode | None = None) -> bool:
    """Whether a key for `provider` lies anywhere; unlike `find_key` it asks no keyring."""
    if provider.auth.mode == "none":
        return False
    return bool(_told(provider, settings, arguments)) or provider.id in kept_providers()


def key_settings(provider: Provider, settings: Settings) -> Iterator[tuple[int, str, Setting]]:
    """Yield slot, variable and setting of each key in the environment and the `.env`."""
    if provider.auth.mode == "none":
        return
    for slot in KEY_SLOTS:
        found = ((name, settings.lookup(name)) for name in provider.auth.variables(slot))
        for name, setting in found:
            if setting is not None:
                yield slot, name, setting
                break


def find_keys(provider: Provider, settings: Settings, arguments: KeysInCode | None = None) -> tuple[Key, ...]:
    """Return the keys of `provider`, lowest slot first; the same key twice counts once.

    Args:
        provider: Its `auth` names the variables; the first found of a slot wins.
        settings: Holds the environment and the `.env`.
        arguments: Keys given in code; they stand for all others.
    """
    from pydantic import SecretStr  # 60 ms that keyless runs are spared

    if provider.auth.mode == "none":
        return ()
    found = _told(provider, settings, arguments)
    if not found and provider.id in kept_providers() and (kept := read_kept_key(provider.id)):
        found = [_Found(0, kept, "keyring")]
    return tuple(
        Key(secret=SecretStr(each.text), origin=each.origin, variable=each.variable, slot=each.slot) for each in found
    )


def find_key(provider: Provider, settings: Settings, arguments: KeysInCode | None = None) -> Key | None:
    """Return the first key of `provider`, or None where there is none."""
    return next(iter(find_keys(provider, settings, arguments)), None)


class KeyFinder:
    """Finds each provider's keys once: a keyring may ask somebody to unlock it.

    Args:
        settings: Hold the environment and the `.env`.
        arguments: Keys given in code, by provider id; they win.
    """

    def __init__(self, settings: Settings, arguments: KeysInCode | None = None) -> None:
        """Look for nothing yet."""
        self._settings = settings
        self._arguments = dict(arguments or {})
        self._found: dict[str, tuple[Key, ...]] = {}

    @property
    def in_code(self) -> frozenset[str]:
        """Ids of the providers whose key was given as an argument."""
        return frozenset(self._arguments)

    def find(self, provider: Provider, slot: int | None = None) -> Key | None:
        """Return the key of `provider` in that slot, its first one without; None where there is none."""
        keys = self._keys(provider)
        return next((key for key in keys if slot is None or key.slot == slot), None)

    def slots(self, provider: Provider) -> tuple[int, ...]:
        """Return the slots of the keys of `provider`, lowest first; without any, the first slot."""
        return tuple(found.slot for found in _told(provider, self._settings, self._arguments)) or (0,)

    def has(self, provider: Provider) -> bool:
        """Whether a key lies anywhere; asks no keyring."""
        return has_key(provider, self._settings, self._arguments)

    def headers(self, provider: Provider) -> dict[str, str]:
        """Return the header that carries the key, none without one."""
        key = self.find(provider) if self.has(provider) else None
        return {provider.auth.header: provider.auth.form.replace("{key}", key.secret.get_secret_value())} if key else {}

    def _keys(self, provider: Provider) -> tuple[Key, ...]:
        if provider.id not in self._found:
            self._found[provider.id] = find_keys(provider, self._settings, self._arguments)
        return self._found[provider.id]


def _told(provider: Provider, settings: Settings, arguments: KeysInCode | None) -> list[_Found]:
    """Return the keys given in code, else those in the environment and the `.env`; each once."""
    given = (arguments or {}).get(provider.id) or ()
    texts = (given,) if isinstance(given, str) else given
    found = [_Found(slot, text.strip(), "argument") for slot, text in enumerate(texts) if text.strip()]
    if not found:
        found = [
            _Found(slot, setting.value.strip(), setting.origin, name)
            for slot, name, setting in key_settings(provider, settings)
        ]
    first: dict[str, _Found] = {}
    for each in found:
        first.setdefault(each.text, each)
    return list(first.values())
