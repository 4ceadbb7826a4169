"""What a failed reply says: its message, its codes, the status it names.

Hosts put these in dozens of places, and routers wrap the words of other hosts. Reading
is bounded in depth, nodes and characters, and never raises.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from types import MappingProxyType
from typing import Final, NamedTuple, cast

from openmux_lc.types.json import Json, as_int, as_list, as_text, dig

__all__ = ["Told", "error_text", "hear", "own_words", "parsed"]

_TEXT_CHARS: Final = 4000
_MESSAGE_CHARS: Final = 1200
_LEAF_CHARS: Final = 400
_SAMPLE_CHARS: Final = 2400
_NODES: Final = 200
_INNER_CHARS: Final = 20_000
_INNER_BODIES: Final = 4

_PATHS: Final[tuple[tuple[str | int, ...], ...]] = (
    ("error", "message"),
    (0, "error", "message"),
    ("error", "error", "message"),
    ("error", "message", "message"),
    ("message",),
    ("message", "detail", 0, "msg"),
    ("message", "message"),
    ("detail",),
    ("detail", "error"),
    ("detail", "message"),
    ("detail", 0, "msg"),
    ("errors", 0, "message"),
    ("errors", "message"),
    ("delta", "error"),
    ("error",),
    ("error", 0),
    ("error", "detail"),
    ("error", "msg"),
    ("errors", 0),
    ("fault", "faultstring"),
    ("details", "error", "message"),
    ("details", "errors", 0, "message"),
    ("details", "error"),
    ("details", "message"),
    ("msg",),
    ("title",),
)
_ROOTS: Final[tuple[tuple[str | int, ...], ...]] = (
    ("error",),
    (0, "error"),
    (),
    ("errors", 0),
    ("errors", 1),
    ("error", "metadata"),
    ("error", "availability"),
    ("error", "error"),
    ("error", "message"),
    ("details", "error"),
    ("details", "errors", 0),
    ("detail",),
    ("fault", "detail"),
)
"""Where code words lie."""

_STATUS_PATHS: Final[tuple[tuple[str | int, ...], ...]] = (
    ("error", "status_code"),
    ("error", "code"),
    ("error", "http_status_code"),
    (0, "error", "code"),
    ("error", "status"),
    ("status_code",),
    ("code",),
    ("status",),
    ("details", "error", "code"),
)
_TELLING: Final = frozenset(
    {
        "message",
        "msg",
        "error",
        "errors",
        "detail",
        "details",
        "code",
        "type",
        "status",
        "reason",
        "reasons",
        "title",
        "raw",
        "error_type",
        "error_code",
        "name",
        "description",
        "quotaId",
        "quotaMetric",
        "violations",
        "fieldViolations",
        "metadata",
        "fault",
        "faultstring",
        "errorcode",
        "limit_source",
        "availability",
        "delta",
        "error_message",
    }
)
"""Fields that hold the host's own words; the others may echo the request or the model."""

_VAGUE: Final = re.compile(
    r"(?:(?:api )?error:? ?)?(?:object object|provider returned error|(?:\d{3} )?(?:bad request|error|"
    r"unknown error|internal server error|too many requests|unauthorized|forbidden|not found|unprocessable entity"
    r"|payload too large|service unavailable|bad gateway))",
    re.IGNORECASE,
)
_PROSE_STATUS: Final = re.compile(
    r"^\W{0,4}(?:error:? )?([45]\d\d) [A-Z]|<([45]\d\d)>|\b(?:code|status|status_code|status code)[=:] ?([45]\d\d)\b"
)
_FRINGE: Final = " \t\r\n.,:;!\"'[](){}"
_QUOTED: Final = re.compile(r"\"([^\"]{12,400})\"|`([^`]{12,400})`|'([^']{12,400})'")
_QUOTATIONS: Final = 8
_SHORTEST_TEXT: Final = 20
"""A shorter text may be a host's own words by chance."""
_SHORTEST_NAME: Final = 8
_EMPTY: Final = frozenset({"error", "none", "null"})
_URL: Final = re.compile(r"https?://[^\s'\"<>]{1,400}")
_PAGE_TEXT: Final = re.compile(r"<(?:title|h1|h2|p)\b[^<>]{0,200}>([^<>]{0,300})", re.IGNORECASE)

_STATUS_WORDS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "invalid_request_error": 400,
        "invalid_request": 400,
        "invalid_prompt": 400,
        "invalid_argument": 400,
        "failed_precondition": 400,
        "badrequesterror": 400,
        "validation": 422,
        "unprocessable": 422,
        "authentication": 401,
        "authentication_error": 401,
        "unauthenticated": 401,
        "unauthorized": 401,
        "payment_required": 402,
        "permission_denied": 403,
        "permission_error": 403,
        "not_found": 404,
        "not_found_error": 404,
        "timeout": 504,
        "deadline_exceeded": 504,
        "payload_too_large": 413,
        "rate_limit_error": 429,
        "rate_limit_exceeded": 429,
        "resource_exhausted": 429,
        "server": 500,
        "server_error": 500,
        "internal": 500,
        "internal_server_error": 500,
        "provider_unavailable": 502,
        "provider_overloaded": 503,
        "overloaded_error": 503,
        "unavailable": 503,
    }
)
"""Words for a status, for failures that name no number."""


class Told(NamedTuple):
    """What a reply says about its failure.

    Args:
        text: The message; a router's is replaced by that of the host behind it.
        code: The host's own word for the fault, `""` when there is none.
        codes: Every code word and number that was found, in lower case.
        status: The status that the body names, as a number or a word.
        is_number: Whether that was a number.
        prose_status: The status that the message names.
        sample: All the host's words in one text, for tests by pattern.
        is_relayed: Another host's words, passed on by a router.
        is_page: The body is a web page.
        payload: The body as JSON.
        inner: The relayed body.
    """

    text: str
    code: str
    codes: frozenset[str]
    status: int | None
    is_number: bool
    prose_status: int | None
    sample: str
    is_relayed: bool
    is_page: bool
    payload: Json
    inner: Json


def parsed(body: bytes | str) -> Json:
    """Return `body` as JSON, None where it is none."""
    try:
        return cast("Json", json.loads(body))
    except (ValueError, RecursionError):
        return None


def error_text(payload: Json, body: bytes | str = b"") -> str:
    """Return the message of an error, `""` where there is none.

    Args:
        payload: The body as JSON; None reads `body` itself.
        body: The body as it came.
    """
    payload = parsed(body) if payload is None else payload
    inner = _relayed(payload)
    return _text(payload, _nested(payload) if inner is None else inner, body)


def hear(payload: Json, body: bytes | str = b"") -> Told:
    """Return everything that a failed reply says; the arguments are `error_text`'s."""
    payload = parsed(body) if payload is None else payload
    inner = _relayed(payload)
    is_behind = inner is not None or _names_another(payload)
    inner = _nested(payload) if inner is None else inner
    text = _text(payload, inner, body)
    codes = tuple(dict.fromkeys((*_codes(payload), *_codes(inner))))
    leaves = _leaves(payload) if payload is not None else ()
    words = (text[:_MESSAGE_CHARS], *(leaf for leaf in leaves if leaf not in text))
    number, in_prose = _number(payload), _number_in_prose(text)
    named = (_STATUS_WORDS[code.lower()] for code in codes if code.lower() in _STATUS_WORDS)
    raw = body if isinstance(body, str) else body[:64].decode("utf-8", "replace")
    return Told(
        text=text,
        code=next((code for code in codes if not code.isdecimal()), next(iter(codes), "")),
        codes=frozenset(code.lower() for code in codes),
        status=number or in_prose or next(named, None),
        is_number=number is not None,
        prose_status=in_prose,
        sample=_URL.sub(" ", " ".join(words)[:_SAMPLE_CHARS]),
        is_relayed=is_behind or "upstream" in text.lower(),
        is_page=payload is None and raw.lstrip()[:1] == "<",
        payload=payload,
        inner=inner,
    )


def own_words(sample: str, texts: Iterable[str], model: str) -> str:
    """Return `sample` without the request's words and the model's name: neither says what failed.

    Args:
        sample: A host's words.
        texts: What the request said, whole or in part quoted by the host.
        model: The model's id, left out where it cannot be a word of its own.
    """
    said = tuple(texts)
    for text in said:
        sample = sample.replace(text, " ") if len(text) >= _SHORTEST_TEXT else sample
    if len(model) >= _SHORTEST_NAME and not model.isalpha():
        sample = sample.replace(model, "x")

    def kept(quotation: re.Match[str]) -> str:
        quoted = quotation[0][1:-1]
        return "''" if any(quoted in text for text in said) else quotation[0]

    return _QUOTED.sub(kept, sample, count=_QUOTATIONS) if said else sample


def _text(payload: Json, inner: Json, body: bytes | str) -> str:
    found = list(islice(_messages(payload), 8))
    told = [text for text in (*_messages(inner), *found) if not _is_vague(text)]
    if inner is not None and found and not _is_vague(found[0]) and found[0].lstrip()[:1] != "{":
        told = found
    text = next(iter(told), "") or next(iter(found), "")
    if text:
        return text[:_TEXT_CHARS]
    if payload is not None and not isinstance(payload, str):
        return ""
    raw = body[: 4 * _TEXT_CHARS]
    return _plain(raw if isinstance(raw, str) else raw.decode("utf-8", "replace"))


def _plain(text: str) -> str:
    """Return a body that is no JSON; of a web page, its headings."""
    if text.lstrip()[:1] != "<":
        return text[:_TEXT_CHARS].strip()
    return " ".join(dict.fromkeys(match.strip() for match in islice(_PAGE_TEXT.findall(text), 12)))[:_LEAF_CHARS]


def _is_vague(text: str) -> bool:
    return len(text) < 80 and _VAGUE.fullmatch(text.strip(_FRINGE)) is not None


def _messages(payload: Json) -> Iterator[str]:
    if isinstance(payload, str):
        yield payload
        return
    for path in _PATHS:
        found = dig(payload, *path)
        if isinstance(found, str) and found.strip():
            yield found


def _relayed(payload: Json) -> Json:
    """Return what the host behind a router said, else None."""
    raw = dig(payload, "error", "metadata", "raw")
    if not isinstance(raw, str):
        return raw or None
    if not raw.strip():
        return None
    inner = parsed(raw) if len(raw) <= _INNER_CHARS else None
    return raw[:_TEXT_CHARS] if inner is None else inner


def _names_another(payload: Json) -> bool:
    """Whether a router names the host behind it, or that host's own code."""
    names = (("error", "metadata", "provider_name"), ("error", "metadata", "provider_code"), ("details", "provider"))
    return any(dig(payload, *path) for path in names)


def _nested(payload: Json) -> Json:
    """Return the body that a host has put into its message as text, else None."""
    message = dig(payload, "error", "message")
    is_body = isinstance(message, str) and message.lstrip()[:1] == "{" and len(message) <= _INNER_CHARS
    inner = parsed(message) if is_body and isinstance(message, str) else None
    return inner if isinstance(inner, dict) else None


def _codes(payload: Json) -> Iterator[str]:
    is_flat = dig(payload, "object") == "error"  # its numbers are statuses, or one host's own
    for path in _ROOTS:
        root = dig(payload, *path)
        for name in ("code", "type", "status", "error_type", "reason", "errorcode", "error", "name"):
            found = dig(root, name)
            if isinstance(found, str):
                word = found.strip()
                is_own = is_flat and not path and word.isdecimal()
                if word and len(word) <= 100 and " " not in word and not is_own and word.lower() not in _EMPTY:
                    yield word
            elif as_int(found) is not None and (path or not is_flat):
                yield str(as_int(found))[:20]
    for detail in as_list(dig(payload, "error", "details") or dig(payload, 0, "error", "details"))[:8]:
        yield from filter(None, (as_text(dig(detail, "reason"))[:100],))


def _number(payload: Json) -> int | None:
    for path in _STATUS_PATHS:
        status = as_int(dig(payload, *path))
        if status is not None and 400 <= status < 600:
            return status
    return None


def _number_in_prose(text: str) -> int | None:
    found = _PROSE_STATUS.search(text[:400])
    return int(next(filter(None, found.groups()))) if found else None


def _leaves(root: Json) -> Iterator[str]:
    """Yield the host's words, outermost first; JSON inside a text is read as well."""
    stack: list[Json] = [root]
    bodies = 0
    for _ in range(_NODES):
        if not stack:
            return
        node = stack.pop()
        if isinstance(node, Mapping):
            stack.extend(reversed([inner for name, inner in islice(node.items(), 40) if name in _TELLING]))
        elif isinstance(node, list | tuple):
            stack.extend(reversed(node[:20]))
        elif isinstance(node, str):
            is_body = node[:1] in {"{", "["} and len(node) <= _INNER_CHARS and bodies < _INNER_BODIES
            bodies += is_body
            inner = parsed(node) if is_body else None
            if isinstance(inner, dict | list):
                stack.append(inner)
            else:
                yield node[:_LEAF_CHARS]
        elif isinstance(node, int) and not isinstance(node, bool) and abs(node) < 10**9:
            yield str(node)
