"""What came of a replay, as a table to read and as JSON."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from tests.providers.replay.run import Outcome
from tests.providers.replay.sent import BY_DESIGN


def share(outcomes: Iterable[Outcome]) -> float:
    """Return the share of what is in scope that is right."""
    counts = Counter(outcome.verdict for outcome in outcomes)
    asked = counts["right"] + counts["wrong"]
    return counts["right"] / asked if asked else 1.0


def render(outcomes: Sequence[Outcome], *, shows_requests: bool = False) -> str:
    """Return the table, every wrong exchange in a line, and the reasons of what is out of scope."""
    return "\n".join(
        [
            *_rows(outcomes),
            "",
            *_totals(outcomes),
            *_wrongs(outcomes),
            *_faults(outcomes),
            *_left_out(outcomes),
            *_requests(outcomes, shows_requests=shows_requests),
        ]
    )


def write_json(outcomes: Sequence[Outcome], path: Path) -> None:
    """Write the outcomes, one object each, and the totals."""
    counts = Counter(outcome.verdict for outcome in outcomes)
    totals = {"exchanges": len(outcomes), **counts, "share_in_scope": share(outcomes)}
    path.write_text(json.dumps({"totals": totals, "outcomes": [asdict(each) for each in outcomes]}, indent=1))


def _rows(outcomes: Sequence[Outcome]) -> list[str]:
    cells: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for outcome in outcomes:
        for kind in (outcome.kind, "(all)"):
            counts = cells[outcome.provider, kind]
            counts[outcome.verdict] += 1
            counts["agree"] += outcome.sent == ()
            counts["compared"] += outcome.sent is not None
    head = f"{'provider':14} {'kind':20} {'exchanges':>9} {'right':>6} {'wrong':>6} {'out':>5}  requests agree"
    lines = [head, "-" * len(head)]
    for (provider, kind), counts in sorted(cells.items()):
        total = counts["right"] + counts["wrong"] + counts["out"]
        agree = f"{counts['agree']}/{counts['compared']}" if counts["compared"] else ""
        row = f"{counts['right']:6d} {counts['wrong']:6d} {counts['out']:5d}  {agree}"
        lines.append(f"{provider:14} {kind:20} {total:9d} {row}".rstrip())
    return lines


def _totals(outcomes: Sequence[Outcome]) -> list[str]:
    counts = Counter(outcome.verdict for outcome in outcomes)
    asked = counts["right"] + counts["wrong"]
    of_all = counts["right"] / len(outcomes) if outcomes else 1.0
    return [
        f"{len(outcomes)} exchanges: {counts['right']} right, {counts['wrong']} wrong, {counts['out']} out of scope",
        f"{share(outcomes):.2%} of the {asked} in scope are right; {of_all:.2%} of all",
    ]


def _wrongs(outcomes: Sequence[Outcome]) -> list[str]:
    wrong = [outcome for outcome in outcomes if outcome.verdict == "wrong"]
    return ["", f"wrong: {len(wrong)}", *(f"  {outcome.name}: {outcome.why}" for outcome in wrong)]


def _faults(outcomes: Sequence[Outcome]) -> list[str]:
    """Return which recorded successes are rightly an error: hidden ones, cut ones, empty ones, ignored tools."""
    kinds = Counter(outcome.fault for outcome in outcomes if outcome.verdict == "right" and outcome.fault)
    return [
        "",
        f"successes that rightly became an error: {kinds.total()}",
        *(f"  {n:4d} {k}" for k, n in kinds.items()),
    ]


def _left_out(outcomes: Sequence[Outcome]) -> list[str]:
    reasons = Counter((outcome.kind, outcome.why) for outcome in outcomes if outcome.verdict == "out")
    lines = [f"  {count:4d} {kind}: {why}" for (kind, why), count in reasons.most_common()]
    return ["", f"out of scope: {reasons.total()}", *lines]


def _requests(outcomes: Sequence[Outcome], *, shows_requests: bool) -> list[str]:
    compared = [outcome for outcome in outcomes if outcome.sent is not None]
    differ = [outcome for outcome in compared if outcome.sent]
    what = Counter((outcome.provider, each.partition(":")[0]) for outcome in differ for each in outcome.sent or ())
    lines = [f"  {count:4d} {provider}: {name}" for (provider, name), count in what.most_common()]
    if shows_requests:
        lines += [f"  {outcome.name}: {each}" for outcome in differ for each in outcome.sent or ()]
    told = [f"    {name}: {reason}" for name, reason in BY_DESIGN.items()]
    head = f"requests: {len(compared) - len(differ)} of {len(compared)} agree with what was recorded"
    return ["", head, *lines, "  not counted as a difference, on purpose:", *told]
