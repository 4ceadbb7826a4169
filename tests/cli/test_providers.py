"""`openmux providers`: hosts, limits, sign-up pages; whether there is a key, never the key."""

import json
from pathlib import Path

import pytest

from openmux_lc.cli.providers import limits_text
from openmux_lc.types.catalog import Limit, LimitUnit, Window
from tests.cli.program import KEY, Invoke

ENV = {"OPENMUX_STATE_URL": "memory:", "GROQ_API_KEY": KEY}


def test_each_provider_is_a_line(invoke: Invoke):
    ended = invoke("providers", env=ENV)

    groq = next(line for line in ended.stdout.splitlines() if line.startswith("groq "))
    assert ended.exit_code == 0
    assert "GROQ_API_KEY (environment)" in groq
    assert "requests/minute" in groq
    assert "https://" in groq


def test_one_that_is_off_says_why_and_since_when(invoke: Invoke):
    ended = invoke("providers", env=ENV)

    assert any("off: " in line and "2026-" in line for line in ended.stdout.splitlines())


def test_json_tells_the_variable_and_never_the_key(invoke: Invoke):
    ended = invoke("providers", "--json", env=ENV)

    rows = {row["id"]: row for row in json.loads(ended.stdout)}
    assert rows["groq"]["key"]["found"] is True
    assert rows["groq"]["key"]["variables"] == ["GROQ_API_KEY"]
    assert rows["mistral"]["key"]["state"] == "missing: MISTRAL_API_KEY"
    assert rows["ollama"]["local"] is True
    assert rows["groq"]["free_models"]
    assert KEY not in ended.stdout


def test_terms_say_what_becomes_of_the_data(invoke: Invoke):
    ended = invoke("providers", "--terms", env=ENV)

    assert ended.exit_code == 0
    assert ended.stdout.splitlines()[0].startswith("provider")
    assert "trains on your data" in ended.stdout


def test_edit_writes_a_copy_that_is_read_and_changes_nothing_yet(invoke: Invoke):
    before = invoke("providers", "--json", env=ENV).stdout
    ended = invoke("providers", "--edit", "groq", env=ENV)
    path = Path(ended.stdout.strip())
    after = {row["id"]: row for row in json.loads(invoke("providers", "--json", env=ENV).stdout)}

    expected = {row["id"]: row for row in json.loads(before)}
    assert ended.exit_code == 0
    assert path.is_file()
    assert expected["mistral"] == after["mistral"]
    assert {**expected["groq"], "origin": after["groq"]["origin"]} == after["groq"]


def test_an_unknown_row_cannot_be_edited(invoke: Invoke):
    ended = invoke("providers", "--edit", "grok", env=ENV)

    assert ended.exit_code == 2
    assert "groq" in ended.stderr


@pytest.mark.parametrize(
    ("amount", "unit", "window", "expected"),
    [
        (30, "requests", Window(kind="rolling", seconds=60), "30 requests/minute"),
        (5, "requests", Window(kind="rolling", seconds=1), "5 requests/second"),
        (5, "requests", Window(kind="rolling", seconds=300), "5 requests/5 minutes"),
        (200_000, "tokens", Window(kind="rolling", seconds=86_400), "200,000 tokens/day"),
        (5, "tokens", Window(kind="rolling", seconds=0.5), "5 tokens/0.5 s"),
        (50, "requests", Window(kind="calendar_day", zone="UTC"), "50 requests/day"),
        (50, "requests", Window(kind="calendar_month", zone="UTC"), "50 requests/month"),
        (50, "requests", Window(kind="anniversary_month", anchor=5.0), "50 requests/month from its own day"),
        (5, "requests", Window(kind="token_bucket", seconds=60), "5 requests/minute refilled steadily"),
        (2, "requests", Window(kind="concurrency"), "2 requests at once"),
    ],
)
def test_limits_are_told_in_words(amount: int, unit: LimitUnit, window: Window, expected: str):
    limit = Limit(unit=unit, amount=amount, window=window, scope="key")

    assert expected == limits_text((limit,))
    assert f"{expected}, {expected}" == limits_text((limit, limit))
