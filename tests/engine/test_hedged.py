"""Asking twice over real HTTP: who is late is overtaken, once in fifty calls, and nothing is left behind."""

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from openmux_lc.engine.ask import AnswerStream, aask, ask
from openmux_lc.engine.nodes import Nodes
from openmux_lc.engine.run import arun
from openmux_lc.engine.run_state import Run
from openmux_lc.mux import Mux, to_request
from openmux_lc.testing import Answer, Behaviour, FakeUpstream, Received, server_error, stalled
from openmux_lc.types.run import Attempt, Options, Usage
from tests.patience import LATE_S
from tests.pool import make_pool

QUESTION = to_request("What is the capital of France?")
SLOW = Answer(text="Paris, said the slow one.", first_byte_s=30.0)
GOOD = Answer(text="Paris.")
HEDGED = Options(hedge=True)
LIMITED = '[[providers.first.limits]]\nunit = "requests"\namount = 1000\nper = "day"\n'


def _learned(mux: Mux, seconds: float = 0.05) -> Mux:
    """The pool once it knows how long the first route usually takes."""
    route = mux.catalog.resolve("first:m")
    for streamed in (True, False):
        for _ in range(12):
            held = mux.ledger.reserve(route, (), {})
            attempt = Attempt(
                route=route,
                elapsed_s=seconds,
                first_token_s=seconds if streamed else None,
                usage=Usage(output_tokens=1),
            )
            mux.ledger.settle(held, attempt)
    return mux


def _reserved(mux: Mux) -> int:
    return sum(row.pending for row in mux.ledger._books.mirror.counters.values())


def _eventually(is_so: Callable[[], bool]) -> bool:
    ends_at = time.monotonic() + LATE_S
    while not is_so() and time.monotonic() < ends_at:
        threading.Event().wait(0.01)
    return is_so()


def _streamed(mux: Mux, options: Options) -> tuple[str, dict[str, object]]:
    with AnswerStream(mux, QUESTION, options) as stream:
        text = "".join(chunk.text for chunk in stream)
    return text, stream.report


def _whole(mux: Mux, options: Options) -> tuple[str, dict[str, object]]:
    asked = ask(mux, QUESTION, options)
    return asked.answer.text, asked.report


@pytest.mark.parametrize("call", [_whole, _streamed])
def test_a_late_call_is_answered_by_the_second_provider(tmp_path: Path, call: Callable[..., tuple[str, dict]]):
    """pydantic-ai#4455: the report names it, who won, and what was gained."""
    began = time.monotonic()
    with FakeUpstream(SLOW) as first, FakeUpstream(GOOD) as second:
        with make_pool(tmp_path, {"first": first, "second": second}, extra=LIMITED) as mux:
            text, report = call(_learned(mux), HEDGED)

    hedged = report["hedged"]
    assert GOOD.text == text
    assert time.monotonic() - began < LATE_S
    assert ("first:m", "second:m", "second:m") == (hedged["first"], hedged["second"], hedged["won"])
    assert hedged["after_ms"] < 1000 < hedged["gained_ms"]
    assert {"first:m": "outrun", "second:m": "ok"} == {each["route"]: each["outcome"] for each in report["attempts"]}
    assert "second:m" == report["route"]
    assert any(line.startswith("hedged: second:m was asked as well") for line in report["why"])


def test_a_thread_that_lost_hangs_up_and_settles_and_nobody_is_blamed(tmp_path: Path):
    """Its socket is shut once its headers are there; not thirty seconds later."""
    silent = Answer(text="word " * 9, per_chunk_s=30.0)
    with FakeUpstream(silent) as first, FakeUpstream(GOOD) as second:
        with make_pool(tmp_path, {"first": first, "second": second}, extra=LIMITED) as mux:
            _learned(mux)
            before = mux.ledger.snapshot().routes[mux.catalog.resolve("first:m")].failures
            _streamed(mux, HEDGED)
            is_closed = first.wait_for_connections(0, timeout_s=LATE_S)
            is_settled = _eventually(lambda: _reserved(mux) == 0)
            after = mux.ledger.snapshot()

    assert (True, True) == (is_closed, is_settled)
    assert before == after.routes[mux.catalog.resolve("first:m")].failures
    assert "first:m" not in after.cooldowns


@pytest.mark.parametrize("wants_stream", [True, False])
async def test_a_task_that_lost_is_cancelled_and_settled_before_the_answer_is_there(tmp_path: Path, wants_stream: bool):
    with FakeUpstream(SLOW) as first, FakeUpstream(GOOD) as second:
        with make_pool(tmp_path, {"first": first, "second": second}, extra=LIMITED) as mux:
            _learned(mux)
            run = Run(request=QUESTION, options=HEDGED, wants_stream=wants_stream)
            await arun(Nodes(mux), run)
            if run.astream is not None:
                _ = [chunk async for chunk in run.astream]
            text = Nodes(mux).result(run).text
            pending = _reserved(mux)
            is_closed = await asyncio.to_thread(first.wait_for_connections, 0)
            await mux.aclose()

    assert (GOOD.text, 0, True) == (text, pending, is_closed)
    assert ["outrun", "ok"] == [attempt.outcome for attempt in run.attempts]
    assert run.told is not None
    assert "second:m" == str(run.told.hedged.won)


def test_who_answers_in_time_is_not_hedged(tmp_path: Path):
    with FakeUpstream(GOOD) as first, FakeUpstream(GOOD) as second:
        with make_pool(tmp_path, {"first": first, "second": second}) as mux:
            options = Options(hedge=True, chain=("first:m", "second:m"))
            report = ask(_learned(mux, 30.0), QUESTION, options).report
            count = len(second.requests)

    assert ("first:m", 0) == (report["route"], count)
    assert "hedged" not in report


def test_without_the_wish_nobody_is_asked_twice(tmp_path: Path):
    with FakeUpstream(Answer(text="Paris.", first_byte_s=0.5)) as first, FakeUpstream(GOOD) as second:
        with make_pool(tmp_path, {"first": first, "second": second}) as mux:
            ask(_learned(mux), QUESTION)
            count = len(second.requests)

    assert 0 == count


def test_the_day_allows_one_second_request_in_fifty_calls(tmp_path: Path):
    """The budget holds though every call is late."""
    late = Answer(text="Paris.", first_byte_s=0.3)
    with FakeUpstream(late) as first, FakeUpstream(GOOD) as second:
        with make_pool(tmp_path, {"first": first, "second": second}) as mux:
            _learned(mux)
            hedged = ["hedged" in ask(mux, QUESTION, HEDGED).report for _ in range(4)]

    assert [True, False, False, False] == hedged


@pytest.mark.parametrize("is_async", [False, True])
async def test_a_second_that_fails_leaves_the_first_to_answer(tmp_path: Path, is_async: bool):
    with FakeUpstream(Answer(text="Paris.", first_byte_s=0.5)) as first, FakeUpstream(server_error()) as second:
        with make_pool(tmp_path, {"first": first, "second": second}) as mux:
            _learned(mux)
            asked = await aask(mux, QUESTION, HEDGED) if is_async else ask(mux, QUESTION, HEDGED)
            await mux.aclose()

    assert "first:m" == asked.report["route"]
    assert ("first:m", None) == (asked.report["hedged"]["won"], asked.report["hedged"]["gained_ms"])


@pytest.mark.parametrize("is_async", [False, True])
async def test_where_both_fail_the_third_is_asked(tmp_path: Path, is_async: bool):
    """A hedge is no detour around the failover policy."""
    released = threading.Event()

    def fails_late(_: Received) -> Behaviour:
        released.wait(0.3)
        return server_error()

    with FakeUpstream(fails_late) as first, FakeUpstream(server_error()) as second, FakeUpstream(GOOD) as third:
        with make_pool(tmp_path, {"first": first, "second": second, "third": third}) as mux:
            _learned(mux)
            asked = await aask(mux, QUESTION, HEDGED) if is_async else ask(mux, QUESTION, HEDGED)
            await mux.aclose()

    assert "third:m" == asked.report["route"]
    assert asked.report["hedged"]["won"] is None


def test_at_the_deadline_both_are_left_behind(tmp_path: Path):
    began = time.monotonic()
    with FakeUpstream(stalled(60)) as first, FakeUpstream(stalled(60)) as second:
        with make_pool(tmp_path, {"first": first, "second": second}) as mux:
            run_options = Options(hedge=True, timeout_s=1.0)
            with pytest.raises(Exception, match="attempts failed"):
                ask(_learned(mux), QUESTION, run_options)

    assert time.monotonic() - began < LATE_S
