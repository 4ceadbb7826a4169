"""`openmux chat`: one question, its answer streamed to standard output.

Only the answer reaches standard output; reasoning and remarks go to standard error.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from openmux_lc.cli.guard import FAILED
from openmux_lc.cli.options import (
    ModelOption,
    OnBreakOption,
    ProfileOption,
    TaskOption,
    TextArgument,
    TimeoutOption,
    read_text,
    to_options,
)
from openmux_lc.cli.output import is_terminal, note, note_error, tell, tell_json
from openmux_lc.cli.pool import open_pool
from openmux_lc.cli.why import tell_report
from openmux_lc.errors import AllRoutesFailedError, NoRouteError
from openmux_lc.types.breaks import to_on_break
from openmux_lc.types.json import JsonObject
from openmux_lc.types.run import Answer, Message, Options, Request

if TYPE_CHECKING:
    from openmux_lc.mux import Mux

__all__ = ["chat"]


def chat(  # noqa: PLR0913, PLR0917 - one parameter for each option
    text: TextArgument,
    model: ModelOption = None,
    task: TaskOption = None,
    profile: ProfileOption = None,
    system: Annotated[str | None, typer.Option("--system", "-s", help="Instructions that stand before it.")] = None,
    timeout: TimeoutOption = None,
    on_break: OnBreakOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print answer and report as JSON, at the end.")] = False,
    why: Annotated[bool, typer.Option("--why", help="Say afterwards why this model answered.")] = False,
    no_stream: Annotated[bool, typer.Option("--no-stream", help="Wait for the whole answer.")] = False,
) -> None:
    """Answer a question with the best free model."""
    request = Request(messages=_messages(read_text(text), system))
    with open_pool() as mux:
        options = to_options(mux, models=model, task=task, profile=profile, timeout_s=timeout)
        if on_break is not None:
            options = replace(options, on_break=to_on_break("--on-break", on_break))
        if as_json:
            _print_json(mux, request, options)
            return
        report = _print_whole(mux, request, options) if no_stream else _print_stream(mux, request, options)
    if why:
        tell_report(report)
    elif is_terminal(sys.stderr):
        note(f"({report.get('route')})")


def _messages(text: str, system: str | None) -> tuple[Message, ...]:
    question: Message = {"role": "user", "content": text}
    return ({"role": "system", "content": system}, question) if system else (question,)


def _print_json(mux: Mux, request: Request, options: Options) -> None:
    """Print the answer with its report, or what kept it from coming.

    Raises:
        Exit: There is no answer.
    """
    from openmux_lc.engine.ask import ask  # `--help` does without

    try:
        asked = ask(mux, request, options)
    except (NoRouteError, AllRoutesFailedError) as error:
        told = {"type": type(error).__name__, "message": str(error), "retry_at": error.retry_at}
        tell_json({"answer": None, "error": told, "route": None})
        note_error(str(error))
        raise typer.Exit(FAILED) from None
    tell_json({"answer": asked.answer.text, **_beside(asked.answer), **asked.report})


def _beside(answer: Answer) -> JsonObject:
    return {"reasoning": answer.reasoning} if answer.reasoning else {}


def _print_whole(mux: Mux, request: Request, options: Options) -> JsonObject:
    from openmux_lc.engine.ask import ask  # `--help` does without

    asked = ask(mux, request, options)
    if asked.answer.reasoning:
        note(asked.answer.reasoning)
    tell(asked.answer.text)
    return asked.report


def _print_stream(mux: Mux, request: Request, options: Options) -> JsonObject:
    from openmux_lc.cli.flow import Flow  # loads the engine, which `--help` does without

    return Flow(mux, request, options).pour().report
