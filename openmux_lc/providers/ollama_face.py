"""How langchain-ollama's classes reach an engine: with the given key, or with none.

The client's own requests pass one place of ours, where the key is put in and the
model is checked: whatever option of a call named it, no other model is reached.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from openmux_lc.errors import AuthenticationFailed
from openmux_lc.http import Auth, Request, Response
from openmux_lc.providers.ollama_wire import root_url
from openmux_lc.types.catalog import Provider
from openmux_lc.types.json import as_object, as_text

if TYPE_CHECKING:
    from pydantic import SecretStr

__all__ = ["ollama_options"]


class _OnlyThisKey(Auth):
    """Sends the given key or none: the client itself takes one from the environment."""

    requires_request_body = True

    def __init__(self, key: SecretStr | None, may_ask: Callable[[str], None] | None) -> None:
        self._key, self._may_ask = key, may_ask

    def auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        """Put our header in the place of the client's, once the model may be asked."""
        if self._may_ask is not None:
            self._may_ask(as_text(as_object(json.loads(request.content or b"{}")).get("model")))
        request.headers.pop("authorization", None)
        if self._key is not None:
            request.headers["authorization"] = f"Bearer {self._key.get_secret_value()}"
        yield request


def ollama_options(
    provider: Provider, api_key: SecretStr | None, may_ask: Callable[[str], None] | None = None
) -> dict[str, Any]:
    """Return the address and client options for langchain-ollama's classes.

    Args:
        provider: The engine's row.
        api_key: Sent where the row takes one.
        may_ask: Raises for a model that may not be called.

    Raises:
        AuthenticationFailed: The key holds characters that no header can carry.
    """
    key = None if provider.auth.mode == "none" else api_key
    text = key.get_secret_value() if key is not None else ""
    if not (text.isascii() and text.isprintable()):
        message = f"{provider.id}: the key holds characters that no header can carry; copy it again"
        raise AuthenticationFailed(message, provider=provider.id)
    options = {"auth": _OnlyThisKey(key, may_ask), "trust_env": not provider.is_local, "follow_redirects": False}
    return {"base_url": root_url(provider.base_url), "client_kwargs": options}
