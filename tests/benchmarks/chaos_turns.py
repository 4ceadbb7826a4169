"""The process of one contender among hosts that fail at random: takes orders, answers with what came of each call.

    python chaos_turns.py NAME

Started by `harness.Contender` in whatever environment the contender needs. The first
line of input is the setup: `hosts`, a list of dialect and address, and `options` of
ours. Each further line is an order: `mode` (`sync`, `async`, `stream`, `astream`) and `calls`. The
answer is a list of calls: `took_s`, the whole call, streamed ones to their first content;
`added_s`, what of it was not the answering host's, where the contender tells; `faults`,
`waited_s`; and `outcome`: `answered`, `wrong` (an answer that no host gave), `nobody`
(every host failed in this call, or had said to come back later) or the class of the error.
"""

import asyncio
import json
import logging
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

from peers import Player, langchain_over, pydantic_ai_over
from upstream import TEXT

PEERS = {"LangChain with_fallbacks": langchain_over, "pydantic-ai FallbackModel": pydantic_ai_over}
Told = Callable[[float, BaseException | None], dict[str, object]]


def main() -> None:
    """Obey orders until the input ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    logging.disable(logging.CRITICAL)
    orders = (json.loads(line) for line in sys.stdin)
    with asyncio.Runner() as runner:
        try:
            setup = next(orders)
            player, told = _player(sys.argv[1], setup)
            answers.write(json.dumps({"versions": player.versions}) + "\n")
            for order in orders:
                calls = _calls(runner, player, told, order["mode"], order["calls"])
                answers.write(json.dumps({"calls": calls}) + "\n")
        except Exception as error:  # noqa: BLE001 - whatever a contender does wrong is told to the harness
            answers.write(json.dumps({"error": f"{type(error).__name__}: {str(error)[:400]}"}) + "\n")


def _player(name: str, setup: dict[str, object]) -> tuple[Player, Told]:
    if name in PEERS:
        return PEERS[name]([address for _, address in setup["hosts"]]), lambda _, error: _plainly(error)
    from ours import HostsPlayer  # needs openmux-lc, which the peers' environments lack

    ours = HostsPlayer(setup["hosts"], **setup["options"])
    return ours.player, ours.told


def _plainly(error: BaseException | None) -> dict[str, object]:
    return {"outcome": type(error).__name__ if error is not None else "answered"}


def _calls(runner: asyncio.Runner, player: Player, told: Told, mode: str, calls: int) -> list[dict[str, object]]:
    if mode in {"async", "astream"}:
        return runner.run(_awaited(player, told, mode, calls))
    once = player.call if mode == "sync" else lambda: _whole(player.stream())
    return [_timed(once, told) for _ in range(calls)]


async def _awaited(player: Player, told: Told, mode: str, calls: int) -> list[dict[str, object]]:
    async def whole() -> tuple[str, float]:
        return await _awhole(player.astream())

    once = player.acall if mode == "async" else whole
    return [await _atimed(once, told) for _ in range(calls)]


def _timed(once: Callable[[], str | tuple[str, float]], told: Told) -> dict[str, object]:
    began, error, answer = time.perf_counter(), None, None
    try:
        answer = once()
    except Exception as caught:  # noqa: BLE001 - counted by its class
        error = caught
    return _record(began, answer, error, told)


async def _atimed(once: Callable[[], Awaitable[str | tuple[str, float]]], told: Told) -> dict[str, object]:
    began, error, answer = time.perf_counter(), None, None
    try:
        answer = await once()
    except Exception as caught:  # noqa: BLE001 - counted by its class
        error = caught
    return _record(began, answer, error, told)


def _record(
    began: float, answer: str | tuple[str, float] | None, error: BaseException | None, told: Told
) -> dict[str, object]:
    text, content_at = answer if isinstance(answer, tuple) else (answer, time.perf_counter())
    took_s = content_at - began
    record = {"took_s": took_s, **told(took_s, error)}
    if error is None and text != TEXT:
        record["outcome"] = "wrong"
    return record


def _whole(stream: Iterator[str]) -> tuple[str, float]:
    """Return the text, and when its first content came."""
    texts: list[str] = []
    content_at = 0.0
    for text in stream:
        content_at = content_at or (time.perf_counter() if text else 0.0)
        texts.append(text)
    return "".join(texts), content_at


async def _awhole(stream: AsyncIterator[str]) -> tuple[str, float]:
    """Return the text, and when its first content came."""
    texts: list[str] = []
    content_at = 0.0
    async for text in stream:
        content_at = content_at or (time.perf_counter() if text else 0.0)
        texts.append(text)
    return "".join(texts), content_at


if __name__ == "__main__":
    main()
