"""What models have refused: left out of later calls for a week, then tried again.

The first refusal of a parameter is raised with the advice to retry; the retry goes
without it. A refusal that comes although nothing is left to drop is final. Where only
a value was refused, others may have a better one: that is forgotten soon.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, Protocol

from openmux_lc.errors import InvalidRequest, ModelGone, PermissionDenied, ProviderError
from openmux_lc.providers.exchange import Ask, Reply
from openmux_lc.types.catalog import Route
from openmux_lc.types.json import JsonObject, as_object
from openmux_lc.types.state import REFUSAL_LIFE_S
from openmux_lc.types.wire import Call

__all__ = ["RefusalStore", "Refusals", "refused"]

_MOST_ROUTES: Final = 1_000
_VALUE_LIFE_S: Final = 120.0
"""How long a parameter is left out of which only one value was refused."""
_STATUSES: Final = frozenset({400, 403, 404, 422, 500, 501})
_FAULTS: Final = (InvalidRequest, ModelGone, PermissionDenied)
"""What a refused parameter is taken for, by the words that hosts find for it."""


class RefusalStore(Protocol):
    """Where refusals are kept; the ledger is one that outlives the process."""

    def remember_refusal(self, route: Route, quirk: str, at: float) -> None:
        """Keep that `route` needs `quirk`, as seen at `at` (epoch seconds); never waits."""
        ...

    def refusals(self, route: Route) -> Mapping[str, float]:
        """Return the quirks that `route` was seen to need, and when; costs next to nothing."""
        ...


class Refusals:
    """What models refuse, as adapters use it; safe to use from any thread.

    Args:
        store: Where it is kept; None means in this object.
        clock: Returns epoch seconds.
    """

    def __init__(self, store: RefusalStore | None = None, *, clock: Callable[[], float] = time.time) -> None:
        """Read nothing yet."""
        self._store = store or _Memory()
        self._clock = clock

    def applied(self, call: Call) -> Call:
        """Return the call with what its model is known to refuse among the row's quirks."""
        known = self._store.refusals(call.route)
        if not known:
            return call
        from openmux_lc.providers.refusal_words import LEARNED  # its patterns are needed where a host refuses only

        now = self._clock()
        live = {quirk for quirk, at in known.items() if abs(now - at) < REFUSAL_LIFE_S and quirk in LEARNED}
        provider = call.provider
        return replace(call, provider=replace(provider, quirks=provider.quirks | live)) if live else call

    def judged(self, call: Call, ask: Ask, reply: Reply, fault: ProviderError) -> ProviderError:
        """Return the fault, or where it teaches something the advice to retry without.

        Args:
            call: What was asked, with what was known already.
            ask: What was sent for it.
            reply: What came back.
            fault: What that was taken for.
        """
        if type(fault) not in _FAULTS or fault.advice == "stop" or reply.status not in _STATUSES:
            return fault
        text = reply.body.decode("utf-8", "replace")
        flags = refused(call, _body(ask), text)
        if not flags:
            return fault
        for flag in flags:
            self._store.remember_refusal(call.route, flag, self._seen_at(text))
        said = str(fault) if isinstance(fault, InvalidRequest) else f"{call.route}: refuses a parameter of this request"
        return InvalidRequest(
            f"{said}; asked again with {', '.join(sorted(flags))}",
            provider=fault.provider,
            model=fault.model,
            status_code=fault.status_code,
            advice="retry",
            provider_code=fault.provider_code,
        )

    def _seen_at(self, fault_text: str) -> float:
        """Return the moment from which a refusal's week counts; long ago for a mere value's."""
        from openmux_lc.providers.refusal_words import names_choices

        now = self._clock()
        return now - REFUSAL_LIFE_S + _VALUE_LIFE_S if names_choices(fault_text) else now


def refused(call: Call, ask_body: JsonObject, fault_text: str) -> frozenset[str]:
    """Return the quirks that would drop what an error names; only what was really sent counts.

    Args:
        call: What was asked; quirks that it had already are not named again.
        ask_body: The request's body, parsed.
        fault_text: The error's body.
    """
    from openmux_lc.providers.refusal_words import asked_for  # 6 ms of patterns, spared where nothing is refused

    return asked_for(ask_body, fault_text) - call.provider.quirks


def _body(ask: Ask) -> JsonObject:
    try:
        return as_object(json.loads(ask.body))
    except (ValueError, RecursionError):
        return {}


class _Memory:
    """A store that ends with its process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[Route, Mapping[str, float]] = {}

    def remember_refusal(self, route: Route, quirk: str, at: float) -> None:
        """Keep it; the oldest routes go when there are too many."""
        with self._lock:
            self._known[route] = {**self._known.pop(route, {}), quirk: at}
            while len(self._known) > _MOST_ROUTES:
                del self._known[next(iter(self._known))]

    def refusals(self, route: Route) -> Mapping[str, float]:
        """Return what is known of that route."""
        return self._known.get(route, {})
