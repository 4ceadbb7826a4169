"""Whether a wait is worth it: for a much better route, for the only one, and never beyond its bounds."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmux_lc.routing.plan import Pool, make_plan
from openmux_lc.routing.progress import next_calls
from openmux_lc.routing.waiting import MARGIN, seconds_to_wait
from openmux_lc.types.catalog import Route
from openmux_lc.types.run import Attempt, Classification, Options, Plan
from openmux_lc.types.state import Cooldown, CooldownSource, RouteState, Snapshot
from tests.routing.entries import ask, entry, failed, route

NOW = 1_000.0
DEADLINE = 100.0
BEST, GOOD, WEAK = entry("a:m", capability=0.95), entry("b:m", capability=0.9), entry("c:m", capability=0.3)


def _plan(
    *entries: object,
    rests: dict[str, float],
    source: CooldownSource = "quota",
    chain: Sequence[str] = (),
    **options: object,
) -> Plan:
    """Return a plan in which `rests` says for how many seconds each route still rests."""
    pauses = {name: Cooldown(until=NOW + left_s, reason="x", source=source) for name, left_s in rests.items()}
    used_up = {route(name): RouteState(headroom=0.0) for name in rests}
    return make_plan(
        Pool.of(entries),  # type: ignore[arg-type]
        ask("What is the capital of France?"),
        Options(**{"routing_profile": "quality", **options}),  # type: ignore[arg-type]
        Snapshot(at=NOW, routes=used_up, cooldowns=pauses),
        classification=Classification(task="chat", confidence=0.9, difficulty=0.5),
        chain=[route(name) for name in chain],
    )


def _branch(plan: Plan) -> list[str]:
    return [str(step) for branch in plan.branches for step in branch]


def _first_wait(plan: Plan, *, now: float = 0.0) -> tuple[list[str], float]:
    wave = next_calls(plan, (), (), now, DEADLINE)
    return [str(step) for _, step in wave.calls], wave.wait_s


def test_a_much_better_route_that_frees_in_time_is_waited_for() -> None:
    """FIELD 'none of them has' 7: max_wait=20, and a much better route frees in 3 s."""
    plan = _plan(BEST, WEAK, rests={"a:m": 3.0}, max_wait_s=20.0)

    assert ["a:m", "c:m"] == _branch(plan)
    assert (["a:m"], 3.0) == _first_wait(plan)
    assert plan.wait is not None
    assert (route("a:m"), 3.0, NOW + 3.0, True) == (
        plan.wait.route,
        plan.wait.wait_s,
        plan.wait.until,
        plan.wait.is_waited,
    )
    assert plan.why[-1].startswith("waits for a:m, free in 3.0 s (max_wait 20 s): clearly better: it scores 0.")
    assert [] == [entry for entry in plan.rejected if entry.route == "a:m"]


@pytest.mark.parametrize(
    ("rests", "max_wait_s", "told"),
    [
        ({"a:m": 30.0}, 20.0, "does not wait for a:m, free in 30.0 s (max_wait 20 s): clearly better than c:m"),
        ({"a:m": 20.0}, 20.0, "waits for a:m"),
        ({"a:m": 3.0}, 0.0, ""),
    ],
    ids=["too long", "just in time", "nobody asked to wait"],
)
def test_no_wait_is_longer_than_may_be_waited(rests: dict[str, float], max_wait_s: float, told: str) -> None:
    plan = _plan(BEST, WEAK, rests=rests, max_wait_s=max_wait_s)

    is_waited = plan.wait is not None and plan.wait.is_waited

    assert (["a:m", "c:m"] if is_waited else ["c:m"]) == _branch(plan)
    assert any(line.startswith(told) for line in plan.why)
    assert bool(told) == (plan.wait is not None)


def test_a_route_that_is_a_little_better_is_not_waited_for() -> None:
    """The next one answers now; the report says what the wait would have bought."""
    plan = _plan(BEST, GOOD, rests={"a:m": 1.0}, max_wait_s=20.0)

    assert ["b:m"] == _branch(plan)
    assert plan.wait is not None
    assert not plan.wait.is_waited
    assert "not clearly better" in plan.why[-1]


def test_nothing_is_told_of_a_route_that_is_neither_better_nor_soon_free() -> None:
    plan = _plan(WEAK, GOOD, rests={"c:m": 500.0}, max_wait_s=20.0)

    assert (["b:m"], None) == (_branch(plan), plan.wait)


def test_the_margin_is_what_decides() -> None:
    """Just above it is worth a wait, just below it is not."""
    for capability in (0.5, 0.6, 0.7, 0.8, 0.9):
        plan = _plan(BEST, entry("b:m", capability=capability), rests={"a:m": 1.0}, max_wait_s=5.0)
        scores = {str(each.route): each.score.total for each in _plan(
            BEST, entry("b:m", capability=capability), rests={}).candidates}  # fmt: skip

        assert plan.wait is not None
        assert (scores["a:m"] >= scores["b:m"] + MARGIN) == plan.wait.is_waited


def test_the_only_route_is_waited_for_and_a_longer_rest_is_told() -> None:
    """FIELD 4 (litellm#3646): a user of one deployment wants to wait, not an error."""
    waits, told = (_plan(BEST, rests={"a:m": left_s}, max_wait_s=5.0) for left_s in (4.0, 6.0))

    assert (["a:m"], 4.0) == _first_wait(waits)
    assert "nobody is free, and it is the first to be" in waits.why[-1]
    assert ([], [("a:m", NOW + 6.0)]) == (_branch(told), [(each.route, each.until) for each in told.rejected])
    assert "rests for longer than may be waited" in told.why[-1]


def test_where_nobody_is_free_the_first_to_be_is_waited_for_unless_another_is_much_better() -> None:
    """The same margin holds between two waits."""
    much = _plan(BEST, WEAK, rests={"a:m": 5.0, "c:m": 1.0}, max_wait_s=10.0)
    little = _plan(BEST, GOOD, rests={"a:m": 5.0, "b:m": 1.0}, max_wait_s=10.0)

    assert (["a:m"], 5.0) == _first_wait(much)
    assert (["b:m"], 1.0) == _first_wait(little)


def test_what_cost_money_is_never_waited_for() -> None:
    plan = _plan(BEST, rests={"a:m": 1.0}, source="paid", max_wait_s=20.0)

    assert ([], None) == (_branch(plan), plan.wait)


def test_a_named_route_waits_for_what_was_told_and_is_asked_during_a_guess() -> None:
    """Without `max_wait` it is asked at once in both cases: nobody else could answer."""
    told = _plan(BEST, rests={"a:m": 2.0}, source="header", chain=["a:m"], max_wait_s=5.0)
    guessed = _plan(BEST, rests={"a:m": 2.0}, source="breaker", chain=["a:m"], max_wait_s=5.0)
    at_once = _plan(BEST, rests={"a:m": 2.0}, source="header", chain=["a:m"])

    assert [(["a:m"], 2.0), (["a:m"], 0.0), (["a:m"], 0.0)] == [_first_wait(each) for each in (told, guessed, at_once)]


def test_where_several_answers_are_wanted_none_holds_up_the_others() -> None:
    plan = _plan(BEST, WEAK, rests={"a:m": 1.0}, max_wait_s=20.0, fan_out=2)

    assert (["c:m"], None) == (_branch(plan), plan.wait)


def test_no_wait_outlasts_the_deadline() -> None:
    """Neither at the time of the plan, nor when most of the time is gone since."""
    beyond = _plan(BEST, WEAK, rests={"a:m": 3.0}, max_wait_s=20.0, timeout_s=3.0)
    plan = _plan(BEST, WEAK, rests={"a:m": 3.0}, max_wait_s=20.0)

    assert ["c:m"] == _branch(beyond)
    assert (["c:m"], 0.0) == _first_wait(plan, now=DEADLINE - 2.0)


def test_a_lost_slot_is_no_second_wait_where_others_are_left() -> None:
    """Another process was quicker: the next route is asked at once."""
    plan = _plan(BEST, WEAK, rests={"a:m": 3.0}, max_wait_s=20.0)
    lost = failed("a:m", outcome="refused", error="RateLimited", retry_after=1.0, waited_s=3.0)

    wave = next_calls(plan, [lost], (), 3.0, DEADLINE)

    assert ((0, route("c:m")),) == wave.calls
    assert 0.0 == wave.wait_s


def test_where_nobody_else_is_left_a_told_wait_is_waited_within_the_rest_of_the_budget() -> None:
    """Several processes may share one slot a second: who loses it waits for the next one."""
    plan = _plan(BEST, rests={"a:m": 3.0}, max_wait_s=5.0)
    lost = failed("a:m", outcome="refused", error="RateLimited", retry_after=1.5, waited_s=3.0)

    again = next_calls(plan, [lost], (), 3.0, DEADLINE)

    assert (((0, route("a:m")),), 1.5) == (again.calls, again.wait_s)
    assert () == next_calls(plan, [lost, lost], (), 6.0, DEADLINE).calls


def test_of_two_routes_that_told_a_wait_the_one_that_frees_first_is_waited_for() -> None:
    """What passed since counts."""
    attempts = [
        failed("a:m", error="RateLimited", retry_after=4.0),
        failed("b:m", error="RateLimited", retry_after=3.0, elapsed_s=2.0),
    ]

    assert (route("a:m"), 2.0) == seconds_to_wait(attempts, 10.0)
    assert seconds_to_wait(attempts, 1.0) is None
    assert seconds_to_wait([failed("a:m")], 10.0) is None


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.floats(0, 10), st.floats(0, 3), st.sampled_from(["failed", "refused"])),
        min_size=1,
        max_size=3,
    ),
    st.floats(0.1, 30),
)
def test_waiting_always_ends_within_its_budget(told: list[tuple[str, float, float, str]], max_wait_s: float) -> None:
    """Whatever hosts and ledger tell, all waits together are no longer than `max_wait`."""
    plan = _plan(BEST, rests={"a:m": min(3.0, max_wait_s)}, max_wait_s=max_wait_s, max_retries=0)
    attempts: list[Attempt] = []

    for number in range(80):
        wave = next_calls(plan, attempts, (), 0.0, 1e9)
        if not wave.calls:
            break
        _, retry_after, elapsed_s, outcome = told[number % len(told)]
        attempts.append(
            failed("a:m", outcome=outcome, error="RateLimited", retry_after=retry_after, elapsed_s=elapsed_s,
                   waited_s=wave.wait_s)
        )  # fmt: skip
    else:
        pytest.fail("the waits did not end")

    assert sum(each.waited_s for each in attempts) <= max_wait_s + 1e-9
    assert all(earlier.route == later.route == Route("a", "m") for earlier, later in pairwise(attempts))
