"""Whom to ask as well when the first is late, and when that is not wise."""

import pytest

from openmux_lc.routing.hedge import Hedge, to_hedge
from openmux_lc.types.run import Classification, Options, Plan, Requirements
from openmux_lc.types.state import Cooldown, RouteState, Snapshot
from tests.routing.entries import route

USUAL = RouteState(successes=20, late_token_s=1.5, late_whole_s=9.0)


def _hedge(
    *branch: str,
    first: RouteState = USUAL,
    second: RouteState | None = None,
    is_stream: bool = True,
    paused: str = "",
    **options: object,
) -> Hedge | None:
    steps = tuple(route(step) for step in branch or ("a:m", "b:m"))
    plan = Plan(
        branches=(steps,) * int(options.get("fan_out", 1)),
        candidates=(),
        rejected=(),
        classification=Classification(task="chat", confidence=1.0),
        requirements=Requirements(),
        options=Options(**{"hedge": True, **options}),  # type: ignore[arg-type]
    )
    cooldowns = {paused: Cooldown(until=99.0, reason="x")} if paused else {}
    snapshot = Snapshot(at=0.0, routes={route("a:m"): first, route("b:m"): second or RouteState()}, cooldowns=cooldowns)
    return to_hedge(plan, route("a:m"), frozenset([route("a:m")]), snapshot, is_stream=is_stream)


def test_the_second_is_asked_when_the_first_is_later_than_it_is_once_in_twenty_times() -> None:
    """pydantic-ai#4455: p95 of its own time, to the first token or to the whole answer."""
    assert Hedge(route=route("b:m"), after_s=1.5) == _hedge()
    assert Hedge(route=route("b:m"), after_s=9.0) == _hedge(is_stream=False)


def test_the_second_is_at_another_provider() -> None:
    """What makes one model of a host late makes the others late."""
    assert Hedge(route=route("b:m"), after_s=1.5) == _hedge("a:m", "a:n", "b:m")
    assert _hedge("a:m", "a:n") is None


@pytest.mark.parametrize(
    "case",
    [
        {"hedge": False},
        {"fan_out": 2},
        {"first": RouteState(successes=20)},
        {"first": RouteState(successes=3, late_token_s=1.5)},
        {"second": RouteState(headroom=0.5)},
    ],
    ids=["off", "several answers", "unmeasured", "hardly known", "little headroom"],
)
def test_nobody_is_asked_twice_where_it_is_not_wanted_or_not_wise(case: dict[str, object]) -> None:
    assert _hedge(**case) is None  # type: ignore[arg-type]


def test_a_second_that_rests_is_passed() -> None:
    assert Hedge(route=route("c:m"), after_s=1.5) == _hedge("a:m", "b:m", "c:m", paused="b:m")


def test_a_host_that_is_very_quick_is_not_late_at_once() -> None:
    hedge = _hedge(first=RouteState(successes=20, late_token_s=0.001))

    assert hedge is not None
    assert 0.05 == hedge.after_s
