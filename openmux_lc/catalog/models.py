"""Turns the entries of models.json, and a row's own `models`, into models."""

from __future__ import annotations

from typing import Final, cast, get_args

from openmux_lc.catalog.reader import Table
from openmux_lc.types.catalog import (
    TASKS,
    Confidence,
    Evidence,
    EvidenceKind,
    LimitUnit,
    Model,
    Profile,
    Task,
    UnitPrice,
)

__all__ = ["PROFILE_KEYS", "to_model", "to_unit_prices"]

_CONFIDENCES: Final[tuple[Confidence, ...]] = get_args(Confidence)
_KINDS: Final[tuple[EvidenceKind, ...]] = get_args(EvidenceKind)

PROFILE_KEYS: Final = frozenset(Profile.__annotations__)
"""LangChain's names for what a model can do."""

_TASKS: Final[frozenset[str]] = frozenset(TASKS)
_USUAL_TASKS: Final = Model(id="").tasks
_TEXT_KEYS: Final = frozenset({"name", "release_date"})
_WHOLE_KEYS: Final = frozenset({"max_input_tokens", "max_output_tokens"})
_MODEL: Final = frozenset(
    {"id", "tasks", "profile", "quality", "quality_source", "capability", "dimensions", "unit_prices", "evidence"}
)
_PRICED: Final[tuple[LimitUnit, ...]] = ("neurons", "credits")
_PRICE: Final = frozenset(UnitPrice.__dataclass_fields__)
_EVIDENCE: Final = frozenset({"kind", "source", "as_of", "confidence"})


def to_model(entry: Table) -> Model:
    """Return the model that an entry describes.

    Raises:
        CatalogError: Names file, line and key.
    """
    entry.only(_MODEL)
    model_id = entry.text("id")
    if not model_id.strip():
        raise entry.fault("id", "a model has the id that its provider calls it by")
    tasks = frozenset(entry.texts("tasks"))
    if not tasks <= _TASKS:
        raise entry.fault("tasks", f"write some of {', '.join(TASKS)}")
    dimensions = entry.whole("dimensions")
    quality = entry.table("quality")
    return Model(
        id=model_id,
        tasks=cast("frozenset[Task]", tasks) or _USUAL_TASKS,
        profile=_profile(entry.table("profile")),
        quality={key: quality.share(key, 0.0) for key in quality.values},
        evidence=_evidence(entry.table("evidence")),
        dimensions=dimensions or None,
        capability=entry.share("capability", 0.5),
        unit_prices=to_unit_prices(entry.table("unit_prices")),
    )


def to_unit_prices(table: Table) -> dict[LimitUnit, UnitPrice]:
    """Return what a million tokens use up of each unit that a table names.

    Raises:
        CatalogError: Names file, line and key.
    """
    table.only(frozenset(_PRICED))
    prices: dict[LimitUnit, UnitPrice] = {}
    for unit in _PRICED:
        if unit in table.values:
            told = table.table(unit)
            told.only(_PRICE)
            prices[unit] = UnitPrice(
                input_per_million=told.whole("input_per_million"),
                output_per_million=told.whole("output_per_million"),
                as_of=told.text("as_of"),
                source=told.text("source"),
            )
    return prices


def _profile(table: Table) -> Profile:
    table.only(PROFILE_KEYS)
    profile: dict[str, object] = {}
    for key in table.values:
        if key in _TEXT_KEYS:
            profile[key] = table.text(key)
        elif key in _WHOLE_KEYS:
            profile[key] = table.whole(key)
        else:
            profile[key] = table.flag(key)
    return cast("Profile", profile)


def _evidence(table: Table) -> Evidence | None:
    if not table.values:
        return None
    table.only(_EVIDENCE)
    return Evidence(
        kind=table.choice("kind", _KINDS, "free_tier"),
        source=table.text("source"),
        as_of=table.text("as_of"),
        confidence=table.choice("confidence", _CONFIDENCES, "medium"),
    )
