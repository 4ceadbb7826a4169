"""`openmux providers`: the hosts, what they give free, and where a key is to be had."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from openmux_lc.cli.options import JsonOption
from openmux_lc.cli.output import note, tell, tell_json, tell_table
from openmux_lc.cli.pool import open_pool
from openmux_lc.keys import has_key, key_settings
from openmux_lc.types.catalog import Limit, Provider, Route, Window
from openmux_lc.types.json import Json

if TYPE_CHECKING:
    from openmux_lc.mux import Mux

__all__ = ["key_state", "limits_text", "providers"]

_WORDS: Final = {
    "calendar_day": "/day",
    "calendar_month": "/month",
    "anniversary_month": "/month from its own day",
    "concurrency": " at once",
}
_SPANS: Final = ((86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def providers(
    terms: Annotated[bool, typer.Option("--terms", help="What they say about your data.")] = False,
    edit: Annotated[
        str | None, typer.Option("--edit", metavar="ID", help="Write a copy of this row that you can change.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the hosts of free models and their limits."""
    if edit is not None:
        _write_copy(edit)
        return
    with open_pool() as mux:
        rows = list(mux.catalog.providers.values())
        if as_json:
            tell_json([_to_json(mux, row) for row in rows])
        elif terms:
            tell_table(
                ("provider", "trains on your data", "terms", "read"),
                [(row.id, row.trains_on_data, row.terms or "-", row.as_of or "-") for row in rows],
            )
        else:
            tell_table(
                ("provider", "name", "status", "key", "free models", "limits", "sign-up"),
                [_row(mux, row) for row in rows],
            )
            note("keys: `openmux init`; your own hosts: [providers.NAME] in the configuration; `--terms`, `--edit ID`")


def key_state(mux: Mux, row: Provider) -> str:
    """Return where a provider's key lies, or which variable it belongs into; never the key."""
    if row.auth.mode == "none":
        return "not needed"
    if found := ", ".join(f"{name} ({setting.origin})" for _, name, setting in key_settings(row, mux.settings)):
        return found
    if has_key(row, mux.settings):
        return "keyring"
    wanted = row.auth.env[0] if row.auth.env else "a key"
    return f"optional: {wanted}" if row.auth.mode == "optional" else f"missing: {wanted}"


def limits_text(limits: tuple[Limit, ...]) -> str:
    """Return limits in words, such as `30 requests/minute, 1,000 requests/day`."""
    return ", ".join(f"{limit.amount:,} {limit.unit}{_span(limit)}" for limit in limits)


def _span(limit: Limit) -> str:
    window = limit.window
    if word := _WORDS.get(window.kind):
        return word
    return _per(window) + (" refilled steadily" if window.kind == "token_bucket" else "")


def _per(window: Window) -> str:
    for seconds, word in _SPANS:
        if window.seconds and window.seconds % seconds == 0:
            count = round(window.seconds / seconds)
            return f"/{word}" if count == 1 else f"/{count} {word}s"
    return f"/{window.seconds:g} s"


def _limits(row: Provider) -> str:
    if row.is_local:
        return "this machine's"
    told = limits_text(row.limits)
    own = f"{len(row.model_limits)} models have their own" if row.model_limits else ""
    return "; ".join(part for part in (told, own) if part) or "unknown"


def _row(mux: Mux, row: Provider) -> tuple[str, ...]:
    status = "on" if row.is_on else f"off: {row.off_reason}"
    return (row.id, row.name, status, key_state(mux, row), str(len(_free(row))), _limits(row), row.signup_url or "-")


def _free(row: Provider) -> list[str]:
    from openmux_lc.catalog.free import evidence  # `--help` does without

    return [str(Route(row.id, model.id)) for model in row.models if evidence(row, model) is not None]


def _to_json(mux: Mux, row: Provider) -> Json:
    return {
        "id": row.id,
        "name": row.name,
        "on": row.is_on,
        "off_reason": row.off_reason,
        "local": row.is_local,
        "dialect": row.dialect,
        "base_url": row.base_url,
        "key": {
            "needed": row.auth.mode == "key",
            "variables": list(row.auth.env),
            "found": has_key(row, mux.settings),
            "state": key_state(mux, row),
        },
        "limits": [_limit(limit) for limit in row.limits],
        "model_limits": {name: [_limit(limit) for limit in limits] for name, limits in row.model_limits.items()},
        "free_models": list(_free(row)),
        "signup_url": row.signup_url,
        "terms": row.terms,
        "trains_on_data": row.trains_on_data,
        "as_of": row.as_of,
        "confidence": row.confidence,
        "origin": row.origin,
    }


def _limit(limit: Limit) -> Json:
    return {
        "unit": limit.unit,
        "amount": limit.amount,
        "window": limit.window.kind,
        "seconds": limit.window.seconds,
        "zone": limit.window.zone,
        "anchor": limit.window.anchor or None,
        "scope": limit.scope,
    }


def _write_copy(provider_id: str) -> None:
    """Write a provider's row into the user's data folder and say where it is."""
    from openmux_lc.catalog.export import editable_copy  # `--help` does without

    path = editable_copy(provider_id)
    tell(str(path))
    note("your copy is laid over the shipped row, key by key: take the # away where you want to change something")
