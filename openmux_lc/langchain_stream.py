"""An opened stream as LangChain's chunks; the last one carries report and usage.

Shared by the chat model and the graph, so that both show one stream alike.
"""

from collections.abc import AsyncIterator, Iterator

from langchain_core.outputs import ChatGenerationChunk

from openmux_lc.engine.nodes import Nodes
from openmux_lc.engine.run_state import Run
from openmux_lc.providers.messages import to_chunk, to_last_chunk
from openmux_lc.types.report import to_metadata

__all__ = ["achunks", "chunks"]


def chunks(nodes: Nodes, run: Run) -> Iterator[ChatGenerationChunk]:
    """Yield the run's opened stream as LangChain chunks, the last one with the report.

    Raises:
        StreamInterruptedError: The provider broke off after the first content.
    """
    if run.stream is not None:
        is_whole_stream = False
        try:
            for chunk in run.stream:
                yield ChatGenerationChunk(message=to_chunk(chunk))
            is_whole_stream = True
        finally:
            if not is_whole_stream:  # it broke, or the reader left
                run.stream.close()
                nodes.log(run)
    answer = nodes.result(run)
    is_whole = run.stream is None
    yield ChatGenerationChunk(
        message=to_last_chunk(answer, to_metadata(run.told or run.report(answer)), is_whole=is_whole)
    )


async def achunks(nodes: Nodes, run: Run) -> AsyncIterator[ChatGenerationChunk]:
    """Yield the run's opened stream as LangChain chunks; raises as `chunks` does."""
    if run.astream is not None:
        is_whole_stream = False
        try:
            async for chunk in run.astream:
                yield ChatGenerationChunk(message=to_chunk(chunk))
            is_whole_stream = True
        finally:
            if not is_whole_stream:  # it broke, or the reader left
                await run.astream.aclose()
                nodes.log(run)
    answer = nodes.result(run)
    is_whole = run.astream is None
    yield ChatGenerationChunk(
        message=to_last_chunk(answer, to_metadata(run.told or run.report(answer)), is_whole=is_whole)
    )
