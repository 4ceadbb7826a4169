"""How the command line is tested: as the real program, at upstreams on loopback."""

import contextlib
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import Result

import openmux_lc
from openmux_lc.testing import FakeUpstream

KEY = "gsk_" + "THISISASECRETKEYoftheTests0123456789"
"""Must never be seen anywhere."""

PACKAGE = Path(openmux_lc.__file__).parents[1]
"""Where the package under test lies, so that a subprocess runs the same one."""

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX terminal and signals")

Invoke = Callable[..., Result]


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A process that has ended."""

    code: int
    out: str
    err: str
    seconds: float


Openmux = Callable[..., Ended]


def environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's environment, whose package a subprocess finds, with changes.

    Bytecode is written, as it is on a user's machine: else every start compiles the package anew.
    """
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(PACKAGE), **(changes or {})}


def hosted_at(upstream: FakeUpstream, **changes: str) -> dict[str, str]:
    """Return the variables that put `upstream` where Groq is, as the only provider, with a key."""
    return {
        "OPENMUX_PROVIDERS": "groq",
        "OPENMUX_GROQ_BASE_URL": upstream.base_url,
        "OPENMUX_STATE_URL": "memory:",
        "GROQ_API_KEY": KEY,
        **changes,
    }


def two_hosts(folder: Path, first: FakeUpstream, second: FakeUpstream) -> dict[str, str]:
    """Return the variables of a pool that asks `first:m`, then `second:m`."""
    config = folder / "two.toml"
    rows = []
    for name, upstream, quality in (("first", first, 0.9), ("second", second, 0.1)):
        rows.append(f'[providers.{name}]\nbase_url = "{upstream.base_url}"\nfree = true\n')
        rows.append(f'[[models]]\nroute = "{name}:m"\nfree = true\nquality = {quality}\nmax_input_tokens = 100000\n')
    config.write_text("schema = 1\n" + "".join(sorted(rows)), encoding="utf-8")
    return {
        "OPENMUX_CONFIG": str(config),
        "OPENMUX_PROVIDERS": "first,second",
        "OPENMUX_STATE_URL": "memory:",
        "SECOND_API_KEY": KEY,
    }


class Terminal:
    """The real program on a terminal, with somebody who reads and types.

    Args:
        process: `pty.spawn` around the program; its pipes are the terminal's two ends.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        """Begin to read."""
        self._process = process
        self._shown = b""
        self._read_to = 0

    @property
    def shown(self) -> str:
        """Everything that was on the screen."""
        return self._shown.decode("utf-8", "replace")

    def wait_for(self, text: str, *, timeout_s: float = 20.0) -> None:
        """Read until `text` is shown, after what was waited for before."""
        wanted = text.encode()
        deadline = time.monotonic() + timeout_s
        while (at := self._shown.find(wanted, self._read_to)) < 0:
            assert self._read(deadline), f"{text!r} was not shown; the screen has {self.shown!r}"
        self._read_to = at + len(wanted)

    def interrupt_until(self, text: str, *, times: int = 10) -> None:
        """Press Ctrl-C until `text` is shown: as a person does whom the first one did not seem to reach.

        CPython waits for the next key where the signal comes just before it begins to wait (`readline.c` looks for
        signals first, then calls `select`).
        """
        for _ in range(times):
            self.type("\x03")
            with contextlib.suppress(AssertionError):
                self.wait_for(text, timeout_s=2.0)
                return
        self.wait_for(text)

    def type(self, text: str) -> None:
        """Type, a line break at the end where a line is meant."""
        assert self._process.stdin is not None
        self._process.stdin.write(text.encode())
        self._process.stdin.flush()

    def code(self, *, timeout_s: float = 20.0) -> int:
        """Return the exit code, once the program has ended."""
        deadline = time.monotonic() + timeout_s
        while self._read(deadline):
            pass
        return self._process.wait(max(0.1, deadline - time.monotonic()))

    def _read(self, deadline: float) -> bool:
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if not selector.select(max(0.0, deadline - time.monotonic())):
                return False
        piece = os.read(self._process.stdout.fileno(), 65536)
        self._shown += piece
        return bool(piece)


_SPAWN = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"


@contextlib.contextmanager
def terminal(*words: str, env: Mapping[str, str] | None = None) -> Iterator[Terminal]:
    """Run `openmux` on a terminal of its own."""
    command = [sys.executable, "-P", "-m", "openmux_lc.cli", *words]
    with subprocess.Popen(
        [sys.executable, "-c", _SPAWN, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**environment(env), "TERM": "dumb", "COLUMNS": "200"},
    ) as process:
        try:
            yield Terminal(process)
        finally:
            process.kill()
