"""Limits and waits, out of whatever a response says: the one door to their readers.

Headers, bodies and prose have a module each. The readers never raise, and no time is
negative or further away than 31 days.
"""

from __future__ import annotations

from openmux_lc.providers.durations import MAX_WAIT_S, WindowName, read_duration, seconds_until, until_refill
from openmux_lc.providers.limit_headers import read_limits
from openmux_lc.providers.limit_joining import joined
from openmux_lc.providers.limit_text import read_limits_told, read_window
from openmux_lc.providers.retry_hints import names_retry_delay, read_retry_after

__all__ = [
    "MAX_WAIT_S",
    "WindowName",
    "joined",
    "names_retry_delay",
    "read_duration",
    "read_limits",
    "read_limits_told",
    "read_retry_after",
    "read_window",
    "seconds_until",
    "until_refill",
]
