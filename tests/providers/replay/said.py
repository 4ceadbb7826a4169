"""What a recorded success says, read a second time and simple-mindedly.

No line of this folder's reading is the package's: both can agree only by being right. One reader per protocol; what
the package does on purpose (thoughts at the start of a text are split off, line breaks before it are dropped) is
said here once more in other words.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

FINISH = {
    "blocklist": "content_filter",
    "complete": "stop",
    "end_turn": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "function_call": "tool_calls",
    "image_prohibited_content": "content_filter",
    "image_recitation": "content_filter",
    "image_safety": "content_filter",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "model_length": "length",
    "network_error": "error",
    "prohibited_content": "content_filter",
    "recitation": "content_filter",
    "safety": "content_filter",
    "sensitive": "content_filter",
    "spii": "content_filter",
    "stop_sequence": "stop",
    "tool_call": "tool_calls",
    "tool_use": "tool_calls",
}
"""A finish reason's names at the hosts -> its name at OpenAI's."""


@dataclass
class Said:
    """What a recorded success says.

    Args:
        calls: (name, arguments in one spelling) of each tool call.
        finish: Under its OpenAI name; None where nobody told.
        tokens: (input, output); None where nobody told.
        model: The first one named, `""` where nobody told.
        is_error: It is an error under a status of success.
        inner_status: The status that such an error names, None where it names none.
        is_whole: Whether the end was told; a stream that just stops was cut.
        is_malformed: It is not what the protocol promises.
    """

    text: str = ""
    reasoning: str = ""
    calls: list[tuple[str, str]] = field(default_factory=list)
    finish: str | None = None
    tokens: tuple[int, int] | None = None
    model: str = ""
    is_error: bool = False
    inner_status: int | None = None
    is_whole: bool = True
    is_malformed: bool = False

    @property
    def is_empty(self) -> bool:
        return not self.text.strip() and not self.calls

    @property
    def finish_due(self) -> str:
        """The finish reason that the package tells: tool calls are not a mere stop."""
        return "tool_calls" if self.calls and self.finish in {"stop", None} else self.finish or "stop"

    def fail(self, error: Any) -> None:
        """Note that this is an error."""
        self.is_error = True
        self.inner_status = self.inner_status or _inner_status(error)

    def settle(self) -> "Said":
        """Return itself once the text is all there: thoughts at its start are no answer."""
        if self.text.lstrip().startswith("<think>"):
            thoughts, _, self.text = self.text.lstrip()[len("<think>") :].partition("</think>")
            self.reasoning += thoughts.lstrip("\r\n")
        self.text = self.text.lstrip("\r\n")
        return self


def plain(arguments: Any) -> str:
    """Return a tool call's arguments in one spelling."""
    if arguments is None:
        return "{}"
    if not isinstance(arguments, str):
        return json.dumps(arguments, sort_keys=True)
    try:
        return json.dumps(json.loads(arguments), sort_keys=True)
    except ValueError:
        return arguments.strip() or "{}"


def finish_of(word: Any) -> str | None:
    """Return a finish reason under its OpenAI name; what Gemini adds to one behind a colon is no part of it."""
    if isinstance(word, str) and word.lower().startswith("content_filter:"):
        return "content_filter"
    return FINISH.get(word.lower(), word.lower()) if isinstance(word, str) and word else None


def parsed(text: str) -> Any:
    """Return JSON; a text that is none is None."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def objects(value: Any) -> list[Mapping[str, Any]]:
    """Return the JSON objects of a list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def events(text: str) -> Iterator[tuple[str, str]]:
    """Yield (name, data) of server-sent events."""
    for block in text.lstrip("\ufeff \t\r\n").replace("\r\n", "\n").replace("\r", "\n").split("\n\n"):
        name, data = "", []
        for line in block.split("\n"):
            if line.startswith("event:"):
                name = line[6:].strip()
            elif line.startswith("error:"):
                name, data = "error", [*data, line[6:]]
            elif line.startswith("data:"):
                data.append(line[5:])
        whole = "\n".join(data)
        if len(data) > 1 and parsed(whole) is None:
            # A host that forgets the empty line between two events.
            yield from ((name, line) for line in data)
        elif data:
            yield name, whole


def looks_streamed(text: str) -> bool:
    """Whether a body is server-sent events."""
    return text.lstrip("\ufeff \t\r\n").startswith(("data:", "event:", ":", "id:", "retry:", "error:"))


def find_error(payload: Any) -> Any:
    """Return the error that a payload is, None when it is none."""
    if isinstance(payload, list):
        return find_error(payload[0]) if payload and isinstance(payload[0], dict) else None
    if not isinstance(payload, dict):
        return None
    if payload.get("error"):
        return payload["error"] if isinstance(payload["error"], dict) else payload
    is_failed = payload.get("object") == "error" or (payload.get("success") is False and not payload.get("choices"))
    # Some hosts write an error without an envelope, under a status of success as well.
    is_flat = isinstance(payload.get("message"), str) and not payload.get("choices") and bool(payload["message"])
    is_told = str(payload.get("type")).endswith("error") or _inner_status({"code": payload.get("code")}) is not None
    return payload if is_failed or (is_flat and is_told) else None


def _inner_status(error: Any) -> int | None:
    if not isinstance(error, dict):
        return None
    for name in ("status_code", "http_status_code", "code", "status"):
        word = error.get(name)
        if isinstance(word, int | str) and str(word).isdecimal() and 400 <= int(word) < 600:
            return int(word)
    return None
