"""Every exchange through the package's own adapters over loopback, twice: synchronously and asynchronously."""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import aclosing, closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zlib import crc32

from pydantic import SecretStr

from openmux_lc.engine.assembly import Assembly
from openmux_lc.errors import BadPayload, InvalidRequest, OpenMuxError
from openmux_lc.http import Clients
from openmux_lc.providers.exchange import Ask
from openmux_lc.providers.openai import OpenAIDialect
from openmux_lc.providers.registry import adapter_for, list_models
from openmux_lc.providers.wire import WireAdapter
from openmux_lc.types.run import Answer, EmbeddingRequest
from openmux_lc.types.wire import Call
from tests.providers.replay import asking, serving
from tests.providers.replay.clock import recorded_time, turn_to
from tests.providers.replay.host import Slot, slots
from tests.providers.replay.judge import Got, judge, short, vectors_in
from tests.providers.replay.recording import Recording
from tests.providers.replay.scope import Case, case_of, row_of
from tests.providers.replay.sent import compare

Labels = Mapping[str, Mapping[str, Any] | None]

KEY = "sk-replay-0123456789abcdef"
LABELS = Path(__file__).parents[1] / "fault_labels.json"

_DEADLINE_S = 20.0
_AT_ONCE = 4


@dataclass(frozen=True)
class Outcome:
    """What came of one exchange.

    Args:
        verdict: `right`, `wrong` or `out`.
        why: Why it is wrong or out of scope.
        sent: How the request differs from the recorded one; None where they were not compared.
        fault: The class of the error that a recorded success is on purpose, `""` where it is an answer.
    """

    name: str
    provider: str
    kind: str
    verdict: str
    why: str = ""
    sent: tuple[str, ...] | None = None
    fault: str = ""


@dataclass(frozen=True)
class _Turn:
    """One exchange about to be replayed: the call and what it asks."""

    case: Case
    call: Call
    embedding: EmbeddingRequest
    slot: Slot

    @classmethod
    def of(cls, case: Case, slot: Slot, seed: int, tamper: serving.Tamper) -> "_Turn":
        recording = case.recording
        turn_to(recording)
        slot.load(serving.answering(case, slot.origin, tamper), seed)
        count = 1
        if case.mode == "embed" and not case.is_failure:
            with suppress(LookupError, TypeError, ValueError):
                count = len(vectors_in(recording.text))
        call = Call(
            provider=row_of(case, slot.origin),
            model=recording.model,
            request=asking.request_of(recording, case.protocol),
            key=SecretStr(KEY),
            deadline=time.monotonic() + _DEADLINE_S,
        )
        return cls(case, call, asking.embedding_request_of(recording, count), slot)

    @property
    def has_host_tools(self) -> bool:
        """Whether a tool is asked for that the host would run, and bill."""
        return self.case.mode == "chat" and not all(tool.get("function") for tool in self.call.request.tools)

    def without_host_tools(self) -> "_Turn":
        request = self.call.request
        kept = tuple(tool for tool in request.tools if tool.get("function"))
        choice = request.tool_choice if kept else None
        return replace(self, call=replace(self.call, request=replace(request, tools=kept, tool_choice=choice)))

    def is_refused(self, got: Got) -> bool:
        """Whether the package would not even send this: what the host said must be read all the same."""
        return isinstance(got, InvalidRequest) and not self.slot.requests

    def plainer(self) -> "_Turn":
        """Return a turn that gets the recorded answer for a question that nobody refuses."""
        if self.case.is_failure:
            return replace(self, case=replace(self.case, mode="wire"))
        messages = ({"role": "user", "content": "What was recorded?"},)
        return replace(self, call=replace(self.call, request=replace(self.call.request, messages=messages)))

    def plain_ask(self) -> Ask:
        """Return the bare request for a page that no dialect asks for."""
        recording = self.case.recording
        return Ask(method=recording.method, url=f"{self.slot.origin}{recording.path}", headers={})


@dataclass(frozen=True)
class _Run:
    """What all turns of one replay share."""

    clients: Clients
    labels: Labels
    tamper: serving.Tamper
    seed: int

    def turn(self, case: Case, slot: Slot) -> "_Turn":
        """Return a case's turn; where the host cuts depends on the seed and the name."""
        return _Turn.of(case, slot, crc32(f"{self.seed} {case.recording.name}".encode()), self.tamper)

    def judged(self, turn: "_Turn", got: Got, refused: str) -> Outcome:
        """Return what came of a turn; a shape that the judge itself cannot read is malformed."""
        try:
            return _judged(turn, got, refused, self.labels)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            name, provider, kind = turn.case.recording.name, turn.case.recording.provider, _kind(turn.case)
            if isinstance(got, BadPayload):
                return Outcome(name, provider, kind, "right", fault="BadPayload")
            return Outcome(name, provider, kind, "wrong", f"the second reading fails: {error!r}; {short(got)}")


def replay(
    recordings: Iterable[Recording], labels: Labels, *, tamper: serving.Tamper = serving.untouched, seed: int = 0
) -> list[Outcome]:
    """Return what came of each exchange, in their order.

    Args:
        recordings: The exchanges.
        labels: What a person wrote about faults, by file name.
        tamper: Changes what the host answers, and not what the judge reads.
        seed: Decides where the answers are cut.
    """
    cases = [case_of(recording) for recording in recordings]
    asked = [case for case in cases if not case.out]
    with slots(_AT_ONCE) as hosts, recorded_time():
        with closing(Clients()) as clients:
            run = _Run(clients, labels, tamper, 2 * seed)
            first = {case.recording.name: _sync(run, case, hosts[0]) for case in asked}
        second = dict(asyncio.run(_all_async(asked, hosts, replace(run, seed=2 * seed + 1))))
    return [_outcome(case, first, second) for case in cases]


def _outcome(case: Case, first: Mapping[str, Outcome], second: Mapping[str, Outcome]) -> Outcome:
    name = case.recording.name
    if case.out:
        return Outcome(name, case.recording.provider, _kind(case), "out", case.out)
    is_async_only = first[name].verdict == "right" and second[name].verdict == "wrong"
    return replace(second[name], why=f"(asynchronously only) {second[name].why}") if is_async_only else first[name]


def _kind(case: Case) -> str:
    return f"{case.recording.kind}{'-sse' if case.recording.has_stream_body else ''}"


def _sync(run: _Run, case: Case, slot: Slot) -> Outcome:
    turn = run.turn(case, slot)
    refused = ""
    if turn.has_host_tools:
        refused = _judge_refusal(turn, _ask(turn, run.clients))
        turn = turn.without_host_tools()
    got = _ask(turn, run.clients)
    if turn.is_refused(got):
        turn = turn.plainer()
        got = _ask(turn, run.clients)
    return run.judged(turn, got, refused)


def _ask(turn: _Turn, clients: Clients) -> Got:
    try:
        if turn.case.mode == "wire":
            WireAdapter(OpenAIDialect(), clients).fetch(turn.call, turn.plain_ask())
            return ("(read)",)
        if turn.case.mode == "models":
            return list_models(turn.call.provider, turn.call.key, clients, deadline=turn.call.deadline)
        adapter = adapter_for(turn.call.provider, clients)
        if turn.case.mode == "embed":
            return adapter.embed(turn.call, turn.embedding)
        if not turn.case.recording.asks_for_stream:
            return adapter.send(turn.call)
        assembly = Assembly(turn.call.route)
        with closing(adapter.open(turn.call)) as stream:
            for chunk in stream:
                assembly.add(chunk)
        return assembly.answer(raw=stream.raw, limits=stream.limits)
    except Exception as error:  # noqa: BLE001 - whatever is raised is judged
        return error


async def _all_async(cases: Sequence[Case], hosts: Sequence[Slot], run: _Run) -> list[tuple[str, Outcome]]:
    clients = Clients()
    run = replace(run, clients=clients)
    left = iter(cases)

    async def work(slot: Slot) -> list[tuple[str, Outcome]]:
        return [(case.recording.name, await _async(run, case, slot)) for case in left]

    async with aclosing(clients):
        found = await asyncio.gather(*map(work, hosts))
    return [pair for pairs in found for pair in pairs]


async def _async(run: _Run, case: Case, slot: Slot) -> Outcome:
    turn = run.turn(case, slot)
    refused = ""
    if turn.has_host_tools:
        refused = _judge_refusal(turn, await _aask(turn, run.clients))
        turn = turn.without_host_tools()
    got = await _aask(turn, run.clients)
    if turn.is_refused(got):
        turn = turn.plainer()
        got = await _aask(turn, run.clients)
    return run.judged(turn, got, refused)


async def _aask(turn: _Turn, clients: Clients) -> Got:
    try:
        if turn.case.mode == "wire":
            await WireAdapter(OpenAIDialect(), clients).afetch(turn.call, turn.plain_ask())
            return ("(read)",)
        if turn.case.mode == "models":
            # There is one function only, and it is synchronous.
            return await asyncio.to_thread(
                list_models, turn.call.provider, turn.call.key, clients, deadline=turn.call.deadline
            )
        adapter = adapter_for(turn.call.provider, clients)
        if turn.case.mode == "embed":
            return await adapter.aembed(turn.call, turn.embedding)
        if not turn.case.recording.asks_for_stream:
            return await adapter.asend(turn.call)
        assembly = Assembly(turn.call.route)
        async with aclosing(await adapter.aopen(turn.call)) as stream:
            async for chunk in stream:
                assembly.add(chunk)
        return assembly.answer(raw=stream.raw, limits=stream.limits)
    except Exception as error:  # noqa: BLE001 - whatever is raised is judged
        return error


def _judge_refusal(turn: _Turn, got: Got) -> str:
    """Judge what became of a request for a tool that the host would bill."""
    if turn.slot.requests:
        return "a tool that the host bills was sent"
    return "" if isinstance(got, InvalidRequest) else f"a tool that the host bills gave {short(got)}"


def _judged(turn: _Turn, got: Got, refused: str, labels: Labels) -> Outcome:
    case, recording = turn.case, turn.case.recording
    why = refused
    if not why and isinstance(got, Exception) and not isinstance(got, OpenMuxError):
        why = f"an exception that is none of ours: {short(got)}"
    if not why:
        body = serving.last_body(case)
        why = judge(case, got, request=turn.call.request, body=body, label=labels.get(recording.name))
    if not why and isinstance(got, Answer) and case.protocol not in {"prediction", "generation"}:
        why = "" if recording.body[:1000] == got.raw[:1000] else "raw bytes that are not the host's"
    sent = compare(turn.case, turn.call, turn.slot.requests) if case.mode == "chat" and recording.status < 300 else None
    return Outcome(
        name=recording.name,
        provider=recording.provider,
        kind=_kind(case),
        verdict="wrong" if why else "right",
        why=" ".join(why.split())[:600],
        sent=sent,
        fault=type(got).__name__ if isinstance(got, Exception) and not case.is_failure else "",
    )
