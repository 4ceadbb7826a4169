"""Replies that went wrong on their way, by the thousand: typed failures or sound answers, in bounded memory and time.

The genuine recordings of every provider are mutated and go through every dialect. Here is a seeded share of the cases;
all 20,000 and their table come from `tests/benchmarks/mutations.py`.
"""

import asyncio
import contextlib
import json
import math
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from openmux_lc.errors import ProviderError, ServerError
from openmux_lc.http import Clients
from openmux_lc.providers.registry import DIALECTS, adapter_for
from openmux_lc.types.catalog import Route
from openmux_lc.types.run import Answer, Chunk, EmbeddingRequest, ToolCall, ToolCallDelta, Usage, Vectors
from openmux_lc.types.state import LimitObservation
from openmux_lc.types.wire import Call
from tests.patience import LATE_S
from tests.providers import mutating
from tests.providers.calls import call, provider
from tests.providers.raw_host import raw_host

SEED = 20261121
CASES_PER_KIND = 12
ROUTE = Route("mutant", "a/b")
SECONDS = 0.6


@pytest.mark.no_cover  # memory is traced already, and both at once take minutes
@pytest.mark.parametrize("kind", mutating.KINDS)
def test_a_mutated_reply_is_a_typed_fault_or_a_sound_answer(kind: str, shared: Path) -> None:
    """Nothing else leaves a reader (S1-07, S1-08); `--seed`, `--kind` and `--only` of the program show one case."""
    numbers = range(CASES_PER_KIND)
    outcomes = [mutating.run(shared / "recordings", SEED, number, kind=kind) for number in numbers]

    complaints = [f"case {each.number}, {each.specimen.name}: {each.complaint}" for each in outcomes if each.complaint]
    assert [] == complaints


def test_every_dialect_and_every_way_of_asking_is_among_the_cases(shared: Path) -> None:
    among = mutating.specimens(shared / "recordings")

    assert set(DIALECTS) == {each.dialect for each in among}
    assert {"send", "open", "embed", "list"} == {each.mode for each in among}
    assert 1400 < len(among)
    assert 200 < sum(each.status >= 400 for each in among)


def test_a_case_can_be_had_again(shared: Path) -> None:
    """A number is all that a report of a crash has to tell."""
    first, second = ([mutating.run(shared / "recordings", SEED, n) for n in range(8)] for _ in range(2))

    assert [(each.specimen, each.kinds, each.result) for each in first] == [
        (each.specimen, each.kinds, each.result) for each in second
    ]


SOUND = Answer(route=ROUTE, text="Paris.", usage=Usage(input_tokens=1, output_tokens=1, total_tokens=2))
LAST = Chunk(text="Paris.", finish_reason="stop", usage=SOUND.usage)


@pytest.mark.parametrize(
    "fields",
    [
        {"text": " "},
        {"tool_calls": (ToolCall(id="", name="add", arguments="{}"),)},
        {"tool_calls": (ToolCall(id="1", name="", arguments="{}"),)},
        {"finish_reason": ""},
        {"raw": b"x" * (1024 * 1024 + 1)},
        {"extra": {"cost": math.nan}},
        {"limits": (LimitObservation(unit="tokens", reset_at=math.inf),)},
        {"text": "\ud800"},
        {"usage": Usage(input_tokens=-1)},
        {"usage": Usage(input_tokens=2**63)},
        {"usage": Usage(cost=math.nan)},
    ],
)
def test_the_invariants_of_an_answer_can_break(fields: dict[str, Any]) -> None:
    """What finds nothing must be able to find something."""
    assert "" == mutating._broken_answer(SOUND)
    assert mutating._broken_answer(replace(SOUND, **fields))


@pytest.mark.parametrize(
    "chunks",
    [
        [],
        [Chunk(text="Paris.")],
        [replace(LAST, text="")],
        [replace(LAST, finish_reason=None)],
        [LAST, LAST],
        [Chunk(tool_calls=(ToolCallDelta(index=0, id="1"),)), LAST],
        [Chunk(tool_calls=(ToolCallDelta(index=0, name="add"),)), LAST],
        [Chunk(tool_calls=(ToolCallDelta(index=1, id="1", name="add"),)), LAST],
        [replace(LAST, text="\udfff")],
    ],
)
def test_the_invariants_of_a_stream_can_break(chunks: Sequence[Chunk]) -> None:
    """The same for what comes in pieces."""
    assert "" == mutating._broken_chunks([LAST], b"")
    assert mutating._broken_chunks(chunks, b"")


def test_the_invariants_of_vectors_and_faults_can_break() -> None:
    """The same for the rest."""
    assert "" == mutating._broken_vectors(Vectors(route=ROUTE, vectors=((1.0, 2.0), (3.0, 4.0))))
    assert mutating._broken_vectors(Vectors(route=ROUTE, vectors=((1.0,), (1.0, 2.0))))
    assert mutating._broken_vectors(Vectors(route=ROUTE, vectors=((math.inf,),)))
    assert "" == mutating._broken_fault(ServerError("failed", retry_after=3.0))
    assert mutating._broken_fault(ServerError(f"failed with {mutating.KEY}"))
    assert mutating._broken_fault(ServerError("failed", retry_after=-1.0))


# --- over sockets: no read outlasts its deadline ----------------------------------------------------------------------

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nTransfer-Encoding: chunked\r\n\r\n"
JSON_HEAD, SSE_HEAD = HEAD % b"application/json", HEAD % b"text/event-stream"
ANSWER = json.dumps({"choices": [{"message": {"content": "Paris."}, "finish_reason": "stop"}]}).encode()


def framed(*pieces: bytes) -> list[bytes]:
    """Pieces of a body as HTTP sends them."""
    return [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces]


SLOW = {
    "silent": ([b""], 0.0),
    "dripping headers": ([b"HTTP/1.1 200 OK\r\n", *[b"X-Drip: 1\r\n"] * 1000], 0.05),
    "dripping whitespace": ([JSON_HEAD, *framed(b" ") * 1000], 0.05),
    "dripping comments": ([SSE_HEAD, *framed(b": hi\n\n") * 1000], 0.05),
    "a body byte by byte": ([JSON_HEAD, *framed(*(ANSWER[at : at + 1] for at in range(len(ANSWER))))], 0.05),
    "no end": ([JSON_HEAD, *framed(ANSWER[:-1])], 0.0),
    "an error that drips": ([JSON_HEAD.replace(b"200 OK", b"500 No"), *framed(b"{") * 1000], 0.05),
}
FLOODS = {
    "whitespace": [JSON_HEAD, *framed(b" " * 65_536) * 5000],
    "comments": [SSE_HEAD, *framed(b": hi\n\n" * 8000) * 5000],
    "nesting": [JSON_HEAD, *framed(b"[" * 65_536) * 5000],
}


@contextlib.contextmanager
def bounded(what: str, late: list[str]) -> Iterator[None]:
    """Note what is no typed failure, or comes after the deadline."""
    began = time.monotonic()
    try:
        yield
        late.append(f"{what}: an answer")
    except ProviderError:
        pass
    spent = time.monotonic() - began
    if spent > SECONDS + LATE_S:
        late.append(f"{what}: {spent:.2f} s")


def asked(dialect: str, base_url: str, *, max_bytes: int = mutating.MAX_BYTES) -> Call:
    return call(provider(base_url, dialect=dialect), model="a/b", seconds=SECONDS, max_bytes=max_bytes)


def wait(dialect: str, base_url: str, way: str, clients: Clients, late: list[str]) -> None:
    """Ask on this thread."""
    made = asked(dialect, base_url)
    with bounded(f"{dialect} {way}", late):
        adapter = adapter_for(made.provider, clients)
        if way == "embed":
            adapter.embed(made, EmbeddingRequest(texts=("one",)))
        elif way == "send":
            adapter.send(made)
        else:
            with contextlib.closing(adapter.open(made)) as stream:
                list(stream)


async def await_it(dialect: str, base_url: str, way: str, clients: Clients, late: list[str]) -> None:
    """Ask on the running loop."""
    made = asked(dialect, base_url)
    with bounded(f"{dialect} a{way}", late):
        adapter = adapter_for(made.provider, clients)
        if way == "embed":
            await adapter.aembed(made, EmbeddingRequest(texts=("one",)))
        elif way == "send":
            await adapter.asend(made)
        else:
            async with contextlib.aclosing(await adapter.aopen(made)) as stream:
                async for _ in stream:
                    pass


WAYS = [(dialect, way) for dialect in DIALECTS for way in ("send", "open", "embed")]


@pytest.mark.parametrize("shape", SLOW)
async def test_no_read_outlasts_its_deadline(shape: str) -> None:
    """Every dialect, each way of asking, on threads and on a loop, all at once."""
    pieces, pause_s = SLOW[shape]
    late: list[str] = []
    for dialect in DIALECTS:
        adapter_for(provider(dialect=dialect), Clients())  # loads its module: that is no waiting for the host
    with raw_host(pieces, pause_s=pause_s, holds=True) as host, ThreadPoolExecutor(len(WAYS)) as pool:
        clients = Clients()
        threads = [pool.submit(wait, dialect, host.base_url, way, clients, late) for dialect, way in WAYS]
        await asyncio.gather(
            *map(asyncio.wrap_future, threads),
            *(await_it(dialect, host.base_url, way, clients, late) for dialect, way in WAYS),
        )
        await clients.aclose()

    assert [] == late


@pytest.mark.parametrize("flood", FLOODS)
@pytest.mark.parametrize("dialect", ["openai", "ollama"])
def test_a_flood_meets_the_deadline_or_the_bound(dialect: str, flood: str) -> None:
    """A host that sends as fast as it can ends with whichever of both comes first."""
    late: list[str] = []
    with raw_host(FLOODS[flood], holds=True) as host:
        clients = Clients()
        for way in ("send", "open"):
            wait(dialect, host.base_url, way, clients, late)
        clients.close()

    assert [] == late
