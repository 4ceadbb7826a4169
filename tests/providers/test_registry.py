"""Which adapter speaks to a row, and the list of models behind `openmux init`."""

import time
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from openmux_lc.errors import AuthenticationFailed, BadPayload, CatalogError, ConfigError
from openmux_lc.http import Clients
from openmux_lc.providers.registry import DIALECTS, adapter_for, list_models
from openmux_lc.testing import FakeUpstream, Fault, unauthorized
from openmux_lc.types.catalog import Auth
from tests.providers.calls import provider


@pytest.fixture
def clients() -> Iterator[Clients]:
    made = Clients()
    yield made
    made.close()


def test_every_dialect_has_an_adapter(clients: Clients) -> None:
    for dialect in DIALECTS:
        adapter = adapter_for(provider(dialect=dialect), clients)

        for name in ("send", "asend", "open", "aopen", "embed", "aembed"):
            assert callable(getattr(adapter, name))


def test_an_unknown_dialect_names_the_row_and_the_known_ones(clients: Clients) -> None:
    with pytest.raises(CatalogError, match=r"'fake': unknown dialect 'klingon'; known are .*openai"):
        adapter_for(provider(dialect="klingon"), clients)


def test_an_address_with_a_gap_is_never_called(clients: Clients) -> None:
    row = provider("http://127.0.0.1:9/{ACCOUNT}/v1", base_url_env={"ACCOUNT": ("MY_ACCOUNT_ID",)})

    with pytest.raises(ConfigError, match="not complete; set MY_ACCOUNT_ID"):
        adapter_for(row, clients)
    with pytest.raises(ConfigError, match="not complete; set MY_ACCOUNT_ID"):
        list_models(row, None, clients, deadline=time.monotonic() + 5)


def test_the_models_of_a_host_are_listed(clients: Clients) -> None:
    with FakeUpstream(models=("a/b:free", {"id": "c"})) as up:
        found = list_models(provider(up.base_url), None, clients, deadline=time.monotonic() + 5)

    assert ("a/b:free", "c") == found


def test_a_wrong_key_shows(clients: Clients) -> None:
    with FakeUpstream(api_key="right") as up, pytest.raises(AuthenticationFailed):
        list_models(provider(up.base_url), SecretStr("wrong"), clients, deadline=time.monotonic() + 5)


def test_a_wrong_key_shows_where_the_list_is_open_to_all(clients: Clients) -> None:
    """The row names a page that does ask for the key."""
    with FakeUpstream(pages={"/v1/key": unauthorized()}) as up:
        row = provider(up.base_url, auth=Auth(check_path="/key"))

        with pytest.raises(AuthenticationFailed):
            list_models(row, SecretStr("wrong"), clients, deadline=time.monotonic() + 5)
        assert ("fake-model",) == list_models(row, None, clients, deadline=time.monotonic() + 5)


@pytest.mark.parametrize("body", [{}, {"data": None}, "<html>"])
def test_a_page_without_a_list_is_a_bad_payload(body: object, clients: Clients) -> None:
    with FakeUpstream(models=Fault(200, body=body)) as up, pytest.raises(BadPayload):
        list_models(provider(up.base_url), None, clients, deadline=time.monotonic() + 5)
