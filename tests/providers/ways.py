"""One call in all four ways, and the raw bytes of a host's reply to it."""

import json
from collections.abc import Sequence
from typing import Any

from openmux_lc.engine.assembly import Assembly
from openmux_lc.errors import ProviderError
from openmux_lc.http import Clients
from openmux_lc.providers.registry import adapter_for
from openmux_lc.types.run import Answer
from openmux_lc.types.wire import Call


def reply(body: Any, *, status: int = 200, kind: str = "application/json", headers: str = "") -> bytes:
    """Return an HTTP response with a body of known length; what is no text is sent as JSON."""
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nConnection: close\r\n{headers}"
    return f"{head}Content-Length: {len(text.encode())}\r\n\r\n{text}".encode()


def events(*payloads: Any, separator: str = "\n\n") -> bytes:
    """Return an HTTP response with server-sent events, ended by its connection's end."""
    lines = (payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False) for payload in payloads)
    body = "".join(f"data: {line}{separator}" for line in lines)
    return f"HTTP/1.1 200 X\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n{body}".encode()


def sent(heads: Sequence[bytes]) -> list[tuple[str, Any]]:
    """Return path and JSON body of each request."""
    parts = [head.partition(b"\r\n\r\n") for head in heads]
    return [(head.split(b" ", 2)[1].decode(), json.loads(body or b"null")) for head, _, body in parts]


def streamed(asked: Call, clients: Clients) -> Answer:
    """Return what a stream's chunks make together."""
    stream, assembly = adapter_for(asked.provider, clients).open(asked), Assembly(asked.route)
    try:
        for chunk in stream:
            assembly.add(chunk)
    finally:
        stream.close()
    return assembly.answer(raw=stream.raw, limits=stream.limits)


async def astreamed(asked: Call, clients: Clients) -> Answer:
    """Return what an asynchronous stream's chunks make together."""
    stream, assembly = await adapter_for(asked.provider, clients).aopen(asked), Assembly(asked.route)
    try:
        async for chunk in stream:
            assembly.add(chunk)
    finally:
        await stream.aclose()
    return assembly.answer(raw=stream.raw, limits=stream.limits)


async def all_ways(asked: Call, clients: Clients) -> list[Answer | ProviderError]:
    """Return what `send`, `asend`, `open` and `aopen` give, or the faults that they raise."""
    adapter = adapter_for(asked.provider, clients)
    found: list[Answer | ProviderError] = []
    for way in ("send", "asend", "open", "aopen"):
        try:
            if way == "send":
                found.append(adapter.send(asked))
            elif way == "asend":
                found.append(await adapter.asend(asked))
            else:
                found.append(streamed(asked, clients) if way == "open" else await astreamed(asked, clients))
        except ProviderError as fault:
            found.append(fault)
    return found
