"""The driver for answers that must be asked for again, over real sockets."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from openmux_lc.errors import (
    AuthenticationFailed,
    BadPayload,
    InvalidRequest,
    ProviderError,
    RateLimited,
    ServerError,
    TimedOut,
)
from openmux_lc.http import Clients
from openmux_lc.providers.answer import to_answer
from openmux_lc.providers.exchange import Ask, Reply
from openmux_lc.providers.polling import Job, PollingAdapter, job_ask, refuse_tools
from openmux_lc.providers.reading import Reading
from openmux_lc.types.run import Answer, EmbeddingRequest
from openmux_lc.types.wire import Call
from tests.patience import LATE_S
from tests.providers.calls import KEY, call, provider
from tests.providers.job_host import Asked, JobHost, Said, job_host

TOOL = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}


class Dialect:
    """The smallest one: a body tells where to look, or the text."""

    def submit(self, call: Call) -> Ask:
        return job_ask(call, f"{call.provider.base_url}/jobs", method="POST", headers=_auth(call), body={"ask": "x"})

    def read(self, call: Call, reply: Reply, job: Job | None) -> Answer | Job:
        told = json.loads(reply.body)
        if "text" in told:
            return to_answer(call, reply, told, Reading(text=told["text"], is_answer=True))
        if told.get("failed"):
            raise ServerError("the host gave up", provider=call.provider.id, model=call.model)
        fault = ServerError("nobody is there") if told.get("hopeless") else None
        if job is not None and fault is None:
            return job
        cancel = job_ask(call, told["cancel"], method="DELETE", headers=_auth(call)) if told.get("cancel") else None
        return Job(look=job_ask(call, told["look"], headers=_auth(call)), cancel=cancel, fault=fault)


class Garbled(Dialect):
    """The same, where a look cannot be read."""

    def read(self, call: Call, reply: Reply, job: Job | None) -> Answer | Job:
        if job is not None:
            raise BadPayload("the answer is not JSON", provider=call.provider.id, model=call.model)
        return super().read(call, reply, job)


def _auth(call: Call) -> dict[str, str]:
    return {"authorization": f"Bearer {call.key.get_secret_value()}"} if call.key else {}


def taken(host: JobHost, **more: object) -> Said:
    """The answer to a question that was taken on."""
    return 202, {"look": f"{host.origin}/jobs/1", "cancel": f"{host.origin}/jobs/1", **more}


def after(looks: int, *said: Said):
    """A host whose answer is there after so many looks in vain, which get `said` or a plain wait."""

    def say(host: JobHost, asked: Asked) -> Said:
        if asked.method == "POST":
            return taken(host)
        if asked.method == "DELETE":
            return 200, {}
        number = len(host.of("GET"))
        if number > looks:
            return 200, {"text": "Paris."}, {"x-ratelimit-remaining-requests": "7"}
        return said[min(number, len(said)) - 1] if said else (200, {})

    return say


def never(host: JobHost, asked: Asked) -> Said:
    """A host that is at work for ever."""
    return taken(host) if asked.method == "POST" else (200, {})


@pytest.fixture
def clients() -> Iterator[Clients]:
    made = Clients()
    yield made
    made.close()


@pytest.fixture
async def aclients() -> AsyncIterator[Clients]:
    made = Clients()
    yield made
    await made.aclose()


async def both(clients: Clients, make) -> list[object]:
    """What `send` and `asend` come to, an error where that is what they come to."""
    found: list[object] = []
    adapter = PollingAdapter(Dialect(), clients)
    for way in (lambda: asyncio.to_thread(adapter.send, make()), lambda: adapter.asend(make())):
        try:
            found.append(await way())
        except ProviderError as error:
            found.append(error)
    return found


def asks(host: JobHost, **fields: object):
    """A maker of calls to `host`."""
    return lambda: call(provider(host.origin), **fields)


async def test_it_asks_again_until_the_answer_is_there(aclients: Clients) -> None:
    """The twins say the same, limits of the last reply included."""
    answers = []
    for way in ("send", "asend"):
        with job_host(after(2)) as host:
            adapter = PollingAdapter(Dialect(), aclients)
            asked = call(provider(host.origin))
            answers.append(
                await asyncio.to_thread(adapter.send, asked) if way == "send" else await adapter.asend(asked)
            )
            methods = [each.method for each in host.asked]

        assert ["POST", "GET", "GET", "GET"] == methods
    assert ["Paris.", "Paris."] == [answer.text for answer in answers]
    assert [7, 7] == [answer.limits[0].remaining for answer in answers]


async def test_an_answer_that_is_there_at_once_is_not_asked_for_again(aclients: Clients) -> None:
    with job_host(lambda _host, _asked: (201, {"text": "Paris."})) as host:
        found = await both(aclients, asks(host))

        assert ["POST", "POST"] == [each.method for each in host.asked]
    assert ["Paris.", "Paris."] == [answer.text for answer in found]


def test_the_waits_grow_gently(clients: Clients) -> None:
    """A slow host is not hammered: each wait is longer than the one before, none is long."""
    with job_host(after(4)) as host:
        PollingAdapter(Dialect(), clients).send(call(provider(host.origin), seconds=60.0))
        moments = [each.at for each in host.asked]

    waits = [later - earlier for earlier, later in pairwise(moments)]
    assert 0.15 < waits[0] < 0.5
    assert waits == sorted(waits)
    assert max(waits) < 2.5


async def test_the_deadline_ends_the_waiting_and_calls_the_job_off(aclients: Clients) -> None:
    with job_host(never) as host:
        for way in ("send", "asend"):
            adapter, began = PollingAdapter(Dialect(), aclients), time.monotonic()
            asked = call(provider(host.origin), seconds=0.8)
            with pytest.raises(TimedOut):
                await asyncio.to_thread(adapter.send, asked) if way == "send" else await adapter.asend(asked)

            assert 0.7 < time.monotonic() - began < 0.8 + LATE_S
        assert 2 == len(host.of("DELETE"))


async def test_a_host_that_goes_silent_at_a_look_meets_the_deadline_too(aclients: Clients) -> None:
    """Nor does calling the job off keep the caller: that host is as silent then."""

    def say(host: JobHost, asked: Asked) -> Said:
        return taken(host) if asked.method == "POST" else (0, None)

    with job_host(say) as host:
        for way in ("send", "asend"):
            adapter, began = PollingAdapter(Dialect(), aclients), time.monotonic()
            asked = call(provider(host.origin), seconds=0.6)
            with pytest.raises(TimedOut):
                await asyncio.to_thread(adapter.send, asked) if way == "send" else await adapter.asend(asked)

            assert 0.5 < time.monotonic() - began < 0.6 + LATE_S
        assert host.was_asked("DELETE", "/jobs/1")


def test_a_host_that_cannot_call_off_is_just_left(clients: Clients) -> None:
    def say(host: JobHost, asked: Asked) -> Said:
        return taken(host, cancel="") if asked.method == "POST" else (200, {})

    with job_host(say) as host:
        with pytest.raises(TimedOut):
            PollingAdapter(Dialect(), clients).send(call(provider(host.origin), seconds=0.4))

        assert {"POST", "GET"} == {each.method for each in host.asked}


def test_content_by_bounds_the_waiting(clients: Clients) -> None:
    """A route that is not the last one leaves time for the next."""
    with job_host(never) as host:
        began = time.monotonic()
        with pytest.raises(TimedOut):
            PollingAdapter(Dialect(), clients).send(
                call(provider(host.origin), seconds=30.0, content_by=time.monotonic() + 0.5)
            )

        assert time.monotonic() - began < 0.5 + LATE_S


async def test_a_cancelled_task_calls_its_job_off(aclients: Clients) -> None:
    with job_host(never) as host:
        task = asyncio.create_task(PollingAdapter(Dialect(), aclients).asend(call(provider(host.origin))))
        await asyncio.to_thread(host.was_asked, "GET", "/jobs/1")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert host.was_asked("DELETE", "/jobs/1")


async def test_a_coroutine_that_is_closed_awaits_nothing_more(
    aclients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python forbids it: the job is left to the host's own end of it."""
    waiting = asyncio.Event()

    async def endless(_seconds: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio, "sleep", endless)
    with job_host(never) as host:
        work = PollingAdapter(Dialect(), aclients).asend(call(provider(host.origin)))
        task = asyncio.ensure_future(work)
        await waiting.wait()
        work.close()
        task.cancel()
        with pytest.raises(RuntimeError, match="cannot reuse"):
            await task

        assert [] == host.of("DELETE")


def test_whoever_interrupts_the_program_calls_the_job_off(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C comes while it waits; the sleeping is the one place where it can be made to come for sure."""

    def interrupted(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupted)
    with job_host(never) as host:
        with pytest.raises(KeyboardInterrupt):
            PollingAdapter(Dialect(), clients).send(call(provider(host.origin)))

        assert host.was_asked("DELETE", "/jobs/1")


async def test_a_job_without_hope_is_called_off_and_is_its_fault(aclients: Clients) -> None:
    def say(host: JobHost, asked: Asked) -> Said:
        return taken(host, hopeless=True) if asked.method == "POST" else (200, {})

    with job_host(say) as host:
        found = await both(aclients, asks(host))

        assert ["POST", "DELETE", "POST", "DELETE"] == [each.method for each in host.asked]
    assert [ServerError, ServerError] == list(map(type, found))


async def test_a_job_that_the_host_ended_is_not_called_off(aclients: Clients) -> None:
    def say(host: JobHost, asked: Asked) -> Said:
        return taken(host) if asked.method == "POST" else (200, {"failed": True})

    with job_host(say) as host:
        found = await both(aclients, asks(host))

        assert ["POST", "GET", "POST", "GET"] == [each.method for each in host.asked]
    assert [ServerError, ServerError] == list(map(type, found))


def test_a_garbled_look_ends_the_waiting_and_calls_the_job_off(clients: Clients) -> None:
    """What the host is at then, nobody knows."""

    def say(host: JobHost, asked: Asked) -> Said:
        return taken(host) if asked.method == "POST" else (200, b"?")

    with job_host(say) as host:
        with pytest.raises(BadPayload):
            PollingAdapter(Garbled(), clients).send(call(provider(host.origin)))

        assert ["POST", "GET", "DELETE"] == [each.method for each in host.asked]


@pytest.mark.parametrize("passing", [(500, {"message": "oops"}), (502, b"<html>"), (429, {"message": "slow down"})])
async def test_a_look_may_fail_now_and_then(passing: Said, aclients: Clients) -> None:
    """The host is at work all the same: what it has made by then is not thrown away."""
    found = []
    for way in ("send", "asend"):
        with job_host(after(1, passing)) as host:
            adapter, asked = PollingAdapter(Dialect(), aclients), call(provider(host.origin))
            found.append(await asyncio.to_thread(adapter.send, asked) if way == "send" else await adapter.asend(asked))

    assert ["Paris.", "Paris."] == [answer.text for answer in found]


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ((500, {"message": "oops"}), ServerError),
        ((401, {"message": "no"}), AuthenticationFailed),
        ((429, {"message": "slow down"}, {"retry-after": "3600"}), RateLimited),
    ],
)
def test_a_look_that_keeps_failing_is_the_fault(said: Said, kind: type[ProviderError], clients: Clients) -> None:
    """Three in a row, one that no waiting mends, or a wait that is too long; the job is called off."""
    with job_host(after(99, said)) as host:
        with pytest.raises(kind):
            PollingAdapter(Dialect(), clients).send(call(provider(host.origin)))

        assert len(host.of("GET")) <= 3
        assert host.was_asked("DELETE", "/jobs/1")


def test_a_job_that_is_lost_is_not_a_model_that_is_gone(clients: Clients) -> None:
    """404 on a look concerns the job: the model would answer another one."""
    with job_host(after(99, (404, {"message": "no such job"}))) as host:
        with pytest.raises(ServerError, match="has lost the question"):
            PollingAdapter(Dialect(), clients).send(call(provider(host.origin)))

        assert [] == host.of("DELETE")


FOREIGN = ["http://127.0.0.1:9/x", "https://127.0.0.1/x", "http://localhost/x", "http://a@{own}/x", "ftp://{own}/x"]
NO_ADDRESS = [
    "/jobs/1",
    "http://[::1",
    "http://{own}:99999/x",
    "http://evil.example\x00/x",
    "x" * 70_000,
    "http://{own}/\ud800",
    "\ud800",
]


NAMED = [("look", ""), *((field, address) for field in ("look", "cancel") for address in (*FOREIGN, *NO_ADDRESS))]


@pytest.mark.parametrize(("field", "address"), NAMED, ids=lambda each: each[:20])
def test_a_key_does_not_travel_to_another_host(field: str, address: str, clients: Clients) -> None:
    """Whatever address the host names: another scheme, host or port is refused, and nothing is sent to it (S1-07)."""

    def say(host: JobHost, asked: Asked) -> Said:
        own = host.origin.removeprefix("http://")
        return taken(host, **{field: address.replace("{own}", own)})

    with job_host(say) as host:
        with pytest.raises(BadPayload) as caught:
            PollingAdapter(Dialect(), clients).send(call(provider(host.origin)))

        assert ["POST"] == [each.method for each in host.asked]
    assert KEY not in str(caught.value)


async def test_a_stream_is_the_whole_answer_in_chunks(aclients: Clients) -> None:
    with job_host(after(1)) as host:
        stream = await asyncio.to_thread(PollingAdapter(Dialect(), aclients).open, call(provider(host.origin)))
        chunks = list(stream)
        stream.close()
    with job_host(after(1)) as host:
        astream = await PollingAdapter(Dialect(), aclients).aopen(call(provider(host.origin)))
        achunks = [chunk async for chunk in astream]
        await astream.aclose()

    assert chunks == achunks
    assert ["Paris.", ""] == [chunk.text for chunk in chunks]
    assert "stop" == chunks[-1].finish_reason
    assert stream.limits[0].remaining == astream.limits[0].remaining == 7
    assert b"Paris." in stream.raw


def test_a_closed_stream_gives_nothing_more(clients: Clients) -> None:
    with job_host(after(0)) as host:
        stream = PollingAdapter(Dialect(), clients).open(call(provider(host.origin)))
        chunks = iter(stream)
        first = next(chunks)
        stream.close()

    assert "Paris." == first.text
    assert [] == list(chunks)


async def test_embeddings_are_refused_before_anything_is_sent(aclients: Clients) -> None:
    adapter = PollingAdapter(Dialect(), aclients)
    wanted = EmbeddingRequest(texts=("one",))

    with pytest.raises(InvalidRequest, match="no embeddings") as caught:
        adapter.embed(call(), wanted)
    with pytest.raises(InvalidRequest, match="no embeddings"):
        await adapter.aembed(call(), wanted)

    assert "next_route" == caught.value.advice


def test_what_only_a_tool_call_answers_is_refused() -> None:
    """Tools that the model may leave alone are no reason not to ask it."""
    refuse_tools(call(tools=(TOOL,)))
    refuse_tools(call(tools=(TOOL,), tool_choice="auto"))

    with pytest.raises(InvalidRequest, match="a tool call is required"):
        refuse_tools(call(tools=(TOOL,), tool_choice="required"))
    with pytest.raises(InvalidRequest, match="tool of type 'web_search'"):
        refuse_tools(call(tools=({"type": "web_search"},)))


def test_a_body_that_json_cannot_carry_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="JSON cannot carry"):
        job_ask(call(), "http://127.0.0.1/x", headers={}, body={"temperature": float("nan")})


@pytest.mark.parametrize("name", ["replicate", "horde"])
def test_the_dialects_are_short(name: str) -> None:
    """The issue's bound: a dialect on the shared wire is at most 150 lines."""
    module = Path(PollingAdapter.__init__.__code__.co_filename).with_name(f"{name}.py")

    assert len(module.read_text(encoding="utf-8").splitlines()) <= 150
