"""From a user's text to a route: exact, or an error that names full routes; never a guess."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmux_lc.catalog.catalog import load_catalog
from openmux_lc.catalog.resolve import nearest_models, nearest_routes, resolve_route
from openmux_lc.errors import UnknownProviderError
from openmux_lc.settings import Settings
from openmux_lc.types.catalog import Model, Route

CATALOG = load_catalog(Settings())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ollama:qwen3:8b", Route("ollama", "qwen3:8b")),
        ("openrouter:qwen/qwen3:free", Route("openrouter", "qwen/qwen3:free")),
        ("groq:openai/gpt-oss-20b", Route("groq", "openai/gpt-oss-20b")),
        (" groq:openai/gpt-oss-20b\n", Route("groq", "openai/gpt-oss-20b")),
        ("groq:not/known", Route("groq", "not/known")),
        ("lmstudio:anything", Route("lmstudio", "anything")),
    ],
)
def test_a_route_is_split_at_the_first_colon_and_the_model_is_opaque(text, expected):
    """Whether an unknown model may be called is the free check's to say, not this function's."""
    assert expected == CATALOG.resolve(text)


@given(st.text(min_size=1).filter(lambda text: text == text.strip() and text != ""))
def test_every_model_id_comes_back_as_it_was(model_id):
    assert Route("groq", model_id) == CATALOG.resolve(f"groq:{model_id}")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("qwen3:8b", "did you mean ollama:qwen3:8b?"),
        ("llama3.2", "did you mean ollama:llama3.2?"),
        ("grok:openai/gpt-oss-20b", "did you mean groq:openai/gpt-oss-20b"),
        ("Groq:openai/gpt-oss-20b", "did you mean groq:openai/gpt-oss-20b"),
        ("openruter:vendor/new:free", "did you mean openrouter:vendor/new:free"),
        ("mistrl:mistral-smal", "did you mean mistral:mistral-small-2603"),
        (
            "openai/gpt-oss-120b",
            "did you mean groq:openai/gpt-oss-120b, nvidia:openai/gpt-oss-120b or cloudflare:@cf/openai/gpt-oss-120b?",
        ),
        (
            "gpt-oss-120b",
            "did you mean groq:openai/gpt-oss-120b, nvidia:openai/gpt-oss-120b or cloudflare:@cf/openai/gpt-oss-120b?",
        ),
        (
            "GPT-OSS-120b",
            "did you mean groq:openai/gpt-oss-120b, nvidia:openai/gpt-oss-120b or cloudflare:@cf/openai/gpt-oss-120b?",
        ),
        ("gemini-3.5-flas", "did you mean gemini:gemini-3.5-flash"),
        ("groq", "names a provider but no model"),
        ("groq:", "did you mean groq:openai/gpt-oss-120b"),
        ("groq: ", "did you mean groq:openai/gpt-oss-120b"),
        ("auto", "`openmux models` lists"),
        ("", "`openmux models` lists"),
        ("Tell me a joke, please", "`openmux models` lists"),
    ],
)
def test_anything_else_is_an_error_that_names_full_routes(text, meant):
    with pytest.raises(UnknownProviderError) as caught:
        CATALOG.resolve(text)

    assert "a route is provider:model" in str(caught.value) or "names a provider" in str(caught.value)
    assert meant in str(caught.value)


def test_a_model_found_on_an_engine_is_named_in_full():
    catalog = CATALOG.with_models("ollama", [Model(id="qwen3:8b"), Model(id="qwen3:4b")])

    assert ("ollama:qwen3:8b",) == nearest_routes(catalog.providers, "qwen3:8b")
    assert "ollama:qwen3:8b" in nearest_routes(catalog.providers, "qwen3:8")


def test_a_row_that_is_off_is_not_suggested():
    assert not any(
        route.startswith(("cerebras:", "sambanova:")) for route in nearest_routes(CATALOG.providers, "gpt-oss-120b")
    )


def test_an_empty_catalog_suggests_nothing():
    with pytest.raises(UnknownProviderError, match="`openmux models`"):
        resolve_route({}, "groq:x")


def test_a_text_of_any_length_makes_a_short_message():
    with pytest.raises(UnknownProviderError) as caught:
        CATALOG.resolve("x" * 100_000)

    assert len(str(caught.value)) < 600


@given(st.text(max_size=40))
def test_suggestions_are_few_and_full_routes(text):
    near = nearest_routes(CATALOG.providers, text)

    assert len(near) <= 3
    assert all(route.partition(":")[0] in CATALOG.providers for route in near)


def test_the_nearest_models_of_one_provider():
    row = CATALOG.provider("groq")

    assert ("groq:openai/gpt-oss-20b",) == nearest_models(row, "gpt-oss-20b")
    assert () == nearest_models(row, "openai/gpt-oss-20b"), "a known model needs no other"
    assert () == nearest_models(row, "something else entirely")
