"""An instant OpenAI-compatible upstream on loopback, in a process of its own.

    python tests/benchmarks/upstream.py

Prints one line of JSON, `{"200": address, "429": address, ...}`, and serves until its
standard input ends. Each address is a port that answers with that status at once, or
with those statuses in turn, with keep-alive, streamed where the request asks for it.
Replies are made beforehand and one write each, so that a request costs it some 20
microseconds: it is not the bottleneck at 50 requests at a time.
"""

import asyncio
import itertools
import json
import sys
import threading
from collections.abc import Iterator
from functools import partial
from typing import Final

TEXT: Final = "The capital of France is Paris, and that is all there is to say about it in a benchmark of this kind."
"""What every answer says; streamed word by word."""

MODEL: Final = "bench-model"

_USAGE: Final = {"prompt_tokens": 14, "completion_tokens": 21, "total_tokens": 35}
_HEAD: Final = {"id": "chatcmpl-bench", "created": 1_790_000_000, "model": MODEL}


def main() -> None:
    """Serve until standard input ends."""
    asyncio.run(_serve())


async def _serve() -> None:
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    servers = {}
    for name in ("200", "429", "500", "429,200", "500,200"):
        statuses = itertools.cycle(map(int, name.split(",")))
        server = await loop.create_server(partial(_Connection, statuses), "127.0.0.1", 0, backlog=1024)
        servers[name] = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    print(json.dumps(servers), flush=True)
    threading.Thread(target=_wait_for_end, args=(loop, over), daemon=True).start()
    await over.wait()


def _wait_for_end(loop: asyncio.AbstractEventLoop, over: asyncio.Event) -> None:
    sys.stdin.buffer.read()
    loop.call_soon_threadsafe(over.set)


class _Connection(asyncio.Protocol):
    """One keep-alive connection; knows of a request no more than it needs."""

    def __init__(self, statuses: Iterator[int]) -> None:
        self._statuses = statuses
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, piece: bytes) -> None:
        self._buffer += piece
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            at = head.find(b"\r\ncontent-length:")
            length = int(head[at + 17 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._buffer) < end + 4 + length:
                return
            body, self._buffer = self._buffer[end + 4 : end + 4 + length], self._buffer[end + 4 + length :]
            self._transport.write(self._reply(head, body))

    def _reply(self, head: bytes, body: bytes) -> bytes:
        if head.startswith(b"get "):
            return _LISTING
        status = next(self._statuses)
        if status != 200:
            return _REFUSALS[status]
        return _STREAM if b'"stream":true' in body or b'"stream": true' in body else _WHOLE


def _json_reply(status: str, body: object, extra: str = "") -> bytes:
    packed = json.dumps(body).encode()
    lines = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(packed)}\r\n{extra}\r\n"
    return lines.encode() + packed


def _stream_reply() -> bytes:
    words = TEXT.split(" ")
    deltas = [{"role": "assistant", "content": ""}]
    deltas += [{"content": word if at == 0 else f" {word}"} for at, word in enumerate(words)]
    rows = [_chunk([{"index": 0, "delta": delta, "finish_reason": None}]) for delta in deltas]
    rows += [_chunk([{"index": 0, "delta": {}, "finish_reason": "stop"}]), {**_chunk([]), "usage": _USAGE}]
    events = [*(f"data: {json.dumps(row)}\n\n".encode() for row in rows), b"data: [DONE]\n\n"]
    framed = b"".join(b"%x\r\n%b\r\n" % (len(event), event) for event in events)
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    return head + framed + b"0\r\n\r\n"


def _chunk(choices: list[object]) -> dict[str, object]:
    return {**_HEAD, "object": "chat.completion.chunk", "choices": choices}


_WHOLE: Final = _json_reply(
    "200 OK",
    {
        **_HEAD,
        "object": "chat.completion",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}],
        "usage": _USAGE,
    },
)
_STREAM: Final = _stream_reply()
_LISTING: Final = _json_reply(
    "200 OK",
    {"object": "list", "data": [{"id": MODEL, "object": "model", "created": 1_790_000_000, "owned_by": "bench"}]},
)
_REFUSALS: Final = {
    429: _json_reply(
        "429 Too Many Requests",
        {"error": {"message": "Rate limit reached", "type": "rate_limit_error", "code": "rate_limit_exceeded"}},
        "retry-after: 20\r\n",
    ),
    500: _json_reply(
        "500 Internal Server Error",
        {"error": {"message": "The server had an error", "type": "server_error", "code": "internal_error"}},
    ),
}


if __name__ == "__main__":
    main()
