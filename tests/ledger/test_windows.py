"""Windows: every moment has its bucket, days end at local midnight, also when clocks change."""

import logging
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmux_lc.ledger.windows import bucket, place_in, slot_ends_at
from openmux_lc.types.catalog import Limit, Window

ZONES = [
    "UTC",
    "America/Los_Angeles",
    "America/Havana",  # midnight does not exist on one day a year
    "America/St_Johns",
    "Asia/Kathmandu",  # +05:45
    "Australia/Lord_Howe",  # half an hour of daylight saving
    "Pacific/Apia",  # skipped 30 December 2011
    "Pacific/Chatham",
    "Africa/Cairo",
    "Asia/Beirut",
]

moments = st.floats(min_value=946_684_800.0, max_value=4_102_444_800.0)  # 2000 to 2100
zones = st.sampled_from(ZONES)


@given(moments, zones, st.sampled_from(["calendar_day", "calendar_month"]))
def test_every_moment_lies_inside_its_calendar_bucket(now, zone, kind):
    """S4-15, FreeRouter's sixth defect: days are the provider's own."""
    window = Window(kind=kind, zone=zone)

    place = place_in(window, now)

    assert place.slot <= now < place.ends_at


@given(moments, zones, st.sampled_from(["calendar_day", "calendar_month"]))
def test_calendar_buckets_follow_each_other_without_a_gap(now, zone, kind):
    """The end of one bucket is the start of the next."""
    window = Window(kind=kind, zone=zone)
    place = place_in(window, now)

    following = place_in(window, place.ends_at)

    assert place.ends_at == following.slot


@given(moments, zones)
def test_a_day_starts_with_the_first_moment_of_its_date(now, zone):
    """One second earlier it was another date there; at the start it is today."""
    place = place_in(Window(kind="calendar_day", zone=zone), now)
    here = ZoneInfo(zone)

    today = datetime.fromtimestamp(int(now), here).date()

    assert today == datetime.fromtimestamp(place.slot, here).date()
    assert today > datetime.fromtimestamp(place.slot - 1, here).date()


@pytest.mark.parametrize(
    ("date", "hours"), [("2026-03-08", 23), ("2026-03-09", 24), ("2026-11-01", 25)], ids=["spring", "plain", "autumn"]
)
def test_a_pacific_day_is_as_long_as_daylight_saving_makes_it(date, hours):
    """DST: the windows of a provider that resets at midnight Pacific."""
    noon = datetime.fromisoformat(f"{date}T12:00").replace(tzinfo=ZoneInfo("America/Los_Angeles"))

    place = place_in(Window(kind="calendar_day", zone="America/Los_Angeles"), noon.timestamp())

    assert timedelta(hours=hours) == timedelta(seconds=place.ends_at - place.slot)


def test_a_month_ends_with_its_last_day():
    """February of a leap year, in a zone east of UTC."""
    zone = ZoneInfo("Asia/Tokyo")
    now = datetime(2028, 2, 29, 23, 59, tzinfo=zone).timestamp()

    place = place_in(Window(kind="calendar_month", zone="Asia/Tokyo"), now)

    assert datetime(2028, 2, 1, tzinfo=zone).timestamp() == place.slot
    assert datetime(2028, 3, 1, tzinfo=zone).timestamp() == place.ends_at


@given(moments, st.floats(min_value=0, max_value=2_678_400))
def test_a_rolling_charge_counts_for_the_whole_window_and_at_most_a_slot_longer(now, seconds):
    """Never shorter than the provider's window, never more than a sixtieth and a few milliseconds longer."""
    limit = Limit(unit="requests", amount=1, window=Window(kind="rolling", seconds=seconds), scope="model")
    place = bucket(limit, now)

    lasts_s = place.ends_at - now

    assert lasts_s >= min(seconds, 0.06) * 0.999
    assert lasts_s >= seconds * 0.999_999
    assert lasts_s <= max(seconds, 0.06) * 61 / 60 + 0.07


@given(moments, st.floats(min_value=1, max_value=2_678_400))
def test_a_rolling_charge_is_gone_at_the_moment_that_was_told(now, seconds):
    """Whoever waits until then is not turned away again."""
    window = Window(kind="rolling", seconds=seconds)
    slot = place_in(window, now).slot

    ends_at = slot_ends_at(window, slot, now)

    assert place_in(window, ends_at).first == slot + 1


def test_an_unknown_zone_counts_in_utc_and_says_so(caplog):
    """A machine without zone data still has windows."""
    window = Window(kind="calendar_day", zone="Mars/Olympus")

    with caplog.at_level(logging.WARNING):
        place = place_in(window, 1_781_265_600.0)

    assert place_in(Window(kind="calendar_day"), 1_781_265_600.0) == place
    assert "Mars/Olympus" in caplog.text
