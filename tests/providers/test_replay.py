"""Genuine exchanges of five hosts, replayed over loopback through the package's own adapters (S1-01, S1-02)."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from openmux_lc.engine.assembly import Assembly
from openmux_lc.errors import (
    AuthenticationFailed,
    BadPayload,
    ContextOverflow,
    EmptyAnswer,
    InvalidRequest,
    ModelGone,
    PaymentRequired,
    PermissionDenied,
    ProviderError,
    RateLimited,
    ServerError,
)
from openmux_lc.http import Clients
from openmux_lc.providers.registry import adapter_for
from openmux_lc.types.catalog import Provider
from openmux_lc.types.run import Answer, EmbeddingRequest, Request
from openmux_lc.types.wire import Call
from tests.providers.replay import Host, Recording, host, plain, recordings, said

KINDS = frozenset({"chat", "ollama_chat", "embeddings"})
"""The endpoints that the package speaks."""

KEY = "sk-replay-0123456789abcdef"

FITTING: dict[int, tuple[type[ProviderError], ...]] = {
    400: (InvalidRequest, ContextOverflow, ModelGone, PermissionDenied, AuthenticationFailed, BadPayload),
    401: (AuthenticationFailed,),
    402: (PaymentRequired,),
    403: (PermissionDenied, PaymentRequired, AuthenticationFailed),
    404: (ModelGone, InvalidRequest, PermissionDenied),
    422: (InvalidRequest,),
    429: (RateLimited, PaymentRequired),
    500: (ServerError, InvalidRequest, ContextOverflow),
    501: (InvalidRequest,),
}


@pytest.fixture(scope="module")
def upstream() -> Iterator[Host]:
    with host() as running:
        yield running


def _call(upstream: Host, recording: Recording) -> Call:
    is_native = "/api/" in recording.fields["url"] and recording.fields["provider"] == "ollama"
    provider = Provider(
        id=recording.fields["provider"],
        name="Recorded",
        base_url=upstream.url("" if is_native else "/v1"),
        dialect="ollama" if is_native else "openai",
    )
    asked = recording.request
    schema = asked.get("response_format") or (asked.get("format") and {"type": "json_object"})
    return Call(
        provider=provider,
        model=asked.get("model") or "recorded",
        request=Request(
            messages=tuple(_message(message) for message in asked.get("messages") or ()),
            tools=tuple(asked.get("tools") or ()),
            tool_choice=asked.get("tool_choice"),
            response_format=schema if isinstance(schema, dict) else None,
            temperature=asked.get("temperature"),
            max_tokens=asked.get("max_tokens"),
        ),
        key=SecretStr(KEY),
        deadline=time.monotonic() + 30,
    )


def _message(message: dict[str, Any]) -> dict[str, Any]:
    """Return a recorded message as the wire's; the native API carries images beside the text."""
    if not message.get("images"):
        return message
    # The recorder cut the pictures short; what the host said does not depend on ours.
    parts = [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{image[:200]}"}}
        for image in message["images"]
    ]
    return {"role": message["role"], "content": [{"type": "text", "text": message.get("content") or ""}, *parts]}


def _answer(call: Call, clients: Clients, *, is_stream: bool) -> Answer:
    adapter = adapter_for(call.provider, clients)
    if not is_stream:
        return adapter.send(call)
    stream, assembly = adapter.open(call), Assembly(call.route)
    try:
        for chunk in stream:
            assembly.add(chunk)
    finally:
        stream.close()
    return assembly.answer(raw=stream.raw, limits=stream.limits)


async def _aanswer(call: Call, clients: Clients, *, is_stream: bool) -> Answer:
    adapter = adapter_for(call.provider, clients)
    if not is_stream:
        return await adapter.asend(call)
    stream, assembly = await adapter.aopen(call), Assembly(call.route)
    try:
        async for chunk in stream:
            assembly.add(chunk)
    finally:
        await stream.aclose()
    return assembly.answer(raw=stream.raw, limits=stream.limits)


def _judge(recording: Recording, got: Answer | ProviderError) -> str:
    """Return why the outcome does not fit the recording, `""` when it does."""
    expected = _expected_of_tools(recording)
    if expected is not None:
        return "" if isinstance(got, expected) else f"{expected.__name__} was due, not {_short(got)}"
    if recording.status >= 400:
        return _judge_fault(recording, got)
    told = said(recording)
    if told.is_error:
        return "" if isinstance(got, ProviderError) else "an error inside the success was not seen"
    if told.is_empty:
        return "" if isinstance(got, EmptyAnswer | PermissionDenied) else f"no content, but {_short(got)}"
    if isinstance(got, ProviderError):
        return f"a success became {_short(got)}"
    calls = [(call.name, plain(call.arguments)) for call in got.tool_calls]
    finish = "tool_calls" if told.calls and told.finish in {"stop", None} else told.finish or "stop"
    wrongs = [
        told.text != got.text and f"text {got.text[:60]!r} instead of {told.text[:60]!r}",
        told.calls != calls and f"tool calls {calls} instead of {told.calls}",
        finish != got.finish_reason and f"finish reason {got.finish_reason} instead of {finish}",
        told.tokens is None and not got.usage.is_estimated and "a usage that nobody told",
        told.tokens is not None
        and told.tokens != (got.usage.input_tokens, got.usage.output_tokens)
        and f"usage {got.usage} instead of {told.tokens}",
        recording.body.encode()[:1000] != got.raw[:1000] and "raw bytes that are not the host's",
    ]
    return "; ".join(wrong for wrong in wrongs if wrong)


def _expected_of_tools(recording: Recording) -> type[ProviderError] | None:
    """Return the fault that is due whatever the host said: a tool that it bills, or one that its model ignored."""
    tools, choice = recording.request.get("tools") or (), recording.request.get("tool_choice")
    if not all("function" in tool for tool in tools):
        return InvalidRequest
    if not tools or choice in (None, "auto", "none") or recording.status >= 400 or _streams(recording):
        return None
    told = said(recording)
    return BadPayload if told.text and not told.calls and not told.is_error else None


def _judge_fault(recording: Recording, got: Answer | ProviderError) -> str:
    if not isinstance(got, ProviderError):
        return "an error became an answer"
    if not isinstance(got, FITTING[recording.status]) or got.status_code != recording.status:
        return f"HTTP {recording.status} became {_short(got)}"
    quoted = [piece for piece in _pieces(recording) if piece in str(got)]
    return f"the message quotes the request: {quoted[:1]}" if quoted else ""


def _pieces(recording: Recording) -> Iterator[str]:
    for message in recording.request.get("messages") or ():
        content = message.get("content")
        if isinstance(content, str):
            yield from (content[at : at + 20] for at in range(max(len(content) - 19, 0)))


def _short(got: Answer | ProviderError) -> str:
    return f"{type(got).__name__}({got if isinstance(got, ProviderError) else got.text[:60]!r})"


def _tell(provider: str, outcomes: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    counts = Counter("wrong" if why else "right" for why in outcomes.values())
    with capsys.disabled():
        print(f"\n{provider}: {counts['right']} right, {counts['wrong']} wrong")
        for name, why in outcomes.items():
            if why:
                print(f"  {name}: {why}")


def _exchanges(shared: Path, provider: str) -> list[Recording]:
    return recordings(shared / "recordings", provider, KINDS - {"embeddings"})


PROVIDERS = ("openrouter", "groq", "mistral", "ollama", "llamacpp")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_recorded_chat_gives_what_was_recorded(
    provider: str, shared: Path, upstream: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    """Text, tool calls, finish reason and usage of a success; class and status of a failure."""
    clients = Clients()
    outcomes = {}

    for seed, recording in enumerate(_exchanges(shared, provider)):
        upstream.current, upstream.seed = recording, seed
        got: Answer | ProviderError
        try:
            got = _answer(_call(upstream, recording), clients, is_stream=_streams(recording))
        except ProviderError as error:
            got = error
        outcomes[recording.name] = _judge(recording, got)
    clients.close()

    _tell(provider, outcomes, capsys)
    assert {} == {name: why for name, why in outcomes.items() if why}


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_every_recorded_chat_gives_the_same_asynchronously(provider: str, shared: Path, upstream: Host) -> None:
    """The asynchronous twin passes the same judgement."""
    clients = Clients()
    outcomes = {}

    for seed, recording in enumerate(_exchanges(shared, provider)):
        upstream.current, upstream.seed = recording, seed + 1000
        got: Answer | ProviderError
        try:
            got = await _aanswer(_call(upstream, recording), clients, is_stream=_streams(recording))
        except ProviderError as error:
            got = error
        outcomes[recording.name] = _judge(recording, got)
    await clients.aclose()

    assert {} == {name: why for name, why in outcomes.items() if why}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_recorded_embedding_gives_its_vectors(
    provider: str, shared: Path, upstream: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    """One vector per text, in order; a failure is typed."""
    clients = Clients()
    outcomes = {}
    found = recordings(shared / "recordings", provider, frozenset({"embeddings"}))
    if not found:
        pytest.skip(f"nobody recorded embeddings of {provider}")

    for recording in found:
        if "prompt" in recording.request:
            continue  # the engine's endpoint of old, for which it gives another itself
        upstream.current, upstream.seed = recording, 7
        outcomes[recording.name] = _judge_vectors(recording, upstream, clients)
    clients.close()

    _tell(f"{provider} embeddings", outcomes, capsys)
    assert {} == {name: why for name, why in outcomes.items() if why}


def _judge_vectors(recording: Recording, upstream: Host, clients: Clients) -> str:
    call = _call(upstream, recording)
    texts = recording.request.get("input")
    texts = [texts] if isinstance(texts, str) else texts or ["x"]
    request = EmbeddingRequest(texts=tuple(map(str, texts)))
    try:
        got = adapter_for(call.provider, clients).embed(call, request)
    except ProviderError as error:
        return "" if recording.status >= 400 and isinstance(error, FITTING[recording.status]) else _short(error)
    payload = json.loads(recording.body)
    if "embeddings" in payload:
        return "" if tuple(map(tuple, payload["embeddings"])) == got.vectors else "other vectors"
    rows = payload["data"]
    if isinstance(rows[0]["embedding"], str):
        return "" if len({len(vector) for vector in got.vectors}) == 1 else "packed vectors of different lengths"
    expected = tuple(tuple(map(float, row["embedding"])) for row in rows)
    return "" if expected == got.vectors else "other vectors"


def test_what_is_out_of_scope_is_counted_with_its_reason(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No recording is left out silently: the rest are endpoints that this package does not speak."""
    index = json.loads((shared / "recordings" / "INDEX.json").read_text())

    rows = [row for row in index if row["provider"] in PROVIDERS]
    left_out = Counter(row["endpoint_kind"] for row in rows if row["endpoint_kind"] not in KINDS)

    with capsys.disabled():
        kinds = ", ".join(f"{kind} {count}" for kind, count in left_out.most_common())
        print(f"\n{sum(left_out.values())} of {len(rows)} exchanges are of endpoints that are not spoken: {kinds}")
    assert not left_out.keys() & KINDS


def _streams(recording: Recording) -> bool:
    """Whether the request was for a stream; a refused one comes back as plain JSON."""
    return recording.is_stream or recording.request.get("stream") is True
