"""Which request is which: the path tells the dialect, unless one was chosen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Final, Literal, NamedTuple, cast
from urllib.parse import unquote

from openmux_lc.testing.behaviours import Received
from openmux_lc.testing.dialects.forms import Form, form_of, known
from openmux_lc.testing.dialects.shape import Task
from openmux_lc.types.json import Json, JsonObject, as_list, as_object, as_text, dig

__all__ = ["Door", "Found", "base_path", "chat_dialects", "dialect_names", "doors_of", "find", "key_headers"]

_MOST_LOOKED_UP: Final = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A method and a path, and what is behind them.

    Args:
        dialect: Whose it is.
        pattern: Fits the end of a path; its groups are the model's id or a job's.
        streams: Whether a stream is wanted, or that the body's `stream` tells.
        model_at: Where in the body the model's id is.
        only_pinned: Counts only where the dialect was chosen.
        is_open: No key is asked for.
        page: What is answered, where that is always the same.
        listing: Template of a list of models.
        row: Template of one of them.
    """

    dialect: str
    method: str
    pattern: re.Pattern[str]
    form: Form
    task: Task
    streams: Literal["told", "always", "never", "unless_false"]
    model_at: tuple[str | int, ...]
    only_pinned: bool
    is_open: bool
    page: Json
    listing: Json
    row: JsonObject

    def named(self, received: Received, model: str) -> Received:
        """Return the request with the model and the wish for a stream as this dialect tells them."""
        model = model or (as_text(dig(received.body, *self.model_at)) if self.model_at else "")
        if not model and self.streams == "told":
            return received
        is_streamed = {"told": None, "always": True, "never": False}.get(self.streams)
        if self.streams == "unless_false":
            is_streamed = as_object(received.body).get("stream") is not False
        return replace(received, named_model=model, is_streamed=is_streamed)


class Found(NamedTuple):
    """A door, and what the path said."""

    door: Door
    model: str
    job: str
    prefix: str


def dialect_names() -> tuple[str, ...]:
    """Return the names of all dialects."""
    return tuple(as_object(known()["dialects"]))


def chat_dialects() -> tuple[str, ...]:
    """Return the names of those in which a question is answered at once, not asked for again."""
    return tuple(name for name in dialect_names() if any(door.task == "chat" for door in _doors(name)))


def base_path(dialect: str) -> str:
    """Return the path of the address to configure.

    Raises:
        ValueError: There is no such dialect.
    """
    dialects = as_object(known()["dialects"])
    if dialect not in dialects:
        raise ValueError(f"unknown dialect {dialect!r}; known are {', '.join(sorted(dialects))}")
    return as_text(as_object(dialects[dialect])["base_path"])


@cache
def key_headers() -> tuple[str, ...]:
    """Return the names of the headers in which dialects carry a key."""
    rows = map(as_object, as_object(known()["dialects"]).values())
    return ("authorization", *filter(None, (as_text(row.get("key_header")) for row in rows)))


@cache
def doors_of(dialect: str | None) -> tuple[Door, ...]:
    """Return the doors of a dialect, or of all of them.

    Raises:
        ValueError: There is no such dialect.
    """
    if dialect is None:
        return tuple(door for name in dialect_names() for door in _doors(name) if not door.only_pinned)
    base_path(dialect)
    return tuple(_doors(dialect))


@lru_cache(_MOST_LOOKED_UP)
def find(dialect: str | None, method: str, path: str) -> Found | None:
    """Return what is behind a path, None where nothing is."""
    for door in doors_of(dialect):
        match = door.pattern.search(path) if door.method == method else None
        if match is not None:
            names = match.groupdict()
            return Found(door, unquote(names.get("model") or ""), names.get("job") or "", path[: match.start()])
    return None


def _doors(dialect: str) -> Iterator[Door]:
    row = as_object(as_object(known()["dialects"])[dialect])
    for told in map(as_object, as_list(row["doors"])):
        name = as_text(told["form"])
        errors = as_object(as_object(known()["forms"]).get(as_text(told.get("error_form")))).get("error")
        yield Door(
            dialect=dialect,
            method=as_text(told.get("method")) or "POST",
            pattern=re.compile(f"{as_text(told['path'])}/?$"),
            form=form_of(name, row.get("error") or errors),
            task=cast("Task", told["task"]),
            streams=cast("Literal['told', 'always', 'never', 'unless_false']", told.get("streams", "told")),
            model_at=cast("tuple[str | int, ...]", tuple(as_list(told.get("model_at")))),
            only_pinned=told.get("only_pinned") is True,
            is_open=told.get("is_open") is True,
            page=told.get("page"),
            listing=row["list"],
            row=as_object(row["row"]),
        )
