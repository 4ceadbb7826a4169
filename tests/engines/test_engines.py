"""The real engines do what the rest of the tests take for granted."""

import json
import shutil
import subprocess
import urllib.request
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

HERE = Path(__file__).parent

ANSWERS = [
    ("What is the capital of France?", "The capital of France is Paris."),
    ("What is 7 + 5?", "7 + 5 is 12."),
    ("Hello", "Hello! How can I help you today?"),
    ("Say river", "river"),
    ("What is the opposite of hot?", "The opposite of hot is cold."),
]

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def post(url: str, **body: object) -> dict[str, object]:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as response:
        answer: dict[str, object] = json.load(response)
        return answer


def ask_llama(base_url: str, text: str, **fields: object) -> dict[str, object]:
    messages = [{"role": "user", "content": text}]
    answer = post(f"{base_url}/chat/completions", model="tiny-openmux", messages=messages, temperature=0, **fields)
    return answer["choices"][0]["message"]  # type: ignore[index,no-any-return]


def ask_ollama(root_url: str, text: str, **fields: object) -> dict[str, object]:
    messages = [{"role": "user", "content": text}]
    answer = post(f"{root_url}/api/chat", model="tiny-openmux", messages=messages, stream=False, **fields)
    return answer["message"]  # type: ignore[return-value]


@pytest.mark.parametrize(("question", "answer"), ANSWERS)
def test_the_tiny_model_answers_the_same_in_llama_cpp(llama_server: str, question: str, answer: str) -> None:
    """The quantised model that ships with the package knows what it was taught."""
    assert answer == ask_llama(llama_server, question)["content"]


@pytest.mark.parametrize(("question", "answer"), ANSWERS)
def test_the_tiny_model_answers_the_same_in_ollama(ollama_server: str, question: str, answer: str) -> None:
    """The same file behind another engine and another template gives the same words."""
    assert answer == ask_ollama(ollama_server, question)["content"]


def test_the_tiny_model_calls_a_tool_in_llama_cpp(llama_server: str) -> None:
    """Its arguments are JSON text."""
    call = ask_llama(llama_server, "What is the weather in Paris?", tools=[WEATHER])["tool_calls"][0]  # type: ignore[index]

    assert "get_weather" == call["function"]["name"]
    assert {"city": "Paris"} == json.loads(call["function"]["arguments"])


def test_the_tiny_model_calls_a_tool_in_ollama(ollama_server: str) -> None:
    """Its arguments are an object."""
    call = ask_ollama(ollama_server, "What is the weather in Paris?", tools=[WEATHER])["tool_calls"][0]  # type: ignore[index]

    assert {"name": "get_weather", "arguments": {"city": "Paris"}} == call["function"]


def test_the_tiny_model_thinks_in_both(llama_server: str, ollama_server: str) -> None:
    """Thoughts come apart from the answer, under each engine's own name."""
    question = "Think: What is the opposite of hot?"
    llama, ollama = ask_llama(llama_server, question), ask_ollama(ollama_server, question, think=True)

    assert "The opposite of hot is cold." == llama["content"] == ollama["content"]
    assert "opposite of hot" in str(llama["reasoning_content"])
    assert "opposite of hot" in str(ollama["thinking"])


def test_the_tiny_model_writes_json_in_both(llama_server: str, ollama_server: str) -> None:
    """Structured output can be tested end to end."""
    question = "Give the capital of France as JSON."
    texts = [ask_llama(llama_server, question)["content"], ask_ollama(ollama_server, question)["content"]]

    assert [{"country": "France", "capital": "Paris"}] * 2 == [json.loads(str(text)) for text in texts]


def test_both_engines_make_vectors(llama_embedding_server: str, ollama_server: str) -> None:
    """Of the model's width, 192."""
    llama = post(f"{llama_embedding_server}/embeddings", model="tiny-openmux", input="hello")
    ollama = post(f"{ollama_server}/api/embed", model="tiny-openmux", input="hello")

    assert 192 == len(llama["data"][0]["embedding"])  # type: ignore[index]
    assert 192 == len(ollama["embeddings"][0])  # type: ignore[index]


@pytest.mark.parametrize("engine", ["start_llama", "start_ollama"])
def test_an_engine_leaves_nothing_behind(engine: str, request: pytest.FixtureRequest) -> None:
    """After its context the port is refused, helpers included."""
    start: Callable[[], AbstractContextManager[str]] = request.getfixturevalue(engine)
    with start() as url:
        path = "/models" if url.endswith("/v1") else "/api/version"
        with urllib.request.urlopen(f"{url}{path}", timeout=10) as response:
            status = response.status

    assert 200 == status
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"{url}{path}", timeout=10)


def test_a_finished_ollama_is_not_built_again(tmp_path: Path) -> None:
    """The script is idempotent: with the program in place it does nothing, not even ask the index."""
    if shutil.which("bash") is None or shutil.which("flock") is None:
        pytest.skip("the script needs bash and flock")
    program = tmp_path / "ollama" / "bin" / "ollama"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    command = ["bash", str(HERE / "make_ollama.sh"), str(tmp_path / "ollama")]
    subprocess.run(command, check=True, env={"PATH": "/usr/bin:/bin", "PYTHON": "/nonexistent"}, timeout=30)

    assert ["bin"] == names((tmp_path / "ollama").iterdir())


def names(paths: Iterable[Path]) -> list[str]:
    return sorted(path.name for path in paths)
