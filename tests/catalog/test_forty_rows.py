"""Each of the forty rows, against a table written by hand (S0-02, S1-13, S2-02, S4-14).

What decides over money and keys stands here in full: where a call goes, what it carries, what counts as free there
and what does not, and how much of it. A row that is off gives nothing and says since when.
"""

import re
from typing import NamedTuple

import pytest

from openmux_lc.catalog.catalog import load_catalog
from openmux_lc.catalog.free import evidence, is_covered, why_not_free
from openmux_lc.settings import Settings
from openmux_lc.types.catalog import Auth, Evidence, Limit, Model, Route

CATALOG = load_catalog(Settings())
ZERO_PRICE = Evidence(kind="zero_price", source="its list of models", as_of="2026-11-20")


class Told(NamedTuple):
    """One row.

    Args:
        dialect: Name of the adapter.
        base_url: Where it is.
        auth: Mode and variables; header and form where unusual; the page that checks a key.
        limits: In words, in any order.
        kind: The evidence that the rule gives; empty where the row gives none.
        free: Ids that the rule covers.
        paid: Ids that it does not.
        off: Since when, or when read; empty where the row is on.
    """

    dialect: str
    base_url: str
    auth: str
    limits: tuple[str, ...] = ()
    kind: str = ""
    free: tuple[str, ...] = ()
    paid: tuple[str, ...] = ()
    off: str = ""


def local(base_url, auth="none", dialect="openai", paid=()):
    return Told(dialect, base_url, auth, kind="local", free=("anything:latest",), paid=paid)


def off(base_url, auth, since, limits=(), *, dialect="openai", paid=("gpt-oss-120b",)):
    return Told(dialect, base_url, auth, limits, paid=paid, off=since)


TABLE = {
    "openrouter": Told(
        "openai",
        "https://openrouter.ai/api/v1",
        "key OPENROUTER_API_KEY, check /key",
        ("20 requests/60 s account", "50 requests/day UTC account"),
        "free_id",
        ("vendor/anything:free", "openrouter/free"),
        (
            *("openai/gpt-5", "openrouter/auto", "google/lyria-3-clip", "a/b:free:online", "a/b:online:free"),
            *("nvidia/nemotron-3.5-content-safety:free", "poolside/laguna-s-2.1:free", "z-ai/glm-5.2:free"),
            *("thinkingmachines/inkling:free", "inclusionai/ling-3.0-flash-sante:free"),
        ),
    ),
    "groq": Told(
        "openai",
        "https://api.groq.com/openai/v1",
        "key GROQ_API_KEY, check /models",
        (
            *("30 requests/60 s organisation_model", "1000 requests/86400 s organisation_model"),
            *("8000 tokens/60 s organisation_model", "200000 tokens/86400 s organisation_model"),
        ),
        "free_tier",
        ("openai/gpt-oss-120b", "openai/gpt-oss-20b", "qwen/qwen3.8-27b", "whisper-large-v3"),
        ("groq/compound", "groq/compound-mini", "llama-3.3-70b-versatile", "minimaxai/minimax-m2.7", "unknown"),
    ),
    "gemini": Told(
        "gemini",
        "https://generativelanguage.googleapis.com/v1beta",
        "key GEMINI_API_KEY GOOGLE_API_KEY GOOGLE_GENERATIVE_AI_API_KEY, x-goog-api-key: {key}, check /models",
        (
            *("5 requests/60 s account_model", "250000 tokens/60 s account_model"),
            "20 requests/day America/Los_Angeles account_model",
        ),
        "free_tier",
        ("gemini-3.5-flash", "gemini-3.1-flash-lite", "gemma-4-31b-it", "gemini-embedding-001"),
        (
            *("gemini-3.1-pro-preview", "gemini-4-argon", "gemini-2.5-flash", "gemini-2.0-flash", "imagen-4"),
            *("gemini-3-flash-image", "veo-3", "gemini-3.5-pro", "models/gemini-3.5-flash"),
        ),
    ),
    "nvidia": Told(
        "openai",
        "https://integrate.api.nvidia.com/v1",
        "key NVIDIA_API_KEY NVIDIA_NIM_API_KEY NGC_API_KEY",
        ("40 requests/60 s account", "10000 requests/86400 s account"),
        "free_tier",
        ("nvidia/nemotron-3-ultra-550b-a55b", "moonshotai/kimi-k2.6", "nvidia/llama-nemotron-embed-1b-v2"),
        ("deepseek-ai/deepseek-v4-pro", "deepseek-ai/deepseek-v4-flash", "minimaxai/minimax-m2.7", "unknown/model"),
    ),
    "mistral": Told(
        "openai",
        "https://api.mistral.ai/v1",
        "key MISTRAL_API_KEY, check /models",
        ("1 requests/1 s organisation", "500000 tokens/60 s organisation", "1000000000 tokens/month organisation"),
        "free_tier",
        ("mistral-small-2603", "mistral-small-latest", "mistral-medium-3-5", "mistral-embed"),
        ("glm-5-2", "z-ai/glm-5.2", "mistral-ocr-latest"),
    ),
    "cloudflare": Told(
        "cloudflare",
        "https://api.cloudflare.com/client/v4/accounts/{CLOUDFLARE_ACCOUNT_ID}/ai/v1",
        "key CLOUDFLARE_API_TOKEN CLOUDFLARE_API_KEY CF_API_TOKEN, check /models",
        ("300 requests/60 s account", "10000 neurons/day UTC account"),
        "free_tier",
        ("@cf/openai/gpt-oss-120b", "@cf/google/gemma-4-26b-a4b-it", "@cf/baai/bge-m3"),
        (
            *("@cf/moonshotai/kimi-k2.6", "@cf/moonshotai/kimi-k2.7-code", "@cf/zai-org/glm-5.2", "@cf/unknown/model"),
            *("@cf/zai-org/glm-5.3", "@cf/zai-org/glm-5.3-flash", "@cf/deepseek-ai/deepseek-v4-pro-0813"),
        ),
    ),
    "cohere": Told(
        "cohere",
        "https://api.cohere.com/v2",
        "key COHERE_API_KEY CO_API_KEY, check /models",
        ("20 requests/60 s account", "1000 requests/month account"),
        "free_tier",
        ("command-a-plus-05-2026", "command-a-03-2025", "embed-v4.0"),
        ("command-b-2027", "rerank-v3.5"),
    ),
    "zai": Told(
        "openai",
        "https://api.z.ai/api/paas/v4",
        "key ZAI_API_KEY ZHIPU_API_KEY ZHIPUAI_API_KEY BIGMODEL_API_KEY, check /models",
        ("1 requests at once account_model",),
        "zero_price",
        ("glm-4.7-flash", "glm-4.6v-flash"),
        ("glm-4.7-flashx", "glm-5.3-flash", "glm-4.5-air", "glm-4.7", "glm-4.6v-flashx"),
    ),
    "codestral": Told(
        "openai",
        "https://codestral.mistral.ai/v1",
        "key CODESTRAL_API_KEY",
        ("30 requests/60 s key", "2000 requests/86400 s key"),
        "free_tier",
        ("codestral-latest", "codestral-2508"),
        ("mistral-medium-3-5", "codestral-embed"),
    ),
    "ovhcloud": Told(
        "openai",
        "https://oai.endpoints.kepler.ai.cloud.ovh.net/v1",
        "none",
        ("2 requests/60 s ip_model",),
        "keyless",
        ("whatever it serves", "bge-m3"),
    ),
    "huggingface": Told(
        "huggingface",
        "https://router.huggingface.co/v1",
        "key HF_TOKEN HUGGINGFACE_API_KEY HUGGINGFACEHUB_API_TOKEN",
        paid=("openai/gpt-oss-120b", "openai/gpt-oss-120b:fastest", "swiss-ai/Apertus-70B-Instruct-2509:publicai"),
    ),
    "kilo": Told(
        "openai",
        "https://api.kilo.ai/api/gateway",
        "none",
        ("200 requests/3600 s ip",),
        "keyless",
        ("kilo-auto/free", "vendor/anything:free", "stepfun/step-5-preview-free", "inclusionai/ling-3.1-flash"),
        (
            *("openai/gpt-5", "vendor/other-free", "poolside/laguna-xs-2.1:free"),
            *("nvidia/nemotron-3-super-120b-a12b:free", "nvidia/nemotron-3.5-content-safety:free"),
        ),
    ),
    "llm7": Told(
        "openai",
        "https://api.llm7.io/v1",
        "optional LLM7_API_KEY",
        ("1 requests/1 s ip", "10 requests/60 s ip", "60 requests/3600 s ip", "500000 tokens/86400 s ip"),
        "keyless",
        ("DeepSeek-V4-Flash-0731", "gpt-oss:20b", "minimax-m2.7"),
        ("gpt-5", "DeepSeek-V4-Pro"),
    ),
    "pollinations": Told(
        "pollinations",
        "https://text.pollinations.ai/openai",
        "none",
        ("4 requests/60 s ip", "1 requests at once ip"),
        "keyless",
        ("openai-fast", "openai"),
        ("kimi-k3", "openai-large", "flux", "turbo"),
    ),
    "ai-horde": Told(
        "horde",
        "https://aihorde.net/api/v2",
        "optional AI_HORDE_API_KEY, apikey: {key}",
        kind="keyless",
        free=("aphrodite/anything",),
    ),
    "ollama": local("http://127.0.0.1:11434", dialect="ollama", paid=("gpt-oss:120b-cloud", "glm-4.6:cloud")),
    "lmstudio": local("http://127.0.0.1:1234/v1", "optional LMSTUDIO_API_KEY LM_API_TOKEN"),
    "llamacpp": local("http://127.0.0.1:8080/v1", "optional LLAMA_API_KEY"),
    "vllm": local("http://127.0.0.1:8000/v1", "optional VLLM_API_KEY"),
    "llamafile": local("http://127.0.0.1:8080/v1"),
    "localai": local("http://127.0.0.1:8080/v1", "optional LOCALAI_API_KEY"),
    "jan": local("http://127.0.0.1:1337/v1", "key JAN_API_KEY"),
    "transformers-serve": local("http://127.0.0.1:8000/v1"),
    "cerebras": off(
        "https://api.cerebras.ai/v1",
        "key CEREBRAS_API_KEY",
        "2026-07-16",
        (
            *("5 requests/60 s account_model", "30000 tokens/60 s account_model"),
            *("1000000 tokens/3600 s account_model", "1000000 tokens/86400 s account_model"),
        ),
    ),
    "chutes": off("https://llm.chutes.ai/v1", "key CHUTES_API_KEY CHUTES_API_TOKEN", "2026-03-15"),
    "deepinfra": off(
        "https://api.deepinfra.com/v1/openai",
        "key DEEPINFRA_API_KEY DEEPINFRA_TOKEN DEEPINFRA_API_TOKEN",
        "2026-08-22",
        ("200 requests at once account",),
    ),
    "fireworks": off(
        "https://api.fireworks.ai/inference/v1", "key FIREWORKS_API_KEY", "2026-08-22", ("10 requests/60 s account",)
    ),
    "github-models": off("https://models.github.ai/inference", "key GITHUB_TOKEN GITHUB_MODELS_TOKEN", "2026-07-30"),
    "modelscope": off(
        "https://api-inference.modelscope.cn/v1",
        "key MODELSCOPE_API_KEY MODELSCOPE_SDK_TOKEN",
        "2026-08",
        ("2000 requests/86400 s account",),
    ),
    "nebius": off("https://api.tokenfactory.nebius.com/v1", "key NEBIUS_API_KEY, check /models", "2026-06"),
    "ollama-cloud": off(
        "https://ollama.com/v1",
        "key OLLAMA_API_KEY",
        "2026-11-09",
        ("1 requests at once account",),
        paid=("gpt-oss:120b", "deepseek-v4-flash"),
    ),
    "opencode-zen": off(
        "https://opencode.ai/zen/v1",
        "key OPENCODE_API_KEY OPENCODE_ZEN_API_KEY",
        "2026-09-16",
        paid=("grok-code", "big-pickle", "step-5-preview-free"),
    ),
    "replicate": off(
        "https://api.replicate.com/v1",
        "key REPLICATE_API_TOKEN, check /account",
        "2026-08",
        ("600 requests/60 s account",),
        dialect="replicate",
    ),
    "sambanova": off(
        "https://api.sambanova.ai/v1",
        "key SAMBANOVA_API_KEY",
        "2026-06",
        ("20 requests/60 s account_model", "20 requests/86400 s account_model", "200000 tokens/86400 s account_model"),
        paid=("MiniMax-M2.7", "gpt-oss-120b"),
    ),
    "scaleway": off("https://api.scaleway.ai/v1", "key SCW_SECRET_KEY SCALEWAY_API_KEY, check /models", "2026-10-17"),
    "siliconflow": off(
        "https://api.siliconflow.cn/v1",
        "key SILICONFLOW_API_KEY SILICON_CLOUD_API_KEY SILICONFLOW_CN_API_KEY, check /user/info",
        "2026-05-15",
        ("1000 requests/60 s account_model", "50000 tokens/60 s account_model"),
        paid=("Qwen/Qwen3-8B", "Pro/Qwen/Qwen3-8B"),
    ),
    "together": off(
        "https://api.together.xyz/v1",
        "key TOGETHER_API_KEY TOGETHERAI_API_KEY, check /models",
        "2026-09-10",
        paid=("meta-llama/Llama-3.3-70B-Instruct-Turbo-Free", "deepseek-ai/DeepSeek-R1-Distill-Llama-70B-free"),
    ),
    "uncloseai": off("https://hermes.ai.unturf.com/v1", "none", "2026-08-12"),
    "vercel-ai-gateway": off(
        "https://ai-gateway.vercel.sh/v1",
        "key AI_GATEWAY_API_KEY VERCEL_OIDC_TOKEN",
        "2026-10-17",
        paid=("inclusionai/ling-3.1-flash-free", "openai/gpt-5"),
    ),
    "vlmrun": off(
        "https://gateway.vlm.run/v1",
        "optional VLMRUN_API_KEY",
        "2026-11-20",
        ("60 requests/60 s ip", "1000 requests/3600 s ip"),
    ),
}
ON = [row_id for row_id, told in TABLE.items() if not told.off]


def in_words(limit: Limit) -> str:
    window = limit.window
    spans = {
        "rolling": f"/{window.seconds:g} s",
        "calendar_day": f"/day {window.zone}",
        "calendar_month": "/month",
        "anniversary_month": f"/month from {window.anchor:g}",
        "token_bucket": f" refilled in {window.seconds:g} s",
        "concurrency": " at once",
    }
    return f"{limit.amount} {limit.unit}{spans[window.kind]} {limit.scope}"


def auth_in_words(auth: Auth) -> str:
    is_usual = (auth.header, auth.form) == ("Authorization", "Bearer {key}")
    parts = (
        " ".join((auth.mode, *auth.env)),
        "" if is_usual else f"{auth.header}: {auth.form}",
        f"check {auth.check_path}" if auth.check_path else "",
    )
    return ", ".join(filter(None, parts))


def test_the_table_is_the_whole_catalog_in_the_order_of_rank():
    """S1-05: OpenRouter comes first among all, remote hosts before engines, and what is off last."""
    assert 40 == len(TABLE)
    assert [*TABLE] == [*CATALOG.providers]
    assert ON == [row.id for row in CATALOG.providers.values() if row.is_on]


@pytest.mark.parametrize("row_id", TABLE)
def test_a_call_goes_there_in_that_dialect_with_that_header(row_id):
    row, told = CATALOG.provider(row_id), TABLE[row_id]

    assert (told.dialect, told.base_url) == (row.dialect, row.base_url)
    assert told.auth == auth_in_words(row.auth)
    assert told.base_url.startswith("http://127.0.0.1:") == row.is_local == bool(row.ports) == bool(row.fingerprint)


@pytest.mark.parametrize("row_id", TABLE)
def test_quotas_are_counted_so(row_id):
    assert sorted(TABLE[row_id].limits) == sorted(map(in_words, CATALOG.provider(row_id).limits))


@pytest.mark.parametrize("row_id", TABLE)
def test_free_is_this_and_nothing_else(row_id):
    """S0-04: what is not in the rule is refused, and the reason can be acted on."""
    row, told = CATALOG.provider(row_id), TABLE[row_id]

    for model_id in told.free:
        found = evidence(row, Model(id=model_id))
        assert found is not None, model_id
        assert (told.kind, True) == (found.kind, bool(found.as_of)), model_id
    for model_id in told.paid:
        assert evidence(row, Model(id=model_id)) is None, model_id
        assert "free = true" in why_not_free(row, Model(id=model_id))


@pytest.mark.parametrize("row_id", [row_id for row_id, told in TABLE.items() if told.off])
def test_a_row_that_is_off_says_why_and_since_when_and_gives_nothing(row_id):
    """It keeps its dialect, key and quotas; no model there is called, whatever its list says of a price."""
    row = CATALOG.provider(row_id)

    assert TABLE[row_id].off == re.search(r"\d{4}-\d\d(-\d\d)?", row.off_reason)[0]
    assert len(row.off_reason) > 20
    assert evidence(row, Model(id="any/model:free", evidence=ZERO_PRICE)) is None
    assert all(evidence(row, model) is None and model.evidence is None for model in row.models)


def test_a_verified_account_needs_one_line_to_use_a_row_for_some_accounts():
    """The rule of such a row stays in it; that of a paid host is gone."""
    rules = {row_id: CATALOG.provider(row_id).free for row_id in TABLE if row_id not in ON}

    assert is_covered(rules["siliconflow"], "Qwen/Qwen3-8B")
    assert not is_covered(rules["siliconflow"], "Pro/Qwen/Qwen3-8B")
    generous = {row_id for row_id, rule in rules.items() if rule.all_models or rule.ids or rule.suffixes}
    assert {"siliconflow", "uncloseai", "vlmrun"} == generous


def test_quotas_of_single_models_replace_those_of_the_row():
    groq, gemini = CATALOG.provider("groq").model_limits, CATALOG.provider("gemini").model_limits

    assert {
        *("20 requests/60 s organisation_model", "2000 requests/86400 s organisation_model"),
        *("7200 audio_seconds/3600 s organisation_model", "28800 audio_seconds/86400 s organisation_model"),
    } == {*map(in_words, groq["whisper-large-v3-turbo"])}
    assert "500 requests/day America/Los_Angeles account_model" in map(in_words, gemini["gemini-3.1-flash-lite"])
    assert "15000 tokens/60 s account_model" in map(in_words, gemini["gemma-4-31b-it"])
    assert {"groq", "gemini"} == {row.id for row in CATALOG.providers.values() if row.model_limits}


@pytest.mark.parametrize(
    ("route", "dimensions"),
    [
        (Route("gemini", "gemini-embedding-001"), 3072),
        (Route("nvidia", "nvidia/llama-nemotron-embed-1b-v2"), 2048),
        (Route("mistral", "mistral-embed"), 1024),
        (Route("cloudflare", "@cf/google/embeddinggemma-300m"), 768),
        (Route("cohere", "embed-v4.0"), 1536),
        (Route("ovhcloud", "bge-m3"), 1024),
    ],
)
def test_embedding_models_tell_the_length_of_their_vectors(route, dimensions):
    model = CATALOG.model(route)

    assert (dimensions, {"embeddings"}) == (model.dimensions, model.tasks)
    assert evidence(CATALOG.provider(route.provider), model) is not None
