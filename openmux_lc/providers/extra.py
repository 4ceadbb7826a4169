"""What a user may put on the wire beside the named fields: only what costs nothing.

A field of the body can choose another model or switch on a tool that is billed by
the call, past the one check that a route is free. Nobody can list all of those, so
the harmless ones are listed; the others are refused, never dropped in silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from openmux_lc.errors import InvalidRequest
from openmux_lc.types.json import JsonObject, as_list, as_object, as_text
from openmux_lc.types.wire import Call

__all__ = ["file_kinds", "harmless_extra", "refuse_all_but_one_picture", "refuse_files", "refuse_host_tools"]

_SAMPLING: Final = """
temperature top_p top_k top_a top_n_sigma min_p typical_p tfs_z epsilon_cutoff eta_cutoff seed random_seed
repetition_penalty repeat_penalty repeat_last_n length_penalty frequency_penalty presence_penalty logit_bias
mirostat mirostat_tau mirostat_eta dry_multiplier dry_base dry_allowed_length dry_penalty_last_n
dry_sequence_breakers xtc_probability xtc_threshold dynatemp_range dynatemp_exponent samplers penalty_alpha
"""
_LENGTH: Final = """
max_tokens max_completion_tokens min_tokens n_predict num_predict num_ctx n_keep stop stop_token_ids ignore_eos
include_stop_str_in_output bad_words truncate_prompt_tokens keep_alive
"""
_FORM: Final = """
response_format json_schema grammar guided_json guided_regex guided_choice guided_grammar
guided_decoding_backend guided_whitespace_pattern structured_outputs skip_special_tokens
spaces_between_special_tokens add_generation_prompt continue_final_message add_special_tokens chat_template
chat_template_kwargs parallel_tool_calls parse_tool_calls documents echo
"""
_THINKING: Final = """
reasoning reasoning_effort reasoning_format reasoning_split reasoning_budget include_reasoning thinking
enable_thinking thinking_budget think separate_reasoning disable_reasoning prompt_mode verbosity
"""
_OTHER: Final = """
safe_prompt safety_mode safety_settings user logprobs top_logprobs n_probs return_tokens timings_per_token
cache_prompt id_slot slot_id session_id
"""
_FILES: Final = frozenset({"image_url", "input_audio", "file", "video_url"})
_HARMLESS: Final = frozenset(f"{_SAMPLING}{_LENGTH}{_FORM}{_THINKING}{_OTHER}".split())
_REFUSED_BY: Final[Mapping[str, str]] = {
    "temperature": "no_temperature",
    "top_p": "no_top_p",
    "top_k": "no_top_k",
    "min_p": "no_min_p",
    "seed": "no_seed",
    "random_seed": "no_seed",
    "stop": "no_stop",
    "max_tokens": "no_max_tokens",
    "max_completion_tokens": "no_max_tokens",
    "frequency_penalty": "no_penalties",
    "presence_penalty": "no_penalties",
    "logit_bias": "no_logit_bias",
    "logprobs": "no_logprobs",
    "top_logprobs": "no_logprobs",
    "parallel_tool_calls": "no_parallel_tool_calls",
    "reasoning_effort": "no_reasoning_effort",
    "reasoning": "no_reasoning_effort",
    "thinking": "no_reasoning_effort",
}
"""The quirk by which a host is known not to take a field."""


def harmless_extra(call: Call) -> JsonObject:
    """Return the fields that the user wants on the wire as they are.

    Those that the host is known to refuse stay behind.

    Raises:
        InvalidRequest: One of them could cost money.
    """
    extra, quirks = call.request.extra_body, call.provider.quirks
    for name in extra:
        if name not in _HARMLESS:
            raise _refused(call, f"extra_body field {str(name)[:60]!r}")
    return {name: extra[name] for name in extra if _REFUSED_BY.get(name) not in quirks} if extra else extra


def refuse_files(call: Call) -> None:
    """Let only text pass: without its picture a question would be another one.

    Raises:
        InvalidRequest: A message holds a picture, sound or a file.
    """
    if kinds := file_kinds(call):
        message = f"{call.route}: takes text only, so a {min(kinds)} part was not sent"
        raise InvalidRequest(message, provider=call.provider.id, model=call.model)


def file_kinds(call: Call) -> frozenset[str]:
    """Return the kinds of parts in the messages that are no text."""
    contents = (message.get("content") for message in call.request.messages)
    parts = (part for content in contents if not isinstance(content, str) for part in as_list(content))
    return frozenset(as_text(as_object(part).get("type")) for part in parts) & _FILES


def refuse_all_but_one_picture(call: Call) -> None:
    """Let text and one picture pass: a second one would take the first one's field.

    Raises:
        InvalidRequest: A message holds sound or a file, or there are several pictures.
    """
    contents = (message.get("content") for message in call.request.messages)
    parts = (part for content in contents if not isinstance(content, str) for part in as_list(content))
    kinds = [as_text(as_object(part).get("type")) for part in parts]
    if kinds.count("image_url") > 1 or not _FILES.isdisjoint({*kinds} - {"image_url"}):
        message = f"{call.route}: takes text and one picture at most, so nothing was sent"
        raise InvalidRequest(message, provider=call.provider.id, model=call.model)


def refuse_host_tools(call: Call) -> None:
    """Let only functions pass as tools: what a host runs itself, it bills.

    Raises:
        InvalidRequest: A tool is no function.
    """
    for tool in call.request.tools:
        if not as_object(tool.get("function")):
            raise _refused(call, f"tool of type {as_text(tool.get('type'))[:60]!r}")


def _refused(call: Call, what: str) -> InvalidRequest:
    message = f"{call.route}: the {what} could call a paid model or tool, so nothing was sent; leave it out"
    return InvalidRequest(message, provider=call.provider.id, model=call.model, advice="stop")
