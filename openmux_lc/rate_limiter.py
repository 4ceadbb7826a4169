"""`OpenMuxRateLimiter`: the ledger as LangChain's rate limiter, for models that are not in the pool.

LangChain's own counts within one process and per second. This one shares its count with
every process that uses the same state, in any window that a limit may have.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from langchain_core.rate_limiters import BaseRateLimiter
from pydantic import ValidationError

from openmux_lc.catalog.configured import to_limit
from openmux_lc.config_schema import LimitEntry
from openmux_lc.errors import ConfigError, RateLimited
from openmux_lc.mux import Mux
from openmux_lc.providers.twins import as_langchain_error
from openmux_lc.types.catalog import Limit, Route
from openmux_lc.types.run import Attempt
from openmux_lc.types.state import Refusal, Reservation

__all__ = ["OpenMuxRateLimiter"]

_LONGEST_LOOK_S: Final = 5.0
"""A slot may come back before it was said to: another process gives one back, a clock is set."""

_SHORTEST_LOOK_S: Final = 0.01


class OpenMuxRateLimiter(BaseRateLimiter):
    """Admits calls as the limits of a route, or your own, allow.

    Only requests are counted: LangChain says neither how long a prompt is nor when a call
    ends. Each admission is one request of the route, also for the pool's own calls.

    Args:
        route_or_limits: A route of the pool such as `groq:llama-3.3-70b-versatile`, whose
            known limits hold; or limits as in the settings, such as
            `[{"amount": 30, "per": "minute"}]`.
        mux: The pool whose state is used; default the process's own.
        name: Limiters of your own limits share a count where they share a name.
        timeout_s: Longest wait of one call.
        sleep: Waits in threads; `asleep` does so in tasks.

    Raises:
        ConfigError: There is no such route, or a limit is not one.

    Example:
        >>> from openmux_lc import Mux, OpenMuxRateLimiter, Settings
        >>> mux = Mux(Settings(state_url="memory:"))
        >>> limiter = OpenMuxRateLimiter([{"amount": 2, "per": "minute"}], mux)
        >>> [limiter.acquire(blocking=False) for _ in range(3)]
        [True, True, False]
    """

    def __init__(  # noqa: PLR0913 - what LangChain's users may set, and two seams
        self,
        route_or_limits: str | Sequence[Mapping[str, object]],
        mux: Mux | None = None,
        *,
        name: str = "own",
        timeout_s: float = 120.0,
        sleep: Callable[[float], None] = time.sleep,
        asleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Check the limits; nothing is counted yet."""
        self._mux = mux
        self._timeout_s = timeout_s
        self._sleep, self._asleep = sleep, asleep
        self._named = route_or_limits if isinstance(route_or_limits, str) else ""
        self._own = () if isinstance(route_or_limits, str) else tuple(map(_checked, route_or_limits))
        self._route = Route(f"limiter-{name}", "calls")
        if not self._named and not self._own:
            raise ConfigError("a rate limiter needs a route, or at least one limit such as {'amount': 30, 'per': ...}")

    def acquire(self, *, blocking: bool = True) -> bool:
        """Return True once a call may be made; with `blocking=False` whether it may be made now.

        Raises:
            RateLimited: No call may be made within `timeout_s`; says when one may.
        """
        pool, left_s = self._pool, self._timeout_s
        route, limits = self._counted(pool)
        while True:
            reply = pool.ledger.reserve(route, limits, {}, gives_way=True)
            if isinstance(reply, Reservation):
                pool.ledger.settle(reply, _made(reply))
                return True
            if not blocking:
                return False
            wait_s = _wait_s(reply, left_s, pool.ledger.snapshot().at)
            left_s -= wait_s
            self._sleep(wait_s)

    async def aacquire(self, *, blocking: bool = True) -> bool:
        """Return what `acquire` does without blocking the loop; raises as it does."""
        pool, left_s = self._pool, self._timeout_s
        route, limits = self._counted(pool)
        while True:
            reply = await pool.ledger.areserve(route, limits, {}, gives_way=True)
            if isinstance(reply, Reservation):
                await pool.ledger.asettle(reply, _made(reply))
                return True
            if not blocking:
                return False
            wait_s = _wait_s(reply, left_s, pool.ledger.snapshot().at)
            left_s -= wait_s
            await self._asleep(wait_s)

    @property
    def _pool(self) -> Mux:
        return self._mux or Mux.default()

    def _counted(self, pool: Mux) -> tuple[Route, tuple[Limit, ...]]:
        """Return on whom a call is counted, and the limits of requests that hold."""
        route = pool.catalog.resolve(self._named) if self._named else self._route
        limits = pool.limits(route) if self._named else self._own
        return route, tuple(each for each in limits if each.unit == "requests" and each.window.kind != "concurrency")


def _checked(entry: Mapping[str, object]) -> Limit:
    """Return a limit as the settings know it.

    Raises:
        ConfigError: It is none, or one that a rate limiter cannot count.
    """
    try:
        limit = to_limit(LimitEntry.model_validate(entry))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"]) or "limit"
        raise ConfigError(f"rate limit {place!r}: {first['msg'].lower()}") from None
    if limit.unit != "requests" or limit.window.kind == "concurrency":
        raise ConfigError("a rate limiter counts requests in a window: it is told neither tokens nor the end of a call")
    return limit


def _wait_s(refusal: Refusal, left_s: float, now: float) -> float:
    """Return how long to wait before the next look.

    Raises:
        RateLimited: No slot becomes free in the time that is left.
    """
    free_in_s = max(0.0, refusal.until - now)
    if free_in_s > left_s or left_s <= 0:
        route = refusal.route
        raise as_langchain_error(
            RateLimited(
                f"{route}: {refusal.reason}; a slot is free in {free_in_s:.1f} s, longer than may be waited",
                provider=route.provider,
                model=route.model,
                retry_after=free_in_s,
                wait_source=refusal.source,
            )
        )
    return min(left_s, _LONGEST_LOOK_S, max(_SHORTEST_LOOK_S, free_in_s))


def _made(reservation: Reservation) -> Attempt:
    """Return what keeps the request counted and says nothing of anybody's health."""
    return Attempt(route=reservation.route, outcome="cancelled")
