"""Calls and rows for the tests of this folder."""

import time
from typing import Any

from pydantic import SecretStr

from openmux_lc.types.catalog import Provider
from openmux_lc.types.run import Request
from openmux_lc.types.wire import Call

KEY = "gsk_" + "0123456789abcdefghijABCDEFGHIJ"


def provider(base_url: str = "http://127.0.0.1:9/v1", **fields: Any) -> Provider:
    """Return a row that points at `base_url`."""
    return Provider(**{"id": "fake", "name": "Fake", "base_url": base_url, **fields})


def call(row: Provider | None = None, *, seconds: float = 10.0, **fields: Any) -> Call:
    """Return a call with one question; `fields` are the request's, or the call's own."""
    known = ("model", "first_byte_s", "stall_s", "max_bytes", "content_by")
    own = {name: fields.pop(name) for name in known if name in fields}
    key = fields.pop("key", KEY)
    request = Request(**{"messages": ({"role": "user", "content": "What is the capital of France?"},), **fields})
    return Call(
        **{"model": "tiny", **own},
        provider=row or provider(),
        request=request,
        key=SecretStr(key) if key else None,
        deadline=time.monotonic() + seconds,
    )
