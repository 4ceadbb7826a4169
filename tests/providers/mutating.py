"""Genuine bodies made wrong on purpose, and what the readers make of them.

A case is a number: what is taken, how it is mutated and how it is cut on its way are drawn from it and a seed, so that
every outcome can be had again. The bodies reach the adapters through a transport in memory: everything runs but the
sockets. No line here is the package's own reading.
"""

import asyncio
import contextlib
import gzip
import json
import math
import random
import re
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from openmux_lc.errors import ProviderError
from openmux_lc.http import Clients
from openmux_lc.providers.registry import adapter_for, list_models
from openmux_lc.types.catalog import Provider
from openmux_lc.types.run import Answer, Chunk, EmbeddingRequest, Request, Usage, Vectors
from openmux_lc.types.wire import Adapter, Call

KEY = "sk-mutated-0123456789abcdefghij"
ORIGIN = "http://memory.invalid"
MAX_BYTES = 2 * 1024 * 1024
"""What the calls allow an answer to hold; bodies without an end go far beyond."""
LIST_BYTES = 16 * 1024 * 1024
"""What a list of models may unpack to: the calls' own default, for it takes no other."""
SECONDS = 5.0
"""The deadline of a case in memory: nothing there has to wait."""
TRACING_S = 3.0
"""What tracing the memory may add; that waits end with their deadline is tested over sockets."""
POLLED_SECONDS = 0.1
FLOOR_BYTES = 8 * 1024 * 1024
TIMES_INPUT = 12
"""A case may hold so many bytes, or so many times what it read, whichever is more: JSON as values takes room."""
TEXTS = ("one", "two")
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
_ENDLESS_BYTES = 16 * MAX_BYTES
_PIECE = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Specimen:
    """A genuine reply, and how it is asked for.

    Args:
        mode: `send`, `open`, `embed` or `list`.
    """

    name: str
    dialect: str
    quirks: frozenset[str]
    mode: str
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Mutant:
    """What is sent: pieces, perhaps without end, and the headers that go with them."""

    body: bytes
    headers: Mapping[str, str]
    endless: bytes = b""

    def pieces(self, rng: random.Random) -> Iterator[bytes]:
        """Yield the body, cut at random, then what does not end."""
        at, size = 0, rng.choice((1, 7, 100, 1000, 16_384, 1 << 30))
        size = max(size, len(self.body) // 2000)
        while at < len(self.body):
            yield self.body[at : at + size]
            at += size
        sent = 0
        while self.endless and sent < _ENDLESS_BYTES:
            yield self.endless
            sent += len(self.endless)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a case.

    Args:
        result: A fault's class, or `answer`, `chunks`, `vectors`, `ids`.
        broken: Which invariant does not hold, with what was found; `""` when all do.
        crash: The exception that is no typed failure.
    """

    number: int
    kinds: tuple[str, ...]
    specimen: Specimen
    result: str
    broken: str = ""
    crash: BaseException | None = None
    seconds: float = 0.0
    peak_bytes: int = 0
    read_bytes: int = 0

    @property
    def allowed_bytes(self) -> int:
        """The memory that this case may take."""
        unpacked = 3 * LIST_BYTES if self.specimen.mode == "list" else 0
        return max(FLOOR_BYTES, TIMES_INPUT * self.read_bytes, unpacked)

    @property
    def complaint(self) -> str:
        """What is wrong with it, `""` when nothing is."""
        if self.crash is not None:
            return f"crash {type(self.crash).__name__}: {str(self.crash)[:200]}"
        if self.broken:
            return self.broken
        if self.peak_bytes > self.allowed_bytes:
            return f"memory: {self.peak_bytes / 1e6:.1f} MB for {self.read_bytes / 1e6:.2f} MB"
        return f"time: {self.seconds:.1f} s" if self.seconds > SECONDS + TRACING_S else ""


# --- genuine bodies ---------------------------------------------------------------------------------------------------


@cache
def specimens(folder: Path) -> tuple[Specimen, ...]:
    """Every recorded reply that a reader could meet, and the documented ones of a service that nobody recorded."""
    rows = json.loads((folder / "INDEX.json").read_text(encoding="utf-8"))
    found = [specimen for row in rows if (specimen := _specimen(folder, row)) is not None]
    waiting = {"done": False, "faulted": False, "is_possible": True, "wait_time": 5, "generations": []}
    made = {"text": " Paris.", "model": "koboldcpp/Tiny-8B", "worker_name": "w", "state": "ok", "gen_metadata": []}
    bodies = ({"id": "2fb49bdc", "kudos": 10.0}, {**waiting, "id": "a", "done": True, "generations": [made]})
    found += [_horde(json.dumps(body).encode(), 202) for body in bodies]
    found.append(_horde(b'{"message": "2 per 1 second", "rc": "TooManyPrompts"}', 429))
    return tuple(found)


def _horde(body: bytes, status: int) -> Specimen:
    headers = {"content-type": "application/json"}
    return Specimen(
        name="horde/documented",
        dialect="horde",
        quirks=frozenset(),
        mode="send",
        status=status,
        headers=headers,
        body=body,
    )


def _specimen(folder: Path, row: Mapping[str, Any]) -> Specimen | None:
    recording = json.loads((folder / row["file"]).read_text(encoding="utf-8"))
    text = recording.get("response_body")
    if not isinstance(text, str) or not text or recording["status"] in range(300, 400):
        return None
    path = urlsplit(recording.get("url") or "").path
    dialect, quirks = _dialect(recording["provider"], path)
    kept = re.compile("content-type|retry-after.*|.*ratelimit.*|x-error-message")
    headers = {n: v for n, v in (recording.get("response_headers") or {}).items() if kept.fullmatch(n)}
    return Specimen(
        name=row["file"],
        dialect=dialect,
        quirks=quirks,
        mode=_mode(recording, path),
        status=recording["status"],
        headers={name: " ".join(str(value).split()) for name, value in headers.items()},
        # What a host names as its own is the memory here, or it would not be asked again.
        body=text.replace("https://api.replicate.com", ORIGIN).encode("utf-8", "replace"),
    )


def _dialect(provider: str, path: str) -> tuple[str, frozenset[str]]:
    if provider == "cloudflare":
        return "cloudflare", frozenset({"native_run"} if "/ai/run/" in path else ())
    if provider == "ollama":
        return ("ollama" if "/api/" in path else "openai"), frozenset()
    own = {"gemini", "cohere", "huggingface", "pollinations", "replicate"}
    return (provider if provider in own else "openai"), frozenset()


def _mode(recording: Mapping[str, Any], path: str) -> str:
    if recording.get("method") == "GET" and path.endswith(("/models", "/api/tags")):
        return "list"
    if "embed" in path.lower() or "feature-extraction" in path:
        return "embed"
    return "open" if recording["streaming"] else "send"


# --- mutations --------------------------------------------------------------------------------------------------------


def _place(rng: random.Random, body: bytes) -> int:
    return rng.randrange(len(body) + 1)


def _inserted(rng: random.Random, body: bytes, more: bytes) -> bytes:
    at = _place(rng, body)
    return body[:at] + more + body[at:]


def _cut(rng: random.Random, body: bytes) -> bytes:
    start, end = sorted((_place(rng, body), _place(rng, body)))
    return rng.choice((body[:end], body[start:], body[:start] + body[end:]))


def _duplicated(rng: random.Random, body: bytes) -> bytes:
    start, end = sorted((_place(rng, body), _place(rng, body)))
    return _inserted(rng, body, body[start:end])


def _parts(body: bytes) -> tuple[bytes, list[bytes]]:
    mark = next((mark for mark in (b"\r\n\r\n", b"\n\n", b"\n", b",") if mark in body.strip()), b" ")
    return mark, body.split(mark)


def _reordered(rng: random.Random, body: bytes) -> bytes:
    mark, parts = _parts(body)
    if rng.random() < 0.5 and len(parts) > 2:
        one, other = rng.sample(range(len(parts)), 2)
        parts[one], parts[other] = parts[other], parts[one]
    else:
        rng.shuffle(parts)
    return mark.join(parts)


def _doubled(rng: random.Random, body: bytes) -> bytes:
    mark, parts = _parts(body)
    again = rng.choice((lambda _: True, lambda _: rng.random() < 0.2))
    doubled = mark.join(part for part in parts for _ in range(2 if again(part) else 1))
    return rng.choice((doubled, body + body, body + mark + body))


def _flipped(rng: random.Random, body: bytes) -> bytes:
    bits = bytearray(body)
    for _ in range(rng.choice((1, 1, 2, 5, 40))):
        if bits:
            bits[rng.randrange(len(bits))] ^= 1 << rng.randrange(8)
    return bytes(bits)


def _oversized(rng: random.Random, body: bytes) -> bytes:
    quotes = [match.end() for match in re.finditer(rb'"', body[:20_000])] or [0]
    at, size = rng.choice(quotes), rng.choice((1000, 70_000, 300_000, 1_100_000, 3_000_000))
    filler = rng.choice((b"A", b"9", b"\\u0041", b"\xf0\x9f\xa6\x99", b"<think>", b"[1,2,", b'{"a":'))
    return body[:at] + filler * (size // len(filler)) + body[at:]


def _nested(rng: random.Random, body: bytes) -> bytes:
    depth = rng.choice((20, 300, 900, 960, 990, 1000, 1100, 5000, 200_000))
    opened, closed = rng.choice(((b"[", b"]"), (b'{"a":', b"}"), (b'{"error":', b"}"), (b'[{"a":', b"}]")))
    deep = opened * depth + rng.choice((b"1", b'"x"', b"null")) + closed * rng.choice((depth, depth, 0))
    values = [match.end() for match in re.finditer(rb'": ?', body[:20_000])]
    if not values or rng.random() < 0.1:
        return rng.choice((deep, _inserted(rng, body, deep)))
    at = rng.choice(values)
    end = re.compile(rb"[,}\]\n]").search(body, at)
    return body[:at] + deep + body[end.start() if end and rng.random() < 0.8 else at :]


def _invalid_utf8(rng: random.Random, body: bytes) -> bytes:
    bad = (b"\xff", b"\xfe\xff", b"\xed\xa0\x80", b"\xc3", b"\xf0\x9f", b"\x80", b"\x00", b"\xef\xbb\xbf", b"\x1b[2J")
    escaped = (b"\\ud800", b"\\udfff\\ud800", b"\\u0000", b"\\ud83d", b"\\u2028")
    for _ in range(rng.choice((1, 3, 20))):
        if rng.random() < 0.5:
            quotes = [match.end() for match in re.finditer(rb'": ?"', body[:50_000])] or [0]
            at = rng.choice(quotes)
            body = body[:at] + rng.choice((*escaped, *bad)) + body[at:]
        else:
            body = _inserted(rng, body, rng.choice(bad))
    return body


def _line_ends(rng: random.Random, body: bytes) -> bytes:
    plain = body.replace(b"\r\n", b"\n")
    ends = rng.choice(
        ((b"\r\n",), (b"\r",), (b"\n", b"\r\n", b"\r"), (b"\n\n",), (b"\x0b",), (b"\xe2\x80\xa8",), (b"",))
    )
    return b"".join(line + rng.choice(ends) for line in plain.split(b"\n"))


_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 3.5, "", " ", "x", "null", "12", [], {}, [None], [[]], [{}], [1, "a"], {"": None},
    {"text": 7}, {"content": []}, {"function": None}, {"error": None}, "NaN", "<think>", "data: [DONE]",
)  # fmt: skip
_NUMBERS = (
    "1e999", "-1e999", "NaN", "Infinity", "-Infinity", "9" * 400, "-" + "9" * 400, "9" * 5000, "1e308", "-1", "-0.0",
    str(2**63), str(2**64), str(-(2**63) - 1), "0.1", "1e-400", "12345678901234567890.5", "1E400", "-9e15",
)  # fmt: skip


def _documents(body: bytes) -> list[tuple[int, int]]:
    """The places of the JSON texts in `body`: the whole of it, or lines, events among them."""
    places, at = [], 0
    for line in body.split(b"\n"):
        text = line.strip().removeprefix(b"data:").strip()
        if text[:1] in (b"{", b"["):
            begin = at + line.index(text[:1])
            places.append((begin, begin + len(text)))
        at += len(line) + 1
    stripped = body.strip()
    whole = body.index(stripped) if stripped else 0
    return places if len(places) > 1 and stripped[:1] != b"[" else [(whole, whole + len(stripped))]


def _edited(rng: random.Random, body: bytes, change: Callable[[Any, Any], None]) -> bytes:
    """Change values inside the JSON of a body, `change` being given a container and a key."""
    for begin, end in sorted(rng.sample(places := _documents(body), min(len(places), rng.choice((1, 1, 3)))))[::-1]:
        try:
            value = json.loads(body[begin:end])
        except (ValueError, RecursionError):
            continue
        spots = list(_spots([value]))
        for container, key in rng.sample(spots, min(len(spots), rng.choice((1, 1, 2, 5)))):
            if isinstance(container, list) and key >= len(container):
                continue
            change(container, key)
        text = re.sub(r'"@(\S{1,6000}?)@"', r"\1", json.dumps(value, ensure_ascii=rng.random() < 0.5))
        body = body[:begin] + text.encode("utf-8", "replace") + body[end:]
    return body


def _spots(value: Any) -> Iterator[tuple[Any, Any]]:
    stack = [value]
    while stack:
        here = stack.pop()
        keys = here if isinstance(here, dict) else range(min(len(here), 50))
        for key in list(keys):
            yield here, key
            if isinstance(here[key], dict | list):
                stack.append(here[key])


def _wrong_types(rng: random.Random, body: bytes) -> bytes:
    def change(container: Any, key: Any) -> None:
        old = container[key]
        container[key] = rng.choice((*_VALUES, [old], {"x": old}, str(old)[:1000]))

    return _edited(rng, body, change)


def _missing(rng: random.Random, body: bytes) -> bytes:
    def change(container: Any, key: Any) -> None:
        if isinstance(container, dict):
            container.pop(key, None)
        else:
            del container[key]

    return _edited(rng, body, change)


def _huge_numbers(rng: random.Random, body: bytes) -> bytes:
    def change(container: Any, key: Any) -> None:
        container[key] = f"@{rng.choice(_NUMBERS)}@"

    if rng.random() < 0.5:
        numbers = list(re.finditer(rb"(?<=[:,\[ ])-?\d+(\.\d+)?(?=[,}\] ])", body[:100_000]))
        for match in sorted(rng.sample(numbers, min(len(numbers), 5)), key=lambda match: -match.start()):
            body = body[: match.start()] + rng.choice(_NUMBERS).encode() + body[match.end() :]
        return body
    return _edited(rng, body, change)


Change = Callable[[random.Random, bytes], bytes]
CHANGES: Mapping[str, Change] = {
    "cut": _cut,
    "duplicated": _duplicated,
    "reordered": _reordered,
    "doubled events": _doubled,
    "bit-flipped": _flipped,
    "oversized": _oversized,
    "nested": _nested,
    "wrong types": _wrong_types,
    "missing": _missing,
    "huge numbers": _huge_numbers,
    "invalid UTF-8": _invalid_utf8,
    "line ends": _line_ends,
}
"""Mutations of the bytes of a body."""

_WHITE = (b" " * _PIECE, b"\n" * _PIECE, b"\r\n" * (_PIECE // 2), b"\t \n" * (_PIECE // 3))
_NOISE = (b": wait\n\n" * 5000, b":\n" * 20_000, b"event: ping\n\n" * 5000, b"data:\n\n" * 8000, b": " + b"x" * _PIECE)


def _whitespace(rng: random.Random, specimen: Specimen) -> Mutant:
    if rng.random() < 0.5:
        return Mutant(_inserted(rng, specimen.body, rng.choice(_WHITE)), specimen.headers)
    return Mutant(rng.choice((b"", specimen.body[: _place(rng, specimen.body)])), specimen.headers, rng.choice(_WHITE))


def _comments(rng: random.Random, specimen: Specimen) -> Mutant:
    if rng.random() < 0.5:
        return Mutant(rng.choice(_NOISE) + b"\n\n" + specimen.body, specimen.headers)
    return Mutant(rng.choice((b"", specimen.body[: _place(rng, specimen.body)])), specimen.headers, rng.choice(_NOISE))


def _endless(rng: random.Random, specimen: Specimen) -> Mutant:
    """The same piece of a body for ever."""
    mark, parts = _parts(specimen.body)
    part = rng.choice(parts)[:_PIECE] + mark
    repeated = part * max(1, _PIECE // len(part))
    return Mutant(specimen.body[: _place(rng, specimen.body)], specimen.headers, repeated)


def _packed(rng: random.Random, specimen: Specimen) -> Mutant:
    """Packed, broken, packed too well, or not packed at all though it says so."""
    body = rng.choice((gzip.compress(specimen.body, 1), gzip.compress(b" " * (8 * MAX_BYTES), 1), specimen.body))
    body = rng.choice((body, _flipped(rng, body), _cut(rng, body), body + body))
    encoding = rng.choice(("gzip", "gzip", "deflate", "x-gzip", "br", "identity", "gzip, gzip", "\x00"))
    return Mutant(body, {**specimen.headers, "content-encoding": encoding})


def _headers(rng: random.Random, specimen: Specimen) -> Mutant:
    """Headers that say something else, or nothing that makes sense."""
    numbers = (
        *_NUMBERS,
        "",
        "-",
        "soon",
        "Thu, 32 Foo 2026",
        "2m59.56s",
        "9" * 30 + "s",
        "1;w=2",
        "\xff\xfe",
        "r=1;t=-1",
    )
    names = (
        "retry-after",
        "retry-after-ms",
        "content-length",
        "x-ratelimit-reset-requests",
        "x-ratelimit-remaining-tokens",
        "x-ratelimit-limit-requests",
        "ratelimit",
        "ratelimit-policy",
    )
    odd = {name: rng.choice(numbers) for name in rng.sample(names, rng.randrange(1, 5))}
    kinds = ("text/html", "application/json", "text/event-stream", "", "image/png", "application/x-ndjson")
    return Mutant(specimen.body, {**specimen.headers, **odd, "content-type": rng.choice(kinds)})


WHOLE: Mapping[str, Callable[[random.Random, Specimen], Mutant]] = {
    "whitespace": _whitespace,
    "comments": _comments,
    "endless": _endless,
    "packed": _packed,
    "headers": _headers,
}
"""Mutations of a whole reply."""

FOREIGN = "foreign body"
"""Another dialect's body, as it is: a base URL that points at the wrong service."""
KINDS = (*CHANGES, *WHOLE, FOREIGN)


# --- a case -----------------------------------------------------------------------------------------------------------


class _MemoryClients(Clients):
    """The pool of connections, without connections: every request gets the same reply."""

    def __init__(self, status: int, mutant: Mutant, seed: str) -> None:
        super().__init__()
        self.read_bytes = 0
        sending = self

        class Pieces(httpx.SyncByteStream, httpx.AsyncByteStream):
            def __iter__(self) -> Iterator[bytes]:
                for piece in mutant.pieces(random.Random(seed)):
                    sending.read_bytes += len(piece)
                    yield piece

            async def __aiter__(self) -> AsyncIterator[bytes]:
                for piece in self:
                    yield piece

        def answer(_: httpx.Request) -> httpx.Response:
            headers = [(name.encode(), value.encode("latin-1", "replace")) for name, value in mutant.headers.items()]
            return httpx.Response(status, headers=headers, stream=Pieces())

        self._transport = httpx.MockTransport(answer)
        self._client = httpx.Client(transport=self._transport)

    def sync(self, url: str) -> httpx.Client:  # noqa: ARG002 - every address is the same memory
        return self._client

    def for_running_loop(self, url: str) -> httpx.AsyncClient:  # noqa: ARG002 - the same
        return httpx.AsyncClient(transport=self._transport)


@cache
def _warm(folder: Path) -> None:
    """Load what each dialect loads on first need: modules are not a case's memory."""
    among = {(each.dialect, each.mode): each for each in specimens(folder) if each.status < 300}
    for specimen in among.values():
        for seed in range(4):  # on a thread and on a loop
            clients = _MemoryClients(specimen.status, Mutant(specimen.body, specimen.headers), "warm")
            with contextlib.suppress(ProviderError):
                _asked(specimen, clients, random.Random(seed))
            clients.close()


def run(folder: Path, seed: int, number: int, *, kind: str | None = None) -> Outcome:
    """Return what comes of one case; `kind` is drawn as well where it is not given."""
    _warm(folder)
    drawn_from = f"{seed}:{number}" if kind is None else f"{seed}:{kind}:{number}"
    rng = random.Random(drawn_from)
    specimen, kinds, mutant = _drawn(rng, specimens(folder), kind)
    clients = _MemoryClients(specimen.status, mutant, drawn_from)
    tracemalloc.start()
    before, began = tracemalloc.get_traced_memory()[0], time.perf_counter()
    result, broken, crash = "", "", None
    try:
        result, broken = _asked(specimen, clients, rng)
    except ProviderError as fault:
        result, broken = type(fault).__name__, _broken_fault(fault)
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is what is looked for
        result, crash = "crash", error
    seconds = time.perf_counter() - began
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    clients.close()
    return Outcome(
        number=number,
        kinds=kinds,
        specimen=specimen,
        result=result,
        broken=broken,
        crash=crash,
        seconds=seconds,
        peak_bytes=peak,
        read_bytes=clients.read_bytes,
    )


def _drawn(rng: random.Random, among: Sequence[Specimen], kind: str | None) -> tuple[Specimen, tuple[str, ...], Mutant]:
    """Return what is taken, which mutations it gets, and what comes of them."""
    kind = kind or rng.choice(KINDS)
    # Each dialect gets its share, though most recordings are of one; a third of the errors come as successes.
    dialect = rng.choice(sorted({each.dialect for each in among}))
    specimen = rng.choice([each for each in among if each.dialect == dialect])
    if specimen.status >= 400 and rng.random() < 0.3:
        specimen = replace(specimen, status=200)
    if kind == FOREIGN:
        other = rng.choice(among)
        specimen = replace(specimen, status=other.status, headers=other.headers, body=other.body)
        return specimen, (kind,), Mutant(other.body, other.headers)
    kinds = (kind,)
    if rng.random() < 0.25:
        first = rng.choice(tuple(CHANGES))
        specimen = replace(specimen, body=CHANGES[first](rng, specimen.body))
        kinds = (kind, first)
    if kind in WHOLE:
        return specimen, kinds, WHOLE[kind](rng, specimen)
    return specimen, kinds, Mutant(CHANGES[kind](rng, specimen.body), specimen.headers)


def _asked(specimen: Specimen, clients: Clients, rng: random.Random) -> tuple[str, str]:
    """Ask for what the specimen answers; return what came and which invariant it breaks."""
    row = Provider(
        id="mutant", name="Mutant", base_url=f"{ORIGIN}/v1", dialect=specimen.dialect, quirks=specimen.quirks
    )
    seconds = POLLED_SECONDS if specimen.dialect in {"replicate", "horde"} else SECONDS
    deadline = time.monotonic() + seconds
    messages = ({"role": "user", "content": "What is the capital of France?"},)
    tools = {"tools": (TOOL,)} if rng.random() < 0.5 else {}
    request = Request(messages=messages, **tools)
    call = Call(provider=row, model="a/b", request=request, key=SecretStr(KEY), deadline=deadline, max_bytes=MAX_BYTES)
    if specimen.mode == "list":
        ids = list_models(row, call.key, clients, deadline=deadline)
        return "ids", "" if all(isinstance(each, str) and each for each in ids) else f"ids: {ids!r:.200}"
    adapter = adapter_for(row, clients)
    wanted = EmbeddingRequest(texts=TEXTS[: rng.choice((1, 2))])
    if rng.random() < 0.3:
        return asyncio.run(_asked_on_a_loop(adapter, specimen.mode, call, wanted))
    if specimen.mode == "embed":
        return "vectors", _broken_vectors(adapter.embed(call, wanted))
    if specimen.mode == "send":
        return "answer", _broken_answer(adapter.send(call))
    with contextlib.closing(adapter.open(call)) as stream:
        return "chunks", _broken_chunks(list(stream), stream.raw)


async def _asked_on_a_loop(adapter: Adapter, mode: str, call: Call, wanted: EmbeddingRequest) -> tuple[str, str]:
    """The same by the asynchronous twins."""
    if mode == "embed":
        return "vectors", _broken_vectors(await adapter.aembed(call, wanted))
    if mode == "send":
        return "answer", _broken_answer(await adapter.asend(call))
    async with contextlib.aclosing(await adapter.aopen(call)) as stream:
        return "chunks", _broken_chunks([chunk async for chunk in stream], stream.raw)


# --- invariants -------------------------------------------------------------------------------------------------------


def _broken_fault(fault: ProviderError) -> str:
    told = str(fault)
    checks = {
        "a fault without words": not told,
        "a fault's message holds the key": KEY in told,
        "a fault's message is long": len(told) > 1000,
        "a fault's message cannot be written": not _is_writable(told),
        "a fault's wait is no time": fault.retry_after is not None and not 0 <= fault.retry_after <= 32 * 86_400,
        "a fault's status is none": fault.status_code is not None and type(fault.status_code) is not int,
    }
    return next((f"{what}: {told[:120]!r} {fault.retry_after}" for what, is_so in checks.items() if is_so), "")


def _broken_answer(answer: Answer) -> str:
    calls = answer.tool_calls
    checks = {
        "neither text nor a tool call": not answer.text.strip() and not calls,
        "a tool call without an id": any(not call.id or not isinstance(call.id, str) for call in calls),
        "a tool call without a name": any(not call.name or not isinstance(call.name, str) for call in calls),
        "arguments that are no text": any(not isinstance(call.arguments, str) for call in calls),
        "two tool calls under one id": len({each.id for each in calls}) < len(calls),
        "no finish reason": not isinstance(answer.finish_reason, str) or not answer.finish_reason,
        "too much kept": len(answer.raw) > 1024 * 1024,
        "what is no JSON beside it": not _is_json({"extra": dict(answer.extra), "echo": dict(answer.echo)}),
        "a limit that is no number": any(not _is_limit(limit) for limit in answer.limits),
        "text that cannot be written": not _is_writable(
            answer.text, answer.reasoning, answer.model, answer.id, *(call.arguments + call.name for call in calls)
        ),
    }
    return _broken_usage(answer.usage) or next((what for what, is_so in checks.items() if is_so), "")


def _broken_chunks(chunks: Sequence[Chunk], raw: bytes) -> str:
    if not chunks or chunks[-1].usage is None:
        return "a stream without usage at its end"
    deltas = [delta for chunk in chunks for delta in chunk.tool_calls]
    first: dict[int, Any] = {}
    for delta in deltas:
        first.setdefault(delta.index, delta)
    text = "".join(chunk.text for chunk in chunks)
    checks = {
        "neither text nor a tool call": not text.strip() and not deltas,
        "a tool call without an id": any(not delta.id for delta in first.values()),
        "a tool call without a name": any(not delta.name for delta in first.values()),
        "tool calls out of order": list(first) != list(range(len(first))),
        "two tool calls under one id": len({delta.id for delta in first.values()}) < len(first),
        "a finish reason before the end": any(chunk.finish_reason for chunk in chunks[:-1]),
        "no finish reason": not chunks[-1].finish_reason,
        "too much kept": len(raw) > 1024 * 1024,
        "what is no JSON beside it": not _is_json(dict(chunks[-1].echo)),
        "text that cannot be written": not _is_writable(
            text, *(chunk.reasoning for chunk in chunks), *(delta.arguments for delta in deltas)
        ),
    }
    return _broken_usage(chunks[-1].usage) or next((what for what, is_so in checks.items() if is_so), "")


def _broken_vectors(found: Vectors) -> str:
    checks = {
        "vectors of different lengths": len({len(vector) for vector in found.vectors}) != 1 or not found.vectors[0],
        "numbers that are none": not all(type(x) is float and math.isfinite(x) for v in found.vectors for x in v),
    }
    return _broken_usage(found.usage) or next((what for what, is_so in checks.items() if is_so), "")


def _broken_usage(usage: Usage) -> str:
    counts = (usage.input_tokens, usage.output_tokens, usage.total_tokens)
    told = [count for count in (*counts, usage.reasoning_tokens, usage.cache_read_tokens) if count is not None]
    if not all(type(count) is int for count in told):
        return f"usage: no whole number among {told!r:.100}"
    if min(told) < 0:
        return "usage: less than no tokens"
    if max(told) >= 2**63:
        return "usage: more tokens than a database counts"
    if usage.cost is not None and not (math.isfinite(usage.cost) and usage.cost >= 0):
        return "usage: a cost below nothing, or none"
    return ""


def _is_limit(limit: Any) -> bool:
    numbers = (limit.window_s, limit.limit, limit.remaining, limit.reset_at)
    return all(number is None or (math.isfinite(number) and abs(number) < 2**63) for number in numbers)


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _is_writable(*texts: str) -> bool:
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        return False
    return True
