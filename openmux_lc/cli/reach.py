"""Which remote hosts answer: one free page each, all at once, within one deadline."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from openmux_lc.errors import OpenMuxError
from openmux_lc.keys import find_key, has_key
from openmux_lc.types.catalog import Provider

if TYPE_CHECKING:
    from openmux_lc.mux import Mux

__all__ = ["DEADLINE_S", "Reached", "callable_hosts", "reach"]

DEADLINE_S: Final = 5.0
_LATE: Final = f"no answer within {DEADLINE_S:g} s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """What came of asking one host for its models."""

    provider: str
    is_ok: bool
    detail: str
    elapsed_ms: int = 0


def callable_hosts(mux: Mux) -> tuple[Provider, ...]:
    """Return the remote hosts that may be called: on, allowed, with a key or without need of one."""
    allowed = mux.settings.providers
    return tuple(
        row
        for row in mux.catalog.providers.values()
        if row.is_on
        and not row.is_local
        and not row.demo_only
        and (allowed is None or row.id in allowed)
        and (row.auth.mode != "key" or has_key(row, mux.settings))
    )


def reach(mux: Mux, rows: Sequence[Provider], *, deadline_s: float = DEADLINE_S) -> tuple[Reached, ...]:
    """Ask each host for its models, and return what came, in the order of the rows.

    Args:
        mux: Its settings and clients are used.
        rows: Whom to ask.
        deadline_s: Seconds for all of them together.
    """
    started = time.monotonic()
    replies: queue.SimpleQueue[Reached] = queue.SimpleQueue()
    for row in rows:
        threading.Thread(
            target=lambda row: replies.put(_asked(mux, row, started + deadline_s)), args=(row,), daemon=True
        ).start()
    found: dict[str, Reached] = {}
    while len(found) < len(rows) and (left := started + deadline_s - time.monotonic()) > 0:
        try:
            reply = replies.get(timeout=left)
        except queue.Empty:
            break
        found[reply.provider] = reply
    return tuple(found.get(row.id, Reached(provider=row.id, is_ok=False, detail=_LATE)) for row in rows)


def _asked(mux: Mux, row: Provider, deadline: float) -> Reached:
    from openmux_lc.providers.registry import list_models  # loads httpx

    started = time.monotonic()
    try:
        key = find_key(row, mux.settings)
        listed = list_models(row, key.secret if key else None, mux.clients, deadline=deadline)
    except OpenMuxError as error:
        status = getattr(error, "status_code", None)
        told = f"{type(error).__name__} {status}" if status else type(error).__name__
        return Reached(provider=row.id, is_ok=False, detail=told, elapsed_ms=_ms_since(started))
    return Reached(provider=row.id, is_ok=True, detail=f"{len(listed)} models", elapsed_ms=_ms_since(started))


def _ms_since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
