"""Waiting for a slot over real HTTP, on a clock that the waits themselves move on."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from openmux_lc.engine.ask import ask
from openmux_lc.engine.nodes import Nodes
from openmux_lc.engine.run import arun, run
from openmux_lc.engine.run_state import Run
from openmux_lc.errors import AllRoutesFailedError, NoRouteError
from openmux_lc.ledger.ledger import Ledger
from openmux_lc.mux import Mux, to_request
from openmux_lc.testing import Answer, FakeUpstream, hanging, rate_limited, stalled
from openmux_lc.types.report import to_metadata, to_report
from openmux_lc.types.run import Options
from openmux_lc.types.state import Reservation
from tests.ledger.conftest import Clock
from tests.patience import LATE_S
from tests.pool import make_pool

QUESTION = to_request("What is the capital of France?")
GOOD = Answer(text="The capital of France is Paris.")
ONE_A_MINUTE = '[[providers.first.limits]]\nunit = "requests"\namount = 1\nper = "minute"\n'
WEAK = '[[models]]\nroute = "second:m"\nfree = true\nmax_input_tokens = 100000\nquality = 0.1\n'
WAITS = Options(max_wait_s=90.0, routing_profile="quality")


def _pool(folder: Path, upstreams: dict[str, FakeUpstream], *, extra: str = "") -> tuple[Mux, Clock]:
    clock = Clock(time.time())
    plain = make_pool(folder, upstreams, extra=extra)
    return Mux(plain.settings, ledger=Ledger.open("memory:", clock=clock)), clock


def _with_weak_second(folder: Path, first: FakeUpstream, second: FakeUpstream) -> tuple[Mux, Clock]:
    """A pool whose second route is much worse, and whose first takes one call a minute."""
    extra = f'{ONE_A_MINUTE}[providers.second]\nbase_url = "{second.base_url}"\nfree = true\n'
    mux, clock = _pool(folder, {"first": first}, extra=WEAK + extra)
    settings = type(mux.settings).load(
        environ={"OPENMUX_CONFIG": str(folder / "openmux.toml"), "OPENMUX_PROVIDERS": "first,second"}, cwd=folder
    )
    return Mux(settings, ledger=mux.ledger), clock


def _run(mux: Mux, options: Options, sleep: Callable[[float], None]) -> Run:
    state = Run(request=QUESTION, options=options, sleep=sleep)
    run(Nodes(mux), state)
    return state


def test_a_much_better_route_is_waited_for_and_the_report_says_so(tmp_path: Path):
    """FIELD 7: which route, how long and why, in words and as data."""
    slept: list[float] = []
    with FakeUpstream(GOOD) as first, FakeUpstream(GOOD) as second:
        mux, clock = _with_weak_second(tmp_path, first, second)

        def sleep(seconds: float) -> None:
            slept.append(seconds)
            clock.pass_s(seconds)

        with mux:
            _run(mux, WAITS, sleep)
            state = _run(mux, WAITS, sleep)
            answer = Nodes(mux).result(state)

    report = to_report(state.told)
    assert "first:m" == str(answer.route)
    assert 60 == pytest.approx(slept[0], abs=2)
    assert ("first:m", True) == (report["wait"]["route"], report["wait"]["waited"])
    assert round(slept[0] * 1000) == report["attempts"][0]["waited_ms"]
    assert any("waits for first:m" in line for line in report["why"])
    assert any(line.startswith("waited ") for line in report["why"])
    assert report["wait"]["wait_ms"] == to_metadata(state.told)["wait"]["wait_ms"]


def test_nothing_is_reserved_while_a_run_waits(tmp_path: Path):
    """The slot belongs to whoever asks first when it is free; nobody sits on it."""
    pending: list[int] = []
    with FakeUpstream(GOOD) as first, FakeUpstream(GOOD) as second:
        mux, clock = _with_weak_second(tmp_path, first, second)

        def sleep(seconds: float) -> None:
            pending.append(sum(row.pending for row in mux.ledger._books.mirror.counters.values()))
            clock.pass_s(seconds)

        with mux:
            _run(mux, WAITS, sleep)
            _run(mux, WAITS, sleep)

    assert [0] == pending


def test_a_slot_that_another_process_took_is_not_waited_for_again(tmp_path: Path):
    """It steps down at once, to the route that is free."""
    slept: list[float] = []
    with FakeUpstream(GOOD) as first, FakeUpstream(GOOD) as second:
        mux, clock = _with_weak_second(tmp_path, first, second)
        route = mux.catalog.resolve("first:m")

        def sleep(seconds: float) -> None:
            slept.append(seconds)
            clock.pass_s(seconds)
            assert isinstance(mux.ledger.reserve(route, mux.limits(route), {}), Reservation)

        with mux:
            _run(mux, WAITS, clock.pass_s)
            state = _run(mux, WAITS, sleep)

    assert ["refused", "ok"] == [each.outcome for each in state.attempts]
    assert "second:m" == str(state.answers[0].route)
    assert 1 == len(slept)


def test_the_only_deployment_is_waited_for_instead_of_an_error(tmp_path: Path):
    """FIELD 4, litellm#3646: within `max_wait` a wait, beyond it the error with its end."""
    with FakeUpstream([rate_limited(30), GOOD]) as first:
        mux, clock = _pool(tmp_path, {"first": first})
        with mux:
            with pytest.raises(AllRoutesFailedError):
                ask(mux, QUESTION)
            with pytest.raises(NoRouteError) as beyond:
                ask(mux, QUESTION, Options(max_wait_s=10.0))
            state = _run(mux, Options(max_wait_s=40.0), clock.pass_s)

    assert clock.now == pytest.approx(beyond.value.retry_at, abs=2)
    assert GOOD.text == state.answers[0].text
    assert 30 == pytest.approx(state.attempts[0].waited_s, abs=2)


async def test_a_wait_that_the_only_host_tells_in_the_call_is_waited_too(tmp_path: Path):
    """litellm#3646: it says 429 with `Retry-After: 7`, and seven seconds later it answers."""
    slept: list[float] = []
    with FakeUpstream([rate_limited(7), GOOD]) as first:
        mux, clock = _pool(tmp_path, {"first": first})

        async def asleep(seconds: float) -> None:
            slept.append(seconds)
            clock.pass_s(seconds)

        state = Run(request=QUESTION, options=Options(max_wait_s=10.0), asleep=asleep)
        await arun(Nodes(mux), state)
        await mux.aclose()

    assert GOOD.text == state.answers[0].text
    assert [7] == [pytest.approx(each, abs=1) for each in slept]


async def test_a_run_that_is_cancelled_while_it_waits_leaves_nothing_behind(tmp_path: Path):
    with FakeUpstream([rate_limited(30), GOOD]) as first:
        mux, _ = _pool(tmp_path, {"first": first})
        waiting = asyncio.Event()

        async def asleep(_: float) -> None:
            waiting.set()
            await asyncio.Event().wait()

        state = Run(request=QUESTION, options=Options(max_wait_s=60.0), asleep=asleep)
        task = asyncio.ensure_future(arun(Nodes(mux), state))
        await waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        pending = sum(row.pending for row in mux.ledger._books.mirror.counters.values())
        await mux.aclose()

    assert (0, ["failed"]) == (pending, [each.outcome for each in state.attempts])


def test_a_first_byte_timeout_is_not_the_deadline(tmp_path: Path):
    """A host that says nothing costs that long, and the next one is asked."""
    started = time.monotonic()
    with FakeUpstream([stalled(60)]) as first, FakeUpstream([GOOD]) as second:
        with make_pool(tmp_path, {"first": first, "second": second}) as mux:
            asked = ask(mux, QUESTION, Options(first_byte_s=0.3))

    assert "second:m" == asked.report["route"]
    assert "TimedOut" == asked.report["attempts"][0]["error"]
    assert 300 <= asked.report["attempts"][0]["elapsed_ms"]
    assert time.monotonic() - started < LATE_S


def test_a_stall_timeout_is_neither(tmp_path: Path):
    """The first byte came at once; what follows did not."""
    started = time.monotonic()
    with FakeUpstream([hanging(1)]) as first, FakeUpstream([GOOD]) as second:
        with make_pool(tmp_path, {"first": first, "second": second}) as mux:
            asked = ask(mux, QUESTION, Options(stall_s=0.3))

    assert "second:m" == asked.report["route"]
    assert "TimedOut" == asked.report["attempts"][0]["error"]
    assert time.monotonic() - started < LATE_S
