"""Keys in the operating system's keyring, and a list of whose keys lie there.

The list (ids only, no keys) spares everybody else the keyring's start. A keyring
that waits for somebody to unlock it is given up after a deadline.
"""

from __future__ import annotations

import importlib.util
import json
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from openmux_lc.errors import ConfigError
from openmux_lc.folders import config_folder

__all__ = ["forget_key", "keep_key", "kept_providers", "read_kept_key"]

_SERVICE: Final = "openmux"
_DEADLINE_S: Final = 5.0


def kept_providers() -> frozenset[str]:
    """Return the ids of providers whose keys were put into the keyring."""
    try:
        names = json.loads(_list_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return frozenset()
    return frozenset(name for name in names if isinstance(name, str)) if isinstance(names, list) else frozenset()


def read_kept_key(provider: str) -> str | None:
    """Return the key of `provider` from the keyring, None when it cannot be had."""
    try:
        return _asked(lambda keyring: keyring.get_password(_SERVICE, provider))
    except ConfigError:
        return None


def keep_key(provider: str, key: str) -> None:
    """Put a key into the keyring.

    Raises:
        ConfigError: No keyring is installed, it is locked, or it does not answer.
    """
    _asked(lambda keyring: keyring.set_password(_SERVICE, provider, key))
    _write_list(kept_providers() | {provider})


def forget_key(provider: str) -> None:
    """Remove a key from the keyring.

    Raises:
        ConfigError: No keyring is installed, it is locked, or it does not answer.
    """
    _asked(lambda keyring: keyring.delete_password(_SERVICE, provider))
    _write_list(kept_providers() - {provider})


def _list_path() -> Path:
    return config_folder() / "keyring.json"


def _write_list(names: frozenset[str]) -> None:
    path = _list_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(sorted(names)), encoding="utf-8")


def _asked(ask: Callable[..., str | None]) -> str | None:
    """Return what the keyring says, asked on a thread that may be left behind."""
    if importlib.util.find_spec("keyring") is None:
        raise ConfigError("no keyring support here: pip install 'openmux-lc[keyring]', or put the key into .env")
    import keyring  # optional extra
    import keyring.errors

    replies: queue.SimpleQueue[str | keyring.errors.KeyringError | None] = queue.SimpleQueue()

    def work() -> None:
        try:
            replies.put(ask(keyring))
        except keyring.errors.KeyringError as error:
            replies.put(error)

    threading.Thread(target=work, daemon=True, name="openmux-keyring").start()
    try:
        reply = replies.get(timeout=_DEADLINE_S)
    except queue.Empty:
        raise ConfigError(f"the keyring did not answer in {_DEADLINE_S:.0f} s; unlock it or use .env") from None
    if isinstance(reply, keyring.errors.KeyringError):
        raise ConfigError(f"the keyring refused ({type(reply).__name__}); unlock it or use .env") from None
    return reply
