"""Limits in headers and bodies: every family's spelling, and never an exception (S1-06)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmux_lc.providers.limits import (
    MAX_WAIT_S,
    read_limits,
    read_retry_after,
    read_window,
    seconds_until,
    until_refill,
)
from openmux_lc.types.state import LimitObservation

NOW = 1_790_000_000.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        (2.5, 2.5),
        ("0.66", 0.66),
        ("2m59.56s", 179.56),
        ("1h2m", 3720.0),
        ("11ms", 0.011),
        ("4m18.767s", 258.767),
        ("17s", 17.0),
        (str(int(NOW) + 30), 30.0),
        (str(int(NOW) * 1000 + 5000), 5.0),
        ("2026-09-21T14:15:00Z", 1_790_000_100.0 - NOW),
        ("Mon, 21 Sep 2026 14:15:00 GMT", 1_790_000_100.0 - NOW),
        ("-5", 0.0),
        ("9999999", MAX_WAIT_S),
        ("soon", None),
        ("", None),
        (None, None),
        (True, None),
        ("nan", None),
        ("1h junk", None),
    ],
)
def test_every_spelling_of_a_time_gives_its_seconds(value: object, seconds: float | None) -> None:
    found = seconds_until(value, NOW)

    assert found == (None if seconds is None else pytest.approx(seconds, abs=1e-6))


@given(value=st.one_of(st.text(max_size=60), st.floats(), st.integers(), st.none(), st.binary(max_size=5)))
def test_no_value_makes_the_reader_raise_or_wait_a_year(value: object) -> None:
    found = seconds_until(value, NOW)

    assert found is None or 0.0 <= found <= MAX_WAIT_S


@given(
    headers=st.dictionaries(
        st.sampled_from(
            ["retry-after", "retry-after-ms", "x-ratelimit-reset", "x-ratelimit-remaining-requests-day", "ratelimit"]
        ),
        st.text(max_size=40),
    ),
    text=st.text(max_size=200),
)
def test_no_header_and_no_prose_makes_the_reader_raise(headers: dict[str, str], text: str) -> None:
    found = read_retry_after(headers, {"error": {"details": [text], "metadata": {"headers": headers}}}, text, NOW)

    assert found is None or 0.0 <= found <= MAX_WAIT_S
    assert isinstance(read_limits(headers, frozenset(), NOW), tuple)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Please try again in 329.999999ms. Need more?", 0.329999999),
        ("Please try again in 7m12.5s.", 432.5),
        ("Please retry in 17.3s.", 17.3),
        ("try again 12 seconds later", 12.0),
        ("Try again in 2 minutes", 120.0),
        ("quota resets in ~30s", 30.0),
        ("try again in 1h2m", 3720.0),
        ("Please wait 46 seconds before retrying", 46.0),
        ("Retry after 5 sec", 5.0),
        ("Violated duration_s: 86400, current usage: 1, limit: 1", 86_400.0),
        ("Your limit will reset at 2026-09-21 14:15:00", 1_790_000_100.0 - NOW),
        ("Please try again later", None),
    ],
)
def test_prose_tells_how_long_to_wait(text: str, seconds: float | None) -> None:
    found = read_retry_after({}, None, text, NOW)

    assert found == (None if seconds is None else pytest.approx(seconds))


def test_the_header_goes_before_the_body_and_the_body_before_prose() -> None:
    google = {"error": {"details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "17s"}]}}

    assert 3.0 == read_retry_after({"retry-after": "3"}, google, "try again in 9s", NOW)
    assert 17.0 == read_retry_after({}, google, "try again in 9s", NOW)
    assert 9.0 == read_retry_after({}, {}, "try again in 9s", NOW)
    assert 0.66 == read_retry_after({"retry-after-ms": "660"}, {}, "", NOW)


def test_a_reset_inside_the_body_counts_as_epoch_milliseconds() -> None:
    body = {"error": {"metadata": {"headers": {"X-RateLimit-Reset": str(int((NOW + 42) * 1000))}}}}

    assert 42.0 == pytest.approx(read_retry_after({}, body, "", NOW))


def test_a_spent_window_tells_the_wait_where_nothing_else_does() -> None:
    headers = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "12s"}

    assert 12.0 == pytest.approx(read_retry_after(headers, None, "", NOW))


@pytest.mark.parametrize(
    ("headers", "quirks", "expected"),
    [
        (
            {
                "x-ratelimit-limit-requests": "1000",
                "x-ratelimit-remaining-requests": "999",
                "x-ratelimit-reset-requests": "1m26.4s",
            },
            {"requests_per_day"},
            LimitObservation(unit="requests", window_s=86_400.0, limit=1000, remaining=999, reset_at=NOW + 86.4),
        ),
        (
            {"x-ratelimit-limit-tokens": "8000", "x-ratelimit-remaining-tokens": "0"},
            {"tokens_per_minute"},
            LimitObservation(unit="tokens", window_s=60.0, limit=8000, remaining=0),
        ),
        (
            {"x-ratelimit-remaining-tokens-minute": "5", "x-ratelimit-reset-tokens-minute": "3.5"},
            set(),
            LimitObservation(unit="tokens", window_s=60.0, remaining=5, reset_at=NOW + 3.5),
        ),
        (
            {"x-ratelimit-limit-req-60-second": "30"},
            set(),
            LimitObservation(unit="requests", window_s=60.0, limit=30),
        ),
        (
            {"ratelimitbysize-limit": "500000", "ratelimitbysize-remaining": "499000"},
            {"tokens_per_minute"},
            LimitObservation(unit="tokens", window_s=60.0, limit=500_000, remaining=499_000),
        ),
        (
            {"x-trial-endpoint-call-limit": "20", "x-trial-endpoint-call-remaining": "19"},
            set(),
            LimitObservation(unit="requests", window_s=60.0, limit=20, remaining=19),
        ),
        (
            {"x-endpoint-monthly-call-limit": "1000"},
            set(),
            LimitObservation(unit="requests", window_s=2_592_000.0, limit=1000),
        ),
        (
            {"ratelimit": '"api";r=0;t=55', "ratelimit-policy": '"api";q=100;w=60'},
            set(),
            LimitObservation(unit="requests", window_s=60.0, limit=100, remaining=0, reset_at=NOW + 55),
        ),
        (
            {"x-ratelimit-limit": "20", "x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW * 1000) + 9000)},
            set(),
            LimitObservation(unit="requests", limit=20, remaining=0, reset_at=NOW + 9),
        ),
    ],
)
def test_every_header_family_is_read(headers: dict[str, str], quirks: set[str], expected: LimitObservation) -> None:
    (found,) = read_limits(headers, frozenset(quirks), NOW)

    assert (expected.unit, expected.window_s, expected.limit, expected.remaining) == (
        found.unit,
        found.window_s,
        found.limit,
        found.remaining,
    )
    assert expected.reset_at == (None if found.reset_at is None else pytest.approx(found.reset_at))


def test_headers_that_only_look_like_limits_tell_nothing() -> None:
    headers = {"x-ratelimit-over-limit": "no", "x-ratelimit-tokens-query-cost": "7", "content-type": "text/html"}

    assert () == read_limits(headers, frozenset(), NOW)


def test_a_zero_is_a_hint_of_a_rate_limit_only() -> None:
    """Some hosts send `retry-after: 0` with whatever they answer."""
    spent = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "12s"}

    assert 0.0 == read_retry_after({"retry-after": "0"}, None, "", NOW)
    assert None is read_retry_after({"retry-after": "0"}, None, "", NOW, is_limit=False)
    assert None is read_retry_after(spent, None, "", NOW, is_limit=False)
    assert 2.0 == read_retry_after({"retry-after": "2"}, None, "", NOW, is_limit=False)
    assert 600.0 == read_retry_after({}, None, "too many requests in 10 minutes", NOW)
    assert None is read_retry_after({}, None, "no answer in 10 minutes", NOW, is_limit=False)


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("limited to 1000 API calls / month", "month"),
        ("limited to 40 API calls / minute", "minute"),
        ("Rate limit exceeded: free-models-per-min. Add 10 credits to unlock 1000 requests per day", "minute"),
        ("free-models-per-day", "day"),
        ("on tokens per day (TPD): Limit 100000", "day"),
        ("per minute; GenerateRequestsPerDayPerProjectPerModel-FreeTier", "day"),
        ("you have used up your daily free allocation", "day"),
        ("Requests per second limit exceeded", "second"),
        ("free usage limit (reset hourly)", "hour"),
        ("will reset at the beginning of next month", "month"),
        ("slow down", None),
    ],
)
def test_the_window_that_is_spent_is_the_first_one_named(text: str, window: str | None) -> None:
    assert window == read_window(text)


def test_a_calendar_window_refills_at_its_end() -> None:
    utc, pacific = until_refill("day", NOW), until_refill("day", NOW, "America/Los_Angeles")

    assert 0.0 == (NOW + utc) % 86_400
    assert 7 * 3600.0 == (NOW + pacific) % 86_400
    assert 60.0 == until_refill("minute", NOW)
    assert 86_400 < until_refill("month", NOW) < 31 * 86_400
