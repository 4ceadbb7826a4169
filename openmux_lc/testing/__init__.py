"""Helpers for tests of programs that use this package: upstreams that misbehave.

`FakeUpstream` is a real HTTP server on loopback. What it does is a script: a behaviour
(`Answer`, `Fault`, `Flood`, or a preset such as `rate_limited` and `cut`), several of
them in order, or a function of the request. `chaos` is a script by a seed,
`provider_fault` and `rate_limited_like` play the errors and limits of real hosts. The
path of a request tells the dialect. Nothing but the standard library is needed; the
pytest fixtures are in `openmux_lc.testing.fixtures`.
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
from openmux_lc.testing.clock import (
    clock_skew,
)
from openmux_lc.testing.dialects.doors import chat_dialects, dialect_names
from openmux_lc.testing.dice import (
    MISBEHAVIOURS,
    WEIGHTS,
    Chaos,
    Played,
    chaos,
    misbehaviour,
    replayed,
)
from openmux_lc.testing.fake_upstream import (
    FakeUpstream,
)
from openmux_lc.testing.faults import ProviderFault, fault_providers, faults_of, provider_fault, rate_limited_like
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
    not_found_all,
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
    whitespace_stream,
    wrong_content_type,
    wrong_model,
)
from openmux_lc.testing.prose import (
    PROSE,
    Prose,
    tool_call_as_prose,
)
from openmux_lc.types.run import ToolCall

__all__ = [
    "MISBEHAVIOURS",
    "PROSE",
    "WEIGHTS",
    "Answer",
    "Behaviour",
    "Chaos",
    "Ending",
    "ErrorWords",
    "FakeUpstream",
    "Fault",
    "Flood",
    "Played",
    "Prose",
    "ProviderFault",
    "Received",
    "Script",
    "ToolCall",
    "answer_with_tool",
    "broken_sse",
    "chaos",
    "chat_dialects",
    "choices_null",
    "clock_skew",
    "context_overflow",
    "cut",
    "dialect_names",
    "dropped",
    "empty_answer",
    "empty_body",
    "endless",
    "error_in_200",
    "fault_providers",
    "faults_of",
    "hanging",
    "html_page",
    "misbehaviour",
    "model_gone",
    "not_found_all",
    "out_of_quota",
    "payment_required",
    "provider_fault",
    "rate_limited",
    "rate_limited_epoch_ms",
    "rate_limited_go_duration",
    "rate_limited_http_date",
    "rate_limited_like",
    "replayed",
    "server_error",
    "slow",
    "stalled",
    "tool_call_as_prose",
    "unauthorized",
    "whitespace_stream",
    "wrong_content_type",
    "wrong_model",
]
