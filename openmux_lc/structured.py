"""Structured output for the chat model: schema in, parsed object out.

The tool method binds the schema as the one tool; the two wire methods bind
`response_format`, so that only routes which understand it are asked.
"""

import re
from collections.abc import Mapping
from operator import itemgetter
from typing import Any, Literal, cast, get_args

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.output_parsers import (
    JsonOutputKeyToolsParser,
    JsonOutputParser,
    PydanticOutputParser,
    PydanticToolsParser,
)
from langchain_core.runnables import Runnable, RunnableLambda, RunnableMap, RunnablePassthrough
from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_tool
from langchain_core.utils.pydantic import is_basemodel_subclass

from openmux_lc.errors import ConfigError

__all__ = ["StructuredMethod", "structured_output"]

StructuredMethod = Literal["function_calling", "json_schema", "json_mode"]


def structured_output(
    model: BaseChatModel,
    schema: dict[str, Any] | type,
    *,
    method: StructuredMethod,
    strict: bool | None,
    include_raw: bool,
    options: Mapping[str, Any],
) -> Runnable[LanguageModelInput, Any]:
    """Return `model` with its answers parsed into `schema`.

    Raises:
        ConfigError: There is no such method.
    """
    if method not in get_args(StructuredMethod):
        known = ", ".join(map(repr, get_args(StructuredMethod)))
        raise ConfigError(f"no method {method!r} for structured output; choose one of {known}")
    shown = {"ls_structured_output_format": {"kwargs": {"method": method}, "schema": convert_to_json_schema(schema)}}
    if include_raw:  # what does not parse is told beside the raw answer, where no route has a better one
        options = {"on_broken_contract": "answer", **options}
    asked: Runnable[LanguageModelInput, Any]
    if method == "function_calling":
        asked = model.bind_tools([schema], tool_choice="any", strict=strict, **shown, **options)
    else:
        asked = model.bind(response_format=_response_format(schema, method, strict=strict), **shown, **options)
    parser = _tool_parser(schema) if method == "function_calling" else _text_parser(schema)
    if not include_raw:
        return asked | parser
    parsed = RunnablePassthrough.assign(parsed=itemgetter("raw") | parser, parsing_error=RunnableLambda(lambda _: None))
    failed = RunnablePassthrough.assign(parsed=RunnableLambda(lambda _: None))
    return RunnableMap(raw=asked) | parsed.with_fallbacks([failed], exception_key="parsing_error")


def _response_format(schema: dict[str, Any] | type, method: StructuredMethod, *, strict: bool | None) -> dict[str, Any]:
    """Return the wire's object; under `strict` the schema has the shape that hosts demand for it."""
    if method == "json_mode":
        return {"type": "json_object"}
    wire = convert_to_json_schema(schema, strict=strict)
    name = re.sub(r"[^A-Za-z0-9_-]", "_", wire["title"])[:64]
    told = {} if strict is None else {"strict": strict}
    return {"type": "json_schema", "json_schema": {"name": name, "schema": wire, **told}}


def _tool_parser(schema: dict[str, Any] | type) -> Runnable[Any, Any]:
    if is_basemodel_subclass(cast("type", schema)):
        return PydanticToolsParser(tools=[cast("Any", schema)], first_tool_only=True)
    return JsonOutputKeyToolsParser(key_name=convert_to_openai_tool(schema)["function"]["name"], first_tool_only=True)


def _text_parser(schema: dict[str, Any] | type) -> Runnable[Any, Any]:
    if is_basemodel_subclass(cast("type", schema)):
        return PydanticOutputParser(pydantic_object=cast("Any", schema))
    return JsonOutputParser()
