"""`openmux cooldowns`: who rests, why and on whose word; clearing is the user's word."""

import json
import time
from pathlib import Path

import pytest

from openmux_lc.testing import FakeUpstream, payment_required, rate_limited
from tests.cli.program import Invoke, two_hosts


@pytest.fixture
def resting(invoke: Invoke, tmp_path: Path) -> dict[str, str]:
    """The variables of a pool whose first host was told to rest, and whose second answered."""
    with FakeUpstream(rate_limited(600)) as first, FakeUpstream() as second:
        env = two_hosts(tmp_path, first, second) | {"OPENMUX_STATE_URL": f"sqlite:///{tmp_path / 'state.db'}"}
        assert invoke("chat", "hello", env=env).exit_code == 0
    return env


def test_the_list_tells_until_when_why_and_who_says_so(invoke: Invoke, resting: dict[str, str]):
    """FIELD 5: route, reason, until, source of that belief."""
    table = invoke("cooldowns", env=resting)
    told = json.loads(invoke("cooldowns", "--json", env=resting).stdout)

    assert ["first:m"] == [entry["name"] for entry in told]
    assert ("header", "RateLimited (HTTP 429)") == (told[0]["source"], told[0]["reason"])
    assert time.time() + 600 == pytest.approx(told[0]["until"], abs=60)
    assert "told by the provider" in table.stdout
    assert "RateLimited (HTTP 429)" in table.stdout


@pytest.mark.parametrize("words", [(), ("first:m",), ("first",)], ids=["all", "a route", "its provider"])
def test_the_users_word_ends_a_pause(invoke: Invoke, resting: dict[str, str], words: tuple[str, ...]):
    """FIELD 5: `openmux cooldowns clear`."""
    cleared = invoke("cooldowns", "clear", *words, env=resting)
    after = invoke("cooldowns", env=resting)

    assert (0, "first:m\n") == (cleared.exit_code, cleared.stdout)
    assert (0, "") == (after.exit_code, after.stdout)
    assert "nobody rests" in after.stderr


def test_clearing_who_does_not_rest_changes_nothing(invoke: Invoke, resting: dict[str, str]):
    ended = invoke("cooldowns", "clear", "--json", "second", env=resting)

    assert {"cleared": [], "left": ["first:m"]} == json.loads(ended.stdout)


@pytest.mark.parametrize(("wanted", "hint"), [("frist", "'first'"), ("first:mm", "'first:m'"), ("zzz", "lists who")])
def test_an_unknown_name_is_told_with_the_nearest(invoke: Invoke, resting: dict[str, str], wanted: str, hint: str):
    ended = invoke("cooldowns", "clear", wanted, env=resting)

    assert 2 == ended.exit_code
    assert hint in ended.stderr


def test_a_quota_that_we_count_ourselves_is_not_ended(invoke: Invoke, tmp_path: Path):
    """The word clears beliefs, not what was really used."""
    with FakeUpstream() as first, FakeUpstream(payment_required()) as second:
        env = two_hosts(tmp_path, first, second) | {"OPENMUX_STATE_URL": f"sqlite:///{tmp_path / 'state.db'}"}
        with Path(env["OPENMUX_CONFIG"]).open("a", encoding="utf-8") as config:
            config.write('[[providers.first.limits]]\nunit = "requests"\namount = 1\nper = "day"\n')
        assert invoke("chat", "hello", env=env).exit_code == 0
        ended = invoke("cooldowns", "clear", env=env)

    assert 0 == ended.exit_code
    assert "by our own count" in ended.stderr
