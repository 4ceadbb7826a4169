"""Hard requirements: what a request needs, and why a route that lacks it is left out."""

import pytest

from openmux_lc.routing.classify import classify
from openmux_lc.routing.eligible import able_entries, paused_routes, to_requirements, why_not
from openmux_lc.types.catalog import Route, Task
from openmux_lc.types.run import Classification, Request, Requirements
from openmux_lc.types.state import Cooldown, Snapshot
from tests.routing.entries import AUDIO, IMAGE, ask, entry

NOW = 1_000.0
TOOL = {"type": "function", "function": {"name": "clock"}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}


def _needs(request: Request, task: Task | None = None) -> Requirements:
    return to_requirements(request, classify(request, task=task))


@pytest.mark.parametrize(
    ("request_", "keys"),
    [
        (ask("hello"), set()),
        (ask("what is it?", IMAGE), {"image_inputs"}),
        (ask("what is said?", AUDIO), {"audio_inputs"}),
        (ask("compare", IMAGE, AUDIO), {"image_inputs", "audio_inputs"}),
        (ask("time?", tools=(TOOL,)), {"tool_calling"}),
        (ask("time?", tools=(TOOL,), tool_choice="none"), set()),
        (ask("time?", response_format=SCHEMA), {"structured_output"}),
        (ask("time?", response_format={"type": "json_object"}), set()),
    ],
)
def test_what_hangs_on_a_request_is_required(request_: Request, keys: set[str]) -> None:
    """Attachments, tools and a schema name the abilities; a JSON object any model writes."""
    assert keys == _needs(request_).profile_keys


def test_looking_at_an_image_needs_a_text_model_that_sees() -> None:
    """The contract: looking at an image goes to a vision model."""
    needs = _needs(ask("What is in this picture?", IMAGE))

    assert ("chat", frozenset({"image_inputs"})) == (needs.task, needs.profile_keys)


@pytest.mark.parametrize(
    ("task", "keys"), [("image", {"image_outputs"}), ("tts", {"audio_outputs"}), ("audio", set()), ("code", set())]
)
def test_an_override_is_taken_at_its_word(task: Task, keys: set[str]) -> None:
    """S0-07: whoever sets the task means it."""
    assert keys == _needs(ask("a quiet lake"), task).profile_keys


def test_an_override_to_image_with_an_image_attached_means_looking() -> None:
    """With a picture at hand it is to be looked at."""
    needs = _needs(ask("the lake", IMAGE), "image")

    assert ("chat", frozenset({"image_inputs"})) == (needs.task, needs.profile_keys)


def test_vectors_are_required_only_by_the_callers_own_word() -> None:
    """A question about similarity is answered in words; the override asks for vectors."""
    text = "How similar in meaning are these two sentences? 'I lost my keys' / 'My keys are gone'"

    assert "chat" == _needs(ask(text)).task
    assert "embeddings" == _needs(ask(text), "embeddings").task


def test_an_unsure_guess_demands_nothing() -> None:
    """Below 0.8 a picture is described in words."""
    guess = Classification(task="image", confidence=0.79, tags=("image_generation",))
    sure = Classification(task="image", confidence=0.8, tags=("image_generation",))

    assert frozenset() == to_requirements(ask("x"), guess).profile_keys
    assert frozenset({"image_outputs"}) == to_requirements(ask("x"), sure).profile_keys


def test_the_window_must_hold_prompt_and_answer() -> None:
    """The estimate counts the asked-for answer, or half a thousand tokens."""
    short = _needs(ask("hi"))
    long = _needs(ask("hi", max_tokens=9000))

    assert 512 < short.min_context_tokens < 600
    assert 9000 < long.min_context_tokens < 9100


@pytest.mark.parametrize(
    ("profile", "keys", "reason"),
    [
        ({"tool_calling": False}, {"tool_calling"}, "cannot call tools"),
        ({}, {"tool_calling"}, ""),
        ({"tool_calling": True}, {"tool_calling"}, ""),
        ({"structured_output": False}, {"structured_output"}, "cannot keep to a schema"),
        ({}, {"image_inputs"}, "cannot look at images"),
        ({"image_inputs": True}, {"image_inputs"}, ""),
        ({}, {"audio_inputs"}, "cannot listen to audio"),
        ({}, {"pdf_inputs"}, "cannot read PDF files"),
        ({}, {"image_outputs"}, "cannot make images"),
        ({"reasoning_output": False}, {"reasoning_output"}, "has no reasoning_output"),
        ({"max_input_tokens": 100}, set(), "its window of 100 tokens is too small for about 200"),
        ({"max_input_tokens": 200}, set(), ""),
    ],
)
def test_each_missing_ability_has_its_reason(profile: dict[str, bool], keys: set[str], reason: str) -> None:
    """Unknown abilities are trusted, but for what a model has to look at or make."""
    needs = Requirements(profile_keys=frozenset(keys), min_context_tokens=200)

    assert reason == why_not(entry("a:m", profile=profile), needs)  # type: ignore[arg-type]


def test_a_named_route_is_believed_unless_it_is_known_to_lack_something() -> None:
    """A pin passes what is unknown, never what is known to be false, never a block."""
    needs = Requirements(profile_keys=frozenset({"image_inputs"}))

    assert "" == why_not(entry("a:m"), needs, is_named=True)
    assert "cannot look at images" == why_not(entry("a:m", profile={"image_inputs": False}), needs, is_named=True)
    assert "off" == why_not(entry("a:m", blocked="off"), needs, is_named=True)


@pytest.mark.parametrize(
    ("tasks", "task", "reason"),
    [
        ({"embeddings"}, "chat", "makes embeddings only"),
        ({"chat"}, "embeddings", "makes no embeddings"),
        ({"embeddings"}, "embeddings", ""),
        ({"chat"}, "code", ""),
        ({"code"}, "code", ""),
        ({"audio"}, "chat", "is not made for chat"),
    ],
)
def test_the_kind_of_model_must_fit_the_task(tasks: set[Task], task: Task, reason: str) -> None:
    """A chat model serves every text task; vectors and sound need their own kind."""
    assert reason == why_not(entry("a:m", tasks=frozenset(tasks)), Requirements(task=task))


def test_a_paused_route_is_rejected_with_the_end_of_its_pause() -> None:
    """Complaint 5: the reason and when it ends; a provider's pause holds for all its routes."""
    pool = [entry("a:m"), entry("b:m"), entry("c:m")]
    cooldowns = {"a:m": Cooldown(until=NOW + 60, reason="quota spent"), "b": Cooldown(until=NOW + 30, reason="down")}

    paused = paused_routes(pool, Snapshot(at=NOW, cooldowns=cooldowns))

    assert [("a:m", "paused: quota spent", NOW + 60), ("b:m", "paused: down", NOW + 30)] == [
        (found.route, found.reason, found.until) for found in paused.values()
    ]


def test_a_pause_that_has_ended_or_a_named_route_is_no_rejection() -> None:
    """Time heals; and a pinned route is asked even while it is paused."""
    pool = [entry("a:m"), entry("b:m")]
    cooldowns = {"a:m": Cooldown(until=NOW, reason="x"), "b:m": Cooldown(until=NOW + 9, reason="x")}

    paused = paused_routes(pool, Snapshot(at=NOW, cooldowns=cooldowns), named=frozenset({Route("b", "m")}))

    assert {} == paused


def test_a_blocked_entry_is_rejected_with_its_own_reason() -> None:
    """And a ledger without pauses rejects nobody."""
    pool = [entry("a:m"), entry("b:m", blocked="no key")]

    able, rejected = able_entries(pool, Requirements())

    assert ["a:m"] == [str(found.route) for found in able]
    assert [("b:m", "no key", None)] == [(found.route, found.reason, found.until) for found in rejected]
    assert {} == paused_routes(pool, Snapshot(at=NOW))
