"""Prompts made to fit: oldest turns first and in whole, the system's words and the last turn stay."""

from hypothesis import given
from hypothesis import strategies as st

from openmux_lc.routing.history import mended
from openmux_lc.routing.tokens import estimated_request_tokens
from openmux_lc.routing.trim import SUMMARY_TOKENS, summary_request, trimmed, with_summary
from openmux_lc.types.run import Request

SYSTEM = {"role": "system", "content": "Be brief."}
CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
}
RESULT = {"role": "tool", "tool_call_id": "a", "content": "r" * 400}


def user(text: str) -> dict:
    return {"role": "user", "content": text}


def test_20_the_oldest_turns_go_and_calls_go_with_their_results():
    messages = (
        SYSTEM,
        user("a" * 400),
        CALL,
        RESULT,
        user("b" * 400),
        {"role": "assistant", "content": "ok"},
        user("c"),
    )
    cut = trimmed(Request(messages=messages), 150)

    assert cut is not None
    assert (SYSTEM, *messages[4:]) == cut.request.messages
    assert messages[1:4] == cut.dropped
    assert 1 == cut.turns


def test_20_what_does_not_fit_without_its_last_turn_is_not_cut():
    assert trimmed(Request(messages=(SYSTEM, user("a"), user("b" * 4000))), 100) is None
    assert trimmed(Request(messages=(SYSTEM,)), 1) is None


def test_20_a_summary_stands_where_the_turns_were_and_is_bounded():
    request = with_summary(Request(messages=(SYSTEM, user("now"))), "x" * 10_000)
    wide = with_summary(Request(messages=(user("now"),)), "\u4e2d" * 10_000)

    assert ["system", "user", "user"] == [message["role"] for message in request.messages]
    assert "Summary of the earlier conversation" in request.messages[1]["content"]
    assert estimated_request_tokens(request) < SUMMARY_TOKENS + 20
    assert estimated_request_tokens(wide) < SUMMARY_TOKENS + 20


def test_20_the_request_for_a_summary_fits_and_names_tools_without_their_arguments():
    parts = {"role": "user", "content": [{"type": "text", "text": "hello"}, {"type": "image_url", "image_url": {}}]}
    request = summary_request((parts, CALL, user("y" * 100_000)), 2_000)
    small = summary_request((parts, CALL), 2_000)

    assert estimated_request_tokens(request) <= 2_000
    assert "user: hello\nassistant: [called f]" == small.messages[1]["content"]


@given(
    st.lists(st.sampled_from(["user", "assistant", "call", "system"]), max_size=14),
    st.integers(min_value=10, max_value=400),
)
def test_20_whatever_is_cut_fits_keeps_the_last_turn_and_is_a_history_in_order(kinds: list, room: int):
    made: list[dict] = []
    for number, kind in enumerate(kinds):
        if kind == "call":
            made += [CALL, RESULT]
        else:
            made.append({"role": kind, "content": f"{number} " * 20})
    made.append(user("the last"))
    cut = trimmed(Request(messages=tuple(made)), room)

    if cut is None:
        return
    assert estimated_request_tokens(cut.request) <= room
    assert made[-1] == cut.request.messages[-1]
    assert [m for m in made if m["role"] == "system"] == [m for m in cut.request.messages if m["role"] == "system"]
    assert () == mended(cut.request.messages).notes
    assert len(made) == len(cut.request.messages) + len(cut.dropped)
