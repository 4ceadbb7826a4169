"""A stream that breaks after its first words goes on elsewhere; the reader notices nothing."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest
from langchain_core.messages import AIMessageChunk

from openmux_lc import ChatOpenMux, create_openmux_graph
from openmux_lc.engine.ask import AnswerStream
from openmux_lc.errors import ConfigError, StreamInterruptedError
from openmux_lc.mux import Mux, to_request
from openmux_lc.settings import Settings
from openmux_lc.testing import (
    Answer,
    Behaviour,
    FakeUpstream,
    Received,
    ToolCall,
    cut,
    empty_answer,
    hanging,
    server_error,
)
from openmux_lc.types.run import Chunk, Options
from tests.patience import LATE_S
from tests.pool import make_pool

TEXT = "The harbour was quiet when Mira walked down to the boats, and nobody had expected her so early."
QUESTION = to_request("Tell me a story.")
CALL = ToolCall(id="call_7", name="get_weather", arguments='{"city": "Lisbon", "days": 3}')
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tell the weather.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city"],
        },
    },
}

BREAKS = {
    "connection lost": cut(4, text=TEXT),
    "cut in a line": cut(4, text=TEXT, in_line=True),
    "silent end": Answer(TEXT, after_chunks=4, ending="silent"),
    "malformed chunk": Answer(TEXT, after_chunks=4, ending="broken"),
    "error event": Answer(TEXT, after_chunks=4, ending="error"),
}


def partial(received: Received) -> str:
    """Return what of the answer a successor was told, `""` where it was asked anew."""
    messages = received.body["messages"]
    return next((each["content"] for each in messages[::-1] if each["role"] == "assistant"), "")


def going_on(text: str = TEXT, **beside: object):
    """Return a script that goes on exactly where the answer stopped."""
    return lambda received: Answer(text[len(partial(received)) :], **beside)


def drained(mux: Mux, options: Options | None = None, request=QUESTION) -> tuple[list[Chunk], AnswerStream]:
    with AnswerStream(mux, request, options) as stream:
        return list(stream), stream


def text_of(chunks: list[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks)


@pytest.mark.parametrize("behaviour", BREAKS.values(), ids=BREAKS.keys())
def test_every_kind_of_break_is_gone_on_with(tmp_path: Path, behaviour: Behaviour):
    with FakeUpstream([behaviour]) as bad, FakeUpstream(going_on()) as good:
        with make_pool(tmp_path, {"first": bad, "second": good}) as mux:
            chunks, stream = drained(mux)

    assert TEXT == text_of(chunks) == stream.answer.text
    assert ["first:m", "second:m"] == stream.report["segments"]
    assert ["cut", "ok"] == [attempt["outcome"] for attempt in stream.report["attempts"]]
    assert len("The harbour was quiet") == stream.report["attempts"][0]["delivered_chars"]


def test_a_silent_host_is_left_for_the_next_inside_the_deadline(tmp_path: Path):
    started = time.monotonic()
    with FakeUpstream([hanging(4, text=TEXT)]) as bad, FakeUpstream(going_on()) as good:
        with make_pool(tmp_path, {"first": bad, "second": good}) as mux:
            chunks, _ = drained(mux, Options(timeout_s=2.0))

    assert TEXT == text_of(chunks)
    assert time.monotonic() - started < LATE_S


@pytest.mark.parametrize(
    "says",
    [
        lambda rest, shown: shown[-20:] + rest,
        lambda rest, shown: shown + rest,
        lambda rest, _: f"Sure, here is the rest:\n\n{rest}",
        lambda rest, shown: f"Continuing from where I left off:\n\n{shown}{rest}",
    ],
    ids=["repeats", "begins again", "with a remark", "with a remark and begins again"],
)
def test_what_the_successor_says_twice_is_left_out_and_noted(tmp_path: Path, says):
    def successor(received: Received) -> Answer:
        shown = partial(received)
        return Answer(says(TEXT[len(shown) :], shown))

    with FakeUpstream([cut(9, text=TEXT)]) as bad, FakeUpstream(successor) as good:
        with make_pool(tmp_path, {"first": bad, "second": good}) as mux:
            chunks, stream = drained(mux)

    assert TEXT == text_of(chunks)
    assert any(line.startswith("second:m went on") for line in stream.report["why"])


def test_a_successor_that_begins_again_in_other_words_is_passed(tmp_path: Path):
    other = Answer("The harbour was quiet when Mira came, and the boats lay still.")
    with FakeUpstream([cut(9, text=TEXT)]) as bad, FakeUpstream([other]) as odd, FakeUpstream(going_on()) as good:
        with make_pool(tmp_path, {"first": bad, "second": odd, "third": good}) as mux:
            chunks, stream = drained(mux)

    assert TEXT == text_of(chunks)
    assert ["first:m", "third:m"] == stream.report["segments"]
    assert ["cut", "cut", "ok"] == [attempt["outcome"] for attempt in stream.report["attempts"]]


def test_several_breaks_make_one_answer_and_one_usage(tmp_path: Path):
    def again(received: Received) -> Answer:
        return replace(cut(3, text=TEXT[len(partial(received)) :]))

    with FakeUpstream([cut(3, text=TEXT)]) as one, FakeUpstream(again) as two, FakeUpstream(going_on()) as three:
        with make_pool(tmp_path, {"one": one, "two": two, "three": three}) as mux:
            chunks, stream = drained(mux)

    assert TEXT == text_of(chunks)
    assert ["one:m", "two:m", "three:m"] == stream.report["segments"]
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.is_estimated
    used = [attempt["usage"]["total_tokens"] for attempt in stream.report["attempts"]]
    assert sum(used) == chunks[-1].usage.total_tokens


def test_the_instruction_holds_the_history_the_prefix_and_what_to_do(tmp_path: Path):
    asked = replace(QUESTION, max_tokens=200)
    with FakeUpstream([cut(9, text=TEXT)]) as bad, FakeUpstream(going_on()) as good:
        with make_pool(tmp_path, {"first": bad, "second": good}) as mux:
            drained(mux, request=asked)
        body = good.requests[-1].body

    assert ["user", "assistant", "user"] == [message["role"] for message in body["messages"]]
    assert TEXT.startswith(body["messages"][1]["content"])
    assert "exactly where it stopped" in body["messages"][2]["content"]
    assert body["max_tokens"] < 200


def test_an_answer_that_must_be_json_is_shown_whole_and_breaks_unseen(tmp_path: Path):
    """It is held against its form first, so nothing of it was shown when it broke: the next route begins anew."""
    asked = replace(QUESTION, response_format={"type": "json_object"})
    broken, whole = cut(2, text='{"capital": "Paris", "of": "France"}'), Answer('{"capital": "Paris"}')
    with FakeUpstream([broken]) as bad, FakeUpstream([whole]) as good:
        with make_pool(tmp_path, {"first": bad, "second": good}) as mux:
            chunks, stream = drained(mux, request=asked)

    assert whole.text == text_of(chunks)
    assert "second:m" == stream.report["route"]
    assert ["user"] == [message["role"] for message in good.requests[-1].body["messages"]]


def test_a_host_that_takes_a_beginning_gets_it_last(tmp_path: Path):
    """The row's quirk decides; the text is not told twice, and no instruction is."""
    with FakeUpstream([cut(9, text=TEXT)]) as bad, FakeUpstream(going_on()) as good:
        plain = make_pool(tmp_path, {"first": bad, "second": good})
        row = replace(plain.catalog.provider("second"), quirks=frozenset({"prefix_last"}))
        plain.close()
        with Mux(plain.settings, catalog=plain.catalog.with_provider(row)) as mux:
            chunks, _ = drained(mux)
        body = good.requests[-1].body

    assert TEXT == text_of(chunks)
    assert ["user", "assistant"] == [message["role"] for message in body["messages"]]
    assert body["messages"][-1]["prefix"] is True


def test_each_segment_is_reserved_and_settled_once(tmp_path: Path):
    """The free check and the ledger hold for a successor: what has no quota left is not asked."""
    limits = '[[providers.second.limits]]\nunit = "requests"\namount = 1\nper = "minute"\n'
    with FakeUpstream(cut(9, text=TEXT)) as bad, FakeUpstream(going_on()) as small, FakeUpstream(going_on()) as good:
        pool = {"first": bad, "second": small, "third": good}
        with make_pool(tmp_path, pool, extra=limits) as mux:
            options = Options(chain=("first:m", "second:m", "third:m"))
            routes = [drained(mux, options)[1].report["segments"] for _ in range(2)]

    assert [["first:m", "second:m"], ["first:m", "third:m"]] == routes


def test_an_answer_that_was_whole_when_it_broke_off_is_not_asked_for_again(tmp_path: Path):
    text = "It is Paris."
    with FakeUpstream([cut(3, text=text)]) as bad, FakeUpstream([empty_answer()]) as good:
        with make_pool(tmp_path, {"first": bad, "second": good}) as mux:
            chunks, stream = drained(mux)

    assert text == text_of(chunks) == stream.answer.text
    assert "stop" == chunks[-1].finish_reason
    assert any("nothing to add" in line for line in stream.report["why"])


def test_a_break_after_the_finish_reason_is_none(tmp_path: Path):
    finished = Answer(TEXT, after_chunks=None, ending="done")
    with FakeUpstream([finished]) as upstream, make_pool(tmp_path, {"only": upstream}) as mux:
        chunks, stream = drained(mux)

    assert TEXT == text_of(chunks)
    assert ["ok"] == [attempt["outcome"] for attempt in stream.report["attempts"]]
    assert [] == stream.report["segments"]


@pytest.mark.parametrize("rest", [[], [server_error()]], ids=["alone", "all others fail"])
def test_when_nobody_is_left_the_reader_is_told(tmp_path: Path, rest: list[Behaviour]):
    with FakeUpstream([cut(4, text=TEXT)]) as bad, FakeUpstream(rest or [server_error()]) as other:
        pool = {"first": bad, "second": other} if rest else {"first": bad}
        with make_pool(tmp_path, pool) as mux, AnswerStream(mux, QUESTION, Options(max_retries=0)) as stream:
            with pytest.raises(StreamInterruptedError, match="nobody is left") as caught:
                list(stream)

    assert "The harbour was quiet" == caught.value.partial
    assert "cut" == caught.value.attempt.outcome


def test_on_break_raise_asks_nobody_else(tmp_path: Path):
    with FakeUpstream([cut(4, text=TEXT)]) as bad, FakeUpstream(going_on()) as good:
        with make_pool(tmp_path, {"first": bad, "second": good}) as mux:
            with AnswerStream(mux, QUESTION, Options(on_break="raise")) as stream:
                with pytest.raises(StreamInterruptedError) as caught:
                    list(stream)
        count = len(good.requests)

    assert "The harbour was quiet" == caught.value.partial
    assert 0 == count


@pytest.mark.parametrize("after", [1, 2, 3])
def test_an_incomplete_tool_call_is_never_shown(tmp_path: Path, after: int):
    """It is made whole by the next route; its pieces are nowhere."""
    asked = replace(QUESTION, tools=(TOOL,))
    broken = Answer("", tool_calls=(CALL, replace(CALL, id="call_8")), after_chunks=after, ending="cut")
    with FakeUpstream([broken]) as bad, FakeUpstream([Answer("", tool_calls=(CALL,))]) as good:
        with make_pool(tmp_path, {"first": bad, "second": good}) as mux:
            chunks, stream = drained(mux, request=asked)

    deltas = [delta for chunk in chunks for delta in chunk.tool_calls]
    assert [(CALL.id, CALL.name, CALL.arguments)] == [(each.id, each.name, each.arguments) for each in deltas]
    assert CALL == stream.answer.tool_calls[0]
    assert "tool_calls" == chunks[-1].finish_reason


@pytest.mark.parametrize("again", ["", "Let me look that up for you.", "I shall ask the service."])
def test_text_that_was_shown_stays_and_the_next_route_makes_the_call(tmp_path: Path, again: str):
    said = "Let me look that up for you."
    asked = replace(QUESTION, tools=(TOOL,))
    chunks_of_text = len(said.split())
    broken = Answer(said, tool_calls=(CALL,), after_chunks=chunks_of_text + 1, ending="cut")
    with FakeUpstream([broken]) as bad, FakeUpstream([Answer(again, tool_calls=(CALL,))]) as good:
        with make_pool(tmp_path, {"first": bad, "second": good}) as mux:
            chunks, stream = drained(mux, request=asked)

    assert said == text_of(chunks) == stream.answer.text
    assert [CALL] == list(stream.answer.tool_calls)
    assert 1 == sum(len(chunk.tool_calls) for chunk in chunks)


def test_thoughts_are_shown_once_and_a_break_inside_them_begins_anew(tmp_path: Path):
    thinking = Answer(TEXT, reasoning="She is early. Why is she?", after_chunks=3, ending="cut")
    with FakeUpstream([thinking]) as bad, FakeUpstream([Answer(TEXT, reasoning="Something else.")]) as good:
        with make_pool(tmp_path, {"first": bad, "second": good}) as mux:
            chunks, _ = drained(mux)
        asked = good.requests[-1].body["messages"]

    assert "She is early." == "".join(chunk.reasoning for chunk in chunks)
    assert TEXT == text_of(chunks)
    assert 1 == len(asked)


@pytest.mark.parametrize("after", range(1, 8))
def test_think_tags_over_chunks_and_segments(tmp_path: Path, after: int):
    """Thoughts inside the text: wherever it is cut, the text is whole and no tag is in it."""
    thinks = "<think> why is she here? </think>\n\n"
    with FakeUpstream([Answer(thinks + TEXT, after_chunks=after, ending="cut")]) as bad:
        with FakeUpstream(lambda got: Answer("<think> go on </think>" + TEXT[len(partial(got)) :])) as good:
            with make_pool(tmp_path, {"first": bad, "second": good}) as mux:
                chunks, _ = drained(mux)

    assert TEXT == text_of(chunks).strip()
    assert "think>" not in "".join(chunk.reasoning for chunk in chunks)


def test_a_reader_who_leaves_during_the_second_segment_closes_it(tmp_path: Path):
    slow = going_on(TEXT + " word" * 300, per_chunk_s=0.01)
    with FakeUpstream([cut(4, text=TEXT)]) as bad, FakeUpstream(slow) as good:
        with make_pool(tmp_path, {"first": bad, "second": good}) as mux:
            with AnswerStream(mux, QUESTION) as stream:
                seen = ""
                for chunk in stream:
                    seen += chunk.text
                    if len(seen) > 40:
                        break
            is_closed = good.wait_for_connections(0)

    assert is_closed
    assert ["cut", "cancelled"] == [attempt["outcome"] for attempt in stream.report["attempts"]]


def _merged(chunks: list[AIMessageChunk]) -> AIMessageChunk:
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    return whole


async def test_sync_async_and_graph_tell_the_same(tmp_path: Path):
    """One engine behind all of them: text, segments, usage and attempts agree."""
    told = []
    for number, way in enumerate(("stream", "astream", "graph", "agraph")):
        folder = tmp_path / str(number)
        folder.mkdir()
        with FakeUpstream([cut(9, text=TEXT)]) as bad, FakeUpstream(going_on()) as good:
            mux = make_pool(folder, {"first": bad, "second": good})
            llm, graph = ChatOpenMux(mux=mux), create_openmux_graph(mux).compile()
            given = {"messages": [("user", "Tell me a story.")]}
            if way == "stream":
                parts = list(llm.stream("Tell me a story."))
            elif way == "astream":
                parts = [part async for part in llm.astream("Tell me a story.")]
            elif way == "graph":
                parts = [part for part, _ in graph.stream(given, stream_mode="messages")]
            else:
                parts = [part async for part, _ in graph.astream(given, stream_mode="messages")]
            await mux.aclose()
        whole = _merged([part for part in parts if isinstance(part, AIMessageChunk)])
        about = whole.response_metadata["openmux"]
        outcomes = [(each["route"], each["outcome"]) for each in about["attempts"]]
        told.append((whole.text, about["segments"], outcomes, whole.usage_metadata))

    assert (TEXT, ["first:m", "second:m"], [("first:m", "cut"), ("second:m", "ok")]) == told[0][:3]
    assert [told[0]] * 4 == told


async def test_an_async_reader_who_leaves_closes_the_second_segment_at_once(tmp_path: Path):
    slow = going_on(TEXT + " word" * 300, per_chunk_s=0.01)
    with FakeUpstream([cut(4, text=TEXT)]) as bad, FakeUpstream(slow) as good:
        with make_pool(tmp_path, {"first": bad, "second": good}) as mux:
            stream = ChatOpenMux(mux=mux).astream("Tell me a story.")
            seen = ""
            async for chunk in stream:
                seen += chunk.text
                if len(seen) > 40:
                    break
            await stream.aclose()
            is_closed = await asyncio.to_thread(good.wait_for_connections, 0)
            await mux.aclose()

    assert is_closed


def test_where_nobody_looks_the_answer_is_begun_anew(tmp_path: Path):
    """`graph.invoke` shows no token: the next route's answer is one piece."""
    with FakeUpstream([cut(4, text=TEXT)]) as bad, FakeUpstream([Answer("Another story.")]) as good:
        with make_pool(tmp_path, {"first": bad, "second": good}) as mux:
            told = create_openmux_graph(mux).compile().invoke({"messages": [("user", "Tell me a story.")]})

    assert "Another story." == told["messages"][-1].text
    assert [] == told["report"]["segments"]


async def test_where_nobody_looks_the_async_graph_begins_anew_as_well(tmp_path: Path):
    with FakeUpstream([cut(4, text=TEXT)]) as bad, FakeUpstream([Answer("Another story.")]) as good:
        with make_pool(tmp_path, {"first": bad, "second": good}) as mux:
            told = await create_openmux_graph(mux).compile().ainvoke({"messages": [("user", "Tell me a story.")]})
            await mux.aclose()

    assert "Another story." == told["messages"][-1].text


async def test_async_readers_are_told_when_nobody_is_left_and_spared_where_nothing_is(tmp_path: Path):
    text = "It is Paris."
    with FakeUpstream([cut(3, text=text)]) as bad, FakeUpstream([empty_answer()]) as good:
        with make_pool(tmp_path, {"first": bad, "second": good}) as mux:
            whole = [chunk async for chunk in ChatOpenMux(mux=mux).astream("hi")]
            bad.play([cut(4, text=TEXT)])
            mux.ledger.uncool("first:m")
            with pytest.raises(StreamInterruptedError):
                [chunk async for chunk in ChatOpenMux(mux=mux, model="first:m", max_retries=0).astream("hi")]
            await mux.aclose()

    assert text == "".join(chunk.text for chunk in whole)


def test_the_option_is_checked_wherever_it_is_said(tmp_path: Path):
    environ = {"OPENMUX_ON_BREAK": "raise", "OPENMUX_STATE_URL": "memory:"}
    config = tmp_path / "openmux.toml"
    config.write_text('schema = 1\n[routing]\non_break = "raise"\n', encoding="utf-8")
    named = {"OPENMUX_CONFIG": str(config)}

    assert "continue" == Settings.load(environ={}, cwd=tmp_path).to_options().on_break
    assert "raise" == Settings.load(environ=environ, cwd=tmp_path).to_options().on_break
    assert "raise" == Settings.load(environ=named, cwd=tmp_path).to_options().on_break
    with pytest.raises(ConfigError, match="did you mean 'continue'"):
        Settings.load(environ={"OPENMUX_ON_BREAK": "continues"}, cwd=tmp_path)
    with FakeUpstream([cut(4, text=TEXT)]) as bad, make_pool(tmp_path, {"first": bad}) as mux:
        with pytest.raises(ConfigError, match="did you mean 'raise'"):
            ChatOpenMux(mux=mux).invoke("hi", on_break="raises")
        with pytest.raises(ConfigError, match="did you mean 'on_break'"):
            ChatOpenMux(mux=mux).invoke("hi", on_breaks="raise")
        with pytest.raises(StreamInterruptedError, match=r"characters; the text"):
            list(ChatOpenMux(mux=mux, on_break="raise").stream("hi"))


def test_a_successor_that_only_thinks_has_nothing_to_add(tmp_path: Path):
    """Its thoughts opened the gate, and no word came: the answer was whole already."""
    text = "It is Paris."
    with FakeUpstream([cut(3, text=text)]) as bad, FakeUpstream([Answer("", reasoning="Nothing is missing.")]) as good:
        with make_pool(tmp_path, {"first": bad, "second": good}) as mux:
            chunks, _ = drained(mux)

    assert text == text_of(chunks)
    assert "" == "".join(chunk.reasoning for chunk in chunks)


def test_a_successor_that_says_it_otherwise_is_not_left_alone_for_that(tmp_path: Path):
    other = Answer("The harbour was quiet when Mira came, and the boats lay still.")
    with FakeUpstream([cut(9, text=TEXT)]) as bad, FakeUpstream([other]) as odd, FakeUpstream(going_on()) as good:
        with make_pool(tmp_path, {"first": bad, "second": odd, "third": good}) as mux:
            drained(mux)
            health = mux.snapshot().slot_cooldown(mux.catalog.resolve("second:m"), 0)

    assert health is None


def test_one_route_with_nothing_to_say_does_not_end_an_answer_in_mid_sentence(tmp_path: Path):
    """However often it says nothing: only another one's silence confirms it."""
    silent = Answer("", reasoning="Hm.")
    with FakeUpstream([cut(4, text=TEXT)]) as bad, FakeUpstream([silent]) as other:
        with make_pool(tmp_path, {"first": bad, "second": other}) as mux, AnswerStream(mux, QUESTION) as stream:
            with pytest.raises(StreamInterruptedError):
                list(stream)


def test_two_routes_with_nothing_to_say_are_believed(tmp_path: Path):
    text = "one two three"
    with FakeUpstream([cut(3, text=text)]) as bad, FakeUpstream([empty_answer()]) as two:
        with FakeUpstream([empty_answer()]) as three:
            with make_pool(tmp_path, {"first": bad, "second": two, "third": three}) as mux:
                chunks, stream = drained(mux)

    assert text == text_of(chunks) == stream.answer.text
