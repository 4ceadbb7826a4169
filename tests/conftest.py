"""What every test shares: the folder of genuine exchanges, a clean environment, and no network but loopback.

A test sees an empty home folder, an empty working directory and none of the developer's keys; only a `live` test
keeps the real environment.
"""

import importlib.util
import ipaddress
import os
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
"""The repository (or the unpacked sdist) that these tests belong to."""

SHARED = Path(os.environ.get("OPENMUX_SHARED") or ROOT.parent / "shared")
"""Genuine exchanges and reference material beside the repository; may be absent."""

_PRIVATE_PREFIXES = ("OPENMUX_", "LANGCHAIN_", "LANGSMITH_", "OLLAMA_")
_PRIVATE_ENDING = re.compile(r"_(API_KEY|TOKEN|SECRET_KEY)(_\d)?$|_PROXY$")


class _Brake:
    """Refuses connections that leave the machine, as a machine without a network would."""

    def __init__(self) -> None:
        self.is_on = True

    def __call__(self, event: str, args: tuple[object, ...]) -> None:
        if not self.is_on or event not in {"socket.connect", "socket.getaddrinfo"}:
            return
        if event == "socket.connect":
            address = args[1]
            if isinstance(address, tuple) and not _is_loopback(address[0]):
                message = f"tests may only reach loopback, not {address[0]!r}"
                raise ConnectionRefusedError(message)
        elif not _is_number(args[0]) and not _is_loopback(args[0]):
            message = f"tests may only look up loopback, not {args[0]!r}"
            raise socket.gaierror(socket.EAI_NONAME, message)


def _text(host: object) -> str:
    return host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)


def _is_number(host: object) -> bool:
    if host is None:
        return True
    try:
        ipaddress.ip_address(_text(host).partition("%")[0])
    except ValueError:
        return False
    return True


def _is_loopback(host: object) -> bool:
    name = _text(host).rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    return _is_number(host) and ipaddress.ip_address(name.partition("%")[0]).is_loopback


_brake = _Brake()
sys.addaudithook(_brake)


class _PatientSys:
    """What `threading` sees as `sys` while coverage traces: two threads may begin at once.

    Expected: each installs its trace function. Actual, before Python 3.12 and now and then: `RuntimeError: Cannot
    install a trace function while another trace function is being installed`, and that thread ends before it has begun
    (https://github.com/python/cpython/issues/98257). Delete this with the support of 3.11.
    """

    def __getattr__(self, name: str) -> object:
        return getattr(sys, name)

    def settrace(self, function: object) -> None:
        for _ in range(10_000):
            try:
                return sys.settrace(function)  # type: ignore[arg-type]
            except RuntimeError:
                time.sleep(0)
        return sys.settrace(function)  # type: ignore[arg-type]


def pytest_configure(config: pytest.Config) -> None:
    """Register the real engines' fixtures by path: in importlib mode `pytest_plugins` could not name them."""
    # A shell starts what it runs in the background with Ctrl-C ignored, and the commands under test would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if sys.version_info < (3, 12) and sys.gettrace() is not None:
        threading._sys = _PatientSys()  # type: ignore[attr-defined]
    path = Path(__file__).with_name("engines") / "fixtures.py"
    spec = importlib.util.spec_from_file_location("openmux_test_engines", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    config.pluginmanager.register(module, "openmux_test_engines")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip `live` tests unless they were asked for."""
    if os.environ.get("OPENMUX_LIVE") == "1":
        return
    skip = pytest.mark.skip(reason="talks to real services; set OPENMUX_LIVE=1 and the providers' keys to run it")
    for item in items:
        if item.get_closest_marker("live"):
            item.add_marker(skip)


@pytest.fixture(autouse=True)
def _clean_environment(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """An empty home and working directory, no keys, no settings, no proxy, no network but loopback."""
    if request.node.get_closest_marker("live"):
        _brake.is_on = False
        yield
        _brake.is_on = True
        return
    for name in list(os.environ):
        upper = name.upper()
        if upper.startswith(_PRIVATE_PREFIXES) or _PRIVATE_ENDING.search(upper):
            monkeypatch.delenv(name)
    monkeypatch.delenv("LOG_LEVEL", raising=False)
    home = tmp_path_factory.mktemp("home")
    for name in ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(home))
    for name in ("CACHE", "CONFIG", "DATA", "STATE"):
        monkeypatch.delenv(f"XDG_{name}_HOME", raising=False)
    monkeypatch.chdir(home)
    yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of genuine exchanges beside the repository."""
    if not SHARED.is_dir():
        pytest.skip("the folder of genuine exchanges is not here (set OPENMUX_SHARED to where it is)")
    return SHARED
