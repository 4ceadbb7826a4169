"""Quota arithmetic: all or none, never too many, the difference comes back, reports only tighten."""

from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from openmux_lc.ledger.quota import (
    Counter,
    Held,
    Shortage,
    account_name,
    charge_late,
    headroom,
    is_idle,
    release,
    report_left,
    reserve,
    settle,
    slot_name,
    to_account,
    to_charges,
)
from openmux_lc.types.catalog import Limit, LimitScope, Route, Window

NOON = 1_781_265_600.0
ROUTE = Route("cloud", "a:b|c")
MINUTE = Window(kind="rolling", seconds=60)
DAY = Window(kind="calendar_day", zone="America/Los_Angeles")
PLACES = Window(kind="concurrency")
BIRTHDAY = Window(kind="anniversary_month", zone="Europe/Berlin", anchor=1_769_846_400.5)

windows = st.sampled_from([MINUTE, DAY, Window(kind="rolling", seconds=7), Window(kind="calendar_month"), BIRTHDAY])


def limit(amount, window=MINUTE, unit="requests", scope="key_model"):
    return Limit(unit=unit, amount=amount, window=window, scope=scope)


def charge(counters, limits, amounts, now):
    """Reserve, and return counters, what is held, and whether it was admitted."""
    charges = to_charges(ROUTE, limits, amounts, now=now)
    after = reserve(counters, charges, now)
    if isinstance(after, Shortage):
        return counters, (), after
    return {**counters, **after}, tuple(Held(each.name, each.place.slot, each.amount) for each in charges), None


def test_an_account_is_read_back_from_its_name():
    """Model ids are opaque: whatever they hold, the name stays unambiguous."""
    for window in (MINUTE, DAY, PLACES, BIRTHDAY):
        name = account_name(limit(3, window), ROUTE, 2)

        account = to_account(name)

        assert ("key_model", "requests", window, 2, "cloud:a:b|c") == account
        assert "cloud:a:b|c [key 2]" == account.health_name


def test_scope_decides_what_shares_a_count():
    """S4 defect 4: limits per model, per key, per account and per organisation are different counts."""
    other = Route("cloud", "small")

    shared = {
        scope: account_name(limit(3, scope=scope), ROUTE, 0) == account_name(limit(3, scope=scope), other, 1)
        for scope in get_args(LimitScope)
    }
    by_key = account_name(limit(3, scope="key"), ROUTE, 0) == account_name(limit(3, scope="key"), other, 0)

    assert ["account", "organisation", "ip"] == [scope for scope, is_shared in shared.items() if is_shared]
    assert by_key


def test_the_first_key_has_the_plain_name():
    """Snapshots call a route by its own name."""
    assert ["cloud", "cloud [key 1]"] == [slot_name("cloud", 0), slot_name("cloud", 1)]


def test_all_limits_are_charged_or_none():
    """FIELD e1: one exhausted limit leaves the others untouched."""
    limits = (limit(10), limit(100, DAY, "tokens", "account"))

    counters, _, shortage = charge({}, limits, {"requests": 1, "tokens": 101}, NOON)

    assert {} == counters
    assert "tokens" == shortage.charge.limit.unit
    assert 100 == shortage.left


def test_of_two_limits_on_one_account_the_smaller_holds_and_is_charged_once():
    """A row that states a limit twice is not charged twice."""
    charges = to_charges(ROUTE, (limit(5), limit(3), limit(9)), {}, now=NOON)

    assert [3] == [each.limit.amount for each in charges]


def test_a_call_is_one_request_unless_it_says_otherwise():
    """Tokens that are not named claim nothing."""
    limits = (limit(5), limit(100, DAY, "tokens"))

    assert [1, 0] == [each.amount for each in to_charges(ROUTE, limits, {}, now=NOON)]
    assert [4, 0] == [each.amount for each in to_charges(ROUTE, limits, {"requests": 4, "tokens": -3}, now=NOON)]


@given(windows, st.integers(1, 5), st.lists(st.tuples(st.floats(0, 40), st.integers(1, 3)), max_size=60))
def test_no_window_ever_admits_more_than_its_amount(window, amount, steps):
    """Over-admission is 0 in every true window, wherever it begins."""
    counters, now, admitted = {}, NOON, []
    for pause_s, wanted in steps:
        now += pause_s
        counters, _, shortage = charge(counters, (limit(amount, window),), {"requests": wanted}, now)
        if shortage is None:
            admitted.append((now, wanted))

    for end, _ in admitted:
        length_s = window.seconds if window.kind == "rolling" else 1.0
        inside = sum(wanted for at, wanted in admitted if end - length_s < at <= end)
        assert inside <= amount


@given(windows, st.integers(1, 5), st.lists(st.floats(0, 40), min_size=1, max_size=30))
def test_a_refusal_tells_when_the_same_call_fits(window, amount, pauses):
    """FIELD 4: at that moment it is admitted, and not a millisecond before for a calendar."""
    counters, now = {}, NOON
    for pause_s in pauses:
        now += pause_s
        counters, _, shortage = charge(counters, (limit(amount, window),), {}, now)
        if shortage is not None:
            assert now < shortage.until
            assert charge(counters, (limit(amount, window),), {}, shortage.until)[2] is None
            assert charge(counters, (limit(amount, window),), {}, max(now, shortage.until - 0.002))[2] is not None


@given(windows, st.lists(st.floats(-100_000, 100_000), min_size=1, max_size=12))
def test_a_clock_that_goes_backwards_refills_nothing(window, steps):
    """Once used up, it stays used up at every earlier moment within a day."""
    counters, _, _ = charge({}, (limit(1, window),), {}, NOON)

    for step in steps:
        earlier = NOON - abs(step) % 80_000
        assert charge(counters, (limit(1, window),), {}, earlier)[2] is not None


def test_a_clock_that_was_far_ahead_does_not_block_for_years():
    """What such a clock charged counts as of now, and leaves with the current window."""
    counters, _, _ = charge({}, (limit(1, DAY),), {}, NOON + 4 * 365 * 86_400)

    _, _, shortage = charge(counters, (limit(1, DAY),), {}, NOON)

    assert shortage.until <= NOON + 86_400


@given(windows, st.integers(0, 300), st.integers(0, 900), st.floats(0, 5))
def test_after_settling_the_window_holds_what_was_really_used(window, reserved, used, later_s):
    """A refund gives back the difference, a higher use is always charged."""
    counters, held, _ = charge({}, (limit(1_000, window, "tokens"),), {"tokens": reserved}, NOON)

    (counter,) = settle(counters, held, {"tokens": used}, NOON + later_s).values()

    assert used == sum(counter.charges.values())
    assert 0 == counter.pending


def test_an_unknown_use_keeps_what_was_reserved():
    """FIELD e1: unknown usage keeps the estimate."""
    counters, held, _ = charge({}, (limit(1_000, DAY, "tokens"),), {"tokens": 70}, NOON)

    (counter,) = settle(counters, held, {}, NOON).values()

    assert 70 == sum(counter.charges.values())


def test_what_belongs_to_yesterday_is_not_charged_today():
    """A call that ends after midnight is charged to the day in which it was sent."""
    counters, held, _ = charge({}, (limit(1_000, DAY, "tokens"),), {"tokens": 70}, NOON)

    (counter,) = settle(counters, held, {"tokens": 500}, NOON + 86_400).values()

    assert {} == dict(counter.charges)
    assert is_idle(counter, DAY, NOON + 86_400)


def test_a_place_comes_back_whatever_was_used():
    """Concurrency counts calls under way, not calls made."""
    counters, held, _ = charge({}, (limit(1, PLACES),), {}, NOON)
    _, _, shortage = charge(counters, (limit(1, PLACES),), {}, NOON)

    freed = settle(counters, held, {"requests": 1}, NOON)

    assert NOON < shortage.until <= NOON + 1
    assert charge(freed, (limit(1, PLACES),), {}, NOON)[2] is None


def test_an_expired_reservation_gives_everything_back():
    """A killed process takes nothing with it."""
    counters, held, _ = charge({}, (limit(1), limit(9, DAY, "tokens")), {"tokens": 9}, NOON)

    freed = release(counters, held, NOON + 5)

    assert charge(freed, (limit(1), limit(9, DAY, "tokens")), {"tokens": 9}, NOON + 5)[2] is None


def test_a_call_that_outlives_its_reservation_is_still_charged():
    """The lease has come back, the use has not."""
    counters, held, _ = charge({}, (limit(100, DAY, "tokens"),), {"tokens": 60}, NOON)
    freed = release(counters, held, NOON + 200)

    (counter,) = charge_late(freed, held, {"tokens": 40}, NOON + 300).values()

    assert 40 == sum(counter.charges.values())
    assert 0 == counter.pending


def test_a_claim_larger_than_the_whole_limit_is_refused():
    """No moment can be told at which it fits; the end of the window is."""
    _, _, shortage = charge({}, (limit(10, DAY, "tokens"),), {"tokens": 11}, NOON)

    assert 10 == shortage.left
    assert NOON < shortage.until <= NOON + 86_400


def test_a_report_of_less_tightens():
    """Another machine uses the same account: the provider knows."""
    counters, held, _ = charge({}, (limit(100, DAY),), {}, NOON)
    (counter,) = settle(counters, held, {}, NOON).values()

    told = report_left(counter, DAY, 10, NOON + 600, NOON)

    assert 0.1 == round(headroom(told, DAY, NOON)[0], 6)
    assert 0.99 == round(headroom(told, DAY, NOON + 601)[0], 6)


def test_what_is_under_way_elsewhere_is_taken_off_a_report():
    """The provider may not have counted the other calls yet."""
    counters, _, _ = charge({}, (limit(100, DAY),), {"requests": 4}, NOON)
    (counter,) = counters.values()

    told = report_left(counter, DAY, 10, None, NOON)

    assert 0.06 == round(headroom(told, DAY, NOON)[0], 6)


@given(st.lists(st.tuples(st.integers(-5, 130), st.one_of(st.none(), st.floats(1, 9e9))), max_size=12))
def test_reports_never_loosen_before_their_reset(reports):
    """Late and reordered responses cannot raise what is left."""
    counters, held, _ = charge({}, (limit(100, DAY),), {"requests": 5}, NOON)
    (counter,) = settle(counters, held, {}, NOON).values()
    share = headroom(counter, DAY, NOON)[0]

    for remaining, reset_in_s in reports:
        reset_at = None if reset_in_s is None else NOON + reset_in_s
        counter = report_left(counter, DAY, remaining, reset_at, NOON)
        now_left = headroom(counter, DAY, NOON)[0]
        assert now_left <= share
        assert now_left <= max(0.0, remaining / 100) + 1e-9
        assert counter.extra_until <= NOON + 31 * 86_400
        share = now_left


def test_a_counter_without_charges_says_nothing():
    """Nothing known means all is free."""
    share, _, used_up_until = headroom(Counter(), DAY, NOON)

    assert (1.0, 0.0) == (share, used_up_until)
    assert is_idle(Counter(), DAY, NOON)


def test_a_used_up_counter_tells_until_when():
    """FIELD 4: the user sees when it goes on."""
    counters, _, _ = charge({}, (limit(2),), {"requests": 2}, NOON)
    (counter,) = counters.values()

    share, changes_at, used_up_until = headroom(counter, MINUTE, NOON)

    assert 0.0 == share
    assert NOON + 60 <= used_up_until <= NOON + 62
    assert used_up_until == changes_at
