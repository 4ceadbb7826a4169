"""What the user's TOML file changes, as far as it is trusted.

A file found through the working directory may choose models and weights. It may not
say that something is free, nor which key is sent to an address.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from openmux_lc.catalog.overlay import ModelOverlay, overlaid
from openmux_lc.catalog.resolve import resolve_route
from openmux_lc.catalog.rows import check_address
from openmux_lc.errors import ConfigError, UnknownProviderError
from openmux_lc.settings import Setting, Settings
from openmux_lc.trust import refusal
from openmux_lc.types.address import is_loopback
from openmux_lc.types.catalog import Auth, Evidence, FreeRule, Limit, Model, Profile, Provider, Window
from openmux_lc.types.json import as_list, as_object, as_text

if TYPE_CHECKING:
    from openmux_lc.config_schema import Document, LimitEntry, ModelEntry, ProviderEntry

__all__ = ["Configured", "check_choices", "to_limit", "with_document"]

_SECONDS: Final = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86_400.0}
_WITH_LENGTH: Final = frozenset({"rolling", "token_bucket"})
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
        ConfigError: A provider speaks what nobody here does.
    """
    if not settings.document:
        return Configured(providers=providers)
    origin = settings.document_origin
    document = _document(settings.document, origin)
    dialects = {row.dialect for row in providers.values()}
    if origin is not None and not origin.is_trusted:
        _refuse_untrusted(document, settings)
    name = origin.origin if origin else "the configuration"
    rows = dict(providers)
    for row_id, entry in document.providers.items():
        if problem := check_address(entry.base_url):
            raise ConfigError(f"{_place(settings, ('providers', row_id, 'base_url'))}: {problem}")
        if "dialect" in entry.model_fields_set and entry.dialect not in dialects:
            place = _place(settings, ("providers", row_id, "dialect"), entry.dialect)
            raise ConfigError(f"{place}: no dialect {entry.dialect!r}{_meant(entry.dialect, dialects)}")
        rows[row_id] = _configured(rows.get(row_id), row_id, entry)
    overlays: dict[str, dict[str, ModelOverlay]] = {}
    for model in document.models:
        row_id, _, model_id = model.route.partition(":")
        if row_id not in rows:
            place = _place(settings, ("models", "route"), model.route)
            raise UnknownProviderError(
                f"{place}: {model.route!r}: no provider {row_id!r}; "
                f"add [providers.{row_id}] or take one of {', '.join(sorted(rows))}"
            )
        overlays.setdefault(row_id, {})[model_id] = _overlay(model, name)
    for row_id, entries in overlays.items():
        rows[row_id] = _with_models(rows[row_id], entries)
    return Configured(providers=rows, overlays=overlays)


def check_choices(providers: Mapping[str, Provider], settings: Settings) -> None:
    """Check that the providers that the settings choose exist.

    Raises:
        UnknownProviderError: Names place and nearest provider or route.
    """
    for row_id in settings.providers or ():
        if row_id not in providers:
            place = _place_of_choice(settings, row_id)
            raise UnknownProviderError(f"{place}: no provider {row_id!r}{_meant(row_id, providers)}")
    for route in as_list(as_object(settings.document.get("routing")).get("fallback")):
        if route != "auto":
            try:
                resolve_route(providers, as_text(route))
            except UnknownProviderError as error:
                place = _place(settings, ("routing", "fallback"), as_text(route))
                raise UnknownProviderError(f"{place}: {error}") from None


def _place_of_choice(settings: Settings, row_id: str) -> str:
    """Return where a provider is chosen: a variable, the file, or an argument."""
    setting = settings.lookup("OPENMUX_PROVIDERS")
    if setting and row_id in (name.strip() for name in setting.value.split(",")):
        return f"{setting.origin}: OPENMUX_PROVIDERS"
    if row_id in as_list(as_object(settings.document.get("routing")).get("providers")):
        return _place(settings, ("routing", "providers"), row_id)
    return "providers"


def _place(settings: Settings, keys: Sequence[str], value: str = "") -> str:
    """Return the place of a key, and best of its value, in the configuration file."""
    from openmux_lc.config_schema import place_of  # pydantic, for a faulty file only

    origin = settings.document_origin
    return place_of((origin and origin.path) or Path("configuration"), keys, value=value)


def _meant(word: str, known: Iterable[str]) -> str:
    """Return the end of a sentence about an unknown word: what may have been meant."""
    import difflib  # only a faulty file pays for it

    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(names)}"


def _document(values: Mapping[str, object], origin: Setting | None) -> Document:
    """Return the checked file; pydantic is loaded only where there is one."""
    from openmux_lc.config_schema import Document, check_document

    check_document(values, (origin and origin.path) or Path("configuration"))
    return Document.model_validate(values)


def _refuse_untrusted(document: Document, settings: Settings) -> None:
    origin = settings.document_origin
    path = origin.path if origin else None
    for model in document.models:
        if model.free:
            place = _place(settings, ("models", "route"), model.route)
            raise refusal(place, f"{model.route!r} with free = true", path)
    for row_id, entry in document.providers.items():
        keys = ("providers", row_id)
        if entry.free:
            raise refusal(_place(settings, (*keys, "free")), "free = true", path)
        if entry.api_key_env is not None:
            # Whatever that variable holds would go to whoever listens at the address, on loopback as well.
            raise refusal(_place(settings, (*keys, "api_key_env")), "it chooses a variable whose value is sent", path)
        if not is_loopback(entry.base_url):
            raise refusal(_place(settings, (*keys, "base_url")), "the address is not on this machine", path)


def _configured(known: Provider | None, row_id: str, entry: ProviderEntry) -> Provider:
    """Return a provider as the user describes it; what is not said stays."""
    own = Provider(id=row_id, name=row_id, base_url="", auth=Auth(mode="none"), free=FreeRule(kind="user"), rank=90)
    row = known or replace(own, origin="user")
    said = entry.model_fields_set
    if entry.free:
        row = replace(row, free=FreeRule(all_models=True, kind="user"), is_on=True)
    if entry.api_key_env:
        row = replace(row, auth=replace(row.auth, mode="key", env=(entry.api_key_env,)))
    if "limits" in said:
        row = replace(row, limits=tuple(to_limit(limit) for limit in entry.limits), model_limits={})
    return replace(
        row,
        name=entry.name or row.name,
        base_url=entry.base_url.rstrip("/"),
        dialect=entry.dialect if "dialect" in said or known is None else row.dialect,
    )


def to_limit(entry: LimitEntry) -> Limit:
    """Return a limit that the user wrote."""
    seconds = _SECONDS[entry.per or ""] if entry.kind in _WITH_LENGTH else 0.0
    anchor = entry.anchor.timestamp() if entry.anchor else 0.0
    window = Window(kind=entry.kind, seconds=seconds, zone=entry.zone, anchor=anchor)
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
