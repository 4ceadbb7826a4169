"""Contracts survive failover: an answer that breaks its schema is a failure like any other."""

from pathlib import Path

import pytest
from pydantic import BaseModel

from openmux_lc import ChatOpenMux
from openmux_lc.engine.ask import AnswerStream, aask, ask
from openmux_lc.errors import AllRoutesFailedError
from openmux_lc.testing import Answer, FakeUpstream, answer_with_tool
from openmux_lc.types.run import Options, Request
from tests.pool import make_pool


class Capital(BaseModel):
    """A country with its capital."""

    country: str
    capital: str


SCHEMA = {"type": "object", "properties": {"capital": {"type": "string"}}, "required": ["capital"]}
TOOL = {"type": "function", "function": {"name": "tell", "parameters": SCHEMA}}
QUESTION = ({"role": "user", "content": "What is the capital of France?"},)
BY_SCHEMA = Request(
    messages=QUESTION, response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}
)
BY_TOOL = Request(messages=QUESTION, tools=(TOOL,), tool_choice="required")
GOOD = Answer('{"capital": "Paris"}')
GOOD_CALL = answer_with_tool("tell", '{"capital": "Paris"}')
BAD = Answer('{"town": "Paris"}')
WORDS = Answer("It is Paris, of course.")

CONTRACTS = {
    "schema": (BY_SCHEMA, BAD, GOOD),
    "schema, in words": (BY_SCHEMA, WORDS, GOOD),
    "required tool, in words": (BY_TOOL, WORDS, GOOD_CALL),
    "required tool, wrong arguments": (BY_TOOL, answer_with_tool("tell", '{"town": "Paris"}'), GOOD_CALL),
    "required tool, another tool": (BY_TOOL, answer_with_tool("say", "{}"), GOOD_CALL),
}


def outcomes(report: dict) -> list[tuple[str, str, str | None]]:
    return [(attempt["route"], attempt["outcome"], attempt["error"]) for attempt in report["attempts"]]


@pytest.mark.parametrize(("request_", "bad", "good"), CONTRACTS.values(), ids=CONTRACTS.keys())
@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
def test_11_and_13_a_broken_contract_is_shown_once_to_its_model_then_the_next_route_answers(
    tmp_path: Path, request_: Request, bad: Answer, good: Answer, is_stream: bool
):
    with FakeUpstream([bad]) as first, FakeUpstream([good]) as second:
        with make_pool(tmp_path, {"first": first, "second": second}) as mux:
            if is_stream:
                with AnswerStream(mux, request_) as stream:
                    chunks = list(stream)
                answer, report = stream.answer, stream.report
                shown = "".join(chunk.text for chunk in chunks)
            else:
                asked = ask(mux, request_)
                answer, report, shown = asked.answer, asked.report, asked.answer.text
            bodies = [request.body for request in first.requests]

    assert [
        ("first:m", "failed", "BrokenContract"),
        ("first:m", "failed", "BrokenContract"),
        ("second:m", "ok", None),
    ] == outcomes(report)
    assert good.text == shown
    assert [call.arguments for call in good.tool_calls] == [call.arguments for call in answer.tool_calls]
    assert len(bodies[0]["messages"]) == 1
    assert len(bodies[1]["messages"]) > 2
    assert bodies[0].get("response_format") == bodies[1].get("response_format")
    assert bodies[0].get("tools") == bodies[1].get("tools")


async def test_11_and_13_the_async_engine_repairs_and_goes_on_alike(tmp_path: Path):
    with FakeUpstream([BAD]) as first, FakeUpstream([GOOD]) as second:
        with make_pool(tmp_path, {"first": first, "second": second}) as mux:
            asked = await aask(mux, BY_SCHEMA)
            llm = ChatOpenMux(mux=mux).bind(response_format=BY_SCHEMA.response_format, model=["first:m", "second:m"])
            text = "".join([chunk.text async for chunk in llm.astream("hi")])
            await mux.aclose()

    assert "second:m" == asked.report["route"]
    assert GOOD.text == text


def test_13_a_model_that_mends_its_answer_is_believed(tmp_path: Path):
    with FakeUpstream([BAD, GOOD]) as first, FakeUpstream([GOOD]) as second:
        with make_pool(tmp_path, {"first": first, "second": second}) as mux:
            asked = ask(mux, BY_SCHEMA)
            count = len(second.requests)

    assert [("first:m", "failed", "BrokenContract"), ("first:m", "ok", None)] == outcomes(asked.report)
    assert 0 == count


def test_13_a_repair_is_an_attempt_with_its_own_usage(tmp_path: Path):
    with FakeUpstream([BAD, GOOD]) as first, make_pool(tmp_path, {"first": first}) as mux:
        asked = ask(mux, BY_SCHEMA)

    assert all(attempt["usage"]["total_tokens"] for attempt in asked.report["attempts"])


def test_13_no_repair_is_made_where_repeats_are_off_or_the_answer_was_cut_short(tmp_path: Path):
    cut_short = Answer('{"capital": "Pa', finish_reason="length")
    with FakeUpstream([BAD]) as first, FakeUpstream([cut_short]) as second, FakeUpstream([GOOD]) as third:
        with make_pool(tmp_path, {"first": first, "second": second, "third": third}) as mux:
            off = ask(mux, BY_SCHEMA, Options(max_retries=0))
            cut = ask(mux, BY_SCHEMA, Options(chain=("second:m", "third:m")))

    assert ["first:m", "second:m", "third:m"] == [attempt["route"] for attempt in off.report["attempts"]]
    assert ["second:m", "third:m"] == [attempt["route"] for attempt in cut.report["attempts"]]


def test_13_json_in_a_fence_is_an_answer(tmp_path: Path):
    fenced = Answer('Here it is:\n```json\n{"capital": "Paris",}\n```')
    with FakeUpstream([fenced]) as first, make_pool(tmp_path, {"first": first}) as mux:
        asked = ask(mux, BY_SCHEMA)
        with AnswerStream(mux, BY_SCHEMA) as stream:
            streamed = "".join(chunk.text for chunk in stream)

    assert '{"capital": "Paris"}' == asked.answer.text == streamed
    assert 1 == len(asked.report["attempts"])


def test_13_a_broken_contract_benches_nobody_and_tells_no_word_of_the_answer(tmp_path: Path):
    with FakeUpstream([BAD]) as only, make_pool(tmp_path, {"only": only}) as mux:
        for _ in range(4):
            with pytest.raises(AllRoutesFailedError, match="lacks 'capital'") as caught:
                ask(mux, BY_SCHEMA)
        pauses = mux.snapshot().cooldowns

    assert not pauses
    assert "Paris" not in str(caught.value)
    assert {"BrokenContract"} == {attempt.error for attempt in caught.value.attempts}


@pytest.mark.parametrize("method", ["function_calling", "json_schema", "json_mode"])
def test_13_include_raw_gives_the_last_answer_with_what_is_wrong_with_it(tmp_path: Path, method: str):
    with FakeUpstream([WORDS]) as only, make_pool(tmp_path, {"only": only}) as mux:
        llm = ChatOpenMux(mux=mux)
        raw = llm.with_structured_output(Capital, method=method, include_raw=True).invoke("France?")
        with pytest.raises(AllRoutesFailedError):
            llm.with_structured_output(Capital, method=method).invoke("France?")

    assert raw["parsed"] is None
    assert WORDS.text == raw["raw"].text
    assert method == "function_calling" or raw["parsing_error"] is not None
    assert any("no route kept" in line for line in raw["raw"].response_metadata["openmux"]["why"])


@pytest.mark.parametrize("method", ["function_calling", "json_schema", "json_mode"])
def test_13_structured_output_keeps_its_method_over_the_failover(tmp_path: Path, method: str):
    written = '{"country": "France", "capital": "Paris"}'
    good = answer_with_tool("Capital", written) if method == "function_calling" else Answer(text=written)
    with FakeUpstream([WORDS]) as first, FakeUpstream([good]) as second:
        with make_pool(tmp_path, {"first": first, "second": second}) as mux:
            parsed = ChatOpenMux(mux=mux).with_structured_output(Capital, method=method).invoke("France?")
            sent = [first.requests[0].body, second.requests[0].body]

    assert Capital(country="France", capital="Paris") == parsed
    assert {**sent[0], "model": ""} == {**sent[1], "model": ""}
