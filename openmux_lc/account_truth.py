"""Asks providers what an account has left: in the background when one is first used, and on demand.

The pages are free and no model calls. Nobody waits for the background; what it finds
only tightens the ledger, so that machines that share a key agree.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final, NamedTuple

from openmux_lc.errors import OpenMuxError
from openmux_lc.providers.quirks import has_account_page

if TYPE_CHECKING:
    from openmux_lc.keys import KeyFinder
    from openmux_lc.ledger.ledger import Ledger
    from openmux_lc.types.catalog import Provider

__all__ = ["AccountTruth", "Told"]

_FRESH_S: Final = 600.0
"""The page is not asked again sooner, whichever process asked."""
_DEADLINE_S: Final = 5.0

_logger = logging.getLogger(__name__)


class Told(NamedTuple):
    """What came of asking one account page; `problem` is empty where it was read."""

    provider: str
    problem: str = ""


class AccountTruth:
    """Reads account pages into the ledger; safe to use from any thread.

    Args:
        keys: Whose accounts.
        ledger: Gives the ledger to tighten.
    """

    def __init__(self, keys: KeyFinder, ledger: Callable[[], Ledger]) -> None:
        """Ask nobody yet."""
        self._keys = keys
        self._ledger = ledger
        self._asked_at: dict[str, float] = {}

    def ask_if_due(self, provider: Provider) -> None:
        """Ask in the background, unless that was done a while ago; never waits and never raises."""
        now = time.monotonic()
        if not has_account_page(provider) or now - self._asked_at.get(provider.id, -_FRESH_S) < _FRESH_S:
            return
        self._asked_at[provider.id] = now
        if time.time() - self._ledger().account_seen_at(provider.id) < _FRESH_S:
            return
        threading.Thread(target=self._ask, args=(provider,), daemon=True, name=f"openmux-account-{provider.id}").start()

    def ask(self, providers: Iterable[Provider], *, deadline_s: float = _DEADLINE_S) -> tuple[Told, ...]:
        """Ask every provider that has such a page and a key, side by side, and wait for it.

        Args:
            providers: Whom; those without a page are passed over.
            deadline_s: Seconds for all of them together.
        """
        asked = [row for row in providers if has_account_page(row) and self._keys.has(row)]
        told: dict[str, Told] = {}

        def look(row: Provider) -> None:
            told[row.id] = self._ask(row)

        threads = [threading.Thread(target=look, args=(row,), daemon=True) for row in asked]
        ends_at = time.monotonic() + deadline_s
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0.0, ends_at - time.monotonic()))
        return tuple(told.get(row.id, Told(row.id, f"no answer within {deadline_s:g} s")) for row in asked)

    def _ask(self, provider: Provider) -> Told:
        from openmux_lc.http import Clients  # loads httpx
        from openmux_lc.providers.account import read_account  # as above

        key = self._keys.find(provider)
        if key is None:
            return Told(provider.id, "no key")
        clients = Clients()  # its own: the pool may be closed meanwhile
        try:
            found = read_account(provider, key.secret, clients, deadline=time.monotonic() + _DEADLINE_S)
        except OpenMuxError as error:
            _logger.debug("the account page of %s was not read: %s", provider.id, type(error).__name__)
            return Told(provider.id, f"{type(error).__name__}: {error}")
        finally:
            clients.close()
        self._ledger().note_account(provider.id, provider.limits, found, key_slot=key.slot)
        return Told(provider.id, "" if found else "the page tells no quota")
