"""`provider_chat_model("groq:...")` and `provider_embeddings(...)`: LangChain objects without the pool."""

from pathlib import Path

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from pydantic import SecretStr

from openmux_lc import provider_chat_model, provider_embeddings
from openmux_lc.errors import (
    AuthenticationFailed,
    ContextOverflow,
    MissingKeyError,
    NoRouteError,
    UnknownProviderError,
)
from openmux_lc.providers.langchain import chat_model_for
from openmux_lc.settings import Settings
from openmux_lc.testing import Answer, FakeUpstream, context_overflow
from openmux_lc.types.catalog import Auth, Provider

FREE = "groq:openai/gpt-oss-20b"
KEY = "gsk_" + "0123456789abcdefghijABCDEFGHIJ"


def _settings(folder: Path, up: FakeUpstream | None = None, **variables: str) -> Settings:
    """Return settings in which groq and ollama are at `up`, if anywhere."""
    addresses = {"OPENMUX_GROQ_BASE_URL": up.base_url, "OPENMUX_OLLAMA_BASE_URL": up.base_url} if up else {}
    return Settings.load(environ={**addresses, **variables}, cwd=folder)


def test_a_route_becomes_a_chat_model_with_the_key_that_the_pool_would_find(tmp_path: Path) -> None:
    with FakeUpstream(Answer("Paris."), api_key=KEY) as up:
        model = provider_chat_model(FREE, settings=_settings(tmp_path, up, GROQ_API_KEY=KEY), temperature=0)
        answer = model.invoke("What is the capital of France?")

    assert isinstance(model, BaseChatModel)
    assert isinstance(answer, AIMessage)
    assert ("Paris.", "groq", 0) == (
        answer.text,
        answer.response_metadata["model_provider"],
        up.requests[0].body["temperature"],
    )


def test_a_key_in_the_call_wins_and_shows_nowhere(tmp_path: Path) -> None:
    with FakeUpstream(Answer("Paris."), api_key=KEY) as up:
        model = provider_chat_model(FREE, api_key=KEY, settings=_settings(tmp_path, up, GROQ_API_KEY="wrong"))
        text = model.invoke("Hi").text

    assert "Paris." == text
    assert KEY not in repr(model)


def test_without_a_key_the_error_names_the_variable_and_the_page(tmp_path: Path) -> None:
    with pytest.raises(MissingKeyError, match=r"GROQ_API_KEY.*https://console.groq.com"):
        provider_chat_model(FREE, settings=_settings(tmp_path))


@pytest.mark.parametrize("route", ["groq:not-a-free-one", "together:meta-llama/Llama-3.3-70B-Instruct-Turbo"])
@pytest.mark.parametrize("make", [provider_chat_model, provider_embeddings])
def test_what_is_not_known_to_be_free_is_never_called(make: object, route: str, tmp_path: Path) -> None:
    """S0-04: the check of the pool stands before a single model, too."""
    assert callable(make)

    with pytest.raises(NoRouteError, match=r"may not be called: (not free|off)"):
        make(route, api_key=KEY, settings=_settings(tmp_path))


PAID = "llama-3.3-70b-versatile"


def test_a_paid_model_named_per_call_is_never_called(tmp_path: Path) -> None:
    """The route was checked when the model was made; `model=` per call names another one."""
    with FakeUpstream(Answer("Paris."), api_key=KEY) as up:
        llm = provider_chat_model(FREE, api_key=KEY, settings=_settings(tmp_path, up))
        with pytest.raises(NoRouteError, match="not free"):
            llm.invoke("Hi", model=PAID)
        with pytest.raises(NoRouteError, match="not free"):
            list(llm.bind(model=PAID).stream("Hi"))
        free = llm.invoke("Hi", model="openai/gpt-oss-120b").text

    assert "Paris." == free
    assert ["openai/gpt-oss-120b"] == [received.model for received in up.requests]


async def test_a_paid_model_set_later_is_never_called_either(tmp_path: Path) -> None:
    with FakeUpstream(Answer("Paris."), api_key=KEY) as up:
        llm = provider_chat_model(FREE, api_key=KEY, settings=_settings(tmp_path, up))
        changed = llm.model_copy(update={"model_name": PAID})
        with pytest.raises(NoRouteError, match="not free"):
            await changed.ainvoke("Hi")

    assert not up.requests


async def test_an_engine_here_is_not_asked_for_a_model_elsewhere(tmp_path: Path) -> None:
    """Ollama passes what ends in `-cloud` on to its own hosts."""
    pytest.importorskip("langchain_ollama")
    body = {"model": "tiny", "message": {"role": "assistant", "content": "Paris."}, "done": True, "done_reason": "stop"}
    with FakeUpstream(pages={"/api/chat": body}) as up:
        variables = {"OPENMUX_OLLAMA_BASE_URL": up.root_url}
        llm = provider_chat_model("ollama:tiny", settings=Settings.load(environ=variables, cwd=tmp_path))
        with pytest.raises(NoRouteError, match="not free"):
            llm.invoke("Hi", model="gpt-oss:20b-cloud")
        with pytest.raises(NoRouteError, match="not free"):
            await llm.ainvoke("Hi", model="gpt-oss:20b-cloud")
        text = llm.invoke("Hi").text
        llm._client.close()
        await llm._async_client.close()

    assert "Paris." == text
    assert 1 == len(up.requests)


def test_a_key_that_no_header_can_carry_is_told_before_it_is_sent() -> None:
    """The client's own error would quote the whole header."""
    pytest.importorskip("langchain_ollama")
    row = Provider(id="far", name="Far", base_url="http://127.0.0.1:9", dialect="ollama", auth=Auth(mode="key"))

    with pytest.raises(AuthenticationFailed) as caught:
        chat_model_for(row, "tiny", api_key=SecretStr("sk-secret\nx-evil: 1"))

    assert "secret" not in str(caught.value)


def test_an_unknown_provider_is_answered_with_the_nearest_routes(tmp_path: Path) -> None:
    with pytest.raises(UnknownProviderError, match="did you mean groq:openai/gpt-oss-20b"):
        provider_chat_model("grok:openai/gpt-oss-20b", settings=_settings(tmp_path))


def test_an_offline_setting_holds_for_a_single_model(tmp_path: Path) -> None:
    with pytest.raises(NoRouteError, match="OPENMUX_OFFLINE"):
        provider_chat_model(FREE, api_key=KEY, settings=_settings(tmp_path, OPENMUX_OFFLINE="1"))


def test_a_refusal_that_nothing_was_learned_from_is_not_repeated(tmp_path: Path) -> None:
    with FakeUpstream(context_overflow()) as up:
        model = provider_chat_model(FREE, api_key=KEY, settings=_settings(tmp_path, up))
        with pytest.raises(ContextOverflow):
            model.invoke("Hi")

    assert 1 == len(up.requests)
