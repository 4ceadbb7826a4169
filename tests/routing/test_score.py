"""Scores: five known profiles, terms in 0..1, and no term that hurts by getting better."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmux_lc.errors import ConfigError
from openmux_lc.routing.score import PROFILES, affinity, quality_for, score, weights_of, with_state
from openmux_lc.types.catalog import Limit, LimitUnit, PoolEntry, Window
from openmux_lc.types.run import Classification, Requirements, Score
from openmux_lc.types.state import RouteState
from tests.routing.entries import entry

SHARE = st.floats(0, 1)
COUNT = st.floats(0, 500)
SECONDS = st.floats(0.001, 60)
NAMES = st.sampled_from(sorted(PROFILES))
EASY = Classification(task="chat", confidence=1.0, difficulty=0.1)
HARD = Classification(task="chat", confidence=1.0, difficulty=0.9)


def _score(
    found: PoolEntry, state: RouteState | None = None, *, profile: str = "balanced", about: Classification = EASY
) -> Score:
    return score(found, about, Requirements(), state or RouteState(), PROFILES[profile])


def _limits(amount: int, window: Window, unit: LimitUnit = "requests") -> tuple[Limit, ...]:
    return (Limit(unit=unit, amount=amount, window=window, scope="key"),)


def test_the_five_profiles_have_the_weights_of_the_founding_document() -> None:
    """S2-05: quality, latency, cost; long_context gives the missing .3 to the window."""
    assert {
        "quality": {"quality": 0.8, "latency": 0.1, "cost": 0.1},
        "balanced": {"quality": 0.4, "latency": 0.3, "cost": 0.3},
        "speed": {"quality": 0.1, "latency": 0.7, "cost": 0.2},
        "budget": {"quality": 0.1, "latency": 0.1, "cost": 0.8},
        "long_context": {"quality": 0.3, "latency": 0.2, "cost": 0.2, "context": 0.3},
    } == PROFILES
    assert all(sum(weights.values()) == pytest.approx(1.0) for weights in PROFILES.values())


def test_an_unknown_profile_names_the_nearest_one() -> None:
    """A slip of the pen is told what it may have meant; a stranger gets the whole list."""
    with pytest.raises(ConfigError, match="no routing profile 'balance'; did you mean 'balanced'"):
        weights_of("balance", {})
    with pytest.raises(ConfigError, match="known: balanced, budget, long_context, quality, speed, zzz"):
        weights_of("1234", {"zzz": {"quality": 1.0}})


def test_own_profiles_hide_ours_and_their_terms_are_checked() -> None:
    """The user's weights count by name; an unknown term is an error that lists the known ones."""
    assert {"quality": 1.0} == weights_of("speed", {"speed": {"quality": 1.0}})
    with pytest.raises(ConfigError, match="'mine': unknown term 'price'; terms are quality, latency, cost, context"):
        weights_of("mine", {"mine": {"price": 1.0}})


@given(NAMES, SHARE, SHARE, SHARE, COUNT, COUNT, SECONDS, SHARE)
def test_no_term_hurts_by_getting_better(  # noqa: PLR0917 - hypothesis fills them by position
    name: str, one: float, other: float, difficulty: float, good: float, bad: float, seconds: float, headroom: float
) -> None:
    """Better quality, speed, reliability or headroom never lowers a score, whatever the weights."""
    about = Classification(task="chat", confidence=1.0, difficulty=difficulty)
    low, high = sorted((one, other))
    state = RouteState(successes=good, failures=bad, first_token_s=seconds, headroom=headroom)

    def total(quality: float = 0.5, **changes: float) -> float:
        fields = {name: getattr(state, name) for name in ("successes", "failures", "first_token_s", "headroom")}
        return _score(
            entry("a:m", quality={"chat": quality}), RouteState(**{**fields, **changes}), profile=name, about=about
        ).total

    slack = 1e-9
    assert total(quality=high) >= total(quality=low) - slack
    assert total(first_token_s=seconds) >= total(first_token_s=seconds + one) - slack
    assert total(successes=good + one) >= total(successes=good) - slack
    assert total(failures=bad) >= total(failures=bad + one) - slack
    assert total(headroom=high) >= total(headroom=low) - slack


@given(NAMES, SHARE, SHARE, COUNT, COUNT, SECONDS, SHARE, st.booleans())
def test_every_term_lies_between_0_and_1_and_the_quick_way_gives_the_same(  # noqa: PLR0917 - the same
    name: str, quality: float, difficulty: float, good: float, bad: float, seconds: float, headroom: float, local: bool
) -> None:
    """The sum is bounded; what was worked out for an unused route plus its state is the whole score."""
    about = Classification(task="chat", confidence=1.0, difficulty=difficulty)
    found = entry("a:m", quality={"chat": quality}, is_local=local, limits=_limits(50, Window(kind="calendar_day")))
    state = RouteState(successes=good, failures=bad, first_token_s=seconds, headroom=headroom)

    whole = _score(found, state, profile=name, about=about)
    quick = with_state(_score(found, profile=name, about=about), state, PROFILES[name], is_local=local)

    assert all(0.0 <= value <= 1.0 for value in whole.terms.values())
    assert 0.0 <= whole.total <= 1.0
    assert whole == quick


def test_latency_is_scored_on_a_log_scale() -> None:
    """100 ms is 1, 5 s is 0, unmeasured is 0.6; half way on the log scale is a half."""
    seconds = (0.05, 0.1, 0.5**0.5, 5.0, 60.0, None)

    found = [_score(entry("a:m"), RouteState(first_token_s=each)).terms["latency"] for each in seconds]

    assert [1.0, 1.0, 0.5, 0.0, 0.0, 0.6] == pytest.approx(found)


def test_headroom_counts_from_the_last_fifth_on() -> None:
    """Full down to 20 %, then falling to a tenth, never to nothing."""
    found = [_score(entry("a:m"), RouteState(headroom=each)).terms["headroom"] for each in (1.0, 0.2, 0.1, 0.0)]

    assert [1.0, 1.0, 0.55, 0.1] == pytest.approx(found)


@pytest.mark.parametrize(
    ("quality", "expected"),
    [
        ({"math": 0.9, "other": 0.4, "default": 0.2}, 0.9),
        ({"other": 0.4, "default": 0.2}, 0.4),
        ({"default": 0.2}, 0.2),
        ({}, 0.7),
    ],
)
def test_the_finest_known_quality_counts(quality: dict[str, float], expected: float) -> None:
    """The tag's benchmark before the task's, before the general one, before the estimate."""
    about = Classification(task="other", confidence=1.0, tags=("math",))

    assert expected == quality_for(entry("a:m", quality=quality, capability=0.7), about)


def test_a_weak_model_loses_more_on_a_hard_question_than_a_strong_one_on_an_easy_one() -> None:
    """Fit is asymmetric: weaker than the need costs much, stronger costs little."""
    weak, strong = entry("a:m", capability=0.3), entry("b:m", capability=0.9)

    lost_by_weakness = 0.3 - _score(weak, about=HARD).terms["quality"]
    lost_by_strength = 0.9 - _score(strong, about=EASY).terms["quality"]

    assert lost_by_weakness > 3 * lost_by_strength > 0


def test_scarce_quota_is_kept_for_hard_questions() -> None:
    """S2-07: the gap between plentiful and scarce narrows as the question gets harder."""
    scarce = entry("a:m", limits=_limits(50, Window(kind="calendar_day")))
    plenty = entry("b:m", limits=_limits(14_400, Window(kind="calendar_day")))

    easy = _score(plenty).terms["cost"] - _score(scarce).terms["cost"]
    hard = _score(plenty, about=HARD).terms["cost"] - _score(scarce, about=HARD).terms["cost"]

    assert easy > hard > 0


def test_limits_are_compared_by_the_day() -> None:
    """A month's quota is no day's, a minute's or a concurrency limit says nothing about the day."""
    by_month = _score(entry("a:m", limits=_limits(1000, Window(kind="calendar_month")))).terms["cost"]
    by_day = _score(entry("a:m", limits=_limits(1000, Window(kind="calendar_day")))).terms["cost"]
    rolling = _score(entry("a:m", limits=_limits(1000, Window(kind="rolling", seconds=86_400)))).terms["cost"]
    anniversary = _score(entry("a:m", limits=_limits(1000, Window(kind="anniversary_month")))).terms["cost"]
    bucket = _score(entry("a:m", limits=_limits(1000, Window(kind="token_bucket", seconds=86_400)))).terms["cost"]
    minute = _score(entry("a:m", limits=_limits(3, Window(kind="rolling", seconds=60)))).terms["cost"]
    side_by_side = _score(entry("a:m", limits=_limits(1, Window(kind="concurrency")))).terms["cost"]
    tokens = _score(entry("a:m", limits=_limits(10, Window(kind="calendar_day"), "tokens"))).terms["cost"]
    local = _score(entry("a:m", is_local=True)).terms["cost"]
    unknown = _score(entry("a:m")).terms["cost"]

    assert by_month == anniversary < by_day == rolling == bucket < local == 1.0
    assert minute == side_by_side == tokens
    assert unknown < minute < 1.0


def test_the_window_counts_in_the_long_context_profile_only() -> None:
    """4 k tokens give a tenth, a million the whole; an unknown window little."""
    windows = (2048, 4096, 1_000_000, 9_000_000)
    found = [
        _score(entry("a:m", profile={"max_input_tokens": size}), profile="long_context").terms["context"]
        for size in windows
    ]

    assert [0.1, 0.1, 1.0, 1.0] == pytest.approx(found)
    assert 0.3 == _score(entry("a:m"), profile="long_context").terms["context"]
    assert "context" not in _score(entry("a:m")).terms


def test_an_unknown_ability_costs_a_little() -> None:
    """A model that is known to call tools goes before one that may or may not."""
    needs = Requirements(profile_keys=frozenset({"tool_calling"}))

    known = score(entry("a:m", profile={"tool_calling": True}), EASY, needs, RouteState(), PROFILES["balanced"])
    unknown = score(entry("b:m"), EASY, needs, RouteState(), PROFILES["balanced"])

    assert known.total > unknown.total > 0


def test_the_last_answers_route_gets_a_bonus_that_shows() -> None:
    """Affinity: named among the terms, and above what it was."""
    plain = _score(entry("a:m"))

    found = affinity(plain)

    assert found.total > plain.total
    assert found.terms["affinity"] == pytest.approx(found.total - plain.total)


def test_weights_of_nothing_score_nothing() -> None:
    """A profile whose weights are all zero divides by one, not by nothing."""
    assert 0.0 == score(entry("a:m"), EASY, Requirements(), RouteState(), {"quality": 0.0}).total


@given(st.floats(0, 10), st.floats(0, 10), st.sampled_from(list(PROFILES)))
def test_more_trouble_never_raises_a_score(one: float, other: float, profile: str) -> None:
    """FIELD e3: what went wrong in the last minutes."""
    calmer, worse = sorted((one, other))

    assert (
        _score(entry("a:m"), RouteState(trouble=worse), profile=profile).total
        <= _score(entry("a:m"), RouteState(trouble=calmer), profile=profile).total
    )


def test_one_failure_weighs_little_and_a_series_more_than_half() -> None:
    """S0-08: uptime is about now, whatever a long good history says."""
    history = {"successes": 500.0, "first_token_s": 0.4}

    found = [_score(entry("a:m"), RouteState(**history, trouble=each)).total for each in (0.0, 1.0, 10.0)]

    assert [1.0, pytest.approx(0.94), pytest.approx(0.4)] == [total / found[0] for total in found]


def test_where_nothing_was_streamed_the_whole_call_tells_the_speed() -> None:
    """S1-12, S3-05: response time counts; the time to the first token is better knowledge."""
    seconds = (0.1, 0.5, 6.0, 30.0, 120.0)
    found = [_score(entry("a:m"), RouteState(response_s=each)).terms["latency"] for each in seconds]

    assert [1.0, 1.0, pytest.approx(0.393, abs=0.001), 0.0, 0.0] == found
    assert 1.0 == _score(entry("a:m"), RouteState(response_s=60.0, first_token_s=0.1)).terms["latency"]


def test_the_success_rate_is_the_share_that_was_answered() -> None:
    assert (0.75, None) == (RouteState(successes=3, failures=1).success_rate, RouteState().success_rate)
