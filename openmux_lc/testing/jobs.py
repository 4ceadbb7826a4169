"""Questions that a `FakeUpstream` has taken on and is asked about again; only the server's thread uses them."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from openmux_lc.testing.behaviours import Answer, Behaviour, Received

__all__ = ["Job", "Jobs"]

_MOST: Final = 1000


@dataclass(slots=True)
class Job:
    """A question, what becomes of it, and how often it is not ready yet."""

    received: Received
    behaviour: Behaviour
    looks_left: int = 0
    is_gone: bool = False

    def is_ready(self) -> bool:
        """Whether this look finds the answer; counts the look."""
        self.looks_left -= 1
        return self.looks_left < 0


class Jobs:
    """The last 1000 questions by their numbers."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        self._jobs: OrderedDict[str, Job] = OrderedDict()

    def take(self, number: str, received: Received, behaviour: Behaviour) -> Job:
        """Keep a question under `number`; the oldest one gives way."""
        looks = behaviour.looks if isinstance(behaviour, Answer) else 0
        job = self._jobs[number] = Job(received, behaviour, looks)
        if len(self._jobs) > _MOST:
            self._jobs.popitem(last=False)
        return job

    def get(self, number: str) -> Job | None:
        """Return the question of that number, None where there is none."""
        return self._jobs.get(number)
