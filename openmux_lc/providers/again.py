"""An adapter that asks once more where the first refusal taught it what to leave out.

For faces used alone: in the pool the engine does this, so that it is counted.
"""

from __future__ import annotations

from openmux_lc.errors import InvalidRequest
from openmux_lc.types.run import Answer, EmbeddingRequest, Vectors
from openmux_lc.types.wire import Adapter, AsyncStream, Call, Stream

__all__ = ["AskAgain"]


class AskAgain:
    """An `Adapter` around another one.

    Args:
        adapter: Says `retry` on an `InvalidRequest` when it has learned from it.
    """

    def __init__(self, adapter: Adapter) -> None:
        """Ask nothing yet."""
        self._adapter = adapter

    def send(self, call: Call) -> Answer:
        """Return the whole answer."""
        try:
            return self._adapter.send(call)
        except InvalidRequest as refusal:
            if refusal.advice != "retry":
                raise
        return self._adapter.send(call)

    async def asend(self, call: Call) -> Answer:
        """Return the whole answer."""
        try:
            return await self._adapter.asend(call)
        except InvalidRequest as refusal:
            if refusal.advice != "retry":
                raise
        return await self._adapter.asend(call)

    def open(self, call: Call) -> Stream:
        """Return a stream whose response headers have arrived with success."""
        try:
            return self._adapter.open(call)
        except InvalidRequest as refusal:
            if refusal.advice != "retry":
                raise
        return self._adapter.open(call)

    async def aopen(self, call: Call) -> AsyncStream:
        """Return a stream whose response headers have arrived with success."""
        try:
            return await self._adapter.aopen(call)
        except InvalidRequest as refusal:
            if refusal.advice != "retry":
                raise
        return await self._adapter.aopen(call)

    def embed(self, call: Call, request: EmbeddingRequest) -> Vectors:
        """Return one vector per text."""
        try:
            return self._adapter.embed(call, request)
        except InvalidRequest as refusal:
            if refusal.advice != "retry":
                raise
        return self._adapter.embed(call, request)

    async def aembed(self, call: Call, request: EmbeddingRequest) -> Vectors:
        """Return one vector per text."""
        try:
            return await self._adapter.aembed(call, request)
        except InvalidRequest as refusal:
            if refusal.advice != "retry":
                raise
        return await self._adapter.aembed(call, request)
