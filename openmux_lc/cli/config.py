"""`openmux config`: where settings come from, whether they hold, and whom to trust."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlsplit

import typer

from openmux_lc.cli.guard import guarded
from openmux_lc.cli.options import JsonOption
from openmux_lc.cli.output import note, tell, tell_json, tell_table
from openmux_lc.cli.pool import read_settings
from openmux_lc.folders import config_folder, data_folder, state_folder
from openmux_lc.keys import key_settings
from openmux_lc.settings import Settings
from openmux_lc.trust import is_trusted, trust
from openmux_lc.types.json import as_object

if TYPE_CHECKING:
    from openmux_lc.catalog.catalog import Catalog

__all__ = ["config", "config_file", "without_password"]

config = typer.Typer(name="config", help="Check the configuration, or trust a file.", rich_markup_mode=None)

_VARIABLES: Final = (
    ("providers", "OPENMUX_PROVIDERS"),
    ("offline", "OPENMUX_OFFLINE"),
    ("state_url", "OPENMUX_STATE_URL"),
    ("timeout_s", "OPENMUX_TIMEOUT"),
    ("profile", "OPENMUX_ROUTING_PROFILE"),
    ("max_retries", "OPENMUX_MAX_RETRIES"),
    ("backoff_s", "OPENMUX_BACKOFF"),
    ("on_break", "OPENMUX_ON_BREAK"),
    ("fallback", ""),
)


@config.command("check")
@guarded
def check(as_json: JsonOption = False) -> None:
    """Read everything, say where each setting comes from, and fail where one is wrong."""
    from openmux_lc.catalog.catalog import load_catalog  # `--help` does without
    from openmux_lc.routing.score import weights_of

    settings = read_settings()
    catalog = load_catalog(settings)
    for profile in (settings.routing_profile, *settings.weights):
        weights_of(profile, settings.weights)
    for route in settings.fallback:
        if route != "auto":
            catalog.resolve(route)
    rows = [*_files(settings), *_values(settings), *_addresses(settings, catalog), *_keys(settings, catalog)]
    if as_json:
        tell_json([{"setting": name, "value": value, "from": origin} for name, value, origin in rows])
    else:
        tell_table(("setting", "value", "from"), rows)
        note(f"the configuration holds: {len(catalog.providers)} providers, {len(catalog.entries())} models known")


@config.command("path")
@guarded
def path() -> None:
    """Print the path of the configuration file; the other folders go to standard error."""
    tell(str(config_file(read_settings())))
    note(f"your copies of provider rows: {data_folder() / 'providers'}")
    note(f"what is learned while running: {state_folder()}")


@config.command("trust")
@guarded
def trust_file(
    file: Annotated[Path, typer.Argument(metavar="PATH", help="A `.env` or TOML file that you have read.")],
) -> None:
    """Vouch for a file that was found through the working directory, as it is now."""
    full = trust(file)
    note(f"trusted as it is now: {full}")
    note("it may set addresses and the state file, and say what is free")
    note("one changed byte, and it is not trusted any more")


def config_file(settings: Settings) -> Path:
    """Return the TOML file that is read, or would be if it were there."""
    origin = settings.document_origin
    return origin.path if origin and origin.path else config_folder() / "config.toml"


def without_password(url: str) -> str:
    """Return an address whose user and password are hidden."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(no address)"
    return url.replace(parts.netloc.rpartition("@")[0], "***", 1) if "@" in parts.netloc else url


def _files(settings: Settings) -> Iterator[tuple[str, str, str]]:
    origin = settings.document_origin
    trusted = "" if origin is None or origin.is_trusted else ", not trusted"
    yield "config file", str(config_file(settings)), "found" + trusted if origin else "absent"
    if settings.dotenv_path is None:
        yield ".env", "-", "none found upward"
    else:
        state = "trusted" if is_trusted(settings.dotenv_path) else "not trusted: keys and choices only"
        yield ".env", str(settings.dotenv_path), state


def _values(settings: Settings) -> Iterator[tuple[str, str, str]]:
    values = {
        "providers": ", ".join(settings.providers) if settings.providers is not None else "all",
        "offline": "yes" if settings.offline else "no",
        "state_url": without_password(settings.resolved_state_url),
        "timeout_s": f"{settings.timeout_s:g}",
        "profile": settings.routing_profile,
        "max_retries": str(settings.max_retries),
        "backoff_s": f"{settings.backoff_s:g}",
        "on_break": settings.on_break,
        "fallback": ", ".join(settings.fallback) or "-",
    }
    in_file = as_object(settings.document.get("routing"))
    for name, variable in _VARIABLES:
        setting = settings.lookup(variable) if variable else None
        if setting is not None:
            origin = f"{variable} ({setting.origin})"
        else:
            origin = str(config_file(settings)) if name in in_file else "default"
        yield name, values[name], origin


def _addresses(settings: Settings, catalog: Catalog) -> Iterator[tuple[str, str, str]]:
    from openmux_lc.catalog.addresses import address_of  # `--help` does without

    for row in catalog.providers.values():
        if found := address_of(row, settings):
            yield f"address of {row.id}", without_password(row.base_url), f"{found[0]} ({found[1].origin})"


def _keys(settings: Settings, catalog: Catalog) -> Iterator[tuple[str, str, str]]:
    """Yield each key's variable and origin; a key itself is never read here."""
    for row in catalog.providers.values():
        for _, name, setting in key_settings(row, settings):
            yield f"key of {row.id}", name, setting.origin
    if level := os.environ.get("LOG_LEVEL"):
        yield "LOG_LEVEL", level, "environment"
