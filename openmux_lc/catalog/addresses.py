"""Where the user says that a provider is, by variables, and whether that may be believed.

`OPENMUX_<ID>_BASE_URL` first, then the variables that the host's own users set. A file
found through the working directory may name this machine, or the place of its own key.
What fills a part of a path, such as an account's number, never changes the host.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from openmux_lc.catalog.rows import check_address
from openmux_lc.errors import ConfigError
from openmux_lc.settings import Setting, Settings
from openmux_lc.trust import refusal
from openmux_lc.types.address import is_loopback
from openmux_lc.types.catalog import KEY_SLOTS, Provider

__all__ = ["address_of", "to_address", "with_addresses"]

_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104 - read, not listened on
_SEGMENT: Final = re.compile(r"[A-Za-z0-9_-]+")
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def with_addresses(
    providers: Mapping[str, Provider], settings: Settings, keys_in_code: Collection[str]
) -> dict[str, Provider]:
    """Return the providers at the addresses that the variables give them.

    Args:
        providers: By id.
        settings: Where the variables stand, and whether their file is trusted.
        keys_in_code: Providers whose key was given as an argument.

    Raises:
        ConfigError: An address, or what would fill a part of one, is malformed.
        UntrustedConfigError: An untrusted `.env` diverts somebody else's key.
    """
    return {row.id: _filled(_moved(row, settings, keys_in_code), settings) for row in providers.values()}


def _moved(row: Provider, settings: Settings, keys_in_code: Collection[str]) -> Provider:
    """Return a provider where the variables say that it is."""
    found = address_of(row, settings)
    if found is None:
        return row
    variable, setting = found
    own = _own_variable(row)
    url = setting.value.strip() if variable == own else to_address(setting.value, row.base_url)
    if problem := check_address(url):
        instead = "" if variable == own else f"; {own} is read instead where it is set"
        raise ConfigError(f"{setting.origin}: {variable}: {problem}{instead}")
    if not (setting.is_trusted or is_loopback(url)) and (
        row.id in keys_in_code or not _has_key_from(setting, row, settings)
    ):
        raise refusal(
            f"{setting.path}: {variable}",
            f"sends what is meant for {row.name} to another host, and the key does not come from that file",
            setting.path,
        )
    return replace(row, base_url=url.rstrip("/"))


def _filled(row: Provider, settings: Settings) -> Provider:
    """Return a provider whose address holds what the variables say; a part that none tells stays open."""
    url = row.base_url
    for part, names in row.base_url_env.items():
        found = next(((name, setting) for name in names if (setting := settings.lookup(name))), None)
        if found is None or f"{{{part}}}" not in url:
            continue
        name, setting = found
        value = setting.value.strip().strip("\"'")
        if not _SEGMENT.fullmatch(value):
            raise ConfigError(
                f"{setting.origin}: {name}: write letters, digits, _ and - only; it is part of an address"
            )
        url = url.replace(f"{{{part}}}", value)
    return row if url == row.base_url else replace(row, base_url=url)


def address_of(row: Provider, settings: Settings) -> tuple[str, Setting] | None:
    """Return the variable that says where a provider is, and what it says."""
    if setting := settings.base_url(row.id):
        return _own_variable(row), setting
    return next(((name, setting) for name in row.address_env if (setting := settings.lookup(name))), None)


def to_address(text: str, usual: str) -> str:
    """Return the address that `host`, `host:port` or an address stands for.

    Args:
        text: As in the variable of the host's own; every interface means this machine.
        usual: Gives what `text` leaves out: scheme and port, and the path.

    Example:
        >>> to_address("0.0.0.0:9", "http://127.0.0.1:11434")
        'http://127.0.0.1:9'
    """
    parts = urlsplit(usual)
    wanted = text.strip().strip("\"'").rstrip("/")
    scheme, rest = parts.scheme, wanted
    if has_scheme := _SCHEME.match(wanted):
        scheme, rest = wanted[: has_scheme.end() - 3].lower(), wanted[has_scheme.end() :]
    place, slash, path = rest.partition("/")
    if place.count(":") > 1 and not place.startswith("["):
        place = f"[{place}]"
    host, colon, port = place.rpartition(":") if not place.endswith("]") and ":" in place else (place, "", "")
    host = _EVERYWHERE.get(host, host) or "127.0.0.1"
    if not (colon or has_scheme) and parts.port:
        colon, port = ":", str(parts.port)
    return f"{scheme}://{host}{colon}{port}{slash + path if path else parts.path}"


def _own_variable(row: Provider) -> str:
    return f"OPENMUX_{row.id.upper().replace('-', '_')}_BASE_URL"


def _has_key_from(address: Setting, row: Provider, settings: Settings) -> bool:
    """Whether every key that would be sent stands in the file that sets the address."""
    slots = ((settings.lookup(name) for name in row.auth.variables(slot)) for slot in KEY_SLOTS)
    keys = [key for found in slots if (key := next(filter(None, found), None)) is not None]
    return row.auth.mode != "none" and bool(keys) and all(key.path == address.path for key in keys)
