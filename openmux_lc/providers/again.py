"""An adapter that asks again where that can help: after a lesson, and after a passing fault.

For faces used alone. In the pool the engine does this, so that every call is counted.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from openmux_lc.errors import InvalidRequest, ProviderError, RateLimited, ServerError
from openmux_lc.types.run import Answer, EmbeddingRequest, Vectors
from openmux_lc.types.wire import Adapter, AsyncStream, Call, Stream

__all__ = ["AskAgain"]

_LESSONS: Final = 3
"""A host names one refused parameter at a time."""
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 20.0

_Given = TypeVar("_Given")


class AskAgain:
    """An `Adapter` around another one.

    Args:
        adapter: Says `retry` on an `InvalidRequest` when it has learned from it.
        max_retries: Repeats after a passing fault: one whose advice is to retry, a
            server's failure, or a rate limit that tells a wait within the deadline.
    """

    def __init__(self, adapter: Adapter, max_retries: int = 0) -> None:
        """Ask nothing yet."""
        self._adapter = adapter
        self._max_retries = max_retries

    def send(self, call: Call) -> Answer:
        """Return the whole answer."""
        return self._again(call, lambda: self._adapter.send(call))

    async def asend(self, call: Call) -> Answer:
        """Return the whole answer."""
        return await self._aagain(call, lambda: self._adapter.asend(call))

    def open(self, call: Call) -> Stream:
        """Return a stream whose response headers have arrived with success."""
        return self._again(call, lambda: self._adapter.open(call))

    async def aopen(self, call: Call) -> AsyncStream:
        """Return a stream whose response headers have arrived with success."""
        return await self._aagain(call, lambda: self._adapter.aopen(call))

    def embed(self, call: Call, request: EmbeddingRequest) -> Vectors:
        """Return one vector per text."""
        return self._again(call, lambda: self._adapter.embed(call, request))

    async def aembed(self, call: Call, request: EmbeddingRequest) -> Vectors:
        """Return one vector per text."""
        return await self._aagain(call, lambda: self._adapter.aembed(call, request))

    def _again(self, call: Call, ask: Callable[[], _Given]) -> _Given:
        patience = _Patience(call, self._max_retries)
        while True:
            try:
                return ask()
            except ProviderError as error:
                pause_s = patience.pause_s(error)
                if pause_s is None:
                    raise
            time.sleep(pause_s)

    async def _aagain(self, call: Call, ask: Callable[[], Awaitable[_Given]]) -> _Given:
        patience = _Patience(call, self._max_retries)
        while True:
            try:
                return await ask()
            except ProviderError as error:
                pause_s = patience.pause_s(error)
                if pause_s is None:
                    raise
            await asyncio.sleep(pause_s)


class _Patience:
    """How often one call may still be repeated."""

    def __init__(self, call: Call, retries: int) -> None:
        self._deadline = call.deadline
        self._retries, self._lessons, self._pause_s = retries, _LESSONS, _FIRST_PAUSE_S

    def pause_s(self, error: ProviderError) -> float | None:
        """Return how long to wait before the next try, None where there is none."""
        if isinstance(error, InvalidRequest):
            self._lessons -= 1
            return 0.0 if error.advice == "retry" and self._lessons >= 0 else None
        is_passing = error.advice == "retry" or isinstance(error, ServerError)
        is_told = isinstance(error, RateLimited) and error.retry_after is not None
        if self._retries <= 0 or not (is_passing or is_told):
            return None
        wait_s = self._pause_s if error.retry_after is None else error.retry_after
        if wait_s > min(_LONGEST_PAUSE_S, self._deadline - time.monotonic()):
            return None
        self._retries -= 1
        self._pause_s *= 2
        return wait_s
