"""What of a provider's own words may be shown: no key, no text of the request.

Whoever writes an error message with somebody else's text in it passes it through
here first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from openmux_lc.types.json import Json, as_object, writable
from openmux_lc.types.run import Request

__all__ = ["redact", "request_texts", "shown"]

_MASK: Final = "[hidden]"
_SHOWN_CHARS: Final = 200
_READ_CHARS: Final = 3 * _SHOWN_CHARS
"""How much of a message is looked at: what is masked makes room for what follows."""
_WINDOW: Final = 20
_CORPUS_CHARS: Final = 1_000_000
_KEY_LIKE: Final = re.compile(
    r"(?i:bearer)\s+\S+"
    r"|\b(?:sk|pk|rk|gsk|csk|hf|r8|nvapi|xai|ghp|gho|ghs|github_pat|glpat|key|api[-_]?key|token)[-_=:]\s?[A-Za-z0-9*._\-]{4,}"
    r"|\bAIza[\w*-]{6,}|\beyJ[\w.*-]{10,}|\bAKIA\w{8,}"
    r"|\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"
    r"|(?<![\w.+-])[\w.+-]{1,200}@[\w-]{1,100}\.[\w.-]{1,200}"
)
_TOKEN: Final = re.compile(r"[A-Za-z0-9+/_=]{20,}")
_NOISE: Final = re.compile(r"[\W_]+")
_SPACE: Final = re.compile(r"\s+")


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return `text` with everything that looks like a key or is one masked."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, _MASK)
    return _TOKEN.sub(_masked, _KEY_LIKE.sub(_MASK, text))


def shown(text: str, *, secrets: Iterable[str] = (), texts: Iterable[str] = ()) -> str:
    """Return at most 200 characters of a provider's message that may be shown.

    Args:
        text: What the provider wrote.
        secrets: Keys that were sent.
        texts: What the request said; a message that quotes them is dropped.

    Returns:
        One line, or `""` where nothing of it may be shown.
    """
    held = tuple(secrets)
    line = _SPACE.sub(" ", writable(text[: 20 * _SHOWN_CHARS])).strip()
    if len(line) > _READ_CHARS:
        line = line[:_READ_CHARS].rpartition(" ")[0]
    if not line or _quotes(line, texts):
        return ""
    line = redact(line, held)
    if any(_holds_piece(line, secret) for secret in held):
        return ""
    return line if len(line) <= _SHOWN_CHARS else f"{line[: _SHOWN_CHARS - 3]}..."


def request_texts(request: Request) -> Iterator[str]:
    """Yield every text of the request that a provider might quote."""
    for message in map(as_object, request.messages):
        yield from _strings(message.get("content"))
        yield from _strings(message.get("tool_calls"))


def _masked(token: re.Match[str]) -> str:
    """Return a mask for a long run of both letters and digits, else the run itself."""
    run = token[0]
    is_key = any(char.isdigit() for char in run) and any(char.isalpha() for char in run)
    return _MASK if is_key else run


def _strings(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key not in {"type", "role", "detail"}:
                yield from _strings(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _strings(inner)


def _quotes(line: str, texts: Iterable[str]) -> bool:
    """Whether `line` holds a piece of `texts` of 20 characters, or a whole one."""
    plain = _plain(line)
    windows = [plain[at : at + _WINDOW] for at in range(max(len(plain) - _WINDOW + 1, 0))]
    room = _CORPUS_CHARS
    for text in texts:
        if len(text) > room:
            return True
        room -= len(text)
        said = _plain(text)
        if len(said) >= 4 and (f" {said} " in f" {plain} " or any(window in said for window in windows)):
            return True
    return False


def _holds_piece(line: str, secret: str) -> bool:
    return any(secret[at : at + 8] in line for at in range(max(len(secret) - 7, 0)))


def _plain(text: str) -> str:
    return _NOISE.sub(" ", text).strip().lower()
