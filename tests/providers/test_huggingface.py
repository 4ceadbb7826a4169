# ruff: noqa: E501 - tables are read by the row
"""Hugging Face: the router's chat, and vectors and tasks as its client asks for them (S0-02, S3-01)."""

import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from openmux_lc.errors import (
    AuthenticationFailed,
    BadPayload,
    ConfigError,
    ConnectionFailed,
    EmptyAnswer,
    InvalidRequest,
    ModelGone,
    ProviderError,
    ServerError,
    TimedOut,
)
from openmux_lc.http import USER_AGENT, Clients
from openmux_lc.providers.exchange import Reply
from openmux_lc.providers.huggingface import HuggingFaceDialect
from openmux_lc.providers.huggingface_tasks import model_url, read_task
from openmux_lc.providers.registry import adapter_for
from openmux_lc.providers.transcript import as_prompt
from openmux_lc.types.run import Answer, EmbeddingRequest, Request, Vectors
from openmux_lc.types.wire import Call
from tests.providers.calls import KEY, call, provider
from tests.providers.raw_host import raw_host
from tests.providers.ways import all_ways, astreamed, events, reply, sent, streamed

huggingface_hub = pytest.importorskip("huggingface_hub", reason="the extra `huggingface` is not installed")

TEXTS = EmbeddingRequest(texts=("one", "two"))
ONE = EmbeddingRequest(texts=("one",))
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


def _call(base_url: str = "http://127.0.0.1:9/v1", *, quirks: tuple[str, ...] = (), **fields: Any) -> Call:
    row = provider(base_url, id="huggingface", dialect="huggingface", quirks=frozenset(quirks))
    return call(row, **{"model": "openai-community/gpt2", **fields})


def _task(base_url: str = "http://127.0.0.1:9/v1", **fields: Any) -> Call:
    return _call(base_url, quirks=("text_generation", *fields.pop("quirks", ())), **fields)


def _body(asked: Call, *, is_stream: bool = False) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(HuggingFaceDialect().chat(asked, is_stream=is_stream).body)
    return body


def _token(text: str, *, special: bool = False, **fields: Any) -> dict[str, Any]:
    return {"token": {"id": 1, "text": text, "logprob": -1.0, "special": special}, **fields}


def _end(text: str, whole: str, reason: str = "eos_token", *, special: bool = True) -> dict[str, Any]:
    details = {"finish_reason": reason, "generated_tokens": 3, "seed": None}
    return _token(text, special=special, generated_text=whole, details=details)


@pytest.fixture
async def clients() -> AsyncIterator[Clients]:
    made = Clients()
    yield made
    await made.aclose()


def _embedded(asked: Call, request: EmbeddingRequest, clients: Clients) -> Vectors:
    return adapter_for(asked.provider, clients).embed(asked, request)


def _run(program: str) -> str:
    """Return what a fresh Python prints."""
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


# Chat: the router


async def test_chat_goes_to_the_router_in_all_four_ways(clients: Clients) -> None:
    """A backend's own words are read: an end token's name, arguments as an object."""
    tool = {"type": "function", "function": {"name": "best", "parameters": {"type": "object"}}}
    called = {"id": 0, "type": "function", "function": {"name": "best", "arguments": {"country": "CA"}}}
    message = {"role": "assistant", "content": None, "reasoning": "hm", "tool_calls": [called]}
    said = {"model": "meta/llama", "choices": [{"index": 0, "message": message, "finish_reason": "eos_token"}]}

    with raw_host([reply(said)]) as host:
        answers = await all_ways(_call(host.base_url, model="meta/llama:novita", tools=(tool,)), clients)

    assert [("best", '{"country": "CA"}', "tool_calls", "hm", True)] * 4 == [
        (answer.tool_calls[0].name, answer.tool_calls[0].arguments, answer.finish_reason, answer.reasoning, answer.usage.is_estimated)
        for answer in answers
        if isinstance(answer, Answer)
    ]  # fmt: skip
    assert [("/v1/chat/completions", "meta/llama:novita")] * 4 == [
        (path, body["model"]) for path, body in sent(host.heads)
    ]


async def test_an_error_inside_a_stream_of_the_router_is_a_fault(clients: Clients) -> None:
    error = {"error": {"message": "Input validation error: grammar is not supported", "http_status_code": 422}}
    with raw_host([events(error, "[DONE]")]) as host:
        faults = (await all_ways(_call(host.base_url), clients))[2:]

    assert [InvalidRequest] * 2 == [type(fault) for fault in faults]


def test_chat_needs_no_client() -> None:
    """The client takes half a second to load; whoever only chats never waits for it, nor needs it."""
    program = (
        "import sys; sys.modules['huggingface_hub'] = None\n"
        "from openmux_lc.http import Clients\n"
        "from openmux_lc.providers.registry import adapter_for\n"
        "from openmux_lc.types.catalog import Provider\n"
        "row = Provider(id='huggingface', name='x', base_url='http://127.0.0.1:9/v1', dialect='huggingface')\n"
        "from openmux_lc.providers.huggingface import HuggingFaceDialect\n"
        "from openmux_lc.types.run import Request\n"
        "from openmux_lc.types.wire import Call\n"
        "adapter_for(row, Clients())\n"
        "call = Call(provider=row, model='x', request=Request(messages=()), deadline=0.0)\n"
        "print(HuggingFaceDialect().chat(call, is_stream=True).url)"
    )

    assert "http://127.0.0.1:9/v1/chat/completions" == _run(program)


# Vectors


async def test_vectors_are_asked_for_at_the_hosts_own_inference(clients: Clients) -> None:
    """The client writes the body; path, headers and key are ours."""
    with raw_host([reply([[0.5, 1], [2, -3.25]])]) as host:
        asked = _call(host.base_url, model="BAAI/bge-m3")
        found = [_embedded(asked, TEXTS, clients), await adapter_for(asked.provider, clients).aembed(asked, TEXTS)]

    assert [((0.5, 1.0), (2.0, -3.25))] * 2 == [vectors.vectors for vectors in found]
    assert [("/hf-inference/models/BAAI/bge-m3/pipeline/feature-extraction", {"inputs": ["one", "two"]})] * 2 == sent(
        host.heads
    )
    head = host.heads[0].partition(b"\r\n\r\n")[0].lower()
    assert f"authorization: bearer {KEY}".lower().encode() in head
    assert f"user-agent: {USER_AGENT}".lower().encode() in head
    assert all(vectors.usage.is_estimated for vectors in found)


async def test_no_token_of_the_users_own_reaches_the_host(
    clients: Clients, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The client reads `HF_TOKEN` and its token file by itself; without a key of ours none may go out."""
    token_file = tmp_path / "token"
    token_file.write_text("hf_tokenOfTheFile")
    monkeypatch.setenv("HF_TOKEN", "hf_tokenOfTheEnvironment")
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(token_file))
    with raw_host([reply([[0.5], [2.5]])]) as host:
        _embedded(_call(host.base_url, key=""), TEXTS, clients)

    assert b"hf_token" not in host.heads[0]
    assert b"uthorization" not in host.heads[0]
    assert b"unused" not in host.heads[0]


def test_the_users_token_file_is_not_even_opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path))  # opening a folder fails

    HuggingFaceDialect().embedding(_call(), ONE)


@pytest.mark.parametrize(
    ("texts", "body", "vectors"),
    [
        (ONE, [0.5, 1.5], ((0.5, 1.5),)),
        (ONE, [[0.5, 1.5]], ((0.5, 1.5),)),
        (ONE, [[[0.5, 1.5]]], ((0.5, 1.5),)),
        (TEXTS, [[0.5], [1.5]], ((0.5,), (1.5,))),
        (TEXTS, [[[0.5, 2]], [[1.5, 2]]], ((0.5, 2.0), (1.5, 2.0))),
        (TEXTS, {"data": [{"index": 1, "embedding": [1.5]}, {"index": 0, "embedding": [0.5]}]}, ((0.5,), (1.5,))),
    ],
)  # fmt: skip
def test_vectors_are_read_in_every_nesting(texts: EmbeddingRequest, body: Any, vectors: Any, clients: Clients) -> None:
    with raw_host([reply(body)]) as host:
        found = _embedded(_call(host.base_url), texts, clients)

    assert vectors == found.vectors


@pytest.mark.parametrize(
    ("texts", "body", "why"),
    [
        (ONE, [[[0.5, 1], [1.5, 2]]], "per token"),
        (TEXTS, [[[0.5], [1.0]], [[1.5], [2.0]]], "per token"),
        (ONE, [[0.5, 1], [1.5, 2]], "2 vectors for 1 texts"),
        (TEXTS, [[0.5, 1]], "1 vectors for 2 texts"),
        (TEXTS, [[0.5, 1], [1.5]], "different lengths"),
        (TEXTS, [[0.5, True], [1.5, 2]], "different lengths"),
        (TEXTS, [[], []], "empty"),
        (TEXTS, [], "0 vectors"),
        (ONE, [[None]], "empty"),
        (ONE, "[1e999]", "empty"),
        (ONE, f"[{'9' * 400}]", "empty"),
        (ONE, "[" * 90_000, "not JSON"),
        (ONE, '"vector"', "0 vectors"),
        (ONE, "<html>", "web page"),
        (ONE, '{"data": []}', "0 vectors"),
    ],
)  # fmt: skip
def test_vectors_that_do_not_fit_the_texts_are_refused(
    texts: EmbeddingRequest, body: Any, why: str, clients: Clients
) -> None:
    """One vector per token is no sentence's vector: it is refused, never averaged."""
    with raw_host([reply(body)]) as host, pytest.raises(BadPayload, match=why):
        _embedded(_call(host.base_url), texts, clients)


@pytest.mark.parametrize(
    ("status", "body", "kind", "wait_s"),
    [
        (503, {"error": "Model BAAI/bge-m3 is currently loading", "estimated_time": 20.0}, ServerError, 20.0),
        (404, "Not Found", ModelGone, None),
        (401, {"error": "Invalid credentials in Authorization header"}, AuthenticationFailed, None),
        (400, {"error": ["Field required: received `source_sentence` in `parameters`"]}, InvalidRequest, None),
        (200, {"error": "unknown error"}, ServerError, None),
        (200, [{"error": "unknown error"}], ServerError, None),
    ],
)  # fmt: skip
async def test_failures_of_vectors_are_typed(
    status: int, body: Any, kind: type[ProviderError], wait_s: float | None, clients: Clients
) -> None:
    with raw_host([reply(body, status=status)]) as host:
        asked = _call(host.base_url)
        with pytest.raises(ProviderError) as first:
            _embedded(asked, TEXTS, clients)
        with pytest.raises(ProviderError) as second:
            await adapter_for(asked.provider, clients).aembed(asked, TEXTS)

    assert [(kind, wait_s)] * 2 == [(type(each.value), each.value.retry_after) for each in (first, second)]


def test_our_wire_carries_it_bounded_in_time_and_size_and_follows_nobody(clients: Clients) -> None:
    """The client would follow redirects with the key, wait without end and read without bound."""
    with raw_host([reply([[0.5], [1.5]])]) as other:
        moved = f"Location: {other.base_url}/elsewhere\r\n"
        with raw_host([reply("", status=307, headers=moved)]) as host, pytest.raises(ConnectionFailed):
            _embedded(_call(host.base_url), TEXTS, clients)
    with raw_host([reply([[0.5] * 5000] * 2)]) as host, pytest.raises(BadPayload, match="larger"):
        _embedded(_call(host.base_url, max_bytes=1000), TEXTS, clients)
    began = time.monotonic()
    with raw_host([], holds=True) as host, pytest.raises(TimedOut):
        _embedded(_call(host.base_url, seconds=0.3), TEXTS, clients)

    assert [] == other.heads
    assert 5 > time.monotonic() - began


def test_dimensions_are_sent_unless_the_host_refuses_them() -> None:
    request, dialect = EmbeddingRequest(texts=("one",), dimensions=256), HuggingFaceDialect()

    bodies = [json.loads(dialect.embedding(_call(quirks=each), request).body) for each in ((), ("no_dimensions",))]

    assert [{"inputs": ["one"], "dimensions": 256}, {"inputs": ["one"]}] == bodies


def test_vectors_need_no_numpy() -> None:
    """The client's own reading would load it; ours reads plain JSON."""
    program = (
        "import sys; sys.modules['numpy'] = None\n"
        "from openmux_lc.providers.exchange import Reply\n"
        "from openmux_lc.providers.huggingface import HuggingFaceDialect\n"
        "from openmux_lc.types.catalog import Provider\n"
        "from openmux_lc.types.run import EmbeddingRequest, Request\n"
        "from openmux_lc.types.wire import Call\n"
        "row = Provider(id='x', name='x', base_url='http://127.0.0.1:9/v1')\n"
        "call = Call(provider=row, model='x', request=Request(messages=()), deadline=0.0)\n"
        "dialect, request = HuggingFaceDialect(), EmbeddingRequest(texts=('one',))\n"
        "dialect.embedding(call, request)\n"
        "print(dialect.vectors(call, request, Reply(status=200, headers={}, body=b'[0.5]')).vectors)"
    )

    assert "((0.5,),)" == _run(program)


def test_without_the_client_the_error_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    monkeypatch.delitem(sys.modules, "openmux_lc.providers.huggingface_client", raising=False)

    with pytest.raises(ConfigError, match=r"pip install 'openmux-lc\[huggingface\]'"):
        HuggingFaceDialect().embedding(_call(), ONE)
    with pytest.raises(ConfigError, match=r"pip install 'openmux-lc\[huggingface\]'"):
        HuggingFaceDialect().chat(_task(), is_stream=False)


@pytest.mark.canary
def test_a_client_that_sends_another_way_is_told_from_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the seam gone, the client would send by itself, past every bound: nothing may be asked of it."""
    monkeypatch.delattr(huggingface_hub.InferenceClient, "_inner_post")

    with raw_host([reply([[0.5]])]) as host, pytest.raises(ConfigError, match="--upgrade"):
        HuggingFaceDialect().embedding(_call(host.base_url), ONE)

    assert [] == host.heads


def test_a_client_that_does_not_know_a_parameter_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def older(self: object, text: object, *, model: str) -> None:
        raise AssertionError

    monkeypatch.setattr(huggingface_hub.InferenceClient, "feature_extraction", older)

    with pytest.raises(ConfigError, match="--upgrade"):
        HuggingFaceDialect().embedding(_call(), EmbeddingRequest(texts=("one",), dimensions=3))


# Tasks


async def test_text_is_generated_in_all_four_ways(clients: Clients) -> None:
    """Engines without streams answer a stream's request whole."""
    for body in ([{"generated_text": " is Paris."}], {"generated_text": " is Paris."}):
        with raw_host([reply(body)]) as host:
            answers = await all_ways(_task(host.base_url), clients)

        assert [(" is Paris.", "stop")] * 4 == [
            (answer.text, answer.finish_reason) for answer in answers if isinstance(answer, Answer)
        ]
        knobs = {"max_new_tokens": 256}
        prompt = "What is the capital of France?"
        assert [("/hf-inference/models/openai-community/gpt2", prompt, knobs)] * 4 == [
            (path, asked["inputs"], asked["parameters"]) for path, asked in sent(host.heads)
        ]
        assert [False, False, True, True] == [asked["stream"] for _, asked in sent(host.heads)]


async def test_streamed_text_comes_token_by_token_without_the_special_ones(clients: Clients) -> None:
    with raw_host([events(_token(" is"), _token(" Paris."), _end("</s>", " is Paris."))]) as host:
        answers = [streamed(_task(host.base_url), clients), await astreamed(_task(host.base_url), clients)]

    assert [(" is Paris.", "stop")] * 2 == [(answer.text, answer.finish_reason) for answer in answers]


def test_the_last_token_ends_the_stream_without_an_end_mark() -> None:
    decoder = HuggingFaceDialect().chunks(_task())

    decoder.feed(events(_token(" is")).partition(b"\r\n\r\n")[2])
    before = decoder.is_over, decoder.is_complete
    decoder.feed(events(_end("</s>", " is")).partition(b"\r\n\r\n")[2])

    assert (False, False) == before
    assert decoder.is_over
    assert decoder.is_complete


@pytest.mark.parametrize(
    ("payload", "text", "finish"),
    [
        (_end(" Paris", "it is Paris", "length", special=False), " Paris", "length"),
        (_token(".", index=1, generated_text=".", details=None), ".", "stop"),
        (_token("."), ".", None),
        ({"generated_text": "Q: x A: y"}, " A: y", "stop"),
        ({"generated_text": " A: y", "details": {"finish_reason": "stop_sequence"}}, " A: y", "stop"),
        ({"summary_text": "short"}, "short", "stop"),
        ({"translation_text": "kurz"}, "kurz", "stop"),
        ({"choices": [{"message": {"content": "hi"}, "finish_reason": "length"}]}, "hi", "length"),
        ({"generated_text": None, "token": "x", "details": []}, "", None),
    ],
)  # fmt: skip
def test_one_reader_reads_replies_and_events_of_tasks(payload: Any, text: str, finish: str | None) -> None:
    """A prompt that an engine repeats in front is taken off; a whole text beside a token is not told twice."""
    said = read_task(payload, "", prompt="Q: x")

    assert (text, finish) == (said.text, said.finish)


def test_usage_is_told_only_where_both_counts_are() -> None:
    details = {"finish_reason": "length", "generated_tokens": 3, "input_length": 4}

    both, half = (
        read_task({"generated_text": "x", "details": each}, "") for each in (details, {"generated_tokens": 3})
    )

    assert both.usage is not None
    assert (4, 3, 7) == (both.usage.input_tokens, both.usage.output_tokens, both.usage.total_tokens)
    assert half.usage is None


async def test_failures_of_tasks_are_typed(clients: Clients) -> None:
    error = {"error": "Model too busy, unable to get response", "error_type": "overloaded"}
    cases: list[tuple[bytes, type[ProviderError]]] = [
        (reply([{"generated_text": ""}]), EmptyAnswer),
        (reply([]), BadPayload),
        (reply([{"label": "x"}]), BadPayload),
        (reply('[{"generated_text": "half'), BadPayload),
        (reply(error), ServerError),
        (reply([error]), ServerError),
    ]
    for said, kind in cases:
        with raw_host([said]) as host:
            assert [kind] * 4 == [type(fault) for fault in await all_ways(_task(host.base_url), clients)]
    broken: list[tuple[bytes, type[ProviderError]]] = [
        (events(_token(" is")), ConnectionFailed),
        (events(_token(" is"), error), ServerError),
    ]
    for said, kind in broken:
        with raw_host([said]) as host:
            assert [kind] * 2 == [type(fault) for fault in (await all_ways(_task(host.base_url), clients))[2:]]


@pytest.mark.parametrize(
    ("fields", "parameters"),
    [
        ({"max_tokens": 9, "temperature": 0.7, "top_p": 0.9, "seed": 1, "stop": ("\n",)}, {"max_new_tokens": 9, "temperature": 0.7, "top_p": 0.9, "seed": 1, "stop": ["\n"]}),
        ({"temperature": 0.0}, {"max_new_tokens": 256, "do_sample": False}),
        ({"top_p": 1.0}, {"max_new_tokens": 256}),
        ({"seed": 1, "stop": ("x",), "quirks": ("no_seed", "no_stop", "no_max_tokens")}, {}),
        ({"extra_body": {"top_k": 3, "repetition_penalty": 1.2}}, {"max_new_tokens": 256, "top_k": 3, "repetition_penalty": 1.2}),
    ],
)  # fmt: skip
def test_knobs_are_sent_under_the_tasks_names(fields: dict[str, Any], parameters: Mapping[str, Any]) -> None:
    """These engines refuse a temperature of 0 and a top_p of 1."""
    assert parameters == _body(_task(**fields))["parameters"]


def test_what_could_cost_money_or_be_lost_is_refused_before_it_is_sent() -> None:
    parts = ({"role": "user", "content": [{"type": "text", "text": "What is this?"}, PICTURE]},)

    with pytest.raises(InvalidRequest, match="nothing was sent"):
        _body(_task(extra_body={"provider": "paid"}))
    with pytest.raises(InvalidRequest):
        _body(_task(messages=parts))


@pytest.mark.parametrize(
    ("messages", "prompt"),
    [
        ([("user", "Once upon")], "Once upon"),
        ([("system", "Be brief."), ("user", "Once upon")], "Be brief.\n\nOnce upon"),
        ([("user", [{"type": "text", "text": "Once"}, "upon"])], "Once\nupon"),
        ([("user", "Hi"), ("assistant", "Hello!"), ("user", "And?")], "User: Hi\n\nAssistant: Hello!\n\nUser: And?\n\nAssistant:"),
    ],
)  # fmt: skip
def test_messages_become_one_prompt(messages: list[tuple[str, Any]], prompt: str) -> None:
    """A single question is to be continued as it is; a conversation is told as one."""
    request = Request(messages=tuple({"role": role, "content": content} for role, content in messages))

    assert prompt == as_prompt(request)


@pytest.mark.parametrize(("task", "field"), [("summarization", "summary_text"), ("translation", "translation_text")])
async def test_summaries_and_translations_work_on_the_last_message(task: str, field: str, clients: Clients) -> None:
    messages = ({"role": "system", "content": "Be brief."}, {"role": "user", "content": "A long story."})
    said = "Be brief.\n\nA long story. In short."
    with raw_host([reply([{field: said}])]) as host:
        answers = await all_ways(_call(host.base_url, quirks=(task,), messages=messages), clients)

    assert [said] * 4 == [answer.text for answer in answers if isinstance(answer, Answer)]
    assert ["A long story."] * 4 == [asked["inputs"] for _, asked in sent(host.heads)]
    assert not any(b"text/event-stream" in head for head in host.heads)


@pytest.mark.parametrize(
    ("base_url", "model", "url"),
    [
        ("https://router.huggingface.co/v1", "a/b", "https://router.huggingface.co/hf-inference/models/a/b"),
        ("http://127.0.0.1:80", "a", "http://127.0.0.1:80/hf-inference/models/a"),
        ("http://127.0.0.1:80/hf/v1/", "bad model?x#y", "http://127.0.0.1:80/hf/hf-inference/models/bad%20model%3Fx%23y"),
    ],
)  # fmt: skip
def test_a_models_address_follows_the_rows(base_url: str, model: str, url: str) -> None:
    assert url == model_url(call(provider(base_url), model=model))


# Genuine exchanges


def _recorded(shared: Path, pattern: str) -> list[tuple[str, dict[str, Any]]]:
    files = sorted((shared / "recordings" / "huggingface").glob(pattern))
    return [(file.name, json.loads(file.read_text(encoding="utf-8"))) for file in files]


def test_recorded_vectors_are_read(shared: Path) -> None:
    """Six of the embeddings endpoints, one of a task's."""
    found: dict[str, Vectors] = {}
    exchanges = [*_recorded(shared, "embeddings_200_*"), *_recorded(shared, "task_200_mixedbread*")]

    for name, exchange in exchanges:
        body = HuggingFaceDialect().vectors(_call(), ONE, _reply(exchange))
        payload = json.loads(exchange["response_body"])
        assert tuple(payload["data"][0]["embedding"] if isinstance(payload, dict) else payload) == body.vectors[0], name
        found[name] = body

    assert 7 == len(found)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("task-sse_200_openai-community*", (".", "stop")),
        ("hub_api_200_openai-community*", (".", "length")),
        ("task-sse_200_mistralai*", " The answer"),
        ("task_200_mistralai*", (" One plus one is equal to two.", "stop")),
        ("task-sse_200_google*", EmptyAnswer),
        ("task_200_google*", EmptyAnswer),
        ("task-sse_200_openassistant*", ProviderError),
        ("hub_api-sse_200_meta-llama*", ProviderError),
    ],
)  # fmt: skip
def test_recorded_generations_are_read(pattern: str, expected: Any, shared: Path, clients: Clients) -> None:
    ((_, exchange),) = _recorded(shared, pattern)
    is_stream = exchange["streaming"]
    got: Answer | ProviderError
    kind = "text/event-stream" if is_stream else "application/json"
    with raw_host([reply(exchange["response_body"], kind=kind)]) as host:
        try:
            got = (
                streamed(_task(host.base_url), clients)
                if is_stream
                else adapter_for(_task(host.base_url).provider, clients).send(_task(host.base_url))
            )
        except ProviderError as fault:
            got = fault

    if isinstance(expected, type):
        assert isinstance(got, expected)
        return
    assert isinstance(got, Answer)
    if isinstance(expected, tuple):
        assert expected == (got.text, got.finish_reason)
    else:
        assert got.text.startswith(expected)


def _reply(exchange: dict[str, Any]) -> Reply:
    return Reply(status=exchange["status"], headers={}, body=exchange["response_body"].encode())
