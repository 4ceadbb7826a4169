"""Errors of real hosts, out of data: `faults.json` says what each looks like and where that was seen.

Hosts are named by their ids in the catalog. The words are neutral; form, codes,
statuses and headers are the hosts' own.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Literal, cast

from openmux_lc.testing.behaviours import Fault
from openmux_lc.testing.dialects.forms import put_in
from openmux_lc.types.json import Json, JsonObject, as_int, as_object, as_text

__all__ = ["Origin", "ProviderFault", "fault_providers", "faults_of", "provider_fault", "rate_limited_like"]

Origin = Literal["recorded shape", "quoted", "documented", "assumed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderFault:
    """One error of one host.

    Args:
        case: Its name, such as `rate_limited`.
        origin: A genuine recording has this shape, people quoted it, documents or
            observers tell it, or nobody does and it is the usual one.
        source: Where that was read.
        as_of: When.
        template: The body; times in it are put in when it is played.
    """

    provider: str
    case: str
    status: int
    origin: Origin
    source: str
    as_of: str
    template: Json

    def fault(self, *, now: float | None = None) -> Fault:
        """Return the behaviour that plays it; times count from `now`, epoch seconds."""
        moment = time.time() if now is None else now
        body = put_in(self.template, _times(60.0, 20, moment))
        return Fault(self.status, body=body, content_type=_kind(body))


def fault_providers() -> tuple[str, ...]:
    """Return the ids of the hosts whose errors are known."""
    return tuple(_known())


@cache
def faults_of(provider_id: str) -> Mapping[str, ProviderFault]:
    """Return the errors of a host by their names.

    Raises:
        ValueError: Nothing is known about that host.
    """
    row = _row(provider_id)
    found = {}
    for case, told in as_object(row["cases"]).items():
        fields = as_object(told)
        found[case] = ProviderFault(
            provider=provider_id,
            case=case,
            status=as_int(fields["status"]) or 500,
            origin=cast("Origin", fields["origin"]),
            source=as_text(fields.get("source")) or as_text(row["source"]),
            as_of=as_text(row["as_of"]),
            template=fields["body"],
        )
    return MappingProxyType(found)


def provider_fault(provider_id: str, case: str | int) -> Fault:
    """Return the behaviour that plays an error of a host.

    Args:
        provider_id: An id of the catalog.
        case: A name of `faults_of`, or an HTTP status: the first one with it counts.

    Raises:
        ValueError: There is no such host, or no such error of it.
    """
    found = faults_of(provider_id)
    fault = next((each for each in found.values() if case in (each.case, each.status)), None)
    if fault is None:
        raise ValueError(f"provider {provider_id!r} has no fault {case!r}; known are {', '.join(found)}")
    return fault.fault()


def rate_limited_like(
    provider_id: str, *, reset_in_s: float = 60.0, limit: int = 20, now: float | None = None
) -> Fault:
    """Return the 429 of a host with its own headers, or words, for when the limit ends.

    Args:
        provider_id: An id of the catalog.
        reset_in_s: Seconds until it ends, from `now` on.
        limit: How much was allowed.
        now: Epoch seconds; None is the time of this call. A script that is a function
            calls this for each request, so that its times stay right.

    Raises:
        ValueError: Nothing is known about that host.
    """
    moment = time.time() if now is None else now
    limits = as_object(_row(provider_id)["limits"])
    values = _times(reset_in_s, limit, moment)
    headers = {name: str(put_in(value, values)) for name, value in as_object(limits["headers"]).items()}
    body = put_in(limits["body"], values)
    return Fault(429, headers=headers, body=body, content_type=_kind(body))


@cache
def _known() -> Mapping[str, JsonObject]:
    text = files("openmux_lc.testing").joinpath("faults.json").read_text("utf-8")
    return {name: as_object(row) for name, row in as_object(as_object(json.loads(text))["providers"]).items()}


def _row(provider_id: str) -> JsonObject:
    known = _known()
    if provider_id not in known:
        raise ValueError(f"unknown provider {provider_id!r}; known are {', '.join(known)}")
    return known[provider_id]


def _kind(body: Json) -> str | None:
    return "text/plain; charset=utf-8" if isinstance(body, str) else None


def _times(reset_in_s: float, limit: int, now: float) -> Mapping[str, Json]:
    """Return the end of a limit in every way in which hosts write it."""
    at = now + reset_in_s
    today = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return {
        "seconds": str(math.ceil(reset_in_s)),
        "float_seconds": f"{reset_in_s:.3f}",
        "millis": str(round(reset_in_s * 1000)),
        "go_duration": _go_duration(reset_in_s),
        "epoch_s": str(math.ceil(at)),
        "epoch_ms": str(round(at * 1000)),
        "http_date": formatdate(at, usegmt=True),
        "next_day_ms": str(int((today + timedelta(days=1)).timestamp() * 1000)),
        "limit": str(limit),
    }


def _go_duration(seconds: float) -> str:
    """Return `2m59.56s` for 179.56, `329ms` for 0.329."""
    if seconds < 1:
        return f"{seconds * 1000:.10g}ms"
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    parts = (f"{hours}h" if hours else "", f"{minutes}m" if hours or minutes else "", f"{round(rest, 3):g}s")
    return "".join(parts)
