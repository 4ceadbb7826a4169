"""Limits that providers tell: they only tighten, name their source, and are forgotten after a week."""

from collections.abc import Callable

import pytest

from openmux_lc.ledger.learned import LEARNED_LIFE_S, Asked, Learned, effective_limits, learn
from openmux_lc.ledger.ledger import Ledger
from openmux_lc.ledger.quota import Counter, account_name
from openmux_lc.types.catalog import Limit, Route, Window
from openmux_lc.types.run import Attempt
from openmux_lc.types.state import LimitObservation, Refusal, Reservation
from tests.ledger.conftest import Clock

NOON = 1_781_265_600.0
MINUTE = Window(kind="rolling", seconds=60)
DAY = Window(kind="calendar_day", zone="UTC")
ROUTE = Route("cloud", "big")
ASKED = Asked(ROUTE, 0, NOON)
DECLARED = Limit(unit="requests", amount=30, window=MINUTE, scope="account")
NAME = account_name(DECLARED, ROUTE)


def told(limit: int | None, **fields: object) -> LimitObservation:
    return LimitObservation(**{"unit": "requests", "window_s": 60.0, "limit": limit, **fields})  # type: ignore[arg-type]


def calls_until_refused(ledger: Ledger, limits: tuple[Limit, ...], *, route: Route = ROUTE, key_slot: int = 0) -> int:
    """Count the calls that are admitted, each of one request and ten tokens."""
    for count in range(1000):
        if isinstance(ledger.reserve(route, limits, {"tokens": 10}, key_slot=key_slot), Refusal):
            return count
    raise AssertionError("it is never refused")


def teach(ledger: Ledger, limits: tuple[Limit, ...], *observations: LimitObservation, key_slot: int = 0) -> None:
    """One call whose response tells something."""
    held = ledger.reserve(ROUTE, limits, {"tokens": 10}, key_slot=key_slot)
    assert isinstance(held, Reservation)
    ledger.settle(held, Attempt(route=ROUTE, key_slot=key_slot), observations=observations)


def test_a_tighter_limit_holds_from_the_next_call_on(ledger: Ledger) -> None:
    teach(ledger, (DECLARED,), told(5))

    assert 4 == calls_until_refused(ledger, (DECLARED,))
    assert "learned" == ledger.snapshot().cooldowns["cloud"].source


def test_a_looser_limit_changes_nothing(ledger: Ledger) -> None:
    """What a provider reports may only tighten."""
    teach(ledger, (DECLARED,), told(1000))

    assert 29 == calls_until_refused(ledger, (DECLARED,))


def test_a_limit_that_nobody_declared_binds_that_route_and_key(ledger: Ledger) -> None:
    teach(ledger, (), told(3, remaining=2, reset_at=NOON + 60))

    assert 2 == calls_until_refused(ledger, ())
    assert isinstance(ledger.reserve(Route("cloud", "small"), (), {}), Reservation)
    assert isinstance(ledger.reserve(ROUTE, (), {}, key_slot=1), Reservation)


def test_of_several_windows_the_told_one_is_tightened(ledger: Ledger) -> None:
    daily = Limit(unit="requests", amount=50, window=DAY, scope="account")
    teach(ledger, (DECLARED, daily), told(4, window_s=86_400.0))

    assert 3 == calls_until_refused(ledger, (DECLARED, daily))


def test_an_amount_without_a_window_is_not_believed(ledger: Ledger) -> None:
    """Ten of what: a second, a minute, a day? (FIELD complaint 8)."""
    teach(ledger, (DECLARED,), told(10, window_s=None), told(0), told(-5), told(None))

    assert 29 == calls_until_refused(ledger, (DECLARED,))


def test_what_was_learned_outlives_the_process(
    sqlite_url: str, open_ledger: Callable[..., Ledger], clock: Clock
) -> None:
    first = open_ledger(sqlite_url)
    teach(first, (DECLARED,), told(5))
    first.close()
    clock.pass_s(120)

    assert 5 == calls_until_refused(open_ledger(sqlite_url), (DECLARED,))


def test_another_process_learns_it_too(sqlite_url: str, open_ledger: Callable[..., Ledger], clock: Clock) -> None:
    here, there = open_ledger(sqlite_url), open_ledger(sqlite_url)
    teach(here, (DECLARED,), told(5))
    clock.pass_s(1)
    there.snapshot()

    assert 4 == calls_until_refused(there, (DECLARED,))


def test_it_is_forgotten_a_week_after_it_was_last_seen(ledger: Ledger, clock: Clock) -> None:
    teach(ledger, (DECLARED,), told(5))
    clock.pass_s(2 * 86_400)
    teach(ledger, (DECLARED,), told(5))  # seen again
    clock.pass_s(LEARNED_LIFE_S - 60)
    held = calls_until_refused(ledger, (DECLARED,))
    clock.pass_s(120)

    assert (5, 30) == (held, calls_until_refused(ledger, (DECLARED,)))


def test_a_limit_that_every_response_repeats_is_not_written_each_time() -> None:
    known = {NAME: Learned(5, NOON - 3600)}

    assert {} == learn([told(5)], {NAME: Counter(5)}, known, ASKED).learned
    assert {NAME: Learned(5, NOON + 86_400)} == learn(
        [told(5)], {NAME: Counter(5)}, known, ASKED._replace(now=NOON + 86_400)
    ).learned


def test_the_provider_may_take_back_what_it_told() -> None:
    """Later truth from the same mouth counts, up to what is declared."""
    learned = learn([told(20)], {NAME: Counter(5)}, {NAME: Learned(5, NOON)}, ASKED).learned

    assert (20,) == tuple(limit.amount for limit in effective_limits((DECLARED,), learned, ASKED))
    learned = learn([told(500)], {NAME: Counter(20)}, learned, ASKED).learned
    assert (DECLARED,) == effective_limits((DECLARED,), learned, ASKED)


@pytest.mark.parametrize("source", ["header", "body", "account"])
def test_its_source_is_kept(source: str) -> None:
    learned = learn([told(5, source=source)], {NAME: Counter(30)}, {}, ASKED).learned

    assert source == learned[NAME].source


def test_what_is_left_of_a_limit_met_for_the_first_time_is_counted(ledger: Ledger) -> None:
    """Others may have used it before: another program, another machine."""
    teach(ledger, (), told(100, window_s=86_400.0, remaining=3, reset_at=NOON + 86_400))

    assert 3 == calls_until_refused(ledger, ())
