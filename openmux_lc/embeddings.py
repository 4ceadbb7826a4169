"""`OpenMuxEmbeddings`: the pool's embedding models as LangChain `Embeddings`.

Vectors of two models cannot be compared: the first route that gives vectors is the
only one asked from then on.
"""

from dataclasses import replace
from typing import Self

from langchain_core.embeddings import Embeddings
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from openmux_lc.engine.embed import aembed, embed
from openmux_lc.errors import EmbeddingSpaceError, OpenMuxError
from openmux_lc.mux import Mux
from openmux_lc.providers.twins import as_langchain_error
from openmux_lc.types.run import EmbeddingRequest, Options, Vectors

__all__ = ["OpenMuxEmbeddings"]


class OpenMuxEmbeddings(BaseModel, Embeddings):
    """Embeddings from a free model, all of them from the same one.

    Args:
        model: `auto` or a route such as `ollama:nomic-embed-text`.
        dimensions: Shorter vectors, where the model can.
        timeout: Seconds for one call; default the settings' own.
        mux: The pool; default the process's own.

    Raises:
        NoRouteError: No embedding model is within reach.
        EmbeddingSpaceError: The model that gave the earlier vectors is gone.

    Example:
        >>> from openmux_lc import OpenMuxEmbeddings
        >>> OpenMuxEmbeddings(model="ollama:nomic-embed-text").space is None
        True
    """

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True, populate_by_name=True)

    model_name: str = Field(default="auto", alias="model")
    dimensions: int | None = Field(default=None, gt=0)
    timeout: float | None = Field(default=None, gt=0)
    mux: Mux | None = Field(default=None, exclude=True, repr=False)

    _space: tuple[str, int] | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _forget_copied_space(self) -> Self:
        """Begin without a space, whatever was copied."""
        self._space = None
        return self

    @property
    def space(self) -> tuple[str, int] | None:
        """The route and vector length that hold from the first call on."""
        return self._space

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
        request = EmbeddingRequest(texts=(text,), purpose="query", dimensions=self.dimensions)
        return (await self._aembed(request))[0]

    def _embed(self, request: EmbeddingRequest) -> list[list[float]]:
        if not request.texts:
            return []
        try:
            return self._kept(embed(self._pool, request, self._options()))
        except OpenMuxError as error:
            raise self._told(error) from error.__cause__

    async def _aembed(self, request: EmbeddingRequest) -> list[list[float]]:
        if not request.texts:
            return []
        try:
            return self._kept(await aembed(self._pool, request, self._options()))
        except OpenMuxError as error:
            raise self._told(error) from error.__cause__

    @property
    def _pool(self) -> Mux:
        return self.mux or Mux.default()

    def _options(self) -> Options:
        options = self._pool.default_options()
        route = self._space[0] if self._space else self.model_name
        return replace(options, chain=(route,), task="embeddings", timeout_s=self.timeout or options.timeout_s)

    def _kept(self, vectors: Vectors) -> list[list[float]]:
        """Return the vectors as lists, once they are known to lie in the same space."""
        space = (str(vectors.route), len(vectors.vectors[0]))
        if self._space is not None and self._space != space:
            raise EmbeddingSpaceError(
                f"{space[0]} gives vectors of length {space[1]}, the earlier ones came from {self._space[0]} "
                f"with length {self._space[1]}; they cannot be compared: embed everything anew with one model"
            )
        self._space = space
        return [list(vector) for vector in vectors.vectors]

    def _told(self, error: OpenMuxError) -> Exception:
        """Return the error for the reader; a lost space is named as such."""
        if self._space is None or isinstance(error, EmbeddingSpaceError):
            return as_langchain_error(error)
        return EmbeddingSpaceError(
            f"{self._space[0]} gave the earlier vectors and does not answer now ({type(error).__name__}); another "
            "model's vectors could not be compared with them: wait, or embed everything anew"
        )
