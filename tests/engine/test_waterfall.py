"""The strongest route first, and the four reasons to roll over to the next (S4-02, S4-03)."""

from dataclasses import replace
from pathlib import Path

import pytest

from openmux_lc.engine.ask import ask
from openmux_lc.engine.embed import embed
from openmux_lc.mux import Mux, to_request
from openmux_lc.testing import Answer, Behaviour, FakeUpstream, model_gone, out_of_quota, server_error, stalled
from openmux_lc.types.run import EmbeddingRequest, Options
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


def test_one_pool_has_local_engines_vectors_and_combined_answers(tmp_path: Path) -> None:
    """S4 defect 10: there each of them is missing (its auth and cache come with the gateway and the cache)."""
    with FakeUpstream(server_error()) as remote, FakeUpstream(GOOD) as one, FakeUpstream(GOOD) as engine:
        with make_pool(tmp_path, {"remote": remote, "one": one}) as mux:
            local = replace(mux.catalog.provider("one"), id="here", base_url=engine.base_url, is_local=True)
            vectors = replace(local.models[0], id="e", tasks=frozenset({"embeddings"}), dimensions=8)
            local = replace(local, models=(*local.models, vectors))
            settings = replace(mux.settings, providers=("remote", "one", "here"))
            with Mux(settings, catalog=mux.catalog.with_provider(local)) as pool:
                failed_over = ask(pool, QUESTION, Options(chain=("remote:m", "here:m")))
                combined = ask(pool, QUESTION, Options(chain=("one:m", "here:m"), fan_out=2, strategy="vote"))
                embedded = embed(pool, EmbeddingRequest(texts=("Paris", "London")))

    assert "here:m" == failed_over.report["route"]
    assert GOOD.text == combined.answer.text
    assert 2 == combined.report["counts"]["attempts"]  # type: ignore[index, call-overload]
    assert ("here:e", 2) == (str(embedded.route), len(embedded.vectors))
