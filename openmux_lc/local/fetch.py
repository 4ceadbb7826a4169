"""One page of an engine, bounded in size and time.

Apart from the rest because it loads the HTTP library, which a machine without an
engine never needs.
"""

from __future__ import annotations

import contextlib
import time
from typing import Final

from openmux_lc.http import AsyncClient, Client, HTTPError, InvalidURL, Timeout
from openmux_lc.local.fingerprint import Ask, Page

__all__ = ["fetch", "fetch_async"]

_MAX_PAGE: Final = 8 * 1024 * 1024


def fetch(client: Client, root: str, ask: Ask, *, deadline: float) -> Page:
    """Return the page, or an empty one when time is up or anything fails."""
    method, url, wait = _request(root, ask, deadline)
    content = bytearray()
    with (
        contextlib.suppress(HTTPError, InvalidURL),
        client.stream(method, url, json=ask.body, headers=ask.headers, timeout=wait) as response,
    ):
        for chunk in response.iter_bytes():
            content += chunk
            if _is_too_much(content, deadline):
                return Page()
        return Page.of(response.status_code, response.headers, bytes(content))
    return Page()


async def fetch_async(client: AsyncClient, root: str, ask: Ask, *, deadline: float) -> Page:
    """Return what `fetch` does, without blocking the loop."""
    method, url, wait = _request(root, ask, deadline)
    content = bytearray()
    with contextlib.suppress(HTTPError, InvalidURL):
        async with client.stream(method, url, json=ask.body, headers=ask.headers, timeout=wait) as response:
            async for chunk in response.aiter_bytes():
                content += chunk
                if _is_too_much(content, deadline):
                    return Page()
            return Page.of(response.status_code, response.headers, bytes(content))
    return Page()


def _request(root: str, ask: Ask, deadline: float) -> tuple[str, str, Timeout]:
    left = max(0.001, deadline - time.monotonic())
    return "GET" if ask.body is None else "POST", root + ask.path, Timeout(left)


def _is_too_much(content: bytearray, deadline: float) -> bool:
    return len(content) > _MAX_PAGE or time.monotonic() > deadline
