"""Which files found through the working directory the user vouches for.

A file is trusted by path and content: one changed byte and it is asked for again.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from openmux_lc.errors import ConfigError
from openmux_lc.settings import config_folder

__all__ = ["is_trusted", "trust"]


def is_trusted(path: Path) -> bool:
    """Whether the user has trusted this file with just this content."""
    try:
        return _read().get(str(path.resolve())) == _digest(path)
    except OSError:
        return False


def trust(path: Path) -> Path:
    """Remember the file as trusted and return its full path.

    Raises:
        ConfigError: There is no such file.
    """
    if not path.is_file():
        raise ConfigError(f"no file at {path}; name a `.env` or a TOML file to trust")
    full = path.resolve()
    entries = _read() | {str(full): _digest(full)}
    store = _store()
    store.parent.mkdir(parents=True, exist_ok=True)
    scratch = store.with_suffix(f".{os.getpid()}")
    scratch.write_text(json.dumps(entries, indent=1), encoding="utf-8")
    scratch.replace(store)
    return full


def _store() -> Path:
    return config_folder() / "trusted.json"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _read() -> dict[str, str]:
    try:
        entries = json.loads(_store().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {k: v for k, v in entries.items() if isinstance(v, str)} if isinstance(entries, dict) else {}
