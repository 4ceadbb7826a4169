"""The text tasks of Hugging Face's own inference."""

from typing import Any

from openmux_lc.errors import ConnectionFailed, InvalidRequest, ServerError
from tests.providers.shapes.shape import Due, Shape

_PIPELINE = "documentation of the task, and the pipelines of `transformers`"
_TGI = "the published types of the text-generation engine"


def _token(text: str, *, is_special: bool = False, **end: Any) -> dict[str, Any]:
    return {
        "index": 1,
        "token": {"id": 1, "text": text, "special": is_special},
        "generated_text": None,
        "details": None,
        **end,
    }


HUGGINGFACE = [
    Shape(f"huggingface {name}", body, due, known, quirks=frozenset({quirk}))
    for name, body, due, known, quirk in (
        ("object", {"generated_text": "Hi"}, Due("Hi"), _TGI, "text_generation"),
        ("list in a list", [[{"generated_text": "Hi"}]], Due("Hi"), "several inputs: one list each", "text_generation"),
        (
            "talk",
            [{"generated_text": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "Hi"}]}],
            Due("Hi"),
            _PIPELINE,
            "text_generation",
        ),
        (
            "old talk",
            {"conversation": {"generated_responses": ["Hi"]}, "generated_text": "Hi"},
            Due("Hi"),
            "the old task `conversational`",
            "text_generation",
        ),
        (
            "best of",
            [{"generated_text": "Hi", "details": {"finish_reason": "eos_token", "best_of_sequences": []}}],
            Due("Hi"),
            _TGI,
            "text_generation",
        ),
        ("summary", [{"summary_text": "Short"}], Due("Short"), _PIPELINE, "summarization"),
        ("translation", [{"translation_text": "Hallo"}], Due("Hallo"), _PIPELINE, "translation"),
        (
            "errors",
            {"error": ["`inputs` is too long", "x"], "warnings": ["y"]},
            ServerError,
            "recorded with another status",
            "text_generation",
        ),
        (
            "validation",
            {"error": "Input validation error", "error_type": "validation"},
            InvalidRequest,
            _TGI,
            "text_generation",
        ),
    )
] + [
    Shape(f"huggingface {name}", events, due, _TGI, is_stream=True, quirks=frozenset({"text_generation"}))
    for name, events, due in (
        (
            "special end",
            [
                _token("H"),
                _token("i"),
                _token(
                    "</s>",
                    is_special=True,
                    generated_text="Hi",
                    details={"finish_reason": "eos_token", "generated_tokens": 3},
                ),
            ],
            Due("Hi"),
        ),
        (
            "counted",
            [
                _token("H"),
                _token(
                    "i",
                    generated_text="Hi",
                    details={"finish_reason": "length", "generated_tokens": 2, "input_length": 4},
                ),
            ],
            Due("Hi", finish="length", tokens=(4, 2)),
        ),
        ("no details", [_token("H"), _token("i", generated_text="Hi")], Due("Hi")),
        ("end mark", [_token("H"), _token("i", generated_text="Hi"), None], Due("Hi")),
        (
            "failing midway",
            [
                _token("H"),
                {"error": "Request failed during generation: Server error: CUDA", "error_type": "generation"},
            ],
            ServerError,
        ),
        ("tokens cut", [_token("H"), _token("i")], ConnectionFailed),
    )
]
