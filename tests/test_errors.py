"""Errors: they pickle whole and carry their own advice."""

import pickle

import pytest

from openmux_lc import errors
from openmux_lc.errors import AuthenticationFailed, ProviderError, RateLimited


def test_a_provider_error_crosses_a_process_border_whole():
    error = RateLimited("slow down", provider="p", model="m", status_code=429, retry_after=3.5, scope="account")

    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes

    assert type(error) is type(copy)
    assert "slow down" == str(copy)
    assert (429, 3.5, "account", "next_route") == (copy.status_code, copy.retry_after, copy.scope, copy.advice)


def test_a_bad_key_skips_the_provider_unless_told_otherwise():
    assert ("skip_provider", "key") == (AuthenticationFailed("x").advice, AuthenticationFailed("x").scope)
    assert "stop" == AuthenticationFailed("x", advice="stop").advice


@pytest.mark.parametrize("name", [name for name in errors.__all__ if name not in {"Advice", "FaultScope"}])
def test_every_error_stands_in_the_drawn_tree(name: str):
    assert issubclass(getattr(errors, name), errors.OpenMuxError)
    assert name in str(errors.__doc__)


def test_bad_configuration_is_also_a_value_error():
    assert issubclass(errors.UnknownProviderError, ValueError)
    assert not issubclass(ProviderError, ValueError)
