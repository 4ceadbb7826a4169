"""Fixtures of the command line's tests: a command in this process, and the real program."""

import logging
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from openmux_lc.cli.app import app
from tests.cli.program import Ended, Invoke, Openmux, environment


@pytest.fixture(autouse=True)
def _log_as_it_was() -> Iterator[None]:
    """Undo what a command run in this process did to the package's log."""
    logger = logging.getLogger("openmux_lc")
    level, handlers = logger.level, list(logger.handlers)
    yield
    logger.setLevel(level)
    logger.handlers[:] = handlers


@pytest.fixture
def invoke() -> Invoke:
    """Run a command in this process: `invoke("chat", "hello", env={...}, stdin="...")`."""

    def run(*words: str, env: Mapping[str, str] | None = None, stdin: str | bytes | None = None) -> Result:
        return CliRunner().invoke(app, list(words), env=dict(env or {}), input=stdin, prog_name="openmux")

    return run


@pytest.fixture
def openmux() -> Openmux:
    """Run the real program in a process of its own."""

    def run(
        *words: str, env: Mapping[str, str] | None = None, stdin: str | bytes = b"", cwd: Path | None = None
    ) -> Ended:
        started = time.monotonic()
        ended = subprocess.run(
            [sys.executable, "-P", "-m", "openmux_lc.cli", *words],
            capture_output=True,
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            env=environment(env),
            cwd=cwd,
            timeout=60,
            check=False,
        )
        return Ended(
            code=ended.returncode,
            out=ended.stdout.decode("utf-8"),
            err=ended.stderr.decode("utf-8"),
            seconds=time.monotonic() - started,
        )

    return run
