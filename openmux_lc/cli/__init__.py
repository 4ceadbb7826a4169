"""The command line `openmux`: one short module per command.

Answers go to standard output, everything else to standard error. No command loads
LangChain, LangGraph or LlamaIndex, and rich only where a terminal is written to.
"""

from __future__ import annotations

import sys

from openmux_lc._version import __version__

__all__ = ["main"]


def main() -> None:
    """Run `openmux` with the arguments of this process, and exit with its code."""
    if sys.argv[1:] == ["--version"]:
        print(f"openmux-lc {__version__}")  # noqa: T201 - spares a tenth of a second of typer
        return
    try:
        from openmux_lc.cli.app import app  # Ctrl-C while it loads is caught here
        from openmux_lc.cli.output import use_utf8

        use_utf8()
        app(prog_name="openmux")
    except KeyboardInterrupt:
        sys.exit(130)
