"""Every host's spelling of its limits gives exactly what it means; FreeRouter's defects stay away (S1-06, S4)."""

import json
import pickle
import time
from collections.abc import Iterator
from contextlib import aclosing
from email.utils import formatdate
from typing import Any

import pytest

from openmux_lc.errors import RateLimited
from openmux_lc.http import Clients
from openmux_lc.ledger.windows import place_in
from openmux_lc.providers.exchange import Reply
from openmux_lc.providers.fault import to_fault
from openmux_lc.providers.limits import MAX_WAIT_S, read_limits, read_limits_told, read_retry_after
from openmux_lc.providers.openai import OpenAIDialect
from openmux_lc.providers.wire import WireAdapter
from openmux_lc.testing.behaviours import Answer, Fault
from openmux_lc.testing.fake_upstream import FakeUpstream
from openmux_lc.types.catalog import Window
from openmux_lc.types.state import LimitObservation
from tests.providers.calls import KEY, call, provider
from tests.providers.limit_dialects import CASES, DAY, GROQ, MINUTE, NOW, Case, differences

TOKENS_SPENT = "on tokens per minute (TPM): Limit 8000, Used 7460, Requested 1200. Please try again in 4.95s."


@pytest.mark.parametrize("case", CASES, ids=[f"{number}-{case.dialect}" for number, case in enumerate(CASES)])
def test_every_dialect_gives_exactly_its_limits_and_its_wait(case: Case) -> None:
    assert [] == differences(case)


def test_the_clock_of_the_host_counts_where_ours_is_wrong() -> None:
    """A moment is the host's: read by a clock that is hours off, it would be long past, or days away."""
    reset = str(int((NOW + 7200 + 40) * 1000))
    headers = {"date": formatdate(NOW + 7200, usegmt=True), "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset}

    (seen,) = read_limits(headers, frozenset(), NOW)

    assert 40.0 == pytest.approx(read_retry_after(headers, None, "", NOW))
    assert NOW + 40.0 == pytest.approx(seen.reset_at)


def test_a_limit_told_twice_is_one_and_the_headers_come_first() -> None:
    body = json.dumps({"error": {"message": f"Rate limit reached {TOKENS_SPENT}", "code": "rate_limit_exceeded"}})
    headers = {"x-ratelimit-limit-tokens": "8000", "x-ratelimit-remaining-tokens": "541"}
    row = provider(quirks=GROQ)

    fault = to_fault(call(row), Reply(status=429, headers=headers, body=body.encode()), now=NOW)

    assert fault.limits == (
        LimitObservation(unit="tokens", window_s=MINUTE, limit=8000, remaining=541, reset_at=NOW + 4.95),
    )


def test_what_only_the_body_tells_says_so() -> None:
    body = json.dumps({"error": {"message": f"Rate limit reached {TOKENS_SPENT}"}}).encode()

    fault = to_fault(call(), Reply(status=429, headers={}, body=body), now=NOW)

    assert [("body", 540)] == [(seen.source, seen.remaining) for seen in fault.limits]


@pytest.mark.parametrize("status", [400, 401, 404, 500, 503])
def test_every_refusal_carries_the_limits_of_its_headers(status: int) -> None:
    headers = {"x-ratelimit-remaining-requests-day": "7"}

    fault = to_fault(call(), Reply(status=status, headers=headers, body=b"limited to 5 requests per minute"), now=NOW)

    assert [("requests", DAY, None, 7)] == [_figures(seen) for seen in fault.limits]


def test_the_quota_of_the_host_behind_a_router_is_not_ours() -> None:
    raw = json.dumps({"error": {"message": "limited to 5 requests per minute"}})
    metadata = {"raw": raw, "provider_name": "Another"}
    body = json.dumps({"error": {"message": "Provider returned error", "code": 429, "metadata": metadata}}).encode()

    assert () == to_fault(call(), Reply(status=429, headers={}, body=body), now=NOW).limits


def test_no_limit_is_learned_from_what_the_request_says() -> None:
    prompt = "Our plan is limited to 3 requests per minute, is it not?"
    body = json.dumps({"error": {"message": f"Slow down! You asked: {prompt}"}}).encode()
    asked = call(messages=({"role": "user", "content": prompt},))

    assert () == to_fault(asked, Reply(status=429, headers={}, body=body), now=NOW).limits


def test_an_error_with_limits_pickles_whole_and_holds_no_key() -> None:
    body = json.dumps({"error": {"message": f"Rate limit reached {TOKENS_SPENT} {KEY}"}}).encode()
    fault = to_fault(call(), Reply(status=429, headers={}, body=body), now=NOW)

    copy = pickle.loads(pickle.dumps(fault))  # noqa: S301 - our own bytes

    assert fault.limits == copy.limits != ()
    assert KEY not in repr(copy.limits) + str(copy)
    assert () == RateLimited("spent").limits


def _figures(seen: LimitObservation) -> tuple[Any, ...]:
    return seen.unit, seen.window_s, seen.limit, seen.remaining


# FreeRouter's defects, as its users meet them.


@pytest.mark.parametrize("per_second", [1, 10**3, 10**6, 10**9])
def test_an_epoch_is_a_moment_whatever_its_unit(per_second: int) -> None:
    """S4 defect 1 (FIELD 8): epoch milliseconds gave a pause of 56,868 years, epoch seconds one of 56.9."""
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int((NOW + 42) * per_second))}

    (seen,) = read_limits(headers, frozenset(), NOW)

    assert 42.0 == pytest.approx(read_retry_after(headers, None, "", NOW), abs=1e-3)
    assert NOW + 42.0 == pytest.approx(seen.reset_at, abs=1e-3)


def test_no_moment_is_further_away_than_31_days() -> None:
    """S4 defect 1: whatever the unit, nobody waits for years."""
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(10**15)}

    assert MAX_WAIT_S == read_retry_after({"retry-after": "1" * 30}, None, "", NOW)
    assert MAX_WAIT_S >= (read_retry_after(headers, None, "", NOW) or 0.0)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("2m59.56s", 179.56), ("7.66s", 7.66), (formatdate(NOW + 90, usegmt=True), 90.0), ("11ms", 0.011)],
)
def test_a_go_duration_and_a_date_are_waits(value: str, seconds: float) -> None:
    """S4 defect 2: both were ignored, so that the route was asked again at once."""
    spent = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": value}

    assert seconds == pytest.approx(read_retry_after({"retry-after": value}, None, "", NOW))
    assert seconds == pytest.approx(read_retry_after(spent, None, "", NOW), abs=1e-6)


def test_a_pacific_day_ends_at_midnight_there() -> None:
    """S4 defect 6: days were UTC's only, though some hosts' quotas refill at midnight Pacific time."""
    message = "Quota exceeded"
    violation = {"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier", "quotaValue": "20"}
    details = [{"violations": [violation]}, {"retryDelay": "17s"}]
    body = {"error": {"message": message, "status": "RESOURCE_EXHAUSTED", "details": details}}
    row = provider(quirks=frozenset({"pacific_days"}))
    zone = "America/Los_Angeles"

    fault = to_fault(call(row), Reply(status=429, headers={}, body=json.dumps(body).encode()), now=NOW)

    assert 7 * 3600.0 == (NOW + (fault.retry_after or 0.0)) % DAY
    assert [("requests", DAY, 20, 0)] == [_figures(seen) for seen in fault.limits]
    # A quota's own wait is not the day's end: that is its account's, in the row's zone.
    assert [None] == [seen.reset_at for seen in fault.limits]
    assert NOW + (fault.retry_after or 0.0) == place_in(Window(kind="calendar_day", zone=zone), NOW).ends_at


RATES = {"x-ratelimit-limit-requests": "1000", "x-ratelimit-remaining-requests": "7", "retry-after": "3"}
IN_BAND = json.dumps({"error": {"message": f"Rate limit reached {TOKENS_SPENT}", "code": 429}})


@pytest.fixture
def clients() -> Iterator[Clients]:
    made = Clients()
    yield made
    made.close()


@pytest.mark.parametrize(
    "refusal",
    [
        Fault(429, body={"error": {"message": f"Rate limit reached {TOKENS_SPENT}"}}, headers=RATES),
        Fault(200, body=IN_BAND, headers=RATES, content_type="application/json", sse=f"data: {IN_BAND}\n\n"),
    ],
    ids=["refused", "inside a 200"],
)
async def test_a_refused_stream_tells_its_limits(refusal: Fault, clients: Clients) -> None:
    """S4 defect 9: the rate headers of streaming responses were ignored."""
    due = [("requests", DAY, 1000, 7), ("tokens", MINUTE, 8000, 540)]

    with FakeUpstream(refusal) as up:
        adapter = WireAdapter(OpenAIDialect(), clients)
        asked = call(provider(up.base_url, quirks=GROQ))
        with pytest.raises(RateLimited) as synchronous:
            list(adapter.open(asked))
        with pytest.raises(RateLimited) as asynchronous:
            async with aclosing(await adapter.aopen(asked)) as stream:
                _ = [chunk async for chunk in stream]
        await clients.aclose()

    assert due == sorted(_figures(seen) for seen in synchronous.value.limits)
    assert due == sorted(_figures(seen) for seen in asynchronous.value.limits)


def test_a_stream_tells_its_limits_before_its_first_word(clients: Clients) -> None:
    """S4 defect 9: they are known as soon as the headers are there."""
    with FakeUpstream(Answer("hello", headers=RATES)) as up:
        stream = WireAdapter(OpenAIDialect(), clients).open(call(provider(up.base_url, quirks=GROQ)))
        stream.close()

    assert [("requests", DAY, 1000, 7)] == [_figures(seen) for seen in stream.limits]


def test_reading_a_hostile_message_takes_no_time() -> None:
    pieces = (
        "limit of 9 per ",
        "tokens per minute (TPM): limit ",
        "1,",
        "try again in 1h",
        "limits are 1 rpm, ",
        '"a";r=',
    )
    began = time.thread_time()

    for piece in (*pieces, '"a";r=', "a, ", '"'):
        text = piece * (20_000 // len(piece))
        read_limits_told({"error": {"message": text}}, text, NOW)
        read_limits({"ratelimit": text, "ratelimit-limit": text, "x-ratelimit-reset": text}, frozenset(), NOW)

    assert time.thread_time() - began < 2.0
