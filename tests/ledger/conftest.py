"""What the ledger's tests share: both stores, a clock that is set by hand, and short names."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from openmux_lc.ledger.ledger import Ledger
from openmux_lc.types.catalog import Limit, Route, Window

NOON = 1_781_265_600.0
"""12 June 2026, 12:00 UTC."""


class Clock:
    """Epoch seconds that only move when told."""

    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def __call__(self) -> float:
        """Return the time that was set."""
        return self.now

    def pass_s(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    """A clock at noon."""
    return Clock()


@pytest.fixture(params=["memory", "sqlite"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a fresh store, of each kind in turn."""
    return "memory:" if request.param == "memory" else f"sqlite:///{tmp_path / 'state' / 'state.db'}"


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The address of a fresh file."""
    return f"sqlite:///{tmp_path / 'state' / 'state.db'}"


@pytest.fixture
def open_ledger(clock: Clock) -> Iterator[Callable[..., Ledger]]:
    """Open ledgers on the clock, and close them all at the end."""
    opened: list[Ledger] = []

    def open_one(url: str, **options: float) -> Ledger:
        opened.append(Ledger.open(url, clock=clock, **options))
        return opened[-1]

    yield open_one
    for ledger in opened:
        ledger.close()


@pytest.fixture
def ledger(url: str, open_ledger: Callable[..., Ledger]) -> Ledger:
    """An empty ledger."""
    return open_ledger(url)


@pytest.fixture
def route() -> Route:
    """Some remote route."""
    return Route("cloud", "big")


@pytest.fixture
def per_minute() -> Limit:
    """Three requests a minute for each model."""
    return Limit(unit="requests", amount=3, window=Window(kind="rolling", seconds=60), scope="key_model")


@pytest.fixture
def tokens_per_day() -> Limit:
    """A thousand tokens a day for the account, Pacific time."""
    window = Window(kind="calendar_day", zone="America/Los_Angeles")
    return Limit(unit="tokens", amount=1_000, window=window, scope="account")
