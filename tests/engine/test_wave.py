"""Waves: several calls side by side, in threads and in tasks, inside the deadline."""

import asyncio
import threading
import time
from pathlib import Path

from openmux_lc.engine.ask import aask, ask
from openmux_lc.engine.nodes import Nodes
from openmux_lc.engine.run import arun, run
from openmux_lc.engine.run_state import Run
from openmux_lc.mux import to_request
from openmux_lc.testing import Answer, FakeUpstream, Received, server_error, stalled
from openmux_lc.types.run import Options
from tests.patience import LATE_S
from tests.pool import make_pool

QUESTION = to_request("What is the capital of France?")
GOOD = Answer(text="The capital of France is Paris.")


async def test_async_branches_run_side_by_side(tmp_path: Path):
    """S0-10: each upstream answers only once all three have been asked."""
    all_asked = threading.Barrier(3, timeout=LATE_S)

    def answer(_: Received) -> Answer:
        all_asked.wait()
        return Answer(text="Paris.")

    with FakeUpstream(answer) as a, FakeUpstream(answer) as b, FakeUpstream(answer) as c:
        with make_pool(tmp_path, {"a": a, "b": b, "c": c}) as mux:
            asked = await aask(mux, QUESTION, Options(fan_out=3, strategy="concatenate"))

    assert 3 == asked.answer.text.count("Paris.")
    assert 3 == asked.report["counts"]["attempts"]


def test_a_branch_that_fails_goes_on_with_the_next_route(tmp_path: Path):
    with FakeUpstream([server_error()]) as a, FakeUpstream([GOOD]) as b, FakeUpstream([GOOD]) as c:
        with make_pool(tmp_path, {"a": a, "b": b, "c": c}) as mux:
            asked = ask(mux, QUESTION, Options(fan_out=2, max_retries=0))

    assert ["b:m", "c:m"] == sorted(asked.report["segments"])
    assert "a:m" in {attempt["route"] for attempt in asked.report["attempts"]}


def test_a_branch_that_hangs_is_abandoned_at_the_deadline(tmp_path: Path):
    """Sync code cannot cancel a thread: the report says that it was left behind."""
    started = time.monotonic()
    with FakeUpstream([GOOD]) as a, FakeUpstream([stalled(60)]) as b:
        with make_pool(tmp_path, {"a": a, "b": b}) as mux:
            asked = ask(mux, QUESTION, Options(fan_out=2, timeout_s=1.0))

    assert GOOD.text == asked.answer.text
    assert time.monotonic() - started < LATE_S
    assert {"ok", "failed"} >= {attempt["outcome"] for attempt in asked.report["attempts"]} - {"abandoned"}


async def test_an_async_branch_that_hangs_is_cancelled_at_the_deadline(tmp_path: Path):
    started = time.monotonic()
    with FakeUpstream([GOOD]) as a, FakeUpstream([stalled(60)]) as b:
        with make_pool(tmp_path, {"a": a, "b": b}) as mux:
            asked = await aask(mux, QUESTION, Options(fan_out=2, timeout_s=1.0))
            is_closed = await asyncio.to_thread(b.wait_for_connections, 0)

    assert GOOD.text == asked.answer.text
    assert is_closed
    assert time.monotonic() - started < LATE_S


def test_usage_of_several_answers_is_their_sum(tmp_path: Path):
    with FakeUpstream([GOOD]) as a, FakeUpstream([GOOD]) as b, make_pool(tmp_path, {"a": a, "b": b}) as mux:
        one = ask(mux, QUESTION).answer.usage
        two = ask(mux, QUESTION, Options(fan_out=2)).answer.usage

    assert 2 * one.total_tokens == two.total_tokens


def test_a_route_that_reports_a_cost_is_left_alone(tmp_path: Path):
    """Never paid: the check on the answer stands beside the one before sending."""
    from openmux_lc.testing import Fault

    body = {
        "id": "x",
        "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2, "cost": 0.01},
    }
    with FakeUpstream([Fault(status=200, body=body)]) as a, FakeUpstream([GOOD]) as b:
        with make_pool(tmp_path, {"a": a, "b": b}) as mux:
            first = ask(mux, QUESTION).report
            second = ask(mux, QUESTION).report

    assert "a:m" == first["route"]
    assert any("cost" in line for line in first["why"])
    assert "b:m" == second["route"]
    assert "paused: it reported a cost" == second["rejected"][0]["reason"]


def test_a_repeat_waits_first_and_failover_does_not(tmp_path: Path):
    """S2-12: the wait is a function that a test may put its own in place of."""
    slept: list[float] = []
    flaky = [server_error(503), server_error(503), GOOD]
    with FakeUpstream(flaky) as a, make_pool(tmp_path, {"a": a}) as mux:
        state = Run(request=QUESTION, options=Options(max_retries=3, backoff_s=2.0), sleep=slept.append)
        run(Nodes(mux), state)
    with FakeUpstream([server_error()]) as a, FakeUpstream([GOOD]) as b, make_pool(tmp_path, {"a": a, "b": b}) as mux:
        other = Run(request=QUESTION, options=Options(backoff_s=9.0), sleep=slept.append)
        run(Nodes(mux), other)

    assert [2.0, 4.0] == slept
    assert [GOOD.text] * 2 == [each.answers[0].text for each in (state, other)]


async def test_an_async_repeat_waits_without_blocking_and_within_the_deadline(tmp_path: Path):
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    with FakeUpstream([server_error(503), GOOD]) as a, make_pool(tmp_path, {"a": a}) as mux:
        state = Run(request=QUESTION, options=Options(backoff_s=3.0), asleep=sleep)
        await arun(Nodes(mux), state)
        await mux.aclose()

    assert [3.0] == slept
    assert GOOD.text == state.answers[0].text


def test_with_the_defaults_failover_takes_less_than_a_second(tmp_path: Path):
    """S1-17: also where the only route is repeated first."""
    with FakeUpstream([server_error(503), GOOD]) as a, make_pool(tmp_path, {"a": a}) as mux:
        started = time.monotonic()
        ask(mux, QUESTION)
        took = time.monotonic() - started

    assert took < 1.0
