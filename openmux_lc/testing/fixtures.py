"""Pytest fixtures: `from openmux_lc.testing.fixtures import fake_upstream, chaos_upstream`.

Import them into a test module or a `conftest.py`; they are not registered by
themselves, so that installing the package changes nobody's test run.

    from openmux_lc.testing import rate_limited
    from openmux_lc.testing.fixtures import chaos_upstream, fake_upstream

    def test_it_waits(fake_upstream):
        fake_upstream.play([rate_limited(1), Answer("Hi.")])
        assert my_agent(base_url=fake_upstream.base_url) == "Hi."

    def test_a_bad_day(chaos_upstream):
        host = chaos_upstream(seed=7, rate=0.5, dialect="ollama")
        for _ in range(50):
            my_agent(base_url=host.base_url)

When a test with `chaos_upstream` fails, pytest shows what was done to each request;
the seed does it again.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

import pytest

from openmux_lc.testing.behaviours import Script
from openmux_lc.testing.dice import Chaos, chaos
from openmux_lc.testing.fake_upstream import FakeUpstream

__all__ = ["MakeChaos", "chaos_upstream", "fake_upstream"]


class MakeChaos(Protocol):
    """What `chaos_upstream` gives: starts one misbehaving host for each call."""

    def __call__(  # noqa: PLR0913 - the arguments of `chaos`, and the dialect
        self,
        seed: int | str,
        rate: float = 0.3,
        *,
        dialect: str | None = None,
        of: Iterable[str] | None = None,
        weights: Mapping[str, float] | None = None,
        sound: Script | None = None,
    ) -> FakeUpstream:
        """Return a running upstream that misbehaves as `chaos` says."""
        ...


@pytest.fixture
def fake_upstream() -> Iterator[FakeUpstream]:
    """Return a running upstream that answers; `play` gives it another script."""
    with FakeUpstream() as upstream:
        yield upstream


@pytest.fixture
def chaos_upstream() -> Iterator[MakeChaos]:
    """Return what starts misbehaving upstreams; all of them stop with the test."""
    with contextlib.ExitStack() as running:

        def make(  # noqa: PLR0913 - see `MakeChaos`
            seed: int | str,
            rate: float = 0.3,
            *,
            dialect: str | None = None,
            of: Iterable[str] | None = None,
            weights: Mapping[str, float] | None = None,
            sound: Script | None = None,
        ) -> FakeUpstream:
            script = chaos(seed, rate, of=of, weights=weights, sound=sound)
            running.callback(_tell, seed, script)
            return running.enter_context(FakeUpstream(script, dialect=dialect))

        yield make


def _tell(seed: int | str, script: Chaos) -> None:
    """Write what was done; pytest shows it where the test has failed."""
    done = "".join(f"  {each.number}: {each.behaviour or 'sound'} ({each.model or each.path})\n" for each in script.log)
    sys.stdout.write(f"chaos with seed {seed!r} did:\n{done}")
