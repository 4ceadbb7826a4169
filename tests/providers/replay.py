"""A loopback host that answers with recorded bytes, and a plain reading of what they say.

The reading is a second, simple-minded one on purpose: it shares no code with the package, so that both can only agree
by being right.
"""

import json
import random
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FINISH = {"eos": "stop", "eos_token": "stop", "stop_sequence": "stop", "end_turn": "stop", "model_length": "length"}
KEPT_HEADERS = re.compile(r"content-type|retry-after.*|.*ratelimit.*|x-should-retry")


@dataclass
class Recording:
    """One genuine exchange."""

    name: str
    fields: Mapping[str, Any]

    @property
    def status(self) -> int:
        return self.fields["status"]

    @property
    def is_stream(self) -> bool:
        return bool(self.fields["streaming"])

    @property
    def request(self) -> Mapping[str, Any]:
        body = self.fields["request_body"]
        return body if isinstance(body, dict) else {}

    @property
    def body(self) -> str:
        return self.fields["response_body"] or ""


def recordings(folder: Path, provider: str, kinds: frozenset[str]) -> list[Recording]:
    index = json.loads((folder / "INDEX.json").read_text())
    rows = [row for row in index if row["provider"] == provider and row["endpoint_kind"] in kinds]
    return [Recording(row["file"], row | json.loads((folder / row["file"]).read_text())) for row in rows]


@dataclass
class Host:
    """Serves one recording after the other over real sockets, cut at places drawn from a seed."""

    port: int
    current: Recording | None = None
    seed: int = 0
    requests: list[dict[str, Any]] = field(default_factory=list)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection:
            received = b""
            while True:
                while b"\r\n\r\n" not in received:
                    more = connection.recv(65536)
                    if not more:
                        return
                    received += more
                head, _, rest = received.partition(b"\r\n\r\n")
                length = int((re.search(rb"content-length: *(\d+)", head, re.IGNORECASE) or [0, 0])[1])
                while len(rest) < length:
                    rest += connection.recv(65536)
                self.requests.append(json.loads(rest[:length] or b"{}"))
                received = rest[length:]
                self.answer(connection)

    def answer(self, connection: socket.socket) -> None:
        recording = self.current
        assert recording is not None
        headers = recording.fields["response_headers"] or {}
        lines = [f"HTTP/1.1 {recording.status} Recorded", "Transfer-Encoding: chunked"]
        lines += [f"{name}: {value}" for name, value in headers.items() if KEPT_HEADERS.fullmatch(name)]
        connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1", "replace"))
        body = recording.body.encode()
        cuts = random.Random(self.seed)
        while body:
            size = cuts.choice((1, 2, 3, 7, 50, 400, 3000, 20000)) if len(body) < 200_000 else 50_000
            piece, body = body[:size], body[size:]
            connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
        connection.sendall(b"0\r\n\r\n")


@contextmanager
def host() -> Iterator[Host]:
    """A running host; its threads end with it."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    running = Host(listener.getsockname()[1])
    open_connections: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            open_connections.append(connection)
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    def serve(connection: socket.socket) -> None:
        try:
            running.serve(connection)
        except OSError:
            return

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield running
    finally:
        listener.close()
        for connection in open_connections:
            connection.close()


@dataclass
class Said:
    """What a recorded success says, read plainly."""

    text: str = ""
    calls: list[tuple[str, str]] = field(default_factory=list)
    finish: str | None = None
    tokens: tuple[int, int] | None = None
    is_error: bool = False

    @property
    def is_empty(self) -> bool:
        return not self.text.strip() and not self.calls


def said(recording: Recording) -> Said:
    """Return what the recorded body says."""
    if recording.fields["endpoint_kind"] == "ollama_chat":
        return _said_by_ollama(recording.body)
    if recording.body.lstrip().startswith(("data:", ":", "event:")):
        return _said_by_events(recording.body)
    payload = json.loads(recording.body)
    if payload.get("error"):
        return Said(is_error=True)
    choice = payload["choices"][0]
    message = choice["message"]
    calls = [(c["function"]["name"], plain(c["function"].get("arguments"))) for c in message.get("tool_calls") or ()]
    return Said(
        text=_clean(_text(message.get("content") or message.get("refusal"))),
        calls=calls,
        finish=_finish(choice.get("finish_reason")),
        tokens=_tokens(payload),
        is_error=bool(choice.get("error")) or choice.get("finish_reason") == "error",
    )


def _said_by_events(body: str) -> Said:
    found, text, calls = Said(), [], {}
    for line in body.splitlines():
        if line.startswith("event: error"):
            found.is_error = True
        if not line.startswith("data:") or line[5:].strip() == "[DONE]":
            continue
        payload = json.loads(line[5:])
        found.is_error = found.is_error or bool(payload.get("error"))
        found.tokens = _tokens(payload) or found.tokens
        for choice in (payload.get("choices") or [])[:1]:
            delta = choice.get("delta") or {}
            found.is_error = found.is_error or bool(choice.get("error")) or choice.get("finish_reason") == "error"
            found.finish = _finish(choice.get("finish_reason")) or found.finish
            text.append(_text(delta.get("content")))
            for place, call in enumerate(delta.get("tool_calls") or ()):
                parts = calls.setdefault(call.get("index", place), ["", ""])
                parts[0] = parts[0] or (call.get("function") or {}).get("name") or ""
                parts[1] += (call.get("function") or {}).get("arguments") or ""
    found.text = _clean("".join(text))
    found.calls = [(name, plain(arguments)) for _, (name, arguments) in sorted(calls.items())]
    return found


def _said_by_ollama(body: str) -> Said:
    found, text = Said(), []
    for line in body.splitlines():
        if not line.strip():
            continue
        payload = json.loads(line)
        found.is_error = found.is_error or bool(payload.get("error"))
        message = payload.get("message") or {}
        text.append(message.get("content") or "")
        found.calls += [
            (c["function"]["name"], plain(c["function"].get("arguments"))) for c in message.get("tool_calls") or ()
        ]
        if payload.get("done"):
            found.finish = payload.get("done_reason") or "stop"
            if payload.get("eval_count") is not None:
                found.tokens = (payload.get("prompt_eval_count") or 0, payload["eval_count"])
    found.text = _clean("".join(text))
    return found


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(part if isinstance(part, str) else part.get("text") or "" for part in content)
    return json.dumps(content) if isinstance(content, dict) else content or ""


def _clean(text: str) -> str:
    """Return the text without the thoughts at its start."""
    if text.lstrip().startswith("<think>"):
        text = text.partition("</think>")[2]
    return text.lstrip("\r\n")


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


def _finish(reason: str | None) -> str | None:
    return FINISH.get(reason, reason) if reason else None


def _tokens(payload: Mapping[str, Any]) -> tuple[int, int] | None:
    usage = payload.get("usage") or (payload.get("x_groq") or {}).get("usage")
    if not usage or usage.get("prompt_tokens") is None:
        return None
    return usage["prompt_tokens"], usage.get("completion_tokens") or 0
