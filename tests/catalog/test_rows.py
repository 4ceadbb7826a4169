"""Rows are read strictly: a wrong value is an error that names file, line and key."""

import re

import pytest

from openmux_lc.catalog.layers import Layers, package_layers
from openmux_lc.catalog.rows import check_address, is_provider_id
from openmux_lc.errors import CatalogError
from openmux_lc.types.catalog import Auth, FreeRule, Limit, Model, Window

ROW = 'base_url = "https://host.example/v1/"\n'


def read(tmp_path, body, head="schema = 1\n[providers.host]\n"):
    path = tmp_path / "host.toml"
    path.write_text(head + body, encoding="utf-8")
    return Layers(rows={}, quirks=frozenset({"tool_id_9"})).with_file(path).to_providers()["host"]


def test_the_smallest_row_takes_the_defaults(tmp_path):
    row = read(tmp_path, ROW)

    assert row.base_url == "https://host.example/v1"
    assert (row.name, row.dialect, row.is_on, row.origin) == ("host", "openai", True, "user")
    assert Auth() == row.auth
    assert FreeRule() == row.free


def test_a_full_row_is_read_as_it_stands(tmp_path):
    body = """
name = "The Host"
base_url = "http://127.0.0.1:1234/{ACCOUNT}/v1"
base_url_env = { ACCOUNT = ["HOST_ACCOUNT", "HA"] }
dialect = "ollama"
is_local = true
rank = 7
demo_only = true
signup_url = "https://host.example/keys"
terms = "For trying out."
trains_on_data = "opt_out"
as_of = "2026-11"
confidence = "low"
source = "its page"
quirks = ["tool_id_9"]
ports = [1234, 1235]
fingerprint = "host"
retired_ids = ["old"]
limits = [
    { unit = "requests", amount = 20, window = "rolling", seconds = 60, scope = "ip_model" },
    { unit = "tokens", amount = 500, window = "calendar_day", zone = "Europe/Berlin", scope = "account" },
    { unit = "requests", amount = 1, window = "concurrency", scope = "key" },
    { amount = 9, window = "token_bucket", seconds = 60, scope = "organisation" },
    { amount = 8, window = "anniversary_month", anchor = "2026-01-31T01:00:00+01:00", scope = "organisation_model" },
    { amount = 7, window = "anniversary_month", anchor = 2026-01-31T00:00:00Z, zone = "Europe/Berlin" },
]
[providers.host.model_limits]
"m:1" = [{ unit = "neurons", amount = 9, window = "calendar_month", scope = "model" }]
[providers.host.auth]
mode = "optional"
env = ["HOST_KEY", "OTHER_KEY"]
header = "x-api-key"
form = "{key}"
check_path = "/me"
[providers.host.free]
kind = "zero_price"
all_models = true
suffixes = [":free"]
ids = ["a"]
excluded = ["b"]
[[providers.host.models]]
id = "old"
[[providers.host.models]]
id = "m:1"
tasks = ["embeddings"]
dimensions = 1024
capability = 0.25
quality = { default = 0.5, code = 1 }
profile = { name = "M", max_input_tokens = 8192, tool_calling = true }
evidence = { kind = "free_id", source = "its list", as_of = "2026-11-01", confidence = "high" }
"""
    row = read(tmp_path, body)

    assert (row.is_local, row.rank, row.demo_only, row.ports, row.fingerprint) == (True, 7, True, (1234, 1235), "host")
    assert {"ACCOUNT": ("HOST_ACCOUNT", "HA")} == row.base_url_env
    assert ("HOST_ACCOUNT",) == row.missing_variables
    assert (row.terms, row.trains_on_data, row.as_of) == ("For trying out.", "opt_out", "2026-11")
    assert (
        Auth(mode="optional", env=("HOST_KEY", "OTHER_KEY"), header="x-api-key", form="{key}", check_path="/me")
        == row.auth
    )
    assert (
        FreeRule(all_models=True, suffixes=(":free",), ids=frozenset({"a"}), excluded=("b", "old"), kind="zero_price")
        == row.free
    )
    assert row.limits == (
        Limit(unit="requests", amount=20, window=Window(kind="rolling", seconds=60.0), scope="ip_model"),
        Limit(unit="tokens", amount=500, window=Window(kind="calendar_day", zone="Europe/Berlin"), scope="account"),
        Limit(unit="requests", amount=1, window=Window(kind="concurrency"), scope="key"),
        Limit(unit="requests", amount=9, window=Window(kind="token_bucket", seconds=60.0), scope="organisation"),
        Limit(
            unit="requests",
            amount=8,
            window=Window(kind="anniversary_month", anchor=1_769_817_600.0),
            scope="organisation_model",
        ),
        Limit(
            unit="requests",
            amount=7,
            window=Window(kind="anniversary_month", zone="Europe/Berlin", anchor=1_769_817_600.0),
            scope="account",
        ),
    )
    assert {"m:1": (Limit(unit="neurons", amount=9, window=Window(kind="calendar_month"), scope="model"),)} == dict(
        row.model_limits
    )
    (model,) = row.models
    assert (model.id, model.tasks, model.dimensions, model.capability) == ("m:1", {"embeddings"}, 1024, 0.25)
    assert {"default": 0.5, "code": 1.0} == model.quality
    assert {"name": "M", "max_input_tokens": 8192, "tool_calling": True} == model.profile
    assert model.evidence.as_of == "2026-11-01"


def test_a_model_without_tasks_takes_the_usual_ones(tmp_path):
    row = read(tmp_path, ROW + "[[providers.host.models]]\nid = 'm'\n")

    assert (Model(id="m"),) == row.models


@pytest.mark.parametrize(
    ("body", "key", "told"),
    [
        ("", "base_url", "write http://"),
        ("base_url = 'ftp://host.example'", "base_url", "write http://"),
        ("base_url = 'https://me:secret@host.example'", "base_url", "no name or password"),
        ("base_url = 'https://host.example:99999'", "base_url", "no address"),
        ("base_url = 'https://host.example/{ACCOUNT}/v1'", "base_url", "nothing fills {ACCOUNT}"),
        (
            "base_url = 'https://host.example/{A}'\nbase_url_env = { A = [] }",
            "base_url",
            "nothing fills {A}; name its variables in base_url_env",
        ),
        (
            "base_url = 'https://{A}.example/v1'\nbase_url_env = { A = ['A'] }",
            "base_url",
            "only its path may hold a {NAME}",
        ),
        (ROW + "base_url_env = { A = ['sk-or-v1-123'] }", "base_url_env.A", "never keys"),
        (ROW + "base_url_env = ['A']", "base_url_env", "write a table"),
        (ROW + "statis = 'on'", "statis", "did you mean 'status'?"),
        (ROW + "status = 'of'", "status", "did you mean 'off'?"),
        (ROW + "status = 'off'", "off_reason", "why and since when"),
        (ROW + "name = 3", "name", "write a text"),
        (ROW + "is_local = 1", "is_local", "true or false"),
        (ROW + "rank = -1", "rank", "whole number"),
        (ROW + "rank = true", "rank", "whole number"),
        (ROW + "quirks = ['tool_id_8']", "quirks", "'tool_id_8' is no known flag"),
        (ROW + "quirks = 'tool_id_9'", "quirks", "list of texts"),
        (ROW + "ports = [0]", "ports", "between 1 and 65535"),
        (ROW + "ports = ['1']", "ports", "list of whole numbers"),
        (ROW + "as_of = 'yesterday'", "as_of", "2026-11-20"),
        (ROW + "confidence = 'sure'", "confidence", "high, medium, low"),
        (ROW + "trains_on_data = 'maybe'", "trains_on_data", "no, yes"),
        (ROW + "auth = 'none'", "auth", "write a table"),
        (ROW + "auth = { mode = 'keys' }", "auth.mode", "did you mean 'key'?"),
        (ROW + "auth = { env = ['sk-or-v1-123'] }", "auth.env", "never keys"),
        (ROW + "address_env = ['http://127.0.0.1']", "address_env", "never keys or addresses"),
        (ROW + "auth = { header = 'x: y' }", "auth.header", "name of an HTTP header"),
        (ROW + "auth = { form = 'Bearer' }", "auth.form", "{key}"),
        (ROW + "auth = { check_path = 'me' }", "auth.check_path", "begins with /"),
        (ROW + "free = { suffixes = [''] }", "free.suffixes", "match every id"),
        (ROW + "free = { excluded = [''] }", "free.excluded", "match every id"),
        (ROW + "free = { all_model = true }", "free.all_model", "did you mean 'all_models'?"),
        (ROW + "free = { kind = 'gratis' }", "free.kind", "zero_price"),
        (ROW + "limits = [3]", "limits", "list of tables"),
        (ROW + "limits = [{ amount = 0, seconds = 60 }]", "limits.amount", "how many"),
        (ROW + "limits = [{ amount = 5 }]", "limits.seconds", "length in seconds"),
        (ROW + "limits = [{ amount = 5, seconds = 9, window = 'calendar_day' }]", "limits.seconds", "no other window"),
        (ROW + "limits = [{ amount = 5, window = 'token_bucket' }]", "limits.seconds", "a token bucket"),
        (ROW + "limits = [{ amount = 5, window = 'anniversary_month' }]", "limits.anchor", "has an anchor"),
        (
            ROW + "limits = [{ amount = 5, window = 'calendar_day', anchor = 2026-01-31T00:00:00Z }]",
            "limits.anchor",
            "no other window",
        ),
        (
            ROW + "limits = [{ amount = 5, window = 'anniversary_month', anchor = 2026-01-31T00:00:00 }]",
            "limits.anchor",
            "with its offset",
        ),
        (
            ROW + "limits = [{ amount = 5, window = 'anniversary_month', anchor = 'the 31st' }]",
            "limits.anchor",
            "with its offset",
        ),
        (ROW + "limits = [{ amount = 5, seconds = 60, unit = 'calls' }]", "limits.unit", "requests"),
        (ROW + "limits = [{ amount = 5, seconds = 60, scope = 'user' }]", "limits.scope", "account"),
        (ROW + "limits = [{ amount = 5, window = 'calendar_day', zone = 'Mars/Base' }]", "limits.zone", "no time zone"),
        (ROW + "limits = [{ amount = 5, window = 'calendar_day', zone = '../x' }]", "limits.zone", "no time zone"),
        (ROW + "model_limits = { m = 3 }", "model_limits.m", "list of tables"),
        (ROW + "models = [{ id = ' ' }]", "models.id", "its provider calls it"),
        (ROW + "models = [{ id = 'm', tasks = ['chatt'] }]", "models.tasks", "embeddings"),
        (ROW + "models = [{ id = 'm', profile = { vision = true } }]", "models.profile.vision", "no such key"),
        (
            ROW + "models = [{ id = 'm', profile = { tool_calling = 1 } }]",
            "models.profile.tool_calling",
            "true or false",
        ),
        (ROW + "models = [{ id = 'm', profile = { max_input_tokens = 'x' } }]", "max_input_tokens", "whole number"),
        (ROW + "models = [{ id = 'm', quality = { code = 2 } }]", "models.quality.code", "from 0 to 1"),
        (ROW + "models = [{ id = 'm', capability = true }]", "models.capability", "from 0 to 1"),
        (ROW + "unit_prices = { tokens = 3 }", "unit_prices.tokens", "no such key"),
        (ROW + "unit_prices = { neurons = 3 }", "unit_prices.neurons", "write a table"),
        (
            ROW + "models = [{ id = 'm', unit_prices = { neurons = { input = 3 } } }]",
            "models.unit_prices.neurons.input",
            "no such key",
        ),
        (ROW + "models = [{ id = 'm', evidence = { kind = 'hearsay' } }]", "models.evidence.kind", "free_tier"),
    ],
)
def test_a_wrong_value_names_file_line_and_key(tmp_path, body, key, told):
    with pytest.raises(CatalogError) as caught:
        read(tmp_path, body)

    message = str(caught.value)
    assert re.match(rf"{re.escape(str(tmp_path / 'host.toml'))}:\d+: providers\.host\.", message)
    assert f"{key}: " in message
    assert told in message


def test_the_line_of_the_wrong_key_is_told(tmp_path):
    with pytest.raises(CatalogError, match=r"host\.toml:4: providers\.host\.rank: "):
        read(tmp_path, ROW + "rank = 'first'\n")


def test_an_address_with_a_password_is_not_repeated(tmp_path):
    with pytest.raises(CatalogError) as caught:
        read(tmp_path, "base_url = 'https://me:hunter2@host.example'")

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://a", "https://a.b:8080/v1", "http://[::1]:5/x", "https://h/{ACCOUNT}/v1"])
def test_a_plain_address_is_fine(url):
    assert check_address(url) == ""


@pytest.mark.parametrize(
    "url", ["", "a", "localhost:1", "http://", "http://a b", "http://a\\b", "http://a\n", "http://[::1", "http://a:0"]
)
def test_anything_else_is_not(url):
    assert check_address(url) != ""


@pytest.mark.parametrize(
    ("text", "expected"), [("a", True), ("a-b_2", True), ("A", False), ("2a", False), ("", False), ("a\n", False)]
)
def test_a_provider_id_is_small_letters_digits_and_dashes(text, expected):
    assert is_provider_id(text) == expected


def test_a_wrong_provider_id_is_an_error(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text("schema = 1\n[providers.Host]\nbase_url = 'http://a'\n", encoding="utf-8")

    with pytest.raises(CatalogError, match="'Host' is no provider id"):
        package_layers().with_file(path).to_providers()
