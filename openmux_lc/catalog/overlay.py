"""What the user's configuration says about single models, kept to be laid over any list.

Engines on this machine tell their models later; the user's word holds for those, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from openmux_lc.types.catalog import Evidence, Model, Profile, Task

__all__ = ["ModelOverlay", "overlaid"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOverlay:
    """One `[[models]]` entry; None says nothing."""

    evidence: Evidence | None = None
    tasks: frozenset[Task] | None = None
    profile: Profile = field(default_factory=Profile)
    dimensions: int | None = None
    quality: float | None = None

    def over(self, model: Model) -> Model:
        """Return `model` as the user wants it to be seen."""
        return replace(
            model,
            evidence=self.evidence or model.evidence,
            tasks=self.tasks or model.tasks,
            profile={**model.profile, **self.profile},
            dimensions=self.dimensions or model.dimensions,
            quality=model.quality if self.quality is None else {"default": self.quality},
            capability=model.capability if self.quality is None else self.quality,
        )


def overlaid(models: tuple[Model, ...], overlays: Mapping[str, ModelOverlay]) -> tuple[Model, ...]:
    """Return a provider's models under the overlays, which are named by model id."""
    return tuple(overlays[model.id].over(model) if model.id in overlays else model for model in models)
