"""The pool: the user's own models join it, the dry run decides like the real one."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from langchain_core.language_models import FakeListChatModel, GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage

from openmux_lc import ChatOpenMux, Mux, OpenMuxEmbeddings, Settings
from openmux_lc.engine.ask import ask
from openmux_lc.engine.nodes import Nodes
from openmux_lc.engine.run_state import Run
from openmux_lc.errors import ConfigError, NoRouteError
from openmux_lc.graph import compile_fused
from openmux_lc.mux import to_request
from openmux_lc.testing import Answer, FakeUpstream, server_error
from openmux_lc.types.run import Options
from tests.letters import Letters
from tests.pool import make_pool

GOOD = Answer(text="The capital of France is Paris.")


def empty(folder: Path, **environ: str) -> Mux:
    variables = {"OPENMUX_STATE_URL": "memory:", "OPENMUX_OFFLINE": "1", **environ}
    return Mux(Settings.load(environ=variables, cwd=folder))


def test_a_users_own_chat_model_joins_the_pool(tmp_path: Path):
    with empty(tmp_path) as mux:
        route = mux.add("mine:parrot", FakeListChatModel(responses=["squawk"]), is_local=True)
        answer = ChatOpenMux(mux=mux).invoke("hello")

    assert "mine:parrot" == str(route)
    assert "squawk" == answer.text
    assert "mine:parrot" == answer.response_metadata["openmux"]["route"]


def test_a_users_own_model_streams_through_the_pool(tmp_path: Path):
    with empty(tmp_path) as mux:
        mux.add("mine:parrot", GenericFakeChatModel(messages=iter([AIMessage("one two three")])), is_local=True)
        chunks = [chunk.text for chunk in ChatOpenMux(mux=mux).stream("hello")]

    assert "one two three" == "".join(chunks)
    assert 2 < len(chunks)


def test_a_users_own_embeddings_join_the_pool(tmp_path: Path):
    with empty(tmp_path) as mux:
        mux.add("mine:vectors", Letters(), is_local=True)
        vectors = OpenMuxEmbeddings(mux=mux)
        vector = vectors.embed_query("hello")

    assert 7 == len(vector)
    assert ("mine:vectors", 7) == vectors.space


def test_a_users_remote_model_is_not_used_offline(tmp_path: Path):
    with empty(tmp_path) as mux:
        mux.add("mine:parrot", FakeListChatModel(responses=["squawk"]))
        with pytest.raises(NoRouteError, match="offline"):
            ChatOpenMux(mux=mux).invoke("hello")


def test_a_users_model_replaces_an_earlier_one_of_its_name(tmp_path: Path):
    with empty(tmp_path) as mux:
        mux.add("mine:parrot", FakeListChatModel(responses=["old"]), is_local=True)
        mux.add("mine:parrot", FakeListChatModel(responses=["new"]), is_local=True)
        answer = ChatOpenMux(mux=mux).invoke("hello")

    assert "new" == answer.text


@pytest.mark.parametrize("name", ["", "nocolon", ":model", "provider:"])
def test_a_model_needs_a_full_route_as_its_name(tmp_path: Path, name: str):
    with empty(tmp_path) as mux, pytest.raises(ConfigError, match="provider:model"):
        mux.add(name, FakeListChatModel(responses=["x"]))


def test_the_dry_run_decides_like_the_real_one(tmp_path: Path):
    """S0-09: one structure for both, the same candidates in the same order."""
    with FakeUpstream([GOOD]) as a, FakeUpstream([GOOD]) as b, make_pool(tmp_path, {"a": a, "b": b}) as mux:
        dry = mux.explain("What is the capital of France?")
        counts = (len(a.requests), len(b.requests))
        real = ask(mux, to_request("What is the capital of France?")).report

    assert (0, 0) == counts
    assert set(dry) == set(real)
    assert dry["dry_run"]
    assert not real["dry_run"]
    assert (dry["route"], dry["task"], dry["candidates"]) == (real["route"], real["task"], real["candidates"])


def test_explain_takes_text_objects_and_langchain_messages(tmp_path: Path):
    with FakeUpstream([GOOD]) as a, make_pool(tmp_path, {"a": a}) as mux:
        told = [
            mux.explain("Write a Python function that sorts a list")["task"],
            mux.explain([{"role": "user", "content": "Write a Python function that sorts a list"}])["task"],
            mux.explain([HumanMessage("Write a Python function that sorts a list")])["task"],
        ]

    assert ["code"] * 3 == told


def test_recommend_names_the_best_routes_for_a_task_in_plain_words(tmp_path: Path):
    """S3-06: `get_model_recommendations(text, max_results=5)`."""
    with FakeUpstream([GOOD]) as a, FakeUpstream([GOOD]) as b, make_pool(tmp_path, {"a": a, "b": b}) as mux:
        told = mux.recommend("I want to write SQL", n=1)

    assert ["a:m"] == [entry["route"] for entry in told]
    assert told[0]["terms"]


def test_the_graph_and_the_plain_loop_give_the_same_report(tmp_path: Path):
    """DESIGN.md, section 5: the graph is the definition."""

    def report(mux: Mux, *, is_graph: bool) -> dict[str, object]:
        state = Run(request=to_request("hi"), options=Options(max_retries=0))
        nodes = Nodes(mux)
        if is_graph:
            compile_fused(nodes, is_async=False).invoke({"run": state})
        else:
            from openmux_lc.engine.run import run

            run(nodes, state)
        nodes.result(state)
        told = mux.report(state.id)
        timed = {"run_id", "elapsed_ms", "attempts"}
        attempts = [(entry["route"], entry["outcome"], entry["error"]) for entry in told["attempts"]]
        return {name: value for name, value in told.items() if name not in timed} | {"attempts": attempts}

    with FakeUpstream([server_error()]) as bad, FakeUpstream([GOOD]) as good:
        upstreams = {"first": bad, "second": good}
        with make_pool(tmp_path, upstreams) as one, make_pool(tmp_path, upstreams) as two:
            assert report(one, is_graph=True) == report(two, is_graph=False)


def test_an_earlier_run_is_read_from_the_log_by_another_pool(tmp_path: Path):
    """S0-19, S1-09: model, reason, latency and size outlive the process."""
    url = f"sqlite:///{tmp_path / 'state.db'}"
    with FakeUpstream([GOOD]) as a:
        with make_pool(tmp_path, {"a": a}, state_url=url) as mux:
            run_id = str(ask(mux, to_request("hi")).report["run_id"])
        with make_pool(tmp_path, {"a": a}, state_url=url) as other:
            told = other.report(run_id)
            with pytest.raises(KeyError, match="nosuch"):
                other.report("nosuch")

    assert ("a:m", len(GOOD.text)) == (told["route"], told["answer_chars"])
    assert isinstance(told["elapsed_ms"], int)


def test_fallback_routes_of_the_file_come_after_the_chosen_ones(tmp_path: Path):
    """S0-16: user-defined fallback models."""
    fallback = '[routing]\nfallback = ["a:m"]\n'
    with FakeUpstream([GOOD]) as a, FakeUpstream([GOOD]) as b:
        with make_pool(tmp_path, {"a": a, "b": b}, extra=fallback) as mux:
            report = ask(mux, to_request("hi")).report

    assert "b:m" == report["route"]


def test_one_pool_per_process_and_settings(monkeypatch: pytest.MonkeyPatch):
    first, second = Mux.default(), Mux.default()
    monkeypatch.setenv("OPENMUX_OFFLINE", "1")
    third = Mux.default()
    first.close()
    third.close()

    assert first is second
    assert third is not first
    assert third.settings.offline


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_answers_with_a_pool_it_inherited(tmp_path: Path):
    with FakeUpstream([GOOD]) as a:
        with make_pool(tmp_path, {"a": a}, state_url=f"sqlite:///{tmp_path / 's.db'}") as mux:
            ask(mux, to_request("hi"))
            child = os.fork()
            if child == 0:
                code = 1
                try:
                    code = 0 if ask(mux, to_request("hi")).answer.text == GOOD.text else 2
                finally:
                    os._exit(code)
            _, status = os.waitpid(child, 0)

    assert 0 == os.waitstatus_to_exitcode(status)


def test_a_repr_names_no_key(tmp_path: Path):
    mux = Mux(Settings.load(environ={"GROQ_API_KEY": "gsk_hidden"}, cwd=tmp_path), keys={"groq": "gsk_other"})

    assert "gsk" not in repr(mux)
    mux.close()


def test_offline_no_other_machine_is_looked_at(tmp_path: Path):
    """`OPENMUX_OFFLINE=1`: an engine that the user moved elsewhere is not even probed."""
    with empty(tmp_path, OPENMUX_OLLAMA_BASE_URL="http://192.0.2.1:9") as mux:
        rows = [row.id for row in mux._local_rows()]

    assert "ollama" not in rows
    assert "llamacpp" in rows


def test_auto_in_the_middle_of_a_chain_is_told(tmp_path: Path):
    with empty(tmp_path) as mux, pytest.raises(ConfigError, match="first"):
        mux.catalog.resolve_chain(["llamacpp:a", "auto", "llamacpp:b"])


def test_an_empty_question_is_told(tmp_path: Path):
    with empty(tmp_path) as mux, pytest.raises(ConfigError, match="nothing to answer"):
        mux.explain("")


def test_models_added_by_many_threads_are_all_there(tmp_path: Path):
    """The catalog is replaced whole: no addition may be lost, no reader may see none."""
    from concurrent.futures import ThreadPoolExecutor

    with empty(tmp_path) as mux:

        def add(number: int) -> int:
            mux.add(f"mine:{number}", FakeListChatModel(responses=["x"]), is_local=True)
            return len(mux.entries())

        with ThreadPoolExecutor(8) as threads:
            counts = list(threads.map(add, range(24)))
        names = {entry.route.model for entry in mux.entries() if entry.route.provider == "mine"}

    assert {str(number) for number in range(24)} == names
    assert all(counts)


def test_many_settings_keep_a_bounded_number_of_pools(monkeypatch: pytest.MonkeyPatch):
    from openmux_lc import process_pool

    for number in range(12):
        monkeypatch.setenv("OPENMUX_TIMEOUT", str(10 + number))
        Mux.default()
    kept = len(process_pool._pools)

    assert kept <= 8


def test_many_threads_remember_more_runs_than_are_kept(tmp_path: Path):
    """Forgetting the oldest report must never cost a thread the answer it has in hand."""
    from concurrent.futures import ThreadPoolExecutor

    with FakeUpstream([GOOD]) as a, make_pool(tmp_path, {"a": a}) as mux:
        told = Nodes(mux)
        state = Run(request=to_request("hi"), options=Options())
        told.classify(state)
        told.select(state)
        report = state.report()
        with ThreadPoolExecutor(16) as threads:
            list(threads.map(lambda number: mux.remember(replace(report, run_id=str(number))), range(3000)))

    assert 256 == len(mux._runs._reports)
