"""What the reader of a stream has seen, over all the routes that had a part in it.

Chunks of a segment go in, what the reader sees comes out: text once, thoughts once,
a tool call only when it is whole. No input or output, so that sync and async share it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from openmux_lc.engine.assembly import summed
from openmux_lc.engine.resume import Resumed, anchor_of, resumed
from openmux_lc.engine.seam import Joint, Seam
from openmux_lc.errors import BadPayload, ProviderError, StreamInterruptedError
from openmux_lc.providers.quirks import takes_prefix
from openmux_lc.routing.progress import next_calls
from openmux_lc.types.catalog import Route
from openmux_lc.types.run import Answer, Attempt, Chunk, ToolCallDelta, Usage, Wave

if TYPE_CHECKING:
    from openmux_lc.engine.run_state import Run
    from openmux_lc.engine.segment import AsyncSegment, Segment
    from openmux_lc.mux import Mux

__all__ = ["Relay"]

_ENDINGS: Final = frozenset(".!?…\u3002\uff01\uff1f\u201d\"'`)]}>|*")
"""Signs after which an answer may well be whole."""
_SILENT: Final = "EmptyAnswer"


class Relay:
    """The answer as the reader sees it, while routes come and go.

    Args:
        mux: The pool.
        run: The run that the stream belongs to.

    `is_seen` is False where nobody looks before the end: an answer is then begun anew.
    """

    def __init__(self, mux: Mux, run: Run) -> None:
        """Nothing is shown yet."""
        self.mux, self.run = mux, run
        self.is_seen = True
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._segments: list[Route] = []
        self._usages: list[Usage] = []
        self._route: Route | None = None
        self._seam: Seam | None = None
        self._shows_reasoning = True
        self._lacks_call = False
        self._holds_text = False
        self._delivered: int | None = None
        self._pending: list[str] = []
        self._attempt: Attempt | None = None
        self._silent: set[Route] = set()

    @property
    def text(self) -> str:
        """The text that the reader has seen."""
        return "".join(self._text)

    def begin(self, segment: Segment | AsyncSegment) -> None:
        """Let a segment go on from here."""
        route, shown = segment.booking.route, self.text
        self._route, self._delivered = route, None
        self._shows_reasoning = not shown.strip() and not "".join(self._reasoning).strip()
        self._seam = None
        if shown.strip():
            is_prefilled = self._is_prefilled(route)
            self._seam = Seam(shown, is_prefilled=is_prefilled, anchor="" if is_prefilled else anchor_of(shown))
        self._holds_text = self._lacks_call and self._seam is not None

    def take(self, chunk: Chunk) -> Chunk | None:
        """Return what the reader sees of a chunk, None where that is nothing.

        Raises:
            BadPayload: The successor began again with other words.
        """
        text = chunk.text
        if text and self._seam is not None:
            text = self._seam.feed(text)
            self._check()
        if self._holds_text and text:  # what stands before a call was shown; is it said again, or is there no call?
            self._pending.append(text)
            text = ""
        return self._shown(text, chunk.reasoning if self._shows_reasoning else "", chunk.model, chunk.id)

    def end(self, segment: Segment | AsyncSegment) -> Chunk:
        """Book the answer that a segment completes and return the stream's last chunk.

        Raises:
            BadPayload: The successor began again with other words, and ended.
        """
        answer = segment.answer()
        shown = self._shown(self._rest(answer), "", answer.model, answer.id)
        shown = shown or Chunk(model=answer.model, id=answer.id)
        if self._delivered is None:
            self._segments.append(answer.route)
        segment.finish(answer)
        whole = self._whole(answer)
        calls = tuple(
            ToolCallDelta(index=index, id=call.id, name=call.name, arguments=call.arguments)
            for index, call in enumerate(answer.tool_calls)
        )
        return replace(shown, tool_calls=calls, finish_reason=whole.finish_reason, usage=whole.usage, echo=whole.echo)

    def _whole(self, answer: Answer) -> Answer:
        """Return the answer with what earlier segments had a part in it, and keep it as the run's."""
        self._tell()
        if not self._usages:
            return answer
        self.run.final = replace(
            answer,
            text=self.text,
            reasoning="".join(self._reasoning),
            usage=summed((*self._usages, answer.usage)),
            raw=b"",  # no host sent it so
            echo=answer.echo if self._seam is None else {},
        )
        return self.run.final

    def broke(self, segment: Segment | AsyncSegment, error: ProviderError) -> None:
        """Book a break; the held text was seen by nobody and is forgotten."""
        self._attempt = segment.broke(error, delivered_chars=self._delivered or 0)
        self._usages.append(self._attempt.usage or Usage(is_estimated=True))
        self._lacks_call = self._lacks_call or segment.assembly.has_calls
        self._pending.clear()
        self._seam = None
        if not self.is_seen:
            self._text.clear()
            self._reasoning.clear()
            self._segments.clear()

    def next_wave(self, now: float) -> Wave:
        """Return who is to go on; nobody where a break is to be told."""
        run = self.run
        if run.plan is None or (self.is_seen and run.options.on_break == "raise"):
            return Wave()
        return next_calls(run.plan, run.attempts, run.answers, now, run.deadline)

    def rest(self, route: Route) -> Resumed:
        """Return what `route` is asked: the rest, or anew where no text was shown."""
        request, shown = self.run.request, self.text
        if not shown.strip():
            return Resumed(request)
        return resumed(request, shown, is_prefilled=self._is_prefilled(route), lacks_call=self._lacks_call)

    def is_complete(self) -> bool:
        """Whether a successor with nothing to say means that nothing was missing.

        One is believed where the text ends like an answer, two different ones are believed anyway.
        """
        last = self.run.attempts[-1]
        if last.error != _SILENT or not self.text.strip() or self._lacks_call:
            return False
        self._silent.add(last.route)
        return len(self._silent) > 1 or self.text.rstrip()[-1] in _ENDINGS

    def as_it_stands(self) -> Chunk:
        """Return the last chunk where nothing was left to say."""
        last, route = self.run.attempts[-1].route, self._segments[-1]
        self.run.notes.append(f"{last} had nothing to add: the answer was whole when it broke off")
        answer = Answer(route=route, model=route.model, usage=Usage())
        whole = self._whole(answer)
        return Chunk(finish_reason=whole.finish_reason, usage=whole.usage, model=whole.model)

    def interrupted(self) -> StreamInterruptedError:
        """Return what the reader is told where nobody goes on."""
        cut = self._attempt
        self._tell()
        where = f"{cut.route} broke off ({cut.error})" if cut else "the stream broke off"
        tried = "" if self.run.options.on_break == "raise" else " and nobody is left to go on"
        return StreamInterruptedError(
            f"{where} after {len(self.text)} characters{tried}; the text so far is in .partial",
            partial=self.text,
            attempt=cut,
        )

    def _shown(self, text: str, reasoning: str, model: str, answer_id: str) -> Chunk | None:
        if not text and not reasoning:
            return None
        self._text.append(text)
        self._reasoning.append(reasoning)
        if self._delivered is None and self._route is not None:
            self._segments.append(self._route)
        self._delivered = (self._delivered or 0) + len(text)
        return Chunk(text=text, reasoning=reasoning, model=model, id=answer_id)

    def _rest(self, answer: Answer) -> str:
        """Return what was held back to the end."""
        seam = self._seam
        if seam is None:
            return ""
        rest = "".join(self._pending) + seam.finish()
        self._check()
        joint = seam.joint or Joint("exact")
        if self._holds_text and answer.tool_calls and rest and joint.kind == "exact":
            self.run.notes.append(
                f"{answer.route} said something else before its call: {len(rest)} characters left out"
            )
            return ""
        self.run.notes.append(_told(answer.route, joint))
        return rest

    def _check(self) -> None:
        if self._seam is not None and self._seam.is_lost and self._route is not None:
            route = self._route
            raise BadPayload(
                f"{route} began the answer again with other words, which nobody was shown",
                provider=route.provider,
                model=route.model,
                scope="request",  # it answered well: its host is not to be left alone for that
                advice="next_route",
            )

    def _is_prefilled(self, route: Route) -> bool:
        return not self._lacks_call and takes_prefix(self.mux.catalog.provider(route.provider))

    def _tell(self) -> None:
        self.run.segments = list(self._segments)


def _told(route: Route, joint: Joint) -> str:
    how = {
        "exact": "its text repeats nothing and was added as it came",
        "repeated": f"{joint.repeated} repeated characters were left out",
        "restarted": f"it began again, so {joint.repeated} characters were left out",
    }.get(joint.kind, "")
    preface = f", and {joint.preface} of remarks" if joint.preface else ""
    return f"{route} went on: {how}{preface}"
