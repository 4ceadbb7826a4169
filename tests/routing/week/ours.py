"""Our own policy in the simulated week: the shipped plan, failover policy, ledger and readers of refusals.

Only the I/O is missing. What stands here is the bookkeeping of `engine/attempt.py`,
with the virtual clock in the place of the real one.
"""

from dataclasses import replace
from functools import lru_cache

from openmux_lc.engine.run_state import attempt_from_error
from openmux_lc.errors import ConnectionFailed, ProviderError, RateLimited, TimedOut
from openmux_lc.ledger.ledger import Ledger
from openmux_lc.providers.exchange import Reply as WireReply
from openmux_lc.providers.fault import to_fault
from openmux_lc.providers.limits import read_limits
from openmux_lc.routing.plan import Pool, make_plan
from openmux_lc.routing.progress import next_calls
from openmux_lc.types.amounts import to_amounts
from openmux_lc.types.catalog import Route
from openmux_lc.types.run import Answer, Attempt, Classification, Options, Plan, Request, Usage
from openmux_lc.types.state import LimitObservation, Refusal, Reservation
from openmux_lc.types.wire import Call
from openmux_lc.waits import patience_s
from tests.routing.week.load import Answering, Ask, Clock, Send, Wait
from tests.routing.week.replies import Reply
from tests.routing.week.world import World, limits_of

_TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
_ROOM = 1000


class Ours:
    """`make_plan`, `next_calls` and a `Ledger` in memory.

    Args:
        profile: The routing profile.
        max_wait_s: For how long a much better route, or the only one, is waited for.
    """

    def __init__(self, world: World, clock: Clock, profile: str = "balanced", *, max_wait_s: float = 0.0) -> None:
        """Begin with an empty ledger."""
        self.ledger = Ledger.open("memory:", clock=clock)
        self._pool = Pool.of(world.entries)
        self._clock = clock
        self._profile, self._max_wait_s = profile, max_wait_s
        self._previous: dict[int, Route] = {}

    def answer(self, ask: Ask) -> Answering:
        """Walk along the plan as the engine does."""
        options = Options(timeout_s=ask.patience_s, routing_profile=self._profile, max_wait_s=self._max_wait_s)
        request = _request(ask.input_tokens // 64, ask.has_tools)
        found = Classification(task="chat", confidence=0.9, difficulty=ask.difficulty)
        previous = self._previous.get(ask.conversation) if ask.conversation else None
        plan = make_plan(self._pool, request, options, self.ledger.snapshot(), classification=found, previous=previous)
        attempts: list[Attempt] = []
        answers: list[Answer] = []
        while wave := next_calls(plan, attempts, answers, self._clock(), ask.deadline):
            if not wave.calls:
                break
            if wave.wait_s:
                yield Wait(wave.wait_s)
            route = wave.calls[0][1]
            attempt = yield from self._attempt(ask, plan, request, route, attempts)
            attempts.append(attempt)
            if attempt.outcome == "ok":
                answers.append(Answer(route=route))
                if ask.conversation:
                    self._previous[ask.conversation] = route
        return answers[0].route if answers else None

    def _attempt(self, ask: Ask, plan: Plan, request: Request, route: Route, attempts: list[Attempt]):
        entry = self._pool.index[route]
        asked = {attempt.route for attempt in attempts} | {route}
        is_last = all(each in asked for branch in plan.branches for each in branch)
        need = plan.requirements.min_context_tokens
        amounts = to_amounts(
            entry.provider, entry.model, input_tokens=max(0, need - _ROOM), output_tokens=min(need, _ROOM)
        )
        began = self._clock()
        held = self.ledger.reserve(route, limits_of(entry), amounts, gives_way=not is_last)
        if isinstance(held, Refusal):
            error = RateLimited(
                f"not asked: {held.reason}",
                provider=route.provider,
                model=route.model,
                retry_after=max(0.0, held.until - began),
                wait_source=held.source,
            )
            return attempt_from_error(route, 0, 0.0, error, outcome="refused")
        timeout_s = patience_s(entry.provider, ask.deadline - began, plan.options, is_last=is_last, is_stream=False)
        reply = yield Send(route, timeout_s)
        took_s = self._clock() - began
        if reply.is_answer:
            return self._answered(ask, held, took_s, reply)
        error = _fault(entry.provider, request, route, reply, self._clock())
        attempt = attempt_from_error(route, 0, took_s, error)
        self.ledger.settle(held, attempt, observations=error.limits)
        return attempt

    def _answered(self, ask: Ask, held: Reservation, took_s: float, reply: Reply) -> Attempt:
        entry = self._pool.index[held.route]
        attempt = Attempt(
            route=held.route,
            elapsed_s=took_s,
            usage=Usage(
                input_tokens=ask.input_tokens,
                output_tokens=ask.output_tokens,
                total_tokens=ask.input_tokens + ask.output_tokens,
            ),
            used=to_amounts(
                entry.provider, entry.model, input_tokens=ask.input_tokens, output_tokens=ask.output_tokens
            ),
        )
        seen: tuple[LimitObservation, ...] = ()
        if reply.headers:
            seen = read_limits(reply.headers, entry.provider.quirks, self._clock())
        self.ledger.settle(held, attempt, observations=seen)
        return attempt


@lru_cache(maxsize=1024)
def _request(size: int, has_tools: bool) -> Request:
    text = "word " * (size * 64 * 4 // 5)
    return Request(messages=({"role": "user", "content": text},), tools=(_TOOL,) if has_tools else ())


def _fault(provider, request: Request, route: Route, reply: Reply, now: float) -> ProviderError:
    """Return the error that the wire makes of a reply."""
    if reply.status == -1:
        return TimedOut(f"{route}: no answer in time", provider=route.provider, model=route.model)
    if reply.status == 0:
        return ConnectionFailed(f"{route}: does not answer", provider=route.provider, model=route.model)
    small = replace(request, messages=({"role": "user", "content": "Hello"},))
    call = Call(provider=provider, model=route.model, request=small, deadline=now + 60, key=None)
    return to_fault(call, WireReply(status=reply.status, headers=reply.headers, body=reply.body.encode()), now=now)
