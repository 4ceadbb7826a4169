"""Embeddings through the pool: planned, booked and failed over like answers.

Vectors of two models are not comparable, so once a route has given vectors the
caller pins it; failing over happens only before the first of them.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from openmux_lc.engine.attempt import Booking
from openmux_lc.engine.nodes import MAX_WAVES, Nodes
from openmux_lc.engine.outcome import all_failed
from openmux_lc.engine.run_state import Run
from openmux_lc.errors import BadPayload
from openmux_lc.routing.progress import next_calls
from openmux_lc.routing.tokens import estimated_tokens
from openmux_lc.types.run import Answer, EmbeddingRequest, Options, Request, Usage, Vectors, Wave

if TYPE_CHECKING:
    from openmux_lc.mux import Mux

__all__ = ["aembed", "embed"]

_BATCH: Final = 96
"""Texts in one call: the smallest cap among the hosts that tell one."""


def embed(mux: Mux, request: EmbeddingRequest, options: Options | None = None) -> Vectors:
    """Return one vector per text, all of one model; many texts go in several calls.

    Raises:
        NoRouteError: No embedding model is within reach.
        AllRoutesFailedError: Every route that the plan allowed failed.
    """
    chosen = options or mux.default_options()
    parts: list[Vectors] = []
    for batch in _batches(request):
        parts.append(_embed_batch(mux, batch, chosen))
        chosen = replace(chosen, chain=(str(parts[0].route),))
    return _joined(parts)


async def aembed(mux: Mux, request: EmbeddingRequest, options: Options | None = None) -> Vectors:
    """Return one vector per text; raises as `embed` does."""
    chosen = options or mux.default_options()
    parts: list[Vectors] = []
    for batch in _batches(request):
        parts.append(await _aembed_batch(mux, batch, chosen))
        chosen = replace(chosen, chain=(str(parts[0].route),))
    return _joined(parts)


def _embed_batch(mux: Mux, request: EmbeddingRequest, options: Options) -> Vectors:
    run = _begin(mux, request, options)
    for _ in range(MAX_WAVES):
        wave = _next(run)
        if not wave.calls:
            break
        run.wait(wave.wait_s)
        route = wave.calls[0][1]
        with Booking(mux, run, 0, route) as booking:
            booking.check()
            booking.reserve()
            vectors = _checked(mux.adapter(route).embed(booking.call(is_stream=False), request), request)
            booking.answered(_as_answer(vectors))
        booking.settle()
        if run.answers:
            return _end(mux, run, vectors)
    raise _failed(mux, run)


async def _aembed_batch(mux: Mux, request: EmbeddingRequest, options: Options) -> Vectors:
    await mux.look_around()
    run = _begin(mux, request, options)
    for _ in range(MAX_WAVES):
        wave = _next(run)
        if not wave.calls:
            break
        await run.await_s(wave.wait_s)
        route = wave.calls[0][1]
        with Booking(mux, run, 0, route) as booking:
            booking.check()
            await booking.areserve()
            vectors = _checked(await mux.adapter(route).aembed(booking.call(is_stream=False), request), request)
            booking.answered(_as_answer(vectors))
        await booking.asettle()
        if run.answers:
            return _end(mux, run, vectors)
    raise _failed(mux, run)


def _batches(request: EmbeddingRequest) -> list[EmbeddingRequest]:
    """Return the request in parts that every host takes."""
    texts = request.texts
    return [replace(request, texts=texts[start : start + _BATCH]) for start in range(0, len(texts), _BATCH)]


def _joined(parts: list[Vectors]) -> Vectors:
    """Return the parts as one; their usage is added up.

    Raises:
        BadPayload: The host changed the length of its vectors between two parts.
    """
    if len({len(vector) for part in parts for vector in part.vectors}) > 1:
        route = parts[0].route
        raise BadPayload(f"{route} changed the length of its vectors", provider=route.provider, model=route.model)
    usages = [part.usage for part in parts]
    return replace(
        parts[0],
        vectors=tuple(vector for part in parts for vector in part.vectors),
        usage=Usage(
            input_tokens=sum(usage.input_tokens for usage in usages),
            total_tokens=sum(usage.total_tokens for usage in usages),
            is_estimated=any(usage.is_estimated for usage in usages),
        ),
    )


def _begin(mux: Mux, request: EmbeddingRequest, options: Options) -> Run:
    """Return a planned run; the longest text stands in as its message, so that it must fit."""
    longest = max(request.texts, key=len, default="")
    asked = Request(messages=({"role": "user", "content": longest},))
    tokens = sum(estimated_tokens(text) for text in request.texts)
    run = Run(request=asked, options=replace(options, task="embeddings", fan_out=1), tokens=tokens)
    nodes = Nodes(mux)
    nodes.classify(run)
    nodes.select(run)
    return run


def _next(run: Run) -> Wave:
    assert run.plan is not None  # noqa: S101 - set by `_begin`
    return next_calls(run.plan, run.attempts, run.answers, time.monotonic(), run.deadline)


def _checked(vectors: Vectors, request: EmbeddingRequest) -> Vectors:
    """Return the vectors if there is one per text and all have one length.

    Raises:
        BadPayload: The provider gave too few, or uneven ones.
    """
    lengths = {len(vector) for vector in vectors.vectors}
    if len(vectors.vectors) != len(request.texts) or len(lengths) > 1 or 0 in lengths:
        raise BadPayload(
            f"{vectors.route} gave {len(vectors.vectors)} vectors of lengths {sorted(lengths)} "
            f"for {len(request.texts)} texts",
            provider=vectors.route.provider,
            model=vectors.route.model,
        )
    return vectors


def _as_answer(vectors: Vectors) -> Answer:
    return Answer(route=vectors.route, usage=vectors.usage, model=vectors.model, limits=vectors.limits)


def _end(mux: Mux, run: Run, vectors: Vectors) -> Vectors:
    mux.remember(run.report(run.answers[0]))
    return vectors


def _failed(mux: Mux, run: Run) -> Exception:
    mux.remember(run.report())
    error = all_failed(mux, run)
    error.__cause__ = ExceptionGroup("every attempt failed", run.errors) if run.errors else None
    return error
