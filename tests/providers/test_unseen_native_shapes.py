"""Shapes that hosts of their own protocols send and that nobody recorded for us (S1-01).

Each is known from the host's documentation, from its published types, or from a report of somebody who met it; the
table says which. A shape is read whole, streamed and cut anywhere, and replayed: what a person expects, what the
package makes of it and what the replay's second reading says must be one.
"""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from openmux_lc.engine.assembly import Assembly
from openmux_lc.errors import (
    BadPayload,
    EmptyAnswer,
    ProviderError,
    ServerError,
)
from openmux_lc.providers.cloudflare import CloudflareDialect
from openmux_lc.providers.cohere import CohereDialect
from openmux_lc.providers.exchange import Reply
from openmux_lc.providers.gemini import GeminiDialect
from openmux_lc.providers.huggingface import HuggingFaceDialect
from openmux_lc.providers.pollinations import PollinationsDialect
from openmux_lc.providers.replicate import ReplicateDialect
from openmux_lc.types.run import Answer, EmbeddingRequest
from tests.providers.calls import call, provider
from tests.providers.replay.recording import Recording
from tests.providers.replay.run import replay
from tests.providers.replay.scope import case_of
from tests.providers.shapes import cloudflare, cohere, gemini, huggingface, pollinations
from tests.providers.shapes.shape import URLS, Due, Shape

_SIZES = (1, 2, 3, 7, 61, 100_000)
_DIALECTS = {
    "gemini": GeminiDialect(),
    "cohere": CohereDialect(),
    "cloudflare": CloudflareDialect(),
    "huggingface": HuggingFaceDialect(),
    "pollinations": PollinationsDialect(),
}


SHAPES = [
    *gemini.GEMINI,
    *gemini.GEMINI_STREAMED,
    *cohere.COHERE,
    *cohere.COHERE_STREAMED,
    *cohere.COHERE_OLD,
    *cloudflare.CLOUDFLARE,
    *huggingface.HUGGINGFACE,
    *pollinations.POLLINATIONS,
]
_BY_NAME = pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)


def _whole(shape: Shape) -> Answer:
    return _DIALECTS[shape.host].answer(shape.call, Reply(status=200, headers={}, body=shape.bytes))


def _streamed(shape: Shape, size: int) -> Answer:
    asked = shape.call
    decoder, assembly = _DIALECTS[shape.host].chunks(asked), Assembly(asked.route)
    for at in range(0, len(shape.bytes), size):
        for chunk in () if decoder.is_over else decoder.feed(shape.bytes[at : at + size]):
            assembly.add(chunk)
    for chunk in decoder.finish():
        assembly.add(chunk)
    return assembly.answer()


def _due(answer: Answer) -> Due:
    return Due(
        text=answer.text,
        reasoning=answer.reasoning,
        calls=tuple((each.name, json.dumps(json.loads(each.arguments))) for each in answer.tool_calls),
        finish=answer.finish_reason,
        tokens=None if answer.usage.is_estimated else (answer.usage.input_tokens, answer.usage.output_tokens),
    )


@_BY_NAME
def test_every_shape_is_read_as_it_should_be(shape: Shape) -> None:
    """Also where a stream was asked for and a whole body came; a stream gives the same however it is cut."""
    ways = [lambda size=size: _streamed(shape, size) for size in _SIZES]
    if not shape.is_stream:
        ways.append(lambda: _whole(shape))

    for way in ways:
        if isinstance(shape.due, Due):
            assert shape.due == _due(way())
        else:
            with pytest.raises(shape.due) as caught:
                way()
            assert shape.due is type(caught.value)


@pytest.mark.parametrize("host", sorted(_DIALECTS))
def test_the_replay_reads_every_shape_alike(host: str) -> None:
    """The second reading knows them too: another set of recordings is judged by it, and by nobody who looks."""
    recordings = [shape.recording for shape in SHAPES if shape.host == host]

    outcomes = replay(recordings, {})

    assert {} == {outcome.name: outcome.why for outcome in outcomes if outcome.verdict != "right"}
    assert [] == [outcome.name for outcome in outcomes if outcome.sent]


def test_lines_of_json_are_told_while_they_come() -> None:
    """The first version's stream is no events, and is none the slower for it."""
    shape = next(shape for shape in cohere.COHERE_OLD if shape.name == "cohere old text")
    decoder = CohereDialect().chunks(shape.call)

    first = decoder.feed(cohere.lines(cohere.OLD_START, *cohere.OLD_WORDS).encode())

    assert ["H", "i"] == [chunk.text for chunk in first]
    assert decoder.has_content


# --- Replicate


def _prediction(status: str, output: Any = None, **more: Any) -> dict[str, Any]:
    urls = {"get": "http://127.0.0.1:9/v1/predictions/p", "cancel": "http://127.0.0.1:9/v1/predictions/p/cancel"}
    return {"id": "p", "model": "m", "status": status, "output": output, "error": None, "urls": urls, **more}


PREDICTIONS: Sequence[tuple[str, dict[str, Any], str | type[ProviderError]]] = (
    ("pieces", _prediction("succeeded", ["Hel", "lo"]), "Hello"),
    ("text", _prediction("succeeded", "Hello"), "Hello"),
    ("number", _prediction("succeeded", 4), "4"),
    ("object", _prediction("succeeded", {"text": "Hi"}), '{"text": "Hi"}'),
    ("numbers", _prediction("succeeded", [1, 2]), "[1, 2]"),
    ("files", _prediction("succeeded", ["https://x/1.png", "https://x/2.png"]), "https://x/1.png\nhttps://x/2.png"),
    ("nothing", _prediction("succeeded"), EmptyAnswer),
    ("removed", _prediction("succeeded", data_removed=True), EmptyAnswer),
    ("failed", _prediction("failed", error="CUDA out of memory"), ServerError),
    ("failed with an object", _prediction("failed", error={"message": "Prediction interrupted"}), ServerError),
    ("canceled", _prediction("canceled"), ServerError),
    ("aborted", _prediction("aborted", logs=None), ServerError),
    ("a list of them", {"next": None, "previous": None, "results": []}, BadPayload),
)


@pytest.mark.parametrize(("name", "body", "due"), PREDICTIONS, ids=[name for name, _, _ in PREDICTIONS])
def test_a_prediction_is_read_in_every_state(name: str, body: Any, due: str | type[ProviderError]) -> None:
    """Statuses and outputs of the published schema, whatever a model's own output is."""
    asked = call(provider(dialect="replicate"), model="o/m")
    reply = Reply(status=201, headers={}, body=json.dumps(body).encode())
    recording = Recording(
        f"replicate/{name}.json",
        {
            "provider": "replicate",
            "endpoint_kind": "predictions",
            "status": 201,
            "url": "https://api.replicate.com/v1/models/o/m/predictions",
            "response_body": json.dumps(body).replace("http://127.0.0.1:9", "https://api.replicate.com"),
        },
    )

    if isinstance(due, str):
        answer = ReplicateDialect().read(asked, reply, None)
        assert isinstance(answer, Answer)
        assert due == answer.text
    else:
        with pytest.raises(due):
            ReplicateDialect().read(asked, reply, None)
    assert ["" if name != "a list of them" else None] == [
        outcome.why if outcome.verdict == "right" else None for outcome in replay([recording], {})
    ]


# --- Vectors

_FEATURES = "https://router.huggingface.co/hf-inference/models/m/pipeline/feature-extraction"
_GOOGLE = "https://generativelanguage.googleapis.com/v1beta/models/m"
VECTORS: Sequence[tuple[str, str, Any, list[list[float]] | None, int | None]] = (
    ("gemini", f"{_GOOGLE}:embedContent", {"embedding": {"values": [0.5, 1]}}, [[0.5, 1]], None),
    (
        "gemini",
        f"{_GOOGLE}:batchEmbedContents",
        {"embeddings": [{"values": [0.5]}, {"values": [1]}], "usageMetadata": {"promptTokenCount": 4}},
        [[0.5], [1]],
        4,
    ),
    ("gemini", f"{_GOOGLE}:embedContent", {"embeddings": [{"values": [0.5], "shape": [1]}]}, [[0.5]], None),
    ("gemini", f"{_GOOGLE}:batchEmbedContents", {"embeddings": [{}]}, None, None),
    ("cohere", "https://api.cohere.com/v2/embed", {"embeddings": {"int8": [[1]], "float": [[0.5]]}}, [[0.5]], None),
    (
        "cohere",
        "https://api.cohere.com/v2/embed",
        {"embeddings": {"float": [[0.5]], "int8": None}, "meta": {"billed_units": {"images": 1, "input_tokens": 0}}},
        [[0.5]],
        None,
    ),
    (
        "cohere",
        "https://api.cohere.com/v1/embed",
        {"embeddings": [[0.5], [1]], "meta": {"billed_units": {"input_tokens": 2}}},
        [[0.5], [1]],
        2,
    ),
    ("cohere", "https://api.cohere.com/v2/embed", {"embeddings": {"int8": [[1]]}}, None, None),
    (
        "cloudflare",
        URLS["cloudflare"],
        cloudflare.run({"shape": [2, 1], "data": [[0.5], [1]], "pooling": "cls", "usage": {"prompt_tokens": 4}}),
        [[0.5], [1]],
        4,
    ),
    ("cloudflare", URLS["cloudflare"], cloudflare.run({"shape": [1, 1], "data": [[0.5]]}), [[0.5]], None),
    ("huggingface", _FEATURES, [0.5, 1], [[0.5, 1]], None),
    ("huggingface", _FEATURES, [[0.5, 1]], [[0.5, 1]], None),
    ("huggingface", _FEATURES, [[0.5, 1], [1, 0]], [[0.5, 1], [1, 0]], None),
    ("huggingface", _FEATURES, [[[0.5, 1]], [[1, 0]]], [[0.5, 1], [1, 0]], None),
    ("huggingface", _FEATURES, [[[[0.5, 1]]]], [[0.5, 1]], None),
    ("huggingface", _FEATURES, [[[0.5, 1], [1, 0]]], None, None),
    ("huggingface", URLS["huggingface"], [[1, 0], [0, 1]], [[1, 0], [0, 1]], None),
)


@pytest.mark.parametrize(("host", "url", "body", "due", "tokens"), VECTORS)
def test_vectors_are_read_in_every_nesting(
    host: str, url: str, body: Any, due: list[list[float]] | None, tokens: int | None
) -> None:
    """One vector per text, whatever lies around them; one per token, and packed ones, are refused."""
    request = EmbeddingRequest(texts=("one", "two")[: len(due or [""])])
    reply = Reply(status=200, headers={}, body=json.dumps(body).encode())
    fields = {"provider": host, "endpoint_kind": "embeddings", "url": url, "response_body": json.dumps(body)}
    recording = Recording(f"{host}/embeddings.json", fields)

    if due is None:
        with pytest.raises(BadPayload):
            _DIALECTS[host].vectors(call(model="m"), request, reply)
    else:
        found = _DIALECTS[host].vectors(call(model="m"), request, reply)
        assert due == [list(vector) for vector in found.vectors]
        assert tokens == (None if found.usage.is_estimated else found.usage.input_tokens)
    assert "embed" == case_of(recording).mode
    assert [("right", "")] == [(outcome.verdict, outcome.why) for outcome in replay([recording], {})]


# --- Requests and kinds of other clients

_OK = gemini.GEMINI[0].body
_DECLARED = {"name": "f", "parameters": {"type": "OBJECT", "properties": {"a": {"type": "INTEGER"}}}}
_FREE = {"type": "object", "properties": {"a": {"type": "integer"}}}
REQUESTS: Sequence[tuple[str, str, Any]] = (
    (
        "gemini",
        "snake case",
        {
            "contents": {"parts": {"text": "Who?"}},
            "generation_config": {"response_mime_type": "application/json", "max_output_tokens": 9},
            "system_instruction": {"parts": {"text": "Be brief."}},
        },
    ),
    (
        "gemini",
        "a role of functions",
        {
            "contents": [
                {"role": "user", "parts": [{"text": "Who?"}]},
                {"role": "model", "parts": [{"function_call": {"name": "f", "args": {"a": 1}}}]},
                {"role": "function", "parts": [{"function_response": {"name": "f", "response": {"b": 2}}}]},
            ],
            "tools": {"function_declarations": [_DECLARED]},
            "tool_config": {"function_calling_config": {"mode": "none"}},
        },
    ),
    (
        "gemini",
        "files by address",
        {
            "contents": [
                {"parts": [{"file_data": {"mime_type": "image/png", "file_uri": "https://x/f"}}]},
                {
                    "role": "model",
                    "parts": [{"text": "So."}, {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}],
                },
                {"parts": [{"fileData": {"fileUri": "https://www.youtube.com/watch?v=x"}}, {"text": "And?"}]},
            ]
        },
    ),
    (
        "gemini",
        "numbers for words",
        {
            "contents": [{"role": "user", "parts": [{"text": "Who?"}]}],
            "tools": [
                {"functionDeclarations": [{"name": "f", "parameters": {"type": 6, "properties": {"a": {"type": 3}}}}]}
            ],
            "toolConfig": {"functionCallingConfig": {"mode": 1}},
            "safetySettings": [{"category": 10, "threshold": 3}],
        },
    ),
    ("cloudflare", "one prompt", {"prompt": "Who?"}),
    (
        "cloudflare",
        "tools without a wrapping",
        {"messages": [{"role": "user", "content": "Who?"}], "tools": [{"name": "f", "parameters": _FREE}]},
    ),
)


@pytest.mark.parametrize(("host", "name", "body"), REQUESTS, ids=[name for _, name, _ in REQUESTS])
def test_what_other_clients_ask_is_asked_by_us(host: str, name: str, body: Any) -> None:
    """The way back from a recorded body knows the spellings that the hosts know."""
    answer = {"gemini": _OK, "cloudflare": cloudflare.run({"response": "Hi"})}[host]
    shape = Shape(f"{host} {name}", answer, Due("Hi"), "clients of other languages", request=body)

    (outcome,) = replay([shape.recording], {})

    assert ("right", "", ()) == (outcome.verdict, outcome.why, outcome.sent)


_SIMILAR = {"inputs": {"source_sentence": "a", "sentences": ["b", "c"]}}
KINDS: Sequence[tuple[str, str, str, str, Any]] = (
    ("huggingface", "task", "POST", "https://router.huggingface.co/x/pipeline/sentence-similarity", [0.5, 1]),
    ("huggingface", "task", "POST", URLS["huggingface"], [[{"label": "A", "score": 0.5}]]),
    ("huggingface", "task", "POST", URLS["huggingface"], {"text": "what was heard"}),
    ("cloudflare", "run", "POST", URLS["cloudflare"], cloudflare.run([{"label": "A", "score": 0.5}])),
    ("cloudflare", "run", "POST", URLS["cloudflare"], cloudflare.run({"image": "AAAA"})),
    ("replicate", "predictions", "GET", "https://api.replicate.com/v1/predictions", {"results": []}),
    ("replicate", "trainings", "GET", "https://api.replicate.com/v1/trainings/t", {"status": "starting"}),
    ("cohere", "classify", "POST", "https://api.cohere.com/v1/classify", {"classifications": []}),
    ("gemini", "batch", "POST", f"{_GOOGLE}:asyncBatchEmbedContent", {"name": "batches/b"}),
    ("gemini", "generateText", "POST", f"{_GOOGLE}:generateText", {"candidates": [{"output": "x"}]}),
)


@pytest.mark.parametrize(("host", "kind", "method", "url", "body"), KINDS)
def test_what_is_not_asked_is_out_of_scope_for_a_reason(host: str, kind: str, method: str, url: str, body: Any) -> None:
    fields = {"provider": host, "endpoint_kind": kind, "method": method, "url": url, "response_body": json.dumps(body)}

    (outcome,) = replay([Recording(f"{host}/{kind}.json", fields)], {})

    assert "out" == outcome.verdict
    assert "nobody has looked" not in outcome.why


def test_scores_of_sentences_are_no_vector() -> None:
    """Only the question tells them apart: both are a list of numbers."""
    fields = {
        "provider": "huggingface",
        "endpoint_kind": "task",
        "url": URLS["huggingface"],
        "response_body": "[0.5, 1]",
    }

    scores = case_of(Recording("huggingface/task.json", {**fields, "request_body": _SIMILAR}))
    vector = case_of(Recording("huggingface/task.json", {**fields, "request_body": {"inputs": "a"}}))

    assert ("", "embed") == (scores.mode, vector.mode)


@pytest.mark.parametrize("version", ["v1", "v1alpha", "v1beta1/projects/p/locations/l/publishers/google"])
def test_the_version_is_part_of_the_address(version: str) -> None:
    url = URLS["gemini"].replace("v1beta", version)
    shape = Shape("gemini version", _OK, Due("Hi"), "documentation of versions", url=url)

    (outcome,) = replay([shape.recording], {})

    assert ("right", "", ()) == (outcome.verdict, outcome.why, outcome.sent)
