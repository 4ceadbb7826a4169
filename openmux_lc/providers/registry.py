"""Which adapter speaks to a provider, and what a provider says it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from openmux_lc.errors import CatalogError, ConfigError
from openmux_lc.http import Clients
from openmux_lc.providers.listing import listing_url, models_ask, read_ids
from openmux_lc.providers.openai import OpenAIDialect
from openmux_lc.providers.refusals import Refusals, RefusalStore
from openmux_lc.providers.wire import WireAdapter
from openmux_lc.types.catalog import Provider
from openmux_lc.types.run import Request
from openmux_lc.types.wire import Adapter, Call

if TYPE_CHECKING:
    from pydantic import SecretStr

__all__ = ["DIALECTS", "adapter_for", "list_models"]


def _openai(clients: Clients, refusals: Refusals) -> Adapter:
    return WireAdapter(OpenAIDialect(), clients, refusals)


def _ollama(clients: Clients, _: Refusals) -> Adapter:
    from openmux_lc.providers.ollama import OllamaAdapter  # loads pydantic

    return OllamaAdapter(clients)


def _gemini(clients: Clients, refusals: Refusals) -> Adapter:
    from openmux_lc.providers.gemini import GeminiDialect

    return WireAdapter(GeminiDialect(), clients, refusals)


def _cohere(clients: Clients, refusals: Refusals) -> Adapter:
    from openmux_lc.providers.cohere import CohereDialect

    return WireAdapter(CohereDialect(), clients, refusals)


def _cloudflare(clients: Clients, refusals: Refusals) -> Adapter:
    from openmux_lc.providers.cloudflare import CloudflareDialect

    return WireAdapter(CloudflareDialect(), clients, refusals)


def _huggingface(clients: Clients, refusals: Refusals) -> Adapter:
    from openmux_lc.providers.huggingface import HuggingFaceDialect

    return WireAdapter(HuggingFaceDialect(), clients, refusals)


def _pollinations(clients: Clients, refusals: Refusals) -> Adapter:
    from openmux_lc.providers.pollinations import PollinationsDialect

    return WireAdapter(PollinationsDialect(), clients, refusals)


def _replicate(clients: Clients, refusals: Refusals) -> Adapter:
    from openmux_lc.providers.replicate import ReplicateAdapter

    return ReplicateAdapter(clients, refusals)


def _horde(clients: Clients, refusals: Refusals) -> Adapter:
    from openmux_lc.providers.horde import HordeAdapter

    return HordeAdapter(clients, refusals)


DIALECTS: Final[Mapping[str, Callable[[Clients, Refusals], Adapter]]] = {
    "openai": _openai,
    "ollama": _ollama,
    "gemini": _gemini,
    "cohere": _cohere,
    "cloudflare": _cloudflare,
    "huggingface": _huggingface,
    "pollinations": _pollinations,
    "replicate": _replicate,
    "horde": _horde,
}
"""Adapter factories by the dialect name of a row; each loads its module on first need."""


def adapter_for(provider: Provider, clients: Clients, refusals: RefusalStore | None = None) -> Adapter:
    """Return an adapter that speaks `provider`'s dialect.

    Args:
        provider: Its row.
        clients: Where connections are pooled.
        refusals: Where it is kept what models refuse; None means in the adapter.

    Raises:
        CatalogError: Nothing speaks it.
        ConfigError: Its address lacks a part that only the user knows.
    """
    _require_address(provider)
    make = DIALECTS.get(provider.dialect)
    if make is None:
        known = ", ".join(sorted(DIALECTS))
        raise CatalogError(f"provider {provider.id!r}: unknown dialect {provider.dialect!r}; known are {known}")
    return make(clients, Refusals(refusals))


def list_models(provider: Provider, key: SecretStr | None, clients: Clients, *, deadline: float) -> tuple[str, ...]:
    """Return the ids of the models that `provider` lists.

    Args:
        provider: Its row; its dialect decides the page.
        key: Sent where the host takes one, so that a wrong one shows.
        clients: Where connections are pooled.
        deadline: `time.monotonic()` at which the wait ends.

    Raises:
        ProviderError: `AuthenticationFailed` when the key is wrong; else what failed.
        ConfigError: Its address lacks a part that only the user knows.
    """
    _require_address(provider)
    call = Call(provider=provider, model="*", request=Request(messages=()), key=key, deadline=deadline)
    wire = WireAdapter(OpenAIDialect(), clients)
    page = listing_url(provider)
    check = provider.auth.check_path
    if check and key is not None and check.rstrip("/") != "/models":
        wire.fetch(call, models_ask(call, f"{provider.base_url}{check}"))
    return read_ids(call, wire.fetch(call, models_ask(call, page)))


def _require_address(provider: Provider) -> None:
    """Raise unless every part of the provider's address is known."""
    if missing := provider.missing_variables:
        raise ConfigError(f"provider {provider.id!r}: its address is not complete; set {' and '.join(missing)}")
