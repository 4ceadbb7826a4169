"""End to end with the genuine engines: llama.cpp's server and a real Ollama.

The tiny model answers, calls tools, thinks and writes JSON; nothing here is a stand-in.
"""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool

from openmux_lc import ChatOpenMux, Mux, OpenMuxEmbeddings, Orchestrator, Settings
from openmux_lc.errors import EmbeddingSpaceError
from openmux_lc.testing import FakeUpstream, cut, dropped

pytestmark = pytest.mark.integration

QUESTION = "What is the capital of France?"
RIGHT = "The capital of France is Paris."


@tool
def get_weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"sunny in {city}"


def pool(folder: Path, **environ: str) -> Mux:
    variables = {"OPENMUX_STATE_URL": "memory:", "OPENMUX_OFFLINE": "1", **environ}
    return Mux(Settings.load(environ=variables, cwd=folder))


@pytest.fixture(params=["llamacpp", "ollama"])
def engine(request: pytest.FixtureRequest, tmp_path: Path):
    """A pool that holds nothing but one genuine engine."""
    if request.param == "llamacpp":
        base_url = request.getfixturevalue("llama_server")
        variables = {"OPENMUX_LLAMACPP_BASE_URL": base_url, "OPENMUX_PROVIDERS": "llamacpp"}
    else:
        base_url = request.getfixturevalue("ollama_server")
        variables = {"OPENMUX_OLLAMA_BASE_URL": base_url, "OPENMUX_PROVIDERS": "ollama"}
    with pool(tmp_path, **variables) as mux:
        yield mux


def test_a_real_engine_answers_and_counts_its_tokens(engine: Mux):
    answer = ChatOpenMux(mux=engine, temperature=0).invoke(QUESTION)

    assert RIGHT == answer.text.strip()
    assert answer.usage_metadata["output_tokens"] > 0
    assert "local" in " ".join(answer.response_metadata["openmux"]["why"]) or answer.response_metadata["openmux"]["why"]


def test_a_real_engine_streams_token_by_token(engine: Mux):
    chunks = list(ChatOpenMux(mux=engine, temperature=0).stream(QUESTION))
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk

    assert RIGHT == whole.text.strip()
    assert 3 < len(chunks)
    assert whole.usage_metadata["input_tokens"] > 0


def test_a_real_engine_answers_without_blocking(engine: Mux):
    async def ask() -> tuple[str, str]:
        llm = ChatOpenMux(mux=engine, temperature=0)
        whole = await llm.ainvoke(QUESTION)
        streamed = "".join([chunk.text async for chunk in llm.astream(QUESTION)])
        await engine.clients.aclose()
        return whole.text.strip(), streamed.strip()

    assert (RIGHT, RIGHT) == asyncio.run(ask())


def test_a_real_engine_calls_a_tool_and_uses_what_it_gave(engine: Mux):
    llm = ChatOpenMux(mux=engine, temperature=0).bind_tools([get_weather])
    question = HumanMessage("What is the weather in Paris?")

    asked = llm.invoke([question])
    call = asked.tool_calls[0]
    final = llm.invoke([question, asked, ToolMessage("sunny", tool_call_id=call["id"])])

    assert ("get_weather", {"city": "Paris"}) == (call["name"], call["args"])
    assert "sunny" in final.text


def test_thinking_is_kept_apart_from_the_answer(engine: Mux):
    answer = ChatOpenMux(mux=engine, temperature=0).invoke("Think: What is the opposite of hot?")

    assert "The opposite of hot is cold." == answer.text.strip()
    assert "<think>" not in answer.text


def test_a_first_provider_that_is_down_is_passed(tmp_path: Path, llama_server: str):
    """S1-06 with a genuine engine behind a dead host."""
    with FakeUpstream([dropped()]) as down:
        config = tmp_path / "c.toml"
        config.write_text(
            "schema = 1\n[[models]]\nroute = 'down:m'\nfree = true\nquality = 1.0\n"
            f"[providers.down]\nbase_url = '{down.base_url}'\nfree = true\n"
        )
        variables = {
            "OPENMUX_CONFIG": str(config),
            "OPENMUX_LLAMACPP_BASE_URL": llama_server,
            "OPENMUX_PROVIDERS": "down,llamacpp",
        }
        with pool(tmp_path, **variables) as mux:
            answer = ChatOpenMux(model=["down:m", "auto"], temperature=0, mux=mux).invoke(QUESTION)

    attempts = answer.response_metadata["openmux"]["attempts"]
    assert RIGHT == answer.text.strip()
    assert {"ConnectionFailed"} == {attempt["error"] for attempt in attempts[:-1]}
    assert "llamacpp:tiny-openmux" == attempts[-1]["route"]


def test_the_orchestrators_documented_line_works(engine: Mux):
    """S1-01."""
    assert RIGHT == Orchestrator(mux=engine).process(QUESTION)["response"].strip()


def test_a_models_window_comes_from_the_engine(engine: Mux):
    windows = {entry.model.profile.get("max_input_tokens") for entry in engine.entries() if not entry.blocked}

    assert windows
    assert None not in windows


def test_embeddings_come_from_a_real_engine_and_stay_in_their_space(tmp_path: Path, llama_embedding_server: str):
    variables = {"OPENMUX_LLAMACPP_BASE_URL": llama_embedding_server, "OPENMUX_PROVIDERS": "llamacpp"}
    with pool(tmp_path, **variables) as mux:
        route = next(str(entry.route) for entry in mux.entries() if not entry.blocked)
        vectors = OpenMuxEmbeddings(model=route, mux=mux)
        documents = vectors.embed_documents(["Paris is in France.", "A cat sat."])
        query = asyncio.run(_aembed(vectors, mux))

    assert {192} == {len(vector) for vector in (*documents, query)}
    assert (route, 192) == vectors.space
    assert documents[0] != documents[1]


async def _aembed(vectors: OpenMuxEmbeddings, mux: Mux) -> list[float]:
    try:
        return await vectors.aembed_query("Where is Paris?")
    finally:
        await mux.clients.aclose()


def test_ollama_embeds_through_its_native_api(tmp_path: Path, ollama_server: str):
    variables = {"OPENMUX_OLLAMA_BASE_URL": ollama_server, "OPENMUX_PROVIDERS": "ollama"}
    with pool(tmp_path, **variables) as mux:
        vector = OpenMuxEmbeddings(model="ollama:tiny-openmux:latest", mux=mux).embed_query("hello")

    assert 192 == len(vector)


def test_a_lost_embedding_model_is_told_not_replaced(
    tmp_path: Path, start_llama: Callable[..., AbstractContextManager[str]]
):
    """Vectors of another model could not be compared with the earlier ones."""
    with start_llama(embedding=True) as base_url:
        mux = pool(tmp_path, OPENMUX_LLAMACPP_BASE_URL=base_url, OPENMUX_PROVIDERS="llamacpp")
        vectors = OpenMuxEmbeddings(mux=mux)
        vectors.embed_query("hello")
    with mux, pytest.raises(EmbeddingSpaceError, match="embed everything anew"):
        vectors.embed_query("hello again")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.parametrize(("name", "port"), [("llamacpp", 8080), ("ollama", 11434)])
def test_openmux_chat_finds_the_engine_on_its_default_port(
    request: pytest.FixtureRequest, tmp_path: Path, name: str, port: int
):
    """The contract's end-to-end line: an empty home, no key, one engine, one command."""
    if not _is_free(port):
        pytest.skip(f"port {port} is taken on this machine")
    start = request.getfixturevalue("start_llama" if name == "llamacpp" else "start_ollama")
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONUTF8": "1", "OPENMUX_OFFLINE": "1"}
    with start(port=port):
        ended = subprocess.run(
            [sys.executable, "-m", "openmux_lc.cli", "chat", QUESTION],
            env=environ,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert 0 == ended.returncode, ended.stderr
    assert RIGHT == ended.stdout.strip()


@pytest.mark.parametrize("words", [3, 4, 5])
def test_a_real_ollama_goes_on_in_mid_sentence(ollama_server: str, tmp_path: Path, words: int):
    """It takes what was delivered as the beginning of its own answer."""
    with FakeUpstream(cut(words, text=RIGHT)) as broken:
        config = tmp_path / "openmux.toml"
        config.write_text(
            'schema = 1\n[[models]]\nroute = "broken:m"\nfree = true\nmax_input_tokens = 100000\n'
            f'[providers.broken]\nbase_url = "{broken.base_url}"\nfree = true\n',
            encoding="utf-8",
        )
        variables = {"OPENMUX_CONFIG": str(config), "OPENMUX_OLLAMA_BASE_URL": ollama_server}
        with pool(tmp_path, **variables, OPENMUX_OFFLINE="0", OPENMUX_PROVIDERS="broken,ollama") as mux:
            llm = ChatOpenMux(mux=mux, model=["broken:m", "auto"], temperature=0)
            chunks = list(llm.stream(QUESTION))

    assert RIGHT == "".join(chunk.text for chunk in chunks)
    assert 2 == len(chunks[-1].response_metadata["openmux"]["segments"])
