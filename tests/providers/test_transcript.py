"""A conversation as one text."""

import pytest

from openmux_lc.providers.transcript import Transcript, as_transcript
from openmux_lc.types.run import Message, Request


def told(*messages: Message) -> Transcript:
    return as_transcript(Request(messages=messages))


def test_a_single_question_stays_as_it_is() -> None:
    found = told({"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"})

    assert Transcript(system="Be brief.", turns="Why?", image="", is_question=True) == found


def test_more_turns_say_who_speaks_and_leave_the_models_turn_open() -> None:
    """Results of tools and texts of developers are told; a turn without words is not."""
    call = {"id": "1", "type": "function", "function": {"name": "add", "arguments": "{}"}}
    found = told(
        {"role": "developer", "content": "Be brief."},
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "1 + 1?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": "2"},
        {"role": "user", "content": ["So", {"type": "text", "text": "what?"}]},
    )

    assert "Be brief.\n\nBe kind." == found.system
    assert "User: 1 + 1?\n\nTool: 2\n\nUser: So\nwhat?\n\nAssistant:" == found.turns
    assert not found.is_question


def test_an_answer_alone_is_no_question() -> None:
    assert "Assistant: Yes.\n\nAssistant:" == told({"role": "assistant", "content": "Yes."}).turns


@pytest.mark.parametrize("content", [None, "", [], [7, None], {"type": "text"}])
def test_content_that_says_nothing_is_no_turn(content: object) -> None:
    assert Transcript("", "Assistant:", "", is_question=False) == told({"role": "user", "content": content})


def test_the_last_picture_is_the_one_that_is_meant() -> None:
    def shown(url: str) -> Message:
        return {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}

    assert "https://a.example/2" == told(shown("https://a.example/1"), shown("https://a.example/2")).image
