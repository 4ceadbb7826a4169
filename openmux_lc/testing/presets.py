"""The named presets of behaviours: what real hosts do, one function each."""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import formatdate

from openmux_lc.testing.behaviours import TEXT, Answer, ErrorWords, Fault, Flood
from openmux_lc.types.json import Json
from openmux_lc.types.run import ToolCall

__all__ = [
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
    "not_found_all",
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
    "whitespace_stream",
    "wrong_content_type",
    "wrong_model",
]


def answer_with_tool(name: str, arguments: str = "{}", *, text: str = "") -> Answer:
    """Return an answer that asks for one function; `arguments` is JSON text."""
    return Answer(text, tool_calls=(ToolCall(id="call_0", name=name, arguments=arguments),))


def _too_many(headers: Mapping[str, str]) -> Fault:
    words = ErrorWords("Rate limit reached, please slow down.", "rate_limit_error", "rate_limit_exceeded")
    return Fault(429, words=words, headers=headers)


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
    return Fault(429, words=ErrorWords(message, "insufficient_quota", "insufficient_quota"))


def unauthorized() -> Fault:
    """Return a 401 that blames the key."""
    return Fault(401, words=ErrorWords("Incorrect API key provided.", "invalid_request_error", "invalid_api_key"))


def payment_required() -> Fault:
    """Return a 402 that asks for credits."""
    return Fault(402, words=ErrorWords("Insufficient credits. Add more to continue.", "payment_required", 402))


def model_gone(model: str = "fake-model") -> Fault:
    """Return a 404 that says there is no such model."""
    message = f"The model `{model}` does not exist or you do not have access to it."
    return Fault(404, words=ErrorWords(message, "invalid_request_error", "model_not_found"))


def context_overflow(window_tokens: int = 2048) -> Fault:
    """Return a 400 that says the prompt is too long."""
    message = f"This model's maximum context length is {window_tokens} tokens. Please reduce the length."
    return Fault(400, words=ErrorWords(message, "invalid_request_error", "context_length_exceeded"))


def server_error(status: int = 500) -> Fault:
    """Return a 5xx with a JSON error."""
    return Fault(status, words=ErrorWords("The server had an error while processing your request.", "server_error"))


def html_page(status: int = 502) -> Fault:
    """Return a proxy's HTML page where JSON was promised."""
    page = "<!DOCTYPE html><html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>"
    return Fault(status, body=page, content_type="text/html; charset=utf-8")


def empty_body(status: int = 200) -> Fault:
    """Return a response without a body."""
    return Fault(status, body=b"", content_type="application/json", sse="")


def choices_null() -> Answer:
    """Return an answer in whose place is null: `choices` in the OpenAI dialect."""
    return Answer(ending="null")


def error_in_200(message: str = "Upstream provider failed.", *, code: int = 502) -> Answer:
    """Return a 200 whose body is an error, in a stream as its first event."""
    return Answer(after_chunks=0, ending="error", error=ErrorWords(message, code=code))


def broken_sse() -> Answer:
    """Return a stream (or body) whose JSON stops in the middle of a string."""
    return Answer(after_chunks=0, ending="broken")


def cut(after_chunks: int = 1, *, text: str = TEXT, in_line: bool = False) -> Answer:
    """Return an answer whose connection closes after some chunks, `in_line` in the middle of the next."""
    return Answer(text, after_chunks=after_chunks, ending="torn" if in_line else "cut")


def hanging(after_chunks: int = 1, *, text: str = TEXT) -> Answer:
    """Return an answer that falls silent, the connection open, after some chunks."""
    return Answer(text, after_chunks=after_chunks, ending="hang")


def dropped() -> Fault:
    """Return a connection closed without a response."""
    return Fault(0)


def stalled(first_byte_s: float = 3600.0, *, text: str = TEXT) -> Answer:
    """Return an answer of which nothing comes for `first_byte_s` seconds."""
    return Answer(text, first_byte_s=first_byte_s)


def slow(per_chunk_s: float = 0.05, *, text: str = TEXT) -> Answer:
    """Return an answer that drips: `per_chunk_s` seconds for each streamed chunk."""
    return Answer(text, per_chunk_s=per_chunk_s)


def endless(mebibytes: int = 200, *, one_line: bool = False) -> Flood:
    """Return an answer of `mebibytes` that a careful client stops reading."""
    return Flood(mebibytes, one_line=one_line)


def wrong_content_type(text: str = TEXT, *, content_type: str = "text/plain") -> Answer:
    """Return a right answer under a wrong content type."""
    return Answer(text, content_type=content_type)


def wrong_model(model: str, *, text: str = TEXT) -> Answer:
    """Return a good answer that says another model has written it."""
    return Answer(text, model=model)


def whitespace_stream(blanks: int = 8) -> Answer:
    """Return an answer, in a stream so many chunks, that holds nothing but blanks."""
    return Answer("".join(" \n"[number % 2] for number in range(blanks)))


def not_found_all(status: int = 404) -> Fault:
    """Return a 404 that names no model, or the 410 of a host that was shut down for good."""
    message = "This API has been retired and is no longer available." if status == 410 else "Not found"
    return Fault(status, words=ErrorWords(message, "not_found_error", status))


def empty_answer() -> Answer:
    """Return an answer that is well-formed and holds nothing."""
    return Answer("")
