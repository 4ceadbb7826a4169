"""Each preset puts on the wire what its name says, streamed and not."""

import email.utils
import json
import math
import struct
import time
from base64 import b64decode
from collections.abc import Iterator

import httpx
import pytest

import openmux_lc.testing as presets
from openmux_lc.testing import Answer, Behaviour, FakeUpstream, ToolCall

QUESTION = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, timeout=5.0) as made:
        yield made


def ask(client: httpx.Client, behaviour: Behaviour, **fields: object) -> httpx.Response:
    with FakeUpstream(behaviour) as up:
        return client.post(f"{up.base_url}/chat/completions", json={**QUESTION, **fields})


def events(response: httpx.Response) -> list[dict[str, object]]:
    lines = [line.removeprefix("data: ") for line in response.text.splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def deltas(response: httpx.Response) -> list[dict[str, object]]:
    return [event["choices"][0]["delta"] for event in events(response) if event.get("choices")]  # type: ignore[index]


def test_a_plain_answer_is_a_chat_completion(client: httpx.Client) -> None:
    """Text, reasoning, finish reason, usage and the model asked for."""
    body = ask(client, Answer("Paris.", reasoning="I know.", cost=0.5, headers={"x-a": "b"})).json()

    message = body["choices"][0]["message"]
    usage = body["usage"]
    assert ("m", "stop") == (body["model"], body["choices"][0]["finish_reason"])
    assert ("Paris.", "I know.") == (message["content"], message["reasoning_content"])
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert 0.5 == usage["cost"]


def test_an_answer_may_claim_another_model_and_keep_its_usage(client: httpx.Client) -> None:
    """What the upstream says it answered with need not be what was asked."""
    body = ask(client, Answer(model="other", usage=False, finish_reason="length")).json()

    assert ("other", "length") == (body["model"], body["choices"][0]["finish_reason"])
    assert "usage" not in body


def test_a_streamed_answer_adds_up_to_the_plain_one(client: httpx.Client) -> None:
    """The pieces joined are the text, white space and all, and `[DONE]` stands last."""
    text = "  two\n\nwords and a tail "
    response = ask(client, Answer(text, reasoning="I think so"), stream=True)

    pieces = deltas(response)
    assert text == "".join(str(piece.get("content", "")) for piece in pieces)
    assert "I think so" == "".join(str(piece.get("reasoning_content", "")) for piece in pieces)
    assert response.text.endswith("data: [DONE]\n\n")
    assert "text/event-stream" == response.headers["content-type"]


def test_usage_is_streamed_only_when_asked_for(client: httpx.Client) -> None:
    """`stream_options.include_usage` adds one event with an empty `choices`."""
    asked = events(ask(client, Answer(), stream=True, stream_options={"include_usage": True}))
    not_asked = events(ask(client, Answer(), stream=True))

    assert [] == asked[-1]["choices"]
    assert "usage" in asked[-1]
    assert not any("usage" in event for event in not_asked)


def test_tool_calls_come_whole_and_in_pieces(client: httpx.Client) -> None:
    """A stream names the call first and then sends its arguments in pieces."""
    call = ToolCall(id="c1", name="add", arguments='{"a": 1, "b": 2}')
    whole = ask(client, Answer("", tool_calls=(call,))).json()["choices"][0]
    pieces = [
        delta["tool_calls"][0]
        for delta in deltas(ask(client, Answer("", tool_calls=(call,)), stream=True))
        if "tool_calls" in delta
    ]  # type: ignore[index]

    assert "tool_calls" == whole["finish_reason"]
    assert {"name": "add", "arguments": call.arguments} == whole["message"]["tool_calls"][0]["function"]
    assert ("c1", "add") == (pieces[0]["id"], pieces[0]["function"]["name"])
    assert call.arguments == "".join(piece["function"]["arguments"] for piece in pieces)
    assert len(pieces) > 2


def test_one_tool_can_be_asked_for_by_name(client: httpx.Client) -> None:
    """`answer_with_tool` is the short way."""
    body = ask(client, presets.answer_with_tool("add", '{"a":1}')).json()

    assert "add" == body["choices"][0]["message"]["tool_calls"][0]["function"]["name"]


def test_embeddings_are_unit_vectors_that_depend_on_the_text_alone(client: httpx.Client) -> None:
    """The same text gives the same vector, in lists, in base64 and as tokens."""
    with FakeUpstream() as up:
        url = f"{up.base_url}/embeddings"
        first = client.post(url, json={"model": "e", "input": ["a", "b", "a"]}).json()
        packed = client.post(url, json={"model": "e", "input": "a", "encoding_format": "base64"}).json()
        tokens = client.post(url, json={"model": "e", "input": [1, 2], "dimensions": 40}).json()

    one, two, three = (row["embedding"] for row in first["data"])
    assert one == three != two
    assert math.isclose(1.0, sum(value * value for value in one))
    assert pytest.approx(one) == struct.unpack("<8f", b64decode(packed["data"][0]["embedding"]))
    assert [40] == [len(row["embedding"]) for row in tokens["data"]]
    assert first["usage"]["prompt_tokens"] > 0


@pytest.mark.parametrize(
    ("behaviour", "status", "code"),
    [
        (presets.rate_limited(), 429, "rate_limit_exceeded"),
        (presets.out_of_quota(), 429, "insufficient_quota"),
        (presets.unauthorized(), 401, "invalid_api_key"),
        (presets.payment_required(), 402, 402),
        (presets.model_gone(), 404, "model_not_found"),
        (presets.context_overflow(), 400, "context_length_exceeded"),
        (presets.server_error(503), 503, None),
        (presets.rate_limited_epoch_ms(), 429, 429),
    ],
)
def test_faults_carry_status_and_code(client: httpx.Client, behaviour: Behaviour, status: int, code: object) -> None:
    """A fault is the same for a plain and a streaming request."""
    plain, streamed = ask(client, behaviour), ask(client, behaviour, stream=True)

    assert (status, code) == (plain.status_code, plain.json()["error"]["code"])
    assert plain.text == streamed.text


def test_rate_limits_speak_every_dialect_of_time(client: httpx.Client) -> None:
    """Seconds, an HTTP date, epoch milliseconds and Go durations."""
    seconds = ask(client, presets.rate_limited(2.5)).headers
    silent = ask(client, presets.rate_limited(None)).headers
    date = ask(client, presets.rate_limited_http_date(1_800_000_000)).headers
    epoch = ask(client, presets.rate_limited_epoch_ms(1_800_000_000.5, limit=7)).headers
    duration = ask(client, presets.rate_limited_go_duration("1h2m3s", retry_after_s=9)).headers

    assert "2.5" == seconds["retry-after"]
    assert "retry-after" not in silent
    assert 1_800_000_000 == email.utils.parsedate_to_datetime(date["retry-after"]).timestamp()
    assert ("7", "1800000000500") == (epoch["x-ratelimit-limit"], epoch["x-ratelimit-reset"])
    assert ("9", "1h2m3s") == (duration["retry-after"], duration["x-ratelimit-reset-requests"])


def test_limits_without_a_date_lie_in_the_future(client: httpx.Client) -> None:
    """The presets are usable without a clock of one's own."""
    date = ask(client, presets.rate_limited_http_date()).headers["retry-after"]
    epoch = ask(client, presets.rate_limited_epoch_ms()).headers["x-ratelimit-reset"]

    assert email.utils.parsedate_to_datetime(date).timestamp() > time.time()
    assert int(epoch) > time.time() * 1000


def test_bodies_that_are_not_what_was_promised(client: httpx.Client) -> None:
    """HTML, nothing, `choices: null`, an error in a 200 and JSON that stops."""
    page = ask(client, presets.html_page())
    empty = ask(client, presets.empty_body())
    null = ask(client, presets.choices_null())
    error = ask(client, presets.error_in_200("Nobody home", code=503))
    broken = ask(client, presets.broken_sse())

    assert (502, "text/html; charset=utf-8") == (page.status_code, page.headers["content-type"])
    assert (200, b"") == (empty.status_code, empty.content)
    assert null.json()["choices"] is None
    assert (200, {"message": "Nobody home", "code": 503}) == (error.status_code, error.json()["error"])
    with pytest.raises(ValueError, match="Unterminated string"):
        broken.json()


def test_the_same_bodies_in_a_stream(client: httpx.Client) -> None:
    """A streaming request gets them as events, under the stream's content type."""
    kinds = (presets.empty_body(), presets.choices_null(), presets.error_in_200(), presets.broken_sse())
    empty, null, error, broken = (ask(client, kind, stream=True) for kind in kinds)

    assert "" == empty.text
    assert events(null)[0]["choices"] is None
    assert "error" in events(error)[0]
    assert broken.text.startswith('data: {"id":"chatcmpl-fake-')
    assert broken.text.endswith("\n\ndata: [DONE]\n\n")
    assert {"text/event-stream"} == {response.headers["content-type"] for response in (empty, null, error, broken)}


def test_a_fault_of_bytes_is_sent_as_it_is(client: httpx.Client) -> None:
    """Bytes have no charset, and no body at all is an empty one."""
    raw = ask(client, presets.Fault(200, body=b"\xff\x00"))
    none = ask(client, presets.Fault(204))

    assert (b"\xff\x00", "application/octet-stream") == (raw.content, raw.headers["content-type"])
    assert b"" == none.content


@pytest.mark.parametrize("stream", [False, True])
def test_a_cut_closes_the_connection_in_the_middle(client: httpx.Client, *, stream: bool) -> None:
    """The client learns it from the framing, not from the text."""
    with pytest.raises(httpx.RemoteProtocolError, match="complete"):
        ask(client, presets.cut(after_chunks=2), stream=stream)


def test_a_cut_delivers_exactly_the_chunks_it_promised(client: httpx.Client) -> None:
    """Continuation needs to know what was delivered before the break."""
    text = "one two three four"
    lines: list[str] = []
    with (
        FakeUpstream(presets.cut(after_chunks=2, text=text)) as up,
        pytest.raises(httpx.RemoteProtocolError),
        client.stream("POST", f"{up.base_url}/chat/completions", json={**QUESTION, "stream": True}) as response,
    ):
        lines.extend(response.iter_lines())

    got = [json.loads(line[6:])["choices"][0]["delta"]["content"] for line in lines if line]
    assert "one two" == "".join(got)


def test_a_stream_may_end_without_its_last_event(client: httpx.Client) -> None:
    """`silent` ends the HTTP body properly, with neither finish reason nor `[DONE]`."""
    streamed = ask(client, Answer("one two three", after_chunks=1, ending="silent"), stream=True)
    plain = ask(client, Answer(ending="silent"))

    assert "[DONE]" not in streamed.text
    assert ["", "one"] == [delta["content"] for delta in deltas(streamed)]
    with pytest.raises(ValueError, match="line 1 column"):
        plain.json()


def test_an_error_may_come_in_the_middle_of_a_stream(client: httpx.Client) -> None:
    """After the chunks an error event stands last; without a stream it is the body."""
    behaviour = Answer("one two three", after_chunks=2, ending="error")
    streamed, plain = ask(client, behaviour, stream=True), ask(client, behaviour)

    assert "error" in events(streamed)[-1]
    assert "error" in plain.json()


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("behaviour", [presets.hanging(), presets.stalled()])
def test_silence_lasts_until_the_client_gives_up(client: httpx.Client, behaviour: Behaviour, *, stream: bool) -> None:
    """Only the client's own deadline ends it."""
    client.timeout = httpx.Timeout(0.1)

    with pytest.raises(httpx.ReadTimeout):
        ask(client, behaviour, stream=stream)


def test_dropped_says_nothing_at_all(client: httpx.Client) -> None:
    """The connection closes before a status line, at once or after a while."""
    for behaviour in (presets.dropped(), presets.Fault(0, first_byte_s=0.01)):
        with pytest.raises(httpx.RemoteProtocolError):
            ask(client, behaviour)


def test_slow_takes_its_time_for_each_chunk(client: httpx.Client) -> None:
    """Six chunks and the frame around them take at least eight pauses."""
    began = time.monotonic()
    response = ask(client, presets.slow(0.01, text="a b c d e f"), stream=True)

    assert "a b c d e f" == "".join(str(delta.get("content", "")) for delta in deltas(response))
    assert time.monotonic() - began >= 0.08


def test_a_slow_plain_answer_drips(client: httpx.Client) -> None:
    """Without a stream the body comes in drops of 64 bytes, whole in the end."""
    began = time.monotonic()
    body = ask(client, presets.slow(0.01, text="x" * 640)).json()

    assert "x" * 640 == body["choices"][0]["message"]["content"]
    assert time.monotonic() - began >= 0.1


@pytest.mark.parametrize("one_line", [False, True])
def test_endless_floods_a_reader_that_may_leave_early(client: httpx.Client, *, one_line: bool) -> None:
    """200 MiB are on offer; the server holds none of it and stops when the reader does."""
    with FakeUpstream(presets.endless(200, one_line=one_line)) as up:
        url, taken = f"{up.base_url}/chat/completions", 0
        with client.stream("POST", url, json={**QUESTION, "stream": True}) as response:
            for chunk in response.iter_raw():
                taken += len(chunk)
                if taken > 1024 * 1024:
                    break

        assert up.wait_for_connections(0)
    assert 1024 * 1024 < taken < 2 * 1024 * 1024


def test_endless_without_a_stream_is_one_long_json_body(client: httpx.Client) -> None:
    """The stated length is the true one and the JSON is well-formed."""
    body = ask(client, presets.endless(2))

    assert 2 * 1024 * 1024 == len(body.json()["choices"][0]["message"]["content"])


def test_a_streamed_flood_is_well_formed(client: httpx.Client) -> None:
    """Many long events, and the last one."""
    response = ask(client, presets.endless(1), stream=True)

    assert 1024 * 1024 == sum(len(str(delta.get("content", ""))) for delta in deltas(response))


def test_a_right_answer_under_a_wrong_content_type(client: httpx.Client) -> None:
    """The body is what it should be, the header lies."""
    response = ask(client, presets.wrong_content_type("x"))

    assert ("text/plain", "x") == (
        response.headers["content-type"],
        response.json()["choices"][0]["message"]["content"],
    )


def test_an_empty_answer_is_well_formed_and_holds_nothing(client: httpx.Client) -> None:
    """`content` is null and no tool is asked for."""
    choice = ask(client, presets.empty_answer()).json()["choices"][0]

    assert choice["message"]["content"] is None
    assert "stop" == choice["finish_reason"]


def test_every_public_name_exists_and_is_sorted() -> None:
    """`__all__` is what the package offers, in order."""
    assert len(presets.__all__) == len(set(presets.__all__))
    assert all(hasattr(presets, name) for name in presets.__all__)
