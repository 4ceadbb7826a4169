"""How langchain-ollama's classes reach an engine: with the given key, or with none."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from openmux_lc.http import Auth, Request, Response
from openmux_lc.providers.ollama_wire import root_url
from openmux_lc.types.catalog import Provider

if TYPE_CHECKING:
    from pydantic import SecretStr

__all__ = ["ollama_options"]


class _OnlyThisKey(Auth):
    """Sends the given key or none: the client itself takes one from the environment."""

    def __init__(self, key: SecretStr | None) -> None:
        self._key = key

    def auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        """Put our header in the place of the client's."""
        request.headers.pop("authorization", None)
        if self._key is not None:
            request.headers["authorization"] = f"Bearer {self._key.get_secret_value()}"
        yield request


def ollama_options(provider: Provider, api_key: SecretStr | None) -> dict[str, Any]:
    """Return the address and client options for langchain-ollama's classes."""
    key = None if provider.auth.mode == "none" else api_key
    options = {"auth": _OnlyThisKey(key), "trust_env": not provider.is_local, "follow_redirects": False}
    return {"base_url": root_url(provider.base_url), "client_kwargs": options}
