"""The mirror: what was computed before is right now as well."""

from hypothesis import given
from hypothesis import strategies as st

from openmux_lc.ledger.health import Health
from openmux_lc.ledger.mirror import Mirror
from openmux_lc.ledger.quota import Counter, account_name, reserve, to_charges
from openmux_lc.ledger.stats import Stats
from openmux_lc.types.catalog import Limit, Route, Window

NOON = 1_781_265_600.0
ROUTES = [Route("cloud", "big"), Route("cloud", "small"), Route("other", "big")]
LIMITS = [
    Limit(unit="requests", amount=3, window=Window(kind="rolling", seconds=60), scope="key_model"),
    Limit(unit="requests", amount=5, window=Window(kind="calendar_day", zone="America/Los_Angeles"), scope="account"),
    Limit(unit="requests", amount=2, window=Window(kind="concurrency"), scope="model"),
]

steps = st.tuples(
    st.sampled_from(ROUTES),
    st.sampled_from(LIMITS),
    st.floats(-200, 4_000),
    st.one_of(
        st.none(),
        st.builds(
            Health, openings=st.integers(0, 1), until=st.floats(NOON, NOON + 500), probe_until=st.floats(0, NOON)
        ),
    ),
    st.one_of(st.none(), st.builds(Stats, at=st.just(NOON), successes=st.floats(0, 9))),
)


@given(st.lists(steps, max_size=15))
def test_a_mirror_that_lived_long_says_the_same_as_a_new_one(steps):
    """Whatever was written, and however the clock went, nothing stale is left."""
    old, counters, health, stats, now = Mirror(), {}, {}, {}, NOON
    for route, limit, pause_s, sick, figures in steps:
        now += pause_s
        after = reserve(counters, to_charges(route, (limit,), {}, now=now), now)
        after = after if isinstance(after, dict) else {}
        counters |= after
        old.put_counters(after)
        if sick is not None:
            health[str(route)] = sick
            old.put_health({str(route): sick})
        if figures is not None:
            stats[str(route)] = figures
            old.put_stats({str(route): figures})

        seen = old.snapshot(now)

        new = Mirror()
        new.replace_health(health)
        new.replace_figures(counters, stats)
        fresh = new.snapshot(now)
        assert fresh.cooldowns == seen.cooldowns
        assert {name: state.headroom for name, state in fresh.routes.items()} == {
            name: seen.routes[name].headroom for name in fresh.routes
        }


def test_nothing_is_computed_again_while_nothing_changes():
    """A snapshot costs microseconds: the same mappings are handed out."""
    mirror = Mirror()
    mirror.put_stats({"cloud:big": Stats(at=NOON, successes=1)})
    first = mirror.snapshot(NOON)

    second = mirror.snapshot(NOON + 1)

    assert first.routes is second.routes
    assert first.cooldowns is second.cooldowns


def test_counts_fade_in_a_snapshot_too():
    """Every ten minutes they are brought up to date."""
    mirror = Mirror()
    mirror.put_stats({"cloud:big": Stats(at=NOON, successes=8)})
    mirror.snapshot(NOON)

    later = mirror.snapshot(NOON + 2 * 86_400)

    assert 4.0 == round(later.routes[Route("cloud", "big")].successes, 6)


def test_rows_that_are_gone_leave_nothing_behind():
    """Another process cleared them."""
    name = account_name(LIMITS[1], ROUTES[0])
    mirror = Mirror()
    mirror.put_stats({"cloud:big": Stats(at=NOON, successes=8)})
    mirror.put_counters({name: Counter(5, {1_781_247_600: 5})})
    before = mirror.snapshot(NOON)

    mirror.replace_figures({}, {})

    after = mirror.snapshot(NOON)
    assert {"cloud"} == set(before.cooldowns)
    assert {} == after.cooldowns
    assert (0.0, 1.0) == (before.routes[ROUTES[0]].headroom, after.routes[ROUTES[0]].headroom)
    assert 0.0 == after.routes[ROUTES[0]].successes
