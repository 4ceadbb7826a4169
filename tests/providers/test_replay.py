"""Every recorded exchange of every host, replayed over loopback through the package's own adapters (S1-01, S1-02).

A success gives the recorded text, thoughts, tool calls, finish reason and usage; a failure its typed error with
scope, advice and wait; both synchronously and asynchronously, cut at random places, judged by a second reading.
"""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import SHARED
from tests.providers.replay import serving, table
from tests.providers.replay.host import Served
from tests.providers.replay.judge import READERS, labels_of
from tests.providers.replay.recording import Recording, recordings
from tests.providers.replay.run import LABELS, Outcome, replay
from tests.providers.replay.scope import Case, case_of

FOLDER = Path(os.environ.get("OPENMUX_RECORDINGS") or SHARED / "recordings")

EXPLAINED: dict[str, str] = {}
"""The start of a file's name -> why the package is right to differ from it."""

Replayed = Callable[[str], list[Outcome]]


def _providers() -> list[str]:
    index = FOLDER / "INDEX.json"
    return sorted({row["provider"] for row in json.loads(index.read_text())}) if index.is_file() else []


@pytest.fixture(scope="module")
def exchanges() -> list[Recording]:
    if not FOLDER.is_dir():
        pytest.skip("the folder of genuine exchanges is not here (set OPENMUX_SHARED or OPENMUX_RECORDINGS)")
    return recordings(FOLDER)


@pytest.fixture(scope="module")
def replayed(exchanges: list[Recording]) -> Replayed:
    """Replays a provider's exchanges, once per run of this file."""
    done: dict[str, list[Outcome]] = {}
    labels = labels_of(LABELS)

    def of(provider: str) -> list[Outcome]:
        if provider not in done:
            done[provider] = replay([each for each in exchanges if each.provider == provider], labels)
        return done[provider]

    return of


def _unexplained(outcomes: list[Outcome]) -> dict[str, str]:
    wrong = {outcome.name: outcome.why for outcome in outcomes if outcome.verdict == "wrong"}
    return {name: why for name, why in wrong.items() if not name.startswith(tuple(EXPLAINED))}


@pytest.mark.parametrize("provider", _providers())
def test_every_exchange_gives_what_was_recorded(provider: str, replayed: Replayed) -> None:
    """Nothing is wrong that is not explained."""
    outcomes = replayed(provider)

    assert {} == _unexplained(outcomes)


def test_at_least_99_of_100_exchanges_in_scope_are_right(
    replayed: Replayed, capsys: pytest.CaptureFixture[str]
) -> None:
    """The table is printed, so that whoever runs the tests sees what was left out and why."""
    outcomes = [outcome for provider in _providers() for outcome in replayed(provider)]

    with capsys.disabled():
        print(f"\n{table.render(outcomes)}")
    assert table.share(outcomes) >= 0.99


def test_every_request_is_what_a_genuine_client_sent(replayed: Replayed) -> None:
    """Path, header of the key, messages, tools and pairing agree, but for what differs on purpose (`BY_DESIGN`)."""
    outcomes = [outcome for provider in _providers() for outcome in replayed(provider)]

    assert {} == {outcome.name: outcome.sent for outcome in outcomes if outcome.sent}


def test_every_exchange_out_of_scope_has_a_reason(replayed: Replayed) -> None:
    """No exchange is left out silently, and none of a kind that nobody looked at."""
    outcomes = [outcome for provider in _providers() for outcome in replayed(provider)]

    left_out = [outcome for outcome in outcomes if outcome.verdict == "out"]

    assert [] == [outcome.name for outcome in left_out if not outcome.why or "nobody has looked" in outcome.why]


@pytest.mark.parametrize("protocol", sorted(READERS))
def test_one_changed_letter_is_noticed(protocol: str, exchanges: list[Recording]) -> None:
    """A judge that notices nothing proves nothing: the host changes a letter that the second reading still has."""
    recording, word = _first_word(protocol, exchanges)
    changed = ("X" if word[0] != "X" else "Y") + word[1:]

    outcomes = replay([recording], {}, tamper=_swap(word, changed))

    assert ["wrong"] == [outcome.verdict for outcome in outcomes]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"prompt_tokens":', '"prompt_tokens":1'),
        ('"finish_reason":"stop"', '"finish_reason":"length"'),
        ('"finish_reason":"tool_calls"', '"finish_reason":"content_filter"'),
        ('"reasoning":"', '"reasoning":"@'),
        (r'"arguments":"{\"', r'"arguments":"{\"@'),
    ],
)
def test_every_other_change_is_noticed_as_well(old: str, new: str, exchanges: list[Recording]) -> None:
    """Usage, finish reason, thoughts and arguments are compared, not the text alone."""
    found = (each for each in exchanges if old in each.text and _answers(each))
    recording = next(found, None)
    if recording is None:
        pytest.skip(f"nobody recorded {old}")

    outcomes = replay([recording], {}, tamper=_swap(old, new))

    assert ["wrong"] == [outcome.verdict for outcome in outcomes]


@pytest.mark.parametrize(("status", "other"), [(401, 429), (429, 401), (404, 500)])
def test_another_status_is_noticed(status: int, other: int, exchanges: list[Recording]) -> None:
    """A failure must become the error that it is, not any error."""
    found = (each for each in exchanges if each.status == status and case_of(each).mode == "chat")
    recording = next(found, None)
    if recording is None:
        pytest.skip(f"nobody recorded a {status}")

    outcomes = replay([recording], {}, tamper=lambda served: replace(served, status=other))

    assert ["wrong"] == [outcome.verdict for outcome in outcomes]


@pytest.mark.parametrize("mode", ["embed", "models"])
def test_a_changed_vector_or_id_is_noticed(mode: str, exchanges: list[Recording]) -> None:
    """Vectors are compared number by number, lists of models id by id."""
    mark = {"embed": '"embedding":[', "models": '"id":"'}[mode]
    cases = (each for each in exchanges if each.status == 200 and mark in each.text and case_of(each).mode == mode)
    recording = next(cases, None)
    if recording is None:
        pytest.skip(f"nobody recorded {mode}")

    outcomes = replay([recording], {}, tamper=_swap(mark, mark + {"embed": "9,", "models": "@"}[mode]))

    assert ["wrong"] == [outcome.verdict for outcome in outcomes]


def _is_answer(case: Case, protocol: str) -> bool:
    """Whether an answer is due: a required tool that the model ignored is a fault, whatever it said."""
    is_open = not case.recording.request.get("tool_choice")
    return case.mode == "chat" and case.protocol == protocol and not case.is_failure and is_open


def _answers(recording: Recording) -> bool:
    told = READERS["openai"](recording.text) if _is_answer(case_of(recording), "openai") else None
    return told is not None and not told.is_empty and not told.is_error


def _first_word(protocol: str, exchanges: list[Recording]) -> tuple[Recording, str]:
    """Return an exchange of that protocol with a word of its answer that stands in its bytes."""
    for recording in exchanges:
        if not _is_answer(case_of(recording), protocol):
            continue
        body = serving.last_body(case_of(recording)).decode("utf-8", "replace")
        told = READERS[protocol](body)
        words = [word for word in told.text.split() if word.isalpha() and len(word) > 3 and word in body]
        if words and not told.is_error:
            return recording, max(words, key=len)
    pytest.skip(f"nobody recorded an answer of the protocol {protocol}")


def _swap(old: str, new: str) -> Callable[[Served], Served]:
    return lambda served: replace(served, body=served.body.replace(old.encode(), new.encode()))
