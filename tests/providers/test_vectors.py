"""Embeddings: one vector per text, in order, finite and of one length (S1-01)."""

import base64
import json
import struct
from typing import Any

import pytest

from openmux_lc.errors import BadPayload, ModelGone, ProviderError
from openmux_lc.http import Clients
from openmux_lc.providers.exchange import Reply
from openmux_lc.providers.registry import adapter_for
from openmux_lc.providers.vectors import decode_vectors
from openmux_lc.types.run import EmbeddingRequest, Vectors
from tests.providers.calls import call, provider
from tests.providers.raw_host import raw_host

TWO = EmbeddingRequest(texts=("first text", "second text"))


def _decoded(body: Any) -> Vectors:
    return decode_vectors(call(), TWO, Reply(status=200, headers={}, body=json.dumps(body).encode()))


def test_vectors_are_put_in_the_order_of_their_index() -> None:
    found = _decoded(
        {
            "data": [{"index": 1, "embedding": [2, 3]}, {"index": 0, "embedding": [0.5, 1]}],
            "usage": {"prompt_tokens": 4},
        }
    )

    assert ((0.5, 1.0), (2.0, 3.0)) == found.vectors
    assert (4, False) == (found.usage.input_tokens, found.usage.is_estimated)


def test_packed_vectors_are_unpacked() -> None:
    packed = base64.b64encode(struct.pack("<2f", 0.5, 1.0)).decode()

    found = _decoded({"data": [{"embedding": packed}, {"embedding": packed}]})

    assert ((0.5, 1.0), (0.5, 1.0)) == found.vectors
    assert found.usage.is_estimated


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [[1.0]],
        [[1.0], [1.0, 2.0]],
        [[], []],
        [[1.0], ["x"]],
        [[1.0], None],
        [[1.0], "???"],
        [[1.0], [True]],
    ],
)
def test_vectors_that_do_not_fit_the_texts_are_a_bad_payload(rows: list[Any]) -> None:
    with pytest.raises(BadPayload):
        _decoded({"data": [{"embedding": row} for row in rows]})


def test_an_infinite_number_is_no_vector() -> None:
    body = b'{"data": [{"embedding": [1e999]}, {"embedding": [1]}]}'

    with pytest.raises(BadPayload):
        decode_vectors(call(), TWO, Reply(status=200, headers={}, body=body))


def test_an_error_under_a_success_is_a_fault() -> None:
    with pytest.raises(ModelGone):
        _decoded({"error": {"message": "model not found", "code": 404}})


@pytest.mark.parametrize("dialect", ["openai", "ollama", "gemini", "cohere"])
def test_no_text_that_was_to_become_a_vector_is_quoted_by_a_fault(dialect: str) -> None:
    """Not the longest one only."""
    texts = ("my secret diary of nineteen ninety-nine", "a longer text in which nothing stands that anybody minds")
    said = json.dumps({"error": {"message": f"cannot read: {texts[0]}"}})
    head = f"HTTP/1.1 400 Bad\r\nContent-Type: application/json\r\nContent-Length: {len(said)}\r\n\r\n"
    clients = Clients()
    with raw_host([head.encode() + said.encode()]) as host:
        asked = call(provider(host.base_url, dialect=dialect))
        with pytest.raises(ProviderError) as caught:
            adapter_for(asked.provider, clients).embed(asked, EmbeddingRequest(texts=texts))
    clients.close()

    assert "secret diary" not in str(caught.value)
    assert 400 == caught.value.status_code
