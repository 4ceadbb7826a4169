"""What a caller may say per call: checked once, then frozen values.

Pydantic stands here because these come from outside; unknown names are errors, so
that a typing mistake is never silently ignored.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, field_validator

from openmux_lc.errors import ConfigError
from openmux_lc.types.breaks import BREAKS, OnBreak
from openmux_lc.types.catalog import Task
from openmux_lc.types.json import JsonObject, as_text, dig
from openmux_lc.types.run import Message, Options, Request

__all__ = ["CallOptions", "wire_tool_choice"]


class CallOptions(BaseModel):
    """Options of one call; None means what the model object or the settings say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: tuple[str, ...] | None = Field(
        default=None, min_length=1, validation_alias=AliasChoices("model", "model_name")
    )
    fallbacks: tuple[str, ...] | None = None
    task: Task | None = None
    routing_profile: str | None = None
    timeout: float | None = Field(
        default=None, gt=0, le=86_400, validation_alias=AliasChoices("timeout", "request_timeout")
    )
    first_byte_timeout: float | None = Field(default=None, gt=0, le=86_400)
    stall_timeout: float | None = Field(default=None, gt=0, le=86_400)
    max_wait: float | None = Field(default=None, ge=0, le=86_400)
    max_retries: int | None = Field(default=None, ge=0, le=20)
    on_break: OnBreak | None = None
    fan_out: int | None = Field(default=None, ge=1, le=8)
    strategy: Literal["best", "concatenate", "vote"] | None = None
    hedge: bool | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    max_tokens: int | None = Field(
        default=None, gt=0, validation_alias=AliasChoices("max_tokens", "max_completion_tokens")
    )
    seed: int | None = None
    stop: tuple[str, ...] | None = Field(default=None, validation_alias=AliasChoices("stop", "stop_sequences"))
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    reasoning_effort: str | None = None
    tools: tuple[dict[str, Any], ...] | None = None
    tool_choice: str | bool | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    response_format: dict[str, Any] | None = None
    extra_body: dict[str, Any] | None = None
    on_overflow: Literal["raise", "trim_oldest", "summarize"] | None = None
    on_broken_contract: Literal["raise", "answer"] | None = None

    @field_validator("model", "fallbacks", "stop", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @classmethod
    def checked(cls, given: Mapping[str, object]) -> CallOptions:
        """Return the options in `given`.

        Raises:
            ConfigError: A name is unknown or a value does not fit; names both.
        """
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            name = ".".join(str(step) for step in first["loc"])
            hint = ""
            if first["type"] == "extra_forbidden":
                hint = _near(name, tuple(cls.model_fields))
            elif first["type"] == "literal_error":
                hint = _near(str(given.get(name)), BREAKS if name == "on_break" else ())
            raise ConfigError(f"option {name!r}: {first['msg'].lower()}{hint}") from None

    def over(self, defaults: CallOptions) -> CallOptions:
        """Return these options, `defaults` where nothing is said.

        A model named per call brings its own fallbacks: the defaults' are not mixed in.
        """
        said = {name: value for name in self.model_fields_set if (value := getattr(self, name)) is not None}
        kept = defaults if self.model is None else defaults.model_copy(update={"model": None, "fallbacks": None})
        return kept.model_copy(update=said)

    def to_request(self, messages: Sequence[Message]) -> Request:
        """Return the request for `messages`."""
        return Request(
            messages=tuple(messages),
            tools=tuple(self.tools or ()),
            tool_choice=wire_tool_choice(self.tool_choice, self.tools),
            parallel_tool_calls=self.parallel_tool_calls,
            response_format=self.response_format,
            temperature=self.temperature,
            top_p=self.top_p,
            seed=self.seed,
            max_tokens=self.max_tokens,
            stop=self.stop or (),
            frequency_penalty=self.frequency_penalty,
            presence_penalty=self.presence_penalty,
            reasoning_effort=self.reasoning_effort,
            extra_body=self.extra_body or {},
        )

    def to_options(self, defaults: Options) -> Options:
        """Return the run's options, `defaults` where nothing is said."""
        chosen: dict[str, Any] = {
            "chain": (*self.model, *(self.fallbacks or ())) if self.model else tuple(self.fallbacks or ()),
            "task": self.task,
            "routing_profile": self.routing_profile,
            "timeout_s": self.timeout,
            "first_byte_s": self.first_byte_timeout,
            "stall_s": self.stall_timeout,
            "max_wait_s": self.max_wait,
            "max_retries": self.max_retries,
            "on_break": self.on_break,
            "fan_out": self.fan_out,
            "strategy": self.strategy,
            "hedge": self.hedge,
            "seed": self.seed,
            "on_overflow": self.on_overflow,
            "on_broken_contract": self.on_broken_contract,
        }
        return replace(defaults, **{name: value for name, value in chosen.items() if value is not None and value != ()})


def _near(word: str, known: Sequence[str]) -> str:
    """Return the known word that was probably meant, as a question."""
    near = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def wire_tool_choice(
    choice: str | bool | JsonObject | None,  # noqa: FBT001 - LangChain's argument
    tools: Sequence[JsonObject] | None,
) -> str | JsonObject | None:
    """Return LangChain's `tool_choice` as the wire's: `any` and True mean `required`, a name that tool.

    Raises:
        ConfigError: No tool of that name is bound.
    """
    if not tools or choice is None or choice is False:
        return None
    if isinstance(choice, Mapping):
        return choice
    if choice in {"any", "required"} or choice is True:
        return "required"
    if choice in {"auto", "none"}:
        return str(choice)
    names = [as_text(dig(tool, "function", "name")) for tool in tools]
    if choice not in names:
        raise ConfigError(f"tool_choice={choice!r} names no bound tool; bound: {', '.join(filter(None, names))}")
    return {"type": "function", "function": {"name": str(choice)}}
