"""The time of the day at which an exchange was recorded, for those who ask inside its replay.

Waits until midnight, and resets told as a moment, are right or wrong only at the moment of the answer.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from unittest.mock import patch

from tests.providers.replay.recording import Recording

UNDATED = datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()
"""The moment of an exchange that tells none; the labelled waits count from it as well."""

_moment: ContextVar[float | None] = ContextVar("moment", default=None)


@contextmanager
def recorded_time() -> Iterator[None]:
    """A context in which `time.time()` is the moment that `turn_to` set in the running context."""
    genuine = time.time

    def told() -> float:
        moment = _moment.get()
        return genuine() if moment is None else moment

    with patch("time.time", told):
        try:
            yield
        finally:
            _moment.set(None)


def turn_to(recording: Recording) -> None:
    """Set the clock of this thread or task to the moment of `recording`."""
    _moment.set(_recorded_at(recording))


def _recorded_at(recording: Recording) -> float:
    for text in (recording.headers.get("date"), recording.fields.get("recorded_at")):
        for read in (parsedate_to_datetime, datetime.fromisoformat):
            try:
                return read(str(text)).timestamp()
            except (TypeError, ValueError):
                continue
    return UNDATED
