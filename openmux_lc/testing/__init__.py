"""Helpers for tests of programs that use this package: upstreams that misbehave.

Everything here runs on loopback with nothing but the standard library; the
pytest fixture is in `openmux_lc.testing.fixtures`.
"""

from __future__ import annotations

from openmux_lc.testing.behaviours import (
    Answer,
    Behaviour,
    Ending,
    ErrorWords,
    Fault,
    Flood,
    Received,
    Script,
)
from openmux_lc.testing.fake_upstream import FakeUpstream
from openmux_lc.testing.presets import (
    answer_with_tool,
    broken_sse,
    choices_null,
    context_overflow,
    cut,
    dropped,
    empty_answer,
    empty_body,
    endless,
    error_in_200,
    hanging,
    html_page,
    model_gone,
    out_of_quota,
    payment_required,
    rate_limited,
    rate_limited_epoch_ms,
    rate_limited_go_duration,
    rate_limited_http_date,
    server_error,
    slow,
    stalled,
    unauthorized,
    wrong_content_type,
)
from openmux_lc.types.run import ToolCall

__all__ = [
    "Answer",
    "Behaviour",
    "Ending",
    "ErrorWords",
    "FakeUpstream",
    "Fault",
    "Flood",
    "Received",
    "Script",
    "ToolCall",
    "answer_with_tool",
    "broken_sse",
    "choices_null",
    "context_overflow",
    "cut",
    "dropped",
    "empty_answer",
    "empty_body",
    "endless",
    "error_in_200",
    "hanging",
    "html_page",
    "model_gone",
    "out_of_quota",
    "payment_required",
    "rate_limited",
    "rate_limited_epoch_ms",
    "rate_limited_go_duration",
    "rate_limited_http_date",
    "server_error",
    "slow",
    "stalled",
    "unauthorized",
    "wrong_content_type",
]
