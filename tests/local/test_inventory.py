"""Engines tell the same facts under different names; what none tells stays unknown."""

import json
from pathlib import Path

import pytest

from openmux_lc.local.fingerprint import EngineKind, Page, load_kinds
from openmux_lc.local.inventory import listed_rows, model_id, to_model
from openmux_lc.types.catalog import Evidence, Model

EVIDENCE = Evidence(kind="local", source="http://127.0.0.1:1", as_of="2026-11-20", confidence="high")
KINDS = {kind.name: kind for kind in load_kinds()}


def read(kind: str | EngineKind, row: dict[str, object], told: dict[str, object] | None = None) -> Model | None:
    chosen = KINDS[kind] if isinstance(kind, str) else kind
    return to_model(chosen, row, told=told or {}, evidence=EVIDENCE)  # type: ignore[arg-type]  # JSON by hand


def known(kind: str, row: dict[str, object], told: dict[str, object] | None = None) -> Model:
    model = read(kind, row, told)
    assert model is not None
    return model


def test_an_ollama_model_is_described_by_its_details() -> None:
    """Abilities, the window of the architecture, and the size from the list."""
    row = {"name": "qwen3:8b", "details": {"parameter_size": "8.2B"}}
    told = {"capabilities": ["completion", "tools", "thinking"], "model_info": {"qwen3.context_length": 40960}}
    model = known("ollama", row, told)

    assert ("qwen3:8b", frozenset({"chat", "code", "other"})) == (model.id, model.tasks)
    assert {
        "open_weights": True,
        "text_inputs": True,
        "text_outputs": True,
        "structured_output": True,
        "tool_calling": True,
        "reasoning_output": True,
        "image_inputs": False,
        "max_input_tokens": 40960,
    } == model.profile
    assert EVIDENCE == model.evidence
    assert 0.5 < model.capability < 0.6


def test_a_window_set_by_hand_wins_over_the_models_own() -> None:
    """Ollama cuts silently at `num_ctx`, whatever the model could take."""
    told = {"parameters": 'num_ctx                        1024\nstop "x"', "model_info": {"llama.context_length": 2048}}

    assert 1024 == known("ollama", {"name": "tiny"}, told).profile["max_input_tokens"]


def test_an_embedding_model_of_ollama_says_so() -> None:
    """It serves embeddings only, with the length of its vectors."""
    told = {"capabilities": ["embedding"], "model_info": {"bert.context_length": 512, "bert.embedding_length": 384}}
    model = known("ollama", {"name": "all-minilm:latest"}, told)

    assert ({"embeddings"}, 384, 512) == (model.tasks, model.dimensions, model.profile["max_input_tokens"])
    assert "tool_calling" not in model.profile


@pytest.mark.parametrize(
    "row",
    [
        {"name": "gpt-oss:120b-cloud"},
        {"name": "glm-4.6:cloud"},
        {"name": "kimi", "remote_host": "https://example.invalid:443"},
        {"name": "kimi", "remote_model": "kimi-k2"},
    ],
)
def test_models_that_run_elsewhere_for_money_are_left_out(row: dict[str, object]) -> None:
    """An engine on this machine may pass questions on: those are not free."""
    assert read("ollama", row) is None


def test_a_llama_cpp_model_is_described_by_the_properties_page() -> None:
    """The window in use stands in the list, the abilities beside it."""
    row = {"id": "m", "meta": {"n_ctx": 1024, "n_ctx_train": 2048, "n_params": 1912896, "n_embd": 192}}
    row |= {"architecture": {"input_modalities": ["text", "image"]}}
    told = {"chat_template_caps": {"supports_tool_calls": True}, "modalities": {"vision": True}}
    model = known("llamacpp", row, told)

    assert 1024 == model.profile["max_input_tokens"]
    assert (True, True) == (model.profile["tool_calling"], model.profile["image_inputs"])
    assert "reasoning_output" not in model.profile
    assert 0.02 == model.capability
    assert model.dimensions is None


def test_a_llama_cpp_model_that_was_seen_to_embed_serves_both() -> None:
    """No page tells it; a vector does."""
    model = to_model(KINDS["llamacpp"], {"id": "m"}, told={}, evidence=EVIDENCE, vector_length=192)

    assert model is not None
    assert ({"chat", "code", "other", "embeddings"}, 192) == (model.tasks, model.dimensions)


def test_a_template_without_tools_says_no() -> None:
    """False is knowledge, and not the same as silence."""
    told = {"chat_template_caps": {"supports_tool_calls": False}}

    assert known("llamacpp", {"id": "m"}, told).profile["tool_calling"] is False
    assert "tool_calling" not in known("llamacpp", {"id": "m"}).profile


def test_lm_studio_rows_of_both_lists() -> None:
    """The loaded window wins; abilities are a list in one and an object in the other."""
    old = {
        "id": "q",
        "type": "vlm",
        "max_context_length": 131072,
        "loaded_context_length": 4096,
        "capabilities": ["tool_use"],
    }
    new = {
        "key": "google/gemma-4-12b",
        "type": "llm",
        "params_string": "12B",
        "max_context_length": 131072,
        "loaded_instances": [{"config": {"context_length": 8192}}],
        "capabilities": {"vision": True, "trained_for_tool_use": False, "reasoning": {"default": "on"}},
    }
    first, second = known("lmstudio", old).profile, known("lmstudio", new).profile

    assert (4096, True, True, False) == (
        first["max_input_tokens"],
        first["tool_calling"],
        first["image_inputs"],
        first["reasoning_output"],
    )
    assert (8192, False, True, True) == (
        second["max_input_tokens"],
        second["tool_calling"],
        second["image_inputs"],
        second["reasoning_output"],
    )
    assert {"embeddings"} == known("lmstudio", {"id": "x", "type": "embeddings"}).tasks


def test_a_genuine_list_of_lm_studio_is_read(shared: Path) -> None:
    """Its plain list tells ids only; an embedding model is known by its name."""
    exchange = json.loads((shared / "recordings/lmstudio/models_200_na_265491f7.json").read_text(encoding="utf-8"))
    rows = listed_rows(Page.of(200, {}, exchange["response_body"].encode()))
    models = {model_id(row): known("lmstudio", dict(row)) for row in rows}

    assert {"embeddings"} == models["text-embedding-nomic-embed-text-v1.5"].tasks
    assert "chat" in models["deepseek/deepseek-r1-0528-qwen3-8b"].tasks
    assert "tool_calling" not in models["mistralai/devstral-small-2505"].profile


def test_a_vllm_row_tells_its_window() -> None:
    """`max_model_len` is what it was started with."""
    assert 1024 == known("vllm", {"id": "m", "max_model_len": 1024}).profile["max_input_tokens"]


@pytest.mark.parametrize(
    ("name", "tasks"),
    [
        ("nomic-embed-text:latest", {"embeddings"}),
        ("all-minilm", {"embeddings"}),
        ("whisper-1", {"audio"}),
        ("tts-1", {"tts"}),
        ("stablediffusion", {"image"}),
        ("gpt-4", {"chat", "code", "other"}),
    ],
)
def test_the_name_tells_the_task_where_nothing_else_does(name: str, tasks: set[str]) -> None:
    """Engines of many trades list everything in one list."""
    assert tasks == known("localai", {"id": name}).tasks


def test_a_model_of_no_use_is_left_out() -> None:
    """A reranker answers no question of ours."""
    assert read("localai", {"id": "jina-reranker-v2"}) is None


@pytest.mark.parametrize(
    ("row", "capability"),
    [
        ({"id": "llama-3.3-70b-instruct"}, 0.79),
        ({"id": "qwen3:0.6b"}, 0.241),
        ({"id": "smollm-135m"}, 0.069),
        ({"id": "mystery"}, 0.5),
        ({"id": "v2-0b"}, 0.5),
        ({"id": "x", "meta": {"n_params": 8_000_000_000}}, 0.54),
    ],
)
def test_capability_follows_the_size(row: dict[str, object], capability: float) -> None:
    """An unknown size is the middle; a tiny model never looks able."""
    assert pytest.approx(capability, abs=0.002) == known("openai", row).capability


@pytest.mark.parametrize(
    "text", ["{}", "[]", "null", '{"data": 5}', '{"data": [1, null, {}]}', '{"models": [{"id": 3}]}', "x"]
)
def test_lists_that_are_none_are_empty(text: str) -> None:
    """A stranger's JSON never raises."""
    assert () == listed_rows(Page.of(200, {}, text.encode()))


def test_hostile_facts_are_unknown_ones() -> None:
    """Wrong types and negative numbers are no facts."""
    row = {"id": "m", "meta": [], "max_model_len": -5, "capabilities": "all", "details": 3, "architecture": None}
    told = {"parameters": 5, "model_info": ["x"], "capabilities": None, "chat_template_caps": "yes"}
    model = known("llamacpp", row, told)

    assert "max_input_tokens" not in model.profile
    assert "tool_calling" not in model.profile
