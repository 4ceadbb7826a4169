"""No repr shows a prompt or an answer: tracebacks, logs and error trackers print them."""

import pytest

from openmux_lc.providers.exchange import Reply
from openmux_lc.types.catalog import Route
from openmux_lc.types.run import Answer, Chunk, EmbeddingRequest, Request, ToolCall, ToolCallDelta
from tests.providers.calls import KEY, call

SECRET = "the words of a person"
MESSAGE = {"role": "user", "content": SECRET}


@pytest.mark.parametrize(
    "value",
    [
        Request(
            messages=(MESSAGE,),
            tools=({"type": "function", "function": {"name": "f", "description": SECRET}},),
            response_format={"type": "json_schema", "json_schema": {"name": SECRET}},
            stop=(SECRET,),
            extra_body={"user": SECRET},
        ),
        Answer(
            route=Route("fake", "tiny"),
            text=SECRET,
            reasoning=SECRET,
            tool_calls=(ToolCall(id="1", name="f", arguments=SECRET),),
            raw=SECRET.encode(),
            extra={"note": SECRET},
        ),
        Chunk(text=SECRET, reasoning=SECRET, tool_calls=(ToolCallDelta(index=0, arguments=SECRET),)),
        EmbeddingRequest(texts=(SECRET,)),
        ToolCall(id="1", name="f", arguments=SECRET),
        ToolCallDelta(index=0, arguments=SECRET),
        call(messages=(MESSAGE,)),
        Reply(status=200, headers={}, body=SECRET.encode()),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_repr_shows_neither_words_nor_keys(value: object) -> None:
    shown = repr(value)

    assert SECRET not in shown
    assert KEY not in shown
    assert shown.startswith(f"{type(value).__name__}(")
