"""The rules: which signals speak for which task, and how strongly.

Weights are log-odds, set by hand; rules add up. No rule may be needed for
another to fire, and every name in a rule is a signal or a concept of our own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from openmux_lc.types.catalog import Task

__all__ = ["PRIORS", "RULES", "Rule"]

PRIORS: Final[dict[Task, float]] = {
    "chat": 1.4,
    "other": 0.3,
    "code": 0.0,
    "image": -0.6,
    "audio": -1.0,
    "tts": -1.2,
    "embeddings": -1.2,
}


@dataclass(frozen=True, slots=True)
class Rule:
    """`weight` for `task` where every name of `when` holds and none of `unless`."""

    task: Task
    weight: float
    when: frozenset[str]
    unless: frozenset[str]
    tag: str
    evidence: str


def _rules(task: Task, *rows: tuple[float, str, str] | tuple[float, str]) -> tuple[Rule, ...]:
    return tuple(_rule(task, row[0], row[1], row[2] if len(row) > 2 else "") for row in rows)


def _rule(task: Task, weight: float, names: str, tag: str) -> Rule:
    words = names.split()
    when = frozenset(word for word in words if not word.startswith("-"))
    unless = frozenset(word[1:] for word in words if word.startswith("-"))
    shown = " + ".join(word.replace("_", " ") for word in words if not word.startswith("-"))
    return Rule(task, weight, when, unless, tag, f"{shown} -> {tag or task}")


# A row: weight, the signals (a leading `-` forbids one), and the finer tag.
RULES: Final = (
    *_rules(
        "image",
        (3.4, "new:image", "vision"),
        (1.0, "has:image -new:image", "vision"),
        (4.2, "file:image -file:code", "vision"),
        (2.2, "see -figure", "vision"),
        (1.5, "look>picture -figure", "vision"),
        (1.2, "see look -figure", "vision"),
        (1.0, "read>picture"),
        (1.6, "edit>picture -figure", "image_edit"),
        (2.8, "gets:picture make>picture -figure", "image_generation"),
        (3.2, "head:draw gets:picture -figure", "image_generation"),
        (3.0, "head:draw -figure -code_language -code_noun", "image_generation"),
        (1.5, "draw>picture -figure -explain"),
        (0.8, "picture -figure"),
        (2.6, "shape:scene style", "image_generation"),
        (2.4, "shape:scene -shape:lines", "image_generation"),
        (1.2, "shape:scene picture"),
    ),
    *_rules(
        "tts",
        (3.2, "speak -see -shape:options", "speech"),
        (2.6, "head:read aloud", "speech"),
        (1.6, "gets:speak", "speech"),
        (1.4, "read>given speak", "speech"),
        (1.5, "read>genre speak", "speech"),
        (1.2, "make>audio given -file:audio -file:video", "speech"),
        (1.0, "gets:voice quotes", "speech"),
        (1.4, "make>voice -file:audio", "speech"),
        (4.5, "shape:ssml", "speech"),
        (5.0, "shape:voice_style", "speech"),
    ),
    *_rules(
        "audio",
        (3.6, "new:audio", "audio_input"),
        (0.8, "has:audio -new:audio", "audio_input"),
        (4.4, "file:audio", "audio_input"),
        (2.6, "hear -figure", "audio_input"),
        (3.2, "transcribe -genre", "transcription"),
        (1.5, "transcribe genre", "transcription"),
        (2.4, "file:video transcribe", "transcription"),
        (1.6, "file:video audio"),
        (2.2, "new:video transcribe", "transcription"),
        (1.6, "transcribe audio", "transcription"),
        (1.5, "edit>audio"),
        (1.2, "look>audio"),
        (0.9, "audio -figure"),
        (3.2, "music_make", "audio_generation"),
        (2.2, "make>sound -file:audio", "audio_generation"),
        (1.6, "make>music -genre", "audio_generation"),
    ),
    *_rules(
        "embeddings",
        (5.5, "shape:prefix"),
        (2.6, "embed -head:explain"),
        (1.4, "embed vector"),
        (1.6, "embed similar"),
        (1.4, "make>given embed"),
        (1.6, "similar given"),
        (1.0, "similar quotes"),
        (1.2, "cluster given"),
        (1.6, "cluster semantic"),
        (1.2, "semantic similar"),
        (0.8, "cluster"),
        (0.8, "vector -code_noun"),
    ),
    *_rules(
        "code",
        (3.0, "code:strong"),
        (1.5, "code:some"),
        (3.0, "shape:trace"),
        (2.2, "code_language -embed"),
        (2.4, "shape:cpp"),
        (2.6, "howto_code"),
        (1.2, "code_noun code_verb"),
        (1.6, "gets:code_noun"),
        (1.4, "gets:code_language"),
        (1.0, "write>code_noun"),
        (1.0, "make>code_noun"),
        (1.2, "code_language code_noun"),
        (0.5, "code_noun"),
        (0.7, "head:code_verb"),
        (1.6, "shape:path shell"),
        (1.4, "shape:path -quotes"),
        (1.8, "file:code"),
        (1.4, "head:shell shell code_verb"),
        (1.0, "shell -head:device"),
        (0.6, "shell shape:path size:short"),
    ),
    *_rules(
        "other",
        (3.0, "translate -code_language", "translation"),
        (1.0, "translate language", "translation"),
        (2.8, "summarize -code_language", "summarization"),
        (0.8, "summarize given", "summarization"),
        (1.4, "extract given", "extraction"),
        (1.4, "extract -code_noun -shape:path", "extraction"),
        (1.0, "extract quotes", "extraction"),
        (3.4, "shape:options -code:strong", "reasoning"),
        (1.8, "reason", "reasoning"),
        (2.6, "shape:math -code:some", "math"),
        (1.6, "calculate -code_noun", "math"),
        (1.0, "calculate shape:numbers", "math"),
        (1.6, "calculate math", "math"),
        (1.0, "math -code_noun", "math"),
        (2.8, "shape:table", "data_analysis"),
        (2.4, "file:data", "data_analysis"),
        (1.2, "data -code_language -code_noun", "data_analysis"),
        (2.2, "web", "web_search"),
        (1.4, "search", "web_search"),
        (0.8, "search size:short", "web_search"),
        (1.0, "head:search", "web_search"),
        (1.4, "head:act", "action"),
        (1.6, "act>device", "action"),
        (1.4, "act device", "action"),
        (0.8, "device size:short", "action"),
        (1.0, "act size:short -explain", "action"),
        (3.6, "file:video", "video"),
        (3.4, "new:video", "video"),
        (3.0, "video_make", "video"),
        (2.2, "make>video", "video"),
        (1.2, "video -genre", "video"),
        (1.8, "moderate extract", "moderation"),
        (1.2, "read shape:lines", "reading_qa"),
        (1.2, "read size:long", "reading_qa"),
        (1.4, "new:pdf"),
        (1.6, "with:schema extract", "structured"),
    ),
    *_rules(
        "chat",
        (1.2, "explain -shape:options -file:audio -file:image -shape:path"),
        (1.6, "head:explain -shape:options -file:audio -file:image -code:some"),
        (1.2, "smalltalk"),
        (2.6, "roleplay"),
        (2.6, "gets:genre"),
        (1.2, "write>genre"),
        (1.0, "write -code_noun"),
        (1.0, "rewrite -code_noun -file:image -file:audio"),
        (1.2, "recommend -code_noun"),
        (0.8, "head:ask shape:question -calculate"),
        (0.7, "head:ask -calculate"),
        (1.2, "greet size:short"),
        (0.9, "feel -given"),
        (0.8, "you me"),
        (1.0, "size:tiny -act -device"),
        (2.0, "figure"),
        (0.8, "again size:tiny"),
    ),
)
