"""What to ask at an address, and the engine that the answers describe; no input or output.

A survey is a generator: it yields each `Ask` and is sent the `Page`. A page that did
not come in time is an empty one, so a survey always ends with what is known by then.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from openmux_lc.local.fingerprint import Ask, EngineKind, Page, is_own_gateway, recognise
from openmux_lc.local.inventory import listed_rows, model_id, to_model
from openmux_lc.types.address import is_loopback
from openmux_lc.types.catalog import Evidence, Model, Provider
from openmux_lc.types.json import JsonObject, as_list, as_object, dig

__all__ = ["Engine", "Target", "survey", "targets"]

_UNAUTHORIZED: Final = 401
_VERSION: Final = "/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """An engine that answers.

    Args:
        provider: Id of the row that it belongs to.
        base_url: Where it is, in the row's dialect.
        models: Every usable model that it lists.
        needs_key: It refused to list its models without a (better) key.
    """

    provider: str
    base_url: str
    models: tuple[Model, ...] = ()
    needs_key: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One address and the rows that may be there.

    Args:
        root: The address without the dialect's own path.
        rows: More than one where a default port is shared.
        is_named: The user named this address for its one row: no recognition.
        headers: Request headers by provider id; not sent before a row is recognised.
    """

    root: str
    rows: tuple[Provider, ...]
    is_named: bool = False
    headers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def targets(
    rows: Sequence[Provider], *, named: Mapping[str, str], headers: Mapping[str, Mapping[str, str]]
) -> tuple[Target, ...]:
    """Return the addresses to look at: those the user named, then the default ports.

    Args:
        rows: Only local ones with a fingerprint count.
        named: Base URLs by provider id that the user gave. A row's own base URL that
            is not on one of its ports counts as given, too.
        headers: Request headers by provider id.
    """
    by_port: dict[int, list[Provider]] = {}
    given: list[Target] = []
    for row in rows:
        if not (row.is_local and row.is_on and row.fingerprint):
            continue
        address = named.get(row.id) or (row.base_url if _is_elsewhere(row) else "")
        if address:
            root = address.rstrip("/").removesuffix(_VERSION)
            given.append(Target(root=root, rows=(row,), is_named=True, headers=headers))
            continue
        for port in row.ports:
            by_port.setdefault(port, []).append(row)
    usual = (
        Target(root=f"http://127.0.0.1:{port}", rows=tuple(here), headers=headers) for port, here in by_port.items()
    )
    return (*given, *usual)


def _is_elsewhere(row: Provider) -> bool:
    parts = urlsplit(row.base_url)
    return bool(row.base_url) and not (is_loopback(row.base_url) and parts.port in row.ports)


def survey(target: Target, kinds: Sequence[EngineKind], *, today: str) -> Generator[Ask, Page, Engine | None]:
    """Ask for pages and return the engine there, if it is one of the target's rows.

    Args:
        target: Where to ask.
        kinds: Every kind that is known.
        today: ISO date of the evidence that its models are free.
    """
    by_kind = {row.fingerprint: row for row in reversed(target.rows)}
    wanted = [kind for kind in kinds if kind.name in by_kind]
    kind = (wanted[0] if wanted else None) if target.is_named else (yield from recognise(wanted))
    if kind is None:
        return None
    row = by_kind[kind.name]
    base_url = target.root + _path(row)
    evidence = Evidence(kind="local", source=base_url, as_of=today, confidence="high")
    page = yield from _listing(kind, target.headers.get(row.id, {}))
    if not page.status or is_own_gateway(page):
        return None
    models = yield from _models(kind, row, page=page, evidence=evidence, headers=target.headers.get(row.id, {}))
    return Engine(provider=row.id, base_url=base_url, models=models, needs_key=page.status == _UNAUTHORIZED)


def _path(row: Provider) -> str:
    """Return what the row's dialect adds to the root."""
    return _VERSION if row.dialect == "openai" else ""


def _listing(kind: EngineKind, headers: Mapping[str, str]) -> Generator[Ask, Page, Page]:
    page = Page()
    for path in kind.models:
        page = yield Ask(path, headers=headers)
        if listed_rows(page):
            break
    return page


def _models(
    kind: EngineKind, row: Provider, *, page: Page, evidence: Evidence, headers: Mapping[str, str]
) -> Generator[Ask, Page, tuple[Model, ...]]:
    rows = [listed for listed in listed_rows(page) if not any(part in model_id(listed) for part in row.free.excluded)]
    told: JsonObject = {}
    vector_length = None
    if kind.facts and rows:
        told = as_object((yield Ask(kind.facts, headers=headers)).body)
    if kind.embeds and len(rows) == 1:
        tried = yield Ask(kind.embeds, {"model": model_id(rows[0]), "input": "a"}, headers)
        vector_length = len(as_list(dig(tried.body, "data", 0, "embedding"))) or None
    found: list[Model | None] = []
    for listed in rows:
        if kind.details:
            told = as_object((yield Ask(kind.details, {"model": model_id(listed)}, headers)).body)
        found.append(to_model(kind, listed, told=told, evidence=evidence, vector_length=vector_length))
    return tuple(model for model in found if model is not None)
