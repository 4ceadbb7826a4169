"""Health: breaker, ladder, half-open; no deadline is ever shortened, late news close nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmux_lc.ledger.health import Health, after, circuit, clear, cool, is_due, pause, probe
from openmux_lc.ledger.verdict import to_verdict
from openmux_lc.types.catalog import Route
from openmux_lc.types.run import Attempt
from openmux_lc.types.state import Cooldown

NOON = 1_781_265_600.0
ROUTE = Route("cloud", "big")
OK = Attempt(route=ROUTE)

ERRORS = [
    "RateLimited",
    "AuthenticationFailed",
    "PermissionDenied",
    "ModelGone",
    "InvalidRequest",
    "ContextOverflow",
    "PaymentRequired",
    "ServerError",
    "ConnectionFailed",
    "TimedOut",
    "EmptyAnswer",
    "BadPayload",
    "",
]

attempts = st.builds(
    Attempt,
    route=st.just(ROUTE),
    outcome=st.sampled_from(["ok", "failed", "cut", "cancelled", "abandoned"]),
    error=st.sampled_from(ERRORS),
    scope=st.sampled_from([None, "request", "model", "key", "account", "provider"]),
    retry_after=st.one_of(st.none(), st.floats(-10, 1e10)),
)


def fault(error="ServerError", **changes):
    """An attempt that failed."""
    return Attempt(route=ROUTE, outcome="failed", error=error, **changes)


def tell(health, *steps, now=NOON, is_local=False, day_left=None, **known):
    """The state after several attempts at one moment."""
    for attempt in steps:
        health = after(health, to_verdict(attempt, is_local=is_local, day_left=day_left), now, **known)
    return health


@given(st.lists(st.tuples(attempts, st.floats(-500, 5_000), st.booleans(), st.booleans()), max_size=25))
def test_no_deadline_is_ever_shortened(steps):
    """FIELD 3: `until = max(old, new)` through any order of attempts, also with a clock that jumps.

    Only a clock that was set back by more than a whole pause ends it: nobody waits for it twice.
    """
    health, now = Health(), NOON
    for attempt, pause_s, is_local, is_current in steps:
        now += pause_s
        before = health
        is_over = before.since - now > before.until - before.since

        health = after(health, to_verdict(attempt, is_local=is_local), now, is_current=is_current)

        assert (0 if is_over else before.until) <= health.until <= max(before.until, now + 31 * 86_400)
        assert before.generation <= health.generation


@given(st.lists(st.tuples(attempts, st.floats(0, 100)), max_size=25))
def test_a_local_engine_rests_five_seconds_at_most(steps):
    """FIELD 6: never benched like a host in the cloud."""
    health, now = Health(), NOON
    for attempt, pause_s in steps:
        now += pause_s
        health = after(health, to_verdict(attempt, is_local=True), now)

        assert health.until <= now + 5


def test_the_third_failure_in_a_row_opens_for_a_minute():
    """S2-09: 3 failures, 60 s, half-open."""
    two = tell(Health(), fault(), fault())
    three = tell(two, fault())

    assert "closed" == circuit(two, NOON)
    assert NOON + 60 == three.until
    assert ["open", "half_open"] == [circuit(three, NOON + 59), circuit(three, NOON + 60)]
    assert "breaker" == pause(three, NOON).source


def test_a_success_between_failures_starts_the_count_again():
    """Only failures in a row count."""
    health = tell(Health(), fault(), fault(), OK, fault(), fault())

    assert "closed" == circuit(health, NOON)


def test_a_failed_probe_opens_for_twice_as_long_up_to_an_hour():
    """60, 120, 240 ... 3600 seconds."""
    health, now, lasted = tell(Health(), fault(), fault()), NOON, []
    for _ in range(9):
        health = tell(health, fault(), now=now)
        lasted.append(health.until - now)
        now = health.until

    assert [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600] == lasted


def test_a_successful_probe_closes():
    """The next three failures open for a minute again."""
    opened = tell(Health(), fault(), fault(), fault())
    closed = tell(opened, OK, now=NOON + 61)

    assert "closed" == circuit(closed, NOON + 61)
    assert NOON + 100 + 60 == tell(closed, fault(), fault(), fault(), now=NOON + 100).until


def test_failures_while_open_change_nothing():
    """Fifty calls that were under way fail together: one opening, not fifteen."""
    opened = tell(Health(), fault(), fault(), fault())

    assert opened == tell(opened, *[fault()] * 47)


def test_a_late_success_closes_nothing():
    """Generations: it began before the breaker opened."""
    opened = tell(Health(), fault(), fault(), fault())

    assert opened == after(opened, to_verdict(OK), NOON + 61, is_current=False)


def test_a_late_failure_does_not_open_again():
    """It says nothing about the host after its pause."""
    opened = tell(Health(), fault(), fault(), fault())

    assert opened == after(opened, to_verdict(fault()), NOON + 61, is_current=False)


def test_one_probe_at_a_time():
    """Half-open: while one call tries, the others see a pause."""
    opened = tell(Health(), fault(), fault(), fault())
    now = NOON + 61

    probing = probe(opened, now)

    assert pause(opened, now) is None
    assert now + 30 == pause(probing, now).until
    assert probing == probe(probing, now + 1)
    assert pause(probing, now + 30) is None


def test_a_probe_that_was_given_up_lets_the_next_one_try():
    """Cancelled: neither healed nor blamed."""
    opened = tell(Health(), fault(), fault(), fault())
    probing = probe(opened, NOON + 61)

    given_up = tell(probing, Attempt(route=ROUTE, outcome="cancelled"), now=NOON + 62, holds_trial=True)

    assert opened == given_up
    assert probing == tell(probing, Attempt(route=ROUTE, outcome="cancelled"), now=NOON + 62)


@pytest.mark.parametrize("outcome", ["cancelled", "abandoned"])
def test_a_caller_who_leaves_blames_nobody(outcome):
    """FIELD e2: client abort is never penalised."""
    assert Health() == tell(Health(), *[Attempt(route=ROUTE, outcome=outcome, error="TimedOut")] * 5)


@pytest.mark.parametrize("error", ["InvalidRequest", "ContextOverflow"])
def test_a_request_that_does_not_fit_blames_nobody(error):
    """Another request may fit."""
    assert Health() == tell(Health(), *[fault(error, status_code=400)] * 5)


def test_a_page_in_front_of_the_host_rests_it_for_an_hour_only():
    """A firewall's block is no word of the account: it may pass, and a day would be too long."""
    assert NOON + 3_600 == tell(Health(), fault("PermissionDenied", scope="provider")).until
    assert NOON + 86_400 == tell(Health(), fault("PermissionDenied", scope="account")).until


def test_a_fault_of_the_request_blames_nobody_whatever_its_class():
    """The scope decides."""
    assert Health() == tell(Health(), *[fault("PermissionDenied", scope="request")] * 5)


def test_a_stream_that_broke_counts_as_a_failure():
    """FreeRouter's eighth defect: a stream that dies after the commit is not a success."""
    cut = Attempt(route=ROUTE, outcome="cut", error="BadPayload")

    assert "open" == circuit(tell(Health(), cut, cut, cut), NOON)


def test_429_with_retry_after_rests_for_that_time():
    """FIELD 8: the provider's own word, marked as such."""
    health = tell(Health(), fault("RateLimited", retry_after=179.56, status_code=429))

    rests = pause(health, NOON)

    assert (NOON + 179.56, "header", "RateLimited (HTTP 429)") == (rests.until, rests.source, rests.reason)


def test_429_without_a_word_climbs_the_ladder_once_per_pause():
    """FIELD e2: 2 min, 10 min, 1 h, a day; those that were under way together count once."""
    health, now, lasted = Health(), NOON, []
    for _ in range(5):
        health = tell(health, fault("RateLimited"), fault("RateLimited"), now=now, day_left=0.1)
        lasted.append(health.until - now)
        now = health.until

    # The fifth comes when the first is more than a day old.
    assert [120, 600, 3600, 86_400, 120] == lasted
    assert "heuristic" == health.source
    assert "RateLimited without a word of how long, step 1 of 4" == health.reason


def test_where_no_limit_of_the_day_is_known_the_ladder_ends_at_ten_minutes():
    """FIELD e2: an unknown limit is a guess, and a long guess costs more than a short one."""
    health, now, lasted = Health(), NOON, []
    for _ in range(4):
        health = tell(health, fault("RateLimited"), now=now)
        lasted.append(health.until - now)
        now = health.until

    assert [120, 600, 600, 600] == lasted


@pytest.mark.parametrize(
    ("limited", "day_left"),
    [
        (fault("RateLimited", retry_after=60.0, wait_source="learned"), None),
        (fault("RateLimited", retry_after=60.0, wait_source="learned"), 0.0),
        (fault("RateLimited"), 0.5),
        (fault("RateLimited", retry_after=0.0), 1.0),
    ],
    ids=["named the minute", "named the minute at the day's end", "most of the day is left", "retry-after zero"],
)
def test_a_short_window_rests_90_seconds_and_never_climbs(limited, day_left):
    """FIELD e2: transient."""
    health, now, lasted = Health(), NOON, []
    for _ in range(4):
        health = tell(health, limited, now=now, day_left=day_left)
        lasted.append(health.until - now)
        now = health.until

    assert [90, 90, 90, 90] == lasted
    assert (0, "heuristic") == (health.hits, health.source)
    assert "a limit by the minute" in health.reason


def test_a_day_that_the_fault_named_is_learned_not_guessed():
    """The end of a window that is named is no guess: nobody tries before it."""
    health = tell(Health(), fault("RateLimited", retry_after=40_000.0, wait_source="learned"))

    assert (NOON + 40_000, "learned", 0) == (health.until, health.source, health.hits)
    assert not is_due(health, NOON + 39_000)


@pytest.mark.parametrize(("told_s", "rests_s"), [(10.0, 300), (900.0, 900)])
def test_retry_after_is_a_floor(told_s, rests_s):
    """FIELD e2: never less than was told, never less than the fault is worth."""
    health = tell(Health(), fault("AuthenticationFailed", retry_after=told_s))

    assert NOON + rests_s == health.until


def test_a_success_takes_the_ladder_away():
    """It shows that the pause was long enough: the next 429 is the first again."""
    health = tell(Health(), fault("RateLimited"))
    health = tell(health, OK, now=NOON + 121)

    assert NOON + 130 + 120 == tell(health, fault("RateLimited"), now=NOON + 130).until


def test_a_rate_limit_is_no_failure():
    """A quota is not an illness: the breaker stays closed."""
    health = tell(Health(), *[fault("RateLimited", retry_after=1.0)] * 5)

    assert (0, "closed") == (health.failures, circuit(health, NOON + 2))


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        ("AuthenticationFailed", 300),
        ("ModelGone", 86_400),
        ("PaymentRequired", 86_400),
        ("PermissionDenied", 86_400),
    ],
)
def test_what_repeating_cannot_mend_rests_at_once(error, seconds):
    """FIELD e2: a wrong key, a model that is gone, a bill."""
    assert NOON + seconds == tell(Health(), fault(error)).until


@pytest.mark.parametrize(
    ("error", "is_wide"),
    [
        ("AuthenticationFailed", True),
        ("PaymentRequired", True),
        ("ConnectionFailed", True),
        ("RateLimited", False),
        ("ModelGone", False),
        ("ServerError", False),
    ],
)
def test_each_fault_concerns_as_much_as_its_class_says(error, is_wide):
    """FreeRouter's fifth defect: one 429 benches the route, not the provider."""
    assert is_wide == to_verdict(fault(error)).is_provider_wide


@pytest.mark.parametrize(("scope", "is_wide"), [("model", False), ("key", True), ("account", True), ("provider", True)])
def test_the_scope_that_was_read_outweighs_the_class(scope, is_wide):
    """An account's daily limit stops the whole provider."""
    assert is_wide == to_verdict(fault("RateLimited", scope=scope)).is_provider_wide


def test_a_server_error_that_names_a_time_is_obeyed_and_counted():
    """503 with Retry-After."""
    health = tell(Health(), fault(retry_after=20.0))

    assert (NOON + 20, 1) == (health.until, health.failures)


def test_a_local_engine_is_never_blamed_for_a_slow_start():
    """FIELD 6, 13: a timeout is a model that loads."""
    assert Health() == tell(Health(), *[fault("TimedOut")] * 9, is_local=True)


def test_a_pause_by_hand_is_only_ever_longer():
    """`openmux` and the engine may pause a route as well."""
    long = cool(Health(), Cooldown(until=NOON + 100, reason="paid", source="learned"), NOON)
    short = cool(long, Cooldown(until=NOON + 50, reason="other"), NOON)

    assert long == short
    assert "paid" == pause(short, NOON).reason
    assert Health() == cool(Health(), Cooldown(until=NOON, reason="past"), NOON)


def test_the_users_word_clears_everything_but_the_generation():
    """News of a call from before are still late."""
    opened = tell(Health(), fault(), fault(), fault())

    cleared = clear(opened)

    assert Health(generation=opened.generation + 1) == cleared
