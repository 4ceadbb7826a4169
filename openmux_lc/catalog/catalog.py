"""The catalog: every provider and model known, and the names they go by.

A value: what is learned later (engines found, the user's own models) makes a new one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from openmux_lc.catalog.addresses import with_addresses
from openmux_lc.catalog.configured import check_choices, with_document
from openmux_lc.catalog.layers import package_layers
from openmux_lc.catalog.overlay import ModelOverlay, overlaid
from openmux_lc.catalog.plugins import installed_providers
from openmux_lc.catalog.resolve import resolve_route
from openmux_lc.errors import ConfigError, UnknownProviderError
from openmux_lc.folders import data_folder
from openmux_lc.settings import Settings
from openmux_lc.types.catalog import Model, Provider, Route

__all__ = ["Catalog", "load_catalog"]


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """Providers by id, in the order of their rank.

    Args:
        providers: The rows; those that are off stand among them.
        overlays: The user's `[[models]]`, by provider and model id; they outlive
            `with_models`.

    Example:
        >>> catalog = Catalog(providers={"host": Provider(id="host", name="Host", base_url="http://127.0.0.1:1/v1")})
        >>> catalog.resolve("host:some/model:7b").model
        'some/model:7b'
    """

    providers: Mapping[str, Provider]
    overlays: Mapping[str, Mapping[str, ModelOverlay]] = field(default_factory=dict, repr=False)

    def provider(self, provider_id: str) -> Provider:
        """Return the row of that id.

        Raises:
            UnknownProviderError: Names the nearest ones.
        """
        row = self.providers.get(provider_id)
        if row is None:
            raise UnknownProviderError(
                f"no provider {provider_id[:120]!r}; there are {', '.join(sorted(self.providers)) or 'none'}"
            )
        return row

    def model(self, route: Route) -> Model | None:
        """Return what is known about a route's model, None where nothing is."""
        return self._models.get(route)

    def pinned(self, route: Route) -> tuple[Provider, Model]:
        """Return a route's provider and model; an unknown model is a bare one.

        Raises:
            UnknownProviderError: No such provider.
        """
        return self.provider(route.provider), self.model(route) or Model(id=route.model)

    def resolve(self, text: str) -> Route:
        """Return the route that a user's `text` names.

        Raises:
            UnknownProviderError: Names the full routes that may have been meant.
        """
        return resolve_route(self.providers, text)

    def resolve_chain(self, chain: Sequence[str]) -> tuple[Route | Literal["auto"], ...]:
        """Return the routes a user's chain names.

        Raises:
            UnknownProviderError: Names the nearest routes.
            ConfigError: `auto` stands in the middle.
        """
        if "auto" in chain[1:-1]:
            raise ConfigError(f"{', '.join(chain)}: 'auto' stands first (the pool, then your routes) or last")
        return tuple("auto" if text == "auto" else self.resolve(text) for text in chain)

    def entries(self) -> tuple[tuple[Provider, Model, Route], ...]:
        """Return every known model with its provider and route."""
        return tuple((row, model, Route(row.id, model.id)) for row in self.providers.values() for model in row.models)

    def with_provider(self, row: Provider) -> Catalog:
        """Return a catalog with one more provider, or another of the same id."""
        return replace(self, providers={**self.providers, row.id: row})

    def with_models(self, provider_id: str, models: Collection[Model], *, base_url: str | None = None) -> Catalog:
        """Return a catalog in which a provider has just these models.

        Args:
            provider_id: A known provider.
            models: All of its models; the user's word about them is kept.
            base_url: Where it was found; default where it was.

        Raises:
            UnknownProviderError: No such provider.
        """
        row = self.provider(provider_id)
        seen = overlaid(tuple(models), self.overlays.get(provider_id, {}))
        return self.with_provider(replace(row, models=seen, base_url=row.base_url if base_url is None else base_url))

    @cached_property
    def _models(self) -> Mapping[Route, Model]:
        return {route: model for _, model, route in self.entries()}


def load_catalog(settings: Settings, *, keys_in_code: Collection[str] = ()) -> Catalog:
    """Return everything that is known here: shipped rows, then the user's additions.

    In order: rows and corrections of the package, copies in the data folder, installed
    packages' entry points, the TOML file, the address variables. Later ones win.

    Args:
        settings: Holds the TOML file and the variables.
        keys_in_code: Providers whose key is given as an argument.

    Raises:
        CatalogError: A row is malformed; names file, line and key.
        UnknownProviderError: The settings choose a provider that does not exist.
        UntrustedConfigError: A file found through the working directory asks too much.
    """
    layers = package_layers()
    for path in sorted((data_folder() / "providers").glob("*.toml")):
        layers = layers.with_file(path)
    providers = layers.to_providers()
    providers |= {row.id: row for row in installed_providers()}
    configured = with_document(providers, settings)
    check_choices(configured.providers, settings)
    return Catalog(providers=with_addresses(configured.providers, settings, keys_in_code), overlays=configured.overlays)
