"""Google's own protocol: parts, candidates, ends by name and by number, streams as events and as arrays."""

from collections.abc import Mapping
from typing import Any

from openmux_lc.errors import (
    BadPayload,
    ConnectionFailed,
    EmptyAnswer,
    InvalidRequest,
    PermissionDenied,
    ProviderError,
    ServerError,
)
from tests.providers.shapes.shape import CALLED, URLS, Due, Shape

_SPENT = {"promptTokenCount": 5, "candidatesTokenCount": 3, "totalTokenCount": 8}


def _gemini(*parts: Mapping[str, Any], finish: Any = "STOP", index: int = 0, **more: Any) -> dict[str, Any]:
    candidate = {"content": {"role": "model", "parts": list(parts)}, "index": index}
    ended = {"finishReason": finish} if finish else {}
    return {"candidates": [{**candidate, **ended}], "usageMetadata": _SPENT, "modelVersion": "m", **more}


_ENDINGS: Mapping[str | int, str] = {
    "LANGUAGE": "language",
    "OTHER": "other",
    "NO_IMAGE": "no_image",
    "IMAGE_OTHER": "image_other",
    "FINISH_REASON_UNSPECIFIED": "stop",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "RECITATION": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    "MODEL_ARMOR": "content_filter",
    1: "stop",
    2: "length",
    3: "content_filter",
    6: "language",
    11: "content_filter",
    99: "other",
}
_FAILURES: Mapping[str | int, type[ProviderError]] = {
    "MALFORMED_FUNCTION_CALL": BadPayload,
    "UNEXPECTED_TOOL_CALL": BadPayload,
    "TOO_MANY_TOOL_CALLS": BadPayload,
    "MALFORMED_RESPONSE": BadPayload,
    "MISSING_THOUGHT_SIGNATURE": InvalidRequest,
    10: BadPayload,
    12: BadPayload,
}
_ENUM = "the enumeration FinishReason of the API's published types; by number with `enum-encoding=int`"
_RUN = {"executableCode": {"language": "PYTHON", "code": "1"}}
_RAN = {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}}
_PICTURE = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
_ASKED = {"functionCall": {"name": "f", "args": {"a": 1}}}
_TOLD = Due("Half an answer", tokens=(5, 3))

GEMINI = [
    *(
        Shape(f"gemini ends {word}", _gemini({"text": "Half"}, finish=word), Due("Half", "", (), due, (5, 3)), _ENUM)
        for word, due in _ENDINGS.items()
    ),
    *(
        Shape(f"gemini fails {word}", {"candidates": [{"finishReason": word, "index": 0}]}, due, _ENUM)
        for word, due in _FAILURES.items()
    ),
    Shape(
        "gemini code beside text",
        _gemini({"text": "I run it. "}, _RUN, _RAN, {"text": "It is 1."}),
        Due("I run it. It is 1.", tokens=(5, 3)),
        "documentation of code execution",
    ),
    Shape("gemini code alone", _gemini(_RUN, _RAN), EmptyAnswer, "documentation of code execution"),
    Shape(
        "gemini picture beside text",
        _gemini({"text": "Here"}, _PICTURE),
        Due("Here", tokens=(5, 3)),
        "documentation of image generation",
    ),
    Shape("gemini picture alone", _gemini(_PICTURE), EmptyAnswer, "documentation of image generation"),
    Shape(
        "gemini mark on an empty text",
        _gemini({"text": "Hm", "thought": True}, {"text": "Hi"}, {"text": "", "thoughtSignature": "c2ln"}),
        Due("Hi", "Hm", tokens=(5, 3)),
        "documentation of thought signatures",
    ),
    Shape(
        "gemini two candidates, the second first",
        {
            **_gemini(),
            "candidates": [_gemini({"text": "B"}, index=1)["candidates"][0], _gemini({"text": "A"})["candidates"][0]],
        },
        Due("A", tokens=(5, 3)),
        "`candidateCount`, and `index` in the published types",
    ),
    Shape(
        "gemini call without arguments",
        _gemini({"functionCall": {"name": "f"}}),
        Due(calls=(("f", "{}"),), finish="tool_calls", tokens=(5, 3)),
        "protobuf leaves out what is empty",
    ),
    Shape(
        "gemini total alone",
        {**_gemini({"text": "Hi"}), "usageMetadata": {"totalTokenCount": 9}},
        Due("Hi"),
        "protobuf leaves out what is zero",
    ),
    Shape(
        "gemini thoughts used all",
        {"candidates": [{"content": {}, "finishReason": "MAX_TOKENS", "index": 0}], "usageMetadata": _SPENT},
        EmptyAnswer,
        "reported of thinking models again and again",
    ),
    Shape(
        "gemini prompt blocked, no candidates",
        {"candidates": [], "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": _SPENT},
        PermissionDenied,
        "documentation of safety settings",
    ),
    Shape(
        "gemini nothing but usage", {"usageMetadata": _SPENT, "modelVersion": "m"}, BadPayload, "reported of previews"
    ),
]

_HALVES = [_gemini({"text": "Half "}, finish=None), _gemini({"text": "an answer"})]
_OVERLOADED = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}

_GEMINI_EVENTS: Mapping[str, tuple[list[dict[str, Any]], Due | type[ProviderError]]] = {
    "usage first and last": ([{"usageMetadata": {"promptTokenCount": 1}}, *_HALVES], _TOLD),
    "usage after the end": ([*_HALVES, {"usageMetadata": _SPENT, "modelVersion": "m"}], _TOLD),
    "end without content": (
        [*_HALVES[:1], {"candidates": [{"finishReason": "MAX_TOKENS", "index": 0}], "usageMetadata": _SPENT}],
        Due("Half ", finish="length", tokens=(5, 3)),
    ),
    "two candidates in turn": (
        [
            _gemini({"text": "A"}, finish=None),
            _gemini({"text": "B"}, finish=None, index=1),
            _gemini({"text": "B"}, index=1),
            _gemini({"text": "a"}),
        ],
        Due("Aa", tokens=(5, 3)),
    ),
    "unspecified until the end": ([_gemini({"text": "Half "}, finish="FINISH_REASON_UNSPECIFIED"), _HALVES[1]], _TOLD),
    "end by number": (
        [_HALVES[0], _gemini({"text": "an answer"}, finish=2)],
        Due("Half an answer", finish="length", tokens=(5, 3)),
    ),
    "two calls without ids": (
        [_gemini(_ASKED, finish=None), _gemini(_ASKED)],
        Due(calls=CALLED * 2, finish="tool_calls", tokens=(5, 3)),
    ),
    "blocked midway": (
        [_HALVES[0], {"promptFeedback": {"blockReason": "OTHER"}, "usageMetadata": _SPENT, "modelVersion": "m"}],
        Due("Half ", finish="content_filter", tokens=(5, 3)),
    ),
    "overloaded midway": ([_HALVES[0], _OVERLOADED], ServerError),
    "malformed call": ([{"candidates": [{"finishReason": "MALFORMED_FUNCTION_CALL"}]}], BadPayload),
    "cut": (_HALVES[:1], ConnectionFailed),
}
_STREAMED = URLS["gemini"].replace(":generate", ":streamGenerate")
GEMINI_STREAMED = [
    shape
    for name, (events, due) in _GEMINI_EVENTS.items()
    for shape in (
        Shape(f"gemini {name}", events, due, "the same types, one per event", is_stream=True, url=_STREAMED),
        Shape(f"gemini {name}, in an array", events, due, "documentation: so without `alt=sse`", url=_STREAMED),
    )
]
