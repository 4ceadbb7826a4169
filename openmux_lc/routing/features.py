"""What can be seen of a request without a model: words, shapes, attachments, size.

A long prompt is read at its head and tail only, so the cost is bounded. Nothing
here keeps the prompt: `Features` holds counts, names of concepts and positions.
"""

# ruff: noqa: RUF001 - quotation marks and signs of many languages look alike

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from openmux_lc.routing.lexicon import WORDS
from openmux_lc.routing.lexicon_phrases import PHRASES
from openmux_lc.routing.lexicon_scripts import SUBSTRINGS
from openmux_lc.routing.shapes import code_likeness, file_kinds, read_shapes
from openmux_lc.routing.tokens import estimated_request_tokens, estimated_tokens
from openmux_lc.types.json import as_list, as_object, as_text
from openmux_lc.types.run import Message, Request

__all__ = ["Features", "attachments_of", "read_features", "text_of"]

_HEAD_CHARS: Final = 1600
_TAIL_CHARS: Final = 600
_HEAD_WORDS: Final = 70
_TAIL_WORDS: Final = 30
_FOLLOW_UP_CHARS: Final = 40
_FOLLOW_UP_WORDS: Final = 6
_HEAD_REACH: Final = 7
"""A verb among the first words that carry meaning is what the prompt asks for."""

_STEM_KEY: Final = 3
"""Letters by which stems are found; no stem is shorter."""

_WORD: Final = re.compile(r"[^\W_]+(?:['’][^\W\d_]+)?")
_QUOTED: Final = re.compile(
    r"```.*?(?:```|\Z)|\"[^\"\n]{2,600}\"|“[^”]{2,600}”|«[^»]{2,600}»|„[^“”]{2,600}[“”]|「[^」]{2,600}」|『[^』]{2,600}』"
    r"|(?<![^\W_])['‘][^'’\n]{2,}?(?:['’](?=\w{1,2}\b)[^'’\n]*?)*['’](?![^\W_])",
    re.DOTALL,
)
_COLON: Final = re.compile(r"(?<!\d)\s?[:：](?!//)(?=\s|[^\x00-\x7f]|[\w\[{(#])")
_COLON_REACH: Final = 200
_INSTRUCTIONS: Final = frozenset(
    {
        *(
            "translate",
            "summarize",
            "transcribe",
            "speak",
            "read",
            "embed",
            "rewrite",
            "extract",
            "calculate",
            "explain",
        ),
        *("write", "draw", "edit", "look", "similar"),
    }
)
_UNBORDERED: Final = re.compile(
    r"[\u0590-\u06ff\u0750-\u077f\u0900-\u0dff\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff"
    r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]"
)
_PART_KINDS: Final = (
    ("image", "image"),
    ("input_image", "image"),
    ("audio", "audio"),
    ("input_audio", "audio"),
    ("video", "video"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What a request looks like.

    Args:
        chars: Length of the last user text.
        tokens: Estimated tokens of the whole prompt.
        asked_tokens: Those of the last user text.
        attachments: Kinds in any message: `image`, `audio`, `video`, `pdf`.
        fresh: Kinds in the last user message.
        files: Kinds of the file names that the text mentions.
        hits: Concepts in the order of the text, with the word's position.
        concepts: The first position of each concept.
        head: Concepts among the first words after politeness.
        first: Concepts of the very first of them.
        shapes: Names of the outer forms found, see `shapes.read_shapes`.
        code: 0..1, how much the text looks like source code.
        words: Number of words that were looked at.
        quoted_words: Words of the longest quotation.
        is_english: Whether the text is ASCII only.
        earlier: The previous user text, where this one is a short follow-up.
    """

    chars: int = 0
    tokens: int = 0
    asked_tokens: int = 0
    attachments: frozenset[str] = frozenset()
    fresh: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()
    hits: tuple[tuple[int, str], ...] = ()
    concepts: Mapping[str, int] = field(default_factory=dict)
    head: frozenset[str] = frozenset()
    first: frozenset[str] = frozenset()
    shapes: frozenset[str] = frozenset()
    code: float = 0.0
    words: int = 0
    quoted_words: int = 0
    is_english: bool = True
    turns: int = 1
    has_tools: bool = False
    has_schema: bool = False
    max_tokens: int = 0
    earlier: Features | None = None


def text_of(message: Message) -> str:
    """Return the text of a message, its parts joined by line breaks."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    return "\n".join(as_text(as_object(part).get("text")) for part in as_list(content) if as_object(part).get("text"))


def attachments_of(message: Message) -> frozenset[str]:
    """Return the kinds of what is attached to a message besides text."""
    content = message.get("content")
    if isinstance(content, str) or not content:
        return frozenset()
    return frozenset(kind for part in as_list(content) if (kind := _part_kind(as_object(part))))


def read_features(request: Request) -> Features:
    """Return the features of a request, its last user message first."""
    asked = [message for message in request.messages if message.get("role") in {"user", "human"}]
    last = asked[-1] if asked else {}
    text = text_of(last)
    kinds = [attachments_of(message) for message in request.messages]
    earlier = text_of(asked[-2]) if len(asked) > 1 and _is_short(text) else ""
    return _read_text(
        text,
        {
            "tokens": estimated_request_tokens(request),
            "attachments": frozenset().union(*kinds),
            "fresh": attachments_of(last),
            "turns": len(asked),
            "has_tools": bool(request.tools),
            "has_schema": request.response_format is not None and request.response_format.get("type") != "text",
            "max_tokens": request.max_tokens or 0,
            "earlier": _read_text(earlier, {}) if earlier else None,
        },
    )


def _read_text(text: str, rest: Mapping[str, object]) -> Features:
    sample = _sample(text)
    masked, quoted_words = _mask(sample)
    zone, hits = _read_words(_without_material(masked))
    concepts: dict[str, int] = {}
    for position, concept in hits:
        concepts.setdefault(concept, position)
    start = _head_start(zone)
    return Features(
        chars=len(text),
        asked_tokens=estimated_tokens(text),
        files=file_kinds(sample),
        hits=hits,
        concepts=concepts,
        head=frozenset(concept for position, concept in hits if position < start + _HEAD_REACH),
        first=frozenset(concept for position, concept in hits if position <= start),
        shapes=read_shapes(sample, masked, zone),
        code=code_likeness(sample),
        words=len(zone) + (0 if sample.isascii() else len(_UNBORDERED.findall(masked)) // 2),
        quoted_words=quoted_words,
        is_english=sample.isascii(),
        **rest,  # type: ignore[arg-type]  # keys are field names, filled a few lines above
    )


def _is_short(text: str) -> bool:
    return len(text) <= _FOLLOW_UP_CHARS and len(text.split()) <= _FOLLOW_UP_WORDS


def _sample(text: str) -> str:
    if len(text) <= _HEAD_CHARS + _TAIL_CHARS:
        return text
    return f"{text[:_HEAD_CHARS]}\n{text[-_TAIL_CHARS:]}"


def _mask(text: str) -> tuple[str, int]:
    """Return the text without what it quotes, and the longest quotation's words.

    A quotation is material, not the wish: its words would mislead. Where nearly
    everything is quoted, the quotation is the wish after all.
    """
    if not any(mark in text for mark in "\"'“‘«„「『`"):
        return text, 0
    masked = _QUOTED.sub(" ", text)
    if len(masked.split()) < 2 and _UNBORDERED.search(masked) is None:
        return text, 0
    return masked, max((len(quoted.split()) for quoted in _QUOTED.findall(text)), default=0)


def _read_words(text: str) -> tuple[Sequence[str], tuple[tuple[int, str], ...]]:
    lowered = text.lower()
    words = _WORD.findall(lowered)
    zone = words if len(words) <= _HEAD_WORDS + _TAIL_WORDS else words[:_HEAD_WORDS] + words[-_TAIL_WORDS:]
    return zone, _hits(zone, lowered)


def _without_material(text: str) -> str:
    """Return the text without what stands behind an instruction's colon.

    The last line stays, as instructions also stand there.
    """
    colon = _COLON.search(text, 6, _COLON_REACH)
    if colon is None:
        return text
    wish, material = text[: colon.start()], text[colon.end() :]
    _, hits = _read_words(wish)
    if not any(concept in _INSTRUCTIONS for _, concept in hits):
        return text
    _, line, last = material.rstrip().rpartition("\n")
    return f"{wish} {last}" if line else wish


def _hits(words: Sequence[str], lowered: str) -> tuple[tuple[int, str], ...]:
    found: list[tuple[int, str]] = []
    for position, word in enumerate(words):
        for concept in _concepts_of(word):
            found.append((position, concept))  # noqa: PERF401 - runs for every word; half of them know no concept
        for rest, concept in _PHRASES.get(word, ()):
            if tuple(words[position + 1 : position + 1 + len(rest)]) == rest:
                found.append((position, concept))
    if not lowered.isascii() and _UNBORDERED.search(lowered):
        found += _borderless_hits(lowered)
        found.sort()
    return tuple(found)


def _borderless_hits(lowered: str) -> list[tuple[int, str]]:
    # Two characters stand for a word, so that positions compare with those of bordered scripts.
    return [
        (position // 2, concept)
        for position, letter in enumerate(lowered)
        for text, concept in _SUBSTRINGS.get(letter, ())
        if lowered.startswith(text, position)
    ]


def _concepts_of(word: str) -> tuple[str, ...]:
    known = _EXACT.get(word)
    if known is not None:
        return known
    for stem, concepts in _STEMS.get(word[:_STEM_KEY], ()):
        if word.startswith(stem):
            return concepts
    return ()


def _head_start(words: Sequence[str]) -> int:
    """Return the position of the first word that is not mere politeness."""
    for position, word in enumerate(words):
        if "please" not in _EXACT.get(word, ()):
            return position
    return 0


def _part_kind(part: Mapping[str, object]) -> str:
    kind = as_text(part.get("type"))
    for prefix, name in _PART_KINDS:
        if kind.startswith(prefix):
            return name
    if kind not in {"file", "input_file", "document"}:
        return ""
    file = as_object(part.get("file")) or part
    told = " ".join(as_text(file.get(name))[:40] for name in ("file_data", "mime_type")).lower()
    for name in ("image", "audio", "video"):
        if f"{name}/" in told:
            return name
    return "pdf"


def _split_words() -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[tuple[str, tuple[str, ...]], ...]]]:
    """Return concepts by word, and stems with theirs by the stem's first letters."""
    tables: tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]] = ({}, {})
    for concept, listed in WORDS.items():
        for word in dict.fromkeys(listed.split()):
            table, key = tables[word.endswith("*")], word.rstrip("*")
            table[key] = (*table.get(key, ()), concept)
    exact, stems = tables
    by_start: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {}
    for stem in sorted(stems, key=len, reverse=True):
        start = stem[:_STEM_KEY]
        by_start[start] = (*by_start.get(start, ()), (stem, stems[stem]))
    return exact, by_start


def _split_phrases() -> dict[str, tuple[tuple[tuple[str, ...], str], ...]]:
    by_first: dict[str, tuple[tuple[tuple[str, ...], str], ...]] = {}
    for concept, listed in PHRASES.items():
        for phrase in listed.split("|"):
            first, *rest = _WORD.findall(phrase)
            by_first[first] = (*by_first.get(first, ()), (tuple(rest), concept))
    return by_first


def _split_substrings() -> dict[str, tuple[tuple[str, str], ...]]:
    by_first: dict[str, tuple[tuple[str, str], ...]] = {}
    for concept, listed in SUBSTRINGS.items():
        for text in listed.split("|"):
            by_first[text[0]] = (*by_first.get(text[0], ()), (text, concept))
    return by_first


_EXACT, _STEMS = _split_words()
_PHRASES: Final = _split_phrases()
_SUBSTRINGS: Final = _split_substrings()
