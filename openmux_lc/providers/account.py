"""What a provider's own page tells about an account: the truth about its free quota.

Such a page costs nothing and is not a model call; several machines with one key agree
by it. Hosts that have one carry the quirk `account_page`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from openmux_lc.providers.exchange import parse_json
from openmux_lc.providers.limits import until_refill
from openmux_lc.providers.listing import models_ask
from openmux_lc.providers.openai import OpenAIDialect
from openmux_lc.providers.quirks import has_account_page
from openmux_lc.providers.wire import WireAdapter
from openmux_lc.types.json import Json, as_int, dig
from openmux_lc.types.run import Request
from openmux_lc.types.state import LimitObservation
from openmux_lc.types.wire import Call

if TYPE_CHECKING:
    from pydantic import SecretStr

    from openmux_lc.http import Clients
    from openmux_lc.types.catalog import Provider

__all__ = ["read_account", "read_account_page"]

_DAY_S = 86_400.0


def read_account(
    provider: Provider, key: SecretStr, clients: Clients, *, deadline: float
) -> tuple[LimitObservation, ...]:
    """Return what the account page of `provider` tells about quotas, nothing where it has none.

    Args:
        provider: Its row.
        key: Whose account.
        clients: Where connections are pooled.
        deadline: `time.monotonic()` at which the wait ends.

    Raises:
        ProviderError: The page was refused or is none.
    """
    if not has_account_page(provider):
        return ()
    call = Call(provider=provider, model="*", request=Request(messages=()), key=key, deadline=deadline)
    ask = models_ask(call, f"{provider.base_url}{provider.auth.check_path}")
    reply = WireAdapter(OpenAIDialect(), clients).fetch(call, ask)
    return read_account_page(parse_json(call, reply.body, status=reply.status), time.time())


def read_account_page(payload: Json, now: float) -> tuple[LimitObservation, ...]:
    """Return what the page says about free calls of the UTC day.

    OpenRouter's `FreeModelDailyRequests`: `limit` a UTC day, `used`, `remaining`. Its
    `limit_remaining` and `usage` are credits, and no quota of ours.

    Args:
        payload: The page as JSON.
        now: Epoch seconds.
    """
    daily = dig(payload, "data", "free_model_daily_requests")
    limit, remaining, used = (as_int(dig(daily, name)) for name in ("limit", "remaining", "used"))
    if remaining is None and limit is not None and used is not None:
        remaining = max(0, limit - used)
    if limit is None and remaining is None:
        return ()
    if (limit or 0) < 0 or (remaining or 0) < 0:
        return ()
    reset_at = now + until_refill("day", now)
    return (
        LimitObservation(
            unit="requests", window_s=_DAY_S, limit=limit, remaining=remaining, reset_at=reset_at, source="account"
        ),
    )
