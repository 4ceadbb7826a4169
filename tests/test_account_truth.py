"""The account page: fetched when its provider is first used and on demand, never waited for, only tightening.

The page's shape is OpenRouter's, as its documentation has it (`FreeModelDailyRequests`, read 2026-12-01).
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from openmux_lc.engine.ask import ask
from openmux_lc.errors import NoRouteError
from openmux_lc.mux import Mux, to_request
from openmux_lc.providers.account import read_account_page
from openmux_lc.settings import Settings
from openmux_lc.testing import Answer, Behaviour, FakeUpstream, Fault, html_page, stalled, unauthorized
from openmux_lc.types.run import Options
from tests.patience import LATE_S

QUESTION = to_request("What is the capital of France?")
MODEL = Options(chain=("openrouter:openrouter/free",), timeout_s=20.0)
NOON = 1_781_265_600.0  # 12 June 2026, 12:00 UTC


def key_page(**daily: int) -> dict[str, object]:
    return {
        "data": {
            "label": "sk-or-v1-0...0",
            "limit": 100,
            "limit_remaining": 74.5,
            "usage": 25.5,
            "is_free_tier": True,
            "free_model_daily_requests": daily,
            "rate_limit": {"requests": -1, "interval": "10s", "note": "deprecated"},
        }
    }


def pool(folder: Path, upstream: FakeUpstream, *, state_url: str = "memory:", **environ: str) -> Mux:
    known = {
        "OPENMUX_STATE_URL": state_url,
        "OPENMUX_PROVIDERS": "openrouter",
        "OPENROUTER_API_KEY": "sk-or-test",
        "OPENMUX_OPENROUTER_BASE_URL": upstream.base_url,
    }
    return Mux(Settings.load(environ={**known, **environ}, cwd=folder))


def until(is_so: Callable[[], bool]) -> bool:
    """Wait for what another thread does."""
    deadline = time.monotonic() + LATE_S
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.005)
    return is_so()


def pages_asked(upstream: FakeUpstream) -> int:
    return sum(each.path.endswith("/key") for each in upstream.requests)


def upstream_with(page: object, answer: Behaviour | None = None) -> FakeUpstream:
    return FakeUpstream(answer or Answer("Paris."), pages={"/v1/key": page})  # type: ignore[dict-item]


def test_what_is_left_of_the_day_is_read() -> None:
    (seen,) = read_account_page(key_page(limit=50, used=12, remaining=38), NOON)  # type: ignore[arg-type]

    assert ("requests", 86_400.0, 50, 38, NOON + 12 * 3600, "account") == (
        seen.unit,
        seen.window_s,
        seen.limit,
        seen.remaining,
        seen.reset_at,
        seen.source,
    )


@pytest.mark.parametrize(
    "page",
    [None, [], {"data": None}, {"data": {}}, key_page(), key_page(limit=-1, remaining=-1), {"data": {"limit": 5}}],
)
def test_a_page_without_it_tells_nothing(page: object) -> None:
    """Credits are no quota of ours."""
    assert () == read_account_page(page, NOON)  # type: ignore[arg-type]


def test_on_demand_the_ledger_agrees_with_the_account(tmp_path: Path) -> None:
    """Another machine with the same key used 47 of the day's 50."""
    with upstream_with(key_page(limit=50, used=47, remaining=3)) as upstream, pool(tmp_path, upstream) as mux:
        (told,) = mux.refresh_quotas()
        texts = [ask(mux, QUESTION, MODEL).answer.text for _ in range(3)]
        with pytest.raises(NoRouteError, match="requests used up"):
            ask(mux, QUESTION, Options(chain=("auto",)))

    assert ("openrouter", "") == told
    assert ["Paris."] * 3 == texts
    assert all("authorization" in each.headers for each in upstream.requests)


def test_an_account_with_nothing_left_rests_until_its_reset(tmp_path: Path) -> None:
    with upstream_with(key_page(limit=50, used=50, remaining=0)) as upstream, pool(tmp_path, upstream) as mux:
        mux.refresh_quotas()
        pause = mux.ledger.snapshot().cooldowns["openrouter"]

    assert 0 < pause.until - time.time() <= 86_400


def test_a_larger_limit_than_declared_loosens_nothing(tmp_path: Path) -> None:
    """An account that bought credits has 1,000 a day; the row is changed by its owner's word, not by a page."""
    with upstream_with(key_page(limit=1000, used=0, remaining=1000)) as upstream, pool(tmp_path, upstream) as mux:
        mux.refresh_quotas()
        amounts = {limit.amount for limit in mux.limits(mux.catalog.resolve("openrouter:openrouter/free"))}

    assert {20, 50} == amounts


def test_the_first_use_asks_in_the_background_and_only_once(tmp_path: Path) -> None:
    with upstream_with(key_page(limit=50, used=10, remaining=40)) as upstream, pool(tmp_path, upstream) as mux:
        for _ in range(3):
            ask(mux, QUESTION, MODEL)
        is_seen = until(lambda: mux.ledger.account_seen_at("openrouter") > 0)
        ask(mux, QUESTION, MODEL)
        count = pages_asked(upstream)

    assert is_seen
    assert 1 == count


def test_another_process_that_asked_a_moment_ago_is_believed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    with upstream_with(key_page(limit=50, used=10, remaining=40)) as upstream:
        with pool(tmp_path, upstream, state_url=url) as mux:
            mux.refresh_quotas()
        with pool(tmp_path, upstream, state_url=url) as mux:
            ask(mux, QUESTION, MODEL)
            is_asking = any(thread.name.startswith("openmux-account") for thread in threading.enumerate())
        count = pages_asked(upstream)

    assert not is_asking
    assert 1 == count


@pytest.mark.parametrize("page", [stalled(60), html_page(), unauthorized(), Fault(200, body="{")])
def test_a_page_that_fails_keeps_nobody_and_changes_nothing(tmp_path: Path, page: Behaviour) -> None:
    with upstream_with(page) as upstream, pool(tmp_path, upstream) as mux:
        answer = ask(mux, QUESTION, MODEL).answer
        is_asked = until(lambda: pages_asked(upstream) > 0)

    assert "Paris." == answer.text
    assert is_asked


def test_a_failed_page_says_why_and_not_with_which_key(tmp_path: Path) -> None:
    with upstream_with(unauthorized()) as upstream, pool(tmp_path, upstream) as mux:
        (told,) = mux.refresh_quotas()

    assert told.problem.startswith("AuthenticationFailed")
    assert "sk-or-test" not in told.problem


def test_offline_nobody_is_asked(tmp_path: Path) -> None:
    with upstream_with(key_page(limit=50)) as upstream, pool(tmp_path, upstream, OPENMUX_OFFLINE="1") as mux:
        told = mux.refresh_quotas()

    assert () == told
    assert 0 == pages_asked(upstream)
