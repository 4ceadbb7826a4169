"""`openmux quota`: what can still be called today, the next free slot, and when limits reset."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final

import typer

from openmux_lc.cli.options import JsonOption
from openmux_lc.cli.output import note, tell, tell_json, tell_table
from openmux_lc.cli.pool import open_pool
from openmux_lc.cli.progress import progress_on
from openmux_lc.cli.providers import limits_text
from openmux_lc.types.capacity import Capacity, LimitUse, RouteCapacity
from openmux_lc.types.catalog import Limit
from openmux_lc.types.json import Json

if TYPE_CHECKING:
    from openmux_lc.mux import Mux

__all__ = ["clock_text", "quota"]

_MANY: Final = 100_000
"""From here on a count of calls says no more than that there are plenty."""


def quota(
    provider: Annotated[str | None, typer.Argument(metavar="[PROVIDER]", help="Only this one, route by route.")] = None,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="First ask the providers that tell what an account has left.")
    ] = False,
    routes: Annotated[bool, typer.Option("--routes", help="One line a route instead of one a provider.")] = False,
    tokens: Annotated[int, typer.Option("--tokens", min=1, help="Of a usual call, prompt and answer.")] = 1_000,
    as_json: JsonOption = False,
) -> None:
    """Tell how many free calls are left today."""
    with open_pool() as mux:
        if provider is not None:
            mux.catalog.provider(provider)  # names the known ones where this is none
        if refresh:
            _ask(mux)
        found = mux.capacity(tokens_per_call=tokens)
    chosen = [each for each in found.routes if provider in {None, each.route.provider}]
    if as_json:
        tell_json(_to_json(found, chosen))
        return
    if not chosen:
        tell("no route may be called now" if provider is None else f"no route of {provider} may be called now")
        note("next: openmux doctor (says what is missing)")
        return
    if routes or provider is not None:
        tell_table(
            ("route", "now", "today", "limits", "next call", "all back at"),
            [_route_row(each, found.at) for each in chosen],
        )
    else:
        tell_table(
            ("provider", "routes", "today", "limits", "next call", "all back at"),
            [_provider_row(name, calls, chosen, found.at) for name, calls in found.providers.items()],
        )
    _sum_up(found)


def _ask(mux: Mux) -> None:
    """Ask the account pages, and say which did not answer."""
    with progress_on(sys.stderr) as progress:
        progress.begin("asking what the accounts have left")
        told = mux.refresh_quotas()
        asked = ", ".join(each.provider for each in told) or "none of your providers tells it"
        progress.end("✓", f"account pages: {asked}")
    for each in told:
        if each.problem:
            note(f"{each.provider}: {each.problem}")


def _sum_up(found: Capacity) -> None:
    until = clock_text(found.until, found.at)
    calls, strong = _count(found.calls), _count(found.strong_calls)
    tell(f"\nthe whole pool: about {calls} calls until {until}, {strong} of them to strong models")
    if found.unlimited:
        tell(f"not counted, as no limit is known: {', '.join(found.unlimited)}")
    if found.next_at is not None and found.next_at > found.at:
        first = min(found.routes, key=lambda each: each.next_at)
        tell(f"the next call is possible {clock_text(found.next_at, found.at)} ({first.route})")
    note("a call is taken to use --tokens; limits that a provider told are marked; `--routes`, `--refresh`, `--json`")


def _provider_row(name: str, calls: int | None, routes: Sequence[RouteCapacity], now: float) -> tuple[str, ...]:
    own = [each for each in routes if each.route.provider == name]
    shared = _unique(use for each in own for use in each.limits if not use.limit.scope.endswith("model"))
    per_route = _unique(use for each in own[:1] for use in each.limits if use.limit.scope.endswith("model"))
    texts = [*map(_use_text, shared), *(f"{limits_text((use.limit,))} a model" for use in per_route)]
    ends = [use.resets_at for each in own for use in each.limits if use.resets_at is not None]
    return (
        name,
        str(len(own)),
        _count(calls),
        "; ".join(texts) or "none known",
        _next_text(min(each.next_at for each in own), now) if own else "-",
        clock_text(max(ends), now) if ends else "-",
    )


def _route_row(found: RouteCapacity, now: float) -> tuple[str, ...]:
    ends = [use.resets_at for use in found.limits if use.resets_at is not None]
    paused = f" ({found.pause.reason})" if found.pause else ""
    return (
        str(found.route),
        _count(found.now),
        _count(found.today),
        "; ".join(map(_use_text, found.limits)) or "none known",
        f"{_next_text(found.next_at, now)}{paused}",
        clock_text(max(ends), now) if ends else "-",
    )


def _unique(uses: Iterable[LimitUse]) -> list[LimitUse]:
    """Return each limit once: routes that share one all carry it."""
    seen: dict[tuple[Limit, int], LimitUse] = {}
    for use in uses:
        seen.setdefault((use.limit, use.key_slot), use)
    return list(seen.values())


def _use_text(use: LimitUse) -> str:
    told = "" if use.origin == "catalog" else f" ({use.origin})"
    key = f" key {use.key_slot + 1}" if use.key_slot else ""
    return f"{use.left:,} of {limits_text((use.limit,))}{key}{told}"


def _count(calls: int | None) -> str:
    if calls is None:
        return "no limit"
    return f"> {_MANY:,}" if calls > _MANY else f"{calls:,}"


def _next_text(at: float, now: float) -> str:
    return "now" if at <= now else clock_text(at, now)


def clock_text(at: float, now: float) -> str:
    """Return a moment in local time with how long that is from now, such as `07:00 (in 9 h)`."""
    moment, today = datetime.fromtimestamp(at).astimezone(), datetime.fromtimestamp(now).astimezone()
    text = f"{moment:%H:%M:%S}" if at - now < 120 else f"{moment:%H:%M}"
    if moment.date() != today.date():
        text = f"{moment:%a %d %b} {text}"
    return f"{text} (in {_span_text(at - now)})"


def _span_text(seconds: float) -> str:
    for size, unit in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0, round(seconds))} s"


def _to_json(found: Capacity, chosen: Sequence[RouteCapacity]) -> Json:
    return {
        "at": found.at,
        "until": found.until,
        "calls": found.calls,
        "strong_calls": found.strong_calls,
        "next_at": found.next_at,
        "providers": dict(found.providers),
        "routes": [
            {
                "route": str(each.route),
                "now": each.now,
                "today": each.today,
                "next_at": each.next_at,
                "paused": each.pause.reason if each.pause else None,
                "limits": [_use_json(use) for use in each.limits],
            }
            for each in chosen
        ],
    }


def _use_json(use: LimitUse) -> Json:
    return {
        "limit": limits_text((use.limit,)),
        "unit": use.limit.unit,
        "amount": use.limit.amount,
        "scope": use.limit.scope,
        "used": use.used,
        "left": use.left,
        "resets_at": use.resets_at,
        "origin": use.origin,
        "key_slot": use.key_slot,
    }
