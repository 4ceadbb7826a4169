"""Wires the commands together; each lives in a module of its own.

Help is plain text: drawing it would load rich, which costs more than all the rest.
"""

from __future__ import annotations

from typing import Annotated, Final

import typer

from openmux_lc._version import __version__
from openmux_lc.cli.chat import chat
from openmux_lc.cli.classify import classify
from openmux_lc.cli.config import config
from openmux_lc.cli.cooldowns import cooldowns
from openmux_lc.cli.demo import demo
from openmux_lc.cli.doctor import doctor
from openmux_lc.cli.embed import embed
from openmux_lc.cli.explain import explain, recommend
from openmux_lc.cli.guard import guarded
from openmux_lc.cli.init import init
from openmux_lc.cli.interactive import converse
from openmux_lc.cli.models import models
from openmux_lc.cli.providers import providers
from openmux_lc.cli.quota import quota
from openmux_lc.cli.runs import report, runs

__all__ = ["app"]

_COMMANDS: Final = (
    chat,
    models,
    providers,
    doctor,
    init,
    demo,
    classify,
    explain,
    recommend,
    embed,
    quota,
    runs,
    report,
)

app = typer.Typer(
    name="openmux",
    help="Good answers from free models: the best one there is now, and the next one when it fails.",
    epilog="Without a command: a conversation. First steps: openmux demo, openmux doctor, openmux init.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"openmux-lc {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
@guarded
def openmux(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback has printed it
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Start a conversation where no command is named."""
    if context.invoked_subcommand is None:
        converse()


for _command in _COMMANDS:
    app.command(_command.__name__)(guarded(_command))
app.add_typer(config)
app.add_typer(cooldowns)
