"""One provider's models as entries of models.json, under LangChain's profile names."""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from catalog_rows import embeddings_of, free_of, is_on, quirks_of, source_of, unit_prices_of
from quality import BOARD_DATE, Board, Gold, by_size

SOURCES = {
    "models": "providers.json, each entry with the day it was last seen free",
    "profiles": "langchain partner packages' data/_profiles.py (MIT); models.dev of 2026-07-02 (MIT)",
    "quality": f"shares derived from the LMArena leaderboards of {BOARD_DATE} (lmarena.ai), else guessed from the size",
}

_PROFILES = {
    "groq": "langchain_groq",
    "mistral": "langchain_mistralai",
    "nvidia": "langchain_nvidia_ai_endpoints",
    "openrouter": "langchain_openrouter",
}
_MODELS_DEV = {"cloudflare": "cloudflare-workers-ai", "codestral": "mistral", "gemini": "google"}
_STALE_DAYS = 60
_FIRST = re.compile(r"; (?![^()]*\))")
_GUESSED = re.compile(r"unverified|guessed")
_NOT_CHAT = re.compile(r"guard|content-safety|moderation")
_INPUTS = ("text", "image", "audio", "video", "pdf")
_KEPT = (
    *("name", "release_date", "open_weights", "max_input_tokens", "max_output_tokens"),
    *("text_inputs", "image_inputs", "pdf_inputs", "audio_inputs", "video_inputs"),
    *("text_outputs", "image_outputs", "audio_outputs", "reasoning_output"),
    *("tool_calling", "tool_choice", "structured_output"),
)


def models_of(fact: dict, folder: Path, board: Board, gold: Gold, compiled: str) -> list[dict[str, object]]:
    """Return a provider's models; those of a provider that is off carry no evidence."""
    profiles = Profiles.read(folder)
    seen = [model for model in fact["free_tier"]["free_models"] if not _NOT_CHAT.search(model["id"])]
    return [
        *(
            _chat(fact, model, profiles, board.quality(model["id"], gold)) | _evidence(fact, model, compiled)
            for model in seen
        ),
        *(_embedder(fact, model, profiles) | _evidence(fact, model, compiled) for model in embeddings_of(fact)),
    ]


@dataclass(frozen=True)
class Profiles:
    """What others say about models, by provider and id."""

    langchain: dict[str, dict]
    models_dev: dict[tuple[str, str], dict]

    @classmethod
    @lru_cache(maxsize=1)
    def read(cls, folder: Path) -> Profiles:
        """Read both tables."""
        langchain = json.loads((folder / "langchain_profiles.json").read_text(encoding="utf-8"))
        rows = json.loads((folder / "models_dev.json").read_text(encoding="utf-8"))["models"]
        return cls(langchain, {(row["provider"], row["model"].lower()): row for row in rows})

    def about(self, provider: str, model_id: str) -> dict[str, object]:
        """Return the profile that both know together; the newer one wins."""
        ours = self.langchain.get(_PROFILES.get(provider, ""), {}).get("profiles", {}).get(model_id, {})
        row = self.models_dev.get((_MODELS_DEV.get(provider, provider), model_id.lower()))
        return {**(_from_models_dev(row) if row else {}), **ours}


def _from_models_dev(row: dict) -> dict[str, object]:
    told = {
        "name": row["name"],
        "release_date": row["release_date"],
        "open_weights": row["open_weights"],
        "max_input_tokens": row["context"],
        "max_output_tokens": row["output_limit"],
        "reasoning_output": row["reasoning"],
        "tool_calling": row["tool_call"],
        "structured_output": row["structured_output"],
        "text_outputs": "text" in row["modalities"]["output"],
        **{f"{kind}_inputs": kind in row["modalities"]["input"] for kind in _INPUTS},
    }
    return {key: value for key, value in told.items() if value is not None}


def _chat(fact: dict, model: dict, profiles: Profiles, found: tuple[dict[str, float], str]) -> dict[str, object]:
    told = {
        "max_input_tokens": model["context"],
        "max_output_tokens": model["max_output"],
        "tool_calling": model["tools"],
        "reasoning_output": model["reasoning"],
        "structured_output": False if "no_response_format" in quirks_of(fact) else None,
        "text_outputs": "text" in model["output"],
        **{f"{kind}_inputs": kind in model["input"] for kind in _INPUTS},
    }
    profile = profiles.about(fact["id"], model["id"]) | {key: value for key, value in told.items() if value is not None}
    quality, source = found
    guess, guessed_from = by_size(model["id"])
    return {
        "id": model["id"],
        "tasks": ["chat", "code", "other"],
        "profile": {key: profile[key] for key in _KEPT if key in profile},
        **({"quality": quality} if quality else {}),
        "capability": quality.get("default", guess),
        "quality_source": source or guessed_from,
        **_unit_prices(fact, model["id"]),
    }


def _unit_prices(fact: dict, model_id: str) -> dict[str, object]:
    """Return the model's own prices; the facts leave the maker and `-instruct` out of its name."""
    name = model_id.rsplit("/", 1)[-1].replace("-instruct", "")
    price = unit_prices_of(fact).get(name)
    return {"unit_prices": price} if price else {}


def _embedder(fact: dict, model: dict, profiles: Profiles) -> dict[str, object]:
    about = profiles.about(fact["id"], model["id"])
    told = {key: about[key] for key in ("name", "release_date", "open_weights", "max_input_tokens") if key in about}
    return {
        "id": model["id"],
        "tasks": ["embeddings"],
        "profile": {**told, "text_inputs": True, "text_outputs": False},
        "dimensions": model["dims"],
    }


def _evidence(fact: dict, model: dict, compiled: str) -> dict[str, object]:
    """Return the dated evidence; nothing where the provider is off."""
    kind = free_of(fact).get("kind")
    return {"evidence": {"kind": kind, **_seen(fact, model, compiled)}} if is_on(fact) and kind else {}


def _seen(fact: dict, model: dict, compiled: str) -> dict[str, object]:
    listed = {model_id for rule in fact["free_tier"]["detect"]["rules"] for model_id in rule.get("ids", ())}
    field = "free_models" if "last_seen_free" in model or model["id"] in listed else "embeddings"
    fields = (field, "free_tier", "all", "legacy status")
    parts = [part for name in fields for part in fact["evidence"] if name in part["field"].split(",")]
    told = model.get("last_seen_free") or (parts[0].get("as_of") if parts else "") or fact["as_of"]
    day = re.search(r"\d{4}-\d\d(-\d\d)?", told)[0]
    age = dt.date.fromisoformat(compiled) - dt.date.fromisoformat(day if len(day) > 7 else f"{day}-01")
    is_doubtful = age.days > _STALE_DAYS or _GUESSED.search(model.get("note", ""))
    sources = (source_of(fact, name) for name in (field, *fields[1:], "status", "base_url"))
    return {
        "source": _FIRST.split(next(filter(None, sources)))[0],
        "as_of": day,
        "confidence": "low" if is_doubtful else parts[0]["confidence"] if parts else "medium",
    }
