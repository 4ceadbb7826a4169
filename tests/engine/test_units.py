"""Units other than requests and tokens are reserved before a call and settled after it."""

from dataclasses import replace
from pathlib import Path

import pytest

from openmux_lc.catalog.catalog import load_catalog
from openmux_lc.engine.ask import aask, ask
from openmux_lc.engine.embed import embed
from openmux_lc.errors import AllRoutesFailedError, NoRouteError
from openmux_lc.mux import Mux, to_request
from openmux_lc.settings import Settings
from openmux_lc.testing import Answer, FakeUpstream, server_error, unauthorized
from openmux_lc.types.catalog import Limit, Route, UnitPrice, Window
from openmux_lc.types.run import EmbeddingRequest
from openmux_lc.types.state import Refusal, Reservation
from tests.pool import make_pool

NEURONS = Limit(unit="neurons", amount=10_000, window=Window(kind="calendar_day"), scope="account")
PRICE = UnitPrice(input_per_million=1_000_000, output_per_million=10_000_000)
QUESTION = replace(to_request("What is the capital of France?"), max_tokens=100)
ROUTE = Route("a", "m")


def priced(folder: Path, upstream: FakeUpstream) -> Mux:
    """A pool of one host that counts a neuron for each token of the prompt and ten for each of the answer."""
    plain = make_pool(folder, {"a": upstream})
    row = replace(plain.catalog.provider("a"), limits=(NEURONS,), unit_prices={"neurons": PRICE})
    catalog = plain.catalog.with_provider(row)
    plain.close()
    return Mux(plain.settings, catalog=catalog)


def is_left(mux: Mux, neurons: int) -> bool:
    """Whether that many, and not one more, can still be had today."""
    more = mux.ledger.reserve(ROUTE, (NEURONS,), {"neurons": neurons + 1})
    return isinstance(more, Refusal) and isinstance(
        mux.ledger.reserve(ROUTE, (NEURONS,), {"neurons": neurons}), Reservation
    )


def test_a_call_pays_what_its_usage_says(tmp_path: Path):
    """FIELD 7: neurons a day are modelled, and the difference to what was reserved comes back."""
    with FakeUpstream([Answer(text="Paris.")]) as upstream, priced(tmp_path, upstream) as mux:
        usage = ask(mux, QUESTION).answer.usage

        assert usage.output_tokens > 0
        assert is_left(mux, 10_000 - usage.input_tokens - 10 * usage.output_tokens)


async def test_the_async_twin_pays_the_same(tmp_path: Path):
    with FakeUpstream([Answer(text="Paris.")]) as upstream, priced(tmp_path, upstream) as mux:
        usage = (await aask(mux, QUESTION)).answer.usage

        assert is_left(mux, 10_000 - usage.input_tokens - 10 * usage.output_tokens)


def test_the_room_for_the_answer_is_set_aside_beforehand(tmp_path: Path):
    """1,000 tokens of answer are the whole day: nothing is sent."""
    asked = replace(QUESTION, max_tokens=1_000)
    with FakeUpstream([Answer(text="Paris.")]) as upstream, priced(tmp_path, upstream) as mux:
        with pytest.raises(AllRoutesFailedError, match="more than all of 10000 neurons per day"):
            ask(mux, asked)

        assert 0 == len(upstream.requests)


def test_when_the_day_is_used_up_the_host_is_left_alone(tmp_path: Path):
    """The pause tells why and until when."""
    with FakeUpstream([Answer(text="word " * 3_000)]) as upstream, priced(tmp_path, upstream) as mux:
        ask(mux, QUESTION)

        with pytest.raises(NoRouteError, match="a:m: paused: neurons used up"):
            ask(mux, QUESTION)

        assert 1 == len(upstream.requests)


@pytest.mark.parametrize("behaviour", [unauthorized(), server_error()])
def test_a_call_that_was_refused_used_none(tmp_path: Path, behaviour):
    with FakeUpstream([behaviour]) as upstream, priced(tmp_path, upstream) as mux:
        with pytest.raises(AllRoutesFailedError):
            ask(mux, QUESTION)

        assert is_left(mux, 10_000)


def test_texts_to_embed_are_paid_as_a_prompt(tmp_path: Path):
    with FakeUpstream() as upstream, priced(tmp_path, upstream) as mux:
        vectors = embed(
            mux, EmbeddingRequest(texts=("a text", "another text")), replace(mux.default_options(), chain=("a:m",))
        )

        assert is_left(mux, 10_000 - vectors.usage.total_tokens)


def test_every_shipped_model_of_a_host_that_counts_neurons_has_a_dated_price():
    catalog = load_catalog(Settings())
    rows = [row for row in catalog.providers.values() if any(limit.unit == "neurons" for limit in row.limits)]

    assert ["cloudflare"] == [row.id for row in rows]
    for row in rows:
        for price in (row.unit_prices["neurons"], *(model.unit_prices["neurons"] for model in row.models)):
            assert price.input_per_million > 0
            assert price.source
            assert price.as_of >= "2025"
