# ruff: noqa: E501 - tables are read by the row
"""Every genuine error, and every quoted one, gets the class, scope, advice and wait that were judged right by hand."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmux_lc.errors import ProviderError
from openmux_lc.providers.exchange import Reply
from openmux_lc.providers.fault import error_text, has_error, to_fault
from openmux_lc.types.catalog import Limit, Provider, Window
from tests.providers.calls import call, provider

LABELS: dict[str, dict[str, Any] | None] = json.loads(Path(__file__).with_name("fault_labels.json").read_text())
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()
"""When an exchange happened that does not tell."""

_PER_ACCOUNT = (Limit(unit="requests", amount=1, window=Window(kind="rolling", seconds=1.0), scope="account"),)
_ROWS: dict[str, dict[str, Any]] = {
    "openrouter": {"quirks": frozenset({"account_limits"})},
    "gemini": {"quirks": frozenset({"pacific_days"})},
    "gemini_openai": {"quirks": frozenset({"pacific_days"})},
    "mistral": {"limits": _PER_ACCOUNT},
    "nvidia": {"limits": _PER_ACCOUNT},
    "cohere": {"limits": _PER_ACCOUNT},
    "cloudflare": {"limits": _PER_ACCOUNT},
}
"""What the shipped rows say of whose limits they are; the shipped catalog's own tests hold them to it."""


def _row(name: str) -> Provider:
    return provider(**{"id": name, "name": name, **_ROWS.get(name, {})})


def _moment(exchange: dict[str, Any]) -> float:
    for told in (exchange["response_headers"].get("date"), exchange.get("recorded_at")):
        for read in (parsedate_to_datetime, datetime.fromisoformat):
            try:
                return read(told).timestamp()
            except (ValueError, TypeError):
                continue
    return NOON


def _events(body: str) -> Iterator[tuple[str, Any]]:
    """Yield every JSON value of a body: the whole, or one per event."""
    try:
        yield "", json.loads(body)
    except ValueError:
        name = ""
        for line in body.splitlines():
            field, _, rest = line.partition(":")
            if not line:
                name = ""
            elif field == "event":
                name = rest.strip()
            elif field == "data" and rest.strip() not in {"", "[DONE]"}:
                try:
                    yield name, json.loads(rest)
                except ValueError:
                    yield name, None


def _failing(body: str) -> Any:
    """Return the part of a success that is an error, as the wire hands it over."""
    for name, event in _events(body):
        if event is None:
            continue
        choice = next(iter(event.get("choices") or ()), {}) if isinstance(event, dict) else {}
        if choice.get("error"):
            return {"error": choice["error"]}
        if name == "error" or has_error(event):
            return event
    return None


def _fault(name: str, status: int, headers: dict[str, str], body: str, now: float) -> ProviderError:
    reply = Reply(status=status, headers=headers, body=body.encode())
    payload = _failing(body) if status < 400 else None
    assert status >= 400 or payload is not None, "the error inside the success was not found"
    return to_fault(call(_row(name)), reply, now=now, payload=payload)


def _found(folder: Path, label: str) -> ProviderError:
    if label.startswith("_quoted/"):
        quoted = json.loads((folder / "_quoted" / "quoted_errors.json").read_text())[int(label[8:])]
        body = quoted["response_body"]
        text = body if isinstance(body, str) else json.dumps(body)
        return _fault(quoted["provider"], quoted["status"], quoted["response_headers"], text, NOON)
    exchange = json.loads((folder / label).read_text())
    exchange["response_headers"] = exchange["response_headers"] or {}
    headers, body = exchange["response_headers"], exchange["response_body"] or ""
    return _fault(exchange["provider"], exchange["status"], headers, body, _moment(exchange))


def _difference(expected: dict[str, Any], got: ProviderError) -> str:
    """Return what is not as labelled, `""` where all is."""
    wait_s = None if got.retry_after is None else round(got.retry_after, 3)
    found = {"class": type(got).__name__, "scope": got.scope, "advice": got.advice, "wait_s": wait_s}
    return ", ".join(f"{name} {found[name]} not {right}" for name, right in expected.items() if right != found[name])


def test_every_recorded_and_quoted_error_is_judged_as_it_was_by_hand(
    shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Class, scope, advice and wait of each; no label is left out."""
    folder = shared / "recordings"
    wrong: dict[str, str] = {}
    counts: Counter[tuple[str, bool]] = Counter()

    for label, expected in LABELS.items():
        if expected is None:
            continue
        got = _found(folder, label)
        difference = _difference(expected, got)
        if difference:
            wrong[label] = difference
        counts[label.split("/")[0], not difference] += 1

    with capsys.disabled():
        print("\nerrors      right wrong")
        for name in sorted({name for name, _ in counts}):
            print(f"{name:<12}{counts[name, True]:>4} {counts[name, False]:>5}")
        for label, difference in wrong.items():
            print(f"  {label}: {difference}")
    assert {} == wrong


def test_every_error_of_the_recordings_has_a_label(shared: Path) -> None:
    index = json.loads((shared / "recordings" / "INDEX.json").read_text())
    quoted = json.loads((shared / "recordings" / "_quoted" / "quoted_errors.json").read_text())

    due = {row["file"] for row in index if row["status"] >= 400 or row["error_in_200"]}

    assert due | {f"_quoted/{number}" for number in range(len(quoted))} == set(LABELS)


@given(
    status=st.integers(100, 599),
    body=st.binary(max_size=300),
    headers=st.dictionaries(st.text(max_size=20), st.text(max_size=20), max_size=3),
)
def test_no_bytes_make_the_classifier_raise(status: int, body: bytes, headers: dict[str, str]) -> None:
    assert isinstance(to_fault(call(), Reply(status=status, headers=headers, body=body), now=NOON), ProviderError)


HOSTILE = (
    "a",
    "model ",
    "prompt a",
    "try again in 1h",
    "<p>",
    "[",
    '{"error":',
    '"',
    "sk-",
    "a@",
    "9",
    "\\",
    "- ",
    "a.a",
    " \t",
    "403 ",
)


@pytest.mark.performance
@pytest.mark.parametrize("piece", HOSTILE)
@pytest.mark.parametrize("status", [200, 400, 403, 404, 429, 500])
def test_64_kib_of_hostile_text_are_judged_at_once(status: int, piece: str) -> None:
    """No pattern backtracks: raw, as a message, and as the words of a host behind a router.

    A few milliseconds of processor time; what backtracks takes minutes.
    """
    text = (piece * 65_536)[:65_536]
    wrapped = {"error": {"message": "Provider returned error", "metadata": {"raw": text}}}
    bodies = (text, json.dumps({"error": {"message": text}}), json.dumps(wrapped))

    def seconds(body: bytes) -> float:
        began = time.thread_time()
        to_fault(call(), Reply(status=status, headers={}, body=body), now=NOON)
        return time.thread_time() - began

    assert 0.5 > max(min(seconds(body.encode()) for _ in range(5)) for body in bodies)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"error": {"message": "x"}}', "x"),
        ('[{"error": {"message": "x"}}]', "x"),
        ('{"error": {"message": {"message": "x", "code": 400}}}', "x"),
        ('{"message": {"detail": [{"msg": "x"}]}}', "x"),
        ('{"detail": "x", "title": "y"}', "x"),
        ('{"errors": [{"code": 1, "message": "x"}]}', "x"),
        ('{"error": "400 Bad Request", "details": {"error": {"message": "x"}}}', "x"),
        ('{"error": "400 Bad Request"}', "400 Bad Request"),
        ('{"error": {"message": "Provider returned error", "metadata": {"raw": "{\\"error\\": {\\"message\\": \\"x\\"}}"}}}', "x"),
        ('{"type": "message-end", "delta": {"error": "x"}}', "x"),
        ('"x"', "x"),
        ("x", "x"),
        ("<html><style>a {}</style><title>x</title></html>", "x"),
        ("{}", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_the_message_is_found_wherever_a_host_puts_it(body: str, expected: str) -> None:
    assert expected == error_text(None, body)
