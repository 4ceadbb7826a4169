"""Engines are found where they listen, in time, sync and async alike."""

import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from urllib.parse import urlsplit

import pytest

from openmux_lc.http import Clients
from openmux_lc.local.probe import Engine, find_engines, find_engines_async
from openmux_lc.testing import Answer, Behaviour, FakeUpstream, Fault, Flood, slow, stalled
from openmux_lc.types.catalog import FreeRule, Provider
from tests.patience import LATE_S

Find = Callable[..., Awaitable[tuple[Engine, ...]]]

LM_STUDIO_PAGES = {
    "/api/v0/models": {
        "object": "list",
        "data": [
            {"id": "gemma", "type": "llm", "state": "loaded", "max_context_length": 8192, "capabilities": ["tool_use"]},
            {"id": "nomic-embed", "type": "embeddings", "state": "not-loaded", "max_context_length": 2048},
        ],
    }
}


def row(name: str, *ports: int, dialect: str = "openai", base_url: str = "", **fields: object) -> Provider:
    """Return a row as the catalog has them; `ports` are where its engine is usually found."""
    path = "/v1" if dialect == "openai" else ""
    address = base_url or f"http://127.0.0.1:{ports[0]}{path}"
    return Provider(
        id=name,
        name=name,
        base_url=address,
        dialect=dialect,
        is_local=True,
        ports=ports,
        fingerprint=name,
        **fields,  # type: ignore[arg-type]
    )


def port_of(url: str) -> int:
    return urlsplit(url).port or 0


@pytest.fixture
def clients() -> Iterator[Clients]:
    made = Clients()
    yield made
    made.close()


@pytest.fixture(params=["sync", "async"])
async def find(request: pytest.FixtureRequest, clients: Clients) -> object:
    """Both faces under one name: every test here is a parity test."""

    async def find_sync(*args: object, **fields: object) -> tuple[Engine, ...]:
        return find_engines(*args, lambda: clients, **fields)  # type: ignore[arg-type]

    async def find_async(*args: object, **fields: object) -> tuple[Engine, ...]:
        return await find_engines_async(*args, lambda: clients, **fields)  # type: ignore[arg-type]

    yield find_sync if request.param == "sync" else find_async
    await clients.aclose()


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@pytest.mark.integration
async def test_a_real_llama_cpp_is_found_and_described(find: Find, llama_server: str) -> None:
    """Its model, the window in use, and that it calls tools."""
    (engine,) = await find([row("llamacpp", port_of(llama_server))], deadline_s=5.0)

    (model,) = engine.models
    assert ("llamacpp", llama_server, False) == (engine.provider, engine.base_url, engine.needs_key)
    assert ("tiny-openmux", {"chat", "code", "other"}) == (model.id, model.tasks)
    assert 2048 == model.profile["max_input_tokens"]
    assert model.profile["tool_calling"]
    assert model.capability < 0.05
    assert model.evidence is not None
    assert "local" == model.evidence.kind


@pytest.mark.integration
async def test_a_real_embedding_server_is_seen_to_embed(find: Find, llama_embedding_server: str) -> None:
    """Nothing on its pages says so; one letter turned into a vector does."""
    (engine,) = await find([row("llamacpp", port_of(llama_embedding_server))], deadline_s=5.0)

    assert "embeddings" in engine.models[0].tasks
    assert 192 == engine.models[0].dimensions


@pytest.mark.integration
async def test_a_real_ollama_is_found_and_described(find: Find, ollama_server: str) -> None:
    """Its window is the one it cuts at; the address has no version segment."""
    (engine,) = await find([row("ollama", port_of(ollama_server), dialect="ollama")], deadline_s=5.0)

    (model,) = engine.models
    assert ("ollama", ollama_server) == (engine.provider, engine.base_url)
    assert ("tiny-openmux:latest", 1024) == (model.id, model.profile["max_input_tokens"])
    assert (True, True, False) == (
        model.profile["tool_calling"],
        model.profile["reasoning_output"],
        model.profile["image_inputs"],
    )


@pytest.mark.integration
async def test_a_real_engine_that_wants_a_key(find: Find, start_llama: Callable[..., object]) -> None:
    """Without the key it is found but lists nothing; with it, it is complete."""
    with start_llama(api_key="k1") as base_url:  # type: ignore[attr-defined]
        rows = [row("llamacpp", port_of(base_url))]
        (shut,) = await find(rows, deadline_s=5.0)
        (opened,) = await find(rows, headers={"llamacpp": {"Authorization": "Bearer k1"}}, deadline_s=5.0)

    assert (True, ()) == (shut.needs_key, shut.models)
    assert (False, ["tiny-openmux"]) == (opened.needs_key, [model.id for model in opened.models])


@pytest.mark.integration
async def test_two_real_engines_are_found_at_once(find: Find, llama_server: str, ollama_server: str) -> None:
    """In the order of the rows, whichever answers first."""
    rows = [row("ollama", port_of(ollama_server), dialect="ollama"), row("llamacpp", port_of(llama_server))]
    found = await find(rows, deadline_s=5.0)

    assert ["ollama", "llamacpp"] == [engine.provider for engine in found]


async def test_an_engine_on_a_shared_port_gets_the_right_name(find: Find) -> None:
    """The port is where to look; the pages say who it is."""
    with FakeUpstream(pages=LM_STUDIO_PAGES) as up:
        port = port_of(up.base_url)
        (engine,) = await find([row("llamacpp", port), row("lmstudio", port), row("vllm", port)])

    assert ("lmstudio", up.base_url) == (engine.provider, engine.base_url)
    assert ["gemma", "nomic-embed"] == [model.id for model in engine.models]


async def test_a_gateway_of_our_own_on_an_engines_port_is_left_alone(find: Find) -> None:
    """Else the pool would call itself."""
    with FakeUpstream(pages={"/health": {"service": "openmux"}, **LM_STUDIO_PAGES}) as up:
        usual = await find([row("lmstudio", port_of(up.base_url))])
    with FakeUpstream(pages={"/health": Fault(200, headers={"X-OpenMux-Gateway": "1"})}) as up:
        other = await find([row("openai", port_of(up.base_url))])

    assert ((), ()) == (usual, other)


async def test_a_stranger_on_the_port_is_left_alone(find: Find) -> None:
    """A web server is no engine."""
    with FakeUpstream(models=Fault(404)) as up:
        port = port_of(up.base_url)
        assert () == await find([row("ollama", port, dialect="ollama"), row("llamacpp", port), row("openai", port)])


async def test_an_address_the_user_named_needs_no_fingerprint(find: Find) -> None:
    """A proxy or test server may stand in, under any port and prefix, with or without `/v1`."""
    with FakeUpstream(models=["m1"]) as up:
        for base_url in (up.base_url, up.root_url, f"{up.root_url}/v1/", f"{up.root_url}/some/prefix/v1"):
            (engine,) = await find([row("llamacpp", 8080, base_url=base_url)])

            assert base_url.rstrip("/").removesuffix("/v1") + "/v1" == engine.base_url
            assert ["m1"] == [model.id for model in engine.models]


async def test_an_address_that_is_also_the_usual_one_may_be_named(find: Find) -> None:
    """The user's word counts more than a fingerprint."""
    with FakeUpstream(models=["m1"]) as up:
        rows = [row("llamacpp", port_of(up.base_url))]
        unnamed = await find(rows)
        (engine,) = await find(rows, named={"llamacpp": up.base_url})

    assert () == unnamed
    assert ["m1"] == [model.id for model in engine.models]


async def test_an_address_the_user_named_that_is_down_is_not_found(find: Find) -> None:
    """Nor is a gateway of our own that was named by mistake, nor an unknown kind."""
    gateway = Fault(200, headers={"X-OpenMux-Gateway": "1"}, body={"data": [{"id": "x"}]})
    with FakeUpstream(models=gateway) as up:
        down = row("llamacpp", 8080, base_url=f"http://127.0.0.1:{unused_port()}/v1")
        ours = row("lmstudio", 1234, base_url=up.base_url)
        odd = row("nonsense", 99, base_url=up.base_url)

        assert () == await find([down, ours, odd])


async def test_only_rows_of_local_engines_are_looked_for(find: Find) -> None:
    """A row that is off, remote, or without a fingerprint costs nothing."""
    with FakeUpstream(models=["m"]) as up:
        port = port_of(up.base_url)
        off = row("openai", port, is_on=False)
        remote = Provider(id="r", name="r", base_url=up.base_url, fingerprint="openai", ports=(port,))
        plain = Provider(id="p", name="p", base_url=up.base_url, is_local=True, ports=(port,))

        assert () == await find([off, remote, plain])
        assert () == up.requests


async def test_ids_that_the_row_excludes_are_left_out(find: Find) -> None:
    """Before anything more is asked about them."""
    with FakeUpstream(models=["good", "paid-model"]) as up:
        rows = [row("openai", port_of(up.base_url), free=FreeRule(all_models=True, excluded=("paid-",)))]
        (engine,) = await find(rows)

    assert ["good"] == [model.id for model in engine.models]


@pytest.mark.parametrize(
    "page",
    [
        Flood(64),
        Flood(64, one_line=True),
        stalled(),
        slow(0.02, text="word " * 500),
        Answer("x", ending="hang"),
        Fault(0),
        Fault(200, body="<html>"),
    ],
)
async def test_a_hostile_server_costs_no_more_than_the_deadline(find: Find, page: Behaviour) -> None:
    """Endless, silent, dripping, or hanging up: nothing is adopted, and time and memory are bounded."""
    with FakeUpstream(pages={"/health": page}) as up:
        began = time.monotonic()
        found = await find([row("llamacpp", port_of(up.base_url))], deadline_s=0.2)
        took = time.monotonic() - began

    assert () == found
    assert took < LATE_S


async def test_what_answered_by_the_deadline_counts(find: Find) -> None:
    """Details that come too late leave the model with what the list told."""
    tags = {"models": [{"name": "a:7b", "details": {}}, {"name": "b:7b", "details": {}}]}
    pages = {
        "/api/version": {"version": "1"},
        "/api/tags": tags,
        "/api/show": Fault(first_byte_s=60),
    }
    with FakeUpstream(pages=pages) as up:  # type: ignore[arg-type]
        (engine,) = await find([row("ollama", port_of(up.base_url), dialect="ollama")], deadline_s=1.5)

    assert ["a:7b", "b:7b"] == [model.id for model in engine.models]
    assert "tool_calling" not in engine.models[0].profile


async def test_a_machine_without_engines_costs_nothing(find: Find) -> None:
    """Refused ports are known at once; the client is not even made."""
    ports = [unused_port() for _ in range(5)]
    began = time.monotonic()
    found = await find([row("openai", port) for port in ports])

    assert () == found
    assert time.monotonic() - began < LATE_S


def test_nobody_listening_means_no_client() -> None:
    """Neither face asks for the HTTP clients then."""

    def never() -> Clients:
        raise AssertionError

    assert () == find_engines([row("openai", unused_port())], never)


def test_looking_at_closed_ports_does_not_load_the_http_library() -> None:
    """The import costs more than the look."""
    port = unused_port()
    program = f"""
import sys
sys.path[:0] = {[path for path in sys.path if path]!r}
from openmux_lc.local.probe import find_engines
from openmux_lc.types.catalog import Provider
url = "http://127.0.0.1:{port}/v1"
row = Provider(id="a", name="a", base_url=url, is_local=True, ports=({port},), fingerprint="openai")
assert find_engines([row], lambda: 1 / 0) == ()
assert "httpx" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)


async def test_the_first_of_two_engines_of_one_kind_is_taken(find: Find) -> None:
    """A row has one engine: the one on the port it names first."""
    with FakeUpstream(models=["one"]) as first, FakeUpstream(models=["two"]) as second:
        (engine,) = await find([row("openai", port_of(first.base_url), port_of(second.base_url))], deadline_s=5.0)

    assert first.base_url == engine.base_url
