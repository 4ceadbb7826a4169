"""Engines on this machine, found on their default ports in at most half a second.

A survey decides what to ask; a thread or a task only fetches. What has answered by
the deadline counts. The HTTP library is loaded only where somebody listens.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from openmux_lc.local.fingerprint import EngineKind, load_kinds
from openmux_lc.local.listening import listening, listening_async
from openmux_lc.local.survey import Engine, Target, survey, targets
from openmux_lc.types.catalog import Provider

if TYPE_CHECKING:
    from openmux_lc.http import AsyncClient, Client, Clients

__all__ = ["Engine", "find_engines", "find_engines_async"]

_CONNECT_S: Final = 0.2
_GRACE_S: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class _Search:
    """What every look at one address shares."""

    kinds: tuple[EngineKind, ...]
    today: str
    deadline: float

    @property
    def wait_s(self) -> float:
        return max(0.0, self.deadline - time.monotonic()) + _GRACE_S


def find_engines(
    rows: Sequence[Provider],
    clients: Callable[[], Clients],
    *,
    named: Mapping[str, str] | None = None,
    headers: Mapping[str, Mapping[str, str]] | None = None,
    deadline_s: float = 0.5,
) -> tuple[Engine, ...]:
    """Return the engines that answer, in the order of their rows.

    Args:
        rows: Catalog rows; only local ones with a fingerprint are looked for.
        clients: Gives the HTTP clients; called only when somebody listens.
        named: Base URLs by provider id that the user gave, as is a row's own one
            that is not on a default port. Whatever lists models there is taken for
            that provider, unless it is a gateway of our own.
        headers: Request headers by provider id, for engines that want a key; sent
            once the engine is recognised.
        deadline_s: Seconds for all the asking, once somebody listens.
    """
    candidates = targets(rows, named=named or {}, headers=headers or {})
    there = listening([target.root for target in candidates], timeout_s=min(_CONNECT_S, deadline_s))
    live = [target for target, is_there in zip(candidates, there, strict=True) if is_there]
    if not live:
        return ()
    pool, found = clients(), dict[int, Engine | None]()
    search = _search(deadline_s)

    def look(number: int) -> None:
        found[number] = _look(pool.sync(live[number].root), live[number], search)

    threads = [threading.Thread(target=look, args=(number,), daemon=True) for number in range(len(live))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(search.wait_s)
    return _in_row_order(rows, [found.get(number) for number in range(len(live))])


async def find_engines_async(
    rows: Sequence[Provider],
    clients: Callable[[], Clients],
    *,
    named: Mapping[str, str] | None = None,
    headers: Mapping[str, Mapping[str, str]] | None = None,
    deadline_s: float = 0.5,
) -> tuple[Engine, ...]:
    """Return what `find_engines` does, without blocking the loop."""
    candidates = targets(rows, named=named or {}, headers=headers or {})
    there = await listening_async([target.root for target in candidates], timeout_s=min(_CONNECT_S, deadline_s))
    live = [target for target, is_there in zip(candidates, there, strict=True) if is_there]
    if not live:
        return ()
    pool = clients()
    search = _search(deadline_s)
    looks = [asyncio.ensure_future(_look_async(pool.for_running_loop(target.root), target, search)) for target in live]
    try:
        await asyncio.wait(looks, timeout=search.wait_s)
        return _in_row_order(rows, [look.result() if look.done() else None for look in looks])
    finally:
        for look in looks:
            look.cancel()
        await asyncio.gather(*looks, return_exceptions=True)


def _search(deadline_s: float) -> _Search:
    """Return a search whose time begins now, after whatever had to be loaded."""
    kinds, today = load_kinds(), datetime.now(UTC).date().isoformat()
    return _Search(kinds=kinds, today=today, deadline=time.monotonic() + deadline_s)


def _in_row_order(rows: Sequence[Provider], found: Sequence[Engine | None]) -> tuple[Engine, ...]:
    by_provider = {engine.provider: engine for engine in reversed(found) if engine}
    return tuple(by_provider[row.id] for row in rows if row.id in by_provider)


def _look(client: Client, target: Target, search: _Search) -> Engine | None:
    from openmux_lc.local.fetch import fetch  # loads httpx, as `clients()` has just done

    steps = survey(target, search.kinds, today=search.today)
    try:
        ask = next(steps)
        while True:
            ask = steps.send(fetch(client, target.root, ask, deadline=search.deadline))
    except StopIteration as end:
        engine: Engine | None = end.value
        return engine


async def _look_async(client: AsyncClient, target: Target, search: _Search) -> Engine | None:
    from openmux_lc.local.fetch import fetch_async  # as above

    steps = survey(target, search.kinds, today=search.today)
    try:
        ask = next(steps)
        while True:
            ask = steps.send(await fetch_async(client, target.root, ask, deadline=search.deadline))
    except StopIteration as end:
        engine: Engine | None = end.value
        return engine
