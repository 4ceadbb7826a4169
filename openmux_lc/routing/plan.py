"""The plan: which routes are asked, in which order, and why.

Pure and deterministic for a seed. A plan never holds a blocked route; a chain never
leaves its list unless it ends in `auto`.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Literal, NamedTuple, Self

from openmux_lc.routing.classify import classify
from openmux_lc.routing.eligible import able_entries, paused_routes, to_requirements, token_ceiling, why_not
from openmux_lc.routing.score import affinity, score, weakened, weights_of, with_state
from openmux_lc.routing.waiting import as_rested, with_wait
from openmux_lc.types.catalog import PoolEntry, Route
from openmux_lc.types.run import Candidate, Classification, Options, Plan, Rejection, Request, Requirements
from openmux_lc.types.state import RouteState, Snapshot, Weakness

__all__ = ["Pool", "make_plan"]

_UNKNOWN = RouteState()
_KEPT_RANKINGS = 128
_NO_LIMIT = 1 << 60
_WEAKNESSES: Mapping[str, Weakness] = {"tool_calling": "talks_tools", "structured_output": "breaks_schema"}
_PROMPT_S = 5.0


class _Kind(NamedTuple):
    """What a ranking depends on, but for the ledger and the length of the prompt."""

    requirements: Requirements
    task: str
    tags: tuple[str, ...]
    difficulty: float
    weights: tuple[tuple[str, float], ...]
    pinned: tuple[Route, ...]
    is_open: bool


class _Ranking(NamedTuple):
    """Able entries with the score of a route nobody has used yet, and the others."""

    able: tuple[tuple[PoolEntry, Candidate], ...]
    rejected: tuple[Rejection, ...]
    least_window: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """The entries, with the parts that hold for every request worked out once.

    Args:
        entries: Every route, blocked ones too.
        open: Those that may be called.
        blocked: The rejections of all the others.
        index: Entries by route.
        rankings: What was worked out for earlier requests of the same kind, bounded.
    """

    entries: tuple[PoolEntry, ...]
    open: tuple[PoolEntry, ...]
    blocked: tuple[Rejection, ...]
    index: Mapping[Route, PoolEntry]
    rankings: dict[_Kind, _Ranking] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, entries: Iterable[PoolEntry]) -> Self:
        """Return the pool of `entries`."""
        every = tuple(entries)
        return cls(
            entries=every,
            open=tuple(entry for entry in every if not entry.blocked),
            blocked=tuple(Rejection(route=str(entry.route), reason=entry.blocked) for entry in every if entry.blocked),
            index={entry.route: entry for entry in every},
        )


def make_plan(  # noqa: PLR0913 - one value of the run each
    pool: Pool,
    request: Request,
    options: Options,
    snapshot: Snapshot,
    *,
    classification: Classification | None = None,
    previous: Route | None = None,
    weights: Mapping[str, Mapping[str, float]] | None = None,
    chain: Sequence[Route | Literal["auto"]] = (),
    fallback: Sequence[Route] = (),
) -> Plan:
    """Return the plan for a request.

    Args:
        pool: What there is.
        request: What to answer.
        options: How the pool may answer.
        snapshot: The ledger.
        classification: As found before; default is to classify now.
        previous: The route that answered last; preferred while it is well.
        weights: The user's own routing profiles.
        chain: Resolved routes in the user's order; `auto`, first or last, stands for the pool.
        fallback: Routes tried after the chosen ones (S0-16).

    Raises:
        ConfigError: No such routing profile.
    """
    found = classification or classify(request, task=options.task)
    requirements = to_requirements(request, found)
    chosen = weights_of(options.routing_profile, weights or {})
    before, after, is_open = _sides(chain)
    pinned = (*before, *after)
    named = frozenset(pinned)
    kind = _Kind(
        replace(requirements, min_context_tokens=0),
        found.task,
        found.tags,
        found.difficulty,
        tuple(sorted(chosen.items())),
        pinned,
        is_open,
    )
    ranking = pool.rankings.get(kind) or _rank(pool, kind, found, chosen)
    short = _too_small(ranking, requirements, named, snapshot)
    paused = paused_routes((entry for entry, _ in ranking.able), snapshot, named=named)
    fitting = [row for row in ranking.able if row[0].route not in short]
    rows = [row for row in fitting if row[0].route not in paused]
    if not rows:
        rows = _on_trial(fitting, snapshot)
        paused = {route: entry for route, entry in paused.items() if route not in {row[0].route for row in rows}}
    rejected = (*ranking.rejected, *short.values(), *paused.values())
    weak = _weak(rows, snapshot, requirements)
    candidates = _ordered(rows, snapshot, chosen, seed=options.seed, previous=previous, weak=weak)
    ranked = [candidate.route for candidate in candidates]
    well = set(ranked)
    others = [route for route in fallback if route not in named] if is_open else []
    last = [route for route in dict.fromkeys((*after, *others)) if route in well]
    order = _well_first([route for route in dict.fromkeys(before) if route in well], snapshot)
    if is_open:
        order += _providers_first([route for route in ranked if route not in named and route not in last])
        order = _with_fallback(order, last, options)
        order += _last_resort([row for row in fitting if row[0].route in paused], snapshot, options)
    plan = Plan(
        branches=_branches(order, options),
        candidates=tuple(candidates),
        rejected=(*rejected, *(pool.blocked if is_open else ()), *_left_out(pool, pinned, is_open=is_open)),
        classification=found,
        requirements=requirements,
        options=options,
        why=_why(order, candidates, found, options, pinned),
        largest_window=None if fitting else _largest_window(ranking, short, snapshot),
    )
    if options.max_wait_s <= 0 or not snapshot.cooldowns:
        return plan
    resting = [row for row in fitting if _rests(row[0].route, snapshot, paused, named)]
    return with_wait(plan, as_rested(resting, snapshot, chosen, previous=previous), snapshot)


def _rests(route: Route, snapshot: Snapshot, paused: Collection[Route], named: Collection[Route]) -> bool:
    """Whether `route` may be asked once its rest is over; one that costs money never may.

    A named route is asked during a guess of ours, but waits for what was told.
    """
    pause = snapshot.cooldown(route)
    if pause is None or pause.source == "paid":
        return False
    return route in paused or (route in named and pause.firm_until > snapshot.at)


def _sides(chain: Sequence[Route | Literal["auto"]]) -> tuple[tuple[Route, ...], tuple[Route, ...], bool]:
    """Return the routes before `auto`, those after it, and whether the pool is open at all."""
    if "auto" not in chain:
        routes = tuple(route for route in chain if route != "auto")
        return routes, (), not routes
    place = chain.index("auto")
    return (
        tuple(route for route in chain[:place] if route != "auto"),
        tuple(route for route in chain[place + 1 :] if route != "auto"),
        True,
    )


def _rank(pool: Pool, kind: _Kind, found: Classification, weights: Mapping[str, float]) -> _Ranking:
    """Return the ranking for a kind of request, worked out once."""
    scope = pool.open if kind.is_open else tuple(pool.index[route] for route in kind.pinned if route in pool.index)
    able, rejected = able_entries(scope, kind.requirements, named=frozenset(kind.pinned))
    ranking = _Ranking(
        able=tuple(
            (entry, Candidate(route=entry.route, score=score(entry, found, kind.requirements, _UNKNOWN, weights)))
            for entry in able
        ),
        rejected=tuple(rejected),
        least_window=min((_window(entry) for entry in able), default=0),
    )
    # A list first: another thread may add to the rankings meanwhile.
    for oldest in list(pool.rankings)[: max(0, len(pool.rankings) - _KEPT_RANKINGS + 1)]:
        pool.rankings.pop(oldest, None)
    pool.rankings[kind] = ranking
    return ranking


def _on_trial(rows: Sequence[tuple[PoolEntry, Candidate]], snapshot: Snapshot) -> list[tuple[PoolEntry, Candidate]]:
    """Return the routes whose pause is a guess of ours, where nobody else is left to ask.

    A pause that the provider told, a quota that is used up and a cost stay what they are,
    also where a longer guess of ours lies over them.
    """
    pauses = ((row, snapshot.cooldown(row[0].route)) for row in rows)
    return [row for row, pause in pauses if pause is not None and pause.is_guess and pause.firm_until <= snapshot.at]


def _last_resort(rows: Sequence[tuple[PoolEntry, Candidate]], snapshot: Snapshot, options: Options) -> list[Route]:
    """Return the routes that only a guess of ours pauses, the first to be well in front: better asked than an error.

    One that is known to keep its callers waiting would cost the time in which the others
    are repeated.
    """
    if options.fan_out > 1:
        return []
    routes = [entry.route for entry, _ in _on_trial(rows, snapshot)]
    prompt = [route for route in routes if (snapshot.routes.get(route, _UNKNOWN).response_s or 0.0) <= _PROMPT_S]
    pauses = {route: pause.until for route in prompt if (pause := snapshot.cooldown(route)) is not None}
    return sorted(pauses, key=lambda route: pauses[route])


def _too_small(
    ranking: _Ranking, requirements: Requirements, named: frozenset[Route], snapshot: Snapshot
) -> dict[Route, Rejection]:
    """Return the entries whose window, declared or named by the host itself, is too small for this prompt."""
    need = requirements.min_context_tokens
    if need <= ranking.least_window and not snapshot.refused:
        return {}
    short: dict[Route, Rejection] = {}
    for entry, _ in ranking.able:
        reason = why_not(entry, requirements, is_named=entry.route in named) if need > ranking.least_window else ""
        told = snapshot.window(entry.route)
        if not reason and told is not None and need > told:
            reason = f"it said that its window has {told} tokens, too few for about {need}"
        if reason:
            short[entry.route] = Rejection(route=str(entry.route), reason=reason)
    return short


def _largest_window(ranking: _Ranking, short: Mapping[Route, Rejection], snapshot: Snapshot) -> int | None:
    """Return the largest window among the entries that are too small, those that rest last."""
    windows = [
        (snapshot.cooldown(entry.route) is None, min(_window(entry), snapshot.window(entry.route) or _NO_LIMIT))
        for entry, _ in ranking.able
        if entry.route in short
    ]
    return max(windows)[1] if windows else None


def _weak(
    rows: Sequence[tuple[PoolEntry, Candidate]], snapshot: Snapshot, requirements: Requirements
) -> frozenset[Route]:
    """Return the routes that were seen to be bad at what this request asks for."""
    if not snapshot.refused:
        return frozenset()
    asked = [weakness for key, weakness in _WEAKNESSES.items() if key in requirements.profile_keys]
    return frozenset(
        entry.route for entry, _ in rows if any(snapshot.is_weak(entry.route, weakness) for weakness in asked)
    )


def _window(entry: PoolEntry) -> int:
    """Return the longest prompt that this route could ever take."""
    window = entry.model.profile.get("max_input_tokens")
    return min(window if isinstance(window, int) else _NO_LIMIT, token_ceiling(entry) or _NO_LIMIT)


def _ordered(  # noqa: PLR0913 - one value of the run each
    rows: Sequence[tuple[PoolEntry, Candidate]],
    snapshot: Snapshot,
    weights: Mapping[str, float],
    *,
    seed: int | None,
    previous: Route | None,
    weak: frozenset[Route],
) -> list[Candidate]:
    """Return the candidates, best first; ties by rank and name, or by the seed's draw."""
    draw = random.Random(seed) if seed is not None else None  # noqa: S311 - not a secret
    keyed: list[tuple[float, float, Route, Candidate]] = []
    for entry, fresh in rows:
        state = snapshot.routes.get(entry.route)
        candidate = fresh
        if state is not None:
            known = with_state(fresh.score, state, weights, is_local=entry.provider.is_local)
            candidate = Candidate(route=entry.route, score=known)
        if entry.route == previous:
            candidate = Candidate(route=entry.route, score=affinity(candidate.score))
        if entry.route in weak:
            candidate = Candidate(route=entry.route, score=weakened(candidate.score))
        keyed.append((-candidate.score.total, draw.random() if draw else entry.rank, entry.route, candidate))
    keyed.sort(key=itemgetter(0, 1, 2))
    return [row[3] for row in keyed]


def _providers_first(routes: Sequence[Route]) -> list[Route]:
    """Return the best route of each provider, then the second ones, and so on.

    A dead provider then costs one attempt, not one for each of its models.
    """
    seen: dict[str, int] = {}
    waves: list[tuple[int, int, Route]] = []
    for number, route in enumerate(routes):
        turn = seen.get(route.provider, 0)
        seen[route.provider] = turn + 1
        waves.append((turn, number, route))
    return [route for _, _, route in sorted(waves, key=lambda wave: wave[:2])]


def _well_first(pinned: Sequence[Route], snapshot: Snapshot) -> list[Route]:
    """Return the user's routes in their order, paused ones behind the others.

    The last one left is asked even while it is paused: nobody else could answer.
    """
    return sorted(pinned, key=lambda route: snapshot.cooldown(route) is not None)


def _with_fallback(order: Sequence[Route], last: Sequence[Route], options: Options) -> list[Route]:
    """Return the order with the user's fallback inside what may be tried."""
    kept = max(options.fan_out, options.max_attempts - len(last))
    return [*order[:kept], *last, *order[kept:]]


def _branches(order: Sequence[Route], options: Options) -> tuple[tuple[Route, ...], ...]:
    """Return one branch per wanted answer; each starts with another route.

    They are not cut: what the ledger refuses costs no attempt, and `next_calls` counts.
    """
    if not order:
        return ()
    wanted = min(options.fan_out, len(order))
    shared = order[wanted:]
    return tuple((order[number], *shared[number::wanted]) for number in range(wanted))


def _left_out(pool: Pool, pinned: Sequence[Route], *, is_open: bool) -> list[Rejection]:
    """Return named routes that the pool does not hold at all."""
    missing = [route for route in pinned if route not in pool.index]
    return [
        Rejection(
            route=str(route), reason="is not in the pool" if is_open else "is not in the pool; see `openmux models`"
        )
        for route in missing
    ]


def _why(
    order: Sequence[Route],
    candidates: Sequence[Candidate],
    found: Classification,
    options: Options,
    pinned: Sequence[Route],
) -> tuple[str, ...]:
    """Return short sentences: what was asked for, and why the first route is first."""
    how = "set by the caller" if found.is_override else f"confidence {found.confidence:.2f}"
    lines = [f"task {found.task} ({how}), difficulty {found.difficulty:.2f}"]
    if not order:
        return tuple(lines)
    first = order[0]
    if first in pinned:
        lines.append(f"{first} was named by the caller")
        return tuple(lines)
    value = next(candidate.score for candidate in candidates if candidate.route == first)
    terms = ", ".join(
        f"{name} {amount:.2f}" for name, amount in value.terms.items() if name not in {"known", "calm"} or amount < 1
    )
    lines.append(f"{first} is best of {len(candidates)} by {options.routing_profile!r}: {value.total:.2f} ({terms})")
    return tuple(lines)
