"""Failover over real HTTP: every bad upstream is passed, and the report says so."""

import time
from pathlib import Path

import pytest

from openmux_lc.engine.ask import AnswerStream, aask, ask
from openmux_lc.errors import AllRoutesFailedError, NoRouteError, StreamInterruptedError
from openmux_lc.mux import to_request
from openmux_lc.testing import (
    Answer,
    Behaviour,
    FakeUpstream,
    broken_sse,
    choices_null,
    cut,
    dropped,
    empty_answer,
    empty_body,
    endless,
    error_in_200,
    html_page,
    model_gone,
    out_of_quota,
    payment_required,
    rate_limited,
    server_error,
    stalled,
    unauthorized,
)
from openmux_lc.types.run import Options
from tests.patience import LATE_S
from tests.pool import make_pool

QUESTION = to_request("What is the capital of France?")
GOOD = Answer(text="The capital of France is Paris.")

BAD = {
    "rate limited": (rate_limited(), "RateLimited"),
    "out of quota": (out_of_quota(), "PaymentRequired"),
    "unauthorized": (unauthorized(), "AuthenticationFailed"),
    "payment required": (payment_required(), "PaymentRequired"),
    "model gone": (model_gone("m"), "ModelGone"),
    "server error": (server_error(), "ServerError"),
    "html": (html_page(200), "BadPayload"),
    "empty body": (empty_body(), "BadPayload"),
    "choices null": (choices_null(), "BadPayload"),
    "error in 200": (error_in_200(), "ServerError"),
    "empty answer": (empty_answer(), "EmptyAnswer"),
    "dropped": (dropped(), "ConnectionFailed"),
    "endless": (endless(200), "BadPayload"),
}


# A stream that says nothing at all has no payload to be bad; one that never ends is told in the middle of it.
BAD_STREAMS = {name: pair for name, pair in BAD.items() if name != "endless"} | {
    "empty body": (empty_body(), "ConnectionFailed"),
    "broken sse": (broken_sse(), "BadPayload"),
    "cut before the first token": (cut(0), "ConnectionFailed"),
}


@pytest.mark.parametrize(("behaviour", "error"), BAD.values(), ids=BAD.keys())
def test_a_bad_upstream_is_passed_without_the_caller_noticing(tmp_path: Path, behaviour: Behaviour, error: str):
    """S1-06: the next route answers, and the report names the failure."""
    with FakeUpstream([behaviour]) as bad, FakeUpstream([GOOD]) as good:
        with make_pool(tmp_path, {"first": bad, "second": good}) as mux:
            asked = ask(mux, QUESTION)

    assert "The capital of France is Paris." == asked.answer.text
    assert "second:m" == asked.report["route"]
    assert "ok" == asked.report["attempts"][-1]["outcome"]
    assert {"failed"} == {attempt["outcome"] for attempt in asked.report["attempts"][:-1]}
    assert error == asked.report["attempts"][0]["error"]


@pytest.mark.parametrize(
    ("behaviour", "error"),
    BAD_STREAMS.values(),
    ids=BAD_STREAMS.keys(),
)
def test_a_bad_stream_is_passed_before_its_first_content(tmp_path: Path, behaviour: Behaviour, error: str):
    """The commit gate: a fault before the first content is a silent failover."""
    with FakeUpstream([behaviour]) as bad, FakeUpstream([GOOD]) as good:
        with make_pool(tmp_path, {"first": bad, "second": good}) as mux, AnswerStream(mux, QUESTION) as stream:
            text = "".join(chunk.text for chunk in stream)

    assert "The capital of France is Paris." == text
    assert "second:m" == stream.report["route"]
    assert error == stream.report["attempts"][0]["error"]


async def test_the_async_engine_gives_the_same_report(tmp_path: Path):
    with FakeUpstream([server_error()]) as bad, FakeUpstream([GOOD]) as good:
        with make_pool(tmp_path, {"first": bad, "second": good}) as mux:
            asked = await aask(mux, QUESTION)
            await mux.aclose()

    assert ["first:m", "second:m"] == [attempt["route"] for attempt in asked.report["attempts"]]
    assert "The capital of France is Paris." == asked.answer.text


def test_when_all_fail_the_error_lists_each_and_the_next_command(tmp_path: Path):
    with FakeUpstream([server_error()]) as one, FakeUpstream([rate_limited(40)]) as two:
        with make_pool(tmp_path, {"one": one, "two": two}) as mux, pytest.raises(AllRoutesFailedError) as caught:
            ask(mux, QUESTION)

    told = str(caught.value)
    assert "one:m" in told
    assert "two:m" in told
    assert "openmux doctor" in told
    assert caught.value.retry_at == pytest.approx(time.time() + 40, abs=5)
    assert isinstance(caught.value.__cause__, ExceptionGroup)
    assert 2 <= len(caught.value.__cause__.exceptions)


def test_a_broken_stream_raises_with_the_text_so_far(tmp_path: Path):
    """Never a silent end: a break after the first content is told."""
    with FakeUpstream([cut(2, text="one two three four five six")]) as upstream:
        with make_pool(tmp_path, {"only": upstream}) as mux, AnswerStream(mux, QUESTION) as stream:
            got: list[str] = []
            with pytest.raises(StreamInterruptedError) as caught:
                got.extend(chunk.text for chunk in stream)

    assert caught.value.partial
    assert caught.value.partial.startswith("".join(got))
    assert "cut" == stream.report["attempts"][0]["outcome"]


def test_an_endless_stream_is_ended_with_bounded_memory(tmp_path: Path):
    """200 MB of answer: 16 MB are read, then the reader is told."""
    with FakeUpstream([endless(200)]) as upstream:
        with make_pool(tmp_path, {"only": upstream}) as mux, AnswerStream(mux, QUESTION) as stream:
            with pytest.raises(StreamInterruptedError) as caught:
                for _ in stream:
                    pass

    assert len(caught.value.partial) <= 16 * 1024 * 1024
    assert "BadPayload" == stream.report["attempts"][0]["error"]


def test_a_reader_who_leaves_closes_the_upstream(tmp_path: Path):
    with FakeUpstream([Answer(text="word " * 500, per_chunk_s=0.01)]) as upstream:
        with make_pool(tmp_path, {"only": upstream}) as mux:
            with AnswerStream(mux, QUESTION) as stream:
                next(iter(stream))
            is_closed = upstream.wait_for_connections(0)

    assert is_closed
    assert "cancelled" == stream.report["attempts"][0]["outcome"]


def test_a_stalled_upstream_is_left_inside_the_deadline(tmp_path: Path):
    started = time.monotonic()
    with FakeUpstream([stalled(60)]) as bad, FakeUpstream([GOOD]) as good:
        with make_pool(tmp_path, {"first": bad, "second": good}) as mux:
            asked = ask(mux, QUESTION, Options(timeout_s=1.5))

    assert "second:m" == asked.report["route"]
    assert "TimedOut" == asked.report["attempts"][0]["error"]
    assert time.monotonic() - started < LATE_S


def test_no_route_at_all_names_each_reason_and_the_next_command_in_time(tmp_path: Path):
    from openmux_lc.mux import Mux
    from openmux_lc.settings import Settings

    started = time.monotonic()
    with Mux(Settings.load(environ={"OPENMUX_STATE_URL": "memory:", "OPENMUX_OFFLINE": "1"}, cwd=tmp_path)) as mux:
        with pytest.raises(NoRouteError) as caught:
            ask(mux, QUESTION)

    assert "OPENMUX_OFFLINE" in str(caught.value)
    assert "next:" in str(caught.value)
    assert caught.value.rejected
    assert time.monotonic() - started < LATE_S


def test_a_paid_model_is_refused_with_what_would_make_it_acceptable(tmp_path: Path):
    """S0-04: a paid model is never called."""
    with FakeUpstream([GOOD]) as upstream, make_pool(tmp_path, {"only": upstream}, extra="") as mux:
        environ = {
            "OPENMUX_STATE_URL": "memory:",
            "OPENROUTER_API_KEY": "sk-or-test",
            "OPENMUX_OPENROUTER_BASE_URL": upstream.base_url,
        }
        settings = type(mux.settings).load(environ=environ, cwd=tmp_path)
        paid = type(mux)(settings)
        with pytest.raises(NoRouteError, match="free = true"):
            ask(paid, QUESTION, Options(chain=("openrouter:openai/gpt-5.5",)))
        count = len(upstream.requests)

    assert 0 == count


def test_a_quota_is_reserved_before_sending(tmp_path: Path):
    """S2-06: the second call of a one-call minute never leaves; the other route answers."""
    limited = '[[providers.first.limits]]\nunit = "requests"\namount = 1\nper = "minute"\n'
    with FakeUpstream([GOOD]) as first, FakeUpstream([GOOD]) as second:
        with make_pool(tmp_path, {"first": first, "second": second}, extra=limited) as mux:
            routes = [ask(mux, QUESTION).report["route"] for _ in range(3)]
            counts = (len(first.requests), len(second.requests))

    assert ["first:m", "second:m", "second:m"] == routes
    assert (1, 2) == counts


def test_three_answers_are_fanned_out_and_combined(tmp_path: Path):
    """S0-10, S0-11: several models are asked side by side and the majority wins."""
    with FakeUpstream([GOOD]) as a, FakeUpstream([GOOD]) as b, FakeUpstream([Answer(text="Lyon")]) as c:
        with make_pool(tmp_path, {"a": a, "b": b, "c": c}) as mux:
            asked = ask(mux, QUESTION, Options(fan_out=3, strategy="vote"))

    assert "The capital of France is Paris." == asked.answer.text
    assert {"a:m", "b:m", "c:m"} == set(asked.report["segments"])


def test_no_key_prompt_or_answer_is_in_a_report_or_error(tmp_path: Path):
    """S0-19 logs model, reason, latency and size; never the words."""
    import json

    secret = "the launch code is 0000-pelican"
    with FakeUpstream([server_error()]) as bad, FakeUpstream([Answer(text="the answer is marmalade")]) as good:
        with make_pool(tmp_path, {"first": bad, "second": good}) as mux:
            asked = ask(mux, to_request(secret))
            told = json.dumps(mux.report(str(asked.report["run_id"])))

    assert "pelican" not in told
    assert "marmalade" not in told


def test_the_only_route_is_repeated_after_a_passing_fault(tmp_path: Path):
    """S2-12: `max_retries` counts where nobody else is left to ask."""
    with FakeUpstream([server_error(503), GOOD]) as upstream, make_pool(tmp_path, {"only": upstream}) as mux:
        asked = ask(mux, QUESTION)

    assert ["failed", "ok"] == [attempt["outcome"] for attempt in asked.report["attempts"]]


def test_a_reader_who_left_early_finds_the_run_in_the_log(tmp_path: Path):
    with FakeUpstream([Answer(text="word " * 50)]) as upstream, make_pool(tmp_path, {"only": upstream}) as mux:
        with AnswerStream(mux, QUESTION) as stream:
            next(iter(stream))
        told = mux.report(str(stream.report["run_id"]))

    assert "cancelled" == told["attempts"][0]["outcome"]


def test_the_note_about_failures_stands_once(tmp_path: Path):
    with FakeUpstream([server_error()]) as bad, FakeUpstream([GOOD]) as good:
        with make_pool(tmp_path, {"first": bad, "second": good}) as mux, AnswerStream(mux, QUESTION) as stream:
            for _ in stream:
                pass

    assert 1 == sum("answered after" in line for line in stream.report["why"])


@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
def test_a_route_that_only_keeps_alive_leaves_time_for_the_next(tmp_path: Path, is_stream: bool):
    """Something trickling in is no answer: two thirds of the time, then the next route is asked."""
    from openmux_lc.testing import hanging

    with FakeUpstream([hanging(0)]) as bad, FakeUpstream([GOOD]) as good:
        with make_pool(tmp_path, {"first": bad, "second": good}) as mux:
            if is_stream:
                with AnswerStream(mux, QUESTION, Options(timeout_s=2.0)) as stream:
                    text = "".join(chunk.text for chunk in stream)
            else:
                text = ask(mux, QUESTION, Options(timeout_s=2.0)).answer.text

    assert GOOD.text == text
