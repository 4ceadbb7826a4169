"""Our errors as LangChain's: each twin is both, so that either name catches it.

The ground imports no LangChain; a twin's class is made here on first need and kept.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from openmux_lc.errors import (
    AllRoutesFailedError,
    OpenMuxError,
    PromptTooLongError,
    ProviderError,
    StreamInterruptedError,
)

if TYPE_CHECKING:
    from langchain_core.exceptions import ModelError

__all__ = ["as_langchain_error"]

_NAMES = {
    "RateLimited": "ModelRateLimitError",
    "AuthenticationFailed": "ModelAuthenticationError",
    "PermissionDenied": "ModelPermissionDeniedError",
    "PaymentRequired": "ModelPermissionDeniedError",
    "ModelGone": "ModelNotFoundError",
    "InvalidRequest": "ModelInvalidRequestError",
    "ContextOverflow": "ContextOverflowError",
    "ServerError": "ModelAPIError",
    "ConnectionFailed": "ModelConnectionError",
    "TimedOut": "ModelTimeoutError",
    "EmptyAnswer": "ModelAPIError",
    "BadPayload": "ModelAPIError",
    "BrokenContract": "ModelAPIError",
}
"""Our class's name to that of LangChain's for the same condition."""


def as_langchain_error(error: OpenMuxError) -> Exception:
    """Return `error` as one that is LangChain's matching `ModelError` as well.

    Failures of the pool are of the kind that all their attempts are, else of the
    general kind; errors that no model caused come back as they are.
    """
    name = _langchain_name(error)
    if name is None or isinstance(error, _model_error("ModelError")):
        return error
    twin = _made((type(error), _model_error(name)))
    made = twin.__new__(twin, *error.args)
    made.__dict__.update(error.__dict__)
    made.__cause__, made.__suppress_context__ = error.__cause__, True
    return made.with_traceback(error.__traceback__)


def _langchain_name(error: OpenMuxError) -> str | None:
    if isinstance(error, ProviderError):
        return next((_NAMES[cls.__name__] for cls in type(error).__mro__ if cls.__name__ in _NAMES), "ModelError")
    if isinstance(error, AllRoutesFailedError):
        kinds = {_NAMES.get(attempt.error, "ModelAPIError") for attempt in error.attempts}
        return kinds.pop() if len(kinds) == 1 else "ModelAPIError"
    if isinstance(error, PromptTooLongError):
        return "ContextOverflowError"
    return "ModelAPIError" if isinstance(error, StreamInterruptedError) else None


def _model_error(name: str) -> type[ModelError]:
    from langchain_core import exceptions

    found: type[ModelError] = getattr(exceptions, name)
    return found


@cache
def _made(bases: tuple[type[OpenMuxError], type[ModelError]]) -> type[OpenMuxError]:
    """Return the class that is both, under our name."""
    ours = bases[0]
    fields = {
        "__doc__": ours.__doc__,
        "__module__": ours.__module__,
        "__qualname__": ours.__qualname__,
        "__reduce__": _reduce,
    }
    return type(ours.__name__, bases, fields)


def _reduce(error: OpenMuxError) -> tuple[object, ...]:
    """Pickle through our own class: the twin can be found under no name."""
    return _revive, (type(error).__bases__[0], error.args, error.__dict__)


def _revive(ours: type[OpenMuxError], args: tuple[object, ...], fields: dict[str, object]) -> Exception:
    error = ours.__new__(ours, *args)
    error.__dict__.update(fields)
    return as_langchain_error(error)
