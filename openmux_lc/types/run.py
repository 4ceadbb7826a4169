"""One run: the request, its classification, the plan, attempts, answer and report.

A message is the OpenAI chat wire's JSON object; surfaces convert theirs to it. An
assistant's may hold `echo`: its answer's, with `provider` and `model` beside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from openmux_lc.errors import Advice, FaultScope
from openmux_lc.types.breaks import OnBreak
from openmux_lc.types.catalog import LimitUnit, Route, Task
from openmux_lc.types.json import Json, JsonObject
from openmux_lc.types.state import CooldownSource, LimitObservation
from openmux_lc.types.timing import Hedged, Wait

__all__ = [
    "Answer",
    "Attempt",
    "Candidate",
    "Chunk",
    "Classification",
    "EmbeddingRequest",
    "Message",
    "Options",
    "Outcome",
    "Plan",
    "Rejection",
    "Report",
    "Request",
    "Requirements",
    "Score",
    "ToolCall",
    "ToolCallDelta",
    "Usage",
    "Vectors",
    "Wave",
]

Message = JsonObject
Outcome = Literal["ok", "failed", "refused", "cut", "cancelled", "abandoned", "outrun"]
"""`refused`: the ledger knew that the quota was used up, and nothing was sent; `outrun`: a
second request to another provider was quicker, and this one was given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be answered, in the OpenAI chat wire's terms.

    Args:
        messages: In order; roles `system`, `user`, `assistant`, `tool`.
        tools: OpenAI function tools.
        tool_choice: `auto`, `none`, `required` or a named function object.
        response_format: `json_object` or `json_schema` object.
        stop: At most four sequences on most hosts.
        reasoning_effort: `low`, `medium`, `high` where a model thinks.
        goes_on: The answer is the rest of one that was shown already.
        extra_body: Fields the user wants on the wire as they are; only names that are
            known to cost nothing are taken, all others are refused.
    """

    messages: tuple[Message, ...] = field(repr=False)
    tools: tuple[JsonObject, ...] = field(default=(), repr=False)
    tool_choice: str | JsonObject | None = None
    parallel_tool_calls: bool | None = None
    response_format: JsonObject | None = field(default=None, repr=False)
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = field(default=(), repr=False)
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    reasoning_effort: str | None = None
    goes_on: bool = False
    extra_body: JsonObject = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingRequest:
    """Texts to be turned into vectors; `purpose` matters to asymmetric models."""

    texts: tuple[str, ...] = field(repr=False)
    purpose: Literal["query", "document"] | None = None
    dimensions: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the pool may answer one request.

    Args:
        chain: Routes as written by the user, in order; `auto` may stand last or
            alone. Empty means `auto`.
        task: Overrides the classifier.
        routing_profile: Name of the weights.
        timeout_s: Deadline of the whole run.
        first_byte_s: Longest wait for a host's first byte; None means as long as is usual
            for its kind (`waits.py`). That of a whole answer comes once it is written.
        stall_s: Longest silence inside an answer that has begun.
        max_wait_s: Longest wait for a much better route, or the only one, to become free.
        max_attempts: Calls that may be made in all.
        max_retries: Repeats of one route where repeating can help.
        retry_budget_s: A route that has cost so much of the run's time is not repeated.
        backoff_s: Wait before the first repeat after a passing fault; it doubles with each.
        on_break: What becomes of a stream that breaks after its first words: another
            route goes on (`continue`), or the reader is told (`raise`).
        fan_out: Answers wanted from different routes.
        strategy: How several answers become one.
        hedge: Ask a second provider where the first takes longer than it usually does.
        hedge_share: Share of a day's calls that may be asked twice.
        hedge_headroom: Share of its quota that the second one must have left.
        seed: Makes ties deterministic.
        on_overflow: What becomes of a prompt that no window takes: an error, without its oldest turns,
            or with their summary by the pool in their place.
        on_broken_contract: What is given where every route broke the schema, or made no required tool
            call: an error, or the last answer all the same.
    """

    chain: tuple[str, ...] = ()
    task: Task | None = None
    routing_profile: str = "balanced"
    timeout_s: float = 120.0
    first_byte_s: float | None = None
    stall_s: float = 60.0
    max_wait_s: float = 0.0
    max_attempts: int = 16
    max_retries: int = 1
    retry_budget_s: float = 30.0
    backoff_s: float = 0.05
    on_break: OnBreak = "continue"
    fan_out: int = 1
    strategy: Literal["best", "concatenate", "vote"] = "best"
    hedge: bool = False
    hedge_share: float = 0.02
    hedge_headroom: float = 0.5
    seed: int | None = None
    on_overflow: Literal["raise", "trim_oldest", "summarize"] = "raise"
    on_broken_contract: Literal["raise", "answer"] = "raise"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """What a route must be able to do; anything less is a rejection with a reason.

    Args:
        task: Decides the kind of model (text, embeddings, image, speech).
        profile_keys: Keys of `Profile` that must be true.
        min_context_tokens: Estimated prompt plus the room for the answer.
    """

    task: Task = "chat"
    profile_keys: frozenset[str] = frozenset()
    min_context_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """What kind of request this is.

    Args:
        task: The class with the highest confidence.
        tasks: Every class with a confidence worth telling, highest first.
        confidence: 0..1 of `task`.
        difficulty: 0 trivial .. 1 hard.
        evidence: Short, human-readable cues; never the prompt's own words.
        tags: Finer labels such as `reasoning`, `vision`, `translation`.
    """

    task: Task
    confidence: float
    difficulty: float = 0.35
    tasks: tuple[tuple[Task, float], ...] = ()
    evidence: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    is_override: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A candidate's total and the terms that it was worked out from."""

    total: float
    terms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An eligible route with its score."""

    route: Route
    score: Score


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A route that cannot serve this request, why, and until when if that ends.

    Args:
        source: Who says until when.
    """

    route: str
    reason: str
    until: float | None = None
    source: CooldownSource | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The order in which routes will be asked.

    Args:
        branches: One tuple of routes per wanted answer; failover walks along it.
        candidates: Every eligible route, best first.
        rejected: Every other one.
        largest_window: Tokens that the largest window takes, where all are too small for the prompt.
        wait: What was decided about waiting, where the options allow any.
    """

    branches: tuple[tuple[Route, ...], ...]
    candidates: tuple[Candidate, ...]
    rejected: tuple[Rejection, ...]
    classification: Classification
    requirements: Requirements
    options: Options
    why: tuple[str, ...] = ()
    largest_window: int | None = None
    wait: Wait | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """Routes to call next, one per open branch; empty means done.

    Args:
        wait_s: How long to wait before: a repeat gives a passing fault time to pass, a
            route that rests becomes free.
    """

    calls: tuple[tuple[int, Route], ...] = ()
    why: str = ""
    wait_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens used; `is_estimated` when the provider did not tell."""

    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    reasoning_tokens: int | None = None
    cache_read_tokens: int | None = None
    is_estimated: bool = False
    cost: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A function the model wants called; `arguments` is the JSON text it wrote."""

    id: str
    name: str
    arguments: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallDelta:
    """A piece of a tool call in a stream."""

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A piece of a streamed answer; empty fields carry nothing.

    `echo`, on the last piece only, is what `Answer.echo` says; `is_prompt_cut` there, that the
    engine left out the beginning of a prompt that was too long for it.
    """

    text: str = field(default="", repr=False)
    reasoning: str = field(default="", repr=False)
    tool_calls: tuple[ToolCallDelta, ...] = ()
    finish_reason: str | None = None
    usage: Usage | None = None
    model: str = ""
    id: str = ""
    echo: JsonObject = field(default_factory=dict, repr=False)
    is_prompt_cut: bool = False

    @property
    def has_content(self) -> bool:
        """Whether a reader would see anything of it (the commit gate's test)."""
        return bool(self.text.strip() or self.reasoning.strip() or self.tool_calls)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer from one route.

    Args:
        model: The id the provider says it answered with, else the one asked for.
        raw: The upstream's body, at most a bounded number of bytes.
        limits: What the response told about quotas.
        echo: What the provider wants back unread with the history, for its own models
            only: `signatures` by tool-call id (and `""` for the text), `reasoning_details`.
    """

    route: Route
    text: str = field(default="", repr=False)
    reasoning: str = field(default="", repr=False)
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str = "stop"
    usage: Usage = field(default_factory=Usage)
    model: str = ""
    id: str = ""
    raw: bytes = field(default=b"", repr=False)
    limits: tuple[LimitObservation, ...] = ()
    extra: Mapping[str, Json] = field(default_factory=dict, repr=False)
    echo: JsonObject = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vectors:
    """Embeddings in the order of the texts, all of one length."""

    route: Route
    vectors: tuple[tuple[float, ...], ...]
    usage: Usage = field(default_factory=Usage)
    model: str = ""
    limits: tuple[LimitObservation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One call to one route and what came of it.

    Args:
        key_slot: Which of the provider's keys was used.
        has_other_key: It failed for its key, and another key of that provider may serve.
        delivered_chars: What the reader had seen of it when it was cut.
        used: What an answered call used by unit, where more than its tokens is known.
        waited_s: How long was waited before it, its reservation not yet made.
    """

    route: Route
    branch: int = 0
    key_slot: int = 0
    has_other_key: bool = False
    outcome: Outcome = "ok"
    error: str = ""
    status_code: int | None = None
    message: str = ""
    advice: Advice | None = None
    scope: FaultScope | None = None
    retry_after: float | None = None
    wait_source: CooldownSource = "header"
    elapsed_s: float = 0.0
    first_token_s: float | None = None
    delivered_chars: int = 0
    usage: Usage | None = None
    used: Mapping[LimitUnit, int] = field(default_factory=dict)
    waited_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Why this answer came from where; `explain` returns the same, without attempts.

    Args:
        run_id: Names the run in the log.
        route: The route that answered, `""` when none did.
        model: The model id that the answering provider reported.
    """

    run_id: str
    route: str = ""
    model: str = ""
    classification: Classification
    why: tuple[str, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    rejected: tuple[Rejection, ...] = ()
    elapsed_s: float = 0.0
    usage: Usage | None = None
    answer_chars: int = 0
    segments: tuple[str, ...] = ()
    wait: Wait | None = None
    hedged: Hedged | None = None
    is_dry_run: bool = False
