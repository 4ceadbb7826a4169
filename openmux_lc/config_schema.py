"""The TOML file's schema: unknown keys are errors that name file, key and line.

Pydantic checks the shape; `Document` is what the catalog and the settings read.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from openmux_lc.errors import ConfigError
from openmux_lc.types.breaks import OnBreak
from openmux_lc.types.catalog import LimitScope, LimitUnit, WindowKind
from openmux_lc.types.lines import line_of

__all__ = [
    "WEIGHT_TERMS",
    "Document",
    "LimitEntry",
    "ModelEntry",
    "ProviderEntry",
    "RoutingEntry",
    "check_document",
    "place_of",
]

WEIGHT_TERMS: Final = ("quality", "latency", "cost", "context")
"""What a routing profile weighs; a test compares them with those that routing scores."""

_SHORT: Final = ("second", "minute", "hour", "day")
_SPANS: Final[Mapping[WindowKind, tuple[str, ...]]] = {
    "rolling": _SHORT,
    "token_bucket": _SHORT,
    "calendar_day": ("day",),
    "calendar_month": ("month",),
    "anniversary_month": ("month",),
    "concurrency": ("",),
}
_USUAL_WINDOWS: Final[Mapping[str, WindowKind]] = {"day": "calendar_day", "month": "calendar_month"}

_OWN: Final = "openmux"
"""Type of our own validators' errors, whose message is complete."""


def _known_zone(zone: str) -> str:
    try:
        if zone != "UTC":  # known without any data
            ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise PydanticCustomError(
            _OWN, "'{value}' is no time zone; write one such as Europe/Berlin", {"value": zone}
        ) from None
    return zone


def _known_term(term: str) -> str:
    if term not in WEIGHT_TERMS:
        raise PydanticCustomError(_OWN, "unknown term; terms are {terms}", {"terms": ", ".join(WEIGHT_TERMS)})
    return term


_Zone = Annotated[str, AfterValidator(_known_zone)]
_Term = Annotated[str, AfterValidator(_known_term)]
_Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_RouteText = Annotated[str, Field(pattern=r"^([a-z][a-z0-9_-]*:\S.*|auto)$")]
_ProviderId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class LimitEntry(_Strict):
    """A quota: `amount` of `unit` per `per`, or at once.

    Without `window`, a day and a month are the calendar's, and what is shorter rolls.
    """

    unit: LimitUnit = "requests"
    amount: int = Field(gt=0)
    per: Literal["second", "minute", "hour", "day", "month"] | None = None
    window: WindowKind | None = None
    zone: _Zone = "UTC"
    anchor: Annotated[AwareDatetime | None, Field(strict=False)] = None
    scope: LimitScope = "key"

    @model_validator(mode="after")
    def _fits(self) -> Self:
        """Refuse a window whose length, or anchor, is not told or makes no sense."""
        window = self.kind
        spans = _SPANS[window]
        if (self.per or "") not in spans:
            told = f"per = {' or '.join(map(repr, spans))}" if any(spans) else "no per"
            raise PydanticCustomError(_OWN, "to window = '{window}' belongs {told}", {"window": window, "told": told})
        if (window == "anniversary_month") != (self.anchor is not None):
            raise PydanticCustomError(
                _OWN, "an anniversary_month has an anchor such as 2026-01-31T09:30:00Z, and no other window has one"
            )
        return self

    @property
    def kind(self) -> WindowKind:
        """The window's kind, said or not."""
        return self.window or _USUAL_WINDOWS.get(self.per or "", "rolling")


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
    weights: Mapping[str, Mapping[_Term, _Weight]] = {}
    timeout_s: float | None = Field(default=None, gt=0, le=86_400)
    first_byte_timeout_s: float | None = Field(default=None, gt=0, le=86_400)
    stall_timeout_s: float | None = Field(default=None, gt=0, le=86_400)
    max_wait_s: float | None = Field(default=None, ge=0, le=86_400)
    max_retries: int | None = Field(default=None, ge=0, le=20)
    retry_budget_s: float | None = Field(default=None, ge=0, le=86_400)
    backoff_s: float | None = Field(default=None, ge=0, le=60)
    on_break: OnBreak | None = None
    hedge: bool | None = None
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
        # `[key]` is pydantic's mark of a key, not of its value, that is wrong.
        keys = [step for step in first["loc"] if isinstance(step, str) and step != "[key]"]
        place = place_of(path, keys, value=str(first.get("ctx", {}).get("value", "")))
        told = first["msg"] if first["type"] == _OWN else f"{first['msg'].lower()}{_hint(keys, first['type'])}"
        raise ConfigError(f"{place}: {told}") from None


def place_of(path: Path, keys: Sequence[str], *, value: str = "") -> str:
    """Return `file:line: key`, where the key, and best that `value` of it, stands."""
    line = line_of(_text(path), (*keys, value) if value else keys)
    return f"{path}:{line}: {'.'.join(keys) or 'file'}"


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
    except (OSError, UnicodeDecodeError):
        return ""
