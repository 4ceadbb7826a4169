"""Which protocol an exchange is of, what the package does not ask for and why, and the row that speaks to its host."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from openmux_lc.catalog.catalog import load_catalog
from openmux_lc.settings import Setting, Settings
from openmux_lc.types.catalog import Provider
from tests.providers.replay.recording import Recording
from tests.providers.replay.said import find_error, parsed

OUT_OF_SCOPE: Mapping[str, str] = {
    "account": "balances and keys; whoever pays looks at the host's own pages",
    "batch": "jobs that are answered tomorrow: nobody who chats waits for them",
    "cache": "a prompt kept at the host is billed by the hour",
    "classify": "labels are not chat answers",
    "connectors": "what Cohere searches by itself stays with its owner",
    "count_tokens": "counting needs no host here: it is estimated, and told with every answer",
    "datasets": "what a model is trained with, which no part of the pool does",
    "detokenize": "counting needs no host here: it is estimated",
    "files": "files stay with the user; pictures and documents travel inside the message",
    "finetuning": "training models is not asking them",
    "first_google": "Google's first protocol, before `generateContent`; its models are gone",
    "generate": "Cohere's text completion of the first version: the same models are asked by chat",
    "generation_meta": "a price list of one past answer; an answer's own usage tells the cost",
    "hub_api": "pages about a model, not answers of one",
    "image": "pictures are not a chat answer; no part of the pool asks for them",
    "interactions": "Gemini's stateful protocol keeps the conversation at the host; the same models answer by chat",
    "live": "talks by voice over a socket; no part of the pool hears",
    "messages": "Anthropic's protocol at hosts that are asked by chat",
    "moderation": "labels are not chat answers",
    "model_pull": "downloading a model is the engine's own command",
    "model_show": "one model's page; what it tells is read by the survey of local engines, not by an adapter",
    "models": "a list of what is loaded now, a created model, or a list that a dumper wrote down as a stream",
    "ocr": "reading documents is not a chat answer",
    "old_embeddings": "Ollama's `/api/embeddings` for one text, which `/api/embed` replaced",
    "other": "pages beside the protocol: warming a connection, videos, shortened links",
    "packed_vectors": "vectors packed as int8, which the package never asks for",
    "rerank": "sorting documents is not a chat answer; no part of the pool asks for it",
    "replicate_meta": "pages about a model's hardware, versions and trainings, and lists of past predictions",
    "responses": "OpenAI's second protocol at hosts that are asked by chat",
    "server_meta": "an engine's settings; the survey of local engines reads them, not an adapter",
    "stt": "speech is not a chat question; no part of the pool hears",
    "summarize": "Cohere's summaries of the first version: the same models are asked by chat",
    "task": "pictures, labels and scores are not chat answers",
    "tokenize": "counting needs no host here: it is estimated",
    "trainings": "training models is not asking them",
    "tts": "speech is not a chat answer; no part of the pool speaks",
    "video": "films are not a chat answer",
}
"""Kinds of success that the package never asks for. A kind comes into scope by a line in `_protocol`."""

_DEFAULTS = {
    "cloudflare": ("cloudflare", "https://api.cloudflare.com/client/v4/accounts/ACCOUNT_ID/ai/v1"),
    "cohere": ("cohere", "https://api.cohere.com/v2"),
    "gemini": ("gemini", "https://generativelanguage.googleapis.com/v1beta"),
    "huggingface": ("huggingface", "https://router.huggingface.co/v1"),
    "ollama": ("ollama", "http://localhost:11434"),
    "pollinations": ("pollinations", "https://text.pollinations.ai/openai"),
    "replicate": ("replicate", "https://api.replicate.com/v1"),
}
"""Dialect and address of rows that the catalog lacks, and of hosts where a row names another of their doors."""

_IDS = {"gemini_openai": "gemini", "github": "github-models"}
_NATIVE = {
    "cloudflare_run": "cloudflare",
    "cohere": "cohere",
    "cohere_v1": "cohere",
    "gemini": "gemini",
    "generation": "huggingface",
    "ollama": "ollama",
    "ollama_generate": "ollama",
    "pollinations": "pollinations",
    "prediction": "replicate",
    "summarization": "huggingface",
    "translation": "huggingface",
}
_SPEAK_OPENAI = frozenset({"openai", "huggingface", "cloudflare"})


@dataclass(frozen=True)
class Case:
    """How an exchange is replayed.

    Args:
        mode: `chat`, `embed`, `models`, or `wire` for a request that only the wire can carry.
        protocol: Whose reading says what was said.
        out: Why it is out of scope, `""` when it is not.
    """

    recording: Recording
    mode: str
    protocol: str
    out: str = ""

    @property
    def is_failure(self) -> bool:
        """Whether the status itself tells a failure; a redirect leads a key elsewhere and is none of success."""
        return self.recording.status >= 300


def case_of(recording: Recording) -> Case:
    """Return how `recording` is replayed."""
    mode, protocol = _protocol(recording)
    if mode:
        return Case(recording, mode, protocol)
    if recording.status >= 300:
        return Case(recording, "wire", "")
    if _hidden_error(recording):
        return Case(recording, "chat", "openai")
    reason = OUT_OF_SCOPE.get(protocol) or OUT_OF_SCOPE.get(recording.kind)
    return Case(recording, "", protocol, reason or f"a kind nobody has looked at: {recording.kind}")


def _hidden_error(recording: Recording) -> bool:
    """Whether an endpoint that is not asked answers with an error in a success: the wire must see it all the same."""
    text = recording.text.strip()
    for line in text.splitlines()[:5]:
        if line.startswith("data:"):
            return find_error(parsed(line[5:])) is not None
    return recording.method == "POST" and find_error(parsed(text)) is not None


_ENDS = (
    ("/chat/completions", "chat", "openai"),
    ("/completions", "chat", "completion"),
    (":generateContent", "chat", "gemini"),
    (":streamGenerateContent", "chat", "gemini"),
    (":batchGenerateContent", "", "batch"),
    (":asyncBatchEmbedContent", "", "batch"),
    (":generateText", "", "first_google"),
    (":generateMessage", "", "first_google"),
    (":embedText", "", "first_google"),
    ("/v2/chat", "chat", "cohere"),
    ("/v1/chat", "chat", "cohere_v1"),
    ("/api/chat", "chat", "ollama"),
    ("/api/generate", "chat", "ollama_generate"),
    ("/api/embed", "embed", "ollama"),
    ("/api/embeddings", "embed", "ollama"),
    ("/embeddings", "embed", "openai"),
    (":embedContent", "embed", "gemini"),
    (":batchEmbedContents", "embed", "gemini"),
    ("/v1/embed", "embed", "cohere"),
    ("/v2/embed", "embed", "cohere"),
)
"""How a path ends, and so (mode, protocol)."""


def _protocol(recording: Recording) -> tuple[str, str]:
    """Return (mode, protocol), an empty mode where the package does not ask."""
    path, kind = recording.path.rstrip("/"), recording.kind
    if kind == "models" or path.endswith("/models"):
        return _listing(recording)
    if path.endswith("/api/embeddings") and "prompt" in recording.request:
        return "", "old_embeddings"
    if "float" not in (recording.request.get("embedding_types") or ["float"]):
        return "", "packed_vectors"
    signs = (
        *((path.endswith(end), mode, protocol) for end, mode, protocol in _ENDS),
        ("/pipeline/feature-extraction" in path, "embed", "features"),
        (recording.provider == "huggingface" and kind == "embeddings", "embed", "features"),
        ("/ai/run/" in path, *_run(recording)),
        (recording.provider == "pollinations" and recording.method == "POST", "chat", "pollinations"),
        (path.endswith("/predictions") and recording.method == "GET", "", "replicate_meta"),
        (kind == "predictions", "chat", "prediction"),
        (recording.provider == "huggingface" and kind in {"task", "hub_api", "chat"}, *_task(recording)),
        (kind == "chat", "chat", "openai"),
    )
    return next(((mode, protocol) for is_met, mode, protocol in signs if is_met), ("", kind))


def _listing(recording: Recording) -> tuple[str, str]:
    """Return how a list of models is replayed; one model's page is a list of one."""
    payload = parsed(recording.text)
    if recording.method != "GET" or recording.path.endswith("/api/ps"):
        return "", "models"
    is_list = isinstance(payload, list | dict) or recording.status >= 300
    return ("models", "models") if is_list else ("", "models")


def _task(recording: Recording) -> tuple[str, str]:
    """Return how a task of Hugging Face is replayed, by what came back."""
    if recording.status >= 300:
        return "", recording.kind
    text = recording.text.lstrip()
    if "sentence-similarity" in recording.path:
        return "", "task"
    if '"chat.completion' in text[:300] or '"text_completion"' in text[:300]:
        return "chat", "openai"
    names = (("generated", "generation"), ("summary", "summarization"), ("translation", "translation"))
    found = next((protocol for name, protocol in names if f'"{name}_text"' in text), None)
    if found:
        return "chat", found
    is_vector = _are_numbers(parsed(text)) and not isinstance(recording.request.get("inputs"), dict)
    return ("embed", "features") if is_vector else ("", recording.kind)


def _are_numbers(payload: Any) -> bool:
    """Whether a body is a vector, or several, however deep."""
    if isinstance(payload, list):
        return bool(payload) and _are_numbers(payload[0])
    return isinstance(payload, int | float) and not isinstance(payload, bool)


def _run(recording: Recording) -> tuple[str, str]:
    """Return how an answer of a model's own address at Cloudflare is replayed, by what came back."""
    payload = parsed(recording.text)
    result = payload.get("result") if isinstance(payload, dict) else None
    if recording.status >= 300 or not result or "contexts" in recording.request:
        return (
            ("", "rerank") if recording.status < 300 and "contexts" in recording.request else ("chat", "cloudflare_run")
        )
    if not isinstance(result, dict):
        return "", "task"
    if isinstance(result.get("data"), list):
        return "embed", "cloudflare_run"
    is_chat = bool(result.keys() & {"response", "tool_calls", "choices", "output"})
    return ("chat", "cloudflare_run") if is_chat else ("", "task")


@cache
def _catalog() -> Mapping[str, Provider]:
    """Return the shipped rows, by id; an account's placeholder is filled as the recorder filled it."""
    filled = {"CLOUDFLARE_ACCOUNT_ID": Setting("ACCOUNT_ID", "environment")}
    return load_catalog(Settings(environment=filled)).providers


def shipped_row(provider: str) -> Provider:
    """Return the row that the catalog ships for a recorded provider, else a plain one."""
    row = _catalog().get(_IDS.get(provider, provider))
    if row is not None:
        return row
    dialect, base_url = _DEFAULTS.get(provider, ("openai", "http://localhost/v1"))
    return Provider(id=provider, name=provider, base_url=base_url, dialect=dialect)


def row_of(case: Case, origin: str) -> Provider:
    """Return the row that speaks to the loopback host at `origin`, its path as at the genuine host."""
    recording = case.recording
    row = shipped_row(recording.provider)
    dialect, path = _door(case, row)
    quirks = row.quirks
    texts = dict.fromkeys(("generation", "completion", "ollama_generate"), "text_generation")
    tasks = {name: name for name in ("summarization", "translation")}
    doors = {"cloudflare_run": "native_run", **texts, **tasks}
    quirks = (quirks - set(doors.values())) | ({doors[case.protocol]} if case.protocol in doors else set())
    return replace(row, base_url=f"{origin}{path}", dialect=dialect, quirks=quirks, models=())


def _door(case: Case, row: Provider) -> tuple[str, str]:
    """Return the dialect and the path of the door that the exchange went through."""
    path = case.recording.path.rstrip("/")
    own = urlsplit(row.base_url).path.rstrip("/").replace("{CLOUDFLARE_ACCOUNT_ID}", "ACCOUNT_ID")
    if case.protocol in {"openai", "completion"}:
        dialect = row.dialect if row.dialect in _SPEAK_OPENAI and case.protocol == "openai" else "openai"
        for end in ("/chat/completions", "/completions", "/embeddings"):
            if path.endswith(end):
                return dialect, path.removesuffix(end)
        return dialect, own
    if case.protocol == "pollinations":
        return _default(row, "pollinations", path)
    ends = {"cohere_v1": "/chat", "gemini": "/models/"}
    if case.protocol in ends and ends[case.protocol] in path:  # the version is part of the address
        return _NATIVE[case.protocol], path.partition(ends[case.protocol])[0]
    if case.protocol == "models" and case.recording.provider.startswith("gemini"):
        return ("openai", path.removesuffix("/models")) if "/openai" in path else _default(row, "gemini", own)
    native = _NATIVE.get(case.protocol)
    return _default(row, native, own) if native else (row.dialect, own)


def _default(row: Provider, dialect: str, own: str) -> tuple[str, str]:
    if row.dialect == dialect:
        return dialect, own
    known = next((urlsplit(url).path.rstrip("/") for name, url in _DEFAULTS.values() if name == dialect), own)
    return dialect, known
