"""Misbehaviour at random, and yet the same again: a seed and a request's number decide it.

What was done is kept, so that a run that found something can be played again.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import Final

from openmux_lc.testing import presets
from openmux_lc.testing.behaviours import Answer, Behaviour, Received, Script
from openmux_lc.testing.clock import clock_skew
from openmux_lc.testing.prose import tool_call_as_prose

__all__ = ["MISBEHAVIOURS", "WEIGHTS", "Chaos", "Played", "chaos", "misbehaviour", "replayed"]

_KEPT: Final = 10_000

_MAKERS: Final[Mapping[str, tuple[float, Callable[[], Behaviour]]]] = MappingProxyType(
    {
        "rate_limited": (3.0, lambda: presets.rate_limited(1)),
        "rate_limited_http_date": (1.0, presets.rate_limited_http_date),
        "rate_limited_epoch_ms": (1.0, presets.rate_limited_epoch_ms),
        "rate_limited_go_duration": (1.0, presets.rate_limited_go_duration),
        "out_of_quota": (1.0, presets.out_of_quota),
        "unauthorized": (0.5, presets.unauthorized),
        "payment_required": (0.5, presets.payment_required),
        "model_gone": (0.5, presets.model_gone),
        "not_found_all": (0.5, presets.not_found_all),
        "context_overflow": (0.5, presets.context_overflow),
        "server_error": (2.0, presets.server_error),
        "overloaded": (2.0, lambda: presets.server_error(503)),
        "html_page": (1.0, presets.html_page),
        "empty_body": (1.0, presets.empty_body),
        "null": (1.0, presets.choices_null),
        "error_in_200": (2.0, presets.error_in_200),
        "broken_json": (1.0, presets.broken_sse),
        "cut": (1.0, lambda: presets.cut(0)),
        "cut_in_line": (1.0, lambda: presets.cut(0, in_line=True)),
        "cut_after_words": (0.0, lambda: presets.cut(2)),
        "silent_end": (1.0, lambda: Answer(after_chunks=0, ending="silent")),
        "dropped": (2.0, presets.dropped),
        "empty_answer": (1.0, presets.empty_answer),
        "whitespace": (1.0, presets.whitespace_stream),
        "wrong_model": (1.0, lambda: presets.wrong_model("some-other-model")),
        "wrong_content_type": (1.0, presets.wrong_content_type),
        "tool_call_as_prose": (0.0, lambda: tool_call_as_prose("add", '{"a": 1, "b": 2}')),
        "clock_skew": (1.0, lambda: clock_skew(-7200.0)),
        "slow": (0.0, lambda: presets.slow(0.05)),
        "stalled": (0.0, presets.stalled),
        "hanging": (0.0, lambda: presets.hanging(0)),
        "endless": (0.0, lambda: presets.endless(64)),
    }
)
MISBEHAVIOURS: Final = tuple(_MAKERS)
"""The names of what can happen."""

WEIGHTS: Final[Mapping[str, float]] = MappingProxyType({name: weight for name, (weight, _) in _MAKERS.items()})
"""How likely each is among the others; those that cost a client its whole patience are off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """One request, and what was done with it.

    Args:
        number: Counts from 0.
        behaviour: A name of `MISBEHAVIOURS`, `""` where all went well.
    """

    number: int
    path: str
    model: str
    behaviour: str


class Chaos:
    """A script that misbehaves at random; `chaos` makes one. Any thread may play it.

    Args:
        seed: The same one does the same to the same requests in the same order.
        rate: How many requests of one go wrong, 0 to 1.
        weights: How likely each misbehaviour is among the others.
        sound: What happens to the others.
    """

    def __init__(self, seed: int | str, rate: float, weights: Mapping[str, float], sound: Script) -> None:
        """Begin with request 0."""
        if not 0 <= rate <= 1:
            raise ValueError(f"a rate is between 0 and 1, not {rate!r}")
        self._seed, self._rate, self._sound = seed, rate, sound
        self._names = [name for name, weight in weights.items() if weight > 0]
        self._weights = [weights[name] for name in self._names]
        if rate and not self._names:
            raise ValueError("nothing can go wrong: every weight is 0")
        self._lock = threading.Lock()
        self._number = 0
        self._log: deque[Played] = deque(maxlen=_KEPT)

    def __call__(self, received: Received) -> Behaviour:
        """Return what happens to the next request."""
        with self._lock:
            number, self._number = self._number, self._number + 1
            name = self.name_of(number)
            self._log.append(Played(number=number, path=received.path, model=received.model, behaviour=name))
        return misbehaviour(name) if name else self._sound_for(received, number)

    @property
    def log(self) -> tuple[Played, ...]:
        """What was done, in order; the last 10 000."""
        with self._lock:
            return tuple(self._log)

    def name_of(self, number: int) -> str:
        """Return what happens to request `number`, `""` where all goes well."""
        dice = Random(f"{self._seed}:{number}")  # noqa: S311 - to be repeated, not to be secret
        if dice.random() >= self._rate:
            return ""
        return dice.choices(self._names, self._weights)[0]

    def _sound_for(self, received: Received, number: int) -> Behaviour:
        if callable(self._sound):
            return self._sound(received)
        if isinstance(self._sound, Sequence):
            return self._sound[min(number, len(self._sound) - 1)]
        return self._sound


def chaos(
    seed: int | str,
    rate: float = 0.3,
    *,
    of: Iterable[str] | None = None,
    weights: Mapping[str, float] | None = None,
    sound: Script | None = None,
) -> Chaos:
    """Return a script under which `rate` of the requests go wrong.

    Args:
        seed: The same one does the same again: what happens depends on it and on the
            number of the request alone.
        rate: 0 to 1.
        of: Names of `MISBEHAVIOURS`, each as likely as `WEIGHTS` says and at least 1;
            None means all whose weight is not 0.
        weights: Other weights for some of them.
        sound: What the other requests get.

    Raises:
        ValueError: There is no such misbehaviour, or the rate is none.

    Example:
        >>> from openmux_lc.testing import FakeUpstream, chaos
        >>> script = chaos(seed=7, rate=0.5, of=["rate_limited", "cut"])
        >>> [script.name_of(number) for number in range(6)]
        ['', '', 'cut', '', 'rate_limited', '']
    """
    found = dict(WEIGHTS) if of is None else {name: WEIGHTS.get(name) or 1.0 for name in of}
    found |= weights or {}
    for name in found:
        misbehaviour(name)
    return Chaos(seed, rate, found, Answer() if sound is None else sound)


def misbehaviour(name: str) -> Behaviour:
    """Return one of `MISBEHAVIOURS`, its times counted from now.

    Raises:
        ValueError: There is none of that name.
    """
    if name not in _MAKERS:
        raise ValueError(f"unknown misbehaviour {name!r}; known are {', '.join(MISBEHAVIOURS)}")
    return _MAKERS[name][1]()


def replayed(log: Iterable[Played], sound: Answer | None = None) -> tuple[Behaviour, ...]:
    """Return the script that does once more, in order, what `log` says was done."""
    good = Answer() if sound is None else sound
    return tuple(misbehaviour(each.behaviour) if each.behaviour else good for each in log)
