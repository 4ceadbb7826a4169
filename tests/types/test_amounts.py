"""A call is counted in every unit that its provider's limits name."""

from openmux_lc.types.amounts import to_amounts
from openmux_lc.types.catalog import Model, Provider, UnitPrice

DEAR = UnitPrice(input_per_million=60_000, output_per_million=600_000)
CHEAP = UnitPrice(input_per_million=4_000, output_per_million=30_000)
HOST = Provider(id="host", name="Host", base_url="http://127.0.0.1:1", unit_prices={"neurons": DEAR})


def test_a_call_is_a_request_and_its_tokens():
    bare = Provider(id="host", name="Host", base_url="http://127.0.0.1:1")

    assert {"requests": 1, "tokens": 7} == to_amounts(bare, Model(id="m"), input_tokens=3, output_tokens=4)


def test_a_model_without_a_price_of_its_own_counts_as_its_host_says():
    """Rather too dear than too cheap."""
    amounts = to_amounts(HOST, Model(id="m"), input_tokens=1_000, output_tokens=100)

    assert {"requests": 1, "tokens": 1_100, "neurons": 120} == amounts


def test_a_models_own_price_comes_first():
    model = Model(id="m", unit_prices={"neurons": CHEAP})

    assert 7 == to_amounts(HOST, model, input_tokens=1_000, output_tokens=100)["neurons"]


def test_parts_of_a_unit_are_rounded_up():
    model = Model(id="m", unit_prices={"neurons": CHEAP})

    assert 1 == to_amounts(HOST, model, input_tokens=1, output_tokens=0)["neurons"]
    assert 0 == to_amounts(HOST, model, input_tokens=0, output_tokens=0)["neurons"]
