"""Health over real HTTP: who is benched, for how long, and what the caller is told.

The regressions of FreeRouter (`S4 defect n`) and the complaints of the field, through the
public surface alone.
"""

import time
from pathlib import Path

import pytest
from langchain_core.language_models import FakeListChatModel

from openmux_lc.engine.ask import AnswerStream, ask
from openmux_lc.errors import AllRoutesFailedError, NoRouteError, StreamInterruptedError
from openmux_lc.ledger.ledger import Ledger
from openmux_lc.mux import Mux, to_request
from openmux_lc.testing import (
    Answer,
    Behaviour,
    FakeUpstream,
    Fault,
    context_overflow,
    cut,
    empty_answer,
    payment_required,
    rate_limited,
    server_error,
)
from openmux_lc.types.catalog import Route
from openmux_lc.types.run import Attempt, Options
from tests.ledger.conftest import Clock
from tests.pool import make_pool

QUESTION = to_request("What is the capital of France?")
GOOD = Answer(text="The capital of France is Paris.")
FIRST = Route("first", "m")
BOTH = Options(chain=("first:m", "second:m"))
OF_THE_ACCOUNT = Fault(429, body={"error": {"message": "Rate limit reached for your account.", "code": 429}})
TWO_MODELS = '[[models]]\nroute = "first:n"\nfree = true\nmax_input_tokens = 100000\nquality = 0.5\n'


def models_asked(upstream: FakeUpstream) -> list[str]:
    """The models that the upstream was asked for."""
    return [received.model for received in upstream.requests if received.method == "POST"]


def with_clock(mux: Mux) -> tuple[Mux, Clock]:
    """The same pool on a ledger whose clock is set by hand."""
    clock = Clock(time.time())
    return Mux(mux.settings, ledger=Ledger.open("memory:", clock=clock)), clock


@pytest.mark.parametrize(
    ("limited", "asked"),
    [(rate_limited(60), ["m", "n", "n"]), (OF_THE_ACCOUNT, ["m"])],
    ids=["of the model", "of the account"],
)
def test_one_429_benches_the_route_and_the_provider_only_if_it_says_so(
    tmp_path: Path, limited: Behaviour, asked: list[str]
):
    """S4 defect 5: one 429 benched the route and the entire provider for 60 s."""
    with FakeUpstream(GOOD, per_model={"m": limited}) as first, FakeUpstream(GOOD) as second:
        with make_pool(tmp_path, {"first": first, "second": second}, extra=TWO_MODELS) as mux:
            chain = Options(chain=("first:m", "first:n", "second:m"))
            texts = [ask(mux, QUESTION, chain).answer.text for _ in range(2)]
            found = models_asked(first)
            names = set(mux.ledger.snapshot().cooldowns)

    assert [GOOD.text] * 2 == texts
    assert asked == found
    assert {"first:m" if "n" in asked else "first"} == names


def test_a_server_error_is_recorded_and_three_open_the_breaker(tmp_path: Path):
    """S4 defect 7: 5xx were never recorded, so nothing was ever benched."""
    with FakeUpstream(server_error(503)) as first, FakeUpstream(GOOD) as second:
        with make_pool(tmp_path, {"first": first, "second": second}) as mux:
            routes = [ask(mux, QUESTION, BOTH).report["route"] for _ in range(25)]
            count = len(models_asked(first))
            seen = mux.ledger.snapshot()

    assert ["second:m"] * 25 == routes
    assert 3 == count  # FIELD 3: 25 consecutive 500s never cooled
    assert "breaker" == seen.cooldowns["first:m"].source
    assert pytest.approx(3, abs=0.01) == seen.routes[FIRST].failures


@pytest.mark.parametrize(
    "refused",
    [
        Fault(400, body={"error": {"message": "Unsupported value.", "type": "invalid_request_error"}}),
        payment_required(),
        Fault(408, body={"error": {"message": "Request timeout."}}),
        Fault(422, body={"error": {"message": "Unprocessable."}}),
        context_overflow(),
    ],
    ids=["400", "402", "408", "422", "too long"],
)
def test_what_one_host_refuses_another_is_asked(tmp_path: Path, refused: Behaviour):
    """S4 defect 7: 400, 402, 408 and 422 were returned to the caller."""
    with FakeUpstream(refused) as first, FakeUpstream(GOOD) as second:
        with make_pool(tmp_path, {"first": first, "second": second}) as mux:
            asked = ask(mux, QUESTION)

    assert (GOOD.text, "second:m") == (asked.answer.text, asked.report["route"])


def test_a_stream_that_dies_after_its_first_words_is_a_failure(tmp_path: Path):
    """S4 defect 8: it was recorded as a success and closed with `[DONE]`."""
    with FakeUpstream(cut(2, text="one two three four five six")) as first:
        with make_pool(tmp_path, {"first": first}) as mux:
            for _ in range(3):
                with AnswerStream(mux, QUESTION) as stream, pytest.raises(StreamInterruptedError):
                    for _ in stream:
                        pass
            seen = mux.ledger.snapshot()

    assert (0, pytest.approx(3, abs=0.01)) == (seen.routes[FIRST].successes, seen.routes[FIRST].failures)
    assert "breaker" == seen.cooldowns["first:m"].source


def test_empty_answers_in_a_row_bench_a_route(tmp_path: Path):
    """FIELD e2: three."""
    with FakeUpstream(empty_answer()) as first, FakeUpstream(GOOD) as second:
        with make_pool(tmp_path, {"first": first, "second": second}) as mux:
            for _ in range(5):
                ask(mux, QUESTION, BOTH)
            reason = mux.ledger.snapshot().cooldowns["first:m"].reason
            count = len(models_asked(first))

    assert 3 == count
    assert "EmptyAnswer" in reason


def test_a_pause_holds_at_once_and_in_every_process(tmp_path: Path):
    """FIELD 3: enforced where routes are chosen, not every ten seconds; a shorter one changes nothing."""
    url = f"sqlite:///{tmp_path / 'state.db'}"
    with FakeUpstream([rate_limited(600), rate_limited(5)]) as first, FakeUpstream(GOOD) as second:
        upstreams = {"first": first, "second": second}
        with make_pool(tmp_path, upstreams, state_url=url) as one, make_pool(tmp_path, upstreams, state_url=url) as two:
            two.ledger.snapshot()
            ask(one, QUESTION)
            route = ask(two, QUESTION).report["route"]
            count = len(models_asked(first))
            one.ledger.settle(one.ledger.reserve(FIRST, (), {}), _limited(5.0))
            left_s = two.ledger.snapshot().cooldowns["first:m"].until - time.time()

    assert ("second:m", 1) == (route, count)
    assert 600 == pytest.approx(left_s, abs=60)


@pytest.mark.parametrize("bad", [server_error(), rate_limited(None), rate_limited(600)])
def test_who_has_one_route_alone_is_asked_again_whatever_rests(tmp_path: Path, bad: Behaviour):
    """FIELD 4: a chain of one is asked all the same; nobody else could answer."""
    only = Options(chain=("first:m",), max_retries=0)
    with FakeUpstream([bad, bad, bad, GOOD]) as first, make_pool(tmp_path, {"first": first}) as mux:
        for _ in range(3):
            with pytest.raises(AllRoutesFailedError):
                ask(mux, QUESTION, only)
        is_resting = "first:m" in mux.ledger.snapshot().cooldowns
        asked = ask(mux, QUESTION, only)

    assert is_resting
    assert GOOD.text == asked.answer.text


def test_a_pool_of_one_waits_for_what_was_told_and_not_a_second_longer(tmp_path: Path):
    """FIELD 4: never benched beyond its real reset; the error says when that is, and on whose word."""
    with FakeUpstream([rate_limited(30), GOOD]) as first, make_pool(tmp_path, {"first": first}) as plain:
        mux, clock = with_clock(plain)
        began = clock.now
        with pytest.raises(AllRoutesFailedError) as limited:
            ask(mux, QUESTION)
        clock.pass_s(29)
        with pytest.raises(NoRouteError) as waiting:
            ask(mux, QUESTION)
        clock.pass_s(1)
        asked = ask(mux, QUESTION)

    assert GOOD.text == asked.answer.text
    for error in (limited.value, waiting.value):
        assert began + 30 == pytest.approx(error.retry_at, abs=2)
        assert [("first:m", "header")] == [(entry.route, entry.source) for entry in error.rejected if entry.until]
        assert began + 30 == pytest.approx(error.rejected[0].until, abs=2)
        assert "told by the provider" in str(error)
        assert time.strftime("%H:%M:", time.localtime(began + 30)) in str(error)


def test_a_pool_of_one_is_not_held_up_by_a_guess_of_ours(tmp_path: Path):
    """FIELD 4: three failures open the breaker; the fourth question is asked all the same."""
    with FakeUpstream([server_error()] * 3 + [GOOD]) as first, make_pool(tmp_path, {"first": first}) as mux:
        for _ in range(3):
            with pytest.raises(AllRoutesFailedError):
                ask(mux, QUESTION, Options(max_retries=0))
        asked = ask(mux, QUESTION)

    assert GOOD.text == asked.answer.text


def test_all_exhausted_says_of_each_why_until_when_and_on_whose_word(tmp_path: Path):
    """FIELD 5: route, reason, until, source."""
    behaviours = {"one": rate_limited(600), "two": rate_limited(None), "three": server_error(503)}
    upstreams = {name: FakeUpstream(behaviour) for name, behaviour in behaviours.items()}
    with upstreams["one"] as one, upstreams["two"] as two, upstreams["three"] as three:
        with make_pool(tmp_path, {"one": one, "two": two, "three": three}) as mux:
            with pytest.raises(AllRoutesFailedError) as first:
                ask(mux, QUESTION)
            for _ in range(2):
                with pytest.raises(AllRoutesFailedError) as later:
                    ask(mux, QUESTION)

    found = {entry.route: (entry.source, entry.reason) for entry in first.value.rejected}
    again = {entry.route: entry.source for entry in later.value.rejected}
    assert {"one:m": "header", "two:m": "heuristic", "three:m": None} == {
        route: source for route, (source, _) in found.items()
    }
    assert all("RateLimited 429" in found[route][1] for route in ("one:m", "two:m"))
    assert time.time() + 120 == pytest.approx(first.value.retry_at, abs=30)
    assert {"one:m": "header", "two:m": "heuristic", "three:m": "breaker"} == again
    for word in ("told by the provider", "our guess", "our breaker", "openmux cooldowns"):
        assert word in str(later.value)


class _Engine(FakeListChatModel):
    """A local engine that loads its model while the first calls wait in vain."""

    waits: int = 3

    def _call(self, *_: object, **__: object) -> str:
        if self.waits:
            self.waits -= 1
            raise TimeoutError
        return "from here"


def test_a_local_engine_that_loads_a_model_is_asked_again_at_once(tmp_path: Path):
    """FIELD 6: a cold start is no failure, and a local engine has no ladder."""
    with FakeUpstream(GOOD) as second, make_pool(tmp_path, {"second": second}) as mux:
        mux.add("engine:m", _Engine(responses=["x"]), is_local=True)
        chain = Options(chain=("engine:m", "second:m"), max_retries=0)
        routes = [ask(mux, QUESTION, chain).report["route"] for _ in range(4)]
        cooldowns = mux.ledger.snapshot().cooldowns

    assert ["second:m"] * 3 + ["engine:m"] == routes
    assert {} == dict(cooldowns)


def test_recent_failures_lower_a_routes_place_though_its_history_is_good(tmp_path: Path):
    """S0-08: selection uses uptime; S3-05: rate and response time are in the snapshot."""
    script = [GOOD] * 20 + [server_error()] * 2 + [GOOD]
    with FakeUpstream(script) as first, FakeUpstream(GOOD) as second:
        with make_pool(tmp_path, {"first": first, "second": second}) as mux:
            before = [ask(mux, QUESTION, Options(chain=("first:m",))).report["route"] for _ in range(20)]
            well = mux.ledger.snapshot().routes[FIRST]
            ask(mux, QUESTION, BOTH)
            ask(mux, QUESTION, BOTH)
            ill = mux.ledger.snapshot().routes[FIRST]
            terms = next(each["terms"] for each in mux.explain("hello")["candidates"] if each["route"] == "first:m")

    assert ["first:m"] * 20 == before
    assert (1.0, 0.0) == (well.success_rate, well.trouble)
    assert well.response_s is not None
    assert pytest.approx(20 / 22, abs=0.01) == ill.success_rate
    assert pytest.approx(2, abs=0.1) == ill.trouble
    assert pytest.approx(0.88, abs=0.01) == terms["calm"]


def _limited(retry_after: float) -> Attempt:
    return Attempt(route=FIRST, outcome="failed", error="RateLimited", retry_after=retry_after)
