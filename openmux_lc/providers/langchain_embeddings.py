# ruff: noqa: ANN401 - the signatures are LangChain's
"""LangChain's `Embeddings` face of any row's model, usable alone: it neither counts nor fails over."""

import importlib.util
import time
from typing import Any

from langchain_core.embeddings import Embeddings
from pydantic import BaseModel, Field, InstanceOf, PrivateAttr, SecretStr

from openmux_lc.errors import ProviderError
from openmux_lc.http import Clients
from openmux_lc.providers.again import AskAgain
from openmux_lc.providers.face import FACE_CONFIG, Row
from openmux_lc.providers.ollama_face import ollama_options
from openmux_lc.providers.registry import adapter_for
from openmux_lc.providers.twins import as_langchain_error
from openmux_lc.types.catalog import Provider
from openmux_lc.types.run import EmbeddingRequest, Request
from openmux_lc.types.wire import Adapter, Call

__all__ = ["ProviderEmbeddings", "embeddings_for"]


class ProviderEmbeddings(BaseModel, Embeddings):
    """One embedding model of one provider as LangChain `Embeddings`, without the pool.

    Args:
        provider: The provider's row.
        model: The provider's own model id.
        dimensions: Length of the vectors, where the model can shorten them.
        timeout: Seconds for a whole call, its repeats included.
        max_retries: Repeats after a passing fault.
    """

    model_config = FACE_CONFIG

    provider: Row = Field(exclude=True, repr=False)
    model_name: str = Field(alias="model")
    api_key: SecretStr | None = Field(default=None, exclude=True, repr=False)
    dimensions: int | None = Field(default=None, gt=0)
    timeout: float = Field(default=120.0, gt=0)
    max_retries: int = Field(default=2, ge=0)
    clients: InstanceOf[Clients] = Field(default_factory=Clients, exclude=True, repr=False)

    _adapter: Adapter = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        """Make the adapter; it opens nothing before its first call."""
        super().model_post_init(context)
        self._adapter = AskAgain(adapter_for(self.provider, self.clients), self.max_retries)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return one vector per text."""
        return self._embed(EmbeddingRequest(texts=tuple(texts), purpose="document", dimensions=self.dimensions))

    def embed_query(self, text: str) -> list[float]:
        """Return the vector of a query."""
        return self._embed(EmbeddingRequest(texts=(text,), purpose="query", dimensions=self.dimensions))[0]

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return one vector per text."""
        return await self._aembed(EmbeddingRequest(texts=tuple(texts), purpose="document", dimensions=self.dimensions))

    async def aembed_query(self, text: str) -> list[float]:
        """Return the vector of a query."""
        return (await self._aembed(EmbeddingRequest(texts=(text,), purpose="query", dimensions=self.dimensions)))[0]

    @property
    def adapter(self) -> Adapter:
        """What speaks to the provider."""
        return self._adapter

    def _call(self) -> Call:
        deadline = time.monotonic() + self.timeout
        return Call(
            provider=self.provider,
            model=self.model_name,
            request=Request(messages=()),
            key=self.api_key,
            deadline=deadline,
        )

    def _embed(self, request: EmbeddingRequest) -> list[list[float]]:
        if not request.texts:
            return []
        try:
            return [list(vector) for vector in self.adapter.embed(self._call(), request).vectors]
        except ProviderError as error:
            raise as_langchain_error(error) from error.__cause__

    async def _aembed(self, request: EmbeddingRequest) -> list[list[float]]:
        if not request.texts:
            return []
        try:
            return [list(vector) for vector in (await self.adapter.aembed(self._call(), request)).vectors]
        except ProviderError as error:
            raise as_langchain_error(error) from error.__cause__


def embeddings_for(provider: Provider, model: str, *, api_key: SecretStr | None = None, **options: Any) -> Embeddings:
    """Return the LangChain face of an embedding model; arguments as `chat_model_for`.

    As there, no check that the model is free stands before its sends.
    """
    if provider.dialect == "ollama" and importlib.util.find_spec("langchain_ollama") is not None:
        from langchain_ollama import OllamaEmbeddings

        return OllamaEmbeddings(model=model, **ollama_options(provider, api_key), **options)
    return ProviderEmbeddings(provider=provider, model=model, api_key=api_key, **options)
