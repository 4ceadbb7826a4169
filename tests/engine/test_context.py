"""Context is never silently lost: windows declared and learned, and what becomes of a prompt that fits none."""

from pathlib import Path

import pytest
from langchain_core.exceptions import ContextOverflowError
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from openmux_lc import ChatOpenMux
from openmux_lc.engine.ask import aask, ask
from openmux_lc.errors import AllRoutesFailedError, PromptTooLongError
from openmux_lc.ledger.ledger import Ledger
from openmux_lc.testing import Answer, FakeUpstream, Received, context_overflow, server_error
from openmux_lc.testing.behaviours import Behaviour
from openmux_lc.types.catalog import Route
from openmux_lc.types.run import Options, Request
from tests.pool import make_pool

GOOD = Answer("Paris.")


def turns(count: int, chars: int = 2_000) -> tuple[dict, ...]:
    said = [{"role": "system", "content": "Be brief."}]
    for number in range(count):
        said += [{"role": "user", "content": f"{number}" * chars}, {"role": "assistant", "content": "ok"}]
    return (*said, {"role": "user", "content": "What is the capital of France?"})


def narrow(window: int) -> object:
    """Return a script that refuses what is longer than `window` tokens, four characters each."""

    def play(request: Received) -> Behaviour:
        chars = sum(len(str(message["content"])) for message in request.body["messages"])
        return context_overflow(window) if chars / 4 > window - 512 else GOOD

    return play


def test_16_a_window_that_a_host_names_is_learned_and_kept_to(tmp_path: Path):
    request = Request(messages=turns(6))
    with FakeUpstream([context_overflow(2048)]) as first, FakeUpstream([GOOD]) as second:
        with make_pool(tmp_path, {"first": first, "second": second}) as mux:
            before = ask(mux, request).report
            after = ask(mux, request).report
            short = mux.plan(Request(messages=turns(0)), Options()).branches[0]
            count = len(first.requests)

    assert ["ContextOverflow", None] == [attempt["error"] for attempt in before["attempts"]]
    assert ["second:m"] == [attempt["route"] for attempt in after["attempts"]]
    assert 1 == count
    assert any("its window has 2048 tokens" in entry["reason"] for entry in after["rejected"])
    assert Route("first", "m") in short


def test_16_a_looser_window_never_refreshes_the_clock_of_a_tighter_one():
    now = [1_000.0]
    ledger, route = Ledger.open("memory:", clock=lambda: now[0]), Route("a", "m")

    ledger.learn_window(route, 4096)
    now[0] += 1_000
    ledger.learn_window(route, 8192)
    held = ledger.snapshot().window(route)
    now[0] += 900
    gone = ledger.snapshot().window(route)
    ledger.learn_window(route, 8192)
    anew = ledger.snapshot().window(route)

    assert (4096, None, 8192) == (held, gone, anew)


def test_16_a_prompt_that_no_window_takes_says_the_largest_and_what_to_set(tmp_path: Path):
    with FakeUpstream([GOOD]) as a, make_pool(tmp_path, {"a": a}) as mux:
        with pytest.raises(ContextOverflowError):
            ChatOpenMux(mux=mux).invoke("x" * 900_000)
        mux.ledger.learn_window(Route("a", "m"), 2_000)
        with pytest.raises(PromptTooLongError, match='on_overflow="trim_oldest"') as caught:
            ask(mux, Request(messages=turns(6)), Options(chain=("a:m",)))
        count = len(a.requests)

    assert 2_000 == caught.value.window_tokens < caught.value.needed_tokens
    assert 0 == count


def test_20_the_oldest_turns_are_left_out_and_the_report_says_so(tmp_path: Path):
    with FakeUpstream([GOOD]) as a, make_pool(tmp_path, {"a": a}) as mux:
        mux.ledger.learn_window(Route("a", "m"), 2_000)
        asked = ask(mux, Request(messages=turns(6)), Options(on_overflow="trim_oldest"))
        with pytest.raises(PromptTooLongError, match="never left out"):
            ask(mux, Request(messages=({"role": "user", "content": "x" * 9_000},)), Options(on_overflow="trim_oldest"))
        sent = a.requests[-1].body["messages"]

    assert ["system", "user"] == [sent[0]["role"], sent[-1]["role"]]
    assert "What is the capital of France?" == sent[-1]["content"]
    assert 3 < len(sent) < 10
    assert any("oldest turn" in line and "left out" in line for line in asked.report["why"])


def test_20_what_is_left_out_is_summed_up_by_the_pool(tmp_path: Path):
    with FakeUpstream([Answer("They spoke of numbers."), GOOD]) as a, make_pool(tmp_path, {"a": a}) as mux:
        mux.ledger.learn_window(Route("a", "m"), 2_500)
        asked = ask(mux, Request(messages=turns(6)), Options(on_overflow="summarize"))
        sent = [request.body["messages"] for request in a.requests]

    assert 2 == len(sent)
    assert "Sum up" in sent[0][0]["content"]
    assert "They spoke of numbers." in sent[1][1]["content"]
    assert any("summed up by a:m" in line for line in asked.report["why"])
    assert 1 == len(asked.report["attempts"])


async def test_20_where_no_summary_can_be_made_the_turns_are_missing_and_the_report_says_so(tmp_path: Path):
    script = [server_error(400), GOOD]
    with FakeUpstream(script) as a, make_pool(tmp_path, {"a": a}) as mux:
        mux.ledger.learn_window(Route("a", "m"), 2_500)
        asked = await aask(mux, Request(messages=turns(6)), Options(on_overflow="summarize", max_retries=0))
        await mux.aclose()

    assert "Paris." == asked.answer.text
    assert any("no summary could be made" in line for line in asked.report["why"])


def test_20_windows_that_are_only_learned_on_the_way_shorten_the_prompt_as_well(tmp_path: Path):
    with FakeUpstream(narrow(2_048)) as a, FakeUpstream(narrow(1_500)) as b:
        with make_pool(tmp_path, {"a": a, "b": b}) as mux:
            with pytest.raises(AllRoutesFailedError):
                ask(mux, Request(messages=turns(9)), Options(timeout_s=20))
        with make_pool(tmp_path, {"a": a, "b": b}) as mux:
            asked = ask(mux, Request(messages=turns(9)), Options(on_overflow="trim_oldest"))

    assert ["ContextOverflow", "ContextOverflow", None] == [attempt["error"] for attempt in asked.report["attempts"]]
    assert "a:m" == asked.report["route"]
    assert any("the largest has 2048 tokens" in line for line in asked.report["why"])


@pytest.mark.parametrize("engine", ["loop", "graph"])
def test_20_the_chat_model_takes_the_option(tmp_path: Path, engine: str):
    history = [SystemMessage("brief"), HumanMessage("x" * 6_000), AIMessage("ok"), HumanMessage("now?")]
    with FakeUpstream([GOOD]) as a, make_pool(tmp_path, {"a": a}) as mux:
        mux.ledger.learn_window(Route("a", "m"), 1_500)
        llm = ChatOpenMux(mux=mux, engine=engine, on_overflow="trim_oldest")
        answer = llm.invoke(history)
        streamed = "".join(chunk.text for chunk in llm.stream(history))
        with pytest.raises(ContextOverflowError):
            llm.invoke(history, on_overflow="raise")

    assert "Paris." == answer.text == streamed
    assert any("left out" in line for line in answer.response_metadata["openmux"]["why"])


@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
def test_22_an_engine_that_cut_the_prompt_is_told_in_the_report(tmp_path: Path, is_stream: bool):
    import json

    from openmux_lc.mux import Mux
    from openmux_lc.settings import Settings
    from openmux_lc.testing import Fault

    part = {
        "model": "m:1b",
        "message": {"role": "assistant", "content": "Hi."},
        "done": True,
        "done_reason": "stop",
        "prompt_eval_count": 4096,
        "eval_count": 2,
    }
    body = json.dumps(part) + "\n"
    pages = {"/api/tags": {"models": [{"name": "m:1b", "model": "m:1b"}]}, "/api/version": {"version": "0.12.0"}}
    pages["/api/chat"] = Fault(200, body=body, content_type="application/x-ndjson", sse=body)
    with FakeUpstream(dialect="ollama", pages=pages) as engine:
        environ = {
            "OPENMUX_STATE_URL": "memory:",
            "OPENMUX_PROVIDERS": "ollama",
            "OPENMUX_OLLAMA_BASE_URL": engine.base_url,
        }
        with Mux(Settings.load(environ=environ, cwd=tmp_path)) as mux:
            llm = ChatOpenMux(mux=mux, model="ollama:m:1b")
            if is_stream:
                whole = None
                for chunk in llm.stream("hi"):
                    whole = chunk if whole is None else whole + chunk
            else:
                whole = llm.invoke("hi")
        sent = [request.body for request in engine.requests if request.path.endswith("/chat")]

    assert 4096 == sent[-1]["options"]["num_ctx"]
    assert any("cut the prompt" in line for line in whole.response_metadata["openmux"]["why"])
