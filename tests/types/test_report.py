"""The report: JSON-plain, small in metadata, whole in the log."""

import json

from openmux_lc.types.catalog import Route
from openmux_lc.types.report import METADATA_BYTES, to_classification, to_metadata, to_report
from openmux_lc.types.run import Attempt, Candidate, Classification, Rejection, Report, Score, Usage

KIND = Classification(task="code", confidence=0.812345, tasks=(("code", 0.8), ("other", 0.2)), difficulty=0.5)


def big_report() -> Report:
    long = "x" * 500
    return Report(
        run_id="r",
        route="a:b",
        classification=KIND,
        why=tuple(f"{long} {n}" for n in range(40)),
        attempts=tuple(Attempt(route=Route("p", f"{long}{n}"), outcome="failed", error="TimedOut") for n in range(30)),
        rejected=tuple(Rejection(route=f"p:{long}{n}", reason=f"{long} because", until=1.0) for n in range(300)),
    )


def test_metadata_stays_below_four_kilobytes_and_keeps_its_counts():
    compact = to_metadata(big_report())

    assert len(json.dumps(compact)) <= METADATA_BYTES
    assert 300 == compact["counts"]["rejected"]
    assert 1 == compact["v"]
    assert "a:b" == compact["route"]


def test_metadata_lists_at_most_ten_attempts_and_rejections():
    report = Report(
        run_id="r",
        classification=KIND,
        attempts=tuple(Attempt(route=Route("p", str(n))) for n in range(12)),
        rejected=tuple(Rejection(route=f"p:{n}", reason="no key") for n in range(12)),
    )

    compact = to_metadata(report)

    assert 10 == len(compact["attempts"])
    assert 10 == len(compact["rejected"])
    assert {"route", "outcome", "error", "status", "elapsed_ms"} == set(compact["attempts"][0])


def test_the_whole_report_is_json_and_tells_scores_and_usage():
    """S0-09, S0-19: machine readable, with model, reason, latency and response size."""
    report = Report(
        run_id="r",
        route="p:m",
        classification=KIND,
        attempts=(Attempt(route=Route("p", "m"), elapsed_s=0.25, first_token_s=0.1, usage=Usage(output_tokens=3)),),
        candidates=(Candidate(route=Route("p", "m"), score=Score(total=0.5, terms={"quality": 0.4})),),
        usage=Usage(input_tokens=1, output_tokens=3, total_tokens=4, is_estimated=True),
        answer_chars=11,
        elapsed_s=0.3,
    )

    told = json.loads(json.dumps(to_report(report)))

    assert {"route": "p:m", "score": 0.5, "terms": {"quality": 0.4}} == told["candidates"][0]
    assert (250, 100) == (told["attempts"][0]["elapsed_ms"], told["attempts"][0]["first_token_ms"])
    assert (11, 300, True) == (told["answer_chars"], told["elapsed_ms"], told["usage"]["estimated"])


def test_a_classification_lists_its_labels_highest_first():
    assert {"task": "code", "tasks": ["code", "other"], "confidence": 0.812, "difficulty": 0.5} == to_classification(
        KIND
    )


def test_a_label_that_was_overridden_still_leads_the_list():
    overridden = Classification(task="chat", confidence=1.0, tasks=(("code", 0.8),))

    assert ["chat", "code"] == to_classification(overridden)["tasks"]
