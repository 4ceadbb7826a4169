"""`openmux demo`: the real job with a real engine, and nothing else installed."""

import json
import sys
from pathlib import Path

import pytest

from openmux_lc.cli import demo_pool
from openmux_lc.cli.demo_pool import WatchedRun
from openmux_lc.local.embedded import has_embedded_engine
from tests.cli.program import KEY, Invoke, Openmux, posix_only, terminal
from tests.patience import LATE_S

REFUSED = "http://127.0.0.1:9"
FAILING = ["demo-out-of-quota", "demo-broken", "demo-cut-off"]

needs_engine = pytest.mark.skipif(not has_embedded_engine(), reason="the extra `demo` (xllamacpp) is not installed")


@pytest.mark.integration
@needs_engine
def test_it_classifies_selects_fails_over_and_answers_in_ten_seconds(openmux: Openmux):
    """Item 8: with an empty home folder, no network and other people's keys around."""
    ended = openmux("demo", env={"HTTPS_PROXY": REFUSED, "HTTP_PROXY": REFUSED, "GROQ_API_KEY": KEY})

    assert (0, "") == (ended.code, ended.err)
    assert ended.seconds < 3 * LATE_S
    assert "classified as " in ended.out
    places = [ended.out.index(f"✗ {name}:") for name in FAILING]
    assert sorted(places) == places
    assert places[-1] < ended.out.index("The capital of France is Paris.")
    assert all(word in ended.out for word in ("RateLimited 429", "ServerError 502", "ConnectionFailed"))
    assert "knows only a handful" in ended.out
    assert "never\nchosen silently" in ended.out
    assert "next: openmux init" in ended.out
    assert KEY not in ended.out


@pytest.mark.integration
@needs_engine
def test_json_is_one_object_with_the_whole_report(openmux: Openmux):
    ended = openmux("demo", "--json", "What", "is", "7", "+", "5?")

    told = json.loads(ended.out)
    assert (0, "") == (ended.code, ended.err)
    assert told["answer"] == "7 + 5 is 12."
    assert told["route"] == "demo-llama-cpp:tiny-openmux"
    assert [entry["outcome"] for entry in told["attempts"]] == ["failed", "failed", "failed", "ok"]
    assert "handful" in told["note"]


@pytest.mark.integration
@needs_engine
@posix_only
def test_on_a_terminal_it_can_be_watched():
    with terminal("demo") as screen:
        screen.wait_for("three failing providers run on loopback")
        screen.wait_for("The capital of France is Paris.")
        code = screen.code()

    assert code == 0


@pytest.mark.integration
@needs_engine
def test_it_leaves_nothing_behind(openmux: Openmux):
    openmux("demo")

    assert [path for path in Path.home().rglob("*") if path.is_file()] == []


@pytest.mark.integration
@needs_engine
def test_a_question_that_no_text_model_can_serve_is_said_to_have_no_route(openmux: Openmux):
    ended = openmux("demo", "Draw a picture of a cat with a hat.")

    assert ended.code == 1
    assert "no route" in ended.err


@pytest.mark.integration
@needs_engine
def test_the_demo_pool_holds_nothing_but_itself():
    with demo_pool.demo_pool() as mux, WatchedRun(mux, "Hello") as run:
        run.classify()
        run.select()

        hosts = {entry.provider.base_url.split(":")[1] for entry in mux.entries()}
        names = {entry.route.provider for entry in mux.entries()}

    assert hosts == {"//127.0.0.1"}
    assert {*FAILING, "demo-llama-cpp"} == names


def test_without_the_engine_the_exact_install_line_is_told(invoke: Invoke, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda _name, _package=None: None)

    ended = invoke("demo")

    assert (1, "") == (ended.exit_code, ended.stdout)
    assert "pip install 'openmux-lc[demo]'" in ended.stderr
