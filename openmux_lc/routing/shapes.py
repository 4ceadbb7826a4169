"""Outer forms of a text: options, formulas, tables, code, file names, prefixes.

A shape says what a text is made of, never what it means; each is a name.
"""

# ruff: noqa: RUF001 - quotation marks and signs of many languages look alike

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

__all__ = ["code_likeness", "file_kinds", "read_shapes"]

_FILE: Final = re.compile(r"[\w)\]-]\.([a-z0-9]{1,5})(?![\w/])", re.IGNORECASE)
_FILE_KINDS: Final = {
    extension: kind
    for kind, listed in {
        "image": "png jpg jpeg gif webp bmp tiff tif heic svg ico avif",
        "audio": "wav mp3 flac ogg m4a aac opus wma aiff amr",
        "video": "mp4 mov avi mkv webm mpeg mpg wmv flv",
        "data": "csv tsv xlsx xls parquet ods",
        "document": "txt pdf docx doc md rtf odt epub pptx",
        "code": "py js ts tsx jsx java c cpp h hpp cs go rs rb php sh sql html css json xml yml yaml toml kt swift lua "
        "pl ipynb gz tar zip log conf ini so jar class",
    }.items()
    for extension in listed.split()
}
_OPTIONS: Final = re.compile(r"(?:^|\n|\s)\(?([A-Da-d])[.):]\s?\S.{0,300}?(?:\n|\s)\(?([B-Eb-e])[.):]\s?\S", re.DOTALL)
_MATH: Final = re.compile(
    r"\$[^$\n]{1,80}[\\^_=+\-*/<>][^$\n]{0,80}\$|\\(?:frac|sqrt|int|sum|cdot|begin|le|ge|pi|theta)\b"
    r"|\b[a-z]\s?\([a-z]\)\s?=|\d\s?%\s?(?:of|von|de|di)\b|\d\s?[-+*/×÷^=]\s?\(?\d|\d\s?[a-z]\s?[-+=]\s?\d|\bx\s?[-+*/^=]\s?\d",
    re.IGNORECASE,
)
_NUMBER: Final = re.compile(r"\d+")
_TABLE: Final = re.compile(
    r"(?:^[^\n]*(?:\|[^\n|]*){2,}$\n?){2,}|(?:^\"?[^\n,]*\"?(?:,[^\n,]*){2,}$\n?){3,}"
    r"|(?:^[^\n,\s]{1,40},[^\s,][^\n,]{0,60}$\n?){3,}",
    re.MULTILINE,
)
_TRACE: Final = re.compile(
    r"Traceback \(most recent|^[ \t]+at [\w$.<>]+\(|\b\w+(?:Error|Exception)\b(?::|\sin\b)"
    r"|^[ \t]*File \"[^\"]+\", line \d+|panicked at"
    r"|error\[E\d+\]|npm ERR!|Segmentation fault|undefined reference to|command not found",
    re.MULTILINE,
)
_PREFIX: Final = re.compile(
    r"\s*(?:(?:query|passage|search_query|search_document|clustering|classification|sts)\s?:\s?(?=\S)"
    r"|represent (?:the|this|these|a|an)\b.{0,120}[:;]|instruct:.{0,200}\n?\s?query:|title:[^|\n]{0,80}\|\s?text:"
    r"|task:.{0,80}\|\s?query:)",
    re.IGNORECASE | re.DOTALL,
)
_SSML: Final = re.compile(r"<speak\b|<prosody\b|<break time", re.IGNORECASE)
_VOICE_STYLE: Final = re.compile(
    r"^[ \t]*(?:Voice|Tone|Affect|Pacing|Accent|Delivery|Pronunciation|Emotion|Personality)\b[^\n:]{0,30}:",
    re.MULTILINE,
)
_PATH: Final = re.compile(
    r"(?:^|[\s'\"`(])(?:~|\.{1,2}|\$\w+)?/[\w.*-]+(?:/[\w.*-]+)*|\*\.\w{1,5}\b|\s-{1,2}[a-z][\w-]*\b"
)
_CODE_LINE: Final = re.compile(
    r"^[ \t]*(?:def |class \w+[(:{]|import \w|from \w+ import|#include|using namespace|public |private |function\b.*\("
    r"|const \w+\s?=|let \w+\s?=|var \w+\s?=|func \w+\(|fn \w+|package \w+"
    r"|select\b.+\bfrom\b|insert into\b|create table\b|<\?php|<!doctype"
    r"|<html|\$ \w+|for\s?\(.*;|if\s?\(.*\)\s?\{|while\s?\(.*\)|return\b|print\("
    r"|console\.log|@\w+\n|try:|except\b.*:|\}[ \t]*$|end$)",
    re.IGNORECASE | re.MULTILINE,
)
_CALL: Final = re.compile(
    r"\b[a-z_]\w*\([^)\n]{0,60}\)|[a-z0-9]_[a-z0-9]|\b[a-z]+[A-Z]\w+|`[^`\n]+`|=>|->|::|&&|\|\||!=|==|\+=|</\w+>"
)
_MARKS: Final = ("{", "}", "[", "]", "=", "<", ">", ";\n", "()", ");")
"""Lone parentheses and semicolons belong to prose as well."""
_ARTICLES: Final = frozenset(
    {"a", "an", "the", "two", "three", "four", "five", "several", "portrait", "photo", "image", "view", "close"}
)
_WISH_WORDS: Final = (
    "i you my me we us your our it's i'm what who when where why how which do does did can could will would should "
    "please let if not need want make give tell find show add play book set turn write create generate explain answer "
    "question percent"
)
_SCENE_WORDS: Final = (
    "wearing holding standing sitting with in on of under next front behind above beside flying riding surrounded "
    "background made photo painting sky forest red blue green black white yellow"
)
_NOT_A_SCENE: Final = frozenset(_WISH_WORDS.split())
_SCENE: Final = frozenset(_SCENE_WORDS.split())


def file_kinds(text: str) -> frozenset[str]:
    """Return the kinds of the file names in a text: image, audio, video, data, ..."""
    if "." not in text:
        return frozenset()
    found = (_FILE_KINDS.get(match.lower()) for match in _FILE.findall(text))
    return frozenset(kind for kind in found if kind)


def code_likeness(text: str) -> float:
    """Return 0..1: how much a text looks like source code, not prose about it."""
    if len(text) < 8:
        return 0.0
    marks = sum(map(text.count, _MARKS)) / len(text)
    lines = min(4, len(_CODE_LINE.findall(text))) if marks > 0.005 or "\n" in text or " " in text[:12] else 0
    calls = (
        min(4, len(_CALL.findall(text))) if "(" in text or marks or "_" in text or "`" in text or "->" in text else 0
    )
    fence = 0.35 if "```" in text else 0.0
    return min(1.0, 5.0 * max(0.0, marks - 0.01) + 0.14 * lines + 0.06 * calls + fence)


def read_shapes(text: str, masked: str, words: Sequence[str]) -> frozenset[str]:
    """Return the names of the outer forms that a text shows.

    Args:
        text: The text, head and tail.
        masked: The same without quotations.
        words: Lower-case words of `masked`.
    """
    found = {name for name, shown in _cheap_shapes(text, masked, words) if shown}
    if "\n" in text or "A" in text or "(a" in text:
        found |= {"options"} if _OPTIONS.search(text) else set()
        found |= {"table"} if text.count("\n") > 1 and _TABLE.search(text) else set()
    if _MATH.search(text):
        found.add("math")
    if _TRACE.search(text):
        found.add("trace")
    if "/" in text or "-" in text or "*" in text:
        found |= {"path"} if _PATH.search(text) else set()
    return frozenset(found)


def _cheap_shapes(text: str, masked: str, words: Sequence[str]) -> tuple[tuple[str, bool], ...]:
    end = masked.rstrip()[-1:]
    numbers = len(_NUMBER.findall(text))
    return (
        ("question", end in {"?", "？", "؟"} or "?\n" in masked),
        ("numbers", numbers >= 2),
        ("sums", numbers >= 3 and masked.count("?") == 1 and "\n" not in masked.strip()),
        ("prefix", ":" in text[:260] and _PREFIX.match(text[:400]) is not None),
        ("ssml", "<" in text and _SSML.search(text) is not None),
        ("voice_style", ":" in text and len(_VOICE_STYLE.findall(text)) >= 2),
        ("url", "http://" in text or "https://" in text),
        ("lines", text.count("\n") >= 2),
        ("cpp", any(name in text for name in ("c++", "C++", "c#", "C#", ".NET", ".net"))),
        ("scene", _is_scene(end, words)),
        (
            "listed",
            masked.count(",") >= 3 and len(words) <= 60 and "?" not in masked and "." not in masked.rstrip(" ."),
        ),
    )


def _is_scene(end: str, words: Sequence[str]) -> bool:
    """Whether the words name a thing to be seen, as raw text-to-image prompts do."""
    if not 3 <= len(words) <= 60 or end in {"?", "？", ":"}:
        return False
    if not _NOT_A_SCENE.isdisjoint(words):
        return False
    if ("is" in words or "are" in words) and (words[0] == "the" or not any(word.endswith("ing") for word in words)):
        return False
    return words[0] in _ARTICLES or len(_SCENE.intersection(words)) >= 2
