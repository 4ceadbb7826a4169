"""Wall clocks that were wrong: what they left behind ends with the window, not years later."""

import pytest

from openmux_lc.ledger.slots import Slots
from openmux_lc.ledger.windows import place_in
from openmux_lc.types.catalog import Limit, Window
from openmux_lc.types.run import Attempt
from openmux_lc.types.state import Refusal, Reservation

NOON = 1_781_265_600.0
YEARS_S = 4 * 365 * 86_400.0
WINDOWS = [
    Window(kind="rolling", seconds=60),
    Window(kind="calendar_day", zone="America/Los_Angeles"),
    Window(kind="anniversary_month", zone="Europe/Berlin", anchor=1_769_846_400.0),
    Window(kind="token_bucket", seconds=60),
]


@pytest.mark.parametrize("window", WINDOWS, ids=lambda window: window.kind)
def test_a_charge_from_years_ahead_ends_although_every_look_at_it_is_refused(window, ledger, route, clock):
    """Refusals write nothing; without a note of when it was moved, it would be moved for years."""
    limit = Limit(unit="requests", amount=1, window=window, scope="account")
    clock.pass_s(YEARS_S)
    ledger.settle(ledger.reserve(route, (limit,), {}), Attempt(route=route))
    clock.pass_s(-YEARS_S)

    refusal = ledger.reserve(route, (limit,), {})
    clock.now = refusal.until

    assert isinstance(refusal, Refusal)
    assert isinstance(ledger.reserve(route, (limit,), {}), Reservation)


def test_what_a_clock_far_ahead_charged_is_given_back_once_and_never_out_of_another_charge():
    """Found by the model: a reservation that was forgotten meanwhile took back what others had charged."""
    window = Window(kind="rolling", seconds=60)
    far, farther, now = (place_in(window, NOON + ahead) for ahead in (YEARS_S, 2 * YEARS_S, 0.0))

    forgotten = Slots({now.slot: 1}, window, 3, now)
    forgotten.settle(farther.slot, 1, 0)
    known = Slots({far.slot: 1, now.slot: 1}, window, 3, now)
    known.settle(far.slot, 1, 0)
    dearer = Slots({now.slot: 1}, window, 3, now)
    dearer.settle(far.slot, 1, 3)

    assert [1, 1, 3] == [sum(each.charges.values()) for each in (forgotten, known, dearer)]


def test_a_place_that_was_taken_years_ahead_comes_back(ledger, route, clock):
    """Its lease would end when that clock says so."""
    limit = Limit(unit="requests", amount=1, window=Window(kind="concurrency"), scope="account")
    clock.pass_s(YEARS_S)
    ledger.reserve(route, (limit,), {})

    clock.pass_s(-YEARS_S)

    assert isinstance(ledger.reserve(route, (limit,), {}), Reservation)
