"""The seam between the ledger and where its rows lie.

A store runs one change at a time, whole or not at all, and shares its rows with every
process that opened the same address. The ledger serialises the calls of one process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple, Protocol, TypeVar

from openmux_lc.errors import ConfigError
from openmux_lc.ledger.health import Health
from openmux_lc.ledger.learned import Learned
from openmux_lc.ledger.quota import Counter, Held
from openmux_lc.ledger.stats import Stats

__all__ = [
    "LONGEST_LEASE_S",
    "LONGEST_RUN_LOG_S",
    "Page",
    "Refused",
    "RunRow",
    "Store",
    "StoreBusyError",
    "StoreLostError",
    "Table",
    "to_path",
]

T = TypeVar("T")
R = TypeVar("R")

LONGEST_LEASE_S: Final = 86_400.0
"""A lease that ends later was made by a clock that was far ahead: it has expired."""

LONGEST_RUN_LOG_S: Final = 30 * 86_400.0

_SQLITE: Final = "sqlite:///"
_MEMORY: Final = "memory:"

Refused = Mapping[str, float]
"""What a model refuses, by the name of its quirk, and when that was seen."""


class StoreBusyError(Exception):
    """Another thread or process is writing; nothing was changed."""


class StoreLostError(Exception):
    """The store cannot be read or written any more."""


class RunRow(NamedTuple):
    """One entry of the run log, packed."""

    id: str
    at: float
    body: bytes


class Table(Protocol[T]):
    """Rows of one kind by name."""

    def get(self, names: Iterable[str]) -> dict[str, T]:
        """Return those rows of `names` that exist."""
        ...

    def all(self) -> dict[str, T]:
        """Return every row."""
        ...

    def names(self) -> list[str]:
        """Return the name of every row."""
        ...

    def put(self, rows: Mapping[str, T]) -> None:
        """Write `rows` over what was there."""
        ...

    def remove(self, names: Iterable[str]) -> None:
        """Forget `names`."""
        ...


class Page(Protocol):
    """What a change sees; its reads see its own writes."""

    @property
    def counters(self) -> Table[Counter]:
        """Quota by account name."""
        ...

    @property
    def health(self) -> Table[Health]:
        """Health by route or provider."""
        ...

    @property
    def stats(self) -> Table[Stats]:
        """Statistics by route."""
        ...

    @property
    def learned(self) -> Table[Learned]:
        """Limits that providers told, by account name."""
        ...

    @property
    def refusals(self) -> Table[Refused]:
        """Refused parameters by route."""
        ...

    def add_lease(self, lease_id: str, expires_at: float, held: Sequence[Held]) -> None:
        """Remember what a reservation holds until it is settled or expires."""
        ...

    def pop_lease(self, lease_id: str) -> tuple[Held, ...] | None:
        """Return and forget what a reservation holds; None when it is gone."""
        ...

    def drop_lease(self, lease_id: str) -> bool:
        """Forget what a reservation holds; return whether it was still held."""
        ...

    def pop_expired(self, now: float) -> list[tuple[Held, ...]]:
        """Return and forget what the reservations hold whose lease is over, or beyond the longest."""
        ...

    def add_runs(self, rows: Sequence[RunRow]) -> None:
        """Append to the run log and drop its oldest rows beyond its bound."""
        ...

    def drop_runs(self, before: float) -> None:
        """Forget the runs that are older than that (epoch seconds)."""
        ...


class Store(Page, Protocol):
    """A place for rows: memory, a file, later a server."""

    @property
    def is_shared(self) -> bool:
        """Whether other processes may write to it."""
        ...

    def transact(self, change: Callable[[Page], R], *, wait_s: float) -> R:
        """Run `change` alone and whole, and return what it returns.

        `change` may be run again when a store finds that it was not alone, so it
        touches nothing but its page.

        Raises:
            StoreBusyError: It could not be alone within `wait_s`.
            StoreLostError: The store is gone.
        """
        ...

    def version(self) -> tuple[int, int]:
        """Return a value that changes when another process has written."""
        ...

    def run(self, run_id: str) -> RunRow | None:
        """Return one entry of the run log."""
        ...

    def runs(self, limit: int) -> list[RunRow]:
        """Return the newest entries of the run log, newest first."""
        ...

    def maintain(self) -> None:
        """Do slow upkeep; called now and then, off the callers' path."""
        ...

    def suspend(self) -> None:
        """Let go of everything that a forked child must not inherit; comes back by itself."""
        ...

    def close(self) -> None:
        """Let go of everything for good."""
        ...


def to_path(url: str) -> Path | None:
    """Return the file that a store's address names, None for memory.

    Raises:
        ConfigError: The address is neither.
    """
    if url == _MEMORY:
        return None
    path = url.removeprefix(_SQLITE)
    if path == url or not path or path == ":memory:":
        raise ConfigError(
            # An address may hold a password: only its scheme is told.
            f"a state address that begins with {url.split(':', 1)[0][:20]!r} is not understood; "
            "set OPENMUX_STATE_URL to `memory:` or `sqlite:///path`"
        )
    return Path(path).expanduser()
