"""Random misbehaviour is the same again for a seed; prose calls and wrong clocks say what they should."""

import doctest
import email.utils
import json
import threading
import time
from collections import Counter

import httpx
import pytest

from openmux_lc.testing import (
    MISBEHAVIOURS,
    PROSE,
    WEIGHTS,
    Answer,
    Chaos,
    FakeUpstream,
    Fault,
    Flood,
    Received,
    chaos,
    clock_skew,
    endless,
    misbehaviour,
    rate_limited,
    rate_limited_http_date,
    replayed,
    server_error,
    tool_call_as_prose,
)
from openmux_lc.testing import dice as module

QUESTION = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


def asked(number: int = 0) -> Received:
    return Received(method="POST", path="/v1/chat/completions", headers={}, body={"model": f"m{number}"})


def played(script: Chaos, count: int) -> list[str]:
    for number in range(count):
        script(asked(number))
    return [each.behaviour for each in script.log]


def test_a_seed_does_the_same_again_and_another_one_does_not() -> None:
    assert played(chaos(7), 200) == played(chaos(7), 200)
    assert played(chaos(7), 200) != played(chaos(8), 200)


def test_what_happens_depends_on_the_number_alone() -> None:
    script = chaos("night", 0.5)
    names = played(script, 50)

    assert names == [script.name_of(number) for number in range(50)]


def test_the_rate_is_how_many_go_wrong() -> None:
    wrong = sum(map(bool, played(chaos(1, 0.3), 2000)))

    assert 0.26 < wrong / 2000 < 0.34
    assert [""] * 20 == played(chaos(1, 0), 20)
    assert "" not in played(chaos(1, 1), 20)


def test_many_threads_share_one_script_and_lose_no_request() -> None:
    script = chaos(3, 0.5)
    threads = [threading.Thread(target=played, args=(script, 100)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert list(range(800)) == [each.number for each in script.log]
    assert [script.name_of(number) for number in range(800)] == [each.behaviour for each in script.log]


def test_weights_say_what_is_likely() -> None:
    mostly = Counter(played(chaos(5, 1.0, of=["cut", "dropped"], weights={"dropped": 99.0}), 300))
    never = played(chaos(5, 1.0, weights=dict.fromkeys(WEIGHTS, 0.0) | {"null": 1.0}), 20)

    assert {"cut", "dropped"} >= set(mostly)
    assert mostly["dropped"] > 280
    assert ["null"] * 20 == never


def test_what_is_not_drawn_by_itself_can_be_asked_for() -> None:
    assert 0.0 == WEIGHTS["stalled"]
    assert ["stalled"] * 5 == played(chaos(1, 1, of=["stalled"]), 5)


@pytest.mark.parametrize("name", MISBEHAVIOURS)
def test_every_misbehaviour_has_a_name_and_is_one(name: str) -> None:
    assert isinstance(misbehaviour(name), Answer | Fault | Flood)


def test_mistakes_are_told_at_once() -> None:
    with pytest.raises(ValueError, match="unknown misbehaviour 'rain'; known are rate_limited"):
        chaos(1, of=["rain"])
    with pytest.raises(ValueError, match="between 0 and 1, not 30"):
        chaos(1, 30)
    with pytest.raises(ValueError, match="nothing can go wrong"):
        chaos(1, weights=dict.fromkeys(WEIGHTS, 0.0))


def test_a_failure_can_be_played_again() -> None:
    """The log is the script of the next run."""
    script = chaos(11, 0.6, of=["rate_limited", "server_error"], sound=Answer("well"))
    with httpx.Client(trust_env=False) as client:
        with FakeUpstream(script) as up:
            first = [client.post(f"{up.base_url}/chat/completions", json=QUESTION).status_code for _ in range(12)]
        with FakeUpstream(replayed(script.log, Answer("well"))) as up:
            again = [client.post(f"{up.base_url}/chat/completions", json=QUESTION).status_code for _ in range(12)]

    assert {200, 429, 500} == set(first)
    assert first == again


def test_sound_requests_may_have_a_script_of_their_own() -> None:
    by_request = chaos(1, 0, sound=lambda received: Answer(received.model))
    by_turn = chaos(1, 0, sound=[Answer("one"), Answer("two")])

    assert ["m0", "m1"] == [by_request(asked(number)).text for number in range(2)]
    assert ["one", "two", "two"] == [by_turn(asked()).text for _ in range(3)]


def test_the_documented_example_runs() -> None:
    results = doctest.testmod(module)

    assert results.attempted > 0
    assert 0 == results.failed


@pytest.mark.parametrize("style", PROSE)
def test_a_talked_call_holds_name_and_arguments_and_no_call(style: str) -> None:
    answer = tool_call_as_prose("add", '{"a": 1, "b": 2}', style=style, before="Let me add. ")

    assert answer.text.startswith("Let me add. ")
    assert '{"a": 1, "b": 2}' in answer.text
    assert "add" in answer.text.removeprefix("Let me add. ")
    assert () == answer.tool_calls


def test_an_unknown_prose_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown style 'song'; known are tag, fence"):
        tool_call_as_prose("add", style="song")  # type: ignore[arg-type]


def test_a_wrong_clock_moves_the_date_and_every_moment() -> None:
    ahead = clock_skew(7200)
    body = json.loads(json.dumps(ahead.body))["error"]["metadata"]["headers"]

    assert 7190 < email.utils.parsedate_to_datetime(ahead.headers["Date"]).timestamp() - time.time() < 7210
    assert 7250 < int(ahead.headers["X-RateLimit-Reset"]) / 1000 - time.time() < 7270
    assert ahead.headers["X-RateLimit-Reset"] == body["X-RateLimit-Reset"]
    assert ("20", "0") == (ahead.headers["X-RateLimit-Limit"], ahead.headers["X-RateLimit-Remaining"])


def test_a_wait_in_seconds_needs_no_clock_and_stays() -> None:
    assert "30" == clock_skew(7200, rate_limited()).headers["Retry-After"]


@pytest.mark.parametrize(
    ("value", "moved"),
    [
        ("1800000000", "1800000060"),
        ("1800000000.5", "1800000060.500"),
        ("1800000000000", "1800000060000"),
        ("Fri, 15 Jan 2027 08:00:00 GMT", "Fri, 15 Jan 2027 08:01:00 GMT"),
        ("2027-01-15T08:00:00+00:00", "2027-01-15T08:01:00+00:00"),
        ("2m59.56s", "2m59.56s"),
        ("12.5", "12.5"),
        (1800000000, 1800000060),
        (17, 17),
    ],
)
def test_every_way_of_writing_a_moment_is_moved(value: object, moved: object) -> None:
    fault = clock_skew(60, Fault(429, body={"error": {"reset_at": [value], "other": value, "is_reset": True}}))

    assert {"error": {"reset_at": [moved], "other": value, "is_reset": True}} == fault.body


def test_a_flood_has_no_clock_and_answers_and_bytes_only_a_date() -> None:
    flood = endless(1)

    assert flood is clock_skew(60, flood)
    assert {"Date"} == set(clock_skew(-60, Answer()).headers)
    assert b"x" == clock_skew(60, Fault(500, body=b"x")).body
    assert (
        rate_limited_http_date(1e9).headers["Retry-After"]
        != clock_skew(60, rate_limited_http_date(1e9)).headers["Retry-After"]
    )
    assert None is clock_skew(60, server_error()).body
