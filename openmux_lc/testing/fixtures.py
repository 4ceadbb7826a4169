"""Pytest fixtures: `from openmux_lc.testing.fixtures import fake_upstream`.

They are not registered by themselves, so that installing the package changes
nobody's test run.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from openmux_lc.testing.fake_upstream import FakeUpstream

__all__ = ["fake_upstream"]


@pytest.fixture
def fake_upstream() -> Iterator[FakeUpstream]:
    """Return a running upstream that answers; `play` gives it another script."""
    with FakeUpstream() as upstream:
        yield upstream
