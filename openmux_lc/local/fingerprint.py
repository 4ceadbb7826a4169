"""What kind of engine answers at an address, told by its pages; no input or output.

The kinds are data (`engines.toml`). A gateway of our own is never taken for an
engine, or it would find itself.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Final, cast

from openmux_lc.types.catalog import Profile, Task
from openmux_lc.types.json import Json, JsonObject, as_list, as_object, as_text, dig

__all__ = ["Ask", "Condition", "EngineKind", "Hint", "Page", "is_own_gateway", "load_kinds", "recognise"]

_GATEWAY_HEADER: Final = "x-openmux-gateway"
_GATEWAY_SERVICE: Final = "openmux"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a path answered; status 0 means nothing came in time.

    Args:
        headers: Names in lower case.
        text: The body, cut where it is not JSON.
        body: The parsed JSON, None when it was none.
    """

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    body: Json = None

    @classmethod
    def of(cls, status: int, headers: Mapping[str, str], content: bytes) -> Page:
        """Return the page for a response's parts."""
        text = content.decode("utf-8", "replace")
        try:
            body = cast("Json", json.loads(text))
        except (ValueError, RecursionError):
            body = None
        return cls(
            status=status, headers={name.lower(): value for name, value in headers.items()}, text=text, body=body
        )


@dataclass(frozen=True, slots=True)
class Ask:
    """A page that is wanted next: a GET, or a POST when there is a body."""

    path: str
    body: JsonObject | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Something that must be true of one page."""

    path: str
    status: int = 200
    field: tuple[str | int, ...] = ()
    value: str | None = None
    header: str = ""
    prefix: str = ""
    text: str = ""

    def holds(self, page: Page) -> bool:
        """Whether the page shows it."""
        if self.header:
            return page.headers.get(self.header, "").startswith(self.prefix)
        if page.status != self.status:
            return False
        if self.text:
            return self.text in page.text
        found = dig(page.body, *self.field)
        return found is not None if self.value is None else found == self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """Parts of model ids that betray a task; an empty task means no use for it."""

    task: Task | None
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineKind:
    """How one kind of engine is recognised and asked for its models; see `engines.toml`."""

    name: str
    signs: tuple[tuple[Condition, ...], ...]
    models: tuple[str, ...]
    details: str = ""
    facts: str = ""
    embeds: str = ""
    complete: bool = False
    remote: tuple[str, ...] = ()
    profile: Profile = field(default_factory=Profile)
    hints: tuple[Hint, ...] = ()


def load_kinds() -> tuple[EngineKind, ...]:
    """Return the kinds that the package knows, special ones before general ones."""
    text = resources.files("openmux_lc.local").joinpath("engines.toml").read_text(encoding="utf-8")
    document = tomllib.loads(text)
    hints = tuple(Hint(task=row["task"] or None, parts=tuple(row["parts"])) for row in document["hint"])
    return tuple(_kind(row, hints) for row in document["engine"])


def _kind(row: JsonObject, hints: tuple[Hint, ...]) -> EngineKind:
    signs = tuple(tuple(_condition(as_object(sign)) for sign in as_list(signs)) for signs in as_list(row["signs"]))
    return EngineKind(
        name=as_text(row["name"]),
        signs=signs,
        models=tuple(map(as_text, as_list(row["models"]))),
        details=as_text(row.get("details")),
        facts=as_text(row.get("facts")),
        embeds=as_text(row.get("embeds")),
        complete=row.get("complete") is True,
        remote=tuple(map(as_text, as_list(row.get("remote")))),
        profile=cast("Profile", dict(as_object(row.get("profile")))),
        hints=hints,
    )


def _condition(sign: JsonObject) -> Condition:
    status, value = sign.get("status"), sign.get("value")
    return Condition(
        path=as_text(sign["path"]),
        status=status if isinstance(status, int) else 200,
        field=cast("tuple[str | int, ...]", tuple(as_list(sign.get("field")))),
        value=value if isinstance(value, str) else None,
        header=as_text(sign.get("header")),
        prefix=as_text(sign.get("prefix")),
        text=as_text(sign.get("text")),
    )


def is_own_gateway(page: Page) -> bool:
    """Whether the page comes from a gateway of this package."""
    return _GATEWAY_HEADER in page.headers or dig(page.body, "service") == _GATEWAY_SERVICE


def recognise(kinds: Sequence[EngineKind]) -> Generator[Ask, Page, EngineKind | None]:
    """Ask for pages, and return the first kind whose signs are there, if any.

    Each page is asked for once. A silent address, or a gateway of our own, ends it.
    """
    pages: dict[str, Page] = {"/health": (yield Ask("/health"))}
    if not pages["/health"].status or is_own_gateway(pages["/health"]):
        return None
    for kind in kinds:
        for signs in kind.signs:
            for sign in signs:
                if sign.path not in pages:
                    pages[sign.path] = yield Ask(sign.path)
                if is_own_gateway(pages[sign.path]):
                    return None
                if not sign.holds(pages[sign.path]):
                    break
            else:
                return kind
    return None
