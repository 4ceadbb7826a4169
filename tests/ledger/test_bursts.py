"""Bursts of many agents: quota is set aside before a call, so nobody overshoots it together (S4-15)."""

import threading
from collections import Counter
from datetime import datetime

import pytest

from openmux_lc.types.catalog import Limit, Route, Window
from openmux_lc.types.run import Attempt, Usage
from openmux_lc.types.state import Refusal, Reservation

ROUTE, OTHER = Route("cloud", "big"), Route("cloud", "small")
DAY = Window(kind="calendar_day")
MINUTE = Window(kind="rolling", seconds=60)
AGENTS = 20


def together(act):
    """Let all agents act at once; return what each got."""
    start, got = threading.Barrier(AGENTS), [None] * AGENTS

    def agent(number):
        start.wait()
        got[number] = act()

    threads = [threading.Thread(target=agent, args=(number,)) for number in range(AGENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got


def kinds(replies):
    return Counter(type(reply) for reply in replies)


def test_tokens_are_set_aside_before_the_call(ledger):
    """S4 defect 3: requests alone were reserved, so that a burst overshot the day's tokens."""
    tokens = Limit(unit="tokens", amount=1_000, window=DAY, scope="account")
    requests = Limit(unit="requests", amount=1_000, window=DAY, scope="account")

    replies = [ledger.reserve(ROUTE, (requests, tokens), {"tokens": 300}) for _ in range(5)]

    assert {Reservation: 3, Refusal: 2} == kinds(replies)
    assert {"needs 300 tokens, 100 of 1000 tokens per day (UTC) are left"} == {each.reason for each in replies[3:]}


@pytest.mark.parametrize(
    ("scope", "is_other_free"),
    [("account", False), ("organisation", False), ("key_model", True), ("account_model", True)],
)
def test_a_limit_is_counted_on_what_its_scope_says(ledger, scope, is_other_free):
    """S4 defect 4: all quotas were the provider's, though some hosts limit each model and others a project."""
    limit = Limit(unit="requests", amount=1, window=DAY, scope=scope)
    ledger.reserve(ROUTE, (limit,), {})

    reply = ledger.reserve(OTHER, (limit,), {})

    assert is_other_free == isinstance(reply, Reservation)


@pytest.mark.parametrize(
    ("zone", "resets_at"), [("UTC", "2026-06-13T00:00Z"), ("America/Los_Angeles", "2026-06-13T07:00Z")]
)
def test_a_day_ends_where_its_provider_says(ledger, clock, zone, resets_at):
    """S4 defect 6: every day was UTC's, though one of the hosts resets at midnight Pacific."""
    limit = Limit(unit="requests", amount=1, window=Window(kind="calendar_day", zone=zone), scope="account")
    ledger.reserve(ROUTE, (limit,), {})

    assert datetime.fromisoformat(resets_at).timestamp() == ledger.reserve(ROUTE, (limit,), {}).until


def test_a_burst_of_agents_is_admitted_up_to_the_limit_and_not_one_beyond(ledger):
    """S4-15: each reserves first; those who are refused are told when to come again."""
    limits = (
        Limit(unit="requests", amount=30, window=MINUTE, scope="account"),
        Limit(unit="tokens", amount=1_000, window=DAY, scope="key_model"),
    )

    replies = together(lambda: ledger.reserve(ROUTE, limits, {"tokens": 100}))

    assert {Reservation: 10, Refusal: 10} == kinds(replies)
    assert all(each.until > ledger.snapshot().at for each in replies if isinstance(each, Refusal))


def test_a_burst_that_used_less_than_it_set_aside_makes_room_for_the_next(ledger):
    """S4-15: the difference comes back with each settlement."""
    limit = Limit(unit="tokens", amount=2_000, window=DAY, scope="key_model")

    def call():
        reply = ledger.reserve(ROUTE, (limit,), {"tokens": 100})
        if isinstance(reply, Reservation):
            ledger.settle(reply, Attempt(route=ROUTE, usage=Usage(total_tokens=10)))
        return reply

    assert {Reservation: 40} == kinds([*together(call), *together(call)])
    assert 0.8 == round(ledger.snapshot().routes[ROUTE].headroom, 6)


def test_a_burst_drains_a_bucket_once(ledger, clock):
    """S4-15: what steadily comes in is shared as well."""
    bucket = Limit(unit="requests", amount=10, window=Window(kind="token_bucket", seconds=10), scope="account")

    first = together(lambda: ledger.reserve(ROUTE, (bucket,), {}))
    clock.pass_s(5.01)
    second = together(lambda: ledger.reserve(ROUTE, (bucket,), {}))

    assert [10, 5] == [kinds(replies)[Reservation] for replies in (first, second)]
