"""A face used alone asks again where that can help, within its deadline; the pool's engine does it itself."""

import time
from collections.abc import Iterator

import pytest

from openmux_lc.errors import ContextOverflow, InvalidRequest, RateLimited, ServerError
from openmux_lc.http import Clients
from openmux_lc.providers.again import AskAgain
from openmux_lc.providers.registry import adapter_for
from openmux_lc.testing import Answer, FakeUpstream, Fault, context_overflow, rate_limited, server_error
from openmux_lc.types.run import EmbeddingRequest
from tests.providers.calls import call, provider

REFUSED = Fault(status=400, body='{"error": {"message": "Unrecognized request argument supplied: seed"}}')


@pytest.fixture
def clients() -> Iterator[Clients]:
    made = Clients()
    yield made
    made.close()


def _adapter(up: FakeUpstream, clients: Clients, max_retries: int = 1) -> AskAgain:
    return AskAgain(adapter_for(provider(up.base_url), clients), max_retries)


def test_a_passing_fault_is_asked_again(clients: Clients) -> None:
    with FakeUpstream([server_error(503), Answer("Paris.")]) as up:
        answer = _adapter(up, clients).send(call(provider(up.base_url)))

    assert ("Paris.", 2) == (answer.text, len(up.requests))


async def test_asynchronously_and_for_vectors_as_well(clients: Clients) -> None:
    aclients = Clients()
    with FakeUpstream([server_error(503), Answer()]) as up:
        adapter = _adapter(up, aclients)
        vectors = await adapter.aembed(call(provider(up.base_url)), EmbeddingRequest(texts=("Paris",)))
        await aclients.aclose()

    assert (1, 2) == (len(vectors.vectors), len(up.requests))


def test_no_more_often_than_wished(clients: Clients) -> None:
    with FakeUpstream(server_error(503)) as up, pytest.raises(ServerError):
        _adapter(up, clients).send(call(provider(up.base_url)))

    assert 2 == len(up.requests)


@pytest.mark.parametrize("max_retries", [0, 3])
def test_what_repeating_cannot_mend_is_not_repeated(max_retries: int, clients: Clients) -> None:
    with FakeUpstream(context_overflow()) as up, pytest.raises(ContextOverflow):
        _adapter(up, clients, max_retries).send(call(provider(up.base_url)))

    assert 1 == len(up.requests)


def test_a_rate_limit_is_waited_for_when_it_ends_soon(clients: Clients) -> None:
    with FakeUpstream([rate_limited(0.2), Answer("Paris.")]) as up:
        started = time.monotonic()
        stream = _adapter(up, clients).open(call(provider(up.base_url)))
        text = "".join(chunk.text for chunk in stream)
        elapsed_s = time.monotonic() - started

    assert "Paris." == text
    assert elapsed_s >= 0.2


@pytest.mark.parametrize("wait_s", [5.0, 60.0])
def test_nobody_waits_past_the_deadline(wait_s: float, clients: Clients) -> None:
    with FakeUpstream(rate_limited(wait_s)) as up:
        started = time.monotonic()
        with pytest.raises(RateLimited):
            _adapter(up, clients, 3).send(call(provider(up.base_url), seconds=2.0))
        elapsed_s = time.monotonic() - started

    assert 1 == len(up.requests)
    assert elapsed_s < 2.0


def test_a_lesson_is_no_retry(clients: Clients) -> None:
    """What the host refuses is left out at once, also where nothing may be repeated."""
    with FakeUpstream([REFUSED, Answer("Paris.")]) as up:
        answer = _adapter(up, clients, 0).send(call(provider(up.base_url), seed=7))

    assert "Paris." == answer.text
    assert [True, False] == ["seed" in request.body for request in up.requests]


def test_a_host_that_never_learns_is_left_alone(clients: Clients) -> None:
    with FakeUpstream(REFUSED) as up, pytest.raises(InvalidRequest):
        _adapter(up, clients, 9).send(call(provider(up.base_url), seed=7))

    assert 2 == len(up.requests)
