"""The process's own pool: one per settings, given back at exit, its own after a fork.

The only module state of the package.
"""

from __future__ import annotations

import atexit
import os
import threading
from dataclasses import replace

from openmux_lc.mux import Mux
from openmux_lc.settings import Settings

__all__ = ["process_pool"]

_PROCESS: dict[int, Mux] = {}
_PROCESS_LOCK = threading.Lock()
_TELLING_ENDINGS = ("_KEY", "_TOKEN", "_HOST", "_URL", "HOME", "APPDATA", "USERPROFILE")


def process_pool() -> Mux:
    """Return the pool of this process whose settings are those of here and now."""
    settings = Settings.load()
    pid = os.getpid()
    with _PROCESS_LOCK:
        known = _PROCESS.get(pid)
        if known is not None and _same(known.settings, settings):
            return known
        _PROCESS.clear()
        _PROCESS[pid] = mux = Mux(settings)
        atexit.register(mux.close)
        return mux


def _same(one: Settings, other: Settings) -> bool:
    """Whether two settings agree; variables that are nobody's key, folder or switch do not count."""

    def told(settings: Settings) -> dict[str, str]:
        return {
            name: setting.value
            for name, setting in settings.environment.items()
            if name.startswith("OPENMUX_") or name.rstrip("_0123456789").endswith(_TELLING_ENDINGS)
        }

    return told(one) == told(other) and replace(one, environment={}) == replace(other, environment={})


def _after_fork() -> None:
    """Give a child its own lock: the parent's may have been held by another thread."""
    global _PROCESS_LOCK  # noqa: PLW0603 - the one piece of module state, see the design
    _PROCESS_LOCK = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
