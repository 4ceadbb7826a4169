"""What was found stays known for a while, and changes are noticed."""

import threading
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest

from openmux_lc.http import Clients
from openmux_lc.local.discovery import Discovery
from openmux_lc.testing import FakeUpstream
from openmux_lc.types.catalog import Provider


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return them."""
        return self.now


@pytest.fixture
def clients() -> Iterator[Callable[[], Clients]]:
    made = Clients()
    yield lambda: made
    made.close()


def rows(*upstreams: FakeUpstream) -> Callable[[], list[Provider]]:
    return lambda: [
        Provider(
            id=f"p{number}",
            name="P",
            base_url=up.base_url,
            is_local=True,
            ports=(urlsplit(up.base_url).port or 0,),
            fingerprint="openai",
        )
        for number, up in enumerate(upstreams)
    ]


def test_an_engine_is_looked_for_once_and_again_after_a_while(clients: Callable[[], Clients]) -> None:
    """A question does not wait for a look that was just made."""
    discovery = Discovery(clock=(clock := Clock()))
    with FakeUpstream() as up:
        discovery.refresh(rows(up), clients)
        asked = len(up.requests)
        discovery.refresh(rows(up), clients)
        soon = len(up.requests)
        clock.now += 31
        discovery.refresh(rows(up), clients)

        assert ["p0"] == [engine.provider for engine in discovery.engines]
        assert asked == soon < len(up.requests)
    assert 1 == discovery.version


def test_an_engine_that_comes_up_later_is_found(clients: Callable[[], Clients]) -> None:
    """With none known, the next look is two seconds away, not thirty."""
    discovery = Discovery(clock=(clock := Clock()))
    with FakeUpstream() as up:
        up.stop()
        discovery.refresh(rows(up), clients)
        before = discovery.engines
        up.start()
        clock.now += 2
        discovery.refresh(rows(up), clients)

    assert () == before
    assert 1 == len(discovery.engines) == discovery.version


def test_an_engine_that_misses_one_look_stays_until_the_next(clients: Callable[[], Clients]) -> None:
    """It may only be busy; a dead one fails its call and is skipped there."""
    discovery = Discovery(clock=(clock := Clock()))
    counts = []
    with FakeUpstream() as up:
        discovery.refresh(rows(up), clients)
        up.stop()
        for pause in (31, 1, 2):
            clock.now += pause
            discovery.refresh(rows(up), clients)
            counts.append(len(discovery.engines))

    assert [1, 1, 0] == counts
    assert 2 == discovery.version


def test_an_engine_that_missed_one_look_and_came_back_is_settled(clients: Callable[[], Clients]) -> None:
    """The miss is forgiven, so a later single miss is again no loss."""
    discovery = Discovery(clock=(clock := Clock()))
    counts = []
    with FakeUpstream() as up:
        discovery.refresh(rows(up), clients)
        for is_up in (False, True, False):
            (up.start if is_up else up.stop)()
            clock.now += 31
            discovery.refresh(rows(up), clients)
            counts.append(len(discovery.engines))

    assert [1, 1, 1] == counts
    assert 1 == discovery.version


def test_an_address_the_user_named_is_asked_for_each_look(clients: Callable[[], Clients]) -> None:
    """It comes from the settings, so it is given as a function, too."""
    discovery = Discovery(clock=Clock())
    with FakeUpstream() as usual, FakeUpstream(models=["named"]) as given:
        discovery.refresh(rows(usual), clients, lambda: {"p0": given.base_url})

    assert [given.base_url] == [engine.base_url for engine in discovery.engines]


def test_forgetting_makes_the_next_question_look_again(clients: Callable[[], Clients]) -> None:
    """For a command that was told a new address."""
    discovery = Discovery(clock=Clock())
    with FakeUpstream(models=["one"]) as up, FakeUpstream(models=["two"]) as other:
        discovery.refresh(rows(up), clients)
        discovery.forget()
        discovery.refresh(rows(other), clients)

    assert ["two"] == [model.id for engine in discovery.engines for model in engine.models]


async def test_the_asynchronous_look_finds_the_same(clients: Callable[[], Clients]) -> None:
    """Same engines, same version, and no second look either."""
    one, two = Discovery(clock=Clock()), Discovery(clock=Clock())
    with FakeUpstream() as up, FakeUpstream() as other:
        one.refresh(rows(up, other), clients)
        await two.refresh_async(rows(up, other), clients)
        asked = len(up.requests)
        await two.refresh_async(rows(up, other), clients)
        await clients().aclose()

        assert one.engines == two.engines
        assert 1 == one.version == two.version
        assert asked == len(up.requests)


def test_many_threads_make_one_look(clients: Callable[[], Clients]) -> None:
    """The first question of each thread waits for the one look and sees its result."""
    discovery, seen = Discovery(clock=Clock()), []
    with FakeUpstream() as up:

        def question() -> None:
            discovery.refresh(rows(up), clients)
            seen.append(len(discovery.engines))

        threads = [threading.Thread(target=question) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        looks = sum(request.path == "/health" for request in up.requests)

    assert [1] * 8 == seen
    assert 1 == looks
