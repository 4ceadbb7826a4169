"""Which quirk an error asks for: the wordings of hosts that refuse a parameter.

Pure. Only what was sent can be refused, and only what a caller can do without is
named here: tools, pictures and the form of an answer are never lost by it. That a
value is wrong is its caller's fault, and teaches nothing about the parameter.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final, NamedTuple, cast

from openmux_lc.types.json import Json, JsonObject, as_list, as_object, dig

__all__ = ["LEARNED", "asked_for", "names_choices"]

_MOST_CHARS: Final = 64 * 1024
_MOST_STATEMENTS: Final = 50
_LONGEST: Final = 1_500
_DEEPEST: Final = 8
_NAMING: Final = frozenset({"param", "field", "loc", "parameter"})
_QUOTING: Final = frozenset({"input", "failed_generation", "request", "ctx"})
"""Keys under which a host quotes the request: no word of it is the host's own."""

_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NESTED: Final = ("generation_config", "options", "parameters", "params", "input")
_SAME: Final[Mapping[str, str]] = {
    "random_seed": "seed",
    "stop_sequences": "stop",
    "k": "top_k",
    "top_logprobs": "logprobs",
    "response_logprobs": "logprobs",
    "reasoning": "reasoning_effort",
    "thinking": "reasoning_effort",
    "thinking_config": "reasoning_effort",
    "presence_penalty": "frequency_penalty",
}


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


# `suuport` is how one host spells it.
_REFUSES: Final = _words(
    r"unsupported|not (currently |yet )?(supported|support|permitted|allowed|enabled|available|implemented|accepted)\b"
    r"|(does|do)(n't| not) (currently |yet )?(support|suuport|accept|allow|permit)|isn't (supported|allowed)"
    r"|unrecogni[sz]ed"
    r"|unknown (name|field|parameter|argument|key|option)|unexpected (keyword|field|parameter|argument|property)"
    r"|extra[_ ](inputs?|fields?|parameters?|forbidden)|cannot find field|not a valid (field|parameter)"
    r"|(is|are) forbidden|no endpoints found that (support|can)|enabled only|unavailable|deprecated|incompatible"
    r"|response_format\.type\W+must|can(not|'t) (both )?(be )?(combin|us|mix|specif)"
)
_UNKNOWN: Final = _words(r"unrecogni|unknown|extra[_ ](input|field|parameter|forbidden)|unexpected|cannot find field")
_FIELDS: Final[tuple[tuple[re.Pattern[str], str, str], ...]] = (
    (_words(r"stream_options|include_usage"), "stream_options", "no_stream_options"),
    (_words(r"parallel_tool_calls"), "parallel_tool_calls", "no_parallel_tool_calls"),
    (_words(r"\b(random_)?seed\b"), "seed", "no_seed"),
    (_words(r"\btemperature\b"), "temperature", "no_temperature"),
    (_words(r"\btop_p\b"), "top_p", "no_top_p"),
    (_words(r"\btop_k\b"), "top_k", "no_top_k"),
    (_words(r"\bmin_p\b"), "min_p", "no_min_p"),
    (_words(r"\blogit_bias\b"), "logit_bias", "no_logit_bias"),
    (_words(r"\b(top_)?logprobs\b"), "logprobs", "no_logprobs"),
    (_words(r"_penalty\b|\bpenalt(y|ies)\b"), "frequency_penalty", "no_penalties"),
    (_words(r"(?<![\w-])(reasoning|thinking)(?! models?\b)|\beffort\b"), "reasoning_effort", "no_reasoning_effort"),
    (_words(r"['\"`]stop['\"`]|\bstop[_ ](sequence|word)|: stop\b"), "stop", "no_stop"),
    (_words(r"\bmax_tokens\b"), "max_tokens", "no_max_tokens"),
    (_words(r"\bmax_completion_tokens\b"), "max_completion_tokens", "no_max_tokens"),
    (_words(r"\bencoding_format\b"), "encoding_format", "no_encoding_format"),
)
"""What names a field, the field, and the quirk that leaves it out."""

_FORM: Final = _words(
    r"response[_ ]format|json[_ ](schema|object|mode)|structured[_ ]outputs?|response[_ ]mime[_ ]type"
    r"|response_(json_)?schema|\bgrammar\b|application/json"
)
_SCHEMA: Final = _words(r"schema|structured|response_format type")
_TOOLS: Final = r"(tools?|functions?)\b"
_JSON: Final = r"(json|response|structured|mime|schema|grammar)"
_JOINED: Final = r"[^.]{0,60}(with|and|beside|together|combin|incompatible|when)[^.]{0,60}"
_BOTH: Final = _words(rf"{_TOOLS}{_JOINED}{_JSON}|\bfunction calling{_JOINED}{_JSON}|{_JSON}{_JOINED}{_TOOLS}")
_STREAMED: Final = _words(r"\bstream(ing|ed)?\b")
_CHOICE: Final = _words(r"tool[_ ]choice")
_FORCED: Final = _words(r"required|no endpoints found")
_SYSTEM: Final = _words(
    r"(system|developer)[_ ](role|messages?|instructions?|prompts?)|role\W{0,4}(system|developer)|['\"`]system['\"`]"
)
_SYSTEM_LATE: Final = _words(
    r"unexpected role ['\"`]system|system messages?[^.]{0,20}(must|should)[^.]{0,20}(beginning|first)"
)
_NO_SYSTEM: Final = _words(r"roles? (are|is) supported[^.]{0,20}system|only [^.]{0,40}roles are supported")
_NULL: Final = _words(
    r"content[^.]{0,80}(got null|not be (null|none)|is null)|none is not an allowed value|'content'[^.]{0,40}required"
)
_NINE: Final = _words(r"length of 9\b")
_SINGLE: Final = _words(r"single tool[- ]calls?|one tool[- ]call at a time|multiple tool calls (are|is) not")
_STRICT: Final = _words(r"['\"`.]strict\b|\bstrict (mode|tools?)")
_EXTRAS: Final = _words(r"additional_?properties|\$schema")
_NAME: Final = _words(r"property ['\"`]name['\"`]|'messages'[^.]{0,40}'name'|messages\[?\d*\]?\.?\d*\.name\b")
_PREFIX: Final = _words(r"last role[^.]{0,80}prefix|prefix[^.]{0,40}last (message|role)")
_INPUT_TYPE: Final = _words(r"input_type\W[^.]{0,30}(required|missing)|(required|missing)[^.]{0,30}input_type")
_BOUNDED: Final = _words(
    r"\b(at (most|least)|maximum|minimum|greater|less|larger|smaller|higher|lower|between|exceed\w*|above|below"
    r"|more than|up to|negative|positive|too (large|long|small|short|high|low|many|few)|range|empty|pattern|keyword"
    r"|invalid schema|must be (an?|in|token))\b|[<>]=? ?-?\d|[\[(]-?\d+(\.\d+)?, ?-?\d"
)
"""A value is beyond what the host takes: another value of the same parameter is not."""
_CHOICES: Final = _words(
    r"(one of|supported values|valid values|expected values)\b|(must be|use) \W?\w+\W{1,3}(or\b|\w+\W? or\b)"
)
"""The host lists the values that it takes."""
_NO_MODEL: Final = _words(
    r"\bmodels?( \S{1,80})? (is|are|was|has been) (currently |no longer |not (yet |currently )?)?"
    r"(deprecated|unavailable|available|retired|disabled|allowed|supported)"
)
"""It is the model that is not to be had."""
_ONE_TOOL: Final = _words(r"\b(tool|function) ['\"`][^'\"`]{1,80}['\"`]")
_QUOTE: Final = _words(
    r"(\binput_value ?=|['\"]input['\"] ?:).*?(?=\W(?:loc|type|input_type|msg|ctx|url)['\"]? ?[:=]|$)"
)
"""The request, quoted inside a text."""
_NOT_BOTH: Final = _words(r"temperature\W{1,8}and\W{1,8}top_p\W[^.]{0,20}(both|cannot|can't)")

LEARNED: Final = frozenset(flag for _, _, flag in _FIELDS) | {
    "embedding_input_type",
    "max_completion_tokens",
    "no_format_in_stream",
    "no_format_with_tools",
    "no_json_schema",
    "no_name",
    "no_named_tool_choice",
    "no_null_content",
    "no_response_format",
    "no_strict_tools",
    "no_system_role",
    "no_tool_choice",
    "no_tool_schema_extras",
    "prefix_last",
    "single_tool_calls",
    "system_first",
    "tool_choice_auto",
    "tool_id_9",
}
"""The quirks that may come from an error; none of them loses what was asked for."""


class _Sent(NamedTuple):
    """What a body holds that could be refused."""

    body: JsonObject
    fields: frozenset[str]
    messages: tuple[JsonObject, ...]

    @property
    def functions(self) -> tuple[JsonObject, ...]:
        """The functions that are offered."""
        return tuple(as_object(dig(tool, "function")) for tool in as_list(self.body.get("tools")))

    @property
    def has_calls(self) -> bool:
        """Whether the history tells of tool calls."""
        return any(message.get("tool_calls") for message in self.messages)


def asked_for(body: JsonObject, text: str) -> frozenset[str]:
    """Return the quirks that would spare a host what it refuses.

    Args:
        body: The request as it was sent.
        text: The error's body, JSON or not.
    """
    sent = _sent(body)
    found: set[str] = set()
    for said in _statements(text):
        found |= _wanted_otherwise(said, sent)
        if _REFUSES.search(said) and not _BOUNDED.search(said) and not _NO_MODEL.search(said):
            found |= _refused(said, sent)
    return frozenset(found)


def names_choices(text: str) -> bool:
    """Whether an error's body lists what the parameter may be: another call may be taken with it."""
    return any(_CHOICES.search(said) for said in _statements(text))


def _refused(said: str, sent: _Sent) -> set[str]:
    """Return the quirks for what one statement refuses."""
    if _NOT_BOTH.search(said):
        return {"no_top_p"} & {flag for _, field, flag in _FIELDS if field in sent.fields}
    form = _form_flag(said, sent)
    if form:
        return {form}
    found = {flag for words, field, flag in _FIELDS if field in sent.fields and words.search(said)}
    if "max_tokens" in sent.fields and "max_completion_tokens" in said:
        found = found - {"no_max_tokens"} | {"max_completion_tokens"}
    if "tool_choice" in sent.fields and _CHOICE.search(said) and not _ONE_TOOL.search(said):
        # "Thinking mode does not support this tool_choice": to think is not what is refused.
        found = found - {"no_reasoning_effort"} | {_choice_flag(said, sent.body.get("tool_choice"))}
    if _SYSTEM.search(said) and not _SYSTEM_LATE.search(said) and _has_system(sent):
        found.add("no_system_role")
    if _STRICT.search(said) and any("strict" in function for function in sent.functions):
        found.add("no_strict_tools")
    if _EXTRAS.search(said) and _EXTRAS.search(_CAMEL.sub("_", json.dumps(sent.functions)).lower()):
        found.add("no_tool_schema_extras")
    if _NAME.search(said) and any(message.get("name") for message in sent.messages):
        found.add("no_name")
    return found


def _wanted_otherwise(said: str, sent: _Sent) -> set[str]:
    """Return the quirks for what one statement wants written in another way."""
    last = sent.messages[-1].get("role") if sent.messages else None
    late = any(message.get("role") == "system" for message in sent.messages[1:])
    has_null = any("content" in message and message["content"] is None for message in sent.messages)
    rules = (
        (_SYSTEM_LATE, late, "system_first"),
        (_NO_SYSTEM, _has_system(sent), "no_system_role"),
        (_NULL, has_null, "no_null_content"),
        (_NINE, sent.has_calls, "tool_id_9"),
        (_SINGLE, "tools" in sent.fields or sent.has_calls, "single_tool_calls"),
        (_PREFIX, last == "assistant", "prefix_last"),
        (_INPUT_TYPE, "input" in sent.body and "input_type" not in sent.fields, "embedding_input_type"),
    )
    return {flag for words, was_sent, flag in rules if was_sent and words.search(said)}


def _form_flag(said: str, sent: _Sent) -> str:
    """Return the quirk for a refused form of the answer, `""` where it is not about that."""
    form = as_object(sent.body.get("response_format"))
    if not form or not _FORM.search(said):
        return ""
    if "tools" in sent.fields and _BOTH.search(said):
        return "no_format_with_tools"
    if sent.body.get("stream") is True and _STREAMED.search(said):
        return "no_format_in_stream"
    is_schema = form.get("type") == "json_schema"
    return "no_json_schema" if is_schema and _SCHEMA.search(said) else "no_response_format"


def _choice_flag(said: str, choice: Json) -> str:
    if _UNKNOWN.search(said) or choice in ("auto", "none"):
        return "no_tool_choice"
    return "tool_choice_auto" if isinstance(choice, str) or _FORCED.search(said) else "no_named_tool_choice"


def _has_system(sent: _Sent) -> bool:
    return any(message.get("role") == "system" for message in sent.messages)


def _sent(body: JsonObject) -> _Sent:
    names = {_snake(name): value for name, value in body.items()}
    for group in _NESTED:
        names |= {_snake(name): value for name, value in as_object(names.get(group)).items()}
    fields = {_SAME.get(name, name) for name, value in names.items() if value is not None}
    return _Sent(body, frozenset(fields), tuple(as_object(each) for each in as_list(body.get("messages"))))


def _statements(text: str) -> Iterator[str]:
    """Yield what the host says, one text per object of its error, without its quotes of the request."""
    payload: Json = text[:_MOST_CHARS]
    try:
        payload = cast("Json", json.loads(text[:_MOST_CHARS]))
    except (ValueError, RecursionError):
        if _is_json(text) and len(text) > _LONGEST:
            return  # cut off somewhere: what of it quotes the request cannot be told
    yield from islice(_said(payload, 0), _MOST_STATEMENTS)


def _said(payload: Json, depth: int) -> Iterator[str]:
    if isinstance(payload, str):
        yield from _said_in_text(payload, depth)
    elif depth < _DEEPEST and isinstance(payload, list | tuple):
        for each in payload:
            yield from _said(each, depth + 1)
    elif depth < _DEEPEST and isinstance(payload, dict):
        named = " ".join(_name(payload[key]) for key in payload if key in _NAMING)
        texts = [value for key, value in payload.items() if isinstance(value, str) and key not in _QUOTING | _NAMING]
        yield _plain(f"{named} {' '.join(text for text in texts if not _is_json(text))}")
        for key, value in payload.items():
            if key not in _QUOTING and (not isinstance(value, str) or _is_json(value)):
                yield from _said(value, depth + 1)


def _said_in_text(text: str, depth: int) -> Iterator[str]:
    """Yield a text's own words, or those of the JSON that a router put into it."""
    if _is_json(text) and depth < _DEEPEST:
        try:
            inner = cast("Json", json.loads(text))
        except (ValueError, RecursionError):
            inner = None
        if isinstance(inner, dict | list):
            yield from _said(inner, depth + 1)
            return
    yield _plain(text)


def _is_json(text: str) -> bool:
    return text.lstrip()[:1] in {"{", "["}


def _name(place: Json) -> str:
    """Return the parts of a path, each in quotes."""
    parts = as_list(place) if not isinstance(place, str) else re.split(r"[^\w$]+", place)
    return " ".join(f"'{part}'" for part in parts if part != "")


def _plain(text: str) -> str:
    return _QUOTE.sub(" ", _snake(" ".join(text[:_LONGEST].split())))


def _snake(text: str) -> str:
    return _CAMEL.sub("_", text).lower()
