"""The TOML file's schema: unknown keys are errors that name file, key and line.

Pydantic checks the shape; `Document` is what the catalog and the settings read.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from openmux_lc.errors import ConfigError
from openmux_lc.types.lines import line_of

__all__ = ["Document", "LimitEntry", "ModelEntry", "ProviderEntry", "RoutingEntry", "check_document"]

_RouteText = Annotated[str, Field(pattern=r"^([a-z][a-z0-9_-]*:\S.*|auto)$")]
_ProviderId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class LimitEntry(_Strict):
    """A quota: `amount` of `unit` per `per`."""

    unit: Literal["requests", "tokens"] = "requests"
    amount: int = Field(gt=0)
    per: Literal["second", "minute", "hour", "day", "month"]
    zone: str = "UTC"
    scope: Literal["model", "key", "account", "ip"] = "key"


class ModelEntry(_Strict):
    """A model the user adds: `route`, `free`, and optional profile keys."""

    route: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*:\S.*$")]
    free: bool = False
    tasks: list[Literal["chat", "code", "tts", "audio", "embeddings", "image", "other"]] | None = None
    max_input_tokens: int | None = Field(default=None, gt=0)
    max_output_tokens: int | None = Field(default=None, gt=0)
    image_inputs: bool | None = None
    audio_inputs: bool | None = None
    pdf_inputs: bool | None = None
    tool_calling: bool | None = None
    structured_output: bool | None = None
    reasoning_output: bool | None = None
    dimensions: int | None = Field(default=None, gt=0)
    quality: float | None = Field(default=None, ge=0, le=1)


class ProviderEntry(_Strict):
    """A host the user adds."""

    base_url: Annotated[str, Field(pattern=r"^https?://")]
    dialect: str = "openai"
    api_key_env: str | None = None
    limits: list[LimitEntry] = []
    free: bool = False
    name: str | None = None


class RoutingEntry(_Strict):
    """How to choose."""

    fallback: tuple[_RouteText, ...] = Field(default=(), strict=False)
    profile: str | None = None
    weights: Mapping[str, Mapping[str, float]] = {}
    timeout_s: float | None = Field(default=None, gt=0, le=86_400)
    providers: tuple[_ProviderId, ...] | None = Field(default=None, strict=False)
    offline: bool = False
    state_url: str = ""


class Document(_Strict):
    """The whole file."""

    schema_: Literal[1] = Field(alias="schema")
    models: list[ModelEntry] = []
    providers: Mapping[_ProviderId, ProviderEntry] = {}
    routing: RoutingEntry = RoutingEntry()


def check_document(document: Mapping[str, object], path: Path) -> RoutingEntry:
    """Return the checked `[routing]` table of a file.

    Raises:
        ConfigError: The first thing wrong, as `file:line: key: what to write`.
    """
    try:
        return Document.model_validate(document).routing
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        keys = [str(step) for step in first["loc"] if not isinstance(step, int)]
        line = line_of(_text(path), keys)
        hint = _hint(keys, first["type"])
        raise ConfigError(f"{path}:{line}: {'.'.join(keys) or 'file'}: {first['msg'].lower()}{hint}") from None


def _hint(keys: list[str], kind: str) -> str:
    if kind != "extra_forbidden" or not keys:
        return " (see the README's configuration table)"
    table: type[BaseModel] = Document
    tables: dict[str, type[BaseModel]] = {"models": ModelEntry, "providers": ProviderEntry, "routing": RoutingEntry}
    if len(keys) > 1:
        table = LimitEntry if "limits" in keys[:-1] else tables.get(keys[0], Document)
    known = [entry.alias or name for name, entry in table.model_fields.items()]
    near = difflib.get_close_matches(keys[-1], known, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; known keys: {', '.join(known)}"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
