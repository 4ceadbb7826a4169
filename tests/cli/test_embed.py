"""`openmux embed`: vectors as JSON."""

import json
from pathlib import Path

import pytest

from openmux_lc.testing import FakeUpstream
from tests.cli.program import Invoke, Openmux


def embedding_host(folder: Path, base_url: str) -> dict[str, str]:
    config = folder / "embed.toml"
    config.write_text(
        f'schema = 1\n[providers.vec]\nbase_url = "{base_url}"\nfree = true\n'
        '[[models]]\nroute = "vec:tiny-openmux"\nfree = true\ntasks = ["embeddings"]\n',
        encoding="utf-8",
    )
    return {"OPENMUX_CONFIG": str(config), "OPENMUX_PROVIDERS": "vec", "OPENMUX_STATE_URL": "memory:"}


def test_one_text_gives_one_vector(invoke: Invoke, tmp_path: Path):
    with FakeUpstream() as upstream:
        ended = invoke("embed", "hello", env=embedding_host(tmp_path, upstream.base_url))

    vector = json.loads(ended.stdout)
    assert ended.exit_code == 0
    assert len(vector) > 1
    assert all(isinstance(number, float) for number in vector)


def test_several_texts_give_as_many_in_order(invoke: Invoke, tmp_path: Path):
    with FakeUpstream() as upstream:
        env = embedding_host(tmp_path, upstream.base_url)
        both = json.loads(invoke("embed", "one", "two", env=env).stdout)
        alone = [json.loads(invoke("embed", text, env=env).stdout) for text in ("one", "two")]

    assert alone == both


def test_json_tells_the_route_beside_the_vectors(invoke: Invoke, tmp_path: Path):
    with FakeUpstream() as upstream:
        told = json.loads(invoke("embed", "--json", "one", env=embedding_host(tmp_path, upstream.base_url)).stdout)

    assert told["route"] == "vec:tiny-openmux"
    assert told["dimensions"] == len(told["vectors"][0])


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [(("--purpose", "poems", "x"), 2, "poems"), (("--dimensions", "0", "x"), 2, "dimensions"), (("",), 2, "no text")],
)
def test_wrong_usage(invoke: Invoke, words: tuple[str, ...], code: int, told: str):
    ended = invoke("embed", *words)

    assert code == ended.exit_code
    assert told in ended.stderr


def test_without_an_embedding_model_there_is_no_answer(invoke: Invoke):
    ended = invoke("embed", "x", env={"OPENMUX_PROVIDERS": "groq", "OPENMUX_STATE_URL": "memory:"})

    assert ended.exit_code == 1
    assert "embeddings" in ended.stderr


@pytest.mark.integration
def test_a_real_engine_embeds(openmux: Openmux, tmp_path: Path, llama_embedding_server: str):
    ended = openmux("embed", "hello world", env=embedding_host(tmp_path, llama_embedding_server))

    assert ended.code == 0
    assert len(json.loads(ended.out)) == 192
