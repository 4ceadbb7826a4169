"""Which files found through the working directory the user vouches for.

A file is trusted by path and content: one changed byte and it is asked for again. One
that is not trusted may tighten what the user allows, never widen it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, TypeVar

from openmux_lc.errors import ConfigError, UntrustedConfigError
from openmux_lc.folders import config_folder

__all__ = ["Word", "choose_offline", "choose_providers", "choose_state_url", "is_trusted", "refusal", "trust"]

_T = TypeVar("_T")
_MEMORY: Final = "memory:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Word(Generic[_T]):
    """What one place says of a setting.

    Args:
        value: As read.
        place: For messages: `file: VARIABLE` or `file:line: key`.
        path: The file, where one is behind it.
        is_trusted: Whether it is the user's own word.
    """

    value: _T
    place: str
    path: Path | None = None
    is_trusted: bool = True


def choose_offline(words: Iterable[Word[bool]]) -> bool:
    """Return whether remote routes are forbidden.

    Args:
        words: Those that outrank others come first; here and below.

    Raises:
        UntrustedConfigError: An untrusted file lifts what the user forbids.
    """
    own, asked = _heard(words)
    if own and asked is not None and not asked.value:
        raise refusal(asked.place, "you forbid remote routes, and this would allow them", asked.path)
    return bool(own) or (asked is not None and asked.value)


def choose_providers(words: Iterable[Word[tuple[str, ...]]]) -> tuple[str, ...] | None:
    """Return the providers that may be used, None for all; an untrusted file only takes some away."""
    own, asked = _heard(words)
    if own is None or asked is None:
        return own if asked is None else asked.value
    return tuple(name for name in asked.value if name in own)


def choose_state_url(words: Iterable[Word[str]]) -> str:
    """Return where the state is kept, empty for the platform's folder.

    Raises:
        UntrustedConfigError: An untrusted file names anything but memory.
    """
    own, asked = _heard(words)
    if asked is not None and asked.value != _MEMORY:
        raise refusal(asked.place, f"it may only say {_MEMORY}, not which file is written", asked.path)
    return asked.value if asked is not None else own or ""


def refusal(place: str, problem: str, path: Path | None) -> UntrustedConfigError:
    """Return the error about what an untrusted file says at `place`."""
    return UntrustedConfigError(
        f"{place}: {problem}: the file was found through the working directory, so it may not say so; "
        f"if you vouch for it: openmux config trust {path}"
    )


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


def _heard(words: Iterable[Word[_T]]) -> tuple[_T | None, Word[_T] | None]:
    """Return the user's own word, and what an untrusted file says over it."""
    asked: Word[_T] | None = None
    for word in words:
        if word.is_trusted:
            return word.value, asked
        asked = asked or word
    return None, asked
