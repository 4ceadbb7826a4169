"""The contract matrix: what was bound is written anew for each host, in its own dialect, and kept by the answer.

Every dialect stands second behind a host that fails, and first as the one that breaks the contract. What a host was
really sent is tapped and pinned here.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from pydantic import BaseModel, Field

from openmux_lc import ChatOpenMux, Mux, Settings
from openmux_lc.errors import AllRoutesFailedError
from openmux_lc.testing import (
    Answer,
    FakeUpstream,
    answer_with_tool,
    chat_dialects,
    cut,
    error_in_200,
    rate_limited,
    server_error,
)
from openmux_lc.testing.behaviours import Behaviour

DIALECTS = chat_dialects()
PICTURE = "iVBORw0KGgo="
WORDS = Answer("It is Paris, of course.")
FAILURES = {"fault": server_error(500), "limit": rate_limited(9), "error in 200": error_in_200(), "cut": cut(0)}


class Capital(BaseModel):
    """A country's capital."""

    capital: str = Field(min_length=2)


GOOD_JSON = '{"capital": "Paris"}'
CALLED = answer_with_tool("Capital", GOOD_JSON)
SPOKEN = Answer(GOOD_JSON)


def _dig(body: Any, *path: str | int) -> Any:
    for step in path:
        body = body[step]
    return body


@dataclass(frozen=True)
class Tap:
    """Where a dialect says what: the path of each in the body, and the word for a call that has to be made."""

    tool: tuple
    must: tuple[tuple, Any] | None
    schema: tuple
    stop: tuple
    image: Callable[[Any], Any]


_FUNCTION = ("tools", 0, "function", "name")
_OPENAI = Tap(
    _FUNCTION,
    (("tool_choice",), "required"),
    ("response_format", "json_schema", "schema"),
    ("stop",),
    lambda body: _dig(body, "messages", 0, "content", 1, "image_url", "url").partition("base64,")[2],
)
TAPS = {
    "openai": _OPENAI,
    "cloudflare": _OPENAI,
    "huggingface": _OPENAI,
    "pollinations": _OPENAI,
    "cohere": Tap(
        _FUNCTION,
        (("tool_choice",), "REQUIRED"),
        ("response_format", "json_schema"),
        ("stop_sequences",),
        _OPENAI.image,
    ),
    "ollama": Tap(
        _FUNCTION, None, ("format",), ("options", "stop"), lambda body: _dig(body, "messages", 0, "images", 0)
    ),
    "gemini": Tap(
        ("tools", 0, "functionDeclarations", 0, "name"),
        (("toolConfig", "functionCallingConfig", "mode"), "ANY"),
        ("generationConfig", "responseJsonSchema"),
        ("generationConfig", "stopSequences"),
        lambda body: _dig(body, "contents", 0, "parts", 1, "inlineData", "data"),
    ),
}


def test_every_dialect_is_tapped():
    assert set(DIALECTS) == set(TAPS)


@contextmanager
def pool(folder: Path, *hosts: tuple[str, str, FakeUpstream], lacks: str = "") -> Iterator[Mux]:
    """A pool of those hosts in that order: name, dialect, upstream; the first one may lack an ability."""
    lines = ["schema = 1"]
    for number, (name, dialect, upstream) in enumerate(hosts):
        abilities = ("tool_calling", "structured_output", "image_inputs")
        lines += ["[[models]]", f'route = "{name}:m"', "free = true", f"quality = {0.9 - number / 10}"]
        lines += [f"{key} = {'false' if key == lacks and number == 0 else 'true'}" for key in abilities]
        lines += [f"[providers.{name}]", f'base_url = "{upstream.base_url}"', f'dialect = "{dialect}"', "free = true"]
    config = folder / "openmux.toml"
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    names = ",".join(name for name, _, _ in hosts)
    environ = {"OPENMUX_CONFIG": str(config), "OPENMUX_STATE_URL": "memory:", "OPENMUX_PROVIDERS": names}
    with Mux(Settings.load(environ=environ, cwd=folder)) as mux:
        yield mux


def asked(llm: Any, *, is_stream: bool, text: Any = "France?") -> Any:
    if not is_stream:
        return llm.invoke(text)
    whole = None
    for chunk in llm.stream(text):
        whole = chunk if whole is None else whole + chunk
    return whole


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES.keys())
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
def test_12_bound_tools_are_written_anew_for_the_host_that_answers(
    tmp_path: Path, dialect: str, failure: Behaviour, is_stream: bool
):
    tap = TAPS[dialect]
    with FakeUpstream([failure]) as first, FakeUpstream([CALLED], dialect=dialect) as second:
        with pool(tmp_path, ("first", "openai", first), ("second", dialect, second)) as mux:
            llm = ChatOpenMux(mux=mux, stop=["END"], max_retries=0).bind_tools([Capital], tool_choice="any")
            answer = asked(llm, is_stream=is_stream)
            body = second.requests[-1].body

    assert [("Capital", {"capital": "Paris"})] == [(call["name"], call["args"]) for call in answer.tool_calls]
    assert "second:m" == answer.response_metadata["openmux"]["route"]
    assert "Capital" == _dig(body, *tap.tool)
    assert tap.must is None or tap.must[1] == _dig(body, *tap.must[0])
    assert ["END"] == _dig(body, *tap.stop)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("method", ["function_calling", "json_schema", "json_mode"])
def test_13_structured_output_keeps_its_method_and_its_schema_in_every_dialect(
    tmp_path: Path, dialect: str, method: str
):
    tap, good = TAPS[dialect], CALLED if method == "function_calling" else SPOKEN
    with FakeUpstream([WORDS]) as first, FakeUpstream([good], dialect=dialect) as second:
        with pool(tmp_path, ("first", "openai", first), ("second", dialect, second)) as mux:
            parsed = ChatOpenMux(mux=mux).with_structured_output(Capital, method=method).invoke("France?")
            sent, body = len(first.requests), second.requests[-1].body

    assert Capital(capital="Paris") == parsed
    assert 2 == sent  # asked, and shown its broken answer once
    if method == "json_schema":
        assert "string" == _dig(body, *tap.schema)["properties"]["capital"]["type"]
    assert ("tools" in body and bool(body["tools"])) is (method == "function_calling")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("contract", ["tool", "schema"])
def test_2_an_answer_that_breaks_the_contract_in_any_dialect_is_followed_by_the_next_route(
    tmp_path: Path, dialect: str, is_stream: bool, contract: str
):
    good = CALLED if contract == "tool" else SPOKEN
    with FakeUpstream([WORDS], dialect=dialect) as first, FakeUpstream([good]) as second:
        with pool(tmp_path, ("first", dialect, first), ("second", "openai", second)) as mux:
            model = ChatOpenMux(mux=mux)
            if contract == "tool":
                llm = model.bind_tools([Capital], tool_choice="Capital")
            else:
                schema = {"name": "x", "schema": Capital.model_json_schema()}
                llm = model.bind(response_format={"type": "json_schema", "json_schema": schema})
            answer = asked(llm, is_stream=is_stream)
            told = answer.response_metadata["openmux"]

    assert "second:m" == told["route"]
    assert ["BrokenContract", "BrokenContract", None] == [attempt["error"] for attempt in told["attempts"]]
    assert contract == "schema" or [{"capital": "Paris"}] == [call["args"] for call in answer.tool_calls]
    assert contract == "tool" or GOOD_JSON == answer.text


@pytest.mark.parametrize("dialect", DIALECTS)
def test_12_images_are_written_anew_for_the_host_that_answers(tmp_path: Path, dialect: str):
    picture = {"type": "image", "base64": PICTURE, "mime_type": "image/png"}
    question = [HumanMessage([{"type": "text", "text": "What is this?"}, picture])]
    with FakeUpstream([server_error(500)]) as first, FakeUpstream([WORDS], dialect=dialect) as second:
        with pool(tmp_path, ("first", "openai", first), ("second", dialect, second)) as mux:
            answer = ChatOpenMux(mux=mux, max_retries=0).invoke(question)
            body = second.requests[-1].body

    assert WORDS.text == answer.text
    assert PICTURE == TAPS[dialect].image(body)


@pytest.mark.parametrize(
    ("lacks", "reason"),
    [
        ("tool_calling", "cannot call tools"),
        ("structured_output", "cannot keep to a schema"),
        ("image_inputs", "cannot look at images"),
    ],
)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_12_who_cannot_serve_the_contract_is_skipped_with_a_reason(
    tmp_path: Path, dialect: str, lacks: str, reason: str
):
    picture = {"type": "image", "base64": PICTURE, "mime_type": "image/png"}
    good = CALLED if lacks == "tool_calling" else SPOKEN
    with FakeUpstream([WORDS], dialect=dialect) as first, FakeUpstream([good]) as second:
        with pool(tmp_path, ("first", dialect, first), ("second", "openai", second), lacks=lacks) as mux:
            model, question = ChatOpenMux(mux=mux), "France?"
            if lacks == "tool_calling":
                llm = model.bind_tools([Capital], tool_choice="any")
            elif lacks == "structured_output":
                schema = {"name": "x", "schema": Capital.model_json_schema()}
                llm = model.bind(response_format={"type": "json_schema", "json_schema": schema})
            else:
                llm, question = model, [HumanMessage([{"type": "text", "text": "What is this?"}, picture])]
            told = llm.invoke(question).response_metadata["openmux"]
            count = len(first.requests)

    assert "second:m" == told["route"]
    assert 0 == count
    assert {"route": "first:m", "reason": reason} in told["rejected"]


@pytest.mark.parametrize("dialect", ["replicate", "horde"])
def test_12_a_host_whose_models_make_no_calls_is_passed_before_anything_is_sent(tmp_path: Path, dialect: str):
    with FakeUpstream([WORDS], dialect=dialect) as first, FakeUpstream([CALLED]) as second:
        with pool(tmp_path, ("first", dialect, first), ("second", "openai", second)) as mux:
            answer = ChatOpenMux(mux=mux).bind_tools([Capital], tool_choice="any").invoke("France?")
            told, count = answer.response_metadata["openmux"], len(first.requests)

    assert 0 == count
    assert ["InvalidRequest", None] == [attempt["error"] for attempt in told["attempts"]]
    assert "second:m" == told["route"]


def test_13_bounds_that_a_host_is_not_told_are_kept_all_the_same(tmp_path: Path):
    """One host's dialect has no words for the length of a text; the answer is held against the schema here."""
    with FakeUpstream([Answer('{"capital": "P"}')], dialect="gemini") as first, FakeUpstream([SPOKEN]) as second:
        with pool(tmp_path, ("first", "gemini", first), ("second", "openai", second)) as mux:
            parsed = ChatOpenMux(mux=mux).with_structured_output(Capital, method="json_schema").invoke("France?")
            schema = _dig(first.requests[0].body, *TAPS["gemini"].schema)

    assert "minLength" not in schema["properties"]["capital"]
    assert Capital(capital="Paris") == parsed


def test_15_a_pinned_route_keeps_the_contract_or_fails(tmp_path: Path):
    with FakeUpstream([WORDS]) as first, FakeUpstream([CALLED]) as second:
        with pool(tmp_path, ("first", "openai", first), ("second", "openai", second)) as mux:
            with pytest.raises(AllRoutesFailedError, match="answered in words"):
                ChatOpenMux(mux=mux, model="first:m").bind_tools([Capital], tool_choice="any").invoke("France?")
            count = len(second.requests)

    assert 0 == count
