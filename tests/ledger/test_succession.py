"""An edited limit is no fresh quota: what its predecessor counted goes on counting (FIELD e1)."""

import pytest

from openmux_lc.types.catalog import Limit, Route, Window
from openmux_lc.types.run import Attempt, Usage
from openmux_lc.types.state import Refusal, Reservation

ROUTE, OTHER = Route("cloud", "big"), Route("cloud", "small")
DAY = Window(kind="calendar_day")
MINUTE = Window(kind="rolling", seconds=60)
DAY_S = 86_400.0


def limit(amount=10, window=DAY, unit="requests", scope="account"):
    return Limit(unit=unit, amount=amount, window=window, scope=scope)


def call(ledger, limits, *, times=1, tokens=None, route=ROUTE, key_slot=0):
    """Make that many calls; return how many were let through."""
    passed = 0
    for _ in range(times):
        reply = ledger.reserve(route, limits, {} if tokens is None else {"tokens": tokens}, key_slot=key_slot)
        if isinstance(reply, Reservation):
            passed += 1
            usage = Usage(total_tokens=tokens or 0)
            ledger.settle(reply, Attempt(route=route, usage=usage, key_slot=key_slot))
    return passed


@pytest.fixture
def restarted(open_ledger, sqlite_url):
    """Close the ledger, if there is one, and open the file again."""
    opened = []

    def restart():
        for ledger in opened:
            ledger.close()
        opened[:] = [open_ledger(sqlite_url)]
        return opened[0]

    return restart


EDITS = [
    pytest.param(limit(window=Window(kind="rolling", seconds=DAY_S)), id="a day that rolls"),
    pytest.param(limit(window=Window(kind="calendar_day", zone="America/Los_Angeles")), id="another zone"),
    pytest.param(limit(window=Window(kind="calendar_month")), id="a month"),
    pytest.param(limit(window=Window(kind="anniversary_month", anchor=1.0)), id="a month of its own"),
    pytest.param(limit(window=Window(kind="token_bucket", seconds=DAY_S)), id="a bucket"),
    pytest.param(limit(scope="key"), id="per key"),
    pytest.param(limit(scope="organisation"), id="per organisation"),
    pytest.param(limit(scope="account_model"), id="per model"),
    pytest.param(limit(scope="key", window=MINUTE), id="per key and minute"),
]


@pytest.mark.parametrize("edited", EDITS)
def test_an_edit_of_window_or_scope_gives_no_second_quota(edited, restarted):
    """Seven of ten are used; three are left under the new name, after a restart too."""
    assert 7 == call(restarted(), (limit(),), times=7)

    assert 2 == call(restarted(), (edited,), times=2)
    assert 1 == call(restarted(), (edited,), times=5)


@pytest.mark.parametrize("edited", EDITS)
def test_an_edit_and_its_undoing_give_no_second_quota(edited, restarted):
    call(restarted(), (limit(),), times=4)
    call(restarted(), (edited,), times=3)

    assert 3 == call(restarted(), (limit(),), times=5)


def test_what_is_inherited_ends_with_the_new_window(restarted, clock):
    """And is inherited once: the long window that counted it has no say any more."""
    month, day = limit(600, Window(kind="calendar_month")), limit(100)
    call(restarted(), (month,), times=150)
    assert 0 == call(restarted(), (day,))

    clock.pass_s(DAY_S / 2 + 7 * 3600)

    assert 100 == call(restarted(), (day,), times=120)
    clock.pass_s(DAY_S)
    assert 1 == call(restarted(), (day,))


def test_another_capacity_is_no_other_limit(restarted):
    call(restarted(), (limit(),), times=7)

    assert 13 == call(restarted(), (limit(20),), times=30)
    assert 0 == call(restarted(), (limit(5),))


def test_another_unit_begins_with_the_same_share_used_up(restarted):
    """Requests cannot be converted into tokens; seven tenths are."""
    call(restarted(), (limit(),), times=7)
    tokens = limit(1_000, unit="tokens")

    ledger = restarted()

    assert isinstance(ledger.reserve(ROUTE, (tokens,), {"tokens": 301}), Refusal)
    assert isinstance(ledger.reserve(ROUTE, (tokens,), {"tokens": 300}), Reservation)


def test_a_limit_that_is_added_begins_empty(restarted):
    """Nothing was replaced."""
    call(restarted(), (limit(),), times=7)

    assert 1 == call(restarted(), (limit(), limit(1_000, unit="tokens")), tokens=1_000)


def test_a_limit_per_model_becomes_one_for_all_with_the_sum(restarted):
    per_model = limit(scope="account_model")
    call(restarted(), (per_model,), times=3)
    call(restarted(), (per_model,), times=4, route=OTHER)

    assert 3 == call(restarted(), (limit(),), times=9)


def test_a_limit_for_all_becomes_one_per_model_and_each_begins_with_all_of_it(restarted):
    """Which model used it is not known."""
    call(restarted(), (limit(),), times=7)
    per_model = limit(scope="account_model")

    ledger = restarted()

    assert 3 == call(ledger, (per_model,), times=9)
    assert 3 == call(ledger, (per_model,), times=9, route=OTHER)


def test_keys_add_up_to_their_account(restarted):
    per_key = limit(scope="key")
    call(restarted(), (per_key,), times=3)
    call(restarted(), (per_key,), times=4, key_slot=1)

    assert 3 == call(restarted(), (limit(),), times=9)


def test_other_keys_models_and_hosts_that_are_met_first_begin_empty(restarted):
    """A new account is not always an edit."""
    limits = (limit(scope="key"), limit(5, MINUTE, scope="key_model"))
    call(restarted(), limits, times=5)

    ledger = restarted()

    assert 5 == call(ledger, limits, times=9, key_slot=1)
    assert 5 == call(ledger, limits, times=9, route=OTHER)
    assert 5 == call(ledger, limits, times=9, route=Route("clouds", "big"))


def test_limits_of_all_levels_that_are_in_force_together_inherit_nothing_from_each_other(restarted):
    """Another model's count is no predecessor of another key's."""
    limits = (limit(scope="key"), limit(8, scope="model"))
    call(restarted(), limits, times=4)
    call(restarted(), limits, times=4, route=OTHER)

    assert 4 == call(restarted(), limits, times=9, key_slot=1)


def test_what_is_under_way_counts_until_its_lease_ends(open_ledger, sqlite_url, clock):
    """The process that made the call is gone."""
    before = open_ledger(sqlite_url)
    assert isinstance(before.reserve(ROUTE, (limit(1),), {}), Reservation)
    before.close()
    after, edited = open_ledger(sqlite_url), (limit(1, scope="key"),)

    assert isinstance(after.reserve(ROUTE, edited, {}), Refusal)
    clock.pass_s(121)
    assert isinstance(after.reserve(ROUTE, edited, {}), Reservation)


def test_a_place_that_is_taken_under_the_old_name_is_taken_until_its_lease_ends(open_ledger, sqlite_url, clock):
    places = limit(2, Window(kind="concurrency"))
    before = open_ledger(sqlite_url)
    before.reserve(ROUTE, (places,), {})
    before.close()
    after, edited = open_ledger(sqlite_url), (limit(2, Window(kind="concurrency"), scope="key"),)

    assert isinstance(after.reserve(ROUTE, edited, {}), Reservation)
    assert isinstance(after.reserve(ROUTE, edited, {}), Refusal)
    clock.pass_s(60)
    assert isinstance(after.reserve(ROUTE, edited, {}), Refusal)
    clock.pass_s(61)
    assert isinstance(after.reserve(ROUTE, edited, {}), Reservation)


def test_two_processes_with_the_old_and_the_new_limit_share_one_count(open_ledger, sqlite_url):
    """Each takes over what the other counted: the count moves to and fro."""
    old, new = open_ledger(sqlite_url), open_ledger(sqlite_url)
    edited = (limit(scope="organisation"),)

    passed = [call(old, (limit(),), times=2), call(new, edited, times=3), call(old, (limit(),), times=2)]

    assert [2, 3, 2] == passed
    assert 3 == call(new, edited, times=9)


def test_a_call_that_settles_under_the_old_name_does_not_begin_its_count_anew(open_ledger, sqlite_url):
    old, new = open_ledger(sqlite_url), open_ledger(sqlite_url)
    held = old.reserve(ROUTE, (limit(),), {})
    assert 8 == call(new, (limit(scope="organisation"),), times=8)

    old.settle(held, Attempt(route=ROUTE))

    assert 1 == call(old, (limit(),), times=9)


def test_a_refused_call_loses_nothing(ledger):
    """The other limit has no room; what was counted is there under whichever name is tried."""
    call(ledger, (limit(), limit(1, MINUTE, scope="ip")), times=1)
    edited = (limit(scope="organisation"), limit(1, MINUTE, scope="ip"))

    assert 0 == call(ledger, edited)
    assert 9 == call(ledger, (limit(),), times=12)
