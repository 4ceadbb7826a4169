"""LangChain's standard suites for `ChatOpenMux`: over a sound pool, then with half of all upstream calls failing.

Nothing of the suites is overridden and every ability is switched on. They hold vcrpy below 9, so they run in an
environment of their own: `tox -e conformance`.
"""

import base64
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import reduce
from operator import add
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from openmux_lc import ChatOpenMux, Mux
from openmux_lc.testing import Behaviour, FakeUpstream, Received
from tests.pool import make_pool
from tests.surfaces.smart_upstream import HalfFailing, counted_answer, smart_model

pytest.importorskip("langchain_tests", reason="langchain-tests holds vcrpy below 9: `tox -e conformance` runs these")

from langchain_core.messages import AIMessage
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.integration_tests import chat_models as suite
from langchain_tests.unit_tests import ChatModelUnitTests

_HOSTS = ("alpha", "beta", "gamma", "delta")
_ABILITIES = ("tool_calling", "structured_output", "image_inputs", "audio_inputs", "pdf_inputs")
_PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


def _open_pool(
    stack: ExitStack, folder: Path, spoil: Callable[[Callable[[Received], Behaviour]], Callable[[Received], Behaviour]]
) -> Mux:
    """Return a pool of four hosts with two models each, `m` for text and `all` for whatever can be attached."""
    hosts = {host: stack.enter_context(FakeUpstream(spoil(smart_model(host)))) for host in _HOSTS}
    able = "\n".join(f"{ability} = true" for ability in _ABILITIES)
    rows = [f'[[models]]\nroute = "{host}:all"\nfree = true\nquality = 0.1\n{able}\n' for host in _HOSTS]
    return stack.enter_context(make_pool(folder, hosts, extra="\n".join(rows)))


class TestUnit(ChatModelUnitTests):
    """The suite that needs no answers."""

    @property
    def chat_model_class(self) -> type[ChatOpenMux]:
        return ChatOpenMux

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "groq:openai/gpt-oss-20b"}


class TestIntegration(ChatModelIntegrationTests):
    """The suite against `auto` over four hosts that all work."""

    @pytest.fixture(autouse=True)
    def _pool(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        # The suite fetches its picture, sound and document from the network; what is in them matters to no test.
        monkeypatch.setattr(suite, "httpx", SimpleNamespace(get=lambda *_, **__: SimpleNamespace(content=_PIXEL)))
        monkeypatch.setenv("LANGCHAIN_TESTS_USER_AGENT", "nothing is fetched")
        with ExitStack() as stack:
            self.folder, self.mux = tmp_path, _open_pool(stack, tmp_path, self.spoil())
            yield

    def spoil(self) -> Callable[[Callable[[Received], Behaviour]], Callable[[Received], Behaviour]]:
        return lambda script: script

    @property
    def chat_model_class(self) -> type[ChatOpenMux]:
        return ChatOpenMux

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "auto", "mux": self.mux}

    @property
    def model_override_value(self) -> str:
        return "beta:m"

    @property
    def supports_json_mode(self) -> bool:
        return True

    @property
    def supports_image_inputs(self) -> bool:
        return True

    @property
    def supports_image_urls(self) -> bool:
        return True

    @property
    def supports_image_tool_message(self) -> bool:
        return True

    @property
    def supports_pdf_inputs(self) -> bool:
        return True

    @property
    def supports_pdf_tool_message(self) -> bool:
        return True

    @property
    def supports_audio_inputs(self) -> bool:
        return True

    @property
    def supports_anthropic_inputs(self) -> bool:
        return True

    @property
    def supported_usage_metadata_details(self) -> dict[str, list[str]]:
        details = ["reasoning_output", "cache_read_input"]
        return {"invoke": details, "stream": details}

    def invoke_with_reasoning_output(self, *, stream: bool = False) -> AIMessage:
        return self._counted(stream=stream)

    def invoke_with_cache_read_input(self, *, stream: bool = False) -> AIMessage:
        return self._counted(stream=stream)

    def _counted(self, *, stream: bool) -> AIMessage:
        """Return an answer of a host that tells thoughts and cache hits."""
        with FakeUpstream(counted_answer(reasoning_tokens=7, cached_tokens=5)) as host:
            with make_pool(self.folder, {"counting": host}) as mux:
                llm = ChatOpenMux(mux=mux)
                return reduce(add, llm.stream("What is 2 + 2?")) if stream else llm.invoke("What is 2 + 2?")


class TestIntegrationWithJsonSchema(TestIntegration):
    """The same with structured output through the wire's own `json_schema`."""

    @property
    def structured_output_kwargs(self) -> dict[str, Any]:
        return {"method": "json_schema"}


class TestIntegrationOnTheGraph(TestIntegration):
    """The same with the steps run by LangGraph."""

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "auto", "mux": self.mux, "engine": "graph"}


class TestIntegrationHalfFailing(TestIntegration):
    """The same while every second call to an upstream fails."""

    def spoil(self) -> Callable[[Callable[[Received], Behaviour]], Callable[[Received], Behaviour]]:
        return HalfFailing()
