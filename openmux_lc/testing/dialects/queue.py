"""Answers as generations of a job that stands in a queue and is asked for again."""

from __future__ import annotations

from openmux_lc.testing.dialects.shape import Asked, Events, Framing
from openmux_lc.types.json import Json, JsonObject

__all__ = ["Queue"]


class Queue:
    """Text; nothing is streamed here."""

    framing: Framing = "lines"

    def taken(self, asked: Asked) -> Json:
        """Return the job's number, or, once it is known, how far it is."""
        if asked.task == "submit":
            return {"id": asked.job, "kudos": 1.0}
        return _status(is_done=False)

    def whole(self, asked: Asked) -> Json:
        """Return the job once it is done."""
        made: Json = {
            "text": asked.answer.text,
            "seed": 1,
            "gen_metadata": [],
            "worker_id": "fake",
            "worker_name": "fake",
            "model": asked.model,
            "state": "censored" if asked.finish == "content_filter" else "ok",
        }
        return {**_status(is_done=True), "generations": [made]}

    def events(self, asked: Asked) -> Events:
        """Return the whole answer as the only line."""
        return Events((), (), [self.whole(asked)])

    def is_held(self, asked: Asked) -> bool:  # noqa: ARG002 - the protocol's signature
        """Whether the client lets the host hold the request open; here it cannot."""
        return False


def _status(*, is_done: bool) -> JsonObject:
    return {
        "finished": int(is_done),
        "processing": 0,
        "restarted": 0,
        "waiting": int(not is_done),
        "done": is_done,
        "faulted": False,
        "wait_time": 0 if is_done else 1,
        "queue_position": 0 if is_done else 1,
        "kudos": 1.0,
        "is_possible": True,
        "generations": [],
    }
