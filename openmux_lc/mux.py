"""`Mux`, the pool: wires catalog, keys, ledger, local engines and adapters.

The composition root: it decides nothing itself. Routing decides, the engine acts.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Self, cast

from openmux_lc.account_truth import AccountTruth, Told
from openmux_lc.catalog.catalog import Catalog, load_catalog
from openmux_lc.catalog.pool import is_looked_for, pool_entries, pool_entry
from openmux_lc.errors import ConfigError
from openmux_lc.keys import KeyFinder, KeysInCode
from openmux_lc.ledger.ledger import Ledger
from openmux_lc.local.discovery import Discovery
from openmux_lc.local.offline import may_reach
from openmux_lc.message_input import Messages, to_request
from openmux_lc.quotas import FIRST_SLOT, TOKENS_PER_CALL, declared_limits, forecast, turns
from openmux_lc.routing.classify import classify
from openmux_lc.routing.plan import Pool, make_plan
from openmux_lc.run_memory import RunMemory
from openmux_lc.settings import Settings
from openmux_lc.types.capacity import Capacity
from openmux_lc.types.catalog import Evidence, FreeRule, Limit, Model, PoolEntry, Profile, Provider, Route, Task
from openmux_lc.types.json import Json
from openmux_lc.types.report import to_dry_report
from openmux_lc.types.run import Classification, Options, Plan, Report, Request
from openmux_lc.types.state import Snapshot
from openmux_lc.types.wire import Adapter, Call
from openmux_lc.waits import patience_s

if TYPE_CHECKING:
    from langchain_core.embeddings import Embeddings
    from langchain_core.language_models import BaseChatModel

    from openmux_lc.http import Clients

__all__ = ["Messages", "Mux", "to_request"]

_KEPT_POOLS = 64


class Mux:
    """One pool of free models behind every surface.

    Args:
        settings: Default `Settings.load()`.
        keys: Keys by provider id, one or several; they win over environment, `.env` and keyring.
        ledger: Default the one that `settings.state_url` names.
        catalog: Default the shipped rows with the user's additions.

    Example:
        >>> from openmux_lc import Mux, Settings
        >>> mux = Mux(Settings(offline=True, state_url="memory:"))
        >>> mux.explain("What is 7 + 5?")["task"]
        'other'
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        keys: KeysInCode | None = None,
        ledger: Ledger | None = None,
        catalog: Catalog | None = None,
    ) -> None:
        """Read settings; network, engines and state wait for the first question."""
        self.settings = settings or Settings.load()
        self._keys = KeyFinder(self.settings, keys)
        self._catalog = catalog
        self._ledger = ledger
        self._clients: Clients | None = None
        self._pool: Pool | None = None
        self._discovery = Discovery()
        self._discovered = -1
        self._adapters: dict[str, Adapter] = {}
        self._added: dict[Route, tuple[Model, Adapter, bool]] = {}
        self._named_pools: dict[tuple[Route, ...], Pool] = {}
        self._runs = RunMemory(lambda: self.ledger, lambda: self._guard)
        self._headers: dict[str, dict[str, str]] | None = None
        self._truth = AccountTruth(self._keys, lambda: self.ledger)
        self._lock = threading.RLock()
        self._pid = os.getpid()

    @property
    def _guard(self) -> threading.RLock:
        """The lock of this process: after a fork the parent's may be held by nobody."""
        if self._pid != os.getpid():
            self._lock, self._pid = threading.RLock(), os.getpid()
        return self._lock

    def __repr__(self) -> str:
        """Name the pool without its keys."""
        return f"Mux(providers={self.settings.providers or 'all'}, offline={self.settings.offline})"

    @classmethod
    def default(cls) -> Mux:
        """Return this process's own pool, made at first use and closed at exit."""
        from openmux_lc.process_pool import process_pool

        return process_pool()

    @property
    def catalog(self) -> Catalog:
        """What exists, with the engines found so far."""
        with self._guard:
            if self._catalog is None:
                self._catalog = load_catalog(self.settings, keys_in_code=self._keys.in_code)
            return self._catalog

    @property
    def ledger(self) -> Ledger:
        """Quotas, health and the run log."""
        with self._guard:
            if self._ledger is None:
                self._ledger = Ledger.open(self.settings.resolved_state_url)
            return self._ledger

    @property
    def clients(self) -> Clients:
        """HTTP clients, shared by all adapters."""
        with self._guard:
            if self._clients is None:
                from openmux_lc.http import Clients  # 120 ms, spared where nothing is sent

                self._clients = Clients()
            return self._clients

    def add(
        self,
        route: str,
        model: BaseChatModel | Embeddings,
        *,
        tasks: frozenset[Task] | None = None,
        profile: Profile | None = None,
        is_local: bool = False,
    ) -> Route:
        """Let a LangChain model the user already has join the pool.

        Args:
            route: The name it gets, `provider:model`.
            model: Any `BaseChatModel` or `Embeddings`; adding it is the user's word that calling it is free.
            tasks: What it serves; default text, or embeddings for an `Embeddings`.
            profile: Abilities; default the model's own `profile`.
            is_local: It runs here, so it may be used offline.

        Raises:
            ConfigError: `route` is not of the form `provider:model`.
        """
        from openmux_lc.providers.langchain import LangChainAdapter  # loads langchain-core

        provider_id, separator, model_id = route.partition(":")
        if not (separator and provider_id and model_id):
            raise ConfigError(f"{route!r} is no route; write provider:model, such as 'mine:{route or 'model'}'")
        adapter = LangChainAdapter(model)
        name = Route(provider_id, model_id)
        entry = Model(
            id=model_id,
            tasks=tasks or adapter.tasks,
            profile=profile or adapter.profile,
            evidence=Evidence(kind="user", source="Mux.add", as_of="", confidence="high"),
        )
        with self._guard:
            catalog = self.catalog
            if provider_id not in catalog.providers:
                row = Provider(id=provider_id, name=provider_id, base_url="", dialect="langchain", is_local=is_local)
                catalog = catalog.with_provider(replace(row, free=FreeRule(all_models=True, kind="user")))
            kept = tuple(known for known in catalog.provider(provider_id).models if known.id != model_id)
            self._catalog = catalog.with_models(provider_id, (*kept, entry))
            self._added[name] = (entry, adapter, is_local)
            self._pool = None
        return name

    def pool(self) -> Pool:
        """Return the routes as they stand, engines on this machine included."""
        self._discovery.refresh(self._local_rows, lambda: self.clients, headers=self._local_headers())
        with self._guard:
            if self._pool is None or self._discovered != self._discovery.version:
                self._discovered = self._discovery.version
                catalog = self.catalog
                for engine in self._discovery.engines:
                    own = [model for route, (model, _, _) in self._added.items() if route.provider == engine.provider]
                    catalog = catalog.with_models(engine.provider, (*engine.models, *own), base_url=engine.base_url)
                self._catalog = catalog
                self._adapters = {}
                self._named_pools = {}
                entries = pool_entries(catalog, settings=self.settings, has_key=self._keys.has)
                self._pool = Pool.of(
                    self._unblocked(entry) if entry.route in self._added else entry for entry in entries
                )
            return self._pool

    async def look_around(self) -> None:
        """Look for engines on this machine if that is due, without blocking the loop."""
        await self._discovery.refresh_async(self._local_rows, lambda: self.clients, headers=self._local_headers())

    def entries(self) -> tuple[PoolEntry, ...]:
        """Return every route with the reason why it may not be called, if any."""
        return self.pool().entries

    def classify(self, request: Request, task: Task | None = None) -> Classification:
        """Return what kind of request this is; nothing leaves the process."""
        return classify(request, task=task)

    def plan(
        self,
        request: Request,
        options: Options,
        *,
        classification: Classification | None = None,
        previous: Route | None = None,
    ) -> Plan:
        """Return the routes to ask, in order, and why the others are not."""
        self.pool()  # engines found just now may be named
        chain, fallback = (self.catalog.resolve_chain(texts) for texts in (options.chain, self.settings.fallback))
        return make_plan(
            self._pool_with((*chain, *fallback)),
            request,
            options,
            self.snapshot(),
            classification=classification,
            previous=previous,
            weights=self.settings.weights,
            chain=chain,
            fallback=tuple(route for route in fallback if route != "auto"),
        )

    def explain(self, messages: Messages, options: Options | None = None) -> dict[str, Json]:
        """Return the report of a run without running it.

        Args:
            messages: A text, OpenAI message objects, or LangChain messages.
            options: As for a real run.
        """
        chosen = options or self.default_options()
        return to_dry_report(self.plan(to_request(messages), chosen))

    def recommend(self, text: str, n: int = 5) -> list[dict[str, Json]]:
        """Return the `n` best routes for a task told in plain words, best first."""
        return cast("list[dict[str, Json]]", self.explain(text)["candidates"])[: max(0, n)]

    def report(self, run_id: str) -> dict[str, Json]:
        """Return the full report of an earlier run.

        Raises:
            KeyError: No run of that id is remembered.
        """
        return self._runs.find(run_id)

    def remember(self, report: Report) -> None:
        """Keep a run's report."""
        self._runs.keep(report)

    def default_options(self) -> Options:
        """Return the options that the settings name."""
        return self.settings.to_options()

    def adapter(self, route: Route) -> Adapter:
        """Return what speaks to `route`."""
        if route in self._added:
            return self._added[route][1]
        adapter = self._adapters.get(route.provider)
        if adapter is None:
            from openmux_lc.providers.registry import adapter_for  # loads httpx

            row = self.catalog.provider(route.provider)
            adapter = self._adapters[route.provider] = adapter_for(row, self.clients, self.ledger)
        return adapter

    def call(  # noqa: PLR0913 - one value of the run each
        self,
        route: Route,
        request: Request,
        *,
        deadline: float,
        is_last: bool,
        is_stream: bool,
        options: Options,
        key_slot: int = 0,
    ) -> Call:
        """Return the call that asks `route`, with its key and its waits."""
        provider = self.catalog.provider(route.provider)
        now = time.monotonic()
        patience = patience_s(provider, max(0.0, deadline - now), options, is_last=is_last, is_stream=is_stream)
        self._truth.ask_if_due(provider)
        key = None if route in self._added else self._keys.find(provider, key_slot)
        return Call(
            provider=provider,
            model=route.model,
            request=request,
            deadline=deadline,
            key=key.secret if key else None,
            first_byte_s=patience,
            content_by=None if is_last else now + patience,
            is_judged=True,
            stall_s=options.stall_s if is_last else min(options.stall_s, patience),
        )

    def limits(self, route: Route) -> tuple[Limit, ...]:
        """Return the quotas that hold for `route`."""
        return () if route in self._added else declared_limits(self.catalog.provider(route.provider), route.model)

    def key_slots(self, route: Route) -> tuple[int, ...]:
        """Return the keys that may take turns on `route`, by slot."""
        return FIRST_SLOT if route in self._added else self._turns.get(route.provider, FIRST_SLOT)

    def snapshot(self) -> Snapshot:
        """Return the ledger as it stands, with the keys that take turns."""
        seen, slots = self.ledger.snapshot(), self._turns
        return replace(seen, key_slots=slots) if slots else seen

    def capacity(
        self, *, task: Task = "chat", tokens_per_call: int = TOKENS_PER_CALL, until: float | None = None
    ) -> Capacity:
        """Return what can still be called, per route and in all; asks nobody and sends nothing.

        Args:
            task: Routes that serve it.
            tokens_per_call: What a usual call uses, prompt and answer together.
            until: Epoch seconds at which the forecast ends; default the end of the local day.
        """
        return forecast(self, task=task, tokens=tokens_per_call, until=until)

    def refresh_quotas(self) -> tuple[Told, ...]:
        """Ask every provider that tells it what the account has left; waits five seconds at most."""
        return self._truth.ask({entry.route.provider: entry.provider for entry in self.pool().open}.values())

    def missing_engines(self) -> tuple[Provider, ...]:
        """Return the local engines that were looked for and not found."""
        found = {engine.provider for engine in self._discovery.engines}
        return tuple(row for row in self._local_rows() if row.id not in found and not row.models)

    def close(self) -> None:
        """Write what is pending and close files and sockets."""
        if self._ledger is not None:
            self._ledger.close()
        if self._clients is not None:
            self._clients.close()

    async def aclose(self) -> None:
        """Close like `close`, the running loop's clients included."""
        if self._clients is not None:
            await self._clients.aclose()
        self.close()

    def __enter__(self) -> Self:
        """Return the pool itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the pool."""
        self.close()

    @cached_property
    def _turns(self) -> Mapping[str, tuple[int, ...]]:
        """The keys that may take turns, by provider, where they are others than the first."""
        every = {row.id: turns(row, self._keys) for row in self.catalog.providers.values()}
        return {name: slots for name, slots in every.items() if slots != FIRST_SLOT}

    def _pool_with(self, named: Sequence[Route | Literal["auto"]]) -> Pool:
        """Return the pool with the routes that the user names, known or not."""
        pool = self.pool()
        routes = tuple(dict.fromkeys(route for route in named if route != "auto"))
        if not routes:
            return pool
        with self._guard:
            if routes not in self._named_pools:
                while len(self._named_pools) >= _KEPT_POOLS:
                    self._named_pools.pop(next(iter(self._named_pools)), None)
                entries = {entry.route: entry for entry in pool.entries}
                for route in routes:
                    if route not in self._added:
                        entries[route] = pool_entry(self.catalog, route, settings=self.settings, has_key=self._keys.has)
                self._named_pools[routes] = Pool.of(tuple(entries.values()))
            return self._named_pools[routes]

    def _unblocked(self, entry: PoolEntry) -> PoolEntry:
        """Return an added model's entry as it may be called: it brings its own key."""
        if entry.route not in self._added:
            return entry
        if self.settings.offline and not self._added[entry.route][2]:
            return replace(entry, blocked="offline: remote routes are forbidden by OPENMUX_OFFLINE")
        return replace(entry, blocked="")

    def _local_headers(self) -> dict[str, dict[str, str]]:
        """Return the headers for engines here that were started with a key, by provider id."""
        if self._headers is None:
            self._headers = {row.id: headers for row in self._local_rows() if (headers := self._keys.headers(row))}
        return self._headers

    def _local_rows(self) -> tuple[Provider, ...]:
        rows = self.catalog.providers.values()
        return tuple(row for row in rows if is_looked_for(row, self.settings) and may_reach(self.settings, row))
