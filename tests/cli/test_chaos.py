"""`openmux doctor --chaos`: nothing that hosts do loses a question."""

import contextlib
import json
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from openmux_lc.cli import chaos as command
from openmux_lc.cli import chaos_pool as module
from openmux_lc.cli.chaos_pool import Called, ChaosPool, Step, chaos_pool
from openmux_lc.cli.progress import SilentProgress
from openmux_lc.errors import AllRoutesFailedError
from openmux_lc.mux import Mux
from openmux_lc.testing import chaos, chat_dialects
from openmux_lc.types.catalog import Route
from openmux_lc.types.run import Attempt
from tests.cli.program import KEY, Invoke, posix_only, terminal

WELL = Called(
    steps=(
        Step(provider="a", behaviour="cut", fault="ConnectionFailed", elapsed_ms=30),
        Step(provider="b", behaviour="", fault="", elapsed_ms=5),
    ),
    answered_by="b",
    error="",
    is_kept=True,
    elapsed_ms=40,
)
FAILED = Called(steps=WELL.steps[:1], answered_by="", error="AllRoutesFailedError", is_kept=True, elapsed_ms=31)
LOST = Called(steps=(), answered_by="", error="ValueError", is_kept=False, elapsed_ms=1)


@pytest.fixture
def came_of_it(monkeypatch: pytest.MonkeyPatch) -> list[Called]:
    """What comes of the questions, instead of a pool."""
    found: list[Called] = []

    @contextlib.contextmanager
    def pool(_seed: int) -> Iterator[SimpleNamespace]:
        yield SimpleNamespace(hosts=2, call=iter(found).__next__)

    monkeypatch.setattr(module, "chaos_pool", pool)
    return found


def test_every_question_is_answered_or_fails_typed_in_time(invoke: Invoke):
    """The real engine, every dialect that answers at once, and a sound host behind them."""
    ended = invoke("doctor", "--chaos", "--calls", "25", "--seed", "3", env={"GROQ_API_KEY": KEY})

    assert ended.exit_code == 0
    assert f"25 questions to {len(chat_dialects()) + 1} hosts on loopback" in ended.stdout
    assert "answered: 25 of 25" in ended.stdout
    assert "lost: none" in ended.stdout
    assert "longest failover:" in ended.stdout
    assert KEY not in ended.stdout + ended.stderr


def test_json_tells_the_same_with_each_behaviour(invoke: Invoke):
    ended = invoke("doctor", "--chaos", "--calls", "25", "--seed", "3", "--json")

    told = json.loads(ended.stdout)
    assert ended.exit_code == 0
    assert (3, 25, 25, 0, True) == tuple(told[name] for name in ("seed", "calls", "answered", "lost", "ok"))
    behaviours = {row["behaviour"]: row for row in told["behaviours"]}
    assert None in behaviours
    assert len(behaviours) > 5
    assert all(row["times"] >= 1 for row in told["behaviours"])
    assert any(row["faults"] for row in told["behaviours"])


def test_the_hosts_do_the_same_again_for_a_seed():
    with chaos_pool(5) as first, chaos_pool(5) as second, chaos_pool(6) as other:
        scripts = [sorted(pool._scripts.items()) for pool in (first, second, other)]  # nothing else tells what will be

    plans = [[script.name_of(number) for _, script in each for number in range(30)] for each in scripts]
    assert plans[0] == plans[1]
    assert plans[0] != plans[2]


def test_a_typed_failure_in_time_is_no_loss(invoke: Invoke, came_of_it: list[Called]):
    came_of_it += [WELL, FAILED]

    ended = invoke("doctor", "--chaos", "--calls", "2")

    assert ended.exit_code == 0
    assert "answered: 1 of 2" in ended.stdout
    assert "failed with a typed error: 1 (AllRoutesFailedError)" in ended.stdout
    assert "longest failover: 30 ms" in ended.stdout


def test_a_lost_question_is_exit_code_one(invoke: Invoke, came_of_it: list[Called]):
    came_of_it += [WELL, LOST]

    ended = invoke("doctor", "--chaos", "--calls", "2")

    assert ended.exit_code == 1
    assert "lost: 1" in ended.stdout


@pytest.mark.parametrize(
    ("error", "is_kept"),
    [
        (AllRoutesFailedError("all failed", attempts=[Attempt(route=Route("fake-a", "m"), error="TimedOut")]), True),
        (ZeroDivisionError(), False),
    ],
)
def test_what_the_engine_raises_is_told_and_only_untyped_errors_are_lost(
    error: Exception, monkeypatch: pytest.MonkeyPatch, *, is_kept: bool
):
    def failing(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(module, "ask", failing)
    with Mux() as mux:
        called = ChaosPool(mux, {"fake-a": chaos(1, 0)}, 1).call()

    assert (type(error).__name__, is_kept, "") == (called.error, called.is_kept, called.answered_by)
    assert (["TimedOut"] if is_kept else []) == [step.fault for step in called.steps]


def test_a_bar_shows_how_far_it_is(came_of_it: list[Called], monkeypatch: pytest.MonkeyPatch):
    came_of_it += [WELL, FAILED]
    shown: list[str] = []

    class Watched(SilentProgress):
        def begin(self, text: str) -> None:
            shown.append(text)

    monkeypatch.setattr(command, "progress_on", lambda _: Watched())

    assert command.show_chaos(2, 1, as_json=False)
    assert "2 questions to 2 hosts" in shown[0]
    assert shown[1].startswith("█" * 12 + "░" * 12 + " 1/2  b after 2 calls")
    assert shown[2].startswith("█" * 24 + " 2/2  AllRoutesFailedError")


@posix_only
def test_on_a_terminal_it_ends_with_what_came_of_it():
    with terminal("doctor", "--chaos", "--calls", "5") as screen:
        screen.wait_for("5 questions to")
        screen.wait_for("lost: none")
        code = screen.code()

    assert code == 0
