"""The one free check: the evidence that a model costs nothing, or none.

Pure, and asked before every send. Unknown is not free.
"""

from __future__ import annotations

from openmux_lc.catalog.resolve import nearest_models
from openmux_lc.types.catalog import Evidence, FreeRule, Model, Provider

__all__ = ["evidence", "is_covered", "why_not_free"]


def evidence(provider: Provider, model: Model) -> Evidence | None:
    """Return why calling `model` at `provider` costs nothing, None where nothing says so.

    A provider that is off is never free. Then the user's own word counts, then the
    exclusions of the row, then dated evidence of the model, then the row's rule.

    Example:
        >>> host = Provider(id="host", name="Host", base_url="", free=FreeRule(suffixes=(":free",)))
        >>> evidence(host, Model(id="some/model")) is None
        True
        >>> evidence(host, Model(id="some/model:free")).kind
        'free_tier'
    """
    if not provider.is_on:
        return None
    known = model.evidence
    if known is not None and known.kind == "user":
        return known
    if excluding_part(provider.free, model.id):
        return None
    if known is not None:
        return known
    if not is_covered(provider.free, model.id):
        return None
    return Evidence(
        kind=provider.free.kind,
        source=provider.source or f"the row of {provider.id}",
        as_of=provider.as_of,
        confidence=provider.confidence,
    )


def is_covered(rule: FreeRule, model_id: str) -> bool:
    """Whether a row's rule calls this id free."""
    if excluding_part(rule, model_id):
        return False
    return rule.all_models or model_id in rule.ids or model_id.endswith(rule.suffixes)


def excluding_part(rule: FreeRule, model_id: str) -> str:
    """Return the part of an id that the rule excludes, or the empty string."""
    lowered = model_id.lower()
    return next((part for part in rule.excluded if part.lower() in lowered), "")


def why_not_free(provider: Provider, model: Model) -> str:
    """Return why a model may not be called, and the evidence that would change it.

    The empty string says that it is free.
    """
    if evidence(provider, model) is not None:
        return ""
    route = f"{provider.id}:{model.id}"
    mend = f'if it costs you nothing, put [[models]] with route = "{route}" and free = true into your configuration'
    if provider.off_reason:
        return f"{provider.name} is off: {provider.off_reason}; {mend}"
    if part := excluding_part(provider.free, model.id):
        return f"{provider.name} does not give {model.id} free ({part!r} in its id, read {provider.as_of}); {mend}"
    near = nearest_models(provider, model.id)
    meant = f" (did you mean {' or '.join(near)}?)" if near else ""
    suffix = f"; free ids there end in {' or '.join(provider.free.suffixes)}" if provider.free.suffixes else ""
    return f"nothing says that {route} is free{meant}{suffix}; {mend}"
