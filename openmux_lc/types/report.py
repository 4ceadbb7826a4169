"""A report as JSON: whole for the log, and at most 4 KB for an answer's metadata.

Both forms are JSON-plain and hold neither prompts, nor answers, nor keys.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Final

from openmux_lc.types.json import Json
from openmux_lc.types.run import Attempt, Candidate, Classification, Plan, Rejection, Report, Usage
from openmux_lc.types.timing import Hedged, Wait

__all__ = ["METADATA_BYTES", "REPORT_VERSION", "to_classification", "to_dry_report", "to_metadata", "to_report"]

REPORT_VERSION: Final = 1
METADATA_BYTES: Final = 4096
_LISTED: Final = 10
_REASON_CHARS: Final = 160


def to_classification(found: Classification) -> dict[str, Json]:
    """Return `{"task", "tasks", "confidence", "difficulty"}`, labels highest first."""
    labels = [task for task, _ in found.tasks] or [found.task]
    return {
        "task": found.task,
        "tasks": labels if found.task in labels else [found.task, *labels],
        "confidence": round(found.confidence, 3),
        "difficulty": round(found.difficulty, 3),
    }


def to_report(report: Report, *, listed: int | None = None) -> dict[str, Json]:
    """Return the whole report; what `Mux.report` and `Mux.explain` give.

    Args:
        report: What happened.
        listed: Only that many candidates and rejections, as the run log keeps them.
    """
    return {
        **_head(report),
        "attempts": [_attempt(entry) for entry in report.attempts],
        "candidates": [_candidate(entry) for entry in report.candidates[:listed]],
        "rejected": [_rejection(entry) for entry in report.rejected[:listed]],
        "counts": _counts(report),
        "difficulty": round(report.classification.difficulty, 3),
        "tags": list(report.classification.tags),
        "evidence": list(report.classification.evidence),
        "elapsed_ms": round(report.elapsed_s * 1000),
        "answer_chars": report.answer_chars,
        "segments": list(report.segments),
        "usage": _usage(report.usage) if report.usage else None,
        "dry_run": report.is_dry_run,
    } | _waiting(report)


def to_dry_report(plan: Plan) -> dict[str, Json]:
    """Return the report of a run that would follow `plan`, without attempts."""
    report = Report(
        run_id="",
        route=next((str(branch[0]) for branch in plan.branches if branch), ""),
        classification=plan.classification,
        why=plan.why,
        candidates=plan.candidates,
        rejected=plan.rejected,
        wait=plan.wait,
        is_dry_run=True,
    )
    return to_report(report)


def to_metadata(report: Report) -> dict[str, Json]:
    """Return the form for `response_metadata["openmux"]`, at most 4 KB as JSON."""
    compact: dict[str, Json] = {
        **_head(report),
        "attempts": [_attempt(entry, is_short=True) for entry in report.attempts[:_LISTED]],
        "rejected": [_rejection(entry) for entry in report.rejected[:_LISTED]],
        "counts": _counts(report),
    }
    if report.segments:
        compact["segments"] = [_short(segment) for segment in report.segments]
    compact |= _waiting(report)
    for name in ("rejected", "attempts", "why"):
        entries = compact[name]
        while isinstance(entries, list) and entries:
            if len(json.dumps(compact)) <= METADATA_BYTES:
                return compact
            entries.pop()
    return compact


def _head(report: Report) -> dict[str, Json]:
    return {
        "v": REPORT_VERSION,
        "run_id": report.run_id,
        "route": _short(report.route) or None,
        "task": report.classification.task,
        "tasks": to_classification(report.classification)["tasks"],
        "confidence": round(report.classification.confidence, 3),
        "why": [_short(line) for line in report.why],
    }


def _counts(report: Report) -> dict[str, Json]:
    return {
        "attempts": len(report.attempts),
        "eligible": len(report.candidates),
        "rejected": len(report.rejected),
        "reasons": dict(Counter(_short(entry.reason.split(":")[0], 60) for entry in report.rejected).most_common(8)),
    }


def _attempt(attempt: Attempt, *, is_short: bool = False) -> dict[str, Json]:
    entry: dict[str, Json] = {
        "route": _short(str(attempt.route)),
        "outcome": attempt.outcome,
        "error": attempt.error or None,
        "status": attempt.status_code,
        "elapsed_ms": round(attempt.elapsed_s * 1000),
    }
    if is_short:
        return entry
    return entry | {
        "branch": attempt.branch,
        "key_slot": attempt.key_slot,
        "message": _short(attempt.message),
        "advice": attempt.advice,
        "scope": attempt.scope,
        "retry_after_s": attempt.retry_after,
        "waited_ms": round(attempt.waited_s * 1000),
        "first_token_ms": None if attempt.first_token_s is None else round(attempt.first_token_s * 1000),
        "delivered_chars": attempt.delivered_chars,
        "usage": _usage(attempt.usage) if attempt.usage else None,
    }


def _candidate(candidate: Candidate) -> dict[str, Json]:
    return {
        "route": str(candidate.route),
        "score": round(candidate.score.total, 4),
        "terms": {name: round(value, 4) for name, value in candidate.score.terms.items()},
    }


def _rejection(rejection: Rejection) -> dict[str, Json]:
    entry: dict[str, Json] = {"route": _short(rejection.route), "reason": _short(rejection.reason)}
    if rejection.until is not None:
        entry["until"] = round(rejection.until)
    if rejection.source is not None:
        entry["source"] = rejection.source
    return entry


def _waiting(report: Report) -> dict[str, Json]:
    """Return what was decided about waiting and hedging, where anything was."""
    found: dict[str, Json] = {}
    if report.wait:
        found["wait"] = _wait(report.wait)
    if report.hedged:
        found["hedged"] = _hedged(report.hedged)
    return found


def _hedged(hedged: Hedged) -> Mapping[str, Json]:
    return {
        "first": _short(str(hedged.first)),
        "second": _short(str(hedged.second)),
        "after_ms": round(hedged.after_s * 1000),
        "won": None if hedged.won is None else _short(str(hedged.won)),
        "gained_ms": None if hedged.gained_s is None else round(hedged.gained_s * 1000),
    }


def _wait(wait: Wait) -> Mapping[str, Json]:
    return {
        "route": _short(str(wait.route)),
        "until": round(wait.until, 3),
        "wait_ms": round(wait.wait_s * 1000),
        "waited": wait.is_waited,
        "why": _short(wait.why),
    }


def _usage(usage: Usage) -> Mapping[str, Json]:
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "estimated": usage.is_estimated,
    }


def _short(text: str, length: int = _REASON_CHARS) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
