# ruff: noqa: ANN401 - the options are the fields of the models
"""One provider's model as a LangChain object, without the pool: no routing, no failover.

The free check and the search for the key are the pool's own, and the check stands
before every send: a model that is named per call passes it as well. Quotas are not
counted.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from pydantic import SecretStr

from openmux_lc.catalog.catalog import Catalog, load_catalog
from openmux_lc.catalog.free import why_not_free
from openmux_lc.catalog.pool import pool_entry
from openmux_lc.errors import MissingKeyError, NoRouteError
from openmux_lc.keys.find import KeyFinder
from openmux_lc.providers.langchain import chat_model_for
from openmux_lc.providers.langchain_embeddings import embeddings_for
from openmux_lc.settings import Settings
from openmux_lc.types.catalog import Provider, Route
from openmux_lc.types.run import Rejection

__all__ = ["provider_chat_model", "provider_embeddings"]


def provider_chat_model(
    route: str, *, api_key: str | SecretStr | None = None, settings: Settings | None = None, **options: Any
) -> BaseChatModel:
    """Return the chat model that `route` names, as a full `BaseChatModel`.

    Args:
        route: `provider:model`, such as `groq:openai/gpt-oss-120b`.
        api_key: Default: the key that the pool would find.
        settings: Default: the process's own.
        **options: Fields of the model: `temperature`, `max_tokens`, `timeout`, ...

    Raises:
        UnknownProviderError: No such provider; the message lists the nearest routes.
        MissingKeyError: The provider needs a key and none was found.
        NoRouteError: The route may not be called: not known to be free, off, offline.
    """
    found = _resolved(route, api_key, settings or Settings.load())
    return chat_model_for(found.provider, found.model, api_key=found.key, may_ask=found.may_ask, **options)


def provider_embeddings(
    route: str, *, api_key: str | SecretStr | None = None, settings: Settings | None = None, **options: Any
) -> Embeddings:
    """Return the embedding model that `route` names; arguments as `provider_chat_model`.

    Example:
        >>> provider_embeddings("ollama:nomic-embed-text").embed_query  # doctest: +ELLIPSIS
        <bound method ...>
    """
    found = _resolved(route, api_key, settings or Settings.load())
    return embeddings_for(found.provider, found.model, api_key=found.key, **options)


@dataclass(frozen=True, slots=True)
class _FreeCheck:
    """Raises `NoRouteError` for a model of the provider that is not known to be free."""

    catalog: Catalog
    provider_id: str

    def __call__(self, model: str) -> None:
        route = Route(self.provider_id, model)
        if problem := why_not_free(*self.catalog.pinned(route)):
            raise _forbidden(route, f"not free: {problem}")


class _Found(NamedTuple):
    """A route that may be called."""

    provider: Provider
    model: str
    key: SecretStr | None
    may_ask: _FreeCheck


def _resolved(text: str, api_key: str | SecretStr | None, settings: Settings) -> _Found:
    """Return the row, the model's id and the key of a route that may be called."""
    given = api_key.get_secret_value() if isinstance(api_key, SecretStr) else api_key
    head = text.partition(":")[0].strip()
    keys = KeyFinder(settings, {head: given} if given else None)
    catalog = load_catalog(settings, keys_in_code=keys.in_code)
    route = catalog.resolve(text)
    entry = pool_entry(catalog, route, settings=settings, has_key=keys.has)
    if entry.blocked.startswith("no key"):
        raise MissingKeyError(f"{route}: {entry.blocked}, or pass api_key=")
    if entry.blocked:
        raise _forbidden(route, entry.blocked)
    key = keys.find(entry.provider)
    if key is None and entry.provider.auth.mode == "key":
        raise MissingKeyError(f"{route}: the kept key cannot be read; unlock the keyring, or pass api_key=")
    return _Found(entry.provider, route.model, key.secret if key else None, _FreeCheck(catalog, route.provider))


def _forbidden(route: Route, reason: str) -> NoRouteError:
    rejected = (Rejection(route=str(route), reason=reason),)
    return NoRouteError(f"{route} may not be called: {reason}", rejected=rejected)
