# ruff: noqa: ANN401 - the options are the fields of the models
"""One provider's model as a LangChain object, without the pool: no routing, no failover.

The free check and the search for the key are the pool's own; quotas are not counted.
"""

from typing import Any

from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from pydantic import SecretStr

from openmux_lc.catalog.catalog import load_catalog
from openmux_lc.catalog.pool import pool_entry
from openmux_lc.errors import MissingKeyError, NoRouteError
from openmux_lc.keys.find import KeyFinder
from openmux_lc.providers.langchain import chat_model_for
from openmux_lc.providers.langchain_embeddings import embeddings_for
from openmux_lc.settings import Settings
from openmux_lc.types.catalog import Provider
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
    row, model, key = _resolved(route, api_key, settings or Settings.load())
    return chat_model_for(row, model, api_key=key, **options)


def provider_embeddings(
    route: str, *, api_key: str | SecretStr | None = None, settings: Settings | None = None, **options: Any
) -> Embeddings:
    """Return the embedding model that `route` names; arguments as `provider_chat_model`.

    Example:
        >>> provider_embeddings("ollama:nomic-embed-text").embed_query  # doctest: +ELLIPSIS
        <bound method ...>
    """
    row, model, key = _resolved(route, api_key, settings or Settings.load())
    return embeddings_for(row, model, api_key=key, **options)


def _resolved(text: str, api_key: str | SecretStr | None, settings: Settings) -> tuple[Provider, str, SecretStr | None]:
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
        rejected = (Rejection(route=str(route), reason=entry.blocked),)
        raise NoRouteError(f"{route} may not be called: {entry.blocked}", rejected=rejected)
    key = keys.find(entry.provider)
    if key is None and entry.provider.auth.mode == "key":
        raise MissingKeyError(f"{route}: the kept key cannot be read; unlock the keyring, or pass api_key=")
    return entry.provider, route.model, key.secret if key else None
