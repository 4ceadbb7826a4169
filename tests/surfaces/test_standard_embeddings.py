"""LangChain's standard suites for `OpenMuxEmbeddings`; they run with `tox -e conformance`."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from openmux_lc import OpenMuxEmbeddings
from openmux_lc.testing import Answer, FakeUpstream, server_error
from tests.pool import make_pool

pytest.importorskip("langchain_tests", reason="langchain-tests holds vcrpy below 9: `tox -e conformance` runs these")

from langchain_tests.integration_tests import EmbeddingsIntegrationTests
from langchain_tests.unit_tests import EmbeddingsUnitTests

_ROWS = "\n".join(f'[[models]]\nroute = "{host}:v"\nfree = true\ndimensions = 8\n' for host in ("alpha", "beta"))


class TestUnit(EmbeddingsUnitTests):
    """The suite that needs no vectors."""

    @property
    def embeddings_class(self) -> type[OpenMuxEmbeddings]:
        return OpenMuxEmbeddings

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        return {"model": "ollama:nomic-embed-text"}


class TestIntegration(EmbeddingsIntegrationTests):
    """The suite against `auto` over two hosts that work."""

    first = Answer()

    @pytest.fixture(autouse=True)
    def _pool(self, tmp_path: Path) -> Iterator[None]:
        with ExitStack() as stack:
            hosts = {
                "alpha": stack.enter_context(FakeUpstream(type(self).first)),
                "beta": stack.enter_context(FakeUpstream(Answer())),
            }
            self.mux = stack.enter_context(make_pool(tmp_path, hosts, extra=_ROWS))
            yield

    @property
    def embeddings_class(self) -> type[OpenMuxEmbeddings]:
        return OpenMuxEmbeddings

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        return {"model": "auto", "mux": self.mux}


class TestIntegrationPastADeadHost(TestIntegration):
    """The same while the first host fails every call."""

    first = server_error()
