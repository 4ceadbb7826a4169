"""Which models a host says it has: where its list is, and the ids in it.

Only ids are read here: that a model is listed does not make it free, nor able to chat.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from openmux_lc.http import USER_AGENT
from openmux_lc.providers.answer import bad_payload
from openmux_lc.providers.exchange import Ask, Reply, parse_json
from openmux_lc.providers.fault import has_error, to_fault
from openmux_lc.providers.openai import auth_header
from openmux_lc.types.catalog import Provider
from openmux_lc.types.json import Json, as_object, as_text
from openmux_lc.types.wire import Call

__all__ = ["listing_url", "models_ask", "read_ids"]

_PAGES: Final[Mapping[str, str]] = {
    "ollama": "{base}/api/tags",
    "gemini": "{base}/models?pageSize=1000",
    "cohere": "{origin}/v1/models?page_size=1000",
    "cloudflare": "{parent}/models/search?per_page=1000",
    "horde": "{base}/status/models?type=text",
}
"""Where a dialect's list is, unless it is `{base}/models`; `{parent}` lacks the last segment."""
_LISTS: Final = ("data", "models", "result", "results")


def listing_url(provider: Provider) -> str:
    """Return the address of the provider's list of models."""
    base, parts = provider.base_url, urlsplit(provider.base_url)
    page = _PAGES.get(provider.dialect, "{base}/models")
    return page.format(base=base, parent=base.rpartition("/")[0], origin=f"{parts.scheme}://{parts.netloc}")


def models_ask(call: Call, url: str) -> Ask:
    """Return the request for the host's list of models, or another free page."""
    headers = {"user-agent": USER_AGENT, "accept": "application/json", "accept-encoding": "gzip", **auth_header(call)}
    return Ask(method="GET", url=url, headers=headers)


def read_ids(call: Call, reply: Reply) -> tuple[str, ...]:
    """Return the ids in a list of models, whatever host wrote it; one model is a list, too.

    Raises:
        ProviderError: The reply is an error all the same, or holds no list.
    """
    payload = parse_json(call, reply.body, status=reply.status)
    if has_error(payload):
        raise to_fault(call, reply, now=time.time(), payload=payload)
    rows, dialect = _rows(payload), call.provider.dialect
    if isinstance(rows, dict):
        inner = _rows(rows)
        rows = [rows] if inner is None and _id(rows, dialect) else inner
    if rows is None and _id(payload, dialect):
        rows = [payload]
    if not isinstance(rows, list):
        raise bad_payload(call, "holds no list of models", reply.status)
    return tuple(dict.fromkeys(filter(None, (_id(row, dialect) for row in rows))))


def _rows(payload: Json) -> Json:
    """Return what a page holds under the name of its list; an engine without models says null."""
    if isinstance(payload, list):
        return payload
    fields = as_object(payload)
    found = next((name for name in _LISTS if name in fields), "")
    is_none = found == "models" or fields.get("object") == "list"
    return [] if found and is_none and fields[found] is None else fields.get(found)


def _id(row: Json, dialect: str) -> str:
    """Return the id under which the host takes the model."""
    if isinstance(row, str):
        return row
    fields = as_object(row)
    name = as_text(fields.get("name"))
    if dialect == "cloudflare":
        return name  # its `id` is a number of the catalogue's own
    owner = as_text(fields.get("owner"))
    full_name = f"{owner}/{name}" if owner and name else name
    found = as_text(fields.get("id")) or as_text(fields.get("model")) or full_name or as_text(fields.get("key"))
    return found.removeprefix("models/")
