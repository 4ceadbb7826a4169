"""Which adapter speaks to a provider, and what a provider says it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from openmux_lc.errors import CatalogError
from openmux_lc.http import Clients
from openmux_lc.providers.answer import bad_payload
from openmux_lc.providers.exchange import parse_json
from openmux_lc.providers.openai import OpenAIDialect, models_ask
from openmux_lc.providers.wire import WireAdapter
from openmux_lc.types.catalog import Provider
from openmux_lc.types.json import Json, as_list, as_object, as_text
from openmux_lc.types.run import Request
from openmux_lc.types.wire import Adapter, Call

if TYPE_CHECKING:
    from pydantic import SecretStr

__all__ = ["DIALECTS", "adapter_for", "list_models"]


def _openai(clients: Clients) -> Adapter:
    return WireAdapter(OpenAIDialect(), clients)


def _ollama(clients: Clients) -> Adapter:
    from openmux_lc.providers.ollama import OllamaAdapter  # loads pydantic

    return OllamaAdapter(clients)


DIALECTS: Final[Mapping[str, Callable[[Clients], Adapter]]] = {"openai": _openai, "ollama": _ollama}
"""Adapter factories by the dialect name of a row."""


def adapter_for(provider: Provider, clients: Clients) -> Adapter:
    """Return an adapter that speaks `provider`'s dialect.

    Raises:
        CatalogError: Nothing speaks it.
    """
    make = DIALECTS.get(provider.dialect)
    if make is None:
        known = ", ".join(sorted(DIALECTS))
        raise CatalogError(f"provider {provider.id!r}: unknown dialect {provider.dialect!r}; known are {known}")
    return make(clients)


def list_models(provider: Provider, key: SecretStr | None, clients: Clients, *, deadline: float) -> tuple[str, ...]:
    """Return the ids of the models that `provider` lists.

    Args:
        provider: Its row; its dialect decides the page.
        key: Sent where the host takes one, so that a wrong one shows.
        clients: Where connections are pooled.
        deadline: `time.monotonic()` at which the wait ends.

    Raises:
        ProviderError: `AuthenticationFailed` when the key is wrong; else what failed.
    """
    call = Call(provider=provider, model="*", request=Request(messages=()), key=key, deadline=deadline)
    is_native = provider.dialect == "ollama"
    wire = WireAdapter(OpenAIDialect(), clients)
    check = provider.auth.check_path
    if check and key is not None and check.rstrip("/") != "/models":
        wire.fetch(call, models_ask(call, check))
    payload = parse_json(call, wire.fetch(call, models_ask(call, "/api/tags" if is_native else "/models")).body)
    rows = payload if isinstance(payload, list) else as_object(payload).get("models" if is_native else "data")
    if not isinstance(rows, list):
        raise bad_payload(call, "holds no list of models")
    return tuple(filter(None, map(_id, as_list(rows))))


def _id(row: Json) -> str:
    fields = as_object(row)
    return as_text(fields.get("id")) or as_text(fields.get("model")) or as_text(fields.get("name"))
