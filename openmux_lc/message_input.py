"""What people hand in as a question: a text, OpenAI objects or LangChain messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias, cast

from openmux_lc.errors import ConfigError
from openmux_lc.types.json import JsonObject
from openmux_lc.types.run import Request

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

__all__ = ["Messages", "to_request"]

Messages: TypeAlias = "str | Sequence[JsonObject | BaseMessage]"


def to_request(messages: Messages) -> Request:
    """Return a request from a text, OpenAI message objects or LangChain messages.

    Raises:
        ConfigError: There is no message.
    """
    if not messages:
        raise ConfigError("there is nothing to answer: the text or the list of messages is empty")
    if isinstance(messages, str):
        return Request(messages=({"role": "user", "content": messages},))
    if all(isinstance(message, Mapping) for message in messages):
        return Request(messages=tuple(cast("Sequence[JsonObject]", messages)))
    from openmux_lc.providers.messages import to_wire_messages  # loads langchain-core

    return Request(messages=to_wire_messages(messages))
