"""LangChain's standard suites for one provider's model without the pool; they run with `tox -e conformance`."""

from collections.abc import Iterator
from functools import reduce
from operator import add
from types import SimpleNamespace
from typing import Any

import pytest

from openmux_lc.providers.langchain import ProviderChatModel
from openmux_lc.providers.langchain_embeddings import ProviderEmbeddings
from openmux_lc.testing import Answer, FakeUpstream
from openmux_lc.types.catalog import Provider
from tests.surfaces.smart_upstream import counted_answer, smart_model

pytest.importorskip("langchain_tests", reason="langchain-tests holds vcrpy below 9: `tox -e conformance` runs these")

from langchain_core.messages import AIMessage
from langchain_tests.integration_tests import EmbeddingsIntegrationTests
from langchain_tests.integration_tests import chat_models as suite
from langchain_tests.unit_tests import ChatModelUnitTests, EmbeddingsUnitTests

from tests.surfaces.test_standard_chat import _PIXEL
from tests.surfaces.test_standard_chat import TestIntegration as PoolIntegration

ROW = Provider(id="alpha", name="Alpha", base_url="http://127.0.0.1:9/v1")


def _row(host: FakeUpstream) -> Provider:
    return Provider(id="alpha", name="Alpha", base_url=host.base_url)


class TestUnit(ChatModelUnitTests):
    """The suite that needs no answers."""

    @property
    def chat_model_class(self) -> type[ProviderChatModel]:
        return ProviderChatModel

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"provider": ROW, "model": "m"}


class TestIntegration(PoolIntegration):
    """The suite of the pool's model, asked of one host directly."""

    @pytest.fixture(autouse=True)
    def _pool(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setattr(suite, "httpx", SimpleNamespace(get=lambda *_, **__: SimpleNamespace(content=_PIXEL)))
        monkeypatch.setenv("LANGCHAIN_TESTS_USER_AGENT", "nothing is fetched")
        with FakeUpstream(self.spoil()(smart_model("alpha"))) as host:
            self.host = host
            yield

    @property
    def chat_model_class(self) -> type[ProviderChatModel]:
        return ProviderChatModel

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"provider": _row(self.host), "model": "all"}

    @property
    def model_override_value(self) -> str:
        return "m"

    def _counted(self, *, stream: bool) -> AIMessage:
        with FakeUpstream(counted_answer(reasoning_tokens=7, cached_tokens=5)) as host:
            llm = ProviderChatModel(provider=_row(host), model="m")
            return reduce(add, llm.stream("What is 2 + 2?")) if stream else llm.invoke("What is 2 + 2?")


class TestEmbeddingsUnit(EmbeddingsUnitTests):
    """The suite that needs no vectors."""

    @property
    def embeddings_class(self) -> type[ProviderEmbeddings]:
        return ProviderEmbeddings

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        return {"provider": ROW, "model": "v"}


class TestEmbeddingsIntegration(EmbeddingsIntegrationTests):
    """The suite against one host."""

    @pytest.fixture(autouse=True)
    def _host(self) -> Iterator[None]:
        with FakeUpstream(Answer()) as host:
            self.host = host
            yield

    @property
    def embeddings_class(self) -> type[ProviderEmbeddings]:
        return ProviderEmbeddings

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        return {"provider": _row(self.host), "model": "v"}
