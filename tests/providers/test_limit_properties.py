"""Times and limits by properties: what is written in any spelling reads back, and nothing breaks a reader (S1-06)."""

from datetime import UTC, datetime
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmux_lc.providers.durations import clamped, read_moment
from openmux_lc.providers.limits import MAX_WAIT_S, joined, read_limits, read_retry_after, seconds_until
from openmux_lc.types.state import LimitObservation
from tests.providers.limit_dialects import NOW
from tests.providers.limit_fuzz import run

FUZZED = 20_000
WAITS = st.floats(0.001, MAX_WAIT_S, allow_nan=False).map(lambda seconds: round(seconds, 3))
WHOLE = st.integers(1, int(MAX_WAIT_S))


def _go(seconds: float) -> str:
    """Return a duration as Go prints it."""
    if seconds < 1:
        return f"{seconds * 1000:.3f}ms"
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    whole = f"{hours:.0f}h{minutes:.0f}m" if hours else f"{minutes:.0f}m" if minutes else ""
    return f"{whole}{rest:.3f}s"


def _iso(seconds: float) -> str:
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    return f"P{days:.0f}DT{hours:.0f}H{minutes:.0f}M{rest:.3f}S"


def _words(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{minutes:.0f} minutes and {rest:.3f} seconds"


SPELLINGS = {
    "seconds": lambda seconds: f"{seconds:.3f}",
    "go": _go,
    "iso": _iso,
    "words": _words,
    "milliseconds": lambda seconds: f"{seconds * 1000:.3f}ms",
    "epoch seconds": lambda seconds: f"{NOW + seconds:.3f}",
    "epoch milliseconds": lambda seconds: f"{(NOW + seconds) * 1000:.0f}",
    "epoch microseconds": lambda seconds: f"{(NOW + seconds) * 1e6:.0f}",
    "iso moment": lambda seconds: datetime.fromtimestamp(NOW + seconds, UTC).isoformat(),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@given(seconds=WAITS)
def test_a_wait_reads_back_out_of_every_spelling(spelling: str, seconds: float) -> None:
    assert seconds == pytest.approx(seconds_until(SPELLINGS[spelling](seconds), NOW), abs=2e-3)


@given(seconds=WHOLE)
def test_a_date_reads_back_to_the_second(seconds: int) -> None:
    date = formatdate(NOW + seconds, usegmt=True)

    assert NOW + seconds == read_moment(date)
    assert float(seconds) == seconds_until(date, NOW) == read_retry_after({"retry-after": date}, None, "", NOW)


@given(moment=st.floats(NOW - 1e6, NOW + 1e6))
def test_an_epoch_means_the_same_in_seconds_and_milliseconds(moment: float) -> None:
    assert seconds_until(moment, NOW) == pytest.approx(seconds_until(moment * 1000, NOW), abs=1e-3)


@pytest.mark.parametrize("spelling", SPELLINGS)
@given(pair=st.tuples(WHOLE, WHOLE))
def test_a_longer_wait_never_reads_shorter(spelling: str, pair: tuple[int, int]) -> None:
    shorter, longer = (seconds_until(SPELLINGS[spelling](float(each)), NOW) for each in sorted(pair))

    assert shorter is not None
    assert longer is not None
    assert shorter <= longer + 1e-6


@given(seconds=st.floats(allow_nan=False))
def test_clamping_twice_changes_nothing(seconds: float) -> None:
    assert 0.0 <= clamped(seconds) <= MAX_WAIT_S
    assert clamped(seconds) == clamped(clamped(seconds))


@given(header=WHOLE, body=WHOLE, prose=WHOLE)
def test_the_header_is_believed_before_the_body_and_the_body_before_prose(header: int, body: int, prose: int) -> None:
    payload = {"error": {"details": [{"retryDelay": f"{body}s"}]}}
    text = f"Please try again in {prose}s."

    assert float(header) == read_retry_after({"retry-after": str(header)}, payload, text, NOW)
    assert float(body) == read_retry_after({}, payload, text, NOW)
    assert float(prose) == read_retry_after({}, None, text, NOW)


@given(
    limit=st.integers(1, 10**12), left=st.integers(0, 10**12), reset=WHOLE, unit=st.sampled_from(("requests", "tokens"))
)
def test_a_limit_reads_back_out_of_its_headers(limit: int, left: int, reset: int, unit: str) -> None:
    figures = {"limit": str(limit), "remaining": str(left), "reset": _go(reset)}
    headers = {f"x-ratelimit-{kind}-{unit}-day": value for kind, value in figures.items()}

    (seen,) = read_limits(headers, frozenset(), NOW)

    assert (unit, 86_400.0, limit, left) == (seen.unit, seen.window_s, seen.limit, seen.remaining)
    assert NOW + reset == pytest.approx(seen.reset_at)


OBSERVATIONS = st.builds(
    LimitObservation,
    unit=st.sampled_from(("requests", "tokens")),
    window_s=st.sampled_from((None, 60.0, 86_400.0)),
    limit=st.sampled_from((None, 10, 20)),
    remaining=st.sampled_from((None, 0, 5)),
    reset_at=st.sampled_from((None, NOW)),
)


@given(told=st.lists(OBSERVATIONS, max_size=6).map(tuple))
def test_joining_tells_each_limit_once_and_twice_is_once(told: tuple[LimitObservation, ...]) -> None:
    found = joined(told)
    keys = [(seen.unit, seen.window_s) for seen in found]

    assert len(set(keys)) == len(keys)
    assert found == joined(found)


def test_no_value_out_of_thousands_breaks_a_reader() -> None:
    """A part of what `tests/benchmarks/limit_parser.py` reads a million of."""
    outcomes = [run(7, number) for number in range(FUZZED)]

    assert [] == [outcome for outcome in outcomes if outcome.complaint]
    assert sum(outcome.is_read for outcome in outcomes) > FUZZED // 5
