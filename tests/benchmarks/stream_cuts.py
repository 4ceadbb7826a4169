"""Cuts streams at a random byte and counts whole answers, and characters that are said twice or missing.

    python tests/benchmarks/stream_cuts.py [--streams 1000] [--share 0.3] [--seed 1] [--json FILE]

Eight hosts on loopback in four dialects. That share of all streams, successors' included, is cut at a byte drawn from
the seed, be it in the middle of a line. A successor goes on exactly, repeats 8 to 80 characters, begins again from the
start, opens with a remark (and goes on, or begins again), or opens a code block anew. The answers are scripted (prose,
code, JSON, Chinese, signs of several code points), so that every character is compared; with tool calls the call is
compared too. Beside it LangChain's `with_fallbacks` over `ChatOpenAI`, on the same hosts, where it is installed.

Between two streams the pauses of the hosts are lifted, unmeasured. Right is at least 99 % whole answers and not one
character wrong in them; exits 1 where that is missed.
"""

import argparse
import asyncio
import contextlib
import importlib.util
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

from harness import table, write_json

sys.path[:0] = [str(Path(__file__).resolve().parents[2])]

from openmux_lc.testing import FakeUpstream  # noqa: E402 - the tree's, as the scene below is
from tests.engine.cutting import DIALECTS, Scene, at_ease, model, pool, question, wrong  # noqa: E402

AIM_SHARE = 0.99


@dataclass
class Tally:
    """What came of the streams of one contender."""

    streams: int = 0
    whole: int = 0
    told: int = 0
    wrong_ends: int = 0
    more: int = 0
    less: int = 0
    calls_wrong: int = 0
    cuts: int = 0
    continued: int = 0
    gaps_s: list[float] = field(default_factory=list)
    first_s: list[float] = field(default_factory=list)

    def add(self, scene: Scene, number: int, seen: "Seen") -> None:
        """Compare one answer with its script."""
        self.streams += 1
        self.first_s += [seen.first_s] if seen.first_s is not None else []
        if seen.error is not None:
            self.told += 1
            return
        more, less = wrong(scene.text_of(number), seen.text)
        is_called = not scene.calls or list(seen.calls.values()) == [scene.call_of(number).arguments]
        self.more, self.less = self.more + more, self.less + less
        self.calls_wrong += not is_called
        self.whole += not more and not less and is_called
        if seen.segments > 1:
            self.continued += 1
            self.gaps_s.append(seen.gap_s)


@dataclass
class Seen:
    """What one reader saw."""

    text: str = ""
    calls: dict[int, str] = field(default_factory=dict)
    segments: int = 1
    gap_s: float = 0.0
    first_s: float | None = None
    error: Exception | None = None
    started: float = field(default_factory=time.perf_counter)
    at: float = field(default_factory=time.perf_counter)

    def take(self, chunk: object) -> None:
        """Add a chunk, and note how long it took."""
        now = time.perf_counter()
        if self.first_s is None and (chunk.text or chunk.tool_call_chunks):
            self.first_s = now - self.started
        elif self.first_s is not None:
            self.gap_s = max(self.gap_s, now - self.at)
        self.at = now
        self.text += chunk.text
        for call in chunk.tool_call_chunks:
            self.calls[call["index"]] = self.calls.get(call["index"], "") + (call["args"] or "")
        self.segments = max(self.segments, len(chunk.response_metadata.get("openmux", {}).get("segments", ())))


def main() -> int:
    """Run the contenders and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=1000, help="streams of each row (default 1000)")
    parser.add_argument("--share", type=float, default=0.3, help="share of streams that is cut (default 0.3)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there as well")
    wanted = parser.parse_args()
    rows: dict[str, Tally] = {}
    for calls in (False, True):
        what = "text and a tool call" if calls else "text"
        rows[f"ChatOpenMux, {what}, sync"] = _ours(wanted, calls=calls, is_async=False)
        rows[f"ChatOpenMux, {what}, async"] = _ours(wanted, calls=calls, is_async=True)
        if importlib.util.find_spec("langchain_openai"):
            rows[f"with_fallbacks, {what}, sync"] = _theirs(wanted, calls=calls)
    _print(rows)
    ours = [tally for name, tally in rows.items() if name.startswith("ChatOpenMux")]
    share = min(tally.whole / tally.streams for tally in ours)
    signs = sum(tally.more + tally.less + tally.calls_wrong for tally in ours)
    is_met = share >= AIM_SHARE and not signs
    print(
        f"\n  {'met   ' if is_met else 'MISSED'}  whole answers {share:.2%} at least (aim: 99 %), wrong signs {signs}"
    )
    write_json(wanted.json, {"seed": wanted.seed, "rows": {name: _figures(each) for name, each in rows.items()}})
    return 0 if is_met else 1


@contextlib.contextmanager
def _hosts(scene: Scene) -> Iterator[list[FakeUpstream]]:
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(FakeUpstream(scene.play)) for _ in DIALECTS]


def _ours(wanted: argparse.Namespace, *, calls: bool, is_async: bool) -> Tally:
    scene, tally = Scene(seed=wanted.seed, share=wanted.share, calls=calls), Tally()
    with tempfile.TemporaryDirectory() as folder, _hosts(scene) as hosts:
        mux = pool(Path(folder), hosts)
        llm = model(mux, calls=calls)
        if is_async:
            asyncio.run(_astream(scene, tally, mux, llm, wanted.streams))
        else:
            _stream(scene, tally, lambda number: llm.stream(question(number)), wanted.streams, lambda: at_ease(mux))
        mux.close()
    tally.cuts = scene.cuts
    return tally


def _theirs(wanted: argparse.Namespace, *, calls: bool) -> Tally:
    from langchain_openai import ChatOpenAI  # of the group `bench`

    from tests.engine.cutting import TOOL

    scene, tally = Scene(seed=wanted.seed, share=wanted.share, calls=calls), Tally()
    with _hosts(scene) as hosts:
        models = [ChatOpenAI(model="m", base_url=host.url_for("openai"), api_key="x", max_retries=0) for host in hosts]
        if calls:
            models = [each.bind_tools([TOOL]) for each in models]
        llm = models[0].with_fallbacks(models[1:])
        _stream(scene, tally, lambda number: llm.stream(question(number)), wanted.streams, lambda: None)
    tally.cuts = scene.cuts
    return tally


def _stream(
    scene: Scene, tally: Tally, stream: Callable[[int], Iterator], streams: int, ease: Callable[[], None]
) -> None:
    for number in range(streams):
        ease()
        seen = Seen()
        try:
            for chunk in stream(number):
                seen.take(chunk)
        except Exception as error:  # noqa: BLE001 - whatever it is, the reader is told
            seen.error = error
        tally.add(scene, number, seen)


async def _astream(scene: Scene, tally: Tally, mux: object, llm: object, streams: int) -> None:
    for number in range(streams):
        at_ease(mux)
        seen = Seen()
        try:
            async for chunk in llm.astream(question(number)):
                seen.take(chunk)
        except Exception as error:  # noqa: BLE001 - whatever it is, the reader is told
            seen.error = error
        tally.add(scene, number, seen)
    await mux.aclose()


def _figures(tally: Tally) -> dict[str, float]:
    gaps = sorted(tally.gaps_s) or [0.0]
    return {
        "streams": tally.streams,
        "cuts": tally.cuts,
        "continued": tally.continued,
        "whole_percent": 100 * tally.whole / tally.streams,
        "told": tally.told,
        "repeated": tally.more,
        "missing": tally.less,
        "calls_wrong": tally.calls_wrong,
        "first_ms": 1000 * median(tally.first_s),
        "gap_p50_ms": 1000 * median(gaps),
        "gap_p99_ms": 1000 * (quantiles(gaps, n=100)[98] if len(gaps) > 1 else gaps[0]),
    }


def _print(rows: dict[str, Tally]) -> None:
    columns = ["", "streams", "cuts", "went on", "whole %", "errors", "repeated", "missing", "calls wrong"]
    columns += ["first ms", "gap p50", "gap p99"]
    shown = [
        [name, *(f"{x:.0f}" if x == int(x) else f"{x:.2f}" for x in _figures(each).values())]
        for name, each in rows.items()
    ]
    table(
        "streams cut at a random byte; gap: longest wait between two chunks of a stream that was gone on with",
        columns,
        shown,
    )


if __name__ == "__main__":
    sys.exit(main())
