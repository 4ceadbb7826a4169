"""Stop texts for models that take none: what the caller asked for is kept all the same."""

from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmux_lc.errors import EmptyAnswer
from openmux_lc.http import Clients
from openmux_lc.providers.again import AskAgain
from openmux_lc.providers.chunks import StreamDecoder
from openmux_lc.providers.registry import adapter_for
from openmux_lc.providers.stops import with_stops
from openmux_lc.testing import Answer, FakeUpstream, Fault
from openmux_lc.testing.behaviours import Behaviour, Received
from openmux_lc.types.run import Chunk
from tests.providers.calls import call, provider

STRICT = frozenset({"no_stop"})
TEXT = "One. Two. STOP Three. Four."


@pytest.fixture
def clients() -> Iterator[Clients]:
    """Pooled connections, closed at the end."""
    made = Clients()
    yield made
    made.close()


@pytest.fixture
async def aclients() -> AsyncIterator[Clients]:
    """Pooled connections of the running loop."""
    made = Clients()
    yield made
    await made.aclose()


async def test_the_answer_ends_where_the_host_would_have_ended_it(clients: Clients, aclients: Clients) -> None:
    with FakeUpstream(Answer(TEXT)) as up:
        asked = call(provider(up.base_url, quirks=STRICT), stop=("STOP", "never"))
        whole = adapter_for(asked.provider, clients).send(asked)
        awaited = await adapter_for(asked.provider, aclients).asend(asked)
        pieces = list(adapter_for(asked.provider, clients).open(asked))
        streamed = [chunk async for chunk in await adapter_for(asked.provider, aclients).aopen(asked)]
        sent = [received.body for received in up.requests]

    assert ["One. Two. "] * 4 == [whole.text, awaited.text, _text(pieces), _text(streamed)]
    assert ["stop"] * 4 == [whole.finish_reason, awaited.finish_reason, _reason(pieces), _reason(streamed)]
    assert not any("stop" in body for body in sent)


def test_a_learned_refusal_of_stop_texts_keeps_their_meaning(clients: Clients) -> None:
    def strict(received: Received) -> Behaviour:
        body = received.body if isinstance(received.body, dict) else {}
        said = {
            "error": {"message": "Unsupported parameter: 'stop' is not supported with this model.", "param": "stop"}
        }
        return Fault(400, body=said) if "stop" in body else Answer(TEXT)

    with FakeUpstream(strict) as up:
        row = provider(up.base_url)
        answer = AskAgain(adapter_for(row, clients)).send(call(row, stop=("STOP",)))

    assert "One. Two. " == answer.text


def test_a_stop_text_of_the_extra_fields_is_kept_as_well(clients: Clients) -> None:
    with FakeUpstream(Answer(TEXT)) as up:
        asked = call(provider(up.base_url, quirks=STRICT), extra_body={"stop": ["STOP"]})
        answer = adapter_for(asked.provider, clients).send(asked)

    assert "One. Two. " == answer.text


def test_an_answer_that_begins_with_a_stop_text_is_empty(clients: Clients) -> None:
    with FakeUpstream(Answer("STOP it")) as up:
        asked = call(provider(up.base_url, quirks=STRICT), stop=("STOP",))
        with pytest.raises(EmptyAnswer):
            adapter_for(asked.provider, clients).send(asked)


def test_a_host_that_takes_stop_texts_ends_by_itself(clients: Clients) -> None:
    with FakeUpstream(Answer(TEXT)) as up:
        asked = call(provider(up.base_url), stop=("STOP",))
        answer = adapter_for(asked.provider, clients).send(asked)

    assert TEXT == answer.text


@given(
    text=st.text(alphabet="ab", min_size=1, max_size=12),
    stops=st.lists(st.text(alphabet="ab", min_size=1, max_size=3), min_size=1, max_size=2),
    size=st.integers(1, 3),
)
def test_where_the_stream_is_cut_into_pieces_does_not_matter(text: str, stops: list[str], size: int) -> None:
    asked = call(provider(quirks=STRICT), stop=tuple(stops))
    gate = with_stops(asked, StreamDecoder(asked))
    events = [
        f'data: {{"choices":[{{"delta":{{"content":"{text[at : at + size]}"}}}}]}}\n\n'
        for at in range(0, len(text), size)
    ]
    end = 'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'

    chunks = [chunk for event in (*events, end) if not gate.is_over for chunk in gate.feed(event.encode())]
    chunks += gate.finish()

    ends = [(text.find(stop) + len(stop), text.find(stop)) for stop in stops if stop in text]
    first = min(ends, default=(0, len(text)))[1]
    assert text[:first] == _text(chunks)
    assert ["stop"] == [chunk.finish_reason for chunk in chunks if chunk.finish_reason]


def _text(chunks: list[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks)


def _reason(chunks: list[Chunk]) -> str | None:
    return next((chunk.finish_reason for chunk in chunks if chunk.finish_reason), None)
