"""`Orchestrator`: the documented line of S1-01 works as written."""

import asyncio
from pathlib import Path

import pytest

from openmux_lc import Orchestrator
from openmux_lc.errors import ConfigError
from openmux_lc.testing import Answer, FakeUpstream, server_error
from tests.pool import make_pool


def test_process_returns_the_response_and_where_it_came_from(tmp_path: Path):
    """S1-01, S1-07: `process(text)["response"]`, with model, task, confidence and reasons."""
    with FakeUpstream([server_error()]) as bad, FakeUpstream([Answer(text="Paris.")]) as good:
        with make_pool(tmp_path, {"first": bad, "second": good}) as mux:
            told = Orchestrator(mux=mux).process("What is the capital of France?")

    assert "Paris." == told["response"]
    assert "second:m" == told["model"]
    assert 0 < told["confidence"] <= 1
    assert told["reasons"]
    assert 2 == len(told["report"]["attempts"])


def test_the_task_can_be_overridden(tmp_path: Path):
    """S0-07: the caller's word about the task wins."""
    with FakeUpstream([Answer(text="ok")]) as good, make_pool(tmp_path, {"only": good}) as mux:
        told = Orchestrator(task="code", mux=mux).process("hello")

    assert "code" == told["task"]


def test_aprocess_does_the_same_without_blocking(tmp_path: Path):
    with FakeUpstream([Answer(text="Paris.")]) as good, make_pool(tmp_path, {"only": good}) as mux:

        async def both() -> list[str]:
            asked = Orchestrator(mux=mux)
            told = await asyncio.gather(asked.aprocess("a"), asked.aprocess("b"))
            await mux.clients.aclose()
            return [each["response"] for each in told]

        assert ["Paris.", "Paris."] == asyncio.run(both())


@pytest.mark.parametrize(("options", "told"), [({"task": "poetry"}, "task"), ({"model": []}, "model")])
def test_a_wrong_wish_is_told_at_once(options: dict[str, object], told: str):
    with pytest.raises(ConfigError, match=told):
        Orchestrator(**options)
