"""The plan: who is asked in which order, who is not, and why."""

import time
from collections.abc import Sequence
from itertools import chain as chained
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openmux_lc.errors import ConfigError
from openmux_lc.routing.plan import Pool, make_plan
from openmux_lc.types.catalog import Limit, PoolEntry, Route, Window
from openmux_lc.types.run import Classification, Options, Plan
from openmux_lc.types.state import Cooldown, CooldownSource, RouteState, Snapshot
from tests.routing.entries import IMAGE, ask, entry, route

NOW = 1_000.0
CALM = Snapshot(at=NOW)
CHAT = Classification(task="chat", confidence=0.9, difficulty=0.3)
QUESTION = ask("What is the capital of France?")
THREE = (entry("a:m", capability=0.9), entry("b:m", capability=0.7), entry("c:m", capability=0.5))


def _plan(
    entries: Sequence[PoolEntry],
    *,
    chain: Sequence[str] = (),
    fallback: Sequence[str] = (),
    snapshot: Snapshot = CALM,
    previous: str = "",
    **options: object,
) -> Plan:
    named: list[Route | Literal["auto"]] = ["auto" if text == "auto" else route(text) for text in chain]
    return make_plan(
        Pool.of(entries),
        QUESTION,
        Options(**options),  # type: ignore[arg-type]
        snapshot,
        classification=CHAT,
        previous=route(previous) if previous else None,
        chain=named,
        fallback=[route(text) for text in fallback],
    )


def _branches(plan: Plan) -> list[list[str]]:
    return [[str(step) for step in branch] for branch in plan.branches]


def _steps(plan: Plan) -> list[str]:
    return list(chained(*_branches(plan)))


def _rejected(plan: Plan) -> dict[str, str]:
    return {found.route: found.reason for found in plan.rejected}


def test_the_best_route_is_first_and_the_others_follow() -> None:
    """S2-10: every request has a prepared chain of fallbacks, best first."""
    plan = _plan(THREE)

    assert [["a:m", "b:m", "c:m"]] == _branches(plan)
    assert ["a:m", "b:m", "c:m"] == [str(found.route) for found in plan.candidates]


def test_the_plan_says_why() -> None:
    """S0-09, S1-07: task, confidence, and the terms of the route that won."""
    plan = _plan(THREE)

    assert "task chat (confidence 0.90), difficulty 0.30" == plan.why[0]
    assert plan.why[1].startswith("a:m is best of 3 by 'balanced': ")
    assert "quality" in plan.why[1]


def test_after_the_best_route_other_providers_come_first() -> None:
    """A dead provider costs one attempt, not one for each of its models."""
    pool = [entry(f"a:{number}", capability=0.9 - number / 10) for number in range(3)] + [entry("b:m", capability=0.2)]

    assert [["a:0", "b:m", "a:1", "a:2"]] == _branches(_plan(pool))


def test_a_blocked_route_is_rejected_with_its_reason() -> None:
    """S0-04: what is not free is never in a branch."""
    plan = _plan((*THREE, entry("paid:m", capability=1.0, blocked="costs money")))

    assert "costs money" == _rejected(plan)["paid:m"]
    assert "paid:m" not in _steps(plan)


def test_a_pin_asks_that_route_alone() -> None:
    """A chain never leaves its list; nothing is said of the routes that were not asked for."""
    plan = _plan(THREE, chain=["c:m"], fallback=["b:m"])

    assert [["c:m"]] == _branches(plan)
    assert {} == _rejected(plan)
    assert "c:m was named by the caller" == plan.why[1]


def test_a_chain_keeps_the_callers_order() -> None:
    """The ranking does not reorder what the user ordered, and a route named twice is asked once."""
    assert [["c:m", "a:m"]] == _branches(_plan(THREE, chain=["c:m", "a:m", "c:m"]))


def test_a_chain_that_ends_in_auto_goes_on_with_the_pool() -> None:
    """First the list, then the ranking without it."""
    assert [["c:m", "a:m", "b:m"]] == _branches(_plan(THREE, chain=["c:m", "auto"]))


def test_auto_alone_is_the_ranking() -> None:
    """`auto` and nothing at all mean the same."""
    assert _branches(_plan(THREE)) == _branches(_plan(THREE, chain=["auto"]))


def test_a_pinned_route_that_is_blocked_is_refused_with_the_reason() -> None:
    """A paid model pinned is refused, and so is one that the pool does not know."""
    plan = _plan((*THREE, entry("paid:m", blocked="costs money")), chain=["paid:m", "who:m"])

    assert [] == _branches(plan)
    assert "costs money" == _rejected(plan)["paid:m"]
    assert "is not in the pool" in _rejected(plan)["who:m"]


def test_a_stranger_in_an_open_chain_is_told_and_passed() -> None:
    """The rest of the chain goes on."""
    plan = _plan(THREE, chain=["who:m", "auto"])

    assert [["a:m", "b:m", "c:m"]] == _branches(plan)
    assert "is not in the pool" == _rejected(plan)["who:m"]


def test_the_only_route_named_is_asked_even_while_it_is_paused() -> None:
    """Complaint 4: who pinned one route is never left with none."""
    paused = Snapshot(at=NOW, cooldowns={"c:m": Cooldown(until=NOW + 60, reason="rate limited")})

    assert [["c:m"]] == _branches(_plan(THREE, chain=["c:m"], snapshot=paused))


def test_a_paused_route_of_a_chain_comes_behind_the_others() -> None:
    """It would cost a call that is known to fail."""
    paused = Snapshot(at=NOW, cooldowns={"c": Cooldown(until=NOW + 60, reason="down")})

    assert [["a:m", "b:m", "c:m"]] == _branches(_plan(THREE, chain=["c:m", "a:m", "b:m"], snapshot=paused))


def test_a_paused_route_is_out_of_the_ranking_with_the_end_of_its_pause() -> None:
    """When all are paused there is no branch, and every rejection says until when."""
    cooldowns = {f"{name}:m": Cooldown(until=NOW + 60, reason="quota", source="quota") for name in "abc"}

    plan = _plan(THREE, snapshot=Snapshot(at=NOW, cooldowns=cooldowns))

    assert [] == _branches(plan)
    assert {NOW + 60} == {found.until for found in plan.rejected}
    assert 1 == len(plan.why)


def test_the_fallback_of_the_settings_comes_last_in_its_own_order() -> None:
    """S0-16: user-defined fallback models are tried after the chosen ones."""
    assert [["c:m", "b:m", "a:m"]] == _branches(_plan(THREE, fallback=["b:m", "a:m"]))


def test_the_fallback_is_within_what_may_be_tried() -> None:
    """However large the pool is, the fallback is reached."""
    pool = [entry(f"p{number}:m") for number in range(20)] + [entry("mine:m", capability=0.01)]

    branch = _branches(_plan(pool, fallback=["mine:m"], max_attempts=4))[0]

    assert "mine:m" in branch[:4]


def test_a_branch_is_not_cut_by_the_attempts() -> None:
    """S2-10: what the ledger refuses costs no attempt, so the routes behind it must be there."""
    pool = [entry(f"p{number}:m") for number in range(20)]

    assert [20] == [len(branch) for branch in _branches(_plan(pool, max_attempts=5))]


def test_auto_first_asks_the_pool_before_the_named_routes() -> None:
    """`ChatOpenMux(fallbacks=[...])`: the pool first, then the user's own."""
    pool = [entry("a:m", capability=0.9), entry("b:m", capability=0.8), entry("c:m", capability=0.7)]

    assert [["a:m", "c:m", "b:m"]] == _branches(_plan(pool, chain=["auto", "b:m"]))


@pytest.mark.parametrize(
    ("source", "asked"), [("breaker", True), ("heuristic", True), ("header", False), ("quota", False)]
)
def test_where_nobody_else_is_left_a_pause_of_our_own_guess_gives_way(source: CooldownSource, asked: bool) -> None:
    """The only candidate is never benched beyond what a provider really told."""
    paused = Snapshot(at=NOW, cooldowns={"a:m": Cooldown(until=NOW + 9, reason="x", source=source)})

    plan = _plan([entry("a:m")], snapshot=paused)

    assert ([["a:m"]] if asked else []) == _branches(plan)
    assert ([] if asked else ["a:m"]) == list(_rejected(plan))


def test_a_named_route_that_cost_money_is_not_asked_again() -> None:
    """Never paid: naming a route lifts a pause, but not this one."""
    pool = [entry("a:m"), entry("b:m")]
    paid = Snapshot(at=NOW, cooldowns={"a:m": Cooldown(until=NOW + 9, reason="it reported a cost", source="paid")})

    plan = _plan(pool, chain=["a:m"], snapshot=paid)

    assert [] == _branches(plan)
    assert ["paused: it reported a cost"] == [entry.reason for entry in plan.rejected]


def test_a_prompt_beyond_a_quotas_whole_amount_is_told_beforehand() -> None:
    """A minute of 1000 tokens never takes a prompt of 2500, however long one waits."""
    small = Limit(unit="tokens", amount=1000, window=Window(kind="rolling", seconds=60), scope="key")
    pool = [entry("a:m", limits=(small,)), entry("b:m")]

    plan = make_plan(Pool.of(pool), ask("word " * 2500), Options(), CALM)

    assert [["b:m"]] == _branches(plan)
    assert "free quota of 1000 tokens" in plan.rejected[0].reason


def test_fan_out_starts_every_branch_with_another_route() -> None:
    """S0-10: new providers first; the rest is shared out and no route stands twice."""
    pool = [entry("a:1", capability=0.9), entry("a:2", capability=0.8), *(entry(f"{name}:m") for name in "bcdef")]

    branches = _branches(_plan(pool, fan_out=3))
    steps = list(chained(*branches))

    assert ["a:1", "b:m", "c:m"] == [branch[0] for branch in branches]
    assert sorted(set(steps)) == sorted(steps)
    assert {"a:1", "a:2", "b:m", "c:m", "d:m", "e:m", "f:m"} == set(steps)


def test_fan_out_beyond_the_pool_asks_what_there_is() -> None:
    """Three routes give three branches, however many were wanted."""
    assert [["a:m"], ["b:m"], ["c:m"]] == _branches(_plan(THREE, fan_out=9))


def test_the_last_answers_route_is_preferred_while_it_is_well() -> None:
    """Affinity: style and tool-call ids travel badly; a paused route is not held on to."""
    near = (entry("a:m", capability=0.6), entry("b:m", capability=0.55))
    paused = Snapshot(at=NOW, cooldowns={"b:m": Cooldown(until=NOW + 9, reason="x")})

    assert [["b:m", "a:m"]] == _branches(_plan(near, previous="b:m"))
    assert [["a:m", "b:m"]] == _branches(_plan(near, previous="b:m", snapshot=paused))


def test_what_the_ledger_learned_changes_the_order() -> None:
    """S0-08: latency and reliability count beside quality."""
    slow = RouteState(successes=1, failures=9, first_token_s=5.0)
    quick = RouteState(successes=9, first_token_s=0.1)

    plan = _plan(THREE, snapshot=Snapshot(at=NOW, routes={route("a:m"): slow, route("c:m"): quick}))

    assert ["c:m", "b:m", "a:m"] == _branches(plan)[0]


@pytest.mark.parametrize(("profile", "first"), [("speed", "quick:m"), ("quality", "clever:m"), ("budget", "local:m")])
def test_each_profile_prefers_what_it_is_named_for(profile: str, first: str) -> None:
    """S2-05: the same pool, another order."""
    pool = (entry("quick:m", capability=0.4), entry("clever:m", capability=0.95), entry("local:m", is_local=True))
    states = {
        route("quick:m"): RouteState(first_token_s=0.1),
        route("clever:m"): RouteState(first_token_s=2.0),
        route("local:m"): RouteState(first_token_s=3.0),
    }

    plan = _plan(pool, snapshot=Snapshot(at=NOW, routes=states), routing_profile=profile)

    assert first == _branches(plan)[0][0]


def test_ties_go_by_rank_and_name_and_with_a_seed_always_the_same_way() -> None:
    """Deterministic without a seed, and with one; two seeds may differ."""
    pool = [entry("b:m"), entry("a:m"), entry("c:m", rank=1), *(entry(f"d{number}:m") for number in range(6))]

    assert ["c:m", "a:m", "b:m"] == _branches(_plan(pool))[0][:3]
    assert _branches(_plan(pool, seed=7)) == _branches(_plan(pool, seed=7))
    assert 1 < len({str(_branches(_plan(pool, seed=seed))) for seed in range(6)})


def test_own_weights_and_unknown_profiles() -> None:
    """The user's profile is used by name; one that nobody knows is an error."""
    own = {"mine": {"cost": 1.0}}
    pool = Pool.of((entry("a:m", capability=0.9), entry("b:m", is_local=True, capability=0.1)))

    plan = make_plan(pool, QUESTION, Options(routing_profile="mine"), CALM, weights=own)

    assert "b:m" == str(plan.branches[0][0])
    with pytest.raises(ConfigError, match="no routing profile 'mien'; did you mean 'mine'"):
        make_plan(pool, QUESTION, Options(routing_profile="mien"), CALM, weights=own)


def test_the_same_pool_serves_changed_weights() -> None:
    """What is kept from an earlier request never outlives its weights."""
    pool = Pool.of((entry("a:m", capability=0.9), entry("b:m", is_local=True, capability=0.1)))
    options = Options(routing_profile="mine")

    plans = [
        make_plan(pool, QUESTION, options, CALM, classification=CHAT, weights={"mine": weights})
        for weights in ({"cost": 1.0}, {"quality": 1.0})
    ]

    assert ["b:m", "a:m"] == [str(plan.branches[0][0]) for plan in plans]


def test_an_image_goes_to_a_model_that_sees_and_a_long_text_to_a_large_window() -> None:
    """The contract's looking at an image; complaint 16's smaller window."""
    pool = Pool.of(
        (entry("blind:m", profile={"image_inputs": False}), entry("seeing:m", profile={"image_inputs": True}))
    )
    windows = Pool.of((entry("small:m", profile={"max_input_tokens": 2000}), entry("large:m"), entry("unknown:m")))

    seen = make_plan(pool, ask("What is in this picture?", IMAGE), Options(), CALM)
    long = make_plan(windows, ask("word " * 4000), Options(), CALM)
    short = make_plan(windows, ask("word"), Options(), CALM)

    assert [["seeing:m"]] == _branches(seen)
    assert "cannot look at images" == _rejected(seen)["blind:m"]
    assert {"large:m", "unknown:m"} == set(_branches(long)[0])
    assert "its window of 2000 tokens is too small" in _rejected(long)["small:m"]
    assert {"large:m", "small:m", "unknown:m"} == set(_branches(short)[0])


def test_a_picture_to_be_drawn_finds_no_route_among_text_models() -> None:
    """The contract: no branch, and every rejection says that it cannot make images."""
    plan = make_plan(Pool.of(THREE), ask("Draw me a fox in a space suit"), Options(), CALM)

    assert [] == _branches(plan)
    assert {"cannot make images"} == set(_rejected(plan).values())


def test_an_override_shows_in_the_reasons() -> None:
    """S0-07: the plan says that the caller set the task."""
    plan = make_plan(Pool.of(THREE), QUESTION, Options(task="code"), CALM)

    assert plan.why[0].startswith("task code (set by the caller)")


def test_what_is_kept_of_earlier_requests_is_bounded() -> None:
    """A pool that lives for months does not grow."""
    pool = Pool.of(THREE)

    for number in range(300):
        found = Classification(task="chat", confidence=0.9, difficulty=number / 300)
        make_plan(pool, QUESTION, Options(), CALM, classification=found)

    assert len(pool.rankings) <= 128


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 9), st.booleans(), st.booleans()), max_size=30),
    st.integers(1, 6),
    st.integers(1, 9),
    st.lists(st.sampled_from("abcdef"), max_size=3),
    st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_no_plan_holds_a_blocked_or_paused_route_or_one_twice(
    rows: list[tuple[str, int, bool, bool]], fan_out: int, attempts: int, chain: list[str], is_open: bool
) -> None:
    """For any pool: blocked never, paused only by name or behind all others, each a candidate or rejected."""
    entries = {
        f"{name}:{number}": entry(f"{name}:{number}", capability=number / 10, blocked="off" if blocked else "")
        for name, number, blocked, _ in rows
    }
    cooldowns = {f"{name}:{number}": Cooldown(until=NOW + 9, reason="x") for name, number, _, paused in rows if paused}
    named = [f"{name}:1" for name in chain]

    plan = _plan(
        list(entries.values()),
        chain=[*named, *(["auto"] if is_open and named else [])],
        fallback=["a:2"],
        snapshot=Snapshot(at=NOW, cooldowns=cooldowns),
        fan_out=fan_out,
        max_attempts=attempts,
    )
    steps = _steps(plan)

    assert len(steps) == len(set(steps))
    assert not any(entries[step].blocked for step in steps)
    is_last_resort = [step in cooldowns and step not in named for step in steps]
    assert is_last_resort == sorted(is_last_resort)
    assert set(steps) <= {str(found.route) for found in plan.candidates} | set(_rejected(plan))
    if not named:
        assert entries.keys() == {str(found.route) for found in plan.candidates} | set(_rejected(plan))


@pytest.mark.performance
def test_a_plan_over_a_large_pool_is_quick() -> None:
    """300 routes, all with a history: the aim is 1 ms; five times that is allowed for a busy machine."""
    pool = Pool.of([entry(f"p{number % 30}:{number}", capability=number / 300) for number in range(300)])
    states = {found.route: RouteState(successes=3, first_token_s=0.4) for found in pool.entries}
    snapshot = Snapshot(at=NOW, routes=states)

    spent = []
    for _ in range(30):
        began = time.process_time()
        make_plan(pool, QUESTION, Options(), snapshot, classification=CHAT)
        spent.append(time.process_time() - began)

    assert min(spent) < 0.005


@pytest.mark.parametrize(
    ("pause", "response_s", "expected"),
    [
        (Cooldown(until=NOW + 60, reason="x", source="breaker"), 1.0, ["a:m", "b:m"]),
        (Cooldown(until=NOW + 60, reason="x", source="heuristic"), None, ["a:m", "b:m"]),
        (Cooldown(until=NOW + 60, reason="x", source="breaker"), 30.0, ["a:m"]),
        (Cooldown(until=NOW + 60, reason="x", source="breaker", told_until=NOW + 1), 1.0, ["a:m"]),
        (Cooldown(until=NOW + 60, reason="x", source="header"), 1.0, ["a:m"]),
        (Cooldown(until=NOW + 60, reason="x", source="paid"), 1.0, ["a:m"]),
    ],
    ids=["breaker", "guess", "slow", "partly told", "told", "paid"],
)
def test_a_route_that_only_a_guess_of_ours_pauses_is_the_last_resort(
    pause: Cooldown, response_s: float | None, expected: list[str]
) -> None:
    """FIELD 4: better asked than an error, but not where it would keep the caller waiting."""
    pool = (entry("a:m", capability=0.4), entry("b:m", capability=0.9))
    known = {route("b:m"): RouteState(response_s=response_s)}

    plan = _plan(pool, snapshot=Snapshot(at=NOW, routes=known, cooldowns={"b:m": pause}))

    assert [expected] == _branches(plan)
    assert [("b:m", NOW + 60)] == [(found.route, found.until) for found in plan.rejected]


def test_of_several_last_resorts_the_first_to_be_well_is_asked_first_and_of_several_answers_none() -> None:
    """A breaker's minute comes before a bad key's five and a missing model's day."""
    pauses = {
        name: Cooldown(until=NOW + left_s, reason="x") for name, left_s in {"b:m": 300, "c:m": 60, "d:m": 9e4}.items()
    }
    pool = tuple(entry(f"{name}:m", capability=0.9) for name in "abcd")
    snapshot = Snapshot(at=NOW, cooldowns=pauses)

    assert [["a:m", "c:m", "b:m", "d:m"]] == _branches(_plan(pool, snapshot=snapshot))
    assert [["a:m"]] == _branches(_plan(pool, snapshot=snapshot, fan_out=3))
