"""Wall clocks that were wrong: what they left behind ends with the window, not years later."""

import pytest

from openmux_lc.types.catalog import Limit, Window
from openmux_lc.types.run import Attempt
from openmux_lc.types.state import Refusal, Reservation

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


def test_a_place_that_was_taken_years_ahead_comes_back(ledger, route, clock):
    """Its lease would end when that clock says so."""
    limit = Limit(unit="requests", amount=1, window=Window(kind="concurrency"), scope="account")
    clock.pass_s(YEARS_S)
    ledger.reserve(route, (limit,), {})

    clock.pass_s(-YEARS_S)

    assert isinstance(ledger.reserve(route, (limit,), {}), Reservation)
