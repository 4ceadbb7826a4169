"""The pool before any request: every known route, and why some may not be called.

A reason is a sentence for a person and says what to do where something can be done.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from openmux_lc.catalog.catalog import Catalog
from openmux_lc.catalog.free import why_not_free
from openmux_lc.settings import Settings
from openmux_lc.types.address import is_loopback
from openmux_lc.types.catalog import Model, PoolEntry, Provider, Route

__all__ = ["DEMO_ONLY", "is_looked_for", "pool_entries", "pool_entry"]

DEMO_ONLY: Final = "a demonstration: used only when it is named"
"""The reason against a demonstration's routes; naming one lifts it."""


def pool_entries(catalog: Catalog, *, settings: Settings, has_key: Callable[[Provider], bool]) -> tuple[PoolEntry, ...]:
    """Return one entry for every known model, the blocked ones with their reason.

    Args:
        catalog: What exists.
        settings: What the user allows.
        has_key: Whether a key for a provider lies anywhere; asked once for each.
    """
    entries: list[PoolEntry] = []
    for row in catalog.providers.values():
        host = _why_not_host(row, settings)
        key = "" if host or not row.models else _why_no_key(row, has_key)
        entries += [_entry(row, model, host, key) for model in row.models]
    return tuple(entries)


def pool_entry(catalog: Catalog, route: Route, *, settings: Settings, has_key: Callable[[Provider], bool]) -> PoolEntry:
    """Return the entry of a route that the user names, also of an unknown model.

    Raises:
        UnknownProviderError: No such provider.
    """
    row, model = catalog.pinned(route)
    host = _why_not_host(row, settings)
    entry = _entry(row, model, host, "" if host else _why_no_key(row, has_key))
    return _named(entry) if entry.blocked == DEMO_ONLY else entry


def is_looked_for(row: Provider, settings: Settings) -> bool:
    """Whether this machine is searched for the engine of `row`."""
    is_chosen = settings.providers is None or row.id in settings.providers
    return row.is_local and row.is_on and bool(row.fingerprint) and is_chosen


def _entry(row: Provider, model: Model, host: str, key: str) -> PoolEntry:
    """Return a model's entry; reasons that no key would mend come first."""
    blocked = host or _why_not_model(row, model) or key or (DEMO_ONLY if row.demo_only else "")
    return PoolEntry(route=Route(row.id, model.id), provider=row, model=model, blocked=blocked, rank=row.rank)


def _named(entry: PoolEntry) -> PoolEntry:
    return PoolEntry(route=entry.route, provider=entry.provider, model=entry.model, rank=entry.rank)


def _why_not_host(row: Provider, settings: Settings) -> str:
    if not row.is_on:
        return f"off: {row.off_reason}"
    if settings.providers is not None and row.id not in settings.providers:
        return "not among the providers you chose (OPENMUX_PROVIDERS)"
    if settings.offline and not _is_here(row):
        return "offline: remote routes are forbidden (OPENMUX_OFFLINE)"
    return ""


def _why_not_model(row: Provider, model: Model) -> str:
    problem = why_not_free(row, model)
    return f"not free: {problem}" if problem else ""


def _why_no_key(row: Provider, has_key: Callable[[Provider], bool]) -> str:
    """Return which variables are still wanted: those of the address, then the key's."""
    if row.missing_variables:
        return f"its address is not complete: set {' and '.join(row.missing_variables)}"
    if row.auth.mode != "key" or has_key(row):
        return ""
    where = f", get one at {row.signup_url}" if row.signup_url else ""
    return f"no key: set {row.auth.env[0]}{where}" if row.auth.env else f"no key for {row.name}{where}"


def _is_here(row: Provider) -> bool:
    """Whether calls stay on this machine.

    A stand-in on loopback for a remote provider may pass them on, so it does not count;
    an engine that the user moved to another machine does not count either.
    """
    return is_loopback(row.base_url) and (row.is_local or row.origin != "package")
