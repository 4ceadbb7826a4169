"""The driver for hosts that take a question on and must be asked for its answer again.

A dialect says what to send and what a reply means; here is the waiting: it grows
gently, ends with the call, and what nobody waits for any more is called off. An
address that a host names is followed at its own origin only: a key stays where it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, NoReturn, Protocol

from openmux_lc.errors import (
    BadPayload,
    ConnectionFailed,
    InvalidRequest,
    ModelGone,
    ProviderError,
    RateLimited,
    ServerError,
    TimedOut,
)
from openmux_lc.http import URL, USER_AGENT, Clients, InvalidURL
from openmux_lc.providers.answer import bad_payload, requires_tool
from openmux_lc.providers.chunks import as_chunks
from openmux_lc.providers.exchange import Ask, Reply
from openmux_lc.providers.extra import refuse_host_tools
from openmux_lc.providers.openai import OpenAIDialect
from openmux_lc.providers.refusals import Refusals
from openmux_lc.providers.stops import stopped
from openmux_lc.providers.wire import WireAdapter
from openmux_lc.types.json import Json, JsonObject
from openmux_lc.types.run import Answer, Chunk, EmbeddingRequest, Vectors
from openmux_lc.types.wire import Call

__all__ = ["Job", "JobDialect", "PollingAdapter", "job_ask", "kept_fields", "refuse_tools"]

_FIRST_WAIT_S: Final = 0.2
_LONGEST_WAIT_S: Final = 2.0
_GROWTH: Final = 1.4
_MISSES: Final = 3
_CANCEL_S: Final = 1.0
_PASSING: Final = (ConnectionFailed, RateLimited, ServerError, TimedOut)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A question that the host has taken on.

    Args:
        look: Asks how far it is.
        cancel: Calls it off, where the host knows how.
        fault: Why waiting is of no use although the host has not given up.
    """

    look: Ask
    cancel: Ask | None = None
    fault: ProviderError | None = None


class JobDialect(Protocol):
    """A provider's language, as pure functions."""

    def submit(self, call: Call) -> Ask:
        """Return the request that hands the question in."""
        ...

    def read(self, call: Call, reply: Reply, job: Job | None) -> Answer | Job:
        """Return the answer, or the job while there is none.

        Args:
            call: What was asked.
            reply: A success, to the first request or to a look at `job`.
            job: None at the first reply.

        Raises:
            ProviderError: The host says that nothing will come.
        """
        ...


class PollingAdapter:
    """An `Adapter` that asks again until the answer is there.

    Args:
        dialect: Pure: what to send and how to read what comes.
        clients: Where the connections are pooled.
        refusals: What models are known to refuse; without it nothing is learned.
    """

    def __init__(self, dialect: JobDialect, clients: Clients, refusals: Refusals | None = None) -> None:
        """Open nothing yet."""
        self._dialect = dialect
        self._refusals = refusals
        self._wire = WireAdapter(OpenAIDialect(), clients, refusals)

    def send(self, call: Call) -> Answer:
        """Return the whole answer."""
        work = _Work(self._dialect, self._known(call))
        try:
            while work.answer is None:
                try:
                    pause_s = work.take(self._wire.fetch(work.call, work.ask))
                except ProviderError as fault:
                    pause_s = work.miss(fault)
                time.sleep(pause_s)
        except BaseException:
            with contextlib.suppress(ProviderError):
                for ask in work.farewell():
                    self._wire.fetch(work.call, ask)
            raise
        return work.answer

    async def asend(self, call: Call) -> Answer:
        """Return the whole answer."""
        work = _Work(self._dialect, self._known(call))
        try:
            while work.answer is None:
                try:
                    pause_s = work.take(await self._wire.afetch(work.call, work.ask))
                except ProviderError as fault:
                    pause_s = work.miss(fault)
                await asyncio.sleep(pause_s)
        except GeneratorExit:
            raise  # nothing may be awaited any more
        except BaseException:
            with contextlib.suppress(ProviderError):
                for ask in work.farewell():
                    await self._wire.afetch(work.call, ask)
            raise
        return work.answer

    def open(self, call: Call) -> _WholeStream:
        """Return a stream of the answer, which is whole by then."""
        return _WholeStream(self.send(call))

    async def aopen(self, call: Call) -> _WholeStream:
        """Return a stream of the answer, which is whole by then."""
        return _WholeStream(await self.asend(call))

    def embed(self, call: Call, request: EmbeddingRequest) -> Vectors:  # noqa: ARG002 - there are none to make
        """Refuse: these hosts make no embeddings in one agreed form."""
        _no_embeddings(call)

    async def aembed(self, call: Call, request: EmbeddingRequest) -> Vectors:  # noqa: ARG002 - see `embed`
        """Refuse: these hosts make no embeddings in one agreed form."""
        _no_embeddings(call)

    def _known(self, call: Call) -> Call:
        """Return the call with what its model is known to refuse."""
        return call if self._refusals is None else self._refusals.applied(call)


class _Work:
    """Where one call stands: what to ask next, and how long to wait before.

    A little time is kept back at the end, in which the job can be called off.
    """

    def __init__(self, dialect: JobDialect, call: Call) -> None:
        left_s = call.content_at - time.monotonic()
        self._dialect = dialect
        self._end_at = call.content_at
        self._job: Job | None = None
        self._wait_s = _FIRST_WAIT_S
        self._misses = 0
        self.call = replace(call, content_by=call.content_at - min(_CANCEL_S, left_s / 10))
        self.ask = dialect.submit(self.call)
        self.answer: Answer | None = None

    def take(self, reply: Reply) -> float:
        """Read a reply and return the seconds to wait before the next request."""
        job, self._job, self._misses = self._job, None, 0
        try:
            found = self._dialect.read(self.call, reply, job)
        except BadPayload:
            self._job = job  # a garbled reply says nothing of the job: it is called off
            raise
        if isinstance(found, Answer):
            self.answer = stopped(self.call, found)
            return 0.0
        for ask in (found.look, found.cancel):
            _check_origin(self.call, ask)
        self._job, self.ask = found, found.look
        if found.fault is not None:
            raise found.fault
        return self._pause_s(self._wait_s)

    def miss(self, fault: ProviderError) -> float:
        """Return the seconds to wait after a look that failed; the host is at work all the same.

        Raises:
            ProviderError: `fault`, where it is more than a passing one.
        """
        job = self._job
        if job is None or fault is job.fault:
            raise fault
        if isinstance(fault, ModelGone):
            # What is gone is the job; the model would answer another one.
            self._job = None
            message = f"{self.call.route}: the host has lost the question that it had taken on"
            raise ServerError(
                message, provider=fault.provider, model=fault.model, status_code=fault.status_code
            ) from fault
        self._misses += 1
        wait_s = max(self._wait_s, fault.retry_after or 0.0)
        if not isinstance(fault, _PASSING) or self._misses >= _MISSES or wait_s >= self._left_s:
            raise fault
        return self._pause_s(wait_s)

    def farewell(self) -> Iterator[Ask]:
        """Yield what calls the job off, if anything does; `call` then ends soon."""
        if self._job is None or self._job.cancel is None:
            return
        now = time.monotonic()
        until = min(now + _CANCEL_S, max(self._end_at, now + _CANCEL_S / 4))
        self.call = replace(self.call, deadline=until, content_by=None)
        yield self._job.cancel

    @property
    def _left_s(self) -> float:
        return self.call.content_at - time.monotonic()

    def _pause_s(self, wait_s: float) -> float:
        """Return the wait, shorter towards the end so that a last look is not missed."""
        self._wait_s = min(self._wait_s * _GROWTH, _LONGEST_WAIT_S)
        left_s = max(self._left_s, 0.0)
        return min(wait_s, max(left_s / 2, _FIRST_WAIT_S), left_s)


class _WholeStream:
    """A whole answer under the manners of a stream, for threads and loops alike."""

    def __init__(self, answer: Answer) -> None:
        self.limits = answer.limits
        self.raw = answer.raw
        self._chunks = deque(as_chunks(answer))

    def __iter__(self) -> Iterator[Chunk]:
        while self._chunks:
            yield self._chunks.popleft()

    async def __aiter__(self) -> AsyncIterator[Chunk]:
        for chunk in self:
            yield chunk

    def close(self) -> None:
        """Give nothing more."""
        self._chunks.clear()

    async def aclose(self) -> None:
        """Give nothing more."""
        self.close()


def job_ask(
    call: Call, url: str, *, method: str = "GET", headers: Mapping[str, str], body: JsonObject | None = None
) -> Ask:
    """Return one request of a job, its body as JSON."""
    plain = {"user-agent": USER_AGENT, "accept": "application/json", "accept-encoding": "gzip"}
    if body is None:
        return Ask(method=method, url=url, headers={**plain, **headers})
    try:
        text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        message = f"{call.route}: the request holds a value that JSON cannot carry"
        raise InvalidRequest(message, provider=call.provider.id, model=call.model, advice="stop") from None
    return Ask(
        method=method,
        url=url,
        headers={**plain, "content-type": "application/json", **headers},
        body=text.encode("utf-8", "replace"),
    )


def kept_fields(call: Call, fields: Mapping[str, tuple[str, Json]]) -> dict[str, Json]:
    """Return the fields that have a value and that no quirk of the call takes away.

    Args:
        call: What is asked.
        fields: The quirk and the value of each.
    """
    quirks = call.provider.quirks
    return {name: value for name, (quirk, value) in fields.items() if value is not None and quirk not in quirks}


def refuse_tools(call: Call) -> None:
    """Refuse what only a tool call answers: a model that completes a text makes none.

    Raises:
        InvalidRequest: A tool call is required, or a tool is no function.
    """
    refuse_host_tools(call)
    if requires_tool(call.request):
        message = f"{call.route}: a tool call is required, and models here make none; choose a route that does"
        raise InvalidRequest(message, provider=call.provider.id, model=call.model)


def _check_origin(call: Call, ask: Ask | None) -> None:
    """Refuse an address that is not of the row's own origin.

    Raises:
        BadPayload: A host, a port or a scheme differs, or it is no address at all.
    """
    if ask is None:
        return
    try:
        own, named = URL(call.provider.base_url), URL(ask.url)
    except (InvalidURL, ValueError):  # a lone surrogate cannot be encoded
        raise bad_payload(call, "names an address to ask again that is none") from None
    if (own.scheme, own.host, own.port, own.userinfo) != (named.scheme, named.host, named.port, named.userinfo):
        raise bad_payload(call, "names another host to ask again, which the key must not reach")


def _no_embeddings(call: Call) -> NoReturn:
    message = f"{call.route}: no embeddings are made here; choose a route that does"
    raise InvalidRequest(message, provider=call.provider.id, model=call.model)
