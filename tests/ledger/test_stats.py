"""Statistics: smoothed speed, counts that fade."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmux_lc.ledger.stats import Sample, Stats, decayed, fold, to_sample
from openmux_lc.types.catalog import Route
from openmux_lc.types.run import Attempt, Usage

NOON = 1_781_265_600.0
ROUTE = Route("cloud", "big")


def test_counts_halve_every_two_days():
    """S0-08: uptime is about now."""
    aged = decayed(Stats(at=NOON, successes=8, failures=4), NOON + 4 * 86_400)

    assert (2.0, 1.0) == (aged.successes, aged.failures)


def test_a_clock_that_goes_backwards_ages_nothing():
    """Nor does it make young."""
    stats = Stats(at=NOON, successes=8)

    assert stats == decayed(stats, NOON - 86_400)


def test_speed_moves_by_three_tenths_of_the_difference():
    """S3-05: EWMA, so that no old call keeps its weight."""
    first = fold(Stats(), Sample(NOON, is_success=True, is_failure=False, first_token_s=1.0, tokens_per_s=100.0))
    second = fold(first, Sample(NOON, is_success=True, is_failure=False, first_token_s=2.0))

    assert pytest.approx(1.3) == second.first_token_s
    assert 100.0 == second.tokens_per_s
    assert 2.0 == second.successes


@given(st.lists(st.floats(0.001, 100), min_size=1, max_size=50))
def test_a_smoothed_figure_stays_among_its_samples(samples):
    """It never leaves the range that was seen."""
    stats = Stats()
    for first_token_s in samples:
        stats = fold(stats, Sample(NOON, is_success=True, is_failure=False, first_token_s=first_token_s))

    assert min(samples) * 0.999 <= stats.first_token_s <= max(samples) * 1.001


def test_the_rate_is_that_after_the_first_token():
    """Waiting is not speed."""
    attempt = Attempt(route=ROUTE, elapsed_s=3.0, first_token_s=1.0, usage=Usage(output_tokens=50))

    sample = to_sample(attempt, NOON, is_failure=False)

    assert (
        Sample(NOON, is_success=True, is_failure=False, first_token_s=1.0, tokens_per_s=25.0, response_s=3.0) == sample
    )


@pytest.mark.parametrize(
    "attempt",
    [
        Attempt(route=ROUTE, elapsed_s=3.0),
        Attempt(route=ROUTE, elapsed_s=3.0, usage=Usage(output_tokens=1)),
        Attempt(route=ROUTE, elapsed_s=1.0, first_token_s=1.0, usage=Usage(output_tokens=50)),
    ],
    ids=["no usage", "one token", "all at once"],
)
def test_a_rate_that_cannot_be_told_is_not_told(attempt):
    """Better unmeasured than absurd."""
    assert to_sample(attempt, NOON, is_failure=False).tokens_per_s is None


def test_a_failure_has_no_speed():
    """How fast a host says no is no virtue."""
    attempt = Attempt(route=ROUTE, outcome="failed", error="ServerError", elapsed_s=0.1, first_token_s=0.01)

    sample = to_sample(attempt, NOON, is_failure=True)

    assert Sample(NOON, is_success=False, is_failure=True, trouble=1.0) == sample


def test_trouble_grows_with_faults_and_is_gone_in_minutes():
    """FIELD e3: 3 for a rate limit, 1 for another failure, less 1 every two minutes, 10 at most."""
    limited = to_sample(Attempt(route=ROUTE, outcome="failed"), NOON, is_failure=False, is_throttled=True)
    failed = to_sample(Attempt(route=ROUTE, outcome="failed"), NOON, is_failure=True)

    stats = fold(fold(Stats(), limited), failed)
    worst = Stats()
    for _ in range(20):
        worst = fold(worst, limited)

    assert (4.0, 10.0) == (stats.trouble, worst.trouble)
    assert [3.0, 0.0] == [decayed(stats, NOON + later).trouble for later in (120, 600)]


def test_a_call_that_timed_out_is_as_slow_as_it_was():
    """FIELD e3: timeouts enter as latency, up to two minutes; a quick refusal says nothing of speed."""
    late = Attempt(route=ROUTE, outcome="failed", error="TimedOut", elapsed_s=600.0)
    refused = Attempt(route=ROUTE, outcome="failed", error="ServerError", elapsed_s=0.01)

    found = [to_sample(each, NOON, is_failure=True).response_s for each in (late, refused)]

    assert [120.0, None] == found


def _after(samples, *, is_stream=True):
    stats = Stats()
    for seconds in samples:
        sample = Sample(
            NOON,
            is_success=True,
            is_failure=False,
            first_token_s=seconds if is_stream else None,
            response_s=None if is_stream else seconds,
        )
        stats = fold(stats, sample)
    return stats


@pytest.mark.parametrize("is_stream", [True, False])
def test_the_late_figure_is_passed_once_in_twenty_times(is_stream):
    """FIELD e8: p95 of the route's own time, without keeping samples."""
    draw = random.Random(5)
    samples = [draw.expovariate(1.0) for _ in range(4_000)]
    figures = []
    for count in range(1_000, 4_000, 100):
        stats = _after(samples[:count], is_stream=is_stream)
        figures.append(stats.late_token_s if is_stream else stats.late_whole_s)

    passed = [sum(sample > figure for sample in samples) / len(samples) for figure in figures]

    assert 0.05 == pytest.approx(sum(passed) / len(passed), abs=0.02)


def test_the_late_figure_begins_late_and_follows_a_host_that_slows_down():
    """What is not known yet is not called late."""
    quick = _after([1.0])
    slow = _after([1.0] * 50 + [4.0] * 20)

    assert 2.0 == quick.late_token_s
    assert quick.late_whole_s is None
    assert pytest.approx(4.0, rel=0.2) == slow.late_token_s


def test_a_row_written_before_there_was_a_late_figure_is_read():
    """Users' files stay readable."""
    assert (7.0, None, None) == (Stats(*[NOON, 7.0, 0, 1.0, 2.0, 3.0, 0.5]).successes, *Stats(NOON)[7:])
