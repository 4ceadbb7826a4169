"""Server-sent events: the cut never shows, and nothing grows without bound (S1-02)."""

import json
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmux_lc.providers.sse import MAX_EVENT_BYTES, SseDecoder, SseEvent, SseOverflow


def _fed(decoder: SseDecoder, stream: bytes) -> None:
    for at in range(0, len(stream), 65_536):
        decoder.feed(stream[at : at + 65_536])


def _events(pieces: list[bytes]) -> list[SseEvent]:
    decoder = SseDecoder()
    found = [event for piece in pieces for event in decoder.feed(piece)]
    return found + decoder.finish()


_TEXTS = st.text(alphabet=st.characters(exclude_characters="\r\n", exclude_categories=("Cs",)), max_size=20)
_LINES = st.one_of(
    _TEXTS.map(lambda text: f"data: {text}"),
    _TEXTS.map(lambda text: f"data:{text}"),
    _TEXTS.map(lambda text: f": {text}"),
    st.sampled_from(["event: error", "event:x", "id: 7", "retry: 10", "data", "", "", ""]),
)
_STREAMS = st.lists(st.tuples(_LINES, st.sampled_from(["\n", "\r\n", "\r"])), max_size=12).map(
    lambda lines: "".join(line + end for line, end in lines).encode()
)


@given(stream=_STREAMS, places=st.lists(st.integers(0, 400), max_size=6))
def test_cutting_the_bytes_anywhere_gives_the_same_events(stream: bytes, places: list[int]) -> None:
    """Whole, in given pieces, or byte by byte: the events are the same."""
    edges = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]

    pieces = [stream[start:end] for start, end in pairwise(edges)]

    assert _events([stream]) == _events(pieces)
    assert _events([stream]) == _events([stream[at : at + 1] for at in range(len(stream))])


@given(values=st.lists(st.text(max_size=30), min_size=1, max_size=5))
def test_json_in_events_comes_out_as_it_went_in(values: list[str]) -> None:
    """UTF-8 that was cut in the middle of a character is whole again."""
    stream = b"".join(b"data: " + json.dumps(value, ensure_ascii=True).encode() + b"\n\n" for value in values)

    found = [json.loads(event.text) for event in _events([stream[at : at + 3] for at in range(0, len(stream), 3)])]

    assert values == found


def test_one_line_in_single_bytes_costs_what_the_same_line_in_one_piece_costs_per_byte() -> None:
    """A host that sends its mebibyte byte by byte must not keep a processor busy for minutes: cost is linear."""
    spent = []
    for size in (50_000, 400_000):
        decoder = SseDecoder()
        begun = time.process_time()
        for _ in range(size):
            decoder.feed(b"x")
        spent.append((time.process_time() - begun) / size)

    assert spent[1] < 4 * spent[0]


def test_comments_names_and_missing_spaces_are_understood() -> None:
    stream = b": OPENING\n\ndata:1\n\nevent: error\ndata: 2\n\ndata: a\ndata: b\n\nerror: 3\n\n"

    assert [("", "1"), ("error", "2"), ("", "a\nb"), ("error", "3")] == _events([stream])


def test_an_event_that_the_end_cuts_short_is_still_given() -> None:
    assert [("", "[DONE]")] == _events([b"data: [DONE]"])


@pytest.mark.parametrize("stream", [b"data: " + b"x" * MAX_EVENT_BYTES, b"data: xxxxxxxxxxxxxxxxxxxxxxxx\n" * 60_000])
def test_an_event_beyond_a_mebibyte_is_refused(stream: bytes) -> None:
    """One endless line and one endless event both end the stream."""
    decoder = SseDecoder()

    with pytest.raises(SseOverflow):
        _fed(decoder, stream)


def test_endless_comments_do_not_count_as_an_event() -> None:
    decoder = SseDecoder()

    for _ in range(40):
        decoder.feed(b": keep-alive" * 8000 + b"\n")

    assert [("", "1")] == decoder.feed(b"data: 1\n\n")
