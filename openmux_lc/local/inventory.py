"""The models of an engine, read from its pages; no input or output.

Engines tell the same facts under different names. A fact that no page tells stays
unknown: its key is absent from the profile.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Final

from openmux_lc.local.fingerprint import EngineKind, Page
from openmux_lc.types.catalog import Evidence, Model, Profile, Task
from openmux_lc.types.json import JsonObject, as_int, as_list, as_object, as_text, dig

__all__ = ["listed_rows", "model_id", "to_model"]

_CHAT: Final[frozenset[Task]] = frozenset({"chat", "code", "other"})
_CONTEXT_PATHS: Final[tuple[tuple[str | int, ...], ...]] = (
    ("loaded_context_length",),
    ("loaded_instances", 0, "config", "context_length"),
    ("meta", "n_ctx"),
    ("max_model_len",),
    ("max_context_length",),
    ("meta", "n_ctx_train"),
    ("context_length",),
)
_NUM_CTX: Final = re.compile(r"^num_ctx\s+(\d{1,9})\s*$", re.MULTILINE)
_SIZE: Final = re.compile(r"(?<![\w.])(\d{1,5}(?:\.\d{1,3})?)\s*([bm])(?![a-z])", re.IGNORECASE)


def listed_rows(page: Page) -> tuple[JsonObject, ...]:
    """Return the rows of a list of models, whichever key they stand under."""
    found = as_list(dig(page.body, "data")) or as_list(dig(page.body, "models"))
    return tuple(row for row in map(as_object, found) if model_id(row))


def model_id(row: JsonObject) -> str:
    """Return the id that a row names, `""` when it names none."""
    return next((text for key in ("id", "key", "name", "model") if (text := as_text(row.get(key)))), "")


def to_model(
    kind: EngineKind, row: JsonObject, *, told: JsonObject, evidence: Evidence, vector_length: int | None = None
) -> Model | None:
    """Return the model that a row describes, None when it is of no use here.

    Args:
        kind: The engine's kind.
        row: Of the list of models.
        told: What the engine tells about this model elsewhere, may be empty.
        evidence: Why it is free.
        vector_length: Of the vectors it was seen to make.
    """
    name = model_id(row)
    if name.endswith(kind.remote) or row.get("remote_host") or row.get("remote_model"):
        return None
    abilities = _abilities(row, told)
    tasks = _tasks(kind, name, row, abilities)
    if tasks is None:
        return None
    if vector_length:
        tasks |= {"embeddings"}
    return Model(
        id=name,
        tasks=tasks,
        profile=_profile(kind, row, told, abilities=abilities, chats="chat" in tasks),
        evidence=evidence,
        dimensions=(vector_length or _dimensions(row, told)) if "embeddings" in tasks else None,
        capability=_capability(name, row),
    )


def _abilities(row: JsonObject, told: JsonObject) -> frozenset[str] | None:
    """Return the named abilities, None when the engine tells of none."""
    for listed in (told.get("capabilities"), row.get("capabilities")):
        if isinstance(listed, list):
            return frozenset(as_text(name) for name in listed)
        if isinstance(listed, dict):
            return frozenset(name for name, value in listed.items() if value)
    return None


def _tasks(kind: EngineKind, name: str, row: JsonObject, abilities: frozenset[str] | None) -> frozenset[Task] | None:
    said = {as_text(row.get("type")), *(abilities or ())}
    if said & {"embedding", "embeddings"}:
        return frozenset({"embeddings"})
    if said & {"llm", "vlm"} or (kind.complete and "completion" in said):
        return _CHAT
    lowered = name.lower()
    for hint in kind.hints:
        if any(part in lowered for part in hint.parts):
            return frozenset({hint.task}) if hint.task else None
    return _CHAT


def _profile(
    kind: EngineKind, row: JsonObject, told: JsonObject, *, abilities: frozenset[str] | None, chats: bool
) -> Profile:
    """Return what is known of a model."""
    profile = Profile(open_weights=True)
    if window := _context_tokens(row, told):
        profile["max_input_tokens"] = window
    if not chats:
        return profile
    named = abilities or frozenset()
    is_complete = kind.complete and abilities is not None
    seen: dict[str, bool | None] = {
        "tool_calling": _any_or_unknown(
            named & {"tools", "tool_use", "trained_for_tool_use"},
            dig(told, "chat_template_caps", "supports_tool_calls"),
            is_complete=is_complete,
        ),
        "image_inputs": _any_or_unknown(
            named & {"vision", "multimodal"},
            row.get("type") == "vlm" or None,
            _listed(dig(row, "architecture", "input_modalities"), "image"),
            dig(told, "modalities", "vision"),
            is_complete=is_complete,
        ),
        "reasoning_output": _any_or_unknown(named & {"thinking", "reasoning"}, is_complete=is_complete),
    }
    known = {key: value for key, value in seen.items() if value is not None}
    return Profile(**{**kind.profile, "text_inputs": True, "text_outputs": True, **known, **profile})  # type: ignore[typeddict-item]  # keys are Profile's own


def _listed(names: object, name: str) -> bool | None:
    return name in names if isinstance(names, list) else None


def _any_or_unknown(*signs: object, is_complete: bool) -> bool | None:
    """Return True when a sign is there, False where absence is told, None where nothing is."""
    if any(signs):
        return True
    return False if is_complete or any(sign is False for sign in signs) else None


def _context_tokens(row: JsonObject, told: JsonObject) -> int | None:
    """Return the window that the engine really uses, else the model's own."""
    if set_by_hand := _NUM_CTX.search(as_text(told.get("parameters"))):
        return int(set_by_hand[1])
    found: Iterable[int | None] = (
        *(as_int(dig(row, *path)) for path in _CONTEXT_PATHS),
        as_int(dig(told, "default_generation_settings", "n_ctx")),
        _by_suffix(told, ".context_length"),
    )
    return next((window for window in found if window and window > 0), None)


def _dimensions(row: JsonObject, told: JsonObject) -> int | None:
    return as_int(dig(row, "meta", "n_embd")) or _by_suffix(told, ".embedding_length")


def _by_suffix(told: JsonObject, suffix: str) -> int | None:
    facts: Mapping[str, object] = as_object(told.get("model_info"))
    return next((as_int(value) for name, value in facts.items() if name.endswith(suffix)), None)


def _capability(name: str, row: JsonObject) -> float:
    """Return 0..1 by the model's size: a thousand million parameters are 0.3."""
    parameters = as_int(dig(row, "meta", "n_params"))
    if parameters is None:
        written = (as_text(dig(row, "details", "parameter_size")), as_text(row.get("params_string")), name)
        match = next((found for text in written if (found := _SIZE.search(text))), None)
        if match is None:
            return Model(id="").capability
        parameters = int(float(match[1]) * (1e9 if match[2] in "bB" else 1e6))
    if parameters <= 0:
        return Model(id="").capability
    return round(min(0.95, max(0.02, 0.3 + 0.08 * math.log2(parameters / 1e9))), 3)
