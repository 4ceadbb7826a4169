"""What the exceptions of other people's model classes mean.

Recognised by LangChain's own `ModelError` classes, by a status code, or by the
names that HTTP libraries share; whatever else a stranger's code raises is a failure
of that route, and the next one is asked. A graph's own signals are no failures.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

from openmux_lc.errors import (
    AuthenticationFailed,
    ConnectionFailed,
    ContextOverflow,
    InvalidRequest,
    ModelGone,
    OpenMuxError,
    PermissionDenied,
    ProviderError,
    RateLimited,
    ServerError,
    TimedOut,
)
from openmux_lc.providers.exchange import Reply
from openmux_lc.providers.fault import to_fault
from openmux_lc.types.wire import Call

__all__ = ["foreign_fault"]

_BY_NAME: Final[tuple[tuple[str, type[ProviderError]], ...]] = (
    ("ContextOverflowError", ContextOverflow),
    ("ModelAuthenticationError", AuthenticationFailed),
    ("ModelPermissionDeniedError", PermissionDenied),
    ("ModelInvalidRequestError", InvalidRequest),
    ("ModelNotFoundError", ModelGone),
    ("ModelRateLimitError", RateLimited),
    ("ModelTimeoutError", TimedOut),
    ("ModelConnectionError", ConnectionFailed),
    ("ModelAPIError", ServerError),
    ("ModelError", ServerError),
    ("TimeoutException", TimedOut),
    ("APITimeoutError", TimedOut),
    ("TimeoutError", TimedOut),
    ("TransportError", ConnectionFailed),
    ("APIConnectionError", ConnectionFailed),
    ("ConnectionError", ConnectionFailed),
)
"""Class names, the narrower first; looked for among an exception's bases."""


_SIGNAL: Final = "GraphBubbleUp"
"""Base of the exceptions by which LangGraph steers a run; it may not be imported here."""


def foreign_fault(call: Call, error: BaseException) -> ProviderError | None:
    """Return the typed fault that `error` is, None where it must pass as it is.

    Our own errors pass, and a graph's signals, and what is no `Exception`: an
    interrupt, a cancelled task.
    """
    names = {cls.__name__ for cls in type(error).__mro__}
    if not isinstance(error, Exception) or isinstance(error, OpenMuxError) or _SIGNAL in names:
        return None
    status = _status(error)
    if status is not None and status >= 300:
        response = getattr(error, "response", None)
        reply = Reply(status=status, headers=_headers(response), body=_body(error, response))
        return to_fault(call, reply, now=time.time())
    kind = next((kind for name, kind in _BY_NAME if name in names), ServerError)
    # The text of a stranger's exception may quote anything: only its class is told.
    message = f"{call.route}: the model raised {type(error).__name__}"
    return kind(message, provider=call.provider.id, model=call.model)


def _status(error: BaseException) -> int | None:
    for owner in (error, getattr(error, "response", None)):
        for name in ("status_code", "status", "code"):
            status = getattr(owner, name, None)
            if isinstance(status, int) and 100 <= status < 600:
                return status
    return None


def _headers(response: object) -> Mapping[str, str]:
    headers = getattr(response, "headers", None)
    if not isinstance(headers, Mapping):
        return {}
    return {str(name).lower(): str(value) for name, value in headers.items()}


def _body(error: BaseException, response: object) -> bytes:
    content = getattr(response, "content", None) if _is_read(response) else None
    return content[:65_536] if isinstance(content, bytes) else str(error)[:65_536].encode("utf-8", "replace")


def _is_read(response: object) -> bool:
    """Whether an HTTP library's response has its body at hand; asking else raises."""
    return bool(getattr(response, "is_closed", False)) and hasattr(response, "_content")
