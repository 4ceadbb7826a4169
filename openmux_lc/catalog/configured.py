"""What the user's TOML file and address variables change, as far as they are trusted.

A file found through the working directory may choose models and weights. It may not
say that something is free, nor send a key that comes from elsewhere to an address.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from openmux_lc.catalog.overlay import ModelOverlay, overlaid
from openmux_lc.catalog.rows import check_address
from openmux_lc.errors import ConfigError, UnknownProviderError, UntrustedConfigError
from openmux_lc.settings import Setting, Settings
from openmux_lc.types.address import is_loopback
from openmux_lc.types.catalog import Auth, Evidence, FreeRule, Limit, Model, Profile, Provider, Window, WindowKind

if TYPE_CHECKING:
    from openmux_lc.config_schema import Document, LimitEntry, ModelEntry, ProviderEntry

__all__ = ["Configured", "with_addresses", "with_document"]

_SECONDS: Final = {"second": 1.0, "minute": 60.0, "hour": 3600.0}
_CALENDAR: Final[Mapping[str, WindowKind]] = {"day": "calendar_day", "month": "calendar_month"}
_OF_ENTRY: Final = frozenset({"route", "free", "tasks", "dimensions", "quality"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    """Providers as configured, and the `[[models]]` entries by provider and model id."""

    providers: Mapping[str, Provider]
    overlays: Mapping[str, Mapping[str, ModelOverlay]] = field(default_factory=dict)


def with_document(providers: Mapping[str, Provider], settings: Settings) -> Configured:
    """Return the providers with the TOML file's `[providers]` and `[[models]]`.

    Raises:
        UntrustedConfigError: An untrusted file asks for what only trust allows.
        UnknownProviderError: A route names no provider.
    """
    if not settings.document:
        return Configured(providers=providers)
    origin = settings.document_origin
    document = _document(settings.document, origin)
    if origin is not None and not origin.is_trusted:
        _refuse_untrusted(document, origin)
    name = origin.origin if origin else "the configuration"
    rows = dict(providers)
    for row_id, entry in document.providers.items():
        rows[row_id] = _configured(rows.get(row_id), row_id, entry)
    overlays: dict[str, dict[str, ModelOverlay]] = {}
    for model in document.models:
        row_id, _, model_id = model.route.partition(":")
        if row_id not in rows:
            raise UnknownProviderError(
                f"{name}: [[models]] route = {model.route!r}: no provider {row_id!r}; "
                f"add [providers.{row_id}] or take one of {', '.join(sorted(rows))}"
            )
        overlays.setdefault(row_id, {})[model_id] = _overlay(model, name)
    for row_id, entries in overlays.items():
        rows[row_id] = _with_models(rows[row_id], entries)
    return Configured(providers=rows, overlays=overlays)


def with_addresses(
    providers: Mapping[str, Provider], settings: Settings, keys_in_code: Collection[str]
) -> dict[str, Provider]:
    """Return the providers at the addresses that `OPENMUX_<ID>_BASE_URL` gives them.

    Args:
        providers: By id.
        settings: Where the variables stand, and whether their file is trusted.
        keys_in_code: Providers whose key was given as an argument.

    Raises:
        ConfigError: An address is malformed.
        UntrustedConfigError: An untrusted `.env` diverts somebody else's key.
    """
    rows = dict(providers)
    for row in providers.values():
        setting = settings.base_url(row.id)
        if setting is None:
            continue
        url = setting.value.strip()
        variable = f"OPENMUX_{row.id.upper().replace('-', '_')}_BASE_URL"
        if problem := check_address(url):
            raise ConfigError(f"{setting.origin}: {variable}: {problem}")
        if not (setting.is_trusted or is_loopback(url)) and (
            row.id in keys_in_code or not _has_key_from(setting, row, settings)
        ):
            raise UntrustedConfigError(
                f"{setting.path}: {variable} sends what is meant for {row.name} to another host, and the key does not "
                f"come from that file; if you vouch for it: openmux config trust {setting.path}"
            )
        rows[row.id] = replace(row, base_url=url.rstrip("/"))
    return rows


def _document(values: Mapping[str, object], origin: Setting | None) -> Document:
    """Return the checked file; pydantic is loaded only where there is one."""
    from openmux_lc.config_schema import Document, check_document

    check_document(values, (origin and origin.path) or Path("configuration"))
    return Document.model_validate(values)


def _has_key_from(address: Setting, row: Provider, settings: Settings) -> bool:
    """Whether the key that would be sent stands in the file that sets the address."""
    found = (settings.lookup(name) for name in row.auth.env)
    key = next((setting for setting in found if setting is not None), None)
    return row.auth.mode != "none" and key is not None and key.path == address.path


def _refuse_untrusted(document: Document, origin: Setting) -> None:
    mend = (
        "it was found through the working directory, so it may not say so; "
        f"if you vouch for it: openmux config trust {origin.path}"
    )
    for model in document.models:
        if model.free:
            raise UntrustedConfigError(f"{origin.path}: [[models]] route = {model.route!r}: free = true: {mend}")
    for row_id, entry in document.providers.items():
        if entry.free:
            raise UntrustedConfigError(f"{origin.path}: [providers.{row_id}] free = true: {mend}")
        if not is_loopback(entry.base_url):
            raise UntrustedConfigError(f"{origin.path}: [providers.{row_id}] base_url is not on this machine: {mend}")


def _configured(known: Provider | None, row_id: str, entry: ProviderEntry) -> Provider:
    """Return a provider as the user describes it; what is not said stays."""
    if problem := check_address(entry.base_url):
        raise ConfigError(f"[providers.{row_id}] base_url: {problem}")
    own = Provider(id=row_id, name=row_id, base_url="", auth=Auth(mode="none"), free=FreeRule(kind="user"), rank=90)
    row = known or replace(own, origin="user")
    said = entry.model_fields_set
    if entry.free:
        row = replace(row, free=FreeRule(all_models=True, kind="user"), is_on=True)
    if entry.api_key_env:
        row = replace(row, auth=replace(row.auth, mode="key", env=(entry.api_key_env,)))
    if "limits" in said:
        row = replace(row, limits=tuple(_limit(limit) for limit in entry.limits), model_limits={})
    return replace(
        row,
        name=entry.name or row.name,
        base_url=entry.base_url.rstrip("/"),
        dialect=entry.dialect if "dialect" in said or known is None else row.dialect,
    )


def _limit(entry: LimitEntry) -> Limit:
    kind = _CALENDAR.get(entry.per, "rolling")
    window = Window(kind=kind, seconds=_SECONDS.get(entry.per, 0.0), zone=entry.zone)
    return Limit(unit=entry.unit, amount=entry.amount, window=window, scope=entry.scope)


def _overlay(entry: ModelEntry, name: str) -> ModelOverlay:
    told = entry.model_dump(exclude_none=True, exclude=set(_OF_ENTRY))
    tasks = frozenset(entry.tasks) if entry.tasks else None
    if tasks is None and entry.dimensions:
        tasks = frozenset({"embeddings"})
    return ModelOverlay(
        evidence=Evidence(kind="user", source=name, as_of="", confidence="high") if entry.free else None,
        tasks=tasks,
        profile=cast("Profile", told),
        dimensions=entry.dimensions,
        quality=entry.quality,
    )


def _with_models(row: Provider, overlays: Mapping[str, ModelOverlay]) -> Provider:
    """Return a row with the user's models; a word of theirs that one is free opens a row that is off."""
    known = {model.id for model in row.models}
    added = tuple(Model(id=model_id) for model_id in overlays if model_id not in known)
    return replace(
        row, models=overlaid((*row.models, *added), overlays), is_on=row.is_on or _says_free(overlays.values())
    )


def _says_free(overlays: Iterable[ModelOverlay]) -> bool:
    return any(overlay.evidence is not None for overlay in overlays)
