"""An adapter that asks again where a refusal taught it what to leave out.

For faces used alone: in the pool the engine does this, so that it is counted.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from openmux_lc.errors import InvalidRequest
from openmux_lc.types.run import Answer, EmbeddingRequest, Vectors
from openmux_lc.types.wire import Adapter, AsyncStream, Call, Stream

__all__ = ["AskAgain"]

_LESSONS: Final = 3
"""A host names one parameter at a time."""

_Given = TypeVar("_Given")


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
        return _again(lambda: self._adapter.send(call))

    async def asend(self, call: Call) -> Answer:
        """Return the whole answer."""
        return await _aagain(lambda: self._adapter.asend(call))

    def open(self, call: Call) -> Stream:
        """Return a stream whose response headers have arrived with success."""
        return _again(lambda: self._adapter.open(call))

    async def aopen(self, call: Call) -> AsyncStream:
        """Return a stream whose response headers have arrived with success."""
        return await _aagain(lambda: self._adapter.aopen(call))

    def embed(self, call: Call, request: EmbeddingRequest) -> Vectors:
        """Return one vector per text."""
        return _again(lambda: self._adapter.embed(call, request))

    async def aembed(self, call: Call, request: EmbeddingRequest) -> Vectors:
        """Return one vector per text."""
        return await _aagain(lambda: self._adapter.aembed(call, request))


def _again(ask: Callable[[], _Given]) -> _Given:
    for _ in range(_LESSONS):
        try:
            return ask()
        except InvalidRequest as refusal:
            if refusal.advice != "retry":
                raise
    return ask()


async def _aagain(ask: Callable[[], Awaitable[_Given]]) -> _Given:
    for _ in range(_LESSONS):
        try:
            return await ask()
        except InvalidRequest as refusal:
            if refusal.advice != "retry":
                raise
    return await ask()
