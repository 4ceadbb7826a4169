"""AI Horde's text queue. Modelled on documentation: nobody has recorded an exchange with this service.

The shapes are those of its published API description (`/generate/text/async` and `/generate/text/status/{id}`).
"""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from openmux_lc.errors import (
    AuthenticationFailed,
    BadPayload,
    EmptyAnswer,
    InvalidRequest,
    PermissionDenied,
    ProviderError,
    RateLimited,
    ServerError,
    TimedOut,
)
from openmux_lc.http import Clients
from openmux_lc.providers.exchange import Reply
from openmux_lc.providers.horde import HordeDialect
from openmux_lc.providers.polling import Job
from openmux_lc.providers.registry import adapter_for
from openmux_lc.types.catalog import Auth, Provider
from openmux_lc.types.run import Answer
from tests.providers.calls import KEY, call, provider
from tests.providers.job_host import Asked, JobHost, Said, job_host

ID = "2fb49bdc-e7bd-4a58-9d43-9c1e52b2b5a3"
STATUS = f"/api/v2/generate/text/status/{ID}"
WAITING = {
    "finished": 0,
    "processing": 1,
    "restarted": 0,
    "waiting": 0,
    "done": False,
    "faulted": False,
    "wait_time": 6,
    "queue_position": 0,
    "kudos": 10.0,
    "is_possible": True,
    "generations": [],
}


def done(text: str = " Paris.\nUser:", **fields: Any) -> dict[str, Any]:
    """A finished job with one text."""
    made = {"text": text, "model": "koboldcpp/Tiny-8B", "worker_name": "a volunteer", "state": "ok", **fields}
    return {**WAITING, "finished": 1, "processing": 0, "done": True, "generations": [made]}


def horde(host: JobHost) -> Provider:
    """The row, on loopback."""
    auth = Auth(mode="optional", header="apikey", form="{key}")
    return provider(f"{host.origin}/api/v2", dialect="horde", auth=auth)


def host_of(*looks: Said):
    """A service that takes a prompt on and answers the looks one after the other, the last for ever."""

    def say(host: JobHost, asked: Asked) -> Said:
        if asked.method == "POST":
            return 202, {"id": ID, "kudos": 10.0}
        if asked.method == "DELETE":
            return 200, WAITING
        return looks[min(len(host.of("GET")), len(looks)) - 1]

    return say


@pytest.fixture
async def clients() -> AsyncIterator[Clients]:
    made = Clients()
    yield made
    await made.aclose()


def read(body: object, *, job: bool = True, **fields: Any) -> Answer | Job:
    asked = call(provider("http://127.0.0.1:9/api/v2"), **fields)
    dialect = HordeDialect()
    taken = dialect.read(asked, Reply(status=202, headers={}, body=json.dumps({"id": ID}).encode()), None)
    assert isinstance(taken, Job)
    return dialect.read(asked, Reply(status=200, headers={}, body=json.dumps(body).encode()), taken if job else None)


async def test_a_text_is_queued_and_fetched(clients: Clients) -> None:
    """Only the question carries the key; the stop mark that the service leaves at the end is gone."""
    with job_host(host_of((200, WAITING), (200, done()))) as host:
        row = horde(host)
        answer = await adapter_for(row, clients).asend(call(row, model="koboldcpp/Tiny-8B", stop=("END",)))
        question, *looks = host.asked

    assert ("Paris.", "koboldcpp/Tiny-8B", "stop") == (answer.text, answer.model, answer.finish_reason)
    assert answer.usage.is_estimated
    assert [("GET", STATUS), ("GET", STATUS)] == [(each.method, each.path) for each in looks]
    assert KEY == question.headers["apikey"]
    assert not any("apikey" in each.headers or "authorization" in each.headers for each in looks)
    assert all(each.headers["client-agent"].startswith("openmux-lc:") for each in host.asked)
    assert {
        "prompt": "User: What is the capital of France?\n\nAssistant:",
        "params": {
            "n": 1,
            "max_length": 512,
            "max_context_length": 2048,
            "stop_sequence": ["END", "\nUser:"],
        },
        "models": ["koboldcpp/Tiny-8B"],
        "trusted_workers": False,
    } == question.body


async def test_without_a_key_the_anonymous_one_is_sent(clients: Clients) -> None:
    with job_host(host_of((200, done()))) as host:
        row = horde(host)
        await adapter_for(row, clients).asend(call(row, key=None))

        assert "0000000000" == host.asked[0].headers["apikey"]


async def test_the_deadline_takes_the_prompt_out_of_the_queue(clients: Clients) -> None:
    with job_host(host_of((200, WAITING))) as host:
        row = horde(host)
        with pytest.raises(TimedOut):
            await adapter_for(row, clients).asend(call(row, seconds=0.6))

        assert host.was_asked("DELETE", STATUS)


async def test_where_no_worker_serves_the_model_the_next_route_is_asked(clients: Clients) -> None:
    with job_host(host_of((200, {**WAITING, "is_possible": False}))) as host:
        row = horde(host)
        with pytest.raises(ServerError, match="no worker serves this model") as caught:
            await adapter_for(row, clients).asend(call(row))

        assert host.was_asked("DELETE", STATUS)
    assert ("next_route", "model") == (caught.value.advice, caught.value.scope)


async def test_a_failed_worker_is_a_server_error(clients: Clients) -> None:
    with job_host(host_of((200, {**WAITING, "faulted": True}))) as host:
        row = horde(host)
        with pytest.raises(ServerError, match="failed"):
            await adapter_for(row, clients).asend(call(row))

        assert [] == host.of("DELETE")


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"message": "Input payload validation failed", "rc": "ValidationError"}, InvalidRequest),
        (401, {"message": "No user matching sent API Key.", "rc": "InvalidAPIKey"}, AuthenticationFailed),
        (429, {"message": "2 per 1 second", "rc": "TooManyPrompts"}, RateLimited),
        (503, {"message": "Maintenance mode", "rc": "MaintenanceMode"}, ServerError),
    ],
)
async def test_refusals_are_typed(status: int, body: Any, kind: type[ProviderError], clients: Clients) -> None:
    with job_host(lambda _host, _asked: (status, body)) as host:
        row = horde(host)
        with pytest.raises(kind):
            await adapter_for(row, clients).asend(call(row))

        assert 1 == len(host.asked)


def test_a_talk_is_completed_where_the_model_is_to_speak() -> None:
    """Sampling that the service knows is passed on; lengths stay within its bounds."""
    ask = HordeDialect().submit(
        call(
            provider("http://127.0.0.1:9/api/v2"),
            messages=(
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Hi."},
                {"role": "assistant", "content": "Hello."},
                {"role": "user", "content": "word " * 4000},
            ),
            max_tokens=5000,
            temperature=0.5,
            top_p=0.9,
            extra_body={"min_p": 0.1},
        )
    )
    body = json.loads(ask.body)

    assert body["prompt"].startswith("Be brief.\n\nUser: Hi.\n\nAssistant: Hello.\n\nUser: word ")
    assert body["prompt"].endswith("\n\nAssistant:")
    assert (1024, 0.5, 0.9, 0.1) == tuple(body["params"][n] for n in ("max_length", "temperature", "top_p", "min_p"))
    assert 8192 == body["params"]["max_context_length"]


@pytest.mark.parametrize(("wanted", "sent"), [(1, 16), (100, 100), (None, 512), (9999, 1024)])
def test_the_length_stays_within_the_services_bounds(wanted: int | None, sent: int) -> None:
    ask = HordeDialect().submit(call(provider("http://127.0.0.1:9/api/v2"), max_tokens=wanted))

    assert sent == json.loads(ask.body)["params"]["max_length"]


@pytest.mark.parametrize("fields", [{"state": "censored"}, {"gen_metadata": [{"type": "censorship", "value": "csam"}]}])
def test_a_censored_text_is_a_refusal_of_the_content(fields: dict[str, Any]) -> None:
    with pytest.raises(PermissionDenied) as caught:
        read(done("This text was removed.", **fields))

    assert "request" == caught.value.scope


def test_the_users_own_stop_marks_end_the_text() -> None:
    answer = read(done("One. END Two."), stop=("END",))

    assert isinstance(answer, Answer)
    assert "One." == answer.text


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({**done(), "generations": []}, EmptyAnswer),
        ({**done(), "generations": [7]}, EmptyAnswer),
        ({**done(), "generations": {"text": "no list"}}, EmptyAnswer),
        (done("  "), EmptyAnswer),
        ({"message": "odd"}, BadPayload),
        ([], BadPayload),
        (7, BadPayload),
    ],
)
def test_what_is_no_answer_is_typed(body: object, kind: type[ProviderError]) -> None:
    with pytest.raises(kind):
        read(body)


@pytest.mark.parametrize("number", [None, "", 7, "../../users", "a b", "x" * 101, "a?b"])
def test_an_id_that_is_none_leads_nowhere(number: object) -> None:
    """What the service names becomes part of an address: only letters, digits and dashes do."""
    with pytest.raises(BadPayload, match="no id of a job"):
        read({"id": number}, job=False)
