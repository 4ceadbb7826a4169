"""What an address tells without asking the network."""

from __future__ import annotations

from urllib.parse import urlsplit

__all__ = ["is_loopback"]


def is_loopback(url: str) -> bool:
    """Whether `url` names this machine, and so needs neither proxy nor trust."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    return host in {"localhost", "::1"} or (
        host.startswith("127.") and host.isascii() and host.replace(".", "").isdigit()
    )
