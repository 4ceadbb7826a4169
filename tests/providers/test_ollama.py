# ruff: noqa: E501 - tables are read by the row
"""Ollama's native API through its client: what is sent, what is read, and that no cloud key leaks (S1-03)."""

import json
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from openmux_lc.engine.assembly import Assembly
from openmux_lc.errors import (
    BadPayload,
    ConnectionFailed,
    EmptyAnswer,
    InvalidRequest,
    ModelGone,
    ProviderError,
    ServerError,
)
from openmux_lc.http import Clients
from openmux_lc.providers.ollama import OllamaAdapter
from openmux_lc.providers.ollama_wire import chat_body, context_tokens, root_url
from openmux_lc.providers.registry import list_models
from openmux_lc.types.catalog import Model
from openmux_lc.types.run import Answer, EmbeddingRequest
from openmux_lc.types.wire import Call
from tests.providers.calls import call, provider
from tests.providers.raw_host import raw_host

TOOL = {
    "type": "function",
    "function": {
        "name": "book",
        "parameters": {
            "type": "object",
            "properties": {"who": {"type": "object", "properties": {"name": {"type": "string"}}}},
        },
    },
}


def _call(base_url: str = "http://127.0.0.1:9", **fields: Any) -> Call:
    row = provider(base_url, id="ollama", dialect="ollama", is_local=True, models=fields.pop("models", ()))
    return call(row, key="", **fields)


def _reply(*lines: Mapping[str, Any] | str, status: int = 200) -> bytes:
    body = "\n".join(line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines).encode()
    return (
        b"HTTP/1.1 %d X\r\nContent-Type: application/x-ndjson\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b"
        % (
            status,
            len(body),
            body,
        )
    )


def _part(content: str = "", *, done: bool = False, **fields: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": content, **fields.pop("message", {})}
    end = {"done_reason": "stop", "prompt_eval_count": 12, "eval_count": 3} if done else {}
    return {"model": "tiny", "message": message, "done": done, **end, **fields}


@contextmanager
def _said(*lines: Mapping[str, Any] | str, status: int = 200) -> Iterator[tuple[Any, str]]:
    with raw_host([_reply(*lines, status=status)]) as host:
        yield host, host.base_url.removesuffix("/v1")


@pytest.fixture
async def clients() -> AsyncIterator[Clients]:
    made = Clients()
    yield made
    await made.aclose()


def _streamed(asked: Call, clients: Clients) -> Answer:
    stream, assembly = OllamaAdapter(clients).open(asked), Assembly(asked.route)
    try:
        for chunk in stream:
            assembly.add(chunk)
    finally:
        stream.close()
    return assembly.answer(raw=stream.raw)


async def _astreamed(asked: Call, clients: Clients) -> Answer:
    stream, assembly = await OllamaAdapter(clients).aopen(asked), Assembly(asked.route)
    try:
        async for chunk in stream:
            assembly.add(chunk)
    finally:
        await stream.aclose()
    return assembly.answer(raw=stream.raw)


async def _all_ways(asked: Call, clients: Clients) -> list[Answer | ProviderError]:
    """Send, send asynchronously, stream and stream asynchronously."""
    adapter, found = OllamaAdapter(clients), []
    for way in ("send", "asend", "open", "aopen"):
        try:
            if way == "send":
                found.append(adapter.send(asked))
            elif way == "asend":
                found.append(await adapter.asend(asked))
            else:
                found.append(_streamed(asked, clients) if way == "open" else await _astreamed(asked, clients))
        except ProviderError as error:
            found.append(error)
    return found


async def test_all_four_ways_give_the_same_answer(clients: Clients) -> None:
    thoughts = {"thinking": "hm"}
    with _said(_part("Paris.", done=True, message=thoughts)) as (_, url):
        answers = await _all_ways(_call(url), clients)

    assert [("Paris.", "hm", "stop", 12, 3)] * 4 == [
        (answer.text, answer.reasoning, answer.finish_reason, answer.usage.input_tokens, answer.usage.output_tokens)
        for answer in answers
        if isinstance(answer, Answer)
    ]
    assert all(b"Paris." in answer.raw for answer in answers if isinstance(answer, Answer))


async def test_tool_calls_get_ids_and_text_arguments(clients: Clients) -> None:
    called = {"tool_calls": [{"function": {"name": "book", "arguments": {"who": {"name": "Ann"}}}}]}
    with _said(_part("", done=True, message=called)) as (_, url):
        answers = await _all_ways(_call(url, tools=(TOOL,)), clients)

    for answer in answers:
        assert isinstance(answer, Answer)
        assert [("book", '{"who": {"name": "Ann"}}')] == [(tool.name, tool.arguments) for tool in answer.tool_calls]
        assert 9 == len(answer.tool_calls[0].id)
        assert "tool_calls" == answer.finish_reason


async def test_no_key_of_the_environment_reaches_the_engine(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client sends `OLLAMA_API_KEY` by itself; ours must not."""
    monkeypatch.setenv("OLLAMA_API_KEY", "cloud-key-of-the-user")
    with _said(_part("Paris.", done=True)) as (host, url):
        await _all_ways(_call(url), clients)

    assert 4 == len(host.heads)
    assert not any(b"cloud-key" in head or b"uthorization" in head for head in host.heads)


async def test_the_schema_of_a_tool_arrives_whole(clients: Clients) -> None:
    """The client's own types would drop what lies inside an object's property."""
    with _said(_part("Paris.", done=True)) as (host, url):
        await _all_ways(_call(url, tools=(TOOL,)), clients)

    bodies = [json.loads(head.partition(b"\r\n\r\n")[2]) for head in host.heads]
    assert [[TOOL]] * 4 == [body["tools"] for body in bodies]


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, {"error": 'model "x" not found, try pulling it first'}, ModelGone),
        (503, {"error": "server busy, please try again.  maximum pending requests exceeded"}, ServerError),
        (400, {"error": "registry.ollama.ai/library/x does not support tools"}, InvalidRequest),
        (400, {"error": '"x" does not support thinking'}, InvalidRequest),
        (500, {"error": 'option "num_ctx" must be of type integer'}, ServerError),
        (200, {"error": "an error was encountered while running the model: unexpected EOF"}, ServerError),
        (200, "<html>", BadPayload),
        (200, '{"half": ', BadPayload),
        (200, "[1, 2]", BadPayload),
        (200, _part("", done=True), EmptyAnswer),
    ],
)  # fmt: skip
async def test_failures_are_typed_in_all_four_ways(
    status: int, body: Any, kind: type[ProviderError], clients: Clients
) -> None:
    with _said(body, status=status) as (_, url):
        found = await _all_ways(_call(url), clients)

    assert [kind] * 4 == [type(fault) for fault in found]


async def test_a_fault_in_the_middle_of_a_stream_is_a_fault(clients: Clients) -> None:
    with _said(_part("Par"), {"error": "an error was encountered while running the model"}) as (_, url):
        with pytest.raises(ServerError):
            _streamed(_call(url), clients)
        with pytest.raises(ServerError):
            await _astreamed(_call(url), clients)


async def test_a_stream_that_just_ends_was_cut(clients: Clients) -> None:
    for lines in ([_part("Par")], [""]):
        with _said(*lines) as (_, url):
            with pytest.raises(ConnectionFailed):
                _streamed(_call(url), clients)
            with pytest.raises(ConnectionFailed):
                await _astreamed(_call(url), clients)


async def test_separators_of_unicode_inside_a_line_split_nothing(clients: Clients) -> None:
    """The client splits lines as text, where U+0085 and U+2028 end a line as well."""
    text = "a\u0085b\u2028c\u2029d"
    with _said(_part(text), _part("", done=True)) as (_, url):
        assert text == _streamed(_call(url), clients).text
        assert text == (await _astreamed(_call(url), clients)).text


def test_a_line_without_end_is_refused(clients: Clients) -> None:
    with _said('{"message": "' + "x" * 3_000_000) as (_, url), pytest.raises(BadPayload, match="1 MiB"):
        _streamed(_call(url), clients)


async def test_vectors_come_from_the_native_endpoint(clients: Clients) -> None:
    request = EmbeddingRequest(texts=("a", "b"))
    with _said({"model": "m", "embeddings": [[0.5, 1], [1.5, 2]], "prompt_eval_count": 4}) as (host, url):
        found = OllamaAdapter(clients).embed(_call(url), request)
        assert found.vectors == (await OllamaAdapter(clients).aembed(_call(url), request)).vectors

    assert ((0.5, 1.0), (1.5, 2.0)) == found.vectors
    assert 4 == found.usage.input_tokens
    assert host.heads[0].startswith(b"POST /api/embed ")


def test_too_few_vectors_are_a_bad_payload(clients: Clients) -> None:
    with _said({"model": "m", "embeddings": [[0.5]]}) as (_, url), pytest.raises(BadPayload):
        OllamaAdapter(clients).embed(_call(url), EmbeddingRequest(texts=("a", "b")))


def test_the_models_are_listed_natively(clients: Clients) -> None:
    with _said({"models": [{"name": "tiny:latest"}, {"model": "b"}, {}]}) as (host, url):
        row = _call(url).provider

        assert ("tiny:latest", "b") == list_models(row, None, clients, deadline=_call().deadline)
    assert host.heads[0].startswith(b"GET /api/tags ")


def test_an_answer_to_a_prompt_that_was_cut_says_so(clients: Clients) -> None:
    """The engine cuts prompts silently; a prompt as long as the window gives it away."""
    with _said(_part("x", done=True, prompt_eval_count=4096)) as (_, url):
        assert {"truncated": True} == OllamaAdapter(clients).send(_call(url)).extra


@pytest.mark.parametrize(
    ("chars", "max_tokens", "known", "expected"),
    [(10, None, None, 4096), (30_000, None, None, 16_384), (9, 9000, None, 16_384), (9, None, 2048, 2048), (10**6, None, None, 32_768)],
)  # fmt: skip
def test_the_window_fits_the_need_in_powers_of_two(
    chars: int, max_tokens: int | None, known: int | None, expected: int
) -> None:
    models = (Model(id="tiny", profile={"max_input_tokens": known}),) if known else ()
    messages = ({"role": "user", "content": "x" * chars},)

    assert expected == context_tokens(_call(models=models, messages=messages, max_tokens=max_tokens))


def test_a_picture_does_not_count_as_text() -> None:
    url = "data:image/png;base64," + "A" * 400_000
    messages = ({"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]},)

    assert 4096 == context_tokens(_call(messages=messages))


def test_every_option_has_its_native_name() -> None:
    schema = {"type": "object"}
    body = chat_body(
        _call(
            temperature=0.0,
            top_p=0.5,
            seed=3,
            max_tokens=9,
            stop=("x",),
            response_format={"type": "json_schema", "json_schema": {"schema": schema}},
            reasoning_effort="none",
        )
    )

    assert {"num_ctx": 4096, "num_predict": 9, "temperature": 0.0, "top_p": 0.5, "seed": 3, "stop": ["x"]} == body[
        "options"
    ]
    assert (schema, False) == (body["format"], body["think"])
    assert "keep_alive" not in body
    assert "json" == chat_body(_call(response_format={"type": "json_object"}))["format"]
    assert "low" == chat_body(_call(model="gpt-oss:20b", reasoning_effort="low"))["think"]
    assert chat_body(_call(reasoning_effort="low"))["think"] is True


def test_messages_become_native_ones() -> None:
    messages = (
        {"role": "developer", "content": "Be kind"},
        {"role": "user", "content": [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAEC"}}]},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "function": {"name": "add", "arguments": '{"a": 1}'}}, {"id": "2", "function": {"name": "add", "arguments": "{broken"}}]},
        {"role": "tool", "tool_call_id": "1", "content": "3"},
    )  # fmt: skip

    assert [
        {"role": "system", "content": "Be kind"},
        {"role": "user", "content": "Look", "images": [b"\x00\x01\x02"]},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {"function": {"name": "add", "arguments": {"a": 1}}},
                {"function": {"name": "add", "arguments": {}}},
            ],
        },
        {"role": "tool", "content": "3", "tool_name": "add"},
    ] == chat_body(_call(messages=messages))["messages"]


@pytest.mark.parametrize("url", ["https://example.org/a.png", "/etc/passwd", "data:image/png;base64,@@", "data:,"])
def test_no_picture_is_fetched_and_no_file_is_read(url: str) -> None:
    """The client would take a text for the path of a file."""
    messages = ({"role": "user", "content": [{"type": "image_url", "image_url": url}]},)

    with pytest.raises(InvalidRequest, match="base64"):
        chat_body(_call(messages=messages))


@pytest.mark.parametrize("base_url", ["http://h:1", "http://h:1/", "http://h:1/v1", "http://h:1/api"])
def test_the_root_is_found_behind_either_dialects_address(base_url: str) -> None:
    assert "http://h:1" == root_url(base_url)


def test_closing_from_another_thread_wakes_the_reader(clients: Clients) -> None:
    line = json.dumps(_part("Par")).encode() + b"\n"
    head = b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(line), line)
    with raw_host([head], holds=True) as host:
        stream = OllamaAdapter(clients).open(_call(host.base_url, seconds=30.0))
        chunks, first = iter(stream), threading.Event()
        faults: list[ProviderError] = []

        def read() -> None:
            try:
                for _ in chunks:
                    first.set()
            except ProviderError as error:
                faults.append(error)

        reader = threading.Thread(target=read)
        reader.start()
        first.wait(5)
        for _ in range(50):
            stream.close()
            reader.join(0.05)
            if not reader.is_alive():
                break

    assert not reader.is_alive()
    assert [ConnectionFailed] == [type(fault) for fault in faults]


@pytest.mark.integration
async def test_a_real_engine_answers_calls_tools_and_thinks(ollama_server: str, clients: Clients) -> None:
    """Through the genuine server: text, a tool call, thoughts, JSON, vectors, and a model that is not there."""
    tool = {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }

    def asked(text: str, **fields: Any) -> Call:
        messages = ({"role": "user", "content": text},)
        return _call(ollama_server, model="tiny-openmux", messages=messages, temperature=0.0, seconds=100.0, **fields)

    adapter = OllamaAdapter(clients)
    question = asked("What is the capital of France?")
    answers = [adapter.send(question), await adapter.asend(question), _streamed(question, clients)]
    called = adapter.send(asked("What is the weather in Paris?", tools=(tool,)))
    thought = adapter.send(asked("Think: What is the opposite of hot?", reasoning_effort="low"))
    written = adapter.send(asked("Give the capital of France as JSON.", response_format={"type": "json_object"}))
    vectors = adapter.embed(question, EmbeddingRequest(texts=("a", "b")))

    assert {"The capital of France is Paris."} == {answer.text for answer in answers}
    assert [("get_weather", '{"city": "Paris"}')] == [(tool.name, tool.arguments) for tool in called.tool_calls]
    assert ("The opposite of hot is cold.", True) == (thought.text, bool(thought.reasoning))
    assert {"country": "France", "capital": "Paris"} == json.loads(written.text)
    assert (2, 192) == (len(vectors.vectors), len(vectors.vectors[0]))
    with pytest.raises(ModelGone):
        adapter.send(_call(ollama_server, model="nobody"))


async def test_words_where_a_tool_call_was_required_let_the_next_route_be_asked(clients: Clients) -> None:
    """Ollama knows no `tool_choice`, so its models may ignore it (FIELD 11)."""
    with _said(_part("Sure!", done=True)) as (_, url):
        asked = _call(url, tools=(TOOL,), tool_choice="required")

        with pytest.raises(BadPayload, match="answered in words though a tool call was required"):
            OllamaAdapter(clients).send(asked)
        with pytest.raises(BadPayload):
            await OllamaAdapter(clients).asend(asked)
        with pytest.raises(BadPayload):
            _streamed(asked, clients)
    with _said(_part("Sure!"), _part(done=True)) as (_, url):
        asked = _call(url, tools=(TOOL,), tool_choice="required")

        assert "Sure!" == _streamed(asked, clients).text
