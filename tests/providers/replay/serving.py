"""What the host answers to each request of one exchange: the recorded bytes, and what must follow them.

Only where the package asks on (a prediction that is polled, a list with further pages) is anything made up, and then
no more than the end of it. An address of the host's own in a prediction names the loopback host instead.
"""

import json
import re
from collections.abc import Callable
from typing import Any

from tests.providers.replay.host import Answering, Received, Served
from tests.providers.replay.said import parsed
from tests.providers.replay.scope import Case

Tamper = Callable[[Served], Served]

_NEXT_PAGE = re.compile(r"(^|&)(pageToken|page_token|cursor|after|page=([2-9]|\d\d))")
_ORIGIN = re.compile(r"https?://[^/]+")
_PREDICTIONS = "https://api.replicate.com"


def untouched(served: Served) -> Served:
    """Return what was recorded as it is."""
    return served


def answering(case: Case, origin: str, tamper: Tamper = untouched) -> Answering:
    """Return the host's side of `case`.

    Args:
        case: The exchange.
        origin: Where the host listens.
        tamper: Changes the recorded answer before it is sent, to see that the judge notices.
    """
    recording = case.recording
    is_polled = case.protocol == "prediction" and recording.status < 300

    def answer(number: int, received: Received) -> Served:
        if case.mode == "models" and number and _NEXT_PAGE.search(received.query):
            return Served(200, recording.headers, _empty_page(parsed(recording.text)))
        if not is_polled:
            return tamper(Served(recording.status, recording.headers, recording.body))
        status = recording.status if received.method == recording.method else 200 if number else 201
        body = last_body(case) if number else recording.body
        genuine = _ORIGIN.match(recording.url)
        for host in {genuine[0] if genuine else _PREDICTIONS, _PREDICTIONS}:
            body = body.replace(host.encode(), origin.encode())  # a router between names the host behind it
        return tamper(Served(status, recording.headers, body))

    return answer


def last_body(case: Case) -> bytes:
    """Return the body that holds the answer."""
    recording = case.recording
    if case.protocol != "prediction" or recording.status >= 300:
        return recording.body
    payload = parsed(recording.text)
    if not isinstance(payload, dict) or payload.get("status") in {"succeeded", "failed", "canceled", "aborted"}:
        return recording.body
    output = payload.get("output")
    done = {"status": "succeeded", "output": ["The answer of ", str(payload.get("id"))] if output is None else output}
    return json.dumps({**payload, **done}).encode()


def _empty_page(payload: Any) -> bytes:
    if isinstance(payload, list):
        return b"[]"
    emptied = {name: [] if isinstance(value, list) else value for name, value in (payload or {}).items()}
    return json.dumps({name: emptied[name] for name in emptied if "next" not in name.lower()}).encode()
