"""Rows, requests and attempts for the tests of routing, each with one line of arguments."""

from collections.abc import Mapping

from openmux_lc.types.catalog import Limit, Model, PoolEntry, Profile, Provider, Route, Task
from openmux_lc.types.json import Json
from openmux_lc.types.run import Attempt, Message, Request

TEXT: frozenset[Task] = frozenset({"chat", "code", "other"})


def entry(
    route: str,
    *,
    tasks: frozenset[Task] = TEXT,
    profile: Profile | None = None,
    quality: Mapping[str, float] | None = None,
    capability: float = 0.5,
    blocked: str = "",
    rank: int = 100,
    is_local: bool = False,
    limits: tuple[Limit, ...] = (),
) -> PoolEntry:
    """Return a pool entry of the route `provider:model`."""
    provider, _, model = route.partition(":")
    return PoolEntry(
        route=Route(provider, model),
        provider=Provider(id=provider, name=provider, base_url="http://127.0.0.1", is_local=is_local, limits=limits),
        model=Model(id=model, tasks=tasks, profile=profile or Profile(), quality=quality or {}, capability=capability),
        blocked=blocked,
        rank=rank,
    )


def route(text: str) -> Route:
    """Return the route that `text` names."""
    return Route(*text.split(":", 1))


def ask(text: str, *parts: Mapping[str, Json], **fields: object) -> Request:
    """Return the request of one user message, with parts besides the text."""
    content: Json = [{"type": "text", "text": text}, *parts] if parts else text
    messages: tuple[Message, ...] = ({"role": "user", "content": content},)
    return Request(messages=messages, **fields)  # type: ignore[arg-type]


def failed(name: str, **fields: object) -> Attempt:
    """Return a failed attempt at the route `name`."""
    return Attempt(route=route(name), **{"outcome": "failed", "error": "ServerError", **fields})  # type: ignore[arg-type]


IMAGE: Mapping[str, Json] = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
AUDIO: Mapping[str, Json] = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
