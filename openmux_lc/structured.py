"""Structured output for the chat model: schema in, parsed object out.

The tool method is LangChain's own; the two wire methods bind `response_format`, so
that only routes which understand it are asked.
"""

from collections.abc import Mapping
from operator import itemgetter
from typing import Any, Literal, cast

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.runnables import Runnable, RunnableLambda, RunnableMap, RunnablePassthrough
from langchain_core.utils.function_calling import convert_to_json_schema
from langchain_core.utils.pydantic import is_basemodel_subclass

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
    """Return `model` with its answers parsed into `schema`."""
    if method == "function_calling":
        return BaseChatModel.with_structured_output(model, schema, include_raw=include_raw, **options)
    wire = convert_to_json_schema(schema)
    response_format: dict[str, Any] = {"type": "json_object"}
    if method == "json_schema":
        named = {"name": wire.get("title", "answer"), "schema": wire}
        response_format = {
            "type": "json_schema",
            "json_schema": named if strict is None else {**named, "strict": strict},
        }
    asked = model.bind(
        response_format=response_format,
        ls_structured_output_format={"kwargs": {"method": method}, "schema": wire},
        **options,
    )
    parser: Runnable[Any, Any] = (
        PydanticOutputParser(pydantic_object=cast("Any", schema))
        if is_basemodel_subclass(cast("type", schema))
        else JsonOutputParser()
    )
    if not include_raw:
        return cast("Runnable[LanguageModelInput, Any]", asked | parser)
    parsed = RunnablePassthrough.assign(parsed=itemgetter("raw") | parser, parsing_error=RunnableLambda(lambda _: None))
    failed = RunnablePassthrough.assign(parsed=RunnableLambda(lambda _: None))
    return RunnableMap(raw=asked) | parsed.with_fallbacks([failed], exception_key="parsing_error")
