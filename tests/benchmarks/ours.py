"""Our contenders: the whole pool, with state in SQLite, against the upstream.

Every row of the catalog takes part: each remote provider gets a made-up key and the
upstream's address. Local engines get an address where nobody listens, so that they
are looked for as on a machine without any, and what runs on this machine stays out of
it. The limits keep their windows and scopes but allow a billion, or a benchmark's
thousands of calls a minute would use up what the free tiers give.

Failover: the ledger leaves a route that refused alone, so that the next call would
not meet it again. Between two calls, unmeasured, every pause is lifted (`uncool`);
statistics and quotas stay as they are.
"""

import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Final

from langchain_core.messages import AIMessage
from peers import KEY, QUESTION, Player, of_langchain

from openmux_lc import ChatOpenMux, Mux, __version__
from openmux_lc.catalog.catalog import Catalog, load_catalog
from openmux_lc.engine.ask import AnswerStream, aask, ask
from openmux_lc.ledger.ledger import Ledger
from openmux_lc.settings import Settings
from openmux_lc.types.catalog import Auth, FreeRule, Limit, Model, Provider, Route, Window
from openmux_lc.types.run import Options, Request

_NOBODY: Final = "http://127.0.0.1:9/v1"
_DAY: Final = Window(kind="calendar_day")
_PLENTY: Final = 1_000_000_000


def automatic(good: str, bad: str | None) -> Player:
    """`ChatOpenMux()` as people write it.

    Whichever route it chooses has to refuse for a failover, and the next one not to:
    with `bad`, that is where every provider is, and it refuses every other request.
    """
    mux = _pool(bad or good)
    return _chat(mux, ChatOpenMux(), is_reset=bad is not None)


def chain(good: str, bad: str | None) -> Player:
    """`ChatOpenMux(model=[a, b])`, two routes of different providers; with `bad`, `a` refuses."""
    mux, routes = _pair(good, bad)
    return _chat(mux, ChatOpenMux(model=routes), is_reset=bad is not None)


def pinned(good: str, bad: str | None) -> Player:
    """`ChatOpenMux(model="provider:model")`."""
    mux, routes = _pair(good, bad)
    return _chat(mux, ChatOpenMux(model=routes[0]), is_reset=False)


def plain_transport(good: str, bad: str | None) -> Player:
    """`ChatOpenMux()` without the extra `fast`: asynchronous calls over plain httpx."""
    sys.modules["httpx_aiohttp"] = None  # type: ignore[assignment]  # as where it is not installed
    return automatic(good, bad)


def engine(good: str, bad: str | None) -> Player:
    """The engine alone, as the command line uses it: neither LangChain nor a graph."""
    mux, routes = _pair(good, bad)
    options = Options(chain=tuple(routes)) if bad else mux.default_options()
    request = Request(messages=({"role": "user", "content": QUESTION},))

    async def acall() -> str:
        return (await aask(mux, request, options)).answer.text

    def stream() -> Iterator[str]:
        with AnswerStream(mux, request, options) as chunks:
            yield from (chunk.text for chunk in chunks)

    return Player(
        versions=_version(),
        call=lambda: ask(mux, request, options).answer.text,
        acall=acall,
        stream=stream,
        reset=_reset(mux) if bad else None,
        note=_noting(mux),
    )


class HostsPlayer:
    """`ChatOpenMux()` over some hosts alone, a model each; tells of its last call.

    Args:
        hosts: Dialect and address of each; the first ones are the better ones.
        state_url: Where the ledger is kept.
        limit: Requests a day, so that there is something to reserve.
        options: Of the chat model.
    """

    def __init__(
        self,
        hosts: Sequence[Sequence[str]],
        *,
        state_url: str = "memory:",
        limit: int | None = None,
        **options: object,
    ) -> None:
        """Make the pool."""
        limits = () if limit is None else (Limit(unit="requests", amount=limit, window=_DAY, scope="key"),)
        rows = [
            replace(_host_row(number, dialect, address), limits=limits)
            for number, (dialect, address) in enumerate(hosts)
        ]
        catalog = Catalog(providers={row.id: row for row in rows})
        self.mux = Mux(Settings(state_url="memory:"), catalog=catalog, ledger=Ledger.open(state_url))
        self.model = ChatOpenMux(mux=self.mux, **options)
        self._run_id = ""
        self._before = self.mux.ledger.snapshot()

    @property
    def player(self) -> Player:
        """The four ways to call it."""
        return Player(versions=_version(), call=self._call, acall=self._acall, stream=self._stream,
                      astream=self._astream)  # fmt: skip

    def told(self, took_s: float, error: BaseException | None) -> dict[str, object]:
        """Return what came of the last call: see `chaos_turns.py`."""
        if error is not None:
            attempts = getattr(error, "attempts", ())
            up = self._up({attempt.route for attempt in attempts})
            asked = ", ".join(f"{each.route.provider} {each.error or each.outcome}" for each in attempts)
            return {
                "outcome": type(error).__name__ if up else "nobody",
                "faults": len(attempts),
                "note": f"asked {asked or 'nobody'}; up {', '.join(up)}",
            }
        attempts = self.mux.report(self._run_id)["attempts"]
        last = attempts[-1]
        own_ms = last["elapsed_ms"] if last["first_token_ms"] is None else last["first_token_ms"]
        return {
            "outcome": "answered",
            "faults": len(attempts) - 1,
            "added_s": max(0.0, took_s - own_ms / 1000),
            "waited_s": sum(attempt["waited_ms"] for attempt in attempts) / 1000,
        }

    def _up(self, asked: AbstractSet[Route]) -> list[str]:
        """Return the hosts that were not asked, and had not told us to stay away when the call began."""
        seen = self._before
        pauses = {entry.route: seen.cooldown(entry.route) for entry in self.mux.entries() if entry.route not in asked}
        return [route.provider for route, pause in pauses.items() if pause is None or pause.firm_until <= seen.at]

    def _call(self) -> str:
        self._before = self.mux.ledger.snapshot()
        return self._noted(self.model.invoke(QUESTION))

    async def _acall(self) -> str:
        self._before = self.mux.ledger.snapshot()
        return self._noted(await self.model.ainvoke(QUESTION))

    def _stream(self) -> Iterator[str]:
        self._before = self.mux.ledger.snapshot()
        return map(self._noted, self.model.stream(QUESTION))

    async def _astream(self) -> AsyncIterator[str]:
        self._before = self.mux.ledger.snapshot()
        async for chunk in self.model.astream(QUESTION):
            yield self._noted(chunk)

    def _noted(self, message: AIMessage) -> str:
        self._run_id = message.response_metadata.get("openmux", {}).get("run_id", self._run_id)
        return message.text


def _host_row(number: int, dialect: str, address: str) -> Provider:
    worth = 0.9 - number * 0.01
    return Provider(
        id=f"host-{number:02}",
        name=f"host-{number:02}",
        base_url=address,
        dialect=dialect,
        auth=Auth(mode="none"),
        free=FreeRule(all_models=True, kind="user"),
        models=(Model(id="bench-model", capability=worth, quality={"default": worth}),),
        rank=number,
        source="tests/benchmarks",
        origin="user",
    )


OURS: Final = {
    "ChatOpenMux": automatic,
    "ChatOpenMux [a, b]": chain,
    "ChatOpenMux pinned": pinned,
    "ChatOpenMux without [fast]": plain_transport,
    "engine.ask": engine,
}


def _chat(mux: Mux, model: ChatOpenMux, *, is_reset: bool) -> Player:
    return of_langchain(model, _version(), reset=_reset(mux) if is_reset else None, note=_noting(mux))


def _version() -> str:
    return f"openmux-lc {__version__}"


def _pool(address: str, elsewhere: dict[str, str] | None = None) -> Mux:
    """Return this process's own pool, with every remote provider at `address`.

    Home and working directory are new and empty: the harness saw to it.
    """
    for row in load_catalog(Settings()).providers.values():
        here = _NOBODY if row.is_local else (elsewhere or {}).get(row.id, address)
        os.environ[f"OPENMUX_{row.id.upper().replace('-', '_')}_BASE_URL"] = here
        if row.auth.env and row.auth.mode != "none":
            os.environ[row.auth.env[0]] = KEY
    mux = Mux.default()
    mux._catalog = _roomy(mux.catalog)  # the process's own pool takes no catalog, and it is what people use
    return mux


def _pair(good: str, bad: str | None) -> tuple[Mux, list[str]]:
    """Return the pool and two good routes of different providers; with `bad`, the first one's refuses."""
    mux = _pool(good)
    routes = [str(found["route"]) for found in mux.recommend(QUESTION, n=1000)]
    first = routes[0]
    host = first.partition(":")[0]
    second = next(route for route in routes if route.partition(":")[0] != host)
    return _pool(good, {host: bad}) if bad else mux, [first, second]


def _roomy(catalog: Catalog) -> Catalog:
    """Return the catalog with the same limits, too high to be met."""
    for row in catalog.providers.values():
        catalog = catalog.with_provider(_with_room(row))
    return catalog


def _with_room(row: Provider) -> Provider:
    def high(limits: tuple[Limit, ...]) -> tuple[Limit, ...]:
        return tuple(replace(limit, amount=_PLENTY) for limit in limits)

    return replace(
        row, limits=high(row.limits), model_limits={name: high(each) for name, each in row.model_limits.items()}
    )


def _reset(mux: Mux) -> Callable[[], None]:
    def reset() -> None:
        for name in tuple(mux.ledger.snapshot().cooldowns):
            mux.ledger.uncool(name)

    return reset


def _noting(mux: Mux) -> Callable[[], str]:
    def note() -> str:
        """Say how large the pool is, and who was asked in the last run."""
        entries = mux.entries()
        open_routes = sum(not entry.blocked for entry in entries)
        last = next(iter(mux.ledger.run_log.newest(1)), {})
        asked = " -> ".join(f"{each['route']} {each['status'] or each['outcome']}" for each in last.get("attempts", ()))
        return f"{len(entries)} routes, {open_routes} open; last run: {asked}"

    return note
