"""What a dialect says and hears: an `Ask` goes out, a `Reply` comes back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, cast
from urllib.parse import quote

from openmux_lc.errors import BadPayload, InvalidRequest
from openmux_lc.types.json import Json
from openmux_lc.types.run import Answer, Chunk, EmbeddingRequest, Vectors
from openmux_lc.types.wire import Call

__all__ = ["RAW_BYTES", "Ask", "ChunkDecoder", "Dialect", "Reply", "id_in_path", "parse_json"]

RAW_BYTES = 1024 * 1024
"""Upstream bytes that an answer keeps at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One HTTP request, ready to be sent; its repr shows neither key nor texts."""

    url: str
    headers: Mapping[str, str]
    body: bytes = b""
    method: str = "POST"

    def __repr__(self) -> str:
        """Return method and address only."""
        return f"Ask({self.method} {self.url})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One HTTP response, read whole; header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(default=b"", repr=False)


class ChunkDecoder(Protocol):
    """Turns the bytes of a streamed answer into chunks.

    `is_over` says that the protocol's end was read, `is_complete` that a finish
    reason was: what breaks after either is no fault.
    """

    @property
    def has_content(self) -> bool:
        """Whether a chunk was given out of which a reader sees something."""
        ...

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to come."""
        ...

    @property
    def is_complete(self) -> bool:
        """Whether the answer is whole, though usage may follow."""
        ...

    def feed(self, piece: bytes) -> Sequence[Chunk]:
        """Return the chunks that `piece` completes."""
        ...

    def finish(self) -> Sequence[Chunk]:
        """Return what is left at the end; raises if the answer is not whole."""
        ...


class Dialect(Protocol):
    """A provider's language, as pure functions."""

    def chat(self, call: Call, *, is_stream: bool) -> Ask:
        """Return the request for an answer."""
        ...

    def answer(self, call: Call, reply: Reply) -> Answer:
        """Return the answer in a successful reply."""
        ...

    def chunks(self, call: Call) -> ChunkDecoder:
        """Return a fresh decoder for one stream."""
        ...

    def embedding(self, call: Call, request: EmbeddingRequest) -> Ask:
        """Return the request for vectors."""
        ...

    def vectors(self, call: Call, request: EmbeddingRequest, reply: Reply) -> Vectors:
        """Return the vectors in a successful reply."""
        ...


def id_in_path(call: Call, model: str, *, safe: str = "/") -> str:
    """Return a model's id as part of an address, its odd characters escaped.

    Args:
        call: Whose model it is.
        model: The id as the host spells it in addresses.
        safe: Characters that stay as they are.

    Raises:
        InvalidRequest: It would lead to another door of the host.
    """
    steps = model.replace("\\", "/").split("/")
    is_whole = not any("\ud800" <= character <= "\udfff" for character in model)  # no half characters
    if is_whole and {"", ".", ".."}.isdisjoint(steps):
        return quote(model, safe=safe)
    message = f"{call.provider.id}: the model's id cannot be part of an address; the host's list of models has it"
    raise InvalidRequest(message, provider=call.provider.id, model=call.model, advice="next_route")


def parse_json(call: Call, body: bytes | str, *, status: int | None = None) -> Json:
    """Return `body` as JSON.

    Raises:
        BadPayload: It is empty, a web page, or not JSON; the text is not quoted.
    """
    text = body.strip()
    if text and text[:1] not in ("<", b"<"):
        try:
            return cast("Json", json.loads(text))
        except (ValueError, RecursionError):
            pass
    shape = "not JSON"
    if not text:
        shape = "empty"
    elif text[:1] in ("<", b"<"):
        shape = "a web page, not JSON (is the base_url right?)"
    raise BadPayload(
        f"{call.route}: the answer is {shape}", provider=call.provider.id, model=call.model, status_code=status
    )
