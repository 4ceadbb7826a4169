"""Whether to wait for a route that rests: for a much better one, or for the only one.

Pure. Nothing is reserved while a run waits: it asks when the route should be free, and
where another process was quicker it steps down at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from openmux_lc.routing.score import affinity, with_state
from openmux_lc.types.catalog import PoolEntry, Route
from openmux_lc.types.run import Attempt, Candidate, Plan
from openmux_lc.types.state import RouteState, Snapshot
from openmux_lc.types.timing import Wait

__all__ = ["MARGIN", "as_rested", "seconds_to_wait", "with_wait"]

MARGIN: Final = 0.1
"""By so much a route must score above the best free one to be worth any wait.

Scores lie between 0 and 1; under `balanced` it is what a quarter of the whole range of
quality makes, and less than the conversation's own route is preferred by."""

_SHORTEST_S: Final = 0.05
"""A wait that a host or the ledger tells as none at all still gives way a little."""

_MOST_WAITS: Final = 16
"""So often one run waits for the same route, which others may take each time."""

_LEAST_ANSWER_S: Final = 0.05
"""A wait that leaves no more than this of the deadline is in vain."""

_UNKNOWN: Final = RouteState()


def as_rested(
    rows: Sequence[tuple[PoolEntry, Candidate]],
    snapshot: Snapshot,
    weights: Mapping[str, float],
    *,
    previous: Route | None = None,
) -> list[Candidate]:
    """Return candidates scored as they will be once their quota has come back."""
    found: list[Candidate] = []
    for entry, fresh in rows:
        state = replace(snapshot.routes.get(entry.route, _UNKNOWN), headroom=1.0)
        score = with_state(fresh.score, state, weights, is_local=entry.provider.is_local)
        found.append(replace(fresh, score=affinity(score) if entry.route == previous else score))
    return found


def with_wait(plan: Plan, resting: Sequence[Candidate], snapshot: Snapshot) -> Plan:
    """Return the plan with what was decided about waiting, beginning with the route that is waited for.

    Where several answers are wanted none waits for a better route: the others would
    wait with it.

    Args:
        plan: Made as if nothing were worth a wait.
        resting: Able routes that rest now, scored as rested.
        snapshot: Says until when.
    """
    ends = {each.route: pause.until for each in resting if (pause := snapshot.cooldown(each.route)) is not None}
    known = sorted((each for each in resting if each.route in ends), key=lambda each: ends[each.route])
    longest_s = plan.options.max_wait_s
    if not known or longest_s <= 0 or (plan.options.fan_out > 1 and plan.branches):
        return plan
    bound_s = min(longest_s, plan.options.timeout_s - _LEAST_ANSWER_S)
    timely = [each for each in known if ends[each.route] - snapshot.at <= bound_s]
    scores = {each.route: each.score.total for each in plan.candidates}
    order = plan.branches[0] if plan.branches else ()
    free = next((route for route in order if route not in ends), None)
    choice = _for_a_better_one(free, scores[free], known, timely) if free else _for_the_only_one(known, timely)
    if choice is None:
        return plan
    until = ends[choice.candidate.route]
    wait = Wait(
        route=choice.candidate.route,
        until=until,
        wait_s=max(0.0, until - snapshot.at),
        is_waited=choice.is_waited,
        why=choice.why,
    )
    return _told(plan, choice.candidate, wait)


class _Choice(NamedTuple):
    """The route that waiting is about."""

    candidate: Candidate
    is_waited: bool
    why: str


def _for_a_better_one(
    free: Route, floor: float, known: Sequence[Candidate], timely: Sequence[Candidate]
) -> _Choice | None:
    """Return whether to wait although `free` could be asked now; None where there is nothing to tell."""
    best, soon = max(known, key=_total), max(timely, key=_total, default=None)
    if soon is not None:
        told = f"it scores {soon.score.total:.2f}, {free}, which is free, {floor:.2f}"
        if soon.score.total >= floor + MARGIN:
            return _Choice(soon, is_waited=True, why=f"clearly better: {told}")
        if best.score.total < floor + MARGIN:
            return _Choice(soon, is_waited=False, why=f"not clearly better: {told}")
    if best.score.total < floor + MARGIN:
        return None
    why = f"clearly better than {free}, but it rests for longer than may be waited"
    return _Choice(best, is_waited=False, why=why)


def _for_the_only_one(known: Sequence[Candidate], timely: Sequence[Candidate]) -> _Choice:
    """Return whether to wait where nobody is free: for the first to be, or one that is much better."""
    if not timely:
        return _Choice(known[0], is_waited=False, why="nobody else is free, but it rests for longer than may be waited")
    first, best = timely[0], max(timely, key=_total)
    if best.score.total >= first.score.total + MARGIN:
        return _Choice(best, is_waited=True, why=f"nobody is free, and it is clearly better than {first.route}")
    return _Choice(first, is_waited=True, why="nobody is free, and it is the first to be")


def _told(plan: Plan, candidate: Candidate, wait: Wait) -> Plan:
    """Return the plan with its decision in words and, where it waits, the route in front."""
    verb = "waits for" if wait.is_waited else "does not wait for"
    line = f"{verb} {wait.route}, free in {wait.wait_s:.1f} s (max_wait {plan.options.max_wait_s:g} s): {wait.why}"
    plan = replace(plan, wait=wait, why=(*plan.why, line))
    if not wait.is_waited:
        return plan
    order = plan.branches[0] if plan.branches else ()
    known = [each for each in plan.candidates if each.route != wait.route]
    return replace(
        plan,
        branches=((wait.route, *(route for route in order if route != wait.route)),),
        candidates=tuple(sorted((*known, candidate), key=_total, reverse=True)),
        rejected=tuple(entry for entry in plan.rejected if entry.route != str(wait.route)),
    )


def seconds_to_wait(attempts: Sequence[Attempt], max_wait_s: float) -> tuple[Route, float] | None:
    """Return the route that frees first of those that told when, and in how many seconds; None beyond the budget.

    Args:
        attempts: All of one branch, in order.
        max_wait_s: What may be waited in the whole run; what was waited already counts.
    """
    left_s = max_wait_s - sum(attempt.waited_s for attempt in attempts)
    found: list[tuple[float, Route]] = []
    last = {attempt.route: number for number, attempt in enumerate(attempts)}
    for route, number in last.items():
        attempt = attempts[number]
        tries = sum(1 for each in attempts if each.route == route)
        if attempt.retry_after is None or attempt.outcome not in {"failed", "refused"} or tries > _MOST_WAITS:
            continue
        passed_s = sum(each.elapsed_s + each.waited_s for each in attempts[number + 1 :])
        found.append((max(_SHORTEST_S, attempt.retry_after - passed_s), route))
    if not found:
        return None
    wait_s, first = min(found)
    return None if wait_s > left_s else (first, wait_s)


def _total(candidate: Candidate) -> float:
    return candidate.score.total
