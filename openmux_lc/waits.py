"""How long one call may wait for its host."""

from __future__ import annotations

from typing import Final

from openmux_lc.types.catalog import Provider
from openmux_lc.types.run import Options

__all__ = ["patience_s"]

_LOCAL_WAIT_S: Final = 600.0
_REMOTE_FIRST_BYTE_S: Final = 30.0
_REMOTE_WHOLE_S: Final = 90.0


def patience_s(provider: Provider, remaining_s: float, options: Options, *, is_last: bool, is_stream: bool) -> float:
    """Return how many seconds `provider` has for its first byte, or for a whole answer.

    A route that is not the last one may use two thirds of the time that is left. An
    engine on this machine may have to load its model first.

    Args:
        provider: Whom to wait for.
        remaining_s: Until the run's deadline.
        options: A wait that the user names stands for what is usual.
        is_last: Nobody else is left to ask.
        is_stream: Its first byte comes long before its last.
    """
    usual_s = _LOCAL_WAIT_S if provider.is_local else _REMOTE_FIRST_BYTE_S if is_stream else _REMOTE_WHOLE_S
    longest = usual_s if options.first_byte_s is None else options.first_byte_s
    return min(longest, remaining_s if is_last else remaining_s * 2 / 3)
