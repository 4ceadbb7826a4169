"""A first figure for how good a model is: its place on a public board, else its size.

Names are matched by hand-made groups first, then by equal names once vendor, host and
number format are taken away. Versions, sizes and dates are never taken away.
"""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass
from pathlib import Path

BOARD_DATE = "2026-08-22"
_BOARDS = {"chat": ("text", "overall"), "code": ("text", "coding"), "vision": ("vision", "overall")}
_SIZES = ((200, 0.85), (100, 0.78), (60, 0.68), (30, 0.58), (12, 0.46), (7, 0.38), (0, 0.28))
# What no board knows yet, and the checkpoint whose place stands in: its own other name, or its predecessor's.
_STAND_INS = {
    "gemini-3-8-flash": "gemini-3.7-flash-high",
    "ling-3-1-flash": "ling-flash-2.0",
    "mistral-large-2512": "mistral-large-3",
    "nemotron-3-5-lightning": "nvidia-nemotron-3.5-lightning-30b-a3b-nvfp4",
    "qwen3-6-27b": "qwen3.5-27b",
    "qwen3-8-27b": "qwen3.5-27b",
    "step-3-7-flash": "step-3.5-flash",
}
_VENDOR = re.compile(r"^(nvidia|meta)-")
_FORM = re.compile(r"-(it|instruct|nvfp4|bf16|fp8)$")
_MODE = re.compile(r"-(preview|high|medium|low|max|xhigh|thinking-minimal|thinking|reasoning)$")
_SIZE = re.compile(r"(?:^|[^a-z0-9.])(\d+(?:\.\d+)?)b(?![a-z0-9])")


@dataclass(frozen=True)
class Gold:
    """Names that are known to mean one checkpoint."""

    groups: dict[str, frozenset[str]]

    @classmethod
    def read(cls, folder: Path) -> Gold:
        """Read the hand-made groups."""
        groups: dict[str, frozenset[str]] = {}
        for entries in json.loads((folder / "resolve_groups_dev.json").read_text(encoding="utf-8")).values():
            on_board = frozenset(entry["name"] for entry in entries if entry["source"] == "arena")
            groups |= {entry["name"].lower(): on_board for entry in entries}
        return cls(groups)


@dataclass(frozen=True)
class Board:
    """Ratings by board and name."""

    ratings: dict[str, dict[str, float]]

    @classmethod
    def read(cls, folder: Path) -> Board:
        """Read the long table of all boards."""
        ratings: dict[str, dict[str, float]] = {task: {} for task in _BOARDS}
        with (folder / "arena.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                for task, place in _BOARDS.items():
                    if (row["board"], row["category"]) == place:
                        ratings[task][row["model"]] = float(row["rating"])
        return cls(ratings)

    def quality(self, model_id: str, gold: Gold) -> tuple[dict[str, float], str]:
        """Return the shares of each board that the model beats, and the name it has there."""
        name = self._name(model_id, gold)
        if name is None:
            stand_in = _STAND_INS.get(plain(model_id))
            share = {"default": self._share("chat", stand_in)} if stand_in else {}
            return share, f"arena {BOARD_DATE}: {stand_in} stands in" if stand_in else ""
        found = {task: self._share(task, name) for task in _BOARDS if name in self.ratings[task]}
        return {"default": found["chat"], **found}, f"arena {BOARD_DATE}: {name}"

    def _name(self, model_id: str, gold: Gold) -> str | None:
        """Return the name on the text board; of several modes of one checkpoint the lowest rated."""
        board = self.ratings["chat"]
        known = gold.groups.get(model_id.lower().removesuffix(":free"), frozenset()) & board.keys()
        same = known or {name for name in board if plain(name) == plain(model_id)}
        near = same or {name for name in board if without_mode(plain(name)) == without_mode(plain(model_id))}
        return min(near, key=lambda name: (board[name], name)) if near else None

    def _share(self, task: str, name: str) -> float:
        board = self.ratings[task]
        return round(sum(rating < board[name] for rating in board.values()) / (len(board) - 1), 3)


def plain(name: str) -> str:
    """Return a name without vendor, host and format, its numbers written one way."""
    text = name.lower().rsplit("/", 1)[-1].removesuffix(":free")
    text = re.sub(r"[ ._]", "-", re.sub(r"[()]", "", text))
    return _repeatedly(_FORM, _VENDOR.sub("", text))


def without_mode(name: str) -> str:
    """Return a plain name without words about effort or release stage."""
    return _repeatedly(_FORM, _repeatedly(_MODE, name))


def by_size(model_id: str) -> tuple[float, str]:
    """Return a figure guessed from the number of parameters in an id, and how it came about."""
    sizes = [float(size) for size in _SIZE.findall(model_id.lower())]
    if not sizes:
        return 0.5, "unknown"
    billions = max(sizes)
    return next(share for least, share in _SIZES if billions >= least), f"parameters: {billions:g}B"


def _repeatedly(pattern: re.Pattern[str], text: str) -> str:
    shorter = pattern.sub("", text)
    return text if shorter == text else _repeatedly(pattern, shorter)
