"""The engine that comes with the package: real, quick, and gone with its parent."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from openmux_lc.errors import ConfigError, OpenMuxError
from openmux_lc.local import embedded
from openmux_lc.local.embedded import TINY_MODEL_ID, embedded_engine, has_embedded_engine, tiny_model_path

needs_llama = pytest.mark.skipif(not has_embedded_engine(), reason="needs pip install 'openmux-lc[demo]'")


def post(url: str, body: dict[str, object]) -> dict[str, object]:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as response:
        answer: dict[str, object] = json.load(response)
        return answer


def is_open(url: str) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", urlsplit(url).port or 0)) == 0


def test_the_tiny_model_ships_with_the_package() -> None:
    """With its licence beside it; two megabytes, not twenty."""
    path = tiny_model_path()

    assert b"GGUF" == path.read_bytes()[:4]
    assert path.stat().st_size < 3_000_000
    assert "CC0" in path.with_name("README.md").read_text(encoding="utf-8")


@needs_llama
@pytest.mark.integration
def test_it_answers_with_a_real_model_and_stops() -> None:
    """One context manager: up, asked, down."""
    with embedded_engine() as base_url:
        body = {"model": TINY_MODEL_ID, "messages": [{"role": "user", "content": "What is 7 + 5?"}], "temperature": 0}
        answer = post(f"{base_url}/chat/completions", body)

    assert base_url.endswith("/v1")
    assert "7 + 5 is 12." == answer["choices"][0]["message"]["content"]  # type: ignore[index]
    assert TINY_MODEL_ID == answer["model"]
    assert not is_open(base_url)


@needs_llama
@pytest.mark.integration
def test_another_model_file_is_served_under_its_own_name(tmp_path: Path) -> None:
    """The file's stem is its id; a port may be asked for."""
    model = tmp_path / "mine.gguf"
    model.write_bytes(tiny_model_path().read_bytes())
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with embedded_engine(model, port=port) as base_url, urllib.request.urlopen(f"{base_url}/models") as response:
        listed = json.load(response)

    assert f"http://127.0.0.1:{port}/v1" == base_url
    assert ["mine"] == [row["id"] for row in listed["data"]]


@needs_llama
@pytest.mark.integration
def test_it_does_not_outlive_a_parent_that_was_killed() -> None:
    """A crash leaves no server behind: it lives as long as its standard input."""
    program = (
        "import sys, time\n"
        f"sys.path[:0] = {[path for path in sys.path if path]!r}\n"
        "from openmux_lc.local.embedded import embedded_engine\n"
        "with embedded_engine() as base_url:\n"
        "    print(base_url, flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        base_url = parent.stdout.readline().strip()
        was_open = is_open(base_url)
        parent.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    deadline = time.monotonic() + 10
    while is_open(base_url) and time.monotonic() < deadline:
        time.sleep(0.01)  # another process is ending

    assert was_open
    assert not is_open(base_url)


@needs_llama
@pytest.mark.integration
def test_a_file_that_is_no_model_is_told_with_the_servers_own_words(tmp_path: Path) -> None:
    """The end of the server's log is the only thing that explains it."""
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + os.urandom(64))

    with pytest.raises(OpenMuxError, match="did not start") as failed, embedded_engine(broken):
        pass

    assert "log ends: " in str(failed.value)


@needs_llama
@pytest.mark.integration
def test_a_server_that_takes_too_long_is_given_up() -> None:
    """The wait has an end, and the process is gone after it."""
    with pytest.raises(OpenMuxError, match=r"within 0\.001 s"), embedded_engine(start_s=0.001):
        pass


def test_a_model_file_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Before any process is started."""
    monkeypatch.setattr(embedded, "has_embedded_engine", lambda: True)

    with pytest.raises(ConfigError, match=r"nothing\.gguf"), embedded_engine(tmp_path / "nothing.gguf"):
        pass


def test_a_missing_extra_is_named_with_the_command_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has the base install reads what to type."""
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)

    with pytest.raises(ConfigError, match=r"pip install 'openmux-lc\[demo\]'"), embedded_engine():
        pass


def test_a_server_that_does_not_stop_by_itself_is_killed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Leaving the context never hangs, whatever the process does with the end of its input."""
    monkeypatch.setattr(embedded, "_STOP_S", 0.05)
    deaf = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
    with (tmp_path / "log").open("w+b") as log, embedded._running(deaf, log) as process:
        assert process.stdout is not None
        assert b"up" in process.stdout.readline()

    assert process.returncode is not None
    assert process.returncode != 0
