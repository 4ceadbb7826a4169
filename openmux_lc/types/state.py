"""What was learned while running: health, quota left, and what a provider reports.

A `Snapshot` is what routing sees of the ledger: a value, read once per run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from openmux_lc.types.catalog import LimitUnit, Route

__all__ = [
    "GUESSES",
    "REFUSAL_LIFE_S",
    "WINDOW_LIFE_S",
    "Cooldown",
    "CooldownSource",
    "LimitObservation",
    "LimitSource",
    "Refusal",
    "Reservation",
    "RouteState",
    "Snapshot",
    "Weakness",
    "longest",
    "next_sight",
    "slot_name",
    "told_window",
    "window_quirk",
]

REFUSAL_LIFE_S: Final = 7 * 86_400.0
"""How long a parameter that a model refused is left out before it is tried again."""

WINDOW_LIFE_S: Final = 1800.0
"""How long a window is believed that a host named as it refused a prompt."""

_WINDOW: Final = "window_"

Weakness = Literal["talks_tools", "breaks_schema"]
"""What a model was seen to be bad at: it writes its tool calls as prose, or breaks a schema."""

_AGAIN: Final = "_again"

CooldownSource = Literal["header", "learned", "heuristic", "breaker", "quota", "paid"]
"""`paid`: a call was seen to cost money; not even naming the route lifts that."""

GUESSES: Final[frozenset[CooldownSource]] = frozenset({"heuristic", "breaker"})
"""Nobody told them: they give way where nobody else is left to ask."""


LimitSource = Literal["header", "body", "account"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitObservation:
    """What a response said about one limit.

    Args:
        unit: What is counted.
        window_s: Length of the window in seconds, None when not told.
        limit: Allowed per window.
        remaining: Left in the current window.
        reset_at: Epoch seconds at which the window refills.
        source: Where it was read: a response's headers, a refusal's body, or what the
            host tells of the account.
    """

    unit: LimitUnit
    window_s: float | None = None
    limit: int | None = None
    remaining: int | None = None
    reset_at: float | None = None
    source: LimitSource = "header"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cooldown:
    """A route (or a whole provider) is left alone until `until` (epoch seconds).

    Args:
        reason: Why, and what was seen.
        source: Who says for how long.
        told_until: The part of a guess of ours that somebody told; nothing is tried before.
        trial_at: From then on one call may try whether a guess of ours is over.
    """

    until: float
    reason: str
    source: CooldownSource = "heuristic"
    told_until: float = 0.0
    trial_at: float = float("inf")

    @property
    def is_guess(self) -> bool:
        """Whether nobody told it."""
        return self.source in GUESSES

    @property
    def firm_until(self) -> float:
        """Epoch seconds before which not even a trial is made."""
        return self.told_until if self.is_guess else self.until


def longest(pauses: Iterable[Cooldown]) -> Cooldown:
    """Return several pauses of one route as one: what any of them forbids is forbidden.

    The last to end tells the reason; a cost outweighs every other, as it must not be forgotten.
    """
    every = tuple(pauses)
    last = max(every, key=lambda pause: pause.until)
    if len(every) == 1:
        return last
    told = next((pause for pause in every if pause.source == "paid"), last)
    return replace(
        last,
        reason=told.reason,
        source=told.source,
        told_until=max(pause.firm_until for pause in every),
        trial_at=max(pause.trial_at for pause in every),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Quota set aside for one call until it is settled or expires.

    Args:
        id: Unique; settling twice is a no-op.
        amounts: What was set aside, by unit.
        expires_at: Epoch seconds after which the quota comes back by itself.
        generation: How many pauses of route and provider had begun when it was made.
        tries: Route or provider of which it is the one call that tries whether it has recovered.
    """

    id: str
    route: Route
    key_slot: int = 0
    amounts: Mapping[LimitUnit, int] = field(default_factory=dict)
    made_at: float = 0.0
    expires_at: float = 0.0
    generation: int = 0
    tries: tuple[str, ...] = ()

    @property
    def is_trial(self) -> bool:
        """Whether it is sent to try what rests."""
        return bool(self.tries)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Not now: which limit is exhausted, or which pause holds, and until when (epoch seconds)."""

    route: Route
    reason: str
    until: float
    source: CooldownSource = "quota"


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteState:
    """Learned figures of one route; the defaults mean nothing is known.

    Args:
        successes: Decayed count of calls that were answered.
        failures: Decayed count of calls that failed for the route's own fault.
        first_token_s: Smoothed time to the first token.
        tokens_per_s: Smoothed rate after the first token.
        headroom: 0..1, the share of its tightest quota that is left.
        response_s: Smoothed time of a whole call; one that timed out took that long.
        trouble: 0..10, what went wrong in the last minutes; fades by 1 in two minutes.
        late_token_s: 95th percentile of the time to a stream's first token.
        late_whole_s: The same of a whole answer's time.
    """

    successes: float = 0.0
    failures: float = 0.0
    first_token_s: float | None = None
    tokens_per_s: float | None = None
    headroom: float = 1.0
    response_s: float | None = None
    trouble: float = 0.0
    late_token_s: float | None = None
    late_whole_s: float | None = None

    @property
    def success_rate(self) -> float | None:
        """The share of calls that were answered, None while there were none."""
        calls = self.successes + self.failures
        return self.successes / calls if calls else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The ledger as routing sees it at `at` (epoch seconds).

    Args:
        routes: Figures by route; a missing one is unknown.
        cooldowns: By route string, or by provider id for a whole provider; by `slot_name`
            where a further key was used. Those that one call may try now are among them.
        key_slots: Slots of the keys that may take turns, by provider id; the first else.
        refused: By route string, what it was seen to refuse, and when.
    """

    at: float
    routes: Mapping[Route, RouteState] = field(default_factory=dict)
    cooldowns: Mapping[str, Cooldown] = field(default_factory=dict)
    key_slots: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    refused: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def window(self, route: Route) -> int | None:
        """Return the tightest window that `route` named lately, None where it named none."""
        known = self.refused.get(str(route)) if self.refused else None
        return told_window(known, self.at) if known else None

    def is_weak(self, route: Route, weakness: Weakness) -> bool:
        """Whether `route` was seen to be bad at this more than once in the last week."""
        seen = self.refused.get(str(route), {}) if self.refused else {}
        return abs(self.at - seen.get(f"{weakness}{_AGAIN}", float("-inf"))) < REFUSAL_LIFE_S

    def cooldown(self, route: Route) -> Cooldown | None:
        """Return the pause that holds for `route` now; of several keys the one that ends first."""
        slots = self.key_slots.get(route.provider)
        if slots is None:
            return self.slot_cooldown(route, 0)
        pauses = [self.slot_cooldown(route, slot) for slot in slots]
        held = [pause for pause in pauses if pause is not None]
        return min(held, key=_ends_at) if held and len(held) == len(pauses) else None

    def slot_cooldown(self, route: Route, slot: int) -> Cooldown | None:
        """Return the pause that holds for `route` with that key now, the longer of two; None where a trial is due."""
        pauses = (
            self.cooldowns.get(slot_name(str(route), slot)),
            self.cooldowns.get(slot_name(route.provider, slot)),
        )
        live = [pause for pause in pauses if pause is not None and pause.until > self.at]
        held = longest(live) if live else None
        return None if held is None or held.trial_at <= self.at else held


def slot_name(name: str, key_slot: int) -> str:
    """Return how a route or provider is called when it is reached by that key."""
    return name if key_slot == 0 else f"{name} [key {key_slot}]"


def window_quirk(tokens: int) -> str:
    """Return the name under which a window is kept among what a route refuses: prompts that are longer."""
    return f"{_WINDOW}{tokens}"


def told_window(refused: Mapping[str, float], now: float) -> int | None:
    """Return the tightest window among what a route refuses, as far as it is still believed."""
    live = (name for name, at in refused.items() if name.startswith(_WINDOW) and abs(now - at) < WINDOW_LIFE_S)
    return min((int(name.removeprefix(_WINDOW)) for name in live), default=None)


def next_sight(refused: Mapping[str, float], weakness: Weakness) -> str:
    """Return the name under which a weakness is kept: the second sight of it is what counts."""
    return f"{weakness}{_AGAIN}" if weakness in refused else weakness


def _ends_at(cooldown: Cooldown) -> float:
    return cooldown.until
