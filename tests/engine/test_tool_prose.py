"""Tool calls written as prose, through the engine: whole and streamed, rescued or the next route."""

from pathlib import Path

import pytest
from langchain_core.tools import tool

from openmux_lc import ChatOpenMux
from openmux_lc.engine.ask import AnswerStream, ask
from openmux_lc.testing import PROSE, Answer, FakeUpstream, Prose, answer_with_tool, tool_call_as_prose
from openmux_lc.types.run import Options, Request
from tests.pool import make_pool

ARGUMENTS = '{"city": "Paris"}'
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}
ASKED = Request(messages=({"role": "user", "content": "weather in Paris?"},), tools=(TOOL,))
REQUIRED = Request(messages=ASKED.messages, tools=(TOOL,), tool_choice="required")
MADE = answer_with_tool("get_weather", ARGUMENTS)


@tool
def get_weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"sunny in {city}"


@pytest.mark.parametrize("style", PROSE)
@pytest.mark.parametrize("request_", [ASKED, REQUIRED], ids=["auto", "required"])
@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
def test_11_a_call_written_as_prose_is_rescued(tmp_path: Path, style: Prose, request_: Request, is_stream: bool):
    said = tool_call_as_prose("get_weather", ARGUMENTS, style=style, before="Let me look. ")
    with FakeUpstream([said]) as first, FakeUpstream([MADE]) as second:
        with make_pool(tmp_path, {"first": first, "second": second}) as mux:
            if is_stream:
                with AnswerStream(mux, request_) as stream:
                    shown = "".join(chunk.text for chunk in stream)
                answer, report = stream.answer, stream.report
            else:
                asked = ask(mux, request_)
                answer, report, shown = asked.answer, asked.report, asked.answer.text

    assert "Let me look." == shown.strip() == answer.text.strip()
    assert [("get_weather", ARGUMENTS)] == [(call.name, call.arguments) for call in answer.tool_calls]
    assert answer.tool_calls[0].id.startswith("call_")
    assert "tool_calls" == answer.finish_reason
    assert "first:m" == report["route"]
    assert any("rescued a tool call that first:m wrote as prose" in line for line in report["why"])


def test_11_a_required_call_that_cannot_be_rescued_is_a_failure_and_the_next_route_answers(tmp_path: Path):
    said = tool_call_as_prose("get_weather", '{"town": "Paris"}')
    with FakeUpstream([said]) as first, FakeUpstream([MADE]) as second:
        with make_pool(tmp_path, {"first": first, "second": second}) as mux:
            answer = ChatOpenMux(mux=mux).bind_tools([get_weather], tool_choice="any").invoke("weather in Paris?")

    assert [("get_weather", {"city": "Paris"})] == [(call["name"], call["args"]) for call in answer.tool_calls]
    assert "second:m" == answer.response_metadata["openmux"]["route"]


@pytest.mark.parametrize(
    "text",
    ['Compare a < b and {"city": "Rome"} with `code`.', 'An example: {"name": "x", "arguments": {}} and more.', "[TOO"],
)
def test_11_text_that_only_looks_like_a_call_is_shown_whole_and_once(tmp_path: Path, text: str):
    with FakeUpstream([Answer(text)]) as only, make_pool(tmp_path, {"only": only}) as mux:
        with AnswerStream(mux, ASKED) as stream:
            shown = "".join(chunk.text for chunk in stream)
        whole = ask(mux, ASKED).answer

    assert text == shown == whole.text == stream.answer.text
    assert not whole.tool_calls
    assert whole.finish_reason == stream.answer.finish_reason


def test_11_plain_words_of_a_stream_with_tools_are_not_held_back(tmp_path: Path):
    with FakeUpstream([Answer("one two three four five six")]) as only, make_pool(tmp_path, {"only": only}) as mux:
        with AnswerStream(mux, ASKED) as stream:
            chunks = [chunk.text for chunk in stream]

    assert len(chunks) > 3


def test_11_a_text_that_never_becomes_a_call_is_held_within_bounds(tmp_path: Path):
    text = '{"name": "' + "x" * 40_000
    with FakeUpstream([Answer(text)]) as only, make_pool(tmp_path, {"only": only}) as mux:
        with AnswerStream(mux, ASKED) as stream:
            chunks = [chunk.text for chunk in stream]

    assert text == "".join(chunks)
    assert len(chunks) > 1


async def test_11_the_async_stream_rescues_alike(tmp_path: Path):
    with FakeUpstream([tool_call_as_prose("get_weather", ARGUMENTS)]) as only:
        with make_pool(tmp_path, {"only": only}) as mux:
            added = None
            async for chunk in ChatOpenMux(mux=mux).bind_tools([get_weather]).astream("weather in Paris?"):
                added = chunk if added is None else added + chunk
            await mux.aclose()

    assert [("get_weather", {"city": "Paris"})] == [(call["name"], call["args"]) for call in added.tool_calls]
    assert "" == added.text


def test_11_who_talks_its_calls_again_and_again_comes_behind_those_whose_tools_work(tmp_path: Path):
    with FakeUpstream([tool_call_as_prose("get_weather", ARGUMENTS)]) as first, FakeUpstream([MADE]) as second:
        with make_pool(tmp_path, {"first": first, "second": second}) as mux:
            routes = [ask(mux, ASKED).report["route"] for _ in range(4)]
            plain = mux.plan(Request(messages=ASKED.messages), Options()).branches[0]
            alone = ask(mux, ASKED, Options(chain=("first:m",))).report["route"]

    assert ["first:m", "first:m", "second:m", "second:m"] == routes
    assert "first" == plain[0].provider
    assert "first:m" == alone
