"""The quirk flags that a provider's row may carry, and what each one means.

The one table of names: a row with a flag that is not here is malformed.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = ["QUIRKS"]

QUIRKS: Final[Mapping[str, str]] = MappingProxyType(
    {
        # request: what the host refuses or wants otherwise
        "no_stream_options": "streams are refused when `stream_options` is sent; usage may be missing",
        "always_usage": "usage comes in every stream unasked, so `stream_options` is not sent",
        "keyless_no_auth_header": "a key is never sent, also when one is there: the host's free door takes none",
        "dummy_key": "without a key the auth header is sent with the word `unused`",
        "tool_id_9": "tool-call ids must be nine letters or digits; others are mapped",
        "no_tools": "`tools` is refused",
        "no_tool_choice": "`tool_choice` is refused",
        "tool_choice_any": "`required` is spelled `any`",
        "no_parallel_tool_calls": "`parallel_tool_calls` is refused",
        "no_strict_tools": "`strict` inside a function is refused",
        "no_response_format": "`response_format` is refused",
        "no_json_schema": "`response_format` knows `json_object` only; a schema is sent as that",
        "no_system_role": "a system message is refused; its text leads the first user message",
        "no_null_content": "`content: null` is refused; an empty string is sent",
        "no_name": "`name` on a message is refused",
        "max_completion_tokens": "`max_tokens` is spelled `max_completion_tokens`",
        "no_max_tokens": "`max_tokens` is refused",
        "no_temperature": "`temperature` is refused",
        "no_top_p": "`top_p` is refused",
        "no_seed": "`seed` is refused",
        "random_seed": "`seed` is spelled `random_seed`",
        "no_stop": "`stop` is refused",
        "no_penalties": "`frequency_penalty` and `presence_penalty` are refused",
        "no_reasoning_effort": "`reasoning_effort` is refused",
        "no_dimensions": "embeddings: `dimensions` is refused",
        "output_dimension": "embeddings: `dimensions` is spelled `output_dimension`",
        "embedding_input_type": "embeddings: `input_type` (`query` or `passage`) is required",
        # response: how its figures are meant
        "requests_per_day": "limit headers without a window count requests per day",
        "requests_per_minute": "limit headers without a window count requests per minute",
        "tokens_per_minute": "limit headers without a window count tokens per minute",
        "account_limits": "a rate limit concerns the whole account, not one model",
        "pacific_days": "daily quotas refill at midnight Pacific time, not UTC",
    }
)
