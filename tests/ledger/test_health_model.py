"""The health of routes against a model so simple that it is seen to be right.

Two processes on one file, calls that end late, twice, in any order or not at all, a clock
that jumps both ways, restarts. The model knows neither the code's fields nor its verdicts.
"""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from openmux_lc.ledger.ledger import Ledger
from openmux_lc.types.catalog import Route
from openmux_lc.types.run import Attempt
from openmux_lc.types.state import Cooldown, Refusal

BIG, SMALL, TINY = Route("cloud", "big"), Route("cloud", "small"), Route("engine", "tiny")
ROUTES = [BIG, SMALL, TINY]
NAMES = ["cloud", "cloud:big", "cloud:small", "engine", "engine:tiny"]
START = 1_781_265_600.0
DAY, MONTH = 86_400.0, 31 * 86_400.0

ENDS = {
    "answered": {"outcome": "ok"},
    "left": {"outcome": "cancelled"},
    "does not fit": {"error": "InvalidRequest"},
    "fails": {"error": "ServerError", "status_code": 500},
    "is empty": {"error": "EmptyAnswer"},
    "fails for 20 s": {"error": "ServerError", "retry_after": 20.0},
    "times out": {"error": "TimedOut"},
    "breaks off": {"outcome": "cut", "error": "BadPayload"},
    "no connection": {"error": "ConnectionFailed"},
    "limited": {"error": "RateLimited"},
    "limited for 45 s": {"error": "RateLimited", "retry_after": 45.0},
    "limited for 40 days": {"error": "RateLimited", "retry_after": 40 * DAY},
    "limited by the minute": {"error": "RateLimited", "retry_after": 60.0, "wait_source": "learned"},
    "account limited": {"error": "RateLimited", "scope": "account"},
    "wrong key": {"error": "AuthenticationFailed"},
    "forbidden": {"error": "PermissionDenied"},
    "gone": {"error": "ModelGone"},
}
WIDE = {"no connection", "account limited", "wrong key"}
SICK = {"fails", "is empty", "fails for 20 s", "times out", "breaks off", "no connection"}
TOLD = {"fails for 20 s": 20.0, "limited for 45 s": 45.0, "limited for 40 days": 40 * DAY}
GUESSED = {"limited by the minute": 90.0, "wrong key": 300.0, "forbidden": DAY, "gone": DAY}


@dataclass(eq=False)
class Patient:
    """A route or a provider: what was said of it, in the order it was said."""

    failed: int = 0
    opened: int = 0
    limited: list[float] = field(default_factory=list)
    rest: tuple[float, float, bool] = (0.0, 0.0, True)  # from, to, is a guess
    told: float = 0.0
    turn: tuple[str, float] = ("", 0.0)  # the call that tries, and until when
    tried: float = 0.0
    wasted: int = 0
    news: int = 0

    def ends(self, now):
        """When its rest ends, 0 without one; a clock set back by more than the rest ends it."""
        begin, end, _ = self.rest
        if end <= now or begin - now > end - begin:
            return 0.0
        return min(end, now + end - begin)

    def firm(self, now):
        """Until when nobody may even try."""
        if not self.ends(now):
            return 0.0
        return self.told if self.rest[2] else self.ends(now)

    def is_tried(self, now):
        """Whether a call tries right now."""
        return now < self.turn[1] <= now + 60

    def is_early(self, now):
        """Whether one call may try before the rest is over."""
        begin, end, is_guess = self.rest
        gap = min(120 * 2 ** (self.wasted - 1), 900) if self.wasted else 0
        at = max((begin + end) / 2, begin + 120, self.told, self.tried + gap)
        return self.ends(now) > 0 and is_guess and at <= now and at < end and not self.is_tried(now)

    def is_half_open(self, now):
        """Whether one call may try after the rest."""
        return self.opened > 0 and not self.ends(now) and not self.is_tried(now)

    def rest_for(self, seconds, now, *, is_guess):
        """Rest that long from now, if that is longer."""
        end, until = now + min(seconds, MONTH), self.rest[1] if self.ends(now) else 0.0
        if is_guess and until and end - until < 0.05 * seconds:
            return
        self.told = max(self.told if until and self.told > now else 0.0, 0.0 if is_guess else end)
        if end > max(until, now):
            self.rest, self.turn, self.news = (now, end, is_guess), ("", 0.0), self.news + 1

    def hear(self, what, now, *, is_fresh, is_trial, longest):
        """Take the news of one call; `what` is empty for a call that concerned another."""
        if what in {"answered", "left", "does not fit", ""}:
            if what == "answered" and is_fresh:
                self.recover(now, is_trial=is_trial)
            elif is_fresh and is_trial:
                self.turn, self.wasted = ("", 0.0), max(0, self.wasted - (self.ends(now) > 0))
            return
        counts = is_fresh and (is_trial or not self.ends(now))
        if is_trial:
            self.turn = ("", 0.0)
        if what in {"limited", "account limited"}:
            self.climb(now, counts=counts, longest=longest)
        elif what in SICK and counts:
            was_open = self.opened > 0
            self.failed += 1
            if self.failed >= 3 or was_open:
                self.opened += 1
                self.rest_for(min(60 * 2 ** (self.opened - 1), 3600, longest), now, is_guess=True)
        if what in TOLD:
            self.rest_for(min(TOLD[what], longest), now, is_guess=False)
        if what in GUESSED:
            self.rest_for(min(GUESSED[what], longest), now, is_guess=True)

    def climb(self, now, *, counts, longest):
        """Two minutes, then ten: nothing is known of its day."""
        if self.limited and not 0 <= now - self.limited[0] < DAY:
            self.limited = []
        if counts:
            self.limited.append(now)
        self.rest_for(min(600 if len(self.limited) > 1 else 120, longest), now, is_guess=True)

    def recover(self, now, *, is_trial):
        """Nothing is held against it; its rest is over only if the call was sent to try."""
        told = self.firm(now)
        is_over = is_trial and self.rest[2] and self.ends(now) > 0
        self.failed, self.opened, self.limited, self.turn, self.wasted = 0, 0, [], ("", 0.0), 0
        if is_over:
            self.rest = (now, max(now, told), True)


class HealthModel(RuleBasedStateMachine):
    """Whatever happens, both processes show what the model says."""

    calls = Bundle("calls")

    @initialize()
    def begin(self):
        """Two processes on a new file, nobody ill."""
        self.folder = tempfile.TemporaryDirectory()
        self.url = f"sqlite:///{Path(self.folder.name) / 'state.db'}"
        self.now = START
        self.patients = {name: Patient() for name in NAMES}
        self.ledgers = [self.open(), self.open()]
        self.births = [0, 0]
        self.made = {}
        self.shown = {}
        self.may_shorten = False

    def open(self):
        """A process begins."""
        return Ledger.open(self.url, clock=lambda: self.now)

    def both(self, route):
        """The two that a call concerns."""
        return self.patients[str(route)], self.patients[route.provider]

    @rule(target=calls, route=st.sampled_from(ROUTES), process=st.integers(0, 1), gives_way=st.booleans())
    def call(self, route, process, gives_way):
        """A call begins, or makes way for the one that tries and for what was told."""
        reply = self.reserve(route, process, gives_way=gives_way)
        return multiple() if reply is None else reply

    @rule(target=calls, route=st.sampled_from(ROUTES))
    def race(self, route):
        """Two processes want to try the same at the same moment, and a third call insists."""
        replies = [self.reserve(route, process, gives_way=process < 2) for process in (0, 1, 2)]
        return multiple(*[reply for reply in replies if reply is not None])

    @rule(route=st.sampled_from(ROUTES[:2]), what=st.sampled_from(["fails", "no connection"]))
    def break_down(self, route, what):
        """Three calls fail in a row."""
        for _ in range(3):
            self.settle(self.reserve(route, 0, gives_way=False), what)

    @rule(routes=st.sampled_from([ROUTES[:1], ROUTES[:2]]), what=st.sampled_from(["limited", "account limited"]))
    def be_limited(self, routes, what):
        """Limits without a word: for two minutes, then for ten."""
        for _ in range(2):
            for route in routes:
                self.settle(self.reserve(route, 1, gives_way=False), what)
            self.now += 121
        self.now -= 121

    @rule(name=st.sampled_from(NAMES[:3]), share=st.sampled_from([0.4, 0.5, 0.9, 1.0]))
    def wait_for(self, name, share):
        """Until so much of a rest is served."""
        begin, end, _ = self.patients[name].rest
        self.now = max(self.now, begin + share * (end - begin) + 0.25)

    @rule(reservation=calls, what=st.sampled_from(sorted(ENDS)))
    def end(self, reservation, what):
        """A call ends: in any order, late, or a second time, which says nothing."""
        self.settle(reservation, what)

    @rule(reservation=calls, what=st.sampled_from(["answered", "left", "limited", "fails"]))
    def end_plainly(self, reservation, what):
        """The same with the ends that matter most to a call that tries."""
        self.settle(reservation, what)

    def look(self, ledger):
        """What a process knows, once the thread that writes its figures has let go of the file."""
        ledger.run_log.newest(1)
        return ledger.snapshot()

    def reserve(self, route, number, *, gives_way):
        """Ask a ledger for a call, and compare what it says; None if it refuses."""
        process = number % 2
        ledger, now, both = self.ledgers[process], self.now, self.both(route)
        self.look(ledger)
        due = [each for each in both if each.is_half_open(now) or each.is_early(now)]
        recent = sum(abs(now - each.tried) < 60 for each in self.patients.values())
        if any(each.is_early(now) for each in both) and recent >= 3:
            is_full, due = True, []
        else:
            is_full = False
        is_tried = any(each.is_tried(now) and (each.ends(now) or each.opened) for each in both)
        is_told = any(each.firm(now) > now for each in both)

        reply = ledger.reserve(route, (), {}, gives_way=gives_way)

        waits = gives_way and (is_tried or is_told or is_full)
        assert waits == isinstance(reply, Refusal)
        if isinstance(reply, Refusal):
            assert reply.until > now
            return None
        assert bool(due) == reply.is_trial
        for each in due:
            if each.ends(now):
                each.wasted, each.tried = each.wasted + 1, now
            each.turn = (reply.id, now + 30)
        self.made[reply.id] = (process, self.births[process], sum(each.news for each in both))
        return reply

    def settle(self, reservation, what):
        """End a call, and tell the model if it is the first time."""
        process, birth, news = self.made[reservation.id]
        attempt = Attempt(route=reservation.route, **{"outcome": "failed", **ENDS[what]})
        is_local = reservation.route == TINY

        self.ledgers[process].settle(reservation, attempt, is_local=is_local)

        if birth != self.births[process]:
            return  # whoever made it has died, or it has ended before
        self.made[reservation.id] = (process, -1, news)
        heard = "does not fit" if is_local and what == "times out" else what
        route, provider = self.both(reservation.route)
        is_fresh = news == route.news + provider.news
        trials = [each.turn[0] == reservation.id for each in (route, provider)]
        is_bad = heard not in {"answered", "left", "does not fit"}
        concerned = (provider,) if is_bad and heard in WIDE else (route,) if is_bad else (route, provider)
        for each, is_trial in zip((route, provider), trials, strict=True):
            said = heard if each in concerned else ""
            each.hear(said, self.now, is_fresh=is_fresh, is_trial=is_trial, longest=5.0 if is_local else MONTH)
        self.may_shorten = self.may_shorten or (heard == "answered" and is_fresh and any(trials))

    @rule(seconds=st.sampled_from([0.5, 4.0, 29.0, 31.0, 61.0, 130.0, 3_601.0, 43_300.0, DAY + 1]))
    def wait(self, seconds):
        """Time passes."""
        self.now += seconds

    @rule(seconds=st.sampled_from([1.0, 29.0, 70.0, 700.0, 100_000.0, 40 * DAY]))
    def set_back(self, seconds):
        """Somebody sets the clock back."""
        self.now -= seconds
        self.may_shorten = True

    @rule(process=st.integers(0, 1))
    def start_again(self, process):
        """A process ends; what it had under way is settled by nobody."""
        self.ledgers[process].close()
        self.ledgers[process] = self.open()
        self.births[process] += 1

    @rule(name=st.sampled_from(NAMES), process=st.integers(0, 1))
    def clear(self, name, process):
        """The user's word."""
        self.ledgers[process].uncool(name)
        self.patients[name] = Patient(news=self.patients[name].news + 1)
        self.may_shorten = True

    @rule(name=st.sampled_from(NAMES[:3]), process=st.integers(0, 1), seconds=st.sampled_from([30.0, 500.0, 50 * DAY]))
    def tell(self, name, process, seconds):
        """A response says that a quota is used up until then."""
        pause = Cooldown(until=self.now + seconds, reason="no requests left", source="header")
        self.ledgers[process].cool(name, pause)
        self.patients[name].rest_for(seconds, self.now, is_guess=False)

    @invariant()
    def both_processes_show_what_the_model_says(self):
        """Who rests, until when, and whether that is a guess."""
        if not hasattr(self, "ledgers"):
            return
        for ledger in self.ledgers:
            snapshot = self.look(ledger)
            live = {name: pause for name, pause in snapshot.cooldowns.items() if pause.until > self.now}
            for name, patient in self.patients.items():
                pause, ends = live.get(name), patient.ends(self.now)
                if not ends and patient.opened and patient.is_tried(self.now):
                    assert min(patient.turn[1], self.now + 30) == pytest.approx(pause.until, abs=1e-5)
                    continue
                assert bool(ends) == (pause is not None)
                if pause is not None:
                    assert ends == pytest.approx(pause.until, abs=1e-5)
                    assert patient.rest[2] == pause.is_guess
                    assert patient.is_early(self.now) <= (pause.trial_at <= self.now + 60)

    @invariant()
    def nothing_rests_too_long_and_no_deadline_comes_nearer(self):
        """Local 5 s, all others 31 days; shorter only by a word, a trial that succeeds or the clock."""
        if not hasattr(self, "ledgers"):
            return
        shown = {name: pause for name, pause in self.look(self.ledgers[0]).cooldowns.items() if pause.until > self.now}
        for name, pause in shown.items():
            is_turn = pause.reason.startswith("one call")
            longest = 30 if is_turn else 5 if name.startswith("engine") else MONTH
            assert pause.until - self.now <= longest + 1e-5
        for name, until in self.shown.items():
            if until > self.now and not self.may_shorten:
                assert shown[name].until >= until - 1e-5
        self.shown = {name: pause.until for name, pause in shown.items() if not pause.reason.startswith("one call")}
        self.may_shorten = False

    @invariant()
    def one_call_tries_at_a_time(self):
        """Of all that are under way, each route and provider has one that tries it."""
        if not hasattr(self, "ledgers"):
            return
        for patient in self.patients.values():
            assert patient.turn[0] == "" or patient.turn[0] in self.made

    def teardown(self):
        """Close and remove the file."""
        if hasattr(self, "ledgers"):
            for ledger in self.ledgers:
                ledger.close()
            self.folder.cleanup()


class TestHealth(HealthModel.TestCase):
    """Two processes on one file."""

    settings = settings(
        derandomize=True,  # the same examples at every run; see `test_model.py`
        max_examples=60,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
