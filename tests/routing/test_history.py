"""Histories: every tool call gets its result, every result its call."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmux_lc.routing.history import mended

USER = {"role": "user", "content": "hi"}
NEXT = {"role": "user", "content": "and now?"}
DONE = {"role": "assistant", "content": "It is sunny."}


def calling(*ids: str) -> dict:
    calls = [{"id": call_id, "type": "function", "function": {"name": "f", "arguments": "{}"}} for call_id in ids]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def result(call_id: str, content: str = "sunny") -> dict:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


WELL = {
    "no tools": (USER, DONE, NEXT),
    "a pair": (USER, calling("a"), result("a"), DONE),
    "two in another order": (USER, calling("a", "b"), result("b"), result("a"), DONE),
    "the same id in every turn": (USER, calling("a"), result("a"), NEXT, calling("a"), result("a")),
}


@pytest.mark.parametrize("messages", WELL.values(), ids=WELL.keys())
def test_a_history_in_order_is_left_as_it_is(messages: tuple):
    assert (messages, ()) == mended(messages)


def test_32_a_call_without_a_result_is_told_that_there_is_none():
    found = mended((USER, calling("a", "b"), result("b"), NEXT))

    assert ["user", "assistant", "tool", "tool", "user"] == [message["role"] for message in found.messages]
    assert ["b", "a"] == [message["tool_call_id"] for message in found.messages[2:4]]
    assert "never answered" in found.messages[3]["content"]
    assert ("history repaired: 1 tool call without a result told that there is none",) == found.notes


def test_32_a_result_without_a_call_is_left_out():
    found = mended((USER, result("x"), result("y"), DONE))

    assert (USER, DONE) == found.messages
    assert ("history repaired: 2 tool results without a call left out",) == found.notes


def test_32_a_late_result_is_put_behind_its_call():
    found = mended((USER, calling("a"), NEXT, result("a"), DONE))

    assert (USER, calling("a"), result("a"), NEXT, DONE) == found.messages
    assert "stood elsewhere" in found.notes[0]


def test_32_repeated_calls_and_results_are_left_out():
    found = mended((USER, calling("a", "a"), result("a"), result("a", "rainy"), DONE))

    assert (USER, calling("a"), result("a"), DONE) == found.messages
    assert ("history repaired: 2 repeated calls or results left out",) == found.notes


def test_32_a_result_is_never_taken_from_a_later_call_of_the_same_id():
    found = mended((USER, calling("a"), NEXT, calling("a"), result("a")))

    assert "never answered" in found.messages[2]["content"]
    assert (calling("a"), result("a")) == found.messages[4:]


@given(
    st.lists(
        st.one_of(
            st.sampled_from([USER, DONE]),
            st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(lambda ids: calling(*ids)),
            st.sampled_from("abcd").map(result),
        ),
        max_size=12,
    )
)
def test_32_whatever_came_each_call_is_followed_by_its_results_and_mending_again_changes_nothing(messages: list):
    found = mended(messages)

    open_ids: list[str] = []
    for message in found.messages:
        if message["role"] == "tool":
            open_ids.remove(message["tool_call_id"])
            continue
        assert not open_ids
        open_ids = [call["id"] for call in message.get("tool_calls", ())]
    assert not open_ids
    assert (found.messages, ()) == mended(found.messages)
    assert [m for m in messages if m["role"] == "user"] == [m for m in found.messages if m["role"] == "user"]
