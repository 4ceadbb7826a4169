"""What a `FakeUpstream` does with one request: answer, fail, flood or hang up.

Three frozen values (`Answer`, `Fault`, `Flood`) say it all, in no dialect: the one
that was asked in decides how they are written. A behaviour is pure data: the server
alone acts on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Final, Literal, TypeAlias

from openmux_lc.types.json import Json
from openmux_lc.types.run import ToolCall

__all__ = [
    "BEHAVIOURS",
    "TEXT",
    "Answer",
    "Behaviour",
    "Ending",
    "ErrorWords",
    "Fault",
    "Flood",
    "Received",
    "Script",
]

TEXT: Final = "Hello from the fake upstream."

Ending = Literal["done", "cut", "torn", "silent", "broken", "null", "error", "hang"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A request as it arrived; header names are lower-case.

    Args:
        body: The parsed JSON, None when there was none or it was not JSON.
        named_model: The model id, where the path or another field than `model` has it.
        is_streamed: Whether a stream is wanted, where not the body's `stream` tells.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: Json = None
    named_model: str = ""
    is_streamed: bool | None = None

    @property
    def model(self) -> str:
        """The model id asked for, `""` when none was named."""
        model = self.body.get("model") if isinstance(self.body, dict) else None
        return self.named_model or (model if isinstance(model, str) else "")

    @property
    def wants_stream(self) -> bool:
        """Whether a stream was asked for."""
        if self.is_streamed is not None:
            return self.is_streamed
        return isinstance(self.body, dict) and self.body.get("stream") is True


@dataclass(frozen=True, slots=True)
class ErrorWords:
    """What an error says; each dialect has its own places for it.

    Args:
        message: For a person.
        kind: What kind of error it is, `""` leaves it out.
        code: What exactly it is; a number is an HTTP status.
    """

    message: str
    kind: str = ""
    code: str | int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A good answer, or one that breaks off.

    Args:
        text: The answer; the vectors of an embedding request do not depend on it.
        tool_calls: Functions the model asks for.
        reasoning: Thoughts, where the dialect has a place for them.
        usage: Whether token counts are told (some dialects stream them only when asked).
        model: The id the answer claims; None repeats the one asked for.
        finish_reason: None means `tool_calls` or `stop`, as it fits.
        cost: Told as `usage.cost`.
        headers: Further response headers.
        content_type: None means the right one.
        first_byte_s: Seconds before anything is sent.
        per_chunk_s: Seconds before each streamed chunk; without a stream, before each
            64 bytes.
        after_chunks: Content chunks sent before `ending`; None sends all.
        after_share: Share (0 to 1) of a stream's bytes after which the connection closes,
            in the middle of whatever it is; None sends all.
        ending: `done` ends properly. `cut` closes the connection, `torn` does so in
            the middle of a line, `silent` ends the body without the last event,
            `broken` sends an event whose JSON stops, `null` one without an answer in
            it, `error` an error event, and `hang` nothing more. Without a stream
            `null` and `error` are the body, and all others but `done` stop in the
            middle of it.
        error: What the error of `ending="error"` says.
        looks: How often a host that is asked again and again is not ready yet.
    """

    text: str = TEXT
    _: KW_ONLY
    tool_calls: tuple[ToolCall, ...] = ()
    reasoning: str | None = None
    usage: bool = True
    model: str | None = None
    finish_reason: str | None = None
    cost: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str | None = None
    first_byte_s: float = 0.0
    per_chunk_s: float = 0.0
    after_chunks: int | None = None
    after_share: float | None = None
    ending: Ending = "done"
    error: ErrorWords = ErrorWords("Upstream provider failed.", "server_error", 502)
    looks: int = 0


@dataclass(frozen=True, slots=True)
class Fault:
    """A failure: in the words of the dialect that was asked in, or a fixed response.

    Args:
        status: HTTP status; 0 closes the connection without a word.
        words: What the error says, in the dialect's own form.
        body: Sent instead of an error's form: JSON, or text or bytes as they are.
        headers: Further response headers.
        content_type: None means JSON for JSON and plain text for the rest.
        sse: What a streaming request gets instead, as `text/event-stream`.
        first_byte_s: Seconds before anything is sent.
    """

    status: int = 500
    _: KW_ONLY
    words: ErrorWords | None = None
    body: Json | bytes = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str | None = None
    sse: str | None = None
    first_byte_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Flood:
    """An answer of `mebibytes`, well-formed but far too long.

    Args:
        mebibytes: How much text there is.
        one_line: A stream is one event without an end instead of many events.
    """

    mebibytes: int = 200
    _: KW_ONLY
    one_line: bool = False


BEHAVIOURS: Final = (Answer, Fault, Flood)
Behaviour: TypeAlias = Answer | Fault | Flood
Script: TypeAlias = Behaviour | Sequence[Behaviour] | Callable[[Received], Behaviour]
