"""What exists: providers, models, routes, limits, and the evidence that one is free.

Every fact carries the date it was last seen true. Nothing here decides anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, TypedDict, get_args

__all__ = [
    "KEY_SLOTS",
    "TASKS",
    "Auth",
    "Evidence",
    "FreeRule",
    "Limit",
    "LimitScope",
    "LimitUnit",
    "Model",
    "PoolEntry",
    "Profile",
    "Provider",
    "Route",
    "Task",
    "UnitPrice",
    "Window",
]

Task = Literal["chat", "code", "tts", "audio", "embeddings", "image", "other"]
TASKS: Final[tuple[Task, ...]] = get_args(Task)

KEY_SLOTS: Final = range(9)
"""Places for keys of one provider; the ledger counts each by itself where limits are per key."""

LimitUnit = Literal["requests", "tokens", "neurons", "credits", "audio_seconds"]
LimitScope = Literal[
    "model",
    "key",
    "key_model",
    "account",
    "account_model",
    "organisation",
    "organisation_model",
    "ip",
    "ip_model",
]
WindowKind = Literal["rolling", "calendar_day", "calendar_month", "anniversary_month", "token_bucket", "concurrency"]
Confidence = Literal["high", "medium", "low"]
EvidenceKind = Literal["zero_price", "free_id", "free_tier", "keyless", "local", "user"]
AuthMode = Literal["key", "optional", "none"]


class Route(NamedTuple):
    """A provider and one of its models, written `provider:model`.

    Example:
        >>> str(Route("ollama", "qwen3:8b"))
        'ollama:qwen3:8b'
    """

    provider: str
    model: str

    def __str__(self) -> str:
        """Return `provider:model`."""
        return f"{self.provider}:{self.model}"


class Profile(TypedDict, total=False):
    """A model's abilities, under the key names of LangChain's `ModelProfile`."""

    name: str
    release_date: str
    open_weights: bool
    max_input_tokens: int
    max_output_tokens: int
    text_inputs: bool
    image_inputs: bool
    pdf_inputs: bool
    audio_inputs: bool
    video_inputs: bool
    text_outputs: bool
    image_outputs: bool
    audio_outputs: bool
    reasoning_output: bool
    tool_calling: bool
    tool_choice: bool
    structured_output: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """How a limit's account refills.

    Args:
        kind: `rolling`, `token_bucket` and `concurrency` need no zone; calendar windows
            end at midnight (or month's end) in `zone`, an anniversary month on the day
            and at the hour of its anchor, or on the last day of a month that is shorter.
        seconds: Length of a rolling window; how long an empty token bucket takes to be full.
        zone: IANA time zone of a calendar window or an anniversary month.
        anchor: When some anniversary month began (epoch seconds).
    """

    kind: WindowKind
    seconds: float = 0.0
    zone: str = "UTC"
    anchor: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """At most `amount` of `unit` per `window`, counted per `scope`."""

    unit: LimitUnit
    amount: int
    window: Window
    scope: LimitScope


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitPrice:
    """How much of a limit's unit a million tokens use up, where that was read and when."""

    input_per_million: int
    output_per_million: int
    as_of: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Why a route counts as free, where that was read, and when it was last true."""

    kind: EvidenceKind
    source: str
    as_of: str
    confidence: Confidence = "medium"


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeRule:
    """How to tell a provider's free models from the others.

    Args:
        all_models: Every model of this host is free (local engines, the user's own).
        suffixes: Endings of ids that mark a model as free.
        ids: Ids that are free by a curated list.
        excluded: Substrings of ids that the rule never covers; only the user's own word
            outweighs them.
        kind: What sort of evidence a match is.
    """

    all_models: bool = False
    suffixes: tuple[str, ...] = ()
    ids: frozenset[str] = frozenset()
    excluded: tuple[str, ...] = ()
    kind: EvidenceKind = "free_tier"


@dataclass(frozen=True, slots=True, kw_only=True)
class Auth:
    """How a host wants its key.

    Args:
        mode: `optional` hosts serve without a key, `none` never read one.
        env: Environment variables that hold the key, first found wins; further keys lie in
            the same names with `_2` to `_9` behind them.
        header: Header that carries it.
        form: The header's value; `{key}` is replaced.
        check_path: Path of a free request that fails when the key is wrong.
    """

    mode: AuthMode = "key"
    env: tuple[str, ...] = ()
    header: str = "Authorization"
    form: str = "Bearer {key}"
    check_path: str | None = None

    def variables(self, slot: int) -> tuple[str, ...]:
        """Return the variables that may hold the key of that slot: `NAME`, then `NAME_2`, ..."""
        return tuple(f"{name}_{slot + 1}" for name in self.env) if slot else self.env


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model at one provider.

    Args:
        id: The provider's own id, opaque.
        tasks: The task classes it can serve.
        profile: Abilities; an absent key means unknown.
        quality: 0..1 per task or sub-task, from dated benchmarks; `default` else.
        evidence: Why it is free here; None means it is not known to be.
        dimensions: Length of an embedding model's vectors.
        capability: 0..1, general strength estimated when no benchmark is known.
        unit_prices: What it uses of units that are neither requests nor tokens.
    """

    id: str
    tasks: frozenset[Task] = frozenset({"chat", "code", "other"})
    profile: Profile = field(default_factory=Profile)
    quality: Mapping[str, float] = field(default_factory=dict)
    evidence: Evidence | None = None
    dimensions: int | None = None
    capability: float = 0.5
    unit_prices: Mapping[LimitUnit, UnitPrice] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A host: where it is, what it speaks, what it asks for and what it gives free.

    Args:
        id: Matches `[a-z][a-z0-9_-]*`.
        is_local: The host is an engine on this machine: no quota, cold starts.
        is_on: False keeps the row for its dialect and tests, never for calls.
        off_reason: Why it is off and since when.
        base_url: With the version segment, without a trailing slash.
        base_url_env: Variables that fill a `{NAME}` in the path of `base_url`, by that
            name, first found wins; what is not filled stands there as it is.
        address_env: Variables of the host's own that tell where it is, first found
            wins: `host`, `host:port` or an address. `OPENMUX_<ID>_BASE_URL` outranks them.
        dialect: Name of the adapter that speaks to it.
        unit_prices: For models that have none of their own; rather too dear than too cheap.
        quirks: Flags that the dialect understands.
        ports: Default loopback ports of a local engine.
        fingerprint: Name of the probe that recognises a local engine.
        rank: Tie-breaker among providers, lower first.
        demo_only: Never chosen for a question unless pinned.
        source: Where the row's facts were read.
        origin: `package`, `user` or the entry point that brought the row.
    """

    id: str
    name: str
    base_url: str
    base_url_env: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    address_env: tuple[str, ...] = ()
    dialect: str = "openai"
    is_local: bool = False
    is_on: bool = True
    off_reason: str = ""
    auth: Auth = field(default_factory=Auth)
    free: FreeRule = field(default_factory=FreeRule)
    models: tuple[Model, ...] = ()
    limits: tuple[Limit, ...] = ()
    model_limits: Mapping[str, tuple[Limit, ...]] = field(default_factory=dict)
    unit_prices: Mapping[LimitUnit, UnitPrice] = field(default_factory=dict)
    quirks: frozenset[str] = frozenset()
    ports: tuple[int, ...] = ()
    fingerprint: str = ""
    signup_url: str = ""
    terms: str = ""
    trains_on_data: str = "unknown"
    as_of: str = ""
    confidence: Confidence = "medium"
    rank: int = 100
    demo_only: bool = False
    source: str = ""
    origin: str = "package"

    @property
    def missing_variables(self) -> tuple[str, ...]:
        """The variables without which `base_url` is no address yet."""
        return tuple(names[0] for part, names in self.base_url_env.items() if f"{{{part}}}" in self.base_url)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolEntry:
    """A route as the pool sees it before a request is known.

    Args:
        blocked: Why it may not be called at all (off, no key, not free, offline), or "".
        rank: The user's or the catalog's order among equals, lower first.
    """

    route: Route
    provider: Provider
    model: Model
    blocked: str = ""
    rank: int = 100
