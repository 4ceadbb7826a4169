"""The pure half of the driver: bounds, inflating, and what a network fault means.

Bytes go in, a `Reply` or chunks come out. The size bound holds for what the bytes
unpack to, so that a small body cannot become a large one.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Final

from openmux_lc.errors import Advice, BadPayload, ConnectionFailed, ProviderError, TimedOut
from openmux_lc.http import ConnectTimeout, Response, TimeoutException, Until, is_unreachable, network_faults
from openmux_lc.providers.exchange import RAW_BYTES, ChunkDecoder, Reply
from openmux_lc.providers.fault import to_fault
from openmux_lc.providers.limits import joined, read_limits
from openmux_lc.types.run import Chunk
from openmux_lc.types.wire import Call

__all__ = ["Body", "Flow", "Translated", "lower_headers", "seconds_left"]

_ERROR_BYTES: Final = 64 * 1024
_USAGE_WAIT_S: Final = 2.0
_DRAIN_S: Final = 0.25


def seconds_left(call: Call, *, has_content: bool = False) -> float:
    """Return the seconds until the first content must be there, else the deadline's.

    Raises:
        TimedOut: There are none.
    """
    left = (call.deadline if has_content else call.content_at) - time.monotonic()
    if left <= 0:
        raise _timed_out(call)
    return left


def lower_headers(response: Response) -> dict[str, str]:
    """Return the response's headers under lower-case names; a list may be spread over several lines."""
    found: dict[str, str] = {}
    for raw_name, raw_value in response.headers.raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        found[name] = f"{found[name]}, {value}" if name in found and name.startswith("ratelimit") else value
    return found


class Translated:
    """A context in which every fault of the network becomes a `ProviderError`.

    Args:
        call: The call the fault concerns.
        flow: A stream's state: once its answer is whole, a fault is just the end.
        is_early: No byte of the answer has come: the host may have closed a pooled
            connection just then, and asking again can help.
    """

    __slots__ = ("_call", "_flow", "_is_early")

    def __init__(self, call: Call, flow: Flow | None = None, *, is_early: bool = False) -> None:
        """Watch nothing yet."""
        self._call = call
        self._flow = flow
        self._is_early = is_early

    def __enter__(self) -> None:
        """Begin to watch."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> bool:
        """Raise the typed fault for a network's; let everything else pass."""
        if error is None or isinstance(error, ProviderError) or not isinstance(error, network_faults()):
            return False
        if self._flow is not None and self._flow.is_complete:
            return True
        raise _network_fault(self._call, error, is_early=self._is_early) from error


class _Inflater:
    """Unpacks a body as the server packed it, never beyond a bound."""

    __slots__ = ("_call", "_unpack")

    def __init__(self, call: Call, encoding: str) -> None:
        self._call = call
        if encoding not in {"", "identity", "gzip", "x-gzip", "deflate"}:
            raise _bad(call, f"came packed as {encoding[:20]!r}, which was not asked for")
        self._unpack = zlib.decompressobj(47) if encoding not in {"", "identity"} else None

    def pieces(self, piece: bytes) -> Iterator[bytes]:
        """Yield what `piece` unpacks to, 64 KiB at a time at most."""
        if self._unpack is None:
            yield piece
            return
        while piece and not self._unpack.eof:
            try:
                out = self._unpack.decompress(piece, 65_536)
            except zlib.error:
                raise _bad(self._call, "came packed and cannot be unpacked") from None
            piece = self._unpack.unconsumed_tail
            yield out


class Body:
    """Collects a reply, bounded; an error's body is cut, a success's is a fault.

    Raises:
        BadPayload: A successful reply is larger than the call allows.
        TimedOut: The moment for the whole body passed while bytes were trickling in.
    """

    def __init__(self, call: Call, response: Response) -> None:
        """Read the headers."""
        self._call = call
        self._status = response.status_code
        self._headers = lower_headers(response)
        self._is_error = not response.is_success
        self._limit = _ERROR_BYTES if self._is_error else call.max_bytes
        self._inflater = _Inflater(call, "" if self._is_error else self._headers.get("content-encoding", "").lower())
        if self._is_error and "content-encoding" in self._headers:
            self._inflater = _Inflater(call, _known(self._headers["content-encoding"].lower()))
        declared = self._headers.get("content-length", "")
        if not self._is_error and declared.isdecimal() and len(declared) < 19 and int(declared) > self._limit:
            raise _too_large(call)
        self._parts: list[bytes] = []
        self._size = 0
        self.wait = Until(call.content_at, call.stall_s)
        response.request.extensions["timeout"]["read"] = self.wait

    def add(self, piece: bytes) -> bool:
        """Take bytes as they came and return whether no more are wanted."""
        if self.wait.is_past:
            raise _timed_out(self._call)
        for part in self._inflater.pieces(piece):
            self._parts.append(part)
            self._size += len(part)
            if self._size > self._limit:
                if self._is_error:
                    return True
                raise _too_large(self._call)
        return False

    def reply(self) -> Reply:
        """Return the whole reply."""
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        return Reply(status=self._status, headers=self._headers, body=body[: self._limit])

    def fault(self) -> ProviderError:
        """Return the typed error that the reply is."""
        return to_fault(self._call, self.reply(), now=time.time())


class Flow:
    """A stream's state between reads.

    Args:
        call: The call it answers.
        headers: The response's, lower-case.
        decoder: The dialect's, fresh.

    `limits` is what the headers tell about quotas.
    """

    def __init__(self, call: Call, headers: Mapping[str, str], decoder: ChunkDecoder) -> None:
        """Wait for the first byte."""
        self.limits = read_limits(headers, call.provider.quirks, time.time())
        self.wait = Until(call.content_at, call.first_byte_s)
        self._call = call
        self._end_at = call.deadline
        self._decoder = decoder
        self._inflater = _Inflater(call, headers.get("content-encoding", "").lower())
        self._raw = bytearray()
        self._size = 0

    @property
    def raw(self) -> bytes:
        """Upstream bytes read so far, bounded."""
        return bytes(self._raw)

    @property
    def is_complete(self) -> bool:
        """Whether the answer is whole, so that a break is its end."""
        return self._decoder.is_complete or self._decoder.is_over

    @property
    def is_drained(self) -> bool:
        """Whether reading on is of no use: over, and the server had time to end."""
        return self.is_complete and time.monotonic() > self.wait.at

    def feed(self, piece: bytes) -> list[Chunk]:
        """Return the chunks that `piece` completes."""
        if not self.is_complete and self.wait.is_past:
            raise _timed_out(self._call)
        self.wait.silence_s = self._call.stall_s
        chunks: list[Chunk] = []
        for part in self._inflater.pieces(piece):
            self._size += len(part)
            if self._size > self._call.max_bytes:
                raise _too_large(self._call)
            if len(self._raw) < RAW_BYTES:
                self._raw += part[: RAW_BYTES - len(self._raw)]
            if not self._decoder.is_over:
                chunks += self._told(self._decoder.feed, part)
        if chunks:  # some hosts tell the reason first, or with every word
            self._end_at = self._call.deadline
        self.renew()
        return chunks

    def finish(self) -> Sequence[Chunk]:
        """Return what is left once the server has ended."""
        return self._told(self._decoder.finish)

    def _told(self, read: Callable[..., Sequence[Chunk]], *pieces: bytes) -> Sequence[Chunk]:
        """Return what `read` does; a fault inside the stream gets what the headers told."""
        try:
            return read(*pieces)
        except ProviderError as fault:
            fault.limits = joined((*fault.limits, *self.limits))
            raise

    def renew(self) -> None:
        """Move the end of the waits to where it is now, after what was read so far.

        Before the first content it is the call's `content_by`; after the last word
        what may still come is usage, or the mere end.
        """
        patience_s = _DRAIN_S if self._decoder.is_over else _USAGE_WAIT_S if self._decoder.is_complete else None
        if patience_s is not None:
            self._end_at = min(self._end_at, time.monotonic() + patience_s)
        self.wait.at = self._end_at if self._decoder.has_content else min(self._end_at, self._call.content_at)


def _known(encoding: str) -> str:
    return encoding if encoding in {"gzip", "x-gzip", "deflate"} else ""


def _network_fault(call: Call, error: BaseException, *, is_early: bool) -> ProviderError:
    """Return the typed fault; the transport's own words may hold a key: unused."""
    provider, model = call.provider.id, call.model
    if is_unreachable(error):
        message = f"{call.route}: no connection to {call.provider.base_url} ({type(error).__name__}); is it running?"
        return ConnectionFailed(message, provider=provider, model=model)
    if isinstance(error, TimeoutException | TimeoutError) and not isinstance(error, ConnectTimeout):
        return _timed_out(call)
    message = f"{call.route}: the connection broke before the answer was whole ({type(error).__name__})"
    advice: Advice = "retry" if is_early else "next_route"
    return ConnectionFailed(message, provider=provider, model=model, scope="model", advice=advice)


def _timed_out(call: Call) -> TimedOut:
    return TimedOut(f"{call.route}: no answer in time", provider=call.provider.id, model=call.model)


def _too_large(call: Call) -> BadPayload:
    return _bad(call, f"is larger than {call.max_bytes // 1024} KiB, so it was not read on")


def _bad(call: Call, what: str) -> BadPayload:
    return BadPayload(f"{call.route}: the answer {what}", provider=call.provider.id, model=call.model)
