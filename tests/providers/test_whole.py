"""A decoder that tells a stream from a whole body by the first bytes, however they are cut."""

import pytest

from openmux_lc.errors import ConnectionFailed
from openmux_lc.providers.chunks import StreamDecoder
from openmux_lc.providers.exchange import Reply
from openmux_lc.providers.whole import EventsOrWhole
from openmux_lc.types.run import Answer
from tests.providers.calls import call


def _decoder() -> EventsOrWhole:
    asked = call()

    def whole(reply: Reply) -> Answer:
        return Answer(route=asked.route, text=reply.body.decode())

    return EventsOrWhole(StreamDecoder(asked), whole)


def _text(body: bytes, size: int) -> str:
    decoder = _decoder()
    chunks = [chunk for at in range(0, len(body), size) for chunk in decoder.feed(body[at : at + size])]
    return "".join(chunk.text for chunk in [*chunks, *decoder.finish()])


STREAM = b'data: {"choices": [{"delta": {"content": "Paris."}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
@pytest.mark.parametrize(
    "lead", [b"", b"\n\n", b": waiting\n\n", b"id: 7\n", b"event: message\n", b"retry: 10\n", b"\xef\xbb\xbf"]
)
def test_events_are_read_as_events(lead: bytes, size: int) -> None:
    assert "Paris." == _text(lead + STREAM, size)


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
@pytest.mark.parametrize(
    "body", ["Paris.", "d", "dat", "data types", "event", "identity", '[{"a": 1}]', "<p>", "\u00e9", "\uff21"]
)
def test_anything_else_is_read_whole(body: str, size: int) -> None:
    assert body == _text(body.encode(), size)


@pytest.mark.parametrize("body", [b"", b"\n \n"])
def test_nothing_at_all_is_a_broken_stream(body: bytes) -> None:
    with pytest.raises(ConnectionFailed):
        _text(body, 1)


def test_a_whole_body_has_no_content_before_its_end() -> None:
    decoder = _decoder()

    assert () == decoder.feed(b"Paris") == decoder.feed(b" is it")
    assert not decoder.has_content
    assert not decoder.is_over
    assert not decoder.is_complete


LINES = b"".join(
    b'{"choices": [{"delta": {"content": "%b"}, "finish_reason": %b}]}\n' % pair
    for pair in ((b"Pa", b"null"), (b"ris.", b'"stop"'))
)


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
@pytest.mark.parametrize("body", [LINES, LINES.strip(), b"\n" + LINES + b"\n\n", LINES.replace(b"\n", b"\r\n")])
def test_lines_of_json_are_read_as_events(body: bytes, size: int) -> None:
    assert "Paris." == _text(body, size)


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
@pytest.mark.parametrize("body", ['{"a": 1}\n', '{\n "a": 1,\n "b": 2\n}\n', "[1]\n[2]\n", '{"a"\n{"b": 1}\n'])
def test_one_value_over_several_lines_is_read_whole(body: str, size: int) -> None:
    assert body == _text(body.encode(), size)


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_half_a_line_is_a_broken_stream(size: int) -> None:
    with pytest.raises(ConnectionFailed):
        _text(LINES[:-20], size)
