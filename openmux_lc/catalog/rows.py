"""Turns the tables of a row file into providers; strict, and without defaults that guess.

The format is told by `_ROW` and its neighbours: one set of keys for each kind of table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Final, cast, get_args
from urllib.parse import urlsplit

from openmux_lc.catalog.models import to_model, to_unit_prices
from openmux_lc.catalog.reader import Table
from openmux_lc.types.catalog import (
    Auth,
    AuthMode,
    Confidence,
    EvidenceKind,
    FreeRule,
    Limit,
    LimitScope,
    LimitUnit,
    Provider,
    Window,
    WindowKind,
)

__all__ = ["check_address", "is_provider_id", "to_provider"]

_AUTH_MODES: Final[tuple[AuthMode, ...]] = get_args(AuthMode)
_CONFIDENCES: Final[tuple[Confidence, ...]] = get_args(Confidence)
_EVIDENCE_KINDS: Final[tuple[EvidenceKind, ...]] = get_args(EvidenceKind)
_SCOPES: Final[tuple[LimitScope, ...]] = get_args(LimitScope)
_UNITS: Final[tuple[LimitUnit, ...]] = get_args(LimitUnit)
_WINDOWS: Final[tuple[WindowKind, ...]] = get_args(WindowKind)
_WITH_LENGTH: Final = frozenset({"rolling", "token_bucket"})
_STATUS: Final = ("on", "off")
_TRAINS: Final = ("no", "yes", "opt_out", "likely", "unknown")

_AUTH: Final = frozenset(field.name for field in fields(Auth))
_FREE: Final = frozenset(field.name for field in fields(FreeRule))
_LIMIT: Final = frozenset({"unit", "amount", "window", "seconds", "zone", "anchor", "scope"})
_ROW: Final = frozenset(
    {
        *("name", "status", "off_reason", "base_url", "base_url_env", "address_env", "dialect", "is_local"),
        *("rank", "demo_only", "auth", "free", "limits", "model_limits", "models", "retired_ids"),
        *(
            "unit_prices",
            "quirks",
            "ports",
            "fingerprint",
            "signup_url",
            "terms",
            "trains_on_data",
            "as_of",
            "confidence",
            "source",
        ),
    }
)

_PROVIDER_ID: Final = re.compile(r"[a-z][a-z0-9_-]*\Z")
_DATE: Final = re.compile(r"\d{4}(-\d\d(-\d\d)?)?\Z")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_URL_PART: Final = re.compile(r"\{([^{}]*)\}")
_HEADER: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]*\Z")
_USUAL_ZONES: Final = frozenset({"UTC", "America/Los_Angeles"})


def is_provider_id(text: str) -> bool:
    """Whether `text` may name a provider."""
    return _PROVIDER_ID.match(text) is not None


def check_address(url: str) -> str:
    """Return what is wrong with an address, or the empty string.

    The answer never repeats the address: it may hold a password.
    """
    if any(char.isspace() or ord(char) < 32 or char == "\\" for char in url):
        return "an address holds no spaces, control characters or backslashes"
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        return "this is no address; write http://host:port/path or https://..."
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_fine:
        return "write http://host:port/path or https://..."
    if parts.username is not None or parts.password is not None:
        return "an address holds no name or password; a key belongs into its own variable"
    # What fills a part may come from elsewhere: in the host's name it could send a key anywhere.
    return "only its path may hold a {NAME}" if "{" in parts.netloc else ""


def to_provider(row_id: str, row: Table, *, quirks: frozenset[str], origin: str) -> Provider:
    """Return the provider that a row describes.

    Args:
        row_id: The provider's id.
        row: Its merged table.
        quirks: Flags that exist.
        origin: Who brought the row: `package` or `user`.

    Raises:
        CatalogError: Names file, line and key.
    """
    row.only(_ROW)
    if not is_provider_id(row_id):
        raise row.fault("", f"{row_id!r} is no provider id; it begins with a-z and holds a-z, 0-9, _ and -")
    is_on = row.choice("status", _STATUS, "on") == "on"
    off_reason = row.text("off_reason")
    if not is_on and not off_reason:
        raise row.fault("off_reason", "a row that is off says why and since when")
    retired = row.texts("retired_ids")
    models = tuple(to_model(entry) for entry in row.tables("models"))
    return Provider(
        id=row_id,
        name=row.text("name", row_id),
        base_url=_address(row),
        base_url_env=_url_variables(row),
        address_env=_variables(row, "address_env"),
        dialect=row.text("dialect", "openai"),
        is_local=row.flag("is_local"),
        is_on=is_on,
        off_reason="" if is_on else off_reason,
        auth=_auth(row.table("auth")),
        free=_free(row.table("free"), retired),
        models=tuple(model for model in models if model.id not in retired),
        limits=tuple(_limit(entry) for entry in row.tables("limits")),
        model_limits=_model_limits(row.table("model_limits")),
        unit_prices=to_unit_prices(row.table("unit_prices")),
        quirks=_quirks(row, quirks),
        ports=_ports(row),
        fingerprint=row.text("fingerprint"),
        signup_url=row.text("signup_url"),
        terms=row.text("terms"),
        trains_on_data=row.choice("trains_on_data", _TRAINS, "unknown"),
        as_of=_date(row, "as_of"),
        confidence=row.choice("confidence", _CONFIDENCES, "medium"),
        source=row.text("source"),
        rank=row.whole("rank", 100),
        demo_only=row.flag("demo_only"),
        origin=origin,
    )


def _address(row: Table) -> str:
    url = row.text("base_url")
    if problem := check_address(url):
        raise row.fault("base_url", problem)
    return url.rstrip("/")


def _url_variables(row: Table) -> Mapping[str, tuple[str, ...]]:
    """Return the variables for each `{NAME}` in the path."""
    table = row.table("base_url_env")
    variables = {part: _variables(table, part) for part in table.values}
    for part in _URL_PART.findall(urlsplit(row.text("base_url")).path):
        if not variables.get(part):
            raise row.fault("base_url", f"nothing fills {{{part}}}; name its variables in base_url_env")
    return variables


def _variables(table: Table, key: str) -> tuple[str, ...]:
    names = table.texts(key)
    if any(not _VARIABLE.match(name) for name in names):
        raise table.fault(key, "these are names of environment variables, never keys or addresses")
    return names


def _date(row: Table, key: str) -> str:
    date = row.text(key)
    if date and not _DATE.match(date):
        raise row.fault(key, "write a date as 2026-11-20, 2026-11 or 2026")
    return date


def _quirks(row: Table, known: frozenset[str]) -> frozenset[str]:
    flags = row.texts("quirks")
    for flag in flags:
        if flag not in known:
            raise row.fault("quirks", f"{flag!r} is no known flag")
    return frozenset(flags)


def _ports(row: Table) -> tuple[int, ...]:
    ports = row.wholes("ports")
    if any(not 0 < port < 65_536 for port in ports):
        raise row.fault("ports", "a port lies between 1 and 65535")
    return ports


def _auth(table: Table) -> Auth:
    table.only(_AUTH)
    auth = Auth(
        mode=table.choice("mode", _AUTH_MODES, "key"),
        env=_variables(table, "env"),
        header=table.text("header", "Authorization"),
        form=table.text("form", "Bearer {key}"),
        check_path=table.text("check_path", None),
    )
    if not _HEADER.match(auth.header):
        raise table.fault("header", "write the name of an HTTP header")
    if auth.form.count("{key}") != 1:
        raise table.fault("form", "write {key} once, where the key goes")
    if auth.check_path is not None and not auth.check_path.startswith("/"):
        raise table.fault("check_path", "write a path that begins with / and follows the base_url")
    return auth


def _free(table: Table, retired: tuple[str, ...]) -> FreeRule:
    table.only(_FREE)
    rule = FreeRule(
        all_models=table.flag("all_models"),
        suffixes=table.texts("suffixes"),
        ids=frozenset(table.texts("ids")),
        excluded=(*table.texts("excluded"), *retired),
        kind=table.choice("kind", _EVIDENCE_KINDS, "free_tier"),
    )
    if "" in rule.suffixes or "" in rule.excluded:
        raise table.fault("suffixes" if "" in rule.suffixes else "excluded", "an empty text would match every id")
    return rule


def _limit(table: Table) -> Limit:
    table.only(_LIMIT)
    kind = table.choice("window", _WINDOWS, "rolling")
    seconds = table.whole("seconds")
    amount = table.whole("amount")
    if amount == 0:
        raise table.fault("amount", "write how many are allowed")
    if (kind in _WITH_LENGTH) != (seconds > 0):
        raise table.fault(
            "seconds", "a rolling window and a token bucket have a length in seconds, and no other window has one"
        )
    if (kind == "anniversary_month") != ("anchor" in table.values):
        raise table.fault("anchor", "an anniversary month has an anchor, and no other window has one")
    return Limit(
        unit=table.choice("unit", _UNITS, "requests"),
        amount=amount,
        window=Window(kind=kind, seconds=float(seconds), zone=_zone(table), anchor=table.moment("anchor")),
        scope=table.choice("scope", _SCOPES, "account"),
    )


def _zone(table: Table) -> str:
    zone = table.text("zone", "UTC")
    if zone not in _USUAL_ZONES:
        from zoneinfo import ZoneInfo  # only an unusual zone pays for it

        try:
            ZoneInfo(zone)
        except (KeyError, ValueError, OSError):
            raise table.fault("zone", f"{zone!r} is no time zone; write one such as Europe/Berlin") from None
    return zone


def _model_limits(table: Table) -> Mapping[str, tuple[Limit, ...]]:
    return {
        model: tuple(_limit(entry) for entry in table.tables(model))
        for model in cast("dict[str, object]", table.values)
    }
