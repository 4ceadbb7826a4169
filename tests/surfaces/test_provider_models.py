"""`provider_chat_model("groq:...")` and `provider_embeddings(...)`: LangChain objects without the pool."""

from pathlib import Path

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage

from openmux_lc import provider_chat_model, provider_embeddings
from openmux_lc.errors import ContextOverflow, MissingKeyError, NoRouteError, UnknownProviderError
from openmux_lc.settings import Settings
from openmux_lc.testing import Answer, FakeUpstream, context_overflow

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
