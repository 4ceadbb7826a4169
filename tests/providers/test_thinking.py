"""Thoughts inside the text: found at the start, wherever the pieces were cut."""

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmux_lc.providers.thinking import ThoughtSplitter


def _split(pieces: list[str]) -> tuple[str, str]:
    splitter = ThoughtSplitter()
    found = [*map(splitter.feed, pieces), splitter.finish()]
    return "".join(text for text, _ in found), "".join(thoughts for _, thoughts in found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello", ("Hello", "")),
        ("\n\nHello", ("Hello", "")),
        ("  Hello", ("  Hello", "")),
        ("<think>\nhm</think>\n\nHello", ("Hello", "hm")),
        ("\n<think>hm</think>", ("", "hm")),
        ("<think>cut off", ("", "cut off")),
        ("<think>a </thin b</think>c", ("c", "a </thin b")),
        ("Use <think> here</think>", ("Use <think> here</think>", "")),
        ("<thin", ("<thin", "")),
        ("", ("", "")),
    ],
)
def test_only_thoughts_at_the_start_are_taken_out(text: str, expected: tuple[str, str]) -> None:
    assert expected == _split([text])
    assert expected == _split(list(text))


@given(
    text=st.text(alphabet="<>/think \nab", max_size=60).map(lambda tail: "<think>" + tail),
    places=st.lists(st.integers(0, 70), max_size=5),
)
def test_the_split_does_not_depend_on_the_pieces(text: str, places: list[int]) -> None:
    edges = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]

    pieces = [text[start:end] for start, end in pairwise(edges)]

    assert _split([text]) == _split(pieces)


def test_spaces_before_the_first_word_cost_linearly_and_stay() -> None:
    """A host that sends nothing but spaces must not keep a processor busy."""
    spent = []
    for count in (20_000, 200_000):
        splitter = ThoughtSplitter()
        begun = time.process_time()
        for _ in range(count):
            splitter.feed(" ")
        spent.append((time.process_time() - begun) / count)

    assert spent[1] < 4 * spent[0]
    assert (" " * 200_000 + "a", "") == splitter.feed("a")


def test_a_text_that_goes_on_with_another_keeps_its_line_breaks() -> None:
    splitter = ThoughtSplitter(goes_on=True)

    assert ("\n\nSecond paragraph", "") == splitter.feed("\n\nSecond paragraph")
    assert (("text", "thoughts"), ("", "")) == (
        (told := ThoughtSplitter(goes_on=True)).feed("<think>thoughts</think>\n\ntext"),
        told.finish(),
    )
