"""The classifier says what kind of request it is, how sure it is, and why, without a model."""

import json
import time
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openmux_lc.routing.classify import classify, classify_text, to_text_request
from openmux_lc.routing.eligible import to_requirements
from openmux_lc.routing.rules import RULES
from openmux_lc.types.catalog import TASKS
from openmux_lc.types.run import Classification, Request
from tests.routing.entries import ask

HERE = Path(__file__).parent
QUESTIONS = [json.loads(line) for line in (HERE / "questions.jsonl").read_text(encoding="utf-8").split("\n") if line]
TEXT_WISHES = (HERE / "text_wishes.txt").read_text(encoding="utf-8").split("\n")[:-1]

DRAWN = [row for row in QUESTIONS if row["label"] == "image" and not row.get("attachments")]
SPOKEN = [row for row in QUESTIONS if row["label"] == "tts"]


def _found(row: dict[str, str]) -> Classification:
    return classify_text(row["text"], row.get("attachments", ()))


def _demands(text: str) -> frozenset[str]:
    request = to_text_request(text)
    return to_requirements(request, classify(request)).profile_keys


def test_there_are_exactly_the_seven_classes() -> None:
    """S0-05: chat, code, tts, audio, embeddings, image, other; every rule speaks for one of them."""
    assert ("chat", "code", "tts", "audio", "embeddings", "image", "other") == TASKS
    assert set(TASKS) == {rule.task for rule in RULES}


def test_our_own_questions_are_told_apart_in_twenty_languages() -> None:
    """S0-06: at least 96 in 100 of the questions written by hand, and 9 in 10 of every class."""
    hits: defaultdict[str, list[bool]] = defaultdict(list)
    for row in QUESTIONS:
        hits[row["label"]].append(_found(row).task == row["label"])

    shares = {label: sum(each) / len(each) for label, each in hits.items()}
    whole = [hit for each in hits.values() for hit in each]

    assert min(shares.values()) > 0.9, shares
    assert sum(whole) / len(whole) >= 0.96


def test_the_shared_prompts_are_mostly_told_apart(shared: Path) -> None:
    """S1-07: strict accuracy above 0.80, 0.92 with chat and other as one, and confidence that means something."""
    lines = (shared / "prompts" / "train.jsonl").read_text(encoding="utf-8").split("\n")
    rows = [json.loads(line) for line in lines[::7] if line]
    found = [classify_text(row["text"]) for row in rows]

    strict = [each.task == row["label"] for each, row in zip(found, rows, strict=True)]
    text = {"chat", "other"}
    merged = [
        each.task == row["label"] or {each.task, row["label"]} <= text for each, row in zip(found, rows, strict=True)
    ]
    confidence = sum(each.confidence for each in found) / len(found)

    assert sum(strict) / len(rows) > 0.80
    assert sum(merged) / len(rows) > 0.92
    assert abs(confidence - sum(strict) / len(rows)) < 0.08


@pytest.mark.parametrize("text", TEXT_WISHES)
def test_a_wish_for_words_never_demands_a_model_that_draws_or_speaks(text: str) -> None:
    """A wrong refusal is worse than an answer in words."""
    assert frozenset() == _demands(text)


@pytest.mark.parametrize(
    "text",
    [row["text"] for row in DRAWN if row["text"].split()[0].lower() in {"draw", "dibuja", "zeichne", "нарисуй"}]
    + [
        "画一只戴帽子的猫。",
        "帽子をかぶった猫の絵を描いて。",
        "ارسم لي قطة ترتدي قبعة",
        "Dessine-moi un mouton.",
        "Narysuj smoka.",
    ],
)
def test_a_wish_for_a_picture_demands_a_model_that_draws(text: str) -> None:
    """The contract: an image to be drawn gets no answer in words, in any language."""
    assert frozenset({"image_outputs"}) == _demands(text)


def test_most_wishes_for_speech_demand_a_model_that_speaks() -> None:
    """The same for reading aloud: at least 8 in 10, and never another ability."""
    demands = [_demands(row["text"]) for row in SPOKEN]

    assert {frozenset({"audio_outputs"})} == set(demands) - {frozenset()}
    assert sum(map(bool, demands)) / len(demands) > 0.8


def test_tools_and_schemas_ask_for_words() -> None:
    """An agent's tool may draw, and a schema is filled in words: nothing else is demanded."""
    tool = {"type": "function", "function": {"name": "paint"}}
    requests = (
        ask("Draw me a fox", tools=(tool,)),
        ask("Draw me a fox", response_format={"type": "json_schema", "json_schema": {}}),
    )

    keys = [to_requirements(request, classify(request)).profile_keys for request in requests]

    assert [frozenset({"tool_calling"}), frozenset({"structured_output"})] == keys


def test_the_caller_overrides_the_class() -> None:
    """S0-07: the caller's word is certain and marked as such."""
    found = classify(ask("Write a Python function"), task="tts")

    assert ("tts", 1.0, (("tts", 1.0),), True) == (found.task, found.confidence, found.tasks, found.is_override)
    assert ("set by the caller",) == found.evidence


def test_two_wishes_show_two_classes_best_first() -> None:
    """A mixed request tells both, with falling confidence."""
    found = classify_text("Translate this into French and read it out loud to me")

    names = [name for name, _ in found.tasks]
    shares = [share for _, share in found.tasks]

    assert {"tts", "other"} <= set(names)
    assert sorted(shares, reverse=True) == shares
    assert found.task == names[0]


@pytest.mark.parametrize(
    ("text", "attachments", "task", "tag"),
    [
        ("What is in this picture?", ["image"], "image", "vision"),
        ("what does he say", ["audio"], "audio", "audio_input"),
        ("Summarise this", ["video"], "other", "video"),
        ("Translate to German: where is the station?", [], "other", "translation"),
        ("Solve 3x + 7 = 22 for x", [], "other", "math"),
        ("Summarize the following article: The council voted.", [], "other", "summarization"),
        ("What's the weather in Oslo tomorrow?", [], "other", "web_search"),
        ("turn off the bedroom lights", [], "other", "action"),
    ],
)
def test_tags_tell_more_than_the_class(text: str, attachments: list[str], task: str, tag: str) -> None:
    """Attachments and sub-labels show among the tags."""
    found = classify_text(text, attachments)

    assert task == found.task
    assert tag in found.tags


def test_tools_and_a_schema_show_among_the_tags() -> None:
    """What is bound to the request counts beside its text."""
    tool = {"type": "function", "function": {"name": "clock"}}

    found = classify(ask("What time is it?", tools=(tool,), response_format={"type": "json_object"}))

    assert {"tool_use", "structured"} <= set(found.tags)


def test_a_short_follow_up_is_read_with_the_question_before() -> None:
    """`continue` behind a request for code is code, but never sure enough to demand an ability."""
    talk = (
        {"role": "user", "content": "Write a Python function that sorts a list"},
        {"role": "assistant", "content": "..."},
        {"role": "user", "content": "continue"},
    )
    drawn = ({"role": "user", "content": "Draw me a fox"}, talk[1], {"role": "user", "content": "now in blue"})

    found = classify(Request(messages=talk))
    picture = classify(Request(messages=drawn))

    assert "code" == found.task
    assert "image" == picture.task
    assert picture.confidence <= 0.75
    assert frozenset() == to_requirements(Request(messages=drawn), picture).profile_keys


def test_thanks_behind_a_picture_is_not_a_picture() -> None:
    """A follow-up with a wish of its own keeps it."""
    talk = (
        {"role": "user", "content": "Write a Python function that sorts a list"},
        {"role": "user", "content": "translate it to French"},
    )

    assert "other" == classify(Request(messages=talk)).task


def test_a_quotation_is_material_not_the_wish() -> None:
    """What stands in quotes or behind the colon does not decide."""
    texts = (
        "Translate 'draw me a picture of a cat' to Polish",
        "Summarize: write a Python function, she said, and left",
    )

    assert ["other", "other"] == [classify_text(text).task for text in texts]


@given(st.text(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_text_gets_a_sound_classification(text: str) -> None:
    """Confidence and difficulty lie in 0..1, the best class leads, and the same text gives the same result."""
    found = classify_text(text)

    assert found.task == found.tasks[0][0]
    assert 0.0 < found.confidence <= 1.0
    assert 0.0 <= found.difficulty <= 1.0
    assert found == classify_text(text)


@given(st.lists(st.text("qxzvkj", min_size=6, max_size=9), min_size=3, max_size=12))
@settings(max_examples=50, deadline=None)
def test_evidence_never_quotes_the_prompt(words: list[str]) -> None:
    """Evidence names our own cues; a stranger's words appear nowhere in the result."""
    found = classify_text(f"Draw {' '.join(words)} and translate them to python")

    told = " ".join((*found.evidence, *found.tags))

    assert found.evidence
    assert not any(word in told for word in words)


@pytest.mark.parametrize(
    "unit",
    [
        "x",
        "\n",
        "'",
        '"',
        "`",
        "$",
        "(a) ",
        "a: ",
        "|a|b|\n",
        "a,b\n",
        "/a",
        "-- ",
        "画",
        "a.b,",
        "{",
        "def ",
        "\n ",
        "\uff1f",
    ],
)
def test_a_megabyte_is_classified_at_once(unit: str) -> None:
    """Only head and tail are read, and no pattern turns quadratic: far below a tenth of a second."""
    text = unit * (1_000_000 // len(unit))
    request = to_text_request(text)

    began = time.process_time()
    found = classify(request)
    spent_s = time.process_time() - began

    assert found.task in TASKS
    assert spent_s < 2.0


def test_a_request_without_a_user_message_is_classified() -> None:
    """Nothing to read is chat."""
    assert "chat" == classify(Request(messages=())).task
