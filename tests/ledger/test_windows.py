"""Windows: every moment has its place, days end at local midnight, also when clocks change."""

import logging
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmux_lc.ledger.windows import place_in, slot_ends_at
from openmux_lc.types.catalog import Window

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
def test_every_moment_lies_inside_its_calendar_window(now, zone, kind):
    """S4-15, FreeRouter's sixth defect: days are the provider's own."""
    window = Window(kind=kind, zone=zone)

    place = place_in(window, now)

    assert place.slot <= now < place.ends_at


@given(moments, zones, st.sampled_from(["calendar_day", "calendar_month"]))
def test_calendar_windows_follow_each_other_without_a_gap(now, zone, kind):
    """The end of one window is the start of the next."""
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
    place = place_in(Window(kind="rolling", seconds=seconds), now)

    lasts_s = place.ends_at - now

    assert lasts_s >= min(seconds, 0.06) * 0.999
    assert lasts_s >= seconds * 0.999_999
    assert lasts_s <= max(seconds, 0.06) * 61 / 60 + 0.07


@given(moments, st.floats(min_value=1, max_value=2_678_400))
def test_a_rolling_charge_is_gone_at_the_moment_that_was_told(now, seconds):
    """Whoever waits until then is not turned away again."""
    window = Window(kind="rolling", seconds=seconds)
    place = place_in(window, now)

    ends_at = slot_ends_at(window, place.slot, place)

    assert place_in(window, ends_at).first == place.slot + 1


@given(moments, zones, moments)
def test_every_moment_lies_inside_its_anniversary_month(now, zone, anchor):
    """Months follow each other without a gap, and each is as long as a month."""
    window = Window(kind="anniversary_month", zone=zone, anchor=anchor)

    place = place_in(window, now)

    assert place.slot <= now < place.ends_at
    assert place.ends_at == place_in(window, place.ends_at).slot
    assert 27.9 <= (place.ends_at - place.slot) / 86_400 <= 32


@given(moments, zones)
def test_an_anniversary_month_begins_at_its_anchor(anchor, zone):
    place = place_in(Window(kind="anniversary_month", zone=zone, anchor=anchor), anchor)
    here = ZoneInfo(zone)

    begun = datetime.fromtimestamp(place.slot, here)

    assert datetime.fromtimestamp(int(anchor), here).replace(fold=0) == begun.replace(fold=0)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Los_Angeles"])
def test_an_anchor_at_the_end_of_a_month_clamps_and_comes_back(zone):
    """FIELD e1: on the 31st, else on the last day; the clock's hour there stays over DST."""
    here = ZoneInfo(zone)
    anchor = datetime(2027, 10, 31, 9, 30, tzinfo=here)
    window = Window(kind="anniversary_month", zone=zone, anchor=anchor.timestamp())

    begins, now = [], anchor.timestamp()
    for _ in range(7):
        begins.append(datetime.fromtimestamp(place_in(window, now).slot, here))
        now = place_in(window, now).ends_at

    assert ["10-31", "11-30", "12-31", "01-31", "02-29", "03-31", "04-30"] == [f"{each:%m-%d}" for each in begins]
    assert {"09:30"} == {f"{each:%H:%M}" for each in begins}


def test_a_second_before_the_anniversary_is_the_old_month():
    anchor = datetime(2026, 1, 15, 9, 7, 33, tzinfo=ZoneInfo("UTC")).timestamp()
    window = Window(kind="anniversary_month", anchor=anchor)

    assert anchor == place_in(window, anchor + 31 * 86_400 - 1).slot
    assert anchor + 31 * 86_400 == place_in(window, anchor + 31 * 86_400).slot


def test_an_unknown_zone_counts_in_utc_and_says_so(caplog):
    """A machine without zone data still has windows."""
    window = Window(kind="calendar_day", zone="Mars/Olympus")

    with caplog.at_level(logging.WARNING):
        place = place_in(window, 1_781_265_600.0)

    assert place_in(Window(kind="calendar_day"), 1_781_265_600.0) == place
    assert "Mars/Olympus" in caplog.text
