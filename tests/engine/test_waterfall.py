"""The strongest route first, and the four reasons to roll over to the next (S4-02, S4-03)."""

from pathlib import Path

import pytest

from openmux_lc.engine.ask import ask
from openmux_lc.mux import to_request
from openmux_lc.testing import Answer, Behaviour, FakeUpstream, model_gone, out_of_quota, server_error, stalled
from openmux_lc.types.run import Options
from tests.pool import make_pool

QUESTION = to_request("What is the capital of France?")
GOOD = Answer("The capital of France is Paris.")
QUICKLY = Options(timeout_s=3.0)


def test_the_strongest_is_asked_first_and_then_down_the_waterfall(tmp_path: Path) -> None:
    """S4-02: whichever order they are configured in, quality decides; each failure goes one step down."""
    with FakeUpstream(server_error()) as a, FakeUpstream(server_error()) as b, FakeUpstream(GOOD) as c:
        with make_pool(tmp_path, {"a": a, "b": b, "c": c}) as mux:
            told = ask(mux, QUESTION, Options(routing_profile="quality")).report

    routes = [attempt["route"] for attempt in told["attempts"]]  # type: ignore[index, union-attr]
    assert ["a:m", "b:m", "c:m"] == list(dict.fromkeys(routes))


@pytest.mark.parametrize(
    ("behaviour", "calls_before_rest"),
    [(out_of_quota(), 1), (model_gone(), 1), (server_error(), 3), (stalled(60), 3)],
    ids=["out of quota", "missing", "unhealthy", "too slow"],
)
def test_it_rolls_over_and_then_does_not_ask_in_vain(
    tmp_path: Path, behaviour: Behaviour, calls_before_rest: int
) -> None:
    """S4-03: the caller never notices, and a route that is known to fail costs nothing any more."""
    with FakeUpstream(behaviour) as bad, FakeUpstream(GOOD) as good:
        with make_pool(tmp_path, {"bad": bad, "good": good}) as mux:
            while "bad:m" not in mux.ledger.snapshot().cooldowns and "bad" not in mux.ledger.snapshot().cooldowns:
                mux.ledger.uncool("good")
                ask(mux, QUESTION, Options(chain=("bad:m", "good:m"), timeout_s=1.5))
            before = len(bad.requests)
            told = ask(mux, QUESTION, QUICKLY)
            after = len(bad.requests)

    assert GOOD.text == told.answer.text
    assert calls_before_rest <= before <= 2 * calls_before_rest
    assert before == after
    assert "good:m" == told.report["attempts"][0]["route"]  # type: ignore[index, call-overload]
