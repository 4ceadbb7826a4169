"""The process of one contender: takes orders on standard input, answers with times.

    python turns.py NAME

Started by `harness.Contender` in whatever environment the contender needs, so this
module imports the standard library alone. The first line of input is the setup: the
addresses `good` and `bad` (null but for failover), and `state`, where ours keeps its
own (null for SQLite in a new folder). Each further line is an order: `mode`, `calls`
and `at_a_time`. What a contender prints goes to standard error.
"""

import asyncio
import json
import logging
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from peers import PEERS, Player
from upstream import TEXT


def main() -> None:
    """Obey orders until the input ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    logging.disable(logging.CRITICAL)  # a peer that reports every failover on the console would pay for it
    name = sys.argv[1]
    orders = (json.loads(line) for line in sys.stdin)
    with asyncio.Runner() as runner:
        try:
            player = _player(name, next(orders))
            answers.write(json.dumps({"versions": player.versions}) + "\n")
            for order in orders:
                answers.write(json.dumps(_turn(runner, player, order)) + "\n")
        except Exception as error:  # noqa: BLE001 - whatever a contender does wrong is told to the harness
            answers.write(json.dumps({"error": f"{type(error).__name__}: {str(error)[:400]}"}) + "\n")


def _player(name: str, setup: dict[str, str | None]) -> Player:
    if name in PEERS:
        return PEERS[name](setup["good"], setup["bad"])
    if setup["state"]:
        os.environ["OPENMUX_STATE_URL"] = setup["state"]
    from ours import OURS  # needs openmux-lc, which the peers' environments lack

    return OURS[name](setup["good"], setup["bad"])


def _turn(runner: asyncio.Runner, player: Player, order: dict[str, object]) -> dict[str, object]:
    """Return times, processor time and wall time of one order."""
    mode, calls, at_a_time = str(order["mode"]), int(order["calls"]), int(order["at_a_time"])
    if mode in {"sync", "stream"}:
        once = _timed(player.call) if mode == "sync" else _first_token(player.stream)
        measured = _one_by_one(once, calls, player.reset) if at_a_time == 1 else _threads(once, calls, at_a_time)
    else:
        aonce = _atimed(player.acall) if mode == "async" else _afirst_token(player.astream)
        measured = runner.run(_tasks(aonce, calls, at_a_time, player.reset))
    times_s, cpu_s, wall_s = measured
    return {"times_s": times_s, "cpu_s": cpu_s, "wall_s": wall_s, "note": player.note()}


def _one_by_one(once: Callable[[], float], calls: int, reset: Callable[[], None] | None):
    if reset is None:
        return _whole(lambda: [once() for _ in range(calls)])
    times, cpu, wall = [], 0.0, 0.0
    for _ in range(calls):
        reset()
        part, part_cpu, part_wall = _whole(lambda: [once()])
        times += part
        cpu, wall = cpu + part_cpu, wall + part_wall
    return times, cpu, wall


def _threads(once: Callable[[], float], calls: int, at_a_time: int):
    with ThreadPoolExecutor(at_a_time) as threads:
        return _whole(lambda: list(threads.map(lambda _: once(), range(calls))))


async def _tasks(once: Callable[[], object], calls: int, at_a_time: int, reset: Callable[[], None] | None):
    times: list[float] = []
    cpu, wall = 0.0, 0.0

    async def work(share: int) -> None:
        times.extend([await once() for _ in range(share)])

    for share in [1] * calls if reset else [calls // at_a_time]:
        if reset is not None:
            reset()
        cpu_before, before = time.process_time(), time.perf_counter()
        if at_a_time == 1:
            await work(share)
        else:
            await asyncio.gather(*(work(share) for _ in range(at_a_time)))
        cpu, wall = cpu + time.process_time() - cpu_before, wall + time.perf_counter() - before
    return times, cpu, wall


def _whole(work: Callable[[], list[float]]) -> tuple[list[float], float, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    times = work()
    return times, time.process_time() - cpu, time.perf_counter() - wall


def _timed(call: Callable[[], str]) -> Callable[[], float]:
    def once() -> float:
        began = time.perf_counter()
        text = call()
        spent = time.perf_counter() - began
        return _checked(text, spent)

    return once


def _atimed(call: Callable[[], object]) -> Callable[[], object]:
    async def once() -> float:
        began = time.perf_counter()
        text = await call()
        spent = time.perf_counter() - began
        return _checked(text, spent)

    return once


def _first_token(stream: Callable[[], Iterator[str]]) -> Callable[[], float]:
    def once() -> float:
        texts: list[str] = []
        spent = 0.0
        began = time.perf_counter()
        for text in stream():
            if text and not spent:
                spent = time.perf_counter() - began
            texts.append(text)
        return _checked("".join(texts), spent)

    return once


def _afirst_token(stream: Callable[[], AsyncIterator[str]]) -> Callable[[], object]:
    async def once() -> float:
        texts: list[str] = []
        spent = 0.0
        began = time.perf_counter()
        async for text in stream():
            if text and not spent:
                spent = time.perf_counter() - began
            texts.append(text)
        return _checked("".join(texts), spent)

    return once


def _checked(text: str, spent: float) -> float:
    if text != TEXT:
        raise ValueError(f"got {text[:80]!r}, not the upstream's answer")
    return spent


if __name__ == "__main__":
    main()
