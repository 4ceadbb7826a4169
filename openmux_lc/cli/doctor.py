"""`openmux doctor`: what is reachable from here, which keys there are, what to do next."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from openmux_lc._version import __version__
from openmux_lc.cli.chaos import show_chaos
from openmux_lc.cli.config import config_file, without_password
from openmux_lc.cli.guard import FAILED, start_logging
from openmux_lc.cli.options import JsonOption
from openmux_lc.cli.output import tell, tell_json
from openmux_lc.cli.pool import open_pool
from openmux_lc.cli.reach import Reached, callable_hosts, reach
from openmux_lc.errors import OpenMuxError
from openmux_lc.keys import has_key, key_settings
from openmux_lc.trust import is_trusted
from openmux_lc.types.catalog import TASKS, Provider
from openmux_lc.types.json import Json, as_text

if TYPE_CHECKING:
    from openmux_lc.mux import Mux

__all__ = ["doctor"]


def doctor(
    online: Annotated[bool, typer.Option("--online", help="Also ask the hosts that may be called.")] = False,
    chaos: Annotated[
        bool, typer.Option("--chaos", help="Show the pool among hosts on loopback that misbehave, and nothing else.")
    ] = False,
    calls: Annotated[
        int, typer.Option("--calls", min=1, max=10_000, help="Questions that are asked with --chaos.")
    ] = 40,
    seed: Annotated[int, typer.Option("--seed", help="What goes wrong with --chaos: the same again.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Say what is reachable and what to do next.

    Exits with 0 if some route can answer, else with 1; with --chaos, if no question was lost.
    """
    if chaos:
        start_logging("ERROR")  # every failure is told in the table
        if not show_chaos(calls, seed, as_json=as_json):
            raise typer.Exit(FAILED)
        return
    with open_pool() as mux:
        findings = _findings(mux, is_online=online)
    if as_json:
        tell_json(findings.to_json())
    else:
        for line in findings.lines():
            tell(line)
    if not findings.first_route:
        raise typer.Exit(FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Findings:
    """Everything that was looked at, as plain texts; no key is among it."""

    files: tuple[tuple[str, str], ...]
    state: str
    is_offline: bool
    keys: tuple[tuple[str, str], ...]
    keyless: tuple[str, ...]
    wanting: tuple[tuple[str, str, str], ...]
    engines: tuple[tuple[str, str, bool, int], ...]
    hosts: tuple[Reached, ...] | None
    routes: tuple[tuple[str, int], ...]
    usable: int
    first_route: str
    next_steps: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """Yield the report as lines for a person."""
        yield f"openmux-lc {__version__}, Python {platform.python_version()}, {platform.system()}"
        for name, found in self.files:
            yield f"  {name:<12} {found}"
        yield f"  {'state':<12} {self.state}"
        yield f"  {'remote':<12} {'forbidden (OPENMUX_OFFLINE)' if self.is_offline else 'allowed'}"
        yield "engines on this machine"
        for name, address, is_found, count in self.engines:
            yield f"  {_mark(is_found)} {name}: {_inventory(count) if is_found else 'nothing answers'} at {address}"
        yield "keys"
        for name, origin in self.keys:
            yield f"  ✓ {name}: {origin}"
        if self.keyless:
            yield f"  · work without one: {', '.join(self.keyless)}"
        for name, variable, page in self.wanting:
            yield f"  ✗ {name}: {variable} is not set{f'; a free key: {page}' if page else ''}"
        yield from self._host_lines()
        tasks = ", ".join(f"{task} {count}" for task, count in self.routes) or "none"
        yield f"routes that may be called: {self.usable} ({tasks})"
        yield f"  a question now would go to {self.first_route}" if self.first_route else "  none can answer now"
        for step in self.next_steps:
            yield f"next: {step}"

    def _host_lines(self) -> Iterator[str]:
        if self.hosts is None:
            return
        yield "hosts"
        for host in self.hosts:
            yield f"  {_mark(host.is_ok)} {host.provider}: {host.detail} ({host.elapsed_ms} ms)"
        if not self.hosts:
            yield "  none may be called"

    def to_json(self) -> Json:
        """Return the same as JSON."""
        return {
            "version": __version__,
            "python": platform.python_version(),
            "files": dict(self.files),
            "state": self.state,
            "offline": self.is_offline,
            "engines": [
                {"provider": name, "address": address, "found": is_found, "models": count}
                for name, address, is_found, count in self.engines
            ],
            "keys": [{"provider": name, "from": origin} for name, origin in self.keys],
            "keyless": list(self.keyless),
            "missing_keys": [
                {"provider": name, "variable": variable, "signup_url": page} for name, variable, page in self.wanting
            ],
            "hosts": None if self.hosts is None else [_host_json(host) for host in self.hosts],
            "routes": {"usable": self.usable, **dict(self.routes)},
            "first_route": self.first_route or None,
            "can_answer": bool(self.first_route),
            "next": list(self.next_steps),
        }


def _findings(mux: Mux, *, is_online: bool) -> _Findings:
    state, state_works = _state(mux)
    entries = [entry for entry in mux.entries() if not entry.blocked]
    first_route = as_text(mux.explain("Hello").get("route"))
    rows = [row for row in _rows(mux) if not row.demo_only]
    missing = {row.id for row in mux.missing_engines()}
    remote = [row for row in rows if not row.is_local and row.is_on]
    wanting = tuple(
        (row.name, row.auth.env[0] if row.auth.env else "a key", row.signup_url)
        for row in remote
        if row.auth.mode == "key" and not has_key(row, mux.settings)
    )
    hosts = reach(mux, callable_hosts(mux)) if is_online and not mux.settings.offline else None
    return _Findings(
        files=tuple(_files(mux)),
        state=state,
        is_offline=mux.settings.offline,
        keys=tuple((row.name, _origin(mux, row)) for row in remote if has_key(row, mux.settings)),
        keyless=tuple(row.name for row in remote if row.auth.mode != "key" and not has_key(row, mux.settings)),
        wanting=wanting,
        engines=tuple(
            (row.name, row.base_url, row.id not in missing, len(row.models))
            for row in rows
            if row.is_local and row.is_on and row.fingerprint
        ),
        hosts=hosts,
        routes=tuple((task, count) for task in TASKS if (count := sum(task in e.model.tasks for e in entries))),
        usable=len(entries),
        first_route=first_route,
        next_steps=tuple(
            _next_steps(mux, can_answer=bool(first_route), state_works=state_works, wanting=bool(wanting))
        ),
    )


def _rows(mux: Mux) -> tuple[Provider, ...]:
    allowed = mux.settings.providers
    return tuple(row for row in mux.catalog.providers.values() if allowed is None or row.id in allowed)


def _files(mux: Mux) -> Iterator[tuple[str, str]]:
    settings = mux.settings
    origin = settings.document_origin
    if origin is None:
        yield "config file", f"{config_file(settings)} (absent)"
    else:
        yield "config file", f"{origin.path}{'' if origin.is_trusted else ' (not trusted)'}"
    if settings.dotenv_path is None:
        yield ".env", "none here or above"
    else:
        trusted = is_trusted(settings.dotenv_path)
        yield ".env", f"{settings.dotenv_path} ({'trusted' if trusted else 'not trusted: keys and choices only'})"


def _state(mux: Mux) -> tuple[str, bool]:
    """Return where the state is kept, and whether it outlives this process as it should."""
    url = without_password(mux.settings.resolved_state_url)
    try:
        mux.ledger.snapshot()
    except OpenMuxError as error:
        return f"{url} does not work: {error}", False
    if not mux.ledger.is_kept:
        return f"{url} cannot be used: quotas and health are forgotten at the end of each command", False
    return url, True


def _origin(mux: Mux, row: Provider) -> str:
    found = ", ".join(f"{name} ({setting.origin})" for _, name, setting in key_settings(row, mux.settings))
    return found or "keyring"


def _next_steps(mux: Mux, *, can_answer: bool, state_works: bool, wanting: bool) -> Iterator[str]:
    if not state_works:
        yield "mend the state store, or set OPENMUX_STATE_URL=memory:"
    if can_answer:
        yield 'openmux chat "your question"'
    if wanting and not mux.settings.offline:
        yield "openmux init (adds a free key)"
    if not can_answer:
        if mux.settings.offline:
            yield "unset OPENMUX_OFFLINE, or:"
        names = [row.name for row in mux.missing_engines()]
        if names:
            yield f"start a local engine ({', '.join(names)}); it is found by itself"
        yield "openmux demo (shows how it works, with nothing else installed)"


def _inventory(count: int) -> str:
    return f"{count} models" if count else "answers without a usable model (load one, or give it its key)"


def _host_json(host: Reached) -> Json:
    return {"provider": host.provider, "ok": host.is_ok, "detail": host.detail, "elapsed_ms": host.elapsed_ms}


def _mark(is_good: bool) -> str:
    return "✓" if is_good else "✗"
