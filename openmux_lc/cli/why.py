"""Tells a report to a person: why this route, what was tried, what was left out.

Reads the JSON form alone, so that a run from the log is told like one of just now.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Final, TextIO

from openmux_lc.cli.output import is_terminal, printable, tell_table
from openmux_lc.types.json import Json, JsonObject, as_float, as_int, as_list, as_object, as_text, dig

__all__ = ["tell_candidates", "tell_rejected", "tell_report"]

_LISTED: Final = 12
_MESSAGE_CHARS: Final = 100


def tell_report(report: JsonObject, *, stream: TextIO | None = None) -> None:
    """Write a report's reasons and attempts, by default to standard error."""
    target = stream or sys.stderr
    route, task = as_text(report.get("route")) or "no route", as_text(report.get("task"))
    _line(target, f"{route}: {task} (confidence {as_float(report.get('confidence')) or 0:.2f})")
    for reason in as_list(report.get("why")):
        _line(target, f"  - {as_text(reason)}")
    attempts = [as_object(entry) for entry in as_list(report.get("attempts"))]
    if attempts:
        tell_table(("attempt", "outcome", "status", "ms", "what happened"), _attempts(attempts), stream=target)
    if as_list(report.get("rejected")):
        count = as_int(dig(report, "counts", "rejected")) or len(as_list(report.get("rejected")))
        _line(target, f"left out: {count} ({_reasons(report)})")


def tell_candidates(candidates: Sequence[Json], *, stream: TextIO | None = None) -> None:
    """Write routes in the order they would be asked, with the terms of their scores."""
    rows = []
    for place, entry in enumerate(map(as_object, candidates), 1):
        terms = as_object(entry.get("terms"))
        told = ", ".join(f"{name} {as_float(value) or 0:+.2f}" for name, value in _strongest(terms))
        rows.append((str(place), as_text(entry.get("route")), f"{as_float(entry.get('score')) or 0:.3f}", told))
    tell_table(("", "route", "score", "because of"), rows, stream=stream or sys.stdout)


def tell_rejected(rejected: Sequence[Json], *, stream: TextIO | None = None) -> None:
    """Write each reason once, with how many routes it holds for."""
    groups: dict[str, list[str]] = {}
    for entry in map(as_object, rejected):
        groups.setdefault(as_text(entry.get("reason")), []).append(as_text(entry.get("route")))
    ordered = sorted(groups.items(), key=lambda group: -len(group[1]))
    rows = [(str(len(routes)), reason, _some(routes)) for reason, routes in ordered[:_LISTED]]
    tell_table(("routes", "left out because", "such as"), rows, stream=stream or sys.stdout)
    if len(ordered) > _LISTED:
        _line(stream or sys.stdout, f"... and {len(ordered) - _LISTED} more reasons (--json lists them)")


def _attempts(attempts: Sequence[JsonObject]) -> list[tuple[str, ...]]:
    return [
        (
            as_text(entry.get("route")),
            as_text(entry.get("outcome")),
            str(as_int(entry.get("status")) or ""),
            str(as_int(entry.get("elapsed_ms")) or 0),
            _happened(entry),
        )
        for entry in attempts
    ]


def _happened(entry: JsonObject) -> str:
    error, route = as_text(entry.get("error")), as_text(entry.get("route"))
    message = as_text(entry.get("message")).removeprefix(f"{route}: ")
    text = f"{error}: {message}" if error and message else error or message
    return text if len(text) <= _MESSAGE_CHARS else text[: _MESSAGE_CHARS - 1] + "…"


def _reasons(report: JsonObject) -> str:
    reasons = as_object(dig(report, "counts", "reasons"))
    return ", ".join(f"{reason}: {as_int(count) or 0}" for reason, count in reasons.items()) or "see --json"


def _strongest(terms: Mapping[str, Json]) -> list[tuple[str, Json]]:
    return sorted(terms.items(), key=lambda term: -abs(as_float(term[1]) or 0.0))[:4]


def _some(routes: Sequence[str]) -> str:
    return routes[0] + (f" and {len(routes) - 1} more" if len(routes) > 1 else "")


def _line(stream: TextIO, text: str) -> None:
    stream.write((printable(text) if is_terminal(stream) else text) + "\n")
