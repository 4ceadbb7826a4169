"""The one call that tries: half-open breakers, guesses of ours half served, several processes."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from openmux_lc.ledger.health import Health, is_due, pause
from openmux_lc.ledger.ledger import Ledger
from openmux_lc.ledger.store import to_path
from openmux_lc.types.catalog import Route
from openmux_lc.types.run import Attempt
from openmux_lc.types.state import Cooldown, Refusal, Reservation, longest
from tests.ledger.conftest import NOON, Clock


def fault(route: Route, error: str = "ServerError", **changes) -> Attempt:
    """An attempt that failed."""
    return Attempt(route=route, outcome="failed", error=error, **changes)


def settle(ledger: Ledger, route: Route, *attempts: Attempt, **options) -> None:
    """Make calls that end like that, one after the other."""
    for attempt in attempts:
        ledger.settle(ledger.reserve(route, (), {}), attempt, **options)


def rest_ten_minutes(ledger: Ledger, clock: Clock, *routes: Route) -> float:
    """Let each route be limited twice without a word; return when the rest begins."""
    for route in routes:
        settle(ledger, route, fault(route, "RateLimited"))
    clock.pass_s(120)
    for route in routes:
        settle(ledger, route, fault(route, "RateLimited"))
    return clock.now


def test_a_guess_that_is_half_served_may_be_tried_by_one_call(ledger, clock, route):
    """FIELD e2: only a guess, after half of it, one call; its success lifts the pause."""
    began = rest_ten_minutes(ledger, clock, route)
    clock.now = began + 299
    early = ledger.snapshot().cooldown(route)
    clock.now = began + 300
    due = ledger.snapshot().cooldown(route)

    trying = ledger.reserve(route, (), {}, gives_way=True)
    meanwhile = ledger.reserve(route, (), {}, gives_way=True)
    seen = ledger.snapshot().cooldown(route)
    ledger.settle(trying, Attempt(route=route))

    assert began + 600 == early.until
    assert due is None
    assert trying.is_trial
    assert isinstance(meanwhile, Refusal)
    assert began + 600 == seen.until
    assert {} == ledger.snapshot().cooldowns


def test_a_trial_that_fails_goes_on_with_the_ladder(ledger, clock, route):
    """It rests anew, and the next trial is at least two minutes away."""
    began = rest_ten_minutes(ledger, clock, route)
    clock.now = began + 400

    settle(ledger, route, fault(route, "RateLimited"))
    after = ledger.snapshot().cooldown(route)
    clock.now = began + 400 + 299
    waiting = ledger.snapshot().cooldown(route)
    clock.now = began + 400 + 300

    assert began + 400 + 600 == after.until == waiting.until
    assert ledger.snapshot().cooldown(route) is None


def test_trials_of_one_route_are_spaced_two_to_fifteen_minutes(clock):
    """FIELD e2: 2, 4, 8, 15 minutes."""
    day = Health(until=NOON + 86_400, since=NOON, reason="x", generation=1)
    spaced = []
    for trials in (1, 2, 3, 4, 5, 9):
        tried = day._replace(trials=trials, tried_at=NOON + 50_000)
        spaced.append(pause(tried, NOON + 50_000).trial_at - NOON - 50_000)

    assert [120, 240, 480, 900, 900, 900] == spaced


def test_at_most_three_routes_a_minute_are_tried_early(ledger, clock):
    """FIELD e2: in all, across routes."""
    routes = [Route(f"cloud{number}", "big") for number in range(5)]
    began = rest_ten_minutes(ledger, clock, *routes)
    clock.now = began + 300

    replies = [ledger.reserve(route, (), {}, gives_way=True) for route in routes]
    paused = [ledger.snapshot().cooldown(route) is not None for route in routes]
    clock.pass_s(60)

    assert [Reservation] * 3 + [Refusal] * 2 == [type(reply) for reply in replies]
    assert [True] * 5 == paused
    assert isinstance(ledger.reserve(routes[3], (), {}, gives_way=True), Reservation)


@pytest.mark.parametrize("source", ["header", "learned", "quota", "paid"])
def test_what_was_told_is_never_tried_early(ledger, clock, route, source):
    """FIELD e2: only heuristics are."""
    ledger.cool(str(route), Cooldown(until=NOON + 600, reason="told", source=source))
    clock.pass_s(599)

    assert NOON + 600 == ledger.snapshot().cooldown(route).until
    assert isinstance(ledger.reserve(route, (), {}, gives_way=True), Refusal)


def test_a_longer_guess_does_not_hide_what_was_told(ledger, clock, route):
    """Ten minutes of ours over five of theirs: nobody tries before theirs are over."""
    rest_ten_minutes(ledger, clock, route)
    settle(ledger, route, fault(route, "RateLimited", retry_after=400.0))
    clock.pass_s(399)
    before = ledger.snapshot().cooldown(route)
    clock.pass_s(1)

    assert before is not None
    assert before.is_guess
    assert clock.now == before.firm_until
    assert ledger.snapshot().cooldown(route) is None


def test_a_cost_is_not_forgotten_over_a_longer_pause(ledger, clock, route):
    """Never paid: not even whoever names the route may ask, also while something longer holds."""
    ledger.cool(str(route), Cooldown(until=NOON + 600, reason="it reported a cost", source="paid"))
    ledger.cool(str(route), Cooldown(until=NOON + 9_000, reason="RateLimited", source="header"))
    ledger.cool(route.provider, Cooldown(until=NOON + 20_000, reason="down", source="breaker"))

    assert "paid" == ledger.snapshot().cooldown(route).source
    refusal = ledger.reserve(route, (), {})
    assert isinstance(refusal, Refusal)
    assert "paid" == refusal.source


def test_two_processes_try_once(sqlite_url: str, open_ledger: Callable[..., Ledger], clock: Clock, route: Route):
    """Half-open: the second process planned while the first had not yet asked."""
    one, two = open_ledger(sqlite_url), open_ledger(sqlite_url)
    settle(one, route, *[fault(route)] * 3)
    clock.pass_s(61)
    planned = (one.snapshot().cooldown(route), two.snapshot().cooldown(route))

    first = one.reserve(route, (), {}, gives_way=True)
    second = two.reserve(route, (), {}, gives_way=True)
    third = two.reserve(route, (), {})

    assert (None, None) == planned
    assert first.is_trial
    assert isinstance(second, Refusal)
    assert not third.is_trial


def test_a_trial_outlives_a_restart_and_ends_with_its_lease(
    sqlite_url: str, open_ledger: Callable[..., Ledger], clock: Clock, route: Route
):
    """A process that dies while it tries blocks nobody for longer than half a minute."""
    dying = open_ledger(sqlite_url)
    settle(dying, route, *[fault(route)] * 3)
    clock.pass_s(61)
    dying.reserve(route, (), {}, gives_way=True)
    dying.close()

    born = open_ledger(sqlite_url)
    during = born.snapshot().cooldown(route)
    clock.pass_s(30)

    assert "breaker" == during.source
    assert born.snapshot().cooldown(route) is None
    assert born.reserve(route, (), {}, gives_way=True).is_trial


def test_only_the_call_that_tries_ends_its_turn(ledger, clock, route):
    """Another call that is cancelled meanwhile does not let a second one try."""
    settle(ledger, route, *[fault(route)] * 3)
    clock.pass_s(61)
    ledger.reserve(route, (), {}, gives_way=True)
    clock.pass_s(1)

    named = ledger.reserve(route, (), {})
    ledger.settle(named, Attempt(route=route, outcome="cancelled"))

    assert isinstance(ledger.reserve(route, (), {}, gives_way=True), Refusal)


def test_a_trial_that_was_given_up_costs_no_turn(ledger, clock, route):
    """Neither healed nor blamed: the next call may try at once."""
    began = rest_ten_minutes(ledger, clock, route)
    clock.now = began + 300
    trying = ledger.reserve(route, (), {}, gives_way=True)

    ledger.release(trying)

    assert ledger.snapshot().cooldown(route) is None
    assert ledger.reserve(route, (), {}, gives_way=True).is_trial


def test_a_success_of_a_call_that_was_not_sent_to_try_shortens_nothing(ledger, clock, route):
    """The user named the route: it is asked, and the others wait for the deadline all the same."""
    began = rest_ten_minutes(ledger, clock, route)

    settle(ledger, route, Attempt(route=route))

    assert began + 600 == ledger.snapshot().cooldown(route).until


def test_a_late_success_does_not_lift_a_pause_that_was_prolonged(ledger, clock, route):
    """It began before the trial failed: old news."""
    began = rest_ten_minutes(ledger, clock, route)
    clock.now = began + 300
    trying = ledger.reserve(route, (), {}, gives_way=True)
    named = ledger.reserve(route, (), {})
    ledger.settle(trying, fault(route, "RateLimited"))

    ledger.settle(named, Attempt(route=route))

    assert began + 900 == ledger.snapshot().cooldown(route).until
    clock.now = began + 901
    settle(ledger, route, fault(route, "RateLimited"))
    assert began + 901 + 600 == ledger.snapshot().cooldown(route).until


def test_a_dead_host_rests_with_all_its_models_and_one_call_tries_it(ledger, clock, route):
    """FIELD e2: a provider-level failure skips all its models; one of them finds out."""
    other = Route("cloud", "other")
    settle(ledger, route, *[fault(route, "ConnectionFailed")] * 3)
    during = ledger.snapshot().cooldown(other)
    clock.pass_s(61)

    trying = ledger.reserve(other, (), {}, gives_way=True)
    meanwhile = ledger.reserve(route, (), {}, gives_way=True)
    ledger.settle(trying, Attempt(route=other))

    assert "breaker" == during.source
    assert isinstance(meanwhile, Refusal)
    assert {} == ledger.snapshot().cooldowns


def test_a_clock_that_was_set_back_makes_nobody_wait_twice(ledger, clock, route):
    """A minute's pause is over when the clock goes back by an hour; a jump within it changes little."""
    settle(ledger, route, *[fault(route)] * 3)
    clock.pass_s(-30)
    near = ledger.snapshot().cooldown(route)
    clock.pass_s(-3_570)

    assert NOON + 30 == near.until
    assert ledger.snapshot().cooldown(route) is None


def test_a_local_engine_is_not_blamed_for_the_minute_in_which_a_model_loads(ledger, clock):
    """FIELD 6: a cold start leaves no mark, and nothing else more than five seconds."""
    engine = Route("engine", "tiny")
    settle(ledger, engine, *[fault(engine, "TimedOut", elapsed_s=90.0)] * 4, is_local=True)
    cold = ledger.snapshot()
    settle(ledger, engine, fault(engine, "RateLimited"), fault(engine, "RateLimited"), is_local=True)

    assert {} == cold.cooldowns
    assert engine not in cold.routes
    assert clock.now + 5 == ledger.snapshot().cooldown(engine).until


def test_rows_of_an_earlier_version_are_read(sqlite_url: str, open_ledger: Callable[..., Ledger], clock: Clock):
    """A file that was written before a pause knew when it began."""
    open_ledger(sqlite_url).close()
    old = [3, 1, 0, NOON + 60, "3 failures in a row", "breaker", 1, 0.0]
    with closing(sqlite3.connect(to_path(sqlite_url))) as file, file:
        file.execute("INSERT INTO health VALUES (?, ?)", ("cloud:big", json.dumps(old)))

    ledger = open_ledger(sqlite_url)

    assert NOON + 60 == ledger.snapshot().cooldown(Route("cloud", "big")).until
    assert not is_due(Health(*old), NOON + 40)
    assert is_due(Health(*old), NOON + 60)


def test_an_old_pause_of_a_clock_that_was_years_ahead_is_not_believed():
    """Nothing rests for longer than 31 days, whatever a row says."""
    years = Health(until=NOON + 3 * 365 * 86_400, reason="x")
    weeks = Health(until=NOON + 40 * 86_400, reason="x")

    assert pause(years, NOON) is None
    assert NOON + 31 * 86_400 == pause(weeks, NOON).until


def test_several_pauses_forbid_what_any_of_them_forbids():
    """The last to end tells the reason; what was told and what costs stays known."""
    told = Cooldown(until=NOON + 60, reason="told", source="header")
    guess = Cooldown(until=NOON + 600, reason="guessed", trial_at=NOON + 300)
    paid = Cooldown(until=NOON + 30, reason="it reported a cost", source="paid")

    both = longest((told, guess))

    assert ("guessed", NOON + 600, NOON + 60, float("inf")) == (
        both.reason,
        both.until,
        both.firm_until,
        both.trial_at,
    )
    assert ("paid", NOON + 600) == (longest((guess, paid)).source, longest((guess, paid)).until)
