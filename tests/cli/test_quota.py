"""`openmux quota`: what is left today, from whom, and the next command where nothing is."""

import json
from datetime import datetime

import pytest

from openmux_lc.cli.quota import clock_text
from openmux_lc.testing import Answer, FakeUpstream
from tests.cli.program import Openmux

KEYS = {"OPENMUX_PROVIDERS": "groq,openrouter", "GROQ_API_KEY": "g", "OPENROUTER_API_KEY": "o"}
PAGE = {"data": {"free_model_daily_requests": {"limit": 50, "used": 47, "remaining": 3}}}


def test_each_provider_has_a_line_and_the_pool_a_sum(openmux: Openmux):
    """FIELD, what nobody has, 6: how many calls until when, and how many of them to strong models."""
    ended = openmux("quota", env=KEYS)

    assert ended.code == 0
    assert "50 of 50 requests/day" in ended.out
    assert "8,000 tokens/minute a model" in ended.out
    assert "the whole pool: about 850 calls until" in ended.out
    assert "to strong models" in ended.out


def test_one_provider_is_told_route_by_route(openmux: Openmux):
    ended = openmux("quota", "groq", "--tokens", "4000", env=KEYS)

    assert ended.code == 0
    assert "groq:openai/gpt-oss-120b" in ended.out
    assert "openrouter:" not in ended.out.partition("the whole pool")[0]


def test_what_was_called_is_taken_off_and_what_an_account_tells_counts(openmux: Openmux):
    with FakeUpstream(Answer("Paris."), pages={"/v1/key": PAGE}) as upstream:
        env = {**KEYS, "OPENMUX_PROVIDERS": "openrouter", "OPENMUX_OPENROUTER_BASE_URL": upstream.base_url}
        asked = openmux("chat", "--model", "openrouter:openrouter/free", "hi", env=env)
        ended = openmux("quota", "--refresh", "--json", env=env)
    told = json.loads(ended.out)
    limits = {each["limit"]: each for each in told["routes"][0]["limits"]}

    assert (0, 0) == (asked.code, ended.code)
    # The account may have been asked while the call was on its way: then it is counted beside what the page says.
    assert told["calls"] in {2, 3}
    assert told["calls"] == told["providers"]["openrouter"] == limits["50 requests/day"]["left"]
    assert 50 == limits["50 requests/day"]["used"] + limits["50 requests/day"]["left"]


def test_an_account_page_that_fails_is_named_and_changes_nothing(openmux: Openmux):
    with FakeUpstream(Answer("Paris.")) as upstream:
        env = {**KEYS, "OPENMUX_PROVIDERS": "openrouter", "OPENMUX_OPENROUTER_BASE_URL": upstream.base_url}
        ended = openmux("quota", "--refresh", env=env)

    assert ended.code == 0
    assert "openrouter: ModelGone" in ended.err
    assert "50 of 50 requests/day" in ended.out


def test_nothing_to_call_names_the_next_command(openmux: Openmux):
    ended = openmux("quota", env={"OPENMUX_PROVIDERS": "groq"})

    assert ended.code == 0
    assert "no route may be called now" in ended.out
    assert "next: openmux doctor" in ended.err


def test_an_unknown_provider_is_an_error_that_names_the_known_ones(openmux: Openmux):
    ended = openmux("quota", "grok", env=KEYS)

    assert ended.code == 2
    assert "groq" in ended.err


@pytest.mark.parametrize(
    ("later_s", "expected"),
    [
        (41, "12:00:41 (in 41 s)"),
        (600, "12:10 (in 10 min)"),
        (9 * 3600, "21:00 (in 9 h)"),
        (30 * 86_400, "Sun 12 Jul 12:00 (in 30 days)"),
        (-5, "11:59:55 (in 0 s)"),
    ],
)
def test_a_moment_is_told_in_local_time(later_s: float, expected: str):
    noon = datetime(2026, 6, 12, 12).timestamp()  # noqa: DTZ001 - the machine's own zone is what is told

    assert expected == clock_text(noon + later_s, noon)
