"""Answers as the output of a prediction, which is made at once or asked for again."""

from __future__ import annotations

from openmux_lc.testing.dialects.shape import Asked, Events, Framing, pieces
from openmux_lc.types.json import Json, JsonObject, as_object

__all__ = ["Predictions"]


class Predictions:
    """Text; a stream is one of the addresses that a prediction names."""

    framing: Framing = "named_events"

    def taken(self, asked: Asked) -> Json:
        """Return the prediction while it is being made."""
        return {**_frame(asked), "status": "processing", "output": None, "metrics": {}}

    def whole(self, asked: Asked) -> Json:
        """Return the prediction once it is made."""
        sent, got = asked.tokens
        counts: JsonObject = {"input_token_count": sent, "output_token_count": got} if asked.answer.usage else {}
        metrics: JsonObject = {"predict_time": 0.01, **counts}
        return {**_frame(asked), "status": "succeeded", "output": pieces(asked.answer.text), "metrics": metrics}

    def events(self, asked: Asked) -> Events:
        """Return its output word by word."""
        content = [{"type": "output", "data": piece} for piece in pieces(asked.answer.text)]
        return Events((), content, [{"type": "done", "data": "{}"}])

    def is_held(self, asked: Asked) -> bool:
        """Whether the client lets the host hold the request open until the answer is there."""
        return "wait" in asked.received.headers.get("prefer", "")


def _frame(asked: Asked) -> JsonObject:
    url = f"{asked.base_url}/predictions/{asked.job}"
    return {
        "id": asked.job,
        "model": asked.model,
        "version": "fake",
        "input": as_object(as_object(asked.received.body).get("input")),
        "logs": "",
        "error": None,
        "created_at": "2026-01-01T00:00:00.000Z",
        "urls": {"get": url, "cancel": f"{url}/cancel", "stream": f"{url}/stream"},
    }
