"""`openmux init`: takes a free key, checks it where that costs nothing, and keeps it.

The key is read hidden or from standard input, never from an argument, and never
written anywhere but to the one place that was chosen.
"""

from __future__ import annotations

import getpass
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from openmux_lc.cli.dotenv_file import read_dotenv, value_in, with_variable, write_private
from openmux_lc.cli.guard import FAILED
from openmux_lc.cli.output import can_ask, note, note_error, printable, tell_table
from openmux_lc.cli.pool import open_pool
from openmux_lc.cli.providers import key_state, limits_text
from openmux_lc.errors import AuthenticationFailed, ConfigError, PermissionDenied, ProviderError
from openmux_lc.types.catalog import Provider

if TYPE_CHECKING:
    from openmux_lc.mux import Mux

__all__ = ["init"]

_CHECK_S: Final = 10.0
_LONGEST_KEY: Final = 4096
_KEY: Final = re.compile(r"[\x21-\x7e]+\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wishes:
    """What the user said about keeping the key."""

    env_file: Path | None
    in_keyring: bool
    replaces: bool
    is_checked: bool


def init(  # noqa: PLR0913, PLR0917 - one parameter for each option
    provider: Annotated[str | None, typer.Option("--provider", metavar="ID", help="Whose key it is.")] = None,
    key_stdin: Annotated[bool, typer.Option("--key-stdin", help="Read the key from standard input.")] = False,
    keyring: Annotated[bool, typer.Option("--keyring", help="Keep it in the system's keyring, not in .env.")] = False,
    env_file: Annotated[Path | None, typer.Option("--env-file", help="Which .env; default the one in force.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a key that is there without asking.")] = False,
    check: Annotated[bool, typer.Option("--check/--no-check", help="Try the key where that is free.")] = True,
) -> None:
    """Add a provider's free key, checked and kept."""
    wishes = _Wishes(env_file=env_file, in_keyring=keyring, replaces=replace, is_checked=check)
    if key_stdin and provider is None:
        raise ConfigError("--key-stdin needs --provider ID; `openmux providers` lists them")
    with open_pool() as mux:
        row = _taking_keys(mux, provider) if provider else _chosen(mux)
        if not key_stdin:
            note(f"\n{row.name}: get a key at {row.signup_url or 'its site'}")
            note(f"free limits: {limits_text(row.limits) or 'see its site'}; trains on your data: {row.trains_on_data}")
        key = _clean(sys.stdin.readline(_LONGEST_KEY + 2) if key_stdin else _asked_key(row))
        if wishes.is_checked:
            _check(mux, row, key)
        _keep(mux, row, key, wishes)


def _taking_keys(mux: Mux, provider_id: str) -> Provider:
    """Return the row, if it is one that a key belongs to.

    Raises:
        ConfigError: It is off, takes no key, or does not exist.
    """
    row = mux.catalog.provider(provider_id)
    if not row.is_on:
        raise ConfigError(f"{row.name} is off: {row.off_reason}")
    if row.auth.mode == "none" or not row.auth.env:
        raise ConfigError(f"{row.name} takes no key: it works as it is")
    return row


def _chosen(mux: Mux) -> Provider:
    """Return the provider that a person picks from the list.

    Raises:
        ConfigError: Nobody can be asked.
    """
    if not can_ask():
        raise ConfigError("`openmux init` asks questions; without a terminal: openmux init --provider ID --key-stdin")
    rows = [row for row in mux.catalog.providers.values() if row.is_on and row.auth.env and row.auth.mode != "none"]
    tell_table(
        ("", "provider", "key", "free limits", "sign-up"),
        [
            (str(number), row.name, key_state(mux, row), limits_text(row.limits), row.signup_url)
            for number, row in enumerate(rows, 1)
        ],
        stream=sys.stderr,
    )
    while True:
        row = _named(rows, _ask("provider (number or name): "))
        if row is not None:
            return row
        note("that is none of them")


def _named(rows: Sequence[Provider], text: str) -> Provider | None:
    if text.isdecimal() and 1 <= int(text) <= len(rows):
        return rows[int(text) - 1]
    return next((row for row in rows if text.lower() in {row.id, row.name.lower()}), None)


def _asked_key(row: Provider) -> str:
    """Return the key as typed, unseen.

    Raises:
        ConfigError: Nobody can be asked.
    """
    if not can_ask():
        raise ConfigError(
            "without a terminal the key comes from standard input: openmux init --provider ID --key-stdin"
        )
    return getpass.getpass(f"{row.name} key (not shown): ", stream=sys.stderr)


def _clean(text: str) -> str:
    """Return the key without surrounding space and quotes.

    Raises:
        ConfigError: It is empty or cannot be a key; the message does not repeat it.
    """
    key = text.strip().strip("\"'").strip()
    if not key:
        raise ConfigError("no key was given; nothing was written")
    if len(key) > _LONGEST_KEY or not _KEY.match(key):
        raise ConfigError("that is no key: a key is one line of printable ASCII without spaces; nothing was written")
    return key


def _check(mux: Mux, row: Provider, key: str) -> None:
    """Try the key at a page that costs nothing.

    Raises:
        Exit: It was refused, and the user does not want to keep it.
    """
    if row.auth.check_path is None:
        note(f"{row.name} has no free way to check a key; the first question will show")
        return
    if row.missing_variables:
        note(f"{row.name} also wants {' and '.join(row.missing_variables)} set; the key is not checked before that")
        return
    if mux.settings.offline:
        note("offline (OPENMUX_OFFLINE): the key is not checked")
        return
    from pydantic import SecretStr  # 60 ms that other commands are spared

    from openmux_lc.providers.registry import list_models  # loads httpx

    try:
        found = list_models(row, SecretStr(key), mux.clients, deadline=time.monotonic() + _CHECK_S)
    except (AuthenticationFailed, PermissionDenied) as error:
        note_error(f"{row.name} does not accept this key ({error.status_code or type(error).__name__})")
        if not (can_ask() and _agrees("keep it anyway?")):
            note("nothing was written; --no-check keeps a key unseen")
            raise typer.Exit(FAILED) from None
    except ProviderError as error:
        note(f"the key could not be checked ({type(error).__name__}); it is kept as it is")
    else:
        note(f"{row.name} accepts the key; it lists {len(found)} models")


def _keep(mux: Mux, row: Provider, key: str, wishes: _Wishes) -> None:
    """Put the key where it was asked to go.

    Raises:
        ConfigError: One is there already and may not be replaced.
    """
    variable = row.auth.env[0]
    if wishes.in_keyring:
        from openmux_lc.keys import keep_key  # the optional keyring

        keep_key(row.id, key)
        note(f"kept in the system's keyring for {row.name}")
    else:
        path = wishes.env_file or mux.settings.dotenv_path or Path.cwd() / ".env"
        text = read_dotenv(path)
        if value_in(text, variable) not in {"", key} and not wishes.replaces:
            _may_replace(variable, path)
        changed = with_variable(text, variable, key)
        if value_in(changed, variable) != key:
            raise ConfigError(f"{path} has a form that {variable} cannot be added to; write it there yourself")
        write_private(path, changed)
        note(f"{variable} written to {path} (readable by you alone; keep it out of version control)")
    for name in row.auth.env:
        setting = mux.settings.lookup(name)
        if setting is not None and setting.source == "environment" and setting.value.strip() != key:
            note(f"note: the environment variable {name} is set to another key, and wins")
    note('next: openmux chat "..."')


def _may_replace(variable: str, path: Path) -> None:
    """Ask whether another key may go.

    Raises:
        ConfigError: Nobody can be asked, or the answer is no.
    """
    if not can_ask():
        raise ConfigError(f"{path} has another {variable} already; --replace puts the new one in its place")
    if not _agrees(f"{path} has another {variable} already; replace it?"):
        raise ConfigError(f"{path} was left as it is")


def _agrees(question: str) -> bool:
    return _ask(f"{question} [y/N] ").lower() in {"y", "yes"}


def _ask(question: str) -> str:
    """Return one line that a person types; the question goes to standard error.

    Raises:
        EOFError: They left.
    """
    sys.stderr.write(question)
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return printable(line).strip()
