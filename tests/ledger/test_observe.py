"""Reports: each finds its limit or none, and "none left" lets the right ones rest."""

from openmux_lc.ledger.observe import matching, observe
from openmux_lc.ledger.quota import Counter, account_name, to_account
from openmux_lc.types.catalog import Limit, Route, Window
from openmux_lc.types.state import LimitObservation

NOON = 1_781_265_600.0
ROUTE = Route("cloud", "big")
MINUTE = account_name(
    Limit(unit="requests", amount=30, window=Window(kind="rolling", seconds=60), scope="key_model"), ROUTE
)
DAY = account_name(Limit(unit="requests", amount=50, window=Window(kind="calendar_day"), scope="account"), ROUTE)
TOKENS = account_name(
    Limit(unit="tokens", amount=6_000, window=Window(kind="rolling", seconds=60), scope="key_model"), ROUTE
)
PLACES = account_name(Limit(unit="requests", amount=2, window=Window(kind="concurrency"), scope="account"), ROUTE)
ACCOUNTS = [to_account(name) for name in (MINUTE, DAY, TOKENS, PLACES)]
COUNTERS = {MINUTE: Counter(30), DAY: Counter(50), TOKENS: Counter(6_000), PLACES: Counter(2)}


def seen(**fields):
    """A report about requests."""
    return LimitObservation(**{"unit": "requests", "remaining": 0, **fields})


def test_a_window_that_is_told_finds_its_limit():
    """Groq's requests are a day's, its tokens a minute's."""
    assert to_account(MINUTE) == matching(seen(window_s=60), ACCOUNTS, NOON)
    assert to_account(DAY) == matching(seen(window_s=86_400), ACCOUNTS, NOON)
    assert matching(seen(window_s=3600), ACCOUNTS, NOON) is None


def test_a_single_limit_of_the_unit_needs_no_window():
    """There is nothing else that it could be."""
    assert to_account(TOKENS) == matching(seen(unit="tokens"), ACCOUNTS, NOON)


def test_a_reset_finds_the_shortest_window_that_lasts_until_then():
    """Of a minute and a day, one that refills in an hour is the day."""
    assert to_account(MINUTE) == matching(seen(reset_at=NOON + 30), ACCOUNTS, NOON)
    assert to_account(DAY) == matching(seen(reset_at=NOON + 3600), ACCOUNTS, NOON)


def test_a_report_that_could_be_either_is_neither():
    """A guess could loosen or stop the wrong one."""
    assert matching(seen(), ACCOUNTS, NOON) is None


def test_none_left_of_an_account_stops_the_provider():
    """FIELD 8: 50 a day are for the whole account."""
    told = observe(COUNTERS, [seen(window_s=86_400, reset_at=NOON + 3600)], "cloud:big", NOON)

    ((name, pause),) = told.pauses.items()
    assert ("cloud", NOON + 3600, "header") == (name, pause.until, pause.source)
    assert 50 == told.counters[DAY].extra


def test_none_left_of_a_model_stops_the_route():
    """Others of the provider go on; without a reset it is the window's end."""
    told = observe(COUNTERS, [seen(window_s=60)], "cloud:big", NOON)

    ((name, pause),) = told.pauses.items()
    assert "cloud:big" == name
    assert NOON + 60 <= pause.until <= NOON + 62


def test_none_left_of_an_unknown_limit_stops_the_route_for_a_minute_at_most():
    """The catalog does not know this limit: the narrowest scope, a short time."""
    told = observe({}, [seen(window_s=86_400), seen(unit="tokens", window_s=5)], "cloud:big", NOON)

    assert {"cloud:big": NOON + 60} == {name: pause.until for name, pause in told.pauses.items()}


def test_of_several_reports_the_longest_rest_holds():
    """In either order."""
    both = [seen(reset_at=NOON + 5), seen(reset_at=NOON + 50)]

    assert NOON + 50 == observe({}, both, "cloud:big", NOON).pauses["cloud:big"].until
    assert NOON + 50 == observe({}, both[::-1], "cloud:big", NOON).pauses["cloud:big"].until


def test_what_is_over_or_not_told_changes_nothing():
    """A reset in the past is a late answer; a limit alone says nothing about now."""
    told = observe(COUNTERS, [seen(reset_at=NOON), seen(remaining=None, limit=10)], "cloud:big", NOON)

    assert (COUNTERS, {}) == (told.counters, told.pauses)


def test_something_left_stops_nobody():
    """It only tightens the count."""
    told = observe(COUNTERS, [seen(window_s=60, remaining=10)], "cloud:big", NOON)

    assert {} == told.pauses
    assert 20 == told.counters[MINUTE].extra


def test_a_month_is_about_as_long_as_a_month():
    """28 to 31 days are all told as "month"."""
    limit = Limit(unit="credits", amount=9, window=Window(kind="calendar_month"), scope="account")
    month = to_account(account_name(limit, ROUTE))

    told = LimitObservation(unit="credits", remaining=0, window_s=30 * 86_400.0)

    assert month == matching(told, [month], NOON)
    assert matching(LimitObservation(unit="credits", window_s=86_400.0), [month], NOON) is None
