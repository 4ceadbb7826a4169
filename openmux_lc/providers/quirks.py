"""The quirk flags that a provider's row may carry, and what each one means.

The one table of names: a row with a flag that is not here is malformed.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from openmux_lc.types.catalog import Provider

__all__ = ["QUIRKS", "has_account_page", "takes_prefix"]

QUIRKS: Final[Mapping[str, str]] = MappingProxyType(
    {
        # request: what the host refuses or wants otherwise
        "no_stream_options": "streams are refused when `stream_options` is sent; usage may be missing",
        "always_usage": "usage comes in every stream unasked, so `stream_options` is not sent",
        "keyless_no_auth_header": "a key is never sent, also when one is there: the host's free door takes none",
        "dummy_key": "without a key the auth header is sent with the word `unused`",
        "tool_id_9": "tool-call ids must be nine letters or digits; others are mapped",
        "no_tools": "`tools` is refused",
        "no_tool_choice": "`tool_choice` is refused; a named tool is then the only one offered",
        "no_named_tool_choice": "`tool_choice` takes no function; that tool alone is offered and required",
        "tool_choice_any": "`required` is spelled `any`",
        "tool_choice_auto": "`tool_choice` knows `auto` only; a named tool is then the only one offered",
        "no_parallel_tool_calls": "`parallel_tool_calls` is refused",
        "single_tool_calls": "one tool call per turn: asked for so, and a history with more is told one by one",
        "no_strict_tools": "`strict` inside a function is refused",
        "no_tool_schema_extras": "`additionalProperties` and `$schema` in a tool's parameters are refused",
        "no_response_format": "`response_format` is refused; the form of the answer is told in words",
        "no_json_schema": "`response_format` knows `json_object` only; a schema is told in words beside it",
        "no_format_with_tools": "`response_format` is refused beside `tools`; the form is told in words",
        "no_format_in_stream": "`response_format` is refused in a stream; the form is told in words",
        "no_system_role": "a system message is refused; its text leads the first user message",
        "system_first": "a system message may stand first only; later ones join it",
        "prefill": "an assistant message that stands last is gone on with, not answered",
        "prefix_last": "an assistant message that stands last is to be marked as the answer's beginning",
        "no_null_content": "`content: null` is refused; an empty string is sent",
        "flat_content": "content must be text; a picture or file is refused before it is sent",
        "free_file_parser": "a file is to be read by the host's free parser: the one it takes unasked is billed",
        "bare_audio": "`input_audio` is the base64 text itself, not an object",
        "document_url": "a file is a `document_url` part, its data URI the value",
        "no_name": "`name` on a message is refused",
        "echo_reasoning_details": "`reasoning_details` of its own answers are sent back with the history",
        "echo_signatures": "thought signatures of its own tool calls are sent back in `extra_content`",
        "signature_bypass": "tool calls of other models carry the documented stand-in for a thought signature",
        "max_completion_tokens": "`max_tokens` is spelled `max_completion_tokens`",
        "no_max_tokens": "`max_tokens` is refused",
        "default_max_tokens": "answers are cut short unless `max_tokens` is told; 2048 is sent",
        "no_temperature": "`temperature` is refused",
        "no_top_p": "`top_p` is refused",
        "no_top_k": "`top_k` is refused",
        "no_min_p": "`min_p` is refused",
        "no_logit_bias": "`logit_bias` is refused",
        "no_logprobs": "`logprobs` and `top_logprobs` are refused",
        "no_seed": "`seed` is refused",
        "random_seed": "`seed` is spelled `random_seed`",
        "no_stop": "`stop` is refused; the answer is ended here",
        "no_penalties": "`frequency_penalty` and `presence_penalty` are refused",
        "no_reasoning_effort": "`reasoning_effort` is refused, however it is spelled",
        "reasoning_object": "`reasoning_effort` is spelled `reasoning: {effort}`, and `none` `{enabled: false}`",
        "thinking_type": "`reasoning_effort` is spelled `thinking: {type}`: `disabled` for `none`, else `enabled`",
        "no_encoding_format": "embeddings: `encoding_format` is refused",
        "no_dimensions": "embeddings: `dimensions` is refused",
        "output_dimension": "embeddings: `dimensions` is spelled `output_dimension`",
        "embedding_input_type": "embeddings: `input_type` (`query` or `passage`) is required",
        # request: which door of a host is asked
        "native_run": "the model's own address is asked, not the compatible one",
        "text_generation": "the model only goes on with a text: the conversation is told as one",
        "summarization": "the model only shortens: the last message is the text",
        "translation": "the model only translates: the last message is the text",
        # response: how its figures are meant
        "requests_per_day": "limit headers without a window count requests per day",
        "requests_per_minute": "limit headers without a window count requests per minute",
        "tokens_per_minute": "limit headers without a window count tokens per minute",
        "account_limits": "a rate limit concerns the whole account, not one model",
        "account_page": "the page that checks a key also tells what the account may still call today",
        "pacific_days": "daily quotas refill at midnight Pacific time, not UTC",
    }
)


def has_account_page(provider: Provider) -> bool:
    """Whether `provider` tells what is left of an account's quota."""
    return "account_page" in provider.quirks and provider.auth.check_path is not None


def takes_prefix(provider: Provider) -> bool:
    """Whether `provider` goes on with an assistant message that stands last, as far as is known."""
    return bool({"prefill", "prefix_last"}.intersection(provider.quirks))
