"""The token bucket: refilled steadily, never by giving back, never by a clock that is wrong."""

from hypothesis import given
from hypothesis import strategies as st

from openmux_lc.ledger.ledger import Ledger
from openmux_lc.ledger.quota import (
    Counter,
    Held,
    Shortage,
    account_name,
    charge_late,
    charge_unreserved,
    headroom,
    is_idle,
    release,
    report_left,
    reserve,
    settle,
    to_account,
    to_charges,
)
from openmux_lc.types.catalog import Limit, Route, Window
from openmux_lc.types.run import Attempt, Usage
from openmux_lc.types.state import Refusal, Reservation

NOON = 1_781_265_600.0
ROUTE = Route("cloud", "big")
BUCKET = Window(kind="token_bucket", seconds=60)


def limit(amount, seconds=60.0):
    return Limit(unit="tokens", amount=amount, window=Window(kind="token_bucket", seconds=seconds), scope="key_model")


SIXTY = limit(60)


def take(counters, amount, now, bucket=SIXTY):
    """Reserve, and return counters, what is held, and the shortage if there is one."""
    charges = to_charges(ROUTE, (bucket,), {"tokens": amount}, now=now)
    after = reserve(counters, charges, now)
    if isinstance(after, Shortage):
        return counters, (), after
    return {**counters, **after}, tuple(Held(each.name, each.place.slot, each.amount) for each in charges), None


def left(counters, now):
    """How many could be taken at once now."""
    return next((amount for amount in range(200, 0, -1) if take(counters, amount, now)[2] is None), 0)


def test_its_account_is_read_back_from_its_name():
    assert BUCKET == to_account(account_name(limit(9), ROUTE)).window


def test_a_full_bucket_gives_its_capacity_at_once_and_then_one_by_one():
    """FIELD e1: refilled continuously, full after the window's length."""
    counters, _, _ = take({}, 60, NOON)

    assert [0, 0, 1, 30, 60, 60] == [left(counters, NOON + passed) for passed in (0, 0.9, 1.01, 30.1, 60.1, 900)]


def test_a_refusal_tells_when_the_same_call_fits():
    counters, _, _ = take({}, 60, NOON)

    _, _, shortage = take(counters, 10, NOON + 2.5)

    assert (2, 10.0) == (shortage.left, round(shortage.until - NOON, 3))
    assert take(counters, 10, shortage.until)[2] is None
    assert take(counters, 10, shortage.until - 0.001)[2] is not None


def test_a_claim_larger_than_the_bucket_is_refused():
    _, _, shortage = take({}, 61, NOON)

    assert NOON < shortage.until <= NOON + 60


def test_what_was_reserved_and_not_used_stays_out():
    """FIELD e1: giving it back would mint capacity."""
    counters, held, _ = take({}, 60, NOON)

    assert 0 == left(settle(counters, held, {"tokens": 1}, NOON), NOON)
    assert 0 == left(release(counters, held, NOON), NOON)


def test_a_higher_use_is_charged_and_may_be_a_debt():
    counters, held, _ = take({}, 60, NOON)

    after = settle(counters, held, {"tokens": 90}, NOON)

    assert [0, 0, 1, 60] == [left(after, NOON + passed) for passed in (0, 30.9, 31.1, 91)]
    assert [0.0, NOON + 31] == [round(each, 3) for each in headroom(after[held[0].name], BUCKET, NOON)[::2]]


def test_a_call_that_outlived_its_reservation_pays_only_what_it_used_beyond_it():
    """Its expired reservation has given nothing back."""
    counters, held, _ = take({}, 20, NOON)
    freed = release(counters, held, NOON)

    assert 40 == left(charge_late(freed, held, {"tokens": 5}, NOON), NOON)
    assert 30 == left(charge_late(freed, held, {"tokens": 30}, NOON), NOON)


def test_a_call_whose_reservation_could_not_be_written_pays_all_that_it_used():
    counters, _, _ = take({}, 10, NOON)
    _, held, _ = take({}, 20, NOON)

    assert 45 == left(charge_unreserved(counters, held, {"tokens": 5}, NOON), NOON)
    assert 30 == left(charge_unreserved(counters, held, {}, NOON), NOON)


def test_a_clock_that_goes_backwards_refills_nothing():
    """Nor does the way back to where it was."""
    counters, _, _ = take({}, 60, NOON)

    assert [0, 0, 0] == [left(counters, NOON + passed) for passed in (-3600, -5, 0)]


def test_a_clock_that_was_far_ahead_is_not_believed_for_longer_than_the_bucket_is_long():
    counters, _, _ = take({}, 60, NOON + 4 * 365 * 86_400)

    _, _, shortage = take(counters, 60, NOON)

    assert NOON < shortage.until <= NOON + 60.001


@given(
    st.integers(1, 50),
    st.floats(0.5, 5_000),
    st.lists(st.tuples(st.floats(0, 40), st.integers(1, 9), st.integers(0, 12)), max_size=40),
)
def test_no_span_ever_sees_more_than_a_full_bucket_and_its_refill(capacity, seconds, steps):
    """Over-admission is 0: whatever is used in any span is what was in the bucket and what came in meanwhile."""
    counters, now, admitted = {}, NOON, []
    for pause_s, wanted, used in steps:
        now += pause_s
        counters, held, shortage = take(counters, wanted, now, limit(capacity, seconds))
        if shortage is None:
            counters = {**counters, **settle(counters, held, {"tokens": used}, now)}
            admitted.append((now, wanted))

    for begin, _ in admitted:
        for end, _ in admitted:
            inside = sum(wanted for at, wanted in admitted if begin <= at <= end)
            assert begin > end or inside <= capacity + (end - begin) * capacity / seconds + 0.001


@given(st.integers(1, 10**9), st.floats(1, 2_678_400), st.integers(1, 100))
def test_a_bucket_that_is_looked_at_often_refills_as_quickly(capacity, seconds, looks):
    """Rounding takes nothing of note: empty, it is full after its length and a few microseconds."""
    bucket = limit(capacity, seconds)
    counters, _, _ = take({}, capacity, NOON, bucket)

    for look in range(looks):
        counters, _, _ = take(counters, 0, NOON + seconds * look / looks, bucket)

    assert take(counters, capacity, NOON + seconds + 0.001, bucket)[2] is None


def test_a_larger_capacity_does_not_fill_the_bucket_after_the_fact():
    """The limit was edited: what came in until now came in at the old pace."""
    counters, _, _ = take({}, 60, NOON)

    assert take(counters, 5941, NOON + 1, limit(6_000))[2] is None
    assert 5941 == take(counters, 5942, NOON + 1, limit(6_000))[2].left


def test_a_report_of_less_tightens_until_its_reset():
    counters, held, _ = take({}, 10, NOON)
    (counter,) = settle(counters, held, {}, NOON).values()

    told = report_left(counter, BUCKET, 20, NOON + 30, NOON)

    assert round(20 / 60, 6) == round(headroom(told, BUCKET, NOON)[0], 6)
    assert 1.0 == round(headroom(told, BUCKET, NOON + 31)[0], 6)
    assert told == report_left(told, BUCKET, 50, None, NOON)


def test_what_others_used_and_what_we_used_come_back_each_in_its_own_way():
    counters, held, _ = take({}, 60, NOON)
    (counter,) = settle(counters, held, {}, NOON).values()
    told = {held[0].name: counter._replace(extra=10, extra_until=NOON + 20)}

    soon, late = take(told, 5, NOON)[2].until, take(told, 55, NOON)[2].until

    assert [15.0, 55.0] == [round(each - NOON, 3) for each in (soon, late)]
    assert take(told, 5, soon)[2] is None


def test_a_full_bucket_is_idle():
    counters, held, _ = take({}, 60, NOON)
    (counter,) = settle(counters, held, {}, NOON).values()

    assert not is_idle(counter, BUCKET, NOON + 59)
    assert is_idle(counter, BUCKET, NOON + 61)
    assert is_idle(Counter(), BUCKET, NOON)


def test_the_snapshot_follows_the_refill(open_ledger, url, clock):
    """The share grows with time alone, and the pause ends when one fits again."""
    ledger: Ledger = open_ledger(url)
    bucket = limit(10)
    held = ledger.reserve(ROUTE, (bucket,), {"tokens": 10})
    ledger.settle(held, Attempt(route=ROUTE, usage=Usage(total_tokens=10)))

    pause = ledger.snapshot().cooldown(ROUTE)
    clock.pass_s(30.1)
    halfway = ledger.snapshot()

    assert 6.0 == round(pause.until - NOON, 3)
    assert (None, 0.5) == (halfway.cooldown(ROUTE), halfway.routes[ROUTE].headroom)


def test_it_outlives_a_restart(open_ledger, sqlite_url, clock):
    ledger = open_ledger(sqlite_url)
    assert isinstance(ledger.reserve(ROUTE, (limit(60),), {"tokens": 60}), Reservation)
    ledger.close()
    clock.pass_s(10.5)

    again = open_ledger(sqlite_url)

    assert isinstance(again.reserve(ROUTE, (limit(60),), {"tokens": 11}), Refusal)
    assert isinstance(again.reserve(ROUTE, (limit(60),), {"tokens": 10}), Reservation)
