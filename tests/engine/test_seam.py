"""Where a successor's text goes on: nothing twice, nothing missing, whatever it says first."""

import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from openmux_lc.engine.preface import is_in_fence
from openmux_lc.engine.resume import anchor_of
from openmux_lc.engine.seam import Seam, overlap
from tests.patience import LATE_S

PROSE = (
    "The harbour was quiet when Mira walked down to the boats. She had a letter in her pocket, and no wish to read "
    "it again.\n\nAt the pier an old man mended nets; he nodded, said nothing, and went on with his work.\n\n"
    "- a rope\n- two lamps\n- bread for four days\n\nBy noon the wind had turned, which nobody had expected."
)
CODE = (
    "Here is the function:\n\n```python\ndef mean(values: list[float]) -> float:\n    if not values:\n"
    '        raise ValueError("nothing to average")\n    total = sum(values)\n    return total / len(values)\n```\n\n'
    "It raises for an empty list."
)
JSON = '{"city": "Lisbon", "river": "Tejo", "hills": 7, "tags": ["coast", "capital"], "note": "said \\"hello\\""}'
CJK = "港口很安静。米拉走到船边,口袋里有一封信。老人在修补渔网,点了点头,什么也没说。中午风向变了,没有人预料到。"
MARKS = "Zoe\u0308 said cafe\u0301 👨‍👩‍👧 and 🇵🇹 flags, then 𝄞 music and ✅ done — nothing more to add."
TEXTS = [PROSE, CODE, JSON, CJK, MARKS]
REMARKS = [
    "Sure, here is the rest:\n\n",
    "Of course! Continuing from where I left off:\n\n",
    "Here's the rest of the answer:\n\n",
    "Continuing: ",
]


def joined(shown: str, text: str, *, step: int = 3, is_prefilled: bool = False) -> str:
    """Return what the reader sees in the end."""
    seam = Seam(shown, is_prefilled=is_prefilled, anchor="" if is_prefilled else anchor_of(shown))
    return shown + "".join(seam.feed(text[at : at + step]) for at in range(0, len(text), step)) + seam.finish()


texts = st.sampled_from(TEXTS)
steps = st.integers(1, 40)


@given(texts, st.data(), steps, st.booleans())
def test_an_exact_continuation_is_added_as_it_is(text: str, data: st.DataObject, step: int, is_prefilled: bool):
    cut = data.draw(st.integers(1, len(text)))
    assume(not text[:cut].endswith("`"))  # one more of them may be the same one again

    assert text == joined(text[:cut], text[cut:], step=step, is_prefilled=is_prefilled)


@given(texts, st.data(), steps, st.booleans())
def test_a_new_beginning_is_left_out(text: str, data: st.DataObject, step: int, is_prefilled: bool):
    cut = data.draw(st.integers(1, len(text)))

    assert text == joined(text[:cut], text, step=step, is_prefilled=is_prefilled)


@given(st.sampled_from([PROSE, CODE, CJK, MARKS]), st.data(), steps)
def test_repeated_characters_are_left_out(text: str, data: st.DataObject, step: int):
    cut = data.draw(st.integers(20, len(text)))
    again = data.draw(st.integers(16, 80))

    assert text == joined(text[:cut], text[max(0, cut - again) :], step=step)


@given(texts, st.data(), steps, st.sampled_from(REMARKS))
def test_a_remark_is_left_out_before_whatever_follows(text: str, data: st.DataObject, step: int, remark: str):
    cut = data.draw(st.integers(20, len(text)))
    start = data.draw(st.sampled_from([cut, 0]))
    assume(not (start and text[cut : cut + 1] in "\n `"))  # whose blank it is cannot be told
    assume(not text[:cut].endswith("`"))

    assert text == joined(text[:cut], remark + text[start:], step=step)


@given(st.data(), steps)
def test_a_fence_opened_anew_is_left_out(data: st.DataObject, step: int):
    cut = data.draw(st.integers(CODE.index("def"), CODE.rindex("```") - 1))

    assert is_in_fence(CODE[:cut])
    assert CODE == joined(CODE[:cut], "```python\n" + CODE[cut:], step=step)


@given(st.text(), st.text(), st.integers(1, 9))
def test_any_text_is_given_out_in_order(shown: str, text: str, step: int):
    """Whatever is shown is an end of what the successor said: nothing is made up."""
    assume(shown.strip())
    new = joined(shown, text, step=step).removeprefix(shown)

    assert text.endswith(new)


@pytest.mark.parametrize(
    ("shown", "text", "whole"),
    [
        ("he laughed: ha ha ", "ha ha!", "he laughed: ha ha ha ha!"),
        ("| a | b |\n|---|", "---|\n", "| a | b |\n|---|---|\n"),
        ("n = 1000", "1000", "n = 10001000"),
        ("def f():\n    ", "    return 1", "def f():\n        return 1"),
        ("I ag", "agreed at once", "I agreed at once"),
        ("one of", "of them", "one of them"),
        ("I agree", "d at once", "I agreed at once"),
        ("the first ", " word", "the first word"),
        ("We saw  the old\nbridge", "the old bridge, and", "We saw  the old\nbridge, and"),
        ("Paris is", "\n\nParis is the capital", "Paris is the capital"),
    ],
)
def test_seams_where_a_repetition_is_a_question(shown: str, text: str, whole: str):
    assert whole == joined(shown, text)


def test_a_new_beginning_in_other_words_is_lost():
    seam = Seam("The capital of France is Par")
    told = seam.feed("The capital of France, as everybody knows, is Paris.") + seam.finish()

    assert "" == told
    assert seam.is_lost


def test_text_flows_on_at_once_where_nothing_is_repeated():
    """The look-ahead ends with the first words that stand nowhere in what was shown."""
    seam = Seam(PROSE)

    assert " Nobody knew why" == seam.feed(" Nobody knew why")
    assert "the harbour" == seam.feed("the harbour")


def test_a_long_answer_begun_again_is_joined_in_no_time():
    shown = "".join(f"Line {number} of a long answer.\n" for number in range(10_000))
    started = time.monotonic()

    assert f"{shown}The end." == joined(shown, f"{shown}The end.", step=4)
    assert time.monotonic() - started < LATE_S


@given(st.text("ab ", max_size=40), st.text("ab ", max_size=40))
def test_an_overlap_is_one(shown: str, text: str):
    size = overlap(shown, text)

    assert shown.endswith(text[:size]) or shown.strip() == text[:size].strip()
