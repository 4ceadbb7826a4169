"""The same steps in a plain loop, for throughput: the command line and the gateway.

A test proves that the loop and the graph give the same report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from openmux_lc.engine.nodes import MAX_WAVES, Nodes

if TYPE_CHECKING:
    from openmux_lc.engine.run_state import Run

__all__ = ["arun", "run"]


def run(nodes: Nodes, state: Run) -> None:
    """Take `state` from the question to its answers or its opened stream."""
    nodes.classify(state)
    nodes.select(state)
    for _ in range(MAX_WAVES):
        nodes.call(state)
        step = nodes.after_call(state)
        if step == "combine":
            nodes.combine(state)
        if step != "call":
            return


async def arun(nodes: Nodes, state: Run) -> None:
    """Take `state` from the question to its answers or its opened stream."""
    nodes.classify(state)
    await nodes.mux.look_around()
    nodes.select(state)
    for _ in range(MAX_WAVES):
        await nodes.acall(state)
        step = nodes.after_call(state)
        if step == "combine":
            nodes.combine(state)
        if step != "call":
            return
