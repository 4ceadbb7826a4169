"""Pollinations at its old address."""

from typing import Any

from openmux_lc.errors import AuthenticationFailed, ConnectionFailed, PermissionDenied, ServerError
from tests.providers.shapes.shape import CALLED, Due, Shape

_CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
_NOTICES = (
    "**IMPORTANT NOTICE**\n\nThe Pollinations legacy text API is being deprecated for **authenticated users**.",
    "**DEPRECATION NOTICE**\n\nThe old text API of Pollinations is deprecated. Please move to enter.pollinations.ai.",
    "Warning: text.pollinations.ai is deprecated and will be switched off soon.",
)
_REPORTED = "reports of users quote the first; the others put it otherwise"
_POLLINATIONS_DOC = "the host's documentation"


def _said(text: Any, finish: str = "stop", **more: Any) -> dict[str, Any]:
    return {
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text, **more}, "finish_reason": finish}]
    }


POLLINATIONS = [
    Shape(f"pollinations {name}", body, due, known)
    for name, body, due, known in (
        ("plain text", "Hello, world!", Due("Hello, world!"), _POLLINATIONS_DOC),
        ("plain number", "42", Due("42"), _POLLINATIONS_DOC),
        (
            "bare message",
            {"role": "assistant", "content": "Hi", "reasoning_content": "Hm"},
            Due("Hi", "Hm"),
            "the host's public source",
        ),
        (
            "bare calls",
            {"role": "assistant", "content": None, "tool_calls": [_CALL]},
            Due(calls=CALLED, finish="tool_calls"),
            "the host's public source",
        ),
        ("filtered", _said("", "content_filter"), PermissionDenied, "its hosts' filters"),
        ("null calls", _said("Hi", tool_calls=None), Due("Hi"), _POLLINATIONS_DOC),
        *((f"notice {at}", text, AuthenticationFailed, _REPORTED) for at, text in enumerate(_NOTICES)),
        *((f"notice in JSON {at}", _said(text), AuthenticationFailed, _REPORTED) for at, text in enumerate(_NOTICES)),
        (
            "failure under success",
            {"success": False, "status": 503, "error": {"code": "UPSTREAM", "message": "x"}},
            ServerError,
            "recorded with another status",
        ),
    )
] + [
    Shape(
        "pollinations lost stream",
        [
            {
                "choices": [
                    {"delta": {"content": "Streaming response could not be processed."}, "finish_reason": "stop"}
                ]
            },
            None,
        ],
        ServerError,
        "the host's public source",
        is_stream=True,
    ),
    Shape("pollinations nothing streamed", [], ConnectionFailed, "the host's public source", is_stream=True),
]
