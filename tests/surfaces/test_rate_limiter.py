"""The ledger as LangChain's rate limiter: one count for threads, tasks and processes."""

import threading
import time
from pathlib import Path

import pytest
from langchain_core.exceptions import ModelRateLimitError
from langchain_core.language_models import FakeListChatModel

from openmux_lc import Mux, OpenMuxRateLimiter, Settings
from openmux_lc.errors import ConfigError, RateLimited
from openmux_lc.ledger.ledger import Ledger
from openmux_lc.testing import FakeUpstream
from tests.ledger.conftest import Clock
from tests.pool import make_pool

TWO_A_MINUTE = [{"amount": 2, "per": "minute"}]


@pytest.fixture
def clock() -> Clock:
    return Clock(time.time())


@pytest.fixture
def mux(clock: Clock) -> Mux:
    return Mux(Settings(state_url="memory:"), ledger=Ledger.open("memory:", clock=clock))


def test_as_many_calls_are_admitted_as_the_limit_allows(mux: Mux, clock: Clock):
    limiter = OpenMuxRateLimiter(TWO_A_MINUTE, mux)
    first = [limiter.acquire(blocking=False) for _ in range(3)]
    clock.pass_s(61)

    assert [True, True, False, True] == [*first, limiter.acquire(blocking=False)]


def test_a_call_that_blocks_waits_until_a_slot_is_free(mux: Mux, clock: Clock):
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock.pass_s(seconds)

    limiter = OpenMuxRateLimiter(TWO_A_MINUTE, mux, sleep=sleep)
    began = clock.now

    assert all(limiter.acquire() for _ in range(3))
    assert 60 == pytest.approx(clock.now - began, abs=5)
    assert max(slept) <= 5.0


async def test_the_async_twin_does_the_same(mux: Mux, clock: Clock):
    async def asleep(seconds: float) -> None:
        clock.pass_s(seconds)

    limiter = OpenMuxRateLimiter(TWO_A_MINUTE, mux, asleep=asleep)
    began = clock.now

    assert all([await limiter.aacquire() for _ in range(3)])
    assert 60 == pytest.approx(clock.now - began, abs=5)
    assert not await limiter.aacquire(blocking=False) or not await limiter.aacquire(blocking=False)


async def test_a_wait_beyond_the_deadline_is_told_at_once(mux: Mux):
    """LangChain ignores what `acquire` returns: an error alone keeps the call from being made."""
    limiter = OpenMuxRateLimiter(TWO_A_MINUTE, mux, timeout_s=5.0, sleep=pytest.fail)
    model = FakeListChatModel(responses=["yes"], rate_limiter=limiter)
    answers = [model.invoke("hello").content for _ in range(2)]

    with pytest.raises(ModelRateLimitError) as sync:
        model.invoke("hello")
    with pytest.raises(RateLimited):
        await model.ainvoke("hello")

    assert ["yes", "yes"] == answers
    assert 55 < sync.value.retry_after <= 62


def test_processes_share_one_count(tmp_path: Path):
    """FIELD 26, langchain#28573: LangChain's own counts per process."""
    url = f"sqlite:///{tmp_path / 'state.db'}"
    pools = [Mux(Settings(state_url=url)) for _ in range(2)]
    limiters = [OpenMuxRateLimiter(TWO_A_MINUTE, pool) for pool in pools]
    admitted = [limiter.acquire(blocking=False) for limiter in limiters * 2]
    for pool in pools:
        pool.close()

    assert [True, True, False, False] == admitted


def test_many_threads_are_admitted_exactly_as_often_as_allowed(mux: Mux):
    limiter = OpenMuxRateLimiter([{"amount": 10, "per": "day"}], mux)
    admitted: list[bool] = []
    threads = [threading.Thread(target=lambda: admitted.append(limiter.acquire(blocking=False))) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 10 == sum(admitted)


def test_a_route_of_the_pool_is_counted_with_the_pools_own_calls(tmp_path: Path):
    limited = '[[providers.first.limits]]\nunit = "requests"\namount = 2\nper = "minute"\n'
    with FakeUpstream() as first, make_pool(tmp_path, {"first": first}, extra=limited) as mux:
        limiter = OpenMuxRateLimiter("first:m", mux)
        admitted = [limiter.acquire(blocking=False) for _ in range(3)]
        paused = mux.ledger.snapshot().cooldown(mux.catalog.resolve("first:m"))

    assert [True, True, False] == admitted
    assert paused is not None
    assert "quota" == paused.source


def test_names_keep_counts_apart(mux: Mux):
    one, other = (OpenMuxRateLimiter(TWO_A_MINUTE, mux, name=name) for name in ("one", "other"))

    assert [True, True, False] == [one.acquire(blocking=False) for _ in range(3)]
    assert other.acquire(blocking=False)


@pytest.mark.parametrize(
    "limits",
    [
        [],
        "",
        [{"amount": 0, "per": "minute"}],
        [{"amount": 3, "per": "fortnight"}],
        [{"unit": "tokens", "amount": 3, "per": "minute"}],
        [{"amount": 3, "window": "concurrency"}],
    ],
)
def test_what_cannot_be_counted_is_refused(limits: object, mux: Mux):
    with pytest.raises(ConfigError, match="limit"):
        OpenMuxRateLimiter(limits, mux)
