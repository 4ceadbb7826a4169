"""The forecast: what is promised can be had, shared limits are counted once, and everything has its moment."""

import contextlib
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openmux_lc.ledger.ledger import Ledger
from openmux_lc.ledger.refills import Moments, admitted
from openmux_lc.types.capacity import Capacity, RouteNeed
from openmux_lc.types.catalog import Limit, LimitScope, LimitUnit, Route, Window
from openmux_lc.types.run import Attempt, Usage
from openmux_lc.types.state import Cooldown, LimitObservation, Reservation
from tests.ledger.conftest import NOON, Clock

MINUTE, HOUR = Window(kind="rolling", seconds=60), Window(kind="rolling", seconds=3600)
UTC_DAY, PACIFIC_DAY = Window(kind="calendar_day"), Window(kind="calendar_day", zone="America/Los_Angeles")
MIDNIGHT = NOON + 12 * 3600
BIG, SMALL, OTHER = Route("cloud", "big"), Route("cloud", "small"), Route("mist", "m")
CALL: Mapping[LimitUnit, int] = {"requests": 1, "tokens": 100}


def limit(amount: int, window: Window = UTC_DAY, scope: LimitScope = "account", unit: LimitUnit = "requests") -> Limit:
    return Limit(unit=unit, amount=amount, window=window, scope=scope)


def need(route: Route, *limits: Limit, key_slots: tuple[int, ...] = (0,)) -> RouteNeed:
    return RouteNeed(route=route, limits=limits, amounts=CALL, key_slots=key_slots)


def use(ledger: Ledger, asked: RouteNeed, count: int, *, key_slot: int = 0) -> None:
    for _ in range(count):
        held = ledger.reserve(asked.route, asked.limits, CALL, key_slot=key_slot)
        assert isinstance(held, Reservation)
        ledger.settle(held, Attempt(route=asked.route, usage=Usage(total_tokens=100)))


def today(ledger: Ledger, *needs: RouteNeed, until: float = MIDNIGHT) -> Capacity:
    return ledger.capacity(needs, until)


def test_what_is_left_of_a_day_is_what_can_be_called(ledger: Ledger) -> None:
    asked = need(BIG, limit(50))
    use(ledger, asked, 12)
    found = today(ledger, asked)

    (route,) = found.routes
    assert (38, {"cloud": 38}) == (found.calls, found.providers)
    assert (38, 38, NOON) == (route.now, route.today, route.next_at)
    assert (12, 38, MIDNIGHT) == (route.limits[0].used, route.limits[0].left, route.limits[0].resets_at)


def test_of_requests_and_tokens_the_scarcer_counts(ledger: Ledger) -> None:
    asked = need(BIG, limit(50), limit(1_000, unit="tokens", scope="key_model"))

    assert 10 == today(ledger, asked).calls


def test_a_minutes_limit_refills_until_the_end(ledger: Ledger) -> None:
    """Thirty a minute for an hour; a charge counts up to a sixtieth longer than its minute."""
    found = today(ledger, need(BIG, limit(30, MINUTE, "key_model")), until=NOON + 3600)

    assert 30 == found.routes[0].now
    assert 30 + 59 * 30 == found.calls


def test_a_day_that_ends_before_the_forecast_begins_anew(ledger: Ledger) -> None:
    """Pacific midnight is at 07:00 UTC in June (S4 defect 6)."""
    asked = need(BIG, limit(20, PACIFIC_DAY, "account_model"))
    use(ledger, asked, 20)
    found = today(ledger, asked, until=NOON + 24 * 3600)

    assert (0, 20) == (found.routes[0].now, found.calls)
    assert NOON + 19 * 3600 == found.routes[0].next_at


def test_routes_add_up_and_what_they_share_bounds_them(ledger: Ledger) -> None:
    """Fifty a day for the account are fifty, whichever models are called."""
    shared, own = limit(50), limit(30, scope="key_model")
    needs = [need(BIG, shared, own), need(SMALL, shared, own), need(OTHER, limit(7))]
    use(ledger, needs[0], 5)
    found = today(ledger, *needs)

    assert {"cloud": 45, "mist": 7} == found.providers
    assert 52 == found.calls
    assert [25, 30, 7] == [route.today for route in found.routes]


def test_keys_that_take_turns_add_up(ledger: Ledger) -> None:
    asked = need(BIG, limit(10, scope="key"), key_slots=(0, 2))
    use(ledger, asked, 4)
    found = today(ledger, asked)

    assert 16 == found.calls
    assert [(4, 0), (0, 2)] == [(each.used, each.key_slot) for each in found.routes[0].limits]


def test_no_limit_is_told_as_such(ledger: Ledger) -> None:
    """An engine on this machine, above all; it adds nothing to the sum and is named."""
    found = today(ledger, need(OTHER), need(BIG, limit(5)))

    assert (5, ("mist",)) == (found.calls, found.unlimited)
    assert found.routes[0].today is None


def test_a_used_up_limit_tells_the_next_free_slot(ledger: Ledger, clock: Clock) -> None:
    asked = need(BIG, limit(3, MINUTE, "key_model"))
    use(ledger, asked, 3)
    clock.pass_s(19)
    found = today(ledger, asked)

    assert 0 == found.routes[0].now
    assert 41 <= found.routes[0].next_at - clock.now <= 43
    assert found.next_at == found.routes[0].next_at
    clock.now = found.routes[0].next_at
    use(ledger, asked, 1)


def test_a_pause_takes_its_time_off(ledger: Ledger) -> None:
    asked = need(BIG, limit(60, HOUR))
    ledger.cool("cloud", Cooldown(until=NOON + 4 * 3600, reason="told so", source="header"))
    found = today(ledger, asked, until=NOON + 6 * 3600)
    whole = today(ledger, asked, until=NOON + 3 * 3600)

    (route,) = found.routes
    assert (0, NOON + 4 * 3600) == (route.now, route.next_at)
    assert 120 == found.calls  # an hour's before, one hour's after
    assert 0 == whole.calls
    assert route.pause is not None
    assert "told so" == route.pause.reason


def test_a_learned_limit_counts_and_names_who_said_so(ledger: Ledger) -> None:
    asked = need(BIG, limit(50))
    held = ledger.reserve(BIG, asked.limits, CALL)
    assert isinstance(held, Reservation)
    told = LimitObservation(unit="requests", window_s=86_400.0, limit=20, source="body")
    ledger.settle(held, Attempt(route=BIG), observations=[told])
    found = today(ledger, asked)

    assert 19 == found.calls
    assert ("body", 20) == (found.routes[0].limits[0].origin, found.routes[0].limits[0].limit.amount)


def test_what_an_account_told_is_left_counts_as_used(ledger: Ledger) -> None:
    """Another machine with the same key: 12 of 50 (FIELD, what nobody has, 5)."""
    asked = need(BIG, limit(50))
    told = LimitObservation(unit="requests", window_s=86_400.0, limit=50, remaining=38, source="account")
    ledger.note_account("cloud", asked.limits, [told])

    assert (38, 12) == (today(ledger, asked).calls, today(ledger, asked).routes[0].limits[0].used)


def test_places_at_once_bound_now_and_not_today(ledger: Ledger) -> None:
    asked = need(BIG, limit(2, Window(kind="concurrency")), limit(40))
    held = ledger.reserve(BIG, asked.limits, CALL)
    found = today(ledger, asked)

    assert isinstance(held, Reservation)
    assert (1, 39) == (found.routes[0].now, found.routes[0].today)


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        (Window(kind="token_bucket", seconds=3600), 5 + 119),
        (HOUR, 5 + 60),
        (UTC_DAY, 5),
        (Window(kind="calendar_month"), 5),
        (Window(kind="concurrency"), None),
    ],
    ids=lambda value: value.kind if isinstance(value, Window) else "",
)
def test_each_kind_of_window_refills_its_own_way(window: Window, expected: int | None) -> None:
    """Sixty per window, five left, two hours to go; what comes back at the very end comes too late."""
    assert expected == admitted([(limit(60, window), 5, 1)], Moments(NOON, NOON, NOON + 7200))


TEN_MINUTES, BUCKET = Window(kind="rolling", seconds=600), Window(kind="token_bucket", seconds=900)
LIMITS = st.builds(
    limit,
    st.integers(1, 6),
    st.sampled_from([TEN_MINUTES, HOUR, UTC_DAY, PACIFIC_DAY, BUCKET]),
    st.sampled_from(["account", "key", "key_model"]),
)


@settings(max_examples=80, deadline=None)
@given(limits=st.lists(LIMITS, min_size=1, max_size=3), used=st.integers(0, 10), hours=st.integers(1, 20))
def test_what_is_forecast_can_be_had(limits: list[Limit], used: int, hours: int) -> None:
    """A caller who takes each call as soon as it is free gets at least as many as were promised."""
    clock = Clock()
    with contextlib.closing(Ledger.open("memory:", clock=clock)) as ledger:
        asked = need(BIG, *limits)
        for _ in range(used):
            take(ledger, asked)
        until = NOON + hours * 3600
        promised = ledger.capacity([asked], until).calls
        had = 0
        while clock.now < until and had < promised:
            if take(ledger, asked):
                had += 1
            else:
                clock.now = max(clock.now + 0.001, ledger.capacity([asked], until).routes[0].next_at)

    assert promised == had


def take(ledger: Ledger, asked: RouteNeed) -> bool:
    """One call, if it is admitted."""
    held = ledger.reserve(asked.route, asked.limits, CALL)
    if not isinstance(held, Reservation):
        return False
    ledger.settle(held, Attempt(route=asked.route))
    return True


def test_a_forecast_writes_nothing(sqlite_url: str, open_ledger: Callable[..., Ledger]) -> None:
    ledger, asked = open_ledger(sqlite_url), need(BIG, limit(5))
    version = ledger._books._store.version()
    for _ in range(3):
        today(ledger, asked)

    assert version == ledger._books._store.version()
    assert {} == dict(ledger._books.mirror.counters)
