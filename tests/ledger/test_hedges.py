"""The day's budget for asking twice: a share of the calls, one at least, over all processes."""

import pytest

from openmux_lc.ledger.hedges import HedgeBudget


def test_one_in_fifty_calls_may_be_asked_twice(ledger):
    """FIELD e8: at most 2 % extra calls."""
    budget = HedgeBudget(ledger, 0.02)
    taken = 0
    for number in range(1, 201):
        budget.count()
        taken += budget.take()

        assert -(-number // 50) == taken


def test_a_share_of_none_allows_none(ledger):
    budget = HedgeBudget(ledger, 0.0)
    budget.count()

    assert not budget.take()


def test_processes_share_one_budget(open_ledger, sqlite_url):
    one, two = (HedgeBudget(open_ledger(sqlite_url), 0.02) for _ in range(2))
    for _ in range(40):
        one.count()
        two.count()

    assert [True, True, False, False] == [budget.take() for budget in (one, two, one, two)]


async def test_the_async_twins_do_the_same(ledger):
    budget = HedgeBudget(ledger, 0.02)
    await budget.acount()

    assert [True, False] == [await budget.atake() for _ in range(2)]


def test_the_budget_says_nothing_of_anybodys_health(ledger):
    budget = HedgeBudget(ledger, 0.02)
    budget.count()
    budget.take()

    seen = ledger.snapshot()
    assert {0.0} == {state.successes + state.failures for state in seen.routes.values()}


@pytest.mark.parametrize("share", [0.02, 0.5])
def test_a_new_day_has_a_new_budget(share, open_ledger, clock):
    ledger = open_ledger("memory:")
    budget = HedgeBudget(ledger, share)
    budget.count()
    first = [budget.take(), budget.take()]
    clock.pass_s(86_400)

    assert [True, False, True] == [*first, budget.take()]
