"""Signals: the names under which rules meet what was seen of a request.

One flat set of strings, so that a rule is a subset test: concepts by name, `head:X`
for concepts in the opening words, `X>Y` for a verb with its object, `gets:X` for
the thing that is asked for, and the forms, files and attachments by prefix.
"""

from __future__ import annotations

from typing import Final

from openmux_lc.routing.features import Features

__all__ = ["to_signals"]

_REACH: Final = 7
_VERBS: Final = frozenset(
    {
        "make",
        "need",
        "draw",
        "edit",
        "look",
        "read",
        "write",
        "extract",
        "translate",
        "summarize",
        "transcribe",
        "search",
        "act",
        "code_verb",
    }
)
_ASKS: Final = frozenset({"make", "need", "draw", "write", "code_verb", "translate", "summarize", "extract", "search"})
_DELIVER: Final = frozenset({"make", "need", "draw", "write", "code_verb"})
_THINGS: Final = frozenset(
    {
        "picture",
        "audio",
        "music",
        "sound",
        "voice",
        "video",
        "speak",
        "code_noun",
        "code_language",
        "genre",
        "data",
        "device",
        "given",
    }
)


def to_signals(features: Features) -> frozenset[str]:
    """Return the names of everything seen of a request."""
    found = set(features.concepts)
    found.update(f"head:{concept}" for concept in features.head)
    found.update(f"first:{concept}" for concept in features.first)
    found.update(f"shape:{shape}" for shape in features.shapes)
    found.update(f"file:{kind}" for kind in features.files)
    found.update(f"has:{kind}" for kind in features.attachments)
    found.update(f"new:{kind}" for kind in features.fresh)
    found.update(_pairs(features))
    found.update(_sizes(features))
    thing = _asked_thing(features)
    if thing:
        found.add(f"gets:{thing}")
    return frozenset(found)


def _pairs(features: Features) -> set[str]:
    """Verbs with their objects; outside English the verb may stand last."""
    things = [(position, name) for position, name in features.hits if name in _THINGS]
    verbs = [(position, name) for position, name in features.hits if name in _VERBS]
    nearest = 1 if features.is_english else -_REACH - 1
    return {f"{verb}>{name}" for at, verb in verbs for position, name in things if nearest <= position - at <= _REACH}


def _asked_thing(features: Features) -> str:
    """The first thing named behind the first asking verb: what is to be delivered."""
    asks = [(position, name) for position, name in features.hits if name in _ASKS]
    if not asks or asks[0][1] not in _DELIVER:
        return ""
    start = asks[0][0]
    if start > 2 * _REACH and features.is_english:
        return ""
    return next(
        (name for position, name in features.hits if position >= start and name in _THINGS and name != "given"), ""
    )


def _sizes(features: Features) -> set[str]:
    found = set()
    for name, shown in (
        ("code:strong", features.code >= 0.4),
        ("code:some", features.code >= 0.15),
        ("size:tiny", features.words <= 3),
        ("size:short", features.words <= 12),
        ("size:long", features.words >= 60),
        ("quotes", features.quoted_words > 0),
        ("quotes:long", features.quoted_words >= 3),
        ("with:tools", features.has_tools),
        ("with:schema", features.has_schema),
        ("is:ascii", features.is_english),
    ):
        if shown:
            found.add(name)
    return found
