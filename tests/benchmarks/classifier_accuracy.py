"""Prints how often the classifier agrees with the labelled prompts; deterministic.

    python tests/benchmarks/classifier_accuracy.py [--errors SOURCE] [--file PATH]

Strict is seven classes; merged counts chat and other as one, as a text model serves
both. The rules were written by hand beside these prompts: read the figures as a
sanity check of coverage, not as accuracy on unseen questions.
"""

import argparse
import json
import os
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

from openmux_lc.routing.classify import classify_text
from openmux_lc.types.catalog import TASKS

SHARED = Path(os.environ.get("OPENMUX_SHARED") or Path(__file__).parents[3] / "shared")


def merged(label: str) -> str:
    """Return the label with chat and other as one."""
    return "chat" if label == "other" else label


def rows_of(path: Path) -> list[dict[str, str]]:
    """Return the labelled rows of a JSON lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def table(title: str, pairs: Iterable[tuple[str, str, str]]) -> None:
    """Print strict and merged accuracy per key."""
    strict: Counter[str] = Counter()
    lenient: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for key, label, found in pairs:
        total[key] += 1
        strict[key] += label == found
        lenient[key] += merged(label) == merged(found)
    print(f"\n{title:28} {'rows':>6} {'strict':>7} {'merged':>7}")
    for key, count in sorted(total.items(), key=lambda pair: -pair[1]):
        print(f"{key:28} {count:6d} {strict[key] / count:7.3f} {lenient[key] / count:7.3f}")


def calibration(pairs: list[tuple[float, bool]]) -> float:
    """Return the expected calibration error over ten equal bins."""
    bins: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for confidence, hit in pairs:
        bins[min(9, int(confidence * 10))].append((confidence, hit))
    gaps = (abs(sum(c for c, _ in each) - sum(h for _, h in each)) for each in bins.values())
    return sum(gaps) / len(pairs)


def main() -> None:
    """Classify every row and print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--file", type=Path, default=SHARED / "prompts" / "train.jsonl")
    parser.add_argument("--errors", default="")
    options = parser.parse_args()
    rows = rows_of(options.file)
    began = time.perf_counter()
    found = [classify_text(row["text"], row.get("attachments", ())) for row in rows]
    spent = time.perf_counter() - began
    pairs = [(row, each) for row, each in zip(rows, found, strict=True)]
    if options.errors:
        for row, each in pairs:
            if row["source"] == options.errors and row["label"] != each.task:
                print(
                    row["label"],
                    row["sublabel"],
                    "->",
                    each.task,
                    each.confidence,
                    repr(row["text"][:150]),
                    each.evidence,
                )
        return
    table("all", (("all", row["label"], each.task) for row, each in pairs))
    table("class", ((row["label"], row["label"], each.task) for row, each in pairs))
    table("sublabel", ((f"{row['label']}/{row['sublabel']}", row["label"], each.task) for row, each in pairs))
    table("language", ((row["lang"], row["label"], each.task) for row, each in pairs))
    table("source", ((row["source"], row["label"], each.task) for row, each in pairs))
    print(f"\n{'label, found':14}" + "".join(f"{task:>11}" for task in TASKS))
    confusion = Counter((row["label"], each.task) for row, each in pairs)
    for label in TASKS:
        print(f"{label:14}" + "".join(f"{confusion[label, task]:11d}" for task in TASKS))
    print(f"\nmean confidence {sum(each.confidence for each in found) / len(found):.3f}", end="  ")
    print(f"calibration error {calibration([(e.confidence, r['label'] == e.task) for r, e in pairs]):.3f}", end="  ")
    print(f"mean time {spent / len(rows) * 1e6:.0f} us")
    demanded = [(r, e) for r, e in pairs if {"image_generation", "speech", "audio_generation"} & set(e.tags)]
    certain = [(r, e) for r, e in demanded if e.confidence >= 0.8 and e.task in {"image", "tts", "audio"}]
    wrong = sum(r["label"] != e.task for r, e in certain)
    print(f"generation demanded for {len(certain)} prompts, {wrong} of them labelled otherwise")


if __name__ == "__main__":
    main()
