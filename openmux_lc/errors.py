"""Every error this package raises.

OpenMuxError
|- ConfigError (ValueError)
|  |- MissingKeyError        a key is needed; names the variable and the page
|  |- UnknownProviderError   names the nearest routes
|  |- UntrustedConfigError   a file found through the working directory asks too much
|  `- CatalogError           a row or file of the catalog is malformed
|- NoRouteError              nothing eligible: .rejected, .retry_at
|  `- PromptTooLongError     too long for every window: .window_tokens, .needed_tokens
|- AllRoutesFailedError      every route was tried: .attempts, .rejected, .retry_at
|- StreamInterruptedError    broke after the first token: .partial, .attempt
|- EmbeddingSpaceError       the vectors would not be comparable
`- ProviderError             .provider .model .status_code .retry_after .scope .advice .limits
   RateLimited  AuthenticationFailed  PermissionDenied  ModelGone  InvalidRequest
   ContextOverflow  PaymentRequired  ServerError  ConnectionFailed  TimedOut
   EmptyAnswer  BadPayload  BrokenContract

Only `ProviderError` makes the engine go on to another route. No message holds a
key, a prompt or an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from openmux_lc.types.run import Attempt, Rejection
    from openmux_lc.types.state import CooldownSource, LimitObservation

__all__ = [
    "Advice",
    "AllRoutesFailedError",
    "AuthenticationFailed",
    "BadPayload",
    "BrokenContract",
    "CatalogError",
    "ConfigError",
    "ConnectionFailed",
    "ContextOverflow",
    "EmbeddingSpaceError",
    "EmptyAnswer",
    "FaultScope",
    "InvalidRequest",
    "MissingKeyError",
    "ModelGone",
    "NoRouteError",
    "OpenMuxError",
    "PaymentRequired",
    "PermissionDenied",
    "PromptTooLongError",
    "ProviderError",
    "RateLimited",
    "ServerError",
    "StreamInterruptedError",
    "TimedOut",
    "UnknownProviderError",
    "UntrustedConfigError",
]

Advice = Literal["retry", "next_route", "skip_provider", "stop"]
FaultScope = Literal["request", "model", "key", "account", "provider"]


class OpenMuxError(Exception):
    """Base of every error of this package."""


class ConfigError(OpenMuxError, ValueError):
    """A setting, file or argument is wrong; the message names it and the mend."""


class MissingKeyError(ConfigError):
    """A pinned provider needs a key that was not found."""


class UnknownProviderError(ConfigError):
    """No provider or model of that name; the message lists the nearest ones."""


class UntrustedConfigError(ConfigError):
    """A file found through the working directory asks for what only trust allows."""


class CatalogError(ConfigError):
    """A catalog row or file does not fit the schema."""


class NoRouteError(OpenMuxError):
    """No route of the pool can serve the request.

    Args:
        message: Says why and names the next command.
        rejected: Each route with its reason; until when and who says so, where it is paused.
        retry_at: Epoch seconds at which one may be free again, if known.
    """

    def __init__(self, message: str, *, rejected: Sequence[Rejection] = (), retry_at: float | None = None) -> None:
        """Keep the rejected routes beside the message."""
        super().__init__(message)
        self.rejected = tuple(rejected)
        self.retry_at = retry_at


class PromptTooLongError(NoRouteError):
    """The prompt is longer than the window of every route that could serve it.

    Args:
        message: Says the largest window and what to set.
        window_tokens: The largest window.
        needed_tokens: About what the prompt and the room for its answer take.
        rejected: Each route with its reason.
        retry_at: Epoch seconds at which a larger one may be free again, if known.
    """

    def __init__(
        self,
        message: str,
        *,
        window_tokens: int = 0,
        needed_tokens: int = 0,
        rejected: Sequence[Rejection] = (),
        retry_at: float | None = None,
    ) -> None:
        """Keep the figures beside the message."""
        super().__init__(message, rejected=rejected, retry_at=retry_at)
        self.window_tokens = window_tokens
        self.needed_tokens = needed_tokens


class AllRoutesFailedError(OpenMuxError):
    """Every route that the plan allowed was tried and failed.

    Args:
        message: A table of route, failure, until when it rests, and who says so.
        attempts: In the order they were made.
        rejected: Each route that was tried or is paused, with reason, end and source.
        retry_at: Epoch seconds at which one may work again, if known.
    """

    def __init__(
        self,
        message: str,
        *,
        attempts: Sequence[Attempt] = (),
        rejected: Sequence[Rejection] = (),
        retry_at: float | None = None,
    ) -> None:
        """Keep the attempts beside the message."""
        super().__init__(message)
        self.attempts = tuple(attempts)
        self.rejected = tuple(rejected)
        self.retry_at = retry_at


class StreamInterruptedError(OpenMuxError):
    """A stream broke after text had been delivered.

    Args:
        message: Names the route and the fault.
        partial: The text delivered so far; never part of the message.
        attempt: The attempt that broke.
    """

    def __init__(self, message: str, *, partial: str, attempt: Attempt | None = None) -> None:
        """Keep the partial text beside the message."""
        super().__init__(message)
        self.partial = partial
        self.attempt = attempt


class EmbeddingSpaceError(OpenMuxError):
    """Vectors of another model would not be comparable with the earlier ones."""


class ProviderError(OpenMuxError):
    """A provider failed to answer.

    Args:
        message: What failed, redacted.
        provider: Provider id.
        model: Model id.
        status_code: HTTP status, None when there was no answer.
        retry_after: Seconds to wait, when told.
        wait_source: Who says so: `header` the provider, `learned` its words about a window,
            `quota` our own count, `heuristic` nobody.
        scope: How much of the pool the fault concerns.
        advice: What to do next; None takes the class's own.
        provider_code: The provider's own error code, for reports.
        limits: What the refusal told about quotas.
    """

    default_advice: ClassVar[Advice] = "next_route"
    default_scope: ClassVar[FaultScope] = "model"

    def __init__(  # noqa: PLR0913 - one field each, all by keyword
        self,
        message: str,
        *,
        provider: str = "",
        model: str = "",
        status_code: int | None = None,
        retry_after: float | None = None,
        wait_source: CooldownSource = "header",
        scope: FaultScope | None = None,
        advice: Advice | None = None,
        provider_code: str = "",
        limits: tuple[LimitObservation, ...] = (),
    ) -> None:
        """Fill scope and advice from the class where they are not given."""
        super().__init__(message)
        self.provider = provider
        self.model = model
        self.status_code = status_code
        self.retry_after = retry_after
        self.wait_source = wait_source
        self.scope: FaultScope = scope or self.default_scope
        self.advice: Advice = advice or self.default_advice
        self.provider_code = provider_code
        self.limits = limits

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle with every field, so that errors cross process borders whole."""
        return (_rebuild, (type(self), self.args, self.__dict__))


def _rebuild(cls: type[ProviderError], args: tuple[str, ...], fields: dict[str, object]) -> ProviderError:
    error = cls(*args)
    error.__dict__.update(fields)
    return error


class RateLimited(ProviderError):
    """Too many requests or tokens for this window."""


class AuthenticationFailed(ProviderError):
    """The key is missing or not accepted."""

    default_advice: ClassVar[Advice] = "skip_provider"
    default_scope: ClassVar[FaultScope] = "key"


class PermissionDenied(ProviderError):
    """The account may not use this model, or the content was refused."""


class PaymentRequired(ProviderError):
    """The provider asks for money; it is benched, never paid."""

    default_advice: ClassVar[Advice] = "skip_provider"
    default_scope: ClassVar[FaultScope] = "account"


class ModelGone(ProviderError):
    """The model does not exist here, or no longer does."""


class InvalidRequest(ProviderError):
    """The host refuses this request's shape; another host may take it."""

    default_scope: ClassVar[FaultScope] = "request"


class ContextOverflow(InvalidRequest):
    """The request is longer than this model's window: `.window_tokens`, where the host named it."""

    window_tokens: int | None = None


class ServerError(ProviderError):
    """The host failed or is overloaded."""


class ConnectionFailed(ProviderError):
    """No connection, or it broke before an answer."""

    default_advice: ClassVar[Advice] = "skip_provider"
    default_scope: ClassVar[FaultScope] = "provider"


class TimedOut(ProviderError):
    """The host did not answer inside the deadline."""


class EmptyAnswer(ProviderError):
    """The answer holds neither text nor a tool call."""


class BadPayload(ProviderError):
    """The answer is not what the protocol promises."""


class BrokenContract(ProviderError):
    """The answer breaks the schema it was to keep, or lacks the tool call that was required."""

    default_scope: ClassVar[FaultScope] = "request"
