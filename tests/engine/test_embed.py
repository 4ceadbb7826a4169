"""Embeddings through the pool: batches, failover before the first vector, bad payloads."""

from pathlib import Path

import pytest

from openmux_lc.engine.embed import aembed, embed
from openmux_lc.errors import AllRoutesFailedError
from openmux_lc.testing import FakeUpstream, server_error
from openmux_lc.types.run import EmbeddingRequest
from tests.pool import make_pool

VECTORS = 'tasks = ["embeddings"]\n'


def pool(folder: Path, upstreams: dict[str, FakeUpstream]):
    mux = make_pool(folder, upstreams)
    mux.close()
    config = folder / "openmux.toml"
    text = config.read_text().replace("tool_calling = true\n", VECTORS)
    config.write_text(text)
    return type(mux)(mux.settings.load(environ={name: each.value for name, each in mux.settings.environment.items()}))


def test_many_texts_go_in_several_calls_to_one_route(tmp_path: Path):
    """S0-12: text and embeddings first; a host's cap on a batch is nobody's problem."""
    request = EmbeddingRequest(texts=tuple(f"text {number}" for number in range(250)))
    with FakeUpstream() as a, FakeUpstream() as b, pool(tmp_path, {"a": a, "b": b}) as mux:
        vectors = embed(mux, request)
        sizes = [len(call.body["input"]) for call in a.requests]
        spread = len(b.requests)
        alone = embed(mux, EmbeddingRequest(texts=("text 249",)))

    assert [96, 96, 58] == sizes
    assert 0 == spread
    assert 250 == len(vectors.vectors)
    assert alone.vectors[0] == vectors.vectors[249]
    assert vectors.usage.total_tokens > alone.usage.total_tokens


async def test_the_async_twin_gives_the_same_vectors(tmp_path: Path):
    request = EmbeddingRequest(texts=tuple(f"text {number}" for number in range(100)))
    with FakeUpstream() as a, pool(tmp_path, {"a": a}) as mux:
        assert embed(mux, request).vectors == (await aembed(mux, request)).vectors


def test_before_the_first_vector_the_next_route_is_asked(tmp_path: Path):
    request = EmbeddingRequest(texts=("hello",))
    with FakeUpstream([server_error()]) as a, FakeUpstream() as b, pool(tmp_path, {"a": a, "b": b}) as mux:
        vectors = embed(mux, request)

    assert "b:m" == str(vectors.route)


def test_when_all_fail_each_is_named(tmp_path: Path):
    with FakeUpstream([server_error()]) as a, pool(tmp_path, {"a": a}) as mux:
        with pytest.raises(AllRoutesFailedError, match="a:m"):
            embed(mux, EmbeddingRequest(texts=("hello",)))
