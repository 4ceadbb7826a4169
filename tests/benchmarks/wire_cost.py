"""Prints what writing a request and reading its answer costs, beside the `openai` package.

    python tests/benchmarks/wire_cost.py [--rounds 9] [--turn-s 0.2] [--json FILE]

Both sides run whole, from a message to an answer, but for the network: a transport in
memory answers with the same bytes at once. `bare` is the HTTP library of each side with
that transport and nothing else: the difference is encoding and decoding. Contenders take
turns; a figure is the median over the rounds of a turn's mean, in microseconds of
processor time, per call or per streamed chunk. A stream comes one event at a time.

`openai` asks for vectors in base64 unless told otherwise, ours in plain numbers: both are
measured with either form, whatever they would ask for, and with what they do by default.
"""

import base64
import json
import math
import struct
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import httpx
import httpx2
import openai
from harness import options, table, verdict, write_json
from pydantic import SecretStr

from openmux_lc.http import Clients
from openmux_lc.providers.openai import OpenAIDialect
from openmux_lc.providers.wire import WireAdapter
from openmux_lc.types.catalog import Provider
from openmux_lc.types.run import EmbeddingRequest, Request
from openmux_lc.types.wire import Call

BASE_URL = "http://memory.invalid/v1"
ROW = Provider(id="memory", name="Memory", base_url=BASE_URL)
KEY = "sk-0123456789"
MODEL = "tiny-8b"
CHUNKS = 1000
TEXTS, DIMENSIONS = 100, 1024
WORDS = "The quick brown fox jumps over the lazy dog and thinks about it for a while. "
USAGE = {"prompt_tokens": 12, "completion_tokens": 34, "total_tokens": 46}
HEAD = {"id": "chatcmpl-1", "created": 1_700_000_000, "model": MODEL}
JSON = {"content-type": "application/json"}
SSE = {"content-type": "text/event-stream"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is asked and what comes back, as bytes; `per` divides the time of a call.

    Args:
        other: The answer that `openai` gets, where it asks for another form of it.
    """

    name: str
    fields: Mapping[str, object]
    body: bytes | Sequence[bytes]
    per: int = 1
    other: bytes | None = None

    @property
    def is_stream(self) -> bool:
        """Whether the answer comes in events."""
        return not isinstance(self.body, bytes)


Contender = Callable[[Case], Callable[[], object]]
"""Makes the call that is measured."""


def cases() -> Iterator[Case]:
    """Yield short and long prompts, tools, streams and embeddings."""
    short = ({"role": "user", "content": "What is the capital of France?"},)
    talk = tuple({"role": ("user", "assistant")[turn % 2], "content": WORDS * 13} for turn in range(101))
    tools = tuple(_tool(number) for number in range(10))
    calls = [_call(number, '{"city": "Paris", "unit": "celsius"}') for number in range(2)]
    yield Case(name="short prompt", fields={"messages": short}, body=_answer({"content": WORDS}))
    yield Case(name="100 turns, 100 kB", fields={"messages": talk}, body=_answer({"content": WORDS * 100}))
    asked = {"messages": short, "tools": tools, "tool_choice": "auto"}
    yield Case(name="10 tools, 2 calls", fields=asked, body=_answer({"content": None, "tool_calls": calls}))
    words = [{"content": f" word{number}"} for number in range(CHUNKS)]
    yield Case(name="stream of 1000 chunks, a chunk", fields={"messages": short}, body=_events(words), per=CHUNKS)
    pieces = [{"tool_calls": [{**_call(0, ""), "index": 0}]}]
    pieces += [{"tool_calls": [{"index": 0, "function": {"arguments": '"x",'}}]} for _ in range(CHUNKS)]
    yield Case(name="streamed tool call, a chunk", fields=asked, body=_events(pieces), per=CHUNKS)
    texts = tuple(f"{WORDS}{number}" for number in range(TEXTS))
    plain, packed = _vectors(is_packed=False), _vectors(is_packed=True)
    yield Case(name="embeddings 100 x 1024, numbers", fields={"texts": texts}, body=plain)
    yield Case(name="the same, both in base64", fields={"texts": texts}, body=packed, other=packed)
    yield Case(name="the same, each by default", fields={"texts": texts}, body=plain, other=packed)


def _tool(number: int) -> dict[str, object]:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string", "description": WORDS}, "unit": {"enum": ["celsius", "kelvin"]}},
        "required": ["city"],
    }
    return {"type": "function", "function": {"name": f"weather_{number}", "description": WORDS, "parameters": schema}}


def _call(number: int, arguments: str) -> dict[str, object]:
    function = {"name": f"weather_{number}", "arguments": arguments}
    return {"id": f"call_{number}", "type": "function", "function": function}


def _answer(message: Mapping[str, object]) -> bytes:
    reason = "tool_calls" if message.get("tool_calls") else "stop"
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": reason}
    return json.dumps({**HEAD, "object": "chat.completion", "choices": [choice], "usage": USAGE}).encode()


def _events(deltas: Sequence[Mapping[str, object]]) -> list[bytes]:
    reason = "tool_calls" if "tool_calls" in deltas[0] else "stop"
    choices = [[{"index": 0, "delta": delta, "finish_reason": None}] for delta in deltas]
    choices.append([{"index": 0, "delta": {}, "finish_reason": reason}])
    bodies = [{**HEAD, "object": "chat.completion.chunk", "choices": choice} for choice in choices]
    bodies.append({**HEAD, "object": "chat.completion.chunk", "choices": [], "usage": USAGE})
    return [*(b"data: %b\n\n" % json.dumps(body).encode() for body in bodies), b"data: [DONE]\n\n"]


def _vectors(*, is_packed: bool) -> bytes:
    def vector(number: int) -> object:
        values = [math.sin(number + place) for place in range(DIMENSIONS)]
        return base64.b64encode(struct.pack(f"<{DIMENSIONS}f", *values)).decode() if is_packed else values

    rows = [{"object": "embedding", "index": number, "embedding": vector(number)} for number in range(TEXTS)]
    return json.dumps({"object": "list", "data": rows, "model": MODEL, "usage": USAGE}).encode()


def memory(library: object, body: bytes | Sequence[bytes]) -> object:
    """Return a client of httpx, or of its successor, that gets `body` at once."""

    class Pieces(library.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            return iter((body,) if isinstance(body, bytes) else body)

    headers = JSON if isinstance(body, bytes) else SSE
    answer = library.MockTransport(lambda _: library.Response(200, headers=headers, stream=Pieces()))
    return library.Client(transport=answer)


class _MemoryClients(Clients):
    """The pool of connections, without connections."""

    def __init__(self, client: httpx.Client) -> None:
        super().__init__()
        self._client = client

    def sync(self, url: str) -> httpx.Client:  # noqa: ARG002 - every address is the same memory
        return self._client


def ours(case: Case) -> Callable[[], object]:
    """An adapter on the shared wire."""
    adapter = WireAdapter(OpenAIDialect(), _MemoryClients(memory(httpx, case.body)))
    key = SecretStr(KEY)

    def made(request: Request) -> Call:
        return Call(provider=ROW, model=MODEL, request=request, key=key, deadline=time.monotonic() + 60)

    def stream() -> None:
        opened = adapter.open(made(Request(**case.fields)))
        for _ in opened:
            pass
        opened.close()

    if "texts" in case.fields:
        return lambda: adapter.embed(made(Request(messages=())), EmbeddingRequest(**case.fields))
    return stream if case.is_stream else lambda: adapter.send(made(Request(**case.fields)))


def theirs(case: Case) -> Callable[[], object]:
    """The `openai` package, on the HTTP library that it brings."""
    body = case.body if case.other is None else case.other
    client = openai.OpenAI(api_key=KEY, base_url=BASE_URL, http_client=memory(httpx2, body), max_retries=0)
    fields = {name: list(value) if isinstance(value, tuple) else value for name, value in case.fields.items()}

    def stream() -> None:
        told = {"stream": True, "stream_options": {"include_usage": True}}
        for _ in client.chat.completions.create(model=MODEL, **fields, **told):
            pass

    if "texts" in fields:
        form = {} if case.other is not None else {"encoding_format": "float"}
        return lambda: client.embeddings.create(model=MODEL, input=fields["texts"], **form)
    return stream if case.is_stream else lambda: client.chat.completions.create(model=MODEL, **fields)


def bare(library: object, *, is_theirs: bool = False) -> Contender:
    """The HTTP library alone: the same transport, the bytes read and dropped."""

    def make(case: Case) -> Callable[[], object]:
        client = memory(library, case.other if is_theirs and case.other is not None else case.body)

        def call() -> None:
            request = library.Request("POST", f"{BASE_URL}/chat/completions", content=b"{}", headers=JSON)
            response = client.send(request, stream=True)
            for _ in response.iter_raw():
                pass
            response.close()

        return call

    return make


CONTENDERS: Mapping[str, Contender] = {
    "ours": ours,
    "openai": theirs,
    "bare httpx": bare(httpx),
    "bare httpx2": bare(httpx2, is_theirs=True),
}


def turn_us(call: Callable[[], object], turn_s: float) -> float:
    """Microseconds of processor time of one call, over a turn of at least that many seconds."""
    calls, began = 0, time.process_time()
    while True:
        call()
        calls += 1
        spent = time.process_time() - began
        if spent >= turn_s:
            return 1e6 * spent / calls


def measured(case: Case, rounds: int, turn_s: float) -> dict[str, list[float]]:
    """Return every contender's turns; the first, which warms up, is dropped."""
    calls = {name: make(case) for name, make in CONTENDERS.items()}
    found: dict[str, list[float]] = {name: [] for name in calls}
    names = list(calls)
    for number in range(rounds + 1):
        for name in (*names[number % len(names) :], *names[: number % len(names)]):
            found[name].append(turn_us(calls[name], turn_s) / case.per)
    return {name: each[1:] for name, each in found.items()}


def main() -> None:
    """Measure every case and print the table."""
    parser = options(__doc__ or "", rounds=9)
    parser.add_argument("--turn-s", type=float, default=0.2, help="processor seconds of a turn (default 0.2)")
    wanted = parser.parse_args()
    rows, figures, whole = [], {}, {}
    for case in cases():
        found = measured(case, wanted.rounds, wanted.turn_s)
        p50 = {name: median(each) for name, each in found.items()}
        whole[case.name] = [mine / other for mine, other in zip(found["ours"], found["openai"], strict=True)]
        own = p50["ours"] - p50["bare httpx"], p50["openai"] - p50["bare httpx2"]
        rows.append([case.name, p50["ours"], p50["openai"], median(whole[case.name]), *own, own[0] / own[1]])
        figures[case.name] = {**p50, "ratio": median(whole[case.name]), "codec": own, "codec_ratio": own[0] / own[1]}
    columns = ["", "ours us", "openai us", "ratio", "ours, codec", "openai, codec", "ratio"]
    table("a call without its network, and the same less the bare HTTP library", columns, rows)
    print(f"\nopenai {openai.__version__}, httpx {httpx.__version__}, httpx2 {httpx2.__version__}")
    verdicts = [verdict(f"{name}: times the openai package", found, 1.0) for name, found in whole.items()]
    write_json(wanted.json, {"rounds": wanted.rounds, "cases": figures, "verdicts": verdicts})


if __name__ == "__main__":
    main()
