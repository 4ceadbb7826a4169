"""Which addresses accept connections, asked all at once.

A refused port is known at once, so a machine without engines costs no HTTP client.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import selectors
import socket
import time
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from openmux_lc.types.address import is_loopback

__all__ = ["listening", "listening_async"]

_IN_PROGRESS: Final = frozenset({errno.EINPROGRESS, errno.EWOULDBLOCK})


def listening(roots: Sequence[str], *, timeout_s: float) -> tuple[bool, ...]:
    """Return for each address whether somebody is there; True where only trying tells."""
    there: dict[int, bool] = {}
    deadline = time.monotonic() + timeout_s
    with selectors.DefaultSelector() as selector, contextlib.ExitStack() as sockets:
        for number, root in enumerate(roots):
            address = _loopback_address(root)
            if address is None:
                there[number] = True
                continue
            connection = sockets.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            connection.setblocking(False)  # noqa: FBT003 - the standard library's signature
            outcome = connection.connect_ex(address)
            there[number] = outcome == 0
            if outcome in _IN_PROGRESS:
                selector.register(connection, selectors.EVENT_WRITE, (number, connection))
        while selector.get_map() and (left := deadline - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                number, connection = key.data
                there[number] = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
                selector.unregister(connection)
    return tuple(there[number] for number in range(len(roots)))


async def listening_async(roots: Sequence[str], *, timeout_s: float) -> tuple[bool, ...]:
    """Return what `listening` does, without blocking the loop."""
    return tuple(await asyncio.gather(*(_is_listening(root, timeout_s) for root in roots)))


async def _is_listening(root: str, timeout_s: float) -> bool:
    address = _loopback_address(root)
    if address is None:
        return True
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(*address), timeout_s)
    except (OSError, TimeoutError):
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True


def _loopback_address(root: str) -> tuple[str, int] | None:
    """Return host and port where a connection needs no name looked up and no TLS."""
    try:
        parts = urlsplit(root)
        host, port = parts.hostname or "", parts.port or 80
    except ValueError:
        return None
    is_plain = parts.scheme == "http" and is_loopback(root) and host.startswith("127.")
    return (host, port) if is_plain else None
