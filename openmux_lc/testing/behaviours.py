"""What a `FakeUpstream` does with one request: answer, fail, flood or hang up.

Three frozen values (`Answer`, `Fault`, `Flood`) say it all; the functions are
their named presets. A behaviour is pure data: the server alone acts on it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from email.utils import formatdate
from typing import Literal, TypeAlias

from openmux_lc.types.json import Json
from openmux_lc.types.run import ToolCall

__all__ = [
    "Answer",
    "Behaviour",
    "Ending",
    "Fault",
    "Flood",
    "Received",
    "Script",
    "answer_with_tool",
    "broken_sse",
    "choices_null",
    "context_overflow",
    "cut",
    "dropped",
    "empty_answer",
    "empty_body",
    "endless",
    "error_in_200",
    "hanging",
    "html_page",
    "model_gone",
    "out_of_quota",
    "payment_required",
    "rate_limited",
    "rate_limited_epoch_ms",
    "rate_limited_go_duration",
    "rate_limited_http_date",
    "server_error",
    "slow",
    "stalled",
    "unauthorized",
    "wrong_content_type",
]

Ending = Literal["done", "cut", "silent", "error", "hang"]

_TEXT = "Hello from the fake upstream."


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A request as it arrived; header names are lower-case.

    Args:
        body: The parsed JSON, None when there was none or it was not JSON.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: Json = None

    @property
    def model(self) -> str:
        """The model id asked for, `""` when none was named."""
        model = self.body.get("model") if isinstance(self.body, dict) else None
        return model if isinstance(model, str) else ""

    @property
    def wants_stream(self) -> bool:
        """Whether the body says `"stream": true`."""
        return isinstance(self.body, dict) and self.body.get("stream") is True


@dataclass(frozen=True, slots=True)
class Answer:
    """A good answer, or one that breaks off.

    Args:
        text: The answer; the vectors of an embedding request do not depend on it.
        tool_calls: Functions the model asks for.
        reasoning: Sent as `reasoning_content`.
        usage: Whether token counts are told (in a stream only when asked for).
        model: The id the answer claims; None repeats the one asked for.
        finish_reason: None means `tool_calls` or `stop`, as it fits.
        cost: Told as `usage.cost`.
        headers: Further response headers.
        content_type: None means the right one.
        first_byte_s: Seconds before anything is sent.
        per_chunk_s: Seconds before each streamed chunk; without a stream, before each
            64 bytes.
        after_chunks: Content chunks sent before `ending`; None sends all.
        ending: `done` ends properly. `cut` closes the connection, `silent` ends
            the body without the last event, `error` sends an error event and
            `hang` sends nothing more. Without a stream every one but `done` and
            `error` stops in the middle of the body.
    """

    text: str = _TEXT
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
    ending: Ending = "done"


@dataclass(frozen=True, slots=True)
class Fault:
    """A fixed response, whatever was asked.

    Args:
        status: HTTP status; 0 closes the connection without a word.
        body: JSON, or text or bytes sent as they are.
        headers: Further response headers.
        content_type: None means JSON for JSON and plain text for the rest.
        sse: What a streaming request gets instead, as `text/event-stream`.
        first_byte_s: Seconds before anything is sent.
    """

    status: int = 500
    _: KW_ONLY
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


Behaviour: TypeAlias = Answer | Fault | Flood
Script: TypeAlias = Behaviour | Sequence[Behaviour] | Callable[[Received], Behaviour]


def answer_with_tool(name: str, arguments: str = "{}", *, text: str = "") -> Answer:
    """Return an answer that asks for one function; `arguments` is JSON text."""
    return Answer(text, tool_calls=(ToolCall(id="call_0", name=name, arguments=arguments),))


def _error(message: str, kind: str, code: str | int | None = None) -> Json:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def _too_many(headers: Mapping[str, str]) -> Fault:
    body = _error("Rate limit reached, please slow down.", "rate_limit_error", "rate_limit_exceeded")
    return Fault(429, body=body, headers=headers)


def rate_limited(retry_after_s: float | None = 30.0) -> Fault:
    """Return a 429 with `Retry-After` in seconds; None leaves the header out."""
    return _too_many({} if retry_after_s is None else {"Retry-After": f"{retry_after_s:g}"})


def rate_limited_http_date(at: float | None = None) -> Fault:
    """Return a 429 whose `Retry-After` is a date (`at` epoch seconds; a minute on)."""
    return _too_many({"Retry-After": formatdate(time.time() + 60 if at is None else at, usegmt=True)})


def rate_limited_epoch_ms(reset_at: float | None = None, *, limit: int = 20) -> Fault:
    """Return a 429 whose reset is epoch milliseconds, in a header and in the body."""
    reset_ms = int((time.time() + 60 if reset_at is None else reset_at) * 1000)
    headers = {"X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(reset_ms)}
    body: Json = {"error": {"message": "Rate limit exceeded", "code": 429, "metadata": {"headers": headers}}}
    return Fault(429, body=body, headers=headers)


def rate_limited_go_duration(reset: str = "2m59.56s", *, retry_after_s: int = 180) -> Fault:
    """Return a 429 whose windows refill after Go durations such as `2m59.56s`."""
    headers = {
        "Retry-After": str(retry_after_s),
        "x-ratelimit-limit-requests": "1000",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": reset,
        "x-ratelimit-limit-tokens": "8000",
        "x-ratelimit-remaining-tokens": "7460",
        "x-ratelimit-reset-tokens": "4.05s",
    }
    return _too_many(headers)


def out_of_quota() -> Fault:
    """Return a 429 that no waiting within the day will mend."""
    message = "You exceeded your current quota, please check your plan and billing details."
    return Fault(429, body=_error(message, "insufficient_quota", "insufficient_quota"))


def unauthorized() -> Fault:
    """Return a 401 that blames the key."""
    return Fault(401, body=_error("Incorrect API key provided.", "invalid_request_error", "invalid_api_key"))


def payment_required() -> Fault:
    """Return a 402 that asks for credits."""
    return Fault(402, body=_error("Insufficient credits. Add more to continue.", "payment_required", 402))


def model_gone(model: str = "fake-model") -> Fault:
    """Return a 404 that says there is no such model."""
    message = f"The model `{model}` does not exist or you do not have access to it."
    return Fault(404, body=_error(message, "invalid_request_error", "model_not_found"))


def context_overflow(window_tokens: int = 2048) -> Fault:
    """Return a 400 that says the prompt is too long."""
    message = f"This model's maximum context length is {window_tokens} tokens. Please reduce the length."
    return Fault(400, body=_error(message, "invalid_request_error", "context_length_exceeded"))


def server_error(status: int = 500) -> Fault:
    """Return a 5xx with a JSON error."""
    return Fault(status, body=_error("The server had an error while processing your request.", "server_error"))


def html_page(status: int = 502) -> Fault:
    """Return a proxy's HTML page where JSON was promised."""
    page = "<!DOCTYPE html><html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>"
    return Fault(status, body=page, content_type="text/html; charset=utf-8")


def empty_body(status: int = 200) -> Fault:
    """Return a response without a body."""
    return Fault(status, body=b"", content_type="application/json", sse="")


def choices_null() -> Fault:
    """Return a 200 whose `choices` is null."""
    text = '{"id":"fake","object":"chat.completion","created":0,"model":"fake-model","choices":null}'
    return Fault(200, body=text, content_type="application/json", sse=f"data: {text}\n\ndata: [DONE]\n\n")


def error_in_200(message: str = "Upstream provider failed.", *, code: int = 502) -> Fault:
    """Return a 200 whose body is an error, in a stream as its first event."""
    text = f'{{"error":{{"message":"{message}","code":{code}}}}}'
    return Fault(200, body=text, content_type="application/json", sse=f": PROCESSING\n\ndata: {text}\n\n")


def broken_sse() -> Fault:
    """Return a stream (or body) whose JSON stops in the middle of a string."""
    text = '{"id":"fake","choices":[{"index":0,"delta":{"content":"Hel'
    return Fault(200, body=text, content_type="application/json", sse=f"data: {text}\n\ndata: [DONE]\n\n")


def cut(after_chunks: int = 1, *, text: str = _TEXT) -> Answer:
    """Return an answer whose connection closes after `after_chunks` content chunks."""
    return Answer(text, after_chunks=after_chunks, ending="cut")


def hanging(after_chunks: int = 1, *, text: str = _TEXT) -> Answer:
    """Return an answer that falls silent, the connection open, after some chunks."""
    return Answer(text, after_chunks=after_chunks, ending="hang")


def dropped() -> Fault:
    """Return a connection closed without a response."""
    return Fault(0)


def stalled(first_byte_s: float = 3600.0, *, text: str = _TEXT) -> Answer:
    """Return an answer of which nothing comes for `first_byte_s` seconds."""
    return Answer(text, first_byte_s=first_byte_s)


def slow(per_chunk_s: float = 0.05, *, text: str = _TEXT) -> Answer:
    """Return an answer that drips: `per_chunk_s` seconds for each streamed chunk."""
    return Answer(text, per_chunk_s=per_chunk_s)


def endless(mebibytes: int = 200, *, one_line: bool = False) -> Flood:
    """Return an answer of `mebibytes` that a careful client stops reading."""
    return Flood(mebibytes, one_line=one_line)


def wrong_content_type(text: str = _TEXT, *, content_type: str = "text/plain") -> Answer:
    """Return a right answer under a wrong content type."""
    return Answer(text, content_type=content_type)


def empty_answer() -> Answer:
    """Return an answer that is well-formed and holds nothing."""
    return Answer("")
