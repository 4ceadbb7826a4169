"""A host whose clock is wrong: its date, and every moment at which it says that a limit ends."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import formatdate, parsedate_to_datetime
from typing import Final

from openmux_lc.testing.behaviours import Answer, Behaviour, Fault
from openmux_lc.testing.presets import rate_limited_epoch_ms
from openmux_lc.types.json import Json

__all__ = ["clock_skew"]

_EPOCH_S: Final = 1e9
_EPOCH_MS: Final = 1e11
_TELLING: Final = ("reset", "retry", "date")


def clock_skew(seconds: float, behaviour: Behaviour | None = None) -> Behaviour:
    """Return what a host does whose clock is `seconds` ahead, behind where they are negative.

    Its `Date` and all moments in its headers and errors are off by that much; waits in
    seconds are not, for they need no clock. The date is that of this call.

    Args:
        seconds: How far the clock is off.
        behaviour: What it does; None is a 429 that ends at a moment, a minute from now.
    """
    found = rate_limited_epoch_ms() if behaviour is None else behaviour
    if not isinstance(found, Answer | Fault):
        return found
    headers: dict[str, str] = {name: str(_moved(name, value, seconds)) for name, value in found.headers.items()}
    headers = {"Date": formatdate(time.time() + seconds, usegmt=True)} | headers
    if isinstance(found, Fault) and not isinstance(found.body, bytes):
        return replace(found, headers=headers, body=_moved("", found.body, seconds))
    return replace(found, headers=headers)


def _moved(name: str, value: Json, seconds: float) -> Json:
    """Return a value with every moment in it moved, where its name tells that it is one."""
    if isinstance(value, Mapping):
        return {key: _moved(key, each, seconds) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_moved(name, each, seconds) for each in value]
    if not any(word in name.lower() for word in _TELLING) or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return type(value)(_moved_number(value, seconds))
    return _moved_text(value, seconds) if isinstance(value, str) else value


def _moved_number(number: float, seconds: float) -> float:
    if number > _EPOCH_MS:
        return number + seconds * 1000
    return number + seconds if number > _EPOCH_S else number


def _moved_text(text: str, seconds: float) -> str:
    try:
        number = float(text)
    except ValueError:
        return _moved_date(text, seconds)
    moved = _moved_number(number, seconds)
    return f"{moved:.0f}" if text.isdecimal() else f"{moved:g}" if number < _EPOCH_S else f"{moved:.3f}"


def _moved_date(text: str, seconds: float) -> str:
    try:
        return formatdate(parsedate_to_datetime(text).timestamp() + seconds, usegmt=True)
    except (ValueError, TypeError):
        pass
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return datetime.fromtimestamp(at.timestamp() + seconds, at.tzinfo or UTC).isoformat()
