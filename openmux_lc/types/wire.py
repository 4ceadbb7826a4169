"""The seam between the engine and whatever speaks to a provider.

An adapter turns a `Call` into an `Answer`, a `Stream` or `Vectors`, or raises a
`ProviderError`; it knows nothing of plans, quotas or other routes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from openmux_lc.types.catalog import Provider, Route
from openmux_lc.types.run import Answer, Chunk, EmbeddingRequest, Message, Request, Vectors
from openmux_lc.types.state import LimitObservation

if TYPE_CHECKING:
    from pydantic import SecretStr

__all__ = ["Adapter", "AsyncStream", "Call", "Stream"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call to one model at one host.

    Args:
        provider: The row; its `base_url` already holds the user's override.
        model: The provider's own model id.
        request: What to ask; embeddings pass theirs separately.
        key: None where the host is called without one.
        deadline: `time.monotonic()` at which every wait of this call ends.
        content_by: `time.monotonic()` by which the first content of a stream, or the
            whole body of any other reply, must be there; None means `deadline`.
        first_byte_s: Longest wait for the first byte of the answer.
        stall_s: Longest silence inside a stream.
        max_bytes: Largest answer that is read.
        is_judged: The caller holds the answer against the request itself, also one in words where a
            tool call was required.
    """

    provider: Provider
    model: str
    request: Request = field(repr=False)
    deadline: float
    content_by: float | None = None
    key: SecretStr | None = None
    first_byte_s: float = 60.0
    stall_s: float = 60.0
    max_bytes: int = 16 * 1024 * 1024
    is_judged: bool = False

    def about(self, texts: Sequence[str]) -> Call:
        """Return the call with `texts` as what it says: no fault's message may then quote them."""
        said: list[Message] = [{"role": "user", "content": text} for text in texts]
        return replace(self, request=Request(messages=tuple(said)))

    @property
    def route(self) -> Route:
        """The route this call goes to."""
        return Route(self.provider.id, self.model)

    @property
    def content_at(self) -> float:
        """`time.monotonic()` at which the wait for the first content ends."""
        return self.deadline if self.content_by is None else min(self.content_by, self.deadline)


class Stream(Protocol):
    """An opened stream: iterate for chunks, close to hang up.

    Iteration raises `ProviderError` on a fault, and ends only after a finish
    reason or the protocol's own end mark: a connection that just closes is a
    `ConnectionFailed`. `raw` is bounded.
    """

    limits: tuple[LimitObservation, ...]

    def __iter__(self) -> Iterator[Chunk]:
        """Yield chunks until the answer is complete."""
        ...

    def close(self) -> None:
        """Hang up; safe to call twice and from `finally`."""
        ...

    @property
    def raw(self) -> bytes:
        """Upstream bytes read so far, bounded."""
        ...


class AsyncStream(Protocol):
    """The asynchronous twin of `Stream`."""

    limits: tuple[LimitObservation, ...]

    def __aiter__(self) -> AsyncIterator[Chunk]:
        """Yield chunks until the answer is complete."""
        ...

    async def aclose(self) -> None:
        """Hang up; safe to call twice and from `finally`."""
        ...

    @property
    def raw(self) -> bytes:
        """Upstream bytes read so far, bounded."""
        ...


class Adapter(Protocol):
    """Whatever can answer a call: a wire dialect, or a model the user brought."""

    def send(self, call: Call) -> Answer:
        """Return the whole answer."""
        ...

    async def asend(self, call: Call) -> Answer:
        """Return the whole answer."""
        ...

    def open(self, call: Call) -> Stream:
        """Return a stream whose response headers have arrived with success."""
        ...

    async def aopen(self, call: Call) -> AsyncStream:
        """Return a stream whose response headers have arrived with success."""
        ...

    def embed(self, call: Call, request: EmbeddingRequest) -> Vectors:
        """Return one vector per text."""
        ...

    async def aembed(self, call: Call, request: EmbeddingRequest) -> Vectors:
        """Return one vector per text."""
        ...
