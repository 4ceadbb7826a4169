"""One client connection of a `FakeUpstream`: HTTP/1.1 with keep-alive.

Requests are answered one after the other. A reply without delays is one write,
so that a benchmark sees an upstream that takes no time.
"""

from __future__ import annotations

import asyncio
import json
from asyncio import sleep  # a name of its own: tests replace `asyncio.sleep`
from collections.abc import Callable
from typing import Final, Protocol, cast

from openmux_lc.testing.behaviours import Received
from openmux_lc.testing.replies import Reply, head
from openmux_lc.types.json import Json

__all__ = ["Connection"]

_MAX_REQUEST: Final = 64 * 1024 * 1024
_AT_ONCE: Final = 256 * 1024


class _Count(Protocol):
    def __call__(self, connection: Connection, *, is_open: bool) -> None: ...


class Connection(asyncio.Protocol):
    """Reads requests, sends replies, and ends with its client.

    Args:
        answer: Returns the reply to a request; called on the server's thread.
        count: Told when the connection opens and when it is gone.
    """

    def __init__(self, answer: Callable[[Received], Reply], count: _Count) -> None:
        """Keep the two callbacks; asyncio calls `connection_made` next."""
        self._answer = answer
        self._count = count
        self._buffer = bytearray()
        self._sending: asyncio.Task[None] | None = None
        self._can_write = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport and be counted."""
        self._transport = cast("asyncio.Transport", transport)
        self._can_write.set()
        self._count(self, is_open=True)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Stop sending and be counted out."""
        self.abort()
        self._can_write.set()
        self._count(self, is_open=False)

    def pause_writing(self) -> None:
        """Wait for a slow reader."""
        self._can_write.clear()

    def resume_writing(self) -> None:
        """Go on."""
        self._can_write.set()

    def abort(self) -> asyncio.Task[None] | None:
        """Close at once and return the task that was sending, if any."""
        self._transport.abort()
        if self._sending is not None:
            self._sending.cancel()
        return self._sending

    def data_received(self, data: bytes) -> None:
        """Collect bytes and answer what is complete."""
        self._buffer += data
        self._answer_complete_requests()

    def _answer_complete_requests(self) -> None:
        while self._sending is None and not self._transport.is_closing():
            received = self._take_request()
            if received is None:
                return
            self._send(self._answer(received))

    def _take_request(self) -> Received | None:
        """Return the next whole request and drop its bytes, None if more must come."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        request_line, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length") or 0)
        if "transfer-encoding" in headers or length > _MAX_REQUEST:
            self._transport.close()
            return None
        if len(self._buffer) < end + 4 + length:
            return None
        body = bytes(self._buffer[end + 4 : end + 4 + length])
        del self._buffer[: end + 4 + length]
        method, path, *_ = [*request_line.split(" "), "", ""]
        return Received(method=method, path=path, headers=headers, body=_parse(body))

    def _send(self, reply: Reply) -> None:
        if reply.status == 0 and not reply.first_byte_s:
            self._transport.close()
        elif _is_instant(reply):
            pieces = [head(reply), *(_frame(reply, part) for part in reply.parts)]
            if reply.ending == "done" and reply.length is None:
                pieces.append(b"0\r\n\r\n")
            self._transport.write(b"".join(pieces))
            self._end(reply)
        else:
            self._sending = asyncio.get_running_loop().create_task(self._send_slowly(reply))

    async def _send_slowly(self, reply: Reply) -> None:
        await sleep(reply.first_byte_s)
        if reply.status:
            self._transport.write(head(reply))
            for part in reply.parts:
                await sleep(reply.per_part_s)
                await self._can_write.wait()
                self._transport.write(_frame(reply, part))
            if reply.ending == "done" and reply.length is None:
                self._transport.write(b"0\r\n\r\n")
        if reply.ending == "hang":
            await asyncio.Event().wait()
        self._sending = None
        self._end(reply)
        self._answer_complete_requests()

    def _end(self, reply: Reply) -> None:
        if reply.ending == "close" or not reply.status:
            self._transport.close()


def _is_instant(reply: Reply) -> bool:
    if reply.first_byte_s or reply.per_part_s or reply.ending == "hang":
        return False
    return isinstance(reply.parts, tuple | list) and sum(map(len, reply.parts)) <= _AT_ONCE


def _frame(reply: Reply, part: bytes) -> bytes:
    """Return `part`, as a chunk of its own where the body has no stated length."""
    if reply.length is not None:
        return part
    return b"%x\r\n%b\r\n" % (len(part), part)


def _parse(body: bytes) -> Json:
    if not body:
        return None
    try:
        return cast("Json", json.loads(body))
    except ValueError:
        return None
