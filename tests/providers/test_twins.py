"""Errors that are ours and LangChain's at once (S2-05)."""

import pickle

import pytest
from langchain_core import exceptions

from openmux_lc import errors
from openmux_lc.errors import (
    AllRoutesFailedError,
    ConfigError,
    NoRouteError,
    OpenMuxError,
    ProviderError,
    StreamInterruptedError,
)
from openmux_lc.providers.twins import as_langchain_error
from openmux_lc.types.catalog import Route
from openmux_lc.types.run import Attempt

TWINS = {
    "RateLimited": exceptions.ModelRateLimitError,
    "AuthenticationFailed": exceptions.ModelAuthenticationError,
    "PermissionDenied": exceptions.ModelPermissionDeniedError,
    "PaymentRequired": exceptions.ModelPermissionDeniedError,
    "ModelGone": exceptions.ModelNotFoundError,
    "InvalidRequest": exceptions.ModelInvalidRequestError,
    "ContextOverflow": exceptions.ContextOverflowError,
    "ServerError": exceptions.ModelAPIError,
    "ConnectionFailed": exceptions.ModelConnectionError,
    "TimedOut": exceptions.ModelTimeoutError,
    "EmptyAnswer": exceptions.ModelAPIError,
    "BadPayload": exceptions.ModelAPIError,
    "BrokenContract": exceptions.ModelAPIError,
}


def test_every_provider_error_has_a_twin() -> None:
    ours = {name for name, cls in vars(errors).items() if isinstance(cls, type) and issubclass(cls, ProviderError)}

    assert ours - {"ProviderError"} == set(TWINS)


@pytest.mark.parametrize("name", TWINS)
def test_a_twin_is_caught_under_either_name_and_keeps_its_fields(name: str) -> None:
    error = getattr(errors, name)("went wrong", provider="groq", model="m", status_code=418, retry_after=3.0)

    twin = as_langchain_error(error)

    assert isinstance(twin, (type(error)))
    assert isinstance(twin, TWINS[name])
    assert (name, "went wrong", "groq", 418, 3.0) == (
        type(twin).__name__,
        str(twin),
        twin.provider,
        twin.status_code,
        twin.retry_after,
    )
    assert twin is as_langchain_error(twin)
    assert type(twin) is type(as_langchain_error(error))


def test_a_twin_can_be_pickled() -> None:
    twin = as_langchain_error(errors.RateLimited("slow", provider="groq", retry_after=3.0))

    back = pickle.loads(pickle.dumps(twin))  # noqa: S301 - our own bytes

    assert type(twin) is type(back)
    assert ("slow", 3.0) == (str(back), back.retry_after)


def test_a_twin_keeps_its_cause() -> None:
    error = errors.ServerError("broke")
    error.__cause__ = ValueError("why")

    assert error.__cause__ is as_langchain_error(error).__cause__


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (("RateLimited", "RateLimited"), exceptions.ModelRateLimitError),
        (("RateLimited", "ServerError"), exceptions.ModelAPIError),
        ((), exceptions.ModelAPIError),
    ],
)
def test_the_failure_of_the_whole_pool_is_of_the_kind_that_all_attempts_are(
    kinds: tuple[str, ...], expected: type[Exception]
) -> None:
    attempts = [Attempt(route=Route("a", "b"), outcome="failed", error=kind) for kind in kinds]

    twin = as_langchain_error(AllRoutesFailedError("all failed", attempts=attempts, retry_at=5.0))

    assert isinstance(twin, AllRoutesFailedError)
    assert isinstance(twin, expected)
    assert 5.0 == twin.retry_at


def test_an_interrupted_stream_is_a_model_error_with_its_partial_text() -> None:
    twin = as_langchain_error(StreamInterruptedError("broke", partial="Par"))

    assert isinstance(twin, exceptions.ModelError)
    assert "Par" == twin.partial


@pytest.mark.parametrize("error", [ConfigError("x"), NoRouteError("y")])
def test_what_no_model_caused_stays_as_it_is(error: OpenMuxError) -> None:
    assert error is as_langchain_error(error)
