"""The failover policy: one pure function says what is called next, and always ends."""

from collections.abc import Sequence
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openmux_lc.errors import Advice, FaultScope
from openmux_lc.routing.progress import next_calls
from openmux_lc.types.catalog import Route
from openmux_lc.types.run import Answer, Attempt, Classification, Options, Outcome, Plan, Requirements
from tests.routing.entries import failed, route

DEADLINE = 100.0


def _plan(*branches: Sequence[str], **options: object) -> Plan:
    return Plan(
        branches=tuple(tuple(route(step) for step in branch) for branch in branches),
        candidates=(),
        rejected=(),
        classification=Classification(task="chat", confidence=1.0),
        requirements=Requirements(),
        options=Options(**options),  # type: ignore[arg-type]
    )


def _next(plan: Plan, *attempts: Attempt, answers: int = 0, now: float = 0.0) -> list[tuple[int, str]]:
    given_answers = [Answer(route=Route("x", "y"), text="z")] * answers
    return [(branch, str(step)) for branch, step in next_calls(plan, attempts, given_answers, now, DEADLINE).calls]


def test_every_branch_begins_with_its_first_route() -> None:
    """The first wave calls all branches side by side."""
    wave = next_calls(_plan(["a:m", "b:m"], ["c:m"]), (), (), 0.0, DEADLINE)

    assert ((0, route("a:m")), (1, route("c:m"))) == wave.calls
    assert "first wave" == wave.why


def test_a_failure_goes_on_to_the_next_route() -> None:
    """S1-06: failover to the backup; the wave names what failed."""
    wave = next_calls(_plan(["a:m", "b:m"]), [failed("a:m")], (), 0.0, DEADLINE)

    assert ((0, route("b:m")),) == wave.calls
    assert "a:m failed (ServerError)" == wave.why


def test_nothing_is_called_once_there_are_enough_answers() -> None:
    """One branch wants one answer, two want two."""
    done = Attempt(route=route("a:m"))

    assert [] == _next(_plan(["a:m", "b:m"]), done, answers=1)
    assert [] == _next(_plan(["a:m"], ["b:m"]), done, failed("b:m", branch=1), answers=2)


def test_a_branch_that_answered_rests_while_the_other_goes_on() -> None:
    """Only the open branch is walked."""
    plan = _plan(["a:m", "c:m"], ["b:m", "d:m"])

    assert [(1, "d:m")] == _next(plan, Attempt(route=route("a:m")), failed("b:m", branch=1), answers=1)


def test_nothing_begins_at_the_deadline() -> None:
    """Every wait ends."""
    assert [] == _next(_plan(["a:m"]), now=DEADLINE)
    assert [(0, "a:m")] == _next(_plan(["a:m"]), now=DEADLINE - 0.001)


def test_the_same_route_is_asked_again_only_where_that_helps() -> None:
    """FIELD 2: advice `retry`, at most `max_retries` times, and not against a told wait."""
    plan = _plan(["a:m", "b:m"], max_retries=1)
    again = failed("a:m", advice="retry")

    assert [(0, "a:m")] == _next(plan, again)
    assert [(0, "b:m")] == _next(plan, again, again)
    assert [(0, "b:m")] == _next(plan, failed("a:m", advice="retry", retry_after=3.0))
    assert [(0, "b:m")] == _next(_plan(["a:m", "b:m"], max_retries=0), again)


@pytest.mark.parametrize(
    "fault",
    [
        {"error": "ConnectionFailed", "advice": "skip_provider"},
        {"error": "RateLimited", "advice": "next_route", "scope": "account"},
        {"error": "ServerError", "advice": "next_route", "scope": "provider"},
    ],
)
def test_a_fault_of_the_whole_provider_skips_its_other_models(fault: dict[str, str]) -> None:
    """One failed call is enough where the account or the host is at fault."""
    assert [(0, "b:m")] == _next(_plan(["a:1", "a:2", "b:m"]), failed("a:1", **fault))


def test_a_fault_of_one_model_does_not_skip_its_provider() -> None:
    """FreeRouter's defect 5: one 429 must not bench the whole provider."""
    assert [(0, "a:2")] == _next(_plan(["a:1", "a:2"]), failed("a:1", error="RateLimited", scope="model"))


def test_two_faults_of_the_key_skip_the_provider() -> None:
    """DESIGN 5: two refusals of one provider's key are enough; one may concern the model."""
    plan = _plan(["a:1", "a:2", "a:3", "b:m"])
    refused = {"error": "AuthenticationFailed", "advice": "next_route", "scope": "key"}

    assert [(0, "a:2")] == _next(plan, failed("a:1", **refused))
    assert [(0, "b:m")] == _next(plan, failed("a:1", **refused), failed("a:2", **refused))


@pytest.mark.parametrize("fault", [{"advice": "stop"}, {"outcome": "cancelled"}])
def test_stop_and_cancel_end_the_run(fault: dict[str, str]) -> None:
    """Nothing is called behind the caller's back."""
    assert [] == _next(_plan(["a:m", "b:m"], ["c:m"]), failed("a:m", **fault))


def test_a_request_that_three_providers_refuse_is_the_callers_fault() -> None:
    """After two refusals of the request's shape one more is tried, then none."""
    plan = _plan(["a:m", "b:m", "c:m", "d:m"])
    bad = {"error": "InvalidRequest", "scope": "request"}

    assert [(0, "c:m")] == _next(plan, failed("a:m", **bad), failed("b:m", **bad))
    assert [] == _next(plan, failed("a:m", **bad), failed("b:m", **bad), failed("c:m", **bad))
    assert [(0, "d:m")] == _next(plan, failed("a:m"), failed("b:m", **bad), failed("c:m", **bad))


def test_a_window_that_is_too_small_is_no_refusal() -> None:
    """Another model may have a larger one."""
    long = {"error": "ContextOverflow", "scope": "model"}

    assert [(0, "d:m")] == _next(_plan(["a:m", "b:m", "c:m", "d:m"]), *(failed(f"{name}:m", **long) for name in "abc"))


def test_a_cut_stream_goes_on_with_the_next_route() -> None:
    """DESIGN 6: a break after the first token asks the same function."""
    assert [(0, "b:m")] == _next(_plan(["a:m", "b:m"]), failed("a:m", outcome="cut"))


def test_attempts_are_bounded_in_all() -> None:
    """`max_attempts` counts the calls of every branch together."""
    plan = _plan(["a:m", "b:m", "c:m"], ["d:m", "e:m", "f:m"], max_attempts=3)
    tried = (failed("a:m"), failed("d:m", branch=1))

    assert [(0, "b:m")] == _next(plan, *tried)
    assert [] == _next(plan, *tried, failed("b:m"))


def test_no_route_is_asked_by_two_branches() -> None:
    """Two branches that share a route do not both spend its quota."""
    plan = _plan(["a:m", "c:m"], ["b:m", "c:m"])

    assert [(0, "c:m")] == _next(plan, failed("a:m"), failed("b:m", branch=1))


def test_an_empty_plan_is_done() -> None:
    """Nothing eligible: nothing to call."""
    assert [] == _next(_plan())


FAULTS = st.tuples(
    st.sampled_from([name for name in get_args(Outcome) if name != "abandoned"]),
    st.sampled_from([None, *get_args(Advice)]),
    st.sampled_from([None, *get_args(FaultScope)]),
    st.sampled_from(["ServerError", "InvalidRequest", "RateLimited", "AuthenticationFailed"]),
    st.sampled_from([None, 0.0, 5.0]),
)


@given(
    st.lists(
        st.lists(st.sampled_from([f"{name}:{number}" for name in "abc" for number in "12"]), max_size=8), max_size=4
    ),
    st.integers(1, 9),
    st.integers(0, 3),
    st.lists(FAULTS, min_size=1, max_size=12),
)
@settings(max_examples=300, deadline=None)
def test_the_policy_always_ends(
    branches: list[list[str]],
    max_attempts: int,
    max_retries: int,
    faults: list[tuple[Outcome, Advice | None, FaultScope | None, str, float | None]],
) -> None:
    """Whatever happens to each call, the walk ends within `max_attempts` calls, and no route is retried too often."""
    plan = _plan(*branches, max_attempts=max_attempts, max_retries=max_retries)
    attempts: list[Attempt] = []
    answers: list[Answer] = []
    bound = max(max_attempts, len(branches))

    for _ in range(64):
        calls = next_calls(plan, attempts, answers, 0.0, DEADLINE).calls
        if not calls:
            break
        for branch, step in calls:
            outcome, advice, scope, error, wait = faults[len(attempts) % len(faults)]
            attempts.append(
                Attempt(
                    route=step,
                    branch=branch,
                    outcome=outcome,
                    advice=advice,
                    scope=scope,
                    error=error,
                    retry_after=wait,
                )
            )
            if outcome == "ok":
                answers.append(Answer(route=step, text="x"))
    else:
        pytest.fail("the policy did not end")

    asked = [attempt.route for attempt in attempts]

    assert sum(attempt.outcome != "refused" for attempt in attempts) <= bound
    assert all(asked.count(step) <= 1 + (max(max_retries, 3) if max_retries else 0) for step in asked)
    assert all(attempt.route in plan.branches[attempt.branch] for attempt in attempts)


def test_a_host_that_names_one_refused_parameter_at_a_time_is_asked_until_it_has_named_them() -> None:
    """Each such refusal taught the adapter what to leave out; three lessons are enough."""
    plan = _plan(["a:m", "b:m"], max_retries=1)
    lesson = failed("a:m", error="InvalidRequest", advice="retry")

    assert [(0, "a:m")] == _next(plan, lesson, lesson, lesson)
    assert [(0, "b:m")] == _next(plan, lesson, lesson, lesson, lesson)
    assert [(0, "b:m")] == _next(_plan(["a:m", "b:m"], max_retries=0), lesson)


def test_a_repeat_waits_twice_as_long_each_time_and_another_route_not_at_all() -> None:
    """S2-12: exponential back-off, configurable; failover never waits."""
    plan = _plan(["a:m"], max_retries=20, backoff_s=0.5)
    waits = [next_calls(plan, [failed("a:m")] * count, (), 0.0, DEADLINE).wait_s for count in range(8)]

    assert [0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0] == waits
    assert 0.0 == next_calls(_plan(["a:m", "b:m"]), [failed("a:m")], (), 0.0, DEADLINE).wait_s


def test_a_repeat_after_a_lesson_does_not_wait() -> None:
    """It is another request: the host has named what it refuses."""
    lesson = failed("a:m", error="InvalidRequest", advice="retry")

    wave = next_calls(_plan(["a:m"], backoff_s=5.0), [lesson], (), 0.0, DEADLINE)

    assert (((0, route("a:m")),), 0.0) == (wave.calls, wave.wait_s)


def test_no_repeat_waits_beyond_the_deadline() -> None:
    """S2-12: aware of the deadline; a fresh route beside it is called all the same."""
    plan = _plan(["a:m"], max_retries=3, backoff_s=4.0)

    assert [(0, "a:m")] == _next(plan, failed("a:m"), now=DEADLINE - 4.1)
    assert [] == _next(plan, failed("a:m"), now=DEADLINE - 4.0)


@pytest.mark.parametrize(
    ("fault", "is_repeated"),
    [
        ({"error": "ConnectionFailed", "advice": "skip_provider", "scope": "provider"}, True),
        ({"error": "ConnectionFailed", "scope": "provider", "status_code": 302}, False),
        ({"error": "ConnectionFailed", "scope": "model"}, False),
        ({"error": "ServerError"}, True),
        ({"error": "ServerError", "retry_after": 9.0}, False),
        ({"error": "AuthenticationFailed"}, False),
        ({"error": "RateLimited"}, False),
        ({"error": "TimedOut"}, False),
    ],
)
def test_the_last_route_is_repeated_where_that_can_help(fault: dict[str, object], is_repeated: bool) -> None:
    """FIELD 2: a connection that never came about, or a server's failure, once."""
    plan = _plan(["a:m"], max_retries=1)

    assert is_repeated == bool(_next(plan, failed("a:m", **fault)))
    assert [] == _next(plan, failed("a:m", **fault), failed("a:m", **fault))


def test_a_slow_failure_is_not_waited_for_twice() -> None:
    """FIELD 2 (litellm#29808): repeats have a budget in attempts and one in seconds."""
    plan = _plan(["a:m", "b:m"], max_retries=5, retry_budget_s=10.0)
    slow, quick = (failed("a:m", advice="retry", elapsed_s=elapsed_s) for elapsed_s in (6.0, 0.01))

    assert [(0, "a:m")] == _next(plan, slow)
    assert [(0, "b:m")] == _next(plan, slow, slow)
    assert [(0, "a:m")] == _next(plan, *[quick] * 5)
    assert [(0, "b:m")] == _next(plan, *[quick] * 6)


def test_the_last_route_is_held_to_the_budget_in_seconds_as_well() -> None:
    """Waits between the repeats count."""
    plan = _plan(["a:m"], max_retries=9, retry_budget_s=4.0, backoff_s=1.0)

    assert [(0, "a:m")] == _next(plan, failed("a:m", elapsed_s=2.9))
    assert [] == _next(plan, failed("a:m", elapsed_s=3.1))
    assert [] == _next(plan, failed("a:m", elapsed_s=1.0), failed("a:m", elapsed_s=0.5, waited_s=1.0))


def test_a_connection_that_was_lost_at_once_is_made_anew_without_a_wait() -> None:
    """The host had closed it between two calls; a second loss is no such chance."""
    plan = _plan(["a:m", "b:m"], max_retries=2, backoff_s=0.5)
    lost = failed("a:m", error="ConnectionFailed", advice="retry", scope="model")

    waits = [next_calls(plan, [lost] * count, (), 0.0, DEADLINE) for count in (1, 2)]

    assert [0.0, 1.0] == [wave.wait_s for wave in waits]
    assert [((0, route("a:m")),)] * 2 == [wave.calls for wave in waits]
