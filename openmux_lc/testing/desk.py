"""What happens at the doors of a `FakeUpstream`: lists, pages, answers, and jobs that are asked for again."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from openmux_lc.testing.behaviours import Answer, Behaviour, ErrorWords, Fault, Received
from openmux_lc.testing.dialects.doors import Found, doors_of
from openmux_lc.testing.dialects.forms import put_in
from openmux_lc.testing.dialects.shape import Asked
from openmux_lc.testing.jobs import Job, Jobs
from openmux_lc.testing.replies import Reply, json_reply, reply_to, vectors_reply
from openmux_lc.types.json import Json

__all__ = ["Desk", "page_reply"]

_NO_JOB: Final = Fault(404, words=ErrorWords("No such job.", "not_found", 404))


class Desk:
    """Answers what is asked at a door; only the server's thread uses it.

    Args:
        play: Says what happens to a request.
        models: Ids or whole rows of the list of models, or the fault it gives.
    """

    def __init__(
        self, play: Callable[[Received], Behaviour], models: Sequence[str | Mapping[str, Json]] | Fault
    ) -> None:
        """Number requests from one."""
        self._play = play
        self._models = models
        self._serial = itertools.count(1)
        self._jobs = Jobs()

    def reply(self, found: Found, received: Received) -> Reply:
        """Return what the client hears."""
        task = found.door.task
        if task == "list":
            return self._list_models(found, received)
        if task == "page":
            return json_reply(found.door.page)
        if task in ("look", "cancel"):
            return self._look(found, received)
        behaviour, serial = self._play(received), next(self._serial)
        if task == "submit":
            return self._submit(found, received, behaviour, serial)
        asked = _asked(found, received, behaviour, serial)
        if task in ("vectors", "vector"):
            return vectors_reply(asked, behaviour, found.door.form)
        return reply_to(asked, behaviour, found.door.form)

    def _list_models(self, found: Found, received: Received) -> Reply:
        if isinstance(self._models, Fault):
            return page_reply(received, self._models, found)
        rows = [put_in(found.door.row, {"id": each}) if isinstance(each, str) else each for each in self._models]
        return json_reply(put_in(found.door.listing, {"rows": rows}))

    def _submit(self, found: Found, received: Received, behaviour: Behaviour, serial: int) -> Reply:
        number = f"fake-{serial}"
        asked = _asked(found, received, behaviour, serial, number)
        form = found.door.form
        if isinstance(behaviour, Fault) or form.job is None:
            return reply_to(asked, behaviour, form)
        job = self._jobs.take(number, received, behaviour)
        if form.job.is_held(asked) and job.is_ready():
            return replace(reply_to(asked, behaviour, form), status=201)
        taken = json_reply(form.job.taken(asked), 202)
        return replace(taken, headers=asked.answer.headers, first_byte_s=asked.answer.first_byte_s)

    def _look(self, found: Found, received: Received) -> Reply:
        form, job = found.door.form, self._jobs.get(found.job)
        if job is None:
            return page_reply(received, _NO_JOB, found)
        job.is_gone = job.is_gone or found.door.task == "cancel"
        if job.is_gone:
            return json_reply(form.gone)
        asked = self._about(found, received, job)
        if form.job is not None and not job.is_ready():
            return json_reply(form.job.taken(asked))
        return reply_to(asked, job.behaviour, form)

    def _about(self, found: Found, received: Received, job: Job) -> Asked:
        """Return what was asked when the job was taken on, the way of this look."""
        first = replace(job.received, is_streamed=received.is_streamed, headers=received.headers)
        asked = _asked(found, first, job.behaviour, 0, found.job)
        answer = replace(asked.answer, first_byte_s=0.0) if not received.wants_stream else asked.answer
        return replace(asked, answer=answer)


def page_reply(received: Received, behaviour: Behaviour, found: Found | None = None) -> Reply:
    """Return what a page does that no script plays for, in the form of its door."""
    form = (found.door if found is not None else doors_of("openai")[0]).form
    answer = behaviour if isinstance(behaviour, Answer) else Answer()
    return reply_to(Asked(received=received, answer=answer), behaviour, form)


def _asked(found: Found, received: Received, behaviour: Behaviour, serial: int, job: str = "") -> Asked:
    return Asked(
        received=received,
        answer=behaviour if isinstance(behaviour, Answer) else Answer(),
        task=found.door.task,
        serial=serial,
        base_url=f"http://{received.headers.get('host', '')}{found.prefix}",
        job=job,
    )
