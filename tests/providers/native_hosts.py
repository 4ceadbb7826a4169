"""The hosts of `test_native_cassettes.py`: rows of the shipped catalog, and the models that are asked there."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from langchain_core.language_models import BaseChatModel
from pydantic import SecretStr

from openmux_lc.catalog.catalog import load_catalog
from openmux_lc.http import Clients
from openmux_lc.providers.langchain import chat_model_for
from openmux_lc.providers.registry import adapter_for
from openmux_lc.settings import Settings
from openmux_lc.types.catalog import Provider
from openmux_lc.types.run import Request
from openmux_lc.types.wire import Adapter, Call
from tests.cassette import IS_RECORDING

CAPITAL = "What is the capital of France?"
_ACCOUNT = os.environ.get("CLOUDFLARE_ACCOUNT_ID", "account") if IS_RECORDING else "account"
_ROWS = load_catalog(Settings.load(environ={"CLOUDFLARE_ACCOUNT_ID": _ACCOUNT})).providers


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A row, the models that are asked there, and what its streams are known by.

    Args:
        row: The catalog's, or one with a quirk that users may give it.
        model: Answers; `tools`, `thinker` and `vectors` are others for those tasks.
        framing: Bytes of its streams that no other dialect's have.
        way: Folder below the module's, where a row is asked in a second way.
        has_usage: Whether it tells the tokens.
    """

    row: Provider
    model: str
    tools: str = ""
    thinker: str = ""
    vectors: str = ""
    framing: bytes = b"data: "
    way: str = ""
    has_usage: bool = True

    @property
    def folder(self) -> str:
        """Where its cassettes lie below the provider's own folder."""
        return f"native_cassettes/{self.way}".rstrip("/")

    @property
    def key(self) -> SecretStr | None:
        """The key of the row's first variable that is set, while recording."""
        set_here = filter(None, map(os.environ.get, self.row.auth.env))
        found = next(set_here, None) if IS_RECORDING else "made-up"
        return SecretStr(found) if found and self.row.auth.mode != "none" else None

    def call(self, text: str = CAPITAL, *, model: str = "", key: str = "", **fields: Any) -> Call:
        """Return a call with one question."""
        asked = Request(messages=({"role": "user", "content": text},), temperature=0.0, **fields)
        secret = SecretStr(key) if key else self.key
        return Call(
            provider=self.row, model=model or self.model, request=asked, key=secret, deadline=time.monotonic() + 60
        )

    def adapter(self, clients: Clients) -> Adapter:
        """Return what speaks to it."""
        return adapter_for(self.row, clients)

    def face(self, clients: Clients, model: str = "", **fields: Any) -> BaseChatModel:
        """Return LangChain's face of a model."""
        options = {"api_key": self.key, "temperature": 0.0, "clients": clients, **fields}
        return chat_model_for(self.row, model or self.model, **options)


def _with(row: Provider, quirk: str) -> Provider:
    return replace(row, quirks=row.quirks | {quirk})


HOSTS: Mapping[str, Host] = {
    "gemini": Host(
        row=_ROWS["gemini"],
        model="gemini-3.5-flash",
        vectors="gemini-embedding-2",
        framing=b"\r\n\r\n",
    ),
    "cohere": Host(
        row=_ROWS["cohere"],
        model="command-a-03-2025",
        tools="command-a-plus-05-2026",
        thinker="command-a-reasoning-08-2025",
        vectors="embed-v4.0",
        framing=b"event: message-end\n",
    ),
    "cloudflare": Host(
        row=_ROWS["cloudflare"],
        model="@cf/meta/llama-3.3-70b-instruct-fp8-fast",
        thinker="@cf/openai/gpt-oss-20b",
        vectors="@cf/baai/bge-m3",
    ),
    "cloudflare/run": Host(
        row=_with(_ROWS["cloudflare"], "native_run"),
        model="@cf/meta/llama-4-scout-17b-16e-instruct",
        vectors="@cf/baai/bge-m3",
        framing=b',"p":"',
        way="run",
    ),
    "huggingface": Host(
        row=_ROWS["huggingface"],
        model="deepseek-ai/DeepSeek-V4-Pro",
        tools="Qwen/Qwen3-Coder-480B-A35B-Instruct",
        vectors="sentence-transformers/all-MiniLM-L6-v2",
    ),
    "huggingface/task": Host(
        row=_with(_ROWS["huggingface"], "text_generation"),
        model="HuggingFaceH4/zephyr-7b-beta",
        framing=b'"token":{',
        way="task",
        has_usage=False,
    ),
    "pollinations": Host(row=_ROWS["pollinations"], model="openai-fast", tools="openai"),
    "replicate": Host(row=_ROWS["replicate"], model="meta/meta-llama-3-8b-instruct", framing=b'"output":'),
    "ai-horde": Host(
        row=_ROWS["ai-horde"], model="koboldcpp/L3-8B-Stheno-v3.2", framing=b'"generations":', has_usage=False
    ),
}
