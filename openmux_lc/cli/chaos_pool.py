"""The pool of `openmux doctor --chaos`: hosts on loopback that misbehave by a seed, one for each dialect.

One more host is sound: whatever happens to the others, somebody can answer. They are
this pool's only providers; no key is read, and nothing leaves the machine.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from openmux_lc.catalog.catalog import Catalog
from openmux_lc.engine.ask import AnswerStream, ask
from openmux_lc.errors import AllRoutesFailedError, OpenMuxError
from openmux_lc.ledger.ledger import Ledger
from openmux_lc.mux import Mux
from openmux_lc.settings import Settings
from openmux_lc.testing import Answer, Chaos, FakeUpstream, Played, chaos, chat_dialects
from openmux_lc.types.catalog import Auth, FreeRule, Model, Provider
from openmux_lc.types.json import JsonObject, as_int, as_list, as_object, as_text
from openmux_lc.types.run import Options, Request

__all__ = ["TIMEOUT_S", "Called", "ChaosPool", "Step", "chaos_pool"]

TIMEOUT_S: Final = 6.0
"""Within this each question is answered or has failed."""

_GRACE_S: Final = 1.0
_RATE: Final = 0.5
_MODELS: Final = 8
_WEIGHTS: Final[Mapping[str, float]] = {"stalled": 0.3, "slow": 0.5}
_SOUND: Final = "fake-sound"
_ANSWER: Final = Answer("The capital of France is Paris.")
_REQUEST: Final = Request(messages=({"role": "user", "content": "What is the capital of France?"},))


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One call to a host, what it did, and what the pool made of it.

    Args:
        behaviour: What the host did, `""` where it was sound.
        fault: The class of the fault, `""` where there was none.
        elapsed_ms: What the call took.
    """

    provider: str
    behaviour: str
    fault: str
    elapsed_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """One question on its way through the pool.

    Args:
        steps: The calls that were made, in order.
        answered_by: The host whose answer it is, `""` where nobody's was.
        error: The class of the error where there is no answer.
        is_kept: It was answered, or failed with a typed error, within its time.
    """

    steps: tuple[Step, ...]
    answered_by: str
    error: str
    is_kept: bool
    elapsed_ms: int

    @property
    def failover_ms(self) -> int:
        """What the calls that failed have cost."""
        return sum(step.elapsed_ms for step in self.steps if step.fault)


class ChaosPool:
    """Asks one question after the other, streamed and whole by turns.

    Args:
        mux: The pool.
        scripts: What its hosts do, by their ids.
        seed: Decides between hosts of equal worth.
    """

    def __init__(self, mux: Mux, scripts: Mapping[str, Chaos], seed: int) -> None:
        """Ask nothing yet."""
        self._mux = mux
        self._scripts = scripts
        self._options = Options(timeout_s=TIMEOUT_S, seed=seed)
        self._asked = 0

    @property
    def hosts(self) -> int:
        """How many hosts there are."""
        return len(self._scripts) + 1

    def call(self) -> Called:
        """Ask once more, and return what came of it."""
        known = {name: len(script.log) for name, script in self._scripts.items()}
        began, error, is_typed = time.monotonic(), "", True
        attempts: Sequence[tuple[str, str, int]] = ()
        answered_by = ""
        self._asked += 1
        try:
            report = self._report(is_streamed=self._asked % 2 == 0)
            attempts, answered_by = _told(report), as_text(report.get("route")).partition(":")[0]
        except OpenMuxError as caught:
            error, attempts = type(caught).__name__, _failed(caught)
        except Exception as caught:  # noqa: BLE001 - this is what must never happen, and is counted
            error, is_typed = type(caught).__name__, False
        elapsed_s = time.monotonic() - began
        done = {name: deque(script.log[known[name] :]) for name, script in self._scripts.items()}
        return Called(
            steps=tuple(_step(attempt, done) for attempt in attempts),
            answered_by=answered_by,
            error=error,
            is_kept=is_typed and elapsed_s < TIMEOUT_S + _GRACE_S,
            elapsed_ms=round(elapsed_s * 1000),
        )

    def _report(self, *, is_streamed: bool) -> JsonObject:
        if not is_streamed:
            return ask(self._mux, _REQUEST, self._options).report
        with AnswerStream(self._mux, _REQUEST, self._options) as stream:
            deque(stream, maxlen=0)
        return stream.report


@contextlib.contextmanager
def chaos_pool(seed: int) -> Iterator[ChaosPool]:
    """Yield a pool of misbehaving hosts, and a sound one.

    Args:
        seed: The same one makes the same hosts misbehave in the same way.
    """
    with contextlib.ExitStack() as parts:
        scripts: dict[str, Chaos] = {}
        rows: list[Provider] = []
        for rank, dialect in enumerate(chat_dialects()):
            name = f"fake-{dialect}"
            scripts[name] = chaos(f"{seed}:{name}", _RATE, weights=_WEIGHTS, sound=_ANSWER)
            host = parts.enter_context(FakeUpstream(scripts[name], dialect=dialect))
            rows.append(_row(name, dialect, host, rank))
        sound = parts.enter_context(FakeUpstream(_ANSWER))
        rows.append(_row(_SOUND, "openai", sound, len(rows)))
        catalog = Catalog(providers={row.id: row for row in rows})
        ledger = Ledger.open("memory:")
        mux = parts.enter_context(Mux(Settings(state_url="memory:"), catalog=catalog, ledger=ledger))
        yield ChaosPool(mux, scripts, seed)


def _row(name: str, dialect: str, host: FakeUpstream, rank: int) -> Provider:
    worth = 0.2 if name == _SOUND else 0.9
    return Provider(
        id=name,
        name=name,
        base_url=host.base_url,
        dialect=dialect,
        is_local=True,
        auth=Auth(mode="none"),
        free=FreeRule(all_models=True, kind="local"),
        models=tuple(
            Model(id=f"model-{number}", capability=worth, quality={"default": worth}) for number in range(_MODELS)
        ),
        rank=rank,
        source="openmux doctor --chaos",
        origin="user",
    )


def _told(report: JsonObject) -> tuple[tuple[str, str, int], ...]:
    """Return host, class of the fault and milliseconds of each call in a report."""
    attempts = map(as_object, as_list(report.get("attempts")))
    return tuple(
        (
            as_text(attempt.get("route")).partition(":")[0],
            as_text(attempt.get("error")),
            as_int(attempt.get("elapsed_ms")) or 0,
        )
        for attempt in attempts
    )


def _failed(error: OpenMuxError) -> tuple[tuple[str, str, int], ...]:
    """Return the same of an error."""
    attempts = error.attempts if isinstance(error, AllRoutesFailedError) else ()
    return tuple((each.route.provider, each.error, round(each.elapsed_s * 1000)) for each in attempts)


def _step(attempt: tuple[str, str, int], done: Mapping[str, deque[Played]]) -> Step:
    """Return a call with what its host did then, which `done` holds in order."""
    provider, fault, elapsed_ms = attempt
    played = done.get(provider)
    behaviour = played.popleft().behaviour if played else ""
    return Step(provider=provider, behaviour=behaviour, fault=fault, elapsed_ms=elapsed_ms)
