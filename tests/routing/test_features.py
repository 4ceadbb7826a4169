"""What is seen of a request: its last words, what hangs on it, and how long it is."""

import time

import pytest

from openmux_lc.routing.features import Features, attachments_of, read_features, text_of
from openmux_lc.routing.signals import to_signals
from openmux_lc.routing.tokens import estimated_request_tokens, estimated_tokens
from openmux_lc.types.json import Json
from openmux_lc.types.run import Request
from tests.routing.entries import AUDIO, IMAGE, ask


def _signals(text: str) -> frozenset[str]:
    return to_signals(read_features(ask(text)))


def test_the_text_of_a_message_joins_its_parts() -> None:
    """Strings, part lists and empty contents all give a text."""
    messages = (
        {"role": "user", "content": "one"},
        {"role": "user", "content": [{"type": "text", "text": "one"}, IMAGE, {"type": "text", "text": "two"}]},
        {"role": "user", "content": None},
    )

    assert ["one", "one\ntwo", ""] == [text_of(message) for message in messages]


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        (IMAGE, "image"),
        ({"type": "input_image", "image_url": "x"}, "image"),
        (AUDIO, "audio"),
        ({"type": "audio", "base64": "x"}, "audio"),
        ({"type": "video_url", "video_url": {"url": "x"}}, "video"),
        ({"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA"}}, "pdf"),
        ({"type": "file", "file": {"file_data": "data:image/png;base64,AA"}}, "image"),
        ({"type": "file", "mime_type": "audio/wav", "base64": "AA"}, "audio"),
        ({"type": "document"}, "pdf"),
    ],
)
def test_each_kind_of_part_is_known(part: dict[str, Json], kind: str) -> None:
    """The wire's parts and their cousins name what is attached."""
    assert frozenset({kind}) == attachments_of({"role": "user", "content": [part]})


def test_text_and_strangers_are_no_attachments() -> None:
    """Text parts, unknown parts and rubbish attach nothing."""
    message = {"role": "user", "content": [{"type": "text", "text": "x"}, {"type": "refusal"}, "rubbish", {}]}

    assert frozenset() == attachments_of(message)
    assert frozenset() == attachments_of({"role": "user", "content": "x"})


def test_an_image_of_an_earlier_turn_is_still_attached_but_not_fresh() -> None:
    """Every image of the history must be readable; the last message alone decides the task."""
    talk = (
        {"role": "user", "content": [IMAGE]},
        {"role": "user", "content": "Thank you, that helps me a great deal today"},
    )

    features = read_features(Request(messages=talk))

    assert (frozenset({"image"}), frozenset()) == (features.attachments, features.fresh)
    assert 2 == features.turns


def test_only_a_short_text_is_a_follow_up() -> None:
    """A long text stands for itself; a short one brings the text before it."""
    first = {"role": "user", "content": "Draw a fox"}
    long = {"role": "user", "content": "Please explain to me how photosynthesis works in plants"}

    assert read_features(Request(messages=(first, {"role": "user", "content": "again"}))).earlier is not None
    assert read_features(Request(messages=(first, long))).earlier is None
    assert read_features(Request(messages=({"role": "user", "content": "again"},))).earlier is None


def test_a_schema_of_plain_text_is_none() -> None:
    """`response_format: text` asks for nothing special."""
    assert not read_features(ask("hi", response_format={"type": "text"})).has_schema
    assert read_features(ask("hi", response_format={"type": "json_object"})).has_schema


def test_verbs_meet_their_objects() -> None:
    """`make a picture` is a verb with its object; `picture ... make` is not, in English."""
    assert "make>picture" in _signals("make a nice picture of it")
    assert "make>picture" not in _signals("the picture shows what people make")
    assert "make>picture" in _signals("ein Bild möchte ich, erstelle es")


def test_the_asked_thing_is_the_first_behind_the_first_verb() -> None:
    """What is to be delivered, not what it is about."""
    assert "gets:genre" in _signals("write a poem about a painting")
    assert "gets:picture" in _signals("create a picture of a poem")
    assert not any(name.startswith("gets:") for name in _signals("translate this poem"))
    assert not any(name.startswith("gets:") for name in _signals("hello there"))
    assert not any(name.startswith("gets:") for name in _signals("well " * 20 + "make a picture"))


def test_scripts_without_word_borders_are_read_by_substring() -> None:
    """Chinese, Japanese, Korean, Thai, Arabic and Hindi words count wherever they stand."""
    texts = (
        "请把这段话翻译成英文",
        "英語に翻訳して",
        "영어로 번역해 줘",
        "แปลเป็นภาษาอังกฤษ",
        "ترجم هذا",
        "इसका अनुवाद करो",
    )

    assert all("translate" in _signals(text) for text in texts)


def test_quoted_words_are_masked_unless_they_are_all_there_is() -> None:
    """A decoy in quotes gives no cue; a prompt that is one quotation does."""
    assert "draw" not in _signals("What does 'draw a fox' mean?")
    assert "draw" in _signals("'draw a fox'")
    assert "quotes:long" in _signals("Say 'one two three four' please")
    assert "quotes" not in _signals("It's Anna's dog")


def test_what_stands_behind_an_instructions_colon_is_material() -> None:
    """The last line counts again, since instructions also stand there."""
    assert "draw" not in _signals("Translate this: draw a fox")
    assert "draw" in _signals("I have a question: draw a fox or a cat?")
    assert "translate" in _signals("Summarize the text: one\ntwo\nand then translate it")


def test_words_in_the_middle_of_a_long_prompt_are_not_read() -> None:
    """Head and tail hold the wish; the middle is bounded away."""
    middle = "lorem ipsum " * 100

    assert "draw" not in _signals(f"hello {middle} draw {middle}")
    assert "draw" in _signals(f"hello {middle} draw it")
    assert "draw" in _signals(f"draw {middle}")


def test_tokens_are_estimated_by_script() -> None:
    """About four Latin letters a token, more than half a token for a Chinese character, two for others."""
    assert 0 == estimated_tokens("")
    assert 251 == estimated_tokens("a" * 1000)
    assert 600 < estimated_tokens("画" * 1000) < 1000
    assert 300 < estimated_tokens("ж" * 1000) < 700
    assert 200 < estimated_tokens("é" + "a" * 999) < 300
    assert estimated_tokens("画" * 100_000) == pytest.approx(100 * estimated_tokens("画" * 1000), rel=0.01)


def test_attachments_calls_and_tools_cost_tokens() -> None:
    """What is not text is not free of charge."""
    call = {"id": "1", "type": "function", "function": {"name": "clock", "arguments": '{"zone": "Europe/Berlin"}'}}
    tool = {"type": "function", "function": {"name": "clock", "parameters": {}}}
    plain = estimated_request_tokens(ask("hi"))

    assert estimated_request_tokens(ask("hi", IMAGE)) > plain + 500
    assert estimated_request_tokens(ask("hi", AUDIO)) > plain + 500
    assert estimated_request_tokens(ask("hi", tools=(tool,))) > plain + 10
    assert (
        estimated_request_tokens(Request(messages=({"role": "assistant", "content": None, "tool_calls": [call]},))) > 20
    )


def test_features_hold_no_text() -> None:
    """Nothing of the prompt is kept, so nothing of it can leak."""
    features = read_features(ask("Draw xylophonist"))

    assert isinstance(features, Features)
    assert "xylophonist" not in repr(features)


@pytest.mark.performance
def test_features_of_a_usual_prompt_take_a_tenth_of_a_millisecond() -> None:
    """The aim is 100 us for 200 characters; six times that is allowed for a busy machine under coverage."""
    request = ask("Please write a short story about a dragon who wants to become a baker. " * 3)
    read_features(request)

    spent = []
    for _ in range(300):
        began = time.process_time()
        read_features(request)
        spent.append(time.process_time() - began)

    assert min(spent) < 0.0006
