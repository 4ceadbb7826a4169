"""The failover policy: what is called next, given what was tried so far.

One pure function decides for every surface, streamed or not. It always ends: each
call adds an attempt, and attempts, routes and time are bounded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from openmux_lc.routing.waiting import seconds_to_wait
from openmux_lc.types.catalog import Route
from openmux_lc.types.run import Answer, Attempt, Plan, Wave

__all__ = ["next_calls"]

_PASSING: Final = frozenset({"ServerError", "EmptyAnswer", "BadPayload"})
_LESSONS: Final = 3
"""A host names one refused parameter at a time; each repeat goes without another one."""
_REFUSALS: Final = 2
_KEY_FAULTS: Final = 2
_LONGEST_WAIT_S: Final = 8.0
_DONE: Final = Wave()


def next_calls(plan: Plan, attempts: Sequence[Attempt], answers: Sequence[Answer], now: float, deadline: float) -> Wave:
    """Return the routes to call side by side now; none means done.

    Args:
        plan: The branches to walk along.
        attempts: Everything tried, in order.
        answers: What was answered.
        now: `time.monotonic()`.
        deadline: `time.monotonic()` at which nothing more is begun.
    """
    open_branches = _open_branches(plan, attempts, answers)
    if not open_branches or now >= deadline:
        return _DONE
    if any(attempt.advice == "stop" or attempt.outcome == "cancelled" for attempt in attempts):
        return _DONE
    sent = sum(attempt.outcome != "refused" for attempt in attempts)
    room = max(plan.options.max_attempts, len(plan.branches)) - sent
    calls: list[tuple[int, Route]] = []
    waits_s: dict[tuple[int, Route], float] = {}
    taken = {attempt.route for attempt in attempts}
    for number in open_branches[: max(0, room)]:
        step = _next_step(plan, number, attempts, taken, left_s=deadline - now)
        if step is not None:
            calls.append((number, step.route))
            waits_s[calls[-1]] = step.wait_s
            taken.add(step.route)
    timely = tuple(call for call in calls if now + waits_s[call] < deadline)
    if not timely:
        return _DONE
    return Wave(calls=timely, why=_why(attempts), wait_s=max(waits_s[call] for call in timely))


def _open_branches(plan: Plan, attempts: Sequence[Attempt], answers: Sequence[Answer]) -> list[int]:
    """Return the branches that have no answer yet."""
    if len(answers) >= len(plan.branches):
        return []
    done = {attempt.branch for attempt in attempts if attempt.outcome in {"ok", "abandoned"}}
    return [number for number in range(len(plan.branches)) if number not in done]


class _Step(NamedTuple):
    """A branch's next route, and how long to wait before."""

    route: Route
    wait_s: float = 0.0


def _next_step(
    plan: Plan, number: int, attempts: Sequence[Attempt], taken: set[Route], *, left_s: float
) -> _Step | None:
    """Return the branch's next route: the same again where that can help, else the next well one."""
    own = [attempt for attempt in attempts if attempt.branch == number]
    if own and own[-1].has_other_key:
        return _Step(own[-1].route)
    if own and own[-1].advice == "retry" and not own[-1].retry_after and _is_worth_repeating(plan, own):
        return _Step(own[-1].route, _backoff_s(plan, own))
    if _is_the_callers_fault(attempts):
        return None
    skipped = _skipped_providers(attempts)
    for route in plan.branches[number]:
        wait_s = plan.wait.wait_s if plan.wait and plan.wait.is_waited and plan.wait.route == route else 0.0
        if route not in taken and route.provider not in skipped and wait_s < left_s:
            return _Step(route, wait_s)
    return _last_step(plan, own) if len(plan.branches) == 1 else None


def _is_worth_repeating(plan: Plan, own: Sequence[Attempt]) -> bool:
    """Whether attempts and seconds are left for a repeat of the route whose fault says that it can help."""
    return _repeats(own) < _useful_repeats(own[-1], plan.options.max_retries) and _is_affordable(plan, own)


def _useful_repeats(last: Attempt, max_retries: int) -> int:
    """Return how often a route may be asked again; one that teaches us is given time to finish."""
    return max(max_retries, _LESSONS) if max_retries and last.error == "InvalidRequest" else max_retries


def _last_step(plan: Plan, own: Sequence[Attempt]) -> _Step | None:
    """Return the step where nobody else is left: a passing fault is worth a repeat, a told wait a wait."""
    if not own:
        return None
    is_passing = not own[-1].retry_after and (own[-1].error in _PASSING or _was_not_sent(own[-1]))
    if is_passing and _repeats(own) < plan.options.max_retries and _is_affordable(plan, own):
        return _Step(own[-1].route, _backoff_s(plan, own))
    told = seconds_to_wait(own, plan.options.max_wait_s) if plan.options.max_wait_s > 0 else None
    return None if told is None else _Step(*told)


def _repeats(own: Sequence[Attempt]) -> int:
    """Return how often the branch's last route was asked again."""
    return sum(1 for attempt in own if attempt.route == own[-1].route) - 1


def _is_affordable(plan: Plan, own: Sequence[Attempt]) -> bool:
    """Whether the last route has left enough of the time for repeats; a slow failure is not waited for twice."""
    spent_s = sum(attempt.elapsed_s + attempt.waited_s for attempt in own if attempt.route == own[-1].route)
    return spent_s + _backoff_s(plan, own) < plan.options.retry_budget_s


def _was_not_sent(attempt: Attempt) -> bool:
    """Whether no connection came about, so that a repeat cannot be answered twice."""
    is_unreachable = attempt.error == "ConnectionFailed" and attempt.status_code is None
    return is_unreachable and attempt.scope == "provider"


def _backoff_s(plan: Plan, own: Sequence[Attempt]) -> float:
    """Return how long to wait before the last route is asked again: twice as long before each repeat.

    A repeat after a lesson is another request and does not wait; nor does the first one
    after a connection that was lost at once, which the host had closed between two calls.
    """
    is_lost = own[-1].error == "ConnectionFailed" and own[-1].advice == "retry" and _repeats(own) == 0
    if is_lost or own[-1].error in {"InvalidRequest", "BrokenContract"}:
        return 0.0
    return min(plan.options.backoff_s * 2.0 ** min(_repeats(own), 16), _LONGEST_WAIT_S)


def _skipped_providers(attempts: Sequence[Attempt]) -> set[str]:
    """Return the providers that no other model of theirs can save in this run.

    One fault of the account or the host is enough; a key may still fit another model,
    so it takes two. Nobody is skipped while another key may serve.
    """
    failed = [attempt for attempt in attempts if attempt.outcome != "ok" and not attempt.has_other_key]
    skipped = {
        attempt.route.provider
        for attempt in failed
        if attempt.advice == "skip_provider" or attempt.scope in {"account", "provider"}
    }
    by_key = Counter(attempt.route.provider for attempt in failed if attempt.scope == "key")
    return skipped | {provider for provider, count in by_key.items() if count >= _KEY_FAULTS}


def _is_the_callers_fault(attempts: Sequence[Attempt]) -> bool:
    """Whether so many providers refuse the request's shape that no other will take it."""
    refusing = {attempt.route.provider for attempt in attempts if attempt.error == "InvalidRequest"}
    others = {attempt.route.provider for attempt in attempts} - refusing
    return len(refusing) > _REFUSALS and not others


def _why(attempts: Sequence[Attempt]) -> str:
    if not attempts:
        return "first wave"
    last = attempts[-1]
    return f"{last.route} failed ({last.error or last.outcome})"
