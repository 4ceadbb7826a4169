"""Shapes name the outer form of a text."""

import pytest

from openmux_lc.routing.shapes import code_likeness, file_kinds, read_shapes


def _shapes(text: str) -> frozenset[str]:
    return read_shapes(text, text, text.lower().split())


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("look at photo_1.PNG please", {"image"}),
        ("transcribe talk.mp3 and clip.mp4", {"audio", "video"}),
        ("open data.csv, then app.py", {"data", "code"}),
        ("read report.pdf", {"document"}),
        ("version 1.5 of example.com, e.g. this.", set()),
        ("no dot here", set()),
    ],
)
def test_file_names_tell_their_kind(text: str, kinds: set[str]) -> None:
    """Known extensions count; versions, domains and full stops do not."""
    assert kinds == file_kinds(text)


@pytest.mark.parametrize(
    "text",
    [
        "def f(x):\n    return x ** 2\n\nprint(f(2))",
        "#include <stdio.h>\nint main(void) { return 0; }",
        "const f = (a) => a.map(x => x + 1);\nconsole.log(f([1]));",
        "```\nx = 1\ny = foo(x)\n```",
    ],
)
def test_code_looks_like_code(text: str) -> None:
    """Source in several languages is recognised."""
    assert code_likeness(text) >= 0.4


@pytest.mark.parametrize("text", ["", "hi", "What is the capital of France?", "I like cats (and dogs); you do too."])
def test_prose_does_not_look_like_code(text: str) -> None:
    """A bracket does not make a program."""
    assert code_likeness(text) < 0.15


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("Is it true?", "question"),
        ("add 3 and 4", "numbers"),
        ("Ann has 3 apples, Bo has 4 and Cy 5. How many?", "sums"),
        ("query: best boots", "prefix"),
        ("Represent this sentence for retrieval: boots", "prefix"),
        ("title: none | text: boots", "prefix"),
        ("<speak>hi</speak>", "ssml"),
        ("Voice: warm\nPacing: slow\n", "voice_style"),
        ("see https://example.com", "url"),
        ("a\nb\nc", "lines"),
        ("sort in C++", "cpp"),
        ("a corgi wearing a top hat", "scene"),
        ("castle, night, fog, moon", "listed"),
        ("Which?\nA. one\nB. two", "options"),
        ("a,b,c\n1,2,3\n4,5,6\n", "table"),
        ("| a | b |\n| 1 | 2 |\n", "table"),
        ("solve 3x + 7 = 22", "math"),
        ("what is 17% of 20", "math"),
        ("Traceback (most recent call last):", "trace"),
        ("ValueError: bad", "trace"),
        ("list files in /var/log", "path"),
    ],
)
def test_each_shape_is_seen(text: str, shape: str) -> None:
    """One example of every name."""
    assert shape in _shapes(text)


@pytest.mark.parametrize(
    "text", ["a dog", "is the dog here with you", "the meeting is in the room under the roof", "the dog on the sofa?"]
)
def test_sentences_are_no_scenes(text: str) -> None:
    """Too short, asked, addressed or told: none of it is a prompt for a picture."""
    assert "scene" not in _shapes(text)


def test_a_scene_may_be_happening() -> None:
    """`A man is sitting ...` describes what is to be seen."""
    assert "scene" in _shapes("a man is sitting on a bench")


def test_a_title_is_no_embedding_prefix() -> None:
    """Pasted headings are not an embedding model's input."""
    assert "prefix" not in _shapes("Title: my holiday\nIt was good.")
