"""Difficulty grows with size and with asks for thought."""

import json
from pathlib import Path

import pytest

from openmux_lc.routing.classify import classify, classify_text
from openmux_lc.types.run import Request
from tests.routing.entries import ask

HARD = "Design a distributed rate limiter, prove its correctness and analyse the trade-offs in detail."
EASY = "What is the capital of France?"


@pytest.mark.parametrize(
    ("harder", "easier"),
    [
        (HARD, EASY),
        ("Prove that there are infinitely many primes.", "hello"),
        ("Write a Python function that sorts a list", "Tell me a joke"),
        ("Explain this. " * 60, "Explain this."),
        ("Solve 3x + 7 = 22 for x", "turn off the light"),
    ],
)
def test_harder_questions_score_higher(harder: str, easier: str) -> None:
    """S2-04: simple questions go to plentiful models, so they must be told apart."""
    assert classify_text(harder).difficulty > classify_text(easier).difficulty


def test_tools_turns_and_long_answers_add_to_it() -> None:
    """What surrounds the text counts beside it."""
    plain = classify(ask(EASY)).difficulty
    tool = {"type": "function", "function": {"name": "search"}}
    talk = tuple({"role": "user", "content": EASY} for _ in range(6))

    assert classify(ask(EASY, tools=(tool,))).difficulty > plain
    assert classify(ask(EASY, max_tokens=4096)).difficulty > plain
    assert classify(Request(messages=talk)).difficulty > plain


def test_difficulty_separates_the_shared_prompts(shared: Path) -> None:
    """Area under the curve above 0.74 on prompts labelled simple and complex by others."""
    lines = (shared / "prompts" / "complexity_train.jsonl").read_text(encoding="utf-8").split("\n")
    rows = [json.loads(line) for line in lines[::3] if line]
    hard = [classify_text(row["text"]).difficulty for row in rows if row["label"] == "complex"]
    easy = [classify_text(row["text"]).difficulty for row in rows if row["label"] == "simple"]

    wins = sum((one > other) + 0.5 * (one == other) for one in hard for other in easy)

    assert wins / (len(hard) * len(easy)) > 0.74
