"""Streams cut at a random byte: whole answers, character by character.

A seeded share; `tests/benchmarks/stream_cuts.py` runs a thousand and prints the table.
"""

import contextlib
from pathlib import Path

import pytest

from openmux_lc.testing import FakeUpstream
from tests.engine.cutting import DIALECTS, Scene, at_ease, model, pool, question

STREAMS = 30


@pytest.mark.parametrize("calls", [False, True], ids=["text", "tool calls"])
def test_every_answer_is_whole_though_every_third_stream_is_cut(tmp_path: Path, calls: bool):
    scene = Scene(seed=11, share=0.4, calls=calls)
    with contextlib.ExitStack() as stack:
        hosts = [stack.enter_context(FakeUpstream(scene.play)) for _ in DIALECTS]
        mux = stack.enter_context(pool(tmp_path, hosts))
        llm = model(mux, calls=calls)
        for number in range(STREAMS):
            at_ease(mux)
            whole = None
            for chunk in llm.stream(question(number)):
                whole = chunk if whole is None else whole + chunk

            assert scene.text_of(number) == whole.text, (number, scene.manners.get(number))
            assert int(calls) == len(whole.tool_calls)
            if calls:
                assert scene.call_of(number).arguments.count(str(whole.tool_calls[0]["args"]["place"])) == 1

    assert scene.cuts > STREAMS // 4
