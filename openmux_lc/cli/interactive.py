"""Bare `openmux`: a conversation on the terminal, with a history file.

The conversation lives in memory alone; only what was typed goes into the history,
which is the user's own file.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from openmux_lc.cli.guard import WRONG_USAGE
from openmux_lc.cli.options import to_task
from openmux_lc.cli.output import is_terminal, note, note_error, tell
from openmux_lc.cli.pool import open_pool
from openmux_lc.cli.why import tell_report
from openmux_lc.errors import OpenMuxError
from openmux_lc.folders import state_folder
from openmux_lc.types.json import JsonObject, as_text
from openmux_lc.types.run import Message, Options, Request

if TYPE_CHECKING:
    from openmux_lc.cli.flow import Flow
    from openmux_lc.mux import Mux

__all__ = ["Conversation", "converse"]

_HISTORY_LINES: Final = 1000
_KEPT_MESSAGES: Final = 400
_PROMPT: Final = "> "
_WELCOME: Final = "Ask anything. /help lists the commands; Ctrl-C stops an answer, Ctrl-D leaves."
_ELSEWHERE: Final = """\
`openmux` alone is a conversation and needs a terminal. Without one:
  openmux chat "your question"      one answer
  ... | openmux chat -              the question from standard input
  openmux --help                    everything else"""


def converse() -> None:
    """Talk until Ctrl-D; without a terminal say what to type instead.

    Raises:
        Exit: Standard input is no terminal.
    """
    if not is_terminal(sys.stdin):
        note(_ELSEWHERE)
        raise typer.Exit(WRONG_USAGE)
    with open_pool() as mux, _history(state_folder() / "history"):
        note(_WELCOME)
        _loop(Conversation(mux))


def _loop(conversation: Conversation) -> None:
    while True:
        try:
            line = input(_PROMPT).strip()
        except EOFError:
            note()
            return
        except KeyboardInterrupt:
            note()
            continue
        try:
            if line and not conversation.take(line):
                return
        except OpenMuxError as error:
            note_error(str(error))
        except KeyboardInterrupt:
            note("\n(stopped)")


class Conversation:
    """What was said so far, and how the next question is to be answered.

    Args:
        mux: The pool that answers.
    """

    def __init__(self, mux: Mux) -> None:
        """Begin with nothing said."""
        self.messages: tuple[Message, ...] = ()
        self.options: Options = mux.default_options()
        self._mux = mux
        self._report: JsonObject = {}

    def take(self, line: str) -> bool:
        """Answer a question or follow a command; False means that the user leaves.

        Raises:
            OpenMuxError: There is no answer; the question is then forgotten.
        """
        if not line.startswith("/"):
            self._answer(line)
            return True
        word, _, rest = line[1:].partition(" ")
        command = _COMMANDS.get(word)
        if command is None:
            note_error(f"no command /{word}; /help lists them")
            return True
        return command.act(self, rest.strip())

    def _answer(self, text: str) -> None:
        from openmux_lc.cli.flow import Flow  # loads the engine, which `--help` does without

        question: Message = {"role": "user", "content": text}
        request = Request(messages=(*self.messages, question))
        answered = as_text(self._report.get("route"))
        previous = self._mux.catalog.resolve(answered) if answered else None
        flow = Flow(self._mux, request, self.options, previous=previous)
        try:
            flow.pour()
        finally:
            self._keep(question, flow)

    def _keep(self, question: Message, flow: Flow) -> None:
        """Remember what the reader saw, also of an answer that was stopped."""
        self._report = flow.report or self._report
        if flow.text:
            answer: Message = {"role": "assistant", "content": flow.text}
            self.messages = (*self.messages, question, answer)[-_KEPT_MESSAGES:]

    def _help(self, _: str) -> bool:
        for name, command in _COMMANDS.items():
            tell(f"  /{name:<6} {command.about}")
        return True

    def _why(self, _: str) -> bool:
        if self._report:
            tell_report(self._report)
        else:
            note("nothing was asked yet")
        return True

    def _model(self, text: str) -> bool:
        if text:
            chain = tuple(text.split())
            self._mux.catalog.resolve_chain(chain)
            self.options = replace(self.options, chain=() if chain == ("auto",) else chain)
        note(f"model: {' '.join(self.options.chain) or 'auto'}")
        return True

    def _task(self, text: str) -> bool:
        if text:
            self.options = replace(self.options, task=None if text == "auto" else to_task(text))
        note(f"task: {self.options.task or 'auto'}")
        return True

    def _new(self, _: str) -> bool:
        self.messages, self._report = (), {}
        note("a new conversation")
        return True

    def _exit(self, _: str) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class _Command:
    about: str
    act: Callable[[Conversation, str], bool]


_COMMANDS: Final[Mapping[str, _Command]] = {
    "why": _Command("why the last answer came from where it did", Conversation._why),  # noqa: SLF001 - same module
    "model": _Command("ROUTE...: ask these from now on; `auto` for the best", Conversation._model),  # noqa: SLF001
    "task": _Command("TASK: what the next questions are; `auto` to find out", Conversation._task),  # noqa: SLF001
    "new": _Command("forget what was said", Conversation._new),  # noqa: SLF001
    "help": _Command("this list", Conversation._help),  # noqa: SLF001
    "exit": _Command("leave", Conversation._exit),  # noqa: SLF001
}


@contextlib.contextmanager
def _history(path: Path) -> Iterator[None]:
    """Give `input` its line editing, and keep what was typed in a private file."""
    try:
        import readline  # not on every platform
    except ImportError:
        yield
        return
    with contextlib.suppress(OSError):
        readline.read_history_file(path)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            readline.set_history_length(_HISTORY_LINES)
            readline.write_history_file(path)
