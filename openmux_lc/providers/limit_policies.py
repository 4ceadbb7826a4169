"""The IETF's `RateLimit` and `RateLimit-Policy` fields, in the spelling of every draft.

`limit=100, remaining=50, reset=5`; `100, 100;w=60`; `"default";r=50;t=30` beside
`"default";q=100;w=60;qu="requests"`; several policies, told apart by their names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import islice
from types import MappingProxyType
from typing import Final, NamedTuple

from openmux_lc.providers.durations import MAX_WAIT_S, seconds_until
from openmux_lc.types.catalog import LimitUnit
from openmux_lc.types.json import as_float

__all__ = ["Policy", "read_policies"]

_CHARS: Final = 1000
_POLICIES: Final = 16
_ITEM: Final = re.compile(r'(?:"[^"]*"|[^,"])+')
_PIECE: Final = re.compile(r'(?:"[^"]*"|[^;"])+')
_UNITS: Final[Mapping[str, LimitUnit]] = MappingProxyType(
    {"": "requests", "request": "requests", "requests": "requests", "token": "tokens", "tokens": "tokens"}
)
_FIELDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("q", "limit"), "limit"),
        **dict.fromkeys(("r", "remaining"), "remaining"),
        **dict.fromkeys(("t", "reset"), "reset"),
        **dict.fromkeys(("w", "window"), "window"),
        "qu": "unit",
    }
)


class Policy(NamedTuple):
    """One limit as one field tells it; None where it does not.

    Args:
        name: Joins what two fields tell of one limit, `""` without a name.
        unit: None when it counts what nobody here counts, bytes say.
        reset_s: Seconds until the window refills.
    """

    name: str
    unit: LimitUnit | None = "requests"
    window_s: float | None = None
    limit: float | None = None
    remaining: float | None = None
    reset_s: float | None = None


def read_policies(value: str, now: float) -> tuple[Policy, ...]:
    """Return the policies that one field holds; what is malformed is left out.

    Args:
        value: The field, its lines joined by commas.
        now: Epoch seconds.
    """
    found: list[Policy] = []
    for item in islice(_ITEM.findall(value[:_CHARS]), _POLICIES):
        name, fields = _read(item)
        if not name and found and not found[-1].name and not _policy("", fields, now).window_s:
            # The drafts up to 07 have one dictionary, whose entries are parted by commas too.
            found[-1] = _filled(found[-1], _policy("", fields, now))
        elif name or fields:
            found.append(_policy(name, fields, now))
    return tuple(found)


def _read(item: str) -> tuple[str, dict[str, str]]:
    """Return an item's name and its fields by their full names; a bare number is its limit."""
    name = ""
    fields: dict[str, str] = {}
    for piece in _PIECE.findall(item):
        key, is_pair, text = piece.strip().partition("=")
        if is_pair and not key.startswith('"'):
            field = _FIELDS.get(key.strip().lower())
            if field:
                fields.setdefault(field, text.strip().strip('"'))
        elif as_float(key) is not None:
            fields.setdefault("limit", key)
        else:
            name = key.strip().strip('"')[:100] or name  # a comment may come before it
    return name, fields


def _policy(name: str, fields: Mapping[str, str], now: float) -> Policy:
    window_s = as_float(fields.get("window"))
    unit = _UNITS.get(fields.get("unit", "").lower())
    return Policy(
        name=name,
        unit="tokens" if "unit" not in fields and "token" in name.lower() else unit,
        window_s=window_s if window_s is not None and 0 < window_s <= MAX_WAIT_S else None,
        limit=as_float(fields.get("limit")),
        remaining=as_float(fields.get("remaining")),
        reset_s=seconds_until(fields.get("reset"), now),
    )


def _filled(first: Policy, second: Policy) -> Policy:
    pairs: Iterable[tuple[object, object]] = zip(first, second, strict=True)
    return Policy(*(mine if mine is not None else other for mine, other in pairs))  # type: ignore[arg-type]  # zip forgets the types
