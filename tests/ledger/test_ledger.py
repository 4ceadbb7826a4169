"""The ledger over both stores: reserve, settle once, learn, remember."""

import logging
from dataclasses import replace

import pytest

from openmux_lc.ledger.ledger import Ledger
from openmux_lc.types.catalog import Limit, Route, Window
from openmux_lc.types.run import Attempt, Usage
from openmux_lc.types.state import Cooldown, LimitObservation, Refusal, Reservation

NOON = 1_781_265_600.0


def fault(route, error="ServerError", **changes):
    """An attempt that failed."""
    return Attempt(route=route, outcome="failed", error=error, **changes)


def use(tokens):
    """A usage in tokens."""
    return Usage(input_tokens=tokens, total_tokens=tokens)


def settle_all(ledger, route, *attempts, **options):
    """Make one call after the other."""
    for attempt in attempts:
        ledger.settle(ledger.reserve(route, (), {}), attempt, **options)


def test_a_limit_admits_its_amount_and_no_more(ledger, route, per_minute):
    """S4-15: the fourth request of three a minute is refused, with a reason and a time."""
    replies = [ledger.reserve(route, (per_minute,), {}) for _ in range(4)]

    assert [Reservation] * 3 + [Refusal] == [type(reply) for reply in replies]
    assert "3 requests per minute are used up" == replies[3].reason
    assert NOON + 60 <= replies[3].until <= NOON + 62


def test_requests_and_tokens_are_reserved_together_or_not_at_all(ledger, route, per_minute, tokens_per_day):
    """FreeRouter's third defect: tokens are reserved before sending; a refusal leaves no trace."""
    limits = (per_minute, tokens_per_day)

    refused = ledger.reserve(route, limits, {"tokens": 1_001})
    replies = [ledger.reserve(route, limits, {"tokens": 300}) for _ in range(3)]

    assert "needs 1001 tokens, more than all of 1000 tokens per day (America/Los_Angeles)" == refused.reason
    assert [Reservation] * 3 == [type(reply) for reply in replies]
    assert {"requests": 1, "tokens": 300} == replies[0].amounts


def test_what_was_not_used_comes_back(ledger, route, tokens_per_day):
    """S1-12: the estimate is only held until the truth is known."""
    held = ledger.reserve(route, (tokens_per_day,), {"tokens": 900})
    early = ledger.reserve(route, (tokens_per_day,), {"tokens": 500})

    ledger.settle(held, Attempt(route=route, usage=use(100)))

    assert "needs 500 tokens, 100 of 1000 tokens per day (America/Los_Angeles) are left" == early.reason
    assert isinstance(ledger.reserve(route, (tokens_per_day,), {"tokens": 900}), Reservation)
    assert isinstance(ledger.reserve(route, (tokens_per_day,), {"tokens": 1}), Refusal)


def test_more_than_the_estimate_is_always_charged(ledger, route, tokens_per_day):
    """The provider counted it, so do we."""
    held = ledger.reserve(route, (tokens_per_day,), {"tokens": 100})

    ledger.settle(held, Attempt(route=route, usage=use(1_500)))

    assert isinstance(ledger.reserve(route, (tokens_per_day,), {"tokens": 1}), Refusal)
    assert 0.0 == ledger.snapshot().routes[route].headroom


def test_settling_twice_is_settling_once(ledger, route, tokens_per_day):
    """Exactly once: the second call changes neither quota nor statistics."""
    held = ledger.reserve(route, (tokens_per_day,), {"tokens": 100})
    ledger.settle(held, Attempt(route=route, usage=use(400)))

    ledger.settle(held, Attempt(route=route, usage=use(600)))
    ledger.settle(held, fault(route, "AuthenticationFailed"))

    assert (1.0, 0.6) == (ledger.snapshot().routes[route].successes, ledger.snapshot().routes[route].headroom)
    assert {} == ledger.snapshot().cooldowns


def test_settling_twice_without_limits_counts_once(ledger, route):
    """The same where nothing was set aside."""
    held = ledger.reserve(route, (), {})

    ledger.settle(held, Attempt(route=route))
    ledger.settle(held, Attempt(route=route))

    assert 1.0 == ledger.snapshot().routes[route].successes


def test_a_reservation_of_somebody_else_settles_nothing(ledger, route, tokens_per_day):
    """An id that was never given out."""
    held = ledger.reserve(route, (tokens_per_day,), {"tokens": 900})

    ledger.settle(replace(held, id="nobody"), Attempt(route=route, usage=use(0)))

    assert isinstance(ledger.reserve(route, (tokens_per_day,), {"tokens": 200}), Refusal)


def test_a_call_that_was_never_made_gives_everything_back(ledger, route, per_minute, tokens_per_day):
    """Reserved, then the deadline passed."""
    limits = (per_minute, tokens_per_day)
    held = ledger.reserve(route, limits, {"tokens": 1_000})

    ledger.release(held)

    assert 3 == sum(isinstance(ledger.reserve(route, limits, {"tokens": 300}), Reservation) for _ in range(4))
    assert 0.0 == ledger.snapshot().routes[route].successes


@pytest.mark.parametrize(
    ("attempt", "left"),
    [
        (Attempt(route=Route("cloud", "big"), outcome="failed", error="ServerError", status_code=503), 1_000),
        (Attempt(route=Route("cloud", "big"), outcome="failed", error="TimedOut"), 400),
        (Attempt(route=Route("cloud", "big"), outcome="cut", error="ConnectionFailed"), 400),
        (Attempt(route=Route("cloud", "big"), outcome="cancelled"), 400),
        (Attempt(route=Route("cloud", "big"), outcome="cut", usage=Usage(total_tokens=50)), 950),
    ],
    ids=["refused", "timed out", "cut", "cancelled", "cut with usage"],
)
def test_an_unknown_use_keeps_the_estimate_and_a_refused_call_used_no_tokens(
    ledger, route, tokens_per_day, attempt, left
):
    """A host that said no made no tokens; one that fell silent may have made them all."""
    held = ledger.reserve(route, (tokens_per_day,), {"tokens": 600})

    ledger.settle(held, attempt)

    assert isinstance(ledger.reserve(route, (tokens_per_day,), {"tokens": left + 1}), Refusal)
    assert isinstance(ledger.reserve(route, (tokens_per_day,), {"tokens": left}), Reservation)


def test_a_lease_that_nobody_settles_comes_back(ledger, clock, route, tokens_per_day):
    """A killed process takes no quota with it; whoever settles late is charged all the same."""
    held = ledger.reserve(route, (tokens_per_day,), {"tokens": 1_000})
    clock.pass_s(119)
    early = ledger.reserve(route, (tokens_per_day,), {"tokens": 1_000})
    clock.pass_s(1)
    again = ledger.reserve(route, (tokens_per_day,), {"tokens": 600})

    ledger.settle(held, Attempt(route=route, usage=use(400)))

    assert [Refusal, Reservation] == [type(early), type(again)]
    assert isinstance(ledger.reserve(route, (tokens_per_day,), {"tokens": 1}), Refusal)


def test_a_snapshot_sees_that_leases_have_expired(ledger, clock, route, tokens_per_day):
    """A route that looks used up would never be asked, so never be freed."""
    settle_all(ledger, route, Attempt(route=route))
    ledger.reserve(route, (tokens_per_day,), {"tokens": 1_000})
    before = ledger.snapshot().cooldown(route)

    clock.pass_s(121)

    assert ("quota", "tokens used up") == (before.source, before.reason)
    assert ledger.snapshot().cooldown(route) is None
    assert 1.0 == ledger.snapshot().routes[route].headroom


def test_the_day_ends_at_midnight_pacific(ledger, clock, route, tokens_per_day):
    """FreeRouter's sixth defect: Gemini resets at midnight Pacific, 07:00 UTC in summer."""
    held = ledger.reserve(route, (tokens_per_day,), {"tokens": 1_000})
    ledger.settle(held, Attempt(route=route))
    midnight = NOON + 19 * 3600
    refusal = ledger.reserve(route, (tokens_per_day,), {"tokens": 1})

    clock.now = midnight - 1
    before = ledger.reserve(route, (tokens_per_day,), {"tokens": 1})
    clock.now = midnight
    after = ledger.reserve(route, (tokens_per_day,), {"tokens": 1})

    assert midnight == refusal.until
    assert [Refusal, Reservation] == [type(before), type(after)]


def test_accounts_are_shared_by_models_and_models_are_not(ledger, per_minute):
    """FIELD 8: an account's cap counts every model of the host."""
    shared = replace(per_minute, amount=2, scope="account")
    small, big = Route("cloud", "small"), Route("cloud", "big")
    for route in (small, big):
        ledger.reserve(route, (shared, per_minute), {})

    shown = ledger.snapshot()

    assert isinstance(ledger.reserve(small, (shared,), {}), Refusal)
    assert isinstance(ledger.reserve(small, (per_minute,), {}), Reservation)
    assert "quota" == shown.cooldown(Route("cloud", "never asked")).source
    assert shown.cooldown(Route("other", "big")) is None


def test_two_keys_have_two_quotas(ledger, route, per_minute):
    """Keyed by (route, key slot): the second key starts fresh, and its faults are its own."""
    first = [ledger.reserve(route, (per_minute,), {}) for _ in range(4)]
    second = [ledger.reserve(route, (per_minute,), {}, key_slot=1) for _ in range(3)]

    ledger.settle(second[0], fault(route, "AuthenticationFailed"))

    assert isinstance(first[3], Refusal)
    assert [Reservation] * 3 == [type(reply) for reply in second]
    assert "cloud [key 1]" in ledger.snapshot().cooldowns
    assert "cloud" not in ledger.snapshot().cooldowns


def test_places_come_back_when_a_call_ends(ledger, route):
    """Concurrency: one at a time."""
    one_at_a_time = Limit(unit="requests", amount=1, window=Window(kind="concurrency"), scope="account")
    held = ledger.reserve(route, (one_at_a_time,), {})
    busy = ledger.reserve(route, (one_at_a_time,), {})

    ledger.settle(held, Attempt(route=route))

    assert "1 requests at once are used up" == busy.reason
    assert isinstance(ledger.reserve(route, (one_at_a_time,), {}), Reservation)


def test_headroom_is_that_of_the_tightest_limit(ledger, route, per_minute, tokens_per_day):
    """FIELD e1: routing sees the share that is left, and it grows back by itself."""
    held = ledger.reserve(route, (per_minute, tokens_per_day), {"tokens": 100})
    ledger.settle(held, Attempt(route=route, usage=use(100)))
    tight = ledger.snapshot().routes[route].headroom

    later = replace(ledger.snapshot(), at=0)
    assert pytest.approx(2 / 3) == tight
    assert pytest.approx(2 / 3) == later.routes[route].headroom


def test_headroom_grows_back_when_the_window_passes(ledger, clock, route, per_minute, tokens_per_day):
    """Without anybody writing."""
    held = ledger.reserve(route, (per_minute, tokens_per_day), {"tokens": 100})
    ledger.settle(held, Attempt(route=route, usage=use(100)))
    before = ledger.snapshot().routes[route].headroom

    clock.pass_s(62)

    assert pytest.approx(2 / 3) == before
    assert pytest.approx(0.9) == ledger.snapshot().routes[route].headroom


def test_three_failures_open_the_breaker_and_a_success_closes_it(ledger, clock, route):
    """S2-09: closed, open, half-open, closed."""
    settle_all(ledger, route, fault(route), fault(route), fault(route, status_code=500))
    opened = ledger.snapshot().cooldown(route)
    clock.pass_s(61)

    settle_all(ledger, route, Attempt(route=route), fault(route), fault(route))

    assert (NOON + 60, "breaker") == (opened.until, opened.source)
    assert "3 failures in a row, the last: ServerError (HTTP 500)" == opened.reason
    assert {} == ledger.snapshot().cooldowns


def test_while_one_call_tries_the_others_stay_away(ledger, clock, route):
    """Half-open: one probe at a time; when it is given up the next may try."""
    settle_all(ledger, route, fault(route), fault(route), fault(route))
    clock.pass_s(61)
    before = ledger.snapshot().cooldown(route)
    trying = ledger.reserve(route, (), {})
    during = ledger.snapshot().cooldown(route)

    ledger.settle(trying, Attempt(route=route, outcome="cancelled"))

    assert before is None
    assert ("breaker", NOON + 61 + 30) == (during.source, during.until)
    assert ledger.snapshot().cooldown(route) is None


def test_a_late_success_closes_nothing(ledger, clock, route):
    """FIELD e2: generations, so that an old attempt cannot close a newer open circuit."""
    slow = ledger.reserve(route, (), {})
    settle_all(ledger, route, fault(route), fault(route), fault(route))
    clock.pass_s(61)

    ledger.settle(slow, Attempt(route=route))
    settle_all(ledger, route, fault(route))

    assert NOON + 61 + 120 == ledger.snapshot().cooldown(route).until


def test_a_shorter_pause_does_not_replace_a_longer_one(ledger, route):
    """FIELD 3: litellm#40130."""
    settle_all(
        ledger,
        route,
        fault(route, "RateLimited", retry_after=600.0),
        fault(route, "RateLimited", retry_after=5.0),
        fault(route, "RateLimited"),
    )
    ledger.cool(str(route), Cooldown(until=NOON + 10, reason="by hand"))

    assert NOON + 600 == ledger.snapshot().cooldown(route).until


def test_a_429_cools_the_route_not_the_provider(ledger, route):
    """FreeRouter's fifth defect."""
    settle_all(ledger, route, fault(route, "RateLimited", retry_after=30.0, status_code=429))

    shown = ledger.snapshot()

    assert "header" == shown.cooldown(route).source
    assert shown.cooldown(Route("cloud", "other")) is None


def test_a_429_of_the_account_cools_the_provider(ledger, route):
    """FIELD 8: 50 a day for the whole account."""
    settle_all(ledger, route, fault(route, "RateLimited", retry_after=30.0, scope="account"))

    assert NOON + 30 == ledger.snapshot().cooldown(Route("cloud", "other")).until


def test_three_refused_connections_cool_the_provider(ledger, route):
    """A dead host is dead for all its models; a success of any shows that it lives."""
    other = Route("cloud", "other")
    settle_all(ledger, route, *[fault(route, "ConnectionFailed")] * 2)
    settle_all(ledger, other, Attempt(route=other))
    settle_all(ledger, route, *[fault(route, "ConnectionFailed")] * 2)
    before = ledger.snapshot().cooldown(other)

    settle_all(ledger, route, fault(route, "ConnectionFailed"))

    assert before is None
    assert NOON + 60 == ledger.snapshot().cooldown(other).until


def test_a_local_engine_is_not_benched_like_a_host_in_the_cloud(ledger):
    """FIELD 6: at most five seconds, never for a timeout."""
    engine = Route("engine", "tiny")
    settle_all(ledger, engine, *[fault(engine, "TimedOut")] * 5, is_local=True)
    cold = ledger.snapshot()

    settle_all(ledger, engine, *[fault(engine, "ConnectionFailed")] * 5, is_local=True)

    assert {} == cold.cooldowns
    assert NOON + 5 == ledger.snapshot().cooldown(engine).until


def test_a_pause_ends_by_itself(ledger, clock, route):
    """The snapshot forgets it at its deadline."""
    ledger.cool("cloud", Cooldown(until=NOON + 10, reason="by hand", source="learned"))
    during = ledger.snapshot().cooldowns

    clock.pass_s(10)

    assert {"cloud": Cooldown(until=NOON + 10, reason="by hand", source="learned")} == during
    assert {} == ledger.snapshot().cooldowns


def test_uncool_forgets_pauses_and_reports(ledger, route, per_minute):
    """FIELD 5: `openmux cooldowns clear`."""
    held = ledger.reserve(route, (per_minute,), {})
    seen = LimitObservation(unit="requests", remaining=0, reset_at=NOON + 30)
    ledger.settle(held, fault(route, "RateLimited", retry_after=500.0), observations=[seen])
    before = ledger.snapshot()

    ledger.uncool(str(route))

    assert NOON + 500 == before.cooldown(route).until
    assert {} == ledger.snapshot().cooldowns
    assert pytest.approx(2 / 3) == ledger.snapshot().routes[route].headroom


def test_a_report_of_less_tightens_what_may_still_be_reserved(ledger, route, tokens_per_day):
    """FIELD e1: another machine uses the account; only until the reset that was told."""
    held = ledger.reserve(route, (tokens_per_day,), {"tokens": 10})
    seen = LimitObservation(unit="tokens", remaining=50, reset_at=NOON + 600)

    ledger.settle(held, Attempt(route=route, usage=use(10)), observations=[seen])

    refusal = ledger.reserve(route, (tokens_per_day,), {"tokens": 51})
    assert NOON + 600 == refusal.until
    assert isinstance(ledger.reserve(route, (tokens_per_day,), {"tokens": 50}), Reservation)


def test_nothing_left_rests_also_where_the_catalog_knows_no_limit(ledger, route):
    """FreeRouter's ninth defect: what an answer says about quotas is heard, also after a success."""
    held = ledger.reserve(route, (), {})
    seen = LimitObservation(unit="requests", remaining=0, reset_at=NOON + 40)

    ledger.settle(held, Attempt(route=route), observations=[seen])

    assert ("header", NOON + 40) == (
        ledger.snapshot().cooldown(route).source,
        ledger.snapshot().cooldown(route).until,
    )
    assert 1.0 == ledger.snapshot().routes[route].successes


def test_a_reset_in_the_far_future_is_not_believed(ledger, route):
    """FreeRouter's first defect: an epoch in the wrong unit benched a route for 56 868 years."""
    held = ledger.reserve(route, (), {})
    seen = LimitObservation(unit="requests", remaining=0, reset_at=NOON * 1_000)

    ledger.settle(held, fault(route, "RateLimited", retry_after=NOON), observations=[seen])

    assert NOON + 31 * 86_400 == ledger.snapshot().cooldown(route).until


def test_successes_failures_and_speed_are_known_by_route(ledger, route):
    """S3-05, S0-08: success rate and latency per model."""
    spoken = Attempt(route=route, elapsed_s=3.0, first_token_s=1.0, usage=Usage(output_tokens=40))

    settle_all(ledger, route, spoken, fault(route), fault(route, "RateLimited"), fault(route, "InvalidRequest"))

    state = ledger.snapshot().routes[route]
    assert (1.0, 1.0, 1.0, 20.0) == (state.successes, state.failures, state.first_token_s, state.tokens_per_s)


def test_a_snapshot_is_a_value(ledger, route):
    """It does not change when the ledger does."""
    before = ledger.snapshot()

    settle_all(ledger, route, Attempt(route=route), fault(route, "AuthenticationFailed"))

    assert ({}, {}) == (before.routes, before.cooldowns)
    assert {route} == set(ledger.snapshot().routes)


def test_a_clock_that_goes_backwards_is_survived(ledger, clock, route, per_minute):
    """Nothing refills, nothing raises."""
    for _ in range(3):
        ledger.settle(ledger.reserve(route, (per_minute,), {}), Attempt(route=route))
    ledger.snapshot()

    clock.pass_s(-50)

    assert 0.0 == ledger.snapshot().routes[route].headroom
    assert isinstance(ledger.reserve(route, (per_minute,), {}), Refusal)


def test_reports_are_found_by_run_and_listed_newest_first(ledger):
    """S0-09: why, also tomorrow."""
    for number in range(5):
        ledger.run_log.add({"run_id": f"run-{number}", "why": ["because"], "elapsed_s": 0.5})

    assert {"run_id": "run-3", "why": ["because"], "elapsed_s": 0.5} == ledger.run_log.find("run-3")
    assert ["run-4", "run-3"] == [entry["run_id"] for entry in ledger.run_log.newest(limit=2)]
    assert {"run_id": "run-0", "why": ["because"], "elapsed_s": 0.5} == ledger.run_log.find("run-0")
    assert ledger.run_log.find("run-9") is None


def test_a_report_needs_a_name(ledger):
    """Else nobody could find it."""
    with pytest.raises(ValueError, match="run_id"):
        ledger.run_log.add({"route": "cloud:big"})


def test_a_huge_report_keeps_its_short_fields(ledger):
    """The log is bounded, row by row."""
    ledger.run_log.add({"run_id": "big", "route": "cloud:big", "rejected": ["x" * 100] * 20_000})
    ledger.run_log.newest()

    assert {"run_id": "big", "route": "cloud:big", "is_shortened": True} == ledger.run_log.find("big")


def test_the_run_log_is_bounded(ledger, url):
    """1 000 in memory, 10 000 in a file."""
    most = 1_000 if url == "memory:" else 10_000
    for number in range(most + 20):
        ledger.run_log.add({"run_id": str(number)})
        if number % 500 == 0:
            ledger.run_log.newest(0)

    entries = ledger.run_log.newest(limit=most * 2)

    assert most == len(entries)
    assert ["20", str(most + 19)] == [entries[-1]["run_id"], entries[0]["run_id"]]


def test_after_closing_it_still_answers(ledger, route, per_minute):
    """A call that outlives its pool is served from memory."""
    ledger.reserve(route, (per_minute,), {})
    ledger.close()

    replies = [ledger.reserve(route, (per_minute,), {}) for _ in range(3)]

    assert [Reservation, Reservation, Refusal] == [type(reply) for reply in replies]
    ledger.close()


def test_no_message_holds_a_key_or_a_text(ledger, route, caplog):
    """What the ledger logs and tells is names, numbers and classes."""
    secret = fault(route, "AuthenticationFailed", message="key sk-secret refused for: my question")

    with caplog.at_level(logging.DEBUG):
        settle_all(ledger, route, secret)

    assert "AuthenticationFailed" == ledger.snapshot().cooldown(route).reason
    assert "secret" not in caplog.text


def test_an_open_breaker_is_logged_once(ledger, route, caplog):
    """INFO is for state changes."""
    with caplog.at_level(logging.INFO, logger="openmux_lc.ledger"):
        settle_all(ledger, route, *[fault(route)] * 4)

    assert ["cloud:big is left alone for 60 s: 3 failures in a row, the last: ServerError"] == caplog.messages


def test_a_ledger_forgets_what_says_nothing_any_more(ledger, clock, route, per_minute):
    """Bounded: old counters, healthy states and faded statistics go."""
    ledger.settle(ledger.reserve(route, (per_minute,), {}), Attempt(route=route))
    ledger.run_log.add({"run_id": "old"})
    ledger.run_log.newest()
    other = Route("cloud", "other")
    clock.pass_s(40 * 86_400)

    settle_all(ledger, other, Attempt(route=other))
    ledger.run_log.add({"run_id": "new"})

    assert ["new"] == [entry["run_id"] for entry in ledger.run_log.newest()]


def test_the_documented_example_runs():
    """The docstring of `Ledger`."""
    ledger = Ledger.open("memory:")
    held = ledger.reserve(Route("mine", "small"), (), {})

    ledger.settle(held, Attempt(route=Route("mine", "small")))

    assert 1.0 == round(ledger.snapshot().routes[Route("mine", "small")].successes, 3)


def test_a_call_that_outlives_the_row_of_its_limit_is_counted_against_that_limit(ledger, route, clock):
    """Found by the model: idle rows are forgotten, and with them what their limit allows."""
    limit = Limit(unit="tokens", amount=100, window=Window(kind="calendar_day", zone="UTC"), scope="key_model")
    held = ledger.reserve(route, (limit,), {"tokens": 0})
    ledger.settle(ledger.reserve(route, (), {}), Attempt(route=route))
    ledger.run_log.newest()  # writes what waits, and tidies up

    seen = LimitObservation(unit="tokens", remaining=10)
    ledger.settle(held, Attempt(route=route, usage=Usage(total_tokens=50)), observations=(seen,))

    assert 0.1 == round(ledger.snapshot().routes[route].headroom, 6)
