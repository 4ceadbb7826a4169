"""From what a user wrote to a route; what is not exact is told, never guessed.

A route is `provider:model`, split at the first `:`; the model part is opaque.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from openmux_lc.errors import UnknownProviderError
from openmux_lc.types.catalog import Provider, Route

__all__ = ["nearest_models", "nearest_routes", "resolve_route"]

_SHOWN: Final = 3
_LONGEST: Final = 120
_ENGINE_NAME: Final = re.compile(r"[A-Za-z0-9][\w./-]*(:[A-Za-z0-9][\w.-]*)?\Z")
_ENGINE_DIALECT: Final = "ollama"


def resolve_route(providers: Mapping[str, Provider], text: str) -> Route:
    """Return the route that `text` names.

    The model need not be known: a local engine's list comes later, and whether an
    unknown one may be called is the free check's to say.

    Raises:
        UnknownProviderError: Names the full routes that may have been meant.
    """
    wanted = text.strip()
    provider_id, colon, model_id = wanted.partition(":")
    if colon and provider_id in providers and model_id.strip():
        return Route(provider_id, model_id)
    if provider_id in providers:
        problem = f"{_short(wanted)} names a provider but no model"
    elif colon:
        problem = f"no provider {_short(provider_id)} (in {_short(wanted)})"
    else:
        problem = f"{_short(wanted)} names no provider"
    near = nearest_routes(providers, wanted)
    meant = f"did you mean {_either(near)}?" if near else "`openmux models` lists what there is"
    raise UnknownProviderError(f"{problem}; a route is provider:model; {meant}")


def nearest_routes(providers: Mapping[str, Provider], text: str) -> tuple[str, ...]:
    """Return the routes that `text` may mean, likeliest first, at most three."""
    rows = [row for row in providers.values() if row.is_on] or list(providers.values())
    wanted = text[:_LONGEST]
    head, colon, tail = wanted.partition(":")
    found = [*_same_provider(rows, head, tail), *_same_model(rows, wanted), *(_same_model(rows, tail) if tail else ())]
    if not found and colon:
        found = [*_in_engines(rows, wanted), *_similar(rows, wanted, cutoff=0.75), *_similar(rows, tail)]
    elif not found:
        found = [*_similar(rows, wanted), *_in_engines(rows, wanted)]
    return tuple(dict.fromkeys(found))[:_SHOWN]


def nearest_models(provider: Provider, model_id: str) -> tuple[str, ...]:
    """Return the provider's routes whose models are called much like `model_id`."""
    wanted = model_id[:_LONGEST]
    if any(model.id == wanted for model in provider.models):
        return ()
    found = _same_model([provider], wanted) or _similar([provider], wanted)
    return tuple(dict.fromkeys(found))[:_SHOWN]


def _same_model(rows: Iterable[Provider], text: str) -> list[str]:
    """Return routes whose model is `text`, but for vendor prefix, `:free` and case."""
    name = _core(text)
    return [f"{row.id}:{model.id}" for row in rows for model in row.models if _core(model.id) == name]


def _same_provider(rows: Iterable[Provider], head: str, tail: str) -> list[str]:
    """Return routes of the providers that `head` may be a misspelling of."""
    import difflib  # only a wrong name pays for it

    by_id = {row.id: row for row in rows}
    found: list[str] = []
    for near in difflib.get_close_matches(head.lower(), by_id, n=2, cutoff=0.7):
        row = by_id[near]
        found += _same_model([row], tail) or (_similar([row], tail) if tail else [])
        if tail and (row.free.all_models or tail.endswith(row.free.suffixes or ("\0",)) or tail in row.free.ids):
            found.append(f"{row.id}:{tail}")
        if not (tail and found):
            found += [f"{row.id}:{model.id}" for model in row.models[:_SHOWN]]
    return found


def _in_engines(rows: Iterable[Provider], text: str) -> list[str]:
    """Return what `text` would be at an engine here; its models are known only once it was found."""
    if not _ENGINE_NAME.match(text) or text == "auto":
        return []
    return [f"{row.id}:{text}" for row in rows if row.dialect == _ENGINE_DIALECT and row.free.all_models]


def _similar(rows: Iterable[Provider], text: str, *, cutoff: float = 0.6) -> list[str]:
    """Return routes whose model's name resembles `text`, most alike first."""
    import difflib

    by_core: dict[str, list[str]] = {}
    for row in rows:
        for model in row.models:
            by_core.setdefault(_core(model.id), []).append(f"{row.id}:{model.id}")
    near = difflib.get_close_matches(_core(text), by_core, n=_SHOWN, cutoff=cutoff)
    return [route for core in near for route in by_core[core]]


def _core(model_id: str) -> str:
    return model_id.rsplit("/", 1)[-1].removesuffix(":free").lower()


def _either(routes: tuple[str, ...]) -> str:
    return routes[0] if len(routes) == 1 else f"{', '.join(routes[:-1])} or {routes[-1]}"


def _short(text: str) -> str:
    return repr(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}...")
