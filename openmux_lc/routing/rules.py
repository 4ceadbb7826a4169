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


# What makes a drawing word mean something else, and an explaining word mean looking or listening.
_NOT_DRAWN: Final = "-figure -code_language -code_noun -shape:options -explain -howto -abstract -as_text -word_picture"
_NOT_TALK: Final = "-shape:options -file:audio -file:image -new:image -new:audio -new:video -hear -see"

# A row: weight, the signals (a leading `-` forbids one), and the finer tag.
RULES: Final = (
    *_rules(
        "image",
        (5.0, "new:image", "vision"),
        (1.0, "has:image -new:image", "vision"),
        (4.2, "file:image -file:code", "vision"),
        (2.2, "see -figure", "vision"),
        (1.5, "look>picture -figure", "vision"),
        (1.2, "see look -figure", "vision"),
        (1.0, "read>picture"),
        (1.6, "edit>picture -figure", "image_edit"),
        (3.4, "gets:picture make>picture -figure -file:image -search -seek -as_text -abstract", "image_generation"),
        (2.4, "gets:picture need>picture -figure -search -seek -see"),
        (2.0, "gets:picture file:image", "image_edit"),
        (3.2, "first:draw gets:picture -figure -shape:options -word_picture -abstract", "image_generation"),
        (
            3.0,
            f"head:draw {_NOT_DRAWN}",
            "image_generation",
        ),
        (
            2.2,
            f"first:draw {_NOT_DRAWN}",
            "image_generation",
        ),
        (1.6, "word_picture"),
        (
            1.4,
            "picture_of gets:picture -seek -search -figure -explain -word_picture -as_text -code_language",
            "image_generation",
        ),
        (2.0, "draw -is:ascii -explain -howto -ask -abstract -first:draw", "image_generation"),
        (2.0, "first:illustrate -abstract -howto -explain"),
        (1.5, "draw>picture -figure -explain"),
        (0.8, "picture -figure"),
        (2.6, "shape:scene style", "image_prompt"),
        (3.0, "render -code_noun -explain", "image_prompt"),
        (1.6, "shape:listed style", "image_prompt"),
        (2.4, "shape:scene -shape:lines", "image_prompt"),
        (1.2, "shape:scene picture", "image_prompt"),
    ),
    *_rules(
        "tts",
        (4.2, "speak -transcribe -see -shape:options -first:write -first:explain -howto -recommend", "speech"),
        (2.6, "head:read aloud", "speech"),
        (0.9, "speak -transcribe -shape:question -head:ask -head:explain -first:write -recommend"),
        (1.6, "gets:speak -first:write -transcribe", "speech"),
        (1.4, "read>given speak", "speech"),
        (1.5, "read>genre speak", "speech"),
        (3.2, "gets:audio given -file:video", "speech"),
        (3.0, "gets:audio quotes:long -file:video", "speech"),
        (1.6, "make>audio given -file:audio -file:video", "speech"),
        (1.2, "voice given -file:audio", "speech"),
        (1.0, "gets:voice quotes", "speech"),
        (1.4, "make>voice -file:audio", "speech"),
        (7.5, "shape:ssml", "speech"),
        (5.0, "shape:voice_style", "speech"),
    ),
    *_rules(
        "audio",
        (5.0, "new:audio", "audio_input"),
        (0.8, "has:audio -new:audio", "audio_input"),
        (4.4, "file:audio -gets:audio", "audio_input"),
        (2.4, "file:audio gets:audio"),
        (3.2, "hear -figure -gets:audio", "audio_input"),
        (1.0, "hear shape:question", "audio_input"),
        (2.4, "extract>audio video", "audio_input"),
        (1.6, "edit>audio video", "audio_input"),
        (3.2, "transcribe -genre", "transcription"),
        (1.5, "transcribe genre", "transcription"),
        (2.4, "file:video transcribe", "transcription"),
        (1.6, "file:video audio"),
        (2.2, "new:video transcribe", "transcription"),
        (1.6, "transcribe audio", "transcription"),
        (1.5, "edit>audio"),
        (1.2, "look>audio"),
        (1.4, "audio -figure -head:explain -head:ask"),
        (0.5, "audio -figure"),
        (1.2, "edit audio -file:video"),
        (3.2, "music_make", "audio_generation"),
        (2.2, "make>sound -file:audio", "audio_generation"),
        (1.6, "make>music -genre", "audio_generation"),
    ),
    *_rules(
        "embeddings",
        (5.5, "shape:prefix"),
        (3.4, "embed -head:explain"),
        (1.2, "embed"),
        (1.4, "embed vector"),
        (1.6, "embed similar"),
        (1.4, "make>given embed"),
        (1.6, "similar given"),
        (1.0, "similar quotes"),
        (1.2, "cluster given"),
        (1.6, "cluster semantic"),
        (3.0, "semantic similar"),
        (1.2, "cluster"),
        (0.8, "vector -code_noun"),
    ),
    *_rules(
        "code",
        (3.0, "code:strong"),
        (1.5, "code:some"),
        (3.0, "shape:trace"),
        (2.2, "code_language"),
        (2.4, "howto code_language"),
        (1.2, "howto code_noun"),
        (1.0, "me code_language"),
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
        (2.0, "first:fs_verb shell"),
        (1.2, "fs_verb shell shape:path"),
        (2.2, "db_verb db_noun -shape:table -file:data -shape:options"),
        (1.0, "shell -head:device"),
        (0.6, "shell shape:path size:short"),
    ),
    *_rules(
        "other",
        (3.0, "translate -code_language", "translation"),
        (3.4, "say language", "translation"),
        (2.4, "unit shape:numbers", "math"),
        (2.0, "unit howto size:short", "math"),
        (1.4, "unit size:short make", "math"),
        (1.0, "translate language", "translation"),
        (2.8, "summarize -code_language", "summarization"),
        (0.8, "summarize given", "summarization"),
        (1.4, "extract given", "extraction"),
        (1.4, "extract -code_noun -shape:path", "extraction"),
        (1.0, "extract quotes", "extraction"),
        (3.4, "shape:options -code:strong", "reasoning"),
        (1.8, "reason", "reasoning"),
        (3.0, "shape:math -code:some", "math"),
        (1.6, "calculate -code_noun -embed -similar", "math"),
        (1.8, "shape:sums -code_noun", "math"),
        (1.0, "calculate shape:numbers", "math"),
        (1.6, "calculate math", "math"),
        (1.0, "math -code_noun", "math"),
        (2.8, "shape:table", "data_analysis"),
        (2.4, "file:data", "data_analysis"),
        (2.0, "seek gets:picture -file:image", "web_search"),
        (1.2, "data -code_language -code_noun", "data_analysis"),
        (2.2, "web", "web_search"),
        (1.4, "search -shape:listed -cluster", "web_search"),
        (0.8, "search size:short -shape:listed -cluster", "web_search"),
        (0.5, "head:search -shape:listed -cluster", "web_search"),
        (1.4, "first:act", "action"),
        (0.5, "head:act", "action"),
        (1.6, "act>device", "action"),
        (1.4, "act device", "action"),
        (0.8, "device size:short", "action"),
        (0.7, "act size:short -explain", "action"),
        (3.6, "file:video -transcribe", "video"),
        (1.0, "file:video transcribe"),
        (5.0, "new:video", "video"),
        (3.0, "video_make", "video"),
        (2.2, "make>video -file:video", "video"),
        (1.2, "video -genre -transcribe", "video"),
        (1.8, "moderate extract", "moderation"),
        (1.2, "read shape:lines", "reading_qa"),
        (1.2, "read size:long", "reading_qa"),
        (1.4, "new:pdf"),
        (1.6, "with:schema extract", "structured"),
    ),
    *_rules(
        "chat",
        (1.2, f"explain -shape:path {_NOT_TALK}"),
        (
            1.6,
            f"head:explain -code:some -shape:math {_NOT_TALK}",
        ),
        (1.2, "smalltalk"),
        (2.6, "roleplay"),
        (2.6, "gets:genre"),
        (1.2, "write>genre"),
        (1.0, "write -code_noun"),
        (1.0, "rewrite -code_noun -file:image -file:audio"),
        (1.2, "recommend -code_noun"),
        (0.8, "head:ask shape:question -calculate"),
        (0.7, "head:ask -calculate"),
        (0.7, "first:aux -calculate"),
        (1.2, "greet size:short"),
        (0.9, "feel -given"),
        (0.8, "you me"),
        (1.0, "size:tiny -act -device"),
        (2.0, "figure"),
        (1.0, "as_text"),
        (2.2, "draw shape:question size:tiny is:ascii"),
        (1.2, "abstract -code_language"),
        (0.8, "again size:tiny"),
    ),
)
