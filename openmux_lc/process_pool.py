"""The process's own pools: one per settings, given back at exit, its own after a fork.

The only module state of the package, and bounded.
"""

from __future__ import annotations

import atexit
import os
import threading
from dataclasses import replace
from typing import Final, NamedTuple

from openmux_lc.mux import Mux
from openmux_lc.settings import Settings

__all__ = ["process_pool"]

_KEPT: Final = 8
_TELLING_ENDINGS: Final = ("_KEY", "_TOKEN", "_HOST", "_URL", "HOME", "APPDATA", "USERPROFILE")


class _Kept(NamedTuple):
    """A pool with what it was made for."""

    pid: int
    variables: dict[str, str]
    settings: Settings
    mux: Mux


_pools: list[_Kept] = []
_lock = threading.Lock()


def process_pool() -> Mux:
    """Return the pool of this process whose settings are those of here and now."""
    settings = Settings.load()
    wanted = os.getpid(), _telling(settings), replace(settings, environment={})
    with _lock:
        _pools[:] = [kept for kept in _pools if kept.pid == wanted[0]]
        for kept in _pools:
            if kept[:3] == wanted:
                return kept.mux
        while len(_pools) >= _KEPT:
            _pools.pop(0).mux.close()
        mux = Mux(settings)
        _pools.append(_Kept(*wanted, mux))
        return mux


def _telling(settings: Settings) -> dict[str, str]:
    """Return the variables that can be a key, a folder or a switch; others make no new pool."""
    providers = settings.document.get("providers")
    rows = providers.values() if isinstance(providers, dict) else ()
    named = {str(row.get("api_key_env")) for row in rows if isinstance(row, dict)}
    return {
        name: setting.value
        for name, setting in settings.environment.items()
        if name in named or name.startswith("OPENMUX_") or name.rstrip("_0123456789").endswith(_TELLING_ENDINGS)
    }


def _close_all() -> None:
    for kept in _pools:
        if kept.pid == os.getpid():
            kept.mux.close()


def _after_fork() -> None:
    """Give a child its own lock: the parent's may have been held by another thread."""
    global _lock  # noqa: PLW0603 - the one piece of module state, see the design
    _lock = threading.Lock()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
