"""A real llama.cpp server with the tiny model that comes with the package.

For `openmux demo` and for tests: the model knows a handful of things. The server is a
process of its own on a free loopback port, and dies with the one that started it.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from openmux_lc.errors import ConfigError, OpenMuxError
from openmux_lc.types.json import as_object, as_text

__all__ = ["TINY_MODEL_ID", "embedded_engine", "has_embedded_engine", "tiny_model_path"]

TINY_MODEL_ID: Final = "tiny-openmux"
"""The id under which the tiny model is served."""

_STOP_S: Final = 2.0
_LOG_TAIL: Final = 600


def tiny_model_path() -> Path:
    """Return where the tiny model lies (GGUF, 2 MB)."""
    return Path(__file__).with_name("models") / "tiny-openmux-q8_0.gguf"


def has_embedded_engine() -> bool:
    """Whether the extra that brings llama.cpp is installed."""
    return importlib.util.find_spec("xllamacpp") is not None


@contextlib.contextmanager
def embedded_engine(
    model: Path | None = None, *, port: int = 0, embedding: bool = False, api_key: str = "", start_s: float = 20.0
) -> Iterator[str]:
    """Serve a GGUF model, and yield the base URL (OpenAI dialect, ends in `/v1`).

    Args:
        model: Default the tiny model, served as `TINY_MODEL_ID`.
        port: 0 takes a free one.
        embedding: Serve embeddings instead of chat.
        api_key: When set, the server refuses requests without this bearer token.
        start_s: Seconds it may take to load.

    Raises:
        ConfigError: llama.cpp is not installed, or there is no such model file.
        OpenMuxError: The server did not start.

    Example:
        >>> with embedded_engine() as base_url:  # doctest: +SKIP
        ...     print(base_url)
        http://127.0.0.1:40001/v1
    """
    path = model or tiny_model_path()
    if not has_embedded_engine():
        raise ConfigError("the embedded engine needs llama.cpp: run pip install 'openmux-lc[demo]'")
    if not path.is_file():
        raise ConfigError(f"there is no model file {str(path)!r}")
    program = Path(__file__).with_name("serve_gguf.py")
    command = [sys.executable, "-P", str(program), str(path), "--port", str(port), "--alias", _alias(model)]
    command += ["--embedding"] * embedding + (["--api-key", api_key] if api_key else [])
    with tempfile.TemporaryFile() as log, _running(command, log) as process:
        yield f"{_address(process, log, start_s)}/v1"


def _alias(model: Path | None) -> str:
    return model.stem if model else TINY_MODEL_ID


@contextlib.contextmanager
def _running(command: list[str], log: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Run the server, whose end of input is our exit, orderly or not."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LLAMA_ARG_")}
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and program
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environment
    )
    try:
        yield process
    finally:
        with contextlib.suppress(OSError):
            process.stdin.close()  # type: ignore[union-attr]  # a pipe, see above
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()  # type: ignore[union-attr]  # as above


def _address(process: subprocess.Popen[bytes], log: IO[bytes], start_s: float) -> str:
    """Return the address the server prints, or raise with the end of its log."""
    lines: list[bytes] = []
    reader = threading.Thread(target=lambda: lines.append(process.stdout.readline()), daemon=True)  # type: ignore[union-attr]  # a pipe
    reader.start()
    reader.join(start_s)
    with contextlib.suppress(ValueError):
        if root_url := as_text(as_object(json.loads(lines[0] if lines else b"")).get("root_url")):
            return root_url
    process.kill()
    reader.join()
    log.seek(0)
    tail = log.read()[-_LOG_TAIL:].decode("utf-8", "replace").strip()
    raise OpenMuxError(f"the embedded llama.cpp server did not start within {start_s:g} s; its log ends: {tail}")
