"""`OpenMuxEmbeddings`: the pool's embedding models as LangChain `Embeddings`.

Vectors of two models cannot be compared: the first route that gives vectors is the
only one asked from then on.
"""

from dataclasses import replace
from typing import Any, Self

from langchain_core.embeddings import Embeddings
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

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

    _found: tuple[object, tuple[str, int]] | None = PrivateAttr(default=None)

    @property
    def space(self) -> tuple[str, int] | None:
        """The route and vector length that hold from the first call on."""
        if self._found is None or self._found[0] != self._wish:
            return None
        return self._found[1]

    @property
    def _wish(self) -> object:
        """What a space was found for: a copy that asks for something else begins without one."""
        return self.model_name, self.dimensions, self.mux

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

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """Return a copy with the same pool: sockets and files have no copies."""
        memo = {} if memo is None else memo  # deepcopy's own scratch pad: the one argument meant to be written to
        memo |= {id(shared): shared for shared in (self.mux, self._found) if shared is not None}
        return super().__deepcopy__(memo)

    def __getstate__(self) -> dict[Any, Any]:
        """Return what is pickled; the process's own pool is found anew where it is unpickled.

        Raises:
            TypeError: It has a pool of its own, whose sockets and files cannot travel.
        """
        if self.mux is not None:
            raise TypeError("OpenMuxEmbeddings with mux= cannot be pickled: leave mux= out, pass it after unpickling")
        return super().__getstate__()

    def _embed(self, request: EmbeddingRequest) -> list[list[float]]:
        if not request.texts:
            return []
        pool = self.mux or Mux.default()
        try:
            return self._kept(embed(pool, request, self._options(pool)))
        except OpenMuxError as error:
            told = self._told(error)
            raise told from told.__cause__

    async def _aembed(self, request: EmbeddingRequest) -> list[list[float]]:
        if not request.texts:
            return []
        pool = self.mux or Mux.default()
        try:
            return self._kept(await aembed(pool, request, self._options(pool)))
        except OpenMuxError as error:
            told = self._told(error)
            raise told from told.__cause__

    def _options(self, pool: Mux) -> Options:
        options = pool.default_options()
        route = self.space[0] if self.space else self.model_name
        return replace(options, chain=(route,), task="embeddings", timeout_s=self.timeout or options.timeout_s)

    def _kept(self, vectors: Vectors) -> list[list[float]]:
        """Return the vectors as lists, once they are known to lie in the same space."""
        space, earlier = (str(vectors.route), len(vectors.vectors[0])), self.space
        if earlier is not None and earlier != space:
            raise EmbeddingSpaceError(
                f"{space[0]} gives vectors of length {space[1]}, the earlier ones came from {earlier[0]} "
                f"with length {earlier[1]}; they cannot be compared: embed everything anew with one model"
            )
        self._found = self._wish, space
        return [list(vector) for vector in vectors.vectors]

    def _told(self, error: OpenMuxError) -> Exception:
        """Return the error for the reader; a space that `auto` chose and lost is named as such."""
        if self.space is None or self.model_name != "auto" or isinstance(error, EmbeddingSpaceError):
            return as_langchain_error(error)
        lost = EmbeddingSpaceError(
            f"{self.space[0]} gave the earlier vectors and does not answer now ({type(error).__name__}); another "
            "model's vectors could not be compared with them: wait, or embed everything anew"
        )
        lost.__cause__ = error
        return lost
