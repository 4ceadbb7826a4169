"""Workers AI at each model's own address."""

from typing import Any

from openmux_lc.errors import ConnectionFailed, EmptyAnswer, RateLimited, ServerError
from tests.providers.shapes.shape import CALLED, Due, Shape

_USED = {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}


def run(result: Any, **more: Any) -> dict[str, Any]:
    return {"result": result, "success": True, "errors": [], "messages": [], **more}


_ITEMS = [
    {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "Hm"}], "summary": []},
    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi", "annotations": []}]},
]
_ITEM_CALL = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a": 1}'}
_ITEMS_USED = {"input_tokens": 5, "output_tokens": 3, "total_tokens": 8}
_NO_ROOM = [{"code": 3040, "message": "AiError: Capacity temporarily exceeded, please try again."}]
_GPT_OSS = "documentation of gpt-oss: its own address answers in OpenAI's second protocol"
_CATALOGUE = "schemas of the models' pages"
CLOUDFLARE = [
    Shape(f"cloudflare {name}", body, due, known)
    for name, body, due, known in (
        (
            "items",
            run({"id": "r", "object": "response", "status": "completed", "output": _ITEMS, "usage": _ITEMS_USED}),
            Due("Hi", "Hm", tokens=(5, 3)),
            _GPT_OSS,
        ),
        (
            "items with a call",
            run({"object": "response", "output": [*_ITEMS[:1], _ITEM_CALL], "usage": _ITEMS_USED}),
            Due("", "Hm", CALLED, "tool_calls", (5, 3)),
            _GPT_OSS,
        ),
        (
            "items that failed",
            run(
                {
                    "object": "response",
                    "status": "failed",
                    "output": [],
                    "error": {"code": "server_error", "message": "x"},
                }
            ),
            ServerError,
            _GPT_OSS,
        ),
        (
            "items cut off",
            run(
                {
                    "object": "response",
                    "status": "incomplete",
                    "incomplete_details": {"reason": "max_output_tokens"},
                    "output": _ITEMS,
                    "usage": _ITEMS_USED,
                }
            ),
            Due("Hi", "Hm", (), "length", (5, 3)),
            _GPT_OSS,
        ),
        (
            "items of thoughts alone",
            run({"object": "response", "output": _ITEMS[:1], "usage": _ITEMS_USED}),
            EmptyAnswer,
            _GPT_OSS,
        ),
        (
            "choices",
            run(
                {
                    "choices": [
                        {"index": 0, "message": {"content": "Hi", "reasoning_content": "Hm"}, "finish_reason": "length"}
                    ],
                    "usage": _USED,
                }
            ),
            Due("Hi", "Hm", (), "length", (5, 3)),
            _CATALOGUE,
        ),
        (
            "no choices beside a response",
            run({"response": "Hi", "choices": [], "usage": _USED}),
            Due("Hi", tokens=(5, 3)),
            _CATALOGUE,
        ),
        (
            "list",
            run({"response": [1, 2], "usage": _USED}),
            Due("[1, 2]", tokens=(5, 3)),
            "JSON mode: a value, not its text",
        ),
        (
            "number",
            run({"response": 42, "usage": _USED}),
            Due("42", tokens=(5, 3)),
            "JSON mode: a value, not its text",
        ),
        (
            "null calls",
            run({"response": "Hi", "tool_calls": None, "usage": _USED}),
            Due("Hi", tokens=(5, 3)),
            _CATALOGUE,
        ),
        (
            "reason",
            run({"response": "Hi", "finish_reason": "length", "usage": _USED}),
            Due("Hi", finish="length", tokens=(5, 3)),
            _CATALOGUE,
        ),
        (
            "bare",
            {"response": "Hi", "usage": _USED},
            Due("Hi", tokens=(5, 3)),
            "the binding's own form, behind workers",
        ),
        ("failure under success", {"result": None, "success": False, "errors": _NO_ROOM}, ServerError, "the envelope"),
        (
            "errors alone",
            {"errors": [{"code": 3036, "message": "You have used up your daily free allocation of 10,000 neurons"}]},
            RateLimited,
            "the envelope",
        ),
    )
] + [
    Shape(f"cloudflare {name}", events, due, known, is_stream=True)
    for name, events, due, known in (
        ("errors in a stream", [{"response": "Hi"}, {"errors": _NO_ROOM}], ServerError, "the envelope"),
        (
            "numbers in a stream",
            [{"response": "The "}, {"response": 4}, {"response": 2}, {"response": "", "usage": _USED}, None],
            Due("The 42", tokens=(5, 3)),
            "reported: tokens that look like numbers are",
        ),
        (
            "nulls in a stream",
            [{"response": None}, {"response": "Hi"}, {"response": None, "usage": _USED}, None],
            Due("Hi", tokens=(5, 3)),
            _CATALOGUE,
        ),
        (
            "calls in a stream",
            [
                {"response": None, "tool_calls": [{"name": "f", "arguments": {"a": 1}}]},
                {"response": "", "usage": _USED},
                None,
            ],
            Due(calls=CALLED, finish="tool_calls", tokens=(5, 3)),
            _CATALOGUE,
        ),
        (
            "both in a stream",
            [
                {"response": "Hi", "choices": [{"index": 0, "delta": {"content": "Hi"}}]},
                {"response": "", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": _USED},
                None,
            ],
            Due("Hi", tokens=(5, 3)),
            _CATALOGUE,
        ),
        ("stream without its end", [{"response": "Hi"}], ConnectionFailed, "networks"),
    )
]
